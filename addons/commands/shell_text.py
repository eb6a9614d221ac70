"""Shell text into fragments of about one simple command each, in one linear pass. Not a grammar: shell_tree.py parses.

It is read first to weigh a script, because the parser's work on what it cannot parse grows with the square of the tokens; and
it is read instead, fragment by fragment, where a script is too heavy for the parser or broken in its eyes.
Source: POSIX.1-2024, Shell Command Language, 2.3 and 2.10.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

HEAVIEST: Final = 1_500  # tokens that are given to the parser at once
_GIVEN_UP: Final = (
    10_000  # tokens without an operator among them; the rest of the script counts as one fragment with them
)


@dataclass(frozen=True, slots=True)
class Fragment:
    text: str = field(repr=False)
    weight: int  # tokens
    start: int  # characters into the script
    light_end: int  # characters of `text` that weigh no more than HEAVIEST
    piped: bool = False  # reads what the fragment before it writes
    here: str | None = field(default=None, repr=False)  # the body of its here-document
    here_is_literal: bool = False  # <<'E': nothing in the body is expanded
    is_pattern: bool = False  # ends at a parenthesis that nothing opened: `a|b)` of a case


_TOKEN: Final = re.compile(
    r"""
      (?P<space>(?:[ \t\r]|\\\n)++)
    | (?P<comment>(?<![^\s;&|()])\#[^\n]*+)
    | (?P<quoted>'[^']*+(?:'|\Z)|\$'(?:[^'\\]++|\\.)*+(?:'|\\?\Z)|\\.)
    | (?P<double>"(?:[^"\\]++|\\.)*+(?:"|\\?\Z))
    | (?P<held>\$\(\([^()\n]*+\)\)|\$\{[^{}\n]*+\}|<<<)
    | (?P<here><<-?[ \t]*+(?:'[^'\n]*+'|"[^"\n]*+"|(?:[^\s;&|<>()'"\\]|\\.)++))
    | (?P<redirect>\d*+(?:&>>?|>>|>\||>&|<&|<>|[<>](?!\()))
    | (?P<cut>;;&?|;&|&&|\|\||\|&|[;|&\n`]|[$<>]?\(|\)|\{(?=\s)|(?<![^\s;)])\}(?=[\s;)&|]|\Z))
    | (?P<word>[^\s'"\\$`;&|()<>{}]++)
    | (?P<mark>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_LIVE: Final = re.compile(r"[$`\\]")
_RESERVED: Final = re.compile(r"\s*(?:(?:then|do|else|elif|if|while|until|time|coproc|!|\{)(?=\s|\Z)\s*)+")
_BRACES: Final = re.compile(r"\s*\{([^\s{}'\"$`]*,[^\s{}'\"$`]*)\}")


def fragments(text: str) -> Iterator[Fragment]:
    """Every fragment, empty ones too: the caller pays for each."""
    reader = _Reader(text)
    while (fragment := reader.next()) is not None:
        yield fragment


def weigh(text: str) -> int:
    """Tokens of the script; counting stops soon after HEAVIEST."""
    weight = 0
    for fragment in fragments(text):
        weight += fragment.weight
        if weight > HEAVIEST:
            break
    return weight


class _Reader:
    """Where the pass over the script stands."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._cut = ""  # what ended the fragment before
        self._open = 0  # parentheses
        self._bodies = (
            len(text),
            len(text),
        )  # the newline before here-documents that were read already, and where they end

    def next(self) -> Fragment | None:
        self._skip_bodies()
        text, start = self._text, self._at
        if start >= len(text):
            return None
        weight, end, cut, light_end = 1, len(text), "", -1
        here: re.Match[str] | None = None
        while self._at < len(text):
            match = _TOKEN.match(text, self._at)
            assert match is not None  # the last alternative takes any character
            self._at = match.end()
            kind = match.lastgroup
            if kind == "cut":
                end, cut = match.start(), match[0]
                break
            weight += 1 + _extra(kind, match[0])
            here = match if kind == "here" else here
            if weight > HEAVIEST and light_end < 0:
                light_end = match.start() - start
            if weight > _GIVEN_UP:
                self._at = end
                break
        piped, self._cut = self._cut in ("|", "|&"), cut
        is_pattern = cut == ")" and not self._open
        self._open = max(0, self._open + cut.endswith("(") - (cut == ")"))
        if here is None:
            light_end = end - start if light_end < 0 else light_end
            return Fragment(text[start:end], weight, start, light_end, piped, is_pattern=is_pattern)
        body, literal = self._body(here[0], end)
        shown = text[start : here.start()] + text[here.end() : end]
        weight += len(body) // 4_096 + 8 * body.count("<<") + (0 if literal else len(_LIVE.findall(body)))
        return Fragment(shown, weight, start, len(shown) if light_end < 0 else light_end, piped, body, literal)

    def _body(self, opening: str, end: int) -> tuple[str, bool]:
        """The here-document that begins after this line, or after the one before it."""
        word = opening.lstrip("<-").strip()
        delimiter = word.strip("'\"").replace("\\", "")
        newline, begins = self._bodies
        if not end <= newline < len(self._text):
            newline = self._text.find("\n", end)
            begins = newline + 1
        if newline < 0:
            return "", True
        closing = re.compile(r"^\t*" + re.escape(delimiter) + r"\r?$", re.MULTILINE).search(self._text, begins)
        body_end, after = (closing.start(), closing.end()) if closing else (len(self._text), len(self._text))
        self._bodies = (newline, after)
        return self._text[begins:body_end], word != delimiter

    def _skip_bodies(self) -> None:
        """`cat <<E | sh`: the rest of the line is read first, and the body is not read as commands."""
        newline, after = self._bodies
        if newline < self._at:
            self._at = max(self._at, after)
            self._bodies = (len(self._text), len(self._text))


_SUBSTITUTION: Final = re.compile(r"\\.|\$\((?!\()|[()`]", re.DOTALL)


def substitutions(text: str) -> Iterator[str]:
    """The scripts in $(…) and `…`, outermost only, where double quotes or a here-document hold them."""
    depth, start, tick = 0, 0, -1
    for match in _SUBSTITUTION.finditer(text):
        part = match[0]
        if part == "`" and not depth:
            if tick >= 0:
                yield text[tick : match.start()]
            tick = match.end() if tick < 0 else -1
        elif part == "$(" or (part == "(" and depth):
            start = start if depth else match.end()
            depth += 1
        elif part == ")" and depth:
            depth -= 1
            if not depth:
                yield text[start : match.start()]
    if depth:
        yield text[start:]


def _extra(kind: str | None, text: str) -> int:
    """What the parser may see in a part beyond the one: it does not always agree on where a comment or a word ends."""
    if kind == "double":
        return len(_LIVE.findall(text)) + len(text) // 4_096
    return len(text) // {"quoted": 4_096, "comment": 4}.get(kind or "", 16)


def bare(fragment: str) -> str:
    """The fragment without the reserved words before its command, and `{rm,-rf,/}` as the words that it stands for."""
    text = fragment[match.end() :] if (match := _RESERVED.match(fragment)) else fragment
    if braces := _BRACES.match(text):
        return braces[1].replace(",", " ") + text[braces.end() :]
    return text
