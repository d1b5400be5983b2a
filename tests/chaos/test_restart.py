"""Does a clean restart under load lose or repeat anything?"""

def test_restart(scene):
    for _ in range(3):
        scene.wait_busy()
        scene.cluster.stop()
        assert not scene.cluster.is_running()
        scene.cluster.start()
        scene.series.begin_life()
    scene.wait_busy()
    assert all(n > 0 for commits in scene.series.lives.values() for n in commits)
    assert not scene.cluster.had_crash()
    scene.assert_exact()
