"""Whether a value that stands under a secret's name is a secret, or code, a placeholder, a label. Not a detector."""

from __future__ import annotations

import math
import re
from collections import Counter

_PLACEHOLDER = re.compile(
    r"""(?ix) ^ (?: \W* | (.)\1{2,} | [x*.•_\-#?]{3,}.* | .*[*•]{4,} | .*(?:\.\.\.|…)$
    | <.*> | \[.*\] | \{.*\} | \$\(.* | \$\{[^}]*\}? | \$[A-Z_]\w* | %[\w%({].* | \{\{.* | <%.* | __\w+__ | @\w+\(.* | \#\{.*
    | (?:your|my|the|some|any|insert|enter|put|replace|change|add|set|use|get|fake|dummy|example|sample|placeholder|redacted|scrubbed|masked|hidden|secret|test)
      (?:[\s_\-.]?(?:your|my|me|the|here|this|it|with|own|new|old|strong|secure|super|real|actual|example|fake|dummy|test|api|access|auth|client|user|db|
      database|admin|root|secret|password|passwd|pass|pwd|token|key|keys|value|values|credential|credentials|string|id|in|from|env|a|an|for|to|of|\d{1,4})){0,8}
    | (?:none|null|nil|undefined|true|false|yes|no|on|off|string|str|bytes|int|integer|number|bool|boolean|object|array|any|text|optional|required|default|unknown|
      empty|blank|n/?a|todo|tbd|changeme|change_?me|change_?it|password|passwd|pass|pwd|passphrase|secret|token|key|apikey|api_key|access_?token|auth_?token|
      bearer|basic|credential|credentials|username|user|admin|root|login|email|function|self|this|var|let|const|return|import|env|process|os|config|settings|
      redacted|scrubbed|hidden|masked|private|public|hash|hashed|encrypted|plain|text|oauth2?|jwt|saml|ldap|header|query|cookie|body|form|json|xml|type|name|value|id)
    ) $"""
)
_CODE = re.compile(
    r"[A-Za-z_$][\w$]*(?:(?:\.|->|::)[A-Za-z_$][\w$]*|\[[^\]]*\]?|\(.*|\?\.)+.*|[(\[{<].*|[\w.]+\(.*|lambda\b.*|await\b.*|new\b.*|[fbru]{1,2}[\"'].*"
)
_NAME = re.compile(r"[A-Za-z_$][A-Za-z_$\-]*")
_WORDY = re.compile(r"[A-Za-z]?[a-z]+(?:[ _\-./:][A-Za-z]?[a-z]+)*\W?|[A-Z]+(?:[_\-. ][A-Z]+)*")
_CAMEL = re.compile(r"[a-z]+(?:[A-Z][a-z]+)+[A-Z]?|(?:[A-Z][a-z]+){2,}")
_LOCATION = re.compile(
    r"(?:[a-z][a-z0-9+.\-]{1,20}:)?//|[./~]{0,2}/[\w.\-]+/|[A-Za-z]:\\|arn:aws|[\w\-]+(?:\.[\w\-]+)*\.(?:com|org|net|io|json|ya?ml|py|js|ts|txt|pem|crt|key|xml|html?|md|env)\b"
)
_CALM = re.compile(
    r"[0-9][0-9.,:/\- ]*|v?[0-9]+(?:\.[0-9]+)+[\w.\-+]*|#[0-9A-Fa-f]{3,8}|[0-9]{4}-[0-9]{2}-[0-9]{2}T?.*|0x[0-9A-Fa-f]{1,8}"
)
_SWEARING = re.compile("[#$@!^~¿¡¨?*]")
_UNWORDED = re.compile(r"_|[^\w\s]")
_DIGIT, _CAPITALS = re.compile(r"\d"), re.compile(r"[A-Z]+")
_NUMBERED = re.compile(r"[0-9]{1,4}$")


def entropy(value: str) -> float:
    """Shannon's, in bits a character."""
    length = len(value)
    return -sum(count / length * math.log2(count / length) for count in Counter(value).values())


def is_placeholder(value: str) -> bool:
    return _PLACEHOLDER.match(value[:200]) is not None


def is_code(value: str) -> bool:
    """An expression, not a value: a call, an attribute, an index."""
    return _CODE.fullmatch(value[:300]) is not None


def is_password(value: str, *, quoted: bool) -> bool:
    """What stands after a password's name. In quotes nearly anything may be one."""
    if not 4 <= len(value) <= 256 or is_placeholder(value) or (not quoted and value.startswith(("$", "%", "{{", "<%"))):
        return False
    if quoted:
        return not _is_label(value)
    return (
        not is_code(value) and not _NAME.fullmatch(value) and not _LOCATION.match(value) and not _CALM.fullmatch(value)
    )


def _is_label(value: str) -> bool:
    """`Enter your password`, `password_hash`, `#add-password`: speech and names about passwords."""
    spoken = value.count(" ") >= 1 and re.search(
        r"(?i)pass ?word|passphrase|username|invalid|require|must|enter|forg[oe]t|confirm|reset|sign in|log ?in|[.!?:]$",
        value,
    )
    named = re.fullmatch(
        r"(?i)[\w.\-#:/\[\]]*(?:pass(?:word|wd|phrase)?|pwd|secret|token)s?[\w.\-:/\]]*", value
    ) and not re.search(r"\d", value)
    return bool(spoken or (named and _is_named(value))) or bool(_LOCATION.match(value))


def _is_named(value: str) -> bool:
    """An identifier has separators or is camelCase: `thisismypassword` is nobody's variable."""
    return bool(re.search(r"[_\-.#:/\[]", value) or _CAMEL.fullmatch(value)) or len(value) < 10


def is_random(value: str, *, shortest: int = 10, bits: float = 3.0, quoted: bool = False) -> bool:
    """A key, not a word, a path, a version or a variable: digits among letters, and hardly a repetition."""
    if not shortest <= len(value) <= 4096 or " " in value:
        return False
    digits = len(_DIGIT.findall(value))
    if (digits < 2 and not (len(value) >= 20 and _mixed(value))) or is_placeholder(value):
        return False
    letters = sum(map(str.isalpha, value))
    if digits >= 24 and not letters:
        return entropy(value) >= 2.5
    if not letters or _CALM.fullmatch(value) or _LOCATION.match(value):
        return False
    if not quoted and is_code(value) and not any(_dense(part) for part in value.split(".")):
        return False
    return entropy(value) >= min(bits, math.log2(len(value)) * 0.8) and not _WORDY.fullmatch(_NUMBERED.sub("", value))


def is_gibberish(value: str) -> bool:
    """Neither speech nor code: several kinds of signs between the letters, and brackets that no parser would take."""
    if not 8 <= len(value) <= 256 or not _SWEARING.search(value) or any(map(str.isspace, value)):
        return False
    return len(set(_UNWORDED.findall(value))) >= 5 and not is_placeholder(value) and not _nested(value)


def _nested(value: str) -> bool:
    open_brackets: list[str] = []
    for sign in value:
        if sign in "([{":
            open_brackets.append(")]}"["([{".index(sign)])
        elif sign in ")]}" and (not open_brackets or open_brackets.pop() != sign):
            return False
    return not open_brackets and any(sign in value for sign in "([{")


def _dense(part: str) -> bool:
    return len(part) >= 16 and sum(map(str.isdigit, part)) >= 3 and "_" not in part.strip("_")


def _mixed(value: str) -> bool:
    """Both cases, and more turns between them than words have."""
    turns = 2 * len(_CAPITALS.findall(value)) - value[0].isupper() - value[-1].isupper()
    return turns * 3 >= len(value)
