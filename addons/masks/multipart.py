r"""A multipart body cut so that it can be put together again byte for byte. Not what is in its parts. Sources: RFC 2046 5.1, RFC 7578 4.

between  --b\r\n
head     content-disposition: form-data; name="file"; filename="notes.txt"
between  \r\n\r\n
content  write to jane@example.com
rest     \r\n--b--\r\n
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from urllib.parse import quote

import regex

from addons.masks.bodies import BOUNDARY, TYPE

_BLANK = regex.compile(rb"\r?\n\r?\n")
_FILE = regex.compile(
    r'(?i)(;[ \t]*filename(\*?)[ \t]*=[ \t]*)("?)((?:[^"\\\r\n]|\\.)*?)(?="?[ \t]*(?:;|\r|$))', regex.MULTILINE
)
_LENGTH = regex.compile(r"(?im)^(content-length[ \t]*:[ \t]*)\d+")
_ENCODED = regex.compile(r"(?im)^content-transfer-encoding[ \t]*:[ \t]*(?!7bit|8bit|binary)")
_STAR_SAFE = "'%-._~!#$&+^`|"  # RFC 8187, 3.2.1


@dataclass(frozen=True, slots=True)
class Field:
    """One part. `between`: the bytes before its head, and before its content."""

    between: tuple[bytes, bytes] = field(repr=False)
    head: str = field(repr=False)
    content: bytes = field(repr=False)

    @property
    def content_type(self) -> str:
        found = TYPE.search(self.head)
        return found[1].strip() if found else ""

    @property
    def file_name(self) -> str:
        found = _FILE.search(self.head)
        return found[4] if found else ""

    @property
    def is_encoded(self) -> bool:
        """Its bytes are not its content's: base64 or quoted-printable, which RFC 7578 gave up."""
        return _ENCODED.search(self.head) is not None

    def spelled(self, file_name: str, content: bytes) -> bytes:
        """Its bytes, with another file name and content."""
        head = self.head
        if file_name != self.file_name:
            head = _FILE.sub(
                lambda found: found[1] + found[3] + (quote(file_name, safe=_STAR_SAFE) if found[2] else file_name), head
            )
        if content != self.content:
            head = _LENGTH.sub(rf"\g<1>{len(content)}", head)
        return self.between[0] + head.encode("utf-8", "surrogateescape") + self.between[1] + content


def cut(content: bytes, content_type: str) -> tuple[tuple[Field, ...], bytes] | None:
    """The fields and the bytes after the last; joined they are the body. None where it cannot be read in one way only."""
    named = BOUNDARY.search(content_type)
    if named is None:
        return None
    mark = regex.escape((named[1] or named[2]).encode("utf-8", "replace"), special_only=True)
    marks = list(regex.finditer(rb"(?:\A|\r?\n)--" + mark + rb"(--)?[ \t]*(?=\r?\n|\Z)", content))
    if len(marks) < 2 or marks[0].start() or not marks[-1][1] or any(one[1] for one in marks[:-1]):
        return None
    if content[marks[-1].end() :].strip():
        return None  # words that no part holds
    fields = tuple(
        _field(content[one.start() : one.end()], content[one.end() : after.start()]) for one, after in pairwise(marks)
    )
    return fields, content[marks[-1].start() :]


def _field(mark: bytes, rest: bytes) -> Field:
    line = b"\r\n" if rest.startswith(b"\r\n") else b"\n"
    blank = _BLANK.search(rest)
    if blank is None or blank.start() == 0:  # no head
        end = blank.end() if blank else len(line)
        return Field((mark + rest[:end], b""), "", rest[end:])
    head = rest[len(line) : blank.start()].decode("utf-8", "surrogateescape")
    return Field((mark + line, blank[0]), head, rest[blank.end() :])
