"""`affidavit approvals`: deciding, as the right person and as the wrong one."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import datetime

import pytest

from addons.evidence.store import Store
from tests.console.desks import DIGEST, Clock, hold_rule, opened, owning, person
from tests.scripts.commands import invoke


@pytest.fixture
def waiting(state):
    """An approval asked for by alice, and the tokens of three people. The clock is the real one: the commands have no other."""
    clock = Clock(datetime.now().astimezone())

    async def work():
        async with owning(state, clock) as desk:
            tokens = {
                name: (await person(desk, name, *groups))[0]
                for name, groups in {
                    "alice": ("engineering",),
                    "bob": ("data-owners",),
                    "eve": ("engineering",),
                }.items()
            }
            alice = desk.tokens.find(tokens["alice"], clock())
            approval = await desk.request_approval(
                exchange_id=await opened(desk), rule=hold_rule(), requester=alice, payload_digest=DIGEST
            )
            return approval, tokens

    return asyncio.run(work())


def test_an_approver_lists_shows_and_approves(state, waiting):
    approval, tokens = waiting

    listed = invoke(state, "approvals", "list", env={"AFFIDAVIT_TOKEN": tokens["bob"]})
    shown = invoke(state, "approvals", "show", approval.id, "--token", tokens["bob"])
    approved = invoke(state, "approvals", "approve", approval.id, "--reason", "ticket 1", "--token", tokens["bob"])
    decided = json.loads(invoke(state, "approvals", "list", "--only", "approved", "--json").output)

    assert approval.id in listed.output
    assert "may decide" in listed.output
    assert "destructive-sql" in shown.output
    assert "grade           trial\n" in shown.output
    assert approved.output == f"{approval.id} is approved\n"
    assert [(row["id"], row["approver"], row["reason"]) for row in decided] == [(approval.id, "local|bob", "ticket 1")]


@pytest.mark.parametrize(
    ("who", "sentence"), [("alice", "self approval"), ("eve", "not an approver"), (None, "token missing")]
)
def test_the_wrong_person_is_refused(state, waiting, who, sentence):
    approval, tokens = waiting
    as_person = ["--token", tokens[who]] if who else []

    result = invoke(state, "approvals", "deny", approval.id, "--reason", "no", *as_person)

    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: {sentence}\nhint: ")


def test_watch_prints_one_object_a_line_until_the_gateway_stops(state, waiting):
    approval, _ = waiting
    clock = Clock(datetime.now().astimezone())

    async def work():
        async with owning(state, clock, socket=True):
            watching = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "scripts.affidavit",
                "approvals",
                "watch",
                "--json",
                "--state",
                str(state.path),
                stdout=asyncio.subprocess.PIPE,
            )
            line = await watching.stdout.readline()
        return line, await watching.communicate(), watching.returncode

    line, (rest, _), status = asyncio.run(work())

    assert (json.loads(line)["id"], rest, status) == (approval.id, b"", 0)


def test_the_store_holds_no_token(state, waiting):
    _, tokens = waiting

    with Store.reader(state.database) as database:
        dump = "\n".join(database.iterdump())

    assert [name for name, token in tokens.items() if token in dump] == []
