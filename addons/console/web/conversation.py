"""What was asked, as a conversation that can be read in pages: who said what, what is masked, what the rule found. Pure; not HTML.

A text is cut, never shortened: every character is on some page, and a page has at most PAGE_CHARACTERS of them. Control characters
are still in the runs; the templates show them as pictures (pages.py).
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import pairwise
from typing import Any

from addons.commands.read import read as commands_in
from addons.masks.engine import ENTITIES
from addons.masks.placeholders import places
from addons.policy.approval_rules import Facts, Rulebook
from addons.policy.model import ApprovalRule, Direction, Then, When
from addons.providers.call import Kind, Part

PAGE_CHARACTERS = 40_000
LONG_CHARACTERS = 1200  # of instructions and lists of tools; over it they are folded
BLANK_WITHIN = 400  # characters before the end of a page, in which a blank is looked for to cut at
STATEMENT_CHARACTERS = 20_000  # of a tool call that is read for statements, and of arguments that are laid out
CLIENTS = ("user", "tool", "system")  # roles that no model has
NAMES = 40  # objects and verbs that are looked for in a text

Row = Mapping[str, Any]
Span = tuple[int, int]


class Mark(StrEnum):
    NONE = ""
    MASKED = "masked"  # a placeholder stands for a value
    MATCHED = "matched"  # what the rule found


@dataclass(frozen=True, slots=True)
class Run:
    """Text under one mark."""

    text: str = field(repr=False)
    mark: Mark = Mark.NONE


@dataclass(frozen=True, slots=True)
class Statement:
    """What a tool call would do."""

    language: str
    verb: str
    objects: tuple[str, ...]
    matched: bool


@dataclass(frozen=True, slots=True)
class Said:
    """One part of one message, whole."""

    role: str
    kind: str
    name: str
    call_id: str
    direction: str
    text: str = field(repr=False)
    held: bool = False  # it waits for the decision: the client has not seen it
    statements: tuple[Statement, ...] = ()
    spans: tuple[tuple[int, int, Mark], ...] = ()  # in order, apart from each other

    @property
    def matched(self) -> bool:
        return any(one.matched for one in self.statements) or any(mark is Mark.MATCHED for _, _, mark in self.spans)

    @property
    def folded(self) -> bool:
        """Lists of tools and long instructions are seldom the point."""
        return self.role == "system" and not self.matched and (self.name == "tools" or len(self.text) > LONG_CHARACTERS)


@dataclass(frozen=True, slots=True)
class Block:
    """As much of a part as stands on one page."""

    said: Said
    runs: tuple[Run, ...] = field(repr=False)
    start: int
    end: int

    @property
    def begins(self) -> bool:
        return self.start == 0

    @property
    def ends(self) -> bool:
        return self.end == len(self.said.text)


@dataclass(frozen=True, slots=True)
class Page:
    blocks: tuple[Block, ...]
    number: int  # from 1
    count: int
    matches: tuple[int, ...]  # the pages on which something matched


def parts(
    rows: Sequence[Row], rule: ApprovalRule | None, *, held: Iterable[Row] = (), own: Iterable[str] = ()
) -> tuple[Said, ...]:
    """The parts of an exchange in their order, then what is held of its reply and not in the record yet; with what `rule` found.

    held: name and text of each, a text without a name; own: the names of entities that the policies add.
    """
    recorded = {(row["name"] or "", row["content"]) for row in rows if row["direction"] == "response"}
    said = {text for _, text in recorded}
    ours = rule is not None and rule.when.direction is Direction.REQUEST  # messages of the client, in a WebSocket
    calls = [
        {
            "role": "user" if ours else "assistant",
            "kind": (Kind.TOOL_CALL if one["name"] else Kind.TEXT).value,
            "name": one["name"],
            "call_id": "",
            "direction": "request" if ours else "response",
            "content": one["text"],
        }
        for one in held
        if (one["name"], one["text"]) not in recorded and (one["name"] or one["text"] not in said)
    ]
    looking = None if rule is None else Looking.under(rule)
    entities = ENTITIES | frozenset(own)
    return (
        *(_said(row, looking, entities, held=False) for row in rows),
        *(_said(row, looking, entities, held=True) for row in calls),
    )


def page(said: Sequence[Said], number: int | None) -> Page:
    """number None: the first page with a match, else the last, which is the newest."""
    sheets = list(_sheets(said))
    matches = tuple(place for place, sheet in enumerate(sheets, 1) if any(_shows_match(said, cut) for cut in sheet))
    chosen = min(max(number or next(iter(matches), len(sheets)), 1), len(sheets))
    blocks = tuple(
        Block(said[index], _runs(said[index], start, end), start, end) for index, start, end in sheets[chosen - 1]
    )
    return Page(blocks, chosen, len(sheets), matches)


# -- what the rule found --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Looking:
    """What a rule looks for in one part. What else it asks for is true of the call as a whole, or it had not been held."""

    when: When
    calls: Rulebook  # a statement and its tool, alone

    @classmethod
    def under(cls, rule: ApprovalRule) -> Looking:
        alone = When(rule.when.direction, tools=rule.when.tools, commands=rule.when.commands)
        return cls(rule.when, Rulebook([replace(rule, when=alone, then=Then.NOTIFY)]))

    def finds(self, tool: str, statement: tuple[str, str, tuple[str, ...]]) -> bool:
        facts = Facts(self.when.direction, "", "", "", (), tools=(tool,), commands=(statement,))
        return self.when.commands is not None and bool(self.calls.judge(facts).noted)


def _said(row: Row, looking: Looking | None, entities: frozenset[str], *, held: bool) -> Said:
    kind, text, tool = str(row["kind"] or ""), str(row["content"] or ""), str(row["name"] or "")
    if looking is not None and _side(row) is not looking.when.direction:
        looking = None  # the rule did not look here
    statements: tuple[Statement, ...] = ()
    if kind == Kind.TOOL_CALL:
        statements, text = tuple(_statements(tool, text, looking)), _laid_out(text)
    masked = places(text, entities)
    found = ([] if looking is None else list(_found(text, looking.when, masked))) + _named(text, statements)
    return Said(
        role=str(row["role"] or ""),
        kind=kind,
        name=tool,
        call_id=str(row["call_id"] or ""),
        direction=str(row["direction"]),
        text=text,
        held=held,
        statements=statements,
        spans=tuple(_apart(found, masked)),
    )


def _side(row: Row) -> Direction:
    """A WebSocket is recorded as one reply to its opening; what its client said is a request all the same."""
    return Direction.REQUEST if row["direction"] == "request" or row["role"] in CLIENTS else Direction.RESPONSE


def _statements(tool: str, arguments: str, looking: Looking | None) -> Iterator[Statement]:
    if len(arguments) > STATEMENT_CHARACTERS:
        return
    for read in commands_in(Part(Kind.TOOL_CALL, arguments, name=tool)):
        statement = (read.language.value, read.verb, read.objects)
        yield Statement(*statement, matched=looking is not None and looking.finds(tool, statement))


def _found(text: str, when: When, masked: Sequence[Span]) -> Iterator[Span]:
    entities = {name for name, _ in when.entities}
    for start, end in masked:
        if text[start + 1 : end].partition(":")[0].rstrip("]") in entities:
            yield start, end
    if when.pattern is not None:
        yield from (match.span() for match in when.pattern.finditer(text) if match.end() > match.start())


def _named(text: str, statements: Iterable[Statement]) -> list[Span]:
    """Where the verbs and objects of matching statements stand."""
    words = [
        word
        for one in statements
        if one.matched
        for word in (one.verb, *one.objects)
        if len(word) > 1 and word != "UNKNOWN"
    ]
    if not words:
        return []
    either = "|".join(re.escape(word) for word in sorted(set(words), key=len, reverse=True)[:NAMES])
    return [match.span() for match in re.finditer(rf"(?<!\w)(?:{either})(?!\w)", text, re.IGNORECASE)]


def _apart(matched: Iterable[Span], masked: Iterable[Span]) -> Iterator[tuple[int, int, Mark]]:
    """In order and without overlap; of two that overlap the match wins, and then the one that begins first."""
    kept: list[tuple[int, int, Mark]] = []
    for spans, mark in ((matched, Mark.MATCHED), (masked, Mark.MASKED)):
        taken = sorted(kept)
        starts = [start for start, _, _ in taken]
        end_before = -1
        for start, end in sorted(spans):
            place = bisect_right(starts, start)
            free = (place == 0 or taken[place - 1][1] <= start) and (place == len(taken) or end <= taken[place][0])
            if free and start >= end_before:
                kept.append((start, end, mark))
                end_before = end
    yield from sorted(kept)


def _laid_out(arguments: str) -> str:
    """JSON arguments with one to a line; as they are where they are long, or no JSON."""
    if len(arguments) > STATEMENT_CHARACTERS or arguments[:1] not in {"{", "["}:
        return arguments
    try:
        return json.dumps(json.loads(arguments), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return arguments


# -- pages ----------------------------------------------------------------------------------------------------------------


def _sheets(said: Sequence[Said]) -> Iterator[list[tuple[int, int, int]]]:
    """Of each page: (which part, from, to)."""
    sheet: list[tuple[int, int, int]] = []
    room = PAGE_CHARACTERS
    for index, one in enumerate(said):
        start, length = 0, len(one.text)
        while True:
            end = _cut(one.text, start, room)
            sheet.append((index, start, end))
            room -= end - start
            if end == length:
                break
            yield sheet
            sheet, room, start = [], PAGE_CHARACTERS, end
        if room <= 0:
            yield sheet
            sheet, room = [], PAGE_CHARACTERS
    if sheet or not said:
        yield sheet


def _cut(text: str, start: int, room: int) -> int:
    """Where the page ends: at the last blank near it, so that no word and no placeholder is torn."""
    end = start + room
    if end >= len(text):
        return len(text)
    blank = max(text.rfind(mark, max(start + 1, end - BLANK_WITHIN), end) for mark in ("\n", " "))
    return blank + 1 if blank > start else end


def _shows_match(said: Sequence[Said], cut: tuple[int, int, int]) -> bool:
    index, start, end = cut
    one = said[index]
    spans = [span for span in one.spans if span[2] is Mark.MATCHED]
    return any(start <= span[0] < end for span in spans) or (start == 0 and not spans and one.matched)


def _runs(said: Said, start: int, end: int) -> tuple[Run, ...]:
    inside = [(max(a, start), min(b, end), mark) for a, b, mark in said.spans if a < end and b > start]
    edges = sorted({start, end, *(edge for a, b, _ in inside for edge in (a, b))})
    marks = {a: mark for a, _, mark in inside}
    return tuple(Run(said.text[a:b], marks.get(a, Mark.NONE)) for a, b in pairwise(edges))
