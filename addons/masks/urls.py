"""Query parameters and form fields that are credentials by name. Not a URL parser; userinfo and URLs inside text are a detector's."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import unquote_plus

import regex

_NAMES = frozenset(
    {
        *(
            "key",
            "api_key",
            "apikey",
            "api-key",
            "x-api-key",
            "subscription-key",
            "subscription_key",
            "private_key",
            "awsaccesskeyid",
        ),
        *(
            "token",
            "access_token",
            "accesstoken",
            "refresh_token",
            "id_token",
            "auth_token",
            "authtoken",
            "private_token",
            "sastoken",
            "jwt",
        ),
        *(
            "auth",
            "authorization",
            "sig",
            "signature",
            "hmac",
            "code",
            "code_verifier",
            "assertion",
            "client_assertion",
            "ticket",
            "otp",
            "pin",
        ),
        *("x-amz-signature", "x-amz-credential", "x-amz-security-token", "x-goog-signature", "x-goog-credential"),
        *(
            "secret",
            "client_secret",
            "clientsecret",
            "password",
            "passwd",
            "pwd",
            "pass",
            "passphrase",
            "credential",
            "credentials",
        ),
        *("session", "sessionid", "session_id", "sid"),
    }
)
_ENDINGS = ("_token", "-token", "_key", "-key", "_secret", "-secret", "_password", "_signature", "-signature")
_SEPARATORS = regex.compile(r"([&;])")


def is_credential(name: str) -> bool:
    """Whether a query parameter or form field of this name holds a credential."""
    name = unquote_plus(name).strip().lower()
    return name in _NAMES or name.endswith(_ENDINGS)


def each_parameter(query: str, masked: Callable[[str, str | None], str]) -> str:
    """The query with every parameter replaced by `masked(name, value)`; separators and order stay. A parameter without `=` has no value."""
    pieces = _SEPARATORS.split(query)
    return "".join(piece if piece in ("&", ";", "") else _parameter(piece, masked) for piece in pieces)


def _parameter(piece: str, masked: Callable[[str, str | None], str]) -> str:
    name, equals, value = piece.partition("=")
    return masked(name, value if equals else None)
