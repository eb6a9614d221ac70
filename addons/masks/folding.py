"""The detection copy: characters that people and models read as a digit, a letter or a separator become the ASCII ones.

One to one, so that spans carry over; only format characters (zero-width, soft hyphen, bidi, tags) are dropped, with a map back. No NFKC: it
makes a card number out of superscripts and fractions. Source: Unicode 16, general categories Nd, Cf, Zs, Pd; block FF01-FF5E.
"""

from __future__ import annotations

import unicodedata

import regex

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
_DROPPED = regex.compile(f"[{''.join(sorted(_FORMAT))}]+")


def folded(view: View) -> View:
    """The view with look-alikes folded and format characters gone; the same view where there are none."""
    if "\\" in view.text:
        view = View(_without_layout_escapes(view.text), view)
    if view.text.isascii():
        return view
    present = set(view.text)
    changed = present & _FOLDS.keys()
    if changed:
        view = View(_translated(view.text, changed), view)
    return _without_format_characters(view) if present & _FORMAT else view


def _without_layout_escapes(text: str) -> str:
    """`\\n`, `\\t`, `\\r` and `\\"` as white space and a quote, in the same length: the n would glue itself to the value after it."""
    for escape, layout in (("\\n", " \n"), ("\\t", "  "), ("\\r", "  "), ('\\"', ' "')):
        text = text.replace(escape, layout)
    return text


def _translated(text: str, changed: set[str]) -> str:
    for character in changed:
        text = text.replace(character, _FOLDS[character])
    return text


def _without_format_characters(view: View) -> View:
    built = Builder(view)
    position = 0
    for match in _DROPPED.finditer(view.text):
        built.copy(position, match.start())
        position = match.end()
    built.copy(position, len(view.text))
    return built.view()
