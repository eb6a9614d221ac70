"""Content blocks of Anthropic's messages to parts: the same function for a request's history and for a reply. Not requests.

Tool inputs travel as an object in history and as JSON text in a stream; both are kept as compact JSON in the wire's key
order, so that a reply and its echo in the next request give equal parts.
Source: Anthropic API reference, "Messages", and its pages on thinking, server tools, citations and files (2026-11).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from addons.providers.call import Json, Kind, Part
from addons.providers.json_values import compact, obj, text, words
from addons.providers.media import by_url, by_value
from addons.providers.parts import sealed, whole
from addons.providers.unsaid import keeping_all


def _message_parts(message: Json) -> tuple[Part, ...]:
    body = obj(message)
    return content_parts(body.get("content")) if "content" in body else whole(message)


def content_parts(content: Json) -> tuple[Part, ...]:
    """A string, or a list of blocks."""
    if isinstance(content, str):
        return (Part(Kind.TEXT, content),) if content else ()
    if isinstance(content, list):
        return tuple([part for block in content for part in block_parts(block)])
    return whole(content) if content else ()


def block_parts(block: Json) -> tuple[Part, ...]:
    if isinstance(block, str):
        return (Part(Kind.TEXT, block),)
    body = obj(block)
    kind = text(body.get("type"))
    read = _BLOCKS.get(kind) or _by_suffix(kind)
    return tuple(read(body)) if read else whole(block)


Reader = Callable[[dict[str, Json]], Iterator[Part]]


def _by_suffix(kind: str) -> Reader | None:
    """Server tools are many and new ones come; their blocks end alike."""
    if kind.endswith("tool_use"):
        return _tool_use
    return _tool_result if kind.endswith("tool_result") else None


def _text(body: dict[str, Json]) -> Iterator[Part]:
    if said := words(body.get("text")):
        yield Part(Kind.TEXT, said)
    if citations := body.get("citations"):
        yield Part(Kind.OTHER, words(citations), name="citations", media_type="application/json")


def _thinking(body: dict[str, Json]) -> Iterator[Part]:
    """Where the text is withheld the signature carries it, sealed: its size is the evidence that there was thinking."""
    if said := words(body.get("thinking")):
        yield Part(Kind.REASONING, said)
    elif signature := text(body.get("signature")):
        yield sealed(signature)


def _redacted_thinking(body: dict[str, Json]) -> Iterator[Part]:
    yield sealed(words(body.get("data")))


def _tool_use(body: dict[str, Json]) -> Iterator[Part]:
    """tool_use, server_tool_use, mcp_tool_use: who runs it is in the id's prefix and the result's type."""
    tool = text(body.get("name"))
    server = text(body.get("server_name"))
    name = f"{server}.{tool}" if server else tool
    yield Part(Kind.TOOL_CALL, arguments_text(body.get("input")), name=name, call_id=text(body.get("id")))


def arguments_text(value: Json) -> str:
    return words({} if value is None else value)


def _tool_result(body: dict[str, Json]) -> Iterator[Part]:
    """tool_result, web_search_tool_result, mcp_tool_result, …: content is a string, a list of blocks, or an object."""
    call_id = text(body.get("tool_use_id"))
    name = "error" if body.get("is_error") is True else ""
    content = body.get("content")
    if not isinstance(content, list):
        yield Part(Kind.TOOL_RESULT, words(content), name=name, call_id=call_id)
        return
    for part in content_parts(content):
        is_media = part.kind in _MEDIA
        kind = part.kind if is_media else Kind.TOOL_RESULT
        yield Part(kind, part.content, part.name if is_media else name, call_id, part.media_type, part.base64)
    if not content:
        yield Part(Kind.TOOL_RESULT, "", name=name, call_id=call_id)


_MEDIA: Final = frozenset({Kind.IMAGE, Kind.AUDIO, Kind.DOCUMENT})


def _image(body: dict[str, Json]) -> Iterator[Part]:
    yield from _media(body, Kind.IMAGE)


def _document(body: dict[str, Json]) -> Iterator[Part]:
    yield from _media(body, Kind.DOCUMENT)
    if context := text(body.get("context")):
        yield Part(Kind.TEXT, context, name="context")


def _media(body: dict[str, Json], kind: Kind) -> Iterator[Part]:
    source = obj(body.get("source"))
    name = text(body.get("title"))
    media_type = text(source.get("media_type"))
    match text(source.get("type")):
        case "base64":
            yield by_value(media_type, text(source.get("data")), kind=kind, name=name)
        case "text":
            yield Part(kind, text(source.get("data")), name=name, media_type=media_type or "text/plain")
        case "url":
            yield by_url(kind, text(source.get("url")), name=name)
        case "file":
            yield Part(kind, text(source.get("file_id")), name=name)
        case "content":
            yield from content_parts(source.get("content"))
        case _:
            yield from whole(body)


def _search_result(body: dict[str, Json]) -> Iterator[Part]:
    """A passage the client found and offers for citation."""
    yield Part(Kind.DOCUMENT, text(body.get("source")), name=text(body.get("title")))
    yield from content_parts(body.get("content"))


def _compaction(body: dict[str, Json]) -> Iterator[Part]:
    """The server's summary of a history that it dropped."""
    if summary := words(body.get("content")):
        yield Part(Kind.TEXT, summary, name="compaction")


def _web_search_result(body: dict[str, Json]) -> Iterator[Part]:
    """One hit; the page's text is sealed for the model."""
    yield Part(Kind.TEXT, compact({key: value for key, value in body.items() if key != "encrypted_content"}))
    if page := text(body.get("encrypted_content")):
        yield Part(Kind.DOCUMENT, page, name="encrypted", base64=True)


_BLOCKS: Final[dict[str, Reader]] = {
    "text": _text,
    "thinking": _thinking,
    "redacted_thinking": _redacted_thinking,
    "image": _image,
    "document": _document,
    "search_result": _search_result,
    "web_search_result": _web_search_result,
    "compaction": _compaction,
}

message_parts: Final = keeping_all(_message_parts)
system_parts: Final = keeping_all(content_parts)
