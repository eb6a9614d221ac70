"""What may go on: rights first, then rules; a hold waits here, for the request or in mid-stream for a tool call or a text.

Not the hold itself (holds.py), not the decision of a person (approvals/, through the desk).
"""

from __future__ import annotations

import asyncio
from functools import partial

from mitmproxy import ctx, http
from mitmproxy.websocket import WebSocketMessage

from addons import hooks, layers
from addons.asking import TOO_MUCH, Asking, Said
from addons.evidence.records import Event
from addons.holds import Held, Holds
from addons.hooks import Exchange, Refused
from addons.policy import decide
from addons.policy.decide import Decision
from addons.policy.model import Denied, Direction
from addons.providers import doors
from addons.providers.call import Call, Kind, Part
from addons.providers.conversation import Step
from addons.providers.paths import models_in
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
TOO_LARGE = "a message is longer than {} bytes; send less, or ask for limits.body_bytes in connections.yaml, then type: affidavit policy check"
UNREADABLE = "Affidavit refused this message: rule {!r} may be about it, and it is no JSON object. Send it as the provider documents it, or ask for another rule in approval.yaml, then type: affidavit policy check"
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
        if flow.request.method == "GET" and doors.knows_conversation(exchange.call):
            decision = self._opening(flow, exchange, decision)
        if not decision.allowed:
            raise Refused(403, decision.code, f"Affidavit refused this call: {decision.hint}", rule=decision.rule)
        exchange.right = decision.rule
        if self.facts.book.has(Direction.REQUEST):
            facts = await self.facts.of_request(exchange)
            if rule := self._judged(exchange, facts):
                held = Held(rule, self._digest(flow, exchange, flow.request.raw_content or b""), rule.hold_seconds)
                await self._hold(flow, exchange, held)

    def _opening(self, flow: http.HTTPFlow, exchange: Exchange, decision: Decision) -> Decision:
        """Of a WebSocket. Where its address names no model its messages do, and are asked for their right to it."""
        assert exchange.caller
        assert exchange.connection
        named = models_in(exchange.path.partition("?")[2])
        if len(named) > 1:
            raise Refused(
                400, "model_unclear", "the address names several models; name one, then open the WebSocket again"
            )
        later = not named and flow.request.headers.get("upgrade", "").lower() == "websocket"
        if decision.code == "model_denied" and later:
            return decide.may_reach(self.desk.policies, exchange.caller, exchange.connection)
        return decision

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
        """A call or a text in a provider's messages: they wait, with all that follow, and are sent again once it is decided. And what a client says."""
        exchange = hooks.exchange_of(flow)
        assert exchange
        assert flow.websocket
        message = flow.websocket.messages[-1]
        if message.dropped:
            return
        if message.from_client:
            await self._client_message(flow, exchange, message)
            return
        decided = exchange.injected.popleft() if message.injected else False
        if decided or not guards(self.desk.policies, exchange):
            return
        if exchange.socket_calls is None:
            exchange.socket_calls = SocketCalls(SocketTexts() if reads_texts(self.desk.policies, exchange) else None)
        calls: SocketCalls = exchange.socket_calls
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

    async def _client_message(self, flow: http.HTTPFlow, exchange: Exchange, message: WebSocketMessage) -> None:
        """It goes on at once, or is dropped, to wait or for good."""
        assert exchange.call
        if exchange.asking is None:
            exchange.asking = Asking(exchange.call.model, layers.bounds_of(flow).request_bytes)
        asking: Asking = exchange.asking
        if message.injected:
            said, refused = asking.verdicts.popleft()
            if refused:
                await self._refuse_message(flow, exchange, said, refused)
            return
        if len(message.content) > asking.bound:
            raise Refused(413, "message_too_large", TOO_LARGE.format(asking.bound), outcome="failed")
        said = Said(message.content, message.is_text, exchange.conversation.ask)
        if not asking.busy:
            try:
                held = await self._judge_message(flow, exchange, asking, said)
            except Refused as refused:
                await self._refuse_message(flow, exchange, said, refused)
                return
            if held is None:
                return
        message.drop()
        asking.wait(said)
        if asking.work is None or asking.work.done():
            asking.work = asyncio.get_running_loop().create_task(self._decide_waiting(flow, exchange, asking))

    async def _judge_message(self, flow: http.HTTPFlow, exchange: Exchange, asking: Asking, said: Said) -> Held | None:
        """What it must wait for; None: it goes on, and is noted. Raises Refused."""
        assert exchange.caller
        ask, book = said.ask, self.facts.book
        model = ask.model or asking.model
        if asking.concerns[0] is not book:
            assert exchange.connection
            asking.concerns = book, *book.concerns(exchange.connection.id, exchange.caller.groups)
        _, judged, read = asking.concerns
        caller = await self._still(exchange) if ask.step is Step.CALL else exchange.caller
        for named in (*((model,) if ask.model or ask.step is Step.CALL else ()), *ask.others):
            decision = self._right(exchange, caller, named)
            if not decision.allowed:
                sentence = f"Affidavit refused this message: {decision.hint}"
                raise Refused(403, decision.code, sentence, rule=decision.rule)
            exchange.right = decision.rule
        facts = None
        if judged and (ask.step is Step.CALL or read):
            facts = await self.facts.of_message(exchange, ask, model, asking.before)
            if not ask.clear and (unsure := book.may_fit(facts)):
                raise Refused(400, "message_unreadable", UNREADABLE.format(unsure.id), rule=unsure.id)
            if asking.before.characters > asking.bound:
                raise Refused(413, "too_much_waits", TOO_MUCH, outcome="failed")
            if rule := self._judged(exchange, facts, content_only=ask.step is Step.FEED):
                together = ask.step is Step.CALL or rule.when.entities or rule.when.estimated_tokens
                before = asking.before.parts if together else ()
                body = b"\0".join([*(part.content.encode("utf-8", "surrogatepass") for part in before), said.content])
                seconds = min(rule.hold_seconds, STREAM_HOLD_SECONDS)
                parts = (*before, *ask.parts)
                return Held(rule, self._digest(flow, exchange, body), seconds, parts, model, asking.left)
            if ask.step is Step.CALL:
                self.facts.was_asked(exchange, model)
        asking.passed(ask, facts if read else None)
        return None

    async def _decide_waiting(self, flow: http.HTTPFlow, exchange: Exchange, asking: Asking) -> None:
        """What waits, one after another. Each then meets its verdict where it would have been passed on."""
        while asking.waiting:
            said, verdict = asking.waiting[0], None
            try:
                if held := await self._judge_message(flow, exchange, asking, said):
                    await self._hold(flow, exchange, held)
                    if said.ask.step is Step.CALL:
                        self.facts.was_asked(exchange, held.model or "")
                    asking.passed(said.ask, None)
            except Exception as error:  # noqa: BLE001 -- a guard: raised again in the message's own hook, where it refuses
                verdict = hooks.refused_for(error, "Approval._decide_waiting").kept()
            if asking.left.is_set():
                return
            asking.decided(verdict)
            ctx.master.commands.call("inject.websocket", flow, False, said.content, said.is_text)

    async def _refuse_message(self, flow: http.HTTPFlow, exchange: Exchange, said: Said, refused: Refused) -> None:
        """It is not passed on, which is a record; the client is told in its protocol's own error, else the conversation ends."""
        assert exchange.caller
        assert exchange.call
        assert flow.websocket
        attrs = {"code": "message_refused", "detail": refused.code} | ({"rule": refused.rule} if refused.rule else {})
        await self.desk.record(Event("finding", exchange_id=exchange.id, actor=exchange.caller.subject, attrs=attrs))
        told = (refused.status, refused.code, refused.message)
        endpoint = exchange.call.endpoint
        error = doors.refusal_message(exchange.provider, endpoint, told, exchange.id, said.ask.event_id)
        if refused.outcome == "failed" or not error or not doors.knows_conversation(exchange.call):
            raise refused
        flow.websocket.messages[-1].drop()
        exchange.injected.append(True)
        ctx.master.commands.call("inject.websocket", flow, True, error, True)

    @hooks.fails_closed
    def websocket_end(self, flow: http.HTTPFlow) -> None:
        """What still waits is never sent."""
        exchange = hooks.exchange_of(flow)
        if exchange and exchange.asking:
            asking: Asking = exchange.asking
            if asking.busy:
                exchange.findings.append(("messages_not_sent", str(len(asking.waiting) + len(asking.verdicts))))
            asking.end()

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
