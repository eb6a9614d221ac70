"""Gemini: generateContent and streamGenerateContent, at Google AI and Vertex AI. Not the contents: gemini_content.py reads those.

A stream is server-sent events with alt=sse, else one JSON array; each of its pieces is a whole GenerateContentResponse.
Source: Google, "Gemini API reference", "Generating content" (2026-11).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

import orjson

from addons.providers.call import Call, Json, Kind, Part, Reply, Turn, Usage
from addons.providers.failures import failure_in
from addons.providers.gemini_content import content_parts, either
from addons.providers.json_values import array, compact, count, obj, text, words
from addons.providers.parts import JSON_TYPE, message_turns, tools
from addons.providers.paths import model_in, streams
from addons.providers.wire import Endpoint, Refusal, WireRequest

_READ_KEYS: Final = frozenset({"contents", "systemInstruction", "system_instruction", "tools", "model"})


def turns_of(body: dict[str, Json], pointer: str = "") -> list[Turn]:
    """Tools, system instruction, contents: of a request, or of one that a batch or a cache wraps."""
    turns = [Turn("system", body["tools"], f"{pointer}/tools", tools)] if body.get("tools") else []
    for key in ("systemInstruction", "system_instruction"):
        if body.get(key):
            turns.append(Turn("system", body[key], f"{pointer}/{key}", content_parts))
    contents = body.get("contents")
    if isinstance(contents, list):
        turns += message_turns(contents, f"{pointer}/contents", content_parts, "user")
    elif contents:
        turns.append(Turn(text(obj(contents).get("role")) or "user", contents, f"{pointer}/contents", content_parts))
    return turns


def parse_call(provider: str, request: WireRequest, body: dict[str, Json]) -> Call | None:
    if "contents" not in body:
        return None
    model = model_in(request.path) or text(body.get("model")).removeprefix("models/")
    rest = {key: value for key, value in body.items() if key not in _READ_KEYS}
    return Call(
        provider, "generate_content", "gemini.generate", model, streams(request.path), tuple(turns_of(body)), rest
    )


def parse_reply(value: Json) -> Reply:
    body = obj(value)
    candidates = [obj(candidate) for candidate in array(body.get("candidates"))]
    return _reply(body, candidates)


def _reply(body: dict[str, Json], candidates: list[dict[str, Json]]) -> Reply:
    blocked = obj(either(body, "promptFeedback", "prompt_feedback"))
    reasons = [either(candidate, "finishReason", "finish_reason") for candidate in candidates]
    reasons.append(either(blocked, "blockReason", "block_reason"))
    return Reply(
        parts=(*[part for candidate in candidates for part in _candidate_parts(candidate)], *_blocked(blocked)),
        model=text(either(body, "modelVersion", "model_version")),
        response_id=text(either(body, "responseId", "response_id")),
        finish_reasons=tuple([words(reason) for reason in reasons if reason]),  # some clients ask for enums as numbers
        usage=usage_of(either(body, "usageMetadata", "usage_metadata")),
    )


def _candidate_parts(candidate: dict[str, Json]) -> Iterator[Part]:
    yield from content_parts(candidate.get("content"))
    for key in _SOURCE_KEYS:
        if found := candidate.get(key):
            yield Part(Kind.OTHER, compact(found), name=key, media_type=JSON_TYPE)


_SOURCE_KEYS: Final = (
    "groundingMetadata",
    "urlContextMetadata",
    "citationMetadata",
    "finishMessage",
)  # what the answer rests on, and why it ended


def _blocked(feedback: dict[str, Json]) -> Iterator[Part]:
    if reason := either(feedback, "blockReason", "block_reason"):
        yield Part(Kind.REFUSAL, words(either(feedback, "blockReasonMessage", "block_reason_message") or reason))


def usage_of(value: Json) -> Usage:
    """Thoughts are counted beside the candidates' tokens, not within them; they are kept as Google counts."""
    usage = obj(value)
    return Usage(
        input_tokens=count(either(usage, "promptTokenCount", "prompt_token_count")),
        output_tokens=count(either(usage, "candidatesTokenCount", "candidates_token_count")),
        reasoning_tokens=count(either(usage, "thoughtsTokenCount", "thoughts_token_count")),
        cached_tokens=count(either(usage, "cachedContentTokenCount", "cached_content_token_count")),
        audio_tokens=audio_in(usage, _AUDIO_LISTS, ("tokenCount", "token_count")),
    )


_AUDIO_LISTS: Final = (
    "promptTokensDetails", "promptTokenDetails", "prompt_tokens_details", "candidatesTokensDetails", "candidates_tokens_details",
    "responseTokensDetails", "response_tokens_details",
)  # fmt: skip


def audio_in(usage: dict[str, Json], lists: Iterable[str], counts: Iterable[str]) -> int | None:
    """Tokens of sound, asked and answered together: [{"modality": "AUDIO", "tokenCount": 7}, …]; None: nothing is said of sound."""
    told = [obj(one) for name in lists for one in array(usage.get(name))]
    sounds = [
        one for one in told if words(one.get("modality")).upper() in ("AUDIO", "4")
    ]  # 4: MediaModality as a number
    found = [tokens for one in sounds for name in counts if (tokens := count(one.get(name))) is not None]
    return sum(found) if found else None


class GeminiAssembler:
    """Lays the pieces' candidates end to end. Calls come whole, unless they say that they go on (willContinue)."""

    end_markers: tuple[bytes, ...] = (b'"error"',)  # nothing marks a good end but the connection's own

    def __init__(self) -> None:
        self.holding = False
        self.done = False
        self._envelope: dict[str, Json] = {}
        self._usage: dict[str, Json] = {}
        self._candidates: dict[int, dict[str, Json]] = {}
        self._open: dict[str, Json] | None = None
        self._failure: Reply | None = None

    def take(self, event: str, value: Json) -> tuple[Part, ...]:
        body = obj(value)
        if event == "error" or (body.get("error") and not body.get("candidates")):
            self._failure = failure_in(value) or failure_in({"error": value})
            self.done = True
        self._usage |= {key: said for key, said in obj(body.get("usageMetadata")).items() if said is not None}
        self._envelope |= {key: said for key, said in body.items() if said and key in _ENVELOPE_KEYS}
        return tuple([part for one in array(body.get("candidates")) for part in self._take_candidate(obj(one))])

    def _take_candidate(self, piece: dict[str, Json]) -> tuple[Part, ...]:
        index = piece.get("index")
        candidate = self._candidates.setdefault(index if isinstance(index, int) else 0, {"parts": []})
        candidate |= {key: said for key, said in piece.items() if said and key in _CANDIDATE_KEYS}
        told = [
            part
            for entry in array(obj(piece.get("content")).get("parts"))
            for part in self._take_part(entry, candidate)
        ]
        self.holding = self._open is not None
        return tuple(told)

    def _take_part(self, entry: Json, candidate: dict[str, Json]) -> tuple[Part, ...]:
        call = obj(entry).get("functionCall")
        if not isinstance(call, dict):
            candidate["parts"].append(entry)
            return ()
        if self._open is None:
            self._open = {**obj(entry), "functionCall": {}}
            candidate["parts"].append(self._open)
        _continue_call(self._open["functionCall"], call)
        if call.get("willContinue") is True:
            return ()
        return self.close()

    def close(self) -> tuple[Part, ...]:
        self.holding = False
        whole, self._open = self._open, None
        if whole is None:
            return ()
        whole["functionCall"] = _finished_call(whole["functionCall"])
        return content_parts([whole])

    def reply(self) -> Reply:
        candidates = [
            {**candidate, "content": {"role": "model", "parts": [_as_it_stands(part) for part in candidate["parts"]]}}
            for _, candidate in sorted(self._candidates.items())
        ]
        reply = _reply({**self._envelope, "usageMetadata": self._usage}, candidates)
        failed = self._failure
        finished = all(candidate.get("finishReason") for candidate in candidates) and bool(reply.finish_reasons)
        return Reply(
            parts=(*reply.parts, *(failed.parts if failed else ())),
            model=reply.model,
            response_id=reply.response_id,
            finish_reasons=reply.finish_reasons,
            usage=reply.usage,
            error=failed.error if failed else "",
            complete=self.done or finished,
        )


def _as_it_stands(part: Json) -> Json:
    """A part; a call that goes on, with the arguments that have come."""
    call = obj(obj(part).get("functionCall"))
    return {**obj(part), "functionCall": _finished_call(call)} if "pieces" in call else part


def _continue_call(call: dict[str, Json], piece: dict[str, Json]) -> None:
    """Vertex AI may send arguments in pieces: {"jsonPath": "$.city", "stringValue": "Par"}."""
    call |= {key: said for key, said in piece.items() if key not in ("partialArgs", "willContinue")}
    for argument in map(obj, array(piece.get("partialArgs"))):
        path = text(argument.get("jsonPath")).removeprefix("$.")
        values = [said for key, said in argument.items() if key.endswith("Value")]
        call.setdefault("pieces", {}).setdefault(path, []).extend(values)


def _finished_call(call: dict[str, Json]) -> dict[str, Json]:
    """Texts of one path are joined; of anything else the last counts."""
    arguments = {
        path: "".join(pieces) if all(isinstance(piece, str) for piece in pieces) else pieces[-1]
        for path, pieces in obj(call.get("pieces")).items()
    }
    rest = {key: said for key, said in call.items() if key != "pieces"}
    return {**rest, "args": {**obj(rest.get("args")), **arguments}}


_ENVELOPE_KEYS: Final = frozenset({"modelVersion", "responseId", "promptFeedback"})
_CANDIDATE_KEYS: Final = frozenset({"finishReason", *_SOURCE_KEYS})

_STATUSES: Final = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    413: "OUT_OF_RANGE",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
}


def _error(status: int, code: str, message: str, exchange_id: str) -> bytes:
    said = {
        "code": status,
        "message": f"{message} [{code}] [{exchange_id}]",
        "status": _STATUSES.get(status, "INTERNAL"),
    }
    return orjson.dumps({"error": said})


def _event(code: str, message: str, exchange_id: str) -> bytes:
    return b"data: " + _error(403, code, message, exchange_id) + b"\r\n\r\n"


GEMINI_REFUSAL: Final = Refusal(_error, _event)

GEMINI_GENERATE: Final = Endpoint(
    id="gemini.generate",
    operation="generate_content",
    path=re.compile(r":(stream)?[gG]enerateContent$"),
    parse_call=parse_call,
    parse_reply=parse_reply,
    assembler=GeminiAssembler,
    refusal=GEMINI_REFUSAL,
)
