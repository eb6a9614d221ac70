"""Who uses the gateway, beside who the identity provider says is there: leavers who still called, and how long removal took. Not identities.

An export of people is CSV or JSON: Okta (users API, CSV), Entra ID (users as JSON or CSV), Google Workspace (CSV), Keycloak (JSON), SCIM. One
table says which columns mean what, as of 2026-11. A person is known again by any of their names: id, login, e-mail, letter case ignored.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from addons.evidence.database import Connection

_NAMES = (
    "id", "login", "username", "userName", "email", "mail", "userPrincipalName", "sub", "externalId", "Email Address [Required]", "primaryEmail",
    "profile.login", "profile.email", "emails.value",
)  # fmt: skip
_STATES = ("status", "active", "enabled", "accountEnabled", "suspended", "Status [READ ONLY]")
_ENDS = (
    "deactivated",
    "deactivatedAt",
    "statusChanged",
    "employeeLeaveDateTime",
    "deletedDateTime",
    "terminationDate",
    "end_date",
    "ended_at",
    "suspendedAt",
)
_GONE = {
    "deprovisioned",
    "suspended",
    "inactive",
    "false",
    "deactivated",
    "disabled",
    "locked_out",
    "deleted",
    "staged",
}


class PeopleInvalid(ValueError):  # noqa: N818 - reads as what is wrong
    """A file that is no list of people. For whoever exported it."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One person as the identity provider lists them."""

    names: frozenset[str]  # casefolded
    active: bool
    ended_at: str  # RFC 3339; "": not said


@dataclass(frozen=True, slots=True)
class User:
    """One person or workload as the record knows them."""

    subject: str
    email: str
    grade: str
    groups: tuple[str, ...]  # of the newest call
    first_at: str
    last_at: str
    calls: int
    tokens: int  # gateway tokens in force
    roles: tuple[str, ...]  # in force

    @property
    def names(self) -> frozenset[str]:
        own = {self.subject, self.subject.rpartition("|")[2], self.email}
        return frozenset(name.casefold() for name in own if name)


@dataclass(frozen=True, slots=True)
class Match:
    """One user beside the list. state: active, left, or unknown (not in the list at all)."""

    user: User
    state: str
    ended_at: str = ""
    calls_after: int = 0  # after they had left
    lag_seconds: int | None = (
        None  # from the end to the last call or the last token's end; None: it is not known when they left
    )


_USERS = """
SELECT x.subject, max(x.email), max(x.grade), (SELECT groups FROM exchanges n WHERE n.subject = x.subject ORDER BY n.opened_seq DESC LIMIT 1),
  min(x.opened_at), max(x.opened_at), count(*),
  (SELECT count(*) FROM tokens t WHERE t.subject = x.subject AND t.revoked_at IS NULL AND t.expires_at > ?1),
  (SELECT json_group_array(role) FROM roles r WHERE r.subject = x.subject AND (r.ended_at IS NULL OR r.ended_at > ?1))
FROM exchanges x GROUP BY x.subject ORDER BY x.subject
"""


def users(database: Connection, now: str) -> list[User]:
    return [
        User(
            subject,
            email or "",
            grade or "",
            tuple(json.loads(groups or "[]")),
            first,
            last,
            calls,
            tokens,
            tuple(sorted(set(json.loads(roles)))),
        )
        for subject, email, grade, groups, first, last, calls, tokens, roles in database.execute(_USERS, (now,))
    ]


def matched(database: Connection, listed: Iterable[Listed], now: str) -> list[Match]:
    """Each user beside the list; leavers first, then those whom the list does not know."""
    by_name: dict[str, Listed] = {}
    for one in listed:
        for name in one.names:
            if name not in by_name or one.active:
                by_name[name] = one
    found = [
        _match(database, user, next((by_name[name] for name in sorted(user.names) if name in by_name), None))
        for user in users(database, now)
    ]
    return sorted(found, key=lambda match: (("left", "unknown", "active").index(match.state), match.user.subject))


def _match(database: Connection, user: User, listed: Listed | None) -> Match:
    if listed is None:
        return Match(user, "unknown")
    if listed.active:
        return Match(user, "active")
    if not listed.ended_at:
        return Match(user, "left")
    [calls] = database.execute(
        "SELECT count(*) FROM exchanges WHERE subject = ? AND opened_at > ?", (user.subject, listed.ended_at)
    ).fetchone()
    [token_end] = database.execute(
        "SELECT max(coalesce(revoked_at, expires_at)) FROM tokens WHERE subject = ?", (user.subject,)
    ).fetchone()
    last = max(user.last_at if calls else "", token_end or "")
    lag = (
        max(0, int((datetime.fromisoformat(last) - datetime.fromisoformat(listed.ended_at)).total_seconds()))
        if last
        else 0
    )
    return Match(user, "left", listed.ended_at, calls, lag)


def read_people(name: str, text: str) -> list[Listed]:
    """Raises PeopleInvalid."""
    rows = list(_rows(name, text))
    people = [person for row in rows if (person := _listed(name, row))]
    if not people:
        columns = ", ".join(list(rows[0])[:10]) if rows else "nothing"
        raise PeopleInvalid(
            f"{name}: expected people with a login or e-mail and a status, got {columns}; affidavit people --help"
        )
    return people


def _rows(name: str, text: str) -> Iterator[dict[str, str]]:
    text = text.lstrip("\ufeff")
    if text.lstrip()[:1] in {"{", "["}:
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            raise PeopleInvalid(f"{name}: expected JSON, got something else; export it again, whole") from None
        if isinstance(document, dict):
            document = next(
                (document[key] for key in ("Resources", "value", "users") if isinstance(document.get(key), list)),
                [document],
            )
        yield from (dict(_scalars(one, "")) for one in document if isinstance(one, dict))
    else:
        yield from (
            {key.strip(): value or "" for key, value in row.items() if key} for row in csv.DictReader(io.StringIO(text))
        )


def _scalars(value: dict[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for key, each in value.items():
        if isinstance(each, dict):
            yield from _scalars(each, f"{prefix}{key}.")
        elif isinstance(each, list):
            yield from (pair for one in each[:1] if isinstance(one, dict) for pair in _scalars(one, f"{prefix}{key}."))
        elif each is not None:
            yield prefix + key, str(each)


def _listed(name: str, row: dict[str, str]) -> Listed | None:
    names = frozenset(row[column].casefold() for column in _NAMES if row.get(column))
    state = next(((column, row[column].casefold()) for column in _STATES if row.get(column)), None)
    if not names or state is None:
        return None
    column, word = state
    gone = word == "true" if column == "suspended" else word in _GONE
    end = next((row[column] for column in _ENDS if row.get(column)), "")
    return Listed(names, not gone, _moment(name, end) if end and gone else "")


def _moment(name: str, text: str) -> str:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise PeopleInvalid(
            f"{name}: expected a day or a time, got {text[:24]!r}; export it with RFC 3339 times"
        ) from None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
