"""masking.yaml and approval.yaml: what the record keeps, and what people must agree to. Their commented examples: policies/."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from addons.policy import forms, nodes
from addons.policy.faults import nearest
from addons.policy.fields import ID, Fields, Form, Marked, shown
from addons.policy.model import (
    ApprovalRule,
    Approvers,
    CommandMatch,
    Direction,
    MaskAction,
    MaskingRule,
    Then,
    When,
    Wire,
)
from addons.policy.patterns import PATTERN_CHARACTERS, PatternRefused, compile_pattern

KEYS = ("version", "rules")
MASKING_KEYS = ("id", "entities", "action", "wire", "connections", "groups", "directions")
APPROVAL_KEYS = ("id", "when", "then", "approvers", "hold_seconds", "expires_seconds", "reason")
WHEN_KEYS = ("direction", "entities", "pattern", "tools", "commands", "groups", "connections", "models")
COMMAND_KEYS = ("language", "verb", "objects")
APPROVER_KEYS = ("groups", "count")
HOLD_KEYS = ("approvers", "hold_seconds", "expires_seconds")

LONGEST_HOLD = 86_400
LONGEST_WAIT = 30 * 86_400
DEFAULT_EXPIRES = 3_600
_MOST_APPROVERS = 10
_LANGUAGES = ("sql", "shell", "http", "mcp", "python", "other")  # the store's `commands.language`

_LANGUAGE = Form(f"a language ({', '.join(_LANGUAGES)})", lambda text: text in _LANGUAGES)
_DIRECTION = Form("request or response", lambda text: text in list(Direction))
_PATTERN = Form(f"a regular expression of 1-{PATTERN_CHARACTERS} characters", bool)


# masking.yaml


def read_masking(fields: Fields, entities: frozenset[str]) -> tuple[MaskingRule, ...]:
    """The first rule that fits decides; so what a rule for every call takes is not there for the rules below."""
    taken: dict[str, str] = {}
    return tuple(_masking_rule(rule, entities, taken) for rule in fields.each("rules", "rule", MASKING_KEYS))


def _masking_rule(rule: Fields, known: frozenset[str], taken: dict[str, str]) -> MaskingRule:
    """taken: entity -> the rule above that decides it for every call."""
    rule_id = rule.own_id("rule")
    entities = _free_entities(rule, known, taken)
    connections = rule.marked("connections", ID, ())
    for connection in connections:
        rule.reading.mention(connection, "connection")
    groups = rule.texts("groups", forms.GROUP, ())
    directions = rule.texts("directions", _DIRECTION, ())
    if not (connections or groups or directions):
        taken.update(dict.fromkeys(entities, rule_id))
    action = rule.choice("action", MaskAction)
    wire = _wire(rule)
    if wire is Wire.REQUEST and action in (MaskAction.KEEP, MaskAction.BLOCK):
        rule.reading.fault(
            rule.at("wire"), f"wire: none beside action: {action}", "request", f"{action} sends nothing masked"
        )
    return MaskingRule(
        rule_id, entities, action, wire, tuple(item.text for item in connections), groups, _directions(directions)
    )


def _free_entities(rule: Fields, known: frozenset[str], taken: Mapping[str, str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    items = _entities(rule.marked("entities", forms.GLOB), known, rule)
    for item in items:
        fitting = sorted(name for name in known if fnmatchcase(name, item.text))
        found.update(dict.fromkeys(name for name in fitting if name not in taken))
        if not _is_glob(item.text) and item.text in taken:
            rule.reading.fault(
                item.line,
                "an entity that no rule above decides",
                f'{item.text}, which rule "{taken[item.text]}" decides',
                "take it out, or move this rule up",
            )
    if items and not found:
        rule.reading.fault(rule.at("entities"), "an entity that no rule above decides", "none", "take the rule out")
    return tuple(found)


def _directions(words: tuple[str, ...]) -> tuple[Direction, ...]:
    return tuple(Direction(word) for word in words if word)


def _wire(rule: Fields) -> Wire:
    node = rule.node("wire", required=False)
    if isinstance(node, nodes.Scalar) and node.value in ("response", "both"):
        rule.reading.fault(
            node.line,
            "wire: none or request",
            f'"{node.value}"',
            "masking what the client gets is not available in this version; the record is masked either way",
        )
        return Wire.NONE
    return rule.choice("wire", Wire, Wire.NONE)


def _entities(items: Iterable[Marked], known: frozenset[str], fields: Fields) -> list[Marked]:
    """Those that are known, or fit something known."""
    good = []
    for item in items:
        if not item.text:
            continue
        if any(fnmatchcase(name, item.text) for name in known):
            good.append(item)
        else:
            fields.reading.fault(
                item.line, "an entity that a detector finds", shown(item.text), nearest(item.text, known)
            )
    return good


def _is_glob(text: str) -> bool:
    return any(letter in text for letter in "*?[")


# approval.yaml


def read_approval(fields: Fields, entities: frozenset[str]) -> tuple[ApprovalRule, ...]:
    return tuple(_approval_rule(rule, entities) for rule in fields.each("rules", "rule", APPROVAL_KEYS))


def _approval_rule(rule: Fields, entities: frozenset[str]) -> ApprovalRule:
    rule_id = rule.own_id("rule")
    then = rule.choice("then", Then)
    when = rule.inner("when", WHEN_KEYS)
    approvers, hold_seconds, expires_seconds = _hold(rule, then) if _said(rule, then) else (Approvers(), 0, 0)
    return ApprovalRule(
        id=rule_id,
        when=When(Direction.REQUEST) if when is None else _when(when, entities),
        then=then,
        approvers=approvers,
        hold_seconds=hold_seconds,
        expires_seconds=expires_seconds,
        reason=rule.text("reason", forms.LINE, ""),
    )


def _said(rule: Fields, then: Then) -> bool:
    """Whether `then` is the file's own word: what must stand beside a misspelt one is not known."""
    node = rule.node("then", required=False)
    return isinstance(node, nodes.Scalar) and node.value == then


def _hold(rule: Fields, then: Then) -> tuple[Approvers, int, int]:
    if then is not Then.HOLD:
        for key in (key for key in HOLD_KEYS if key in rule):
            rule.reading.fault(rule.at(key), f"{key} only beside then: hold", f"then: {then}", "take it out, or hold")
        return Approvers(), 0, 0
    if "hold_seconds" not in rule:
        needed = f"hold_seconds (1-{LONGEST_HOLD}) beside then: hold"
        rule.reading.fault(rule.line, needed, "none", "add it, or use then: deny")
    hold_seconds = rule.whole("hold_seconds", 1, LONGEST_HOLD, 1)
    expires_seconds = rule.whole("expires_seconds", 1, LONGEST_WAIT, DEFAULT_EXPIRES)
    if hold_seconds > expires_seconds:
        needed = f"hold_seconds of at most expires_seconds ({expires_seconds})"
        rule.reading.fault(
            rule.at("hold_seconds"), needed, str(hold_seconds), "change one: a flow waits no longer than its approval"
        )
    return _approvers(rule), hold_seconds, expires_seconds


def _approvers(rule: Fields) -> Approvers:
    fields = rule.inner("approvers", APPROVER_KEYS)
    if fields is None:
        return Approvers()
    return Approvers(fields.texts("groups", forms.GROUP), fields.whole("count", 1, _MOST_APPROVERS, 1))


def _when(fields: Fields, entities: frozenset[str]) -> When:
    connections = fields.marked("connections", forms.ID_GLOB, ())
    for connection in connections:
        if connection.text != "*":
            fields.reading.mention(connection, "connection")
    direction = fields.choice("direction", Direction)
    if direction is Direction.RESPONSE and "entities" in fields:
        fields.reading.fault(
            fields.at("entities"),
            "entities only beside direction: request",
            "direction: response",
            "in this version replies are matched by tools, commands and pattern; a rule that never fits protects nothing",
        )
    return When(
        direction=direction,
        entities=_counts(fields, entities),
        pattern=_pattern(fields),
        tools=fields.texts("tools", forms.GLOB, ()),
        commands=_commands(fields.inner("commands", COMMAND_KEYS, required=False)),
        groups=fields.texts("groups", forms.GROUP, ()),
        connections=tuple(connection.text for connection in connections),
        models=fields.texts("models", forms.MODEL_GLOB, ()),
    )


def _counts(fields: Fields, known: frozenset[str]) -> tuple[tuple[str, int], ...]:
    """`[CREDIT_CARD, US_*]` is at least one of any; `{CREDIT_CARD: 10}` at least ten."""
    node = fields.node("entities", required=False)
    if isinstance(node, nodes.Mapping):
        counted = Fields(fields.reading, node, "entities", tuple(entry.key for entry in node.entries))
        items = [
            (Marked(entry.key, entry.line), counted.whole(entry.key, 1, 1_000_000))
            for entry in node.entries
        ]  # fmt: skip
        if not items:
            fields.reading.fault(node.line, "an entity and how many", "none", "add one, or leave the key out")
    else:
        items = [(item, 1) for item in fields.marked("entities", forms.GLOB, ())]
    counts: dict[str, int] = {}
    for item, count in items:
        for good in _entities((item,), known, fields):
            for name in sorted(name for name in known if fnmatchcase(name, good.text)):
                counts[name] = min(count, counts.get(name, count))
    return tuple(counts.items())


def _pattern(fields: Fields) -> re.Pattern[str] | None:
    text = fields.text("pattern", _PATTERN, "")
    if not text:
        return None
    try:
        return compile_pattern(text)
    except PatternRefused as refused:
        fields.reading.fault(fields.at("pattern"), *refused.parts)
        return None


def _commands(fields: Fields | None) -> CommandMatch | None:
    if fields is None:
        return None
    if fields.readable and not any(key in fields for key in COMMAND_KEYS):
        fields.reading.fault(fields.line, f"one of {', '.join(COMMAND_KEYS)} in commands", "none", "add one")
    return CommandMatch(
        languages=fields.texts("language", _LANGUAGE, ()),
        verbs=tuple(verb.casefold() for verb in fields.texts("verb", forms.LINE, ())),
        objects=fields.texts("objects", forms.GLOB, ()),
    )
