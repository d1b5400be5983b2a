"""The Model Context Protocol over HTTP.  It has the tools only: a test that asks for more
does not concern it."""

import pytest
from chaoslib.cluster import wait_for
from doorslib.door import Refused
from doorslib.http import STOP_SECONDS, HttpDoor, program

REVISION = "2025-11-25"
# velo.FUNCTION: its tool, and the key of its rows.
TOOLS = {
    "stream_list": ("list_streams", "streams"),
    "stream_describe": ("describe_stream", None),
    "query_rows": ("query_stream", None),
    "validate": ("validate_sql", "diagnostics"),
}


class McpDoor(HttpDoor):
    name = "mcp"

    def start(self):
        wait_for("the gateway is ready", lambda: self.send("GET", "/ready")[0] == 200, STOP_SECONDS)

    def message(self, role, method, **params):
        headers = {
            "Authorization": self.token(role),
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": REVISION,
        }
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        status, answer = self.send("POST", "/mcp", body, headers)
        assert status == 200, answer
        return answer

    def tools(self, role):
        return {tool["name"] for tool in self.message(role, "tools/list")["result"]["tools"]}

    def call(self, role, function, **arguments):
        if function not in TOOLS:
            pytest.skip(f"velo.{function} is no tool")
        tool, key = TOOLS[function]
        answer = self.message(role, "tools/call", name=tool, arguments=arguments)
        if "error" in answer:
            # A tool that one may not use is not there.
            assert answer["error"]["code"] == -32602, answer
            raise Refused("42501", answer["error"]["message"])
        content = answer["result"]["structuredContent"]
        if answer["result"]["isError"]:
            raise Refused(content["error"]["code"], content["error"]["message"])
        return content[key] if key else content


def open_door(cluster, tmp_path_factory):
    if not program().exists():
        pytest.skip(f"{program()} is not there: scripts/programs gateway")
    door = McpDoor(cluster, tmp_path_factory.mktemp("gateway"))
    try:
        door.start()
    except BaseException:
        door.close()
        raise
    return door
