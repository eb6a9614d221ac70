"""A tool call into Command rows: what the model asks to be done, for the record and for approval rules. Total: it never raises.

Not a judgement, and not a sandbox: a row says what the text asks for under the reading of the usual shells, databases and
clients. What cannot be read is a row with the verb UNKNOWN and the text; no tool call is without a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from addons.commands import arguments, meanings, patches, tools
from addons.commands.budget import Budget, Work
from addons.commands.code_python import read_python
from addons.commands.code_scan import read_code
from addons.commands.shell import read_shell
from addons.commands.sql import read_sql
from addons.commands.tools import Sort
from addons.commands.values import UNKNOWN, Command, Found, Inner, Language, Row
from addons.providers.call import Json, Kind, Part

_DEEPEST: Final = 8  # bash -c 'psql -c "DO $$ … $$"'
_CALLS: Final = 64  # in one call; the rest is read as arguments of unknown tools
_LONG_BODY: Final = 4_096  # characters of a file tool's arguments that are still kept beside its paths


def read(part: Part) -> tuple[Command, ...]:
    """The rows of a TOOL_CALL, in the order of its text; () for any other kind."""
    if part.kind is not Kind.TOOL_CALL:
        return ()
    rows = tuple(_rows(part.name, part.content)) or (Row(Language.OTHER, part.name or UNKNOWN, (), part.content),)
    return tuple(Command(row.language, row.verb, row.objects, row.text, part.call_id, part.name) for row in rows)


def _rows(name: str, content: str) -> Iterator[Row]:
    budget = Budget(len(content))
    calls = [(name, content)]
    known, value = arguments.parse(content or "{}")
    if known and arguments.is_object(value):
        inside = list(arguments.calls_inside(value))
        only_a_wrapper = inside and len(inside) <= _CALLS and name.startswith("multi_tool_use")
        calls = inside if only_a_wrapper else calls + inside[:_CALLS]
    for tool, given in calls:
        for found in _call(tool, given, budget):
            if not budget.spend(Work.ROWS):
                yield _within(
                    Row(Language.OTHER if isinstance(found, Row) else found.language, UNKNOWN, (), content), budget
                )
                return
            yield from (_within(row, budget) for row in _expand(found, budget, 0))


def _within(row: Row, budget: Budget) -> Row:
    """Without the text when the rows' texts are too many: a text is whole or it is not there, because half a card number has no mask."""
    return row if budget.spend(Work.TEXT_CHARACTERS, len(row.text)) else replace(row, text="")


def _expand(found: Found, budget: Budget, depth: int) -> Iterator[Row]:
    """What stands in it, and in that: each statement is read in its own language."""
    if isinstance(found, Row):
        yield found
        return
    if depth > _DEEPEST or not budget.spend(Work.NESTED_CHARACTERS, len(found.text)):
        yield _unread(found)
        return
    for inner in _read_inner(found, budget):
        if not budget.spend(Work.ROWS):
            yield _unread(found)
            return
        yield from _expand(inner, budget, depth + 1)


def _read_inner(inner: Inner, budget: Budget) -> Iterator[Found]:
    match inner.language:
        case Language.SQL:
            return read_sql(inner.text, budget)
        case Language.SHELL:
            return read_shell(inner.text, budget, inner.variables)
        case Language.PYTHON:
            return read_python(inner.text, budget)
        case _:
            return read_code(inner.text, budget)


def _unread(inner: Inner) -> Row:
    return Row(inner.language, UNKNOWN, (), inner.text)


def _call(name: str, content: str, budget: Budget) -> Iterator[Found]:
    server_and_tool = tools.mcp_of(name)
    tool = server_and_tool[1] if server_and_tool else name
    sort = tools.sort_of_mcp(*server_and_tool) if server_and_tool else tools.sort_of(name)
    if server_and_tool:
        yield Row(Language.MCP, tool, (server_and_tool[0],), content)
    known, value = arguments.parse(content or "{}")
    found = list(_of_value(value, tool, sort, content, budget) if known else _of_text(content, tool, sort))
    yield from found
    if not found and not server_and_tool:
        yield Row(Language.OTHER, tool or UNKNOWN, (), content)


def _of_value(value: Json, tool: str, sort: Sort, content: str, budget: Budget) -> Iterator[Found]:
    if isinstance(value, str):
        yield from _of_text(value, tool, sort)
        return
    leaves, whole = arguments.leaves(value)
    found: list[Found] = []
    named: dict[str, None] = {}
    for leaf in leaves:
        statements = list(meanings.statements_in(leaf, tool, sort, budget))
        found += statements
        if not any(isinstance(statement, Inner) for statement in statements):
            named.update(dict.fromkeys(meanings.objects_in(leaf, sort)))
    objects = tuple(named)
    verb = next((word for leaf in leaves if (word := meanings.editor_verb(leaf))), tool)
    if objects or sort is Sort.FILE:
        text = content if len(content) <= _LONG_BODY or sort is not Sort.FILE else " ".join((verb, *objects))
        yield Row(Language.OTHER, verb or UNKNOWN, objects, text)
    yield from found
    if not whole:
        yield Row(tools.LANGUAGES.get(sort, Language.OTHER), UNKNOWN, (), content)


def _of_text(text: str, tool: str, sort: Sort) -> Iterator[Found]:
    """Arguments that are free text (Codex's apply_patch), or JSON that is broken: then nobody knows what the client makes of it."""
    if patches.is_patch(text):
        yield Row(Language.OTHER, tool or UNKNOWN, patches.files_of(text), text)
    elif text.lstrip().startswith(("{", "[")) and sort is not Sort.PYTHON:
        yield Row(tools.LANGUAGES.get(sort, Language.OTHER), UNKNOWN, (), text)
    elif sort in tools.LANGUAGES and text.strip():
        yield Inner(tools.LANGUAGES[sort], text)
    elif sort is Sort.JAVASCRIPT and text.strip():
        yield Inner(Language.OTHER, text)
