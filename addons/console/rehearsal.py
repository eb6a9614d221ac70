"""What masking rules would do to texts, counted by rule: to what was recorded, or to a file. Never a value, and nothing is written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from addons.masks.engine import Masker
from addons.masks.rules import Action, Rule


class Database(Protocol):
    """A reader of the store."""

    def execute(self, sql: str, parameters: tuple[Any, ...] = ...) -> Iterable[tuple[Any, ...]]: ...


@dataclass(frozen=True, slots=True)
class Said:
    """A text as it was recorded, or a line of a file; or a value that was masked then (`entity`), of which only its kind is known."""

    where: str  # the exchange's id, or the line
    connection: str
    groups: tuple[str, ...]
    direction: str
    text: str = field(default="", repr=False)
    place: str = ""  # JSON pointer of the message it stands in
    entity: str = ""
    count: int = 0


@dataclass(slots=True)
class Row:
    """One rule and entity. `rule` "": no rule decides it, so it is kept."""

    rule: str
    entity: str
    action: str
    wire: str
    masked_then: int = 0  # values that stood masked in the record already
    found_now: int = 0  # values that these rules find in what is readable
    places: set[str] = field(default_factory=set, repr=False)

    def told(self) -> dict[str, Any]:
        return {
            "rule": self.rule, "entity": self.entity, "action": self.action, "wire": self.wire,
            "masked_then": self.masked_then, "found_now": self.found_now, "exchanges": len(self.places),
        }  # fmt: skip


def rehearse(masker: Masker, rules: Iterable[Rule], said: Iterable[Said]) -> list[Row]:
    """A row for each rule and entity that would be hit, and one for each rule that hits nothing; in the rules' order."""
    by_id = {rule.id: rule for rule in rules}
    rows: dict[tuple[str, str], Row] = {}
    scopes: dict[tuple[Any, ...], Any] = {}

    def row(rule: Rule | None, entity: str) -> Row:
        name = rule.id if rule else ""
        made = Row(name, entity, rule.action.value if rule else Action.KEEP.value, rule.wire.value if rule else "none")
        return rows.setdefault((name, entity), made)

    for one in said:
        key = (one.connection, one.groups, one.direction)
        scope = scopes.get(key) or scopes.setdefault(key, masker.scope(*key))
        if one.entity:
            found = row(scope.rule_for(one.entity), one.entity)
            found.masked_then += one.count
            found.places.add(one.where)
            continue
        hits = scope.document(one.text.encode("utf-8", "surrogatepass"), "application/json", base=one.place).hits
        for hit in hits:
            found = row(by_id.get(hit.rule), hit.entity)
            found.found_now += hit.count
            found.places.add(one.where)
    quiet = [Row(rule.id, "", rule.action.value, rule.wire.value) for rule in by_id.values()]
    quiet = [one for one in quiet if not any(name == one.rule for name, _ in rows)]
    order = {name: number for number, name in enumerate(by_id)}
    return sorted(
        (*rows.values(), *quiet), key=lambda one: (order.get(one.rule, len(order)), -one.found_now, one.entity)
    )


def recorded(database: Database, since: str, until: str) -> Iterator[Said]:
    """Everything that exchanges opened in that time said, and what was masked in it."""
    heads = "SELECT id, connection, groups FROM exchanges WHERE opened_at >= ? AND opened_at < ?"
    for exchange, connection, groups in list(database.execute(heads, (since, until))):
        of = (exchange, connection or "", tuple(json.loads(groups or "[]")))
        for direction, position, content in list(
            database.execute("SELECT direction, position, content FROM messages WHERE exchange_id = ?", (exchange,))
        ):
            if content:
                yield Said(*of, direction, content, f"/messages/{position}")
        for entity, count in list(
            database.execute(
                "SELECT entity, sum(count) FROM maskings WHERE exchange_id = ? GROUP BY entity", (exchange,)
            )
        ):
            yield Said(*of, "request", entity=entity, count=count)


def lines(text: str, connection: str, groups: tuple[str, ...], direction: str) -> Iterator[Said]:
    """Of a file: one JSON value or one text a line; a whole JSON document is one."""
    try:
        json.loads(text)
    except ValueError:
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                yield Said(f"line {number}", connection, groups, direction, line)
    else:
        yield Said("the document", connection, groups, direction, text)
