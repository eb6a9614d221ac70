"""What a tool call would do, one row a statement. Values only; not the reading (read.py), the masking or the storage of it.

Columns `tool language verb objects text evidence call_id` of the store's `commands` (the gateway's design, section 4).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

UNKNOWN: Final = (
    "UNKNOWN"  # the verb of a statement that could not be read: kept, so that a rule can hold what nobody understands
)


class Language(StrEnum):
    """What a statement is written in; the `language` column of the store."""

    SQL = "sql"
    SHELL = "shell"
    HTTP = "http"
    MCP = "mcp"
    PYTHON = "python"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Command:
    """One simple command, SQL statement, HTTP request, MCP call, call inside code, or use of a tool nobody knows.

    verb and objects are as written and unmasked, like `text`: the caller masks them before they are kept.
    """

    language: Language
    verb: str  # "DELETE"; "rm"; "POST"; an MCP server's tool; "os.remove"; the tool's name; or UNKNOWN
    objects: tuple[str, ...] = field(
        repr=False
    )  # tables; files and hosts; hosts; the MCP server; modules, files and hosts
    text: str = field(repr=False)  # the statement alone, in its original spelling
    call_id: str = ""
    tool: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A Command before it is known whose tool call it stands in."""

    language: Language
    verb: str
    objects: tuple[str, ...] = field(default=(), repr=False)
    text: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Inner:
    """A statement found inside another (`bash -c '…'`, EXECUTE IMMEDIATE '…'), still to be read in its own language.

    OTHER stands for JavaScript and its like, which are scanned, not parsed.
    """

    language: Language
    text: str = field(repr=False)
    variables: Mapping[str, str | tuple[str, ...] | None] = field(
        default_factory=dict, repr=False
    )  # the shell's, at that place


Found = Row | Inner
