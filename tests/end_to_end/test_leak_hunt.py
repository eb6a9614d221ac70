"""The leak hunt at large: values planted at random places of recorded exchanges of every format, then looked for in every byte that was written.

The recordings are not part of the repository: without them the shapes of the coverage matrix are planted, with the same search. Long: 2,000 placements.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts import canned_provider, coverage, traces
from scripts.canned_provider import ASKED, Canned
from scripts.local_gateway import running
from scripts.measuring.masking_corpus import Maker

RECORDED = Path(__file__).parents[3] / "shared" / "wire" / "exchanges.jsonl.gz"
PLACEMENTS = 2_000
PROVIDERS = {"bedrock": "aws.bedrock", "gemini": "gcp.gemini", "vertex": "gcp.vertex_ai", "openai_compat": "openai"}


def exchanges() -> Iterator[dict[str, Any]]:
    with gzip.open(RECORDED, "rt") as lines:
        for line in lines:
            one = json.loads(line)
            if one["request_body_kind"] == "text" and one["response_body_kind"] == "text" and one["method"] == "POST":
                yield one


def strings(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place of a JSON value that holds a text of some length."""
    for key, one in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if isinstance(one, str) and len(one) < 10_000 and " " in one:
            yield value, key
        elif isinstance(one, dict | list):
            yield from strings(one)


def planted(chance: random.Random, body: str, text: str) -> str | None:
    """The body with the text at a random place in it; None where it has no place for one."""
    try:
        value = json.loads(body)
    except ValueError:
        lines = body.split("\n")
        fit = [number for number, line in enumerate(lines) if line.startswith("data: {")]
        if not fit:
            return None
        number = chance.choice(fit)
        inner = planted(chance, lines[number].removeprefix("data: "), text)
        return None if inner is None else "\n".join((*lines[:number], f"data: {inner}", *lines[number + 1 :]))
    places = list(strings(value))
    if not places:
        return None
    container, key = chance.choice(places)
    words = container[key].split(" ")
    at = chance.randrange(len(words) + 1)
    container[key] = " ".join((*words[:at], text, *words[at:]))
    return json.dumps(value)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.skipif(not RECORDED.exists(), reason="the recordings (../shared/wire) are not part of the repository")
def test_two_thousand_random_placements_leave_no_trace(tmp_path: Path) -> None:
    chance, maker = random.Random(11), Maker(11)
    pool = [one for one in exchanges() if len(one["request_body"]) < 60_000 and len(one["response_body"]) < 60_000]
    values: dict[str, str] = {}
    with canned_provider.running() as provider:
        state, token = coverage.made_state(
            tmp_path, provider.port, "version: 1\nrules:\n  - {id: all, entities: ['*'], action: hash}\n"
        )
        known = {row["id"] for row in connections(state.path)}
        with running(state, tmp_path / "gateway.log") as gateway:
            while len(values) < PLACEMENTS:
                one = chance.choice(pool)
                kind, encode = chance.choice(sorted(coverage.KINDS)), chance.choice(sorted(coverage.ENCODINGS))
                value = coverage.KINDS[kind](maker)
                text = f"{kind} {coverage.ENCODINGS[encode](value)}"
                in_reply = chance.random() < 0.5
                body = planted(chance, one["response_body" if in_reply else "request_body"], text)
                name = PROVIDERS.get(one["provider"], one["provider"]).replace(".", "-")
                if body is None:
                    continue
                place = f"{len(values)} {one['api']} {'reply' if in_reply else 'request'} {kind} {encode}"
                values[place] = value
                kinds = (
                    one["response_headers"].get("Content-Type")
                    or one["response_headers"].get("content-type")
                    or ["application/json"]
                )
                reply = Canned(kinds[0], (body if in_reply else one["response_body"]).encode(), chance.choice([0, 3]))
                call = coverage.Call("", name if name in known else "openai", "", one["path"].replace(" ", "%20"), (one["request_body"] if in_reply else body).encode(), ((ASKED, place),), reply=reply)  # fmt: skip
                coverage.send(gateway, provider, token, place, call)
        package, flows = tmp_path / "package", tmp_path / "flows"
        state.run("export", str(package))
        (ex,) = [row["session_id"] for row in json.loads(state.run("sessions", "--limit", "1", "--json").stdout)]
        (tmp_path / "shown.txt").write_text(state.run("show", ex, "--json").stdout)
        state.run("replay", ex, "--flows", str(flows))

    written = traces.written(tmp_path, state.path / "evidence.db").lower()
    sought = {place: (*forms, *encoded(place, values[place])) for place, forms in traces.needles(values).items()}
    assert traces.found_in(written, sought) == set()


def encoded(place: str, value: str) -> Iterator[bytes]:
    encode: Callable[[str], str] = next(form for name, form in coverage.ENCODINGS.items() if place.endswith(f" {name}"))
    return coverage.as_sent(encode(value))


def connections(state: Path) -> list[dict[str, str]]:
    text = (state / "policies" / "connections.yaml").read_text()
    return [{"id": line.split(":")[1].strip()} for line in text.splitlines() if line.strip().startswith("- id:")]
