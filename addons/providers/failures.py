"""A provider's failure, in whichever of the shapes seen in the field. Not our refusals: those are made by each wire format.

{"error": {"message": …, "type": …, "code": …}}     OpenAI and its many compatibles, Anthropic, Gemini ("status")
{"error": "model not found"}                        Ollama, Together
{"object": "error", "message": …, "type": …}        Mistral, vLLM
{"detail": "…"} or {"detail": [{"msg": …}]}         FastAPI servers
{"message": …}, {"Message": …, "__type": …}         Cohere, AWS
[{"error": {…}}]                                    Gemini's OpenAI-compatible endpoint
"""

from __future__ import annotations

from typing import Final

from addons.providers.call import Json, Kind, Part, Reply
from addons.providers.json_values import array, obj, text, words

_LONGEST_CODE: Final = 100


def failure_in(value: Json) -> Reply | None:
    """The failure that a body speaks of whatever its status was, or None."""
    body = _only(value)
    if body.get("error"):
        return failure(body["error"], body)
    if text(body.get("object")) == "error" or text(body.get("type")) == "error":
        return failure(body, body)
    return None


def failure(error: Json, body: dict[str, Json]) -> Reply:
    detail = obj(error)
    message = text(error) or next((found for key in _MESSAGES if (found := words(detail.get(key)))), "") or words(error)
    return Reply(
        parts=(Part(Kind.OTHER, message, name="error"),),
        model=text(body.get("model")),
        response_id=text(body.get("id")) or text(body.get("request_id")),
        error=(_type(detail) or _code(body.get("code")) or "error")[:_LONGEST_CODE],
    )


def _type(detail: dict[str, Json]) -> str:
    """The most telling of the names an error bears: "rate_limit_error", "NOT_FOUND", "rate_limit_exceeded", 404."""
    names = [_code(detail.get(key)) for key in _CODES]
    speaking = [name for name in names if name.lower().endswith(("error", "exception"))]
    return next((name for name in (*speaking, *names) if name), "")


def failure_of_status(status: int, value: Json) -> Reply:
    """The failure of a body under a failing status; nothing in it needs to say so."""
    found = failure_in(value) or failure(value, {})
    if found.error != "error":
        return found
    return Reply(parts=found.parts, error=f"http_{status}", response_id=found.response_id)


def failure_text(status: int, body: str) -> Reply:
    """A failure that is no JSON: a load balancer's HTML page, a plain sentence."""
    return Reply(parts=(Part(Kind.OTHER, body, name="error"),) if body else (), error=f"http_{status}")


_CODES: Final = ("status", "code", "type", "__type", "reason")
_MESSAGES: Final = ("message", "Message", "detail", "msg", "error_description", "description")


def _only(value: Json) -> dict[str, Json]:
    """The object itself, or the one object of a list."""
    items = array(value)
    return obj(items[0]) if len(items) == 1 else obj(value)


def _code(value: Json) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value) if value != "error" else ""
