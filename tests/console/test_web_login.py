"""Signing in to the console at a real OpenID provider: who comes in, with what proof, and every way it can go wrong."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from addons.approvals.state import State
from addons.console.web import signing_in
from addons.console.web.begun import LASTS
from tests.console.browsing import with_console
from tests.login.provider import CLIENT_ID, PEOPLE, oidc_provider

ISSUER = """\
version: 1
issuers:
  - id: corp
    issuer: {issuer}
    audiences: [{client}]
    trusted_ca: {ca}
    client_id: {client}
    recheck_seconds: 3600
rights:
  - {{id: engineering-everything, groups: [engineering], connections: ["*"]}}
roles:
  auditor: [auditors]
"""


@pytest.fixture
def provider(tmp_path):
    people = PEOPLE | {"eve": {"email": "eve@example.com", "groups": ["marketing"]}}
    with oidc_provider(tmp_path, people) as made:
        yield made


def run(state, clock, provider, work):
    identity = ISSUER.format(issuer=provider.issuer, client=CLIENT_ID, ca=provider.cafile)
    return with_console(state, clock, work, identity=identity)


async def to_the_provider(browser, path="/login/corp"):
    answer = await browser.get(path)
    assert answer.status == 303, answer.text
    return answer


async def back(browser, provider, url, who):
    """Signs in there, and follows the way back to our callback."""
    there = await asyncio.to_thread(provider.sign_in, url, who)
    parts = urlsplit(there)
    assert parts.path == "/callback"
    return f"{parts.path}?{parts.query}"


async def signed_in(bench, provider, who):
    browser = bench.browser()
    begun = await to_the_provider(browser)
    return browser, await browser.get(await back(browser, provider, begun.location, who))


def test_an_approver_signs_in_decides_and_the_record_says_how_they_proved_it(state, real_clock, provider):
    async def work(bench):
        approval = await bench.hold("say: hello")
        browser = bench.browser()
        begun = await to_the_provider(browser, f"/login/corp?next=/approvals/{approval.id}")
        came = await browser.get(await back(browser, provider, begun.location, "bob"))
        page = await browser.get(came.location)
        await browser.post(
            f"/approvals/{approval.id}/approve", {"form_token": page.form_token, "reason": "checked with the customer"}
        )
        return approval, begun, came, bench.desk.approval(approval.id)

    before, begun, came, approval = run(state, real_clock, provider, work)

    assert "code_challenge_method=S256" in begun.location
    assert came.location == f"/approvals/{before.id}"
    assert "SameSite=Strict" in came.headers["set-cookie"]
    assert (approval.state, approval.approver) == (State.APPROVED, f"{provider.issuer}|bob")
    (vote,) = approval.votes
    assert vote.issuer == provider.issuer
    assert abs((vote.auth_time - vote.at).total_seconds()) < 60


def test_whoever_proved_it_too_long_ago_does_not_come_in_and_it_is_recorded(state, real_clock, provider, monkeypatch):
    """An issuer that does not heed max_age."""
    monkeypatch.setattr(signing_in, "LONGEST", timedelta(0))

    async def work(bench):
        browser = bench.browser()
        way_back = await back(browser, provider, (await to_the_provider(browser)).location, "bob")
        real_clock.advance(240)
        came = await browser.get(way_back)
        return browser.cookies, came, bench.desk.tokens.rows, bench.leaves("identity.refused")

    cookies, came, rows, (leaf,) = run(state, real_clock, provider, work)

    assert (came.status, cookies, list(rows), leaf["code"]) == (401, {}, [], "login_too_old")
    assert "sign out there" in came.text


def test_somebody_without_a_role_gets_no_session_and_no_token(state, real_clock, provider):
    async def work(bench):
        browser, came = await signed_in(bench, provider, "eve")
        return (
            browser.cookies,
            came,
            [row.revoked_at for row in bench.desk.tokens.rows],
            bench.leaves("identity.refused"),
        )

    cookies, came, revoked, (leaf,) = run(state, real_clock, provider, work)

    assert came.status == 403
    assert cookies == {}
    assert None not in revoked
    assert (leaf["code"], leaf["actor"]) == ("no_role", f"{provider.issuer}|eve")


def test_signing_out_ends_the_token_that_was_made_for_the_session(state, real_clock, provider):
    async def work(bench):
        browser, _ = await signed_in(bench, provider, "bob")
        live = [row.revoked_at for row in bench.desk.tokens.rows]
        await browser.send("/", "/logout")
        return live, [row.revoked_at for row in bench.desk.tokens.rows]

    live, after = run(state, real_clock, provider, work)

    assert live == [None]
    assert None not in after


def test_a_callback_is_good_once(state, real_clock, provider):
    async def work(bench):
        browser = bench.browser()
        begun = await to_the_provider(browser)
        cookies = dict(browser.cookies)
        path = await back(browser, provider, begun.location, "bob")
        await browser.get(path)
        again = bench.browser()
        again.cookies = cookies
        return await again.get(path)

    answer = run(state, real_clock, provider, work)

    assert answer.status == 401
    assert "did not begin in this browser" in answer.text


def test_a_callback_in_another_browser_is_refused(state, real_clock, provider):
    """Somebody sends a victim the end of their own login."""

    async def work(bench):
        begun = await to_the_provider(bench.browser())
        victim = bench.browser()
        mine = await to_the_provider(victim)
        assert mine.location != begun.location
        path = await back(victim, provider, begun.location, "bob")
        return await victim.get(path), victim.cookies

    answer, cookies = run(state, real_clock, provider, work)

    assert (answer.status, "another login" in answer.text) == (401, True)
    assert cookies == {}


@pytest.mark.parametrize(
    "changed",
    [
        {"code": "made-up"},
        {"state": "made-up"},
        {"iss": "https://evil.example"},
        {"error": "access_denied"},
        {"code": ""},
    ],
    ids=["code", "state", "issuer", "error", "no-code"],
)
def test_an_answer_that_was_changed_on_the_way_is_refused(state, real_clock, provider, changed):
    async def work(bench):
        browser = bench.browser()
        begun = await to_the_provider(browser)
        path = await back(browser, provider, begun.location, "bob")
        query = dict(parse_qsl(urlsplit(path).query)) | changed
        answer = await browser.get(f"/callback?{urlencode(query)}")
        return answer, browser.cookies, bench.leaves("identity.refused"), bench.desk.tokens.rows

    answer, cookies, refusals, tokens = run(state, real_clock, provider, work)

    assert answer.status == 401
    assert cookies == {}
    assert len(refusals) == 1
    assert tokens == ()


def test_a_login_that_took_too_long_is_over(state, real_clock, provider):
    async def work(bench):
        browser = bench.browser()
        begun = await to_the_provider(browser)
        path = await back(browser, provider, begun.location, "bob")
        bench.clock.advance(LASTS.total_seconds())
        return await browser.get(path)

    assert run(state, real_clock, provider, work).status == 401


def test_an_issuer_that_is_down_is_said_so(state, real_clock, provider):
    async def work(bench):
        provider.stop()
        return await bench.browser().get("/login/corp")

    answer = run(state, real_clock, provider, work)

    assert (answer.status, "corp does not answer" in answer.text) == (401, True)


def test_the_page_offers_the_issuer_and_nothing_unknown(state, real_clock, provider):
    async def work(bench):
        browser = bench.browser()
        return await browser.get("/login"), await browser.get("/login/nobody")

    page, nobody = run(state, real_clock, provider, work)

    assert "Sign in with corp" in page.text
    assert nobody.status == 404
