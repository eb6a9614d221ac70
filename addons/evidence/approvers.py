"""How decisions are made: how fast, by whom, and whether two people only ever agree to each other's. Not whether each was allowed (accounting.py)."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from addons.evidence.database import Connection

AT_A_GLANCE_SECONDS = 5  # a decision that was faster than the call can be read


@dataclass(frozen=True, slots=True)
class Approver:
    subject: str
    decided: int
    approved: int
    share: float  # of all decisions, 0 to 1
    median_seconds: float
    at_a_glance: int  # approvals within AT_A_GLANCE_SECONDS


@dataclass(frozen=True, slots=True)
class Quality:
    decided: int
    expired: int  # nobody decided in time
    median_seconds: float | None
    approvers: tuple[Approver, ...]
    pairs: tuple[
        tuple[str, str, int, int], ...
    ]  # (one, other, one approved for other, other for one): both at least once


_DECIDED = "SELECT approver, requester, state, requested_at, decided_at FROM approvals WHERE decided_at IS NOT NULL AND state IN ('approved', 'denied')"


def quality(database: Connection) -> Quality:
    seconds: defaultdict[str, list[float]] = defaultdict(list)
    approved: Counter[str] = Counter()
    glanced: Counter[str] = Counter()
    given: Counter[tuple[str, str]] = Counter()
    for joined, requester, state, requested_at, decided_at in database.execute(_DECIDED):
        took = (datetime.fromisoformat(decided_at) - datetime.fromisoformat(requested_at)).total_seconds()
        for approver in (joined or "").split(", "):  # several, where a rule asks for several
            seconds[approver].append(took)
            if state == "approved":
                approved[approver] += 1
                glanced[approver] += took < AT_A_GLANCE_SECONDS
                given[approver, requester] += 1
    total = sum(map(len, seconds.values()))
    approvers = [
        Approver(subject, len(times), approved[subject], len(times) / total, median(times), glanced[subject])
        for subject, times in seconds.items()
    ]
    pairs = [
        (one, other, count, given[other, one])
        for (one, other), count in given.items()
        if one < other and given[other, one]
    ]
    everything = [time for times in seconds.values() for time in times]
    [expired] = database.execute("SELECT count(*) FROM approvals WHERE state = 'expired'").fetchone()
    return Quality(
        total, expired, median(everything) if everything else None,
        tuple(sorted(approvers, key=lambda one: (-one.decided, one.subject))), tuple(sorted(pairs)),
    )  # fmt: skip
