"""Runs one-shot queries of the official Python SDK, one option or two each,
against the program named by the first argument, and prints what came of each as
one JSON object. Warnings are errors, and what the SDK logs above INFO is printed."""

import asyncio
import json
import logging
import sys
import uuid
import warnings

from claude_agent_sdk import (
    AgentDefinition,
    ClaudeAgentOptions,
    InMemorySessionStore,
    ProcessError,
    ResultMessage,
    get_session_messages,
    query,
)

QUESTION = "What is the secret?"
LOGGED = []


class Keep(logging.Handler):
    def emit(self, record):
        LOGGED.append(record.getMessage())


async def ask(text, **options):
    result = None
    try:
        async for message in query(prompt=text, options=ClaudeAgentOptions(cli_path=sys.argv[1], **options)):
            result = message if isinstance(message, ResultMessage) else result
    except ProcessError:
        # After a result that is an error the program exits with 1, as the official one does.
        if result is None or not result.is_error:
            raise
    return {"session": result.session_id, "subtype": result.subtype, "text": result.result}


async def main():
    told = {}
    told["first"] = await ask("Remember the secret is PINEAPPLE.")
    first = told["first"]["session"]
    told["resume"] = await ask(QUESTION, resume=first)
    told["continue"] = await ask(QUESTION, continue_conversation=True)
    told["fork"] = await ask(QUESTION, resume=first, fork_session=True)
    told["id"], told["copy_id"] = str(uuid.uuid4()), str(uuid.uuid4())
    told["named"] = await ask("hello", session_id=told["id"])
    told["named_copy"] = await ask(QUESTION, resume=first, fork_session=True, session_id=told["copy_id"])
    reply = next(message for message in get_session_messages(first) if message.type == "assistant")
    told["earlier"] = await ask("List my prompts", resume=first, resume_session_at=reply.uuid)
    told["one_request"] = await ask("run: true", max_turns=1, permission_mode="bypassPermissions")
    told["more_folders"] = await ask("read: /etc/passwd", add_dirs=["/etc"])
    preset = {"type": "preset", "preset": "claude_code", "append": "Be brief."}
    told["accepted"] = await ask(
        "hello",
        system_prompt=preset,
        setting_sources=[],
        settings="{}",
        agents={"helper": AgentDefinition(description="helps", prompt="help")},
        thinking={"type": "adaptive"},
        effort="low",
        max_budget_usd=1.0,
    )
    schema = {"type": "object", "properties": {"sum": {"type": "integer"}}, "required": ["sum"]}
    options = ClaudeAgentOptions(cli_path=sys.argv[1], output_format={"type": "json_schema", "schema": schema})
    async for message in query(prompt='call: StructuredOutput {"sum": 42}', options=options):
        if isinstance(message, ResultMessage):
            told["structured"] = message.structured_output
    store = InMemorySessionStore()
    told["stored"] = await ask("Remember the secret is MANGO.", session_store=store)
    told["from_store"] = await ask(QUESTION, session_store=store, resume=told["stored"]["session"])
    told["last_of_store"] = await ask(QUESTION, session_store=store, continue_conversation=True)
    told["logged"] = LOGGED
    print(json.dumps(told))


warnings.simplefilter("error")
logging.getLogger("claude_agent_sdk").addHandler(Keep(level=logging.WARNING))
asyncio.run(main())
