"""The control API on the console's port: the same commands from another machine, with one's own token and no more than the console shows."""

from __future__ import annotations

import asyncio
import json

import pytest

from addons.approvals.state import State
from scripts.affidavit import main
from tests.console.browsing import with_console
from tests.console.desks import hold_rule
from tests.console.test_web import HELD, path_of


async def command(bench, capsys, *words, token=""):
    """As typed on a machine that has no state: exit status, stdout, stderr."""
    token = token or bench.tokens["bob"]
    more = ["--gateway", bench.origin, "--token", token]
    status = await asyncio.to_thread(main, ["approvals", *words, *more])
    said = capsys.readouterr()
    return status, said.out, said.err


def test_an_approver_lists_shows_and_approves_from_another_machine(state, clock, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))

    async def work(bench):
        approval = await bench.hold("say: hello", about=HELD)
        await bench.person("bob", "data-owners")
        listed = await command(bench, capsys, "list", "--json")
        shown = await command(bench, capsys, "show", approval.id)
        done = await command(bench, capsys, "approve", approval.id, "--reason", "from home")
        return approval, listed, shown, done, bench.desk.approval(approval.id), bench.leaves("evidence.read")

    approval, listed, shown, done, after, reads = with_console(state, clock, work)

    (row,) = json.loads(listed[1])
    assert (row["id"], row["mine"]) == (approval.id, True)
    assert "DELETE FROM customers" in shown[1]
    assert done[:2] == (0, f"{approval.id} is approved\n")
    assert (after.state, after.approver) == (State.APPROVED, "local|bob")
    assert [(read["actor"], read["id"]) for read in reads] == [("local|bob", approval.exchange_id)]


def test_nobody_sees_or_decides_there_what_the_console_would_not_show(state, clock, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))

    async def work(bench):
        approval = await bench.hold("say: hello", rule=hold_rule("others", groups=("lawyers",)))
        await bench.person("bob", "data-owners")
        answers = [await command(bench, capsys, "list", "--json"), await command(bench, capsys, "show", approval.id)]
        answers.append(await command(bench, capsys, "approve", approval.id, "--reason", "let me"))
        return answers, bench.desk.approval(approval.id)

    (listed, shown, approved), approval = with_console(state, clock, work)

    assert json.loads(listed[1]) == []
    assert (shown[0], approved[0]) == (1, 1)
    assert "not yours" in shown[2]
    assert approval.state is State.PENDING


def test_watching_from_another_machine_begins_with_what_waits(state, clock):
    async def work(bench):
        first, _ = await bench.hold("one"), await bench.person("bob", "data-owners")
        reader, writer = await asyncio.open_connection("127.0.0.1", int(bench.origin.rpartition(":")[2]))
        head = f"GET /affidavit/approvals/watch HTTP/1.1\r\nHost: {bench.origin[7:]}\r\nAuthorization: Bearer {bench.tokens['bob']}\r\n\r\n"
        writer.write(head.encode())
        began = await reader.readuntil(b"}\n")
        second = await bench.hold("two", digest="cd" * 32)
        then = await reader.readuntil(b"}\n")
        writer.close()
        await writer.wait_closed()
        return first, began, second, then

    first, began, second, then = with_console(state, clock, work)

    assert first.id.encode() in began
    assert second.id.encode() in then


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/affidavit/tokens"),
        ("GET", "/affidavit/tokens"),
        ("POST", "/affidavit/exports"),
        ("POST", "/affidavit/roles"),
        ("POST", "/affidavit/reads"),
        ("GET", "/affidavit/status"),
        ("POST", "/affidavit/approvals/x/y/approve"),
    ],
)
def test_what_belongs_to_the_folders_owner_is_not_there(state, clock, method, path):
    async def work(bench):
        await bench.person("bob", "data-owners")
        browser = bench.browser()
        ask = browser.get if method == "GET" else browser.post
        return await ask(path, authorization=f"Bearer {bench.tokens['bob']}")

    assert with_console(state, clock, work).status == 404


@pytest.mark.parametrize("credential", ["", "Bearer ", "Bearer afd_wrong", "Basic Ym9iOmJvYg=="])
def test_without_a_token_nothing_is_said_and_a_cookie_counts_for_nothing(state, clock, credential):
    async def work(bench):
        approval = await bench.hold("say: hello")
        bob = await bench.signed_in("bob", "data-owners")
        read = await bob.get(f"/affidavit{path_of(approval)}", authorization=credential)
        done = await bob.post(f"/affidavit{path_of(approval)}/approve", authorization=credential)
        return read, done, bench.desk.approval(approval.id)

    read, done, approval = with_console(state, clock, work)

    assert (read.status, done.status) == (401, 401)
    assert "hello" not in read.text
    assert approval.state is State.PENDING
