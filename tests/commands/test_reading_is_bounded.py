"""Whatever a model writes, it is read in bounded work, and no tool call is without a row."""

from __future__ import annotations

import json
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.commands import shell_text
from addons.commands.budget import LIMITS, Work
from addons.commands.read import read
from addons.commands.shell_text import HEAVIEST
from addons.commands.values import UNKNOWN, Command
from addons.providers.call import Kind, Part
from tests.quick import quick

TOOLS = (
    "Bash",
    "run_sql",
    "code_interpreter",
    "run_javascript",
    "apply_patch",
    "Write",
    "WebFetch",
    "mcp__a__b",
    "x",
    "",
)
KEYS = ("command", "cmd", "sql", "query", "code", "script", "url", "path", "input", "commands", "args", "content", "a")
PIECES = (
    "rm ", "-rf ", "x", "$", "$(", ")", "`", "'", '"', "\\", "\n", ";", "|", "&&", "<<E\n", "E\n", "{", "}", "[", "]", "x=", "${", "a[", "(", "if ",
    "then ", "fi ", "for i in ", "do ", "done ", "case ", "esac ", "sudo ", "bash -c ", "xargs ", "eval ", "psql -c ", "curl ", "DELETE FROM ",
    "SELECT ", "WITH a AS (", "EXEC(", "/*", "*/", "--", "#", "$$", "\u00a0", "\u200b", "\0", "\ud800", "é", "🙂", "import os\n", "os.system(", "f'{",
    "lambda:", "%%bash\n", "!", "exec(", "fetch(", "https://", '{"', '":', ",", "*** Begin Patch\n", "=>", "1e999", "\r", "\x1b", "GO\n", "\\g",
)  # fmt: skip
TEXT = st.one_of(st.text(max_size=200), st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXT),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.one_of(st.sampled_from(KEYS), TEXT), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(name=st.one_of(st.sampled_from(TOOLS), TEXT), content=TEXT)
def test_free_text_never_raises_and_always_has_a_row(name, content):
    rows = read(Part(Kind.TOOL_CALL, content, name=name, call_id="c"))

    assert rows
    assert all(isinstance(row, Command) and row.verb and row.tool == name and row.call_id == "c" for row in rows)


@given(name=st.sampled_from(TOOLS), value=JSON)
def test_any_json_never_raises_and_always_has_a_row(name, value):
    assert read(Part(Kind.TOOL_CALL, json.dumps(value), name=name))


@given(name=st.sampled_from(TOOLS), key=st.sampled_from(KEYS), text=TEXT)
def test_any_argument_never_raises_and_always_has_a_row(name, key, text):
    assert read(Part(Kind.TOOL_CALL, json.dumps({key: text}), name=name))


@given(text=TEXT)
def test_reading_twice_gives_the_same(text):
    part = Part(Kind.TOOL_CALL, json.dumps({"command": text}), name="Bash")

    assert read(part) == read(part)


@given(noise=TEXT)
def test_a_statement_after_a_newline_and_a_semicolon_is_not_lost(noise):
    """Whatever stands before it: it is a row, or something there could not be read, or it is inside what was quoted."""
    rows = read(Part(Kind.TOOL_CALL, json.dumps({"sql": f"{noise}\n;DROP TABLE t"}), name="db"))

    seen = {row.verb for row in rows}
    assert seen & {"DROP", UNKNOWN} or any("DROP TABLE t" in row.text for row in rows)


FLOODS = {
    "pipes": "a|", "ands": "a&&", "commands": "rm a;", "words": "a ", "functions": "f()", "arrays": "a=(", "here-strings": "<<<", "fors": "for((",
    "brackets": "$[", "substitutions": "$(", "quoted substitutions": '"$(', "backticks": "`a ", "braces": "{a,", "parentheses": "(", "NULs": "\0",
    "here-documents": "cat <<E|sh\nE\n", "open here-documents": "<<E ", "quotes": "'", "double quotes": '"', "backslashes": "\\", "comments": "#a\n",
    "doubling": "x=$x$x;", "pipes to shells": "echo a|base64 -d|sh\n", "wrappers": "sudo ", "finds": "find . -exec a ", "shells": "bash -c '",
    "statements": "DELETE FROM t;", "rows": "(1,'a'),", "open comments": "/*", "dollar quotes": "$a$", "names": "[", "executes": "EXEC('a');",
    "sql doubling": "@s=@s+@s;", "prepares": "PREPARE a FROM ", "selects": "SELECT (", "nots": "not ", "calls": "os.system('x')\n", "opened": 'f("',
    "attributes": "a.b", "lambdas": "lambda:", "sums": "'a'+", "objects": '{"a":', "lists": "[[", "magics": "!ls\n", "spaces": "\u00a0",
    "paths": "../", "urls": "https://a.b/", "patches": "*** Add File: a\n",
}  # fmt: skip
SIZE = 1_000_000


def _within_bounds(tool: str, key: str, text: str) -> None:
    content = json.dumps({key: text})
    started = time.process_time()

    rows = read(Part(Kind.TOOL_CALL, content, name=tool))

    assert rows
    assert len(rows) <= LIMITS[Work.ROWS] + 20
    assert sum(len(row.text) for row in rows) <= 5 * len(content) + LIMITS[Work.TEXT_CHARACTERS]
    assert time.process_time() - started < 2  # a guard only; the counts are the measure


@pytest.mark.parametrize(
    "piece",
    [
        FLOODS[name]
        for name in ("pipes", "arrays", "words", "statements", "rows", "selects", "calls", "open here-documents")
    ],
)
@pytest.mark.parametrize(("tool", "key"), [("Bash", "command"), ("run_sql", "query"), ("code_interpreter", "code")])
def test_a_megabyte_is_read_within_bounds(tool, key, piece):
    _within_bounds(tool, key, piece * (SIZE // len(piece)))


@pytest.mark.long
@pytest.mark.parametrize("piece", FLOODS.values(), ids=FLOODS.keys())
@pytest.mark.parametrize(
    "argument", [("Bash", "command"), ("run_sql", "query"), ("code_interpreter", "code"), ("x", "path")]
)
def test_a_megabyte_of_anything_is_read_within_bounds(argument, piece):
    _within_bounds(*argument, piece * (SIZE // len(piece)))


def _calls_made(content: str, tool: str) -> int:
    """Python functions entered: work, whatever the machine."""
    count = 0

    def tally(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(tally)
    try:
        read(Part(Kind.TOOL_CALL, content, name=tool))
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("piece", quick(16, FLOODS.values()), ids=FLOODS.keys())
@pytest.mark.parametrize(("tool", "key"), [("Bash", "command"), ("run_sql", "query"), ("code_interpreter", "code")])
def test_twice_the_text_is_at_most_twice_the_work(tool, key, piece):
    small, large = (_calls_made(json.dumps({key: piece * (size // len(piece))}), tool) for size in (6_000, 12_000))

    assert large <= 2.3 * small + 20_000


@pytest.mark.parametrize("piece", ["a|", "f()", "a=(", "\0", "<<E\n"])
def test_the_parser_is_never_given_what_it_cannot_bear(piece):
    """Its recovery is quadratic in memory: 64 KB of `a|` ended the process."""
    for fragment in shell_text.fragments(piece * 50_000):
        assert fragment.light_end <= 64_000
        assert shell_text.weigh(fragment.text[: fragment.light_end]) <= HEAVIEST + 2
        break


def test_braces_with_many_commas_that_never_close_are_read_once():
    """Quadratic, it took minutes."""
    assert read(Part(Kind.TOOL_CALL, json.dumps({"command": "echo {" + "a," * 40_000}), name="Bash"))


def test_what_is_left_when_the_budget_is_spent_is_unknown_with_its_text():
    content = json.dumps({"command": "ls a;" * 100_000 + "rm x"})

    rows = read(Part(Kind.TOOL_CALL, content, name="Bash"))

    assert rows[-1].verb == UNKNOWN
    assert rows[-1].text.endswith("rm x")


def test_a_long_literal_does_not_hide_what_follows():
    rows = read(Part(Kind.TOOL_CALL, json.dumps({"command": f"echo '{'a' * 900_000}'; rm x"}), name="Bash"))

    assert [row.verb for row in rows] == ["echo", "rm"]


def test_a_long_insert_does_not_hide_what_follows():
    values = ",".join(["(1,'a')"] * 50_000)
    rows = read(Part(Kind.TOOL_CALL, json.dumps({"sql": f"INSERT INTO t VALUES {values}; DROP TABLE t"}), name="db"))

    assert [(row.verb, row.objects) for row in rows] == [("INSERT", ("t",)), ("DROP", ("t",))]


def test_a_long_migration_keeps_its_verbs():
    statements = "".join(f"INSERT INTO t{number} VALUES (1, 'abcdefghijklmnopqrstuvwxyz');" for number in range(1_900))
    rows = read(Part(Kind.TOOL_CALL, json.dumps({"sql": statements + "DROP TABLE t"}), name="db"))

    assert {row.verb for row in rows} == {"INSERT", "DROP"}
    assert rows[1_899].objects == ("t1899",)


def test_a_flood_of_arguments_does_not_hide_one():
    rows = read(
        Part(
            Kind.TOOL_CALL,
            json.dumps({"query": ["SELECT a, b, c FROM t WHERE d = 1"] * 3_000 + ["DROP TABLE t"]}),
            name="x",
        )
    )

    assert {row.verb for row in rows} & {UNKNOWN, "DROP"}
