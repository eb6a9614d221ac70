"""A call that waits for a person, before it leaves and in the middle of its reply; through both doors, with the real SDKs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.end_to_end.gateway import DOORS, SDKS, Bench
from tests.end_to_end.sdk import Worker, python_command, worker

TEXT = "I shall remove them now."
DELETE = f"say: {TEXT}\nuse tool run_sql: DELETE FROM customers WHERE id = "
MARK = "I shall"


@contextmanager
def another_client() -> Iterator[Worker]:
    with worker(python_command()) as made:
        yield made


def query(tools: tuple[tuple[str, object], ...]) -> str:
    return str(tools)


# ---- the reply: a tool call that deletes


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("sdk", SDKS)
def test_text_is_with_the_client_while_the_tool_call_waits_for_a_second_person(
    shared: Bench, python_sdk: Worker, *, sdk: str, door: str, asynchronous: bool
) -> None:
    prompt = f"{DELETE}{sdk}-{door}-{asynchronous}"
    before = shared.last_seq()
    python_sdk.start(shared.job(sdk, door, prompt, mode="stream", asynchronous=asynchronous, tools=True))

    assert MARK in python_sdk.events_until("text", MARK)
    approval = shared.approval_in_waiting()
    assert (approval["requester"], approval["rule"]) == ("local|alice", "destructive-sql")
    shared.decide("approve", approval["id"])
    done = python_sdk.done()

    assert (done.error, done.text) == ("", TEXT)
    assert "DELETE FROM customers" in query(done.tools)
    row = shared.closed_exchange(before)
    assert (row["outcome"], row["approval_id"]) == ("completed", approval["id"])
    (stored,) = shared.rows("SELECT * FROM approvals WHERE id = ?", approval["id"])
    assert (stored["state"], stored["approver"], stored["exchange_id"]) == ("approved", "local|bob", row["id"])


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("sdk", SDKS)
def test_nothing_of_the_tool_call_is_with_the_client_before_the_decision(
    shared: Bench, python_sdk: Worker, sdk: str, door: str
) -> None:
    python_sdk.start(shared.job(sdk, door, f"{DELETE}before-{sdk}-{door}", mode="stream", tools=True))
    python_sdk.events_until("text", "now.")
    approval = shared.approval_in_waiting()

    assert python_sdk.is_silent(0.3)
    shared.decide("deny", approval["id"])
    done = python_sdk.done()

    assert "DELETE" not in query(done.tools)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("sdk", SDKS)
def test_a_denied_tool_call_ends_the_stream_with_a_sentence(
    shared: Bench, python_sdk: Worker, sdk: str, door: str
) -> None:
    before = shared.last_seq()
    python_sdk.start(shared.job(sdk, door, f"{DELETE}deny-{sdk}-{door}", mode="stream", tools=True))
    python_sdk.events_until("text", MARK)
    approval = shared.approval_in_waiting()

    shared.decide("deny", approval["id"], reason="production data")
    done = python_sdk.done()

    assert "production data" in done.error
    assert f"affidavit approvals show {approval['id']}" in done.error
    assert "DELETE" not in query(done.tools)
    assert shared.closed_exchange(before)["outcome"] == "denied"


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("sdk", SDKS)
def test_a_reply_that_is_no_stream_waits_whole(shared: Bench, python_sdk: Worker, sdk: str, door: str) -> None:
    python_sdk.start(shared.job(sdk, door, f"{DELETE}whole-{sdk}-{door}", tools=True))
    approval = shared.approval_in_waiting()
    shared.decide("approve", approval["id"])

    done = python_sdk.done()

    assert (done.error, done.text) == ("", TEXT)
    assert "DELETE FROM customers" in query(done.tools)


def test_a_tool_call_that_deletes_nothing_does_not_wait(shared: Bench, python_sdk: Worker) -> None:
    done = shared.ask(python_sdk, "openai", "proxy", "use tool run_sql: SELECT 1", mode="stream", tools=True)

    assert "SELECT 1" in query(done.tools)
    assert shared.pending() == []


def test_a_requester_cannot_approve_their_own_call(shared: Bench, python_sdk: Worker) -> None:
    python_sdk.start(shared.job("openai", "proxy", f"{DELETE}self", mode="stream", tools=True))
    approval = shared.approval_in_waiting()

    said = shared.decide("approve", approval["id"], who="alice")
    other = shared.decide("approve", approval["id"], who="eve")

    assert "error:" in said
    assert "error:" in other
    assert [row["state"] for row in shared.rows("SELECT state FROM approvals WHERE id = ?", approval["id"])] == [
        "pending"
    ]
    shared.decide("deny", approval["id"])
    python_sdk.done()


def test_a_client_that_leaves_during_the_hold_gets_nothing_later(shared: Bench) -> None:
    before = shared.last_seq()
    with another_client() as client:
        client.start(shared.job("openai", "proxy", f"{DELETE}leaves", mode="stream", tools=True))
        client.events_until("text", MARK)
        approval = shared.approval_in_waiting()
        client.popen.kill()

    row = shared.closed_exchange(before)
    assert row["outcome"] == "aborted"
    shared.decide("approve", approval["id"])
    (stored,) = shared.rows("SELECT released_at FROM approvals WHERE id = ?", approval["id"])
    assert not stored["released_at"]


# ---- the request


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("sdk", SDKS)
def test_a_held_request_leaves_once_it_is_approved(shared: Bench, python_sdk: Worker, sdk: str, door: str) -> None:
    before, count = shared.last_seq(), shared.provider.count
    model = f"{'gpt' if sdk == 'openai' else 'claude'}-held"
    python_sdk.start(shared.job(sdk, door, f"say: held {sdk} {door}", model=model))
    approval = shared.approval_in_waiting()

    assert shared.provider.count == count
    shared.decide("approve", approval["id"])
    done = python_sdk.done()

    assert done.text == f"held {sdk} {door}"
    assert shared.provider.count == count + 1
    assert shared.closed_exchange(before)["approval_id"] == approval["id"]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("sdk", SDKS)
def test_a_denied_request_never_leaves(shared: Bench, python_sdk: Worker, sdk: str, door: str) -> None:
    before, count = shared.last_seq(), shared.provider.count
    model = f"{'gpt' if sdk == 'openai' else 'claude'}-held"
    python_sdk.start(shared.job(sdk, door, f"say: denied {sdk} {door}", model=model))
    approval = shared.approval_in_waiting()

    shared.decide("deny", approval["id"], reason="not this week")
    done = python_sdk.done()

    assert "not this week" in done.error
    assert "affidavit approvals show" in done.error
    assert done.status == 403
    assert shared.provider.count == count
    assert shared.closed_exchange(before)["outcome"] == "denied"


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("sdk", SDKS)
def test_a_hold_that_is_over_says_how_to_go_on_and_the_retry_finds_the_answer(
    shared: Bench, python_sdk: Worker, sdk: str, door: str
) -> None:
    before, count = shared.last_seq(), shared.provider.count
    model = f"{'gpt' if sdk == 'openai' else 'claude'}-soon"
    prompt = f"say: soon {sdk} {door}"

    first = shared.ask(python_sdk, sdk, door, prompt, model=model, retries=None)

    approval = shared.approval_in_waiting()
    assert first.status == 409
    assert approval["id"] in first.error
    assert shared.provider.count == count
    assert [row["outcome"] for row in shared.exchanges_since(before)] == ["refused"]

    shared.decide("approve", approval["id"])
    again = shared.ask(python_sdk, sdk, door, prompt, model=model)

    assert (again.error, again.text) == ("", f"soon {sdk} {door}")
    assert again.seconds < 1  # nobody was asked again
    assert shared.provider.count == count + 1


def test_a_grant_is_for_one_call(shared: Bench, python_sdk: Worker) -> None:
    prompt, model = "say: once only", "gpt-soon"
    shared.ask(python_sdk, "openai", "proxy", prompt, model=model)
    shared.decide("approve", shared.approval_in_waiting()["id"])
    shared.ask(python_sdk, "openai", "proxy", prompt, model=model)
    count = shared.provider.count

    third = shared.ask(python_sdk, "openai", "proxy", prompt, model=model)

    assert third.status == 409
    assert shared.provider.count == count
    shared.decide("deny", shared.approval_in_waiting()["id"])


def test_a_grant_is_for_the_very_payload_that_was_asked_for(shared: Bench, python_sdk: Worker) -> None:
    shared.ask(python_sdk, "openai", "proxy", "say: delete one row", model="gpt-soon")
    shared.decide("approve", shared.approval_in_waiting()["id"])
    count = shared.provider.count

    other = shared.ask(python_sdk, "openai", "proxy", "say: delete every row", model="gpt-soon")

    assert other.status == 409
    assert shared.provider.count == count
    shared.decide("deny", shared.approval_in_waiting()["id"])


def test_retries_join_the_approval_that_is_pending(shared: Bench, python_sdk: Worker) -> None:
    for _ in range(3):
        shared.ask(python_sdk, "openai", "proxy", "say: again and again", model="gpt-soon")

    approval = shared.approval_in_waiting()  # one, not three
    shared.decide("deny", approval["id"])
    denied = shared.ask(python_sdk, "openai", "proxy", "say: again and again", model="gpt-soon")
    assert denied.status == 403


def test_a_held_request_whose_client_left_is_never_sent(shared: Bench) -> None:
    before, count = shared.last_seq(), shared.provider.count
    with another_client() as client:
        client.start(shared.job("anthropic", "proxy", "say: late approval", model="claude-held"))
        approval = shared.approval_in_waiting()
        client.popen.kill()
    row = shared.closed_exchange(before)

    shared.decide("approve", approval["id"])

    assert row["outcome"] == "aborted"
    assert shared.provider.count == count


def test_other_calls_run_on_while_one_waits(shared: Bench, python_sdk: Worker) -> None:
    with another_client() as client:
        client.start(shared.job("openai", "proxy", "say: I wait", model="gpt-held"))
        approval = shared.approval_in_waiting()

        done = shared.ask(python_sdk, "openai", "proxy", "say: I do not")

        assert done.text == "I do not"
        shared.decide("deny", approval["id"])
        client.done()


@pytest.mark.long
def test_two_clients_of_one_person_share_one_hold(shared: Bench) -> None:
    """The same payload twice at once: one approval, one use; the second asks anew or is told."""
    count = shared.provider.count
    results = []
    with another_client() as one, another_client() as two:
        for client in (one, two):
            client.start(shared.job("openai", "proxy", "say: both at once", model="gpt-held"))
        shared.until(
            lambda: (
                len(shared.rows("SELECT 1 FROM exchanges WHERE request_model = 'gpt-held' AND closed_at IS NULL")) == 2
            ),
            "both are held",
        )
        shared.decide("approve", shared.approval_in_waiting()["id"])
        readers = [threading.Thread(target=lambda c=client: results.append(c.done())) for client in (one, two)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(60)

    assert sorted(done.error == "" for done in results) == [False, True]
    assert shared.provider.count == count + 1


# ---- the product's own bound, in real time


@pytest.mark.long
@pytest.mark.timeout(400)
@pytest.mark.parametrize("sdk", SDKS)
def test_a_stream_held_for_170_seconds_ends_pending_and_once_approved_the_retry_answers_at_once(
    make_bench, python_sdk: Worker, sdk: str
) -> None:
    with make_bench(hold_seconds=600) as made:  # more than a stream may wait
        job = made.job(sdk, "proxy", f"{DELETE}170", mode="stream", tools=True)
        python_sdk.start(job)
        python_sdk.events_until("text", MARK)
        approval = made.approval_in_waiting()
        held = python_sdk.done(seconds=300)
        made.decide("approve", approval["id"])
        python_sdk.start(job)
        again = python_sdk.done()
        row = made.exchanges_since(0)[0]

    assert held.seconds >= 170
    assert f"Affidavit holds this call ({approval['id']})" in held.error
    assert "DELETE" not in query(held.tools)
    assert (row["outcome"], row["error"]) == ("refused", "approval_pending")
    assert again.error == ""
    assert "DELETE FROM customers" in query(again.tools)
    assert again.seconds < 10  # nobody was asked again
