"""Messages of OpenAI's chat format to parts: the same function for a request's history and for a reply. Not requests, not streams.

A stream's message is put together in this form first, so that a reply and its echo in the next request give equal parts.
Sources: OpenAI API reference, chat completions (2026-11); the compatibles' own pages for reasoning_content (DeepSeek, Qwen),
reasoning and reasoning_details (OpenRouter, Groq), list content with thinking (Mistral), images (OpenRouter).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from addons.providers.call import Json, Kind, Part
from addons.providers.json_values import array, compact, obj, text, words
from addons.providers.media import by_url, by_value, url_of
from addons.providers.parts import JSON_TYPE, sealed, whole
from addons.providers.unsaid import keeping_all


def _message_parts(message: Json) -> tuple[Part, ...]:
    """One message. Order: reasoning, content, refusal, tool calls."""
    body = obj(message)
    role = text(body.get("role"))
    if role in ("tool", "function"):
        return tuple(_tool_result(body))
    return tuple(_spoken(body)) if body else whole(message)


def _spoken(body: dict[str, Json]) -> Iterator[Part]:
    yield from _reasoning(body)
    yield from content_parts(body.get("content"))
    if refusal := text(body.get("refusal")):
        yield Part(Kind.REFUSAL, refusal)
    yield from _audio(obj(body.get("audio")))
    yield from _sources(body)
    for image in array(body.get("images")):
        yield _image(obj(image))
    for call in array(body.get("tool_calls")):
        yield tool_call(obj(call))
    if function := obj(body.get("function_call")):
        yield Part(Kind.TOOL_CALL, words(function.get("arguments")), name=text(function.get("name")))
    for executed in array(body.get("executed_tools")):
        yield from _executed(obj(executed))


def _reasoning(body: dict[str, Json]) -> Iterator[Part]:
    """Servers say the same reasoning under two or three keys at once: the plain text counts, the details add what is opaque."""
    plain = []
    for key in ("reasoning_content", "reasoning"):
        if (said := text(body.get(key))) and said not in plain:
            plain.append(said)
            yield Part(Kind.REASONING, said)
    details = [obj(detail) for detail in array(body.get("reasoning_details"))]
    spelled = "".join(text(detail.get("text")) or text(detail.get("summary")) for detail in details)
    if spelled and not plain:
        yield Part(Kind.REASONING, spelled)
    for detail in details:
        if data := text(detail.get("data")):
            yield sealed(data)


def tool_call(call: dict[str, Json]) -> Part:
    """A function call, or a custom tool's call, whose input is free text."""
    function = obj(call.get("function")) or obj(call.get("custom"))
    arguments = function.get("arguments", function.get("input"))
    return Part(Kind.TOOL_CALL, words(arguments), name=text(function.get("name")), call_id=text(call.get("id")))


def _tool_result(body: dict[str, Json]) -> Iterator[Part]:
    call_id = text(body.get("tool_call_id"))
    name = text(body.get("name"))
    content = body.get("content")
    if not isinstance(content, list):
        yield Part(Kind.TOOL_RESULT, words(content), name=name, call_id=call_id)
        return
    for part in content_parts(content):
        kind = Kind.TOOL_RESULT if part.kind in (Kind.TEXT, Kind.OTHER) else part.kind
        yield Part(kind, part.content, part.name or name, call_id, part.media_type, part.base64)


def _audio(audio: dict[str, Json]) -> Iterator[Part]:
    """A spoken answer: bytes with a transcript; in a resent history only its id."""
    if transcript := text(audio.get("transcript")):
        yield Part(Kind.TEXT, transcript, name="transcript")
    if data := text(audio.get("data")):
        yield by_value("audio", data, kind=Kind.AUDIO)
    elif not audio.get("transcript") and (reference := text(audio.get("id"))):
        yield Part(Kind.AUDIO, reference)


def _executed(tool: dict[str, Json]) -> Iterator[Part]:
    """Groq's compound models run tools at the server and say so."""
    name = text(tool.get("name")) or text(tool.get("type"))
    call_id = f"executed-{words(tool.get('index'))}"
    yield Part(Kind.TOOL_CALL, words(tool.get("arguments")), name=name, call_id=call_id)
    if output := words(tool.get("output")):
        yield Part(Kind.TOOL_RESULT, output, name=name, call_id=call_id)


def content_parts(content: Json) -> tuple[Part, ...]:
    """A string, a list of typed parts, or nothing."""
    if isinstance(content, str):
        return (Part(Kind.TEXT, content),) if content else ()
    if isinstance(content, list):
        return tuple([part for entry in content for part in _entry(entry)])
    return whole(content) if content else ()


def _entry(entry: Json) -> tuple[Part, ...]:
    if isinstance(entry, str):
        return (Part(Kind.TEXT, entry),)
    body = obj(entry)
    read = _ENTRIES.get(text(body.get("type")))
    return read(body) if read else whole(entry)


def _text(body: dict[str, Json]) -> tuple[Part, ...]:
    """{"text": "…"}; threads have {"text": {"value": "…", "annotations": […]}}."""
    inner = body.get("text")
    value = obj(inner)
    said = text(value.get("value")) if "value" in value else words(inner)
    sources = _sources(body) or _sources(value)
    return ((Part(Kind.TEXT, said),) if said else ()) + sources


def _sources(body: dict[str, Json]) -> tuple[Part, ...]:
    """What a text rests on."""
    found = {key: body[key] for key in ("annotations", "citations") if body.get(key)}
    return tuple([Part(Kind.OTHER, words(value), name=key, media_type=JSON_TYPE) for key, value in found.items()])


def _refusal(body: dict[str, Json]) -> tuple[Part, ...]:
    return (Part(Kind.REFUSAL, words(body.get("refusal"))),)


def _image(body: dict[str, Json]) -> Part:
    url = url_of(body.get("image_url")) or url_of(body.get("url")) or text(body.get("file_id"))
    return by_url(Kind.IMAGE, url or compact(body))


def _images(body: dict[str, Json]) -> tuple[Part, ...]:
    return (_image(body),)


def _image_file(body: dict[str, Json]) -> tuple[Part, ...]:
    return (Part(Kind.IMAGE, text(obj(body.get("image_file")).get("file_id"))),)


def _input_audio(body: dict[str, Json]) -> tuple[Part, ...]:
    audio = obj(body.get("input_audio"))
    known = text(audio.get("data"))
    return (by_value(f"audio/{text(audio.get('format'))}", known, kind=Kind.AUDIO),) if known else whole(body)


def _file(body: dict[str, Json]) -> tuple[Part, ...]:
    """A file by value ("data:application/pdf;base64,…"), by id, or by URL."""
    file = obj(body.get("file")) or body
    name = text(file.get("filename"))
    data = text(file.get("file_data"))
    if data:
        return (by_value("application/octet-stream", data, kind=Kind.DOCUMENT, name=name),)
    reference = text(file.get("file_id")) or text(file.get("file_url"))
    return (by_url(Kind.DOCUMENT, reference, name=name),) if reference else whole(body)


def _by_url_key(key: str, kind: Kind) -> Callable[[dict[str, Json]], tuple[Part, ...]]:
    def read(body: dict[str, Json]) -> tuple[Part, ...]:
        url = url_of(body.get(key))
        return (by_url(kind, url, name=text(body.get("document_name"))),) if url else whole(body)

    return read


def _thinking(body: dict[str, Json]) -> tuple[Part, ...]:
    """Mistral: {"type": "thinking", "thinking": [{"type": "text", "text": …}]}; elsewhere a string."""
    inner = body.get("thinking")
    said = text(inner) or "".join(words(obj(entry).get("text")) for entry in array(inner))
    if said:
        return (Part(Kind.REASONING, said),)
    signature = text(body.get("signature"))
    return (sealed(signature),) if signature else ()


_ENTRIES: Final[dict[str, Callable[[dict[str, Json]], tuple[Part, ...]]]] = {
    "text": _text,
    "input_text": _text,
    "output_text": _text,
    "refusal": _refusal,
    "image_url": _images,
    "input_image": _images,
    "image_file": _image_file,
    "input_audio": _input_audio,
    "audio_url": _by_url_key("audio_url", Kind.AUDIO),
    "video_url": _by_url_key("video_url", Kind.DOCUMENT),
    "document_url": _by_url_key("document_url", Kind.DOCUMENT),
    "file_url": _by_url_key("file_url", Kind.DOCUMENT),
    "file": _file,
    "input_file": _file,
    "thinking": _thinking,
}

message_parts: Final = keeping_all(_message_parts)
system_parts: Final = keeping_all(content_parts)
