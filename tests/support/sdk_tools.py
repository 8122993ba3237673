"""Drives the agent given as argv[1] by the official SDK: permissions, hooks and
file checkpoints. Prints what it saw as one JSON object."""

import asyncio
import json
import os
import sys

from claude_agent_sdk import (
    ClaudeAgentOptions,
    ClaudeSDKClient,
    HookMatcher,
    PermissionResultAllow,
    PermissionResultDeny,
    ResultMessage,
)
from claude_agent_sdk.types import PermissionRuleValue, PermissionUpdate

told = {"asked": [], "hooks": []}


async def can_use_tool(tool, tool_input, context):
    told["asked"].append([tool, tool_input.get("command") or os.path.basename(tool_input["file_path"])])
    if tool == "Write" and tool_input["file_path"].endswith("refused.txt"):
        return PermissionResultDeny(message="not this one")
    if tool == "Bash":
        rule = PermissionRuleValue(tool_name="Bash", rule_content="touch:*")
        update = PermissionUpdate(type="addRules", rules=[rule], behavior="allow", destination="localSettings")
        return PermissionResultAllow(updated_permissions=[update])
    return PermissionResultAllow()


async def before(hook_input, tool_use_id, context):
    told["hooks"].append([hook_input["hook_event_name"], hook_input.get("tool_name")])
    if hook_input.get("tool_input", {}).get("command") == "touch never":
        reason = {"permissionDecision": "deny", "permissionDecisionReason": "a hook says no"}
        return {"hookSpecificOutput": {"hookEventName": "PreToolUse", **reason}}
    return {}


async def after(hook_input, tool_use_id, context):
    told["hooks"].append([hook_input["hook_event_name"], hook_input.get("tool_name")])
    return {"hookSpecificOutput": {"hookEventName": "PostToolUse", "additionalContext": "noted"}}


async def ask(client, prompt):
    await client.query(prompt)
    result = None
    async for message in client.receive_response():
        if isinstance(message, ResultMessage):
            result = message
    return result


def content(name):
    return open(name).read() if os.path.exists(name) else None


async def main():
    options = ClaudeAgentOptions(
        cli_path=sys.argv[1],
        can_use_tool=can_use_tool,
        setting_sources=["local"],
        enable_file_checkpointing=True,
        hooks={
            "PreToolUse": [HookMatcher(matcher="Bash|Write", hooks=[before])],
            "PostToolUse": [HookMatcher(hooks=[after])],
        },
    )
    async with ClaudeSDKClient(options=options) as client:
        await ask(client, "run: touch one")
        await ask(client, "run: touch two")
        told["never"] = (await ask(client, "run: touch never")).result
        told["refused"] = (await ask(client, "write: refused.txt: no")).result
        with open("a.txt", "w") as file:
            file.write("before\n")
        await ask(client, "read: a.txt")
        result = await ask(client, 'call: Edit {"file_path": "a.txt", "old_string": "before", "new_string": "after"}')
        told["edited"] = [content("a.txt"), result.is_error]
        lines = [json.loads(line) for line in open(transcript(result.session_id))]
        prompts = [line["uuid"] for line in lines if line["type"] == "user" and "promptSource" in line]
        await client.rewind_files(prompts[-1])
        told["rewound"] = content("a.txt")
        told["kinds"] = sorted({line["type"] for line in lines})
    told["settings"] = json.load(open(".claude/settings.local.json"))
    print(json.dumps(told))


def transcript(session):
    root = os.path.join(os.environ["CLAUDE_CONFIG_DIR"], "projects")
    paths = [os.path.join(root, project, session + ".jsonl") for project in os.listdir(root)]
    return next(path for path in paths if os.path.exists(path))


asyncio.run(main())
