"""A file of recorded exchanges as values that can be driven: one JSON object a line, gzip or plain. Not the driving (wire.py).

    {"provider": "openai", "api": "openai.chat", "host": …, "method": …, "path": …, "query": …, "request_headers": {name: [values]},
     "request_body": …, "request_body_kind": "text"|"base64", "request_encoding": "identity"|"gzip"|…, "status": 200, "response_…": …}

Recordings lie about three things, which are put right here: content-encoding may stand over a body that was decoded (it is compressed again),
framing headers name another framing (they are made anew), and credentials were taken out (synthetic ones are put back, so that
whether they are masked can be seen).
"""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import brotli
import zstandard

from addons.policy.hosts import normal_host
from addons.providers.registry import PROVIDER_NAMES, provider_named, provider_of_host

SYNTHETIC_KEY: Final = "sk-proj-wire0synthetic0abcdefghijklmnopqrstuvwxyz0123456789ABCD"
SCRUBBED: Final = "SCRUBBED"
NOT_MODEL_TRAFFIC: Final = "non_llm"

Pairs = tuple[tuple[str, str], ...]

# Of one hop (RFC 9110 7.6.1), framing, or where the request goes: made by each side for itself.
HOP: Final = frozenset(
    "connection keep-alive proxy-connection proxy-authenticate proxy-authorization te trailer transfer-encoding upgrade content-length host expect".split()
)


class FileUnreadable(Exception):  # noqa: N818 -- reads as what is wrong
    """FILE is not a file of recorded exchanges."""


@dataclass(frozen=True, slots=True)
class WebSocketMessage:
    from_client: bool
    content: str | bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Recorded:
    """One exchange as it is driven: heads without framing, bodies as on the wire."""

    number: int
    label: tuple[str, str]  # the recording's own words: provider, api
    provider: str  # as connections.yaml names it
    host: str
    default_port: bool
    method: str
    target: str
    headers: Pairs = field(repr=False)
    body: bytes = field(repr=False)
    status: int
    reply_headers: Pairs = field(repr=False)
    reply_body: bytes = field(repr=False)
    said: bytes = field(repr=False)  # the reply's body, decoded
    framing: str
    messages: tuple[WebSocketMessage, ...] = field(default=(), repr=False)
    source: str = ""

    @property
    def tunnelled(self) -> bool:
        """Whether the gateway must not touch it: the recording says so, and no provider lives at its host."""
        return self.label[1] == NOT_MODEL_TRAFFIC and provider_of_host(self.host) is None

    @property
    def tunnel_host(self) -> str:
        """What to CONNECT to where it must not be touched; a few recordings name no host that can be."""
        return normal_host(self.host) or "unnamed.invalid"

    @property
    def websocket(self) -> bool:
        return self.framing == "websocket"

    @property
    def mark(self) -> str:
        return f"w{self.number:06d}"


def read(path: Path) -> Iterator[Recorded]:
    try:
        with path.open("rb") as file:
            zipped = file.read(2) == b"\x1f\x8b"
        with gzip.open(path) if zipped else path.open("rb") as lines:
            for number, line in enumerate(lines):
                yield _recorded(number, json.loads(line))
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise FileUnreadable(
            f"{path}: expected a JSON object of a recorded exchange on each line, got {type(error).__name__}: {str(error)[:120]}"
        ) from error


def _recorded(number: int, row: dict[str, Any]) -> Recorded:
    headers, body, _ = _side(row, "request")
    reply_headers, reply_body, said = _side(row, "response")
    query = _printable(row["query"] or "").replace(SCRUBBED, SYNTHETIC_KEY)
    host = row["host"] or ""
    return Recorded(
        number=number,
        label=(row["provider"], row["api"]),
        provider=_provider(row["provider"], row["api"], host),
        host=host,
        default_port=row["scheme"] in {"https", "wss"} and row["port"] in {None, 443},
        method=row["method"],
        target=_target(row["path"]) + (f"?{query}" if query else ""),
        headers=tuple((name, value.replace(SCRUBBED, SYNTHETIC_KEY)) for name, value in headers),
        body=body,
        status=row["status"] or 200,
        reply_headers=reply_headers,
        reply_body=reply_body,
        said=said,
        framing=row["framing"],
        messages=tuple(_message(each) for each in row.get("ws_messages") or ()),
        source=f"{row['source_repo']} {row['source_path']}#{row['index']}",
    )


def _target(path: str) -> str:
    """As it may stand in a request line: recordings hold a few paths with a space or a letter beyond ASCII in them."""
    return "/" + _printable(path).lstrip("/")


def _printable(text: str) -> str:
    return "".join(c if "!" <= c <= "~" else "".join(f"%{b:02X}" for b in c.encode("utf-8", "replace")) for c in text)


def _provider(name: str, api: str, host: str) -> str:
    if name in PROVIDER_NAMES:
        return provider_named(name).name
    if found := provider_of_host(host):
        return found.name
    return "mcp" if api.startswith("mcp") else "openai_compatible"


def _side(row: dict[str, Any], side: str) -> tuple[Pairs, bytes, bytes]:
    """Headers that can be sent, the body as on the wire, and the body decoded."""
    stored = row[f"{side}_body"] or ""
    wire = base64.b64decode(stored) if row[f"{side}_body_kind"] == "base64" else stored.encode("utf-8", "surrogatepass")
    applied = row[f"{side}_encoding"] or "identity"
    try:
        said = _UNPACK.get(applied, bytes)(wire)
    except (zlib.error, brotli.error, zstandard.ZstdError):  # cut in the recording: it goes as it is
        said = wire
    pairs = []
    for name, values in (row[f"{side}_headers"] or {}).items():
        if name.lower() in HOP or name.startswith(":"):
            continue
        for value in values:
            if name.lower() == "content-encoding" and value.strip().lower() != applied:
                if value.strip().lower() not in _PACK:
                    continue
                wire = _PACK[value.strip().lower()](said)
            pairs.append((name, _field(value)))
    return tuple(pairs), wire, said


def _field(value: str) -> str:
    return (
        value.encode("latin-1", "replace")
        .decode("latin-1")
        .replace("\r", " ")
        .replace("\n", " ")
        .replace("\0", " ")
        .strip()
    )


def _message(row: dict[str, Any]) -> WebSocketMessage:
    from_client = row["dir"] == "client"
    if "text" in row:
        return WebSocketMessage(from_client, row["text"])
    return WebSocketMessage(from_client, base64.b64decode(row.get("base64") or row.get("data") or ""))


_UNPACK: Final[dict[str, Callable[[bytes], bytes]]] = {
    "gzip": lambda body: zlib.decompressobj(31).decompress(body),
    "deflate": zlib.decompress,
    "br": brotli.decompress,
    "zstd": lambda body: zstandard.ZstdDecompressor().decompressobj().decompress(body),
}
_PACK: Final[dict[str, Callable[[bytes], bytes]]] = {
    "gzip": lambda body: gzip.compress(body, mtime=0),
    "deflate": zlib.compress,
    "br": lambda body: brotli.compress(body, quality=4),
    "zstd": lambda body: zstandard.ZstdCompressor().compress(body),
}
