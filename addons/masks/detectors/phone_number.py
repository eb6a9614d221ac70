"""Telephone numbers. Sources: ITU-T E.164; libphonenumber's metadata decides what a number plan knows.

The library's own matcher reads 0.1 MB/s, so a pattern finds candidates and the library only judges them.
"""

from __future__ import annotations

from collections.abc import Callable

import phonenumbers
import regex

from addons.masks.detectors.kinds import Pattern, compact, words
from addons.masks.sight import Where

_S = r"[ .\-/]"
_INTERNATIONAL = regex.compile(
    rf"(?<![\w+])(?:\+|00(?=[1-9])|011(?=[ \-]))\(?[0-9](?:(?:{_S}|\) ?|\(| \(|- )?[0-9]){{6,16}}(?![0-9])(?!{_S}[0-9])"
)
_NORTH_AMERICAN = regex.compile(
    rf"(?<![\w.+\-/])(?<![0-9] )(?:\+?1[ .\-]?)?(?:\([2-9][0-9]{{2}}\) ?|[2-9][0-9]{{2}}(?P<sep>[ .\-]))[2-9][0-9]{{2}}[ .\-][0-9]{{4}}(?![\w]|{_S}[0-9])"
)
_TOO_MANY = rf"\(?[0-9](?:{_S}?[0-9]){{15}}"  # no number ends within; said first, or each place of a table would be tried nine times
_ANY = regex.compile(
    rf"(?<![\w.+\-])(?!{_TOO_MANY})(?!(?:19|20)[0-9]{{2}}[\-/.](?:0[1-9]|1[0-2]|20)[\-/.0-9])\(?[0-9](?:(?:{_S}|\) ?| \(|- )?[0-9]){{6,14}}(?![\w])(?!{_S}[0-9])"
)
_CONTEXT = words(
    "phone", "telephone", "tel", "telefon", "telefono", "téléphone", "mobile", "cell", "cellphone", "call", "fax", "contact", "whatsapp", "sms", "text me",
    "number", "handy", "reach", "dial", "ring", "hotline", "móvil", "portable", "cellulare", "numero", "nummer", "phone number", "mob", "ph",
)  # fmt: skip
_NAMED = words(
    "phone",
    "telephone",
    "tel",
    "mobile",
    "cell",
    "cellphone",
    "fax",
    "whatsapp",
    "sms",
    "phone number",
    "call me",
    "call us",
    "call at",
    "telefon",
    "handy",
    "ph",
    "mob",
)
_REGIONS = ("US", "GB", "DE", "FR", "IT", "ES", "IN", "IL", "BR", "CA", "AU", "JP", "MX", "NL", "CH", "SE")


def _plan(regions: tuple[str | None, ...]) -> Callable[[str], bool]:
    """Whether one of the number plans has such a number."""

    def known(value: str) -> bool:
        return any(_is_valid(value, region) for region in regions)

    return known


def _is_valid(value: str, region: str | None) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(value, region))
    except phonenumbers.NumberParseException:
        return False


def _international(value: str) -> bool:
    return _is_valid("+" + value.lstrip("+").removeprefix("011").removeprefix("00").strip(), None)


def _as_written(value: str) -> str:
    """Digits, and the plus: the library needs both."""
    return ("+" if value.startswith("+") else "") + compact(value)


DETECTORS = (
    Pattern(
        entity="PHONE_NUMBER",
        where=Where.NUMBERS,
        shapes=("+", "00"),
        pattern=_INTERNATIONAL,
        valid=_international,
        canonical=_as_written,
        confidence=0.7,
    ),
    Pattern(
        entity="PHONE_NUMBER",
        where=Where.NUMBERS,
        shapes=("000-0000", "000.0000", "000 0000"),
        pattern=_NORTH_AMERICAN,
        valid=_plan(("US",)),
        dear=True,
        canonical=_as_written,
        confidence=0.6,
        context=_CONTEXT,
        with_context=0.8,
    ),
    Pattern(
        entity="PHONE_NUMBER",
        where=Where.NUMBERS,
        pattern=_ANY,
        valid=_plan(_REGIONS),
        dear=True,
        canonical=_as_written,
        confidence=0.1,
        context=_NAMED,
        with_context=0.65,
        before_words=30,
        after_words=0,
        alone=0.5,
    ),
)
