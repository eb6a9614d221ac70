"""Credentials that the gateway put on a call itself, found again by value: providers echo keys in errors and headers. Not a detector of unknown secrets."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

import regex

from addons.masks.detectors import CREDENTIAL
from addons.masks.spans import Span

SHORTEST = 6  # a shorter value would tear ordinary words out of the record
_SCHEME = regex.compile(r"(?i)^(?:bearer|basic|token|apikey|key)\s+")
_WORD = regex.compile(r"[A-Za-z0-9+/_\-]*+={0,2}")


class Injected:
    """Finds the given values in any of the forms they travel in."""

    def __init__(self, secrets: Iterable[str]) -> None:
        bare = {_SCHEME.sub("", secret.strip()) for secret in secrets}
        values = sorted((value for value in bare if len(value) >= SHORTEST), key=len, reverse=True)
        self._exact = tuple(dict.fromkeys(form for value in values for form in _forms(value)))
        self._inside = tuple(dict.fromkeys(form for value in values for form in _base64_cores(value)))

    def spans(self, text: str) -> list[Span]:
        """Every occurrence; a value inside a longer base64 word takes the whole word."""
        found = [(start, start + len(form)) for form in self._exact for start in _places(text, form)]
        found += [_word(text, start) for core in self._inside for start in _places(text, core)]
        return [Span(start, end, CREDENTIAL, 1.0) for start, end in found]


def _places(text: str, form: str) -> Iterable[int]:
    start = text.find(form)
    while start >= 0:
        yield start
        start = text.find(form, start + len(form))


def _word(text: str, inside: int) -> tuple[int, int]:
    start = inside
    while start and (text[start - 1].isalnum() or text[start - 1] in "+/-_") and inside - start < 1024:
        start -= 1
    match = _WORD.match(text, inside)
    return start, match.end() if match else inside


def _forms(value: str) -> Iterable[str]:
    yield value
    for ascii_only in (True, False):
        once = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
        yield once
        yield json.dumps(once)[1:-1]
    for percent in (quote(value), quote(value, safe=""), quote_plus(value)):
        yield percent
        yield regex.sub(r"%[0-9A-F]{2}", lambda match: match[0].lower(), percent)
    raw = value.encode("utf-8", "surrogatepass")
    yield raw.hex()
    yield raw.hex().upper()


def _base64_cores(value: str) -> Iterable[str]:
    """What is the same in every base64 text that holds the value: three alignments, less the letters its neighbours decide."""
    raw = value.encode("utf-8", "surrogatepass")
    for before in range(3):
        bits_before = before * 8
        letters = base64.b64encode(bytes(before) + raw).decode().rstrip("=")
        whole = (bits_before + len(raw) * 8) // 6
        core = letters[-(-bits_before // 6) : whole]
        yield core
        yield core.replace("+", "-").replace("/", "_")
