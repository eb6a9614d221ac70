"""Any order of asking, deciding, using, revoking and waiting: what must never happen with approvals and grants."""

from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, precondition, rule

from addons.approvals.deciding import decide
from addons.approvals.grants import GrantRefused, grant, open_grant, revoke, use
from addons.approvals.requests import answer, due
from addons.approvals.state import NEXT, Action, DecisionRefused, Key, State, cancel, expire, release, request
from addons.policy.model import ApprovalRule, Approvers, Direction, Then, When
from addons.tokens.caller import Caller, Grade

START = datetime(2026, 11, 23, tzinfo=UTC)
TERMINAL = set(State) - {state for state, _ in NEXT}
PEOPLE = ("alice", "bob", "carol", "dave")
RULES = {
    count: ApprovalRule(f"needs-{count}", When(Direction.REQUEST), Then.HOLD, Approvers(("owners",), count), 10, 60, "")
    for count in (1, 2)
}

person = st.sampled_from(PEOPLE)
payload = st.sampled_from(["hmac-sha256:aa", "hmac-sha256:bb"])
policy = st.sampled_from(["sha256:1", "sha256:2"])
needed = st.sampled_from([1, 2])


def caller(name: str) -> Caller:
    groups = ("engineering",) if name == "dave" else ("engineering", "owners")
    return Caller(
        f"local|{name}",
        f"{name}@example.com",
        groups,
        "afd_token",
        "tk",
        Grade.TRIAL,
        "",
        START + timedelta(days=9),
        "root",
    )


class Approvals(RuleBasedStateMachine):
    """A desk, as the gateway's is: two tables, and the room's functions."""

    ids = Bundle("ids")

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.approvals = {}
        self.grants = {}
        self.uses = []  # (grant id, key, time)
        self.counter = 0

    def put(self, changed):
        before = self.approvals[changed.id]
        assert before.state not in TERMINAL or (changed.state is before.state and changed.votes == before.votes)
        self.approvals[changed.id] = changed

    @rule(seconds=st.integers(0, 40))
    def wait(self, seconds):
        self.now += timedelta(seconds=seconds)

    @rule(target=ids, name=person, digest=payload, policy_digest=policy, count=needed)
    def ask(self, name, digest, policy_digest, count):
        key = Key(f"local|{name}", RULES[count].id, digest, policy_digest)
        found = answer(self.approvals.values(), key, self.now)
        if found is not None:
            assert found.key == key
            return found.id
        self.counter += 1
        made = request(
            approval_id=f"ap_{self.counter}",
            exchange_id="ex",
            rule=RULES[count],
            requester=caller(name),
            payload_digest=digest,
            policy_digest=policy_digest,
            now=self.now,
        )
        self.approvals[made.id] = made
        return made.id

    @rule(approval_id=ids, name=person, verdict=st.sampled_from([Action.APPROVE, Action.APPROVE, Action.DENY]))
    def vote(self, approval_id, name, verdict):
        try:
            self.put(decide(self.approvals[approval_id], caller(name), verdict, "because", self.now))
        except DecisionRefused:
            return
        approval = self.approvals[approval_id]
        if approval.state is State.APPROVED:
            made = grant(approval, self.now)
            assert made.id not in self.grants
            self.grants[made.id] = made

    @rule(approval_id=ids)
    def take_back(self, approval_id):
        try:
            self.put(cancel(self.approvals[approval_id], "never mind", self.now))
        except DecisionRefused:
            return

    @rule()
    def sweep(self):
        for approval in due(self.approvals.values(), self.now):
            self.put(expire(approval, self.now))
        assert not due(self.approvals.values(), self.now)

    @rule(name=person, digest=payload, policy_digest=policy, count=needed)
    def send(self, name, digest, policy_digest, count):
        """A client sends its request: it finds its own grant, or none."""
        key = Key(f"local|{name}", RULES[count].id, digest, policy_digest)
        found = open_grant(self.grants.values(), key, self.now)
        if found is not None:
            self._use(found.id, key)

    @precondition(lambda self: self.grants)
    @rule(data=st.data(), name=person, digest=payload, policy_digest=policy, count=needed)
    def use_any(self, data, name, digest, policy_digest, count):
        """Somebody tries any grant, whether it is theirs or not."""
        key = Key(f"local|{name}", RULES[count].id, digest, policy_digest)
        self._use(data.draw(st.sampled_from(sorted(self.grants))), key)

    def _use(self, grant_id, key):
        try:
            used = use(self.grants[grant_id], key, f"ex_{len(self.uses)}", self.now)
        except GrantRefused:
            return
        self.put(release(self.approvals[used.approval_id], self.now))
        self.grants[grant_id] = used
        self.uses.append((grant_id, key, self.now))

    @precondition(lambda self: self.grants)
    @rule(data=st.data())
    def revoke_one(self, data):
        grant_id = data.draw(st.sampled_from(sorted(self.grants)))
        try:
            self.grants[grant_id] = revoke(self.grants[grant_id], self.now)
        except GrantRefused:
            assert self.grants[grant_id].used_at

    @rule(approval_id=consumes(ids))
    def forget(self, approval_id):
        """Its client does not come again."""

    @invariant()
    def no_grant_is_used_twice(self):
        used = [grant_id for grant_id, _, _ in self.uses]
        assert len(used) == len(set(used))

    @invariant()
    def nothing_is_used_but_what_was_approved_by_enough_others(self):
        for grant_id, key, at in self.uses:
            approval = self.approvals[self.grants[grant_id].approval_id]
            voters = {vote.approver for vote in approval.votes if vote.verdict is Action.APPROVE}
            assert approval.state is State.APPROVED
            assert approval.key == key
            assert len(voters) >= approval.count
            assert key.requester not in voters
            assert "local|dave" not in voters
            assert approval.requested_at <= approval.decided_at <= at < approval.expires_at

    @invariant()
    def each_approval_has_at_most_one_grant(self):
        granted = [made.approval_id for made in self.grants.values()]
        assert len(granted) == len(set(granted))

    @invariant()
    def equal_requests_never_wait_twice(self):
        waiting = [
            one.key for one in self.approvals.values() if one.state is State.PENDING and self.now < one.expires_at
        ]
        assert len(waiting) == len(set(waiting))


TestApprovals = Approvals.TestCase
TestApprovals.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
