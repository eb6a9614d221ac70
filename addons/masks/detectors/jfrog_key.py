"""JFrog Artifactory's API keys and encrypted passwords, also cut short. Source: jfrog.com/help (API key), 2026-11."""

from __future__ import annotations

import regex

from addons.masks.detectors.kinds import Anchored, exact

_PATTERN = regex.compile(
    r"(?:AKC[A-Za-z0-9]{10,90}|AP(?:[0-9]|[A-F](?=[A-Za-z]{0,12}[0-9]))[A-Za-z0-9]{10,90})(?![A-Za-z0-9])"
)

DETECTOR = Anchored(
    entity="API_KEY",
    anchors=("AKC", "AP"),
    at=regex.compile(r"(?<![A-Za-z0-9/+])A"),
    pattern=_PATTERN,
    after=100,
    canonical=exact,
    confidence=0.7,
)
