"""A small MCP server for tests, in plain Python.

Over stdio, or with `--http` over streamable HTTP on a free port of loopback,
which it prints. Every handshake adds a line to the file that --count names.
Its tools: `add` {a, b}, `die` (ends the server), `hang` (never answers),
`flood` (a megabyte of text), `pid`.
"""

import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def option(name):
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else None


def tool(name, **properties):
    schema = {"type": "object", "properties": properties}
    return {"name": name, "description": f"The tool {name}.", "inputSchema": schema}


TOOLS = [
    tool("add", a={"type": "number"}, b={"type": "number"}),
    tool("die"),
    tool("hang"),
    tool("flood"),
    tool("pid"),
]


def call(name, arguments):
    if name == "add":
        return str(arguments["a"] + arguments["b"])
    if name == "die":
        print("I was told to die", file=sys.stderr, flush=True)
        os._exit(3)
    if name == "hang":
        threading.Event().wait()
    if name == "flood":
        return "x" * 1_000_000
    return str(os.getpid())


def answer(message):
    method = message.get("method")
    if method == "initialize":
        with open(option("--count") or os.devnull, "a") as count:
            count.write("handshake\n")
        return {
            "protocolVersion": message["params"]["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "stub", "version": "1.2.3"},
        }
    if method == "tools/list":
        return {"tools": TOOLS}
    if method == "tools/call":
        text = call(message["params"]["name"], message["params"].get("arguments", {}))
        return {"content": [{"type": "text", "text": text}]}
    return {}


def over_stdio():
    lock = threading.Lock()

    def serve(message):
        result = {"jsonrpc": "2.0", "id": message["id"], "result": answer(message)}
        with lock:
            print(json.dumps(result), flush=True)

    for line in sys.stdin:
        message = json.loads(line)
        if "id" in message and "method" in message:
            threading.Thread(target=serve, args=(message,), daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if "id" not in message:
            self.send_response(202)
            self.end_headers()
            return
        if option("--key") not in (None, self.headers.get("X-Key")):
            self.send_response(401)
            self.end_headers()
            return
        body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": answer(message)}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.send_response(405)
        self.end_headers()

    def log_message(self, *_):
        pass


def over_http():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


if "--http" in sys.argv:
    over_http()
else:
    over_stdio()
