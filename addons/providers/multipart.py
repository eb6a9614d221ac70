"""Uploads: multipart/form-data to parts. Reads whole bodies only. Source: RFC 7578, RFC 2046 5.1."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Final

from addons.providers.call import Kind, Part
from addons.providers.media import kind_of

_BOUNDARY: Final = re.compile(r'multipart/[^;]*;.*?boundary="?([^";,]{1,200})"?', re.IGNORECASE)
_PARAMETER: Final = re.compile(r';\s*(name|filename)="((?:[^"\\]|\\.)*)"')
_CONTENT_TYPE: Final = re.compile(r"^content-type:\s*([^\s;]+)", re.IGNORECASE | re.MULTILINE)
_LONGEST_HEAD: Final = 8192
_MOST_FIELDS: Final = 10_000
_SPOKEN: Final = frozenset({"prompt", "input", "text", "instructions"})  # fields that a person or a program said


def read_multipart(content_type: str, body: bytes) -> tuple[Part, ...]:
    """One part a field, in order; () where the body is not of this form."""
    boundary = _BOUNDARY.match(content_type.strip())
    if boundary is None:
        return ()
    delimiter = b"--" + boundary[1].encode("utf-8", errors="replace")
    _, *sections = body.split(delimiter, _MOST_FIELDS)
    return tuple(_fields(sections))


def _fields(sections: list[bytes]) -> Iterator[Part]:
    for section in sections:
        if section.startswith(b"--"):
            return
        yield _field(section)


def _field(section: bytes) -> Part:
    head, blank, value = section.partition(b"\r\n\r\n")
    if not blank or len(head) > _LONGEST_HEAD:
        return Part(Kind.OTHER, section.decode("utf-8", errors="replace"))
    lines = head.decode("utf-8", errors="replace")
    parameters = dict(_PARAMETER.findall(lines))
    kind = _CONTENT_TYPE.search(lines)
    return _part(parameters, kind[1].lower() if kind else "", value.removesuffix(b"\r\n"))


def _part(parameters: dict[str, str], media_type: str, value: bytes) -> Part:
    """A field without a file name is text; a file that reads as text stays readable, and so searchable and maskable."""
    name = parameters.get("filename") or parameters.get("name", "")
    text = _as_text(value)
    if "filename" not in parameters and text is not None:
        return Part(Kind.TEXT if name in _SPOKEN else Kind.OTHER, text, name=name, media_type=media_type)
    if text is not None:
        return Part(Kind.DOCUMENT, text, name=name, media_type=media_type)
    return Part(
        kind_of(media_type), base64.b64encode(value).decode("ascii"), name=name, media_type=media_type, base64=True
    )


def _as_text(value: bytes) -> str | None:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text
