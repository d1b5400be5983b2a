#!/usr/bin/env python3
"""Kills job workers and the postmaster again and again, and counts what was lost.

    make chaos                        20 random kills a victim and sink, 3 a test point
    make chaos SEED=7 KILLS=50 POINTS=0

The last line is "kills N lost 0 doubled 0".  Otherwise the exit code is 1 and the
cluster's folder stays for inspection.
"""

import os
import pathlib
import shutil
import signal
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.dont_write_bytecode = True

from chaoslib.scene import Scene  # noqa: E402


def say(text):
    print(text, flush=True)


def run(scene, kills, points):
    series = scene.series
    series.kill_randomly(kills)
    series.kill_at_points(points)
    lost, doubled, faults = scene.judge()
    faults += series.faults()
    series.report_kills()
    faults += series.missing(points)
    for fault in faults:
        say(f"fault: {fault}")
    return len(series.kills), lost, doubled, faults


def main(make_scene=Scene):
    """make_scene: Scene, or what is like it."""
    # The cluster must not stay behind when we are told to end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    seed = os.environ.get("SEED") or "1"
    kills = int(os.environ.get("KILLS") or 20)
    points = int(os.environ.get("POINTS") or 3)
    folder = pathlib.Path(
        tempfile.mkdtemp(prefix="chaos-", dir=os.environ.get("VELO_LOG") or os.environ["VELO_HOME"])
    )
    say(f"seed {seed}: {kills} random kills a victim and sink, {points} a test point; cluster in {folder}")
    began = time.monotonic()
    scene = make_scene(folder, pathlib.Path(os.environ["VELO_PREFIX"]) / "bin", seed, say)
    ok = False
    try:
        n, lost, doubled, faults = run(scene, kills, points)
        ok = not (lost or doubled or faults)
        say(f"{time.monotonic() - began:.0f} s, seed {seed}")
        say(f"kills {n} lost {lost} doubled {doubled}")
    finally:
        scene.destroy()
        if ok:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            say(f"the cluster is in {folder}")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
