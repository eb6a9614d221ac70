"""What is skipped could have found nothing: a search that skips, against one that runs every detector on every text."""

import ast
import random
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from addons.masks import detection, escapes, literals, sight, walk
from addons.masks.detectors import DETECTORS
from addons.masks.detectors.forms import Forms
from addons.masks.detectors.kinds import SURE, Anchored, Pattern, nothing_else
from addons.masks.folding import folded
from addons.masks.literals import AnyOf, around
from addons.masks.sight import Sight, Where
from addons.masks.views import View

PROSE = (
    "the order of the customer was sent to the wrong branch in 2024 and the invoice 17 shows another sum than the one that we agreed so "
    "please check which of the two entries is right, write 3 lines (about 20%) that explain the difference; Anna's team in Q3 said: it's fine - thanks!"
).split()
CONTEXT = sorted(
    {word for one in DETECTORS if isinstance(one, (Pattern, Anchored)) and one.context for word in one.context.cues}
)
JOINTS = (
    " ",
    " ",
    " ",
    "\n",
    ", ",
    ": ",
    "=",
    '"',
    "'",
    "(",
    ") ",
    "-",
    "/",
    "_",
    ".",
    "",
    "\t",
    "?",
    "\\n",
    "&",
    "%20",
    "+",
    " and ",
    " y ",
)
EDGES = (" ", ".", ": ", "=", "", "\n", '"', ", ", " - ", "(", ")")
PATTERNS = {
    f"{one.entity} {number}": re.compile(pattern.pattern)
    for number, (one, pattern) in enumerate(
        (form, pattern)
        for one in DETECTORS
        for form in (one.table if isinstance(one, Forms) else (one,) if isinstance(one, (Pattern, Anchored)) else ())
        for pattern in (form.pattern, *filter(None, (getattr(form, "long", None),)))
    )
}  # fmt: skip
NUMBERS = re.compile(
    r"(?<![0-9])(?<![0-9]\.)[0-9](?![0-9]{0,2}\.[0-9]{5,}(?![0-9.]))(?:[ .\-/()]{0,3}[0-9]){5,400}"
)  # moments too
UUID = re.compile(r"(?<![\w.+/\-])(?![0-9\-]{36})[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?![\w+/\-])")
BROKEN = re.compile(r"[0-9]{4}[ ]{0,2}[\t\r\n][ \t\n\r\f\v]{0,3}[0-9]{4}(?![0-9])")
YEARS = re.compile(r"(?:19|20)[0-9]{2}")
BOUNDED = settings(
    deadline=None, max_examples=150, suppress_health_check=list(HealthCheck), derandomize=True, database=None
)


class Whole(Sight):
    """Looks everywhere: no strip is left out, whatever the text lacks."""

    digits = 1 << 30

    def strip(self, where):
        every = {
            Where.BROKEN: lambda: self._cut(spans(BROKEN, self.text), 2, 40),
            Where.NUMBERS: lambda: self._cut(
                [match.span() for match in NUMBERS.finditer(UUID.sub(36 * ".", self.text)) if not sight._DATE.fullmatch(match[0])], 4, 4
            ),
            Where.YEARS: lambda: self._cut(spans(YEARS, self.text), 24, 12),
        }  # fmt: skip
        return every[where]() if where in every else super().strip(where)

    def __setattr__(self, name, value):
        if name != "digits":
            super().__setattr__(name, value)


def spans(pattern, text):
    return [match.span() for match in pattern.finditer(text)]


def lost(text, name, *, alone):
    """What every detector finds, and the plan does not; of patterns on strips, what they match at all where it would be sure."""
    text = folded(View(text)).text
    whole, skipping = Whole(text, name, alone=alone), Sight(text, name, alone=alone)
    every = {found for one in DETECTORS for found in one.find(whole)}
    unseen = {one for one in DETECTORS if isinstance(one, Pattern) and is_sure(one, whole)}
    for _, where, family in detection._PLAN._families:
        if (strip := skipping.strip(where)).text:
            unseen.difference_update(family.chosen(skipping, strip))
    return every - set(detection._PLAN.found(skipping)), {(one.entity, one.pattern.pattern) for one in unseen}


def is_sure(one, whole):
    """Whether a match of the pattern would be a detection, if only it is valid."""
    strip = whole.strip(one.where)
    pattern = one.long if one.long and len(whole.text) > sight.SHORT else one.pattern
    places = [(strip.source(start), strip.source(end - 1) + 1) for start, end in spans(pattern, strip.text)]
    near = one.context and any(one.context.near(whole, *place, one.before_words, one.after_words) for place in places)
    sure = (one.confidence, one.with_context if near else 0, one.alone if nothing_else(whole, places) else 0)
    return bool(places) and max(sure) >= SURE


NOTHING = (set(), set())


def values():
    """Every text in the tests of this room: values, near-misses, encodings."""
    found = {
        node.value
        for path in Path(__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 1000
    }
    return sorted(found)


def placed(value, chosen):
    """The value among words: of any number, some of them context words, with any sign between."""
    before, after = (
        " ".join(chosen.choice(CONTEXT if chosen.random() < 0.08 else PROSE) for _ in range(chosen.choice(counts)))
        for counts in ((0, 1, 3, 20, 90), (0, 0, 2, 8, 60))
    )
    return f"{before}{chosen.choice(JOINTS)}{value}{chosen.choice(JOINTS)}{after}"


def changed(value, chosen):
    """In another case, with other separators, cut off, or next to another value."""
    return chosen.choice(
        (
            value.lower(),
            value.upper(),
            value.replace(" ", chosen.choice(("", "-", ".", "  ", "/", "\n"))),
            value.replace("-", chosen.choice(("", " ", "_"))),
            value[: chosen.randrange(len(value) + 1)],
            f"{value} {chosen.choice(('and', 'y', 'oder', '3', 'A1'))} {value}",
        )
    )


SHARES = 12


@pytest.mark.parametrize(
    "share", [pytest.param(share, marks=[pytest.mark.long] if share > 1 else []) for share in range(SHARES)]
)
def test_no_value_of_the_tests_is_lost_wherever_it_stands(share):
    chosen = random.Random(share)
    for value in values()[share::SHARES]:
        for text in (value, placed(value, chosen), placed(changed(value, chosen), chosen)):
            for alone in (True, False):
                assert lost(text, chosen.choice(("", "", "", "card", "passport")), alone=alone) == NOTHING


def test_no_value_of_the_tests_is_lost_between_the_moments_of_a_log():
    for value in values()[::9]:
        for moment in ("2026-01-02T03:04:05.123Z", "2026-01-02T03:04:05", "1980-01-02T03:04:05.123456Z"):
            assert lost(f"{moment} {value} | {moment} INFO {value}\n{moment}", "", alone=False) == NOTHING


@BOUNDED
@given(
    pattern=st.sampled_from(sorted(PATTERNS)),
    data=st.data(),
    edges=st.tuples(st.sampled_from(EDGES), st.sampled_from(EDGES)),
    word=st.sampled_from(CONTEXT),
    seed=st.integers(0, 1 << 16),
)
def test_nothing_that_a_pattern_describes_is_lost(pattern, data, edges, word, seed):
    value = data.draw(st.from_regex(PATTERNS[pattern]))[:400]
    chosen = random.Random(seed)

    assert lost(value, "", alone=True) == NOTHING
    assert lost(f"{word}{edges[0]}{value}{edges[1]}", "", alone=True) == NOTHING
    assert lost(placed(f"{word} {value}", chosen), "", alone=False) == NOTHING


@given(
    text=st.one_of(st.from_regex(r"[A-Za-z_]{1,15}", fullmatch=True), st.from_regex(r"\d{1,5}"), st.text(max_size=3))
)
@BOUNDED
def test_what_is_dull_holds_nothing(text):
    assert not walk.is_dull(text) or detection.detect(text, "", b"k" * 32) == ()


@given(text=st.text(st.sampled_from("\\uUx0123/{}%&#;=+AF39a \n4"), max_size=30))
@BOUNDED
def test_an_escape_is_never_passed_over(text):
    assert (escapes.unescaped(View(text)) is None) == (not list(escapes._runs(text)))


LITERALS = sorted({*detection._PLAN._words, *(name.encode("latin-1") for name in detection._PLAN._names)})


@given(
    pieces=st.lists(
        st.one_of(st.sampled_from(LITERALS), st.sampled_from([one[:-1] for one in LITERALS]), st.binary(max_size=3))
    )
)
@BOUNDED
def test_one_look_sees_each_of_many_literals(pieces):
    text = b"".join(pieces)
    there = {one for one in LITERALS if one in text}

    assert max(map(len, LITERALS)) <= literals._LONGEST
    assert AnyOf(LITERALS).stands_in(text) == bool(there)
    assert {one for one in LITERALS if one in around(AnyOf(LITERALS), text)} == there
