"""The running gateway's shared table: state, store, policies, tokens, approvals in waiting. Not a decision, not a hook.

One Desk for one owner of a state: the gateway for its whole life, or a command that took the lock for a moment. Everything that
is awaited here is durable when it returns, and takes effect only then.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import pwd
import shutil
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

from addons.approvals import deciding
from addons.approvals.alarms import HoldRate
from addons.approvals.grants import Grant
from addons.approvals.notices import Notice, of_approval
from addons.approvals.state import PLAIN, UNPROVEN, About, Action, Approval, Ballot, Key, Proof, State
from addons.console import readings
from addons.console.anchor_watch import AnchorWatch
from addons.console.counted import Counted
from addons.console.directory import Directory
from addons.console.notifying import Notifier
from addons.console.rows import approval_of, delegation_of, grant_of, token_of, token_row
from addons.console.running import clock_state, code_digest
from addons.console.state import StateFolder
from addons.console.usage import Usage
from addons.console.version import VERSION
from addons.console.waiting import WaitingRoom
from addons.console.words import Words
from addons.evidence.ids import new_id, time_text
from addons.evidence.keys import Keys
from addons.evidence.records import ApprovalRow, Event, GrantRow, PolicyLoaded, Record, TokenMinted
from addons.evidence.store import Store
from addons.masks import custom
from addons.masks.engine import ENTITIES
from addons.policy.load import load
from addons.policy.model import ApprovalRule, Policies
from addons.providers.registry import ENDPOINT_IDS, PROVIDER_NAMES
from addons.tokens import gateway_token
from addons.tokens.caller import Caller
from addons.tokens.gateway_token import Registry, TokenRow

FINDINGS = 200
_HAPPENINGS = {"approval.requested": "requested", "approval.expired": "expired"}

Clock = Callable[[], datetime]
Random = Callable[[int], bytes]


def policies_in(folder: Path) -> Policies:
    """The policies of a folder, or PolicyFaults."""
    return load(folder, entities=ENTITIES, providers=PROVIDER_NAMES, endpoints=ENDPOINT_IDS, probe=custom.fault_of)


@dataclass(slots=True)
class Desk:
    folder: StateFolder
    store: Store
    keys: Keys = field(repr=False)
    policies: Policies
    clock: Clock
    random: Random
    findings: dict[tuple[str, str], None] = field(default_factory=dict)  # in the order they came
    open_holds: int = 0
    counted: Counted = field(default_factory=Counted)
    anchor_watch: AnchorWatch = field(default_factory=AnchorWatch)
    mask_part: Callable[..., tuple[str, tuple[Any, ...], bool]] = field(
        default=lambda *_, **__: ("", (), False), repr=False
    )  # set by the addon that masks: (exchange, part, direction) -> the record's text of it, what was found, whether it is blocked
    words: Words = field(default_factory=Words, repr=False)  # of people, masked
    console_url: str = ""  # where people decide; "": no console. An approval's page: <console_url>/approvals/<id>
    waiting: WaitingRoom = field(init=False)
    notifier: Notifier | None = None
    directory: Directory = field(init=False, repr=False)
    usage: Usage = field(default_factory=Usage)
    _rate: HoldRate = field(default_factory=HoldRate)
    _started: bool = False

    def __post_init__(self) -> None:
        self.waiting = WaitingRoom(
            clock=self.clock,
            new_id=self.new_id,
            record=self.record,
            sign=self.keys.signer.sign,
            ended=self.tokens_ended,
            told=self._told,
        )
        self.directory = Directory(
            clock=self.clock,
            random=self.random,
            policies=lambda: self.policies,
            record=self.record,
            ended=self.waiting.revoke_of,
        )

    # -- life -------------------------------------------------------------------------------------------------------
    @classmethod
    async def open(cls, folder: StateFolder, *, clock: Clock, random: Random, policies: Path | None = None) -> Desk:
        """The caller holds folder.own(). Refuses what is missing or faulty; creates nothing."""
        in_force = policies_in(policies or folder.policies)
        keys = Keys.load(folder.keys)
        loop = asyncio.get_running_loop()
        store = await asyncio.to_thread(
            Store.open,
            folder.database,
            keys,
            clock=clock,
            random=random,
            gather=Lull(loop),
            deliver=_in_thread_of(loop),
        )
        desk = cls(folder, store, keys, in_force, clock, random)
        try:
            await desk.restore()
        except BaseException:
            await asyncio.to_thread(store.close)
            raise
        desk.waiting.start()
        return desk

    async def restore(self) -> None:
        """What earlier owners left: tokens, approvals in waiting, grants not used. New policies are recorded."""
        with self.store.reading() as database:
            tokens = readings.tokens(database)
            proofs = readings.proofs(database, time_text(self.clock()))
            waiting = readings.waiting(database, time_text(self.clock()))
            lent = readings.delegations(database, time_text(self.clock()))
            last_digest = readings.policy_digest(database)
            used = readings.tokens_used(database, time_text(self.clock())[:10])
        self.directory.restore(map(token_of, tokens), proofs)
        self.usage = Usage.of(self.clock(), used)
        self.waiting.restore(
            (_approval_and_grant(approval, granted) for approval, granted in waiting), map(delegation_of, lent)
        )
        if last_digest != self.policies.digest:
            await self.record(PolicyLoaded(self.policies.digest, self.policies.canonical, actor=operator()))

    async def started(self, options: Mapping[str, Any]) -> None:
        """`gateway.started`: what runs here, so that a later reader knows which code made the record.

        options: as they shall stand in the leaf; `unsafe` names those that were allowed to go round the stack.
        """
        runs = {**self.versions(), "code": code_digest(), "options": dict(options)}
        with self.store.reading() as database:
            ran = readings.last_start(database)
        changed = sorted(name for name in runs if ran and ran.get(name) != runs[name])
        if changed:
            await self.record(Event("config.changed", actor=operator(), attrs={"changed": "gateway", "names": changed}))
        await self.record(
            Event("gateway.started", attrs={**runs, "policies": self.policies.digest, "clock": clock_state()})
        )
        for name in options.get("unsafe", ()):
            self.find(
                "unsafe_option_allowed", f"{name}: what it lets round the stack is not in the record; see mitm.conf"
            )
        self.notifier = Notifier(
            clock=self.clock, policies=lambda: self.policies, find=self.find, console=lambda: self.console_url
        )
        self._started = True

    async def heartbeat(self) -> None:
        attrs = {
            "open_holds": self.open_holds,
            "pending": len(self.approvals(State.PENDING)),
            "disk_free_mib": self.disk_free_bytes >> 20,
            "counted": self.counted.attrs(),
            "clock": clock_state(),
        }
        await asyncio.wrap_future(self.store.heartbeat(attrs))

    async def close(self) -> None:
        """Also after the store has failed: then there is nothing left to write, only to let go."""
        await self.waiting.close()
        await self.directory.close()
        if self.notifier:
            await self.notifier.close()
        if self._started and self.store.failure is None:
            await self.record(Event("gateway.stopped", attrs={"counted": self.counted.attrs()}))
        await asyncio.to_thread(self.store.close)

    # -- the record -------------------------------------------------------------------------------------------------
    async def record(self, *records: Record) -> tuple[int, ...]:
        """Sequence numbers, once all of them are on disk; all or none."""
        waiter: asyncio.Future[tuple[int, ...]] = asyncio.get_running_loop().create_future()
        self.store.append_for(waiter, *records)
        return await waiter

    def new_id(self, prefix: str) -> str:
        return new_id(prefix, self.clock(), self.random)

    def find(self, code: str, detail: str = "") -> None:
        """A finding for `affidavit status`, until the gateway stops; once, and no more of them than somebody would read."""
        if len(self.findings) < FINDINGS:
            self.findings[code, detail] = None

    @property
    def is_gateway(self) -> bool:
        """Whether calls go through this owner; else it is a command that holds the state for a moment."""
        return self._started

    @property
    def disk_free_bytes(self) -> int:
        return shutil.disk_usage(self.folder.path).free

    def versions(self) -> dict[str, str]:
        with self.store.reading() as database:
            sqlite = database.execute("SELECT sqlite_version()").fetchone()[0]
        return {
            "affidavit": VERSION,
            "mitmproxy": version("mitmproxy"),
            "python": platform.python_version(),
            "sqlite": sqlite,
        }

    # -- tokens -----------------------------------------------------------------------------------------------------
    async def mint(
        self, *, name: str, groups: Iterable[str], email: str, purpose: str, lifetime: timedelta, minted_by: str
    ) -> tuple[str, TokenRow]:
        """The secret, shown once, and its row. Raises MintRefused."""
        secret, row = gateway_token.mint(
            name=name,
            groups=groups,
            email=email,
            purpose=purpose,
            lifetime=lifetime,
            minted_by=minted_by,
            now=self.clock(),
            random=self.random,
        )
        await self.record(TokenMinted(token_row(row), actor=minted_by))
        self.tokens.add(row)
        return secret, row

    async def revoke_token(self, token_id: str, actor: str) -> TokenRow:
        """The revoked row; a second revocation changes nothing. Raises TokenRefused for an id that nobody knows."""
        return await self.directory.revoke(token_id, actor)

    @property
    def tokens(self) -> Registry:
        return self.directory.tokens

    def tokens_ended(self, token_id: str) -> bool:
        """Whether this is a token of ours that was taken back."""
        try:
            return self.tokens.row(token_id).revoked_at is not None
        except gateway_token.TokenRefused:
            return False

    # -- approvals --------------------------------------------------------------------------------------------------
    async def request_approval(
        self,
        *,
        exchange_id: str,
        rule: ApprovalRule,
        requester: Caller,
        payload_digest: str,
        about: About | None = None,
    ) -> Approval:
        """A pending approval; or the one this very request has already: pending, or denied and not past its time."""
        if self._rate.held(rule.id, rule.alarm_holds, self.clock()):
            self.find(
                "rule_holds_too_much",
                f"{rule.id}: more than {rule.alarm_holds} calls in ten minutes; affidavit approvals list",
            )
            attrs = {"code": "rule_holds_too_much", "detail": rule.id, "limit": rule.alarm_holds}
            await self.record(Event("finding", exchange_id=exchange_id, attrs=attrs))
            limit = f"more than {rule.alarm_holds} calls in ten minutes"
            self.tell(Notice("alarm", self.clock(), rule.id, exchange_id=exchange_id, detail=limit))
        return await self.waiting.request(
            exchange_id=exchange_id,
            rule=rule,
            requester=requester,
            payload_digest=payload_digest,
            policy_digest=self.policies.digest,
            about=about,
        )

    async def wait_decision(self, approval_id: str, timeout_seconds: float) -> Approval:
        """The approval once it is decided, expired or cancelled; still pending when the time is up. Counts as an open hold."""
        self.open_holds += 1
        try:
            return await self.waiting.wait(approval_id, timeout_seconds)
        finally:
            self.open_holds -= 1

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
        """Raises DecisionRefused, or ApprovalUnknown."""
        proof = self.directory.proof(approver) if proof is UNPROVEN else proof
        decided = await self.waiting.decide(approval_id, approver, verdict, reason, ballot=ballot, proof=proof)
        if decided.broke_glass:
            detail = {"code": "break_glass", "detail": decided.id, "rule": decided.rule}
            await self.record(Event("finding", actor=approver.subject, exchange_id=decided.exchange_id, attrs=detail))
        return decided

    def may_decide(self, approval: Approval, person: Caller) -> bool:
        return deciding.may_decide(approval, person, self.waiting.delegations(), self.clock())

    async def cancel_approval(self, approval_id: str, reason: str, actor: str = "") -> Approval:
        return await self.waiting.cancel(approval_id, reason, actor)

    async def revoke_grant(self, approval_id: str, actor: str) -> Grant:
        return await self.waiting.revoke(approval_id, actor)

    async def expire_due(self) -> tuple[Approval, ...]:
        return await self.waiting.expire_due()

    def approval(self, approval_id: str) -> Approval:
        return self.waiting.approval(approval_id)

    def approvals(self, state: State | None = None) -> tuple[Approval, ...]:
        """Those that can still change something, oldest first; older ones are in the store."""
        return self.waiting.approvals(state)

    def key_of(self, requester: str, rule: str, payload_digest: str) -> Key:
        """Of a request under the policies in force."""
        return Key(requester, rule, payload_digest, self.policies.digest)

    def grant_for(self, key: Key, session_id: str = "") -> Grant | None:
        """A grant that this request may use now."""
        return self.waiting.grant_for(key, session_id)

    async def use_grant(self, granted: Grant, key: Key, exchange_id: str, session_id: str = "") -> Grant:
        """Grant used and approval released, in one transaction. Raises GrantRefused: of two who try an exact one, one."""
        return await self.waiting.use(granted, key, exchange_id, session_id)

    def tell(self, notice: Notice) -> None:
        """People elsewhere, if this is a gateway that runs."""
        if self.notifier:
            self.notifier.tell(notice)

    def _told(self, kind: str, approval: Approval) -> None:
        """After each change of an approval."""
        happening = _HAPPENINGS.get(kind, "")
        if kind == "approval.decided":
            happening = (
                "break_glass" if approval.broke_glass else "decided" if approval.state is not State.PENDING else ""
            )
        if happening:
            self.tell(of_approval(happening, approval, self.clock()))

    def watching(self) -> contextlib.AbstractContextManager[asyncio.Queue[Approval | None]]:
        return self.waiting.watching()


def operator() -> str:
    """The operating system's user who runs this process, as an actor of the record."""
    return user_actor(os.geteuid())


def user_actor(uid: int) -> str:
    """`os|alice`; `os|1000` where the number has no name."""
    try:
        return f"os|{pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"os|{uid}"


def _approval_and_grant(row: ApprovalRow, granted: GrantRow | None) -> tuple[Approval, Grant | None]:
    approval = approval_of(row)
    return approval, None if granted is None else grant_of(granted, approval)


class Lull:
    """Runs work as soon as the loop has come round with nothing else to do, or after 4 ms: what else is under way may have joined it by then."""

    IDLE_SECONDS, MOST_SECONDS = 0.00005, 0.004

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._thread = threading.get_ident()

    def __call__(self, work: Callable[[], None]) -> None:
        if threading.get_ident() != self._thread or self._loop.is_closed():
            work()
        else:
            now = self._loop.time()
            self._loop.call_soon(self._look, work, now, now)

    def _look(self, work: Callable[[], None], began: float, last: float) -> None:
        now = self._loop.time()
        if now - last < self.IDLE_SECONDS or now - began >= self.MOST_SECONDS:
            work()
        else:
            self._loop.call_soon(self._look, work, began, now)


def _in_thread_of(loop: asyncio.AbstractEventLoop) -> Callable[[Callable[[], None]], None]:
    """Runs in the loop's thread what the store's writer has to tell: one waking for all callers of a transaction."""

    def deliver(settle: Callable[[], None]) -> None:
        try:
            loop.call_soon_threadsafe(settle)
        except RuntimeError:  # the loop is closed: nobody waits there any more
            settle()

    return deliver
