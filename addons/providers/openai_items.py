"""Items of OpenAI's responses format to parts: the same function for a request's input and for a reply's output. Not streams.

Tools are many and new ones come, so a call is read by where such items keep things (arguments, action, code …), not by its type.
Source: OpenAI API reference, "Responses", input and output items (2026-11).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from addons.providers.call import Json, Kind, Part
from addons.providers.json_values import array, compact, obj, text, words
from addons.providers.media import by_url, by_value
from addons.providers.openai_content import content_parts
from addons.providers.parts import sealed, whole
from addons.providers.unsaid import keeping_all

# Run by the provider before anybody could be asked; every other call is the client's to run, or not.
PROVIDERS_OWN: Final = frozenset({
    "web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call", "mcp_call", "mcp_list_tools",
    "tool_search_call", "program",
})  # fmt: skip
_ARGUMENT_KEYS: Final = ("arguments", "input", "action", "operation")
_NAMED_ARGUMENT_KEYS: Final = ("code", "queries", "revised_prompt")  # plain values: kept under their name
_RESULT_KEYS: Final = ("output", "outputs", "results", "tools", "error")


def is_call(item: dict[str, Json]) -> bool:
    kind = text(item.get("type"))
    return kind.endswith("_call") or kind in ("program", "mcp_approval_request")


def role_of(item: Json) -> str:
    """Items other than messages have no role on the wire."""
    if isinstance(item, str):
        return "user"
    body = obj(item)
    kind = text(body.get("type"))
    if role := text(body.get("role")):
        return role
    return "tool" if kind.endswith("_output") else "assistant"


def _item_parts(item: Json) -> tuple[Part, ...]:
    if isinstance(item, str):
        return content_parts(item)
    body = obj(item)
    kind = text(body.get("type"))
    if kind in ("", "message") and "content" in body:
        return content_parts(body["content"])
    if kind == "reasoning":
        return tuple(_reasoning(body))
    if kind == "compaction":
        return (sealed(text(body.get("encrypted_content"))),)
    if is_call(body):
        return tuple(_call(body))
    return tuple(_output(body)) if kind.endswith("_output") else whole(item)


def _reasoning(body: dict[str, Json]) -> Iterator[Part]:
    """What may be read of it: summaries, or the text itself at open models; else that there was some, and how much."""
    said = [words(obj(entry).get("text")) for key in ("summary", "content") for entry in array(body.get(key))]
    for piece in said:
        if piece:
            yield Part(Kind.REASONING, piece)
    if not any(said) and (data := text(body.get("encrypted_content"))):
        yield sealed(data)


def _call(body: dict[str, Json]) -> Iterator[Part]:
    call_id = text(body.get("call_id")) or text(body.get("id"))
    name = _name(body)
    yield Part(Kind.TOOL_CALL, _arguments(body), name=name, call_id=call_id)
    for key in _RESULT_KEYS:
        if body.get(key):
            yield from _result(body[key], call_id)
    if image := text(body.get("result")):
        yield by_value(f"image/{text(body.get('output_format')) or 'png'}", image, kind=Kind.IMAGE, call_id=call_id)


def _name(body: dict[str, Json]) -> str:
    name = text(body.get("name")) or text(body.get("type")).removesuffix("_call")
    server = text(body.get("server_label"))
    return f"{server}.{name}" if server else name


def _arguments(body: dict[str, Json]) -> str:
    for key in _ARGUMENT_KEYS:
        if body.get(key) is not None:
            return words(body[key])
    found = {key: body[key] for key in _NAMED_ARGUMENT_KEYS if body.get(key)}
    return compact(found) if found else ""


def _output(body: dict[str, Json]) -> Iterator[Part]:
    call_id = text(body.get("call_id")) or text(body.get("id"))
    key = next((key for key in _RESULT_KEYS if body.get(key) is not None), "")
    yield from _result(body.get(key), call_id)


def _result(value: Json, call_id: str) -> Iterator[Part]:
    """A string, typed content, a screenshot, or whatever the tool's own shape is."""
    if isinstance(value, list) and all(text(obj(entry).get("type")).startswith("input_") for entry in value):
        for part in content_parts(value):
            kind = Kind.TOOL_RESULT if part.kind is Kind.TEXT else part.kind
            yield Part(kind, part.content, part.name, call_id, part.media_type, part.base64)
    elif url := text(obj(value).get("image_url")):
        yield by_url(Kind.IMAGE, url, call_id=call_id)
    else:
        yield Part(Kind.TOOL_RESULT, words(value), call_id=call_id)


item_parts: Final = keeping_all(_item_parts)
