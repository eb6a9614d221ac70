"""Erasing on request and when its time has come, and legal holds: who may ask, what stands in the way. Not what goes (evidence/erasure).

Asked for, an erasure takes two people: whoever asks, and those whom retention.yaml names under `erasure`. It is asked for, approved like
any other hold, and asked for again; the second time it finds its grant and is carried out. What retention.yaml says goes by itself.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from itertools import batched
from typing import Any

from addons.approvals.state import About, Key
from addons.console import readings
from addons.console.desk import Desk
from addons.console.rows import token_of
from addons.console.shapes import approval_shape, retention_clocks
from addons.evidence import erasure, retention
from addons.evidence.canonical import canonical
from addons.evidence.database import Connection
from addons.evidence.ids import time_text
from addons.evidence.ledger import Ledger
from addons.evidence.records import HoldRecord, HoldRow
from addons.evidence.store import StoreBusy
from addons.policy.model import ApprovalRule, Direction, Then, When
from addons.tokens.caller import Caller
from addons.tokens.gateway_token import Registry

AT_ONCE = 500  # exchanges in one transaction: other writers wait for it
PAGES_AT_ONCE = 2000
TRIES = 5
WAL_SECONDS = 5.0  # how long a reader of the store may keep the WAL from being cut before that is told
EXPIRES_SECONDS = 7 * 86_400
HOUR_SECONDS = 3600
DAY_SECONDS = 86_400


class ErasureRefused(Exception):  # noqa: N818 - a decision, not a fault
    """Nothing was erased; status: of HTTP; code: for programs; hint: what to do."""

    def __init__(self, code: str, message: str, hint: str, status: int = 409) -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint
        self.status = status


@dataclass(frozen=True, slots=True)
class Swept:
    """What one look at everything that is past its time has erased."""

    exchanges: int
    leaves: int
    wal_cut: bool


# -- when its time has come ------------------------------------------------------------------------------------------------


def due(desk: Desk) -> retention.Due:
    with desk.store.reading() as database:
        return retention.due(database, retention_clocks(desk.policies), desk.clock())


async def keep_clean(desk: Desk) -> None:
    """Sweep now and once a day, until cancelled."""
    while True:
        seconds = DAY_SECONDS
        try:
            await sweep(desk)
        except StoreBusy:
            seconds = HOUR_SECONDS
        await asyncio.sleep(seconds)


async def sweep(desk: Desk) -> Swept:
    """Erase all that is past its time and on no hold."""
    why = erasure.Why("retention", "", {"policy": desk.policies.digest})
    exchanges = leaves = 0
    for _ in range(TRIES):
        found = await asyncio.to_thread(due, desk)
        try:
            for ids, everything in ((found.everything, True), (found.content, False)):
                for part in batched(ids, AT_ONCE):
                    done = await _carry_out(desk, await asyncio.to_thread(_plan, desk, part, everything), why)
                    exchanges, leaves = exchanges + done.exchanges, leaves + done.leaves
            for seqs in batched(found.leaves, AT_ONCE):
                leaves += (await _carry_out(desk, await asyncio.to_thread(_plan_leaves, desk, seqs), why)).leaves
            break
        except erasure.Overtaken:
            continue  # what is due now, with the hold or the request that came between
    return Swept(exchanges, leaves, await _reclaim(desk) if leaves else True)


# -- on request ------------------------------------------------------------------------------------------------------------


async def erase(desk: Desk, asker: Caller, scope: str, value: str, reason: str) -> dict[str, Any]:
    """Carried out if somebody else agreed; else asked for. Raises ErasureRefused."""
    target = await asyncio.to_thread(_target, desk, scope, value)
    key, rule = _asked(desk, asker, scope, target.name, reason)
    granted = desk.grant_for(key)
    if granted is None:
        about = About(why=(f"erase {scope} {target.name}: {reason}",))
        asked = await desk.request_approval(
            exchange_id="", rule=rule, requester=asker, payload_digest=key.payload_digest, about=about
        )
        return {"state": asked.state.value, "approval": approval_shape(asked), "target": target.name}
    erasure_id = desk.new_id("er")
    await desk.use_grant(granted, key, erasure_id)
    why = erasure.Why(
        "request",
        asker.subject,
        {"scope": scope, "target": target.name, "approval": granted.approval_id, "erasure": erasure_id},
        {"reason": reason},
    )
    done, plan = await _erase_whole(desk, target, why)
    desk.waiting.forget(plan.approvals)
    if target.person:
        with desk.store.reading() as database:
            desk.directory.tokens = Registry.of(map(token_of, readings.tokens(database)))
    cut = await _reclaim(desk)
    return {
        "state": "erased",
        "target": target.name,
        "exchanges": done.exchanges,
        "leaves": done.leaves,
        "messages": done.messages,
        "seq": done.seq,
        "approval": granted.approval_id,
        "kept_decisions": done.kept_decisions,
        "wal_cut": cut,
    }


@dataclass(frozen=True, slots=True)
class _Target:
    """name: how the record calls it, which names nobody once the person is gone."""

    name: str
    person: str
    exchanges: tuple[str, ...]


def _target(desk: Desk, scope: str, value: str) -> _Target:
    """What is asked for, if nothing stands in its way."""
    with desk.store.reading() as database:
        column = {"person": "subject", "session": "session_id"}.get(scope)
        if column is None:
            raise ErasureRefused(
                "scope_unknown", f"scope {scope!r}: expected person or session", "affidavit erase --help", 400
            )
        rows = database.execute(
            f"SELECT id, session_id, subject, closed_seq FROM exchanges WHERE {column} = ? ORDER BY opened_seq",  # noqa: S608 a name from above
            (value,),
        ).fetchall()
        person = database.execute("SELECT pseudonym FROM subjects WHERE subject = ?", (value,)).fetchone()
        in_force = retention.holds(database)
        waits = database.execute(_WAITS.format(column), (value,)).fetchone()
    if not rows and not (scope == "person" and person):
        raise ErasureRefused("nothing_found", f"nothing is recorded of {scope} {value}", "affidavit sessions", 404)
    if any(row[3] is None for row in rows):
        raise ErasureRefused(
            "still_open", f"a call of this {scope} is under way", "wait until it has ended, or stop the client"
        )
    if waits:
        raise ErasureRefused(
            "approval_waits",
            f"approval {waits[0]} of this {scope} is not decided",
            f"affidavit approvals show {waits[0]}",
        )
    for exchange_id, session_id, subject, _ in rows or [("", "", value, 0)]:
        if hold := retention.kept_by(in_force, subject, session_id, exchange_id):
            raise ErasureRefused(
                "on_hold", f"hold {hold.id} keeps it", f"affidavit hold list; affidavit hold lift {hold.id}"
            )
    now = desk.clock()
    live = [
        row.id
        for row in desk.tokens.rows
        if scope == "person" and row.subject == value and row.revoked_at is None and now < row.expires_at
    ]
    if live:
        raise ErasureRefused(
            "token_in_force", f"token {live[0]} of this person is in force", f"affidavit token revoke {live[0]}"
        )
    ids = tuple(row[0] for row in rows)
    return _Target(person[0], value, ids) if scope == "person" else _Target(value, "", ids)


def _asked(desk: Desk, asker: Caller, scope: str, name: str, reason: str) -> tuple[Key, ApprovalRule]:
    approvers = desk.policies.retention.erasure
    if not approvers.groups:
        raise ErasureRefused(
            "nobody_may_agree",
            "no one is named who agrees to an erasure",
            "add erasure: {groups: […]} to retention.yaml",
        )
    rule = ApprovalRule(
        id=f"erasure:{scope}:{name}",
        when=When(Direction.REQUEST),
        then=Then.HOLD,
        approvers=approvers,
        hold_seconds=0,
        expires_seconds=EXPIRES_SECONDS,
        reason="",
    )
    digest = hmac.digest(desk.keys.approval, b"affidavit/erasure/v1\0" + canonical([scope, name, reason]), "sha256")
    return Key(asker.subject, rule.id, "hmac-sha256:" + digest.hex(), desk.policies.digest), rule


async def _erase_whole(desk: Desk, target: _Target, why: erasure.Why) -> tuple[erasure.Erased, erasure.Plan]:
    """A person or a session goes in one transaction: half of one is not what was agreed to."""
    for _ in range(TRIES):
        plan = await asyncio.to_thread(_plan, desk, target.exchanges, True, target.person)
        try:
            return await _carry_out(desk, plan, why), plan
        except erasure.Overtaken:
            fresh = await asyncio.to_thread(
                _target, desk, "person" if target.person else "session", target.person or target.name
            )
            target = fresh
    raise ErasureRefused("overtaken", "calls kept coming while it was planned", "stop the client, then ask again", 503)


# -- inside ----------------------------------------------------------------------------------------------------------------


def _plan(desk: Desk, ids: Iterable[str], everything: bool, person: str = "") -> erasure.Plan:
    with erasure.planning(desk.store.path) as connection:
        return erasure.plan(connection, ids, everything=everything, person=person)


def _plan_leaves(desk: Desk, leaves: Iterable[int]) -> erasure.Plan:
    with erasure.planning(desk.store.path) as connection:
        return erasure.plan_leaves(connection, leaves)


async def _carry_out(desk: Desk, plan: erasure.Plan, why: erasure.Why) -> erasure.Erased:
    work = partial(erasure.carry_out, plan, why, desk.store.drafted)
    done = await asyncio.wrap_future(desk.store.change(work))
    if plan.person:
        desk.store.forget(plan.person)
    return done


async def _reclaim(desk: Desk) -> bool:
    """Give the freed pages back; True once no byte of what was erased is in the WAL either."""
    before = -1
    while (left := await asyncio.wrap_future(desk.store.change(_give_back))) and left != before:
        before = left
    deadline = asyncio.get_running_loop().time() + WAL_SECONDS
    while not desk.store.wal_was_cut and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(0.05)
        await asyncio.wrap_future(desk.store.change(_nothing))
    if not desk.store.wal_was_cut:
        desk.find(
            "wal_not_cleared",
            "a reader of the store keeps what was erased in the WAL: close it; the next change clears it",
        )
    return desk.store.wal_was_cut


def _give_back(connection: Connection, _ledger: Ledger) -> int:
    connection.execute(f"PRAGMA incremental_vacuum({PAGES_AT_ONCE})").fetchall()
    [left] = connection.execute("PRAGMA freelist_count").fetchone()
    return int(left)


def _nothing(_connection: Connection, _ledger: Ledger) -> None:
    """Only so that the WAL is cut."""


_WAITS = "SELECT id FROM approvals WHERE state = 'pending' AND exchange_id IN (SELECT id FROM exchanges WHERE {} = ?) LIMIT 1"


# -- holds -----------------------------------------------------------------------------------------------------------------


async def set_hold(desk: Desk, actor: str, scope: str, value: str, reason: str) -> dict[str, Any]:
    if scope not in retention.SCOPES or (scope == "everything") != (not value):
        raise ErasureRefused(
            "scope_unknown",
            f"hold on {scope!r}: expected {', '.join(retention.SCOPES)}",
            "affidavit hold set --help",
            400,
        )
    row = HoldRow(desk.new_id("ho"), scope, value, reason, time_text(desk.clock()), actor)
    await desk.record(HoldRecord(row, actor))
    return hold_shape(row)


async def lift_hold(desk: Desk, actor: str, hold_id: str, reason: str) -> dict[str, Any]:
    with desk.store.reading() as database:
        rows = {row.id: row for row in _hold_rows(database)}
    row = rows.get(hold_id)
    if row is None or row.lifted_at:
        raise ErasureRefused("hold_unknown", f"no hold {hold_id} is in force", "affidavit hold list", 404)
    lifted = HoldRow(row.id, row.scope, row.value, row.reason, row.set_at, row.set_by, time_text(desk.clock()), actor)
    await desk.record(HoldRecord(lifted, actor, reason))
    return hold_shape(lifted)


def list_holds(desk: Desk) -> list[dict[str, Any]]:
    with desk.store.reading() as database:
        return [hold_shape(row) for row in _hold_rows(database)]


def _hold_rows(database: Connection) -> list[HoldRow]:
    query = "SELECT id, scope, value, reason, set_at, set_by, lifted_at, lifted_by FROM holds ORDER BY set_at, id"
    return [HoldRow(*[value or "" for value in row]) for row in database.execute(query)]


def hold_shape(row: HoldRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "scope": row.scope,
        "value": row.value,
        "reason": row.reason,
        "set_at": row.set_at,
        "set_by": row.set_by,
        "lifted_at": row.lifted_at or None,
        "lifted_by": row.lifted_by or None,
    }
