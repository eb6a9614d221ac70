"""A hold: the rights, the rule that decides, the approval that is asked for, the grant that lets go. Not the hooks (approval.py), not the
decision of a person (approvals/, through the desk). The flow's own hold ends before the approval does: the client gets 409
approval_pending, and its retry finds the answer.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from mitmproxy import http

from addons import layers
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
from addons.policy.model import ApprovalRule, Then
from addons.providers.call import Part
from addons.tokens.caller import Caller
from addons.tokens.gateway_token import TokenRefused

ENDED = "the caller's token has ended since the call began. Type: affidavit login, or affidavit token mint"
LOOK_SECONDS = 10  # a client that left is told of at once; looked for all the same


@dataclass(frozen=True, slots=True)
class Held:
    """What waits, under which rule, for how long at most."""

    rule: ApprovalRule
    digest: str
    seconds: float
    parts: tuple[Part, ...] = field(default=(), repr=False)  # of a reply, of a message; (): the request itself
    model: str | None = None  # that a message is about; None: the request's
    left: asyncio.Event | None = None  # the end of the conversation that a message is in


class Holds:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.facts = FactFinder(desk)

    def _right(self, exchange: Exchange, caller: Caller, model: str | None = None) -> Decision:
        assert exchange.connection
        assert exchange.call
        now = self.desk.clock()
        use = Use(
            (exchange.call.operation, exchange.call.endpoint),
            exchange.path.partition("?")[0],
            now,
            self.desk.usage.today(caller.subject, now),
        )
        named = exchange.call.model if model is None else model
        return decide.may_use(self.desk.policies, caller, exchange.connection, named, use)

    def _judged(self, exchange: Exchange, facts: Facts, *, content_only: bool = False) -> ApprovalRule | None:
        """The rule that holds the call, or None; a rule that does not let it go on at all is raised as a refusal."""
        rule, noted = self.facts.book.judge(facts, content_only=content_only)
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
            asked = await self._decision(flow, asked, held)
            self._check_client(flow, held)
            self._check_approved(asked)
        self._check_client(flow, held)
        await self._check_still_allowed(exchange, held.model)
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

    async def _decision(self, flow: http.HTTPFlow, asked: Asked, held: Held) -> Asked:
        """The approval as it is once somebody decided, the client left or the time is up; whichever comes first."""
        loop = asyncio.get_running_loop()
        until, left = loop.time() + held.seconds, held.left or asyncio.Event()
        if held.left is None:
            layers.when_client_leaves(flow, left.set)
        if layers.client_left(flow) or asked.state is not State.PENDING:
            return asked
        ways = (self.desk.wait_decision(asked.id, held.seconds), left.wait())
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
        if layers.client_left(flow) or (held.left and held.left.is_set()):
            left = "the client left while the call was held"
            raise Refused(499, "client_left", left, outcome="aborted", rule=held.rule.id)

    async def _ask(self, exchange: Exchange, held: Held) -> Asked:
        """A pending approval, new or joined, or the denial of an earlier one."""
        assert exchange.caller
        shown = self.facts.shown(exchange, held.parts, held.rule.when.direction)
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

    async def _check_still_allowed(self, exchange: Exchange, model: str | None) -> None:
        """Minutes may have passed: the token may be revoked, the right gone."""
        decision = self._right(exchange, await self._still(exchange), model)
        if not decision.allowed:
            raise Refused(403, decision.code, decision.hint, rule=decision.rule)

    async def _still(self, exchange: Exchange) -> Caller:
        assert exchange.caller
        try:
            return await self.desk.directory.still(exchange.caller)
        except TokenRefused:
            raise Refused(401, "token_revoked", ENDED) from None

    def _digest(self, flow: http.HTTPFlow, exchange: Exchange, body: bytes) -> str:
        assert exchange.connection
        return payload_digest(
            self.desk.keys.approval,
            method=flow.request.method,
            connection=exchange.connection.id,
            path=exchange.path,
            body=body,
        )
