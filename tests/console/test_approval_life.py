"""The life of approvals on a real desk over a real store, in any order: ask, ask again, decide, leave, expire, revoke, restart, send.

What must hold whatever comes in between: a call goes upstream only under an approval that enough others gave for exactly it; an exact
approval lets at most one call through; every approval ends in a record; the log says the same afterwards, and verifies.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from addons.approvals.grants import GrantRefused
from addons.approvals.state import About, Action, Ballot, DecisionRefused, Scope, State
from addons.console.waiting import ApprovalUnknown
from addons.evidence.checkpoints import Verifier
from addons.evidence.store import Store
from addons.evidence.verify import verify
from addons.policy.model import Approvers
from addons.policy.model import Scope as Offered
from tests.console.desks import Clock, hold_rule, new_state, opened, owning, person

PAYLOADS = ("hmac-sha256:" + "aa" * 32, "hmac-sha256:" + "bb" * 32)
EXACT = hold_rule("exact", expires=120)
TWO = hold_rule("two", count=2, expires=120)
WIDE = replace(
    hold_rule("wide", expires=600),
    scopes=tuple(Offered),
    most_minutes=5,
    approvers=Approvers(("data-owners",), 1, (), ("on-call",)),
)
RULES = (EXACT, TWO, WIDE)
PEOPLE = {
    "alice": ("engineering",), "bob": ("data-owners",), "carol": ("data-owners",), "erin": ("on-call",), "eve": ("engineering",),
}  # fmt: skip
BALLOTS = (Ballot(), Ballot(), Ballot(Scope.SESSION), Ballot(Scope.MINUTES, 5), Ballot(break_glass=True))

payloads = st.sampled_from(PAYLOADS)
rules = st.sampled_from(RULES)
sessions = st.sampled_from(("se_1", "se_2"))


@dataclass
class Call:
    """A flow that is held, or came back for its answer."""

    exchange: str
    rule: str
    payload: str
    session: str
    here: bool = True


class Life(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.clock = Clock()
        self.state = new_state(Path(self.folder.name) / "state", self.clock)
        self.tokens: dict[str, str] = {}
        self.calls: list[Call] = []
        self.asked: dict[str, None] = {}  # in the order they came: ids are random
        self.sent: list[tuple[str, Call]] = []  # (approval, the call that went upstream)
        self.run(self.start())
        for name, groups in PEOPLE.items():
            self.tokens[name] = self.run(person(self.desk, name, *groups))[0]

    def run(self, work):
        return self.runner.run(work)

    async def start(self) -> None:
        self.owner = owning(self.state, self.clock)
        self.desk = await self.owner.__aenter__()

    def caller(self, name: str):
        return self.desk.tokens.find(self.tokens[name], self.clock())

    # -- what happens ---------------------------------------------------------------------------------------------------
    @rule(chosen=rules, payload=payloads, session=sessions)
    def a_call_is_held_or_comes_again(self, chosen, payload, session):
        alice = self.caller("alice")

        async def work():
            exchange = await opened(self.desk)
            self.calls.append(Call(exchange, chosen.id, payload, session))
            if self.desk.grant_for(self.desk.key_of(alice.subject, chosen.id, payload), session) is None:
                approval = await self.desk.request_approval(
                    exchange_id=exchange,
                    rule=chosen,
                    requester=alice,
                    payload_digest=payload,
                    about=About(session_id=session),
                )
                self.asked[approval.id] = None

        self.run(work())

    @precondition(lambda self: self.calls)
    @rule(data=st.data())
    def a_client_leaves(self, data):
        data.draw(st.sampled_from(self.calls)).here = False

    @precondition(lambda self: self.asked)
    @rule(
        data=st.data(),
        who=st.sampled_from(sorted(PEOPLE)),
        verdict=st.sampled_from((Action.APPROVE, Action.APPROVE, Action.APPROVE, Action.DENY)),
        ballot=st.sampled_from(BALLOTS),
    )
    def somebody_decides(self, data, who, verdict, ballot):
        approval_id = data.draw(st.sampled_from(list(self.asked)))
        try:
            self.run(self.desk.decide(approval_id, self.caller(who), verdict, "because", ballot=ballot))
        except (DecisionRefused, ApprovalUnknown):
            return

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def two_decide_at_once(self, data):
        approval_id = data.draw(st.sampled_from(list(self.asked)))

        async def work():
            votes = [
                self.desk.decide(approval_id, self.caller(who), Action.APPROVE, "both") for who in ("bob", "carol")
            ]
            return await asyncio.gather(*votes, return_exceptions=True)

        for answer in self.run(work()):
            assert not isinstance(answer, Exception) or isinstance(answer, (DecisionRefused, ApprovalUnknown)), answer

    @precondition(lambda self: self.calls)
    @rule(data=st.data())
    def a_held_call_tries_to_go_on(self, data):
        call = data.draw(st.sampled_from(self.calls))
        self.run(self.send(call))

    @precondition(lambda self: self.calls)
    @rule(data=st.data())
    def a_call_is_tried_twice_at_once(self, data):
        call = data.draw(st.sampled_from(self.calls))
        twin = replace(call, exchange=self.run(opened(self.desk)))

        async def work():
            await asyncio.gather(self.send(call), self.send(twin))

        self.run(work())

    async def send(self, call: Call) -> None:
        """As the gateway does it: look for a grant, use it, and only then let the call go upstream."""
        if not call.here:
            return
        key = self.desk.key_of("local|alice", call.rule, call.payload)
        grant = self.desk.grant_for(key, call.session)
        if grant is None:
            return
        try:
            await self.desk.use_grant(grant, key, call.exchange, call.session)
        except GrantRefused:
            return
        self.sent.append((grant.approval_id, call))
        call.here = False

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def a_grant_is_revoked(self, data):
        try:
            self.run(self.desk.revoke_grant(data.draw(st.sampled_from(list(self.asked))), "local|bob"))
        except (GrantRefused, ApprovalUnknown):
            return

    @rule(who=st.sampled_from(("bob", "carol")))
    def an_approver_loses_their_rights_and_gets_a_new_token(self, who):
        old = self.caller(who).token_id
        self.run(self.desk.revoke_token(old, "os|root"))
        assert not [one for one in self.open_grants() if old in self.voters(one)]
        self.tokens[who] = self.run(person(self.desk, who, *PEOPLE[who]))[0]

    def open_grants(self):
        return [one for one in self.desk.waiting._grants.values() if one.open_at(self.clock())]

    def voters(self, grant):
        return {vote.token_id for vote in self.desk.approval(grant.approval_id).deciding}

    @rule(seconds=st.sampled_from((1, 30, 70, 200)))
    def time_passes(self, seconds):
        self.clock.advance(seconds)
        self.run(self.desk.expire_due())

    @rule()
    def the_gateway_restarts(self):
        before = {one.id: one.state for one in self.desk.approvals()}
        self.run(self.owner.__aexit__(None, None, None))
        self.run(self.start())
        for call in self.calls:
            call.here = False  # its connection is gone; the client may send it again
        after = {one.id: one.state for one in self.desk.approvals()}
        assert {key for key, state in before.items() if state is State.PENDING} <= after.keys()
        assert all(before[key] is state for key, state in after.items())

    # -- what holds -----------------------------------------------------------------------------------------------------
    @invariant()
    def nothing_went_upstream_but_under_an_approval_of_enough_others(self):
        for approval_id, call in self.sent[-2:]:
            approval = self.desk.approval(approval_id)
            voters = {vote.approver for vote in approval.votes if vote.verdict is Action.APPROVE and not vote.lapsed}
            assert approval.state is State.APPROVED
            assert "local|alice" not in voters
            assert "local|eve" not in voters
            assert len(voters) >= (1 if approval.broke_glass else approval.count)
            assert approval.rule == call.rule
            if approval.scope is Scope.EXACT:
                assert approval.payload_digest == call.payload

    @invariant()
    def an_exact_approval_let_at_most_one_call_through(self):
        exact = Counter(one for one, _ in self.sent if self.desk.approval(one).scope is Scope.EXACT)
        assert not exact or max(exact.values()) == 1

    def teardown(self):
        try:
            self.clock.advance(10_000)
            self.run(self.desk.expire_due())
            self.run(self.owner.__aexit__(None, None, None))
            self.every_path_ended_in_a_record()
        finally:
            self.runner.close()
            self.folder.cleanup()

    def every_path_ended_in_a_record(self):
        with Store.reader(self.state.database) as database:
            states = dict(database.execute("SELECT id, state FROM approvals"))
            used = Counter(
                one for (one,) in database.execute("SELECT exchange_id FROM events WHERE type = 'approval.used'")
            )
            recorded = {kind for (kind,) in database.execute("SELECT DISTINCT type FROM events")}
        assert states.keys() == self.asked.keys()
        assert State.PENDING.value not in states.values()
        assert used == Counter(call.exchange for _, call in self.sent)
        assert {f"approval.{one}" for one in ("requested",) if self.asked} <= recorded
        report = verify(self.state.database, Verifier.of((self.state.keys / "log.vkey").read_text()))
        assert report.failures == []


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=15,
    stateful_step_count=30,
    deadline=None,
    phases=[Phase.generate],  # on a real store shrinking takes minutes
)
