"""The provider's own key and address go on, last of all; what a provider echoes of them comes off. Not policy: the template is.

A key exists here, on the wire, and nowhere else: the record gets a keyed fingerprint. Resolved values are kept in memory for
CACHE_SECONDS, so that a rotated key is used without a restart.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from urllib.parse import quote

from mitmproxy import http

from addons import hooks
from addons.console.desk import Desk
from addons.hooks import Exchange, Refused
from addons.policy.model import Connection, Credential, CredentialKind, Reference, Source

CACHE_SECONDS = 60
COMMAND_SECONDS = 10  # a command: that takes longer fails the call
ECHO = "[affidavit: credential removed]"


class Credentials:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._cache: dict[tuple[Reference, ...], tuple[float, str]] = {}

    @hooks.fails_closed
    async def request(self, flow: http.HTTPFlow) -> None:
        exchange = hooks.exchange_of(flow)
        if flow.response or flow.error or exchange is None or exchange.connection is None:
            return
        if not exchange.opened:
            raise Refused(503, "not_recorded", hooks.FAULT, outcome="failed")
        await self._put_on(flow, exchange, exchange.connection.credential)
        self._address(flow, exchange, exchange.connection)
        exchange.sent_at = self.desk.clock()

    async def _put_on(self, flow: http.HTTPFlow, exchange: Exchange, credential: Credential) -> None:
        if credential.kind in {CredentialKind.CLIENT, CredentialKind.NONE}:
            return
        value = await self._resolve(credential, exchange)
        exchange.secrets |= secrets_in(value)
        if credential.kind is CredentialKind.QUERY:
            mark = "&" if "?" in exchange.path else "?"
            exchange.path += f"{mark}{quote(credential.name)}={quote(value)}"
        else:
            flow.request.headers[credential.name] = value

    def _address(self, flow: http.HTTPFlow, exchange: Exchange, connection: Connection) -> None:
        """Applied last, after every check of where the client meant to go. Setting `host` rewrites Host, and SNI with it."""
        upstream = connection.upstream
        prefix = upstream.prefix if upstream else ""
        if upstream:
            flow.request.scheme, flow.request.host, flow.request.port = upstream.scheme, upstream.host, upstream.port
        elif exchange.door == "base_url":
            flow.request.scheme, flow.request.host, flow.request.port = (
                "https",
                connection.hosts[0],
                connection.ports[0],
            )
        flow.request.path = prefix + exchange.path

    async def _resolve(self, credential: Credential, exchange: Exchange) -> str:
        now = asyncio.get_running_loop().time()
        cached = self._cache.get(credential.references)
        if cached and now - cached[0] < CACHE_SECONDS:
            return cached[1]
        pieces = [piece if isinstance(piece, str) else await self._read(piece, exchange) for piece in credential.pieces]
        value = "".join(pieces)
        if not value.isprintable():
            raise self._missing(exchange, "has line breaks or control characters in it")
        self._cache[credential.references] = (now, value)
        return value

    async def _read(self, reference: Reference, exchange: Exchange) -> str:
        if reference.source is Source.ENV:
            value = os.environ.get(reference.arguments[0], "")
        elif reference.source is Source.FILE:
            value = await asyncio.to_thread(_file, reference.arguments[0])
        else:
            value = await _command(reference.arguments)
        if not value:
            named = " ".join(reference.arguments[:1])
            raise self._missing(exchange, f"{reference.source.value}:{named} is not set, empty or failed")
        return value

    def _missing(self, exchange: Exchange, what: str) -> Refused:
        connection = exchange.connection.id if exchange.connection else ""
        return Refused(
            503, "credential_missing",
            f"the gateway has no provider key for connection {connection!r}: {what}. Its operator sets it, then types: affidavit status",
            outcome="failed",
        )  # fmt: skip

    @hooks.fails_closed
    def responseheaders(self, flow: http.HTTPFlow) -> None:
        """A provider that repeats our key in a header does not hand it to the client. Bodies: masking by value in the record."""
        exchange = hooks.exchange_of(flow)
        if exchange is None or flow.response is None:
            return
        for name, value in list(flow.response.headers.items(multi=True)):
            if any(secret in value for secret in exchange.secrets):
                flow.response.headers[name] = ECHO
                exchange.findings.append(("credential_echoed", f"header:{name.lower()}"))


def secrets_in(value: str) -> set[str]:
    """The credential, whole and without its scheme: what must appear nowhere. Too short to be a secret: left out."""
    return {part for part in (value, value.rpartition(" ")[2]) if len(part) >= 6}


def _file(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


async def _command(words: tuple[str, ...]) -> str:
    try:
        process = await asyncio.create_subprocess_exec(
            *words, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
    except OSError:
        return ""
    try:
        output, _ = await asyncio.wait_for(process.communicate(), COMMAND_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
        return ""
    return output.decode("utf-8", "replace").strip() if process.returncode == 0 else ""
