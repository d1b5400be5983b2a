"""A cluster of its own for each file of these tests, with producers and jobs at work."""

import os
import pathlib
import shutil
import sys

import pytest

HERE = pathlib.Path(__file__).parent
for folder in (HERE, HERE.parent / "kafka"):
    sys.path.insert(0, str(folder))

from chaoslib.kafka_scene import KafkaScene  # noqa: E402
from chaoslib.scene import Scene  # noqa: E402


@pytest.fixture
def kafka_scene(tmp_path):
    """The same with a broker, and jobs that read it and write to it."""
    yield from _scene(tmp_path, KafkaScene)


@pytest.fixture
def scene(tmp_path):
    """Ends as it should: producers stopped, cluster gone, its folder kept if the test failed."""
    yield from _scene(tmp_path, Scene)


def _scene(tmp_path, kind):
    prefix = os.environ.get("VELO_PREFIX")
    if not prefix:
        pytest.skip("VELO_PREFIX is not set")
    scene = kind(tmp_path, pathlib.Path(prefix) / "bin", seed="short")
    try:
        yield scene
        shutil.rmtree(scene.cluster.data, ignore_errors=True)
    finally:
        scene.destroy()
