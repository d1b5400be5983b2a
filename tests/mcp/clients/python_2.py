"""The Python client, in the revision MCP_MODE names; else as python_1.py.

MCP_MODE: legacy (initialize), auto (server/discover first) or a revision.
"""

import asyncio
import json
import os
import sys

from mcp import Client, StdioServerParameters


def plain(model):
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


async def look(server, plan):
    if not server[0].startswith("http"):
        server = [
            StdioServerParameters(command=server[0], args=server[1:], env=dict(os.environ))
        ]
    async with Client(server[0], mode=os.environ["MCP_MODE"]) as client:
        return {
            "revision": client.protocol_version,
            "tools": plain(await client.list_tools())["tools"],
            "resources": plain(await client.list_resources())["resources"],
            "templates": plain(await client.list_resource_templates())["resourceTemplates"],
            "prompts": plain(await client.list_prompts())["prompts"],
            "calls": [plain(await client.call_tool(*call)) for call in plan["calls"]],
            "reads": [plain(await client.read_resource(uri)) for uri in plan["reads"]],
            "got": [plain(await client.get_prompt(*prompt)) for prompt in plan["prompts"]],
        }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(look(sys.argv[1:], json.load(sys.stdin)))))
