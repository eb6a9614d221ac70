"""What texts of a policy may look like: the forms that several files share. Not what they mean (model.py)."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from addons.policy.fields import ID, Fields, Form
from addons.policy.hosts import is_loopback, normal_host
from addons.policy.patterns import PATTERN_CHARACTERS, PatternRefused, compile_pattern

_TEXT_CHARACTERS = 200


def _line(text: str) -> bool:
    return 0 < len(text) <= _TEXT_CHARACTERS and text.isprintable() and text == text.strip()


def parsed_url(text: str) -> SplitResult | None:
    """An http or https URL with a host and at most a path; no user, query or fragment."""
    try:
        url = urlsplit(text)
        port_is_whole = url.port is None or url.port > 0
    except ValueError:
        return None
    bare = url.username is None and url.password is None and not url.query and not url.fragment
    if url.scheme not in ("https", "http") or not bare or not port_is_whole or normal_host(url.hostname or "") is None:
        return None
    return url if _line(text) and "\\" not in text else None


def _safe_url(text: str) -> bool:
    url = parsed_url(text)
    return url is not None and (url.scheme == "https" or is_loopback(normal_host(url.hostname or "") or ""))


ID_GLOB = Form('an id, or a pattern of ids ("*", "open*")', lambda text: ID.accepts(re.sub(r"[*?]", "x", text)))
GROUP = Form("the name of a group (one line of 1-200 characters)", _line)
LINE = Form("one line of 1-200 characters", _line)
GLOB = Form('a name, or a pattern of names ("gpt-*")', _line)
MODEL_GLOB = Form(
    'a model, or a pattern of models ("gpt-*"), or "" for calls that name none', lambda text: not text or _line(text)
)
URL = Form("an https URL without user, query or fragment (http only to this machine)", _safe_url, secret=True)
_PATTERN = Form(f"a regular expression of 1-{PATTERN_CHARACTERS} characters", bool)


def pattern(fields: Fields, key: str) -> re.Pattern[str] | None:
    """A regular expression that no text can make run for long; None where there is none, or a fault is noted."""
    text = fields.text(key, _PATTERN, "")
    if not text:
        return None
    try:
        return compile_pattern(text)
    except PatternRefused as refused:
        fields.reading.fault(fields.at(key), *refused.parts)
        return None
