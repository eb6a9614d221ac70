"""Where a request carries a credential, ours or a provider's. Reads text only; who it belongs to is gateway_token.py and oidc.py.

    Proxy-Authorization: Basic base64("affidavit:" token)  |  Bearer token
    Authorization: Bearer …, x-api-key: …, api-key: …, x-goog-api-key: …, ?key=…      the API-key slots of SDKs

Source: RFC 9110 11.4, 11.7.2; RFC 7617 (Basic); the slots as OpenAI, Anthropic, Azure and Google document them.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import parse_qsl

from addons.tokens.gateway_token import MINT_HINT, PREFIX, TokenRefused

USER = "affidavit"
HEADER_CHARACTERS = 16_384  # a JWT with many groups is a few thousand
JWT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")

SLOT_HEADERS = ("authorization", "x-api-key", "api-key", "x-goog-api-key")
SLOT_PARAMETERS = ("key",)

_AWS = re.compile(r"AWS4-HMAC-SHA256 .{0,40}?Credential=([A-Z0-9]{16,128})/")
_PROVIDER_KEY = re.compile(r"(?:sk-|AIza|AKIA|ASIA|ABSK|gsk_|xai-|hf_|pplx-|r8_|nvapi-|tgp_)[A-Za-z0-9_-]{10,}")
_HEADER = re.compile(r"([A-Za-z]{1,16}) +([\x21-\x7e]+)")
_PROXY_HINT = "set HTTPS_PROXY=http://affidavit:TOKEN@host:port; what to set: affidavit env"


class Holds(StrEnum):
    """What an API-key slot holds, by its form."""

    TOKEN = "afd_token"  # noqa: S105 - the name of a kind
    JWT = "jwt"  # an issuer's, ours or a provider's: only its verification can tell
    KEY = "key"  # anything else: a provider's key


@dataclass(frozen=True, slots=True)
class Slot:
    """One credential of a request, and its place."""

    place: str  # "header:x-api-key", "query:key"
    holds: Holds
    value: str = field(repr=False)  # without "Bearer "


def proxy_authorization(header: str) -> str:
    """The token in a Proxy-Authorization header. Raises TokenRefused: token_missing or token_malformed."""
    if not header.strip():
        raise TokenRefused("token_missing", f"no proxy credential was sent; {_PROXY_HINT}")
    if len(header) > HEADER_CHARACTERS:
        raise _malformed(f"expected at most {HEADER_CHARACTERS} characters, got more")
    parsed = _HEADER.fullmatch(header.strip(" \t"))
    if parsed is None:
        raise _malformed("expected a scheme and one credential of plain ASCII, got something else")
    scheme, credential = parsed[1].lower(), parsed[2]
    if scheme == "bearer":
        return _formed(credential)
    if scheme == "basic":
        return _formed(_basic(credential))
    raise _malformed("expected the scheme Basic or Bearer, got another")


def api_key_slots(headers: Iterable[tuple[str, str]], query: str) -> tuple[Slot, ...]:
    """Every credential in the API-key slots, in order; also each of several headers of one name. Total."""
    slots = []
    for name, value in headers:
        lowered = name.lower()
        if lowered in SLOT_HEADERS and (credential := _credential(lowered, value)):
            slots.append(Slot(f"header:{lowered}", _form(credential), credential))
    for name, value in parse_qsl(query, keep_blank_values=False):
        if name.lower() in SLOT_PARAMETERS:
            slots.append(Slot(f"query:{name}", _form(value), value))
    return tuple(slots)


def api_key_slot(headers: Iterable[tuple[str, str]], query: str) -> tuple[str, ...]:
    """The different gateway tokens in the API-key slots: one is a caller, two that differ are a refusal."""
    slots = api_key_slots(headers, query)
    return tuple(dict.fromkeys(slot.value for slot in slots if slot.holds is Holds.TOKEN))


def is_provider_key(value: str) -> bool:
    """Whether a text has the form of a key that a provider gives out; SDKs want some text there, whoever puts the real key on."""
    return _PROVIDER_KEY.match(value) is not None


def _credential(name: str, value: str) -> str:
    stripped = value.strip()
    if name == "authorization":
        if signed := _AWS.match(stripped):  # the signature is another one for each call; the key is not
            return signed[1]
        scheme, _, rest = stripped.partition(" ")
        return rest.strip() if scheme.lower() == "bearer" else stripped
    return stripped


def _form(value: str) -> Holds:
    if value.startswith(PREFIX):
        return Holds.TOKEN
    return Holds.JWT if JWT.fullmatch(value) else Holds.KEY


def _basic(credential: str) -> str:
    try:
        user, colon, password = b64decode(credential, validate=True).decode("ascii").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise _malformed("expected base64 of ASCII after Basic, got something else") from None
    if not colon or user != USER:
        raise _malformed(f'expected the user name "{USER}" and the token as its password, got another user name')
    return password


def _formed(token: str) -> str:
    if not token.startswith(PREFIX) and JWT.fullmatch(token) is None:
        raise _malformed(f"expected afd_ and 43 characters, or a JWT, got neither; mint a token: {MINT_HINT}")
    return token


def _malformed(sentence: str) -> TokenRefused:
    return TokenRefused("token_malformed", f"{sentence}; {_PROXY_HINT}")
