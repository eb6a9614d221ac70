"""What approval rules look at, found out from an exchange; only what some rule asks for. Not the rules (policy/), no addon itself."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable

from addons.approvals.state import Shown
from addons.commands.read import read as commands_in
from addons.console import readings
from addons.console.desk import Desk
from addons.hooks import Exchange
from addons.policy.approval_rules import AttachmentFact, CommandFact, Facts, Rulebook
from addons.policy.model import Direction, FirstUse
from addons.providers.call import Call, Kind, Part

ATTACHED = (Kind.IMAGE, Kind.AUDIO, Kind.DOCUMENT)
CHARACTERS_A_TOKEN = 4  # of English prose, by the vendors' own rule of thumb: an estimate, before anything is sent
SHOWN_CHARACTERS = 64 << 10  # of one held tool call, to approvers


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

    def of_reply(self, exchange: Exchange, parts: tuple[Part, ...]) -> Facts:
        """Of tool calls or texts in a reply."""
        needed = self.book.needs(Direction.RESPONSE, "entities")
        return self._facts(
            exchange, Direction.RESPONSE, parts, entities=self._entities(exchange, parts) if needed else {}
        )

    def shown(self, exchange: Exchange, parts: Iterable[Part]) -> tuple[Shown, ...]:
        """Held parts of a reply as approvers see them: masked as the record will have them."""
        masked = self.desk.mask_reply_part
        return tuple(
            Shown(masked(exchange, Part(Kind.TEXT, part.name))[0], masked(exchange, part)[0][:SHOWN_CHARACTERS])
            for part in parts
        )

    def _entities(self, exchange: Exchange, parts: Iterable[Part]) -> Counter[str]:
        found: Counter[str] = Counter()
        for part in parts:
            for hit in self.desk.mask_reply_part(exchange, part)[1]:
                found[hit.entity] += hit.count
        return found

    def _facts(self, exchange: Exchange, direction: Direction, parts: tuple[Part, ...], **more: object) -> Facts:
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
            model=exchange.call.model or (exchange.conversation.model if exchange.conversation else ""),
            endpoint=exchange.call.endpoint,
            groups=exchange.caller.groups,
            purpose=exchange.caller.purpose,
            at=exchange.opened_at,
            texts=tuple(part.content for part in parts if not part.base64),
            tools=tuple(part.name for part in calls),
            commands=tuple(CommandFact(row.language.value, row.verb, row.objects) for row in rows),
            **more,  # type: ignore[arg-type] # named by the two methods above
        )

    async def _first_use(self, exchange: Exchange) -> frozenset[FirstUse]:
        assert exchange.caller
        assert exchange.connection
        assert exchange.call
        names = {FirstUse.CONNECTION: exchange.connection.id, FirstUse.MODEL: exchange.call.model}
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


def _attachments(parts: Iterable[Part]) -> Iterable[AttachmentFact]:
    for part in parts:
        if part.kind in ATTACHED:
            size = len(part.content) * 3 // 4 - part.content[-2:].count("=") if part.base64 else 0
            yield AttachmentFact(part.media_type, part.kind.value, size)


def _tokens(call: Call) -> int:
    """Of all the turns, history included: what the provider will count."""
    return (
        sum(len(part.content) for turn in call.turns for part in turn.parts() if not part.base64) // CHARACTERS_A_TOKEN
    )
