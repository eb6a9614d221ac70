"""Recorded exchanges as mitmproxy flows, and a view that reads them as a conversation. For mitmweb; never part of the gateway.

A flow is rebuilt from the record, masked, and says so in a header and in its comment (bodies: console/rebuilt.py).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from mitmproxy import connection, contentviews, ctx, flow, http

from addons.console.rebuilt import Recorded, Row, conversation, reply_body, request_body, timeline
from addons.evidence.ids import time_of
from addons.evidence.package.plain import plain_line, plain_text

MARK = "x-affidavit-rebuilt"
_KEY = "affidavit"  # in flow.metadata: the conversation as text
_FRAMING = {"content-length", "content-encoding", "transfer-encoding", "content-type", "connection"}


def flow_of(found: Recorded) -> http.HTTPFlow:
    """The exchange as a flow that mitmproxy can write, read and show."""
    exchange = found.exchange
    begun, ended = _seconds(exchange["opened_at"]) or 0.0, _seconds(exchange["closed_at"])
    address = (exchange["client_address"] or "").rpartition(":")[0] or exchange["client_address"] or "unknown"
    client = connection.Client(
        peername=(address, 0), sockname=("gateway", 0), timestamp_start=begun, timestamp_end=ended
    )
    server = connection.Server(
        address=(exchange["host"] or "unknown", 443), timestamp_start=_seconds(exchange["sent_at"])
    )
    rebuilt = http.HTTPFlow(client, server)
    rebuilt.id = exchange["id"].partition("_")[2]
    rebuilt.timestamp_created = begun
    rebuilt.request = _request(found)
    if exchange["http_status"] is not None:
        rebuilt.response = _response(found)
    elif exchange["outcome"] != "completed":
        rebuilt.error = flow.Error(
            f"{exchange['outcome'] or 'still open'}: {exchange['error'] or 'no reply recorded'}", ended or begun
        )
    rebuilt.comment = plain_text("\n".join(timeline(found)))
    rebuilt.metadata[_KEY] = conversation(found)
    return rebuilt


def _request(found: Recorded) -> http.Request:
    exchange = found.exchange
    host = exchange["host"] or "unknown"
    begun = _seconds(exchange["opened_at"]) or 0.0
    return http.Request(
        host=host,
        port=443,
        method=(exchange["method"] or "POST").encode("ascii", "replace"),
        scheme=b"https",
        authority=host.encode("utf-8", "replace"),
        path=(exchange["path"] or "/").encode(),
        http_version=b"HTTP/1.1",
        headers=_headers(found, found.request),
        content=_dumps(request_body(found)),
        trailers=None,
        timestamp_start=begun,
        timestamp_end=begun,
    )


def _response(found: Recorded) -> http.Response:
    exchange = found.exchange
    ended = _seconds(exchange["closed_at"]) or 0.0
    return http.Response(
        http_version=b"HTTP/1.1",
        status_code=exchange["http_status"],
        reason=b"",
        headers=_headers(found, found.reply),
        content=_dumps(reply_body(found)),
        trailers=None,
        timestamp_start=_seconds(exchange["first_chunk_at"]) or ended,
        timestamp_end=ended,
    )


def _headers(found: Recorded, payload: Row) -> http.Headers:
    """As recorded, masked; without those that speak of bytes which are not there any more."""
    pairs = [(name, value) for name, value in payload.get("headers", ()) if name.lower() not in _FRAMING]
    own = [("content-type", "application/json"), (MARK, f"from the record of {found.exchange['id']}; masked")]
    return http.Headers([(plain_line(name).encode(), plain_line(value).encode()) for name, value in [*pairs, *own]])


def _dumps(body: Row) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")


def _seconds(moment: str | None) -> float | None:
    return time_of(moment).timestamp() if moment else None


class Conversation(contentviews.Contentview):
    """The whole exchange beside either of its bodies."""

    @property
    def name(self) -> str:
        return "Affidavit conversation"

    def prettify(self, _data: bytes, metadata: contentviews.Metadata) -> str:
        return str(metadata.flow.metadata[_KEY]) if metadata.flow else ""

    def render_priority(self, _data: bytes, metadata: contentviews.Metadata) -> float:
        return 2 if metadata.flow is not None and _KEY in metadata.flow.metadata else -1


class Replay:
    """Loads flows and the view. Whatever would send one of them anywhere is refused: this is a reading, and unrecorded."""

    def __init__(self, flows: Sequence[http.HTTPFlow], ready: Callable[[], None]) -> None:
        self._flows = flows
        self._ready = ready

    def load(self, _loader: Any) -> None:
        contentviews.add(Conversation())

    async def running(self) -> None:
        for one in self._flows:
            await ctx.master.load_flow(one)
        self._ready()

    def request(self, sent: http.HTTPFlow) -> None:
        if not (sent.live or sent.is_replay):
            return  # one of ours, being loaded
        sent.response = http.Response.make(
            403, b"refused: these flows are read from the record; nothing is sent from here", {MARK: "refused"}
        )
