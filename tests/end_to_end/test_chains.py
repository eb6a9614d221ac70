"""Calls of one pipeline are one session, and the record says why; a tool's result is paired with the call that asked for it."""

from __future__ import annotations

import json
import socket
import threading
from typing import Any

import pytest

from scripts.local_gateway import launch
from tests.end_to_end.gateway import SQL_TOOL, Bench
from tests.end_to_end.test_transparency import Upstream, upstream, with_length
from tests.quick import quick

USER = {"role": "user", "content": "say: hello"}


def chat(made: Bench, messages: list[Any], *, headers: tuple[tuple[str, str], ...] = (), **more: Any) -> Any:
    body = json.dumps({"model": "gpt-4o", "messages": messages, **more}).encode()
    answer = made.raw("proxy", body, headers=headers)
    assert answer.status == 200, answer.text
    return answer.json()["choices"][0]["message"]


def links(made: Bench, before: int) -> list[tuple[int, str]]:
    """(which session, from 0; why) of each call since."""
    rows = made.exchanges_since(before)
    numbers = {session: number for number, session in enumerate(dict.fromkeys(row["session_id"] for row in rows))}
    return [(numbers[row["session_id"]], row["link_reason"]) for row in rows]


def test_a_conversation_that_is_sent_again_is_one_session_and_the_same_words_twice_are_two(shared: Bench) -> None:
    before = shared.last_seq()
    question = {"role": "user", "content": "say: of this test alone"}

    answer = chat(shared, [question])
    chat(shared, [question, answer, USER])
    chat(shared, [question])

    assert links(shared, before) == [(0, "new"), (0, "prefix"), (1, "new")]


def test_a_session_header_is_believed_whatever_is_said(shared: Bench) -> None:
    before = shared.last_seq()

    for text in ("say: one", "say: two"):
        chat(shared, [{"role": "user", "content": text}], headers=(("x-session-id", "pipeline-7"),))
    shared.raw("proxy", b'{"model": "claude-sonnet-5", "max_tokens": 9, "messages": [{"role": "user", "content": "say: three"}]}', sdk="anthropic", headers=(("x-session-id", "pipeline-7"),))  # fmt: skip

    assert links(shared, before) == [(0, "session_header")] * 3
    session = shared.exchanges_since(before)[0]["session_id"]
    shown = shared.state.run("show", session, token=shared.tokens["alice"]).stdout
    listed = shared.state.json("sessions", "--limit", "1")
    assert shown.count("explicit link: session_header") == 3
    assert [(row["linked_explicitly"], row["linked_by_inference"]) for row in listed] == [(3, 0)]


def test_a_tools_result_is_paired_with_the_call_that_asked_for_it(own: Bench) -> None:
    asked = {"role": "user", "content": "use tool run_sql: SELECT name FROM planets"}
    answer = chat(own, [asked], tools=[SQL_TOOL["openai"]])
    result = {"role": "tool", "tool_call_id": answer["tool_calls"][0]["id"], "content": "Mars"}

    chat(own, [asked, answer, result], tools=[SQL_TOOL["openai"]])

    first, second = own.exchanges_since(0)
    (command,) = own.rows("SELECT * FROM commands WHERE exchange_id = ?", first["id"])
    assert (command["verb"], command["evidence"], command["outcome"]) == ("SELECT", "result_reported", "returned")
    assert command["result_exchange_id"] == second["id"]
    assert links(own, 0) == [(0, "new"), (0, "prefix")]


def test_a_result_alone_links_to_the_call_by_its_id(own: Bench) -> None:
    answer = chat(own, [{"role": "user", "content": "use tool run_sql: SELECT 1"}], tools=[SQL_TOOL["openai"]])
    own.until(lambda: own.exchanges_since(0)[0]["outcome"], "the first call was closed")

    chat(own, [{"role": "tool", "tool_call_id": answer["tool_calls"][0]["id"], "content": "1"}])

    assert links(own, 0) == [(0, "new"), (0, "tool_result")]


def asks(made: Bench, path: str, body: dict[str, Any], headers: tuple[tuple[str, str], ...] = ()) -> None:
    before = made.last_seq()
    answer = made.raw("base_url", json.dumps(body).encode(), connection="down", path=path, headers=headers)
    assert answer.status == 200, answer.text
    made.closed_exchange(before)


GEMINI = "/v1beta/models/gemini-2.5-flash:generateContent"
WEATHER = [{"functionCall": {"name": "weather", "args": {"city": city}}} for city in ("Brno", "Oslo")]
FAILED = {"functionResponse": {"name": "weather", "response": {"error": "no such city"}}}
FOUND = {"functionResponse": {"name": "weather", "response": {"degrees": 7}}}


def gemini(parts: list[Any]) -> dict[str, Any]:
    return {"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}]}


def test_geminis_calls_without_ids_are_paired_with_their_results_by_name_and_order(make_bench) -> None:
    reply = with_length("Content-Type: application/json", body=json.dumps(gemini(WEATHER)).encode())
    asked = [{"role": "user", "parts": [{"text": "how warm is it in Brno and in Oslo"}]}]
    with upstream(reply) as far, make_bench(down_port=far.port) as made:
        asks(made, GEMINI, {"contents": asked})
        asked += [{"role": "model", "parts": WEATHER}, {"role": "user", "parts": [FOUND, FAILED]}]
        asks(made, GEMINI, {"contents": asked})

        first, second = made.exchanges_since(0)
        commands = made.rows("SELECT * FROM commands WHERE exchange_id = ?", first["id"])
        unanswered = made.rows("SELECT evidence FROM commands WHERE exchange_id = ?", second["id"])
        assert links(made, 0) == [(0, "new"), (0, "prefix")]
    assert [(row["call_id"], row["evidence"], row["outcome"], row["result_exchange_id"]) for row in commands] == [
        ("order:1:weather", "result_reported", "returned", second["id"]),
        ("order:2:weather", "result_reported", "error", second["id"]),
    ]
    assert {row["evidence"] for row in unanswered} == {"asked"}


ANSWERED = {"id": "resp_before", "object": "response", "model": "m", "status": "completed", "output": [{"type": "message", "id": "msg_1", "role": "assistant", "content": [{"type": "output_text", "text": "hello"}]}]}  # fmt: skip
THREE = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}, {"role": "user", "content": "and?"}]  # fmt: skip
AFTER = {
    "a conversation that is sent again": ({"input": THREE[:1]}, {"input": THREE}, (), "prefix"),
    "a previous response": ({"input": "hi"}, {"input": "and?", "previous_response_id": "resp_before"}, (), "previous_response"),
    "a session header": ({"input": "hi"}, {"input": "and?"}, (("x-session-id", "s-1"),), "session_header"),
    "a session in the metadata": ({"input": "hi", "metadata": {"session_id": "s-2"}}, {"input": "and?", "metadata": {"session_id": "s-2"}}, (), "client_metadata"),
}  # fmt: skip


@pytest.mark.parametrize(("first", "second", "headers", "reason"), quick(2, AFTER.values()), ids=AFTER)
def test_a_conversation_goes_on_after_a_restart(make_bench, first, second, headers, reason: str) -> None:
    reply = with_length("Content-Type: application/json", body=json.dumps(ANSWERED).encode())
    with upstream(reply) as far, make_bench(down_port=far.port) as made:
        asks(made, "/v1/responses", {"model": "m", **first}, headers)
        made.gateway.stop()
        made.gateway = launch(made.state, made.gateway.log)
        asks(made, "/v1/responses", {"model": "m", **second}, headers)

        assert [number for number, _ in links(made, 0)] == [0, 0]
        assert made.exchanges_since(0)[-1]["link_reason"] == reason


def test_the_same_question_after_a_restart_is_another_conversation(make_bench) -> None:
    reply = with_length("Content-Type: application/json", body=json.dumps(ANSWERED).encode())
    with upstream(reply) as far, make_bench(down_port=far.port) as made:
        asks(made, "/v1/responses", {"model": "m", "input": THREE[:1]})
        made.gateway.stop()
        made.gateway = launch(made.state, made.gateway.log)
        asks(made, "/v1/responses", {"model": "m", "input": [THREE[0], {"role": "user", "content": "or?"}]})

        assert links(made, 0) == [(0, "new"), (1, "new")]


MCP_READ = {"jsonrpc": "2.0", "id": 8, "method": "resources/read", "params": {"uri": "file:///srv/plan.md"}}
MCP_PLAN = json.dumps({"jsonrpc": "2.0", "id": 8, "result": {"contents": [{"uri": "file:///srv/plan.md", "text": "the plan"}]}}).encode()  # fmt: skip


def test_a_resource_that_is_read_is_a_data_access(make_bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        far = Upstream(with_length("Content-Type: application/json", body=MCP_PLAN))
        threading.Thread(target=far.serve, args=(listening,), daemon=True).start()
        with make_bench(down_port=listening.getsockname()[1]) as made:
            made.raw("base_url", json.dumps(MCP_READ).encode(), connection="down", path="/mcp")
            row = made.closed_exchange(0)
            (read, *_) = made.rows("SELECT language, verb, objects, evidence, outcome FROM commands ORDER BY position")
            said = [(one["kind"], one["name"], one["content"]) for one in made.messages(row["id"])]
        listening.shutdown(socket.SHUT_RDWR)
    assert (read["language"], read["verb"], read["evidence"], read["outcome"]) == ("mcp", "resources/read", "via_gateway", "returned")  # fmt: skip
    assert said[-1] == ("tool_result", "file:///srv/plan.md", "the plan")


MCP_CALL = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "query", "arguments": {"sql": "DROP TABLE planets"}}}  # fmt: skip
MCP_REPLY = json.dumps({"jsonrpc": "2.0", "id": 7, "result": {"content": [{"type": "text", "text": "no such table"}], "isError": True}}).encode()  # fmt: skip


def test_an_mcp_call_is_a_command_that_ran_through_the_gateway(make_bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        far = Upstream(with_length("Content-Type: application/json", body=MCP_REPLY))
        threading.Thread(target=far.serve, args=(listening,), daemon=True).start()
        with make_bench(down_port=listening.getsockname()[1]) as made:
            answer = made.raw("base_url", json.dumps(MCP_CALL).encode(), connection="down", path="/mcp", headers=(("mcp-session-id", "m-1"),))  # fmt: skip

            row = made.closed_exchange(0)
            commands = made.rows(
                "SELECT language, verb, objects, evidence, outcome, result_exchange_id, position FROM commands"
            )
            messages = made.messages(row["id"])
        listening.shutdown(socket.SHUT_RDWR)
    assert answer.body == MCP_REPLY
    assert {(one["language"], one["verb"]) for one in commands} == {("mcp", "query"), ("sql", "DROP")}
    assert {(one["evidence"], one["outcome"], one["result_exchange_id"]) for one in commands} == {
        ("via_gateway", "error", row["id"])
    }
    assert {messages[one["position"]]["kind"] for one in commands} == {"tool_call"}
    assert row["link_reason"] == "session_header"
