"""masking.yaml: what the record keeps, and what the provider gets. Its commented example: policies/masking.yaml."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from addons.policy import forms
from addons.policy.faults import nearest
from addons.policy.fields import ID, Fields, Form, Marked, shown
from addons.policy.model import Direction, MaskAction, MaskingRule, Wire

KEYS = ("version", "rules")
MASKING_KEYS = ("id", "entities", "action", "wire", "connections", "groups", "directions", "restore")

_DIRECTION = Form("request or response", lambda text: text in list(Direction))


# masking.yaml


def read_masking(fields: Fields, entities: frozenset[str]) -> tuple[MaskingRule, ...]:
    """The first rule that fits decides; so what a rule for every call takes is not there for the rules below."""
    taken: dict[str, str] = {}
    return tuple(_masking_rule(rule, entities, taken) for rule in fields.each("rules", "rule", MASKING_KEYS))


def _masking_rule(rule: Fields, known: frozenset[str], taken: dict[str, str]) -> MaskingRule:
    """taken: entity -> the rule above that decides it for every call."""
    rule_id = rule.own_id("rule")
    entities = _freeknown_entities(rule, known, taken)
    connections = rule.marked("connections", ID, ())
    for connection in connections:
        rule.reading.mention(connection, "connection")
    groups = rule.texts("groups", forms.GROUP, ())
    directions = rule.texts("directions", _DIRECTION, ())
    if not (connections or groups or directions):
        taken.update(dict.fromkeys(entities, rule_id))
    action = rule.choice("action", MaskAction)
    wire = rule.choice("wire", Wire, Wire.NONE)
    if wire is not Wire.NONE and action in (MaskAction.KEEP, MaskAction.BLOCK):
        rule.reading.fault(
            rule.at("wire"), f"wire: none beside action: {action}", str(wire), f"{action} sends nothing masked"
        )
    restore = rule.flag("restore", default=False)
    if restore and (action is not MaskAction.HASH or wire is not Wire.REQUEST):
        rule.reading.fault(
            rule.at("restore"),
            "action: hash and wire: request beside restore",
            f"action: {action}, wire: {wire}",
            "only a placeholder that is one value's own, and that the provider got, can become that value again",
        )
    return MaskingRule(
        rule_id,
        entities,
        action,
        wire,
        tuple(item.text for item in connections),
        groups,
        _directions(directions),
        restore,
    )


def _freeknown_entities(rule: Fields, known: frozenset[str], taken: Mapping[str, str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    items = known_entities(rule.marked("entities", forms.GLOB), known, rule)
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


def known_entities(items: Iterable[Marked], known: frozenset[str], fields: Fields) -> list[Marked]:
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
