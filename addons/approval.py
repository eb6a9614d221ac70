"""What may go on: rights first, then rules; a hold waits here, for the request or in mid-stream for a tool call.

Not the decision of a person (approvals/, through the desk). The flow's own hold ends before the approval does: the client
gets 409 approval_pending, and its retry finds the answer.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from mitmproxy import http

from addons import hooks, layers
from addons.approvals.grants import Grant, GrantRefused
from addons.approvals.requests import payload_digest, pending_hint
from addons.approvals.state import Approval as Asked
from addons.approvals.state import State
from addons.commands.read import read as commands_in
from addons.console.desk import Desk
from addons.hooks import Exchange, Refused
from addons.policy import decide
from addons.policy.decide import CommandFact, Facts
from addons.policy.model import ApprovalRule, Direction, Then
from addons.providers import doors
from addons.providers.call import Kind, Part
from addons.taps import OFF_LOOP_BYTES, Tap, guards, read_reply
from addons.tokens.gateway_token import TokenRefused, check_in_force

POLL_SECONDS = 0.25  # how soon a client that left during a hold is noticed
HEARTBEAT_SECONDS = 10
HEARTBEAT = b": affidavit is waiting for an approval\n\n"
STREAM_HOLD_SECONDS = (
    170  # Claude Code gives up after 180 s; other SDKs later. A rule's own hold_seconds may be shorter
)


class Approval:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    @hooks.fails_closed
    async def request(self, flow: http.HTTPFlow) -> None:
        exchange = hooks.exchange_of(flow)
        if flow.response or flow.error or exchange is None:
            return
        assert exchange.caller
        assert exchange.connection
        assert exchange.call
        decision = decide.may_use(self.desk.policies, exchange.caller, exchange.connection, exchange.call.model)
        if not decision.allowed:
            raise Refused(403, decision.code, f"Affidavit refused this call: {decision.hint}", rule=decision.rule)
        facts = self._facts(exchange, Direction.REQUEST, exchange.request.parts)
        facts = replace(facts, entities=exchange.request.entities)
        await self._judge(flow, exchange, facts, flow.request.raw_content or b"")

    async def _judge(
        self, flow: http.HTTPFlow, exchange: Exchange, facts: Facts, body: bytes, longest_seconds: float = float("inf")
    ) -> None:
        """Every rule that fits: a denial ends it, then all holds are asked for at once, and used together or not at all."""
        rules = decide.matches(self.desk.policies.approval, facts)
        exchange.findings += [
            (f"rule_{rule.then.value}", rule.id) for rule in rules if rule.then in {Then.NOTIFY, Then.OBSERVE}
        ]
        for rule in rules:
            if rule.then is Then.DENY:
                sentence = f"Affidavit refused this call: rule {rule.id!r} denies it. {rule.reason}"
                raise Refused(403, "denied_by_rule", sentence, outcome="denied", rule=rule.id)
        if holds := [rule for rule in rules if rule.then is Then.HOLD]:
            seconds = min(longest_seconds, *(rule.hold_seconds for rule in holds))
            await self._hold(flow, exchange, holds, self._digest(flow, exchange, body), seconds)

    async def _hold(
        self, flow: http.HTTPFlow, exchange: Exchange, rules: list[ApprovalRule], digest: str, seconds: float
    ) -> None:
        """Returns once people with the right approved, the caller still may, and the client still waits."""
        assert exchange.caller
        asked = {
            rule.id: await self._ask(exchange, rule, digest)
            for rule in rules
            if not self._grant(exchange, rule, digest)
        }
        until = asyncio.get_running_loop().time() + seconds
        while self._pending(asked) and asyncio.get_running_loop().time() < until and not layers.client_left(flow):
            first = self._pending(asked)[0]
            asked[first.rule] = await self.desk.wait_decision(first.id, POLL_SECONDS)
        if layers.client_left(flow):
            raise Refused(
                499, "client_left", "the client left while the call was held", outcome="aborted", rule=rules[0].id
            )
        for one in asked.values():
            self._check_approved(one)
        self._check_still_allowed(exchange)
        grants = [self._grant(exchange, rule, digest) for rule in rules]
        for rule, grant in zip(rules, grants, strict=True):
            if grant is None:
                raise Refused(
                    409,
                    "approval_used",
                    "its approval was used by another request; send this one again to ask anew",
                    rule=rule.id,
                )
        for grant in grants:
            assert grant
            await self._use(exchange, grant)

    def _grant(self, exchange: Exchange, rule: ApprovalRule, digest: str) -> Grant | None:
        assert exchange.caller
        return self.desk.grant_for(exchange.caller.subject, rule.id, digest)

    @staticmethod
    def _pending(asked: dict[str, Asked]) -> list[Asked]:
        return [one for one in asked.values() if one.state is State.PENDING]

    async def _ask(self, exchange: Exchange, rule: ApprovalRule, digest: str) -> Asked:
        """A pending approval, new or joined, or the denial of an earlier one."""
        assert exchange.caller
        asked = await self.desk.request_approval(
            exchange_id=exchange.id, rule=rule, requester=exchange.caller, payload_digest=digest
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

    def _check_still_allowed(self, exchange: Exchange) -> None:
        """Minutes may have passed: the token may be revoked, the right gone."""
        assert exchange.caller
        assert exchange.connection
        assert exchange.call
        try:
            check_in_force(self.desk.tokens.row(exchange.caller.token_id), self.desk.clock())
        except TokenRefused:
            raise Refused(
                401, "token_revoked", "the caller's token ended while the call was held. Type: affidavit token mint"
            ) from None
        decision = decide.may_use(self.desk.policies, exchange.caller, exchange.connection, exchange.call.model)
        if not decision.allowed:
            raise Refused(403, decision.code, decision.hint, rule=decision.rule)

    async def _use(self, exchange: Exchange, grant: Grant) -> None:
        try:
            await self.desk.use_grant(grant, exchange.id)
        except GrantRefused as refused:
            raise Refused(409, refused.code, refused.hint) from None
        if grant.approval_id not in exchange.approval_ids:
            exchange.approval_ids.append(grant.approval_id)

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
        await self._decide_parts(flow, exchange, exchange.reply.parts, STREAM_HOLD_SECONDS)

    @hooks.fails_closed
    async def reply_piece(self, piece: layers.ReplyPiece) -> None:
        """A complete tool call in a stream. Text before it is with the client; this and what follows waits."""
        flow, exchange = piece.flow, hooks.exchange_of(piece.flow)
        assert exchange
        tap: Tap = exchange.tap
        if exchange.decision is None:
            work = self._decide_parts(flow, exchange, tap.undecided(), STREAM_HOLD_SECONDS)
            exchange.decision = asyncio.ensure_future(work)
        done, _ = await asyncio.wait({exchange.decision}, timeout=HEARTBEAT_SECONDS)
        if not done:
            piece.out, piece.again = HEARTBEAT if tap.takes_comments else b"", True
            return
        decision, exchange.decision = exchange.decision, None
        try:
            decision.result()
        except Refused as refused:
            exchange.refusal = refused
            endpoint = exchange.call.endpoint if exchange.call else ""
            tap.end_with(doors.refusal_event(exchange.provider, endpoint, refused.code, refused.message, exchange.id))
            piece.end = True
            return
        piece.out, piece.decided = tap.let_through(), True
        piece.again = tap.waiting

    async def _decide_parts(
        self, flow: http.HTTPFlow, exchange: Exchange, parts: tuple[Part, ...], seconds: float
    ) -> None:
        calls = tuple(part for part in parts if part.kind is Kind.TOOL_CALL)
        if not calls:
            return
        facts = self._facts(exchange, Direction.RESPONSE, calls)
        body = b"\0".join(f"{part.name}\0{part.content}".encode() for part in calls)
        await self._judge(flow, exchange, facts, body, seconds)

    # -- what a rule looks at ---------------------------------------------------------------------------------------
    def _facts(self, exchange: Exchange, direction: Direction, parts: tuple[Part, ...]) -> Facts:
        assert exchange.caller
        assert exchange.connection
        assert exchange.call
        calls = tuple(part for part in parts if part.kind is Kind.TOOL_CALL)
        rows = tuple(row for part in calls for row in commands_in(part))
        return Facts(
            direction=direction,
            connection=exchange.connection.id,
            provider=exchange.connection.provider,
            model=exchange.call.model,
            groups=exchange.caller.groups,
            texts=tuple(part.content for part in parts if not part.base64),
            tools=tuple(part.name for part in calls),
            commands=tuple(CommandFact(row.language.value, row.verb, row.objects) for row in rows),
        )

    def _digest(self, flow: http.HTTPFlow, exchange: Exchange, body: bytes) -> str:
        assert exchange.connection
        return payload_digest(
            self.desk.keys.approval,
            method=flow.request.method,
            connection=exchange.connection.id,
            path=exchange.path,
            body=body,
        )
