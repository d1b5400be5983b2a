"""Two users with streams and jobs of their own, an administrator, and a stranger."""

import secrets

from chaoslib.cluster import wait_for

ROLES = {
    "ann": "IN ROLE velo_user",
    "ben": "IN ROLE velo_user",
    "adm": "IN ROLE velo_admin",
    "eve": "",
    # The gateway's own: nothing but the right to connect.
    "gateway": "",
}
PASSWORDS = {role: secrets.token_hex(8) for role in ROLES}

OF_ONE = """
DO LANGUAGE velo $velo$
    CREATE STREAM app.{0}_rides (id bigint, zone text, card text) WITH ('type' = 'native');
    CREATE TABLE app.{0}_zones AS SELECT zone, count(*) AS n FROM app.{0}_rides
        GROUP BY zone EMIT CHANGES;
$velo$;
INSERT INTO app.{0}_rides VALUES (1, 'north', 'secret of {0}'), (2, 'south', 'secret of {0}');
"""


def make_world(cluster):
    with cluster.connect() as session:
        session.execute("CREATE SCHEMA app")
        session.execute("GRANT USAGE, CREATE ON SCHEMA app TO velo_user")
        for role, more in ROLES.items():
            session.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORDS[role]}' {more}")
        for role in ("ann", "ben"):
            session.execute(f"SET ROLE {role}")
            session.execute(OF_ONE.format(role))
            session.execute("RESET ROLE")
        # Ben may read what Ann's job makes, and one column of what it is made of.
        session.execute("GRANT SELECT ON app.ann_zones TO ben")
        session.execute("CREATE TABLE app.plain (id integer, salary integer)")
        session.execute("GRANT SELECT (id) ON app.plain TO ben")
        # Of the tools, one is for Ann only.
        query = "velo.query_rows(text, integer, interval, jsonb)"
        session.execute(f"REVOKE EXECUTE ON FUNCTION {query} FROM velo_user")
        session.execute(f"GRANT EXECUTE ON FUNCTION {query} TO ann, adm")
    wait_for(
        "both jobs have read what there is",
        lambda: cluster.ask("SELECT count(*) FROM velo.jobs WHERE records_in = 2") == [(2,)],
        60,
    )
