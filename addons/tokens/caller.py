"""Who is calling. A value; how it was proven lives in this room's other files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Grade(StrEnum):
    """How much an identity is worth as evidence: `managed` by an outside issuer, or `trial` from the local one."""

    MANAGED = "managed"
    TRIAL = "trial"


@dataclass(frozen=True, slots=True)
class Caller:
    """An individual or a named workload."""

    subject: str  # "<issuer>|<sub>"; the local issuer's: "local|alice"
    email: str
    groups: tuple[str, ...]
    auth_method: str  # "afd_token" | "jwt" | "workload_afd_token" | "workload_jwt"
    token_id: str  # id of the gateway token, or the JWT's jti
    grade: Grade
    purpose: str
    expires_at: datetime
    minted_by: (
        str  # local issuer: the operating system's user; a workload: its run's address; else whose login it came from
    )
    workload: bool = False  # a job or a service, not a person
