r"""SQL text into statements and tokens, in one linear pass. Not a grammar: sql_tree.py parses, sql_words.py reads without one.

Databases disagree about where a comment or a string ends, and nobody tells us which database will run the statement:
`'\'; DELETE FROM t; --'` is one string to MySQL and a DELETE to PostgreSQL. So a text is cut in each Way that its
characters leave open. Sources: PostgreSQL 17 manual 4.1; MySQL 8.4 manual 11.1 and 11.7; T-SQL reference, "Comments".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from addons.commands.budget import Budget, Work

TOKENS_OF_A_STATEMENT: Final = 4_000  # kept; a longer statement's tail (rows of VALUES) is only searched for its end


class Sort(StrEnum):
    WORD = "word"
    NAME = "name"  # a quoted identifier, quotes off
    STRING = "string"  # a literal, quotes off
    MARK = "mark"  # one character of punctuation; a number


class Token(NamedTuple):
    sort: Sort
    text: str
    start: int
    end: int

    def __repr__(self) -> str:
        return f"Token({self.sort.value}, start={self.start}, end={self.end})"

    @property
    def upper(self) -> str:
        """The keyword it may be; "" for quoted things, so that no literal is ever taken for a keyword."""
        return self.text.upper() if self.sort in (Sort.WORD, Sort.MARK) else ""


@dataclass(frozen=True, slots=True)
class Statement:
    text: str = field(repr=False)  # as written, comments and all
    tokens: tuple[Token, ...] = field(repr=False)
    source: str = field(repr=False)  # the whole text, which the tokens' offsets count in
    end: int
    whole: bool = True  # False: there were more tokens than TOKENS_OF_A_STATEMENT

    def plain(self, tokens: Sequence[Token]) -> str:
        """The statement from the first of `tokens` to the last, each comment and odd space one plain space."""
        pieces: list[str] = []
        end = tokens[0].start if tokens else 0
        for token in tokens:
            if token.start > end:
                pieces.append(" ")
            pieces.append(self.source[token.start : token.end])
            end = token.end
        return "".join(pieces)


@dataclass(frozen=True, slots=True)
class Way:
    """One way to read the text: what a family of databases takes for comments, strings and names."""

    name: str
    pattern: re.Pattern[str] = field(repr=False)
    nested_comments: bool = False
    dollar_strings: bool = False
    live_comments: bool = False  # /*!50000 … */ is code
    double_is_string: bool = False


_SPACE: Final = r"(?P<space>[\s\x00-\x20\x7f\x85\xa0\xad\u180e\u200b-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff]++)"
_SINGLE: Final = r"'[^']*+(?:''[^']*+)*+(?:'|\Z)"
_SINGLE_BACKSLASH: Final = r"'(?:[^'\\]++|\\.|'')*+(?:'|\\?\Z)"
_DOUBLE: Final = r'"[^"]*+(?:""[^"]*+)*+(?:"|\Z)'
_DOUBLE_BACKSLASH: Final = r'"(?:[^"\\]++|\\.|"")*+(?:"|\\?\Z)'
_BACKTICK: Final = r"`[^`]*+(?:``[^`]*+)*+(?:`|\Z)"
_WORD: Final = r"(?P<word>[^\W\d][\w$\#]*+)"
_REST: Final = r"(?P<number>\d[\w.]*+)|(?P<mark>.)"


def _pattern(line_comment: str, string: str, name: str, *others: str) -> re.Pattern[str]:
    quoted = (f"(?P<string>{string})", f"(?P<name>{name})")
    parts = (_SPACE, f"(?P<line>{line_comment})", *others, r"(?P<block>/\*)", *quoted, _WORD, _REST)
    return re.compile("|".join(parts), re.DOTALL)


# The PostgreSQL manual ends a `--` comment at a newline or a carriage return; MySQL wants a space after `--`.
POSTGRES: Final = Way(
    "postgres",
    _pattern(
        r"--[^\n\r]*+",
        f"[eE]{_SINGLE_BACKSLASH}|{_SINGLE}",
        f"{_DOUBLE}|{_BACKTICK}",
        r"(?P<dollar>\$(?:[^\W\d]\w*+)?\$)",
    ),
    nested_comments=True,
    dollar_strings=True,
)
MYSQL: Final = Way(
    "mysql",
    _pattern(
        r"\#[^\n]*+|--(?=[\s\x00-\x20]|\Z)[^\n]*+",
        f"{_SINGLE_BACKSLASH}|{_DOUBLE_BACKSLASH}",
        _BACKTICK,
        r"(?P<live>/\*M?!\d*+)",
        r"(?P<close>\*/)",
    ),
    live_comments=True,
    double_is_string=True,
)
# T-SQL's names have at most 128 characters; the bound keeps a text of `[` linear.
BRACKETS: Final = Way(
    "brackets", _pattern(r"--[^\n]*+", _SINGLE, rf"{_DOUBLE}|{_BACKTICK}|\[(?:[^\]\n]|\]\]){{1,130}}+\]")
)

_MYSQL_DIFFERS: Final = re.compile(r"[\\\#\r$]|/\*|--[^\s]")
_BRACKETS_DIFFER: Final = re.compile(r"[\[\\$\r]|/\*")
# A line for the client alone, where a statement may begin: psql's `\\! rm x`, sqlite3's `.shell rm x`.
_CLIENT_LINE: Final = re.compile(r"\s*+(?:\\(?:!|\?|[A-Za-z]++)|\.[a-z]++\b)[^\n]*+")
_QUICK: Final = re.compile(
    r"(?:[^'\"`;$\#/\[\\\-*]++|'[^'\\]*+'(?!'))++"
)  # with literals that every database reads alike
_NESTED: Final = re.compile(r"/\*|\*/")


def ways(text: str) -> Iterator[Way]:
    """The ways whose reading may differ; every database agrees on most texts."""
    yield POSTGRES
    if _MYSQL_DIFFERS.search(text):
        yield MYSQL
    if _BRACKETS_DIFFER.search(text):
        yield BRACKETS


def statements(text: str, way: Way, budget: Budget) -> Iterator[Statement]:
    r"""Cuts at `;`, at psql's \g and at a line of GO; comments, strings and names never cut.

    When the budget is spent, the rest is one statement that is not whole, of no tokens at all.
    """
    cutter = _Cutter(text, way, budget)
    while (statement := cutter.next()) is not None:
        if statement.tokens or not statement.whole:
            yield statement


class _Cutter:
    """Where the pass over the text stands."""

    def __init__(self, text: str, way: Way, budget: Budget) -> None:
        self._text = text
        self._way = way
        self._budget = budget
        self._at = 0
        self._live = False  # inside /*! … */

    def next(self) -> Statement | None:
        if self._at >= len(self._text):
            return None
        if (line := _CLIENT_LINE.match(self._text, self._at)) is not None:
            return self._client_line(line)
        start, tokens, count = self._at, list[Token](), 0
        end = len(self._text)
        while self._at < len(self._text):
            if len(tokens) >= TOKENS_OF_A_STATEMENT and (quick := _QUICK.match(self._text, self._at)):
                self._at = quick.end()
                continue
            if not self._budget.spend(Work.SQL_TOKENS):
                return self._rest(start)
            before = self._at
            token = self._token()
            if token is None:
                continue
            if self._cuts(token, before):
                end = before
                break
            count += 1
            if count <= TOKENS_OF_A_STATEMENT:
                tokens.append(token)
        return Statement(
            self._text[start:end].strip(), tuple(tokens), self._text, end, whole=count <= TOKENS_OF_A_STATEMENT
        )

    def _client_line(self, line: re.Match[str]) -> Statement:
        """To a client it ends with the line, to a server with the semicolon: what stands between is read twice."""
        semicolon = self._text.find(";", line.start(), line.end())
        self._at = line.end() if semicolon < 0 else semicolon + 1
        mark = Token(Sort.MARK, line[0], line.start(), line.end())
        return Statement(line[0].strip(), (mark,), self._text, line.end())

    def _rest(self, start: int) -> Statement:
        self._at = len(self._text)
        return Statement(self._text[start:].strip(), (), self._text, self._at, whole=False)

    def _token(self) -> Token | None:
        """The token here, or None for what is only space."""
        match = self._way.pattern.match(self._text, self._at)
        assert match is not None  # the last alternative takes any character
        self._at = match.end()
        kind = match.lastgroup
        if kind == "block":
            self._at = self._end_of_comment(match.end())
        if kind == "live":
            self._live = True
        if kind == "close" and not self._live:
            return Token(Sort.MARK, "*", match.start(), match.end())
        if kind in ("space", "line", "block", "live", "close"):
            self._live = self._live and kind != "close"
            return None
        if kind == "dollar":
            return self._dollar_string(match)
        return _token(match, double_is_string=self._way.double_is_string)

    def _end_of_comment(self, at: int) -> int:
        if not self._way.nested_comments:
            end = self._text.find("*/", at)
            return len(self._text) if end < 0 else end + 2
        depth = 1
        for match in _NESTED.finditer(self._text, at):
            depth += 1 if match[0] == "/*" else -1
            if not depth:
                return match.end()
        return len(self._text)

    def _dollar_string(self, opening: re.Match[str]) -> Token:
        """$tag$ … $tag$; without its end, PostgreSQL takes the rest."""
        end = self._text.find(opening[0], opening.end())
        body_end = len(self._text) if end < 0 else end
        self._at = body_end if end < 0 else end + len(opening[0])
        return Token(Sort.STRING, self._text[opening.end() : body_end], opening.start(), self._at)

    def _cuts(self, token: Token, at: int) -> bool:
        if token.sort is Sort.WORD:
            return token.text in ("GO", "go", "Go") and self._alone_on_its_line(token)
        if token.sort is not Sort.MARK:
            return False
        if token.text == "\\" and self._text[at + 1 : at + 2] in ("g", "G"):
            self._at = at + 2
            return True
        if token.text == "\\" and self._text[at + 1 : at + 2] == "!":
            self._at = at
            return True
        return token.text == ";"

    def _alone_on_its_line(self, token: Token) -> bool:
        before = self._text[max(0, token.start - 80) : token.start].rpartition("\n")[2]
        after = self._text[token.end : token.end + 80].partition("\n")[0]
        return not before.strip() and not after.strip()


def _token(match: re.Match[str], *, double_is_string: bool) -> Token:
    kind, text = match.lastgroup, match[0]
    start, end = match.span()
    if kind == "word":
        return Token(Sort.WORD, text, start, end)
    if kind not in ("string", "name"):
        return Token(Sort.MARK, text, start, end)
    is_string = kind == "string" and (not text.startswith('"') or double_is_string)
    return Token(Sort.STRING if is_string else Sort.NAME, _unquoted(text), start, end)


def _unquoted(text: str) -> str:
    text = text[1:] if text[0] in "eE" else text
    quote = "]" if text[0] == "[" else text[0]
    body = text[1:-1] if len(text) > 1 and text[-1] == quote else text[1:]
    return body.replace(quote * 2, quote)
