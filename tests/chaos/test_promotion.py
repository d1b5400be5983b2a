"""Does a promoted standby go on where the primary stood?"""

import time

from chaoslib.cluster import Cluster, wait_for

WORKERS = "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'velostream%%'"


def make_standby(scene):
    primary = scene.cluster
    standby = Cluster(scene.folder / "standby", primary.bindir)
    scene.clusters.append(standby)
    standby.folder.mkdir()
    standby.program(
        "pg_basebackup", "-h", primary.socket, "-U", "postgres", "-D", standby.data, "-R",
        "-X", "stream", "-c", "fast",
    )  # fmt: skip
    # Later lines win over those that came with the backup.
    standby.configure()
    standby.start()
    return standby


def wait_replayed(primary, standby):
    lsn = primary.ask("SELECT pg_current_wal_lsn()::text")[0][0]
    wait_for(
        "the standby has replayed",
        lambda: standby.ask("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", lsn)[0][0],
        60,
    )


def test_promotion(scene):
    """The primary is killed and may have committed more than the standby got: what the
    standby has is the truth then, and it has to be consistent in itself."""
    scene.wait_busy()
    primary, standby = scene.cluster, make_standby(scene)
    wait_replayed(primary, standby)
    assert standby.ask(WORKERS)[0][0] == 0, "nothing runs on a standby"
    before = {name: row for name, *row in standby.ask("SELECT job_id, commits FROM velo.task")}

    primary.kill_postmaster()
    standby.ask("SELECT pg_promote()")
    promoted_at = time.monotonic()
    scene.producers.cluster = scene.cluster = scene.series.cluster = standby
    scene.series.begin_life()
    scene.wait_commits_after(scene.state())
    after = {name: row for name, *row in standby.ask("SELECT job_id, commits FROM velo.task")}
    assert all(after[job][0] > before[job][0] for job in before)
    scene.say(f"jobs ran {time.monotonic() - promoted_at:.1f} s after promotion")
    scene.assert_exact()
