"""What OpenAI's wire formats share: how tokens are counted and how its errors look. Not a wire format.

Source: OpenAI API reference, "Error codes", "Usage" (2026-11).
"""

from __future__ import annotations

from typing import Final

import orjson

from addons.providers.call import Json, Usage
from addons.providers.json_values import count, obj
from addons.providers.wire import Refusal

_TYPES: Final = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


_ASKED: Final = ("prompt_tokens_details", "input_tokens_details", "input_token_details")  # the last: Realtime's
_ANSWERED: Final = ("completion_tokens_details", "output_tokens_details", "output_token_details")


def usage_of(value: Json) -> Usage:
    """{"prompt_tokens": 9, …} or {"input_tokens": 9, …}; the compatibles keep details of their own beside them."""
    usage = obj(value)
    asked = next((found for key in _ASKED if (found := obj(usage.get(key)))), {})
    answered = next((found for key in _ANSWERED if (found := obj(usage.get(key)))), {})
    return Usage(
        input_tokens=_first(usage.get("prompt_tokens"), usage.get("input_tokens")),
        output_tokens=_first(usage.get("completion_tokens"), usage.get("output_tokens")),
        reasoning_tokens=_first(answered.get("reasoning_tokens"), usage.get("reasoning_tokens")),
        cached_tokens=_first(
            asked.get("cached_tokens"),
            *[usage.get(key) for key in ("prompt_cache_hit_tokens", "cached_tokens", "num_cached_tokens")],
        ),
        audio_tokens=_both(count(asked.get("audio_tokens")), count(answered.get("audio_tokens"))),
    )


def _both(asked: int | None, answered: int | None) -> int | None:
    """The sum; None where neither counts anything."""
    return ((asked or 0) + (answered or 0)) or None


def _first(*values: Json) -> int | None:
    return next((number for value in values if (number := count(value)) is not None), None)


def _error(status: int, code: str, message: str, exchange_id: str) -> dict[str, Json]:
    kind = _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return {"message": f"{message} [{exchange_id}]", "type": kind, "param": None, "code": code}


def _refusal_body(status: int, code: str, message: str, exchange_id: str) -> bytes:
    return orjson.dumps({"error": _error(status, code, message, exchange_id)})


def _chat_event(code: str, message: str, exchange_id: str) -> bytes:
    """An event with an `error` key makes OpenAI's SDKs raise APIError; [DONE] ends the stream for those that do not look."""
    return b"data: " + _refusal_body(403, code, message, exchange_id) + b"\n\ndata: [DONE]\n\n"


def _responses_event(code: str, message: str, exchange_id: str) -> bytes:
    """event: error, in the nested form that OpenAI sends: its SDKs raise for an `error` key, and only pass on a flat one."""
    error = {"type": "error", "sequence_number": 0, "error": _error(403, code, message, exchange_id)}
    return b"event: error\ndata: " + orjson.dumps(error) + b"\n\n"


OPENAI_REFUSAL: Final = Refusal(_refusal_body, _chat_event)
RESPONSES_REFUSAL: Final = Refusal(_refusal_body, _responses_event)
