"""Which headers are credentials by their name alone. Their values never reach the record, whatever the policy says. Not a parser of headers."""

from __future__ import annotations

_NAMES = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "authentication-info",
        "proxy-authentication-info",
        "cookie",
        "cookie2",
        "set-cookie",
        "set-cookie2",
        "api-key",
        "apikey",
        "x-api-key",
        "x-apikey",
        "x-goog-api-key",
        "x-goog-iam-authorization-token",
        "x-amz-security-token",
        "x-amz-content-sha256-signature",
        "ocp-apim-subscription-key",
        "openai-organization",
        "openai-project",
        "x-forwarded-authorization",
        "x-original-authorization",
        "x-csrf-token",
        "x-signature",
        "signature",
        "x-hub-signature",
        "x-hub-signature-256",
        "x-session-id",
        "x-secret",
        "x-password",
    }
)
_ENDINGS = (
    "-token",
    "_token",
    "-secret",
    "-api-key",
    "-apikey",
    "-access-key",
    "-secret-key",
    "-auth-key",
    "-authorization",
    "-password",
    "-credential",
)


def is_credential(name: str) -> bool:
    """By name alone; any case."""
    name = name.strip().lower()
    return name in _NAMES or name.endswith(_ENDINGS)
