"""What the official functions say of the tree under CLAUDE_CONFIG_DIR, as JSON.

`list` is what `list_sessions()` says as it is. `whole` is the same with its
window opened from 64 KiB to the whole file: what lies in the middle of a file
is the one thing in which the two may differ.
"""

import dataclasses
import json
import sys

from claude_agent_sdk import get_session_messages, list_sessions
from claude_agent_sdk._internal import sessions

folder = sys.argv[1] if len(sys.argv) > 1 else None


def told(found):
    return [dataclasses.asdict(one) for one in found]


listed = list_sessions(directory=folder)
sessions.LITE_READ_BUF_SIZE = 1 << 24
whole = list_sessions(directory=folder)
messages = {one.session_id: told(get_session_messages(one.session_id)) for one in whole}
json.dump({"list": told(listed), "whole": told(whole), "messages": messages}, sys.stdout)
