"""identity.yaml: who may say who people are, and what those people may use. Its commented example: policies/identity.yaml."""

from __future__ import annotations

import re

from addons.policy import forms
from addons.policy.fields import Fields, Form, Marked
from addons.policy.model import (
    EVERYONE,
    ClaimRule,
    ConsoleClient,
    ConsoleRoles,
    Effect,
    Identity,
    Issuer,
    IssuerKind,
    LocalIssuer,
    Right,
    SecretMethod,
    Source,
)
from addons.policy.references import reference
from addons.policy.times import TIME_KEYS, read_time

KEYS = ("version", "local", "issuers", "rights", "roles")
ROLE_KEYS = ("auditor", "admin")
ISSUER_KEYS = (
    "id", "issuer", "kind", "audiences", "authorized_parties", "algorithms", "jwks", "trusted_ca", "client_id", "console", "scopes", "claims",
    "groups", "groups_from", "require", "run_url", "leeway_seconds", "session_seconds", "recheck_seconds", "offline_seconds",
)  # fmt: skip
CONSOLE_KEYS = ("client_id", "client_secret", "method")
CLAIM_KEYS = ("subject", "email", "groups", "groups_in_words")
REQUIRE_KEYS = ("claim", "is")
RIGHT_KEYS = (
    "id", "groups", "subjects", "connections", "models", "endpoints", "time", "tokens_a_day", "purpose", "effect",
)  # fmt: skip

LOCAL = "local"  # the issuer part of subjects whose tokens were minted here
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_ALGORITHM = Form(f"an algorithm ({', '.join(ALGORITHMS)})", lambda text: text in ALGORITHMS)
_ABSOLUTE = Form("the absolute path of a file", lambda text: text.startswith("/") and text.isprintable())
_SCOPE = Form("a scope (no blanks)", lambda text: re.fullmatch(r"[\x21\x23-\x5b\x5d-\x7e]{1,128}", text) is not None)
_RUN_URL = Form(
    'an https URL with claims in braces ("https://github.com/{repository}/actions/runs/{run_id}")',
    lambda text: (
        re.fullmatch(
            r"https://[A-Za-z0-9.-]+(?:/(?:[A-Za-z0-9._~/-]|\{[a-z_]{1,64}\})*)?|\{iss\}/(?:[A-Za-z0-9._~/-]|\{[a-z_]{1,64}\})*",
            text,
        )
        is not None
    ),
)
_GROUPS_FROM = Form(
    '"${file:/path}" or "${command: name words}"',
    lambda text: (found := reference(text)) is not None and found.source in (Source.FILE, Source.COMMAND),
)
_SECRET = Form(
    'a reference to the secret ("${env:NAME}", "${file:/path}", "${command: name words}", "${keyring:service/name}", "${vault:mount/path#field}")',
    lambda text: reference(text) is not None,
    secret=True,
)
_LONGEST_LEEWAY = 300
_WEEK, _DAY_SECONDS = 604_800, 86_400
_MOST_TOKENS = 10**12


def read(fields: Fields) -> Identity:
    return Identity(
        local=fields.choice("local", LocalIssuer, LocalIssuer.TRIAL),
        issuers=tuple(_issuer(issuer) for issuer in fields.each("issuers", "issuer", ISSUER_KEYS, required=False)),
        rights=tuple(_right(right) for right in fields.each("rights", "right", RIGHT_KEYS)),
        roles=_roles(fields.inner("roles", ROLE_KEYS, required=False)),
    )


def _roles(fields: Fields | None) -> ConsoleRoles:
    if fields is None:
        return ConsoleRoles()
    return ConsoleRoles(*(fields.texts(role, forms.GROUP, ()) for role in ROLE_KEYS))


def _issuer(fields: Fields) -> Issuer:
    issuer_id = fields.own_id("issuer")
    if issuer_id == LOCAL:
        fields.reading.fault(
            fields.at("id"), "another id", f'"{LOCAL}", which is this machine\'s own', "rename the issuer"
        )
    url = fields.text("issuer", forms.URL)
    fields.reading.declare("URL of an issuer", Marked(url, fields.at("issuer")))
    claims = fields.inner("claims", CLAIM_KEYS, required=False)
    kind = fields.choice("kind", IssuerKind, IssuerKind.PEOPLE)
    require = tuple(
        _requirement(each) for each in fields.each("require", "required claim", REQUIRE_KEYS, required=False)
    )
    if kind is IssuerKind.WORKLOADS and not require and fields.readable:
        fields.reading.fault(
            fields.line, "require in an issuer of workloads", "none",
            "say which jobs are yours (repository, namespace): such issuers vouch for everybody's",
        )  # fmt: skip
    groups_from = fields.text("groups_from", _GROUPS_FROM, "")
    return Issuer(
        id=issuer_id,
        issuer=url,
        audiences=fields.texts("audiences", forms.LINE),
        authorized_parties=fields.texts("authorized_parties", forms.LINE, ()),
        algorithms=fields.texts("algorithms", _ALGORITHM, ("RS256", "ES256")),
        jwks=fields.text("jwks", forms.URL, ""),
        trusted_ca=fields.text("trusted_ca", _ABSOLUTE, ""),
        kind=kind,
        client_id=fields.text("client_id", forms.LINE, ""),
        console=_console(fields.inner("console", CONSOLE_KEYS, required=False)),
        scopes=fields.texts("scopes", _SCOPE, ("openid", "profile", "email", "offline_access")),
        subject_claim=_path(claims, "subject", ("sub",)),
        email_claim=_path(claims, "email", ("email",)),
        groups_claim=_path(claims, "groups", ("groups",)),
        groups_in_words=claims is not None and claims.flag("groups_in_words", default=False),
        groups=fields.texts("groups", forms.GROUP, ()),
        groups_from=reference(groups_from),
        require=require,
        run_url=fields.text("run_url", _RUN_URL, ""),
        leeway_seconds=fields.whole("leeway_seconds", 0, _LONGEST_LEEWAY, 30),
        session_seconds=fields.whole("session_seconds", 60, _WEEK, 43_200),
        recheck_seconds=fields.whole("recheck_seconds", 1, _DAY_SECONDS, 300),
        offline_seconds=fields.whole("offline_seconds", 1, _DAY_SECONDS, 3600),
    )


def _console(fields: Fields | None) -> ConsoleClient | None:
    if fields is None:
        return None
    client_id, secret = fields.text("client_id", forms.LINE), reference(fields.text("client_secret", _SECRET))
    method = fields.choice("method", SecretMethod) if "method" in fields else None
    return ConsoleClient(client_id, secret, method) if secret else None


def _requirement(fields: Fields) -> ClaimRule:
    return ClaimRule(fields.texts("claim", forms.LINE), fields.texts("is", forms.GLOB))


def _path(claims: Fields | None, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
    """A claim's name, or the list of names that leads to it."""
    return default if claims is None else claims.texts(key, forms.LINE, default)


def _right(fields: Fields) -> Right:
    right_id = fields.own_id("rule")
    connections = fields.marked("connections", forms.ID_GLOB)
    for connection in connections:
        if connection.text != "*":
            fields.reading.mention(connection, "connection")
    return Right(
        id=right_id,
        groups=fields.texts("groups", forms.GROUP),
        connections=tuple(connection.text for connection in connections),
        models=fields.texts("models", forms.MODEL_GLOB, ("*",)),
        effect=(effect := fields.choice("effect", Effect, Effect.ALLOW)),
        subjects=fields.texts("subjects", forms.GLOB, (EVERYONE,)),
        endpoints=fields.texts("endpoints", forms.GLOB, (EVERYONE,)),
        time=read_time(fields.inner("time", TIME_KEYS, required=False)),
        tokens_a_day=fields.whole("tokens_a_day", 1, _MOST_TOKENS, 0) if "tokens_a_day" in fields else 0,
        purpose=_purpose(fields, effect),
    )


def _purpose(fields: Fields, effect: Effect) -> re.Pattern[str] | None:
    if "purpose" in fields and effect is Effect.DENY:
        fields.reading.fault(
            fields.at("purpose"),
            "purpose in a right that allows",
            "one in a denial",
            "put it into the right that allows",
        )
    return forms.pattern(fields, "purpose")
