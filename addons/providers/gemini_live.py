"""Gemini's Live API: a WebSocket on which a person and a model speak with each other. Not generateContent (gemini.py).

Client: setup, clientContent, realtimeInput, toolResponse. Server: serverContent in pieces until turnComplete, toolCall, usageMetadata.
Keys come in camelCase or snake_case. Source: Google, "Gemini API reference", Live API (2026-11); Vertex AI's BidiGenerateContent.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from addons.providers.call import Json, Kind, Part, Reply, Usage
from addons.providers.conversation import Ask, Spoken, Step, added, joined_base64, told
from addons.providers.failures import failure
from addons.providers.gemini import GEMINI_REFUSAL, usage_of
from addons.providers.gemini_content import content_parts, either
from addons.providers.json_values import array, compact, obj, text
from addons.providers.media import by_value
from addons.providers.parts import JSON_TYPE, tools
from addons.providers.resources import parse_reply
from addons.providers.wire import Endpoint, WireRequest


class LiveConversation:
    """One connection: turns of the model, each told when it is complete."""

    def __init__(self) -> None:
        self._model = ""
        self._usage = Usage()
        self._turn = Usage()  # of the turn under way, as last said: counts grow within a turn
        self._error = ""
        self._pieces: list[Json] = []  # of the model's turn
        self._heard: list[str] = []  # what the model understood
        self._spoken: list[str] = []  # what its sound says

    # -- the client's -----------------------------------------------------------------------------------------------
    def client(self, value: Json) -> list[Spoken]:
        body = obj(value)
        said: list[Spoken] = []
        for key, entry in body.items():
            read = _CLIENT.get(key.replace("_", "").lower())
            said += read(obj(entry)) if read else [told("user", {key: entry})]
        self._model = self._model or self.asked(value).model
        return said or [told("user", value)]

    def asked(self, value: Json) -> Ask:
        """Sound and pictures are a stream; words in it are answered at once. Vertex AI spells a model's whole path."""
        body = obj(value)
        named = text(obj(body.get("setup")).get("model")).rpartition("models/")[2]
        media = bool(body) and all(
            key.replace("_", "").lower() == "realtimeinput" and "text" not in obj(entry) for key, entry in body.items()
        )
        return Ask(Step.FEED if media else Step.CALL, named)

    # -- the server's -----------------------------------------------------------------------------------------------
    def server(self, value: Json) -> list[Spoken]:
        body = obj(value)
        if usage := either(body, "usageMetadata", "usage_metadata"):
            self._turn = _live_usage(usage)
        content = obj(either(body, "serverContent", "server_content"))
        said = self._content(content) if content else []
        if call := obj(either(body, "toolCall", "tool_call")):
            said += self._flush()
            said += [
                Spoken("assistant", part)
                for one in array(either(call, "functionCalls", "function_calls"))
                for part in content_parts({"role": "model", "parts": [{"functionCall": one}]})
            ]
        if error := body.get("error"):
            failed = failure(error, body)
            self._error = failed.error or "error"
            said += [Spoken("assistant", part) for part in failed.parts]
        rest = {key: entry for key, entry in body.items() if key.replace("_", "").lower() not in _SERVER}
        return [*said, *([told("assistant", rest)] if rest else [])]

    def _content(self, content: dict[str, Json]) -> list[Spoken]:
        turn = obj(either(content, "modelTurn", "model_turn"))
        self._pieces += array(turn.get("parts"))
        for camel, snake, heard in (
            ("inputTranscription", "input_transcription", self._heard),
            ("outputTranscription", "output_transcription", self._spoken),
        ):
            heard.append(text(obj(either(content, camel, snake)).get("text")))
        said: list[Spoken] = []
        for key in ("groundingMetadata", "grounding_metadata", "urlContextMetadata", "url_context_metadata"):
            if content.get(key):
                said.append(
                    Spoken("assistant", Part(Kind.OTHER, compact(content[key]), name=key, media_type=JSON_TYPE))
                )
        if either(content, "turnComplete", "turn_complete") or content.get("interrupted"):
            said = [*self._flush(), *said]
            self._usage, self._turn = added(self._usage, self._turn), Usage()
        return said

    def _flush(self) -> list[Spoken]:
        """What the person said, then what the model thought and answered, in words and in sound."""
        heard, spoken, pieces = "".join(self._heard), "".join(self._spoken), self._pieces
        self._heard.clear()
        self._spoken.clear()
        self._pieces = []
        sounds = [obj(either(obj(piece), "inlineData", "inline_data")) for piece in pieces]
        voices = [sound for sound in sounds if text(either(sound, "mimeType", "mime_type")).startswith("audio/")]
        others = [piece for piece, sound in zip(pieces, sounds, strict=True) if sound not in voices or not sound]
        said = [Spoken("user", Part(Kind.TEXT, heard, name="transcript"))] if heard else []
        said += (
            [Spoken("assistant", part) for part in content_parts({"role": "model", "parts": others})] if others else []
        )
        said += [Spoken("assistant", Part(Kind.TEXT, spoken, name="transcript"))] if spoken else []
        if voices:
            kind = text(either(voices[0], "mimeType", "mime_type"))
            data = joined_base64([text(voice.get("data")) for voice in voices])
            said.append(Spoken("assistant", Part(Kind.AUDIO, data, media_type=kind, base64=True)))
        return said

    def end(self) -> list[Spoken]:
        said = self._flush()
        self._usage, self._turn = added(self._usage, self._turn), Usage()
        return said

    @property
    def model(self) -> str:
        return self._model

    def reply(self) -> Reply:
        return Reply(model=self._model, usage=added(self._usage, self._turn), error=self._error)


_SERVER: Final = frozenset({
    "servercontent", "toolcall", "usagemetadata", "setupcomplete", "sessionresumptionupdate", "error",
})  # fmt: skip


def _live_usage(value: Json) -> Usage:
    """As elsewhere at Google, but that the answer's tokens are called the response's."""
    usage = obj(value)
    answered = either(usage, "responseTokenCount", "response_token_count")
    return usage_of(usage if answered is None else {**usage, "candidatesTokenCount": answered})


def _setup(setup: dict[str, Json]) -> list[Spoken]:
    said: list[Spoken] = []
    if system := either(setup, "systemInstruction", "system_instruction"):
        said += [Spoken("system", part) for part in content_parts(system)]
    if setup.get("tools"):
        said += [Spoken("system", part) for part in tools(setup["tools"])]
    known = ("systemInstruction", "system_instruction", "tools")
    rest = {key: value for key, value in setup.items() if key not in known}
    return [*said, Spoken("system", Part(Kind.OTHER, compact(rest), name="setup", media_type=JSON_TYPE))]


def _turns(content: dict[str, Json]) -> list[Spoken]:
    turns = [obj(turn) for turn in array(content.get("turns"))]
    said = [
        Spoken("assistant" if turn.get("role") == "model" else "user", part)
        for turn in turns
        for part in content_parts(turn)
    ]
    return said or [told("user", content)]


def _realtime(given: dict[str, Json]) -> list[Spoken]:
    """Sound, pictures, or words while they are said."""
    said: list[Spoken] = []
    for key, entry in given.items():
        chunks = entry if isinstance(entry, list) else [entry]
        for chunk in chunks:
            media = obj(chunk)
            if data := text(media.get("data")):
                kind = text(either(media, "mimeType", "mime_type")) or key
                said.append(Spoken("user", by_value(kind, data)))
            elif key == "text" and isinstance(chunk, str):
                said.append(Spoken("user", Part(Kind.TEXT, chunk)))
            else:
                said.append(told("user", {key: chunk}))
    return said


def _results(given: dict[str, Json]) -> list[Spoken]:
    found = array(either(given, "functionResponses", "function_responses"))
    return [
        Spoken("tool", part)
        for one in found
        for part in content_parts({"role": "user", "parts": [{"functionResponse": one}]})
    ]


_CLIENT: Final = {"setup": _setup, "clientcontent": _turns, "realtimeinput": _realtime, "toolresponse": _results}


def _no_body(_provider: str, _request: WireRequest, _body: dict[str, Json]) -> None:
    return None


GEMINI_LIVE: Final = Endpoint(
    id="gemini.live",
    operation="generate_content",
    path=re.compile(r"BidiGenerateContent(Constrained)?$"),
    parse_call=_no_body,
    parse_reply=parse_reply,
    assembler=None,
    refusal=replace(GEMINI_REFUSAL, in_messages=False),
    methods=frozenset({"GET"}),
    conversation=LiveConversation,
)
