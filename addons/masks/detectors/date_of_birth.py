"""Dates of birth: any date, but only behind a word that says so. Not dates in general."""

from __future__ import annotations

import regex

from addons.masks.detectors.kinds import Anchored, compact

_MONTH = r"(?:jan|feb|mar|mär|apr|may|mai|jun|jul|aug|sep|sept|oct|okt|nov|dec|dez)[a-zä]{0,8}\.?"
_DATE = (
    r"(?:[0-3]?[0-9][./\- ][0-3]?[0-9][./\- ](?:19|20)?[0-9]{2}|(?:19|20)[0-9]{2}[./\-][01]?[0-9][./\-][0-3]?[0-9]|(?:19|20)[0-9]{2}[01][0-9][0-3][0-9]"
    rf"|[0-3]?[0-9](?:st|nd|rd|th|\.)?(?: of)? {_MONTH},? (?:19|20)[0-9]{{2}}|{_MONTH} [0-3]?[0-9](?:st|nd|rd|th)?,? (?:19|20)[0-9]{{2}})"
)
_PATTERN = regex.compile(
    r"(?i)(?<![a-z])(?:date[ _\-]?of[ _\-]?birth|birth[ _\-]?date|birth[ _\-]?day|d\.?o\.?b\.?|born(?: on| in)?|geburtsdatum|geboren(?: am)?|geb\.|date de naissance|"
    r"fecha de nacimiento|data di nascita|data de nascimento|geboortedatum)"
    rf"[\"'`\\]{{0,3}}[ \t]{{0,3}}(?:is|was|ist|:|=|-|\(|>|\x1d|,|as)?[ \t]{{0,3}}[\"'`\\]{{0,3}}[ \t]{{0,3}}(?P<value>{_DATE})(?![0-9])"
)

DETECTOR = Anchored(
    entity="DATE_OF_BIRTH", anchors=("birth", "born", "dob", "d.o.b", "geb", "naissance", "nacim", "nascim", "nascita"),
    pattern=_PATTERN, before=16, after=60, canonical=compact, confidence=0.7,
)  # fmt: skip
