"""Base64url and JSON of tokens, read so strictly that two readers cannot see two different tokens. Not for bodies of calls.

Source: RFC 7515 2 (base64url without padding), 4 (no name twice); RFC 8725 3.11.
"""

from __future__ import annotations

import binascii
import json
import math
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any, NoReturn

DEPTH = 8
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")


class Malformed(ValueError):  # noqa: N818 - a decision, not a fault of ours
    """`expected, got`; never with the text itself."""


def base64url(text: str) -> bytes:
    """Only the one spelling that encoding gives: no padding, no blanks, no spare bits."""
    if _BASE64URL.fullmatch(text) is None:
        raise Malformed("expected base64url, got other characters")
    try:
        data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise Malformed("expected base64url, got an impossible length") from None
    if urlsafe_b64encode(data).rstrip(b"=").decode() != text:
        raise Malformed("expected base64url, got another spelling of it")
    return data


def parsed_object(data: bytes) -> dict[str, Any]:
    """A JSON object of bounded depth, no name twice, no NaN."""
    try:
        value = json.loads(
            data.decode("utf-8"), object_pairs_hook=_once, parse_constant=_refuse_constant, parse_float=_finite
        )
    except UnicodeDecodeError:
        raise Malformed("expected UTF-8, got other bytes") from None
    except Malformed:
        raise
    except (ValueError, RecursionError):  # not JSON; a number of thousands of digits; thousands of levels
        raise Malformed("expected JSON, got something else") from None
    if not isinstance(value, dict):
        raise Malformed("expected a JSON object, got another value")
    _check_depth(value)
    return value


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(DEPTH):
        level = [inner for outer in level for inner in _inside(outer)]
    if level:
        raise Malformed(f"expected JSON of at most {DEPTH} levels, got more")


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise Malformed("expected each name once, got one twice")
    return value


def _refuse_constant(_word: str) -> NoReturn:
    raise Malformed("expected JSON, got NaN or Infinity")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise Malformed("expected a number, got one without end")
    return number
