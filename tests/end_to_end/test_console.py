"""The console as people use it: a real browser, a real identity provider, and calls that are really held in the gateway."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.end_to_end.chromium import DARK, PHONE, PLAIN, Chromium, Tab, chromium
from tests.end_to_end.gateway import Bench, Template, bench
from tests.end_to_end.sdk import Worker, python_command, worker
from tests.login.provider import CLIENT_ID, OidcProvider, oidc_provider
from tests.quick import quick
from tests.serving import Quiet, answering

PEOPLE = {
    "bob": {"email": "bob@example.com", "groups": ["data-owners"]},
    "eva": {"email": "eva@example.com", "groups": ["auditors"]},
    "mona": {"email": "mona@example.com", "groups": ["marketing"]},
}
IDENTITY = """\
version: 1
local: allow
issuers:
  - id: corp
    issuer: {issuer}
    audiences: [{client}]
    trusted_ca: {ca}
    client_id: {client}
rights:
  - {{id: engineers, groups: [engineering], connections: ["*"]}}
  - {{id: owners, groups: [data-owners], connections: [openai]}}
roles:
  auditor: [auditors]
"""
CARD = "4111 1111 1111 1111"
HELD, DELETE = "gpt-held", "say: I shall remove them now.\nuse tool run_sql: DELETE FROM customers WHERE id = "
STARTED_SECONDS = 60.0  # an SDK's process and a browser at once, on a busy machine
PICTURES = os.environ.get("AFFIDAVIT_PICTURES", "")  # a folder: what the browser showed, to be looked at


@dataclass(slots=True)
class Desk:
    bench: Bench
    provider: OidcProvider
    browser: Chromium
    url: str

    def tab(self, name: str, **options: object) -> Tab:
        return self.browser.open(name, options=options)

    def signed_in(self, who: str, name: str = "", **options: object) -> Tab:
        """At the identity provider, through its own pages."""
        tab = self.tab(name or who, **options)
        tab.goto(self.url + "/")
        tab.click("text=Sign in with corp")
        self.at_the_provider(tab, who)
        return tab

    def at_the_provider(self, tab: Tab, who: str) -> None:
        tab.fill("input[name=login]", who)
        tab.fill("input[name=password]", "any")
        tab.click("button[type=submit]")
        tab.click("button[type=submit]")  # consent
        tab.wait(".empty, .queue, .alert")

    def held(self, worker: Worker, prompt: str, **how: object) -> str:
        """A real call that waits; the approval's id."""
        worker.start(self.bench.job("openai", "proxy", prompt, **how))
        self.bench.until(self.bench.pending, "an approval is asked for", STARTED_SECONDS)
        return str(self.bench.approval_in_waiting()["id"])


@pytest.fixture(scope="module")
def desk(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("console")
    with oidc_provider(folder, PEOPLE) as provider, chromium(folder) as browser:
        identity = IDENTITY.format(issuer=provider.issuer, client=CLIENT_ID, ca=provider.cafile)
        (folder / "run").mkdir()
        with bench(template, folder / "run", identity=identity) as made:
            url = json.loads((made.state.path / "ports.json").read_text())["console"]
            yield Desk(made, provider, browser, url)
        log = (folder / "run" / "gateway.log").read_text()
    assert url in log  # the operator is told where it is
    assert not [secret for secret in ("afd_", "code=", "state=", "form_token", CARD) if secret in log]


@pytest.fixture(autouse=True)
def nothing_waits(desk: Desk) -> Iterator[None]:
    """After a test that failed, too."""
    yield
    for one in desk.bench.pending():
        desk.bench.decide("deny", one["id"])
    desk.browser.close_all()


@pytest.fixture
def client() -> Iterator[Worker]:
    """One call at a time."""
    with worker(python_command()) as made:
        yield made


def seen(tab: Tab, name: str) -> None:
    if PICTURES:
        tab.do("picture", path=str(Path(PICTURES) / f"{name}.png"))


def test_a_hold_arrives_by_itself_and_is_approved_by_somebody_who_signed_in(desk: Desk, client: Worker) -> None:
    tab = desk.signed_in("bob")
    assert "Nothing waits" in tab.wait(".empty")
    tab.wait(".live:not(.off)")
    before = desk.bench.last_seq()

    approval_id = desk.held(client, f"say: the card {CARD} was charged <img src=x onerror=alert(1)>", model=HELD)
    row = tab.wait("[data-row]")
    assert "held-models" in row
    assert "alice@example.com" in row
    tab.until("document.title.startsWith('(1)') && document.getElementById('icon').href.includes('waiting')")
    seen(tab, "queue")
    tab.click("[data-row]")
    tab.wait("#reason")
    assert approval_id in tab.do("url")
    assert "[CREDIT_CARD" in tab.text
    assert "<img src=x onerror=alert(1)>" in tab.text
    seen(tab, "approval")
    tab.fill("#reason", "checked with the customer")
    tab.click("button.approve")

    assert "Your approval is recorded" in tab.wait(".notice")
    done = client.done()
    assert (done.error, CARD in done.text) == ("", True)
    assert tab.faults(desk.url) == []
    exchange = desk.bench.closed_exchange(before)
    (stored,) = desk.bench.rows("SELECT * FROM approvals WHERE id = ?", approval_id)
    assert (stored["state"], stored["approver"]) == ("approved", f"{desk.provider.issuer}|bob")
    assert stored["auth_time"]
    assert exchange["approval_id"] == approval_id


def test_a_tool_call_in_mid_stream_is_denied_by_keyboard_alone(desk: Desk, client: Worker) -> None:
    tab = desk.signed_in("bob")
    tab.wait(".live:not(.off)")
    desk.held(client, DELETE + "1", mode="stream", tools=True)
    tab.wait("[data-row]")

    tab.press("j")
    tab.press("Enter")
    tab.wait("#reason")
    assert "sql DELETE" in tab.text
    assert "held: the client has not seen it" in tab.text
    seen(tab, "tool-call")
    tab.press("d")
    tab.type("production data")
    tab.press("Control+Enter")

    assert "Your denial is recorded" in tab.wait(".notice")
    done = client.done()
    assert "production data" in done.error
    assert "DELETE" not in str(done.tools)
    assert tab.faults(desk.url) == []


def test_whoever_has_no_role_is_told_so(desk: Desk) -> None:
    tab = desk.signed_in("mona")

    assert "approves nothing and reads nothing here" in tab.wait(".alert")
    tab.goto(desk.url + "/history")
    assert "Sign in" in tab.wait("h1")


def test_an_auditor_sees_it_and_has_no_form(desk: Desk, client: Worker) -> None:
    approval_id = desk.held(client, "say: for the auditor", model=HELD)
    before = desk.bench.last_seq()
    tab = desk.signed_in("eva")

    tab.goto(f"{desk.url}/approvals/{approval_id}")

    assert "for the auditor" in tab.wait("#asked")
    assert tab.ask("document.querySelectorAll('[data-decide]').length") == 0
    reads = [json.loads(row["leaf"])["attrs"] for row in desk.bench.events_since(before, "evidence.read")]
    assert [one["what"] for one in reads] == ["console", "queue", "exchange"]
    desk.bench.decide("deny", approval_id)
    client.done()


def test_on_a_telephone_nothing_is_cut_off_and_a_thumb_is_enough(desk: Desk, client: Worker) -> None:
    approval_id = desk.held(client, "say: on the way\n" + "one more line\n" * 60 + "x" * 400, model=HELD)
    tab = desk.signed_in("bob", **PHONE)
    tab.wait("[data-row]")
    seen(tab, "phone-queue")
    for path in ("/", "/history", f"/approvals/{approval_id}"):
        tab.goto(desk.url + path)
        assert tab.ask("document.documentElement.scrollWidth <= innerWidth"), path
    seen(tab, "phone-approval")

    tab.click(".jump a")
    tab.until("document.querySelector('.jump').hidden")
    tab.fill("#reason", "from the train")
    tab.click("button.approve")

    tab.wait(".notice")
    assert client.done().error == ""


def test_without_javascript_everything_works_but_live_updates(desk: Desk, client: Worker) -> None:
    desk.held(client, "say: plainly", model=HELD)
    tab = desk.signed_in("bob", **PLAIN)

    tab.click("[data-row]")
    tab.fill("#reason", "plainly so")
    tab.click("button.approve")

    assert "Your approval is recorded" in tab.wait(".notice")
    assert client.done().text == "plainly"


def test_a_page_that_is_open_hears_that_somebody_else_decided(desk: Desk, client: Worker) -> None:
    approval_id = desk.held(client, "say: two of us", model=HELD)
    tab = desk.signed_in("bob")
    tab.goto(f"{desk.url}/approvals/{approval_id}")
    tab.wait("#reason")

    desk.bench.decide("deny", approval_id, reason="the other was faster")

    tab.until("document.querySelector('h1 .state').textContent === 'denied'")
    assert "the other was faster" in tab.text
    client.done()


LISTENS = """(() => {
  window.told = [];
  const Real = Notification;
  window.Notification = class extends Real {
    constructor(title, how) { super(title, how); window.last = this; window.told.push([title, how.body, how.tag]); }
  };
  Object.defineProperty(document, "visibilityState", { get: () => "hidden" });
})()"""  # a browser without a window believes that every page is looked at


def test_whoever_looks_elsewhere_is_told_by_a_notification_that_leads_to_the_approval(
    desk: Desk, client: Worker
) -> None:
    tab = desk.signed_in("bob", permissions=["notifications"])
    tab.wait(".live:not(.off)")
    assert tab.ask("Notification.permission") == "granted"
    tab.ask(LISTENS)

    approval_id = desk.held(client, "say: where nobody looks", model=HELD)
    tab.until("window.told.length === 1")
    [[title, body, tag]] = tab.ask("window.told")
    tab.ask("void window.last.dispatchEvent(new Event('click'))")
    tab.arrived(f"{desk.url}/approvals/{approval_id}")

    assert (title, tag) == ("Approval: held-models", approval_id)
    assert "alice" in body
    assert "nobody looks" not in title + body  # what was asked is shown to those who are signed in, on the page
    desk.bench.decide("deny", approval_id)
    client.done()


def test_signing_out_in_one_tab_ends_the_other(desk: Desk) -> None:
    tab = desk.signed_in("bob")
    other = desk.browser.open("other", more="bob")
    other.goto(desk.url + "/")
    other.wait(".live:not(.off)")

    tab.click("text=Sign out")

    other.arrived(desk.url + "/login")


def test_a_link_in_a_chat_leads_to_the_approval_in_a_session_that_is_there(desk: Desk, client: Worker) -> None:
    approval_id = desk.held(client, "say: from the chat", model=HELD)
    tab = desk.signed_in("bob")
    with another_site(f'<a href="{desk.url}/approvals/{approval_id}">decide</a>') as chat:
        tab.goto(chat)
        tab.click("a")

        assert "from the chat" in tab.wait("#asked")
    desk.bench.decide("deny", approval_id)
    client.done()


@contextmanager
def another_site(page: str) -> Iterator[str]:
    """localhost, which is not the site of 127.0.0.1."""

    class Page(Quiet):
        def do_GET(self) -> None:
            self.answer(200, page.encode(), "text/html")

    with answering(Page) as url:
        yield url.replace("127.0.0.1", "localhost") + "/"


@pytest.mark.parametrize("look", quick(1, [{}, DARK, PHONE]), ids=["light", "dark", "phone"])
def test_axe_finds_no_serious_fault_on_any_page(desk: Desk, client: Worker, look: dict[str, object]) -> None:
    name = str(look.get("colorScheme") or ("phone" if look else "light"))
    approval_id = desk.held(client, f"{DELETE}'{CARD} {name}'", mode="stream", tools=True)
    outside = desk.tab("outside", **look)
    outside.goto(desk.url + "/login")
    faults = {"/login": outside.accessibility_faults()}
    bob, eva = desk.signed_in("bob", **look), desk.signed_in("eva", **look)
    for tab, path in (
        (bob, "/"),
        (bob, f"/approvals/{approval_id}"),
        (eva, "/history"),
        (eva, "/status"),
        (eva, "/nowhere"),
    ):
        tab.goto(desk.url + path)
        seen(tab, f"{name}-{path.split('/')[1] or 'queue'}")
        faults[path] = tab.accessibility_faults()
    desk.bench.decide("deny", approval_id)
    client.done()
    seen(eva, f"{name}-after")

    assert {path: found for path, found in faults.items() if found} == {}
