"""JSON from strangers: reading and writing that never surprises. Not a schema; every accessor answers for every value.

Sources: RFC 8259; orjson's documented limits (integers of 64 bits, 1,024 levels read, 254 written, no lone surrogates).
"""

from __future__ import annotations

import json
import re
from typing import Final

import orjson

from addons.providers.call import Json

_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_OPENERS: Final = frozenset({b"{", b"[", b'"', b"\xef", b"N", b"I", b"-"})


class NotJson(ValueError):  # noqa: N818 - reads as the answer to "is this JSON?"
    """The bytes are no JSON text that can be read and written again."""


def loads(data: bytes) -> Json:
    """The value of `data`; every value returned can be written by `dumps`. Raises NotJson and nothing else."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return _patient_loads(data)


def _patient_loads(data: bytes) -> Json:
    """What clients in the field send although RFC 8259 forbids it: a byte order mark, NaN, broken UTF-8, half surrogates."""
    if data.lstrip()[:1] not in _OPENERS:
        raise NotJson
    text = data.decode("utf-8-sig", errors="replace")
    try:
        value = json.loads(text, parse_int=_small_int, parse_constant=str)
        escaped = json.dumps(value, ensure_ascii=False)
        return orjson.loads(_LONE_SURROGATE.sub("\ufffd", escaped))
    except (ValueError, RecursionError) as error:
        raise NotJson from error


def _small_int(digits: str) -> int | float:
    return int(digits) if len(digits) < 19 else float(digits)


def dumps(value: Json) -> bytes:
    """Compact JSON, keys in the wire's order. Total for values made by `loads`, however deep they are."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:  # deeper than orjson writes: legal on the wire, so it must still be recorded
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", errors="replace")


def compact(value: Json) -> str:
    """JSON text of `value`; the form in which arguments that the wire carries as an object are kept."""
    return dumps(value).decode()


def obj(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def array(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def count(value: Json) -> int | None:
    """A number of tokens; None where the wire says none. True is not 1 here, and 3.0 is 3."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if abs(value) < 2**53 else None


def words(value: Json) -> str:
    """A string as it is, nothing for null, anything else as JSON: arguments that some servers send as an object."""
    if isinstance(value, str):
        return value
    return "" if value is None else compact(value)


def escape_pointer(key: str) -> str:
    """RFC 6901, 3."""
    return key.replace("~", "~0").replace("/", "~1")
