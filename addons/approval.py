"""What may go on: rights first, then rules; a hold waits here, for the request or in mid-stream for a tool call or a text.

Not the hold itself (holds.py), not the decision of a person (approvals/, through the desk).
"""

from __future__ import annotations

import asyncio
from functools import partial

from mitmproxy import ctx, http

from addons import hooks, layers
from addons.holds import Held, Holds
from addons.hooks import Exchange, Refused
from addons.policy.model import Denied, Direction
from addons.providers import doors
from addons.providers.call import Call, Kind, Part
from addons.providers.socket_calls import SocketCalls
from addons.providers.socket_texts import SocketTexts
from addons.providers.texts import TextsToo
from addons.providers.wire import StreamParser
from addons.providers.withholding import Withholding, without_calls
from addons.taps import OFF_LOOP_BYTES, Tap, guards, read_reply, reads_texts

SAID = (Kind.TEXT, Kind.REASONING, Kind.REFUSAL)
OFF_LOOP_CHARACTERS = 16 << 10  # of a reply: over this it is looked through in a thread
HEARTBEAT_SECONDS = 10
HEARTBEAT = b": affidavit is waiting for an approval\n\n"
# How long a reply may wait before its client gives up; a rule's own hold_seconds may be shorter. Claude Code hears nothing for 180 s,
# with comments in the stream or without; botocore waits 60 s for a frame; others longer.
STREAM_HOLD_SECONDS = 170
FRAMES_HOLD_SECONDS = 45
WHOLE_HOLD_SECONDS = 110
SOCKET_HOLD_SECONDS = 20  # a held message stops the whole socket, its pings too


class Approval(Holds):
    @hooks.fails_closed
    async def request(self, flow: http.HTTPFlow) -> None:
        exchange = hooks.exchange_of(flow)
        if flow.response or flow.error or exchange is None:
            return
        assert exchange.caller
        assert exchange.connection
        assert exchange.call
        decision = self._right(exchange, exchange.caller)
        if not decision.allowed:
            raise Refused(403, decision.code, f"Affidavit refused this call: {decision.hint}", rule=decision.rule)
        exchange.right = decision.rule
        if self.facts.book.has(Direction.REQUEST):
            facts = await self.facts.of_request(exchange)
            if rule := self._judged(exchange, facts):
                held = Held(rule, self._digest(flow, exchange, flow.request.raw_content or b""), rule.hold_seconds)
                await self._hold(flow, exchange, held)

    # -- replies ----------------------------------------------------------------------------------------------------
    @hooks.fails_closed
    async def response(self, flow: http.HTTPFlow) -> None:
        """A reply that was not streamed: its tool calls are decided before the client sees any of it."""
        exchange = hooks.exchange_of(flow)
        if (
            exchange is None
            or exchange.refusal
            or flow.response is None
            or flow.response.stream
            or not guards(self.desk.policies, exchange)
        ):
            return
        if exchange.reply is None:  # masking has read it before, but for what it does not record
            large = len(flow.response.raw_content or b"") > OFF_LOOP_BYTES
            exchange.reply = (
                await asyncio.to_thread(read_reply, flow, exchange) if large else read_reply(flow, exchange)
            )
        try:
            await self._decide_parts(flow, exchange, exchange.reply.parts, WHOLE_HOLD_SECONDS)
        except Refused as refused:
            assert exchange.call
            body = flow.response.content or b""
            edited = without_calls(exchange.call.endpoint, body, _removal(refused)) if self._removes(refused) else None
            if edited is None:
                raise
            flow.response.content = edited
            exchange.refusal, exchange.taken_out = refused, True

    @hooks.fails_closed
    async def reply_piece(self, piece: layers.ReplyPiece) -> None:
        """Complete tool calls and texts in a stream. What came before is with the client; they and what follows wait."""
        flow, exchange = piece.flow, hooks.exchange_of(piece.flow)
        assert exchange
        if piece.decided:
            return  # masking.py has changed what waited for that
        tap: Tap = exchange.tap
        if exchange.decision is None:
            framed = flow.response and "amazon.eventstream" in flow.response.headers.get("content-type", "")
            seconds = (
                STREAM_HOLD_SECONDS if tap.takes_comments else FRAMES_HOLD_SECONDS if framed else WHOLE_HOLD_SECONDS
            )
            work = self._decide_parts(flow, exchange, tap.undecided(), seconds)
            exchange.decision = asyncio.ensure_future(work)
        done, _ = await asyncio.wait({exchange.decision}, timeout=HEARTBEAT_SECONDS)
        if not done:
            piece.out, piece.again = HEARTBEAT if tap.takes_comments else b"", True
            return
        decision, exchange.decision = exchange.decision, None
        try:
            decision.result()
        except Refused as refused:
            exchange.refusal = refused.kept()
            edited = self._taken_out(flow, exchange, refused)
            if edited is None:
                endpoint = exchange.call.endpoint if exchange.call else ""
                tap.end_with(
                    doors.refusal_event(exchange.provider, endpoint, refused.code, refused.message, exchange.id)
                )
                piece.end = True
                return
            exchange.taken_out = True
            piece.out = edited
        else:
            piece.out = tap.let_through()
        piece.decided, piece.again = True, tap.waiting or bool(tap.changing)

    def _removes(self, refused: Refused) -> bool:
        """Whether the rule wants a denied call taken out, and the rest of the reply passed on. What may still be approved is refused, and
        so is a denied text: of a call it can be said what the reply is without it.
        """
        return self._rule_removes(refused) and refused.outcome == "denied" and not refused.whole

    def _rule_removes(self, refused: Refused) -> bool:
        rule = next((one for one in self.facts.book.rules if one.id == refused.rule), None)
        return rule is not None and rule.denied is Denied.REMOVE

    def _taken_out(self, flow: http.HTTPFlow, exchange: Exchange, refused: Refused) -> bytes | None:
        """What of the stream goes on without the calls that were denied; None: it ends with a refusal."""
        assert exchange.call
        assert flow.response
        if not self._removes(refused):
            return None
        reread = partial(_parser, exchange.call, flow.response.headers.get("content-type", ""))
        withholding = Withholding.of(exchange.call.endpoint, reread)
        tap: Tap = exchange.tap
        return tap.take_out(_removal(refused), withholding) if withholding else None

    async def _decide_parts(
        self, flow: http.HTTPFlow, exchange: Exchange, parts: tuple[Part, ...], seconds: float
    ) -> None:
        """What the model says, where a rule looks at it; then what it calls. Raises Refused."""
        texts = tuple(part for part in parts if part.kind in SAID and not part.base64)
        if texts and reads_texts(self.desk.policies, exchange):
            try:
                agreed = await self._decide(flow, exchange, texts, seconds)
                held = exchange.socket_calls.texts if exchange.socket_calls else exchange.tap and exchange.tap.parser
                if agreed and isinstance(held, TextsToo | SocketTexts):
                    held.agreed()
            except Refused as refused:
                refused.whole = True
                raise
        if calls := tuple(part for part in parts if part.kind is Kind.TOOL_CALL):
            await self._decide(flow, exchange, calls, seconds)

    async def _decide(self, flow: http.HTTPFlow, exchange: Exchange, parts: tuple[Part, ...], seconds: float) -> bool:
        """Whether people agreed; False: no rule asks them. Raises Refused."""
        long = sum(len(part.content) for part in parts) > OFF_LOOP_CHARACTERS
        find = self.facts.of_reply
        facts = await asyncio.to_thread(find, exchange, parts) if long else find(exchange, parts)
        rule = self._judged(exchange, facts)
        if rule is None:
            return False
        body = b"\0".join(f"{part.name}\0{part.content}".encode("utf-8", "surrogatepass") for part in parts)
        held = Held(rule, self._digest(flow, exchange, body), min(seconds, rule.hold_seconds), parts)
        await self._hold(flow, exchange, held)
        return True

    # -- WebSocket --------------------------------------------------------------------------------------------------
    @hooks.fails_closed
    async def websocket_message(self, flow: http.HTTPFlow) -> None:
        """A call or a text in a provider's messages: they wait, with all that follow, and are sent again once it is decided."""
        exchange = hooks.exchange_of(flow)
        assert exchange
        assert flow.websocket
        message = flow.websocket.messages[-1]
        if message.from_client or message.dropped or not guards(self.desk.policies, exchange):
            return
        if exchange.socket_calls is None:
            exchange.socket_calls = SocketCalls(SocketTexts() if reads_texts(self.desk.policies, exchange) else None)
        calls: SocketCalls = exchange.socket_calls
        decided = exchange.injected.popleft() if message.injected else False
        if decided:
            return
        if any(exchange.injected) or (exchange.injected and not message.injected):  # others are on their way before it
            message.drop()
            self._send_again(flow, exchange, [message.content], decided=False)
        elif calls.ends_texts(message.content):
            message.drop()
            await self._decide_socket(flow, exchange, calls)
            self._send_again(flow, exchange, [message.content], decided=False)
        elif not calls.take(message.content):
            if (left := calls.after(message.content)) is None:
                message.drop()
            else:
                message.content = left
        else:
            message.drop()
            if calls.size > layers.bounds_of(flow).reply_bytes:
                raise Refused(502, "reply_too_large", "what waits for a decision has grown too large", outcome="failed")
            if calls.decidable:
                await self._decide_socket(flow, exchange, calls)

    async def _decide_socket(self, flow: http.HTTPFlow, exchange: Exchange, calls: SocketCalls) -> None:
        """What was denied is taken out, or ends the conversation, as the rule says; what nobody has decided yet is taken out."""
        try:
            await self._decide_parts(flow, exchange, calls.undecided(), SOCKET_HOLD_SECONDS)
            passed = calls.let_through()
        except Refused as refused:
            if not (self._rule_removes(refused) or refused.code == "approval_pending"):
                raise
            edited = calls.take_out(_removal(refused), texts=refused.whole)
            if edited is None:
                raise
            exchange.findings.append(("text_taken_out" if refused.whole else "tool_call_taken_out", refused.rule))
            passed = edited
        self._send_again(flow, exchange, passed, decided=True)

    @staticmethod
    def _send_again(flow: http.HTTPFlow, exchange: Exchange, messages: list[bytes], *, decided: bool) -> None:
        """In messages of text or of bytes, as the provider's are."""
        assert flow.websocket
        is_text = flow.websocket.messages[-1].is_text
        for content in messages:
            exchange.injected.append(decided)
            ctx.master.commands.call("inject.websocket", flow, True, content, is_text)


def _removal(refused: Refused) -> str:
    """What stands where a denied tool call stood, or in a WebSocket a text."""
    return f"[A {'text' if refused.whole else 'tool call'} was taken out of this reply. {refused.message}]"


def _parser(call: Call, content_type: str) -> StreamParser:
    parser = doors.stream_parser(call, content_type)
    assert parser
    return parser
