"""`wire:` through the real gateway: the provider gets placeholders, the client its own values back, or a masked reply. Every stream format still parses."""

from __future__ import annotations

import email
import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

from addons.providers.call import Call
from addons.providers.doors import stream_parser
from scripts import canned_provider, traces
from scripts.canned_provider import Canned, CannedProvider
from scripts.local_gateway import launch
from scripts.measuring.stream_formats import FORMATS, FRAMES, Format, anthropic_events, sse
from tests.end_to_end.gateway import DOORS, SDKS, Bench, bench
from tests.end_to_end.sdk import PYTHON, Worker
from tests.quick import quick

CARD, EMAIL = "4539 1488 0343 6467", "planted.person@example-corp.com"
MORE = " and here are some more words, so that what stands before them is decided while the stream still runs on"
RESTORED = 'version: 1\nrules:\n  - {id: all, entities: ["*"], action: hash, wire: request, restore: true}\n'
BOTH = 'version: 1\nrules:\n  - {id: all, entities: ["*"], action: hash, wire: both}\n'
MakeBench = Callable[..., AbstractContextManager[Bench]]


def asked(made: Bench) -> str:
    """What the provider got last."""
    return made.provider.log[-1].body.decode()


@pytest.mark.parametrize("mode", ["create", "stream"])
@pytest.mark.parametrize("door", quick(1, DOORS))
@pytest.mark.parametrize("sdk", SDKS)
def test_the_provider_gets_placeholders_and_the_caller_its_own_values_back(
    make_bench: MakeBench, python_sdk: Worker, sdk: str, door: str, mode: str
) -> None:
    with make_bench(masking=RESTORED) as made:
        prompt = f"say: write to {EMAIL} about {CARD}{MORE}\nuse tool run_sql: SELECT '{EMAIL}'"
        before = made.last_seq()
        done = made.ask(python_sdk, sdk, door, prompt, mode=mode, tools=True, script={"delta_chars": 3})

        assert (EMAIL in asked(made), CARD in asked(made), "[EMAIL_ADDRESS:" in asked(made)) == (False, False, True)
        assert (done.error, done.text) == ("", f"write to {EMAIL} about {CARD}{MORE}")
        assert done.tools == (("run_sql", {"query": f"SELECT '{EMAIL}'"}),)
        row = made.closed_exchange(before)
        assert {one["wire"] for one in made.rows("SELECT wire FROM maskings WHERE exchange_id = ?", row["id"])} == {
            "masked"
        }
        record = json.dumps(made.messages(row["id"]))
        assert (EMAIL in record, CARD in record) == (False, False)


def test_a_value_has_the_same_placeholder_in_every_turn_and_session(make_bench: MakeBench, python_sdk: Worker) -> None:
    with make_bench(masking=RESTORED) as made:
        seen = []
        for sdk in SDKS:
            made.ask(python_sdk, sdk, "proxy", f"say: {EMAIL}{MORE}")
            seen += [word.strip('"') for word in asked(made).split() if "[EMAIL_ADDRESS:" in word]

        assert len({one[one.index("[") : one.index("]")] for one in seen}) == 1


@pytest.mark.parametrize("mode", quick(1, ["stream", "create"]))
def test_after_a_restart_a_reply_shows_the_placeholder_until_its_value_is_sent_again(
    make_bench: MakeBench, python_sdk: Worker, mode: str
) -> None:
    """Nothing keeps an original but memory: not the state, its write-ahead log, the gateway's log."""
    with make_bench(masking=RESTORED) as made:

        def said(what: str, who: str = "alice") -> str:
            return made.ask(python_sdk, "openai", "proxy", f"say: {what}{MORE}", mode=mode, who=who).text

        said(EMAIL)
        begin = asked(made).index("[EMAIL_ADDRESS:")
        placeholder = asked(made)[begin : asked(made).index("]", begin) + 1]
        before, anothers = said(placeholder), said(placeholder, "bob")
        made.gateway.kill()
        written = traces.written(made.state.path.parent, made.state.path / "evidence.db")
        made.gateway = launch(made.state, made.gateway.log)
        after, again = said(placeholder), said(EMAIL)

    assert (before, after, again) == (f"{EMAIL}{MORE}", f"{placeholder}{MORE}", f"{EMAIL}{MORE}")
    assert anothers == f"{placeholder}{MORE}"
    assert traces.found_in(written, traces.needles({"email": EMAIL})) == set()


@pytest.mark.parametrize("mode", quick(1, ["stream", "create"]))
@pytest.mark.parametrize("sdk", SDKS)
def test_the_caller_gets_a_masked_reply(make_bench: MakeBench, python_sdk: Worker, sdk: str, mode: str) -> None:
    masking = BOTH.replace("both", "response")
    with make_bench(masking=masking) as made:
        prompt = f"say: write to {EMAIL} about {CARD}{MORE}\nuse tool run_sql: SELECT '{EMAIL}'"
        done = made.ask(python_sdk, sdk, "proxy", prompt, mode=mode, tools=True, script={"delta_chars": 3})

        assert EMAIL in asked(made)  # the model sees the original
        assert done.error == ""
        assert (EMAIL in done.text, CARD in done.text, done.text.endswith(MORE)) == (False, False, True)
        assert "[EMAIL_ADDRESS:" in done.tools[0][1]["query"]


@pytest.fixture(scope="module")
def canned() -> Iterator[CannedProvider]:
    with canned_provider.running() as provider:
        yield provider


CONNECTIONS = """\
version: 1
other_hosts: deny
connections:
"""
CONNECTION = """\
  - id: {id}
    provider: {provider}
    upstream: http://127.0.0.1:{port}
    allow_private: true
    credential: none
    groups: [engineering]
"""


@pytest.fixture(scope="module")
def masked(template: Any, tmp_path_factory: pytest.TempPathFactory, canned: CannedProvider) -> Iterator[Bench]:
    """A gateway that masks both directions on the wire, with a connection to the canned provider for each provider's formats."""
    names = sorted({form.provider for form in FORMATS})
    text = CONNECTIONS + "".join(
        CONNECTION.format(id=name.replace(".", "-"), provider=name, port=canned.port) for name in names
    )
    with bench(template, tmp_path_factory.mktemp("masked"), masking=BOTH, connections=text) as made:
        yield made


def texts(form: Format, body: bytes) -> list[str]:
    parser = stream_parser(Call(form.provider, "chat", form.endpoint, "", True, ()), form.content_type)
    assert parser
    parser.feed(body)
    parser.finish()
    reply = parser.reply()
    assert reply.complete
    return [part.content for part in reply.parts]


@pytest.mark.parametrize("form", FORMATS, ids=[form.name for form in FORMATS])
def test_a_value_cut_anywhere_in_a_stream_never_reaches_the_caller_and_the_stream_stays_whole(
    masked: Bench, canned: CannedProvider, form: Format
) -> None:
    answers = set()
    for cut in range(1, len(CARD), 3):
        canned.replies[form.name] = Canned(
            form.content_type, form.body([f"it is {CARD[:cut]}", f"{CARD[cut:]} so", MORE]), 7
        )
        answer = masked.raw(
            "base_url",
            json.dumps({"model": "m", "stream": True, "messages": [{"role": "user", "content": "hello"}]}).encode(),
            connection=form.provider.replace(".", "-"),
            path=form.path,
            headers=((canned_provider.ASKED, form.name),),
        )
        assert answer.status == 200, answer.body
        assert CARD.encode() not in answer.body
        said = texts(form, answer.body)
        answers.add(
            "".join(said)
            if form.endpoint != "generic"
            else "".join(json.loads(line)["output"]["text"] for line in said[0].splitlines())
        )

    assert len(answers) == 1
    assert answers.pop().count("[CREDIT_CARD:") == 1


def test_signed_thoughts_come_through_byte_for_byte(masked: Bench, canned: CannedProvider) -> None:
    deltas = [
        {"type": "thinking_delta", "thinking": f"of {EMAIL}"},
        {"type": "signature_delta", "signature": "c2lnbmVk"},
    ]
    stream = sse(*anthropic_events(deltas, {"type": "thinking", "thinking": "", "signature": ""}), named="type")
    canned.replies["thoughts"] = Canned("text/event-stream", stream, 5)
    signed = {"type": "thinking", "thinking": f"of {EMAIL}", "signature": "c2lnbmVk"}
    body = {"model": "m", "max_tokens": 9, "stream": True, "messages": [{"role": "user", "content": EMAIL}, {"role": "assistant", "content": [signed]}, {"role": "user", "content": "go on"}]}  # fmt: skip

    answer = masked.raw(
        "base_url",
        json.dumps(body).encode(),
        connection="anthropic",
        path="/v1/messages",
        headers=((canned_provider.ASKED, "thoughts"),),
    )

    sent = json.loads(canned.seen["thoughts"][1])
    assert answer.body == stream
    assert sent["messages"][1]["content"] == [signed]
    assert EMAIL not in sent["messages"][0]["content"]


def test_query_and_headers_are_masked_for_the_provider_too(masked: Bench, canned: CannedProvider) -> None:
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "x"}]}).encode()

    masked.raw(
        "base_url", body, path=f"/v1/chat/completions?note={EMAIL}", headers=((canned_provider.ASKED, "head"), ("x-note", EMAIL)), connection="openai"
    )  # fmt: skip

    assert EMAIL not in canned.seen["head"][0]
    assert canned.seen["head"][0].count("EMAIL_ADDRESS") == 2


def test_a_body_that_cannot_be_masked_in_its_own_form_is_refused_and_recorded(
    masked: Bench, canned: CannedProvider
) -> None:
    before, canned.seen = masked.last_seq(), {}
    body = f'--b\r\ncontent-disposition: form-data; name="note"\r\n\r\n{EMAIL}\r\n'.encode()  # and no end

    answer = masked.raw(
        "base_url",
        body,
        path="/v1/files",
        headers=(("content-type", "multipart/form-data; boundary=b"),),
        connection="openai",
    )

    assert (answer.status, canned.seen) == (403, {})
    assert masked.closed_exchange(before)["error"] == "masking_incomplete"


UPLOAD = """
import io, sys
from openai import OpenAI
base, token, planted = sys.argv[1:]
client = OpenAI(base_url=base, api_key=token, max_retries=0)
lines = io.BytesIO(('{"custom_id": "1", "body": {"input": "for %s", "n": 7}}\\n' % planted).encode())
client.files.create(file=("of %s, batch.jsonl" % planted, lines), purpose="batch", extra_headers={"x-canned": "file"})
sound = io.BytesIO(bytes(range(256)) * 99)
client.audio.transcriptions.create(
    model="whisper-1", file=("a.wav", sound, "audio/wav"), prompt="it is %s who speaks" % planted, extra_headers={"x-canned": "sound"}
)
"""


def test_an_sdks_file_uploads_arrive_with_their_texts_masked_and_their_bytes_as_they_were(
    masked: Bench, canned: CannedProvider
) -> None:
    if not PYTHON.exists():
        pytest.skip("the SDKs are not installed; scripts/bootstrap --clients makes .venv-clients")
    canned.replies["sound"] = Canned("application/json", b'{"text": "hello"}', 0)
    before = masked.last_seq()

    base = f"http://127.0.0.1:{masked.gateway.base_url_port}/openai/v1"
    command = [str(PYTHON), "-c", UPLOAD, base, masked.tokens["alice"], EMAIL]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stderr
    parts = {name: fields_of(*canned.seen[name]) for name in ("file", "sound")}
    name, lines = parts["file"]["file"]
    assert (EMAIL in str(parts), "[EMAIL_ADDRESS:" in str(name)) == (False, True)
    (line,) = lines.decode().splitlines()
    assert json.loads(line)["body"]["input"].startswith("for [EMAIL_ADDRESS:")
    assert parts["file"]["purpose"] == (None, b"batch")
    assert parts["sound"]["file"] == ("a.wav", bytes(range(256)) * 99)
    assert parts["sound"]["prompt"][1].startswith(b"it is [EMAIL_ADDRESS:")
    rows = masked.exchanges_since(before)
    assert len(rows) == 2
    assert EMAIL not in json.dumps([masked.messages(row["id"]) for row in rows])


def fields_of(head: str, body: bytes) -> dict[str, tuple[str | None, bytes]]:
    """Name -> file name and content, as the standard library reads a form whose length is what its head says."""
    said = email.message_from_string(head.partition("\n")[2])
    assert int(said["content-length"]) == len(body)
    whole = email.message_from_bytes(f"content-type: {said['content-type']}\r\n\r\n".encode() + body)
    parts = whole.get_payload()
    assert isinstance(parts, list)
    return {
        str(part.get_param("name", header="content-disposition")): (part.get_filename(), part.get_payload(decode=True))
        for part in parts
    }  # type: ignore[return-value,misc,union-attr] # typed for a text or a message


def test_a_stream_that_cannot_be_read_ends_with_an_error_and_a_finding(masked: Bench, canned: CannedProvider) -> None:
    masked.expects_faults = True  # it is planted: bytes that are no frame
    before = masked.last_seq()
    canned.replies["broken"] = Canned(FRAMES, b"\0\0\0\x10" + b"\0" * 8 + EMAIL.encode() * 9, 3)

    answer = masked.raw(
        "base_url",
        b'{"model":"m","stream":true,"messages":[]}',
        connection="openai",
        headers=((canned_provider.ASKED, "broken"),),
    )

    assert (EMAIL.encode() in answer.body, b"masking_incomplete" in answer.body) == (False, True)
    assert any("wire_masking_failed" in str(event["leaf"]) for event in masked.events_since(before, "finding"))


def test_an_event_that_is_no_json_is_masked_as_text(masked: Bench, canned: CannedProvider) -> None:
    canned.replies["odd"] = Canned("text/event-stream", b"data: " + b"[" * 300 + EMAIL.encode() + b"\n\n", 3)

    answer = masked.raw(
        "base_url",
        b'{"model":"m","stream":true,"messages":[]}',
        connection="openai",
        headers=((canned_provider.ASKED, "odd"),),
    )

    assert (EMAIL.encode() in answer.body, b"[EMAIL_ADDRESS:" in answer.body) == (False, True)


def test_a_websocket_in_a_format_that_is_not_known_is_refused_where_replies_are_masked(
    masked: Bench, canned: CannedProvider
) -> None:
    before, canned.seen = masked.last_seq(), {}
    upgrade = (
        ("upgrade", "websocket"),
        ("connection", "Upgrade"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA=="),
    )

    answer = masked.raw("base_url", b"", connection="openai", path="/v1/unheard-of", method="GET", headers=upgrade)

    assert (answer.status, canned.seen) == (403, {})
    assert masked.closed_exchange(before)["error"] == "masking_incomplete"
