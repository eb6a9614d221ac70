"""`wire:` over a WebSocket: each message masked or restored, whichever messages a value is cut over; a fault closes the conversation."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Request, TextMessage
from wsproto.extensions import PerMessageDeflate

from scripts.measuring.socket_formats import LIVE, codex, live, live_voice, realtime
from tests.end_to_end import raw
from tests.end_to_end.gateway import Bench
from tests.end_to_end.sdk import PYTHON
from tests.quick import quick

CARD, EMAIL = "4539 1488 0343 6467", "planted.person@example-corp.com"
MORE = " and here are some more words, so that what stands before them is decided while the conversation still runs on"
RULE = 'version: 1\nrules:\n  - {{id: all, entities: ["*"], action: hash, wire: {wire}}}\n'
MASKED = RULE.format(wire="response")
RESTORED = RULE.format(wire="request, restore: true")
REALTIME, CODEX = "/v1/realtime?model=gpt-realtime", "/v1/responses"
CONNECTIONS = """\
version: 1
other_hosts: deny
connections:
  - {{id: down, provider: {provider}, upstream: "http://127.0.0.1:{port}", allow_private: true, credential: none, groups: [engineering]}}
"""
IDENTITY = 'version: 1\nlocal: trial\nrights: [{id: engineers, groups: [engineering], connections: ["*"]}]\n'
FREE = "version: 1\nrules: []\n"  # nobody is asked
Answers = Callable[[str], list[Any]]


def read(data: str | bytes | bytearray) -> str:
    """Bytes that are no text, a character a byte."""
    if isinstance(data, str):
        return data
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


class Provider:
    """Answers each message of every WebSocket with what `answers` says to it."""

    def __init__(self, answers: Answers) -> None:
        self.answers, self.heard = answers, list[str]()

    def serve(self, listening: socket.socket) -> None:
        while True:
            try:
                sock, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=self._heard, args=(sock,), daemon=True).start()

    def _heard(self, sock: socket.socket) -> None:
        with suppress(ConnectionError):  # the gateway cut it while there was more to say
            self._talk(sock)

    def _talk(self, sock: socket.socket) -> None:
        ws, parts = WSConnection(ConnectionType.SERVER), list[str]()
        with sock:
            while data := sock.recv(65536):
                ws.receive_data(data)
                for event in ws.events():
                    if isinstance(event, Request):
                        sock.sendall(ws.send(AcceptConnection(extensions=[PerMessageDeflate()])))
                    elif isinstance(event, (TextMessage, BytesMessage)):
                        parts.append(read(event.data))
                        if not event.message_finished:
                            continue
                        said = "".join(parts)
                        parts.clear()
                        self.heard.append(said)
                        for one in self.answers(said):
                            if isinstance(one, CloseConnection):
                                sock.sendall(ws.send(one))
                                continue
                            text = one if isinstance(one, (str, bytes)) else json.dumps(one, ensure_ascii=False)
                            kind = BytesMessage if isinstance(text, bytes) else TextMessage
                            sock.sendall(ws.send(kind(data=text)))
                    elif isinstance(event, CloseConnection):
                        if ws.state is ConnectionState.REMOTE_CLOSING:
                            sock.sendall(ws.send(event.response()))
                        return


def of(path: str, port: int) -> dict[str, str]:
    """A gateway whose one connection leads to the provider that speaks at that path."""
    return {
        "connections": CONNECTIONS.format(provider="gemini" if path == LIVE else "openai", port=port),
        "identity": IDENTITY,
    }


@contextmanager
def provider(answers: Answers) -> Iterator[tuple[int, Provider]]:
    made = Provider(answers)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=made.serve, args=(listening,), daemon=True).start()
        yield listening.getsockname()[1], made


class Client:
    def __init__(self, made: Bench, path: str, *, deflated: bool = False) -> None:
        self.sock = raw.to(made.gateway.base_url_port)
        self.ws = WSConnection(ConnectionType.CLIENT)
        self._text = ""
        asked = Request(
            host="gateway",
            target=f"/down{path}",
            extra_headers=[(b"authorization", f"Bearer {made.tokens['alice']}".encode())],
            extensions=[PerMessageDeflate()] if deflated else [],
        )
        self.sock.sendall(self.ws.send(asked))
        self.opening = self.next()

    def next(self) -> Any:
        """The next whole message, as text or bytes; any other event as it is."""
        while True:
            for event in self.ws.events():
                if not isinstance(event, (TextMessage, BytesMessage)):
                    return event
                self._text += read(event.data)
                if event.message_finished:
                    said, self._text = self._text, ""
                    return said
            self.ws.receive_data(self.sock.recv(65536) or None)

    def say(self, value: Any) -> None:
        self.sock.sendall(self.ws.send(TextMessage(data=json.dumps(value, ensure_ascii=False))))

    def until(self, is_last: Callable[[dict[str, Any]], object]) -> list[Any]:
        """All messages up to one."""
        told: list[Any] = []
        while not told or not is_last(told[-1]):
            said = self.next()
            assert isinstance(said, str), said
            told.append(json.loads(said))
        return told

    def end(self) -> tuple[dict[str, Any], CloseConnection]:
        """What is said last, and how it closes."""
        last, closed = json.loads(self.next()), self.next()
        self.sock.close()
        return last, closed

    def close(self) -> None:
        self.sock.sendall(self.ws.send(CloseConnection(code=1000)))
        while not isinstance(self.next(), CloseConnection):
            pass
        self.sock.close()


def said_in(messages: list[Any], *keys: str) -> str:
    """All that stands under one of these keys, joined."""
    found = ""
    for value in messages:
        if isinstance(value, dict):
            for key, one in value.items():
                found += one if key in keys and isinstance(one, str) else said_in([one], *keys)
        elif isinstance(value, list):
            found += said_in(value, *keys)
    return found


def deltas_of(kind: str) -> Callable[[list[Any]], str]:
    return lambda told: "".join(one["delta"] for one in told if one.get("type") == kind)


def is_done(value: dict[str, Any]) -> bool:
    return value.get("type") in ("response.done", "response.completed") or "turnComplete" in value.get(
        "serverContent", {}
    )


FORMATS = {
    "realtime, a voice's transcript": (REALTIME, realtime, deltas_of("response.output_audio_transcript.delta")),
    "codex, a call's arguments": (CODEX, codex, deltas_of("response.function_call_arguments.delta")),
    "gemini, text": (LIVE, live, lambda told: said_in(told, "text")),
    "gemini, a voice's transcript": (
        LIVE,
        live_voice,
        lambda told: "".join(
            one["serverContent"]["outputTranscription"]["text"]
            for one in told
            if "outputTranscription" in one.get("serverContent", {})
        ),
    ),
}


@pytest.mark.parametrize(("path", "form", "read"), FORMATS.values(), ids=FORMATS)
def test_a_value_cut_anywhere_over_messages_never_reaches_the_client(make_bench, path, form, read) -> None:
    cuts = range(len(CARD) + 1)

    def answer(asked: str) -> list[Any]:
        cut = json.loads(asked)["cut"]
        return form(cut, [f"it is {CARD[:cut]}", f"{CARD[cut:]} so", MORE])

    with provider(answer) as (port, heard), make_bench(masking=MASKED, **of(path, port)) as made:
        client = Client(made, path)
        told = []
        for cut in cuts:
            client.say({"type": "response.create", "cut": cut, "text": EMAIL})
            told.append(client.until(is_done))
        client.close()
        row = made.closed_exchange(0)
        recorded = made.messages(row["id"])
    assert row["outcome"] == "completed"
    assert CARD not in json.dumps([told, recorded])
    (masked,) = {read(one) for one in told}
    assert "[CREDIT_CARD:" in masked
    assert masked.count(MORE) == 1
    assert all(EMAIL in one for one in heard.heard)  # the provider gets the original
    if form is realtime:
        assert deltas_of("conversation.item.input_audio_transcription.delta")(told[0]) == "hm hm hm "
    if form is codex:
        assert json.loads(masked)["note"].endswith(MORE)


@pytest.mark.parametrize("deflated", quick(1, [True, False]))
@pytest.mark.parametrize(("path", "form", "read"), FORMATS.values(), ids=FORMATS)
def test_the_provider_hears_placeholders_and_the_client_gets_its_own_values_back(
    make_bench, path, form, read, deflated: bool
) -> None:
    def answer(asked: str) -> list[Any]:
        said = json.loads(asked)
        token, cut = said["text"], said["cut"]
        return form(cut, [f"to {token[:cut]}", f"{token[cut:]} grüße", MORE])

    with provider(answer) as (port, heard), make_bench(masking=RESTORED, **of(path, port)) as made:
        client = Client(made, path, deflated=deflated)
        said = set()
        for cut in range(1, 30):
            client.say({"type": "response.create", "cut": cut, "text": EMAIL})
            said.add(read(client.until(is_done)))
        client.close()
        recorded = made.messages(made.closed_exchange(0)["id"])
    assert EMAIL not in json.dumps([heard.heard, recorded])
    assert "[EMAIL_ADDRESS:" in heard.heard[0]
    (restored,) = (json.loads(one)["note"] if form is codex else one for one in said)
    assert f"to {EMAIL} grüße{MORE}" in restored


def test_what_was_kept_back_comes_before_the_providers_close(make_bench) -> None:
    said = [*live(0, [f"it is {CARD}"])[:1], CloseConnection(code=1000)]
    with provider(lambda _: said) as (port, _), make_bench(masking=MASKED, approval=FREE, **of(LIVE, port)) as made:
        client = Client(made, LIVE)
        client.say({"clientContent": {"turnComplete": True}})
        told, event = "", client.next()
        while isinstance(event, str):
            told, event = told + said_in([json.loads(event)], "text"), client.next()
        client.sock.close()

    assert isinstance(event, CloseConnection)
    assert told.startswith("it is [CREDIT_CARD:"), event


def test_a_long_message_that_was_changed_is_whole_in_both_directions(make_bench) -> None:
    long = "ümläüte " * 3_000 + EMAIL
    with provider(lambda asked: [asked]) as (port, heard), make_bench(masking=RESTORED, down_port=port) as made:
        client = Client(made, REALTIME)
        client.say({"type": "conversation.item.create", "text": long})
        (echo,) = client.until(bool)
        client.close()

    assert echo["text"] == long
    assert json.loads(heard.heard[0])["text"].startswith(long[: -len(EMAIL)] + "[EMAIL_ADDRESS:")


@pytest.mark.parametrize("said", [f"plain words about {CARD} and more", json.dumps(f"a string about {CARD} and more")])
def test_a_message_that_is_no_object_is_masked_as_the_text_it_is(make_bench, said: str) -> None:
    masking = RULE.format(wire="both")
    with provider(lambda _: [said]) as (port, heard), make_bench(masking=masking, down_port=port) as made:
        client = Client(made, REALTIME)
        client.sock.sendall(client.ws.send(TextMessage(data=said)))
        echo = client.next()
        client.close()

    assert (CARD in heard.heard[0], "[CREDIT_CARD:" in heard.heard[0]) == (False, True)
    assert echo == heard.heard[0]


def test_binary_that_is_no_text_passes_untouched(make_bench) -> None:
    sound = bytes(range(256)) * 40
    masking = RULE.format(wire="both")
    with provider(lambda _: [sound]) as (port, heard), make_bench(masking=masking, down_port=port) as made:
        client = Client(made, REALTIME)
        client.sock.sendall(client.ws.send(BytesMessage(data=sound)))
        back = client.next()
        client.close()

    assert heard.heard == [back] == [sound.decode("latin-1")]


def test_what_cannot_be_masked_in_time_closes_the_conversation_and_nothing_more_passes(make_bench) -> None:
    deep = '{"type": "response.created", "deep": ' + "[" * 1_000 + f'"{CARD}"' + "]" * 1_000 + "}"
    after = json.dumps({"type": "response.output_text.delta", "delta": "after"})
    with provider(lambda _: [deep, after]) as (port, _), make_bench(masking=MASKED, down_port=port) as made:
        made.expects_faults = True
        client = Client(made, REALTIME)
        client.say({"type": "response.create"})
        last, closed = client.end()
        row = made.closed_exchange(0)
        found = [json.loads(leaf["leaf"])["attrs"]["code"] for leaf in made.events_since(0, "finding")]

    assert (last["type"], last["error"]["code"], closed.code) == ("error", "masking_incomplete", 1008)
    assert (row["outcome"], row["error"]) == ("failed", "masking_incomplete")
    assert "wire_masking_failed" in found


def test_a_blocked_message_closes_the_conversation_and_neither_it_nor_what_follows_is_heard(make_bench) -> None:
    masking = "version: 1\nrules:\n  - {id: cards, entities: [CREDIT_CARD], action: block}\n"
    with provider(lambda _: ['{"type": "pong"}']) as (port, heard), make_bench(masking=masking, down_port=port) as made:
        client = Client(made, REALTIME)
        client.say({"type": "ping"})
        assert client.next() == '{"type": "pong"}'
        both = [TextMessage(data=json.dumps({"type": "x", "text": text})) for text in (f"pay {CARD}", "and then")]
        client.sock.sendall(b"".join(map(client.ws.send, both)))
        last, closed = client.end()
        row = made.closed_exchange(0)
        recorded = json.dumps(made.messages(row["id"]))

    assert (last["error"]["code"], closed.code) == ("content_blocked", 1008)
    assert len(heard.heard) == 1
    assert (row["outcome"], row["error"]) == ("denied", "content_blocked")
    assert ("[CREDIT_CARD:" in recorded, CARD in recorded) == (True, False)


CALL = {"id": "i1", "type": "function_call", "call_id": "c1", "name": "run_sql", "arguments": json.dumps({"query": f"DELETE FROM cards WHERE number = '{CARD}'"})}  # fmt: skip


def test_a_call_that_waited_for_an_approval_reaches_the_client_masked(make_bench) -> None:
    script = [
        {"type": "response.output_item.done", "output_index": 0, "item": CALL},
        {"type": "response.done", "response": {"status": "completed", "output": [CALL]}},
    ]
    with provider(lambda _: list(script)) as (port, _), make_bench(masking=MASKED, down_port=port) as made:
        client = Client(made, REALTIME)
        client.say({"type": "response.create"})
        made.decide("approve", made.approval_in_waiting()["id"])
        told = client.until(is_done)
        client.close()

    assert [one["type"] for one in told] == [one["type"] for one in script]
    assert (CARD in json.dumps(told), "[CREDIT_CARD:" in json.dumps(told)) == (False, True)


SDK = """
import json, sys
from openai import OpenAI
base, token = sys.argv[1:]
client = OpenAI(base_url=base, websocket_base_url=base.replace("http", "ws"), api_key=token)
with client.realtime.connect(model="gpt-realtime") as connection:
    connection.send({"type": "response.create", "cut": 7})
    said = ""
    for event in connection:
        if event.type == "response.output_audio_transcript.delta":
            said += event.delta
        if event.type == "response.done":
            break
    print(json.dumps([said, event.response.output[0].content[0].transcript]))
"""


def test_a_masked_conversation_still_parses_with_the_vendors_own_client(make_bench) -> None:
    if not PYTHON.exists():
        pytest.skip("the SDKs are not installed; scripts/bootstrap --clients makes .venv-clients")

    def answer(asked: str) -> list[Any]:
        cut = json.loads(asked)["cut"]
        return realtime(cut, [f"it is {CARD[:cut]}", f"{CARD[cut:]} so", MORE])

    with provider(answer) as (port, _), make_bench(masking=MASKED, down_port=port) as made:
        base = f"http://127.0.0.1:{made.gateway.base_url_port}/down/v1"
        done = subprocess.run(
            [str(PYTHON), "-c", SDK, base, made.tokens["alice"]],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.stdout, done.stderr
        said, whole = json.loads(done.stdout)

    assert (CARD in said, "[CREDIT_CARD:" in said, said) == (False, True, whole)
