"""`exchange.opened` before anything leaves, `exchange.closed` before the client hears the end. Not the store (evidence/).

Recording is fourth from the end on the way out; Closing is last on the way back, and alone ends an exchange, exactly once.
"""

from __future__ import annotations

import hmac
from dataclasses import replace
from datetime import datetime
from functools import partial
from weakref import ref

from mitmproxy import http
from mitmproxy.tls import TlsData

from addons import hooks, layers, sockets
from addons.console.desk import Desk
from addons.evidence.ids import time_text
from addons.evidence.records import Closed, Event, Opened, Outcome, Partial
from addons.hooks import Exchange, Refused
from addons.policy.model import Visibility
from addons.providers import doors
from addons.providers.rewriting import Rewriter
from addons.providers.texts import TextsToo
from addons.providers.wire import media_type
from addons.taps import Tap, guards, reads_texts
from addons.views import ReplyView, RequestView

STREAM_TYPES = (
    "text/event-stream",
    "application/x-ndjson",
    "application/vnd.amazon.eventstream",
    "application/stream+json",
)
KEYS_SEEN = 10_000  # remembered (person, key) pairs


class Recording:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.request_bytes = self.reply_bytes = 32 << 20  # as mitm.conf says; a connection's own limits are tighter
        self._keys_seen: set[str] = set()

    @hooks.fails_closed
    def requestheaders(self, flow: http.HTTPFlow) -> None:
        exchange = hooks.exchange_of(flow)
        bounds = layers.bounds_of(flow)
        bounds.request_bytes, bounds.reply_bytes = self.request_bytes, self.reply_bytes
        if exchange and exchange.connection:
            limits = exchange.connection.limits
            bounds.request_bytes = min(limits.body_bytes, bounds.request_bytes)
            bounds.reply_bytes = min(limits.reply_bytes, bounds.reply_bytes)
        length = flow.request.headers.get("content-length", "")
        if length.isdecimal() and int(length) > bounds.request_bytes:
            bounds.overrun = True  # nothing of it is kept; answered once it was read

    @hooks.fails_closed
    async def request(self, flow: http.HTTPFlow) -> None:
        exchange = hooks.exchange_of(flow)
        if flow.response or flow.error or exchange is None or exchange.caller is None:
            return
        try:
            await self.desk.record(opened(self.desk, flow, exchange), *self._key_findings(exchange))
        except (
            Exception
        ):  # any: raised again, the hook refuses; only what was decided for a call on record is taken back
            exchange.refusal = None
            raise
        exchange.opened = True
        self.desk.counted.recorded += 1
        if exchange.stop:
            raise exchange.stop

    def _key_findings(self, exchange: Exchange) -> list[Event]:
        """A provider's own key on a client is a finding, once a person and key: SDKs send one with every call."""
        found = []
        for place, value in exchange.client_keys:
            fingerprint = (
                "hmac-sha256:"
                + hmac.digest(self.desk.keys.fingerprint, value.encode("utf-8", "replace"), "sha256").hex()
            )
            assert exchange.caller
            if (seen := exchange.caller.subject + fingerprint) not in self._keys_seen and len(
                self._keys_seen
            ) < KEYS_SEEN:
                self._keys_seen.add(seen)
                attrs = {"code": "client_key_removed", "detail": place, "fingerprint": fingerprint}
                found.append(Event("finding", actor=exchange.caller.subject, exchange_id=exchange.id, attrs=attrs))
        return found

    @hooks.fails_closed
    def responseheaders(self, flow: http.HTTPFlow) -> None:
        """A stream flows through a tap at once; anything else is held whole, unless it outgrows its bound."""
        exchange = hooks.exchange_of(flow)
        if exchange is None or exchange.call is None or flow.response is None or exchange.sent_at is None:
            return
        exchange.first_chunk_at = self.desk.clock()
        headers = flow.response.headers
        kind = media_type(headers.get("content-type", ""))
        length = headers.get("content-length", "")
        known = int(length) if length.isdecimal() else None
        comments = kind == "text/event-stream"
        tap = Tap(
            takes_comments=comments,
            limit=layers.bounds_of(flow).reply_bytes,
            encoding=headers.get("content-encoding", ""),
            length=known,
        )
        exchange.tap = tap
        streams = kind in STREAM_TYPES or (exchange.call.streamed and flow.response.status_code < 400)
        if streams:
            tap.parser = doors.stream_parser(exchange.call, headers.get("content-type", ""))
            tap.guarded = guards(self.desk.policies, exchange) and not tap.encoding and tap.parser is not None
            if tap.guarded and tap.parser and reads_texts(self.desk.policies, exchange):
                tap.parser = TextsToo(tap.parser)
            if guards(self.desk.policies, exchange) and not tap.guarded:
                return  # a rule must see the reply and cannot in mid-stream: it is held whole
        if exchange.changer:
            tap.rewriter = Rewriter(headers.get("content-type", ""), exchange.changer)
            tap.slow = exchange.changer.slow
            tap.broken = partial(_unchanged, ref(exchange))
            if tap.encoding or not streams:
                if (known or 0) > tap.limit:
                    raise Refused(502, "reply_too_large", UNMASKABLE, outcome="failed")
                tap.unchangeable = True  # held whole and changed at its end; over its bound nothing is passed
                streams = False
        if streams or (known or 0) > tap.limit:
            layers.tap(flow, tap)
        else:
            layers.tap_if_large(flow, tap)

    # -- WebSocket --------------------------------------------------------------------------------------------------
    async def websocket_message(self, flow: http.HTTPFlow) -> None:
        """Each message is on disk, masked, before it goes on."""
        exchange = hooks.exchange_of(flow)
        assert flow.websocket
        try:
            if exchange is None or exchange.caller is None or exchange.reply_view is None:
                raise Refused(403, "not_recorded", hooks.FAULT)  # noqa: TRY301 -- one way out
            view: ReplyView = exchange.reply_view
            if (
                view.nodes and view.tip and not flow.websocket.messages[-1].injected
            ):  # a piece of what comes whole says nothing yet
                await self.desk.record(Partial(exchange.id, exchange.caller.subject, view.nodes, view.tip))
                exchange.reply_view = replace(view, nodes=())
            del flow.websocket.messages[:-1]  # a conversation may last for hours
        except Exception as error:  # noqa: BLE001 -- a guard: the message does not pass
            hooks.log.error("fault in Recording.websocket_message: %s", hooks.frames(error))
            sockets.cut(flow, sockets.Cut())


UNMASKABLE = "the reply is longer than may be held to mask it; ask for less at once, or for limits.reply_bytes in connections.yaml"


def _unchanged(under_way: ref[Exchange], error: Exception) -> bytes:
    """The error that ends a stream which could not be masked on its way."""
    hooks.log.error("fault in Tap: %s", hooks.frames(error))
    if (exchange := under_way()) is None:
        return b""
    exchange.findings.append(("wire_masking_failed", type(error).__name__))
    endpoint = exchange.call.endpoint if exchange.call else ""
    return doors.refusal_event(exchange.provider, endpoint, "masking_incomplete", NOT_MASKED, exchange.id)


NOT_MASKED = "the rest of this reply could not be masked, so it is not passed on; ask again, or ask for less at once"


def content_is_kept(exchange: Exchange) -> bool:
    """Whether the connection's calls are recorded whole; else who, when, which model and how many tokens."""
    return exchange.connection is None or exchange.connection.visibility is Visibility.FULL


def opened(desk: Desk, flow: http.HTTPFlow, exchange: Exchange) -> Opened:
    caller, connection, call, view = exchange.caller, exchange.connection, exchange.call, exchange.request
    assert caller
    assert connection
    assert call
    assert isinstance(view, RequestView)
    upstream = connection.upstream
    kept = content_is_kept(exchange)
    return Opened(
        id=exchange.id,
        session_id=view.session_id,
        link_reason=view.link_reason,
        opened_at=time_text(exchange.opened_at),
        subject=caller.subject,
        email=caller.email,
        groups=caller.groups,
        auth_method=caller.auth_method,
        token_id=caller.token_id,
        grade=caller.grade.value,
        purpose=caller.purpose,
        client_address=str(flow.client_conn.peername[0]) if flow.client_conn.peername else "",
        door=exchange.door,
        connection=connection.id,
        provider=call.provider,
        host=flow.request.host if exchange.door == "proxy" else "",  # the Host header agrees, or identity has refused
        upstream=f"{upstream.scheme}://{upstream.host}:{upstream.port}" if upstream else "",
        method=flow.request.method,
        path=view.path if kept else view.path.partition("?")[0],
        operation=call.operation,
        request_model=call.model,
        streamed=call.streamed,
        gateway=desk.keys.origin,
        policy_digest=desk.policies.digest,
        nodes=view.nodes if kept else (),
        request=view.tip if kept else None,
        parameters=view.parameters if kept else "{}",
        headers=view.headers if kept else (),
        maskings=view.maskings if kept else (),
        names=view.names,
        attrs={"endpoint": call.endpoint}
        | ({} if kept else {"visibility": "metadata"})
        | ({"client_key": exchange.client_keys[0][0]} if exchange.client_keys else {}),
    )


class Closing:
    """The last addon: it alone ends an exchange."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    @hooks.fails_closed
    async def response(self, flow: http.HTTPFlow) -> None:
        if flow.websocket is None:
            await self._close(flow, _outcome(flow))

    async def error(self, flow: http.HTTPFlow) -> None:
        """Cut short, by the client or by the provider. Nothing can be refused any more; the record is still written."""
        exchange = hooks.exchange_of(flow)
        left = flow.error is not None and "lient" in flow.error.msg  # "Client disconnected.", "client …"
        outcome, code = (Outcome.ABORTED, "client_left") if left else (Outcome.FAILED, "upstream_cut")
        if exchange and exchange.refusal:
            outcome, code = Outcome(exchange.refusal.outcome), exchange.refusal.code
        await self._close_late(flow, (outcome, code))

    async def interrupt(self, flow: http.HTTPFlow) -> None:
        """The gateway stops in the middle of this exchange."""
        await self._close_late(flow, (Outcome.INTERRUPTED, "gateway_stopped"))

    async def _close_late(self, flow: http.HTTPFlow, ended: tuple[Outcome, str]) -> None:
        try:
            await self._close(flow, ended)
        except Exception as error:  # noqa: BLE001 -- the store has latched: it refuses the next call itself
            hooks.log.error("fault in Closing: %s", hooks.frames(error))

    async def tls_failed_client(self, data: TlsData) -> None:
        """A client that does not trust our certificate authority: it sees an error, and may go round us next."""
        host = data.conn.sni or ""
        await self.desk.record(Event("finding", attrs={"code": "client_tls_failed", "detail": host}))

    async def websocket_end(self, flow: http.HTTPFlow) -> None:
        await self.error(flow) if flow.error else await self._close(flow, (Outcome.COMPLETED, ""))

    @hooks.fails_closed
    def upstream_failed(self, flow: http.HTTPFlow) -> None:
        """No reply began. The client is told in its provider's own error shape; `response` follows and closes."""
        exchange = hooks.exchange_of(flow)
        reason = flow.error.msg if flow.error else ""
        code = "address_refused" if "address_refused" in reason else "upstream_failed"
        connection = exchange.connection.id if exchange and exchange.connection else ""
        sentence = {
            "address_refused": f"the address of connection {connection!r} is private or not routable, and the connection does not allow that. Its operator looks at upstream and allow_private, then types: affidavit policy check",
            "upstream_failed": f"the provider behind connection {connection!r} did not answer: {_plain_cause(reason)}. Try again; the operator can type: affidavit status",
        }[code]
        raise Refused(502, code, sentence, outcome="failed")

    async def _never_opened(self, exchange: Exchange) -> None:
        """Seen, and gone before it could be recorded: the client left in the middle of its request, or a hook failed.

        Nothing went upstream. What was sent is not known whole, so that there was one is all that is recorded.
        """
        exchange.closed = True
        self.desk.counted.unrecorded += 1
        actor = exchange.caller.subject if exchange.caller else ""
        attrs = {
            "code": "request_not_whole",
            "detail": exchange.refusal.code if exchange.refusal else "client_left",
            "request": exchange.id,  # no exchange of this id is on record
        }
        await self.desk.record(Event("finding", actor=actor, attrs=attrs))
        self.desk.counted.unrecorded -= 1
        self.desk.counted.recorded += 1

    async def _close(self, flow: http.HTTPFlow, ended: tuple[Outcome, str]) -> None:
        exchange = hooks.exchange_of(flow)
        if exchange and not (exchange.opened or exchange.closed or exchange.at_door):
            await self._never_opened(exchange)
        if exchange is None or exchange.closed or not exchange.opened:
            return
        exchange.closed = True
        findings = [
            Event("finding", exchange_id=exchange.id, attrs={"code": code, "detail": detail})
            for code, detail in exchange.findings
        ]
        try:
            await self.desk.record(closed(self.desk, flow, exchange, *ended), *findings)
        except Exception:  # any: raised again, so that the client is not told of an end that is not on disk
            exchange.closed = False
            exchange.opened = False  # nothing more can be written about it; the store recovers it as interrupted
            raise


def _outcome(flow: http.HTTPFlow) -> tuple[Outcome, str]:
    exchange = hooks.exchange_of(flow)
    if exchange and exchange.refusal:
        return Outcome(exchange.refusal.outcome), exchange.refusal.code
    if exchange and exchange.reply and exchange.reply.error:
        return Outcome.COMPLETED, exchange.reply.error
    return Outcome.COMPLETED, ""


def closed(desk: Desk, flow: http.HTTPFlow, exchange: Exchange, outcome: Outcome, error: str) -> Closed:
    assert exchange.caller
    now = desk.clock()
    view = exchange.reply_view if isinstance(exchange.reply_view, ReplyView) else ReplyView()
    reply = exchange.reply
    usage = reply.usage if reply else None
    if usage:
        spent = (usage.input_tokens or 0) + (usage.output_tokens or 0)
        desk.usage.add(exchange.caller.subject, spent, now)
    answered = (
        exchange.sent_at is not None and flow.response is not None and not (exchange.refusal and exchange.tap is None)
    )
    attrs: dict[str, str | int] = {}
    if usage and usage.cached_tokens:
        attrs["cached_tokens"] = usage.cached_tokens
    if usage and usage.audio_tokens:
        attrs["audio_tokens"] = usage.audio_tokens
    if exchange.tap and exchange.tap.cut:
        attrs["reply_cut_at_bytes"] = exchange.tap.limit
    if answered and not isinstance(exchange.reply_view, ReplyView):
        attrs["reply"] = "withheld: it could not be masked"
    if exchange.refusal and exchange.reply:
        cut = "up to the refusal" if flow.response and flow.response.stream else "no"
        attrs["delivered"] = "without the tool call" if exchange.taken_out else cut
    if exchange.right:
        attrs["right"] = exchange.right
    if exchange.credential:
        attrs["credential"] = exchange.credential
    if exchange.refusal and exchange.refusal.rule:
        attrs["rule"] = exchange.refusal.rule
    kept = content_is_kept(exchange)
    return Closed(
        exchange_id=exchange.id,
        subject=exchange.caller.subject,
        closed_at=time_text(now),
        outcome=outcome,
        error=error,
        sent_at=time_text(exchange.sent_at) if exchange.sent_at else "",
        first_chunk_at=time_text(exchange.first_chunk_at) if exchange.first_chunk_at else "",
        response_model=reply.model if reply else "",
        http_status=flow.response.status_code if flow.response else None,
        input_tokens=usage.input_tokens if usage else None,
        output_tokens=usage.output_tokens if usage else None,
        reasoning_tokens=usage.reasoning_tokens if usage else None,
        finish_reasons=reply.finish_reasons if reply else (),
        first_chunk_ms=_milliseconds(exchange.sent_at, exchange.first_chunk_at),
        duration_ms=_milliseconds(exchange.opened_at, now),
        approval_id=exchange.approval_ids[-1] if exchange.approval_ids else "",
        nodes=view.nodes if kept else (),
        reply=view.tip if kept else None,
        commands=view.commands if kept else (),
        headers=view.headers if kept else (),
        maskings=view.maskings if kept else (),
        attrs=attrs,
        names=view.names,
    )


def _milliseconds(start: datetime | None, end: datetime | None) -> int | None:
    return max(0, round((end - start).total_seconds() * 1000)) if start and end else None


def _plain_cause(reason: str) -> str:
    """mitmproxy's own words for a failure may quote bytes of a reply: only the kind is passed on."""
    for words in (
        "refused",
        "timed out",
        "unreachable",
        "closed connection",
        "certificate",
        "TLS",
        "Name or service",
        "resolve",
    ):
        if words.lower() in reason.lower():
            return words
    return "connection failed"
