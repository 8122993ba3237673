"""The official client, plus the three switches of a hotseat process.

Owns the names and types of the switches. The work is in the process: every
method is one request to it.
"""

import asyncio
import json
import os
from dataclasses import dataclass, field, fields
from typing import Any

from claude_agent_sdk import (
    ClaudeSDKClient,
    CLIConnectionError,
    SDKSessionInfo,
    list_sessions_from_store,
)

__all__ = ["HotseatClient", "Switched"]


@dataclass(frozen=True)
class Switched:
    """What a switch led to."""

    session_id: str
    """The session that is active now."""
    previous_session_id: str
    """The one that was left; its transcript is complete on disk."""
    transcript_path: str
    """Where the transcript lies, or will with its first entry."""
    cwd: str
    """The folder the session works in."""
    message_count: int
    """Messages so far."""
    num_turns: int
    """Prompts so far."""
    total_cost_usd: float
    """US dollars so far."""
    duration_ms: float
    """From the request's arrival to its answer, in the process."""
    pid: int
    """The process: the same as before."""
    forked_from: str | None = None
    """The session this one was copied from."""
    repaired: str | None = None
    """What was mended in a torn transcript, for a person."""
    usage: dict[str, Any] = field(default_factory=dict)
    """Tokens so far, as the Messages API names them."""


_KNOWN = {each.name for each in fields(Switched)}


class HotseatClient(ClaudeSDKClient):
    """A ``ClaudeSDKClient`` whose process changes sessions without restarting.

    Every switch raises what the SDK raises for a refused request; the former
    session is active then, and whole. While a turn runs a switch is refused,
    unless ``interrupt`` says to stop the turn first.
    """

    async def connect(self, prompt: Any = None) -> None:
        """Connects, and offers the ``session_store`` of the options to the process.

        Then ``resume`` and ``fork`` find sessions that exist only there: the
        process asks for their entries, and no file is needed.
        """
        await super().connect(prompt)
        store, query = self.options.session_store, self._query
        if store is None or query is None:
            return
        handle = query._handle_control_request

        async def serve(request: Any) -> None:
            body = request["request"]
            if body.get("subtype") != "session_store_load":
                return await handle(request)
            response: dict[str, Any] = {"request_id": request["request_id"]}
            try:
                response |= {"subtype": "success", "response": {"entries": await store.load(body["key"])}}
            except Exception as error:
                response |= {"subtype": "error", "error": f"{type(error).__name__}: {error}"}
            await query.transport.write(json.dumps({"type": "control_response", "response": response}) + "\n")

        query._handle_control_request = serve  # type: ignore[method-assign]
        await query._send_control_request({"subtype": "initialize", "session_store": True})

    async def continue_last(self, *, interrupt: bool = False) -> Switched:
        """Goes on with the newest session of this client's folder.

        That of the ``session_store`` if there is one, else of this machine.
        """
        store = self.options.session_store
        if store is None:
            sessions = [session.session_id for session in await self.list_sessions()]
        else:
            sessions = [session.session_id for session in await list_sessions_from_store(store, directory=self._cwd())]
        if not sessions:
            raise CLIConnectionError("There is no session to continue.")
        return await self.resume(sessions[0], interrupt=interrupt)

    def _cwd(self) -> str:
        return os.fspath(self.options.cwd or os.getcwd())

    async def clear(self, resume: str | None = None, *, interrupt: bool = False) -> Switched:
        """Leaves for a new session, or for the one that ``resume`` names."""
        return await self._switch("clear", resume=resume, interrupt=interrupt)

    async def resume(
        self,
        session_id: str,
        fork: bool = False,
        *,
        at: str | None = None,
        cwd: str | os.PathLike[str] | None = None,
        interrupt: bool = False,
    ) -> Switched:
        """Goes on with a stored session, or with a copy of it.

        ``at`` is the uuid of the message to go on from, ``cwd`` the folder to
        run it in; without them, its last one and its own.
        """
        return await self._switch(
            "resume",
            session_id=session_id,
            fork_session=fork,
            resume_session_at=at,
            cwd=cwd and os.fspath(cwd),
            interrupt=interrupt,
        )

    async def load_session(self, session_id: str, *, interrupt: bool = False) -> Switched:
        """``resume`` by another name."""
        return await self._switch("load_session", session_id=session_id, interrupt=interrupt)

    async def fork(
        self,
        session_id: str | None = None,
        *,
        at: str | None = None,
        title: str | None = None,
        interrupt: bool = False,
    ) -> Switched:
        """Goes on in a copy of a session; without an id, of the active one.

        ``at`` is the uuid of the last message to copy.
        """
        return await self._switch(
            "fork", session_id=session_id, resume_session_at=at, title=title, interrupt=interrupt
        )

    async def create_session(self) -> Switched:
        """Leaves for a new session; its id and path are known at once."""
        return await self.clear()

    async def get_or_create_session(self, session_id: str, *, interrupt: bool = False) -> Switched:
        """Goes on with this session, or begins it with this very id."""
        return await self._switch("resume", session_id=session_id, create=True, interrupt=interrupt)

    async def list_sessions(self, *, all_projects: bool = False) -> list[SDKSessionInfo]:
        """The sessions of this client's folder, or of all, newest first.

        Asks the ``session_store`` of the options if there is one, else
        ``hotseat sessions list``, which finds titles the official function
        misses and answers from an index.
        """
        if self.options.session_store is not None and not all_projects:
            return await list_sessions_from_store(self.options.session_store, directory=self._cwd())
        words = [os.fspath(self.options.cli_path or "hotseat"), "sessions", "list", "--json"]
        process = await asyncio.create_subprocess_exec(
            *words,
            *(["--all"] if all_projects else []),
            cwd=self.options.cwd,
            env={**os.environ, **self.options.env},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        listed, words_of_failure = await process.communicate()
        if process.returncode != 0:
            raise CLIConnectionError(words_of_failure.decode(errors="replace").strip())
        known = {each.name for each in fields(SDKSessionInfo)}
        return [
            SDKSessionInfo(**{name: value for name, value in row.items() if name in known})
            for row in json.loads(listed)
        ]

    async def _switch(self, subtype: str, **wanted: Any) -> Switched:
        if self._query is None:
            raise CLIConnectionError("Not connected. Call connect() first.")
        request = {name: value for name, value in wanted.items() if value not in (None, False)}
        answer = await self._query._send_control_request({"subtype": subtype, **request})
        return Switched(**{name: value for name, value in answer.items() if name in _KNOWN})
