"""Every value in every encoding it may hide in. Names of encodings, values and what is known to get through are all in this file."""

import base64
import gzip
import html
import json
import quopri
from urllib.parse import quote, quote_plus

import pytest

from addons.masks.detection import detect
from addons.masks.spans import united

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


def each(form):
    return lambda value: "".join(form(letter) for letter in value)


def b64(text):
    return base64.b64encode(text.encode()).decode()


ENCODINGS = {
    "plain": str,
    "json": lambda value: json.dumps({"note": value}),
    "json in json": lambda value: json.dumps({"args": json.dumps({"note": value})}),
    "\\uXXXX": each(lambda letter: f"\\u{ord(letter):04x}"),
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
KNOWN_MISSES = {("base64url", "ssn")}  # fifteen letters without padding: any name in code is as long


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_values_are_found_in_an_encoding(encoding):
    missed = {name for name, value in VALUES.items() if not covered(ENCODINGS[encoding], value)}

    assert missed == {name for where, name in KNOWN_MISSES if where == encoding}


def covered(encode, value):
    """Whether hardly a letter of the encoded value is left; what the encoding itself adds may stay."""
    text = encode(value)
    spans = united(detect(text, "", b"k" * 32))
    hidden = sum(end - start for start, end in ((span.start, span.end) for span in spans))
    return bool(spans) and hidden >= len(text) - len(encode("")) - 4 - 160 * (len(encode("")) > 60)
