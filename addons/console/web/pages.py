"""The console's pages: what waits, one approval, history, state. Each reads the request, asks the desk, shows a template.

Not who may come here (guard.py), not what an approval is (approvals/), not what may be asked (operations.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from urllib.parse import urlencode

from tornado import web

from addons.approvals.deciding import may_break_glass
from addons.approvals.state import Action, Approval, Scope, State
from addons.console import operations, readings
from addons.console.operations import OperationRefused
from addons.console.shapes import approval_shape
from addons.console.web import conversation, found
from addons.console.web.found import PAGE_ROWS, Filter
from addons.console.web.guard import Guarded, Page
from addons.console.web.roles import may_see
from addons.evidence.database import Connection
from addons.policy.model import ApprovalRule
from addons.tokens.caller import Caller

Row = Mapping[str, Any]


class Queue(Page):
    """What waits, longest first; of it, what the reader may decide."""

    async def get(self) -> None:
        caller = self.person()
        await self.console.desk.expire_due()
        seen = [one for one in self.console.desk.approvals(State.PENDING) if self.sees(one)]
        mine = [one for one in seen if self.console.desk.may_decide(one, caller)]
        may = {one.id for one in mine}
        only_mine = self.get_query_argument("show", "mine" if mine and not self.roles.sees_all else "all") == "mine"
        rows = mine if only_mine else seen
        number, count = _page(self.get_query_argument("page", "1"), len(rows))
        shown = [
            approval_shape(one) | {"mine": one.id in may} for one in rows[(number - 1) * PAGE_ROWS : number * PAGE_ROWS]
        ]
        calls = await self.read(lambda store: found.exchanges(store, [row["exchange_id"] for row in shown]))
        if self.roles.sees_all and (self.counts_as_use or not (self.session and self.session.streams)):
            await self.record_reading("queue", "pending", f"page {number}")
        self.render_page(
            "queue.html",
            rows=shown,
            calls=calls,
            rules={rule.id: rule for rule in self.console.desk.policies.approval},
            to_review=[one for one in self.console.desk.approvals() if one.review_due and self.sees(one)],
            only_mine=only_mine,
            of_mine=len(mine),
            of_all=len(seen),
            number=number,
            count=count,
        )


class One(Page):
    """One approval: who asks for what, why it waits, and the form to answer."""

    async def get(self, approval_id: str) -> None:
        caller = self.person()
        row = await self.approval(approval_id)
        approval = self._in_memory(approval_id)
        rule = self._rule(row)
        number = self.get_query_argument("part", "")
        own = tuple(one.entity for one in self.console.desk.policies.masking_patterns)
        await self.record_reading("exchange", row["exchange_id"] or "", f"approval {approval_id}")
        exchange, said, page, before, called = await self.read(
            lambda store: _told(store, row, rule, own, int(number) if number.isdecimal() else None)
        )
        self.render_page(
            "approval.html",
            approval={**BARE, **row},
            exchange=exchange,
            rule=rule,
            said=said,
            page=page,
            asked_before=before,
            called_before=called,
            may=self._may(approval, caller),
            notice=NOTICES.get(self.get_query_argument("done", ""), ""),
        )

    def _may(self, approval: Approval | None, caller: Caller) -> frozenset[str]:
        """Which forms the page has. What each may do is checked again when it comes."""
        if approval is None:
            return frozenset()
        desk, pending = self.console.desk, approval.state is State.PENDING
        asked = desk.may_decide(approval, caller)
        own = approval.requester == caller.subject
        voted = any(vote.approver == caller.subject and not vote.lapsed for vote in approval.votes)
        unused = approval.released_at is None or approval.scope is not Scope.EXACT
        forms = {
            "decide": pending and asked and not voted,
            "break_glass": pending and not asked and may_break_glass(approval, caller),
            "cancel": pending and (own or self.roles.admin),
            "revoke": approval.state is State.APPROVED and unused and (asked or self.roles.admin),
            "review": approval.review_due and asked and not voted,
            "own": own,
            "voted": voted,
        }
        return frozenset(name for name, true in forms.items() if true)

    async def approval(self, approval_id: str) -> Row:
        """As answers have it; what one may not see is not there."""
        caller = self.person()
        row: Row = await operations.answer(self.console.desk, self.ask("GET", f"/approvals/{approval_id}"))
        columns = {name: row[name] or "" for name in ("rule", "requester", "approver")}
        if not may_see(self.roles, caller, **columns):
            raise OperationRefused(
                403,
                "not_yours",
                f"this approval asks {' or '.join(row.get('groups', ())) or 'others'}, and you are in {', '.join(caller.groups) or 'no group'}",
                "somebody of those groups decides it; if that should be you, ask for the group and sign in again",
            )
        return row

    def _in_memory(self, approval_id: str) -> Approval | None:
        return next((one for one in self.console.desk.approvals() if one.id == approval_id), None)

    def _rule(self, row: Row) -> ApprovalRule | None:
        """As it is in force; None where the policies have changed since."""
        policies = self.console.desk.policies
        if row.get("policy_digest", policies.digest) != policies.digest:
            return None
        return next((rule for rule in policies.approval if rule.id == row["rule"]), None)


NOTICES = {
    Action.APPROVE.value: "Your approval is recorded.",
    Action.DENY.value: "Your denial is recorded.",
    "cancel": "It is cancelled.",
    "revoke": "It was taken back.",
    "review": "Your review is recorded.",
}
# Of an approval whose details were erased, nothing more is known.
BARE: Row = {
    **dict.fromkeys(("groups", "missing_groups", "votes", "why", "shown", "scopes", "also"), ()),
    **dict.fromkeys(("broke_glass", "review_due", "same_minter"), False),
    **dict.fromkeys(("scope", "purpose", "grade"), ""),
    "review": None,
    "count": 1,
    "missing": 0,
    "most_minutes": 0,
}


class Decide(One):
    """The form's answer. What the same person said before is answered as said: a double click is no fault."""

    async def post(self, approval_id: str, verdict: str) -> None:
        await self.approval(approval_id)
        path = f"/approvals/{approval_id}/{verdict}"
        try:
            await operations.answer(self.console.desk, self.ask("POST", path, body=self._body(verdict)))
        except OperationRefused:
            if not self._said_already(await self.approval(approval_id), verdict):
                raise
        self.redirect(f"/approvals/{approval_id}?{urlencode({'done': verdict})}", status=303)

    def _body(self, verdict: str) -> dict[str, Any] | None:
        if verdict == "revoke":
            return None
        said: dict[str, Any] = {"reason": self.get_body_argument("reason", "")}
        if verdict == "review":
            said["justified"] = self.get_body_argument("justified", "") == "yes"
        if verdict == Action.APPROVE:
            said["scope"] = self.get_body_argument("scope", Scope.EXACT.value)
            if said["scope"] == Scope.MINUTES:
                minutes = self.get_body_argument("minutes", "")
                said["minutes"] = int(minutes) if minutes.isdecimal() and len(minutes) < 9 else 0
            if self.get_body_argument("break_glass", ""):
                said["break_glass"] = True
        return said

    def _said_already(self, row: Row, verdict: str) -> bool:
        caller = self.person()
        return any(vote["approver"] == caller.subject and vote["verdict"] == verdict for vote in row.get("votes", ()))


class History(Page):
    """What was decided, newest first, as far as the reader may see it."""

    async def get(self) -> None:
        caller = self.person()
        wanted = Filter.of({name: self.get_query_argument(name) for name in self.request.query_arguments})
        _check_days(wanted)
        rules = None if self.roles.sees_all else self.roles.rules
        await self.record_reading("approvals", "history", urlencode(wanted.query()))
        rows, more = await self.read(lambda store: found.approvals(store, wanted, rules=rules, subject=caller.subject))
        self.render_page(
            "history.html",
            rows=rows,
            wanted=wanted,
            states=tuple(State),
            older=urlencode(wanted.query() | {"before": more}) if more else "",
            newest=urlencode(wanted.query()) if wanted.before else "",
        )


class Condition(Page):
    """What runs, what it recorded, what an operator should look at."""

    async def get(self) -> None:
        self.person()
        if not self.roles.sees_all:
            raise OperationRefused(
                403,
                "not_yours",
                "the gateway's state is shown to auditors and admins",
                "ask for a role in identity.yaml",
            )
        await self.record_reading("status", "gateway", "")
        status = await operations.answer(self.console.desk, self.ask("GET", "/status"))
        self.render_page("status.html", status=status)


class Static(Guarded):
    """Style, script and icons; the same for everybody, kept by the browser as long as their digest stays."""

    def get(self, name: str) -> None:
        if name not in self.console.static:
            raise web.HTTPError(404)
        kind, content = self.console.static[name]
        self.set_header("Content-Type", kind)
        self.set_header("Cache-Control", "public, max-age=31536000, immutable")
        self.finish(content)

    def refused(self, code: str, message: str, hint: str) -> None:  # noqa: ARG002 -- nobody reads it
        self.finish()


class Nothing(Page):
    """Every other path."""

    def get(self) -> None:
        self.person()
        raise web.HTTPError(404)


# -- inside -------------------------------------------------------------------------------------------------------------


def _told(
    store: Connection, row: Row, rule: ApprovalRule | None, own: tuple[str, ...], number: int | None
) -> tuple[Row | None, Sequence[conversation.Said], conversation.Page, list[found.Row], list[found.Row]]:
    exchange_id, requester = row["exchange_id"] or "", row["requester"] or ""
    exchange = readings.exchange(store, exchange_id)
    messages = readings.contents(store, exchange_id)["messages"]
    said = conversation.parts(messages, rule, held=row.get("shown", ()), own=own)
    return (
        exchange,
        said,
        conversation.page(said, number),
        found.asked_before(store, requester, row["id"]),
        found.called_before(store, requester, exchange_id),
    )


def _page(asked: str, rows: int) -> tuple[int, int]:
    """(which page, how many there are), both from 1."""
    count = max(1, -(-rows // PAGE_ROWS))
    return min(max(int(asked) if asked.isdecimal() and len(asked) < 9 else 1, 1), count), count


def _check_days(wanted: Filter) -> None:
    for name, value in (("since", wanted.since), ("until", wanted.until)):
        try:
            date.fromisoformat(value or "2026-01-01")
        except ValueError:
            raise OperationRefused(
                400, "day_malformed", f"{name}: expected a day like 2026-11-23", "correct it, or leave it empty"
            ) from None
