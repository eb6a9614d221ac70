"""A rule that looks at what the model says: the text waits, what came before is with the client; with the real SDKs."""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Iterator

import pytest

from tests.end_to_end import test_taken_out
from tests.end_to_end.gateway import SDKS, Bench
from tests.end_to_end.sdk import CLIENTS, PYTHON, Worker, worker

MODELS = {"openai": "gpt-said", "anthropic": "claude-said"}
CARDS = "4111 1111 1111 1111 and 5500 0000 0000 0004"


def prompt(said: str) -> str:
    return f"think: slowly\nsay: {said}"


def told(client: Worker) -> str:
    """What the client has while the text waits."""
    lines: list[str] = []
    with contextlib.suppress(queue.Empty):
        while True:
            lines.append(client.lines.get(timeout=0.3))
    return "".join(lines)


@pytest.mark.parametrize("sdk", SDKS)
@pytest.mark.parametrize("mode", ["stream", "create"])
def test_a_text_that_a_rule_names_waits_and_is_let_through_whole(
    shared: Bench, python_sdk: Worker, sdk: str, mode: str
) -> None:
    said = f"It is launch-code 1234 for {sdk} {mode}."
    before = shared.last_seq()
    python_sdk.start(shared.job(sdk, "proxy", prompt(said), mode=mode, model=MODELS[sdk]))

    approval = shared.approval_in_waiting()
    assert approval["rule"] == "said-by-the-model"
    assert "launch" not in told(python_sdk)
    shown = shared.state.run("approvals", "show", approval["id"], token=shared.tokens["bob"]).stdout
    shared.decide("approve", approval["id"])
    done = python_sdk.done()

    assert (done.error, done.text) == ("", said)
    assert "launch-code 1234" in shown
    row = shared.closed_exchange(before)
    assert (row["outcome"], row["approval_id"]) == ("completed", approval["id"])


@pytest.mark.parametrize("sdk", SDKS)
@pytest.mark.parametrize("mode", ["stream", "create"])
def test_nothing_of_a_denied_text_reaches_the_client(shared: Bench, python_sdk: Worker, sdk: str, mode: str) -> None:
    """Also where denied calls are taken out: of a text nobody can say what the reply is without it."""
    before = shared.last_seq()
    said = f"It is launch-code 4321 for {sdk} {mode}."
    python_sdk.start(shared.job(sdk, "proxy", prompt(said), mode=mode, model=MODELS[sdk]))

    approval = shared.approval_in_waiting()
    shared.decide("deny", approval["id"], reason="nobody needs it")
    done = python_sdk.done()

    assert "nobody needs it" in done.error
    assert "launch-code" not in done.text
    assert shared.closed_exchange(before)["outcome"] == "denied"


@pytest.mark.parametrize("sdk", SDKS)
def test_entities_in_a_text_are_counted(shared: Bench, python_sdk: Worker, sdk: str) -> None:
    before = shared.last_seq()
    one = shared.ask(python_sdk, sdk, "proxy", "say: 4111 1111 1111 1111", mode="stream", model=MODELS[sdk])
    first = shared.closed_exchange(before)
    before = shared.last_seq()
    two = shared.ask(python_sdk, sdk, "proxy", f"say: {CARDS}", mode="stream", model=MODELS[sdk])

    assert (one.error, one.text, first["outcome"]) == ("", "4111 1111 1111 1111", "completed")
    assert "cards-in-a-reply" in two.error
    assert "5500" not in two.text
    assert shared.closed_exchange(before)["outcome"] == "denied"


def test_a_long_text_comes_in_pieces_and_nothing_after_the_match_passes(shared: Bench, python_sdk: Worker) -> None:
    start = "A" * 9000
    python_sdk.start(
        shared.job("openai", "proxy", f"say: {start} launch-code 7777 end", mode="stream", model="gpt-said")
    )

    python_sdk.events_until("text", "A")  # what was decided already is with the client
    approval = shared.approval_in_waiting()
    shared.decide("deny", approval["id"])
    done = python_sdk.done()

    assert "launch-code" not in done.text
    assert done.error


def test_a_held_text_is_shown_as_one_and_not_as_a_call(shared: Bench, python_sdk: Worker) -> None:
    python_sdk.start(shared.job("openai", "proxy", "say: launch-code 9999", mode="stream", model="gpt-said"))
    approval = shared.approval_in_waiting()

    shown = shared.state.run("approvals", "show", approval["id"], token=shared.tokens["bob"]).stdout
    shared.decide("deny", approval["id"])
    python_sdk.done()

    assert "held text\nlaunch-code 9999" in shown
    assert "held tool call" not in shown


@pytest.fixture(scope="module")
def final_client() -> Iterator[Worker]:
    if not PYTHON.exists():
        pytest.skip("the SDKs are not installed; scripts/bootstrap --clients makes .venv-clients")
    with worker([str(PYTHON), str(CLIENTS / "final_objects.py")]) as made:
        yield made


@pytest.mark.parametrize("verdict", ["approve", "deny"])
@pytest.mark.parametrize("sdk", list(test_taken_out.STREAMS))
def test_a_text_in_every_other_sdks_stream_waits(
    shared: Bench, final_client: Worker, monkeypatch: pytest.MonkeyPatch, sdk: str, verdict: str
) -> None:
    said = f"It is launch-code 5555, {verdict}."
    monkeypatch.setattr(test_taken_out, "TEXT", said)
    before = shared.last_seq()
    final_client.start(
        {**test_taken_out.job(shared, sdk, "SELECT 1"), "model": f"{sdk}-said".replace("responses", "gpt")}
    )

    approval = shared.approval_in_waiting()
    assert approval["rule"] == "said-by-the-model"
    assert final_client.is_silent(0.2)
    shared.decide(verdict, approval["id"], reason="nobody needs it")
    heard = [final_client.next()]
    while "text" in heard[-1]:
        heard.append(final_client.next())

    outcome = shared.closed_exchange(before)["outcome"]
    if verdict == "approve":
        assert (heard[-1]["final"]["text"], outcome) == (said, "completed")
    else:
        assert "launch-code" not in str(heard)
        failed = (
            "error" in heard[-1] or heard[-1]["final"]["finish"] == "ERROR"
        )  # Cohere's SDK tells, and does not raise
        assert (failed, outcome) == (True, "denied")
