"""Bodies by content type: which text is in there, and under what name. Not an HTTP parser; encodings of transfer are off already.

Sources: RFC 7578 (multipart/form-data), RFC 2046 5.1 (boundaries), WHATWG URL 5.1 (urlencoded forms).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import regex

_CHARSET = regex.compile(r'(?i)charset\s*=\s*"?([A-Za-z0-9_.:\-]{1,40})')
BOUNDARY = regex.compile(r'(?i)boundary\s*=\s*(?:"([^"]{1,200})"|([^\s;]{1,200}))')
_NAME = regex.compile(r'(?i)\bname\*?\s*=\s*(?:"((?:[^"\\\r\n]|\\.){0,1000})"|([^\s;]{1,1000}))')
TYPE = regex.compile(r"(?i)^content-type[ \t]*:[ \t]*([^\r\n]{1,300})", regex.MULTILINE)
_TEXTUAL = regex.compile(
    r"(?i)^(?:text/|application/(?:[\w.+\-]*(?:json|xml|yaml|javascript|ecmascript|graphql|sql|toml|x-sh|x-httpd-php|x-ndjson)\b))"
)


_LINES = frozenset({"application/jsonl", "application/x-ndjson", "application/ndjson", "application/x-jsonlines"})


@dataclass(frozen=True, slots=True)
class Section:
    """One part of a multipart body."""

    head: str = field(repr=False)  # its header lines
    name: str = field(repr=False)
    content_type: str
    content: bytes = field(repr=False)


def form_of(content_type: str) -> str:
    """One of json, lines, form, multipart, text; empty where only the bytes can tell."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind in _LINES:
        return "lines"
    if kind.endswith(("/json", "+json")):
        return "json"
    if kind == "application/x-www-form-urlencoded":
        return "form"
    if kind.startswith("multipart/"):
        return "multipart"
    return "text" if _TEXTUAL.match(kind) else ""


def decoded(content: bytes, content_type: str) -> str | None:
    """The body as text; None where it is binary."""
    named = _CHARSET.search(content_type)
    try:
        text = content.decode(named[1] if named else "utf-8")
    except (UnicodeDecodeError, LookupError):
        if form_of(content_type) == "":
            return None
        text = content.decode("utf-8", "replace")
    return None if "\0" in text and form_of(content_type) == "" else text


def charset_of(content: bytes, content_type: str) -> str | None:
    """In which its text is read, and can be written again; None: it is no text from end to end."""
    named = _CHARSET.search(content_type)
    charset = named[1] if named else "utf-8"
    try:
        return None if content.decode(charset).encode(charset) != content else charset
    except (UnicodeError, LookupError):
        return None


def sections(content: bytes, content_type: str) -> tuple[Section, ...] | None:
    """The parts of a multipart body; None where it has no readable boundary."""
    named = BOUNDARY.search(content_type)
    if not named:
        return None
    mark = b"--" + (named[1] or named[2]).encode("utf-8", "replace")
    if not content.startswith(mark) and b"\n" + mark not in content:
        return None
    pieces = (b"\n" + content).split(b"\n" + mark)[1:]
    return tuple(_section(piece) for piece in pieces if not piece.startswith(b"--"))


def _section(piece: bytes) -> Section:
    head, _, content = (
        piece.lstrip(b" \t").removeprefix(b"\r").removeprefix(b"\n").replace(b"\r\n\r\n", b"\n\n", 1).partition(b"\n\n")
    )
    lines = head.decode("utf-8", "replace").replace("\r", "")
    name, kind = _NAME.search(lines), TYPE.search(lines)
    return Section(
        lines, (name[1] or name[2] or "") if name else "", kind[1] if kind else "", content.removesuffix(b"\r")
    )
