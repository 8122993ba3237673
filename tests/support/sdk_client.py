"""Drives the program named by the first argument with the official Python SDK,
as a user of the SDK would, and prints what came of it as one JSON object."""

import asyncio
import json
import sys
import warnings

from claude_agent_sdk import (
    ClaudeAgentOptions,
    ClaudeSDKClient,
    PermissionResultAllow,
    PermissionResultDeny,
    ResultMessage,
    StreamEvent,
    create_sdk_mcp_server,
    query,
    tool,
)

SECRET = "Remember the secret is PINEAPPLE."
QUESTION = "What is the secret?"


@tool("add", "Adds two numbers", {"a": int, "b": int})
async def add(numbers):
    return {"content": [{"type": "text", "text": str(numbers["a"] + numbers["b"])}]}


async def permit(name, tool_input, context):
    if name == "mcp__calc__add" or "yes" in str(tool_input):
        return PermissionResultAllow(updated_permissions=context.suggestions)
    return PermissionResultDeny(message="not this one")


async def turn(client, text):
    await client.query(text)
    pieces, result = 0, None
    async for message in client.receive_response():
        pieces += isinstance(message, StreamEvent)
        result = message if isinstance(message, ResultMessage) else result
    return {"text": result.result, "session": result.session_id, "subtype": result.subtype, "pieces": pieces}


async def main(program):
    told = {}
    calc = create_sdk_mcp_server("calc", tools=[add])
    options = ClaudeAgentOptions(
        cli_path=program,
        include_partial_messages=True,
        can_use_tool=permit,
        mcp_servers={"calc": calc},
        # Without it, the later change to bypassPermissions is refused.
        extra_args={"allow-dangerously-skip-permissions": None},
    )
    async with ClaudeSDKClient(options) as client:
        told["secret"] = await turn(client, SECRET)
        told["permitted"] = await turn(client, "run: touch made; echo yes-it-ran")
        told["again"] = await turn(client, "run: touch made; echo yes-it-ran")
        told["refused"] = await turn(client, "run: touch no")
        told["added"] = await turn(client, 'call: mcp__calc__add {"a": 40, "b": 2}')
        told["cleared"] = await turn(client, "/clear")
        told["forgotten"] = await turn(client, QUESTION)
        told["resumed"] = await turn(client, "/resume " + told["secret"]["session"])
        told["remembered"] = await turn(client, QUESTION)
        told["forked"] = await turn(client, "/fork")
        await client.set_model("other")
        await client.set_permission_mode("bypassPermissions")
        told["added_later"] = await turn(client, 'call: mcp__calc__add {"a": 3, "b": 4}')
        told["mcp"] = await client.get_mcp_status()
        told["context"] = await client.get_context_usage()
        await client.query("run: sleep 60")
        await client.interrupt()
        async for message in client.receive_response():
            if isinstance(message, ResultMessage):
                told["interrupted"] = {"subtype": message.subtype}
        told["info"] = await client.get_server_info()
    options = ClaudeAgentOptions(cli_path=program, resume=told["secret"]["session"])
    async for message in query(prompt=QUESTION, options=options):
        if isinstance(message, ResultMessage):
            told["one_shot"] = {"text": message.result, "session": message.session_id}
    print(json.dumps(told))


with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    asyncio.run(main(sys.argv[1]))
    for warning in caught:
        print("Warning:", warning.category.__name__, warning.message, file=sys.stderr)
