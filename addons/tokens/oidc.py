"""A JWT of an outside issuer -> who is calling. Pure: the key set is passed in; nothing is fetched, nothing is remembered.

    <base64url header>.<base64url claims>.<base64url signature>

What is checked, in this order: form, header, signature, then iss, aud, azp, exp, nbf, iat, the claims that the rules require, and
those that name a person or workload.
Source: RFC 7519 (JWT), RFC 7515 (JWS), RFC 8725 (best practice), RFC 9068 (at+jwt), OpenID Connect Core 1.0, 2 and 3.1.3.7.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, Protocol
from urllib.parse import quote

from addons.tokens.caller import Caller, Grade
from addons.tokens.gateway_token import TokenRefused
from addons.tokens.key_set import KeySet
from addons.tokens.strict_json import Malformed, base64url, parsed_object

TOKEN_CHARACTERS = 16_384
GROUPS = 1000
TEXT_CHARACTERS = 256
TYPES = ("", "jwt", "at+jwt", "application/at+jwt")
LOGIN_HINT = "sign in again: affidavit login"
_LATEST = datetime(9999, 1, 1, tzinfo=UTC).timestamp()


class RequiredClaim(Protocol):
    """A path into the claims, and the forms of what must be there."""

    @property
    def path(self) -> tuple[str, ...]: ...
    @property
    def globs(self) -> tuple[str, ...]: ...


class IssuerRules(Protocol):
    """What is expected of an issuer's tokens; policy's Issuer is one. The rooms do not know each other."""

    @property
    def issuer(self) -> str: ...
    @property
    def audiences(self) -> tuple[str, ...]: ...
    @property
    def authorized_parties(self) -> tuple[str, ...]: ...
    @property
    def algorithms(self) -> tuple[str, ...]: ...
    @property
    def subject_claim(self) -> tuple[str, ...]: ...
    @property
    def email_claim(self) -> tuple[str, ...]: ...
    @property
    def groups_claim(self) -> tuple[str, ...]: ...
    @property
    def groups_in_words(self) -> bool: ...
    @property
    def groups(self) -> tuple[str, ...]: ...  # of everybody
    @property
    def groups_elsewhere(self) -> bool: ...  # they are not read from the token
    @property
    def require(self) -> tuple[RequiredClaim, ...]: ...
    @property
    def workloads(self) -> bool: ...
    @property
    def run_url(self) -> str: ...
    @property
    def leeway_seconds(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Identified:
    """The caller, and how and when they proved who they are: what an approval's receipt names."""

    caller: Caller
    auth_time: datetime | None
    amr: tuple[str, ...]  # RFC 8176
    session: str = ""  # the issuer's own id of the login (`sid`, OpenID Connect Session Management)


def unverified_claims(token: str) -> Mapping[str, Any]:
    """What a token claims, whoever made it. Raises TokenRefused where it has not even the form of one."""
    return _parts(token)[1]


def claimed_issuer(token: str) -> str:
    """The `iss` that an unverified token claims: to choose whose rules and keys to verify it with, and for nothing else."""
    issuer = unverified_claims(token).get("iss")
    return issuer if isinstance(issuer, str) else ""


def verify(token: str, rules: IssuerRules, keys: KeySet, now: datetime) -> Identified:
    """Raises TokenRefused; code token_key_unknown: fetch the key set again, once, before giving up."""
    header, claims, signature, signed = _parts(token)
    _check_signature(header, signature, signed, rules, keys)
    _check_source(claims, rules)
    _check_required(claims, rules)
    expires_at = _check_times(claims, rules.leeway_seconds, now)
    return Identified(
        _caller(claims, rules, expires_at),
        _time(claims, "auth_time"),
        _texts(claims.get("amr", []), "amr"),
        _text(claims.get("sid"), "sid"),
    )


# Form and signature


def _parts(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any], bytes, bytes]:
    """Header, claims, signature, and the bytes that were signed."""
    if len(token) > TOKEN_CHARACTERS:
        raise _refused("token_malformed", f"expected a token of at most {TOKEN_CHARACTERS} characters, got more")
    parts = token.split(".")
    if len(parts) != 3:
        raise _refused("token_malformed", "expected header.claims.signature, got another number of parts")
    try:
        header, claims, signature = (
            parsed_object(base64url(parts[0])),
            parsed_object(base64url(parts[1])),
            base64url(parts[2]),
        )
    except Malformed as fault:
        raise _refused("token_malformed", str(fault)) from None
    return header, claims, signature, f"{parts[0]}.{parts[1]}".encode()


def _check_signature(
    header: Mapping[str, Any], signature: bytes, signed: bytes, rules: IssuerRules, keys: KeySet
) -> None:
    algorithm, kid, kind = (header.get(name, "") for name in ("alg", "kid", "typ"))
    if not all(isinstance(text, str) for text in (algorithm, kid, kind)):
        raise _refused("token_malformed", "expected texts as alg, kid and typ, got something else")
    if kind.lower() not in TYPES:
        raise _refused("token_type", "expected an identity or access token, got one made for something else")
    if "crit" in header or "enc" in header or header.get("b64") is False:
        raise _refused("token_malformed", "expected a plain signed token, got one with extensions")
    if algorithm not in rules.algorithms:
        raise _refused(
            "token_algorithm", f"expected a signature by {' or '.join(rules.algorithms)}, got another or none"
        )
    candidates = keys.candidates(kid, algorithm)
    if not candidates:
        raise _refused("token_key_unknown", "expected a key of the issuer, got another")
    if not any(key.made(algorithm, signature, signed) for key in candidates):
        raise _refused("token_signature", "expected the issuer's signature, got one that does not fit")


# Claims


def _check_source(claims: Mapping[str, Any], rules: IssuerRules) -> None:
    if claims.get("iss") != rules.issuer:
        raise _refused("token_issuer", "expected the issuer named in identity.yaml, got another")
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if not any(isinstance(name, str) and name in rules.audiences for name in audiences):
        raise _refused(
            "token_audience", f"expected a token for {' or '.join(rules.audiences)}, got one for another service"
        )
    if rules.authorized_parties and claims.get("azp") not in rules.authorized_parties:
        raise _refused("token_party", "expected a token issued to an accepted client (azp), got another")


def _check_times(claims: Mapping[str, Any], leeway_seconds: int, now: datetime) -> datetime:
    """When the token ends, leeway included: a request is served until then, not longer."""
    leeway = timedelta(seconds=leeway_seconds)
    expires_at, not_before, issued_at = (_time(claims, name) for name in ("exp", "nbf", "iat"))
    if expires_at is None:
        raise _refused("token_claims", "expected exp, got none")
    if now >= expires_at + leeway:
        raise _refused("token_expired", "the token has expired")
    if any(start is not None and now < start - leeway for start in (not_before, issued_at)):
        raise _refused("token_not_yet", "the token is not valid yet; compare the clocks")
    return expires_at + leeway


def _time(claims: Mapping[str, Any], name: str) -> datetime | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _LATEST:
        raise _refused("token_claims", f"expected {name} in seconds since 1970, got something else")
    return datetime.fromtimestamp(value, UTC)


def _check_required(claims: Mapping[str, Any], rules: IssuerRules) -> None:
    for each in rules.require:
        found = _at(claims, each.path)
        values = [_plain(value) for value in (found if isinstance(found, list) else [found])]
        if not any(fnmatchcase(value, glob) for value in values if value for glob in each.globs):
            raise _refused(
                "token_claims",
                f"expected claim {'.'.join(each.path)} as identity.yaml requires it, got another or none",
            )


def _plain(value: Any) -> str:
    """A claim as text: numbers and truth values as JSON spells them."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int) else ""


def _caller(claims: Mapping[str, Any], rules: IssuerRules, expires_at: datetime) -> Caller:
    subject = _text(_at(claims, rules.subject_claim), "the subject")
    if not subject:
        raise _refused("token_claims", f"expected a person or workload in {'.'.join(rules.subject_claim)}, got none")
    email = _text(_at(claims, rules.email_claim), "the e-mail address")
    return Caller(
        subject=f"{rules.issuer}|{subject}",
        email="" if claims.get("email_verified") is False else email,
        groups=tuple(dict.fromkeys((*_groups(claims, rules), *rules.groups))),
        auth_method="workload_jwt" if rules.workloads else "jwt",
        token_id=_text(claims.get("jti"), "jti"),
        grade=Grade.MANAGED,
        purpose="",
        expires_at=expires_at,
        minted_by=_run_address(claims, rules) if rules.workloads else "",
        workload=rules.workloads,
    )


def _groups(claims: Mapping[str, Any], rules: IssuerRules) -> tuple[str, ...]:
    if rules.groups_elsewhere:
        return ()
    found = _at(claims, rules.groups_claim)
    if found is None and _too_many_to_list(claims, rules.groups_claim[0]):
        raise _refused(
            "groups_overage",
            "the issuer left the groups out because they are too many (overage); limit the claim to the groups of this "
            "application, use app roles, or name groups_from in identity.yaml",
        )
    if isinstance(found, str) and rules.groups_in_words:
        found = found.split()
    return _texts(found, "groups")


def _too_many_to_list(claims: Mapping[str, Any], name: str) -> bool:
    """Entra's two signs of overage: learn.microsoft.com, "Configure group claims", read 2026-11-23."""
    elsewhere = claims.get("_claim_names")
    return (isinstance(elsewhere, dict) and name in elsewhere) or _plain(claims.get("hasgroups")) in ("true", "1")


# A run's own page, where the issuer's rules name no other: GitHub Actions, GitLab.
_RUNS = (
    ("repository", "https://github.com/{repository}/actions/runs/{run_id}"),
    ("project_path", "{iss}/{project_path}/-/jobs/{job_id}"),
)


def _run_address(claims: Mapping[str, Any], rules: IssuerRules) -> str:
    """Empty where a claim that it is made of is missing. What a claim holds cannot lead out of its place in the address."""
    template = rules.run_url or next((url for claim, url in _RUNS if claim in claims), "")
    missing = False

    def filled(match: re.Match[str]) -> str:
        nonlocal missing
        value = _plain(claims.get(match[1]))
        missing = missing or not value or len(value) > TEXT_CHARACTERS or ".." in value
        return value if match[1] == "iss" else quote(value, safe="/")

    address = re.sub(r"\{([a-z_]+)\}", filled, template)
    return "" if missing else address


def _at(claims: Any, path: tuple[str, ...]) -> Any:
    """What a path of names leads to; None where it leads nowhere."""
    for name in path:
        claims = claims.get(name) if isinstance(claims, dict) else None
    return claims


def _text(value: Any, what: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > TEXT_CHARACTERS or not value.isprintable():
        raise _refused(
            "token_claims", f"expected one line of at most {TEXT_CHARACTERS} characters as {what}, got something else"
        )
    return value


def _texts(value: Any, what: str) -> tuple[str, ...]:
    """One text, or a list of them."""
    items = [] if value is None else value if isinstance(value, list) else [value]
    if len(items) > GROUPS:
        raise _refused("token_claims", f"expected at most {GROUPS} {what}, got more")
    return tuple(dict.fromkeys(text for text in (_text(item, what) for item in items) if text))


def _refused(code: str, sentence: str) -> TokenRefused:
    return TokenRefused(code, f"{sentence}; {LOGIN_HINT}")
