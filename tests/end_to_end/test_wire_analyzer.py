"""`wire: response` with an analyzer: what a model is asked about in a stream is decided in blocks, off the loop, in its time, or not shown."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from wsproto.events import CloseConnection

from scripts.measuring.socket_formats import LIVE, codex, live, realtime
from tests.end_to_end.gateway import SDKS, Bench
from tests.end_to_end.sdk import Worker
from tests.end_to_end.test_wire_sockets import CODEX, FREE, REALTIME, Client, is_done, of, provider, said_in

# Speaks the door's two lines (addons/console/analyzer.py), and knows one name.
WORKER = """\
#!{python}
import json, sys, time
for line in sys.stdin:
    text = json.loads(line)["text"]
    if "please be slow" in text:
        time.sleep(60)
    if "please die" in text:
        sys.exit(1)
    spans, at = [], text.find("Jane Doe")
    while at >= 0:
        spans.append([at, at + 8, "PERSON", 0.85])
        at = text.find("Jane Doe", at + 8)
    print(json.dumps({{"spans": spans}}), flush=True)
"""
MASKING = """\
version: 1
analyzer: {{entities: [{entity}], language: en, seconds: {seconds}}}
rules:
  - {{id: all, entities: ["*"], action: hash, wire: {wire}}}
"""
CARD = "4539 1488 0343 6467"
WORDS = " and here are some more plain words, so that the conversation goes on for a good while" * 4
MakeBench = Callable[..., AbstractContextManager[Bench]]


@pytest.fixture
def analyzed(make_bench: MakeBench, tmp_path: Path) -> Callable[..., AbstractContextManager[Bench]]:
    path = tmp_path / "analyzer"
    path.write_text(WORKER.format(python=sys.executable))
    path.chmod(0o700)

    def make(
        seconds: int = 30, wire: str = "response", entity: str = "PERSON", python: str = "", **more: str
    ) -> AbstractContextManager[Bench]:
        masking = MASKING.format(seconds=seconds, wire=wire, entity=entity)
        return make_bench(masking=masking, environment={"AFFIDAVIT_PRESIDIO": python or str(path), **MODELS}, **more)

    return make


MODELS = {name: os.environ[name] for name in ("AFFIDAVIT_PRESIDIO_MODELS",) if name in os.environ}


@pytest.mark.parametrize("mode", ["create", "stream"])
@pytest.mark.parametrize("sdk", SDKS)
def test_what_the_model_finds_is_masked_in_live_streams_too(analyzed, python_sdk: Worker, sdk: str, mode: str) -> None:
    with analyzed() as made:
        prompt = f"say: Jane Doe{WORDS}, says Jane Doe of {CARD}{WORDS}\nuse tool run_sql: SELECT 'Jane Doe'"
        done = made.ask(python_sdk, sdk, "proxy", prompt, mode=mode, tools=True, script={"delta_chars": 3})
        row = made.closed_exchange(0)
        recorded = json.dumps(made.messages(row["id"]))

    assert done.error == ""
    assert (done.text.count("[PERSON:"), done.text.count("[CREDIT_CARD:"), done.text.count(WORDS)) == (2, 1, 2)
    assert "Jane Doe" not in done.text + str(done.tools) + recorded
    assert "[PERSON:" in done.tools[0][1]["query"]
    assert row["outcome"] == "completed"


@pytest.mark.parametrize("trouble", ["slow", "die"])
def test_without_an_answer_in_time_the_stream_ends_before_what_was_asked_about(
    analyzed, python_sdk: Worker, trouble: str
) -> None:
    verb = "be slow" if trouble == "slow" else "die"
    with analyzed(seconds=1) as made:
        made.expects_faults = True
        prompt = f"say: Jane Doe{WORDS} please {verb}, Jane Doe{WORDS}"
        done = made.ask(python_sdk, "openai", "proxy", prompt, mode="stream", script={"delta_chars": 3})
        recorded = json.dumps(made.messages(made.closed_exchange(0)["id"]))
        found = [json.loads(leaf["leaf"])["attrs"]["code"] for leaf in made.events_since(0, "finding")]

    assert ("Jane Doe" in done.text + recorded, verb in done.text) == (False, False)
    assert done.error
    assert "wire_masking_failed" in found


def test_where_no_rule_wants_it_on_the_wire_the_model_is_not_asked_in_streams(analyzed, python_sdk: Worker) -> None:
    with analyzed(wire="none") as made:
        done = made.ask(python_sdk, "openai", "proxy", f"say: Jane Doe{WORDS}", mode="stream")
        recorded = json.dumps(made.messages(made.closed_exchange(0)["id"]))

    assert done.text == f"Jane Doe{WORDS}"
    assert ("Jane Doe" in recorded, "[PERSON:" in recorded) == (False, True)


@pytest.mark.parametrize("form", [realtime, live, codex], ids=lambda form: form.__name__)
def test_the_model_is_asked_about_a_websocket_too(analyzed, form) -> None:
    path = {realtime: REALTIME, live: LIVE, codex: CODEX}[form]
    pieces = ["it is Ja", f"ne Doe{WORDS}", f" of {CARD}"]
    with provider(lambda _: form(0, pieces)) as (port, _), analyzed(**of(path, port)) as made:
        client = Client(made, path)
        client.say({"type": "response.create"})
        told = json.dumps(client.until(is_done))
        client.close()
        row = made.closed_exchange(0)

    assert ("Jane Doe" in told, "ne Doe" in told, CARD in told) == (False, False, False)
    assert ("[PERSON:" in told, "[CREDIT_CARD:" in told) == (True, True)
    assert row["outcome"] == "completed"


def test_what_was_kept_back_of_a_websocket_is_asked_about_before_its_close(analyzed) -> None:
    said = [*live(0, ["it is Jane Doe"])[:1], CloseConnection(code=1000)]
    with provider(lambda _: said) as (port, _), analyzed(approval=FREE, **of(LIVE, port)) as made:
        client = Client(made, LIVE)
        client.say({"clientContent": {"turnComplete": True}})
        told, event = "", client.next()
        while isinstance(event, str):
            told, event = told + said_in([json.loads(event)], "text"), client.next()
        client.sock.close()

    assert told.startswith("it is [PERSON:")
    assert isinstance(event, CloseConnection)


def test_a_websocket_for_which_it_does_not_answer_in_time_is_closed(analyzed) -> None:
    said = realtime(0, [f"Jane Doe, please be slow{WORDS}"])
    with provider(lambda _: said) as (port, _), analyzed(seconds=1, **of(REALTIME, port)) as made:
        made.expects_faults = True
        client = Client(made, REALTIME)
        client.say({"type": "response.create"})
        heard = []
        while isinstance(event := client.next(), str):
            heard.append(event)
        client.sock.close()
        row = made.closed_exchange(0)

    assert isinstance(event, CloseConnection)
    assert (event.code, "Jane Doe" in "".join(heard), "be slow" in "".join(heard)) == (1008, False, False)
    assert (row["outcome"], row["error"]) == ("failed", "masking_incomplete")


PRESIDIO = os.environ.get("AFFIDAVIT_PRESIDIO", "")


@pytest.mark.skipif(not PRESIDIO, reason="AFFIDAVIT_PRESIDIO names no Python that has presidio-analyzer")
def test_presidio_itself_is_asked_about_a_stream(analyzed, python_sdk: Worker, tmp_path: Path) -> None:
    """Its pattern for URLs, over a model of spaCy's that knows nothing: those that know something are downloads."""
    model = tmp_path / "model"
    subprocess.run([PRESIDIO, "-c", f"import spacy; spacy.blank('en').to_disk({str(model)!r})"], check=True)
    conf = tmp_path / "models.yaml"
    conf.write_text(f"nlp_engine_name: spacy\nmodels:\n  - {{lang_code: en, model_name: {model}}}\n")
    MODELS["AFFIDAVIT_PRESIDIO_MODELS"] = str(conf)
    with analyzed(entity="URL", python=PRESIDIO) as made:
        prompt = f"say: see https://www.example-corp.com/path for it{WORDS}"
        done = made.ask(python_sdk, "openai", "proxy", prompt, mode="stream", script={"delta_chars": 3})

    assert ("example-corp" in done.text, "[URL:" in done.text, done.error) == (False, True, "")
