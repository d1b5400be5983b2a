"""Is every committed row of a native stream read exactly once, whoever writes how?"""

import random
import threading
import time

import pytest
from source import Source

SECONDS = 6
READ_AT_MOST = 3000


class Writer(threading.Thread):
    """Writes transactions of one kind until told to stop."""

    def __init__(self, connect, stream, number, transaction, stop):
        super().__init__()
        self.session = connect(autocommit=False)
        self.watcher = connect()
        self.stream, self.number, self.stop = stream, number, stop
        self.transaction = transaction
        self.random = random.Random(number)
        self.error = None

    def run(self):
        try:
            while not self.stop.is_set():
                self.transaction(self)
        except Exception as error:  # shown by the test
            self.error = error

    def insert(self, rows):
        self.session.execute(
            f"INSERT INTO {self.stream} SELECT %s, g::text FROM generate_series(1, %s) g",
            (self.number, rows),
        )


def short(writer):
    writer.insert(writer.random.randint(1, 5))
    writer.session.commit()


def long(writer):
    writer.insert(3)
    time.sleep(0.2)
    writer.insert(3)
    writer.session.commit()


def aborted(writer):
    writer.insert(writer.random.randint(1, 20))
    if writer.random.random() < 0.7:
        writer.session.rollback()
    else:
        writer.session.commit()


def savepoints(writer):
    writer.insert(2)
    for _ in range(3):
        try:
            with writer.session.transaction():
                writer.insert(2)
                if writer.random.random() < 0.5:
                    raise InterruptedError
        except InterruptedError:
            pass
    writer.insert(1)
    time.sleep(0.005)
    writer.session.commit()


def copied(writer):
    with writer.session.cursor().copy(f"COPY {writer.stream} FROM STDIN") as copy:
        for i in range(writer.random.randint(500, 4000)):
            copy.write_row((writer.number, str(i)))
    writer.session.commit()
    time.sleep(0.05)


def prepared(writer):
    """Two-phase: the transaction goes on without its session."""
    xid = writer.session.xid(1, f"{writer.stream}-{writer.number}-{time.monotonic_ns()}", "b")
    writer.session.tpc_begin(xid)
    writer.insert(4)
    writer.session.tpc_prepare()
    time.sleep(0.1)
    if writer.random.random() < 0.7:
        writer.session.tpc_commit()
    else:
        writer.session.tpc_rollback()


def other_tables(writer):
    """Takes transaction ids that have nothing to do with the stream."""
    writer.session.execute("SELECT pg_current_xact_id()")
    writer.session.commit()
    time.sleep(0.002)


def writers_of(connect, stream, kinds, stop):
    return [Writer(connect, stream, i, kind, stop) for i, kind in enumerate(kinds)]


def check_all_read(session, stream, read):
    stored = session.execute(f"SELECT _seq FROM velo_storage.{stream}_rows").fetchall()
    stored = [row[0] for row in stored]
    numbers = [row[0] for row in read]
    assert len(numbers) == len(set(numbers)), "rows were read twice"
    assert set(stored) == set(numbers), "rows were lost"
    return len(stored)


def run(connect, session, stream, kinds):
    stop = threading.Event()
    writers = writers_of(connect, stream, kinds, stop)
    reader = connect()
    source = Source(reader, stream)
    read, promised, batches = [], None, 0
    for writer in writers:
        writer.start()
    end = time.monotonic() + SECONDS
    while True:
        is_last = time.monotonic() > end
        if is_last:
            stop.set()
            for writer in writers:
                writer.join()
                assert writer.error is None, writer.error
        rows = source.read_all(READ_AT_MOST) if is_last else source.batch(READ_AT_MOST)
        batches += 1
        # What was promised before this batch holds for all its rows.
        if promised is not None:
            late = [row for row in rows if row[1] < promised]
            assert not late, f"{len(late)} rows are earlier than the promised {promised}"
        read += rows
        position, limit, _, _ = source.state()
        if limit is not None:
            promised = limit if promised is None else max(promised, limit)
        if is_last:
            break
        # As after a restart, from the position as committed.
        if batches % 7 == 0:
            source.close()
            source = Source(reader, stream, position=position)
        if len(rows) < READ_AT_MOST:
            time.sleep(0.01)
    count = check_all_read(session, stream, read)
    assert batches > 20
    return count, batches


def test_concurrent_writers(connect, session, stream, record_property):
    count, batches = run(
        connect,
        session,
        stream,
        [short, short, long, aborted, savepoints, copied, copied, other_tables],
    )
    record_property("rows", count)
    record_property("batches", batches)
    print(f"{count} rows in {batches} batches")
    assert count > 20_000


@pytest.mark.usefixtures("allows_prepared")
def test_prepared_transactions(connect, session, stream):
    count, batches = run(connect, session, stream, [prepared, prepared, short, long, savepoints])
    print(f"{count} rows in {batches} batches")


def test_two_readers_see_the_same(connect, session, stream):
    stop = threading.Event()
    writers = writers_of(connect, stream, [short, aborted, savepoints], stop)
    sources = [Source(connect(), stream), Source(connect(), stream)]
    read = [[], []]
    for writer in writers:
        writer.start()
    end = time.monotonic() + 2
    while time.monotonic() < end:
        for i, size in enumerate((7, 1000)):
            read[i] += sources[i].batch(size)
    stop.set()
    for writer in writers:
        writer.join()
        assert writer.error is None, writer.error
    for i in range(2):
        read[i] += sources[i].read_all()
        check_all_read(session, stream, read[i])


def test_large_copy_in_pieces(session, stream):
    with session.cursor().copy(f"COPY {stream} FROM STDIN") as copy:
        for i in range(100_000):
            copy.write_row((i, "x"))
    source = Source(session, stream)
    read, pieces = [], 0
    while rows := source.batch(7_777):
        assert len(rows) <= 7_777
        read += rows
        pieces += 1
        position = source.position()
        source.close()
        source = Source(session, stream, position=position)
    assert pieces == -(-100_000 // 7_777)
    assert [int(row[5][0]) for row in read] == list(range(100_000))


def test_open_load_is_passed_over(connect, session, stream):
    """A load that is still running does not slow its readers down."""
    loader = connect(autocommit=False)
    loader.execute(f"INSERT INTO {stream} SELECT g, 'x' FROM generate_series(1, 300000) g")
    source = Source(session, stream)
    assert source.batch() == []
    session.execute(f"INSERT INTO {stream} VALUES (1, 'after')")
    began = time.monotonic()
    for _ in range(20):
        source.batch()
    took = (time.monotonic() - began) / 20
    loader.commit()
    assert len(source.batch()) == 300_000
    # Walking over the open rows would take some 50 ms a batch.
    assert took < 0.02, f"{took * 1000:.1f} ms a batch"


def test_own_uncommitted_rows_come_after_commit(connect, stream):
    """A job that writes to what it reads meets its rows in a later batch."""
    session = connect(autocommit=False)
    source = Source(session, stream)
    session.commit()
    session.execute(f"INSERT INTO {stream} VALUES (1, 'own')")
    # A later transaction that has ended makes the snapshot reach beyond ours.
    connect().execute("SELECT pg_current_xact_id()")
    assert source.batch() == []
    session.commit()
    assert [row[5] for row in source.batch()] == [["1", "own"]]
    session.commit()
    assert source.batch() == []
