"""What a person says of the evidence, on the record and under their own name: a finding explained, a review signed. Not what is found.

A leaf says that there is such a statement; what it says is in its payload, which can be erased: names and reasons belong there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from addons.console.desk import Desk
from addons.evidence.database import Connection
from addons.evidence.ids import time_text
from addons.evidence.records import Event, RoleRecord

_NAMED = (
    (re.compile(r"ex_\S+"), "SELECT 1 FROM exchanges WHERE id = ?"),
    (re.compile(r"ap_\S+"), "SELECT 1 FROM approvals WHERE id = ?"),
    (re.compile(r"leaf-[0-9]{1,15}"), "SELECT 1 FROM events WHERE seq = CAST(substr(?, 6) AS INTEGER)"),
)
_IN_FORCE = """
SELECT granted_at, granted_by FROM roles WHERE subject = ?1 AND role = ?2 AND (ended_at IS NULL OR ended_at > ?3) ORDER BY granted_at DESC LIMIT 1
"""
_USAGE = re.compile(r"usage:[^:\s]+:\S+")  # it is in the provider's export, which the store does not have


def is_finding(database: Connection, finding: str) -> bool:
    """Whether something of this name is there to be explained."""
    if _USAGE.fullmatch(finding):
        return True
    return any(form.fullmatch(finding) and database.execute(query, (finding,)).fetchone() for form, query in _NAMED)


async def explain(desk: Desk, person: str, os_user: str, finding: str, reason: str) -> dict[str, Any]:
    """`finding` with the code `explained`; from then on the accounting says who explained it, and how."""
    meta = {"finding": finding, "reason": reason, "os_user": os_user}
    (seq, *_) = await desk.record(Event("finding", actor=person, attrs={"code": "explained"}, meta=meta))
    return {"seq": seq, "finding": finding, "explained_by": person}


async def set_role(desk: Desk, actor: str, subject: str, role: str, *, end: bool) -> dict[str, Any]:
    """The register of roles: given, by whom, ended. Raises LookupError where one is to end that is not in force."""
    now = time_text(desk.clock())
    if not end:
        await desk.record(RoleRecord(subject, role, now, actor))
        return {"subject": subject, "role": role, "granted_at": now, "granted_by": actor, "ended_at": None}
    with desk.store.reading() as database:
        row = database.execute(_IN_FORCE, (subject, role, now)).fetchone()
    if row is None:
        raise LookupError(f"{subject} has no role {role} in force")
    await desk.record(RoleRecord(subject, role, row[0], row[1], now, actor))
    return {"subject": subject, "role": role, "granted_at": row[0], "granted_by": row[1], "ended_at": now}


async def review(
    desk: Desk, person: str, os_user: str, subject: str, result: Mapping[str, int], note: str
) -> dict[str, Any]:
    """`evidence.read` of what was reviewed, with what was found in numbers. subject: access, log or masking."""
    attrs = {"what": "review", "id": subject, "result": dict(result)}
    (seq, *_) = await desk.record(
        Event("evidence.read", actor=person, attrs=attrs, meta={"note": note, "os_user": os_user})
    )
    return {"seq": seq, "review": subject, "reviewed_by": person}
