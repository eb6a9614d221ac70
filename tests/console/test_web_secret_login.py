"""Signing in to the console as a client with a secret, at a real OpenID provider: both ways to show it, and every way it can be missing or wrong."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from addons.console.web.site import Place
from scripts.local_certificate import throwaway_certificate
from scripts.ports import free_ports
from tests.console.browsing import with_console
from tests.console.test_web_login import back
from tests.login.provider import CONSOLE_ID, CONSOLE_SECRET, PEOPLE, oidc_provider

IDENTITY = """\
version: 1
issuers:
  - id: corp
    issuer: {issuer}
    audiences: [{client}]
    trusted_ca: {ca}
    recheck_seconds: 60
    console: {{client_id: {client}, client_secret: "{secret}"{method}}}
rights:
  - {{id: engineering-everything, groups: [engineering], connections: ["*"]}}
"""
BASIC, POST = "client_secret_basic", "client_secret_post"
REFERENCE = "${env:CONSOLE_CLIENT_SECRET}"


@contextmanager
def at_provider(tmp_path, **settings):
    """A provider that knows the address of the console to come."""
    (port,) = free_ports("127.0.0.1", 1)
    place = Place("127.0.0.1", port, certificate=str(throwaway_certificate(tmp_path)))
    with oidc_provider(tmp_path, PEOPLE, [f"https://127.0.0.1:{port}/callback"], **settings) as provider:
        yield provider, place


def signed_in(state, clock, provider, place, secret=REFERENCE, method=""):
    """Status, and what came, of bob's way through both; then the session's groups after the issuer was asked again."""
    identity = IDENTITY.format(
        issuer=provider.issuer,
        client=CONSOLE_ID,
        ca=provider.cafile,
        secret=secret,
        method=f", method: {method}" if method else "",
    )

    async def work(bench):
        browser = bench.browser()
        begun = await browser.get("/login/corp")
        if begun.status != 303:
            return begun, bench.leaves("identity.refused"), None
        came = await browser.get(await back(browser, provider, begun.location, "bob"))
        if came.status != 303:
            return came, bench.leaves("identity.refused"), None
        provider.write_people({"bob": {"groups": ["marketing"]}})
        clock.advance(61)
        await browser.get("/")
        return came, bench.leaves("identity.refused"), [row.groups for row in bench.desk.tokens.rows]

    return with_console(state, clock, work, place, identity)


@pytest.mark.parametrize(
    ("registered", "offered", "configured"),
    [(BASIC, None, ""), (POST, ["none", POST], ""), (POST, None, POST), (BASIC, ["none", BASIC, POST], BASIC)],
    ids=["basic is the rule", "post, as discovery says", "post, as the policy says", "basic, as the policy says"],
)
def test_a_client_with_a_secret_signs_people_in_and_asks_again_for_their_groups(
    state,
    real_clock,
    tmp_path,
    monkeypatch,
    registered,
    offered,
    configured,
):
    monkeypatch.setenv("CONSOLE_CLIENT_SECRET", CONSOLE_SECRET)
    settings = {"secret_method": registered} | ({"methods": offered} if offered else {})

    with at_provider(tmp_path, **settings) as (provider, place):
        came, refused, groups = signed_in(state, real_clock, provider, place, method=configured)

    assert (came.status, came.location, refused) == (303, "/", [])
    assert groups == [("marketing",)]  # bob left the approvers at the issuer: asked again, with the secret, it said so


@pytest.mark.parametrize("source", ["file", "command"])
def test_the_secret_may_be_in_a_file_or_come_from_a_command(state, real_clock, tmp_path, source):
    (tmp_path / "secret").write_text(f"{CONSOLE_SECRET}\n")
    reference = {"file": f"${{file:{tmp_path}/secret}}", "command": f"${{command: cat {tmp_path}/secret}}"}[source]

    with at_provider(tmp_path) as (provider, place):
        came, refused, _ = signed_in(state, real_clock, provider, place, reference)

    assert (came.status, refused) == (303, [])


@pytest.mark.parametrize(
    ("secret", "code"),
    [("another-secret-9471", "login_refused"), ("", "login_unconfigured")],
    ids=["wrong", "not set"],
)
def test_without_its_secret_nobody_comes_in_and_the_page_says_whose_fault_it_is(
    state,
    real_clock,
    tmp_path,
    monkeypatch,
    caplog,
    secret,
    code,
):
    monkeypatch.setenv("CONSOLE_CLIENT_SECRET", secret)

    with at_provider(tmp_path) as (provider, place):
        came, (leaf,), _ = signed_in(state, real_clock, provider, place)

    assert (came.status, leaf["code"]) == (401, code)
    assert "another-secret-9471" not in came.text + caplog.text
    assert code != "login_unconfigured" or "env:CONSOLE_CLIENT_SECRET" in caplog.text


def test_an_issuer_that_takes_no_secret_is_said_so(state, real_clock, tmp_path, monkeypatch):
    monkeypatch.setenv("CONSOLE_CLIENT_SECRET", CONSOLE_SECRET)

    with at_provider(tmp_path, secret_method="client_secret_jwt", methods=["none", "client_secret_jwt"]) as (
        provider,
        place,
    ):
        came, (leaf,), _ = signed_in(state, real_clock, provider, place)

    assert (came.status, leaf["code"]) == (401, "login_unsupported")
    assert "register the client" in came.text
