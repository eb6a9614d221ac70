"""The law of the room's requests: whatever a client sends to a model stands in the record, wherever in the body it was put.

Each string of a rich request is replaced, and each object given one key more; the words planted must come out somewhere.
"""

import copy
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from addons.providers.call import Call, Kind, Part
from addons.providers.doors import parse_call
from addons.providers.json_values import dumps
from addons.providers.unsaid import unsaid
from addons.providers.wire import WireRequest
from tests.wire import recordings
from tests.wire.asked import REQUESTS

PLANTED = "words that nobody expected here, long enough to say something of their own " + "z" * 20
SEALED = {
    "signature",
    "encrypted_content",
    "thoughtSignature",
    "thought_signature",
}  # opaque; told of where nothing else is
Path = tuple[str | int, ...]


def places(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Where words can be put: instead of a string, or under a new key of an object."""
    if isinstance(value, dict):
        yield path, "key"
        for key, inner in value.items():
            yield from places(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from places(inner, (*path, index))
    elif isinstance(value, str) and path[-1] not in SEALED:
        yield path, "string"


def planted(body: Any, path: Path, how: str) -> Any:
    changed = copy.deepcopy(body)
    holder = changed
    for step in path if how == "key" else path[:-1]:
        holder = holder[step]
    holder["a_new_key" if how == "key" else path[-1]] = PLANTED
    return changed


def tells(call: Call) -> bool:
    said = [call.model, dumps(dict(call.parameters)).decode()]
    for turn in call.turns:
        said.append(turn.role)
        for part in turn.parts():
            said += [part.content, part.name, part.call_id, part.media_type]
    return any(PLANTED in word for word in said)


def asked(provider: str, path: str, body: Any, headers: tuple[tuple[str, str], ...] = ()) -> Call:
    return parse_call(provider, WireRequest("POST", path, "", headers, orjson.dumps(body)))


@pytest.mark.parametrize(("provider", "path", "body"), REQUESTS.values(), ids=REQUESTS)
def test_words_planted_anywhere_in_a_request_are_told(provider: str, path: str, body: dict[str, Any]) -> None:
    lost = [(place, how) for place, how in places(body) if not tells(asked(provider, path, planted(body, place, how)))]

    # The model of a wrapped request that its path names already: the path's own counts, and is recorded.
    assert [(place, how) for place, how in lost if place[-1:] != ("model",)] == []


@pytest.mark.skipif(
    not recordings.FILE.exists(), reason="the recordings (../shared/wire) are not part of the repository"
)
def test_words_planted_in_recorded_requests_are_told() -> None:
    """One of each shape: the same path of keys in the same format is tried once."""
    tried = set()
    lost = []
    for recording in recordings.load():
        if recording.request.body[:1] != b"{" or len(recording.request.body) > 30_000:
            continue
        body = orjson.loads(recording.request.body)
        endpoint = recording.call().endpoint
        for place, how in places(body):
            shape = (endpoint, *[step if isinstance(step, str) else "*" for step in place], how)
            if shape not in tried:
                tried.add(shape)
                changed = planted(body, place, how)
                if not tells(asked(recording.provider, recording.request.path, changed)) and place[-1:] != ("model",):
                    lost.append((recording.name, shape))

    assert lost == []


@pytest.mark.parametrize(("provider", "path", "body"), REQUESTS.values(), ids=REQUESTS)
def test_nothing_known_is_told_twice(provider: str, path: str, body: dict[str, Any]) -> None:
    """The net catches nothing of what the readers read: its parts would double the record."""
    if provider == "generic":
        return
    nets = [
        (turn.pointer, part.name, part.content)
        for turn in asked(provider, path, body).turns
        for part in turn.parts()
        if part.kind is Kind.OTHER
        and part.media_type == ""
        and part.name not in ("name", "qualifiers", "bucketOwner", "extra_content", "context", "title", "parameters")
    ]

    assert nets == []


@pytest.mark.parametrize(
    ("value", "parts", "expected"),
    [
        ({"type": "text", "text": "hi"}, ("hi",), ()),
        ({"type": "text", "text": ""}, (), ()),
        ({"type": "text", "text": "hi", "id": "x" * 65}, ("hi",), ("x" * 65,)),
        ({"text": "hi", "new": {"a": "b"}}, ("hi",), ('{"a":"b"}',)),
        ({"text": "hi", "new": {"a": 1}}, ("hi",), ('{"a":1}',)),
        ({"text": "hi", "new": [1, 2]}, ("hi",), ("[1,2]",)),
        ({"text": "hi", "weight": 1, "index": 0}, ("hi",), ()),
        ({"text": ["a", "b"]}, ("ab",), ()),
        ({"input": {"a": "b"}}, ('{"a":"b"}',), ()),
        ({"hit": {"title": "W", "seal": "s"}}, ('{"title":"W"}',), ("s",)),
        ({"url": "data:image/png;base64,iVBO"}, ("iVBO",), ()),
        ({"text": "hi", "k" * 65: True}, ("hi",), ("k" * 65,)),
        ({"text": "a longer text with words", "new": "words"}, ("a longer text with words",), ("words",)),
    ],
)
def test_what_the_net_catches(value: Any, parts: tuple[str, ...], expected: tuple[str, ...]) -> None:
    said = tuple(Part(Kind.TEXT, content) for content in parts)

    assert tuple(part.content for part in unsaid(value, said)) == expected


def test_what_lies_too_deep_to_be_looked_into_is_kept_whole() -> None:
    deep: Any = "words in the deep"
    for _ in range(40):
        deep = {"in": deep}

    assert "words in the deep" in unsaid({"text": "hi", "new": deep}, (Part(Kind.TEXT, "hi"),))[0].content


def test_a_message_of_very_many_strings_is_still_read_in_time() -> None:
    """Each string is searched for among the others at most so often; then it is kept rather than searched for."""
    value = {"content": "x" * 100_000, "many": [f"word number {number}" for number in range(20_000)]}

    assert "word number 19999" in unsaid(value, (Part(Kind.TEXT, "x" * 100_000),))[0].content
