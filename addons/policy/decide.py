"""What the policies say about one call: whose it is, where it may go. Pure; what needs a person: approval_rules.py.

Everything is denied that no rule allows, and what denies wins. Every answer names the rule, a code for programs and the
next thing to type.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote

from addons.policy.hosts import normal_host
from addons.policy.matching import fits_one, folded_fit, in_groups
from addons.policy.model import (
    EVERYONE,
    Connection,
    Days,
    Effect,
    OtherHosts,
    Policies,
    Right,
)
from addons.policy.times import shown, time_fits
from addons.tokens.caller import Caller, Grade


@dataclass(frozen=True, slots=True)
class Decision:
    """allowed: `rule` is the rule that allows. Refused: `rule` is the one that denies, or the list that lacks an entry."""

    allowed: bool
    rule: str  # "rights:all", "connections:openai", "other_hosts"
    code: str  # "allowed", or why not: "model_denied"
    hint: str  # "" when allowed; else what to do, naming the command


@dataclass(frozen=True, slots=True)
class Use:
    """What rights may look at beyond connection and model."""

    names: tuple[str, ...] = ()  # of what is asked: operation, endpoint
    path: str = ""
    now: datetime | None = None  # None: no clock was asked, so a right with a time allows nothing and denies
    tokens_today: int = 0  # that the caller has used, in and out


ANY_USE = Use()


# Which connection


def connection_for_host(policies: Policies, host: str, port: int) -> Connection | None:
    """The connection that names this host, exactly or else by the longest `*.suffix`. None: no connection does."""
    name = normal_host(host)
    if name is None:
        return None
    fits = [
        (len(pattern) if pattern != name else len(name) + 2, connection)
        for connection in policies.connections
        if port in connection.ports
        for pattern in connection.hosts
        if host_fits(name, pattern)
    ]
    return max(fits, key=lambda fit: fit[0])[1] if fits else None


def host_fits(name: str, pattern: str) -> bool:
    """`a.openai.azure.com` fits `*.openai.azure.com`; the bare suffix does not. `name` is a normal host."""
    if pattern.startswith("*."):
        return name.endswith(pattern[1:])
    return name == pattern


def connection_named(policies: Policies, connection_id: str) -> Connection | None:
    return next((connection for connection in policies.connections if connection.id == connection_id), None)


# Who may do what


def may_identify(policies: Policies, caller: Caller) -> Decision:
    """Whether this way of saying who one is counts at all. Asked again on each request: policies change under a token."""
    if caller.grade is Grade.TRIAL and not policies.identity.accepts_local:
        return _refused(
            "identity:local",
            "local_issuer_off",
            "tokens minted on this machine are not accepted here; type: affidavit login",
        )
    if caller.grade is Grade.TRIAL:
        return _allowed("identity:local")
    if policies.identity.issuer_of(caller.subject) is None:
        return _refused(
            "identity:issuers",
            "issuer_unknown",
            "the issuer that vouched for this token is not named in identity.yaml; type: affidavit login",
        )
    return _allowed("identity:issuers")


def may_reach(policies: Policies, caller: Caller, connection: Connection) -> Decision:
    """Whether the caller may use the connection at all: what can be asked before the model is known."""
    rights = [right for right in policies.identity.rights if _covers(right, caller, connection)]
    denying = next(
        (right for right in rights if right.effect is Effect.DENY and "*" in right.models and not _conditional(right)),
        None,
    )
    if denying is not None:
        return _denied_by(denying, connection)
    if not in_groups(caller.groups, connection.groups):
        return _refused(
            f"connections:{connection.id}",
            "connection_denied",
            f'connection "{connection.id}" is open to {_either(connection.groups)}, and {_is_in(caller)}; '
            f"ask for a group, or for an entry in connections.yaml, then type: affidavit policy check",
        )
    allowing = next((right for right in rights if right.effect is Effect.ALLOW), None)
    if allowing is None:
        return _refused(
            "rights",
            "no_right",
            f'no right in identity.yaml lets {_either(caller.groups)} use connection "{connection.id}"; '
            f"ask for one, then type: affidavit policy check",
        )
    return _allowed(f"rights:{allowing.id}")


def may_use(policies: Policies, caller: Caller, connection: Connection, model: str, use: Use = ANY_USE) -> Decision:
    """Whether the caller may call this model there. model "": the call names none, which `models` must allow by ""."""
    reach = may_reach(policies, caller, connection)
    if not reach.allowed:
        return reach
    rights = [right for right in policies.identity.rights if _covers(right, caller, connection)]
    for right in rights:
        if right.effect is Effect.DENY and folded_fit(model, right.models) and _denies(right, use):
            return _denied_by(right, connection)
    named = f'model "{_shown(model)}"' if model else "a call that names no model"
    if folded_fit(model, connection.deny_models) or not fits_one(model, connection.models):
        return _refused(
            f"connections:{connection.id}",
            "model_denied",
            f'{named} is not allowed on connection "{connection.id}" (models: {_listed(connection.models)}); '
            f"use one that is, or ask for an entry in connections.yaml, then type: affidavit policy check",
        )
    lacking: list[Decision] = []
    for right in rights:
        if right.effect is Effect.ALLOW and fits_one(model, right.models):
            if (refusal := _lacks(right, caller, use)) is None:
                return _allowed(f"rights:{right.id}")
            lacking.append(refusal)
    if lacking:
        return lacking[-1]
    return _refused(
        "rights",
        "model_denied",
        f"{named} is not among the models that a right in identity.yaml gives {_either(caller.groups)} on connection "
        f'"{connection.id}"; use one that is, or ask for a right, then type: affidavit policy check',
    )


def may_tunnel(policies: Policies, host: str, provider: str = "") -> Decision:
    """Whether a host that no connection names may be tunnelled. provider: whose API host it is, "" if nobody's we know."""
    if normal_host(host) is None:
        return _refused(
            "other_hosts", "host_malformed", "this is not the name of a host; check the address the client was given"
        )
    if provider:
        return _refused(
            "connections",
            "provider_undeclared",
            f'no connection for provider "{provider}" names this host; use a connection that exists, '
            f"or ask for one in connections.yaml, then type: affidavit policy check",
        )
    if policies.other_hosts is OtherHosts.DENY:
        return _refused(
            "other_hosts",
            "other_host_denied",
            "only hosts of connections may be reached through this gateway (other_hosts: deny); "
            "ask for a connection in connections.yaml, then type: affidavit policy check",
        )
    return _allowed("other_hosts")


# Retention


def days_for(policies: Policies, connection_id: str, groups: Iterable[str] = ()) -> Days:
    """Those that the connection or a group of the person names, the shorter of each where there are several; else the default."""
    named = [days for name, days in policies.retention.connections if name == connection_id]
    named += [days for name, days in policies.retention.groups if name in groups]
    if not named:
        return policies.retention.default
    return Days(min(days.content_days for days in named), min(days.metadata_days for days in named))


def _covers(right: Right, caller: Caller, connection: Connection) -> bool:
    return (
        in_groups(caller.groups, right.groups)
        and fits_one(connection.id, right.connections)
        and (
            EVERYONE in right.subjects
            or any(folded_fit(name, right.subjects) for name in (caller.subject, caller.email))
        )
    )


# Conditions of a right


def _conditional(right: Right) -> bool:
    return EVERYONE not in right.endpoints or right.time is not None or right.tokens_a_day > 0


def _denies(right: Right, use: Use) -> bool:
    """A denial holds where every condition of it does; the bound on tokens, once it is reached."""
    if not _conditional(right):
        return True
    plain = _plain_path(use.path)
    return (
        (
            EVERYONE in right.endpoints
            or any(folded_fit(name, right.endpoints) for name in (*use.names, use.path, plain))
        )
        and (right.time is None or use.now is None or time_fits(right.time, use.now))
        and (not right.tokens_a_day or use.tokens_today >= right.tokens_a_day)
    )


def _lacks(right: Right, caller: Caller, use: Use) -> Decision | None:
    """Why this right does not allow, though it covers caller, connection and model; None: it allows."""
    rule = f"rights:{right.id}"
    if EVERYONE not in right.endpoints and not any(
        fits_one(name, right.endpoints) for name in (*use.names, use.path) if name
    ):
        return _refused(
            rule, "endpoint_denied",
            f'right "{right.id}" is for {_listed(right.endpoints)} only; ask for more, then type: affidavit policy check',
        )  # fmt: skip
    if right.time is not None and (use.now is None or not time_fits(right.time, use.now)):
        return _refused(rule, "outside_time", f'right "{right.id}" holds {shown(right.time)}; send the call again then')
    if right.tokens_a_day and use.tokens_today >= right.tokens_a_day:
        return _refused(
            rule, "tokens_spent",
            f'right "{right.id}" gives {right.tokens_a_day} tokens a day, and {use.tokens_today} are used; it begins anew at 00:00 UTC',
        )  # fmt: skip
    if right.purpose is not None and right.purpose.fullmatch(caller.purpose) is None:
        return _refused(
            rule, "purpose_required",
            f'right "{right.id}" needs a purpose of the form {right.purpose.pattern}; type: affidavit login --purpose "…" (or token mint, run)',
        )  # fmt: skip
    return None


def _plain_path(path: str) -> str:
    """As a server may read it: escapes undone, empty and dotted segments taken out."""
    kept: list[str] = []
    for segment in unquote(path.partition("?")[0]).replace("\\", "/").split("/"):
        if segment == "..":
            kept = kept[:-1]
        elif segment not in ("", "."):
            kept.append(segment)
    return "/" + "/".join(kept)


# Sentences


def _allowed(rule: str) -> Decision:
    return Decision(allowed=True, rule=rule, code="allowed", hint="")


def _refused(rule: str, code: str, hint: str) -> Decision:
    return Decision(allowed=False, rule=rule, code=code, hint=hint)


def _denied_by(right: Right, connection: Connection) -> Decision:
    return _refused(
        f"rights:{right.id}",
        "denied_by_right",
        f'right "{right.id}" in identity.yaml denies this on connection "{connection.id}"; '
        f"ask its owner, then type: affidavit policy check",
    )


def _either(groups: tuple[str, ...]) -> str:
    return f"group {' or '.join(groups)}" if groups else "a caller without groups"


def _is_in(caller: Caller) -> str:
    return f"you are in {', '.join(caller.groups)}" if caller.groups else "you are in no group"


def _shown(model: str) -> str:
    """A model's name is the client's own text: bounded, and without line breaks."""
    return "".join(letter if letter.isprintable() else "?" for letter in model[:80])


def _listed(models: tuple[str, ...]) -> str:
    return ", ".join(model or '""' for model in models) or "none"
