"""Contents of Gemini's format to parts: the same function for a request's history and for a reply. Not requests, not streams.

Keys come in camelCase or snake_case: protobuf's JSON mapping accepts both, and clients send both.
Source: Google, "Gemini API reference", Content and Part (2026-11); Vertex AI's of the same name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Final

from addons.providers.call import Json, Kind, Part
from addons.providers.json_values import array, compact, obj, text, words
from addons.providers.media import by_url, by_value, kind_of
from addons.providers.parts import sealed, whole
from addons.providers.unsaid import keeping_all


def either(body: dict[str, Json], camel: str, snake: str) -> Json:
    found = body.get(camel)
    return body.get(snake) if found is None else found


def _content_parts(content: Json) -> tuple[Part, ...]:
    """A Content, a list of Parts, or a string."""
    if isinstance(content, str):
        return (Part(Kind.TEXT, content),) if content else ()
    body = obj(content)
    found = body.get("parts") if "parts" in body or "role" in body else content
    entries = found if isinstance(found, list) else [found]
    read = [part for entry in _joined(entries, body.get("role")) for part in part_parts(entry)]
    return tuple(read) or _seal_alone(entries)


def _joined(entries: list[Json], role: Json) -> list[Json]:
    """A model's text arrives in pieces, and some clients send the pieces back as they came: neighbours are one text."""
    if role not in ("model", "assistant"):
        return entries
    joined: list[Json] = []
    for kind, run in groupby(entries, _voice):
        said = list(run)
        joined += [{**said[0], "text": "".join([entry["text"] for entry in said])}] if kind else said
    return joined


def _voice(entry: Json) -> str:
    """What may be joined with its like: "text", "thought"; "" for anything else."""
    body = obj(entry)
    if not isinstance(body.get("text"), str):
        return ""
    return "thought" if _is_thought(body) else "text"


def _is_thought(entry: Json) -> bool:
    return obj(entry).get("thought") is True


def _seal_alone(entries: list[Json]) -> tuple[Part, ...]:
    """Where nothing else is said, the signature tells that there was thinking."""
    seals = [text(either(obj(entry), "thoughtSignature", "thought_signature")) for entry in entries]
    return tuple([sealed(seal) for seal in seals if seal])


def part_parts(entry: Json) -> tuple[Part, ...]:
    if isinstance(entry, str):
        return (Part(Kind.TEXT, entry),) if entry else ()
    body = obj(entry)
    if not body:
        return whole(entry) if entry else ()
    return tuple(_read(body))


def _read(body: dict[str, Json]) -> Iterator[Part]:
    if said := text(body.get("text")):
        yield Part(Kind.REASONING if _is_thought(body) else Kind.TEXT, said)
    for camel, snake, read in _READERS:
        found = either(body, camel, snake)
        if found is not None:
            yield from read(obj(found))


def _inline(body: dict[str, Json]) -> Iterator[Part]:
    media_type = text(either(body, "mimeType", "mime_type"))
    yield by_value(media_type, text(body.get("data")), name=text(either(body, "displayName", "display_name")))


def _file(body: dict[str, Json]) -> Iterator[Part]:
    uri = text(either(body, "fileUri", "file_uri"))
    yield by_url(kind_of(text(either(body, "mimeType", "mime_type"))), uri)


def _call(body: dict[str, Json]) -> Iterator[Part]:
    arguments = body.get("args")
    if arguments is None:
        arguments = either(body, "partialArgs", "partial_args")
    name = text(body.get("name")) or text(either(body, "toolType", "tool_type")).lower()
    yield Part(Kind.TOOL_CALL, compact(arguments or {}), name=name, call_id=text(body.get("id")))


def _response(body: dict[str, Json]) -> Iterator[Part]:
    failed = obj(body.get("response")).get("error")  # where Google's SDKs put what a function raised
    name = "error" if failed else text(body.get("name")) or text(either(body, "toolType", "tool_type")).lower()
    call_id = text(body.get("id"))
    yield Part(Kind.TOOL_RESULT, words(body.get("response")), name=name, call_id=call_id)
    for entry in array(body.get("parts")):
        for part in part_parts(entry):
            yield Part(part.kind, part.content, part.name, call_id, part.media_type, part.base64)


def _code(body: dict[str, Json]) -> Iterator[Part]:
    yield Part(Kind.TOOL_CALL, compact(body), name="code_execution", call_id=text(body.get("id")))


def _code_result(body: dict[str, Json]) -> Iterator[Part]:
    yield Part(Kind.TOOL_RESULT, compact(body), name="code_execution", call_id=text(body.get("id")))


_READERS: Final[tuple[tuple[str, str, Callable[[dict[str, Json]], Iterator[Part]]], ...]] = (
    ("inlineData", "inline_data", _inline),
    ("fileData", "file_data", _file),
    ("functionCall", "function_call", _call),
    ("functionResponse", "function_response", _response),
    ("toolCall", "tool_call", _call),
    ("toolResponse", "tool_response", _response),
    ("executableCode", "executable_code", _code),
    ("codeExecutionResult", "code_execution_result", _code_result),
)

content_parts: Final = keeping_all(_content_parts)
