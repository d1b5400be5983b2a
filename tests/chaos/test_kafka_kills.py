"""Does every record get from and to Kafka exactly once, whoever is killed when?

A short series with a fixed seed; `make chaos` runs long ones.
"""

POINTS = [
    "outbox_written", "commit_done", "commit_by_sink_done", "kafka_produced",
    "kafka_control_produced", "kafka_about_to_commit", "kafka_committed", "kafka_produced_again",
]  # fmt: skip


def test_kafka_kills(kafka_scene):
    series = kafka_scene.series
    for victim, sink in [
        ("broker", "leading"), ("sleeper", "outbox"), ("network", "outbox"),
        ("worker", "table"), ("postmaster", "leading"),
    ]:  # fmt: skip
        series.kill_at_random(victim, sink)
        series.progress()
    series.kill_at_points(1, points=POINTS, choose=8)
    lost, doubled, faults = kafka_scene.judge()
    faults += series.faults()
    series.report_kills()
    print(f"kills {len(series.kills)} lost {lost} doubled {doubled}")
    assert len(series.kills) >= 13
    assert (lost, doubled, faults) == (0, 0, [])
