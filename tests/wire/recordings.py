"""Recorded exchanges of other projects' test suites, where they are at hand: ../shared/wire. Not part of the product."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import brotli
import zstandard

from addons.providers.call import Call, Reply
from addons.providers.doors import parse_call, parse_reply
from addons.providers.registry import PROVIDER_NAMES, provider_named
from addons.providers.wire import WireReply, WireRequest

FILE = Path(__file__).parents[2].parent / "shared" / "wire" / "exchanges.jsonl.gz"


@dataclass(frozen=True, slots=True)
class Recording:
    name: str  # where it comes from, for the message of a failing test
    api: str
    framing: str
    provider: str
    request: WireRequest
    reply: WireReply
    made_up_request: bool

    def call(self) -> Call:
        return parse_call(self.provider, self.request)

    def said(self) -> Reply:
        return parse_reply(self.call(), self.reply)


def load() -> Iterator[Recording]:
    with gzip.open(FILE) as lines:
        for line in lines:
            yield _recording(json.loads(line))


def _recording(row: dict[str, Any]) -> Recording:
    name = row["provider"]
    request = WireRequest(
        row["method"], row["path"], row["query"] or "", _headers(row, "request"), _body(row, "request")
    )
    return Recording(
        f"{row['source_repo']} {row['source_path']}#{row['index']}",
        row["api"],
        row["framing"],
        provider_named(name).name if name in PROVIDER_NAMES else "openai_compatible",
        request,
        WireReply(row["status"] or 200, _headers(row, "response"), _body(row, "response")),
        row["fidelity"] == "response_only",
    )


def _headers(row: dict[str, Any], side: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, values in (row[f"{side}_headers"] or {}).items() for value in values)


def _body(row: dict[str, Any], side: str) -> bytes:
    stored = row[f"{side}_body"] or ""
    body = base64.b64decode(stored) if row[f"{side}_body_kind"] == "base64" else stored.encode()
    encoding = row[f"{side}_encoding"]
    if encoding == "gzip":
        return zlib.decompressobj(31).decompress(body)
    if encoding == "br":
        return brotli.decompress(body)
    if encoding == "zstd":
        return zstandard.ZstdDecompressor().decompressobj().decompress(body)
    return zlib.decompress(body) if encoding == "deflate" else body
