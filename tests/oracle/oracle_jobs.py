"""What tests do with jobs: run statements of the dialect and wait for conditions."""

from oracle_cluster import DEADLINE_S, wait_for
from psycopg import sql


class Jobs:
    def __init__(self, session, schema, watcher=None):
        """watcher: a superuser's session, if this session may not look at the catalog."""
        self.session, self.schema = session, schema
        self.watcher = watcher or session

    def create_schema(self):
        self.drop_schema()
        self.session.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(self.schema)))
        self.session.execute(
            sql.SQL("SET search_path = {}, public").format(sql.Identifier(self.schema))
        )

    def drop_schema(self):
        self.session.execute(
            sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(self.schema))
        )

    def velo(self, text):
        """Statements of the dialect."""
        self.session.execute("SELECT velo.execute(%s)", (text,))

    def execute(self, text, values=None):
        return self.session.execute(text, values)

    def rows(self, text, values=None):
        return self.session.execute(text, values).fetchall()

    def value(self, text, values=None):
        return self.session.execute(text, values).fetchone()[0]

    def watched(self, text, values):
        return self.watcher.execute(text, values).fetchone()[0]

    def status(self, name):
        """The job's state and all its counters as a dict, or None."""
        return self.watched(
            "SELECT (SELECT coalesce(to_jsonb(t), '{}') || to_jsonb(s) || to_jsonb(j) FROM velo.job j "
            "LEFT JOIN velo.task t ON t.job_id = j.job_id AND t.task = 0, "
            "velo.job_status(j.name) s WHERE j.name = %s)",
            (name,),
        )

    def wait(self, name, condition, what, deadline_s=DEADLINE_S, may_fail=False):
        """Waits until the job's status fulfils a condition; an error of the job is one here."""

        def is_so():
            status = self.status(name)
            assert status, f"there is no job {name}"
            if condition(status):
                return status
            assert may_fail or not status["last_error"], (
                f"job {name} failed: {status['last_sqlstate']} {status['last_error']}"
            )
            return None

        return wait_for(
            is_so, lambda: f"job {name}: {what}; it is {self.status(name)}", deadline_s
        )

    def wait_for_input(self, name, records, watermark=None, deadline_s=DEADLINE_S):
        """Waits until what became of so many records has been committed.

        Windows may close in a later commit than that of the record which passes their
        end; a watermark (timestamptz as text) waits for that too.
        """

        def is_so(status):
            return status.get("records_in", 0) >= records and (
                watermark is None
                or status["watermark"] is not None
                and self.watched(
                    "SELECT %s::timestamptz >= %s::timestamptz", (status["watermark"], watermark)
                )
            )

        return self.wait(name, is_so, f"{records} records read, watermark {watermark}", deadline_s)

    def wait_for_status(self, name, wanted, deadline_s=DEADLINE_S):
        return self.wait(
            name, lambda status: status["status"] == wanted, f"status {wanted}", deadline_s
        )

    def worker_pid(self, name):
        return self.watched(
            "SELECT l.pid FROM velo.job j, velo._job_live(j.job_id) l WHERE j.name = %s", (name,)
        )

    def dead_letters(self, name):
        names = [
            "record",
            "source_offset",
            "sqlstate",
            "operator",
            "error_class",
            "error_message",
            "event_time",
        ]
        rows = self.rows(
            f"SELECT {', '.join(names)} FROM velo.dead_letter WHERE job_id = "
            "(SELECT job_id FROM velo.job WHERE name = %s) ORDER BY id",
            (name,),
        )
        return [dict(zip(names, row, strict=True)) for row in rows]
