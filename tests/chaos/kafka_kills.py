#!/usr/bin/env python3
"""Kills what stands between Kafka and the jobs again and again, and counts what was lost.

    make chaos                        20 random kills a victim and sink, 3 a test point
    make chaos SEED=7 KILLS=50 POINTS=0 BROKERS=3

The last line is "kills N lost 0 doubled 0".  Otherwise the exit code is 1 and the
cluster's folder stays for inspection.
"""

import os
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
for folder in (HERE, HERE.parent / "kafka"):
    sys.path.insert(0, str(folder))
sys.dont_write_bytecode = True

import kills  # noqa: E402
from chaoslib.kafka_scene import KafkaScene  # noqa: E402


def scene(*arguments):
    return KafkaScene(*arguments, brokers=int(os.environ.get("BROKERS") or 1))


if __name__ == "__main__":
    sys.exit(kills.main(scene))
