"""Do open transactions hold back exactly what they must, and do commits wake readers?"""

import threading
import time

import pytest
from source import Source


def second_stream(session, name):
    session.execute(f"CREATE TABLE {name}_columns (writer integer, value text)")
    session.execute("SELECT probe.native_create('public', %s, %s)", (name, f"{name}_columns"))
    return name


def limit_after_batch(source):
    source.batch()
    return source.limit()


def append_time(session, stream):
    return session.execute(f"SELECT max(_timestamp) FROM velo_storage.{stream}_rows").fetchone()[0]


def clock(session):
    return session.execute("SELECT clock_timestamp()").fetchone()[0]


def test_open_writer_holds_its_own_stream_only(connect, session, stream):
    other = second_stream(session, "not_written")
    writer = connect(autocommit=False)
    writer.execute(f"INSERT INTO {stream} VALUES (1, 'open')")
    since = append_time(writer, stream)
    held, free = Source(session, stream), Source(session, other)
    for _ in range(2):
        now = clock(session)
        assert limit_after_batch(held) <= since
        assert limit_after_batch(free) >= now
    writer.commit()
    now = clock(session)
    rows = held.batch()
    assert [row[1] for row in rows] == [since]
    assert held.limit() >= now


def test_commit_between_snapshot_and_batch(connect, session, stream):
    """Whoever commits after the snapshot was taken is neither in it nor open any more."""
    writer = connect(autocommit=False)
    writer.execute(f"INSERT INTO {stream} VALUES (1, 'x')")
    since = append_time(writer, stream)
    source = Source(connect(), stream)
    rows = []
    reader = threading.Thread(target=lambda: rows.extend(source.batch(pause_ms=500)))
    reader.start()
    time.sleep(0.25)
    writer.commit()
    reader.join()
    assert rows == []
    assert source.limit() <= since
    assert [row[1] for row in source.batch()] == [since]


def test_rollback_and_exit_release(connect, session, stream):
    source = Source(session, stream)
    for end in ("rollback", "close"):
        writer = connect(autocommit=False)
        writer.execute(f"INSERT INTO {stream} VALUES (1, 'x')")
        getattr(writer, end)()
        deadline = time.monotonic() + 10
        while True:
            now = clock(session)
            if limit_after_batch(source) >= now:
                break
            assert time.monotonic() < deadline, f"still held after {end}"


def test_reading_in_a_difference_promises_its_begin(session, stream):
    """Rows of one difference come by transaction, so its end is promised only when read."""
    source = Source(session, stream)
    first = limit_after_batch(source)
    for i in range(5):
        session.execute(f"INSERT INTO {stream} VALUES (%s, 'x')", (i,))
    assert len(source.batch(2)) == 2
    assert source.limit() < append_time(session, stream)
    assert source.limit() >= first
    source.read_all()
    assert source.limit() > append_time(session, stream)


def test_nine_streams_in_a_transaction(connect, session):
    names = [second_stream(session, f"many_{i}") for i in range(12)]
    writer = connect(autocommit=False)
    for name in names:
        writer.execute(f"INSERT INTO {name} VALUES (1, 'x')")
    sources = [Source(session, name) for name in names]
    for source, name in zip(sources, names, strict=True):
        assert limit_after_batch(source) <= append_time(writer, name)
    writer.commit()
    for source in sources:
        now = clock(session)
        assert len(source.batch()) == 1
        assert source.limit() >= now


@pytest.mark.usefixtures("allows_prepared")
def test_prepared_transaction_holds(connect, session, stream):
    writer = connect(autocommit=False)
    xid = writer.xid(1, f"{stream}", "b")
    writer.tpc_begin(xid)
    writer.execute(f"INSERT INTO {stream} VALUES (1, 'prepared')")
    since = append_time(writer, stream)
    writer.tpc_prepare()
    writer.close()
    source = Source(session, stream)
    assert source.batch() == []
    assert limit_after_batch(source) <= since
    committer = connect()
    committer.execute(f"COMMIT PREPARED '{str(xid)}'")
    now = clock(session)
    rows = source.batch()
    assert [row[1] for row in rows] == [since]
    assert source.limit() >= now


class Waiter(threading.Thread):
    def __init__(self, session, stream, timeout_ms):
        super().__init__()
        self.session, self.stream, self.timeout_ms = session, stream, timeout_ms
        self.pid = session.info.backend_pid
        self.start()

    def run(self):
        self.was_woken = self.session.execute(
            "SELECT probe.wake_wait(%s, %s)", (self.stream, self.timeout_ms)
        ).fetchone()[0]
        self.ended = time.monotonic()

    def until_waiting(self, session):
        deadline = time.monotonic() + 10
        while not session.execute(
            "SELECT wait_event_type = 'Extension' FROM pg_stat_activity WHERE pid = %s",
            (self.pid,),
        ).fetchone()[0]:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_commit_wakes_readers_of_that_stream(connect, session, stream):
    other = second_stream(session, "not_woken")
    waiter, sleeper = Waiter(connect(), stream, 20_000), Waiter(connect(), other, 1_000)
    waiter.until_waiting(session)
    sleeper.until_waiting(session)
    writer = connect(autocommit=False)
    writer.execute(f"INSERT INTO {stream} VALUES (1, 'x')")
    writer.rollback()
    writer.execute(f"INSERT INTO {stream} VALUES (1, 'x')")
    time.sleep(0.2)
    assert waiter.is_alive(), "woken before the commit"
    writer.commit()
    committed = time.monotonic()
    waiter.join()
    sleeper.join()
    assert waiter.was_woken
    assert waiter.ended - committed < 0.5
    assert not sleeper.was_woken


@pytest.mark.usefixtures("allows_prepared")
def test_commit_prepared_wakes_readers(connect, session, stream):
    writer = connect(autocommit=False)
    xid = writer.xid(1, stream, "b")
    writer.tpc_begin(xid)
    writer.execute(f"INSERT INTO {stream} VALUES (1, 'x')")
    writer.tpc_prepare()
    waiter = Waiter(connect(), stream, 20_000)
    waiter.until_waiting(session)
    writer.tpc_commit()
    waiter.join()
    assert waiter.was_woken
