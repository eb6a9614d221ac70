"""What a provider keeps for its clients, and the endpoints that manage it: files, batches, stores, conversations, models, settings. Not generation.

Their bodies are read as generic.py reads any; the endpoint's name says what was touched. Where an answer holds replies of models (a batch's
results, a stored response), each is read as it would be alone, and the rest is kept around them.

    {"custom_id": "a", "result": {"message": {…}}}                 Anthropic, a line of a batch's results
    {"custom_id": "a", "response": {"body": {"choices": […]}}}     OpenAI, a line of a batch's output file
    {"output": {"inlinedResponses": [{"response": {"candidates": […]}}]}}     Gemini
Sources: the vendors' API references (2026-11).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Final

from addons.providers.call import Call, Json, Kind, Part, Reply
from addons.providers.failures import failure, failure_in
from addons.providers.json_values import array, obj, text
from addons.providers.openai_shapes import OPENAI_REFUSAL
from addons.providers.parts import whole
from addons.providers.recognise import of_reply
from addons.providers.wire import Endpoint, WireRequest

_DEEPEST: Final = 8
_MOST: Final = 1_000  # replies read out of one answer; more stay in the rest
_READING: Final = frozenset({"GET", "DELETE", "PATCH"})  # a POST below a model asks it something
_ALL_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})


def _as_any_body(_provider: str, _request: WireRequest, _body: dict[str, Json]) -> Call | None:
    return None


@dataclass(slots=True)
class _Held:
    """The replies of models that an answer holds."""

    replies: list[Reply] = field(default_factory=list)

    def without(self, value: Json, depth: int) -> Json:
        """`value` with null where a reply was."""
        if depth == 0 or len(self.replies) >= _MOST:
            return value
        if isinstance(value, list):
            return [self.without(entry, depth - 1) for entry in value]
        if not isinstance(value, dict):
            return value
        endpoint = of_reply(value)
        reply = endpoint.parse_reply(value) if endpoint else Reply()
        if reply.parts:
            self.replies.append(reply)
            return None
        return {key: self.without(entry, depth - 1) for key, entry in value.items()}


def _holding(values: list[Json]) -> Reply:
    held = _Held()
    parts: list[Part] = []
    for value in values:
        before = len(held.replies)
        rest = held.without(value, _DEEPEST)
        parts += [part for reply in held.replies[before:] for part in reply.parts]
        parts += whole(rest) if rest is not None else ()
    single = held.replies[0] if len(held.replies) == 1 else Reply()
    return Reply(tuple(parts), single.model, single.response_id, single.finish_reasons, single.usage)


def parse_reply(value: Json) -> Reply:
    return _holding([value])


class LinesAssembler:
    """A file of JSON lines, or the events of a stored response: read at the end, line by line."""

    end_markers: tuple[bytes, ...] = (b'"error"',)

    def __init__(self) -> None:
        self.holding = False
        self.done = False
        self._values: list[Json] = []
        self._failure: Reply | None = None

    def take(self, event: str, value: Json) -> tuple[Part, ...]:
        failed = failure_in(value) or (failure(value, {}) if event == "error" else None)
        if failed and "custom_id" not in obj(value):  # that one of a batch's requests failed is a result like others
            self._failure = self._failure or failed
            self.done = True
        else:
            self._values.append(value)
        return ()

    def close(self) -> tuple[Part, ...]:
        return ()

    def reply(self) -> Reply:
        read, failed = _holding(self._values), self._failure
        return replace(read, parts=(*read.parts, *failed.parts), error=failed.error) if failed else read


def _recognised(value: Json) -> Reply:
    """The pages of a document that was read, the text of a spoken one, the answer to a question about documents."""
    body = obj(value)
    pages = [text(obj(page).get("markdown")) for page in array(body.get("pages"))]
    channels = [obj(channel) for channel in array(obj(body.get("results")).get("channels"))]
    heard = [
        text(obj(option).get("transcript")) for channel in channels for option in array(channel.get("alternatives"))
    ]
    answer = text(obj(body.get("output")).get("text"))
    said = [words for words in (*pages, *heard, answer, *_outputs(body.get("output"))) if words]
    return Reply(parts=(*[Part(Kind.TEXT, words) for words in said], *whole(value)))


def _outputs(output: Json) -> list[str]:
    """Replicate's predictions: a text, or pieces of one."""
    if isinstance(output, str):
        return [output]
    pieces = array(output)
    return ["".join(pieces)] if pieces and all(isinstance(piece, str) for piece in pieces) else []


def _resource(id_: str, path: str, methods: frozenset[str] = _ALL_METHODS) -> Endpoint:
    return Endpoint(id_, "", re.compile(path), _as_any_body, parse_reply, LinesAssembler, OPENAI_REFUSAL, methods)


def _reader(id_: str, path: str) -> Endpoint:
    return Endpoint(id_, "", re.compile(path), _as_any_body, _recognised, LinesAssembler, OPENAI_REFUSAL, _ALL_METHODS)


_ID: Final = r"(/[^/]+)"
RESOURCES: Final = (
    _resource("vector_stores", rf"/vector_stores({_ID}(/(files|file_batches|search).*)?)?$"),
    _resource("file_search_stores", r"/fileSearchStores(/.*)?$|:uploadToFileSearchStore$"),
    _resource("fine_tuning", r"/(fine_tuning|fine-tuning|tuning|tunedModels|fine_tunes)(/.*)?$"),
    _resource("batches", r"/(batches|batch/jobs)(/.*)?$|/model-invocation-jobs?(/.*)?$"),
    _resource("skills", r"/skills(/.*)?$"),
    _resource("containers", r"/containers(/.*)?$"),
    _resource("files", r"/(files|uploads)(/.*)?$"),
    _resource("cached_contents", rf"/cachedContents{_ID}?$"),
    _resource("conversations", r"/conversations(/.*)?$"),
    _resource("stored_responses", rf"/responses{_ID}(/.*)?$|/chat/completions{_ID}(/.*)?$|/interactions{_ID}(/.*)?$"),
    _resource("realtime.calls", r"/realtime/(client_secrets|calls|sessions|transcription_sessions|translations)(/.*)?$"),
    _resource("traces", r"/traces/ingest$"),
    _resource("evals", r"/evals(/.*)?$"),
    _resource("organization", r"/organizations?/.*$"),
    _resource("models", r"/(models|foundation-models|foundation_model_specs|inference-profiles)(/.*)?$|/api/(tags|ps|version)$", _READING),
    _resource("models.show", r"/api/(show|ps|pull|push|create|copy|delete|tags)$"),
    _resource("guardrails", r"/guardrail/.+/apply$"),
    _resource("videos", r"/videos(/.*)?$"),
    _reader("ocr", r"/ocr$"),
    _reader("speech", r"/(speak|listen|tts|stt)$"),
    _reader("retrieval", r"/(retrieveAndGenerate|retrieve|retrieveAndGenerateStream)$"),
    _reader("predictions", r"/predictions(/.*)?$"),
)  # fmt: skip
