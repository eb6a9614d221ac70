"""Which calls belong together, and why: names that clients give, replies and traces they refer to, results they bring."""

import json

import pytest

from addons.providers.call import Call, Kind, LinkReason, Part, Reply
from addons.providers.doors import parse_call
from addons.providers.links import Link, links_after, links_of, results_in
from addons.providers.wire import WireRequest
from addons.sessions import Sessions

UUID = "0192f0c1-2d3e-7f40-8a5b-6c7d8e9f0a1b"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def link(path="/v1/responses", body=None, headers=(), provider="openai"):
    request = WireRequest("POST", path, headers=headers, body=json.dumps(body or {}).encode())
    return [(one.reason, one.name) for one in links_of(parse_call(provider, request), request)]


NAMED = {
    "a session header": (link(headers=(("X-Session-Id", "s-1"),)), (LinkReason.SESSION_HEADER, "s-1")),
    "MCP's session": (link("/mcp", {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, (("Mcp-Session-Id", "m-1"),), "mcp"), (LinkReason.SESSION_HEADER, "m-1")),
    "a trace": (link(headers=(("traceparent", f"00-{TRACE}-00f067aa0ba902b7-01"),)), (LinkReason.TRACE, TRACE)),
    "Claude Code": (link("/v1/messages", {"model": "claude", "messages": [], "metadata": {"user_id": f"user_ab_account__session_{UUID}"}}, provider="anthropic"), (LinkReason.CLIENT_METADATA, UUID)),
    "Claude Code, newer": (link("/v1/messages", {"model": "claude", "messages": [], "metadata": {"user_id": json.dumps({"device_id": "d", "session_id": UUID})}}, provider="anthropic"), (LinkReason.CLIENT_METADATA, UUID)),
    "metadata": (link(body={"input": "hi", "metadata": {"session_id": "s-2"}}), (LinkReason.CLIENT_METADATA, "s-2")),
    "a previous response": (link(body={"input": "hi", "previous_response_id": "resp_1"}), (LinkReason.PREVIOUS_RESPONSE, "resp_1")),
    "a previous interaction": (link("/v1beta/interactions", {"input": "hi", "previous_interaction_id": "v1_a"}, provider="gemini"), (LinkReason.PREVIOUS_RESPONSE, "v1_a")),
    "a conversation": (link(body={"input": "hi", "conversation": {"id": "conv_1"}}), (LinkReason.CONVERSATION, "conv_1")),
    "a conversation's id": (link(body={"input": "hi", "conversation": "conv_1"}), (LinkReason.CONVERSATION, "conv_1")),
    "a thread": (link("/v1/threads/thread_1/runs", {"assistant_id": "a"}), (LinkReason.THREAD, "thread_1")),
    "an agent's session": (link("/agents/A/agentAliases/B/sessions/s-3/text", {"inputText": "hi"}, provider="bedrock"), (LinkReason.CONVERSATION, "s-3")),
}  # fmt: skip
NOTHING = {
    "no name": link(body={"input": "hi"}),
    "a trace of zeros": link(headers=(("traceparent", f"00-{'0' * 32}-00f067aa0ba902b7-01"),)),
    "no trace": link(headers=(("traceparent", "hello"),)),
    "an empty header": link(headers=(("x-session-id", ""),)),
    "a name without end": link(headers=(("x-session-id", "s" * 300),)),
    "a user": link("/v1/messages", {"messages": [], "metadata": {"user_id": "ann"}}, provider="anthropic"),
    "an endpoint beside responses": link("/v1/responses/input_tokens", {"input": "hi"}),
    "runs of new threads": link("/v1/threads/runs", {"assistant_id": "a"}),
    "values of other types": link(
        body={"input": "hi", "conversation": 7, "previous_response_id": ["x"], "metadata": "x"}
    ),
}


@pytest.mark.parametrize(("found", "expected"), NAMED.values(), ids=NAMED)
def test_a_name_is_found(found, expected):
    assert found == [expected]


@pytest.mark.parametrize("found", NOTHING.values(), ids=NOTHING)
def test_what_is_no_name_links_nothing(found):
    assert found == []


def test_a_reply_gives_its_id_and_the_ids_of_its_calls():
    calls = (
        Part(Kind.TOOL_CALL, "{}", name="f", call_id="call_abcdefgh"),
        Part(Kind.TOOL_CALL, "{}", call_id="call_1"),
    )

    assert links_after(Reply(parts=calls, response_id="resp_1"), "openai.responses") == [
        Link(LinkReason.PREVIOUS_RESPONSE, "resp_1"), Link(LinkReason.TOOL_RESULT, "call_abcdefgh"),
    ]  # fmt: skip
    assert links_after(Reply(response_id="thread_1"), "openai.assistants") == [Link(LinkReason.THREAD, "thread_1")]
    assert links_after(Reply(response_id="chatcmpl-1"), "openai.chat") == []
    assert results_in((Part(Kind.TOOL_RESULT, "seen", call_id="call_abcdefgh"),)) == [
        Link(LinkReason.TOOL_RESULT, "call_abcdefgh")
    ]


@pytest.fixture
def sessions():
    numbers = iter(range(100))
    return Sessions(str.encode, lambda: f"se_{next(numbers)}")


HEADER, OTHER_HEADER = (Link(LinkReason.SESSION_HEADER, name) for name in ("a", "b"))
RESPONSE, TRACED = Link(LinkReason.PREVIOUS_RESPONSE, "resp_1"), Link(LinkReason.TRACE, TRACE)
RESULT = Link(LinkReason.TOOL_RESULT, "call_abcdefgh")


def test_a_clients_own_name_decides_also_the_first_time_and_before_the_history(sessions):
    first = sessions.of("ann", [HEADER], "", [])[:2]

    assert first == ("se_0", LinkReason.SESSION_HEADER)
    assert sessions.of("ann", [HEADER], "se_9", [])[:2] == first
    assert sessions.of("ann", [OTHER_HEADER], "se_0", [])[:2] == ("se_1", LinkReason.SESSION_HEADER)


def test_a_reply_that_is_referred_to_links_if_it_went_through_here(sessions):
    begun, reason, _ = sessions.of("ann", [], "", [])
    sessions.learn("ann", begun, links_after(Reply(response_id="resp_1"), "openai.responses"))

    assert reason is LinkReason.NEW
    assert sessions.of("ann", [RESPONSE], "", [])[:2] == (begun, LinkReason.PREVIOUS_RESPONSE)
    assert sessions.of("ann", [Link(LinkReason.PREVIOUS_RESPONSE, "resp_x")], "", [])[:2] == ("se_1", LinkReason.NEW)


def test_calls_of_one_trace_belong_together_and_what_is_explicit_comes_first(sessions):
    sessions.of("ann", [TRACED], "", [])

    assert sessions.of("ann", [TRACED], "", [])[:2] == ("se_0", LinkReason.TRACE)
    assert sessions.of("ann", [TRACED], "se_7", [RESULT])[:2] == ("se_0", LinkReason.TRACE)


def test_history_and_results_link_where_nothing_is_named(sessions):
    sessions.learn("ann", "se_5", [RESULT])

    assert sessions.of("ann", [], "se_7", [RESULT])[:2] == ("se_7", LinkReason.PREFIX)
    assert sessions.of("ann", [], "", [RESULT])[:2] == ("se_5", LinkReason.TOOL_RESULT)


@pytest.mark.parametrize("link", [HEADER, RESPONSE, TRACED], ids=["header", "response", "trace"])
def test_another_persons_name_is_another_session(sessions, link):
    begun, *_ = sessions.of("ann", [link], "", [])

    assert sessions.of("bob", [link], "", [RESULT])[0] != begun


def test_names_that_outlive_the_process_are_told_once_and_known_to_the_next(sessions):
    said = sessions.of("ann", [HEADER, TRACED, RESPONSE], "", [])
    more = sessions.learn("ann", said.id, [RESPONSE, RESULT])

    later = Sessions(str.encode, lambda: "se_later", said.names)
    assert len(said.names) == 2
    assert more == ()
    assert later.of("ann", [HEADER], "", []) == (said.id, LinkReason.SESSION_HEADER, ())
    assert later.of("ann", [RESPONSE], "", [])[:2] == (said.id, LinkReason.PREVIOUS_RESPONSE)
    assert later.of("ann", [TRACED], "", [])[:2] == ("se_later", LinkReason.NEW)
    assert later.of("bob", [RESPONSE], "", [])[:2] == ("se_later", LinkReason.NEW)
    assert not any(name in digest for digest, _ in said.names for name in (b"resp_1", b"ann"))


def test_explicit_and_inferred_are_told_apart():
    certainty = {reason.value: reason.certainty for reason in LinkReason}

    assert certainty == {
        "session_header": "explicit", "client_metadata": "explicit", "conversation": "explicit", "thread": "explicit",
        "previous_response": "explicit", "trace": "explicit", "prefix": "inferred", "tool_result": "inferred", "new": "",
    }  # fmt: skip


def test_a_link_shows_no_name():
    assert "resp_1" not in repr(RESPONSE)


def test_a_call_without_body_links_nothing():
    assert links_of(Call("openai", "", "generic", "", streamed=False, turns=()), WireRequest("GET", "/")) == []
