"""The desk: every change is on disk before it takes effect, and a restart loses nothing."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from addons.approvals.grants import GrantRefused
from addons.approvals.state import Action, Ballot, DecisionRefused, State
from addons.console import readings
from addons.console.desk import Lull
from addons.console.running import clock_state, code_digest
from addons.console.shapes import status_shape
from addons.console.state import StateOwned
from addons.console.waiting import WATCHED, ApprovalUnknown
from addons.evidence.database import StoreError
from addons.evidence.records import Event
from addons.evidence.store import Store
from addons.policy.model import Approvers
from addons.tokens.gateway_token import MintRefused, TokenRefused
from tests.console.desks import DIGEST, hold_rule, leaf_types, opened, owning, person

RULE = hold_rule()


async def asked(desk, requester, rule=RULE, digest=DIGEST):
    return await desk.request_approval(
        exchange_id=await opened(desk, requester.subject), rule=rule, requester=requester, payload_digest=digest
    )


def run(work):
    return asyncio.run(work)


# -- tokens -------------------------------------------------------------------------------------------------------------


def test_a_minted_token_is_in_the_record_and_known_after_a_restart(state, clock):
    async def work():
        async with owning(state, clock) as desk:
            secret, _ = await person(desk, "alice", "engineering")
        async with owning(state, clock) as desk:
            return secret, desk.tokens.find(secret, clock())

    secret, caller = run(work())

    assert (caller.subject, caller.groups) == ("local|alice", ("engineering",))
    assert "token.minted" in leaf_types(state)
    assert secret.encode() not in state.database.read_bytes()


def test_a_revoked_token_is_refused_now_and_after_a_restart_and_revoked_once(state, clock):
    async def work():
        async with owning(state, clock) as desk:
            secret, caller = await person(desk, "alice")
            first = await desk.revoke_token(caller.token_id, "os|root")
            clock.advance(60)
            second = await desk.revoke_token(caller.token_id, "os|root")
            with pytest.raises(TokenRefused, match="token_revoked"):
                desk.tokens.find(secret, clock())
        async with owning(state, clock) as desk:
            with pytest.raises(TokenRefused, match="token_revoked"):
                desk.tokens.find(secret, clock())
        return first, second

    first, second = run(work())

    assert first == second
    assert leaf_types(state).count("token.revoked") == 1


def test_a_mint_that_is_refused_leaves_no_record(state, clock):
    async def work():
        async with owning(state, clock) as desk:
            with pytest.raises(MintRefused):
                await desk.mint(
                    name="a|b", groups=(), email="", purpose="", lifetime=timedelta(hours=1), minted_by="os|root"
                )
            return desk.tokens.rows

    assert run(work()) == ()
    assert "token.minted" not in leaf_types(state)


# -- approvals ----------------------------------------------------------------------------------------------------------


def test_an_approval_is_asked_decided_and_used_each_step_a_leaf(state, clock):
    async def work():
        async with owning(state, clock) as desk:
            _, alice = await person(desk, "alice")
            _, bob = await person(desk, "bob", "data-owners")
            approval = await asked(desk, alice)
            waiting = asyncio.ensure_future(desk.wait_decision(approval.id, 60))
            await asyncio.sleep(0)
            held = desk.open_holds
            await desk.decide(approval.id, bob, Action.APPROVE, "agreed")
            decided = await waiting
            grant = desk.grant_for(desk.key_of(alice.subject, RULE.id, DIGEST))
            used = await desk.use_grant(grant, grant.key, await opened(desk))
            return (
                held,
                decided,
                used,
                desk.approval(approval.id),
                desk.grant_for(desk.key_of(alice.subject, RULE.id, DIGEST)),
                desk.open_holds,
            )

    held, decided, used, released, left, holds = run(work())

    assert (
        held,
        decided.state,
        decided.approver,
        decided.reason,
        holds,
    ) == (1, State.APPROVED, "local|bob", "agreed", 0)
    assert used.used_at == released.released_at == clock()
    assert left is None
    assert [kind for kind in leaf_types(state) if kind.startswith("approval.")] == [
        "approval.requested",
        "approval.decided",
        "approval.used",
    ]


def test_the_same_request_joins_the_approval_that_waits(state, clock):
    async def work():
        async with owning(state, clock) as desk:
            _, alice = await person(desk, "alice")
            return await asyncio.gather(*(asked(desk, alice) for _ in range(5))), len(desk.approvals())

    approvals, count = run(work())

    assert (len({approval.id for approval in approvals}), count) == (1, 1)
    assert leaf_types(state).count("approval.requested") == 1


@pytest.mark.parametrize("other", ["person", "rule", "payload"])
def test_another_person_rule_or_payload_asks_for_an_approval_of_its_own(state, clock, other):
    async def work():
        async with owning(state, clock) as desk:
            _, alice = await person(desk, "alice")
            _, carol = await person(desk, "carol")
            first = await asked(desk, alice)
            second = await asked(
                desk,
                carol if other == "person" else alice,
                hold_rule("other") if other == "rule" else RULE,
                DIGEST[:-2] + "00" if other == "payload" else DIGEST,
            )
            return first.id, second.id

    first, second = run(work())

    assert first != second


def test_a_denied_request_finds_its_denial_until_the_approval_expires(state, clock):
    async def work():
        async with owning(state, clock) as desk:
            _, alice = await person(desk, "alice")
            _, bob = await person(desk, "bob", "data-owners")
            first = await asked(desk, alice)
            await desk.decide(first.id, bob, Action.DENY, "no")
            again = await asked(desk, alice)
            clock.advance(3601)
            later = await asked(desk, alice)
            return first, again, later

    first, again, later = run(work())

    assert (first.id, State.DENIED) == (again.id, again.state)
    assert later.id != first.id
    assert later.state is State.PENDING


@pytest.mark.parametrize(
    ("name", "groups", "code"),
    [
        pytest.param("alice", ("data-owners",), "self_approval", id="the-requester"),
        pytest.param("eve", ("engineering",), "not_an_approver", id="not-in-the-group"),
    ],
)
def test_a_decision_of_the_wrong_person_is_refused_and_leaves_no_record(state, clock, name, groups, code):
    async def work():
        async with owning(state, clock) as desk:
            _, alice = await person(desk, "alice", "data-owners")
            approver = alice if name == "alice" else (await person(desk, name, *groups))[1]
            approval = await asked(desk, alice)
            with pytest.raises(DecisionRefused) as refused:
                await desk.decide(approval.id, approver, Action.APPROVE, "me")
            return refused.value.code, desk.approval(approval.id).state

    assert run(work()) == (code, State.PENDING)
    assert "approval.decided" not in leaf_types(state)


def test_two_of_two_must_agree_and_both_votes_survive_a_restart(state, clock):
    async def work():
        async with owning(state, clock) as desk:
            _, alice = await person(desk, "alice")
            _, bob = await person(desk, "bob", "data-owners")
            _, carol = await person(desk, "carol", "data-owners")
            approval = await asked(desk, alice, hold_rule(count=2))
            after_one = await desk.decide(approval.id, bob, Action.APPROVE, "one")
        async with owning(state, clock) as desk:
            restored = desk.approval(approval.id)
            after_two = await desk.decide(approval.id, carol, Action.APPROVE, "two")
            return after_one, restored, after_two

    after_one, restored, after_two = run(work())

    assert after_one == restored
    assert (after_one.state, after_one.missing, after_two.state) == (State.PENDING, 1, State.APPROVED)


def test_pending_denied_and_granted_survive_a_restart(state, clock):
    async def work():
        async with owning(state, clock) as desk:
            _, alice = await person(desk, "alice")
            _, bob = await person(desk, "bob", "data-owners")
            made = [await asked(desk, alice, hold_rule(rule)) for rule in ("pending", "denied", "granted", "used")]
            await desk.decide(made[1].id, bob, Action.DENY, "no")
            for approval in made[2:]:
                await desk.decide(approval.id, bob, Action.APPROVE, "yes")
            used = desk.key_of(alice.subject, "used", DIGEST)
            await desk.use_grant(desk.grant_for(used), used, await opened(desk))
            before = desk.approvals()
        async with owning(state, clock) as desk:
            return (
                before,
                desk.approvals(),
                desk.grant_for(desk.key_of(alice.subject, "granted", DIGEST)),
                desk.grant_for(desk.key_of(alice.subject, "used", DIGEST)),
            )

    before, after, granted, used = run(work())

    assert before == after
    assert granted is not None
    assert used is None


def test_of_two_who_use_one_grant_at_once_one_is_refused(state, clock):
    async def work():
        async with owning(state, clock) as desk:
            _, alice = await person(desk, "alice")
            _, bob = await person(desk, "bob", "data-owners")
            approval = await asked(desk, alice)
            await desk.decide(approval.id, bob, Action.APPROVE, "once")
            grant = desk.grant_for(desk.key_of(alice.subject, RULE.id, DIGEST))
            exchanges = [await opened(desk), await opened(desk)]
            return await asyncio.gather(
                *(desk.use_grant(grant, grant.key, exchange) for exchange in exchanges), return_exceptions=True
            )

    results = run(work())

    assert [getattr(result, "code", "used") for result in results] == ["used", "grant_used"]
    assert leaf_types(state).count("approval.used") == 1


def test_of_two_who_decide_at_once_the_second_is_told(state, clock):
    async def work():
        async with owning(state, clock) as desk:
            _, alice = await person(desk, "alice")
            _, bob = await person(desk, "bob", "data-owners")
            _, carol = await person(desk, "carol", "data-owners")
            approval = await asked(desk, alice)
            return await asyncio.gather(
                desk.decide(approval.id, bob, Action.APPROVE, "yes"),
                desk.decide(approval.id, carol, Action.DENY, "no"),
                return_exceptions=True,
            )

    first, second = run(work())

    assert (first.state, second.code) == (State.APPROVED, "already_decided")


def test_a_grant_is_for_the_policies_it_was_given_under(state, clock):
    async def work():
        async with owning(state, clock) as desk:
            _, alice = await person(desk, "alice")
            _, bob = await person(desk, "bob", "data-owners")
            await desk.decide((await asked(desk, alice)).id, bob, Action.APPROVE, "yes")
        file = state.policies / "retention.yaml"
        file.write_text(file.read_text().replace("365", "366").replace("180", "181"))
        async with owning(state, clock) as desk:
            return desk.grant_for(desk.key_of(alice.subject, RULE.id, DIGEST))

    assert run(work()) is None
    assert leaf_types(state).count("policy.loaded") == 2


def test_a_revoked_grant_cannot_be_used(state, clock):
    async def work():
        async with owning(state, clock) as desk:
            _, alice = await person(desk, "alice")
            _, bob = await person(desk, "bob", "data-owners")
            approval = await asked(desk, alice)
            await desk.decide(approval.id, bob, Action.APPROVE, "yes")
            grant = desk.grant_for(desk.key_of(alice.subject, RULE.id, DIGEST))
            await desk.revoke_grant(approval.id, bob.subject)
            with pytest.raises(GrantRefused, match="grant_revoked"):
                await desk.use_grant(grant, grant.key, await opened(desk))
            return desk.grant_for(desk.key_of(alice.subject, RULE.id, DIGEST))

    assert run(work()) is None


def test_what_nobody_decided_expires_by_the_clock_and_wakes_who_waits(state, clock):
    async def work():
        async with owning(state, clock) as desk:
            _, alice = await person(desk, "alice")
            approval = await asked(desk, alice, hold_rule(expires=60))
            waiting = asyncio.ensure_future(desk.wait_decision(approval.id, 60))
            await asyncio.sleep(0)
            clock.advance(59)
            early = await desk.expire_due()
            clock.advance(1)
            due = await desk.expire_due()
            return early, due, await waiting

    early, due, waited = run(work())

    assert early == ()
    assert due == (waited,)
    assert waited.state is State.EXPIRED
    assert leaf_types(state).count("approval.expired") == 1


def test_deadlines_are_kept_without_anybody_asking(state, clock):
    async def work():
        async with owning(state, clock) as desk:
            _, alice = await person(desk, "alice")
            first = await asked(desk, alice, hold_rule("first", expires=1))
            clock.advance(2)
            await asked(desk, alice, hold_rule("second"))  # any change makes the timer look at the clock
            return await desk.wait_decision(first.id, 30)

    assert run(work()).state is State.EXPIRED


def test_what_expired_while_nobody_ran_is_expired_by_the_next_owner(state, clock):
    async def work():
        async with owning(state, clock) as desk:
            _, alice = await person(desk, "alice")
            approval = await asked(desk, alice, hold_rule(expires=60))
        clock.advance(3600)
        async with owning(state, clock) as desk:
            return await desk.wait_decision(approval.id, 30)

    assert run(work()).state is State.EXPIRED


def test_a_hold_that_ends_first_finds_the_approval_still_pending(state, clock):
    async def work():
        async with owning(state, clock) as desk:
            _, alice = await person(desk, "alice")
            approval = await asked(desk, alice)
            return await desk.wait_decision(approval.id, 0.001), desk.open_holds

    approval, holds = run(work())

    assert (approval.state, holds) == (State.PENDING, 0)


def test_a_cancelled_approval_wakes_who_waits(state, clock):
    async def work():
        async with owning(state, clock) as desk:
            _, alice = await person(desk, "alice")
            approval = await asked(desk, alice)
            waiting = asyncio.ensure_future(desk.wait_decision(approval.id, 60))
            await asyncio.sleep(0)
            await desk.cancel_approval(approval.id, "the client left", alice.subject)
            return await waiting

    assert run(work()).state is State.CANCELLED


def test_a_client_that_leaves_in_the_middle_of_a_change_leaves_table_and_record_alike(state, clock):
    async def work():
        async with owning(state, clock) as desk:
            _, alice = await person(desk, "alice")
            exchange = await opened(desk)
            asking = asyncio.ensure_future(
                desk.request_approval(exchange_id=exchange, rule=RULE, requester=alice, payload_digest=DIGEST)
            )
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            await desk.expire_due()  # stands in line behind the change
            return len(desk.approvals())

    assert run(work()) == leaf_types(state).count("approval.requested") == 1


def test_a_change_that_cannot_be_written_has_not_happened(state, clock):
    async def work():
        async with owning(state, clock) as desk:
            _, alice = await person(desk, "alice")
            with pytest.raises(ValueError, match="exchange"):
                await desk.request_approval(exchange_id="ex_é", rule=RULE, requester=alice, payload_digest=DIGEST)
            return desk.approvals(), await asked(desk, alice)

    before, after = run(work())

    assert before == ()
    assert after.state is State.PENDING


def test_an_unknown_approval_is_said_to_be_unknown(state, clock):
    async def work():
        async with owning(state, clock) as desk:
            with pytest.raises(ApprovalUnknown):
                await desk.wait_decision("ap_nowhere", 1)

    run(work())


# -- watching -----------------------------------------------------------------------------------------------------------


def test_a_watcher_sees_each_change_then_the_end(state, clock):
    async def work():
        async with owning(state, clock) as desk:
            with desk.watching() as queue:
                _, alice = await person(desk, "alice")
                _, bob = await person(desk, "bob", "data-owners")
                approval = await asked(desk, alice)
                await desk.decide(approval.id, bob, Action.DENY, "no")
                await desk.waiting.close()
                return [await queue.get() for _ in range(3)]

    first, second, end = run(work())

    assert (first.state, second.state, end) == (State.PENDING, State.DENIED, None)


def test_a_watcher_too_far_behind_is_cut_off_rather_than_shown_a_list_with_holes(state, clock):
    async def work():
        async with owning(state, clock) as desk:
            _, alice = await person(desk, "alice")
            approval = await asked(desk, alice)
            with desk.watching() as queue:
                for _ in range(WATCHED):
                    queue.put_nowait(approval)
                await desk.cancel_approval(approval.id, "", "")
                return [queue.get_nowait()], queue.empty()

    assert run(work()) == ([None], True)


# -- life ---------------------------------------------------------------------------------------------------------------


def test_start_and_stop_are_in_the_record_with_the_versions(state, clock):
    async def work():
        async with owning(state, clock) as desk:
            await desk.started(options={"unsafe": []})
            await desk.heartbeat()

    run(work())

    kinds = leaf_types(state)
    assert [kind for kind in kinds if kind.startswith("gateway.")] == [
        "gateway.started",
        "gateway.heartbeat",
        "gateway.stopped",
    ]
    with Store.reader(state.database) as database:
        leaf = database.execute("SELECT leaf FROM events WHERE type = 'gateway.started'").fetchone()[0]
    assert '"affidavit":"0.1.0"' in leaf
    assert '"sqlite":"3.' in leaf
    assert f'"code":"{code_digest()}"' in leaf
    assert '"clock":{' in leaf
    assert "config.changed" not in kinds


def test_another_version_or_option_than_at_the_last_start_is_a_leaf_that_names_it(state, clock):
    async def work():
        for size in (1, 1, 2):
            async with owning(state, clock) as desk:
                await desk.started(options={"unsafe": [], "request_bytes": size})

    run(work())

    with Store.reader(state.database) as database:
        leaves = [leaf for (leaf,) in database.execute("SELECT leaf FROM events WHERE type = 'config.changed'")]
    assert len(leaves) == 1
    assert '"attrs":{"changed":"gateway","names":["options"]}' in leaves[0]


def test_the_code_has_another_digest_when_a_file_of_it_has_other_bytes(tmp_path):
    (tmp_path / "addons").mkdir()
    digests = []
    for text in ("a = 1", "a = 2", "a = 1"):
        (tmp_path / "addons" / "x.py").write_text(text)
        code_digest.cache_clear()
        digests.append(code_digest(tmp_path))
    code_digest.cache_clear()

    assert digests[0] == digests[2] != digests[1]


def test_the_clock_tells_what_the_kernel_knows_of_it():
    assert clock_state()["synchronised"] in {"yes", "no", "unknown"}


def test_options_that_go_round_the_stack_are_in_the_start_record_and_findings(state, clock):
    async def work():
        async with owning(state, clock) as desk:
            await desk.started(options={"unsafe": ["ignore_hosts"]})
            return list(desk.findings)

    ((code, detail),) = run(work())

    assert (code, detail.partition(":")[0]) == ("unsafe_option_allowed", "ignore_hosts")
    with Store.reader(state.database) as database:
        leaf = database.execute("SELECT leaf FROM events WHERE type = 'gateway.started'").fetchone()[0]
    assert '"unsafe":["ignore_hosts"]' in leaf


def test_the_same_policies_are_recorded_once(state, clock):
    async def work():
        for _ in range(3):
            async with owning(state, clock):
                pass

    run(work())

    assert leaf_types(state).count("policy.loaded") == 1


def test_a_second_desk_on_one_state_is_refused(state, clock):
    async def work():
        async with owning(state, clock):
            with pytest.raises(StateOwned), state.own(wait_seconds=0):
                pass

    run(work())


def test_faulty_policies_stop_the_start_before_the_store_is_touched(state, clock):
    (state.policies / "identity.yaml").write_text("version: 1\nlokal: trial\n")
    before = leaf_types(state)

    async def work():
        async with owning(state, clock):
            pass

    with pytest.raises(Exception, match="lokal"):
        run(work())

    assert before == leaf_types(state)


def test_a_desk_whose_store_failed_still_lets_go_of_it(state, clock):
    async def work():
        async with owning(state, clock) as desk:
            await desk.started(options={})
            state.database.unlink()
            with pytest.raises(StoreError):
                await desk.record(Event("finding", attrs={"code": "x"}))
            return desk.store.failure

    assert run(work()) is not None


def test_findings_are_kept_once_in_the_order_they_came(state, clock):
    async def work():
        async with owning(state, clock) as desk:
            for code, detail in (("b", "1"), ("a", ""), ("b", "1")):
                desk.find(code, detail)
            return list(desk.findings)

    assert run(work()) == [("b", "1"), ("a", "")]


class Turns:
    """A loop whose turns take as long as they are said to."""

    def __init__(self, *seconds):
        self.turns, self.now, self.taken = seconds, 0.0, 0

    def time(self):
        return self.now

    def is_closed(self):
        return False

    def call_soon(self, look, *arguments):
        self.now += self.turns[self.taken]
        self.taken += 1
        look(*arguments)


@pytest.mark.parametrize(
    ("seconds", "taken"),
    [((0.00001,), 1), ((0.001, 0.0005, 0.00001), 3), ((0.001, 0.001, 0.001, 0.001, 0.001), 4)],
    ids=["nothing else to do", "a lull after two busy turns", "no lull: not for ever"],
)
def test_work_waits_until_a_turn_of_the_loop_was_empty_or_four_milliseconds(seconds, taken):
    loop, done = Turns(*seconds), []

    Lull(loop)(lambda: done.append(loop.taken))

    assert done == [taken]


def test_what_broke_the_glass_is_a_finding_until_it_was_reviewed_restarts_included(state, clock):
    rule = replace(RULE, approvers=Approvers(("data-owners",), 2, (), ("on-call",)))

    async def due(desk):
        return [found for found in (await status_shape(desk))["findings"] if "breaking the glass" in found]

    async def work():
        async with owning(state, clock) as desk:
            _, alice = await person(desk, "alice")
            _, erin = await person(desk, "erin", "on-call")
            approval = await asked(desk, alice, rule)
            await desk.decide(approval.id, erin, Action.APPROVE, "production is down", ballot=Ballot(break_glass=True))
            assert len(await due(desk)) == 1
        clock.advance(3 * 86_400)
        async with owning(state, clock) as desk:
            assert len(await due(desk)) == 1
            _, bob = await person(desk, "bob", "data-owners")
            await desk.waiting.review(approval.id, bob, "incident 12", justified=True)
            assert await due(desk) == []
        async with owning(state, clock) as desk:
            return await due(desk)

    assert asyncio.run(work()) == []
    assert "approval.reviewed" in leaf_types(state)


def test_a_delegate_decides_also_after_a_restart_and_not_once_it_was_taken_back(state, clock):
    async def work():
        async with owning(state, clock) as desk:
            _, alice = await person(desk, "alice")
            _, bob = await person(desk, "bob", "data-owners")
            _, zoe = await person(desk, "zoe", "engineering")
            first, second = [await asked(desk, alice, hold_rule(rule)) for rule in ("one", "two")]
            await desk.waiting.delegate(bob, "data-owners", zoe.subject, timedelta(hours=2))
        async with owning(state, clock) as desk:
            assert desk.may_decide(desk.approval(first.id), zoe)
            decided = await desk.decide(first.id, zoe, Action.APPROVE, "for bob")
            await desk.waiting.end_delegation(bob, "data-owners", zoe.subject)
            with pytest.raises(DecisionRefused, match="not_an_approver"):
                await desk.decide(second.id, zoe, Action.APPROVE, "too late")
            return decided.votes[0].on_behalf_of

    assert asyncio.run(work()) == "local|bob"


@pytest.mark.parametrize("what", ["connection", "model"])
def test_a_first_use_is_found_without_reading_other_peoples_calls(state, clock, what):
    """A rule on first uses asks at each call; reading all of the store would cost more with every one."""

    async def work():
        async with owning(state, clock) as desk:
            with desk.store.reading() as database:
                plan = database.execute(
                    f"EXPLAIN QUERY PLAN {readings.WAS_SENT[what]}", ("local|alice", "x")
                ).fetchone()
                return plan[3], readings.was_sent(database, "local|alice", what, "x")

    plan, used = asyncio.run(work())

    assert "INDEX exchanges_used (subject=?" in plan
    assert not used
