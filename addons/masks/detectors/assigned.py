"""Secrets by the name they stand under: `password=…`, `"api_key": "…"`, `--token …`, `<secret>…</secret>`. The name says what it is, the value
must look like one (plausible.py). Not the vendors' own formats.

The names are found one literal at a time in the lower-cased text; only there is the assignment read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

import regex

from addons.masks.detectors.kinds import Found
from addons.masks.detectors.plausible import is_gibberish, is_password, is_random
from addons.masks.expressions import expression
from addons.masks.sight import BREAK, NAME, NEUTRAL, Sight

_REST = r"\w{0,40}+(?:[.\-]\w{1,40}+){0,4}+"
_CLOSE = r"(?:\\{0,3}[\"'`*\])]){0,3}"
_TYPE = r"(?:[ \t]{0,3}:[ \t]{0,3}[\w.<>|?\[\] ]{2,30}(?==)|[ \t]{1,3}[\w:&'*<>\[\]]{2,20}(?=[ \t]{0,3}:?=))?"  # Go, Rust, TypeScript, Python annotations
_OPERATOR = (
    rf"(?:[ \t]{{0,20}}(?:={{1,3}}>?|!={{1,2}}|:{{1,3}}=?|[?|.+~]=|->|<-|\|{{1,2}}|,|>|{NAME})"
    r"|[ \t]{1,4}(?:is|are|was|eq|==)(?=[ \t:])|[ \t]{1,20}(?=[\"'`]))"
)
_SPACE = r"[ \t]{0,20}(?:\r?\n[ \t]{0,40})?"
_OPEN = r"(?:(?:\\{0,3}(?=[\"'`])|[@LfbrRu](?=[\"']))(?P<quote>[\"'`])|<!\[CDATA\[)?"
_TAIL = expression(rf"(?P<rest>{_REST}){_CLOSE}{_TYPE}(?P<operator>{_OPERATOR}){_SPACE}{_OPEN}")
_BARE = expression(rf"[^\s{BREAK}]{{1,264}}")
_QUOTED = {quote: expression(rf"(?:[^{quote}\\\r\n{BREAK}]|\\.){{1,1024}}+") for quote in "\"'`"}
_LONG = 64
_TRIMMED = "\"'`,;)]}>|&\\*"
_IDENTIFIER = re.compile(_REST)
_YODA = re.compile(r"(?P<quote>[\"'`])(?P<value>[^\r\n]{3,256})(?P=quote)\s{0,4}[!=]={1,2}\s{0,4}$")
_OF_NAMES, _LONGEST_NAME = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-$", 48
_OTHER = frozenset(  # what follows a secret's name and makes it the name of something else
    """
    label hint error errors field fields reset resets url urls uri path file files filename dir length len size policy policies placeholder
    required type types name names prompt prompts message messages msg text title regex pattern min max count counts strength input inputs column param params
    header headers var vars env manager ttl timeout endpoint provider service store storage version format class factory handler callback func function fn
    validator index limit usage budget rate cost price details logprob logprobs id ids arn alias algorithm alg encoding parser generator group groups option
    options config settings scope scopes enabled disabled valid invalid exists present missing changed updated created at on date time s
    """.split()
)
_PARTS = re.compile(r"[_.\-]|(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NOT_SECRET = regex.compile(
    r"""(?rix) (?:^|[_.\- ]|(?-i:(?<=[a-z])(?=[A-Z]))) (?: max|min|num|n|total|input|output|prompt|completion|cached|reasoning|page|next|nextpage|continuation|cursor|sync|public|primary|foreign|cache|partition|
    sort|row|range|hash|idempotency|dedup\w*|object|s3|dict|map|group|sub|lookup|index|translation|i18n|label|css|json|xml|column|field|registry|
    hot|short|shortcut|arrow|escape|meta|super|control|ctrl|alt|shift|enter|tab|tokens_per|stop|eos|bos|pad|unk|special|csrf|author|dependency|project|issue|
    jira|data|item|list|array|node|parent|child|config|setting|option|param|header|property|attribute|attr|type|state|action|event|host|known_host|mon|tur|don|key)
    [_.\- ]? """
)


@dataclass(frozen=True, slots=True)
class Name:
    """A literal, what must stand before it and after it in the same identifier, and how strictly its values are read."""

    literal: str
    entity: str
    password: bool = False  # any value will do in quotes; otherwise it must look random
    shortest: int = 10
    before: regex.Pattern[str] | None = None
    after: regex.Pattern[str] | None = None
    needs_sign: bool = False  # an equals sign or the like, not a space alone: "pass" is a verb too
    sign: bytes = field(init=False)  # the literal, as it is looked for

    def __post_init__(self) -> None:
        object.__setattr__(self, "sign", self.literal.encode("latin-1"))

    def stands_in(self, prefix: str, rest: str) -> bool:
        if (self.after and not self.after.match(rest)) or (self.before and not self.before.match(prefix)):
            return False
        return not (rest and _read(rest, _is_of_another)) and (
            self.password or not (prefix and _read(prefix, _is_no_secrets))
        )


def _read(part: str, what: Callable[[str], bool]) -> bool:
    """What is only letters is part of a name, not of a value: it may be remembered, and comes again."""
    return _remembered(part, what) if part.replace("_", "").isalpha() else what(part)


@lru_cache(4096)
def _remembered(part: str, what: Callable[[str], bool]) -> bool:
    return what(part)


def _is_no_secrets(prefix: str) -> bool:
    """`max_`, `primary`, `sort_`."""
    return _NOT_SECRET.match(prefix) is not None


def _is_of_another(rest: str) -> bool:
    """`_path`, `Label`, `_id2`, `_expires_at`."""
    parts = [part.lower() for part in _PARTS.split(rest)]
    return any(part in _OTHER or part.startswith("expir") for part in parts) or parts[-1].rstrip("0123456789") in _OTHER


CONFIDENCES = {"PASSWORD": 0.6, "SECRET": 0.55}
_END = r"(?:$|[_.\-\d]|(?=[A-Z]))"
_NAMES = (
    Name(
        "pass",
        "PASSWORD",
        password=True,
        after=regex.compile(r"(?i)[ _\-]?(?:w(?:or)?d|wort|phrase|code|wd|w(?![a-z]))"),
    ),
    Name(
        "pass",
        "PASSWORD",
        password=True,
        before=regex.compile(r"(?ri)(?:(?:^|[_.\-])|db|user|usr|my|admin|root|smtp|ftp|ssh|mysql|redis|sql)"),
        after=regex.compile(_END),
        needs_sign=True,
    ),
    Name("pwd", "PASSWORD", password=True),
    Name("kennwort", "PASSWORD", password=True),
    Name("contraseña", "PASSWORD", password=True),
    Name("secret", "SECRET", shortest=6),
    Name("token", "SECRET", after=regex.compile(r"(?i)(?!i[sz])")),
    Name("credential", "SECRET"),
    Name("key", "SECRET", before=regex.compile(r"(?ri)[a-z0-9][_.\- ]?"), after=regex.compile(_END)),
    Name(
        "auth",
        "SECRET",
        shortest=16,
        before=regex.compile(r"(?r)(?:^|[_.\-])"),
        after=regex.compile(rf"(?i:orization)?{_END}"),
    ),
)


@dataclass(frozen=True, slots=True)
class Assigned:
    """Reads assignments to the names above."""

    names: tuple[Name, ...]

    @property
    def entities(self) -> frozenset[str]:
        return frozenset(name.entity for name in self.names)

    def find(self, sight: Sight) -> Iterator[Found]:
        return self.among(sight, sight.low)

    def among(self, sight: Sight, words: bytes) -> Iterator[Found]:
        """words: as much of the sight's text as has every name that stands in it."""
        for name in self.names:
            if name.sign in words:
                yield from self._each(sight, name)
            if sight.name and name.literal in sight.name.lower() and (found := _named_text(sight, name)):
                yield found

    def _each(self, sight: Sight, name: Name) -> Iterator[Found]:
        passed = 0
        for start in sight.places(name.sign):
            if start < passed:
                continue
            read = _assignment(sight, name, start, start + len(name.literal))
            if read is None:
                continue
            first, value, quoted = read
            if len(value) > _LONG:  # whatever it is, the same name in it begins no assignment of its own
                passed = first + len(value)
            if found := _judged(name, value, first, quoted=quoted):
                yield found


def _assignment(sight: Sight, name: Name, start: int, end: int) -> tuple[int, str, bool] | None:
    """Where the value begins that stands under the name, the value, and whether it stands in quotes."""
    tail = sight.match(_TAIL, end)
    if not tail and "=" not in sight.text[max(0, start - 64) : start]:
        return None
    before = sight.text[max(0, start - _LONGEST_NAME) : start]
    prefix = before[len(before.rstrip(_OF_NAMES)) :]
    if not tail:
        return _compared(sight, name, prefix, start, end)
    operator = tail["operator"].strip(" \t")
    if not name.stands_in(prefix, tail["rest"]) or (name.needs_sign and not operator):
        return None
    if operator == "," and not _is_argument(sight.text, start - len(prefix)):
        return None
    if operator.endswith(NAME):
        return _leaf(sight, tail.end("operator"))
    quote = tail["quote"]
    value = sight.match(_QUOTED[quote] if quote else _BARE, tail.end())
    if not value:
        return None
    if quote:
        text = value[0].strip()
        return tail.end() + value[0].find(text), text, True
    text = _trimmed(value[0], operator)
    if operator == ">" and not sight.text[tail.end() + len(text) : tail.end() + len(text) + 80].lstrip().startswith(
        "<"
    ):
        return None  # an element has an end
    return tail.end(), text, False


def _is_argument(text: str, start: int) -> bool:
    """`set("password", "…")`, and not one of a list of names."""
    return text[start - 1 : start] in _QUOTED and text[max(0, start - 9) : start - 1].rstrip().endswith("(")


def _leaf(sight: Sight, start: int) -> tuple[int, str, bool]:
    """The whole of a joined leaf."""
    end = sight.text.find(BREAK, start)
    text = sight.text[start : end if end >= 0 else len(sight.text)]
    return start + len(text) - len(text.lstrip()), text.strip(), True


def _compared(sight: Sight, name: Name, prefix: str, start: int, end: int) -> tuple[int, str, bool] | None:
    """`if ("…" == password)`: the value stands first."""
    first = start - len(prefix)
    operator = sight.text[max(0, first - 12) : first].rstrip()
    if not operator.endswith("=") or operator.rstrip("=! \t")[-1:] not in _QUOTED:
        return None
    value = _YODA.search(sight.text, max(0, first - 300), first)
    rest = _IDENTIFIER.match(sight.text, end)
    if not value or not name.stands_in(prefix, rest[0] if rest else ""):
        return None
    return value.start("value"), value["value"], True


def _named_text(sight: Sight, name: Name) -> Found | None:
    """The whole text stands under a secret's name, as in {"password": "…"}."""
    at = sight.name.lower().find(name.literal)
    text = sight.text.strip()
    end = at + len(name.literal)
    if not text or BREAK in text or not name.stands_in(sight.name[:at], sight.name[end:]):
        return None
    return _judged(name, text, sight.text.find(text), quoted=True)


def _judged(name: Name, value: str, start: int, *, quoted: bool) -> Found | None:
    if not any(map(str.isalnum, value)) or not _is_value(name, value.replace(NEUTRAL, ""), quoted=quoted):
        return None
    return Found(start, start + len(value), name.entity, CONFIDENCES[name.entity], value)


def _is_value(name: Name, value: str, *, quoted: bool) -> bool:
    if name.password and is_password(value, quoted=quoted):
        return True
    return is_random(value, shortest=name.shortest, quoted=quoted) or is_gibberish(value)


def _trimmed(value: str, operator: str) -> str:
    """An unquoted value ends before the text's own brackets, quotes and commas; brackets that it opened itself are its own."""
    if operator == ">":
        value = value.partition("<")[0]
    while value and value[-1] in _TRIMMED and not _closes(value):
        value = value[:-1]
    return value


def _closes(value: str) -> bool:
    opening = {")": "(", "]": "[", "}": "{", ">": "<"}.get(value[-1])
    return opening is not None and value.count(opening) >= value.count(value[-1])


DETECTOR = Assigned(_NAMES)
