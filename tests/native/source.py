"""A native source driven by hand, the way a job's worker drives it."""


class Source:
    def __init__(self, session, stream, **start):
        self.session, self.stream = session, stream
        names = "".join(f', "{name}" => %({name})s' for name in start)
        self.handle = session.execute(
            f"SELECT probe.source_open(%(stream)s{names})", {"stream": stream, **start}
        ).fetchone()[0]

    def batch(self, max_rows=2_000_000_000, pause_ms=0):
        """Rows of one batch: (seq, appended_at, event_time, is_tombstone, key, values).

        pause_ms: how long to dally between taking the snapshot and reading.
        """
        return self.session.execute(
            "SELECT * FROM probe.source_batch(%s, %s, %s)", (self.handle, max_rows, pause_ms)
        ).fetchall()

    def state(self):
        """(position, watermark limit or None, is_ended, lag)"""
        return self.session.execute(
            "SELECT position, CASE WHEN isfinite(watermark_limit) THEN watermark_limit END, "
            "is_ended, lag FROM probe.source_state(%s)",
            (self.handle,),
        ).fetchone()

    def position(self):
        return self.state()[0]

    def limit(self):
        return self.state()[1]

    def close(self):
        self.session.execute("SELECT probe.source_close(%s)", (self.handle,))

    def read_all(self, max_rows=2_000_000_000):
        rows = []
        while True:
            got = self.batch(max_rows)
            rows += got
            if not got:
                return rows
