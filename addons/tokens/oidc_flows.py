"""How a person proves to an OpenID provider who they are: what to ask it, and what its answers mean. Sans-IO: nothing is sent here.

Every function that asks gives an `Ask` (addons/console/fetch.py sends it); every function that reads takes the status and the
bytes of the answer. State, nonce, verifier: 256 random bits each, from the `random` that is passed in.

    discovery_ask(issuer) -> Ask                    discovery(issuer, status, body) -> Provider
  in a browser, on this machine or at a web console (authorization code with PKCE, S256 only):
    begin(provider, client, redirect_uri, random) -> Pending      send the person to pending.url; keep `pending` on our side
    code_of(pending, query) -> str                  query: what came back to the redirect URI; state and iss are checked
    code_ask(provider, client, pending, code) -> Ask              tokens(status, body) -> Tokens
    check_nonce(pending, tokens.id_token)           after oidc.verify(): the token answers this very login
  where there is no browser (device grant):
    device_ask(provider, client) -> Ask             device(status, body) -> Device: show user_code and verification_uri
    device_poll_ask(provider, client, device) -> Ask              polled(status, body) -> Tokens | Wait
  later:
    refresh_ask(provider, client, refresh_token) -> Ask           tokens(status, body) -> Tokens

TokenRefused carries a code: login_refused (the provider said no), login_over (refresh token, code or device code is no longer
good: the person has to sign in again, or is gone), provider_down (5xx or 429), provider_malformed. Never with a token in it.
Whether an ID token is good is oidc.verify()'s to say, with the issuer's rules; a token that came over TLS from the provider is verified all the same.

Source: OpenID Connect Discovery 1.0, 3-4; OpenID Connect Core 1.0, 3.1; RFC 6749; RFC 7636 (PKCE); RFC 8628 (device grant);
RFC 9207 (iss in the answer); RFC 8252 7.3 (loopback redirects); RFC 9700 (best practice).
"""

from __future__ import annotations

import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from addons.tokens.gateway_token import TokenRefused
from addons.tokens.oidc import unverified_claims
from addons.tokens.strict_json import Malformed, parsed_object

DOCUMENT_BYTES = 256 * 1024
WELL_KNOWN = "/.well-known/openid-configuration"
SCOPES = ("openid", "profile", "email", "offline_access")
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
LOGIN_HINT = "sign in again: affidavit login"

BASIC, POST = "client_secret_basic", "client_secret_post"
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_ERROR = re.compile(r"[a-z_]{1,64}")
_OVER = ("invalid_grant", "expired_token")
_NEVER = ("access_denied", "consent_required", "login_required", "interaction_required")
_DEFAULT_POLL_SECONDS = 5  # RFC 8628, 3.2
_SLOWER_SECONDS = 5  # RFC 8628, 3.5
_LONGEST_DEVICE_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Ask:
    """One HTTP request to a provider."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Client:
    """What we are registered as. secret "": a public client, as on a laptop; PKCE stands in for it."""

    id: str
    secret: str = field(default="", repr=False)
    method: str = ""  # BASIC or POST; "": as the provider says
    scopes: tuple[str, ...] = SCOPES


@dataclass(frozen=True, slots=True)
class Provider:
    """The part of a discovery document that we use. "": the provider has none."""

    issuer: str
    jwks_uri: str
    authorization_endpoint: str = ""
    token_endpoint: str = ""
    device_authorization_endpoint: str = ""
    end_session_endpoint: str = ""
    names_itself: bool = False  # puts `iss` into its answers, RFC 9207
    methods: tuple[str, ...] = (BASIC,)  # how clients prove to its token endpoint who they are


@dataclass(frozen=True, slots=True)
class Pending:
    """A login that has begun in a browser. Kept by whoever began it; only `url` leaves."""

    url: str = field(repr=False)
    issuer: str
    redirect_uri: str
    names_itself: bool
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a provider gave. Secrets: kept in memory at most."""

    id_token: str = field(repr=False)  # "": a refresh that brought none
    access_token: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)  # "": none, or the one that was sent stays good


@dataclass(frozen=True, slots=True)
class Device:
    """A device login that has begun."""

    device_code: str = field(repr=False)
    user_code: str
    verification_uri: str
    verification_uri_complete: str  # "": none
    expires_seconds: int
    interval_seconds: int


@dataclass(frozen=True, slots=True)
class Wait:
    """The person has not finished: ask again after the interval, made longer by `slower_seconds`."""

    slower_seconds: int = 0


# Discovery


def discovery_ask(issuer: str) -> Ask:
    return Ask("GET", issuer.rstrip("/") + WELL_KNOWN, (("accept", "application/json"),))


def discovery(issuer: str, status: int, body: bytes) -> Provider:
    """The document must name the very issuer it was fetched for (Discovery 4.3), and lead to https only (loopback aside)."""
    document = _object(status, body, "the discovery document")
    if document.get("issuer") != issuer:
        raise _malformed("the discovery document names another issuer; correct `issuer` in identity.yaml")
    found = {
        name: _endpoint(document, name)
        for name in (
            "jwks_uri",
            "authorization_endpoint",
            "token_endpoint",
            "device_authorization_endpoint",
            "end_session_endpoint",
        )
    }
    if not found["jwks_uri"]:
        raise _malformed("the discovery document names no jwks_uri")
    named = document.get("authorization_response_iss_parameter_supported") is True
    methods = document.get("token_endpoint_auth_methods_supported", [BASIC])  # left out: basic; Discovery 1.0, 3
    if not isinstance(methods, list):
        raise _malformed("token_endpoint_auth_methods_supported of the discovery document is no list")
    return Provider(issuer=issuer, names_itself=named, methods=tuple(map(str, methods)), **found)


def _endpoint(document: Mapping[str, Any], name: str) -> str:
    url = document.get(name, "")
    if url == "":
        return ""
    if not isinstance(url, str) or not safe_url(url):
        raise _malformed(f"{name} of the discovery document is not an https URL")
    return url


def safe_url(url: str) -> bool:
    """https, or http on this machine; no user, no fragment."""
    try:
        parts = urlsplit(url)
        local = parts.hostname in _LOOPBACK
    except ValueError:
        return False
    return (
        (parts.scheme == "https" or (parts.scheme == "http" and local))
        and bool(parts.hostname)
        and "@" not in parts.netloc
        and not parts.fragment
        and url.isprintable()
    )


# Authorization code with PKCE


def begin(provider: Provider, client: Client, redirect_uri: str, random: Callable[[int], bytes]) -> Pending:
    if not provider.authorization_endpoint or not provider.token_endpoint:
        raise TokenRefused(
            "login_unsupported", "the issuer has no authorization endpoint; try: affidavit login --device"
        )
    state, nonce, verifier = (_text(random(32)) for _ in range(3))
    challenge = _text(sha256(verifier.encode()).digest())
    query = urlencode(
        {
            "response_type": "code",
            "client_id": client.id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(client.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **_consent(client),
        }
    )
    mark = "&" if "?" in provider.authorization_endpoint else "?"
    url = f"{provider.authorization_endpoint}{mark}{query}"
    return Pending(url, provider.issuer, redirect_uri, provider.names_itself, state, nonce, verifier)


def code_of(pending: Pending, query: str) -> str:
    """The code in what came back to the redirect URI."""
    pairs = parse_qsl(query, keep_blank_values=True)
    answer = dict(pairs)
    if len(answer) != len(pairs):
        raise _refused("the answer names a parameter twice")
    if not compare_digest(answer.get("state", "").encode(), pending.state.encode()):
        raise _refused("the answer belongs to another login (state)")
    if (pending.names_itself or "iss" in answer) and answer.get("iss") != pending.issuer:
        raise _refused("the answer comes from another issuer (iss)")
    if "error" in answer:
        raise _said_no(answer["error"])
    if not answer.get("code"):
        raise _refused("the answer holds no code")
    return answer["code"]


def code_ask(provider: Provider, client: Client, pending: Pending, code: str) -> Ask:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": pending.redirect_uri,
        "code_verifier": pending.verifier,
    }
    return _form(provider.token_endpoint, provider, client, form)


def check_nonce(pending: Pending, id_token: str) -> None:
    """The ID token answers this login and no other. Its signature is checked elsewhere: oidc.verify()."""
    nonce = unverified_claims(id_token).get("nonce")
    if not isinstance(nonce, str) or not compare_digest(nonce.encode(), pending.nonce.encode()):
        raise _refused("the ID token belongs to another login (nonce)")


# Device grant


def device_ask(provider: Provider, client: Client) -> Ask:
    if not provider.device_authorization_endpoint:
        raise TokenRefused("login_unsupported", "the issuer has no device grant; sign in by browser: affidavit login")
    return _form(
        provider.device_authorization_endpoint, provider, client, {"scope": " ".join(client.scopes), **_consent(client)}
    )


def device(status: int, body: bytes) -> Device:
    answer = _object(status, body, "the device answer")
    texts = {name: answer.get(name) for name in ("device_code", "user_code", "verification_uri")}
    complete = answer.get("verification_uri_complete", "")
    expires, interval = answer.get("expires_in"), answer.get("interval", _DEFAULT_POLL_SECONDS)
    for name, value in texts.items():
        if not isinstance(value, str) or not 0 < len(value) <= 2048 or not value.isprintable():
            raise _malformed(f"the device answer lacks {name}")
    if not safe_url(str(texts["verification_uri"])) or not (
        complete == "" or (isinstance(complete, str) and safe_url(complete))
    ):
        raise _malformed("the device answer leads to something that is not an https URL")
    if type(expires) is not int or type(interval) is not int or expires < 1 or interval < 0:
        raise _malformed("the device answer lacks expires_in or interval in seconds")
    return Device(
        **{name: str(value) for name, value in texts.items()},
        verification_uri_complete=complete,
        expires_seconds=min(expires, _LONGEST_DEVICE_SECONDS),
        interval_seconds=interval,
    )


def device_poll_ask(provider: Provider, client: Client, begun: Device) -> Ask:
    return _form(
        provider.token_endpoint, provider, client, {"grant_type": DEVICE_GRANT, "device_code": begun.device_code}
    )


def polled(status: int, body: bytes) -> Tokens | Wait:
    error = _error_of(body) if status == 400 else ""
    if error == "authorization_pending":
        return Wait()
    if error == "slow_down":
        return Wait(_SLOWER_SECONDS)
    return tokens(status, body)


# Tokens


def check_age(auth_time: datetime | None, longest: timedelta, now: datetime) -> None:
    """What was asked for as max_age was done; an issuer that does not say when (it must, OpenID Connect Core 3.1.2.1) is believed."""
    if auth_time is not None and now - auth_time > longest:
        raise TokenRefused(
            "login_too_old",
            "the issuer did not ask who you are, though the last time is too long ago; sign out there, and sign in again",
        )


def refresh_ask(provider: Provider, client: Client, refresh_token: str) -> Ask:
    return _form(
        provider.token_endpoint, provider, client, {"grant_type": "refresh_token", "refresh_token": refresh_token}
    )


def tokens(status: int, body: bytes) -> Tokens:
    answer = _object(status, body, "the token answer")
    found = {name: answer.get(name, "") for name in ("id_token", "access_token", "refresh_token")}
    if not all(isinstance(value, str) for value in found.values()) or not found["id_token"] + found["access_token"]:
        raise _malformed("the token answer holds no token")
    return Tokens(**found)


# Inside


def _consent(client: Client) -> dict[str, str]:
    """A refresh token needs consent to offline access: OpenID Connect Core 11."""
    return {"prompt": "consent"} if "offline_access" in client.scopes else {}


def _form(url: str, provider: Provider, client: Client, fields: Mapping[str, str]) -> Ask:
    """RFC 6749 2.3.1: a secret goes into the Authorization header, or into the form; a public client says its id in the form."""
    headers = [("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json")]
    method = _method(provider, client) if client.secret else ""
    if method == POST:
        fields = {**fields, "client_id": client.id, "client_secret": client.secret}
    elif method == BASIC:
        pair = f"{quote(client.id, safe='')}:{quote(client.secret, safe='')}"
        headers.append(("authorization", f"Basic {b64encode(pair.encode()).decode()}"))
    else:
        fields = {**fields, "client_id": client.id}
    if not url:
        raise TokenRefused("login_unsupported", "the issuer has no token endpoint; see its discovery document")
    return Ask("POST", url, tuple(headers), urlencode(fields).encode())


def _method(provider: Provider, client: Client) -> str:
    """Basic, which every provider must take (RFC 6749, 2.3.1), unless only the other is offered."""
    if client.method:
        return client.method
    if offered := next((method for method in (BASIC, POST) if method in provider.methods), ""):
        return offered
    raise TokenRefused(
        "login_unsupported",
        f"the issuer's token endpoint takes neither {BASIC} nor {POST}; register the client for one of them",
    )


def _object(status: int, body: bytes, what: str) -> Mapping[str, Any]:
    if status >= 500 or status == 429:
        raise TokenRefused("provider_down", f"the issuer answers {status}; try again later")
    if status != 200:
        raise _said_no(_error_of(body))
    if len(body) > DOCUMENT_BYTES:
        raise _malformed(f"{what} has more than {DOCUMENT_BYTES} bytes")
    try:
        return parsed_object(body)
    except Malformed as fault:
        raise _malformed(f"{what}: {fault}") from None


def _error_of(body: bytes) -> str:
    try:
        error = parsed_object(body[:DOCUMENT_BYTES]).get("error", "")
    except Malformed:
        return ""
    return error if isinstance(error, str) else ""


def _said_no(error: str) -> TokenRefused:
    """Only the code is repeated: error_description is the provider's free text."""
    word = error if _ERROR.fullmatch(error) else "no reason"
    if word in _OVER:
        return TokenRefused("login_over", f"the issuer says {word}: this login is over; {LOGIN_HINT}")
    hint = (
        LOGIN_HINT
        if word in _NEVER
        else "compare client_id, redirect URI and scopes with what the issuer has registered"
    )
    return TokenRefused("login_refused", f"the issuer says {word}; {hint}")


def _refused(sentence: str) -> TokenRefused:
    return TokenRefused("login_refused", f"{sentence}; {LOGIN_HINT}")


def _malformed(sentence: str) -> TokenRefused:
    return TokenRefused("provider_malformed", sentence)


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
