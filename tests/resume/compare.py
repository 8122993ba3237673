#!/usr/bin/env python3
"""Resumes damaged sessions with `hotseat agent` and with Claude Code, and compares what each sends.

    tests/resume/compare.py --agent HOTSEAT [--claude CLAUDE] [--seconds 60 | --runs 2000] [--seed TEXT] [--keep DIR]

The sessions are those of `record.py`; each try damages one of them in one way (`DAMAGES`), lays it into two scratch
homes and resumes it against a stand-in for the API on loopback, which refuses what the real one refuses. Where
`claude_agent_sdk` can be imported, `hotseat sessions show` and `list` are compared with its readers, too.

A request of ours that is refused while the other is not fails, and with --strict every disagreement of a kind that
`KNOWN` does not name for its damage. DIR gets the transcripts of all disagreements. Exit code: 0 as known, 1 something new.
Python 3.9+, nothing else.
"""
import argparse
import concurrent.futures
import http.server
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
import uuid

import record

PROMPT = record.PROMPT

# What fails in any case; other differences that `KNOWN` does not name fail with --strict.
HARMFUL = ("fell over", "ours refused", "ours silent")

# What may differ, by damage and kind, and why (docs/transcripts.md).
KNOWN = {
    ("half again", "extra"): "the end of the conversation is kept",
    ("no answer text", "theirs refused"): "a blank text is left out",
    ("no prompt text", "theirs refused"): "a blank text is left out",
    ("unknown block", "theirs refused"): "a block that the API does not know is left out",
    ("a call's input is a text", "theirs refused"): "an empty object stands for it",
    ("cut parent", "theirs refused"): "a note stands in front of a reply that comes first",
    ("gap of a minute", "extra"): "a gap is bridged at any distance",
    ("gap of a minute", "theirs refused"): "a gap is bridged at any distance",
    ("large image", "theirs silent"): "a note stands for it",
}


# ------------------------------------------------------------------------------------------------- damage

def entries(lines):
    """(place, entry) of the entries of the conversation that can be read."""
    found = []
    for place, line in enumerate(lines):
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and entry.get("type") in ("user", "assistant"):
            found.append((place, entry))
    return found


def change(lines, chance, edit, fits=lambda entry: True, skip=0):
    """Edits one fitting entry; false where there is none."""
    fitting = [found for found in entries(lines)[skip:] if fits(found[1])]
    if not fitting:
        return False
    place, entry = chance.choice(fitting)
    edit(entry)
    lines[place] = json.dumps(entry, separators=(",", ":"))
    return True


def content(value):
    return lambda entry: entry["message"].update(content=value)


def is_prompt(entry):
    return entry["type"] == "user" and isinstance(entry["message"]["content"], str)


def is_reply(entry):
    return entry["type"] == "assistant"


def any_line(lines, chance):
    return chance.randrange(len(lines))


def damage_lines(edit):
    """A damage of the file's lines, by a place in it."""
    def damaged(lines, chance):
        edit(lines, any_line(lines, chance))
        return bool(lines)
    return damaged


def join(lines, at):
    if at + 1 < len(lines):
        lines[at:at + 2] = [lines[at] + lines[at + 1]]


def tear_into_next(lines, at):
    if at + 1 < len(lines):
        lines[at:at + 2] = [lines[at][:len(lines[at]) // 2] + lines[at + 1]]


def lost_parent(entry):
    entry["parentUuid"] = "99999999-9999-4999-8999-999999999999"


def minute_later(lines, chance):
    """The parent is lost, and all from there on was written a minute later."""
    found = entries(lines)
    if len(found) < 4:
        return False
    cut = chance.randrange(2, len(found))
    for number, (place, entry) in enumerate(found[cut:]):
        if number == 0:
            lost_parent(entry)
        entry["timestamp"] = entry["timestamp"].replace("T05:", "T06:")
        lines[place] = json.dumps(entry, separators=(",", ":"))
    return True


def unknown_in_chain(lines, chance):
    found = entries(lines)[1:]
    if not found:
        return False
    place, entry = chance.choice(found)
    new = {"type": "of-next-year", "uuid": str(uuid.UUID(int=chance.getrandbits(128), version=4)),
           "parentUuid": entry["parentUuid"], "sessionId": "SESSION", "timestamp": entry["timestamp"]}
    entry["parentUuid"] = new["uuid"]
    lines[place:place + 1] = [json.dumps(new), json.dumps(entry)]
    return True


def last_prompt(lines, chance):
    """The last `last-prompt` names some entry."""
    found = entries(lines)
    leaf = chance.choice(found)[1]["uuid"]
    lines.append(json.dumps({"type": "last-prompt", "lastPrompt": "x", "leafUuid": leaf, "sessionId": "SESSION"}))
    return True


def has(kind):
    return lambda entry: isinstance(entry["message"]["content"], list) and any(
        block["type"] == kind for block in entry["message"]["content"])


def insert_block(block):
    return lambda entry: entry["message"]["content"].insert(0, block)


DAMAGES = {
    "lost line": damage_lines(lambda lines, at: lines.pop(at)),
    "line twice": damage_lines(lambda lines, at: lines.insert(at, lines[at])),
    "line cut in half": damage_lines(lambda lines, at: lines.__setitem__(at, lines[at][:len(lines[at]) // 2])),
    "two on a line": damage_lines(join),
    "half over the next": damage_lines(tear_into_next),
    "zeros behind": damage_lines(lambda lines, at: lines.__setitem__(at, lines[at] + "\0" * 999)),
    "blank lines": damage_lines(lambda lines, at: lines.insert(at, "  ")),
    "no entry": damage_lines(lambda lines, at: lines.insert(at, "[1]")),
    "again": lambda lines, chance: lines.extend(list(lines)) or True,
    "half again": lambda lines, chance: lines.extend(lines[:len(lines) // 2]) or True,
    "lost parent": lambda lines, chance: change(lines, chance, lost_parent, skip=1),
    "gap of a minute": minute_later,
    "cut parent": lambda lines, chance: change(lines, chance, lambda e: e.update(parentUuid=None), skip=1),
    "own parent": lambda lines, chance: change(lines, chance, lambda e: e.update(parentUuid=e["uuid"]), skip=1),
    "a type of next year": unknown_in_chain,
    "side chain": lambda lines, chance: change(lines, chance, lambda e: e.update(isSidechain=True), skip=1),
    "another leaf": last_prompt,
    "no message": lambda lines, chance: change(lines, chance, lambda e: e.pop("message")),
    "half surrogate": lambda lines, chance: change(lines, chance, content("half \ud83e"), is_prompt),
    "no prompt text": lambda lines, chance: change(lines, chance, content(""), is_prompt),
    "no answer text": lambda lines, chance: change(lines, chance, content([{"type": "text", "text": ""}]), is_reply),
    "no blocks": lambda lines, chance: change(lines, chance, content([]), is_reply),
    "a reply that is a text": lambda lines, chance: change(lines, chance, content("words"), is_reply),
    "a result of nothing": lambda lines, chance: change(lines, chance, content([record.result("gone", "x")]), is_prompt),
    "unknown block": lambda lines, chance: change(lines, chance, insert_block({"type": "smell"}), is_reply),
    "unsigned thinking": lambda lines, chance: change(
        lines, chance, insert_block({"type": "thinking", "thinking": "hm", "signature": ""}), is_reply),
    "a call's input is a text": lambda lines, chance: change(
        lines, chance, lambda e: [b.update(input="{") for b in e["message"]["content"] if b["type"] == "tool_use"],
        has("tool_use")),
    "result twice": lambda lines, chance: change(
        lines, chance, lambda e: e["message"]["content"].append(dict(e["message"]["content"][0])), has("tool_result")),
    "large image": lambda lines, chance: change(lines, chance, content([{"type": "image", "source": {
        "type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo" + "A" * 6_000_000}}]), is_prompt),
}


# ------------------------------------------------------------------------------------------------ judging

def refusals(messages):
    """What the API refuses in these messages; of one role in a row they are one."""
    found, turns, called = [], [], set()
    for message in (m for m in messages if m["role"] != "system"):
        blocks = message["content"]
        blocks = [{"type": "text", "text": blocks}] if isinstance(blocks, str) else blocks
        if turns and turns[-1][0] == message["role"]:
            turns[-1][1].extend(blocks)
        else:
            turns.append((message["role"], list(blocks)))
    if re.search(r"\\ud[89a-f]", json.dumps([t[1] for t in turns]).encode().decode("unicode_escape", "ignore")):
        found.append("half a surrogate")
    if not turns or turns[0][0] != "user" or turns[-1][0] != "user":
        found.append("it does not begin and end with the user")
    waiting = set()
    for role, blocks in turns:
        answered = [b.get("tool_use_id") for b in blocks if b["type"] == "tool_result"]
        if role == "user" and (set(answered) != waiting or len(answered) != len(waiting)):
            found.append(f"calls {sorted(waiting)}, results {answered}")
        waiting = set()
        for block in blocks:
            kind = block["type"]
            if kind == "text" and not str(block.get("text") or "").strip():
                found.append("a blank text")
            elif kind == "tool_use":
                waiting.add(block["id"])
                if block["id"] in called or not isinstance(block["input"], dict):
                    found.append(f"the call {block['id']}")
                called.add(block["id"])
            elif kind == "image" and len(block["source"].get("data", "")) > 5 << 20:
                found.append("an image over 5 MB")
            elif kind not in ("text", "thinking", "redacted_thinking", "tool_result", "image", "document"):
                found.append(f"a block {kind}")
        if role == "assistant" and blocks[-1]["type"] == "thinking":
            found.append("a reply that ends in thinking")
    return found


class Api(http.server.BaseHTTPRequestHandler):
    """Keeps requests by the first part of their path; answers with one word, or refuses."""
    kept, lock = {}, threading.Lock()

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.send_response(200)
        self.end_headers()

    def do_GET(self):
        record.Stub.reply(self, {})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        path = self.path.split("?")[0]
        if not path.endswith("/v1/messages"):
            return record.Stub.reply(self, {"input_tokens": 1})
        refused = refusals(body["messages"])
        with Api.lock:
            Api.kept.setdefault(path.split("/")[1], []).append((body, refused))
        if refused:
            answer = json.dumps({"type": "error", "error": {"type": "invalid_request_error", "message": str(refused)}})
            self.send_response(400)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            return self.wfile.write(answer.encode())
        return record.Stub.answer(self, body)


# ------------------------------------------------------------------------------------------------ running

class Lab:
    """Scratch homes, and the programs in them."""

    def __init__(self, agent, claude):
        self.agent, self.claude = agent, claude
        self.folder = tempfile.TemporaryDirectory()
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{server.server_address[1]}"

    def lay(self, name, lines):
        """A home with the session; returns home, project and id."""
        home = os.path.join(os.path.realpath(self.folder.name), name)
        project, id = os.path.join(home, "project"), str(uuid.uuid5(uuid.NAMESPACE_URL, name))
        folder = os.path.join(home, ".claude", "projects", re.sub(r"[^a-zA-Z0-9]", "-", project))
        os.makedirs(project), os.makedirs(folder)
        with open(os.path.join(folder, id + ".jsonl"), "wb") as out:
            text = "".join(line.replace("SESSION", id) + "\n" for line in lines)
            out.write(text.encode("utf-8", "surrogatepass"))
        return home, project, id

    def environment(self, home, tag):
        return {"PATH": os.environ["PATH"], "HOME": home, "CLAUDE_CONFIG_DIR": os.path.join(home, ".claude"),
                "ANTHROPIC_BASE_URL": f"{self.url}/{tag}", "ANTHROPIC_API_KEY": "sk-ant-test",
                "XDG_STATE_HOME": os.path.join(home, "state"), "XDG_CACHE_HOME": os.path.join(home, "cache"),
                "CLAUDE_CODE_MAX_RETRIES": "0", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
                "DISABLE_AUTOUPDATER": "1", "DISABLE_TELEMETRY": "1", "LANG": "C.UTF-8"}

    def resume(self, name, lines, ours):
        """(what was sent or None, why it was refused, whether the program fell over)."""
        home, project, id = self.lay(name, lines)
        if ours:
            frames = [{"type": "control_request", "request_id": "1", "request": {"subtype": "initialize"}},
                      {"type": "user", "message": {"role": "user", "content": PROMPT}}]
            command, given = [self.agent, "agent", "--resume", id], "".join(json.dumps(f) + "\n" for f in frames)
        else:
            command, given = [self.claude, "-p", "--resume", id, PROMPT], ""
        try:
            done = subprocess.run(command, cwd=project, env=self.environment(home, name), input=given.encode(),
                                  capture_output=True, timeout=90)
            fell = done.returncode < 0 or b"panicked" in done.stderr
        except subprocess.TimeoutExpired:
            fell = True
        with Api.lock:
            sent = [s for s in Api.kept.pop(name, []) if PROMPT in json.dumps(s[0]["messages"][-3:])]
        if not sent:
            return None, [], fell
        body, refused = next((s for s in sent if not s[1]), sent[-1])
        return record.parts(body["messages"]), refused, fell


def kind_of(theirs, ours):
    """How two outcomes of `resume` differ; "" where they do not."""
    (their_parts, their_refusals, _), (our_parts, our_refusals, fell) = theirs, ours
    if fell:
        return "fell over"
    if our_refusals and not their_refusals:
        return "ours refused"
    if their_parts is None or our_parts is None:
        return "" if their_parts == our_parts else "ours silent" if our_parts is None else "theirs silent"
    if their_refusals and not our_refusals:
        return "theirs refused"
    # Which words stand where nothing was said is each program's own.
    plain = [[re.sub(r"^(\w+ says )(\(no content\)|\[[^\]]*\])$", r"\1-", part) for part in parts
              if part != "assistant says No response requested."] for parts in (their_parts, our_parts)]
    if plain[0] == plain[1]:
        return ""
    texts = ["\n".join(parts).split("\n") for parts in plain]
    if all(line in texts[1] for line in texts[0]):
        return "extra"
    return "lost" if all(line in texts[0] for line in texts[1]) else "other"


def readers_differ(lab, name, lines):
    """What `sessions show` and `list` say otherwise than the SDK's readers; None where it is not there."""
    try:
        from claude_agent_sdk import get_session_info, get_session_messages
    except ImportError:
        return None
    home, project, id = lab.lay(name, lines)
    environment = lab.environment(home, name)

    def ours(*command):
        done = subprocess.run([lab.agent, "sessions", *command], cwd=project, env=environment, capture_output=True, timeout=60)
        return json.loads(done.stdout or b"null")

    with READING:
        before = os.environ.get("CLAUDE_CONFIG_DIR")
        os.environ["CLAUDE_CONFIG_DIR"] = os.path.join(home, ".claude")
        try:
            messages = [m.uuid for m in get_session_messages(id, directory=project)]
            info = get_session_info(id, directory=project)
        finally:
            os.environ.pop("CLAUDE_CONFIG_DIR") if before is None else os.environ.update(CLAUDE_CONFIG_DIR=before)
    shown = [m["uuid"] for m in ours("show", id, "--json") or []]
    row = next((r for r in ours("list", "--json", "--all") or [] if r["session_id"] == id), None)
    def plain(value):
        return re.sub("[\ud800-\udfff]", "\ufffd", value) if isinstance(value, str) else value

    found = [] if shown == messages else [f"show: theirs {messages}, ours {shown}"]
    if info is not None:
        keys = ("summary", "custom_title", "first_prompt", "tag", "file_size")
        found += [f"{k}: theirs {getattr(info, k)!r}, ours {(row or {}).get(k)!r}" for k in keys
                  if plain(getattr(info, k)) != (row or {}).get(k)]
    return found


READING = threading.Lock()


def tries(seed):
    """(name, damage, lines) without end, going round the damages and the sessions."""
    sessions, turn = list(record.sessions()), 0
    while True:
        damage = list(DAMAGES)[turn % len(DAMAGES)]
        session = sessions[(turn // len(DAMAGES) * 7 + turn) % len(sessions)]
        lines = list(session.lines)
        chance = random.Random(f"{seed}-{turn}")
        turn += 1
        try:
            if not DAMAGES[damage](lines, chance):
                continue
        except (KeyError, TypeError, AttributeError, IndexError):
            continue  # the session has nothing that could be damaged so
        yield f"t{turn}", damage, session.name, lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agent", required=True)
    parser.add_argument("--claude", default="claude")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--runs", type=int)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--keep")
    parser.add_argument("--strict", action="store_true", help="fail on every difference that is not known")
    asked = parser.parse_args()
    lab, start, news, agreed, known = Lab(asked.agent, asked.claude), time.monotonic(), [], 0, 0
    harms = []
    all_tries, lock = tries(asked.seed), threading.Lock()

    def one(_):
        with lock:
            if asked.runs is None and time.monotonic() - start > asked.seconds:
                return None
            name, damage, session, lines = next(all_tries)
        theirs, ours = lab.resume(name + "-theirs", lines, False), lab.resume(name + "-ours", lines, True)
        return name, damage, session, lines, kind_of(theirs, ours), theirs, ours, readers_differ(lab, name + "-read", lines)

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for done in pool.map(one, range(asked.runs or 100_000)):
            if done is None:
                break
            name, damage, session, lines, kind, theirs, ours, read = done
            agreed += not kind
            known += (damage, kind) in KNOWN
            if (kind and (damage, kind) not in KNOWN) or read:
                news.append(name)
                harms += [name] if asked.strict or kind in HARMFUL else []
                print(f"{kind or 'readers'}: {damage} in “{session}” ({name}, seed {asked.seed})")
                if kind:
                    print(f"  theirs {theirs[0]} {theirs[1]}\n  ours   {ours[0]} {ours[1]}")
                for line in read or []:
                    print(f"  {line}")
            if asked.keep and (kind or read):
                os.makedirs(asked.keep, exist_ok=True)
                with open(os.path.join(asked.keep, f"{name} {damage}.jsonl"), "wb") as out:
                    out.write("".join(line + "\n" for line in lines).encode("utf-8", "surrogatepass"))
    tried = agreed + known + len(news)
    print(f"{tried} tried in {time.monotonic() - start:.0f} s: {agreed} agree, {known} differ as known, {len(news)} are new")
    return 1 if harms or not agreed else 0


if __name__ == "__main__":
    sys.exit(main())
