"""The SDKs as their users run them, through both doors: the call arrives, the reply comes back, the record holds it."""

from __future__ import annotations

import pytest

from tests.end_to_end.gateway import DOORS, MODELS, SDKS, Bench
from tests.end_to_end.policies import PROVIDER_KEY
from tests.end_to_end.sdk import Worker

PROMPT = "think: let me see\nsay: a simulated answer\nuse tool run_sql: SELECT name FROM products"
REASONING, TEXT, TOOLS = "let me see", "a simulated answer", (("run_sql", {"query": "SELECT name FROM products"}),)
WAYS = [
    pytest.param(sdk, door, mode, asynchronous, id=f"{sdk}-{door}-{mode}-{'async' if asynchronous else 'sync'}")
    for sdk in SDKS
    for door in DOORS
    for mode in ("create", "stream")
    for asynchronous in (False, True)
]


@pytest.mark.parametrize(("sdk", "door", "mode", "asynchronous"), WAYS)
def test_a_python_sdk_gets_the_whole_reply(
    shared: Bench, python_sdk: Worker, *, sdk: str, door: str, mode: str, asynchronous: bool
) -> None:
    done = shared.ask(python_sdk, sdk, door, PROMPT, mode=mode, asynchronous=asynchronous, tools=True)

    assert (done.error, done.reasoning, done.text, done.tools) == ("", REASONING, TEXT, TOOLS)
    assert done.model == f"local-{MODELS[sdk]}"


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("sdk", SDKS)
def test_a_stream_comes_as_it_is_said_on_record_before_its_first_word_and_closed_before_its_last(
    shared: Bench, python_sdk: Worker, sdk: str, door: str
) -> None:
    seq, gate = shared.last_seq(), f"as-it-is-said-{sdk}-{door}"
    script = {"gate": gate, "gate_after": 4, "delta_chars": 4}

    python_sdk.start(shared.job(sdk, door, "say: one two three four five", mode="stream", script=script))
    python_sdk.events_until("text", "one")  # the provider has said no more than this yet
    under_way = [row["outcome"] for row in shared.exchanges_since(seq)]
    shared.provider.open_gate(gate)
    done = python_sdk.done()
    ended = [row["outcome"] for row in shared.exchanges_since(seq)]  # at once: the end that the client saw is our word

    assert (done.error, under_way, ended) == ("", [None], ["completed"])


@pytest.mark.parametrize("mode", ["create", "stream"])
@pytest.mark.parametrize("sdk", SDKS)
def test_a_node_sdk_comes_in_by_its_base_url(shared: Bench, node_sdk: Worker, sdk: str, mode: str) -> None:
    """Node 20 ignores the proxy variables, so the proxy door is not its way."""
    done = shared.ask(node_sdk, sdk, "base_url", PROMPT, mode=mode, tools=True)

    assert (done.error, done.reasoning, done.text, done.tools) == ("", REASONING, TEXT, TOOLS)


@pytest.mark.parametrize("mode", ["create", "stream"])
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("sdk", SDKS)
def test_a_call_is_in_the_store_with_all_its_parts(
    shared: Bench, python_sdk: Worker, sdk: str, door: str, mode: str
) -> None:
    before = shared.last_seq()

    shared.ask(python_sdk, sdk, door, PROMPT, mode=mode, tools=True)

    row = shared.closed_exchange(before)
    expected = {
        "outcome": "completed", "error": None, "subject": "local|alice", "email": "alice@example.com", "door": door,
        "connection": sdk, "provider": sdk, "method": "POST", "request_model": MODELS[sdk], "response_model": f"local-{MODELS[sdk]}",
        "http_status": 200, "streamed": int(mode == "stream"), "grade": "trial", "operation": "chat",
    }  # fmt: skip
    assert {name: row[name] or None if name == "error" else row[name] for name in expected} == expected
    replies = {m["kind"]: m["content"] for m in shared.messages(row["id"]) if m["direction"] == "response"}
    assert replies["reasoning"] == REASONING
    assert replies["text"] == TEXT
    assert "SELECT name FROM products" in replies["tool_call"]
    (command,) = shared.rows("SELECT * FROM commands WHERE exchange_id = ?", row["id"])
    assert (command["language"], command["verb"], command["tool"]) == ("sql", "SELECT", "run_sql")


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("sdk", SDKS)
def test_tokens_as_the_provider_counted_them_are_recorded(
    shared: Bench, python_sdk: Worker, sdk: str, door: str
) -> None:
    before = shared.last_seq()

    shared.ask(python_sdk, sdk, door, PROMPT)

    row = shared.closed_exchange(before)
    assert row["input_tokens"] > 0
    assert row["output_tokens"] > 0


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("sdk", SDKS)
def test_the_provider_gets_its_own_key_and_nothing_of_the_callers(
    shared: Bench, python_sdk: Worker, sdk: str, door: str
) -> None:
    shared.ask(python_sdk, sdk, door, PROMPT, api_key="" if door == "base_url" else "sk-clients-own-key")

    received = shared.provider.log[-1]
    sent = "\n".join(f"{name}: {value}" for name, value in received.headers)
    assert PROVIDER_KEY in sent
    assert "proxy-authorization" not in sent.lower()
    assert "afd_" not in sent + received.target
    assert "sk-clients-own-key" not in sent
    assert received.header("host").startswith("127.0.0.1")


def test_the_second_turn_of_a_conversation_joins_the_first_ones_session(shared: Bench, python_sdk: Worker) -> None:
    before = shared.last_seq()
    first = shared.job("openai", "proxy", "a first question for this session")
    second = shared.job("openai", "proxy", "ignored")
    second["request"]["messages"] = [
        *first["request"]["messages"],
        {"role": "assistant", "content": "an answer"},
        {"role": "user", "content": "and a second question"},
    ]

    for job in (first, second):
        python_sdk.start(job)
        assert python_sdk.done().error == ""

    shared.until(lambda: all(row["outcome"] for row in shared.exchanges_since(before)), "both exchanges are closed")
    sessions = [row["session_id"] for row in shared.exchanges_since(before)]
    assert len(sessions) == 2
    assert len(set(sessions)) == 1


def test_a_client_that_has_its_own_key_may_pass_it_where_the_connection_says_so(
    shared: Bench, python_sdk: Worker
) -> None:
    done = shared.ask(
        python_sdk, "openai", "proxy", "say: hello", host="own.api.openai.com", api_key="sk-clients-own-key"
    )

    assert done.error == ""
    assert shared.provider.log[-1].header("authorization") == "Bearer sk-clients-own-key"


def test_https_upstreams_are_checked_against_their_certificate(make_bench, python_sdk: Worker, tmp_path) -> None:
    from scripts.local_certificate import throwaway_certificate

    with make_bench(tls=throwaway_certificate(tmp_path)) as bench:
        done = bench.ask(python_sdk, "openai", "proxy", "say: over TLS", mode="stream")

    assert (done.error, done.text) == ("", "over TLS")
