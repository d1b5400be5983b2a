"""A cluster of its own for each file of these tests, with producers and jobs at work."""

import os
import pathlib
import shutil
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from chaoslib.scene import Scene


@pytest.fixture
def scene(tmp_path):
    """Ends as it should: producers stopped, cluster gone, its folder kept if the test failed."""
    prefix = os.environ.get("VELO_PREFIX")
    if not prefix:
        pytest.skip("VELO_PREFIX is not set")
    scene = Scene(tmp_path, pathlib.Path(prefix) / "bin", seed="short")
    try:
        yield scene
        shutil.rmtree(scene.cluster.data, ignore_errors=True)
    finally:
        scene.destroy()
