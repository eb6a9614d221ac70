"""The client's side of OpenID logins: against the real provider, and against answers that no honest provider gives."""

from __future__ import annotations

import asyncio
import json
import secrets
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from addons.console import fetch
from addons.policy.model import Issuer
from addons.tokens import oidc, oidc_flows
from addons.tokens.gateway_token import TokenRefused
from addons.tokens.key_set import key_set
from addons.tokens.oidc_flows import Ask, Client, Tokens, Wait
from tests.login.provider import CLIENT_ID, CONSOLE_ID, CONSOLE_SECRET, OidcProvider, oidc_provider

ISSUER = "https://login.example.com"
DOCUMENT = {
    "issuer": ISSUER,
    "jwks_uri": f"{ISSUER}/keys",
    "authorization_endpoint": f"{ISSUER}/auth",
    "token_endpoint": f"{ISSUER}/token",
    "device_authorization_endpoint": f"{ISSUER}/device",
}
PUBLIC = Client("affidavit-cli")


def provider_of(**changes: object) -> oidc_flows.Provider:
    return oidc_flows.discovery(ISSUER, 200, json.dumps(DOCUMENT | changes).encode())


def sent(provider: OidcProvider, ask: Ask) -> tuple[int, bytes]:
    answer = asyncio.run(fetch.fetch(ask, fetch.trust(provider.cafile)))
    return answer.status, answer.body


def discovered(provider: OidcProvider) -> oidc_flows.Provider:
    return oidc_flows.discovery(provider.issuer, *sent(provider, oidc_flows.discovery_ask(provider.issuer)))


def verified(
    provider: OidcProvider, found: oidc_flows.Provider, token: str, audience: str = CLIENT_ID
) -> oidc.Identified:
    keys = key_set(sent(provider, Ask("GET", found.jwks_uri))[1])
    rules = Issuer("test", provider.issuer, (audience,))
    return oidc.verify(token, rules, keys, datetime.now(UTC))


# Against the real provider


@pytest.mark.parametrize(
    "client", [PUBLIC, Client(CONSOLE_ID, CONSOLE_SECRET)], ids=["public, native", "with a secret, web"]
)
def test_a_person_signs_in_by_browser_and_the_id_token_names_them(tmp_path: Path, client: Client) -> None:
    redirect = "http://127.0.0.1:7777/callback" if client is PUBLIC else "https://127.0.0.1:7777/callback"
    with oidc_provider(tmp_path, web_redirect_uris=[redirect]) as provider:
        found = discovered(provider)
        pending = oidc_flows.begin(found, client, redirect, secrets.token_bytes)
        back = provider.sign_in(pending.url, "alice")
        code = oidc_flows.code_of(pending, urlsplit(back).query)
        tokens = oidc_flows.tokens(*sent(provider, oidc_flows.code_ask(found, client, pending, code)))
        oidc_flows.check_nonce(pending, tokens.id_token)

        caller = verified(provider, found, tokens.id_token, client.id).caller

    assert (caller.subject, caller.email, caller.groups) == (
        f"{provider.issuer}|alice",
        "alice@example.com",
        ("engineering",),
    )
    assert tokens.refresh_token


def test_a_device_login_waits_for_the_person_and_a_refresh_brings_new_groups_until_they_have_left(
    tmp_path: Path,
) -> None:
    with oidc_provider(tmp_path) as provider:
        found = discovered(provider)
        device = oidc_flows.device(*sent(provider, oidc_flows.device_ask(found, PUBLIC)))
        before = oidc_flows.polled(*sent(provider, oidc_flows.device_poll_ask(found, PUBLIC, device)))
        provider.enter_code(device.verification_uri, device.user_code, "alice")
        tokens = oidc_flows.polled(*sent(provider, oidc_flows.device_poll_ask(found, PUBLIC, device)))
        assert isinstance(tokens, Tokens)
        provider.write_people({"alice": {"groups": ["marketing"]}})
        refreshed = oidc_flows.tokens(*sent(provider, oidc_flows.refresh_ask(found, PUBLIC, tokens.refresh_token)))
        provider.write_people({})
        gone = refreshed.refresh_token or tokens.refresh_token

        with pytest.raises(TokenRefused) as refusal:
            oidc_flows.tokens(*sent(provider, oidc_flows.refresh_ask(found, PUBLIC, gone)))

        assert before == Wait()
        assert verified(provider, found, tokens.id_token).caller.groups == ("engineering",)
        assert verified(provider, found, refreshed.id_token).caller.groups == ("marketing",)
    assert refusal.value.code == "login_over"


def test_a_code_is_worth_nothing_without_its_verifier(tmp_path: Path) -> None:
    with oidc_provider(tmp_path) as provider:
        found = discovered(provider)
        pending, other = (
            oidc_flows.begin(found, PUBLIC, "http://127.0.0.1:7777/callback", secrets.token_bytes) for _ in range(2)
        )
        code = oidc_flows.code_of(pending, urlsplit(provider.sign_in(pending.url, "alice")).query)

        with pytest.raises(TokenRefused) as refusal:
            oidc_flows.tokens(*sent(provider, oidc_flows.code_ask(found, PUBLIC, other, code)))

    assert refusal.value.code == "login_over"


def test_a_provider_whose_certificate_nobody_vouches_for_is_not_spoken_to(tmp_path: Path) -> None:
    with oidc_provider(tmp_path) as provider, pytest.raises(fetch.Unreachable):
        asyncio.run(fetch.fetch(oidc_flows.discovery_ask(provider.issuer)))


def test_an_answer_is_read_to_its_bound_and_no_further(tmp_path: Path) -> None:
    with (
        oidc_provider(tmp_path, {f"p{n}": {"groups": []} for n in range(2)}) as provider,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(fetch, "DOCUMENT_BYTES", 500)
        with pytest.raises(fetch.Unreachable):
            asyncio.run(fetch.fetch(oidc_flows.discovery_ask(provider.issuer), fetch.trust(provider.cafile)))


# What no honest provider sends


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://login.example.com/"},
        {"issuer": None},
        {"jwks_uri": ""},
        {"jwks_uri": "http://login.example.com/keys"},
        {"jwks_uri": "https://user@login.example.com/keys"},
        {"token_endpoint": "file:///etc/passwd"},
        {"token_endpoint": "http://169.254.169.254/token"},
        {"authorization_endpoint": ["https://login.example.com/auth"]},
        {"device_authorization_endpoint": "https://login.example.com/#x"},
        {"authorization_endpoint": "https://[login.example.com/auth"},
    ],
    ids=str,
)
def test_a_discovery_document_that_leads_elsewhere_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(TokenRefused) as refusal:
        provider_of(**changes)

    assert refusal.value.code == "provider_malformed"


def begun(**changes: object) -> oidc_flows.Pending:
    return oidc_flows.begin(provider_of(**changes), PUBLIC, "http://127.0.0.1:1/callback", secrets.token_bytes)


def test_every_login_has_its_own_state_nonce_and_verifier_and_sends_no_verifier() -> None:
    first, second = begun(), begun()

    query = parse_qs(urlsplit(first.url).query)

    assert len({first.state, first.nonce, first.verifier, second.state, second.nonce, second.verifier}) == 6
    assert query["code_challenge_method"] == ["S256"]
    assert first.verifier not in first.url
    assert first.verifier not in repr(first)


@pytest.mark.parametrize(
    "query",
    [
        "code=c",
        "code=c&state=",
        "code=c&state=other",
        "code=c&state={state}&iss=https://evil.example.com",
        "code=a&code=b&state={state}&iss=https://login.example.com",
        "state={state}&iss=https://login.example.com",
        "error=access_denied&state={state}&iss=https://login.example.com",
        "error=%1b[2J&state={state}&iss=https://login.example.com",
        "code=c&state=%ff%fe",
    ],
)
def test_an_answer_that_does_not_fit_the_login_is_refused(query: str) -> None:
    pending = begun()

    with pytest.raises(TokenRefused) as refusal:
        oidc_flows.code_of(pending, query.format(state=pending.state))

    assert refusal.value.code == "login_refused"
    assert "\x1b" not in refusal.value.hint


def test_a_provider_that_names_itself_always_must_always_do_so() -> None:
    pending = begun(authorization_response_iss_parameter_supported=True)

    with pytest.raises(TokenRefused):
        oidc_flows.code_of(pending, f"code=c&state={pending.state}")


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (503, b"", "provider_down"),
        (429, b"", "provider_down"),
        (400, b'{"error": "invalid_grant"}', "login_over"),
        (400, b'{"error": "expired_token"}', "login_over"),
        (401, b'{"error": "invalid_client", "error_description": "secret s3cr3t is wrong"}', "login_refused"),
        (302, b"", "login_refused"),
        (200, b"<html>", "provider_malformed"),
        (200, b"{}", "provider_malformed"),
        (200, b'{"id_token": 7}', "provider_malformed"),
        (200, b'{"id_token": "a", "id_token": "b"}', "provider_malformed"),
        (200, b'{"id_token": ' + b"[" * 100_000, "provider_malformed"),
        (200, b'{"id_token": "' + b"a" * (1 << 19) + b'"}', "provider_malformed"),
    ],
)
def test_a_bad_token_answer_has_its_own_code_and_repeats_nothing(status: int, body: bytes, code: str) -> None:
    with pytest.raises(TokenRefused) as refusal:
        oidc_flows.tokens(status, body)

    assert refusal.value.code == code
    assert "s3cr3t" not in refusal.value.hint


@pytest.mark.parametrize(
    "changes",
    [
        {"verification_uri": "javascript:alert(1)"},
        {"verification_uri_complete": "http://example.com/"},
        {"user_code": "\x1b[2J"},
        {"user_code": ""},
        {"device_code": None},
        {"expires_in": "600"},
        {"expires_in": 0},
        {"interval": -1},
        {"interval": True},
    ],
    ids=str,
)
def test_a_device_answer_that_could_mislead_a_person_is_refused(changes: dict[str, object]) -> None:
    good = {"device_code": "d", "user_code": "ABCD", "verification_uri": f"{ISSUER}/device", "expires_in": 600}
    assert oidc_flows.device(200, json.dumps(good).encode()).interval_seconds == 5

    with pytest.raises(TokenRefused):
        oidc_flows.device(200, json.dumps(good | changes).encode())


def test_a_poll_that_comes_too_soon_is_slowed() -> None:
    assert oidc_flows.polled(400, b'{"error": "slow_down"}') == Wait(5)


def test_a_secret_goes_into_the_header_and_never_into_a_repr() -> None:
    ask = oidc_flows.refresh_ask(provider_of(), Client("console", "s3cr3t"), "refresh-token")

    assert b"s3cr3t" not in ask.body
    assert "s3cr3t" not in repr(ask) + repr(Client("console", "s3cr3t"))
    assert "refresh-token" not in repr(ask)
