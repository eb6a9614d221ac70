"""Approvals in waiting: who waits, who is told, and what expires when. Not the rules of deciding (addons/approvals), not storage.

Strategy: one lock around every change. A change is made as a value, written, and only when the write is durable does the table
show it and are those who wait told; a change whose write fails has not happened. Each change runs in a task of its own, so a
client who leaves in the middle of a write cannot leave the table behind the record. Deadlines are read from the clock that was
passed in; the loop's timer only says when to look.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from addons.approvals import deciding, delegations, grants, requests, state
from addons.approvals.delegations import Delegation
from addons.approvals.grants import Grant, GrantRefused
from addons.approvals.receipts import receipt_text
from addons.approvals.state import PLAIN, UNPROVEN, About, Action, Approval, Ballot, Key, Proof, State
from addons.console.rows import approval_row, delegation_record, grant_row
from addons.evidence.records import ApprovalRecord, Record
from addons.evidence.store import StoreError
from addons.policy.model import ApprovalRule
from addons.tokens.caller import Caller

REMEMBERED = timedelta(hours=1)  # after it expired, so that those who still wait on it find it
FORGET_EVERY = timedelta(minutes=1)
LONGEST_NAP_SECONDS = 3600.0  # clocks are set, machines sleep: look again
RETRY_SECONDS = 1.0
WATCHED = 1000  # changes that a slow watcher may be behind by, before it is cut off

RECEIPTED = ("approval.decided", "approval.used")

Write = Callable[[Record], Awaitable[object]]
Told = Callable[[str, Approval], None]  # the type of the record, and the approval after it


class ApprovalUnknown(Exception):  # noqa: N818 - a decision, not a fault
    """No approval has this id, or it is so old that only the store knows it."""

    def __init__(self, approval_id: str) -> None:
        super().__init__(f"no approval {approval_id} waits here")
        self.code = "approval_unknown"
        self.hint = "affidavit approvals list"


class WaitingRoom:
    """The approvals and grants that can still change something."""

    def __init__(
        self,
        *,
        clock: Callable[[], datetime],
        new_id: Callable[[str], str],
        record: Write,
        sign: Callable[[str], str],
        ended: Callable[[str], bool],
        told: Told,
    ) -> None:
        """sign: a text -> the signed note. ended: whether the token with this id was taken back. told: after each change."""
        self._clock = clock
        self._new_id = new_id
        self._record = record
        self._sign = sign
        self._ended = ended
        self._told = told
        self._delegations: dict[tuple[str, str, str, datetime], Delegation] = {}
        self._approvals: dict[str, Approval] = {}
        self._grants: dict[str, Grant] = {}
        self._decided: dict[str, asyncio.Event] = {}
        self._watchers: set[asyncio.Queue[Approval | None]] = set()
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._forget_after = clock()
        self._deadlines_changed = asyncio.Event()
        self._deadlines: asyncio.Task[None] | None = None

    # -- life -------------------------------------------------------------------------------------------------------
    def restore(self, known: Iterable[tuple[Approval, Grant | None]], lent: Iterable[Delegation] = ()) -> None:
        """What an earlier owner left: pending ones go on waiting, denials, unused grants and delegations still hold."""
        for delegation in lent:
            self._delegations[_delegation_key(delegation)] = delegation
        for approval, granted in known:
            self._approvals[approval.id] = approval
            if granted is not None:
                self._grants[granted.id] = granted

    def start(self) -> None:
        self._deadlines = self._task(self._keep_deadlines())

    async def close(self) -> None:
        """Changes under way are finished; watchers hear the end."""
        if self._deadlines is not None:
            self._deadlines.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for queue in tuple(self._watchers):
            _tell(queue, None)

    # -- asking -----------------------------------------------------------------------------------------------------
    def approval(self, approval_id: str) -> Approval:
        try:
            return self._approvals[approval_id]
        except KeyError:
            raise ApprovalUnknown(approval_id) from None

    def approvals(self, wanted: State | None = None) -> tuple[Approval, ...]:
        """Oldest first."""
        found = (approval for approval in self._approvals.values() if wanted in {None, approval.state})
        return tuple(sorted(found, key=lambda approval: (approval.requested_at, approval.id)))

    def forget(self, approval_ids: Iterable[str]) -> None:
        """They were erased from the store: no later change may write them again."""
        gone = set(approval_ids)
        for approval_id in gone:
            self._approvals.pop(approval_id, None)
        for granted in [one for one in self._grants.values() if one.approval_id in gone]:
            del self._grants[granted.id]

    def grant_for(self, key: Key, session_id: str = "") -> Grant | None:
        """Not on the word of somebody whose rights were taken away since."""
        standing = (one for one in self._grants.values() if self._stands(one))
        return grants.open_grant(standing, key, self._clock(), session_id)

    def delegations(self) -> tuple[Delegation, ...]:
        """Those that hold now, oldest first."""
        now = self._clock()
        return tuple(sorted((d for d in self._delegations.values() if d.holds_at(now)), key=lambda d: d.given_at))

    @contextlib.contextmanager
    def watching(self) -> Iterator[asyncio.Queue[Approval | None]]:
        """A queue of each approval as it is after a change, from now on; None: the end, or too far behind."""
        queue: asyncio.Queue[Approval | None] = asyncio.Queue(WATCHED)
        self._watchers.add(queue)
        try:
            yield queue
        finally:
            self._watchers.discard(queue)

    async def wait(self, approval_id: str, timeout_seconds: float) -> Approval:
        """The approval once it is decided, expired or cancelled; as it is when the time is up."""
        if self.approval(approval_id).state is State.PENDING:
            decided = self._decided.setdefault(approval_id, asyncio.Event())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_seconds):
                    await decided.wait()
        return self.approval(approval_id)

    # -- changing ---------------------------------------------------------------------------------------------------
    async def request(
        self,
        *,
        exchange_id: str,
        rule: ApprovalRule,
        requester: Caller,
        payload_digest: str,
        policy_digest: str,
        about: About | None = None,
    ) -> Approval:
        """A pending approval; or the one this very request has already: pending, or denied and not past its time."""

        async def change() -> Approval:
            now = self._clock()
            self._forget(now)
            key = Key(requester.subject, rule.id, payload_digest, policy_digest)
            if known := requests.answer(self._approvals.values(), key, now):
                return known
            asked = state.request(
                approval_id=self._new_id("ap"),
                exchange_id=exchange_id,
                rule=rule,
                requester=requester,
                payload_digest=payload_digest,
                policy_digest=policy_digest,
                now=now,
                about=about,
            )
            return await self._commit("approval.requested", asked, actor=requester.subject)

        return await self._whole(change)

    async def decide(
        self,
        approval_id: str,
        approver: Caller,
        verdict: Action,
        reason: str,
        *,
        ballot: Ballot = PLAIN,
        proof: Proof = UNPROVEN,
    ) -> Approval:
        """One person's word. The last of the votes needed makes the grant, in the same transaction."""

        async def change() -> Approval:
            now = self._clock()
            decided = deciding.decide(
                self.approval(approval_id),
                approver,
                verdict,
                reason,
                now,
                ballot=ballot,
                proof=proof,
                delegations=self._delegations.values(),
                ended=self._ended,
            )
            granted = grants.grant(decided, now) if decided.state is State.APPROVED else None
            return await self._commit("approval.decided", decided, granted, actor=approver.subject)

        return await self._whole(change)

    async def cancel(self, approval_id: str, reason: str, actor: str) -> Approval:
        async def change() -> Approval:
            cancelled = state.cancel(self.approval(approval_id), reason, self._clock())
            return await self._commit("approval.cancelled", cancelled, actor=actor)

        return await self._whole(change)

    async def review(self, approval_id: str, reviewer: Caller, reason: str, *, justified: bool) -> Approval:
        """The second look at what was approved by breaking the glass."""

        async def change() -> Approval:
            reviewed = deciding.review(self.approval(approval_id), reviewer, reason, self._clock(), justified=justified)
            return await self._commit("approval.reviewed", reviewed, actor=reviewer.subject)

        return await self._whole(change)

    async def delegate(self, giver: Caller, group: str, to: str, lasts: timedelta) -> Delegation:
        async def change() -> Delegation:
            return await self._lend(delegations.delegate(giver, group, to, lasts, self._clock()))

        return await self._whole(change)

    async def end_delegation(self, giver: Caller, group: str, to: str) -> tuple[Delegation, ...]:
        """Every one that this person gave to that one for this group."""

        async def change() -> tuple[Delegation, ...]:
            given = [d for d in self.delegations() if (d.given_by, d.group, d.to) == (giver.subject, group, to)]
            now = self._clock()
            return tuple([await self._lend(delegations.end(one, giver.subject, now)) for one in given])

        return await self._whole(change)

    async def use(self, granted: Grant, key: Key, exchange_id: str, session_id: str = "") -> Grant:
        """The grant is used and its approval released; an exact one once: of two who try, the second is refused."""

        async def change() -> Grant:
            now = self._clock()
            current = self._current(granted)
            if not self._stands(current):
                raise GrantRefused(
                    "approver_ended", f"who approved {current.approval_id} may not any more; {grants.REQUEST_HINT}"
                )
            used = grants.use(current, key, exchange_id, now, session_id)
            released = state.release(self.approval(current.approval_id), now)
            if used.session_id != current.session_id:
                released = replace(released, about=replace(released.about, session_id=used.session_id))
            await self._commit("approval.used", released, used, actor=key.requester, exchange_id=exchange_id)
            return used

        return await self._whole(change)

    async def revoke(self, approval_id: str, actor: str) -> Grant:
        """The grant of an approved approval, taken back."""
        return await self._whole(lambda: self._revoke(approval_id, actor))

    async def revoke_of(self, token_id: str, actor: str) -> None:
        """Every open grant that rests on the word of this token's owner: their rights have ended."""

        async def change() -> None:
            now = self._clock()
            for granted in [one for one in self._grants.values() if one.open_at(now)]:
                voters = {vote.token_id for vote in self.approval(granted.approval_id).deciding}
                if token_id in voters:
                    await self._revoke(granted.approval_id, actor)

        await self._whole(change)

    async def _revoke(self, approval_id: str, actor: str) -> Grant:
        approval = self.approval(approval_id)
        granted = next((one for one in self._grants.values() if one.approval_id == approval_id), None)
        if granted is None:
            raise GrantRefused(
                "not_approved", f"approval {approval_id} is {approval.state}: it has no grant to take back"
            )
        revoked = grants.revoke(granted, self._clock())
        if revoked is not granted:
            await self._commit("approval.revoked", approval, revoked, actor=actor)
        return revoked

    async def expire_due(self) -> tuple[Approval, ...]:
        """Expires what is past its time by the clock; also runs by itself."""

        async def change() -> tuple[Approval, ...]:
            now = self._clock()
            due = requests.due(self._approvals.values(), now)
            return tuple([await self._commit("approval.expired", state.expire(approval, now)) for approval in due])

        return await self._whole(change)

    # -- inside -----------------------------------------------------------------------------------------------------
    async def _commit(
        self, kind: str, approval: Approval, granted: Grant | None = None, *, actor: str = "", exchange_id: str = ""
    ) -> Approval:
        row = None if granted is None else grant_row(granted)
        used = granted if kind == "approval.used" else None
        receipt = self._sign(receipt_text(approval, used)) if kind in RECEIPTED else ""
        record = ApprovalRecord(kind, approval_row(approval, receipt), row, actor=actor, exchange_id=exchange_id)
        await self._record(record)
        self._approvals[approval.id] = approval
        if granted is not None:
            self._grants[granted.id] = granted
        if approval.state is not State.PENDING and (decided := self._decided.pop(approval.id, None)):
            decided.set()
        self._deadlines_changed.set()
        for queue in tuple(self._watchers):
            _tell(queue, approval)
        self._told(kind, approval)
        return approval

    async def _lend(self, delegation: Delegation) -> Delegation:
        await self._record(delegation_record(delegation))
        self._delegations[_delegation_key(delegation)] = delegation
        return delegation

    def _stands(self, granted: Grant) -> bool:
        approval = self._approvals.get(granted.approval_id)
        return approval is not None and deciding.stands(approval, self._ended)

    def _current(self, granted: Grant) -> Grant:
        try:
            return self._grants[granted.id]
        except KeyError:
            raise GrantRefused("grant_expired", f"grant {granted.id} has expired; {grants.REQUEST_HINT}") from None

    def _forget(self, now: datetime) -> None:
        """What is past its time and decided changes nothing any more."""
        if now < self._forget_after:
            return
        self._forget_after = now + FORGET_EVERY
        open_grants = {one.approval_id for one in self._grants.values() if one.open_at(now)}
        for approval in [one for one in self._approvals.values() if one.expires_at + REMEMBERED < now]:
            if approval.state is not State.PENDING and approval.id not in open_grants and not approval.review_due:
                del self._approvals[approval.id]
        for granted in [one for one in self._grants.values() if one.approval_id not in self._approvals]:
            del self._grants[granted.id]
        for key in [key for key, one in self._delegations.items() if one.ends_at <= now]:
            del self._delegations[key]

    async def _keep_deadlines(self) -> None:
        while True:
            self._deadlines_changed.clear()
            nap = LONGEST_NAP_SECONDS
            try:
                await self.expire_due()
            except (
                StoreError
            ):  # its queue was full for a moment; or it failed, and then nothing goes on any more anyway
                nap = RETRY_SECONDS
            pending = [approval.expires_at for approval in self._approvals.values() if approval.state is State.PENDING]
            if pending and nap != RETRY_SECONDS:
                nap = min(nap, max(0.001, (min(pending) - self._clock()).total_seconds()))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(nap):
                    await self._deadlines_changed.wait()

    async def _whole[T](self, change: Callable[[], Awaitable[T]]) -> T:
        """Under the lock and to its end, even if the one who asked is gone."""

        async def locked() -> T:
            async with self._lock:
                return await change()

        return await asyncio.shield(self._task(locked()))

    def _task[T](self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _delegation_key(delegation: Delegation) -> tuple[str, str, str, datetime]:
    return delegation.group, delegation.given_by, delegation.to, delegation.given_at


def _tell(queue: asyncio.Queue[Approval | None], change: Approval | None) -> None:
    """A watcher that is too far behind loses its place and hears the end, rather than a list with holes."""
    if queue.full():
        while not queue.empty():
            queue.get_nowait()
        change = None
    queue.put_nowait(change)
