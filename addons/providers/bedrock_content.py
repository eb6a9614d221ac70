"""Content blocks of Bedrock's Converse to parts: the same function for a request's history and for a reply. Not requests.

A block is an object with one telling key: {"text": …}, {"toolUse": {…}}. Amazon's Nova speaks the same form in InvokeModel.
Source: Amazon Bedrock API reference, ContentBlock (2026-11).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from addons.providers.call import Json, Kind, Part
from addons.providers.json_values import array, compact, obj, text, words
from addons.providers.media import by_value
from addons.providers.parts import sealed, whole
from addons.providers.unsaid import keeping_all


def _message_parts(message: Json) -> tuple[Part, ...]:
    body = obj(message)
    return content_parts(body.get("content")) if "content" in body else whole(message)


def content_parts(content: Json) -> tuple[Part, ...]:
    if isinstance(content, str):
        return (Part(Kind.TEXT, content),) if content else ()
    if isinstance(content, list):
        return tuple([part for block in content for part in block_parts(block)])
    return block_parts(content) if content else ()


def block_parts(block: Json) -> tuple[Part, ...]:
    body = obj(block)
    if not body:
        return whole(block) if block else ()
    return tuple(_read(body))


def _read(body: dict[str, Json]) -> Iterator[Part]:
    for key, value in body.items():
        read = _BLOCKS.get(key)
        if read:
            yield from read(value)


def _text(value: Json) -> Iterator[Part]:
    if said := words(value):
        yield Part(Kind.TEXT, said)


def _guarded(value: Json) -> Iterator[Part]:
    """guardContent: {"text": {"text": …, "qualifiers": […]}} or {"image": {…}}"""
    inner = obj(value)
    yield from _text(obj(inner.get("text")).get("text"))
    if image := obj(inner.get("image")):
        yield from _image(image)


def _reasoning(value: Json) -> Iterator[Part]:
    inner = obj(value)
    spoken = obj(inner.get("reasoningText"))
    if said := words(spoken.get("text")):
        yield Part(Kind.REASONING, said)
    elif seal := text(spoken.get("signature")) or text(inner.get("redactedContent")):
        yield sealed(seal)


def _tool_use(value: Json) -> Iterator[Part]:
    use = obj(value)
    arguments = words({} if use.get("input") is None else use["input"])
    yield Part(Kind.TOOL_CALL, arguments, name=text(use.get("name")), call_id=text(use.get("toolUseId")))


def _tool_result(value: Json) -> Iterator[Part]:
    result = obj(value)
    call_id = text(result.get("toolUseId"))
    name = "error" if result.get("status") == "error" else ""
    content = array(result.get("content"))
    for block in content:
        if "json" in obj(block):
            yield Part(Kind.TOOL_RESULT, words(obj(block)["json"]), name=name, call_id=call_id)
            continue
        for part in block_parts(block):
            is_text = part.kind in (Kind.TEXT, Kind.OTHER)
            kind = Kind.TOOL_RESULT if is_text else part.kind
            yield Part(kind, part.content, name if is_text else part.name, call_id, part.media_type, part.base64)
    if not content:
        yield Part(Kind.TOOL_RESULT, "", name=name, call_id=call_id)


def _media(kind: Kind, family: str) -> Callable[[Json], Iterator[Part]]:
    def read(value: Json) -> Iterator[Part]:
        body = obj(value)
        source = obj(body.get("source"))
        name = text(body.get("name"))
        if data := text(source.get("bytes")):
            yield by_value(f"{family}/{text(body.get('format'))}", data, kind=kind, name=name)
        elif said := text(source.get("text")):
            yield Part(kind, said, name=name, media_type="text/plain")
        elif "content" in source:
            yield from content_parts(source["content"])
        else:
            yield Part(kind, text(obj(source.get("s3Location")).get("uri")) or compact(body), name=name)

    return read


def _citations(value: Json) -> Iterator[Part]:
    inner = obj(value)
    yield from content_parts(inner.get("content"))
    if found := inner.get("citations"):
        yield Part(Kind.OTHER, compact(found), name="citations", media_type="application/json")


_image = _media(Kind.IMAGE, "image")
_BLOCKS: Final[dict[str, Callable[[Json], Iterator[Part]]]] = {
    "text": _text,
    "guardContent": _guarded,
    "reasoningContent": _reasoning,
    "toolUse": _tool_use,
    "toolResult": _tool_result,
    "image": _image,
    "audio": _media(Kind.AUDIO, "audio"),
    "video": _media(Kind.DOCUMENT, "video"),
    "document": _media(Kind.DOCUMENT, "application"),
    "citationsContent": _citations,
}

message_parts: Final = keeping_all(_message_parts)
system_parts: Final = keeping_all(content_parts)
