"""What a client says inside a WebSocket is judged as a request is: rights to models, then rules. Nothing of it reaches the provider before."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage
from wsproto.extensions import PerMessageDeflate

from scripts.local_gateway import clean_environment, launch, until
from tests.end_to_end.gateway import Bench
from tests.end_to_end.sdk import PYTHON
from tests.end_to_end.test_websocket_agents import HOSTS, IDENTITY
from tests.end_to_end.test_websockets import Client, serve_one

Said = dict[str, Any]
CONNECTIONS = """\
version: 1
other_hosts: deny
connections:
  - {{id: down, provider: {provider}, hosts: [{host}], upstream: "http://127.0.0.1:{port}", allow_private: true, credential: none, groups: [engineering], models: ["gpt-*", "gemini-*"], deny_models: ["gpt-forbidden*"], limits: {{body_bytes: 100000}}}}
"""
APPROVAL = """\
version: 1
rules:
  - {id: watched, when: {direction: request, pattern: 'watched-word'}, then: observe}
  - {id: told, when: {direction: request, pattern: 'told-word'}, then: notify}
  - {id: never, when: {direction: request, pattern: 'never-word'}, then: deny, reason: nobody may say this}
  - {id: two-cards, when: {direction: request, entities: {CREDIT_CARD: 2}}, then: deny, reason: two cards are too many}
  - {id: what-for, when: {direction: request, models: ["*-purpose*"]}, then: require_purpose}
  - id: secret
    when: {direction: request, pattern: 'launch-code'}
    then: hold
    approvers: {groups: [data-owners], count: 1}
    hold_seconds: 40
    expires_seconds: 3600
  - id: soon
    when: {direction: request, pattern: 'soon-word'}
    then: hold
    approvers: {groups: [data-owners], count: 1}
    hold_seconds: 1
    expires_seconds: 3600
  - id: model
    when: {direction: request, models: ["*-held*"]}
    then: hold
    approvers: {groups: [data-owners], count: 1}
    hold_seconds: 40
    expires_seconds: 3600
"""
LIVE = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"


def item(text: str) -> Said:
    return {"type": "conversation.item.create", "event_id": "e1", "item": {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}}  # fmt: skip


def codex(text: str, model: str = "gpt-5-codex") -> Said:
    return {"type": "response.create", "model": model, "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}]}  # fmt: skip


def turn(text: str) -> Said:
    return {"clientContent": {"turns": [{"role": "user", "parts": [{"text": text}]}], "turnComplete": True}}


# by format: the address, how a text is said, how a model is named
FORMATS: dict[str, tuple[str, Any, Any]] = {
    "realtime": ("/v1/realtime?model=gpt-realtime", item, lambda model: {"type": "session.update", "session": {"model": model}}),
    "codex": ("/v1/responses", codex, lambda model: codex("hello", model)),
    "live": (LIVE, turn, lambda model: {"setup": {"model": f"models/{model}"}}),
}  # fmt: skip
formats = pytest.mark.parametrize("format_", FORMATS)
START = {"realtime": None, "codex": None, "live": {"setup": {"model": "models/gemini-live"}}}


@dataclass
class Talk:
    """One WebSocket through a real gateway, and what its provider heard."""

    made: Bench
    client: Client
    heard: list[Said] = field(default_factory=list)

    def say(self, message: Said | str, *, binary: bool = False) -> None:
        text = message if isinstance(message, str) else json.dumps(message)
        event = BytesMessage(data=text.encode()) if binary else TextMessage(data=text)
        self.client.sock.sendall(self.client.ws.send(event))

    def next(self) -> Said:
        event = self.client.next()
        assert isinstance(event, TextMessage), event
        return json.loads(event.data)

    def findings(self) -> list[Said]:
        return [json.loads(row["leaf"])["attrs"] for row in self.made.events_since(0, "finding")]

    def refusals(self) -> list[Said]:
        return [one for one in self.findings() if one["code"] == "message_refused"]


def serve_all(listening: socket.socket, answers: Callable[[str], list[str]]) -> None:
    with suppress(OSError):  # the test is over
        while True:
            serve_one(listening, answers)


@contextmanager
def talking(make_bench, format_: str, path: str = "", answer: Any = None, **policies: Any) -> Iterator[Talk]:
    """The provider answers each message with {"heard": its number}."""
    heard: list[Said] = []

    def answered(text: str) -> list[str]:
        heard.append(json.loads(text))
        return [answer(text) if answer else json.dumps({"type": "response.heard", "heard": len(heard)})]

    with socket.create_server(("127.0.0.1", 0)) as listening:
        for _ in range(3):
            threading.Thread(target=serve_all, args=(listening, answered), daemon=True).start()
        provider = "gemini" if format_ == "live" else "openai"
        port = listening.getsockname()[1]
        connections = CONNECTIONS.format(provider=provider, host=HOSTS[provider], port=port)
        policies = {"connections": connections, "identity": IDENTITY, "approval": APPROVAL} | policies
        with make_bench(**policies) as made:
            talk = Talk(made, Client(made, made.tokens["alice"], path or FORMATS[format_][0]), heard)
            if (start := START[format_]) and answer is None:
                talk.say(start)
                assert talk.next()["heard"] == 1
                heard.clear()
            yield talk
            talk.client.sock.close()


@formats
@pytest.mark.parametrize("verdict", ["approve", "deny"])
def test_a_held_message_waits_with_those_behind_it_and_leaves_once_or_not_at_all(make_bench, format_, verdict) -> None:
    _, said, _ = FORMATS[format_]
    with talking(make_bench, format_) as talk:
        talk.say(said("the launch-code is 1234"))
        talk.say(said("and this comes later"))
        approval = talk.made.approval_in_waiting()
        talk.client.sock.sendall(talk.client.ws.send(Ping(payload=b"still there")))
        ponged = talk.client.next()
        before = list(talk.heard)
        shown = talk.made.state.run("approvals", "show", approval["id"], token=talk.made.tokens["bob"]).stdout
        talk.made.decide(verdict, approval["id"], reason="not today")
        if format_ == "live" and verdict == "deny":  # its protocol has no error: the conversation ends
            end = talk.client.next()
            row = talk.made.closed_exchange(0)
            assert isinstance(end, CloseConnection)
            assert (end.code, end.reason.split(":")[0], talk.heard) == (1008, "approval_denied", [])
            assert (row["outcome"], [one["detail"] for one in talk.refusals()]) == ("denied", ["approval_denied"])
            return
        first = talk.next()
        second = talk.next()
        talk.client.close()
        row = talk.made.closed_exchange(0)
        refusals = talk.refusals()

    assert isinstance(ponged, Pong)
    assert (before, approval["rule"]) == ([], "secret")
    assert "the launch-code is 1234" in shown
    assert (row["outcome"], row["approval_id"]) == ("completed", approval["id"])
    later = said("and this comes later")
    if verdict == "approve":
        assert talk.heard == [said("the launch-code is 1234"), later]
        assert refusals == []
    else:
        assert talk.heard == [later]
        assert (first["type"], first["error"]["code"]) == ("error", "approval_denied")
        assert "not today" in first["error"]["message"]
        assert row["id"] in first["error"]["message"]
        assert [(one["detail"], one["rule"]) for one in refusals] == [("approval_denied", "secret")]
    assert second["heard"] == len(talk.heard)


@formats
def test_a_model_that_is_not_allowed_is_not_asked_for(make_bench, format_: str) -> None:
    names = FORMATS[format_][2]
    path = LIVE if format_ == "live" else ""
    with talking(make_bench, "codex" if format_ == "codex" else format_, path) as talk:
        talk.say(names("claude-or-other"))
        if format_ == "live":
            end = talk.client.next()
            row = talk.made.closed_exchange(0)
            assert (end.code, end.reason.split(":")[0]) == (1008, "model_denied")
            assert (row["outcome"], row["error"]) == ("refused", "model_denied")
        else:
            error = talk.next()
            talk.say(names("gpt-forbidden-1"))
            second = talk.next()
            talk.say(names("gpt-5"))
            assert talk.next()["heard"] == 1
            assert [one["error"]["code"] for one in (error, second)] == ["model_denied", "model_denied"]
            assert "affidavit policy check" in error["error"]["message"]
            assert "ex_" in error["error"]["message"]
        assert talk.heard == ([] if format_ == "live" else [names("gpt-5")])
        assert {(one["detail"], one["rule"]) for one in talk.refusals()} == {("model_denied", "connections:down")}


def test_a_model_in_the_address_is_judged_before_the_websocket_opens(make_bench) -> None:
    with talking(make_bench, "realtime") as talk:
        for query in ("model=gpt-forbidden-1", "model=claude", "model=gpt-5&model=gpt-forbidden-1", "deployment=other"):
            refused = Client(talk.made, talk.made.tokens["alice"], f"/v1/realtime?{query}")
            refused.sock.close()
            assert refused.opening.status_code in {400, 403}
        assert talk.heard == []


def test_a_call_that_names_no_model_needs_the_right_to_none(make_bench) -> None:
    with talking(make_bench, "codex") as talk:
        talk.say({"type": "response.create", "input": "whom do I ask?"})
        assert talk.next()["error"]["code"] == "model_denied"
        assert talk.heard == []


def test_a_model_that_writes_down_what_is_said_is_a_model(make_bench) -> None:
    heard = {"audio": {"input": {"transcription": {"model": "gpt-forbidden-transcribe"}}}}
    with talking(make_bench, "realtime") as talk:
        talk.say({"type": "session.update", "event_id": "mine", "session": heard})
        error = talk.next()
    assert (error["error"]["code"], error["error"]["event_id"], talk.heard) == ("model_denied", "mine", [])


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (item("a never-word"), "denied_by_rule"),
        (item("4539 1488 0343 6467 and 5500 0000 0000 0004"), "denied_by_rule"),
        ({"type": "response.create", "response": {"instructions": "a never-word"}}, "denied_by_rule"),
        ({"type": "response.create", "response": {"temperature": 1}, "instructions": "a never-word"}, "denied_by_rule"),
        ({"type": "of.tomorrow", "deep": [{"in": "a never-word"}]}, "denied_by_rule"),
        ({"type": "session.update", "session": {"model": "gpt-purpose"}}, "purpose_missing"),
        (item("4539 1488 0343 6467"), ""),
        (item("nothing"), ""),
    ],
)
def test_rules_that_need_no_person(make_bench, message: Said, code: str) -> None:
    with talking(make_bench, "realtime") as talk:
        talk.say(message)
        answer = talk.next()
        found = talk.refusals()
    if code:
        assert (answer["error"]["code"], talk.heard, [one["detail"] for one in found]) == (code, [], [code])
    else:
        assert (answer["type"], talk.heard, found) == ("response.heard", [message], [])


def test_a_message_of_bytes_is_judged_as_one_of_text(make_bench) -> None:
    with talking(make_bench, "realtime") as talk:
        talk.say(item("a never-word"), binary=True)
        assert talk.next()["error"]["code"] == "denied_by_rule"
        assert talk.heard == []


def test_what_is_said_in_several_messages_counts_as_one_call(make_bench) -> None:
    with talking(make_bench, "realtime") as talk:
        talk.say(item("4539 1488 0343 6467"))
        talk.say(item("5500 0000 0000 0004"))
        answers = [talk.next(), talk.next()]
        talk.say({"type": "response.create"})
        talk.next()
        talk.say(item("5500 0000 0000 0004"))
        after = talk.next()
    assert (answers[0]["heard"], answers[1]["error"]["code"]) == (1, "denied_by_rule")
    assert after["heard"] == 3  # of the next call it is the first


def test_what_is_only_noted_goes_on_and_is_in_the_record(make_bench) -> None:
    with talking(make_bench, "realtime") as talk:
        talk.say(item("a watched-word and a told-word"))
        assert talk.next()["heard"] == 1
        talk.client.close()
        talk.made.closed_exchange(0)
        noted = {one["code"]: one["detail"] for one in talk.findings()}
    assert (noted["rule_observe"], noted["rule_notify"]) == ("watched", "told")


@pytest.mark.parametrize("message", ["no json with a never-word", "[1]", '{"type":"response.create",', ""])
def test_what_nobody_can_read_does_not_slip_past_a_rule(make_bench, message: str) -> None:
    with talking(make_bench, "realtime") as talk:
        talk.say(message)
        answer = talk.next()
        assert (answer["error"]["code"], talk.heard) == ("message_unreadable", [])
        assert [one["detail"] for one in talk.refusals()] == ["message_unreadable"]


def test_a_message_in_many_frames_is_judged_whole(make_bench) -> None:
    text = json.dumps(item("a never-word"))
    with talking(make_bench, "realtime") as talk:
        for at in range(0, len(text), 7):
            event = TextMessage(data=text[at : at + 7], message_finished=at + 7 >= len(text))
            talk.client.sock.sendall(talk.client.ws.send(event))
        assert talk.next()["error"]["code"] == "denied_by_rule"
        assert talk.heard == []


def assert_ends_as_too_large(talk: Talk) -> None:
    """The client is told and the conversation closed, the provider heard nothing, and the record says why."""
    error, end = talk.next(), talk.client.next()
    row = talk.made.closed_exchange(0)
    assert (error["error"]["code"], end.code, talk.heard) == ("message_too_large", 1008, [])
    assert (row["outcome"], row["error"]) == ("failed", "message_too_large")


def test_a_message_over_the_bound_ends_the_conversation(make_bench) -> None:
    with talking(make_bench, "realtime") as talk:
        talk.say(item("x" * 100_001))
        assert_ends_as_too_large(talk)


def test_more_than_may_wait_ends_the_conversation(make_bench) -> None:
    with talking(make_bench, "realtime") as talk:
        talk.say(item("the launch-code"))
        for _ in range(3):
            talk.say(item("x" * 40_000))
        error, end = talk.next(), talk.client.next()
        approval = talk.made.approval_in_waiting()
        talk.made.decide("approve", approval["id"])
        row = talk.made.closed_exchange(0)
    assert (error["error"]["code"], end.code, row["error"], talk.heard) == (
        "too_much_waits",
        1008,
        "too_much_waits",
        [],
    )


@pytest.mark.parametrize("politely", [True, False])
def test_a_client_that_leaves_is_not_spoken_for(make_bench, *, politely: bool) -> None:
    with talking(make_bench, "realtime") as talk:
        talk.say(item("the launch-code"))
        approval = talk.made.approval_in_waiting()
        if politely:
            talk.client.close()
        else:
            talk.client.sock.close()
        talk.made.closed_exchange(0)
        talk.made.decide("approve", approval["id"])
        again = Client(
            talk.made, talk.made.tokens["eve"], "/v1/realtime?model=gpt-realtime"
        )  # a turn of the loop later
        again.sock.close()
        assert ("messages_not_sent", "1") in {(one["code"], one["detail"]) for one in talk.findings()}
        assert talk.made.rows("SELECT * FROM grants WHERE used_at IS NOT NULL") == []
    assert talk.heard == []


def test_a_hold_that_is_over_is_answered_by_the_same_message_later(make_bench) -> None:
    with talking(make_bench, "realtime") as talk:
        talk.say(item("the soon-word"))
        approval = talk.made.approval_in_waiting()
        pending = talk.next()
        talk.made.decide("approve", approval["id"])
        talk.say(item("the soon-word of another text"))
        other = talk.next()
        talk.say(item("the soon-word"))
        sent = talk.next()
        talk.say(item("the soon-word"))  # the grant was for once
        third = talk.next()
    assert [one["error"]["code"] for one in (pending, other, third)] == ["approval_pending"] * 3
    assert approval["id"] in pending["error"]["message"]
    assert (sent["heard"], talk.heard) == (1, [item("the soon-word")])


def test_two_holds_in_a_row_are_decided_one_after_the_other(make_bench) -> None:
    with talking(make_bench, "realtime") as talk:
        talk.say({"type": "session.update", "session": {"model": "gpt-held"}})
        talk.say({"type": "response.create"})
        first = talk.made.approval_in_waiting()
        talk.made.decide("approve", first["id"])
        assert talk.next()["heard"] == 1
        until(lambda: any(one["id"] != first["id"] for one in talk.made.pending()), 10, "a second approval")
        second = talk.made.approval_in_waiting()
        before = list(talk.heard)
        talk.made.decide("approve", second["id"])
        assert talk.next()["heard"] == 2
    assert (first["rule"], second["rule"]) == ("model", "model")
    assert [one["type"] for one in before] == ["session.update"]
    assert [one["type"] for one in talk.heard] == ["session.update", "response.create"]


OPENAI_SDK = """
import json, sys
from openai import OpenAI
base, token = sys.argv[1:]
client = OpenAI(base_url=base, websocket_base_url=base.replace("http", "ws"), api_key=token)
with client.realtime.connect(model="gpt-realtime") as connection:
    def said(text):
        connection.conversation.item.create(event_id="mine", item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]})
    said("the launch-code is 1234")
    said("a never-word")
    connection.session.update(session={"type": "realtime", "model": "gpt-forbidden-1"})
    events = [connection.recv() for _ in range(3)]
    print(json.dumps([[type(one).__name__, one.type, getattr(getattr(one, "error", None), "code", None), getattr(getattr(one, "error", None), "event_id", None)] for one in events]))
"""

LIVE_SDK = """
import asyncio, json, sys
from google import genai
client = genai.Client(api_key="placeholder")
async def main():
    async with client.aio.live.connect(model="gemini-live", config={"response_modalities": ["TEXT"]}) as session:
        await session.send_client_content(turns={"role": "user", "parts": [{"text": "the launch-code is 1234"}]})
        async for message in session.receive():
            print(json.dumps([message.text]))
            return
asyncio.run(main())
"""


@contextmanager
def sdk(made: Bench, program: str, path: str) -> Iterator[subprocess.Popen[str]]:
    if not PYTHON.exists():
        pytest.skip("the SDKs are not installed; scripts/bootstrap --clients makes .venv-clients")
    token = made.tokens["alice"]
    command = [str(PYTHON), "-c", program, f"http://127.0.0.1:{made.gateway.base_url_port}/down{path}", token]
    environment = clean_environment(made.state.path.parent)
    if not path:  # by the other door
        environment |= {"HTTPS_PROXY": made.gateway.proxy_url(token), "SSL_CERT_FILE": str(made.gateway.bundle)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment, **pipes) as popen:
        yield popen
        popen.kill()


def test_openais_own_client_waits_for_a_held_message_and_reads_our_errors(make_bench) -> None:
    with talking(make_bench, "realtime") as talk, sdk(talk.made, OPENAI_SDK, "/v1") as client:
        approval = talk.made.approval_in_waiting()
        before = list(talk.heard)
        talk.made.decide("approve", approval["id"])
        out, err = client.communicate(timeout=60)

    assert out, err
    assert before == []
    assert json.loads(out)[1:] == [
        ["RealtimeErrorEvent", "error", "denied_by_rule", "mine"],
        ["RealtimeErrorEvent", "error", "model_denied", None],
    ]
    assert [one["type"] for one in talk.heard] == ["conversation.item.create"]


def test_googles_own_client_waits_for_a_held_message(make_bench) -> None:
    def answer(text: str) -> str:
        said = {"parts": [{"text": "heard it"}]}
        return json.dumps({"setupComplete": {}} if "setup" in text else {"serverContent": {"modelTurn": said}})

    with talking(make_bench, "live", answer=answer) as talk, sdk(talk.made, LIVE_SDK, "") as client:
        approval = talk.made.approval_in_waiting()
        before = len(talk.heard)
        talk.made.decide("approve", approval["id"])
        out, err = client.communicate(timeout=60)

    assert out, err
    assert (before, json.loads(out), approval["rule"]) == (1, ["heard it"], "secret")
    assert len(talk.heard) == 2


def test_a_hold_survives_a_kill_and_the_same_message_finds_the_answer(make_bench) -> None:
    with talking(make_bench, "realtime") as talk:
        talk.say(item("the launch-code"))
        approval = talk.made.approval_in_waiting()
        talk.made.gateway.popen.kill()
        talk.made.gateway.popen.wait(10)
        talk.made.gateway = launch(talk.made.state, talk.made.gateway.log)
        assert [one["id"] for one in talk.made.pending()] == [approval["id"]]
        talk.made.decide("approve", approval["id"])
        assert talk.heard == []
        talk.client.sock.close()
        talk.client = Client(talk.made, talk.made.tokens["alice"], FORMATS["realtime"][0])
        talk.say(item("the launch-code"))
        assert talk.next()["heard"] == 1
        outcomes = [row["outcome"] for row in talk.made.exchanges_since(0)]
    assert talk.heard == [item("the launch-code")]
    assert "interrupted" in outcomes


PLACES = ("Approval.websocket_message", "Approval._judge_message", "Holds._hold", "Masking.websocket_message")


@pytest.mark.parametrize("place", PLACES)
def test_a_fault_on_the_way_ends_the_conversation(make_bench, place: str) -> None:
    module = {"Approval": "approval", "Holds": "holds", "Masking": "masking"}[place.partition(".")[0]]
    launcher = (sys.executable, "-m", "tests.faults.raising_launcher", f"addons.{module}:{place}")
    with talking(make_bench, "realtime", launcher=launcher) as talk:
        talk.made.expects_faults = True
        talk.say(item("the launch-code"))
        error, end = talk.next(), talk.client.next()
        row = talk.made.closed_exchange(0)
    assert (error["error"]["code"], end.code, row["outcome"], talk.heard) == ("gateway_fault", 1008, "failed", [])


@pytest.mark.parametrize("ends", [True, False])
def test_a_message_that_never_ends_is_not_collected_for_ever(make_bench, *, ends: bool) -> None:
    with talking(make_bench, "realtime") as talk:
        with suppress(OSError):  # we are cut off while we speak
            for number in range(30):
                event = TextMessage(data="x" * 4000, message_finished=ends and number == 29)
                talk.client.sock.sendall(talk.client.ws.send(event))
        assert_ends_as_too_large(talk)


def test_a_compressed_message_is_judged_as_it_is_read(make_bench) -> None:
    with talking(make_bench, "realtime") as talk:
        packed = Client(talk.made, talk.made.tokens["alice"], FORMATS["realtime"][0], [PerMessageDeflate()])
        packed.sock.sendall(packed.ws.send(TextMessage(data=json.dumps(item("a never-word")))))
        refused = packed.next()
        packed.sock.sendall(packed.ws.send(TextMessage(data=json.dumps(item("words")))))
        passed = packed.next()
        packed.sock.sendall(packed.ws.send(TextMessage(data=json.dumps(item("x" * 2_000_000)))))
        bomb = packed.next()
        packed.sock.close()
    assert packed.opening.extensions
    assert json.loads(refused.data)["error"]["code"] == "denied_by_rule"
    assert json.loads(passed.data)["heard"] == 1
    assert json.loads(bomb.data)["error"]["code"] == "message_too_large"
    assert talk.heard == [item("words")]


def test_many_pings_while_a_message_waits_are_answered_and_let_nothing_past(make_bench) -> None:
    with talking(make_bench, "realtime") as talk:
        talk.say(item("the launch-code"))
        approval = talk.made.approval_in_waiting()
        for number in range(200):
            talk.client.sock.sendall(talk.client.ws.send(Ping(payload=str(number).encode())))
        pongs = [talk.client.next() for _ in range(200)]
        assert (talk.heard, {type(one) for one in pongs}) == ([], {Pong})
        talk.made.decide("approve", approval["id"])
        assert talk.next()["heard"] == 1


def test_a_provider_that_hangs_up_while_a_message_waits_is_not_sent_it(make_bench) -> None:
    with talking(make_bench, "realtime") as talk:
        talk.say(item("the launch-code"))
        approval = talk.made.approval_in_waiting()
        talk.client.sock.sendall(talk.client.ws.send(Ping(payload=b"hang up")))
        assert isinstance(talk.client.next(), CloseConnection)
        talk.made.closed_exchange(0)
        talk.made.decide("approve", approval["id"])
        used = talk.made.rows("SELECT * FROM grants WHERE used_at IS NOT NULL")
    assert (used, talk.heard) == ([], [])


def test_a_conversation_does_not_outlive_its_token(make_bench) -> None:
    with talking(make_bench, "realtime") as talk:
        talk.say({"type": "response.create"})
        assert talk.next()["heard"] == 1
        (token,) = [
            one
            for one in json.loads(talk.made.state.run("token", "list", "--json").stdout)
            if one["subject"] == "local|alice"
        ]
        talk.made.state.run("token", "revoke", token["id"])
        talk.say({"type": "response.create"})
        assert talk.next()["error"]["code"] == "token_revoked"
        assert len(talk.heard) == 1


def test_a_first_use_is_asked_for_once_and_not_by_what_only_feeds_a_call(make_bench) -> None:
    rule = "{id: first, when: {direction: request, first_use: model}, then: hold, approvers: {groups: [data-owners], count: 1}, hold_seconds: 40, expires_seconds: 3600}"
    with talking(make_bench, "codex", approval=f"version: 1\nrules: [{rule}]\n") as talk:
        talk.say({"type": "response.processed"})
        assert talk.next()["heard"] == 1
        talk.say(codex("hello"))
        approval = talk.made.approval_in_waiting()
        before = len(talk.heard)
        talk.made.decide("approve", approval["id"])
        assert talk.next()["heard"] == 2
        talk.say(codex("again"))
        assert talk.next()["heard"] == 3
    assert (approval["rule"], before) == ("first", 1)
