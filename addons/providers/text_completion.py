"""Completions of plain text, in the many shapes that came before chat and that hosts of open models still speak.

    {"prompt": …}        {"choices": [{"text": …}]}          OpenAI /v1/completions, Together, vLLM
    {"prompt": …}        {"completion": …}                   Anthropic /v1/complete, also on Bedrock
    {"prompt": …}        {"generation": …}                   Llama on Bedrock
    {"prompt": …}        {"outputs": [{"text": …}]}          Mistral on Bedrock
    {"prompt": …}        {"generations": [{"text": …}]}      Cohere /v1/generate
    {"prompt": …}        {"completions": [{"data": {"text": …}}]}     AI21
    {"inputText": …}     {"results": [{"outputText": …}]}    Titan on Bedrock
    {"input": …}         {"results": [{"generated_text": …}]}         watsonx
    {"inputs": …}        [{"generated_text": …}]             Hugging Face, SageMaker
    {"prompt": …}        {"response": …}                     Ollama /api/generate, Cloudflare
    {"prompt": …}        {"output": ["…", "…"]}              Replicate
Not chat. Sources: the vendors' API references (2026-11); Bedrock user guide, "Inference request parameters".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from addons.providers.call import Call, Json, Kind, Part, Reply, Turn, Usage
from addons.providers.failures import failure_in
from addons.providers.json_values import array, count, obj, text
from addons.providers.openai_content import content_parts
from addons.providers.openai_shapes import OPENAI_REFUSAL, usage_of
from addons.providers.parts import whole
from addons.providers.unsaid import keeping_all
from addons.providers.wire import Endpoint, WireRequest

PROMPT_KEYS: Final = ("system", "preamble", "instructions", "prompt", "inputText", "input", "inputs", "text", "suffix")
_SYSTEM_KEYS: Final = frozenset({"system", "preamble", "instructions"})
_READ_KEYS: Final = frozenset({*PROMPT_KEYS, "model", "model_id", "stream", "images"})
_LIST_KEYS: Final = ("choices", "outputs", "generations", "results", "completions")
_TEXT_KEYS: Final = ("text", "completion", "generation", "outputText", "generated_text", "response", "output", "value")
_REASON_KEYS: Final = ("finish_reason", "stop_reason", "completionReason", "done_reason", "finishReason")
_INPUT_KEYS: Final = (
    "prompt_token_count",
    "inputTextTokenCount",
    "input_token_count",
    "prompt_eval_count",
    "inputTokenCount",
)
_OUTPUT_KEYS: Final = (
    "generation_token_count", "tokenCount", "totalOutputTextTokenCount", "generated_token_count", "eval_count",
    "outputTokenCount", "generated_tokens",
)  # fmt: skip
_UNFINISHED: Final = frozenset({"", "not_finished"})


def _prompt_parts(value: Json) -> tuple[Part, ...]:
    """One prompt, several, or prompts as lists of token numbers, which stay numbers."""
    if isinstance(value, str):
        return (Part(Kind.TEXT, value),) if value else ()
    if not isinstance(value, list):
        return whole(value) if value else ()
    if all(isinstance(entry, int) for entry in value):
        return whole(value) if value else ()
    return tuple([part for entry in value for part in (_numbers(entry) or content_parts([entry]))])


def _numbers(entry: Json) -> tuple[Part, ...]:
    return whole(entry) if isinstance(entry, list) else ()


prompt_parts: Final = keeping_all(_prompt_parts)


def image_parts(value: Json) -> tuple[Part, ...]:
    """Ollama's images: bare base64."""
    return tuple([Part(Kind.IMAGE, text(image), media_type="image", base64=True) for image in array(value)])


def parse_call(provider: str, request: WireRequest, body: dict[str, Json]) -> Call | None:
    turns = [
        Turn("system" if key in _SYSTEM_KEYS else "user", body[key], f"/{key}", prompt_parts)
        for key in PROMPT_KEYS
        if body.get(key)
    ]
    if not turns:
        return None
    if body.get("images"):
        turns.append(Turn("user", body["images"], "/images", image_parts))
    rest = {key: value for key, value in body.items() if key not in _READ_KEYS}
    model = text(body.get("model")) or text(body.get("model_id"))
    streamed = body.get("stream") is True or request.path.endswith("_stream")
    return Call(provider, "text_completion", "text.completion", model, streamed, tuple(turns), rest)


def parse_reply(value: Json) -> Reply:
    answers = [obj(answer) for answer in array(value)] or _answers(obj(value))
    return _reply(obj(value), answers, ["".join(_said(answer)) for answer in answers])


def _answers(body: dict[str, Json]) -> list[dict[str, Json]]:
    """The answers of one reply, each with what was said of it alone."""
    inner = obj(body.get("result")) or body
    for key in _LIST_KEYS:
        found = [obj(answer) for answer in array(inner.get(key)) if isinstance(answer, dict)]
        if found:
            return found
    return [inner]


def _said(answer: dict[str, Json]) -> Iterator[str]:
    for key in _TEXT_KEYS:
        found = answer.get(key)
        if isinstance(found, str):
            yield found
        elif isinstance(found, list):
            yield from (piece for piece in found if isinstance(piece, str))
    yield from _said(obj(answer["data"])) if "data" in answer else ()


def _reply(body: dict[str, Json], answers: list[dict[str, Json]], said: list[str]) -> Reply:
    reasoned = [text(answer.get("thinking")) for answer in answers]
    parts = [Part(Kind.REASONING, thought) for thought in reasoned if thought]
    reasons = [reason for reason in (_reason(answer) for answer in answers) if reason not in _UNFINISHED]
    return Reply(
        parts=(*parts, *[Part(Kind.TEXT, piece) for piece in said if piece]),
        model=text(body.get("model")) or text(body.get("model_id")),
        response_id=text(body.get("id")),
        finish_reasons=tuple(reasons),
        usage=_usage(body, answers),
    )


def _reason(answer: dict[str, Json]) -> str:
    for key in _REASON_KEYS:
        if found := answer.get(key):
            return text(found) or text(obj(found).get("reason"))
    return text(obj(answer.get("details")).get("finish_reason"))  # Hugging Face's text-generation-inference


def _usage(body: dict[str, Json], answers: list[dict[str, Json]]) -> Usage:
    if body.get("usage"):
        return usage_of(body["usage"])
    places = (
        body,
        *answers,
        *[obj(answer.get("details")) for answer in answers],
        obj(obj(body.get("meta")).get("billed_units")),
        obj(body.get("amazon-bedrock-invocationMetrics")),
    )
    return Usage(
        input_tokens=_first(places, (*_INPUT_KEYS, "input_tokens")),
        output_tokens=_first(places, (*_OUTPUT_KEYS, "output_tokens")),
    )


def _first(places: tuple[dict[str, Json], ...], keys: tuple[str, ...]) -> int | None:
    return next((found for place in places for key in keys if (found := count(place.get(key))) is not None), None)


class TextAssembler:
    """Joins the answers' text, answer by answer."""

    end_markers: tuple[bytes, ...] = (b"[DONE]", b'"error"', b'"done":true', b'"done": true', b'"is_finished":true')

    def __init__(self) -> None:
        self.holding = False
        self.done = False
        self._envelope: dict[str, Json] = {}
        self._pieces: dict[int, list[str]] = {}
        self._thoughts: dict[int, list[str]] = {}
        self._answers: dict[int, dict[str, Json]] = {}
        self._failure: Reply | None = None

    def take(self, event: str, value: Json) -> tuple[Part, ...]:
        body = obj(value)
        answers = [] if event == "error" else _answers(body)
        if event == "error" or body.get("error"):
            self._failure = failure_in(value) or failure_in({"error": value})
            self.done = True
        self._envelope |= {key: said for key, said in body.items() if said is not None and key not in _LIST_KEYS}
        for place, answer in enumerate(answers):
            index = answer.get("index")
            self._take_answer(index if isinstance(index, int) else place, answer)
        self.done = self.done or body.get("done") is True or body.get("is_finished") is True
        return ()

    def _take_answer(self, place: int, answer: dict[str, Json]) -> None:
        self._pieces.setdefault(place, []).extend(_said(answer))
        self._thoughts.setdefault(place, []).append(text(answer.get("thinking")))
        kept = self._answers.setdefault(place, {})
        kept |= {key: said for key, said in answer.items() if said}

    def close(self) -> tuple[Part, ...]:
        return ()

    def reply(self) -> Reply:
        places = sorted(self._answers)
        said = ["".join(self._pieces[place]) for place in places]
        answers = [{**self._answers[place], "thinking": "".join(self._thoughts[place])} for place in places]
        reply = _reply(self._envelope, answers, said)
        failed = self._failure
        return Reply(
            parts=(*reply.parts, *(failed.parts if failed else ())),
            model=reply.model,
            response_id=reply.response_id,
            finish_reasons=reply.finish_reasons,
            usage=reply.usage,
            error=failed.error if failed else "",
            complete=self.done or bool(reply.finish_reasons),
        )


TEXT_COMPLETION: Final = Endpoint(
    id="text.completion",
    operation="text_completion",
    path=re.compile(r"/completions$|/v1/complete$|/v1/generate$|/api/generate$|/generation/text(_stream)?$"),
    parse_call=parse_call,
    parse_reply=parse_reply,
    assembler=TextAssembler,
    refusal=OPENAI_REFUSAL,
)
