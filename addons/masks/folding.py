"""The detection copy: characters that people and models read as a digit, a letter or a separator become the ASCII ones.

One to one, so that spans carry over; only format characters (zero-width, soft hyphen, bidi, tags) are dropped, with a map back. No NFKC: it
makes a card number out of superscripts and fractions. Source: Unicode 16, general categories Nd, Cf, Zs, Pd; block FF01-FF5E.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

import regex

from addons.masks.literals import blocks
from addons.masks.views import Builder, View

_ASSIGNED = tuple(map(chr, (*range(0x80, 0x20000), *range(0xE0000, 0xE1000))))  # no Nd, Cf, Zs or Pd lies outside these


def _folds() -> dict[str, str]:
    table = {chr(0xFF01 + offset): chr(0x21 + offset) for offset in range(94)}
    for character in _ASSIGNED:
        match unicodedata.category(character):
            case "Nd":
                table[character] = str(unicodedata.digit(character))
            case "Zs":
                table[character] = " "
            case "Pd":
                table[character] = "-"
    return table | {"·": ".", "‧": ".", "․": ".", "∙": ".", "−": "-", "⁄": "/", "∕": "/"} | _QUOTES


_QUOTES = dict.fromkeys("‘’‚‛′", "'") | dict.fromkeys("“”„‟″«»", '"')
_FOLDS = _folds()
_FORMAT = frozenset(character for character in _ASSIGNED if unicodedata.category(character) == "Cf")
_BEYOND_ASCII = regex.compile(r"[^\x00-\x7f]+")


def folded(view: View) -> View:
    """The view with look-alikes folded and format characters gone; the same view where there are none."""
    if "\\" in view.text:
        view = View(_without_layout_escapes(view.text), view)
    if view.text.isascii():
        return view
    present: set[str] = set()
    for at, end in blocks(len(view.text)):
        present.update(*_BEYOND_ASCII.findall(view.text, at, end))
    changed = present & _FOLDS.keys()
    if changed:
        view = View(_translated(view.text, changed), view)
    dropped = present & _FORMAT
    return _without(view, dropped) if dropped else view


def _without_layout_escapes(text: str) -> str:
    r"""`\n`, `\t`, `\r` and `\"` as white space and a quote, in the same length: the n would glue itself to the value after it."""
    for escape, layout in (("\\n", " \n"), ("\\t", "  "), ("\\r", "  "), ('\\"', '" ')):
        text = text.replace(escape, layout)
    return text


def _translated(text: str, changed: set[str]) -> str:
    pieces = [text[at:end] for at, end in blocks(len(text))]
    for character in changed:
        pieces = [piece.replace(character, _FOLDS[character]) for piece in pieces]
    return "".join(pieces)


def _without(view: View, dropped: set[str]) -> View:
    built = Builder(view)
    position = 0
    for place in sorted(place for character in dropped for place in _places(view.text, character)):
        built.copy(position, place)
        position = place + 1
    built.copy(position, len(view.text))
    return built.view()


def _places(text: str, character: str) -> Iterator[int]:
    place = text.find(character)
    while place >= 0:
        yield place
        place = text.find(character, place + 1)
