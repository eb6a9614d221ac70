"""identity.yaml: who may say who people are, and what those people may use. Its commented example: policies/identity.yaml."""

from __future__ import annotations

from addons.policy import forms
from addons.policy.fields import Fields, Form, Marked
from addons.policy.model import Effect, Identity, Issuer, LocalIssuer, Right

KEYS = ("version", "local", "issuers", "rights")
ISSUER_KEYS = (
    "id",
    "issuer",
    "audiences",
    "authorized_parties",
    "algorithms",
    "jwks",
    "client_id",
    "claims",
    "leeway_seconds",
)
CLAIM_KEYS = ("subject", "email", "groups")
RIGHT_KEYS = ("id", "groups", "connections", "models", "effect")

LOCAL = "local"  # the issuer part of subjects whose tokens were minted here
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_ALGORITHM = Form(f"an algorithm ({', '.join(ALGORITHMS)})", lambda text: text in ALGORITHMS)
_LONGEST_LEEWAY = 300


def read(fields: Fields) -> Identity:
    return Identity(
        local=fields.choice("local", LocalIssuer, LocalIssuer.TRIAL),
        issuers=tuple(_issuer(issuer) for issuer in fields.each("issuers", "issuer", ISSUER_KEYS, required=False)),
        rights=tuple(_right(right) for right in fields.each("rights", "right", RIGHT_KEYS)),
    )


def _issuer(fields: Fields) -> Issuer:
    issuer_id = fields.own_id("issuer")
    if issuer_id == LOCAL:
        fields.reading.fault(
            fields.at("id"), "another id", f'"{LOCAL}", which is this machine\'s own', "rename the issuer"
        )
    url = fields.text("issuer", forms.URL)
    fields.reading.declare("URL of an issuer", Marked(url, fields.at("issuer")))
    claims = fields.inner("claims", CLAIM_KEYS, required=False)
    return Issuer(
        id=issuer_id,
        issuer=url,
        audiences=fields.texts("audiences", forms.LINE),
        authorized_parties=fields.texts("authorized_parties", forms.LINE, ()),
        algorithms=fields.texts("algorithms", _ALGORITHM, ("RS256", "ES256")),
        jwks=fields.text("jwks", forms.URL, ""),
        client_id=fields.text("client_id", forms.LINE, ""),
        subject_claim=_path(claims, "subject", ("sub",)),
        email_claim=_path(claims, "email", ("email",)),
        groups_claim=_path(claims, "groups", ("groups",)),
        leeway_seconds=fields.whole("leeway_seconds", 0, _LONGEST_LEEWAY, 30),
    )


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
        effect=fields.choice("effect", Effect, Effect.ALLOW),
    )
