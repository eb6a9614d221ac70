"""masking.yaml: what the record keeps, and what the provider gets. Its commented example: policies/masking.yaml."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from addons.policy import forms
from addons.policy.faults import nearest
from addons.policy.fields import ID, Fields, Form, Marked, shown
from addons.policy.model import (
    Direction,
    MaskAction,
    MaskingAllowance,
    MaskingAnalyzer,
    MaskingPattern,
    MaskingRule,
    MaskingSearch,
    Wire,
)
from addons.policy.patterns import PATTERN_CHARACTERS, PatternRefused, compile_pattern

KEYS = ("version", "patterns", "allow", "search", "analyzer", "rules")
SEARCH_KEYS = ("on", "off")
ANALYZER_KEYS = ("entities", "language", "seconds")
MASKING_KEYS = (
    "id", "entities", "action", "wire", "connections", "groups", "directions", "restore", "threshold", "fields", "whole",
)  # fmt: skip
PATTERN_KEYS = ("id", "entity", "pattern", "confidence", "context", "matches", "not")
ALLOW_KEYS = ("id", "entities", "values", "patterns")
FIELD = "FIELD"  # the entity of a field that is masked whole
LONGEST_EXAMPLE = 2_000

_PATH = re.compile(
    r"(?:header|query):[!-~]{1,100}|\$(?:(?:\.\.)?(?:\.?(?:[A-Za-z_][\w\-]*|\*)|\[(?:'[^']{1,100}'|\"[^\"]{1,100}\"|[0-9]{1,6}|\*)\])){1,20}"
)
_DIRECTION = Form("request or response", lambda text: text in list(Direction))
_ENTITY = Form(
    "a name of 3-40 capitals and underscores (EMPLOYEE_BADGE)",
    lambda text: bool(re.fullmatch("[A-Z][A-Z_]{2,39}", text)),
)
_PATTERN = Form("a regular expression of 1-500 characters", lambda text: 0 < len(text) <= PATTERN_CHARACTERS)
_LANGUAGE = Form('a language of two letters ("en")', lambda text: bool(re.fullmatch("[a-z]{2}", text)))
_EXAMPLE = Form(f"a text of 1-{LONGEST_EXAMPLE} characters", lambda text: 0 < len(text) <= LONGEST_EXAMPLE, secret=True)
_PLACE = Form(
    'a JSON path ("$.metadata.user_id", "$.messages[*].name", "$..ssn"), "header:x-note" or "query:user"',
    lambda text: bool(_PATH.fullmatch(text)),
)

Probe = Callable[[str, tuple[str, ...], tuple[str, ...]], tuple[str, str, str] | None]
"""A custom pattern, what it must find, what it must not: why it is not used (expected, got, do), or None."""


@dataclass(frozen=True, slots=True)
class MaskingFile:
    rules: tuple[MaskingRule, ...]
    patterns: tuple[MaskingPattern, ...]
    allowances: tuple[MaskingAllowance, ...]
    analyzer: MaskingAnalyzer | None
    search: MaskingSearch

    @property
    def entities(self) -> frozenset[str]:
        """Those that only this policy knows."""
        return frozenset({one.entity for one in self.patterns} | set(self.analyzer.entities if self.analyzer else ()))


def read_masking(fields: Fields, entities: frozenset[str], probe: Probe | None = None) -> MaskingFile:
    """The first rule that fits decides; so what a rule for every call takes is not there for the rules below."""
    taken: dict[str, str] = {}
    named: set[str] = set()  # by a rule, in full
    patterns = tuple(
        _pattern(one, entities, probe) for one in fields.each("patterns", "pattern", PATTERN_KEYS, required=False)
    )
    analyzer = _analyzer(fields.inner("analyzer", ANALYZER_KEYS, required=False), entities)
    known = entities | {one.entity for one in patterns if one.entity} | set(analyzer.entities if analyzer else ())
    allowances = tuple(_allowance(one, known) for one in fields.each("allow", "allowance", ALLOW_KEYS, required=False))
    rules = tuple(_masking_rule(rule, known, taken, named) for rule in fields.each("rules", "rule", MASKING_KEYS))
    search = _search(fields.inner("search", SEARCH_KEYS, required=False), entities, named)
    return MaskingFile(rules, patterns, allowances, analyzer, search)


def _search(fields: Fields | None, known: frozenset[str], named: set[str]) -> MaskingSearch:
    """What a rule names in full is on."""
    if fields is None:
        return MaskingSearch(tuple(sorted(named)))
    lists: dict[str, tuple[str, ...]] = {}
    for key in SEARCH_KEYS:
        items = known_entities(fields.marked(key, forms.GLOB, ()), known, fields)
        lists[key] = tuple(sorted({name for item in items for name in known if fnmatchcase(name, item.text)}))
    if both := sorted({*lists["on"]} & {*lists["off"]}):
        fields.reading.fault(fields.line, "each entity in one of on and off", shown(both[0]), "take it out of one")
    return MaskingSearch(tuple(sorted({*lists["on"], *named})), lists["off"])


def _pattern(fields: Fields, known: frozenset[str], probe: Probe | None) -> MaskingPattern:
    """Its own tests stand beside it: `matches` it must find, of `not` nothing."""
    pattern_id, entity = fields.own_id("pattern"), fields.text("entity", _ENTITY)
    if entity in known or entity == FIELD:
        fields.reading.fault(fields.at("entity"), "a name of its own", shown(entity), "call it something else")
    text = fields.text("pattern", _PATTERN)
    matches, others = fields.texts("matches", _EXAMPLE), fields.texts("not", _EXAMPLE, ())
    if text and matches and probe and (fault := probe(text, matches, others)):
        fields.reading.fault(fields.at("pattern"), *fault)
    confidence = fields.whole("confidence", 50, 100, 80)
    return MaskingPattern(pattern_id, entity, text, confidence, fields.texts("context", forms.LINE, ()))


def _analyzer(fields: Fields | None, known: frozenset[str]) -> MaskingAnalyzer | None:
    if fields is None:
        return None
    found = fields.marked("entities", _ENTITY)
    for item in found:
        if item.text in known:
            fields.reading.fault(
                item.line,
                "an entity that no detector here finds",
                shown(item.text),
                "take it out: patterns find it faster",
            )
    return MaskingAnalyzer(
        tuple(item.text for item in found), fields.text("language", _LANGUAGE, "en"), fields.whole("seconds", 1, 60, 5)
    )


def _allowance(fields: Fields, known: frozenset[str]) -> MaskingAllowance:
    allowance_id = fields.own_id("allowance")
    items = known_entities(fields.marked("entities", forms.GLOB), known, fields)
    entities = sorted({name for item in items for name in known if fnmatchcase(name, item.text)})
    values = fields.texts("values", _EXAMPLE, ())
    patterns = []
    for item in fields.marked("patterns", _PATTERN, ()):
        try:
            patterns += [compile_pattern(item.text)] if item.text else []
        except PatternRefused as refused:
            fields.reading.fault(item.line, *refused.parts)
    if fields.readable and not values and "patterns" not in fields:
        fields.reading.fault(fields.line, "values or patterns in an allowance", "neither", "add one")
    return MaskingAllowance(allowance_id, tuple(entities), values, tuple(patterns))


def _masking_rule(rule: Fields, known: frozenset[str], taken: dict[str, str], named: set[str]) -> MaskingRule:
    """taken: entity -> the rule above that decides it for every call."""
    rule_id = rule.own_id("rule")
    whole, places = rule.flag("whole", default=False), rule.texts("fields", _PLACE, ())
    threshold = rule.whole("threshold", 0, 100, 0)
    entities = _whole_fields(rule, places) if whole else _free_entities(rule, known, taken, named)
    connections = rule.marked("connections", ID, ())
    for connection in connections:
        rule.reading.mention(connection, "connection")
    groups = rule.texts("groups", forms.GROUP, ())
    directions = rule.texts("directions", _DIRECTION, ())
    if not (connections or groups or directions or places or threshold):
        taken.update(dict.fromkeys(entities, rule_id))
    action, wire, restore = _done(rule)
    return MaskingRule(
        rule_id,
        entities,
        action,
        wire,
        tuple(item.text for item in connections),
        groups,
        _directions(directions),
        restore,
        threshold,
        places,
        whole,
    )


def _done(rule: Fields) -> tuple[MaskAction, Wire, bool]:
    """What is done, where, and whether it is undone in replies."""
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
    return action, wire, restore


def _whole_fields(rule: Fields, places: tuple[str, ...]) -> tuple[str, ...]:
    if not places:
        rule.reading.fault(rule.at("whole"), "fields beside whole", "none", 'name them ("$.metadata.user_id")')
    if "entities" in rule:
        rule.reading.fault(
            rule.at("entities"),
            "no entities beside whole",
            "some",
            "take one of the two out: whole masks whatever is said",
        )
    return (FIELD,)


def _free_entities(rule: Fields, known: frozenset[str], taken: Mapping[str, str], named: set[str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    items = known_entities(rule.marked("entities", forms.GLOB), known, rule)
    named |= {item.text for item in items if not _is_glob(item.text)}
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
