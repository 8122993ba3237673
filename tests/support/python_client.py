"""Drives the program named by the first argument with clients/python, serving
several sessions on one process, and prints what came of it as one JSON object."""

import asyncio
import json
import sys
import uuid

from claude_agent_sdk import ClaudeAgentOptions, ResultMessage, create_sdk_mcp_server, tool
from hotseat_client import HotseatClient

QUESTION = "What is the secret?"


@tool("add", "Adds two numbers", {"a": int, "b": int})
async def add(numbers):
    return {"content": [{"type": "text", "text": str(numbers["a"] + numbers["b"])}]}


async def say(client, text):
    await client.query(text)
    said = None
    async for message in client.receive_response():
        said = message.result if isinstance(message, ResultMessage) else said
    return said


async def refused(switch):
    try:
        await switch
    except Exception as error:
        return str(error)
    return None


async def main(program):
    told = {}
    options = ClaudeAgentOptions(
        cli_path=program,
        model="opus-of-mine",
        permission_mode="plan",
        mcp_servers={"calc": create_sdk_mcp_server("calc", tools=[add])},
    )
    async with HotseatClient(options) as client:
        # The pool pattern: serve A, clear, serve C, clear, resume B, serve B.
        before = await client.create_session()
        async with HotseatClient(options) as other:
            b = await other.create_session()
            await say(other, "Remember the secret is BANANA.")
        a = await client.create_session()
        await say(client, "Remember the secret is APPLE.")
        c = await client.clear()
        await say(client, "Remember the secret is CHERRY.")
        told["c"] = await say(client, QUESTION)
        await client.clear()
        resumed = await client.resume(b.session_id)
        told["b"] = await say(client, QUESTION)
        told["turns"] = resumed.num_turns
        back = await client.load_session(a.session_id)
        told["a"] = await say(client, QUESTION)
        told["pids"] = len({each.pid for each in (before, a, c, resumed, back)})

        copy = await client.fork(title="Copy")
        told["forked_from"] = copy.forked_from == a.session_id
        listed = {each.session_id: each for each in await client.list_sessions()}
        told["listed"] = {a.session_id, c.session_id, copy.session_id} <= set(listed)
        told["titled"] = listed[copy.session_id].custom_title
        named = str(uuid.uuid4())
        told["named"] = (await client.get_or_create_session(named)).session_id == named
        told["empty"] = await say(client, QUESTION)
        told["lost"] = await refused(client.resume(str(uuid.uuid4())))
        told["still"] = (await client.get_or_create_session(named)).num_turns

        # Fifty switches while prompts are served between them.
        for round in range(50):
            await client.resume(a.session_id if round % 2 else c.session_id)
            answer = await say(client, QUESTION)
            assert ("APPLE" if round % 2 else "CHERRY") in answer, (round, answer)
            assert ("CHERRY" if round % 2 else "APPLE") not in answer, (round, answer)

        # What belongs to the process is as it was.
        info = await client.get_server_info()
        usage = await client.get_context_usage()
        told["model"] = usage["model"]
        told["mcp"] = [server["status"] for server in (await client.get_mcp_status())["mcpServers"]]
        told["first_pid"] = info["pid"] == before.pid
    print(json.dumps(told))


asyncio.run(main(sys.argv[1]))
