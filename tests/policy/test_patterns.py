"""addons/policy/patterns.py: which regular expressions a policy may hold."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.policy.patterns import (
    PATTERN_CHARACTERS,
    REPEATS,
    STEPS,
    PatternRefused,
    _parser,
    _sequence,
    compile_pattern,
)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"(?i)drop\s{1,20}table", "please DROP   TABLE users"),
        (r"\b(?:prod|live)-db-[0-9]{1,4}\b", "on prod-db-12 now"),
        (r"(?i)\b(?:drop|truncate)\s{1,20}+(?:table|database)\s{1,20}+\w{1,64}+", "drop table users"),
        (r"secret.{0,200}key", "the secret is not a key"),
        (r"(?>a{1,900})b", "aab"),
        (r"(?<=x)y(?!z)", "xy"),
        (r"(a)?(?(1)b|c)", "ab"),
    ],
)
def test_a_bounded_pattern_is_used(pattern, text):
    assert compile_pattern(pattern).search(text)


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        pytest.param("a+b", "write {0,40} for *", id="plus"),
        pytest.param("x.*y", "write {0,40} for *", id="star"),
        pytest.param("(?:ab){2,}c", "write {0,40} for *", id="no upper bound"),
        pytest.param("x[a-z]*+y", "write {0,40} for *", id="possessive, and still read again from each place"),
        pytest.param(f"a{{1,{REPEATS + 1}}}b", "write {0,40} for *", id="a large bound"),
        pytest.param("(?:a{1,20}){1,20}b", "tries at most", id="a repeat in a repeat"),
        pytest.param("(?:a|a){1,30}b", "tries at most", id="an alternative in a repeat"),
        pytest.param(".{0,99}.{0,99}x", "tries at most", id="one repeat after another"),
        pytest.param("x(?=a{1,99}a{1,99}b)", "tries at most", id="looking ahead"),
        pytest.param("x(?>(?:a{1,20}){1,20}b)", "tries at most", id="in an atomic group"),
        pytest.param("a(b", "missing )", id="an open group"),
        pytest.param("[[a]]b", "not clear", id="a set whose meaning will change"),
        pytest.param("a{0,9}", "fits every text", id="nothing is enough"),
        pytest.param("$", "fits every text", id="an end"),
        pytest.param("a" * (PATTERN_CHARACTERS + 1), "make it shorter", id="long"),
        pytest.param("a{1,99999999999}", "correct it", id="a bound beyond what re can count"),
    ],
)
def test_a_pattern_is_refused(pattern, told):
    with pytest.raises(PatternRefused, match=re.escape(told)):
        compile_pattern(pattern)


atoms = st.sampled_from(["a", "b", ".", "[ab]", "(?:a|b)", "(?:a|ab)", r"\w"])
repeats = st.sampled_from(["", "?", "{0,3}", "{1,4}", "{2}", "{0,3}?"])  # not possessive: those have one end, the last
pieces = st.builds("{}{}".format, atoms, repeats)
inner = st.lists(pieces, min_size=1, max_size=3).map("".join)
outer = st.lists(st.builds("(?:{}){}".format, inner, repeats), min_size=1, max_size=3).map("".join)


@given(outer, st.text(alphabet="ab", max_size=12))
def test_no_text_fits_in_more_ways_than_were_counted(pattern, text):
    """Checked against a search that tries everything: every end from one start is one way at least."""
    ways, steps = _sequence(_parser.parse(pattern))
    ends = {end for end in range(len(text) + 1) if re.compile(pattern).fullmatch(text, 0, end)}

    assert len(ends) <= ways
    assert 1 <= ways <= STEPS + 1
    assert 1 <= steps <= STEPS + 1
