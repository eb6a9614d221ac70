"""What the provider gets, and the client, where a rule says `wire:`: masked requests, masked or restored replies.

Not the record's view (masking.py), and not the finding (masks/): what cannot be masked in its own form is refused, not passed.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from urllib.parse import quote

from mitmproxy import http, websocket

from addons import hooks, layers, sockets
from addons.hooks import Exchange, Refused
from addons.masks.bodies import decoded as text_of
from addons.masks.engine import ScopedMasker
from addons.masks.headers import is_credential
from addons.masks.wire import Changer, kept
from addons.providers import doors
from addons.providers.encodings import decoded
from addons.providers.json_values import NotJson, dumps, loads
from addons.providers.pieces import sealed
from addons.providers.rewriting import Rewriter
from addons.providers.wire import media_type

# Headers that say how bytes travel, not what was asked: of one hop (RFC 9110 7.6.1), framing, negotiation. Not recorded.
FRAMING = frozenset(
    "connection keep-alive proxy-connection te trailer transfer-encoding upgrade content-length host accept accept-encoding date".split()
) | {"sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions"}
ORIGINALS = 10_000  # values remembered for a person, to be put back into replies
UNMASKABLE = "a rule masks what the provider gets, and this request holds it where it cannot be masked; send it as JSON"
NO_WEBSOCKET = "a rule masks replies, and of this WebSocket's format it is not known which messages are one text; use the provider's HTTP API"
NOT_MASKED = "the rest of this conversation could not be masked, so it is not passed on; begin another one"
ONLY_BOUNDARY = re.compile(r'multipart/[\w.+\-]+;[ ]*boundary=("?)[^\s";]{1,200}\1', re.IGNORECASE)
STREAMS = frozenset(
    {"text/event-stream", "application/x-ndjson", "application/ndjson", "application/vnd.amazon.eventstream"}
)


class WireMasking:
    """What was masked for the provider is put back for the person who said it, in replies to come."""

    def __init__(self) -> None:
        self._originals: dict[str, OrderedDict[str, str]] = {}  # by person: placeholder -> value; in memory only

    def change(
        self,
        flow: http.HTTPFlow,
        exchange: Exchange,
        asking: ScopedMasker | None,
        answering: ScopedMasker | None,
        body: bytes,
    ) -> None:
        """The request is changed now; how the reply will be is put down in the exchange. A scope is None where no rule masks that way."""
        assert exchange.caller
        originals = self._originals.setdefault(exchange.caller.subject, OrderedDict())
        if asking and asking.masks:
            _mask_request(flow, exchange, asking, body, originals)
        masked = answering if answering and answering.masks else None
        is_socket = flow.request.headers.get("upgrade", "").lower() == "websocket"
        if masked or (asking and asking.restores and (originals or is_socket)):
            exchange.changer = Changer(masked, originals, sealed)
            flow.request.headers["accept-encoding"] = "identity"
            if is_socket:
                _change_socket(flow, exchange)
        elif not originals:
            del self._originals[exchange.caller.subject]

    def change_message(self, exchange: Exchange, scope: ScopedMasker, message: websocket.WebSocketMessage) -> None:
        """A client's message, for the provider; binary passes, if it is no JSON."""
        text = text_of(message.content, "") if scope.masks else None
        if text is None:
            return
        try:
            value, is_json = loads(message.content), True
        except NotJson:
            value, is_json = text, False
        masked = scope.json(value)
        if masked.withheld:
            raise Refused(403, "masking_incomplete", "the message could not be masked in time; send less at once")
        if masked.hits:
            message.content = dumps(kept(value, masked.value, sealed)) if is_json else str(masked.value).encode()
        assert exchange.caller
        remember(self._originals.setdefault(exchange.caller.subject, OrderedDict()), masked.originals)


def remember(originals: OrderedDict[str, str], more: Mapping[str, str]) -> None:
    originals.update(more)
    while len(originals) > ORIGINALS:
        originals.popitem(last=False)


def _change_socket(flow: http.HTTPFlow, exchange: Exchange) -> None:
    """If it becomes a WebSocket, its client's side is changed message by message."""
    if exchange.call and doors.knows_conversation(exchange.call):
        sockets.change(flow, _Messages(exchange))
    else:
        exchange.stop = Refused(403, "masking_incomplete", NO_WEBSOCKET)


class _Messages:
    """A provider's messages as the client gets them. A fault ends the conversation; nothing that came later is passed."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._rewriter = Rewriter("", exchange.changer)
        self.slow = exchange.changer.slow

    def message(self, content: bytes) -> list[bytes]:
        return self._changed(lambda: self._rewriter.message(content))

    def finish(self) -> list[bytes]:
        return self._changed(self._rewriter.rest)

    def _changed(self, work: Callable[[], list[bytes]]) -> list[bytes]:
        try:
            return work()
        except Exception as error:  # noqa: BLE001 -- a guard below mitmproxy's hooks: what could not be changed is not passed
            hooks.log.error("fault in a WebSocket's messages: %s", hooks.frames(error))
            self._exchange.findings.append(("wire_masking_failed", type(error).__name__))
            refused = Refused(502, "masking_incomplete", NOT_MASKED, outcome="failed")
            raise sockets.Torn(hooks.cut(self._exchange, refused)) from None


def _mask_request(
    flow: http.HTTPFlow,
    exchange: Exchange,
    scope: ScopedMasker,
    body: bytes,
    originals: OrderedDict[str, str],
) -> None:
    """What cannot be masked in its own form is refused, not passed."""
    kind = flow.request.headers.get("content-type", "")
    try:
        value = loads(body) if body else None
    except NotJson:
        value = None
        whole = scope.body(body, kind)
        if whole.withheld or whole.content is None:
            exchange.stop = Refused(403, "masking_incomplete", UNMASKABLE)
        elif whole.content != body:
            _put(flow, whole.content)
        remember(originals, whole.originals)
    masked = scope.json(value)
    query, headers = scope.query(exchange.path.partition("?")[2]), _masked_headers(flow, scope)
    path = scope.text(exchange.path.partition("?")[0])
    if masked.withheld or query.withheld or path.withheld:
        exchange.stop = Refused(403, "masking_incomplete", "the request could not be masked in time; send less at once")
    elif path.hits or (masked.hits and not isinstance(value, (dict, list))):
        exchange.stop = Refused(403, "masking_incomplete", UNMASKABLE)
    elif masked.hits:
        _put(flow, dumps(kept(value, masked.value, sealed)))
    if query.hits:
        exchange.path = f"{exchange.path.partition('?')[0]}?{quote(query.text, safe='=&;+%')}"
    for place, text in headers:
        flow.request.headers.fields = (
            *flow.request.headers.fields[:place],
            (flow.request.headers.fields[place][0], text.encode("utf-8", "surrogateescape")),
            *flow.request.headers.fields[place + 1 :],
        )
    remember(originals, masked.originals)


def _masked_headers(flow: http.HTTPFlow, scope: ScopedMasker) -> list[tuple[int, str]]:
    """Those that say something; a credential by name is for the provider, and credentials.py puts it on."""
    said = [
        (place, name.decode("latin-1"), value.decode("utf-8", "surrogateescape"))
        for place, (name, value) in enumerate(flow.request.headers.fields)
    ]
    asked = [one for one in said if one[1].lower() not in FRAMING and not is_credential(one[1]) and not _cuts(*one[1:])]
    masked = scope.headers((name, value) for _, name, value in asked)
    return [(one[0], text) for one, (_, text) in zip(asked, masked.pairs, strict=True) if text != one[2]]


def _cuts(name: str, value: str) -> bool:
    """It says where the parts of a body begin, with letters that nobody chose."""
    return name.lower() == "content-type" and ONLY_BOUNDARY.fullmatch(value) is not None


def _put(flow: http.HTTPFlow, body: bytes) -> None:
    flow.request.headers.pop("content-encoding", None)
    flow.request.content = body


def change_reply(flow: http.HTTPFlow, exchange: Exchange) -> None:
    """A reply that was held whole, as the client gets it."""
    assert flow.response
    kind = flow.response.headers.get("content-type", "")
    raw = flow.response.raw_content or b""
    body, whole = decoded(raw, flow.response.headers.get("content-encoding", ""), layers.bounds_of(flow).reply_bytes)
    if not whole:
        raise Refused(502, "reply_unreadable", "the reply could not be read to mask it; ask again", outcome="failed")
    changed = changed_body(body, kind, exchange.changer)
    if changed != body:
        flow.response.headers.pop("content-encoding", None)
        flow.response.content = changed


def changed_body(body: bytes, content_type: str, changer: Changer) -> bytes:
    """A whole reply, changed in its own form; binary passes."""
    if media_type(content_type) in STREAMS:
        rewriter = Rewriter(content_type, changer)
        return rewriter.feed(body) + rewriter.finish()
    try:
        value = loads(body)
    except NotJson:
        text = text_of(body, content_type)
        return body if text is None else str(changer.whole(text)).encode()
    changed = changer.whole(value)
    return body if changed == value else dumps(changed)
