"""Every value in every encoding it may hide in, and the texts made to be slow to search. Tables only; what is made of them stands in masking.py and in the tests."""

from __future__ import annotations

import base64
import gzip
import html
import json
import quopri
import random
from collections.abc import Callable
from urllib.parse import quote, quote_plus

VALUES = {
    "card": "4111 1111 1111 1111",
    "ssn": "078-05-1123",
    "iban": "GB29 NWBK 6016 1331 9268 19",
    "email": "jane.doe@example.com",
    "phone": "+1 212-555-2368",
    "address": "203.0.114.77",
    "openai": "sk-proj-Ab3dE5fGh7Jk9LmN1pQr3StUv5WxYz7aBcD9eFgH",
    "aws": "AKIA3TPQ7XJ5WZK2M4NB",
    "github": "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "gateway": "afd_Ab3dE5fGh7Jk9LmN1pQr3StUv5WxYz7aBcD9eFgH_-1",
}


def each(form: Callable[[str], str]) -> Callable[[str], str]:
    return lambda value: "".join(map(form, value))


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "json": lambda value: json.dumps({"note": value}),
    "json in json": lambda value: json.dumps({"args": json.dumps({"note": value})}),
    "\\uXXXX": each(lambda letter: f"\\u{ord(letter):04x}"),
    "\\uXXXX in broken json": lambda value: json.dumps({"a": "".join(f"\\u{ord(letter):04x}" for letter in value)})[:-1],
    "\\u{XX}": each(lambda letter: f"\\u{{{ord(letter):x}}}"),
    "\\xXX": each(lambda letter: f"\\x{ord(letter):02x}"),
    "octal": each(lambda letter: f"\\{ord(letter):03o}"),
    "percent": each(lambda letter: f"%{ord(letter):02X}"),
    "percent twice": lambda value: quote("".join(f"%{ord(letter):02X}" for letter in value)),
    "quoted": lambda value: quote(value, safe=""),
    "form": lambda value: f"v={quote_plus(value)}",
    "html decimal": each(lambda letter: f"&#{ord(letter)};"),
    "html hexadecimal": each(lambda letter: f"&#x{ord(letter):x};"),
    "xml": lambda value: f"<v>{html.escape(value)}</v>",
    "base64": b64,
    "base64url": lambda value: base64.urlsafe_b64encode(value.encode()).decode().rstrip("="),
    "base64 twice": lambda value: b64(b64(value)),
    "base64 of json": lambda value: json.dumps({"blob": b64(json.dumps({"v": value}))}),
    "base64 of utf-16": lambda value: base64.b64encode(value.encode("utf-16-le")).decode(),
    "base64 in lines": lambda value: base64.encodebytes(f"The quick brown fox jumps over the lazy dog. {value} And again.".encode()).decode(),
    "base64 of gzip": lambda value: base64.b64encode(gzip.compress(value.encode(), mtime=0)).decode(),
    "base32": lambda value: base64.b32encode(value.encode()).decode(),
    "hexadecimal": lambda value: value.encode().hex(),
    "hexadecimal pairs": lambda value: value.encode().hex(" "),
    "quoted-printable": each(lambda letter: f"={ord(letter):02X}"),
    "quoted-printable lines": lambda value: quopri.encodestring(f"{'x ' * 32}é {value} {'y' * 30}".encode()).decode(),
    "full width": each(lambda letter: chr(ord(letter) + 0xFEE0) if letter != " " else letter),
    "arabic digits": each(lambda letter: chr(0x660 + int(letter)) if letter.isdigit() else letter),
    "zero-width spaces": "\u200b".join,
    "soft hyphens": "\u00ad".join,
    "no-break spaces": lambda value: value.replace(" ", "\u00a0"),
    "dashes": lambda value: value.replace("-", "\u2011"),
    "after \\n": lambda value: f"line\\n{value}\\nline",
    "key": lambda value: json.dumps({value: 1}),
    "path": lambda value: f"https://example.com/u/{quote(value, safe='')}/x",
}  # fmt: skip

_BLOB = base64.b64encode(random.Random(7).randbytes(3 << 10)).decode()  # noqa: S311 -- a text, not a key
WORST = {
    "words of a letter": "a ",
    "digits": "1",
    "digits apart": "1 ",
    "capitals and digits": "A1 ",
    "equals": "=",
    "ats": "@",
    "names and ats": "a@",
    "brackets": "[",
    "braces": "{",
    "quotes": '"',
    "backslashes": "\\",
    "escapes": "\\u0061",
    "percent": "%41",
    "colons": "a:",
    "hexadecimal": "deadbeef00",
    "dots": "1.",
    "keys": "password=",
    "begins of keys": "sk-",
    "begins of tokens": "eyJ",
    "begins of placeholders": "[US_SSN:",
    "begins of private keys": "-----BEGIN ",
    "addresses": "1.2.3.4 ",
    "blobs": _BLOB,
    "marks": "<a>",
    "references": "&#52;",
    "format characters": "\u200b",
    "wide digits": "\uff14",
}
MEGABYTE = 1 << 20


def worst(name: str) -> str:
    """A megabyte of it."""
    return WORST[name] * (MEGABYTE // len(WORST[name]))


def nested(depth: int = 10_000) -> str:
    return '{"a":' * depth + "1" + "}" * depth
