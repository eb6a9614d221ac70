"""Credentials in HTTP's own words, inside text: `Authorization: Bearer …`, `Basic …`, `Cookie: …`, `curl -u user:password`.

Sources: RFC 9110 11.4, RFC 7617, RFC 6750 2.1, RFC 6265 4.
"""

from __future__ import annotations

import base64
import binascii

import regex

from addons.masks.detectors.kinds import Anchored, exact
from addons.masks.detectors.plausible import is_password, is_placeholder, is_random
from addons.masks.sight import BREAK

_BEARER = regex.compile(r"(?i)\bbearer[ \t+]{1,4}[\"'\\]{0,2}(?P<value>[A-Za-z0-9\-._~+/]{8,4096}={0,2})")
_BASIC = regex.compile(r"(?i)\bbasic[ \t]{1,4}(?P<value>[A-Za-z0-9+/_\-]{8,1024}={0,2})(?![\w])")
_HEADER = regex.compile(
    r"(?i)\b(?:proxy-)?authorization[\"'\\]{0,3}[ \t]{0,4}[:=,][ \t]{0,4}[\"'`\\]{0,3}(?:(?:token|apikey|api-key|digest|negotiate|ntlm|hawk|aws4-hmac-sha256|splunk|"
    rf"sso-key|key|bot|discord|genie-key|klaviyo-api-key)[ \t=]{{1,4}})?(?P<value>[^\s{BREAK}\"'`\\]{{12,2048}})"
)
_COOKIE = regex.compile(
    rf"(?i)(?<![\w])(?:set-)?cookie2?[\"']?[ \t]{{0,4}}:[ \t]{{0,4}}[\"']?(?P<value>[\w!#$%&'*+.^`|~\-]{{1,80}}=[^\r\n\"'\\{BREAK}]{{8,4096}})"
)
_CURL = regex.compile(
    rf"[ ](?:-u|--user|--proxy-user|-U)[ =]?[\"']?(?P<user>[^\s{BREAK}:\"']{{1,100}}):(?P<value>[^\s{BREAK}\"']{{3,200}})"
)
_FLAG = regex.compile(
    rf"(?i)[ ]--(?:password|passwd|pass|token|api-key|apikey|secret|auth-token|access-token|bootstrap-token|registration-token|tls-bootstrap-token)[ =][\"']?(?P<value>[^\s{BREAK}\"'\-<$\[{{|][^\s{BREAK}\"'|]{{3,400}})"
)


def _is_basic(value: str) -> bool:
    try:
        plain = base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_" if set(value) & {"-", "_"} else None)
    except (binascii.Error, ValueError):
        return False
    return b":" in plain and plain.decode("utf-8", "replace").isprintable()


def _is_token(value: str) -> bool:
    return not is_placeholder(value) and is_random(value, shortest=8, bits=2.5)


def _is_given(value: str) -> bool:
    return is_password(value, quoted=True) and not value.startswith(("/", "$", "@"))


DETECTORS = (
    Anchored(
        entity="BEARER_TOKEN",
        anchors=("bearer",),
        pattern=_BEARER,
        after=4200,
        valid=_is_token,
        canonical=exact,
        confidence=0.7,
    ),
    Anchored(
        entity="BASIC_AUTH",
        anchors=("basic ",),
        pattern=_BASIC,
        after=1100,
        valid=_is_basic,
        canonical=exact,
        confidence=0.8,
    ),
    Anchored(
        entity="AUTHORIZATION",
        anchors=("authorization",),
        pattern=_HEADER,
        back=regex.compile(r"(?ri)(?:proxy-)?"),
        after=2200,
        valid=_is_token,
        canonical=exact,
        confidence=0.6,
    ),
    Anchored(
        entity="COOKIE",
        anchors=("cookie",),
        pattern=_COOKIE,
        back=regex.compile(r"(?ri)(?:set-)?"),
        after=4300,
        canonical=exact,
        confidence=0.7,
    ),
    Anchored(
        entity="PASSWORD",
        anchors=(" -u", " --"),
        pattern=_CURL,
        after=330,
        valid=_is_given,
        canonical=exact,
        confidence=0.6,
    ),
    Anchored(
        entity="PASSWORD",
        anchors=(" --",),
        at=regex.compile(r" --[aprst]"),
        pattern=_FLAG,
        after=450,
        valid=_is_given,
        canonical=exact,
        confidence=0.6,
    ),
)
