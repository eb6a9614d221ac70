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
from datetime import datetime, timedelta
from typing import Any

from addons.approvals import grants, requests, state
from addons.approvals.grants import Grant, GrantRefused
from addons.approvals.state import Action, Approval, Key, State
from addons.console.rows import approval_row, grant_row
from addons.evidence.records import ApprovalRecord
from addons.evidence.store import StoreError
from addons.policy.model import ApprovalRule
from addons.tokens.caller import Caller

REMEMBERED = timedelta(hours=1)  # after it expired, so that those who still wait on it find it
LONGEST_NAP_SECONDS = 3600.0  # clocks are set, machines sleep: look again
RETRY_SECONDS = 1.0
WATCHED = 1000  # changes that a slow watcher may be behind by, before it is cut off

Record = Callable[[ApprovalRecord], Awaitable[object]]


class ApprovalUnknown(Exception):  # noqa: N818 - a decision, not a fault
    """No approval has this id, or it is so old that only the store knows it."""

    def __init__(self, approval_id: str) -> None:
        super().__init__(f"no approval {approval_id} waits here")
        self.code = "approval_unknown"
        self.hint = "affidavit approvals list"


class WaitingRoom:
    """The approvals and grants that can still change something."""

    def __init__(self, *, clock: Callable[[], datetime], new_id: Callable[[str], str], record: Record) -> None:
        self._clock = clock
        self._new_id = new_id
        self._record = record
        self._approvals: dict[str, Approval] = {}
        self._grants: dict[str, Grant] = {}
        self._decided: dict[str, asyncio.Event] = {}
        self._watchers: set[asyncio.Queue[Approval | None]] = set()
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._deadlines_changed = asyncio.Event()
        self._deadlines: asyncio.Task[None] | None = None

    # -- life -------------------------------------------------------------------------------------------------------
    def restore(self, known: Iterable[tuple[Approval, Grant | None]]) -> None:
        """What an earlier owner left: pending ones go on waiting, denials and unused grants still hold."""
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

    def grant_for(self, key: Key) -> Grant | None:
        return grants.open_grant(self._grants.values(), key, self._clock())

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
        self, *, exchange_id: str, rule: ApprovalRule, requester: Caller, payload_digest: str, policy_digest: str
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
            )
            return await self._commit("approval.requested", asked, actor=requester.subject)

        return await self._whole(change)

    async def decide(self, approval_id: str, approver: Caller, verdict: Action, reason: str) -> Approval:
        """One person's word. The last of the votes needed makes the grant, in the same transaction."""

        async def change() -> Approval:
            now = self._clock()
            decided = state.decide(self.approval(approval_id), approver, verdict, reason, now)
            granted = grants.grant(decided, now) if decided.state is State.APPROVED else None
            return await self._commit("approval.decided", decided, granted, actor=approver.subject)

        return await self._whole(change)

    async def cancel(self, approval_id: str, reason: str, actor: str) -> Approval:
        async def change() -> Approval:
            cancelled = state.cancel(self.approval(approval_id), reason, self._clock())
            return await self._commit("approval.cancelled", cancelled, actor=actor)

        return await self._whole(change)

    async def use(self, granted: Grant, exchange_id: str, actor: str) -> Grant:
        """The grant is used and its approval released, once: of two who try, the second is refused."""

        async def change() -> Grant:
            now = self._clock()
            current = self._current(granted)
            used = grants.use(current, granted.key, exchange_id, now)
            released = state.release(self.approval(current.approval_id), now)
            await self._commit("approval.used", released, used, actor=actor, exchange_id=exchange_id)
            return used

        return await self._whole(change)

    async def revoke(self, approval_id: str, actor: str) -> Grant:
        """The grant of an approved approval, taken back before it was used."""

        async def change() -> Grant:
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

        return await self._whole(change)

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
        await self._record(ApprovalRecord(kind, approval_row(approval), row, actor=actor, exchange_id=exchange_id))
        self._approvals[approval.id] = approval
        if granted is not None:
            self._grants[granted.id] = granted
        if approval.state is not State.PENDING and (decided := self._decided.pop(approval.id, None)):
            decided.set()
        self._deadlines_changed.set()
        for queue in tuple(self._watchers):
            _tell(queue, approval)
        return approval

    def _current(self, granted: Grant) -> Grant:
        try:
            return self._grants[granted.id]
        except KeyError:
            raise GrantRefused("grant_expired", f"grant {granted.id} has expired; {grants.REQUEST_HINT}") from None

    def _forget(self, now: datetime) -> None:
        """What is past its time and decided changes nothing any more."""
        for approval in [one for one in self._approvals.values() if one.expires_at + REMEMBERED < now]:
            if approval.state is not State.PENDING:
                del self._approvals[approval.id]
        for granted in [one for one in self._grants.values() if one.approval_id not in self._approvals]:
            del self._grants[granted.id]

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


def _tell(queue: asyncio.Queue[Approval | None], change: Approval | None) -> None:
    """A watcher that is too far behind loses its place and hears the end, rather than a list with holes."""
    if queue.full():
        while not queue.empty():
            queue.get_nowait()
        change = None
    queue.put_nowait(change)
