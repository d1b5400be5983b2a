"""Does every committed row come out exactly once, whoever is killed when?

A short series with a fixed seed; `make chaos` runs long ones.
"""


def test_kills(scene):
    series = scene.series
    series.kill_randomly(2)
    series.kill_at_points(1, choose=12)
    lost, doubled, faults = scene.judge()
    faults += series.faults()
    series.report_kills()
    print(f"kills {len(series.kills)} lost {lost} doubled {doubled}")
    assert len(series.kills) >= 15
    assert (lost, doubled, faults) == (0, 0, [])
