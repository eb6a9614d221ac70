"""The console's pages over real HTTP: who gets in, what they see, what a form may change, and what is refused."""

from __future__ import annotations

import asyncio
import html
import http.client
import re
from dataclasses import replace

import pytest

from addons.approvals.state import About, Action, Scope, Shown, State
from addons.console import judging
from addons.console.state import StateRefused
from addons.console.web import live
from addons.console.web.found import PAGE_ROWS
from addons.console.web.sessions import IDLE, LONGEST
from addons.console.web.site import Place, Site
from addons.policy.model import Approvers
from scripts.local_certificate import throwaway_certificate
from tests.console.browsing import Browser, with_console
from tests.console.desks import hold_rule, leaf_types


def path_of(approval):
    return f"/approvals/{approval.id}"


# -- signing in and out -------------------------------------------------------------------------------------------------


def test_without_a_session_every_page_leads_to_the_sign_in_and_back(state, clock):
    async def work(bench):
        approval = await bench.hold("say: hello")
        first = await bench.browser().get(path_of(approval))
        await bench.person("bob", "data-owners")
        browser = bench.browser()
        back = await browser.sign_in(bench.tokens["bob"], next=path_of(approval))
        return approval, first, back

    approval, first, back = with_console(state, clock, work)

    assert (first.status, first.location) == (303, f"/login?next=%2Fapprovals%2F{approval.id}")
    assert (back.status, back.location) == (303, path_of(approval))


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/login/../x", "/a\nb"],
)
def test_the_way_back_never_leads_elsewhere(state, clock, elsewhere):
    async def work(bench):
        await bench.person("bob", "data-owners")
        return await bench.browser().sign_in(bench.tokens["bob"], next=elsewhere)

    assert with_console(state, clock, work).location == "/"


@pytest.mark.parametrize("token", ["", "afd_short", "afd_" + "A" * 43], ids=["none", "malformed", "unknown"])
def test_a_token_that_names_nobody_is_refused_recorded_and_not_shown(state, clock, token):
    async def work(bench):
        answer = await bench.browser().sign_in(token)
        return answer, bench.leaves("identity.refused")

    answer, (leaf,) = with_console(state, clock, work)

    assert answer.status == 401
    assert "set-cookie" not in answer.headers
    assert leaf["code"].startswith("token_")
    assert not token or token not in answer.text


def test_whoever_has_no_role_is_told_so_and_gets_no_session(state, clock):
    async def work(bench):
        await bench.person("eve", "marketing")
        browser = bench.browser()
        answer = await browser.sign_in(bench.tokens["eve"])
        return answer, browser.cookies, bench.leaves("identity.refused")

    answer, cookies, (leaf,) = with_console(state, clock, work)

    assert answer.status == 403
    assert "approves nothing and reads nothing here" in answer.text
    assert cookies == {}
    assert (leaf["actor"], leaf["code"]) == ("local|eve", "no_role")


def test_signing_in_by_a_token_is_a_record(state, clock):
    async def work(bench):
        await bench.person("bob", "data-owners")
        await bench.browser().sign_in(bench.tokens["bob"])
        return bench.leaves("evidence.read"), bench.desk.tokens.rows

    (leaf,), (row,) = with_console(state, clock, work)

    assert (leaf["actor"], leaf["what"], leaf["id"]) == ("local|bob", "console", row.id)


def test_signing_in_too_often_is_refused_for_a_while(state, clock):
    async def work(bench):
        answers = [await bench.browser().sign_in("afd_wrong") for _ in range(12)]
        return (
            [answer.status for answer in answers],
            answers[-1].headers.get("retry-after"),
            bench.leaves("identity.refused"),
        )

    statuses, retry_after, refusals = with_console(state, clock, work)

    assert statuses == [401] * 10 + [429] * 2
    assert int(retry_after) > 0
    assert len(refusals) == 10


def test_asking_too_often_is_refused(state, clock):
    async def work(bench):
        browser = bench.browser()
        return {(await browser.get("/login")).status for _ in range(200)}

    assert with_console(state, clock, work) == {200, 429}


def test_the_session_cookie_is_for_http_only_strict_and_bears_nothing(state, clock):
    async def work(bench):
        await bench.person("bob", "data-owners")
        answer = await bench.browser().sign_in(bench.tokens["bob"])
        return answer.headers["set-cookie"], bench.tokens["bob"]

    cookie, token = with_console(state, clock, work)

    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert "Secure" not in cookie  # http on loopback; under TLS: test_over_tls
    assert token not in cookie


def test_signing_out_ends_the_session_for_whoever_still_has_its_cookie(state, clock):
    async def work(bench):
        bob = await bench.signed_in("bob", "data-owners")
        kept = dict(bob.cookies)
        out = await bob.send("/", "/logout")
        bob.cookies = kept
        return out, await bob.get("/")

    out, after = with_console(state, clock, work)

    assert (out.status, out.location) == (303, "/login")
    assert (after.status, after.location) == (303, "/login")


def test_a_form_of_a_session_that_was_ended_changes_nothing(state, clock):
    async def work(bench):
        approval = await bench.hold("say: hello")
        bob = await bench.signed_in("bob", "data-owners")
        kept, form = dict(bob.cookies), (await bob.get(path_of(approval))).form_token
        await bob.send("/", "/logout")
        bob.cookies = kept
        answer = await bob.post(f"{path_of(approval)}/approve", {"form_token": form, "reason": "after logout"})
        return answer, bench.desk.approval(approval.id)

    answer, approval = with_console(state, clock, work)

    assert answer.status == 401
    assert approval.state is State.PENDING


def test_a_session_that_is_not_used_ends(state, clock):
    async def work(bench):
        bob = await bench.signed_in("bob", "data-owners")
        bench.clock.advance(IDLE.total_seconds() - 1)
        used = await bob.get("/")
        bench.clock.advance(IDLE.total_seconds())
        return used, await bob.get("/")

    used, after = with_console(state, clock, work)

    assert used.status == 200
    assert after.location == "/login"


def test_a_session_that_is_used_all_the_time_ends_too(state, clock):
    step = IDLE.total_seconds() / 2

    async def work(bench):
        bob = await bench.signed_in("bob", "data-owners")
        statuses = []
        for _ in range(int(LONGEST.total_seconds() / step)):
            bench.clock.advance(step)
            statuses.append((await bob.get("/history")).status)
        return statuses

    statuses = with_console(state, clock, work)

    assert statuses == [200] * (len(statuses) - 1) + [303]


def test_a_page_that_refreshes_itself_does_not_keep_its_session(state, clock):
    async def work(bench):
        bob = await bench.signed_in("bob", "data-owners")
        for _ in range(3):
            bench.clock.advance(IDLE.total_seconds() / 2.5)
            answer = await bob.get("/", X_Affidavit_Live="1")
        return answer

    assert with_console(state, clock, work).status == 401


def test_a_revoked_token_ends_the_session_it_began(state, clock):
    async def work(bench):
        bob = await bench.signed_in("bob", "data-owners")
        token_id = bench.desk.tokens.find(bench.tokens["bob"], bench.clock()).token_id
        await bench.desk.revoke_token(token_id, "os|root")
        return await bob.get("/")

    assert with_console(state, clock, work).location == "/login"


# -- what a request must be ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "", "http://127.0.0.1:1"], ids=["other", "null", "none", "other-port"]
)
def test_a_form_from_elsewhere_changes_nothing(state, clock, origin):
    async def work(bench):
        approval = await bench.hold("say: hello")
        bob = await bench.signed_in("bob", "data-owners")
        form = (await bob.get(path_of(approval))).form_token
        answer = await bob.post(f"{path_of(approval)}/approve", {"form_token": form, "reason": "forged"}, origin=origin)
        return answer, bench.desk.approval(approval.id)

    answer, approval = with_console(state, clock, work)

    assert answer.status == 403
    assert "origin_forged" in answer.text
    assert approval.state is State.PENDING


@pytest.mark.parametrize("form_token", ["", "x" * 43, "ä"], ids=["none", "other", "not-ascii"])
def test_a_form_made_for_another_session_changes_nothing(state, clock, form_token):
    async def work(bench):
        approval = await bench.hold("say: hello")
        bob = await bench.signed_in("bob", "data-owners")
        answer = await bob.post(f"{path_of(approval)}/approve", {"form_token": form_token, "reason": "replayed"})
        return answer, bench.desk.approval(approval.id)

    answer, approval = with_console(state, clock, work)

    assert (answer.status, "form_old" in answer.text) == (403, True)
    assert approval.state is State.PENDING


def test_a_host_that_is_not_ours_is_refused(state, clock):
    async def work(bench):
        return await bench.browser().get("/login", host="rebound.example")

    assert with_console(state, clock, work).status == 421


def test_another_of_our_names_leads_to_the_one_that_counts(state, clock):
    async def work(bench):
        port = bench.origin.rpartition(":")[2]
        return bench.origin, await bench.browser().get("/history?state=denied", host=f"localhost:{port}")

    origin, answer = with_console(state, clock, work)

    assert (answer.status, answer.location) == (302, f"{origin}/history?state=denied")


def test_a_link_from_another_site_is_asked_for_again_from_ours(state, clock):
    """SameSite=Strict: the browser sends no cookie with it; the page that asks again does."""

    async def work(bench):
        approval = await bench.hold("say: hello")
        bob = await bench.signed_in("bob", "data-owners")
        fetch = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Dest": "document"}
        again = await bench.browser().get(path_of(approval), **fetch)
        return approval, again, await bob.get(path_of(approval), Sec_Fetch_Site="same-origin")

    approval, again, page = with_console(state, clock, work)

    assert (again.status, f'content="0; url={path_of(approval)}"' in again.text) == (200, True)
    assert "say: hello" not in again.text
    assert page.status == 200


@pytest.mark.parametrize("path", ["//evil.example/", "/\\evil.example/"])
def test_a_link_that_only_looks_like_a_path_of_ours_leads_nowhere(state, clock, path):
    async def work(bench):
        port = bench.origin.rpartition(":")[2]
        fetch = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Dest": "document"}
        other_name = await bench.browser().get(path, host=f"localhost:{port}")
        return bench.origin, await bench.browser().get(path, **fetch), other_name

    origin, again, other_name = with_console(state, clock, work)

    assert 'content="0; url=/"' in again.text
    assert other_name.location == f"{origin}/"


@pytest.mark.parametrize("path", ["/", "/login", "/history", "/nowhere", "/static/console.js", "/static/nothing.js"])
def test_every_answer_has_the_headers_of_a_safe_page(state, clock, path):
    async def work(bench):
        bob = await bench.signed_in("bob", "data-owners")
        return await bob.get(path)

    headers = with_console(state, clock, work).headers

    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "frame-ancestors 'none'" in policy
    assert "server" not in headers
    assert ("immutable" in headers["cache-control"]) == (path == "/static/console.js")


def test_no_page_has_inline_script_or_style(state, clock):
    async def work(bench):
        approval = await bench.hold("say: hello")
        bob = await bench.signed_in("bob", "data-owners", "auditors")
        return [(await bob.get(path)).text for path in ("/", "/history", "/status", path_of(approval))]

    for text in with_console(state, clock, work):
        assert " style=" not in text
        assert "<style" not in text
        assert text.count("<script") == 1
        assert " onclick" not in text


# -- the queue ----------------------------------------------------------------------------------------------------------


def test_the_queue_shows_what_one_may_decide_with_the_purpose(state, clock):
    async def work(bench):
        mine = await bench.hold("say: one", purpose="ticket 4711")
        other = await bench.hold("say: two", rule=hold_rule("others", groups=("lawyers",)), digest="cd" * 32)
        bob = await bench.signed_in("bob", "data-owners")
        return mine, other, await bob.get("/")

    mine, other, page = with_console(state, clock, work)

    assert mine.id in page.text
    assert "ticket 4711" in page.text
    assert other.id not in page.text
    assert "<title>(1) Queue" in page.text


def test_a_thousand_in_waiting_are_paged(state, clock):
    async def work(bench):
        for number in range(1000):
            await bench.hold(digest=f"{number:064x}")
        bob = await bench.signed_in("bob", "data-owners")
        pages = [await bob.get("/"), await bob.get("/?page=20"), await bob.get("/?page=99"), await bob.get("/?page=x")]
        return [page.text for page in pages]

    first, last, beyond, strange = with_console(state, clock, work)

    assert first.count("data-row>") == last.count("data-row>") == PAGE_ROWS
    assert "Page 1 of 20" in first
    assert "Page 20 of 20" in beyond
    assert "Page 1 of 20" in strange
    assert "(1000) Queue" in first


# -- one approval -------------------------------------------------------------------------------------------------------

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)> \x1b[31mred \u202egnp.exe \x00 \x9b2J {{ 7*7 }}"


def test_what_a_stranger_wrote_is_shown_as_what_it_is(state, clock):
    async def work(bench):
        approval = await bench.hold(HOSTILE, purpose="<b>bold</b>\u202e")
        bob = await bench.signed_in("bob", "data-owners")
        return await bob.get(path_of(approval)), await bob.get("/")

    for page in with_console(state, clock, work):
        assert "<img" not in page.text.replace('<img src="/static', "")
        assert "<script>" not in page.text
        assert "<b>bold" not in page.text
        assert not set("\x1b\x00\x9b\u202e") & set(page.text)


def test_the_page_says_what_was_written_there(state, clock):
    async def work(bench):
        approval = await bench.hold(HOSTILE)
        bob = await bench.signed_in("bob", "data-owners")
        return (await bob.get(path_of(approval))).text

    text = html.unescape(with_console(state, clock, work))

    assert "<script>alert(1)</script>" in text
    assert "␛[31mred <RIGHT-TO-LEFT OVERRIDE>gnp.exe ␀" in text
    assert "{{ 7*7 }}" in text


def test_two_megabytes_are_paged_and_every_character_is_on_some_page(state, clock):
    lines = [f"line {number:06d} of a long prompt" for number in range(60_000)]

    async def work(bench):
        approval = await bench.hold("\n".join(lines))
        bob = await bench.signed_in("bob", "data-owners")
        newest = await bob.get(path_of(approval))
        count = int(re.search(r"Part \d+ of (\d+)", newest.text)[1])
        pages = []
        for number in range(1, count + 1):
            bench.clock.advance(1)
            pages.append((await bob.get(f"{path_of(approval)}?part={number}")).text)
        return newest.text, pages

    newest, pages = with_console(state, clock, work)

    assert len(pages) > 40
    assert f"Part {len(pages)} of {len(pages)}" in newest  # the newest part comes first
    assert all(len(page) < 120_000 for page in pages)
    shown = "".join(page.partition("<pre")[2].partition(">")[2].partition("</pre>")[0] for page in pages)
    assert shown == "\n".join(lines)


def test_reading_a_call_is_recorded_before_it_is_shown(state, clock):
    async def work(bench):
        approval = await bench.hold("say: hello")
        eva = await bench.signed_in("eva", "auditors")
        await eva.get(path_of(approval))
        await eva.get("/history?requester=alice")
        return approval, bench.leaves("evidence.read")

    approval, reads = with_console(state, clock, work)

    assert [(read["actor"], read["what"], read["id"]) for read in reads[1:]] == [
        ("local|eva", "exchange", approval.exchange_id),
        ("local|eva", "approvals", "history"),
    ]


HELD = About(
    why=("commands: sql drop|delete",),
    shown=(Shown("run_sql", '{"query": "DELETE FROM customers WHERE card = \'[CREDIT_CARD]\'"}'),),
)


def test_a_held_tool_call_is_shown_with_what_matched(state, clock):
    async def work(bench):
        approval = await bench.hold("please tidy up", rule=bench.rule("destructive-sql"), about=HELD)
        bob = await bench.signed_in("bob", "data-owners")
        return (await bob.get(path_of(approval))).text

    text = html.unescape(with_console(state, clock, work))

    assert "held: the client has not seen it" in text
    assert "<mark>sql DELETE</mark> customers" in text
    assert "<mark>DELETE</mark> FROM <mark>customers</mark>" in text
    assert '<span class="masked" title="a masked value">[CREDIT_CARD]</span>' in text
    assert "commands: sql drop|delete" in text


# -- deciding -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("verdict", "after"), [("approve", State.APPROVED), ("deny", State.DENIED)])
def test_a_decision_is_recorded_with_who_and_why(state, clock, verdict, after):
    async def work(bench):
        approval = await bench.hold("say: hello")
        bob = await bench.signed_in("bob", "data-owners")
        answer = await bob.send(path_of(approval), f"{path_of(approval)}/{verdict}", reason="checked with the customer")
        return answer, bench.desk.approval(approval.id), await bob.get(answer.location)

    answer, approval, page = with_console(state, clock, work)

    assert (answer.status, answer.location) == (303, f"/approvals/{approval.id}?done={verdict}")
    assert (approval.state, approval.approver, approval.reason) == (after, "local|bob", "checked with the customer")
    assert "is recorded" in page.text


def test_a_double_click_and_a_replayed_form_decide_once(state, clock):
    async def work(bench):
        approval = await bench.hold("say: hello")
        bob = await bench.signed_in("bob", "data-owners")
        form = {"form_token": (await bob.get(path_of(approval))).form_token, "reason": "twice"}
        answers = await asyncio.gather(*(bob.post(f"{path_of(approval)}/approve", form) for _ in range(2)))
        replayed = await bob.post(f"{path_of(approval)}/approve", form)
        return [*answers, replayed], bench.desk.approval(approval.id)

    answers, approval = with_console(state, clock, work)

    assert {answer.status for answer in answers} == {303}
    assert len(approval.votes) == 1
    assert leaf_types(state).count("approval.decided") == 1


def test_the_other_answer_after_the_first_is_refused(state, clock):
    async def work(bench):
        approval = await bench.hold("say: hello")
        bob = await bench.signed_in("bob", "data-owners")
        form = {"form_token": (await bob.get(path_of(approval))).form_token, "reason": "first"}
        await bob.post(f"{path_of(approval)}/approve", form)
        return await bob.post(f"{path_of(approval)}/deny", form)

    answer = with_console(state, clock, work)

    assert (answer.status, "already_decided" in answer.text) == (409, True)


def test_of_two_approvers_at_once_one_decides_and_the_other_is_told(state, clock):
    async def work(bench):
        approval = await bench.hold("say: hello")
        answers = []
        people = [await bench.signed_in(name, "data-owners") for name in ("bob", "carol")]
        forms = [(await one.get(path_of(approval))).form_token for one in people]
        answers = await asyncio.gather(
            people[0].post(f"{path_of(approval)}/approve", {"form_token": forms[0], "reason": "yes"}),
            people[1].post(f"{path_of(approval)}/deny", {"form_token": forms[1], "reason": "no"}),
        )
        return sorted(answer.status for answer in answers), bench.desk.approval(approval.id)

    statuses, approval = with_console(state, clock, work)

    assert statuses == [303, 409]
    assert len(approval.votes) == 1


def test_an_approver_of_another_group_neither_sees_nor_decides(state, clock):
    async def work(bench):
        approval = await bench.hold("say: hello", rule=hold_rule("others", groups=("lawyers",)))
        bob = await bench.signed_in("bob", "data-owners")
        page = await bob.get(path_of(approval))
        form = (await bob.get("/")).form_token
        answer = await bob.post(f"{path_of(approval)}/approve", {"form_token": form, "reason": "not mine"})
        return page, answer, bench.desk.approval(approval.id), bench.leaves("evidence.read")

    page, answer, approval, reads = with_console(state, clock, work)

    assert (page.status, answer.status) == (403, 403)
    assert "say: hello" not in page.text
    assert approval.state is State.PENDING
    assert [read["what"] for read in reads] == ["console"]


@pytest.mark.parametrize(("who", "groups"), [("eva", ("auditors",)), ("adam", ("admins",))], ids=["auditor", "admin"])
def test_who_only_reads_sees_all_and_decides_nothing(state, clock, who, groups):
    async def work(bench):
        approval = await bench.hold("say: hello")
        reader = await bench.signed_in(who, *groups)
        page = await reader.get(path_of(approval))
        answer = await reader.post(
            f"{path_of(approval)}/approve", {"form_token": page.form_token, "reason": "just this once"}
        )
        return page, answer, bench.desk.approval(approval.id)

    page, answer, approval = with_console(state, clock, work)

    assert (page.status, "say: hello" in page.text) == (200, True)
    assert "data-decide" not in page.text
    assert (answer.status, "not_an_approver" in answer.text) == (403, True)
    assert approval.state is State.PENDING


def test_the_register_makes_an_auditor_until_it_is_ended(state, clock):
    async def work(bench):
        await bench.person("rita", "marketing")
        await judging.set_role(bench.desk, "os|root", "local|rita", "auditor", end=False)
        rita = await bench.signed_in("rita")
        page = await rita.get("/history")
        await judging.set_role(bench.desk, "os|root", "local|rita", "auditor", end=True)
        return page, await rita.get("/history")

    page, after = with_console(state, clock, work)

    assert (page.status, after.status) == (200, 403)


def test_nobody_approves_their_own_call(state, clock):
    async def work(bench):
        await bench.person("alice", "engineering", "data-owners")
        approval = await bench.hold("say: hello")
        alice = await bench.signed_in("alice")
        page = await alice.get(path_of(approval))
        answer = await alice.post(f"{path_of(approval)}/approve", {"form_token": page.form_token, "reason": "mine"})
        return page, answer, bench.desk.approval(approval.id)

    page, answer, approval = with_console(state, clock, work)

    assert "This is your own call" in page.text
    assert answer.status == 403
    assert approval.state is State.PENDING


def test_a_link_that_is_too_late_says_that_nobody_decided(state, clock):
    async def work(bench):
        approval = await bench.hold("say: hello", rule=hold_rule(expires=60))
        bob = await bench.signed_in("bob", "data-owners")
        form = (await bob.get(path_of(approval))).form_token
        bench.clock.advance(61)
        await bench.desk.expire_due()
        late = await bob.post(f"{path_of(approval)}/approve", {"form_token": form, "reason": "late"})
        return await bob.get(path_of(approval)), late

    page, late = with_console(state, clock, work)

    assert (page.status, "Nobody decided in time" in page.text) == (200, True)
    assert late.status == 409


def test_an_approval_nobody_knows_is_not_found(state, clock):
    async def work(bench):
        bob = await bench.signed_in("bob", "data-owners")
        return await bob.get("/approvals/ap_01a2091b-1703-7991-926e-75138a1935f7")

    assert with_console(state, clock, work).status == 404


def test_a_reason_is_asked_for(state, clock):
    async def work(bench):
        approval = await bench.hold("say: hello")
        bob = await bench.signed_in("bob", "data-owners")
        return await bob.send(path_of(approval), f"{path_of(approval)}/approve", reason="  ")

    answer = with_console(state, clock, work)

    assert (answer.status, "reason_missing" in answer.text) == (409, True)


def test_what_was_approved_and_not_used_can_be_taken_back(state, clock):
    async def work(bench):
        approval = await bench.hold("say: hello")
        bob = await bench.signed_in("bob", "data-owners")
        await bob.send(path_of(approval), f"{path_of(approval)}/approve", reason="yes")
        answer = await bob.send(path_of(approval), f"{path_of(approval)}/revoke")
        return answer, bench.desk.grant_for(bench.desk.approval(approval.id).key)

    answer, granted = with_console(state, clock, work)

    assert answer.status == 303
    assert granted is None


def test_an_admin_cancels_and_an_approver_does_not(state, clock):
    async def work(bench):
        approval = await bench.hold("say: hello")
        adam, bob = await bench.signed_in("adam", "admins"), await bench.signed_in("bob", "data-owners")
        refused = await bob.send(path_of(approval), f"{path_of(approval)}/cancel", reason="no longer needed")
        cancelled = await adam.send(path_of(approval), f"{path_of(approval)}/cancel", reason="no longer needed")
        return refused, cancelled, bench.desk.approval(approval.id)

    refused, cancelled, approval = with_console(state, clock, work)

    assert (refused.status, cancelled.status) == (403, 303)
    assert approval.state is State.CANCELLED


def test_an_approver_chooses_how_much_is_let_through(state, clock):
    rule = replace(hold_rule(), scopes=(Scope.EXACT, Scope.MINUTES), most_minutes=30)

    async def work(bench):
        approval = await bench.hold("say: hello", rule=rule)
        bob = await bench.signed_in("bob", "data-owners")
        path = f"{path_of(approval)}/approve"
        too_long = await bob.send(path_of(approval), path, reason="this week", scope="minutes", minutes="99")
        await bob.send(path_of(approval), path, reason="today", scope="minutes", minutes="20")
        return too_long, bench.desk.approval(approval.id)

    too_long, approval = with_console(state, clock, work)

    assert (too_long.status, "minutes_out_of_range" in too_long.text) == (409, True)
    assert (approval.scope, approval.minutes) == (Scope.MINUTES, 20)


def test_breaking_the_glass_is_flagged_and_reviewed_by_one_of_those_who_were_asked(state, clock):
    rule = replace(hold_rule(), approvers=Approvers(("data-owners",), 1, break_glass=("on-call",)))

    async def work(bench):
        await bench.person("dan", "on-call", "auditors")
        approval = await bench.hold("say: hello", rule=rule)
        dan, bob = await bench.signed_in("dan"), await bench.signed_in("bob", "data-owners")
        asked, path = await dan.get(path_of(approval)), path_of(approval)
        await dan.post(f"{path}/approve", {"form_token": asked.form_token, "reason": "outage", "break_glass": "yes"})
        queue = await bob.get("/")
        await bob.send(path, f"{path}/review", reason="it was an outage", justified="yes")
        return asked.text, queue.text, bench.desk.approval(approval.id)

    asked, queue, approval = with_console(state, clock, work)

    assert "Break the glass" in asked
    assert "to be reviewed" in queue
    assert approval.broke_glass
    assert approval.review.justified


# -- history ------------------------------------------------------------------------------------------------------------


def test_history_is_filtered_paged_and_shows_only_ones_own_rules(state, clock):
    async def work(bench):
        for number in range(PAGE_ROWS + 5):
            bench.clock.advance(1)
            await bench.hold(digest=f"{number:064x}")
        lawyers = await bench.hold(rule=hold_rule("others", groups=("lawyers",)))
        caller = await bench.person("bob", "data-owners")
        await bench.desk.decide(bench.desk.approvals()[0].id, caller, Action.DENY, "no")
        bob, eva = await bench.signed_in("bob"), await bench.signed_in("eva", "auditors")
        first = (await bob.get("/history")).text
        older = first.partition('rel="next" href="')[2].partition('"')[0]
        return {
            "first": first,
            "second": (await bob.get(html.unescape(older))).text,
            "denied": (await bob.get("/history?state=denied")).text,
            "nobody": (await bob.get("/history?requester=zoe")).text,
            "day": (await bob.get(f"/history?since={clock.now:%Y-%m-%d}&until={clock.now:%Y-%m-%d}")).text,
            "before": (await bob.get("/history?until=2020-01-01")).text,
            "auditor": (await eva.get("/history?rule=OTHERS")).text,
            "lawyers": lawyers.id,
        }

    shown = with_console(state, clock, work)

    rows = {name: text.count("<tr>") - 1 for name, text in shown.items() if name != "lawyers"}
    assert (rows["first"], rows["second"], rows["denied"], rows["day"], rows["auditor"]) == (
        PAGE_ROWS,
        5,
        1,
        PAGE_ROWS,
        1,
    )
    assert "Nothing found" in shown["nobody"]
    assert "Nothing found" in shown["before"]
    assert shown["lawyers"] in shown["auditor"]
    assert shown["lawyers"] not in shown["first"] + shown["second"]


@pytest.mark.parametrize("query", ["since=yesterday", "until=2026-13-40", "before='; DROP TABLE approvals"])
def test_a_filter_that_is_no_filter_harms_nothing(state, clock, query):
    async def work(bench):
        bob = await bench.signed_in("bob", "data-owners")
        return await bob.get("/history?" + query.replace(" ", "%20"))

    assert with_console(state, clock, work).status in {200, 400}


def test_the_state_of_the_gateway_is_for_those_who_see_all(state, clock):
    async def work(bench):
        bob, eva = await bench.signed_in("bob", "data-owners"), await bench.signed_in("eva", "auditors")
        return (await bob.get("/status")).status, (await eva.get("/status")).status

    assert with_console(state, clock, work) == (403, 200)


# -- where it listens ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "named"),
    [
        (Place("0.0.0.0", 0), "affidavit_console_host"),
        (Place("127.0.0.1", 0, certificate="/nowhere.pem"), "affidavit_console_certificate"),
        (Place("127.0.0.1", 0, url="http://console.example"), "affidavit_console_url"),
        (Place("127.0.0.1", 0, url="https://console.example/path"), "affidavit_console_url"),
    ],
    ids=["open-wire", "no-file", "plain-url", "with-a-path"],
)
def test_a_place_that_would_not_be_safe_stops_the_start(state, clock, place, named):
    with pytest.raises(StateRefused, match=named):
        with_console(state, clock, lambda _: asyncio.sleep(0), place)


def test_a_port_that_is_taken_stops_the_start_with_the_way_out(state, clock):
    async def work(bench):
        from addons.console.web.listening import listening

        port = int(bench.origin.rpartition(":")[2])
        async with listening(bench.desk, Place("127.0.0.1", port)):
            pass

    with pytest.raises(StateRefused, match="cannot listen"):
        with_console(state, clock, work)


def test_over_tls_the_cookie_is_secure_and_plain_http_gets_nothing(state, clock, tmp_path):
    certificate = throwaway_certificate(tmp_path)

    async def work(bench):
        await bench.person("bob", "data-owners")
        signed_in = await bench.browser().sign_in(bench.tokens["bob"])
        plain = Browser(bench.origin.replace("https:", "http:"))
        with pytest.raises((OSError, http.client.HTTPException)):
            await plain.get("/login")
        return signed_in

    answer = with_console(state, clock, work, Place("127.0.0.1", 0, certificate=str(certificate)))

    assert answer.status == 303
    assert {"Secure", "HttpOnly", "SameSite=Strict"} <= {
        part.strip() for part in answer.headers["set-cookie"].split(";")
    }
    assert answer.headers["set-cookie"].startswith("__Host-affidavit=")
    assert "max-age" in answer.headers["strict-transport-security"]


def test_under_https_the_cookie_is_bound_to_the_host():
    site = Site.of(Place("127.0.0.1", 8443, url="https://Console.example.com"), 8443)

    assert (site.cookie, site.secure, site.origin) == ("__Host-affidavit", True, "https://console.example.com")
    assert "Strict-Transport-Security" in site.headers()


# -- live ---------------------------------------------------------------------------------------------------------------


def test_a_hold_arrives_in_the_stream_and_signing_out_ends_it(state, clock):
    async def work(bench):
        bob = await bench.signed_in("bob", "data-owners")
        reader, writer = await asyncio.open_connection("127.0.0.1", int(bench.origin.rpartition(":")[2]))
        cookie = "; ".join(f"{name}={value}" for name, value in bob.cookies.items())
        writer.write(f"GET /live HTTP/1.1\r\nHost: {bench.origin[7:]}\r\nCookie: {cookie}\r\n\r\n".encode())
        began = await reader.readuntil(b'"waiting":0,"changed":0}')
        approval = await bench.hold("say: secret words")
        said = await reader.readuntil(b"}}\n\n")
        await bob.send("/", "/logout")
        rest = await reader.readuntil(b"event: ended")
        writer.close()
        await writer.wait_closed()
        return approval, began, said, rest

    approval, began, said, rest = with_console(state, clock, work)

    assert b"text/event-stream" in began
    assert b'"mine":1' in said
    assert approval.id.encode() in said
    assert b"secret words" not in said
    assert b"event: ended" in rest


def test_a_session_has_few_streams(state, clock, monkeypatch):
    monkeypatch.setattr(live, "STREAMS", 0)

    async def work(bench):
        bob = await bench.signed_in("bob", "data-owners")
        return await bob.get("/live")

    assert with_console(state, clock, work).status == 429
