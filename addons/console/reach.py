"""Asking a state something, from a command: through its owner's socket, or as its owner for a moment. Not what is asked.

Between "nobody listens" and "the lock is free" an owner may come or go, so both are tried until one of them holds.
"""

from __future__ import annotations

import asyncio
import http.client
import secrets
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

import orjson

from addons.console.state import StateFolder, StateOwned
from addons.console.unix_path import socket_address

PATIENCE_SECONDS = 5.0  # an owner that starts holds the lock before it listens
TIMEOUT_SECONDS = 30.0


class Refused(Exception):  # noqa: N818 - a decision, not a fault
    """What was asked was refused; code for programs, hint for people."""

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint


class NobodyListens(Refused):
    """No gateway runs on this state."""

    def __init__(self, folder: StateFolder) -> None:
        super().__init__(
            "no_gateway", f"no gateway runs on {folder.path}", f"start one: affidavit proxy --state {folder.path}"
        )


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over the control socket."""

    def __init__(self, folder: StateFolder, timeout: float | None) -> None:
        super().__init__("localhost", timeout=timeout)
        self._folder = folder

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        with socket_address(self._folder.socket) as address:
            self.sock.connect(address)


@dataclass(frozen=True, slots=True)
class _Question:
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    token: str = field(default="", repr=False)


def ask(folder: StateFolder, method: str, path: str, **more: Any) -> Any:
    """The answer's JSON. more: query, body, token. Raises Refused, or StateRefused where the state is not as it should be."""
    folder.check()
    question = _Question(method, path, **more)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return _ask_owner(folder, question)
        except NobodyListens:
            pass
        try:
            with folder.own(wait_seconds=0.1):
                return asyncio.run(_ask_ourselves(folder, question))
        except StateOwned:
            if time.monotonic() >= deadline:
                raise


def ask_owner(folder: StateFolder, method: str, path: str, **more: Any) -> Any:
    """The same from the gateway that runs, or NobodyListens."""
    return _ask_owner(folder, _Question(method, path, **more))


def watch(folder: StateFolder) -> Iterator[Any]:
    """Each approval that waits, then each that is new or changes, until the gateway stops; or NobodyListens."""
    connection, response = _sent(folder, _Question("GET", "/approvals/watch"), timeout=None)
    try:
        for line in response:
            yield orjson.loads(line)
    finally:
        connection.close()


def _ask_owner(folder: StateFolder, question: _Question) -> Any:
    connection, response = _sent(folder, question, TIMEOUT_SECONDS)
    try:
        return _read(response.status, response.read())
    finally:
        connection.close()


def _sent(
    folder: StateFolder, question: _Question, timeout: float | None
) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    connection = _UnixConnection(folder, timeout)
    headers = {"content-type": "application/json"}
    if question.token:
        headers["authorization"] = f"Bearer {question.token}"
    target = quote(question.path) + (f"?{urlencode(question.query)}" if question.query else "")
    try:
        connection.request(
            question.method,
            target,
            body=None if question.body is None else orjson.dumps(question.body),
            headers=headers,
        )
        return connection, connection.getresponse()
    except (FileNotFoundError, ConnectionRefusedError) as error:
        connection.close()
        raise NobodyListens(folder) from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        connection.close()
        raise Refused(
            "no_answer",
            f"the gateway on {folder.path} does not answer ({type(error).__name__})",
            "affidavit status; is its process stopped?",
        ) from error


def _read(status: int, body: bytes) -> Any:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refused(
            "no_answer", f"the gateway's answer ({status}) is not JSON", "is it of the same version as this command?"
        ) from error
    if status >= 400:
        raise Refused(answer["error"]["code"], answer["error"]["message"], answer["error"]["hint"])
    return answer


async def _ask_ourselves(folder: StateFolder, question: _Question) -> Any:
    """The imports cost half a second, which a command that finds an owner need not pay."""
    from addons.console import operations  # noqa: PLC0415
    from addons.console.desk import Desk, operator  # noqa: PLC0415

    desk = await Desk.open(folder, clock=lambda: datetime.now(UTC), random=secrets.token_bytes)
    try:
        asked = operations.Ask(
            question.method, question.path, operator(), question.query, question.body, question.token
        )
        return await operations.answer(desk, asked)
    except operations.OperationRefused as refusal:
        raise Refused(refusal.code, refusal.message, refusal.hint) from refusal
    finally:
        await desk.close()
