"""What may go on: rights first, then rules; a hold waits here, for the request or in mid-stream for a tool call or a text.

Not the decision of a person (approvals/, through the desk). The flow's own hold ends before the approval does: the client
gets 409 approval_pending, and its retry finds the answer.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from mitmproxy import ctx, http

from addons import hooks, layers
from addons.approvals.grants import GrantRefused
from addons.approvals.notices import Notice
from addons.approvals.requests import payload_digest, pending_hint, view_digest
from addons.approvals.state import About, State
from addons.approvals.state import Approval as Asked
from addons.console.desk import Desk
from addons.facts import FactFinder
from addons.hooks import Exchange, Refused
from addons.policy import decide
from addons.policy.approval_rules import Facts
from addons.policy.decide import Decision, Use
from addons.policy.model import ApprovalRule, Denied, Direction, Then
from addons.providers import doors
from addons.providers.call import Call, Kind, Part
from addons.providers.socket_calls import SocketCalls
from addons.providers.socket_texts import SocketTexts
from addons.providers.texts import TextsToo
from addons.providers.wire import StreamParser
from addons.providers.withholding import Withholding, without_calls
from addons.taps import OFF_LOOP_BYTES, Tap, guards, read_reply, reads_texts
from addons.tokens.caller import Caller
from addons.tokens.gateway_token import TokenRefused

SAID = (Kind.TEXT, Kind.REASONING, Kind.REFUSAL)
OFF_LOOP_CHARACTERS = 16 << 10  # of a reply: over this it is looked through in a thread
LOOK_SECONDS = 10  # a client that left is told of at once; looked for all the same
HEARTBEAT_SECONDS = 10
HEARTBEAT = b": affidavit is waiting for an approval\n\n"
# How long a reply may wait before its client gives up; a rule's own hold_seconds may be shorter. Claude Code hears nothing for 180 s,
# with comments in the stream or without; botocore waits 60 s for a frame; others longer.
STREAM_HOLD_SECONDS = 170
FRAMES_HOLD_SECONDS = 45
WHOLE_HOLD_SECONDS = 110
SOCKET_HOLD_SECONDS = 20  # a held message stops the whole socket, its pings too


@dataclass(frozen=True, slots=True)
class Held:
    """What waits, under which rule, for how long at most."""

    rule: ApprovalRule
    digest: str
    seconds: float
    parts: tuple[Part, ...] = field(default=(), repr=False)  # of a reply; (): the request itself


class Approval:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.facts = FactFinder(desk)

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

    def _right(self, exchange: Exchange, caller: Caller) -> Decision:
        assert exchange.connection
        assert exchange.call
        now = self.desk.clock()
        use = Use(
            (exchange.call.operation, exchange.call.endpoint),
            exchange.path.partition("?")[0],
            now,
            self.desk.usage.today(caller.subject, now),
        )
        return decide.may_use(self.desk.policies, caller, exchange.connection, exchange.call.model, use)

    def _judged(self, exchange: Exchange, facts: Facts) -> ApprovalRule | None:
        """The rule that holds the call, or None; a rule that does not let it go on at all is raised as a refusal."""
        rule, noted = self.facts.book.judge(facts)
        for one in noted:
            found = (f"rule_{one.then.value}", one.id)
            if (
                one.then in {Then.NOTIFY, Then.OBSERVE} and found not in exchange.findings
            ):  # a reply is judged in pieces
                exchange.findings.append(found)
                if one.then is Then.NOTIFY:
                    self._tell(exchange, one)
        if rule is None or rule.then is Then.HOLD:
            return rule
        if rule.then is Then.PURPOSE:
            sentence = (
                f"Affidavit refused this call: rule {rule.id!r} wants to know what for, and your token names no purpose. "
                "Type: affidavit run --purpose …, or affidavit token mint --purpose …"
            )
            raise Refused(403, "purpose_missing", sentence, rule=rule.id)
        sentence = f"Affidavit refused this call: rule {rule.id!r} denies it. {rule.reason}"
        raise Refused(403, "denied_by_rule", sentence, outcome="denied", rule=rule.id)

    def _tell(self, exchange: Exchange, rule: ApprovalRule) -> None:
        assert exchange.caller
        self.desk.tell(
            Notice(
                "notify",
                self.desk.clock(),
                rule.id,
                requester=exchange.caller.subject,
                purpose=exchange.caller.purpose,
                exchange_id=exchange.id,
                why=self.facts.book.why(rule),
            )
        )

    async def _hold(self, flow: http.HTTPFlow, exchange: Exchange, held: Held) -> None:
        """Returns once people with the right approved, the caller still may, and the client still waits."""
        assert exchange.caller
        key = self.desk.key_of(exchange.caller.subject, held.rule.id, held.digest)
        session_id = exchange.request.session_id
        if self.desk.grant_for(key, session_id) is None:
            asked = await self._ask(exchange, held)
            asked = await self._decision(flow, asked, held.seconds)
            self._check_client(flow, held)
            self._check_approved(asked)
        self._check_client(flow, held)
        await self._check_still_allowed(exchange)
        grant = self.desk.grant_for(key, session_id)
        if grant is None:
            raise Refused(
                409,
                "approval_used",
                "its approval was used by another request, or taken back; send this one again to ask anew",
                rule=held.rule.id,
            )
        try:
            await self.desk.use_grant(grant, key, exchange.id, session_id)
        except GrantRefused as refused:
            raise Refused(409, refused.code, refused.hint, rule=held.rule.id) from None
        if grant.approval_id not in exchange.approval_ids:
            exchange.approval_ids.append(grant.approval_id)

    async def _decision(self, flow: http.HTTPFlow, asked: Asked, seconds: float) -> Asked:
        """The approval as it is once somebody decided, the client left or the time is up; whichever comes first."""
        loop = asyncio.get_running_loop()
        until, left = loop.time() + seconds, asyncio.Event()
        layers.when_client_leaves(flow, left.set)
        if layers.client_left(flow) or asked.state is not State.PENDING:
            return asked
        ways = (self.desk.wait_decision(asked.id, seconds), left.wait())
        tasks = [asyncio.ensure_future(way) for way in ways]
        try:
            done: set[asyncio.Future[Any]] = set()
            while not done and not layers.client_left(flow) and (rest := until - loop.time()) > 0:
                done, _ = await asyncio.wait(
                    tasks, timeout=min(rest, LOOK_SECONDS), return_when=asyncio.FIRST_COMPLETED
                )
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return self.desk.approval(asked.id)

    @staticmethod
    def _check_client(flow: http.HTTPFlow, held: Held) -> None:
        if layers.client_left(flow):
            left = "the client left while the call was held"
            raise Refused(499, "client_left", left, outcome="aborted", rule=held.rule.id)

    async def _ask(self, exchange: Exchange, held: Held) -> Asked:
        """A pending approval, new or joined, or the denial of an earlier one."""
        assert exchange.caller
        shown = self.facts.shown(exchange, held.parts)
        node = exchange.request.tip.id.hex() if exchange.request.tip else ""
        asked = await self.desk.request_approval(
            exchange_id=exchange.id,
            rule=held.rule,
            requester=exchange.caller,
            payload_digest=held.digest,
            about=About(
                session_id=exchange.request.session_id,
                purpose=exchange.caller.purpose,
                why=self.facts.book.why(held.rule),
                shown=shown,
                view_digest=view_digest(self.desk.keys.approval, node, shown),
            ),
        )
        exchange.approval_ids.append(asked.id)
        return asked

    @staticmethod
    def _check_approved(asked: Asked) -> None:
        said = f"Affidavit refused this call: {asked.id}"
        if asked.state is State.PENDING:
            raise Refused(
                409,
                "approval_pending",
                f"Affidavit holds this call ({asked.id}), {pending_hint(asked)}",
                rule=asked.rule,
            )
        if asked.state is State.DENIED:
            sentence = (
                f"{said} was denied by {asked.approver}: {asked.reason}. Type: affidavit approvals show {asked.id}"
            )
            raise Refused(403, "approval_denied", sentence, outcome="denied", rule=asked.rule)
        if asked.state is not State.APPROVED:
            sentence = f"{said} is {asked.state.value}; send the request again to ask anew"
            raise Refused(403, f"approval_{asked.state.value}", sentence, outcome="expired", rule=asked.rule)

    async def _check_still_allowed(self, exchange: Exchange) -> None:
        """Minutes may have passed: the token may be revoked, the right gone."""
        assert exchange.caller
        assert exchange.connection
        assert exchange.call
        try:
            caller = await self.desk.directory.still(exchange.caller)
        except TokenRefused:
            raise Refused(
                401, "token_revoked", "the caller's token ended while the call was held. Type: affidavit token mint"
            ) from None
        decision = self._right(exchange, caller)
        if not decision.allowed:
            raise Refused(403, decision.code, decision.hint, rule=decision.rule)

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

    def _digest(self, flow: http.HTTPFlow, exchange: Exchange, body: bytes) -> str:
        assert exchange.connection
        return payload_digest(
            self.desk.keys.approval,
            method=flow.request.method,
            connection=exchange.connection.id,
            path=exchange.path,
            body=body,
        )


def _removal(refused: Refused) -> str:
    """What stands where a denied tool call stood, or in a WebSocket a text."""
    return f"[A {'text' if refused.whole else 'tool call'} was taken out of this reply. {refused.message}]"


def _parser(call: Call, content_type: str) -> StreamParser:
    parser = doors.stream_parser(call, content_type)
    assert parser
    return parser
