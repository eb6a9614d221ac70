"""What approval rules look at, found out from an exchange; only what some rule asks for. Not the rules (policy/), no addon itself."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from addons.approvals.state import Shown
from addons.asking import Before
from addons.commands.read import read as commands_in
from addons.console import readings
from addons.console.desk import Desk
from addons.hooks import Exchange
from addons.policy.approval_rules import AttachmentFact, CommandFact, Facts, Rulebook
from addons.policy.model import Direction, FirstUse
from addons.providers import doors
from addons.providers.call import Call, Kind, Part
from addons.providers.conversation import Ask, Step

_NAMED = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:\S{0,2047}|[\w\-]{0,128}")
ATTACHED = (Kind.IMAGE, Kind.AUDIO, Kind.DOCUMENT)
CHARACTERS_A_TOKEN = 4  # of English prose, by the vendors' own rule of thumb: an estimate, before anything is sent
SHOWN_CHARACTERS = 64 << 10  # of one held tool call, to approvers
LARGE_TEXT = 16 << 10  # characters: over this a message is looked through in a thread


class FactFinder:
    """The rules in force, and the facts they need."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._digest = ""
        self._book = Rulebook(())
        self._used: set[tuple[str, str, str]] = set()  # (subject, what, name): seen in the store, so no first use

    @property
    def book(self) -> Rulebook:
        if self._digest != self.desk.policies.digest:
            self._book, self._digest = Rulebook(self.desk.policies.approval), self.desk.policies.digest
        return self._book

    async def of_request(self, exchange: Exchange) -> Facts:
        assert exchange.call
        direction = Direction.REQUEST
        return self._facts(
            exchange,
            direction,
            exchange.request.parts,
            entities=exchange.request.entities,
            attachments=tuple(_attachments(exchange.request.parts)),
            estimated_tokens=_tokens(exchange.call) if self.book.needs(direction, "estimated_tokens") else 0,
            first_use=await self._first_use(exchange) if self.book.needs(direction, "first_use") else frozenset(),
        )

    async def of_message(self, exchange: Exchange, ask: Ask, model: str, before: Before) -> Facts:
        """Of a client's message in a WebSocket. What it has said before for the same call counts; it is read again with the call alone."""
        direction, find = Direction.REQUEST, partial(self._of_message, exchange, ask, model, before)
        large = sum(len(part.content) for part in ask.parts if not part.base64) > LARGE_TEXT
        facts = await asyncio.to_thread(find) if large else find()
        if not self.book.needs(direction, "first_use"):
            return facts
        return replace(facts, first_use=await self._first_use(exchange, model))

    def _of_message(self, exchange: Exchange, ask: Ask, model: str, before: Before) -> Facts:
        direction, needs = Direction.REQUEST, self.book.needs
        length = before.characters + sum(len(part.content) for part in ask.parts if not part.base64)
        found = self._entities(exchange, ask.parts, direction) if needs(direction, "entities") else Counter[str]()
        return self._facts(
            exchange,
            direction,
            (*before.parts, *ask.parts) if ask.step is Step.CALL else ask.parts,
            model=model,
            at=self.desk.clock(),
            entities=before.entities + found,
            attachments=tuple(_attachments(ask.parts)),
            estimated_tokens=length // CHARACTERS_A_TOKEN,
        )

    def was_asked(self, exchange: Exchange, model: str) -> None:
        """A message about this model has left: the next is no first use."""
        assert exchange.caller
        self._used.add((exchange.caller.subject, FirstUse.MODEL, model))

    def of_reply(self, exchange: Exchange, parts: tuple[Part, ...]) -> Facts:
        """Of tool calls or texts in a reply."""
        needed = self.book.needs(Direction.RESPONSE, "entities")
        return self._facts(
            exchange,
            Direction.RESPONSE,
            parts,
            entities=self._entities(exchange, parts, Direction.RESPONSE) if needed else {},
        )

    def shown(self, exchange: Exchange, parts: Sequence[Part], direction: Direction) -> tuple[Shown, ...]:
        """Held parts of a reply, or of a WebSocket's message, as approvers see them: masked as the record has them."""
        masked = partial(self.desk.mask_part, exchange, direction=direction.value)
        names = [part.name if part.kind is Kind.TOOL_CALL else "" for part in parts]
        return tuple(
            Shown(masked(Part(Kind.TEXT, name))[0], masked(part)[0][:SHOWN_CHARACTERS])
            for name, part in zip(names, parts, strict=True)
        )

    def _entities(self, exchange: Exchange, parts: Iterable[Part], direction: Direction) -> Counter[str]:
        found: Counter[str] = Counter()
        for part in parts:
            for hit in self.desk.mask_part(exchange, part, direction=direction.value)[1]:
                found[hit.entity] += hit.count
        return found

    def _facts(
        self,
        exchange: Exchange,
        direction: Direction,
        parts: tuple[Part, ...],
        *,
        model: str = "",
        at: datetime | None = None,
        **more: object,
    ) -> Facts:
        assert exchange.caller
        assert exchange.connection
        assert exchange.call
        calls = tuple(part for part in parts if part.kind is Kind.TOOL_CALL)
        statements = self.book.needs(direction, "commands")
        rows = tuple(row for part in calls for row in commands_in(part)) if statements else ()
        return Facts(
            direction=direction,
            connection=exchange.connection.id,
            provider=exchange.connection.provider,
            model=model or _model(exchange),
            endpoint=exchange.call.endpoint,
            groups=exchange.caller.groups,
            purpose=exchange.caller.purpose,
            at=at or exchange.opened_at,
            texts=tuple(part.content for part in parts if not part.base64),
            tools=tuple(part.name for part in calls),
            commands=tuple(CommandFact(row.language.value, row.verb, row.objects) for row in rows),
            **more,  # type: ignore[arg-type] # named by the methods above
        )

    async def _first_use(self, exchange: Exchange, model: str = "") -> frozenset[FirstUse]:
        assert exchange.caller
        assert exchange.connection
        assert exchange.call
        names = {FirstUse.CONNECTION: exchange.connection.id, FirstUse.MODEL: model or exchange.call.model}
        if not names[FirstUse.MODEL] and doors.knows_conversation(exchange.call):
            del names[FirstUse.MODEL]  # a WebSocket opens: its messages name one
        subject = exchange.caller.subject
        unknown = {what: name for what, name in names.items() if (subject, what, name) not in self._used}
        first = await asyncio.to_thread(self._unused, subject, unknown) if unknown else frozenset()
        self._used |= {(subject, what, name) for what, name in unknown.items() if what not in first}
        return first

    def _unused(self, subject: str, names: dict[FirstUse, str]) -> frozenset[FirstUse]:
        with self.desk.store.reading() as database:
            return frozenset(
                what for what, name in names.items() if not readings.was_sent(database, subject, what.value, name)
            )


def _model(exchange: Exchange) -> str:
    """In a WebSocket the client may name another than its address did."""
    assert exchange.call
    asked = exchange.asking.model if exchange.asking else ""
    return asked or exchange.call.model or (exchange.conversation.model if exchange.conversation else "")


def _attachments(parts: Iterable[Part]) -> Iterable[AttachmentFact]:
    for part in parts:
        if part.kind in ATTACHED:
            yield AttachmentFact(part.media_type, part.kind.value, _size(part))


def _size(part: Part) -> int:
    """Bytes of what is attached: of a file that reads as text too. Of one that is only named, by its address or id, nobody here knows them."""
    if part.base64:
        return len(part.content) * 3 // 4 - part.content[-2:].count("=")
    return 0 if _NAMED.fullmatch(part.content) else len(part.content.encode())


def _tokens(call: Call) -> int:
    """Of all the turns, history included: what the provider will count."""
    return (
        sum(len(part.content) for turn in call.turns for part in turn.parts() if not part.base64) // CHARACTERS_A_TOKEN
    )
