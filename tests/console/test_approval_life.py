"""The life of approvals on a real desk over a real store, in any order: ask, ask again, decide, leave, expire, revoke, restart, send.

What must hold whatever comes in between: a call goes upstream only under an approval that enough others gave for exactly it; an exact
approval lets at most one call through; every approval ends in a record; the log says the same afterwards, and verifies.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from addons.approvals.grants import GrantRefused
from addons.approvals.state import About, Action, Ballot, DecisionRefused, Scope, State
from addons.console.waiting import ApprovalUnknown
from addons.evidence.checkpoints import Verifier
from addons.evidence.store import Store
from addons.evidence.verify import verify
from addons.policy.model import Approvers
from addons.policy.model import Scope as Offered
from tests.console.desks import Clock, hold_rule, new_state, opened, owning, person

PAYLOADS = tuple("hmac-sha256:" + pair * 32 for pair in ("aa", "bb", "cc"))
EXACT = hold_rule("exact", expires=900)
TWO = hold_rule("two", count=2, expires=900)
WIDE = replace(
    hold_rule("wide", expires=900),
    scopes=tuple(Offered),
    most_minutes=5,
    approvers=Approvers(("data-owners",), 1, (), ("on-call",)),
)
RULES = (EXACT, TWO, WIDE)
PEOPLE = {
    "alice": ("engineering",), "bob": ("data-owners",), "carol": ("data-owners",), "erin": ("on-call",), "eve": ("engineering",),
}  # fmt: skip
BALLOTS = (
    Ballot(),
    Ballot(),
    Ballot(),
    Ballot(),
    Ballot(Scope.SESSION),
    Ballot(Scope.MINUTES, 5),
    Ballot(break_glass=True),
)

SESSIONS = ("se_1", "se_2")
STEPS = 70


@dataclass
class Call:
    """A flow that is held, or came back for its answer."""

    exchange: str
    rule: str
    payload: str
    session: str
    here: bool = True


class Life:
    def __init__(self, seed: int, folder: Path) -> None:
        self.random = random.Random(seed)
        self.runner = asyncio.Runner()
        self.clock = Clock()
        self.state = new_state(folder / "state", self.clock)
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
    def a_call_is_held_or_comes_again(self):
        chosen, payload, session = map(self.random.choice, (RULES, PAYLOADS, SESSIONS))
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

    def a_client_leaves(self):
        self.some_call().here = False

    def somebody_decides(self):
        approval_id = self.some_approval()
        who, ballot = (
            self.random.choice(("alice", "eve", "bob", "bob", "carol", "carol", "erin")),
            self.random.choice(BALLOTS),
        )
        verdict = Action.DENY if self.random.random() < 0.05 else Action.APPROVE
        try:
            self.run(self.desk.decide(approval_id, self.caller(who), verdict, "because", ballot=ballot))
        except (DecisionRefused, ApprovalUnknown):
            return

    def two_decide_at_once(self):
        approval_id = self.some_approval()

        async def work():
            votes = [
                self.desk.decide(approval_id, self.caller(who), Action.APPROVE, "both") for who in ("bob", "carol")
            ]
            return await asyncio.gather(*votes, return_exceptions=True)

        for answer in self.run(work()):
            assert not isinstance(answer, Exception) or isinstance(answer, (DecisionRefused, ApprovalUnknown)), answer

    def a_held_call_tries_to_go_on(self):
        self.run(self.send(self.some_call()))

    def a_call_is_tried_twice_at_once(self):
        call = self.some_call()
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

    def a_grant_is_revoked(self):
        try:
            self.run(self.desk.revoke_grant(self.some_approval(), "local|bob"))
        except (GrantRefused, ApprovalUnknown):
            return

    def an_approver_loses_their_rights_and_gets_a_new_token(self):
        who = self.random.choice(("bob", "carol"))
        old = self.caller(who).token_id
        self.run(self.desk.revoke_token(old, "os|root"))
        assert not [one for one in self.open_grants() if old in self.voters(one)]
        self.tokens[who] = self.run(person(self.desk, who, *PEOPLE[who]))[0]

    def open_grants(self):
        return [one for one in self.desk.waiting._grants.values() if one.open_at(self.clock())]

    def voters(self, grant):
        return {vote.token_id for vote in self.desk.approval(grant.approval_id).deciding}

    def time_passes(self):
        self.clock.advance(self.random.choice((1, 1, 1, 30, 30, 400)))
        self.run(self.desk.expire_due())

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

    def an_exact_approval_let_at_most_one_call_through(self):
        exact = Counter(one for one, _ in self.sent if self.desk.approval(one).scope is Scope.EXACT)
        assert not exact or max(exact.values()) == 1

    # -- in any order ---------------------------------------------------------------------------------------------------
    def some_call(self) -> Call:
        """Mostly one that still waits."""
        waiting = [call for call in self.calls if call.here]
        return self.random.choice(waiting if waiting and self.random.random() < 0.8 else self.calls)

    def some_approval(self) -> str:
        """Mostly one of the newest."""
        ids = list(self.asked)
        return self.random.choice(ids[-3:] if self.random.random() < 0.8 else ids)

    def live(self) -> None:
        try:
            self.a_call_is_held_or_comes_again()
            for _ in range(STEPS):
                (step,) = self.random.choices(list(WEIGHTS), list(WEIGHTS.values()))
                getattr(self, step)()
                self.nothing_went_upstream_but_under_an_approval_of_enough_others()
                self.an_exact_approval_let_at_most_one_call_through()
            self.clock.advance(10_000)
            self.run(self.desk.expire_due())
            self.run(self.owner.__aexit__(None, None, None))
            self.every_path_ended_in_a_record()
        finally:
            self.runner.close()

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


WEIGHTS = {
    "a_call_is_held_or_comes_again": 6,
    "a_client_leaves": 1,
    "somebody_decides": 8,
    "two_decide_at_once": 3,
    "a_held_call_tries_to_go_on": 8,
    "a_call_is_tried_twice_at_once": 3,
    "a_grant_is_revoked": 1,
    "an_approver_loses_their_rights_and_gets_a_new_token": 1,
    "time_passes": 2,
    "the_gateway_restarts": 1,
}


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 4, 6, 8, 10, 11, 14])  # lives in which calls do go on
def test_in_any_order_no_call_goes_without_its_approval_and_every_path_ends_in_a_record(
    seed: int, tmp_path: Path
) -> None:
    life = Life(seed, tmp_path)

    life.live()

    assert len(life.sent) >= 2  # it was no idle life


@pytest.mark.long
def test_a_thousand_wait_at_once_and_each_is_decided_on_its_own(tmp_path: Path) -> None:
    clock = Clock()
    state = new_state(tmp_path / "state", clock)

    async def work() -> None:
        async with owning(state, clock) as desk:
            _, alice = await person(desk, "alice", "engineering")
            _, bob = await person(desk, "bob", "data-owners")
            exchange = await opened(desk)
            asked = await asyncio.gather(
                *(
                    desk.request_approval(
                        exchange_id=exchange, rule=EXACT, requester=alice, payload_digest=f"hmac-sha256:{number:064x}"
                    )
                    for number in range(1000)
                )
            )
            assert len(desk.approvals(State.PENDING)) == len({one.id for one in asked}) == 1000
            await desk.decide(asked[500].id, bob, Action.APPROVE, "this one")
            key = desk.key_of(alice.subject, EXACT.id, asked[500].payload_digest)
            others = [
                desk.key_of(alice.subject, EXACT.id, one.payload_digest) for one in asked if one is not asked[500]
            ]
            assert desk.grant_for(key)
            assert not any(map(desk.grant_for, others))
            clock.advance(1000)
            assert len(await desk.expire_due()) == 999

    asyncio.run(work())
