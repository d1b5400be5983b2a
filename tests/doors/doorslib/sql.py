"""SQL itself, by a driver."""

import psycopg
from doorslib.door import Door, Refused
from doorslib.world import PASSWORDS
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb


class SqlDoor(Door):
    name = "sql"

    def __init__(self, cluster):
        self.cluster = cluster
        self.sessions = {}

    def session(self, role):
        if role not in self.sessions:
            self.sessions[role] = psycopg.connect(
                host="127.0.0.1",
                port=self.cluster.port,
                user=role,
                password=PASSWORDS[role],
                dbname="postgres",
                autocommit=True,
                row_factory=dict_row,
            )
        return self.sessions[role]

    def call(self, role, function, **arguments):
        values = {
            name: Jsonb(value) if isinstance(value, dict) else value
            for name, value in arguments.items()
        }
        given = ", ".join(f"{name} => %({name})s" for name in arguments)
        # Whether a function gives rows or one value can be seen from what it is.
        one = f"SELECT velo.{function}({given}) AS value"
        try:
            session = self.session(role)
            if self.gives_rows(session, function):
                return session.execute(f"SELECT * FROM velo.{function}({given})", values).fetchall()
            return session.execute(one, values).fetchone()["value"]
        except psycopg.Error as error:
            raise Refused(error.sqlstate, error.diag.message_primary) from error

    def tools(self, role):
        rows = self.session(role).execute("SELECT name FROM velo.tools").fetchall()
        return {row["name"] for row in rows}

    def gives_rows(self, session, function):
        found = session.execute(
            "SELECT proretset FROM pg_proc WHERE proname = %s AND pronamespace = 'velo'::regnamespace",
            [function],
        ).fetchone()
        return found["proretset"]

    def close(self):
        for session in self.sessions.values():
            session.close()


def open_door(cluster, tmp_path_factory):
    return SqlDoor(cluster)
