"""Each role sees what is its own, and the same through every door."""

import json

import pytest
from chaoslib.cluster import wait_for
from doorslib import Refused

# role: streams, relations besides, jobs, tools
SEES = {
    "ann": ({"ann_rides", "ann_zones"}, set(), {"ann_zones"},
            {"list_streams", "describe_stream", "query_stream", "validate_sql"}),
    "ben": ({"ben_rides", "ben_zones", "ann_zones"}, {"plain"}, {"ben_zones"},
            {"list_streams", "describe_stream", "validate_sql"}),
    "adm": (set(), set(), {"ann_zones", "ben_zones"},
            {"list_streams", "describe_stream", "query_stream", "validate_sql"}),
}  # fmt: skip
USERS = sorted(SEES)

# Ways to become somebody else, or to let the gateway's word be forged.
FORGED = "v1.eyJpZCI6IjEiLCJhZGRyIjoiOS45LjkuOSIsInBpZCI6MX0." + "0" * 64
ESCAPES = [
    "SET ROLE ann",
    "SET SESSION AUTHORIZATION ann",
    "SET ROLE postgres",
    "SELECT set_config('role', 'ann', false)",
    "SELECT set_config('session_authorization', 'ann', false)",
    "ALTER ROLE ben SUPERUSER",
    "GRANT ann TO ben",
    "SELECT pg_read_file('postgresql.conf')",
    "SET velo.request_key_file = '/dev/null'",
    "SELECT current_setting('velo.request_key_file')",
    "INSERT INTO velo.route SELECT * FROM velo.route",
    "SELECT velo._route('GET', '/api/x', 'pg_catalog.pg_ls_dir(text)')",
]
# These are allowed and must gain nothing.
HARMLESS = [
    "RESET ROLE",
    "RESET SESSION AUTHORIZATION",
    "SET ROLE NONE",
    "DISCARD ALL",
    f"SET velo.request = '{FORGED}'",
    f"SELECT set_config('velo.request', '{FORGED}', false)",
    "SET search_path = velo, pg_temp",
]


@pytest.mark.parametrize("role", USERS)
def test_streams(door, role):
    assert door.streams(role) == SEES[role][0]


@pytest.mark.parametrize("role", USERS)
def test_relations_of_the_editor(door, role):
    seen = {r["name"] for r in door.call(role, "schema")["relations"] if r["schema"] == "app"}
    assert seen == SEES[role][0] | SEES[role][1]


def test_columns_that_are_granted(door):
    relations = door.call("ben", "schema")["relations"]
    columns = [r["columns"] for r in relations if r["name"] == "plain"]
    assert [[c["name"] for c in cs] for cs in columns] == [["id"]]
    described = door.call("ben", "stream_describe", name="app.plain")
    assert [c["name"] for c in described["columns"]] == ["id"]


@pytest.mark.parametrize("role", USERS)
def test_jobs(door, role):
    assert door.jobs(role) == SEES[role][2]


@pytest.mark.parametrize("role", USERS)
def test_one_job(door, role):
    for name in ("ann_zones", "ben_zones"):
        rows = status_of(door, role, name)
        assert [r["job_name"] for r in rows] == ([name] if name in SEES[role][2] else [])


def status_of(door, role, name):
    """No row is an empty list in SQL and "not found" elsewhere."""
    try:
        answer = door.call(role, "job_status", name=name)
    except Refused as refused:
        if refused.sqlstate == "P0002":
            return []
        raise
    return answer if isinstance(answer, list) else [answer]


@pytest.mark.parametrize("role", USERS)
def test_metrics(door, role):
    text = door.call(role, "metrics_text")
    for name in ("ann_zones", "ben_zones"):
        assert (f'velo_job_records_in_total{{job_name="{name}"}} 2' in text) == (
            name in SEES[role][2]
        )
        assert (name in text) == (name in SEES[role][2])


@pytest.mark.parametrize("role", USERS)
def test_described_streams(door, role):
    for name in ("ann_rides", "ann_zones", "ben_rides", "ben_zones"):
        if name in SEES[role][0]:
            described = door.call(role, "stream_describe", name=f"app.{name}")
            assert described["name"] == name
            # The job that writes it only for those who may see that.
            job = name if name.endswith("zones") and name in SEES[role][2] else None
            assert (described["job"] or {}).get("name") == job
        else:
            with pytest.raises(Refused) as refused:
                door.call(role, "stream_describe", name=f"app.{name}")
            assert refused.value.sqlstate == "42501"


def test_unknown_stream(door):
    with pytest.raises(Refused) as refused:
        door.call("ann", "stream_describe", name="app.nothing")
    assert refused.value.sqlstate == "42P01"


def test_others_jobs_cannot_be_controlled(door):
    for function in ("job_stop", "job_pause", "job_resume", "job_start"):
        with pytest.raises(Refused) as refused:
            door.call("ben", function, name="ann_zones")
        assert refused.value.sqlstate == "42501"
    assert status_of(door, "ann", "ann_zones")[0]["status"] == "running"


def test_own_jobs_can(door):
    door.call("ann", "job_pause", name="ann_zones")
    becomes(door, "ann_zones", "paused")
    door.call("ann", "job_resume", name="ann_zones")
    becomes(door, "ann_zones", "running")


def becomes(door, job, status):
    wait_for(
        f"{job} is {status}",
        lambda: status_of(door, "ann", job)[0]["status"] == status,
        30,
    )


@pytest.mark.parametrize("role", USERS)
def test_operations(door, role):
    # One tool's function is not for everybody, and neither is its route.
    has_query = "query_stream" in SEES[role][3]
    assert ("query_rows" in door.operations(role)) == has_query


@pytest.mark.parametrize("role", USERS)
def test_tools(door, role):
    assert door.tools(role) == SEES[role][3]


def test_a_stranger_has_no_tools(door):
    assert door.tools("eve") == set()


def test_a_stranger_learns_only_who_he_is(door):
    session = door.call("eve", "session")
    assert (session["user"], session["is_user"], session["is_admin"]) == ("eve", False, False)
    for function in ("stream_list", "job_list", "schema", "metrics_text"):
        with pytest.raises(Refused) as refused:
            door.call("eve", function)
        assert refused.value.sqlstate == "42501"


def test_rows_follow_grants(door):
    rows = door.call("ann", "query_rows", sql="SELECT id, card FROM app.ann_rides ORDER BY id")
    assert [row["card"] for row in rows["rows"]] == ["secret of ann"] * 2
    for sql in ("SELECT card FROM app.ben_rides", "SELECT card FROM app.ben_rides EMIT CHANGES"):
        with pytest.raises(Refused) as refused:
            door.call("ann", "query_rows", sql=sql)
        assert refused.value.sqlstate == "42501"


def test_a_function_that_is_not_granted(door):
    with pytest.raises(Refused) as refused:
        door.call("ben", "query_rows", sql="SELECT 1")
    # A door may say that it is not there.
    assert refused.value.sqlstate == "42501"


def test_the_doors_own_word(door, cluster):
    """A door that is trusted says where its client is, and the client cannot unsay it."""
    request = door.call("ben", "session")["request"]
    if door.name == "sql":
        assert request is None
        return
    assert (request["door"], request["addr"]) == (door.name, "127.0.0.1")
    rows = door.call("ben", "execute", sql="SELECT velo.client_address() AS at, velo.request() AS r")
    assert (rows[0]["at"], rows[0]["r"]["door"]) == ("127.0.0.1", door.name)
    # Each request has its own.
    assert rows[0]["r"]["id"] != request["id"]
    door.call("ben", "execute", sql=f"SET velo.request = '{FORGED}'")
    assert door.call("ben", "session")["request"]["addr"] == "127.0.0.1"


def is_still_ben(door):
    session = door.call("ben", "session")
    assert (session["user"], session["session_user"], session["is_admin"]) == ("ben", "ben", False)
    assert door.streams("ben") == SEES["ben"][0]
    assert door.jobs("ben") == SEES["ben"][2]
    with pytest.raises(Refused) as refused:
        door.call("ben", "execute", sql="SELECT card FROM app.ann_rides")
    assert refused.value.sqlstate == "42501"


@pytest.mark.parametrize("sql", ESCAPES)
def test_nobody_becomes_another(door, sql):
    with pytest.raises(Refused) as refused:
        door.call("ben", "execute", sql=sql)
    assert refused.value.sqlstate in ("42501", "55P02", "28000")
    is_still_ben(door)


@pytest.mark.parametrize("sql", HARMLESS)
def test_what_is_allowed_gains_nothing(door, sql):
    try:
        door.call("ben", "execute", sql=sql)
        door.call("ben", "execute", sql=f"{sql}; SELECT velo.session()")
    except Refused as refused:
        # DISCARD ALL cannot be run by a function.
        assert refused.sqlstate in ("25001", "2D000", "0A000")
    is_still_ben(door)
    request = door.call("ben", "session")["request"]
    assert "9.9.9.9" not in json.dumps(request)


@pytest.mark.parametrize("sql", ESCAPES + HARMLESS)
def test_queries_change_nothing(door, sql):
    """Through the door for queries, which calls itself read-only."""
    try:
        door.call("ann", "query_rows", sql=sql.replace("ann", "ben"))
    except Refused as refused:
        assert refused.sqlstate in ("42501", "0A000", "55P02", "28000", "25006")
    users = door.call("ann", "query_rows", sql="SELECT current_user AS c, session_user AS s")
    assert users["rows"] == [{"c": "ann", "s": "ann"}]
    assert door.streams("ann") == SEES["ann"][0]
