"""Which approval rule decides a call, and why. Pure; not the asking of people (addons/approvals), not the doing.

The first rule in the order of the file that fits decides, as in a firewall: whoever reads the file from its top knows what happens.
`notify` and `observe` decide nothing: they are noted, and the rules below go on; so a new rule can begin as `observe` anywhere without
switching off what stands below it. A `require_purpose` that is met goes on too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import NamedTuple

from addons.policy import times
from addons.policy.matching import fits_one, folded_fit, in_groups
from addons.policy.model import (
    ApprovalRule,
    AttachmentMatch,
    CommandMatch,
    Direction,
    FirstUse,
    Then,
    TimeMatch,
    Weekday,
    When,
)

DECIDING = (Then.HOLD, Then.DENY, Then.PURPOSE)
CONTENT = frozenset(
    {"attachments", "commands", "entities", "estimated_tokens", "pattern", "tools"}
)  # what is said, not by whom or to whom


class CommandFact(NamedTuple):
    """One statement of a tool call; a plain tuple of the same three does as well."""

    language: str
    verb: str
    objects: tuple[str, ...]


class AttachmentFact(NamedTuple):
    """One image, sound or document."""

    media_type: str  # "image/png"; "" where the wire does not say
    kind: str  # "image" | "audio" | "document"
    size_bytes: int  # 0 of one that is only referred to


@dataclass(frozen=True, slots=True)
class Facts:
    """What approval rules may look at. texts, and objects of commands, may be unmasked: in memory only."""

    direction: Direction
    connection: str
    provider: str
    model: str
    groups: tuple[str, ...]
    entities: Mapping[str, int] = field(default_factory=dict)  # how many of each were found
    texts: tuple[str, ...] = field(default=(), repr=False)
    tools: tuple[str, ...] = ()  # names of called tools
    commands: tuple[tuple[str, str, tuple[str, ...]], ...] = field(default=(), repr=False)
    endpoint: str = ""
    attachments: tuple[tuple[str, str, int], ...] = ()
    estimated_tokens: int = 0
    at: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    first_use: frozenset[FirstUse] = frozenset()
    purpose: str = field(default="", repr=False)


class Judgement(NamedTuple):
    """decides: the rule that does not let the call go on; None: none does. noted: those that fitted on the way, in order."""

    decides: ApprovalRule | None
    noted: tuple[ApprovalRule, ...]


class Explained(NamedTuple):
    """One rule, and what became of it; `why` is in the policy's own words, never in those of the call."""

    rule: ApprovalRule
    reached: bool
    fits: bool
    why: tuple[str, ...]  # of a fit: every key; else the first key that does not fit


class _Check(NamedTuple):
    name: str
    given: Callable[[When], object]
    fits: Callable[[When, Facts], bool]


class Rulebook:
    """The rules of one set of policies, ready to be asked: of each rule only what it gives is looked at, cheap keys first."""

    def __init__(self, rules: Iterable[ApprovalRule]) -> None:
        self.rules = tuple(rules)
        self._checks = {rule.id: tuple(check for check in _CHECKS if check.given(rule.when)) for rule in self.rules}
        self._by_direction = {
            direction: tuple(rule for rule in self.rules if rule.when.direction is direction) for direction in Direction
        }
        self._of_content = frozenset(
            rule.id for rule in self.rules if any(check.name in CONTENT for check in self._checks[rule.id])
        )

    def has(self, direction: Direction) -> bool:
        return bool(self._by_direction[direction])

    def needs(self, direction: Direction, key: str) -> bool:
        """Whether a rule looks at what `key` of `when` names: what none looks at need not be found out."""
        return any(check.name == key for rule in self._by_direction[direction] for check in self._checks[rule.id])

    def concerns(self, connection: str, groups: tuple[str, ...]) -> tuple[bool, bool]:
        """Whether a rule may be about requests of these people there; and whether one of those looks at what they say."""
        found = [
            rule.id in self._of_content
            for rule in self._by_direction[Direction.REQUEST]
            if (not rule.when.connections or fits_one(connection, rule.when.connections))
            and (not rule.when.groups or in_groups(groups, rule.when.groups))
        ]
        return bool(found), any(found)

    def judge(self, facts: Facts, *, content_only: bool = False) -> Judgement:
        """content_only: of a piece of a call, by the rules that look at what is said; the others are asked at the call."""
        noted: list[ApprovalRule] = []
        for rule in self._by_direction[facts.direction]:
            if (rule.id in self._of_content or not content_only) and self._fits(rule, facts):
                if _decides(rule, facts):
                    return Judgement(rule, tuple(noted))
                noted.append(rule)
        return Judgement(None, tuple(noted))

    def may_fit(self, facts: Facts) -> ApprovalRule | None:
        """The first rule that would not let the call go on if what it looks for were in it. For what nobody can read."""
        return next(
            (
                rule
                for rule in self._by_direction[facts.direction]
                if _decides(rule, facts)
                and all(
                    check.name in CONTENT
                    or (check.name == "models" and not facts.model)
                    or check.fits(rule.when, facts)
                    for check in self._checks[rule.id]
                )
            ),
            None,
        )

    def why(self, rule: ApprovalRule) -> tuple[str, ...]:
        """What a rule that fitted looked at."""
        return tuple(f"{check.name}: {_said(rule.when, check.name)}" for check in self._checks[rule.id])

    def explain(self, facts: Facts) -> tuple[Explained, ...]:
        """Every rule in its order, as `judge` would come by."""
        decided = self.judge(facts).decides
        found, reached = [], True
        for rule in self.rules:
            missed = self._missed(rule, facts)
            why = (f"{missed} does not fit",) if missed else self.why(rule) or ("fits every call",)
            found.append(Explained(rule, reached, not missed, why))
            reached = reached and rule is not decided
        return tuple(found)

    def _fits(self, rule: ApprovalRule, facts: Facts) -> bool:
        when = rule.when
        return all(check.fits(when, facts) for check in self._checks[rule.id])

    def _missed(self, rule: ApprovalRule, facts: Facts) -> str:
        if rule.when.direction is not facts.direction:
            return "direction"
        return next((check.name for check in self._checks[rule.id] if not check.fits(rule.when, facts)), "")


def first_match(rules: Iterable[ApprovalRule], facts: Facts) -> ApprovalRule | None:
    """The rule that decides; else the first that was noted."""
    judged = Rulebook(rules).judge(facts)
    return judged.decides or next(iter(judged.noted), None)


def _decides(rule: ApprovalRule, facts: Facts) -> bool:
    return rule.then in DECIDING and not (rule.then is Then.PURPOSE and facts.purpose.strip())


def _command_fits(match: CommandMatch, command: tuple[str, str, tuple[str, ...]]) -> bool:
    language, verb, objects = command
    return (
        (not match.languages or language.casefold() in match.languages)
        and (not match.verbs or verb.casefold() in match.verbs)
        and (not match.objects or any(folded_fit(name, match.objects) for name in objects))
        and (not match.outside or not objects or any(not folded_fit(name, match.outside) for name in objects))
    )


def _attachment_fits(match: AttachmentMatch, attachment: tuple[str, str, int]) -> bool:
    media_type, kind, size_bytes = attachment
    return size_bytes >= match.least_bytes and (
        not match.types or folded_fit(media_type, match.types) or kind in match.types
    )


_CHECKS: tuple[_Check, ...] = (
    _Check("connections", lambda w: w.connections, lambda w, f: fits_one(f.connection, w.connections)),
    _Check("endpoints", lambda w: w.endpoints, lambda w, f: fits_one(f.endpoint, w.endpoints)),
    _Check("groups", lambda w: w.groups, lambda w, f: in_groups(f.groups, w.groups)),
    _Check("models", lambda w: w.models, lambda w, f: folded_fit(f.model, w.models)),
    _Check("time", lambda w: w.time, lambda w, f: w.time is not None and times.time_fits(w.time, f.at)),
    _Check("first_use", lambda w: w.first_use, lambda w, f: w.first_use in f.first_use),
    _Check("estimated_tokens", lambda w: w.estimated_tokens, lambda w, f: f.estimated_tokens >= w.estimated_tokens),
    _Check(
        "attachments",
        lambda w: w.attachments,
        lambda w, f: w.attachments is not None and any(_attachment_fits(w.attachments, one) for one in f.attachments),
    ),
    _Check("tools", lambda w: w.tools, lambda w, f: any(folded_fit(tool, w.tools) for tool in f.tools)),
    _Check(
        "entities",
        lambda w: w.entities,
        lambda w, f: any(f.entities.get(name, 0) >= count for name, count in w.entities),
    ),
    _Check(
        "commands",
        lambda w: w.commands,
        lambda w, f: w.commands is not None and any(_command_fits(w.commands, one) for one in f.commands),
    ),
    _Check("pattern", lambda w: w.pattern, lambda w, f: w.pattern is not None and any(map(w.pattern.search, f.texts))),
)  # cheap ones first: the pattern reads every text


def _said(when: When, name: str) -> str:
    """What a rule gives for a key, on one line."""
    value = getattr(when, name)
    if name == "entities":
        return ", ".join(f"{entity} ({count} or more)" for entity, count in value[:8])
    if name == "pattern":
        return str(value.pattern)
    if name == "commands":
        parts = (("", value.languages), ("", value.verbs), ("on ", value.objects), ("outside ", value.outside))
        return " ".join(word + "|".join(words) for word, words in parts if words)
    if name == "attachments":
        return " ".join([*value.types, *([f"of {value.least_bytes} bytes or more"] if value.least_bytes else [])])
    if name == "time":
        return times.shown(value)
    return ", ".join(value) if isinstance(value, tuple) else str(value)


# Rules that can never fire


def covering(rules: tuple[ApprovalRule, ...], place: int) -> ApprovalRule | None:
    """A rule above `rules[place]` that decides every call which that one would fit; None: it has calls of its own."""
    rule = rules[place]
    return next(
        (
            above
            for above in rules[:place]
            if (above.then in (Then.HOLD, Then.DENY) or (above.then is rule.then is Then.PURPOSE))
            and covers(above.when, rule.when)
        ),
        None,
    )


def covers(wide: When, narrow: When) -> bool:
    """Whether whatever fits `narrow` surely fits `wide`. False also where that cannot be told."""
    return wide.direction is narrow.direction and all(
        cover(getattr(wide, name), getattr(narrow, name)) for name, cover in _COVERS.items() if getattr(wide, name)
    )


def _globs_cover(wide: tuple[str, ...], narrow: tuple[str, ...]) -> bool:
    return bool(narrow) and all(any(_glob_covers(one, other) for one in wide) for other in narrow)


def _glob_covers(wide: str, narrow: str) -> bool:
    wide, narrow = wide.casefold(), narrow.casefold()
    if wide in ("*", narrow):
        return True
    plain = not any(letter in narrow for letter in "*?[")
    return fnmatchcase(narrow, wide) and (plain or not any(letter in wide for letter in "?["))


def _entities_cover(wide: tuple[tuple[str, int], ...], narrow: tuple[tuple[str, int], ...]) -> bool:
    least = dict(wide)
    return bool(narrow) and all(name in least and least[name] <= count for name, count in narrow)


def _commands_cover(wide: CommandMatch, narrow: CommandMatch | None) -> bool:
    return narrow is not None and all(
        not one or (bool(other) and cover(one, other))
        for one, other, cover in (
            (wide.languages, narrow.languages, _holds),
            (wide.verbs, narrow.verbs, _holds),
            (wide.objects, narrow.objects, _globs_cover),
            (wide.outside, narrow.outside, lambda one, other: _globs_cover(other, one)),
        )
    )


def _attachments_cover(wide: AttachmentMatch, narrow: AttachmentMatch | None) -> bool:
    return (
        narrow is not None
        and wide.least_bytes <= narrow.least_bytes
        and (not wide.types or _globs_cover(wide.types, narrow.types))
    )


def _time_covers(wide: TimeMatch, narrow: TimeMatch | None) -> bool:
    if narrow is None or wide.zone != narrow.zone:
        return False
    hours = [hour for hour in range(24) if narrow.hours is None or times.is_within(hour, *narrow.hours)]
    return set(narrow.weekdays or Weekday) <= set(wide.weekdays or Weekday) and all(
        wide.hours is None or times.is_within(hour, *wide.hours) for hour in hours
    )


def _holds(wide: tuple[str, ...], narrow: tuple[str, ...]) -> bool:
    return set(narrow) <= set(wide)


_COVERS: Mapping[str, Callable[..., bool]] = {
    "connections": _globs_cover,
    "endpoints": _globs_cover,
    "groups": lambda wide, narrow: "*" in wide or (bool(narrow) and _holds(wide, narrow)),
    "models": _globs_cover,
    "tools": _globs_cover,
    "entities": _entities_cover,
    "pattern": lambda wide, narrow: narrow is not None and wide.pattern == narrow.pattern,
    "commands": _commands_cover,
    "attachments": _attachments_cover,
    "estimated_tokens": lambda wide, narrow: wide <= narrow,
    "time": _time_covers,
    "first_use": lambda wide, narrow: wide is narrow,
}
