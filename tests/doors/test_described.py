"""What is promised about the doors is what they do."""

import json

import jsonschema
import openapi_spec_validator
import pytest
from chaoslib.cluster import wait_for
from prometheus_client.parser import text_string_to_metric_families

JSON_SCHEMA = jsonschema.Draft202012Validator

# Arguments to call each tool with, as one who may use them all.
CALLS = {
    "list_streams": [{}, {"pattern": "ann%"}, {"pattern": "none"}],
    "describe_stream": [{"name": "app.ann_zones"}, {"name": "app.ann_rides"}],
    "query_stream": [
        {"sql": "SELECT * FROM app.ann_zones"},
        {"sql": "SELECT id, card FROM app.ann_rides EMIT CHANGES", "max_rows": 1},
        {"sql": "SELECT 1 WHERE false"},
        {"sql": "SELECT 'NaN'::float8, 1.5, NULL, '{}'::jsonb", "wait": "1 second", "params": {}},
    ],
    "validate_sql": [
        {"sql": "SELECT 1"},
        {"sql": "SELEC 1; SELECT nope FROM app.ann_rides EMIT CHANGES"},
        {"sql": ""},
    ],
}


def described(cluster):
    with cluster.connect() as session:
        session.execute("SET ROLE ann")
        return session.execute("SELECT velo.openapi()").fetchone()[0]


def as_json(value):
    return json.loads(json.dumps(value, default=str))


def test_openapi_is_valid(cluster):
    document = described(cluster)
    openapi_spec_validator.validate(document, cls=openapi_spec_validator.OpenAPIV31SpecValidator)
    assert document["openapi"].startswith("3.1")


def test_openapi_has_each_route(cluster):
    document = described(cluster)
    routes = cluster.ask("SELECT method, path FROM velo.routes")
    assert {(m, p) for m, p in routes} == {
        (method.upper(), path) for path, item in document["paths"].items() for method in item
    }
    ids = [o["operationId"] for item in document["paths"].values() for o in item.values()]
    assert len(ids) == len(set(ids))


def test_openapi_says_what_comes(door, cluster):
    """Answers of operations without arguments are as their schemas say."""
    document = described(cluster)
    asked = 0
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method != "get" or "{" in path or path == "/metrics":
                continue
            answer = door.call("ann", operation["operationId"])
            content = operation["responses"]["200"]["content"]["application/json"]
            JSON_SCHEMA(content["schema"]).validate(as_json(answer))
            asked += 1
    assert asked >= 5


def test_schemas_of_tools_are_schemas(cluster):
    for name, given, result in cluster.ask("SELECT name, input_schema, output_schema FROM velo.tools"):
        JSON_SCHEMA.check_schema(given)
        JSON_SCHEMA.check_schema(result)
        assert name in CALLS, f"add calls of {name}"


@pytest.mark.parametrize("name", sorted(CALLS))
def test_tools_answer_as_they_promise(door, cluster, name):
    ((function, key, given, result),) = cluster.ask(
        "SELECT function, result_key, input_schema, output_schema FROM velo.tools WHERE name = %s",
        name,
    )
    for arguments in CALLS[name]:
        JSON_SCHEMA(given).validate(arguments)
        answer = door.call("ann", function.removeprefix("velo."), **arguments)
        JSON_SCHEMA(result).validate(as_json({key: answer} if key else answer))


def test_defaults_in_schemas_are_those_of_the_functions(cluster):
    ((schema,),) = cluster.ask("SELECT input_schema FROM velo.tools WHERE name = 'query_stream'")
    ((default,),) = cluster.ask(
        "SELECT pg_get_function_arguments('velo.query_rows'::regproc)",
    )
    assert f"max_rows integer DEFAULT {schema['properties']['max_rows']['default']}," in default
    assert schema["properties"]["wait"]["default"] == "5 seconds"
    assert "DEFAULT '00:00:05'::interval" in default


def test_metrics_follow_the_format(door):
    text = door.call("ann", "metrics_text")
    assert text.endswith("\n")
    families = {family.name: family for family in text_string_to_metric_families(text)}
    names = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(names) == len(set(names)), "each metric is one block"
    for family in families.values():
        assert family.documentation
        assert family.type in ("counter", "gauge")
        assert family.samples
        for sample in family.samples:
            # The rules of promtool check metrics.
            assert sample.name.endswith("_total") == (family.type == "counter")
            assert not {"job", "instance", "le", "quantile"} & set(sample.labels)
            assert not any(unit in sample.name for unit in ("_ms", "_milliseconds", "_kb", "_mb"))
    samples = {s.labels["status"]: s.value for s in families["velo_job_status"].samples}
    assert samples["running"] == 1 and sum(samples.values()) == 1


def test_names_that_need_quoting(cluster):
    name = 'a "quoted" \\ job\nwith two lines'
    with cluster.connect() as session:
        session.execute("SET ROLE ann")
        session.execute(
            "SELECT velo.job_start(%s, 'CREATE STREAM app.odd AS SELECT id FROM app.ann_rides EMIT CHANGES')",
            [name],
        )
        text = session.execute("SELECT velo.metrics_text()").fetchone()[0]
        session.execute("SELECT velo.execute('DROP STREAM app.odd')")
    found = {
        sample.labels["job_name"]
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if "job_name" in sample.labels
    }
    assert name in found


def test_gateways_hear_of_changed_routes(cluster):
    """The scripts of an update register all routes anew, and a running gateway hears it."""
    with cluster.connect() as session, cluster.connect() as other:
        session.execute("LISTEN velo_routes")
        with other.transaction(force_rollback=False):
            other.execute(
                "SELECT velo._route(method, path, velo._procedure(function), result) "
                "FROM velo.route WHERE path = '/api/session'"
            )
        heard = wait_for(
            "a notification", lambda: list(session.notifies(timeout=0.2, stop_after=1)), 10
        )
    assert heard[0].channel == "velo_routes"
