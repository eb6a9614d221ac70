"""A provider that fails, stalls, breaks off or says odd things: the client hears what came of it, the record tells it as it was."""

from __future__ import annotations

import gzip

import pytest

from tests.end_to_end.gateway import DOORS, SDKS, Bench
from tests.end_to_end.policies import PROVIDER_KEY
from tests.end_to_end.sdk import Worker
from tests.end_to_end.test_refusals import body

LONG = "say: " + "the quick brown fox jumps over the lazy dog " * 4


@pytest.mark.parametrize("status", [429, 500, 503, 529])
@pytest.mark.parametrize("sdk", SDKS)
def test_the_providers_own_error_reaches_the_user_unchanged(
    shared: Bench, python_sdk: Worker, sdk: str, status: int
) -> None:
    before = shared.last_seq()

    done = shared.ask(python_sdk, sdk, "proxy", LONG, script={"fault": str(status)})

    assert (done.status, f"simulated {status}" in done.error) == (status, True)
    row = shared.closed_exchange(before)
    assert (row["outcome"], row["http_status"]) == ("completed", status)


@pytest.mark.parametrize("fault", ["cut", "reset"])
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("sdk", SDKS)
def test_a_stream_that_is_cut_is_recorded_as_far_as_it_came(
    shared: Bench, python_sdk: Worker, sdk: str, door: str, fault: str
) -> None:
    before = shared.last_seq()

    done = shared.ask(python_sdk, sdk, door, LONG, mode="stream", script={"fault": fault})

    assert done.error != ""
    assert LONG[5:].startswith(done.text)
    row = shared.closed_exchange(before)
    assert (row["outcome"], row["error"]) == ("failed", "upstream_cut")
    recorded = "".join(
        m["content"] for m in shared.messages(row["id"]) if m["direction"] == "response" and m["kind"] == "text"
    )
    assert recorded.startswith(done.text)
    assert LONG[5:].startswith(recorded)


@pytest.mark.parametrize("fault", ["no-answer", "cut"])
@pytest.mark.parametrize("door", DOORS)
def test_a_reply_that_never_came_whole_is_a_502_that_says_what_to_do(
    shared: Bench, python_sdk: Worker, door: str, fault: str
) -> None:
    before = shared.last_seq()

    done = shared.ask(python_sdk, "openai", door, LONG, script={"fault": fault})

    assert "affidavit status" in done.error
    assert shared.closed_exchange(before)["outcome"] == "failed"


@pytest.mark.parametrize("mode", ["create", "stream"])
@pytest.mark.parametrize("fault", ["early-103", "until-close", "gzip", "slow-headers"])
@pytest.mark.parametrize("sdk", SDKS)
def test_odd_but_right_replies_arrive_whole_and_are_recorded(
    shared: Bench, python_sdk: Worker, sdk: str, fault: str, mode: str
) -> None:
    before = shared.last_seq()

    done = shared.ask(
        python_sdk,
        sdk,
        "proxy",
        "say: odd but right",
        mode=mode,
        script={"fault": fault, "head_ms": 50 if fault == "slow-headers" else 0},
    )

    assert (done.error, done.text) == ("", "odd but right")
    row = shared.closed_exchange(before)
    assert row["outcome"] == "completed"
    assert [m["content"] for m in shared.messages(row["id"]) if m["direction"] == "response"] == ["odd but right"]


@pytest.mark.parametrize("fault", ["length", "slow-chunks", "crlf", "comments", "no-done"])
@pytest.mark.parametrize("sdk", SDKS)
def test_odd_but_right_streams_arrive_whole_and_are_recorded(
    shared: Bench, python_sdk: Worker, sdk: str, fault: str
) -> None:
    before = shared.last_seq()

    done = shared.ask(
        python_sdk, sdk, "proxy", "say: odd but right", mode="stream", script={"fault": fault, "event_ms": 5}
    )

    assert (done.error, done.text) == ("", "odd but right")
    row = shared.closed_exchange(before)
    assert row["outcome"] == "completed"
    assert [m["content"] for m in shared.messages(row["id"]) if m["direction"] == "response"] == ["odd but right"]


@pytest.mark.parametrize("wire_bytes", [1, 7, 1000])
def test_a_stream_is_recorded_alike_however_its_bytes_arrive(
    shared: Bench, python_sdk: Worker, wire_bytes: int
) -> None:
    before = shared.last_seq()

    done = shared.ask(
        python_sdk, "openai", "proxy", "say: žluťoučký kůň 🐎", mode="stream", script={"wire_bytes": wire_bytes}
    )

    assert done.text == "žluťoučký kůň 🐎"
    row = shared.closed_exchange(before)
    assert [m["content"] for m in shared.messages(row["id"]) if m["direction"] == "response"] == [done.text]


@pytest.mark.parametrize("sdk", SDKS)
def test_an_error_in_mid_stream_is_the_clients_and_the_records(shared: Bench, python_sdk: Worker, sdk: str) -> None:
    before = shared.last_seq()

    done = shared.ask(python_sdk, sdk, "proxy", LONG, mode="stream", script={"fault": "error-event"})

    assert "simulated failure in mid-stream" in done.error
    assert shared.closed_exchange(before)["error"]


def test_invalid_utf8_passes_as_it_is(shared: Bench) -> None:
    before = shared.last_seq()

    answer = shared.raw(
        "proxy",
        body("gpt-4o").replace(b"say: this must not be asked", b"no instruction"),
        headers=(("x-local-fault", "invalid-utf8"),),
    )

    assert b"\xff\xfe\xc3" in answer.body
    assert shared.closed_exchange(before)["outcome"] == "completed"


@pytest.mark.parametrize("door", DOORS)
def test_a_gzip_bomb_from_upstream_does_not_take_the_gateway_down(shared: Bench, door: str) -> None:
    before = shared.last_seq()

    answer = shared.raw(
        door, body("gpt-4o"), headers=(("x-local-script", '{"fault": "gzip-bomb", "reply_bytes": 268435456}'),)
    )

    assert answer.status in {200, 502}
    assert shared.closed_exchange(before)["outcome"] in {"completed", "failed", "refused"}
    assert shared.raw(door, body("gpt-4o")).status == 200


def test_a_huge_reply_is_passed_on_whole(shared: Bench) -> None:
    before = shared.last_seq()

    answer = shared.raw(
        "base_url", body("gpt-4o"), headers=(("x-local-script", '{"fault": "huge", "reply_bytes": 50000000}'),)
    )

    assert answer.status == 200
    assert len(answer.body) > 49_999_000
    assert shared.closed_exchange(before)["outcome"] == "completed"


@pytest.mark.parametrize("door", DOORS)
def test_what_a_provider_repeats_of_its_key_does_not_reach_the_record(shared: Bench, door: str) -> None:
    before = shared.last_seq()

    answer = shared.raw(door, body("gpt-4o"), headers=(("x-local-fault", "echo-credentials"),))

    assert answer.status == 401
    assert PROVIDER_KEY not in str(answer.headers)
    row = shared.closed_exchange(before)
    assert PROVIDER_KEY not in str(shared.messages(row["id"])) + str(shared.events_since(before))


def test_a_client_that_leaves_is_recorded_with_what_it_got(shared: Bench, python_sdk: Worker) -> None:
    before = shared.last_seq()
    gate = "client-leaves"

    done = shared.ask(
        python_sdk,
        "openai",
        "proxy",
        LONG,
        mode="stream",
        script={"gate": gate, "gate_after": 6, "delta_chars": 5},
        leave_after=3,
    )

    assert done.error == ""
    row = shared.closed_exchange(before)
    assert (row["outcome"], row["error"]) == ("aborted", "client_left")
    recorded = "".join(m["content"] for m in shared.messages(row["id"]) if m["direction"] == "response")
    assert recorded.startswith(done.text)


def test_the_first_token_does_not_wait_for_the_last(shared: Bench, python_sdk: Worker) -> None:
    gate = "first-token"
    python_sdk.start(
        shared.job(
            "openai",
            "proxy",
            "say: one two three four",
            mode="stream",
            script={"gate": gate, "gate_after": 4, "delta_chars": 4},
        )
    )

    assert python_sdk.events_until("text", "one") == "one "
    shared.provider.open_gate(gate)
    assert python_sdk.done().text == "one two three four"


def test_a_compressed_request_is_read_and_passed_on(shared: Bench) -> None:
    before = shared.last_seq()

    answer = shared.raw("proxy", gzip.compress(body("gpt-4o")), headers=(("content-encoding", "gzip"),))

    assert answer.status == 400  # the local provider reads no gzip, and says so
    assert any(
        "this must not be asked" in (m["content"] or "") for m in shared.messages(shared.closed_exchange(before)["id"])
    )
