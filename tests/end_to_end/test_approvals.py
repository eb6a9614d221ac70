"""Approvals as a team uses them: windows, purposes, restarts, receipts; with a real SDK and the `affidavit` command."""

from __future__ import annotations

import json

import pytest

from scripts.local_gateway import launch
from tests.end_to_end.gateway import SDKS, Bench
from tests.end_to_end.sdk import Worker, python_command, worker


def ask(made: Bench, client: Worker, prompt: str, model: str):
    return made.ask(client, "openai", "base_url", prompt, model=model)


def decided(made: Bench, *words: str, who: str = "bob") -> str:
    done = made.state.run("approvals", *words, token=made.tokens[who], check=False)
    return done.stdout + done.stderr


@pytest.mark.long
def test_a_window_of_minutes_lets_other_calls_of_this_person_through_until_it_is_taken_back(
    shared: Bench, python_sdk: Worker
) -> None:
    before, count = shared.last_seq(), shared.provider.count
    assert ask(shared, python_sdk, "say: one", "gpt-window").status == 409
    approval = shared.approval_in_waiting()

    assert "minutes out of range" in decided(
        shared, "approve", approval["id"], "--reason", "tonight", "--minutes", "31"
    )
    decided(shared, "approve", approval["id"], "--reason", "tonight", "--minutes", "30")
    answers = [ask(shared, python_sdk, f"say: {word}", "gpt-window") for word in ("one", "two", "three")]

    assert [answer.text for answer in answers] == ["one", "two", "three"]
    assert shared.provider.count == count + 3
    used = shared.events_since(before, "approval.used")
    assert len({row["exchange_id"] for row in used}) == 3  # what used it is recorded, each time
    assert "is revoked" in decided(shared, "revoke", approval["id"])
    assert ask(shared, python_sdk, "say: four", "gpt-window").status == 409
    shared.decide("deny", shared.approval_in_waiting()["id"])


def test_a_conversation_that_was_approved_goes_on_and_another_waits(shared: Bench, python_sdk: Worker) -> None:
    """The history is sent again, which makes it the same conversation."""

    def turn(*said: tuple[str, str]) -> object:
        job = shared.job("openai", "base_url", "", model="gpt-window")
        job["request"]["messages"] = [{"role": role, "content": content} for role, content in said]
        python_sdk.start(job)
        return python_sdk.done()

    begun = ("user", "say: begin"), ("assistant", "begin")
    first = turn(begun[0])
    approval = shared.approval_in_waiting()
    decided(shared, "approve", approval["id"], "--reason", "this task", "--session")

    assert first.status == 409
    assert turn(begun[0]).text == "begin"
    assert turn(*begun, ("user", "say: on")).text == "on"
    assert turn(("user", "say: something else")).status == 409
    shared.decide("deny", shared.approval_in_waiting()["id"])
    decided(shared, "revoke", approval["id"])


def test_a_rule_may_want_a_purpose_and_others_only_tell(shared: Bench, python_sdk: Worker) -> None:
    before, count = shared.last_seq(), shared.provider.count

    refused = ask(shared, python_sdk, "say: x", "gpt-purpose")

    assert refused.status == 403
    assert "--purpose" in refused.error
    assert shared.provider.count == count
    assert [row["outcome"] for row in shared.exchanges_since(before)] == ["refused"]
    assert ask(shared, python_sdk, "say: told", "gpt-told").text == "told"
    findings = [json.loads(row["leaf"])["attrs"] for row in shared.events_since(before, "finding")]
    assert {(one["code"], one["detail"]) for one in findings} >= {
        ("rule_notify", "told-of"),
        ("rule_observe", "only-watched"),
    }


def test_a_pending_approval_survives_a_kill_its_flow_is_interrupted_and_the_retry_finds_the_answer(own: Bench) -> None:
    before, count = own.last_seq(), own.provider.count
    with worker(python_command()) as client:
        client.start(own.job("openai", "base_url", "say: again", model="gpt-held"))
        approval = own.approval_in_waiting()
        own.gateway.popen.kill()
        own.gateway.popen.wait(10)
    own.gateway = launch(own.state, own.gateway.log)

    assert [row["id"] for row in own.pending()] == [approval["id"]]
    (flow,) = own.exchanges_since(before)
    assert flow["outcome"] == "interrupted"
    own.decide("approve", approval["id"])
    assert own.provider.count == count  # nobody is there to be answered
    with worker(python_command()) as client:
        again = ask(own, client, "say: again", "gpt-held")

    assert (again.text, own.provider.count) == ("again", count + 1)
    assert again.seconds < 5
    assert own.state.run("verify", str(own.state.path), check=False).returncode == 0


def test_an_approvers_decision_has_a_receipt_that_verifies_and_names_the_call_it_released(
    shared: Bench, python_sdk: Worker
) -> None:
    before = shared.last_seq()
    ask(shared, python_sdk, "say: receipt", "gpt-soon")
    approval = shared.approval_in_waiting()
    shared.decide("approve", approval["id"], reason="ticket 12")
    ask(shared, python_sdk, "say: receipt", "gpt-soon")
    path = shared.state.path.parent / "receipt.txt"

    path.write_text(shared.state.run("approvals", "receipt", approval["id"]).stdout)
    said = json.loads(path.read_text().split("\n")[1])
    vkey = (shared.state.path / "keys" / "log.vkey").read_text().strip()
    good = shared.state.run("verify", str(path), "--vkey", vkey, check=False)
    path.write_text(path.read_text().replace("ticket 12", "ticket 13"))
    bad = shared.state.run("verify", str(path), "--vkey", vkey, check=False)

    assert (said["approvers"][0]["approver"], said["reason"]) == ("local|bob", "ticket 12")
    assert said["released_exchange"] == shared.exchanges_since(before)[-1]["id"]
    assert said["view_digest"].startswith("hmac-sha256:")
    assert (good.returncode, bad.returncode) == (0, 1)
    assert "receipt_signature_bad" in bad.stdout


def test_two_decide_at_once_and_a_double_click_decides_once(shared: Bench, python_sdk: Worker) -> None:
    ask(shared, python_sdk, "say: twice", "gpt-soon")
    approval = shared.approval_in_waiting()

    said = [shared.decide("approve", approval["id"]) for _ in range(2)]

    assert "is approved" in said[0]
    assert "already decided" in said[1]
    rows = shared.rows("SELECT count(*) AS n FROM grants WHERE approval_id = ?", approval["id"])
    assert rows == [{"n": 1}]


def test_what_a_stranger_wrote_drives_no_terminal(shared: Bench, python_sdk: Worker) -> None:
    """Escape sequences and bidirectional marks in a held tool call, as `approvals show` prints it."""
    hostile = "DELETE FROM t -- \x1b[2J\x1b]0;owned\x07\u202e <script>alert(1)</script>"
    python_sdk.start(
        shared.job(
            "openai", "base_url", "use tool run_sql " + json.dumps({"query": hostile}), mode="stream", tools=True
        )
    )
    approval = shared.approval_in_waiting()

    shown = shared.state.run("approvals", "show", approval["id"], token=shared.tokens["bob"]).stdout
    shared.decide("deny", approval["id"])
    python_sdk.done()

    assert "run_sql" in shown
    assert "DELETE FROM t" in shown
    assert not {"\x1b", "\x07", "\u202e"} & set(shown)


def test_why_tells_rule_by_rule_what_decided_a_recorded_call(shared: Bench, python_sdk: Worker) -> None:
    before = shared.last_seq()
    ask(shared, python_sdk, "say: why", "gpt-soon")
    shared.decide("deny", shared.approval_in_waiting()["id"])
    (row,) = shared.exchanges_since(before)

    told = {one["rule"]: one for one in shared.state.json("approvals", "why", row["id"])["rules"]}

    assert (told["soon-over"]["fits"], told["soon-over"]["why"]) == (True, ["models: *-soon*"])
    assert (told["held-models"]["fits"], told["held-models"]["why"]) == (False, ["models does not fit"])
    assert (told["never"]["reached"], told["destructive-sql"]["direction"]) == (False, "response")
    assert "error:" in shared.state.run("approvals", "why", "ex_nobody", check=False).stderr


@pytest.mark.parametrize("sdk", SDKS)
def test_a_tool_call_that_waited_too_long_says_so_in_the_stream_and_the_retry_finds_the_answer(
    shared: Bench, python_sdk: Worker, sdk: str
) -> None:
    """What may still be approved is an error, even where a denied call is taken out: the same request finds the answer."""
    how = {"mode": "stream", "tools": True, "model": "gpt-brief" if sdk == "openai" else "claude-brief"}
    prompt = f"say: now\nuse tool run_sql: DELETE FROM brief_{sdk}"

    first = shared.ask(python_sdk, sdk, "base_url", prompt, **how)
    approval = shared.approval_in_waiting()
    shared.decide("approve", approval["id"])
    again = shared.ask(python_sdk, sdk, "base_url", prompt, **how)

    assert approval["id"] in first.error
    assert first.tools == () or "DELETE" not in str(first.tools)
    assert (again.error, again.text) == ("", "now")
    assert "DELETE FROM brief" in str(again.tools)
    assert again.seconds < 5
