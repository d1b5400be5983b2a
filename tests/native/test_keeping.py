"""Does maintenance get by without blocking writers, and does a dump keep streams?"""

import threading
import time

import psycopg
import pytest
from source import Source


def test_expiry_does_not_block_writers(connect, session, stream):
    session.execute(
        f"CREATE TABLE velo_storage.{stream}_old PARTITION OF velo_storage.{stream}_rows "
        "FOR VALUES FROM ('2001-01-01') TO ('2001-01-02')"
    )
    session.execute(
        f"INSERT INTO velo_storage.{stream}_rows (_timestamp, writer) VALUES ('2001-01-01', 1)"
    )
    open_writer = connect(autocommit=False)
    open_writer.execute(f"INSERT INTO {stream} VALUES (1, 'open')")

    maintainer = connect()
    slowest, stop = [0.0], threading.Event()

    def write():
        writer = connect()
        while not stop.is_set():
            began = time.monotonic()
            writer.execute(f"INSERT INTO {stream} VALUES (2, 'x')")
            slowest[0] = max(slowest[0], time.monotonic() - began)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for _ in range(5):
            result = maintainer.execute(
                "SELECT dropped, is_waiting FROM velo.stream_maintain(%s)", (stream,)
            ).fetchone()
            assert result == (0, True)
    finally:
        stop.set()
        thread.join()
    assert slowest[0] < 0.5, f"a writer waited {slowest[0]:.3f} s"
    open_writer.commit()
    deadline = time.monotonic() + 10
    while maintainer.execute(
        "SELECT dropped FROM velo.stream_maintain(%s)", (stream,)
    ).fetchone() != (1,):
        assert time.monotonic() < deadline
    assert session.execute(f"SELECT count(*) FROM {stream} WHERE value IS NULL").fetchone() == (0,)


def test_extending_does_not_wait_for_readers(connect, session, stream):
    reader = connect(autocommit=False)
    reader.execute(f"SELECT count(*) FROM {stream}")
    began = time.monotonic()
    created, is_waiting = session.execute(
        "SELECT created, is_waiting FROM velo._native_extend(%s, 604800000, now() + '10 days')",
        (f"velo_storage.{stream}_rows",),
    ).fetchone()
    assert (created, is_waiting) == (0, True)
    assert time.monotonic() - began < 1
    reader.commit()
    assert session.execute(
        "SELECT is_waiting FROM velo._native_extend(%s, 604800000, now() + '10 days')",
        (f"velo_storage.{stream}_rows",),
    ).fetchone() == (False,)


def test_dump_and_restore(server, connect, session, stream, dbname):
    for i in range(3):
        session.execute(f"INSERT INTO {stream} VALUES (%s, 'kept')", (i,))
    # Later rows have later transactions, but a restored one does not know ours.
    dump = server.program("pg_dump", "--exclude-schema=probe", dbname).stdout
    copy = f"{dbname}_copy"
    with server.connect() as admin:
        admin.execute(f'DROP DATABASE IF EXISTS "{copy}" WITH (FORCE)')
        admin.execute(f'CREATE DATABASE "{copy}"')
    try:
        server.program("psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-d", copy, input=dump)
        functions = session.execute(
            "SELECT string_agg(pg_get_functiondef(oid), '; ') FROM pg_proc "
            "WHERE pronamespace = 'probe'::regnamespace"
        ).fetchone()[0]
        with server.connect(copy) as restored:
            restored.execute("CREATE SCHEMA probe")
            restored.execute(functions)
            check_restored(restored, stream, server, copy)
    finally:
        with server.connect() as admin:
            admin.execute(f'DROP DATABASE IF EXISTS "{copy}" WITH (FORCE)')


def check_restored(restored, stream, server, copy):
    # As if it came from a cluster whose transactions are far ahead of ours.
    restored.execute("UPDATE velo.stream SET is_restored = true")
    restored.execute(f"UPDATE velo_storage.{stream}_rows SET _xid = '77000000000'")
    assert restored.execute(f"SELECT count(*) FROM {stream}").fetchone() == (3,)
    restored.execute(f"INSERT INTO {stream} VALUES (3, 'new')")

    other = server.connect(copy)
    second = []
    with restored.transaction():
        first = Source(restored, stream)
        assert first.batch() == []  # renewed by this transaction, which is still open
        # A second reader waits for the first and then reads all the same.
        thread = threading.Thread(target=lambda: second.append(Source(other, stream).read_all()))
        thread.start()
        time.sleep(0.2)
    thread.join()
    other.close()
    for rows in (first.read_all(), second[0]):
        assert sorted(row[5][0] for row in rows) == ["0", "1", "2", "3"]
    assert restored.execute(
        "SELECT is_restored FROM velo.stream WHERE relation = %s::regclass", (stream,)
    ).fetchone() == (False,)
    restored.execute(f"INSERT INTO {stream} VALUES (4, 'new')")
    rows = first.batch()
    assert [row[5][0] for row in rows] == ["4"]
    assert rows[0][0] > 4, "numbers go on behind the restored ones"


def test_columns_of_many_types_survive(session):
    """Toasted, short, null and fixed values come as they were written."""
    session.execute(
        "CREATE TABLE wide_columns (a int, b text, c text, d numeric, e jsonb, f char(3))"
    )
    session.execute("SELECT probe.native_create('public', 'wide', 'wide_columns')")
    rows = [
        (1, "x" * 100_000, "short", "1.5", '{"a": 1}', "ab"),
        (2, None, "y" * 2000, None, None, None),
        (
            3,
            "".join(chr(33 + i % 90) for i in range(30_000)),
            "",
            "12345678901234567890.5",
            "[]",
            "abc",
        ),
    ]
    for row in rows:
        session.execute("INSERT INTO wide VALUES (%s, %s, %s, %s, %s, %s)", row)
    source = Source(session, "wide")
    got = [row[5] for row in source.read_all()]
    expected = [
        list(row)
        for row in session.execute(
            "SELECT a::text, b, c, d::text, e::text, rpad(f, 3) FROM wide ORDER BY a"
        ).fetchall()
    ]
    assert got == expected


@pytest.mark.parametrize("kind", ["DELETE FROM {s}", "UPDATE {s} SET writer = 1", "TRUNCATE {s}"])
def test_streams_are_append_only(session, stream, kind):
    with pytest.raises(psycopg.errors.FeatureNotSupported):
        session.execute(kind.format(s=stream))
