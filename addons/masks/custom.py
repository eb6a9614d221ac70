"""An organisation's own patterns, from its policy: searched as the built-in detectors are, in decoded and folded text too. Not policy: that is their grammar.

A pattern of a stranger to regular expressions can run for minutes on a page of prose. So each is tried at load, against texts made from its own letters,
and refused if its time runs out; at run it has a time too, and a text that takes longer is withheld.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import regex

from addons.masks.detectors.kinds import Detector, Found, Words, exact, words
from addons.masks.sight import NEUTRAL, Sight

PATTERN_CHARACTERS = 500
SECONDS = 0.25  # for one text
_PROBE_SECONDS, _PROBE_CHARACTERS = 0.5, 20_000
_BEFORE, _AFTER = 80, 40  # how far context words may stand
_NOT_PUMPS = regex.compile(r"[^\p{L}\p{N}@#:._\- ]")


@dataclass(frozen=True, slots=True)
class Custom:
    """One of them. `context`: one of these words must stand near it, or in the name that it stands under; (): nowhere needed."""

    entity: str
    pattern: str
    confidence: float
    context: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Extra:
    """Detectors beside the built-in ones, and whether a name matters to any of them."""

    detectors: tuple[Detector, ...] = ()
    digest: str = ""
    without: frozenset[str] = frozenset()  # entities that are not looked for
    slow: bool = False  # one of them asks a model: not for the event loop, and not for texts that are still being said

    @property
    def entities(self) -> frozenset[str]:
        return frozenset().union(*(one.entities for one in self.detectors))


NONE = Extra()


@dataclass(frozen=True, slots=True)
class Matcher:
    """A custom pattern as a detector."""

    entity: str
    pattern: regex.Pattern[str]
    confidence: float
    context: Words | None

    @property
    def entities(self) -> frozenset[str]:
        return frozenset({self.entity})

    def find(self, sight: Sight) -> Iterator[Found]:
        group = "value" if "value" in self.pattern.groupindex else 0
        for match in self.pattern.finditer(sight.text, timeout=SECONDS, concurrent=True):
            start, end = match.span(group)
            value = exact(match[group] or "")
            near = self.context is None or self.context.near(sight, start, end, _BEFORE, _AFTER)
            if value and NEUTRAL not in value and near:
                yield Found(start, end, self.entity, self.confidence, value)


def extra(customs: Sequence[Custom], others: Sequence[Detector] = (), without: frozenset[str] = frozenset()) -> Extra:
    made = tuple(
        Matcher(one.entity, regex.compile(one.pattern), one.confidence, words(*one.context) if one.context else None)
        for one in customs
    )
    said = repr((tuple(customs), tuple(map(repr, others)), sorted(without))) if customs or others or without else ""
    return Extra((*made, *others), said, without, slow=bool(others))


def quick(all_of_them: Extra) -> Extra:
    """Without those that ask a model."""
    made = tuple(one for one in all_of_them.detectors if isinstance(one, Matcher))
    return Extra(made, all_of_them.digest, all_of_them.without) if all_of_them.slow else all_of_them


def fault_of(text: str, matches: Sequence[str], others: Sequence[str]) -> tuple[str, str, str] | None:
    """`expected, got, do` of a pattern that is not used; None where it is fit. `matches` it must find, of `others` nothing."""
    if len(text) > PATTERN_CHARACTERS:
        return f"a pattern of 1-{PATTERN_CHARACTERS} characters", str(len(text)), "make it shorter, or two patterns"
    try:
        pattern = regex.compile(text)
    except regex.error as error:
        return "a regular expression", f"one that ends in the middle: {error.msg}", "correct it"
    if pattern.search(""):
        return "a pattern that needs at least one character", "one that fits every text", "write + for *, or say more"
    for number, example in enumerate(matches, 1):
        if not _finds(pattern, example):
            return (
                "a pattern that finds each of its matches",
                f"none in number {number} of matches",
                "correct one of the two",
            )
    for number, example in enumerate(others, 1):
        if _finds(pattern, example):
            return (
                "a pattern that finds nothing in what stands under not",
                f"a match in number {number}",
                "correct one of the two",
            )
    if _is_slow(pattern, text, matches):
        return (
            f"a pattern that searches {_PROBE_CHARACTERS:,} characters in half a second",
            "one that can take far longer",
            "give repeats an end ({1,40}), and let two that stand next to each other not fit the same letters",
        )
    return None


def _finds(pattern: regex.Pattern[str], text: str) -> bool:
    try:
        return pattern.search(text, timeout=_PROBE_SECONDS) is not None
    except TimeoutError:
        return False


def _is_slow(pattern: regex.Pattern[str], text: str, matches: Sequence[str]) -> bool:
    """Whether any text made to be tried in vain, over and over, takes too long."""
    try:
        for probe in _probes(text, matches):
            for _ in pattern.finditer(probe, timeout=_PROBE_SECONDS):
                pass
    except TimeoutError:
        return True
    return False


def _probes(text: str, matches: Sequence[str]) -> Iterator[str]:
    said = "".join(dict.fromkeys(_NOT_PUMPS.sub("", text + "".join(matches))))[:12]
    end = "\x01" + " ".join(matches[:4])  # what the pattern cannot do without stands there, but not where it would help
    letters = dict.fromkeys(said + "a1A ")
    for pump in (*letters, *map("".join, product(said[:4], repeat=2))):
        yield pump * (_PROBE_CHARACTERS // len(pump)) + end
    for example in matches[:4]:
        yield example[:-1] + example[-2:-1] * _PROBE_CHARACTERS + end
        yield (example + "\x01") * (_PROBE_CHARACTERS // (len(example) + 1))
        yield example[: max(1, len(example) // 2)] * (_PROBE_CHARACTERS // max(1, len(example) // 2)) + end
