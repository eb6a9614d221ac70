"""The control socket: JSON over HTTP on `<state>/control.sock`, in mitmproxy's own loop. Not what can be asked (operations.py).

The socket is 0600 in a folder 0700: who can connect is the folder's owner or root. The kernel says which (SO_PEERCRED, unix(7)),
and that user is the actor of the record. It is never enough to decide an approval: that takes the approver's own token.

    GET /approvals/watch     one JSON object a line, for each approval that is new or has changed, until the client leaves
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import struct
import traceback
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
from tornado import httpserver, iostream, web

from addons.approvals.state import Approval, State
from addons.console import operations
from addons.console.desk import Desk, user_actor
from addons.console.operations import Ask, OperationRefused
from addons.console.shapes import approval_shape
from addons.console.unix_path import socket_address

log = logging.getLogger("affidavit")

BODY_BYTES = 64 * 1024
HEADER_BYTES = 32 * 1024
IDLE_SECONDS = 60


@contextlib.asynccontextmanager
async def serving(desk: Desk) -> AsyncIterator[None]:
    """Listens until the context ends. The caller owns the state, so a socket found there is what a crash left."""
    path = desk.folder.socket
    path.unlink(missing_ok=True)
    listener = _listener(path)
    server = httpserver.HTTPServer(
        _application(desk), max_body_size=BODY_BYTES, max_header_size=HEADER_BYTES, idle_connection_timeout=IDLE_SECONDS
    )
    server.add_socket(listener)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        server.stop()
        await server.close_all_connections()


def _listener(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.setblocking(False)
    with socket_address(path) as address:
        listener.bind(address)
    path.chmod(0o600)  # until here the folder's 0700 keeps others out
    listener.listen(64)
    return listener


def _application(desk: Desk) -> web.Application:
    arguments = {"desk": desk}
    routes: list[Any] = [("/approvals/watch", Watch, arguments), ("/.*", Control, arguments)]
    return web.Application(routes, log_function=say_nothing)


def say_nothing(_handler: web.RequestHandler) -> None:
    """Who asked for what is in the record, not in a log."""


class Quiet(web.RequestHandler):
    """Logs what went wrong and where, never what was asked."""

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:  # noqa: ARG002 -- tornado's signature
        """Type and place; the text may quote what was asked."""
        if typ is not None and not issubclass(typ, (web.HTTPError, OperationRefused)):
            place = traceback.extract_tb(tb)[-1]
            log.error("fault in the console: %s at %s:%s", typ.__name__, Path(place.filename).name, place.lineno)


class Control(Quiet):
    """Every path: the table of operations decides."""

    def initialize(self, desk: Desk) -> None:
        self.desk = desk
        self._changes: asyncio.Queue[Approval | None] = asyncio.Queue()

    async def prepare(self) -> None:
        self.set_header("content-type", "application/json")
        try:
            body = await operations.answer(self.desk, self._ask())
        except OperationRefused as refusal:
            self.set_status(refusal.status)
            body = {"error": {"code": refusal.code, "message": refusal.message, "hint": refusal.hint}}
        self.finish(orjson.dumps(body))

    def write_error(self, status_code: int, **_: Any) -> None:
        """A fault of ours, or of HTTP itself; never a traceback, which may quote what was asked."""
        error = {
            "code": "fault",
            "message": f"the gateway could not answer ({status_code})",
            "hint": "the gateway's log says why",
        }
        self.finish(orjson.dumps({"error": error}))

    def _ask(self) -> Ask:
        request = self.request
        scheme, _, credential = request.headers.get("authorization", "").partition(" ")
        return Ask(
            method=request.method or "",
            path=request.path,
            actor=user_actor(self._peer_uid()),
            query={name: self.get_query_argument(name) for name in request.query_arguments},
            body=json_of(request.body),
            token=credential.strip() if scheme.lower() == "bearer" else "",
        )

    def _peer_uid(self) -> int:
        stream: iostream.IOStream = self.request.connection.stream  # type: ignore[union-attr] # tornado types the interface, not HTTP1Connection
        if not hasattr(socket, "SO_PEERCRED"):
            return os.geteuid()  # the socket's 0600 says as much, root aside
        credentials = stream.socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        uid: int = struct.unpack("3i", credentials)[1]
        return uid


class Watch(Control):
    """A stream; it begins with what is pending now, so that nothing falls between a list and the stream."""

    async def prepare(self) -> None:
        self.set_header("content-type", "application/x-ndjson")
        with self.desk.watching() as self._changes, contextlib.suppress(iostream.StreamClosedError):
            for approval in self.desk.approvals(State.PENDING):
                self.write(orjson.dumps(approval_shape(approval)) + b"\n")
            await self.flush()
            while (changed := await self._changes.get()) is not None:
                self.write(orjson.dumps(approval_shape(changed)) + b"\n")
                await self.flush()
            self.finish()

    def on_connection_close(self) -> None:
        while not self._changes.empty():
            self._changes.get_nowait()
        self._changes.put_nowait(None)


def json_of(body: bytes) -> Any:
    try:
        return orjson.loads(body) if body else None
    except orjson.JSONDecodeError as error:
        raise OperationRefused(400, "body_malformed", "expected JSON", "send a JSON object") from error
