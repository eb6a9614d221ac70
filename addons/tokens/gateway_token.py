"""Gateway tokens: made here, known here by their SHA-256 alone. Not JWTs (oidc.py), not their storage (addons/evidence).

    afd_<43 base64url characters>        256 random bits; the SHA-256 of such a secret needs no salt and no slow hash

Source: RFC 4648 5 (base64url without padding); RFC 9562 5.7 (UUIDv7).
"""

from __future__ import annotations

import re
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256

from addons.tokens.caller import Caller, Grade

LOCAL = "local"
PREFIX = "afd_"
TOKEN = re.compile(r"afd_[A-Za-z0-9_-]{43}")
MINT_HINT = 'affidavit token mint --name you --group engineering --purpose "what for"'
LONGEST_LIFETIME = timedelta(days=366)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}")
_GROUP = re.compile(r"[^\s,*][^\x00-\x1f\x7f,*]{0,127}")
_TEXT_CHARACTERS = 500


class TokenRefused(Exception):  # noqa: N818 - a decision, not a fault of ours
    """What was given does not say who is calling. code: for programs; hint: the next thing to type. Neither holds the token."""

    def __init__(self, code: str, hint: str) -> None:
        super().__init__(f"{code}: {hint}")
        self.code = code
        self.hint = hint


class MintRefused(ValueError):  # noqa: N818 - a decision, not a fault of ours
    """A token was asked for that would not name an individual."""


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token as the store keeps it."""

    id: str  # "tk_" + UUIDv7
    sha256: str  # "sha256:" + hex, of the whole secret
    subject: str  # "<issuer>|<sub>"; "local|alice"
    email: str
    groups: tuple[str, ...]
    purpose: str
    minted_by: str
    minted_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None

    @property
    def grade(self) -> Grade:
        """Tokens minted on this machine are worth a trial; those handed out after a login, what the issuer's word is worth."""
        return Grade.TRIAL if self.subject.startswith(f"{LOCAL}|") else Grade.MANAGED


def mint(
    *,
    name: str,
    groups: Iterable[str],
    email: str,
    purpose: str,
    lifetime: timedelta,
    minted_by: str,
    now: datetime,
    random: Callable[[int], bytes],
    issuer: str = LOCAL,
) -> tuple[str, TokenRow]:
    """The secret, shown once, and the row to keep. issuer: whose login vouched for the name."""
    row_groups = tuple(dict.fromkeys(groups))
    _check_person(issuer, name, row_groups)
    _check_lines(email, purpose, minted_by)
    if not timedelta(0) < lifetime <= LONGEST_LIFETIME:
        raise MintRefused(f"lifetime: expected more than 0 and at most {LONGEST_LIFETIME.days} days, got {lifetime}")
    secret = PREFIX + urlsafe_b64encode(random(32)).rstrip(b"=").decode()
    row = TokenRow(
        id=f"tk_{_uuid7(now, random)}",
        sha256=digest(secret),
        subject=f"{issuer}|{name}",
        email=email,
        groups=row_groups,
        purpose=purpose,
        minted_by=minted_by,
        minted_at=now,
        expires_at=now + lifetime,
    )
    return secret, row


def digest(secret: str) -> str:
    return "sha256:" + sha256(secret.encode()).hexdigest()


@dataclass(slots=True)
class Registry:
    """The tokens in force, in memory. Looked up by digest: how long that takes says nothing about the secret."""

    _rows: dict[str, TokenRow] = field(default_factory=dict, repr=False)  # by sha256
    _digests: dict[str, str] = field(default_factory=dict, repr=False)  # id -> sha256

    @classmethod
    def of(cls, rows: Iterable[TokenRow]) -> Registry:
        registry = cls()
        for row in rows:
            registry.add(row)
        return registry

    @property
    def rows(self) -> tuple[TokenRow, ...]:
        """Every token, oldest first."""
        return tuple(sorted(self._rows.values(), key=lambda row: (row.minted_at, row.id)))

    def add(self, row: TokenRow) -> None:
        if row.sha256 in self._rows or row.id in self._digests:
            raise MintRefused(
                f"token {row.id}: expected a new id and secret, got one that is already known; mint again"
            )
        self._rows[row.sha256] = row
        self._digests[row.id] = row.sha256

    def row(self, token_id: str) -> TokenRow:
        if token_id not in self._digests:
            raise TokenRefused("token_unknown", "no token has this id; type: affidavit token list")
        return self._rows[self._digests[token_id]]

    def put(self, row: TokenRow) -> None:
        """A known token as it is from now on: other groups, another end."""
        self.row(row.id)
        self._rows[row.sha256] = row

    def revoke(self, token_id: str, now: datetime) -> TokenRow:
        """The revoked row. The first revocation stands: a second does not move its time."""
        row = self.row(token_id)
        if row.revoked_at is None:
            row = replace(row, revoked_at=now)
            self._rows[row.sha256] = row
        return row

    def find(self, secret: str, now: datetime) -> Caller:
        return caller_of(self.find_row(secret, now))

    def find_row(self, secret: str, now: datetime) -> TokenRow:
        if TOKEN.fullmatch(secret) is None:
            raise TokenRefused("token_malformed", f"expected afd_ and 43 characters; mint one: {MINT_HINT}")
        row = self._rows.get(digest(secret))
        if row is None:
            raise TokenRefused("token_unknown", f"this gateway does not know the token; mint one: {MINT_HINT}")
        check_in_force(row, now)
        return row


def check_in_force(row: TokenRow, now: datetime) -> None:
    """Raises TokenRefused once a token is revoked or at the moment it expires."""
    again = f"mint another: {MINT_HINT}" if row.grade is Grade.TRIAL else "sign in again: affidavit login"
    if row.revoked_at is not None:
        raise TokenRefused("token_revoked", f"token {row.id} was revoked; {again}")
    if now >= row.expires_at:
        raise TokenRefused("token_expired", f"token {row.id} has expired; {again}")


def caller_of(row: TokenRow, *, workload: bool = False) -> Caller:
    return Caller(
        subject=row.subject,
        email=row.email,
        groups=row.groups,
        auth_method="workload_afd_token" if workload else "afd_token",
        token_id=row.id,
        grade=row.grade,
        purpose=row.purpose,
        expires_at=row.expires_at,
        minted_by=row.minted_by,
        workload=workload,
    )


def _check_person(issuer: str, name: str, groups: tuple[str, ...]) -> None:
    if "|" in issuer or not _plain(issuer):
        raise MintRefused('issuer: expected text without "|", got something else; give the issuer\'s URL')
    if not (_NAME.fullmatch(name) if issuer == LOCAL else _plain(name)):
        raise MintRefused("name: expected 1-128 letters, digits or . _ @ + -, got something else; give a person's name")
    if not all(_GROUP.fullmatch(group) if issuer == LOCAL else _plain(group) for group in groups):
        raise MintRefused(
            "group: expected 1-128 characters without comma or *, got something else; give one --group each"
        )


def _check_lines(*lines: str) -> None:
    if not all(len(line) <= _TEXT_CHARACTERS and line.isprintable() for line in lines):
        raise MintRefused(
            f"email, purpose, on behalf of: expected one line of at most {_TEXT_CHARACTERS} characters, got something else"
        )


def _plain(text: str) -> bool:
    return 0 < len(text) <= _TEXT_CHARACTERS and text.isprintable()


def _uuid7(now: datetime, random: Callable[[int], bytes]) -> uuid.UUID:
    """48 bits of Unix milliseconds, version 7, 12 random bits, variant 2, 62 random bits."""
    noise = int.from_bytes(random(10))
    milliseconds = int(now.timestamp() * 1000)
    high = milliseconds << 16 | 0x7000 | noise >> 68
    return uuid.UUID(int=high << 64 | 0b10 << 62 | noise & ((1 << 62) - 1))
