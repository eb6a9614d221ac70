"""OpenAI's endpoints that are no conversation: audio, images, moderations, and rerank of its compatibles. Not chat.

Uploads are forms: generic.py makes one part a field of them; the answers are read here.
Source: OpenAI API reference, "Audio", "Images", "Moderations" (2026-11); Cohere, Voyage and Jina for rerank.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from addons.providers.call import Call, Json, Kind, Part, Reply, Turn
from addons.providers.failures import failure_in
from addons.providers.generic import generic_reply
from addons.providers.json_values import array, compact, obj, text
from addons.providers.media import by_value
from addons.providers.openai_shapes import OPENAI_REFUSAL, usage_of
from addons.providers.parts import JSON_TYPE
from addons.providers.text_completion import prompt_parts
from addons.providers.wire import Endpoint, WireRequest

ParseCall = Callable[[str, WireRequest, dict[str, Json]], Call | None]


def _call(endpoint: str, *keys: str) -> ParseCall:
    """A request whose content stands under `keys`, each a text or a list of texts or typed parts."""

    def parse(provider: str, _request: WireRequest, body: dict[str, Json]) -> Call | None:
        turns = [Turn("user", body[key], f"/{key}", prompt_parts) for key in keys if body.get(key)]
        rest = {key: value for key, value in body.items() if key not in (*keys, "model", "stream")}
        streamed = body.get("stream") is True or "stream_format" in body
        return Call(provider, "", endpoint, text(body.get("model")), streamed, tuple(turns), rest) if turns else None

    return parse


def _spoken(value: Json) -> Reply:
    """A transcript, in its short or its verbose form."""
    body = obj(value)
    said = text(body.get("text"))
    segments = body.get("segments") or body.get("words")
    details = (Part(Kind.OTHER, compact(segments), name="segments", media_type=JSON_TYPE),) if segments else ()
    return Reply(parts=(Part(Kind.TEXT, said), *details) if said else details, usage=usage_of(body.get("usage")))


def _drawn(value: Json) -> Reply:
    body = obj(value)
    media_type = f"image/{text(body.get('output_format')) or 'png'}"
    return Reply(
        parts=tuple([part for image in array(body.get("data")) for part in _image(obj(image), media_type)]),
        usage=usage_of(body.get("usage")),
    )


def _image(image: dict[str, Json], media_type: str) -> list[Part]:
    parts = []
    if prompt := text(image.get("revised_prompt")):
        parts.append(Part(Kind.TEXT, prompt, name="revised_prompt"))
    if data := text(image.get("b64_json")):
        parts.append(by_value(media_type, data, kind=Kind.IMAGE))
    if url := text(image.get("url")):
        parts.append(Part(Kind.IMAGE, url))
    return parts


class MediaAssembler:
    """Streams of transcripts (transcript.text.delta), of speech (speech.audio.delta) and of images (….completed)."""

    end_markers: tuple[bytes, ...] = (b".done", b".completed", b'"error"', b"[DONE]")

    def __init__(self) -> None:
        self.holding = False
        self.done = False
        self._text: list[str] = []
        self._audio: list[str] = []
        self._images: list[Json] = []
        self._last: dict[str, Json] = {}
        self._failure: Reply | None = None

    def take(self, event: str, value: Json) -> tuple[Part, ...]:
        body = obj(value)
        kind = text(body.get("type")) or event
        if kind == "transcript.text.delta":
            self._text.append(text(body.get("delta")))
        elif kind == "speech.audio.delta":
            self._audio.append(text(body.get("audio")))
        elif kind.endswith((".done", ".completed")) and not kind.endswith("segment.done"):
            self._images += [body] if body.get("b64_json") else []
            self._last = body
            self.done = True
        elif body.get("error") or kind == "error":
            self._failure = failure_in(value)
            self.done = True
        return ()

    def close(self) -> tuple[Part, ...]:
        return ()

    def reply(self) -> Reply:
        said = text(self._last.get("text")) or "".join(self._text)
        sound = "".join(self._audio)
        failed = self._failure
        return Reply(
            parts=(
                *((Part(Kind.TEXT, said),) if said else ()),
                *((Part(Kind.AUDIO, sound, media_type="audio", base64=True),) if sound else ()),
                *_drawn({"data": self._images, "output_format": self._last.get("output_format")}).parts,
                *(failed.parts if failed else ()),
            ),
            usage=usage_of(self._last.get("usage")),
            error=failed.error if failed else "",
            complete=self.done,
        )


def _endpoint(id_: str, path: str, keys: tuple[str, ...], parse_reply: Callable[[Json], Reply]) -> Endpoint:
    return Endpoint(id_, "", re.compile(path), _call(id_, *keys), parse_reply, MediaAssembler, OPENAI_REFUSAL)


OPENAI_MEDIA: Final = (
    _endpoint("openai.speech", r"/audio/speech$|/text-to-speech/", ("instructions", "input", "text"), generic_reply),
    _endpoint("openai.transcription", r"/audio/(transcriptions|translations)$", ("file", "prompt"), _spoken),
    _endpoint("openai.images", r"/images/(generations|edits|variations)$", ("prompt", "image", "images"), _drawn),
    _endpoint("openai.moderations", r"/moderations$", ("input",), generic_reply),
    _endpoint("rerank", r"/rerank$", ("query", "documents"), generic_reply),
)
