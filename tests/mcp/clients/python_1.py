"""The older Python client: asks a server for all it has and calls what a plan says.

    python_1.py SERVER      plan on stdin, what was seen on stdout, both JSON

SERVER: a URL, or a command with its arguments.  Plan: {"calls": [[tool, arguments]…],
"reads": [uri…], "prompts": [[name, arguments]…]}.
"""

import asyncio
import json
import os
import sys
from contextlib import asynccontextmanager

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client


@asynccontextmanager
async def connect(server):
    if server[0].startswith("http"):
        async with streamable_http_client(server[0]) as (read, write, _):
            yield read, write
    else:
        parameters = StdioServerParameters(
            command=server[0], args=server[1:], env=dict(os.environ)
        )
        async with stdio_client(parameters) as (read, write):
            yield read, write


def plain(model):
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


async def look(server, plan):
    async with connect(server) as (read, write), ClientSession(read, write) as session:
        hello = await session.initialize()
        await session.send_ping()
        return {
            "revision": hello.protocolVersion,
            "tools": plain(await session.list_tools())["tools"],
            "resources": plain(await session.list_resources())["resources"],
            "templates": plain(await session.list_resource_templates())["resourceTemplates"],
            "prompts": plain(await session.list_prompts())["prompts"],
            "calls": [plain(await session.call_tool(*call)) for call in plan["calls"]],
            "reads": [plain(await session.read_resource(uri)) for uri in plan["reads"]],
            "got": [plain(await session.get_prompt(*prompt)) for prompt in plan["prompts"]],
        }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(look(sys.argv[1:], json.load(sys.stdin)))))
