#!/usr/bin/env python3
"""Records what Claude Code sends when it resumes our sessions: the expectations of `tests/it/resume_cases.rs`.

    tests/resume/record.py [CLAUDE]

Every session of `sessions()` is laid into a scratch home and resumed by CLAUDE (default: `claude`) against a stand-in
for the API on loopback. What it sends is reduced to comparable parts and written to `cases.json` beside this file,
with the session's lines. Python 3.9+, nothing else. Recorded with 2.1.332.
"""
import http.server
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import uuid

PROMPT = "Go on with this"
HERE = os.path.dirname(os.path.abspath(__file__))


class Session:
    """Builds the lines of one session; entries hang on the one before unless they say otherwise."""

    def __init__(self, name):
        self.name, self.lines, self.last, self.clock = name, [], None, 0

    def entry(self, kind, parent="LAST", uuid_of=None, **fields):
        """Appends an entry; returns its uuid."""
        own = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.name}/{uuid_of or len(self.lines)}"))
        self.clock += 1
        entry = {"parentUuid": self.last if parent == "LAST" else parent, "isSidechain": False, "type": kind,
                 "uuid": own, "timestamp": f"2026-03-04T05:{self.clock // 60:02}:{self.clock % 60:02}.000Z",
                 "userType": "external", "cwd": "/", "sessionId": "SESSION", "version": "2.1.332", **fields}
        self.lines.append(json.dumps(entry, separators=(",", ":")))
        self.last = own
        return own

    def user(self, content, **fields):
        return self.entry("user", message={"role": "user", "content": content}, **fields)

    def reply(self, *blocks, id=None, **fields):
        content = [{"type": "text", "text": b} if isinstance(b, str) else b for b in blocks]
        message = {"id": id or f"msg_{len(self.lines)}", "type": "message", "role": "assistant",
                   "model": "claude-sonnet-4-5", "content": content, "stop_reason": "end_turn", "stop_sequence": None,
                   "usage": {"input_tokens": 3, "output_tokens": 2}}
        return self.entry("assistant", message=message, **fields)

    def turn(self, about):
        self.user(f"Ask about {about}")
        return self.reply(f"Answer about {about}")

    def compact(self, **metadata):
        """A boundary and its summary; returns the summary's uuid, which `metadata` may name as `ANCHOR`."""
        anchor = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.name}/summary{len(self.lines)}"))
        metadata = json.loads(json.dumps(metadata).replace("ANCHOR", anchor))
        self.entry("system", parent=None, subtype="compact_boundary", content="Conversation compacted",
                   logicalParentUuid=self.last, compactMetadata={"trigger": "manual", "preTokens": 9, **metadata})
        return self.user("A summary of the talk so far.", uuid_of=f"summary{len(self.lines) - 1}",
                         isCompactSummary=True, isVisibleInTranscriptOnly=True)


def call(id, command="true"):
    return {"type": "tool_use", "id": id, "name": "Bash", "input": {"command": command}}


def result(id, text):
    return {"type": "tool_result", "tool_use_id": id, "content": text}


def sessions():
    """All sessions, each about one rule."""
    s = Session("three turns")
    s.turn("tea"), s.turn("rice"), s.turn("salt")
    yield s
    s = Session("a lost line in the middle")
    s.turn("tea"), s.turn("rice"), s.turn("salt")
    del s.lines[3]
    yield s
    s = Session("a line cut in half")
    s.turn("tea"), s.turn("rice"), s.turn("salt")
    s.lines[2] = s.lines[2][:90]
    yield s
    s = Session("two records on one line")
    s.turn("tea"), s.turn("rice")
    s.lines[1:3] = [s.lines[1] + s.lines[2]]
    yield s
    s = Session("a half surrogate")
    s.user("Half @ here"), s.reply("Half @ there")
    s.lines = [line.replace("@", "\\ud83e") for line in s.lines]
    yield s
    s = Session("an entry of a later release")
    s.turn("tea")
    s.entry("a-later-kind", value=3)
    s.turn("rice")
    yield s
    s = Session("everything written twice")
    s.turn("tea"), s.turn("rice")
    s.lines *= 2
    yield s
    s = Session("a rewind to the first answer")
    first = s.turn("tea")
    s.turn("rice")
    s.user("Ask about salt", parent=first), s.reply("Answer about salt")
    yield s
    s = Session("a last-prompt on the older branch")
    first = s.turn("tea")
    old = s.turn("rice")
    s.user("Ask about salt", parent=first), s.reply("Answer about salt")
    s.lines.append(json.dumps({"type": "last-prompt", "lastPrompt": "x", "leafUuid": old, "sessionId": "SESSION"}))
    yield s
    s = Session("a compaction that keeps nothing")
    s.turn("tea"), s.compact(), s.turn("rice")
    yield s
    for where in ("summary", "tail"):
        s = Session(f"a compaction that keeps a turn, going on behind the {where}")
        s.turn("tea")
        head = s.user("Ask about rice")
        tail = s.reply("Answer about rice")
        summary = s.compact(preservedSegment={"headUuid": head, "anchorUuid": "ANCHOR", "tailUuid": tail})
        s.last = summary if where == "summary" else tail
        s.turn("salt")
        yield s
    s = Session("a compaction that lists what it keeps")
    s.turn("tea")
    kept = [s.user("Ask about rice"), s.reply("Answer about rice")]
    s.compact(preservedMessages={"anchorUuid": "ANCHOR", "uuids": kept, "allUuids": kept})
    s.turn("salt")
    yield s
    s = Session("a compaction whose kept messages are gone")
    s.turn("tea")
    s.compact(preservedSegment={"headUuid": str(uuid.uuid5(uuid.NAMESPACE_URL, "gone")), "anchorUuid": "ANCHOR",
                                "tailUuid": s.last})
    s.turn("salt")
    yield s
    s = Session("parallel calls with results beside the chain")
    s.user("Do both")
    a = s.reply(call("call_1"), id="msg_p")
    b = s.reply(call("call_2"), id="msg_p")
    s.user([result("call_1", "one")], parent=a)
    s.user([result("call_2", "two")], parent=b), s.reply("Both done")
    yield s
    s = Session("a call that was never answered, and a new prompt")
    s.user("Do it"), s.reply(call("call_1")), s.turn("tea")
    yield s
    s = Session("a session that ended in a call")
    s.user("Do it"), s.reply("I do it", call("call_1"))
    yield s
    s = Session("one result of two")
    s.user("Do both"), s.reply(call("call_1"), call("call_2")), s.user([result("call_2", "two")]), s.reply("One done")
    yield s
    s = Session("a prompt without an answer")
    s.turn("tea"), s.user("Nobody answers")
    yield s
    s = Session("a prompt that was queued")
    s.user("Do it"), s.reply(call("call_1")), s.user([result("call_1", "one")])
    s.entry("attachment", attachment={"type": "queued_command", "prompt": "and that too", "commandMode": "prompt"})
    s.reply("Both seen")
    yield s
    s = Session("a reply that is only thought")
    s.user("Think"), s.reply({"type": "thinking", "thinking": "hm", "signature": "c2ln"}), s.turn("tea")
    yield s
    s = Session("an error that was recorded as a reply")
    s.user("Ask"), s.reply("API Error: 500", isApiErrorMessage=True), s.turn("tea")
    s.lines[1] = s.lines[1].replace('"model":"claude-sonnet-4-5"', '"model":"<synthetic>"')
    yield s
    s = Session("a slash command with its text")
    s.user("<command-message>greet</command-message>\n<command-name>/greet</command-name>\n<command-args>Ada</command-args>")
    s.user([{"type": "text", "text": "Greet Ada."}], isMeta=True), s.reply("Good day")
    yield s


def parts(messages):
    """The conversation as comparable strings; the Rust test does the same to ours."""
    found = []

    def add(role, text):
        if not text:
            return
        if found and found[-1].startswith(f"{role} says ") and text:
            found[-1] += "\n" + text
        else:
            found.append(f"{role} says {text}")

    for message in messages:
        role, content = message["role"], message["content"]
        if role == "system":
            continue
        for block in [{"type": "text", "text": content}] if isinstance(content, str) else content:
            kind = block["type"]
            if kind == "text":
                queued = re.search(r"while you were working:\n(.*?)\n", block["text"])
                add(role, queued[1] if queued else
                    re.sub(r"<system-reminder>.*?</system-reminder>", "", block["text"], flags=re.S).strip())
            elif kind == "tool_use":
                found.append(f"{role} calls {block['id']}")
            elif kind == "tool_result":
                inner = block["content"]
                inner = inner if isinstance(inner, str) else "".join(p.get("text", "") for p in inner)
                inner = re.sub(r"<system-reminder>.*?while you were working:\n(.*?)\n.*?</system-reminder>",
                               "", inner, flags=re.S).strip()
                found.append(f"{role} answers {block['tool_use_id']} {'(missing)' if inner.startswith('[Tool') else inner}")
                queued = re.search(r"while you were working:\n(.*?)\n", str(block["content"]).replace("\\n", "\n"))
                if queued:
                    add(role, queued[1])
            else:
                found.append(f"{role} {kind}")
    return found


class Stub(http.server.BaseHTTPRequestHandler):
    """Remembers the requests, and answers each with one word."""
    requests = []

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.send_response(200), self.end_headers()

    def do_GET(self):
        self.reply({})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if not self.path.split("?")[0].endswith("/messages"):
            return self.reply({"input_tokens": 1})
        Stub.requests.append(body)
        return Stub.answer(self, body)

    def answer(self, body):
        message = {"id": "msg_s", "type": "message", "role": "assistant", "model": body["model"], "content": [],
                   "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1}}
        if not body.get("stream"):
            return Stub.reply(self, {**message, "content": [{"type": "text", "text": "Yes"}], "stop_reason": "end_turn"})
        events = [("message_start", {"message": message}),
                  ("content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}}),
                  ("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": "Yes"}}),
                  ("content_block_stop", {"index": 0}),
                  ("message_delta", {"delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}}),
                  ("message_stop", {})]
        self.send_response(200)
        self.send_header("content-type", "text/event-stream"), self.send_header("connection", "close")
        self.end_headers()
        for kind, fields in events:
            self.wfile.write(f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode())
        self.close_connection = True

    def reply(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json"), self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main():
    claude = sys.argv[1] if len(sys.argv) > 1 else "claude"
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    recorded = []
    for session in sessions():
        Stub.requests.clear()
        with tempfile.TemporaryDirectory() as home:
            project = os.path.realpath(os.path.join(home, "project"))
            folder = os.path.join(home, ".claude", "projects", re.sub(r"[^a-zA-Z0-9]", "-", project))
            os.makedirs(project), os.makedirs(folder)
            id = str(uuid.uuid5(uuid.NAMESPACE_URL, session.name))
            with open(os.path.join(folder, id + ".jsonl"), "w") as out:
                out.write("".join(line.replace("SESSION", id) + "\n" for line in session.lines))
            environment = {"PATH": os.environ["PATH"], "HOME": home, "CLAUDE_CONFIG_DIR": os.path.join(home, ".claude"),
                           "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{server.server_address[1]}",
                           "ANTHROPIC_API_KEY": "sk-ant-test", "CLAUDE_CODE_MAX_RETRIES": "0",
                           "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1"}
            subprocess.run([claude, "-p", "--resume", id, PROMPT], cwd=project, env=environment, timeout=120,
                           stdin=subprocess.DEVNULL, capture_output=True)
        sent = [r for r in Stub.requests if PROMPT in json.dumps(r["messages"][-3:])]
        if not sent:
            sys.exit(f"{session.name}: nothing was sent")
        recorded.append({"name": session.name, "lines": session.lines, "sends": parts(sent[0]["messages"])})
        print(session.name)
    with open(os.path.join(HERE, "cases.json"), "w") as out:
        json.dump(recorded, out, indent=1)
        out.write("\n")


if __name__ == "__main__":
    main()
