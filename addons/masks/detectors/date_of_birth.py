"""Dates of birth: any date, but only beside a word that says so. Not dates in general."""

from __future__ import annotations

import regex

from addons.masks.detectors.kinds import Pattern, compact, words
from addons.masks.sight import Where

_MONTH = r"(?i:jan|feb|mar|mär|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez)[a-zäé]{0,8}\.?"
_NUMERIC = regex.compile(
    r"(?<![0-9])(?:[0-3]?[0-9][./\- ][0-3]?[0-9][./\- ](?:19|20)[0-9]{2}|(?:19|20)[0-9]{2}[./\-][01]?[0-9][./\-][0-3]?[0-9]"
    r"|(?:19|20)[0-9]{2}[01][0-9][0-3][0-9])(?![0-9])"
)
_DAY_FIRST = regex.compile(rf"(?<![0-9])[0-3]?[0-9](?:st|nd|rd|th|\.)?(?: of)? {_MONTH},? (?:19|20)[0-9]{{2}}(?![0-9])")
_MONTH_FIRST = regex.compile(rf"(?<![A-Za-z]){_MONTH} [0-3]?[0-9](?:st|nd|rd|th)?,? (?:19|20)[0-9]{{2}}(?![0-9])")
_SHORT_YEAR = regex.compile(
    r"(?<![0-9])(?<![0-9][./\-])[0-3]?[0-9](?P<sep>[./\-])[0-3]?[0-9](?P=sep)[0-9]{2}(?![0-9])(?![./\-][0-9])"
)
_CONTEXT = words(
    "birth", "birthdate", "birthday", "dob", "d.o.b", "born", "date of birth", "geburtsdatum", "geboren", "geb", "naissance", "née le", "né le",
    "nacimiento", "nacido", "nacida", "nascita", "nato il", "nata il", "nascimento", "geboortedatum", "birth date",
)  # fmt: skip

DETECTORS = tuple(
    Pattern(
        entity="DATE_OF_BIRTH", where=where, pattern=pattern, canonical=compact, confidence=0.1, context=_CONTEXT, with_context=0.7,
        before_words=32, after_words=0, shapes=shapes,
    )
    for where, pattern, shapes in (
        (Where.YEARS, _NUMERIC, ()), (Where.YEARS, _DAY_FIRST, ()), (Where.YEARS, _MONTH_FIRST, ()),
        (Where.NUMBERS, _SHORT_YEAR, tuple(f"0{sign}{month}{sign}00" for sign in "./-" for month in ("0", "00"))),
    )
)  # fmt: skip
