"""Verb and objects of a SQL statement by its words alone: for statements no grammar here knows, and as a second opinion.

Not a grammar. A second opinion, because T-SQL needs no `;` between statements: `SELECT 1 DELETE FROM t` is two there, and one
SELECT with an odd alias to every parser that was not told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from addons.commands.sql_text import Sort, Token

# Statements whose first word is their whole verb, whatever follows.
UTILITIES: Final = frozenset({
    "ABORT", "ANALYZE", "ATTACH", "BACKUP", "BEGIN", "BULK", "CACHE", "CALL", "CHECKPOINT", "CLOSE", "CLUSTER", "COMMENT",
    "COMMIT", "COPY", "DBCC", "DEALLOCATE", "DECLARE", "DENY", "DESC", "DESCRIBE", "DETACH", "DISABLE", "DISCARD", "DO", "ENABLE",
    "END", "EXEC", "EXECUTE", "EXPLAIN", "EXPORT", "FETCH", "FLUSH", "GET", "HANDLER", "HELP", "IMPORT", "INSTALL", "KILL",
    "LIST", "LISTEN", "LOAD", "LOCK", "MOVE", "MSCK", "NOTIFY", "OPEN", "OPTIMIZE", "PRAGMA", "PREPARE", "PRINT", "PURGE", "PUT",
    "REASSIGN", "REFRESH", "REINDEX", "RELEASE", "REMOVE", "RENAME", "REPAIR", "REPLACE", "RESET", "RESTORE", "REVERT",
    "ROLLBACK", "SAVE", "SAVEPOINT", "SECURITY", "SET", "SHOW", "SHUTDOWN", "START", "STOP", "UNCACHE", "UNDROP", "UNINSTALL",
    "UNLISTEN", "UNLOAD", "UNLOCK", "UPSERT", "USE", "VACUUM",
})  # fmt: skip
STATEMENTS: Final = frozenset({
    "ALTER", "CREATE", "DELETE", "DROP", "GRANT", "INSERT", "MERGE", "REVOKE", "SELECT", "TABLE", "TRUNCATE", "UPDATE", "VALUES",
    "WITH",
})  # fmt: skip
VERBS: Final = UTILITIES | STATEMENTS

_KINDS: Final = frozenset({
    "AGGREGATE", "APPLICATION", "ASSEMBLY", "CATALOG", "CLUSTER", "COLLATION", "COLUMN", "CONNECTION", "DATABASE", "DATABASES",
    "DOMAIN", "EVENT", "EXTENSION", "EXTERNAL", "FOREIGN", "FUNCTION", "GROUP", "INDEX", "INTEGRATION", "KEYSPACE", "LOGIN",
    "MATERIALIZED", "OPERATOR", "OWNED", "PARTITION", "PIPE", "POLICY", "PROC", "PROCEDURE", "PROFILE", "PUBLICATION", "ROLE",
    "ROUTINE", "RULE", "SCHEMA", "SEQUENCE", "SERVER", "SHARE", "STAGE", "STREAM", "SUBSCRIPTION", "SYNONYM", "SYSTEM", "TABLE",
    "TABLES", "TABLESPACE", "TASK", "TEMPORARY", "TEXT", "TRIGGER", "TYPE", "USER", "VIEW", "WAREHOUSE", "WORKSPACE",
})  # fmt: skip
_BEFORE_A_NAME: Final = frozenset({
    "FROM", "JOIN", "INTO", "UPDATE", "USING", "OUTFILE", "DUMPFILE", "INFILE", "CALL", "EXEC", "EXECUTE", "USE", "VACUUM",
    "ANALYZE", "REINDEX", "LOCK", "REFRESH", "SHOW", "TRUNCATE", "PREPARE", "DEALLOCATE", "ATTACH", "DETACH", "LOAD", "SET",
    "RESET", "DESCRIBE", "DESC", "PRAGMA", "KILL", "REPLACE", "COPY", "UPSERT", "OPTIMIZE", "REPAIR", "UNDROP", "PUT", "GET",
    "REMOVE", "LISTEN", "NOTIFY", "FETCH", "IMPORT", "EXPORT", "BACKUP", "RESTORE", "TO",
}) | _KINDS  # fmt: skip
_FILLERS: Final = _KINDS | frozenset({
    "IF", "NOT", "EXISTS", "ONLY", "OR", "REPLACE", "CONCURRENTLY", "IGNORE", "LOCAL", "GLOBAL", "SESSION", "OVERWRITE", "DIRECTORY", "DATA",
    "INTO", "FROM", "FULL", "VERBOSE", "FREEZE", "TEMP", "UNIQUE", "PROGRAM", "STDIN", "STDOUT", "LOW_PRIORITY", "QUICK", "ALL",
    "DELAYED", "HIGH_PRIORITY", "DISTINCT", "LATERAL", "INFILE", "OUTFILE", "DUMPFILE", "IMMEDIATE", "AUTHORIZATION",
})  # fmt: skip
_OWN_WORD_ONLY: Final = frozenset(
    {"SET", "REPLACE", "GET", "LOCK", "ANALYZE", "LOAD", "TO", "SHOW", "USE", "COPY", "EXECUTE"}
)
_NEVER_NAMES: Final = VERBS | frozenset({
    "WHERE", "ON", "AND", "AS", "BY", "GROUP", "ORDER", "HAVING", "LIMIT", "UNION", "INNER", "LEFT", "RIGHT", "OUTER", "CROSS",
    "FULL", "WHEN", "THEN", "RETURNING", "CASCADE", "RESTRICT", "CONSTRAINT", "PRIMARY", "KEY", "DEFAULT", "NULL", "TRUE", "FALSE",
})  # fmt: skip


def first_word(tokens: Sequence[Token]) -> str:
    """The first keyword, past opening parentheses; "" where the statement begins with something else."""
    for token in tokens:
        if token.text != "(" or token.sort is not Sort.MARK:
            return token.upper if token.sort is Sort.WORD else ""
    return ""


_FILES: Final = frozenset(
    {"COPY", "LOAD", "ATTACH", "UNLOAD", "EXPORT", "IMPORT", "BACKUP", "RESTORE", "PUT", "GET", "SELECT", "UNKNOWN"}
)


def names(tokens: Sequence[Token]) -> tuple[str, ...]:
    """What stands where a table, a file or another object is named, in order, once each."""
    found: dict[str, None] = {}
    head = first_word(tokens)
    at = 0
    while at < len(tokens):
        at += 1
        if tokens[at - 1].upper in _BEFORE_A_NAME and _is_own_word(head, tokens, at - 1):
            at = _names_from(tokens, at, found, files=head in _FILES)
    return tuple(found)


def _is_own_word(head: str, tokens: Sequence[Token], at: int) -> bool:
    """SET, TO and the like are followed by an object only where they are the statement's own word."""
    word = tokens[at].upper
    return at == 0 or word not in _OWN_WORD_ONLY or (word == "TO" and head in _FILES)


def _names_from(tokens: Sequence[Token], at: int, found: dict[str, None], *, files: bool) -> int:
    while True:
        while at < len(tokens) and (tokens[at].upper in _FILLERS or tokens[at].text == "("):
            if tokens[at].upper == "PROGRAM":
                return at + 1  # COPY … TO PROGRAM 'curl …' names no file
            if tokens[at].text == "(" and at + 1 < len(tokens) and tokens[at + 1].upper in ("SELECT", "WITH", "VALUES"):
                return at
            at += 1
        if files and at < len(tokens) and tokens[at].sort is Sort.STRING:
            name, at = tokens[at].text, at + 1
        else:
            name, at = dotted(tokens, at)
        if name:
            found[name] = None
        if not name or at >= len(tokens) or tokens[at].text != ",":
            return at
        at += 1


def dotted(tokens: Sequence[Token], at: int) -> tuple[str, int]:
    """`"Sales".orders` at `at` -> ("Sales.orders", the place after it); ("", at) where no name stands."""
    parts: list[str] = []
    prefix = ""
    while at < len(tokens) and tokens[at].text in ("@", "#", ":", "$") and tokens[at].sort is Sort.MARK:
        prefix += tokens[at].text
        at += 1
    while at < len(tokens):
        token = tokens[at]
        if token.sort in (Sort.MARK, Sort.STRING) or (token.upper in _NEVER_NAMES and not parts):
            break
        parts.append(token.text)
        at += 1
        if at >= len(tokens) or tokens[at].text != ".":
            break
        at += 1
    return prefix + ".".join(parts) if parts else "", at


def acts_inside(tokens: Sequence[Token]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(verb, objects) of every act spelled out beyond doubt, wherever it stands: DELETE FROM t, DROP TABLE t, UPDATE t SET …"""
    head = first_word(tokens)
    for at, token in enumerate(tokens[:-1]):
        verb = token.upper
        if verb not in _ACTS or (head in _SPEAKS_OF_ACTS and at > 0):
            continue
        name, after = dotted(tokens, at + 1)
        following = tokens[at + 1].upper
        if following in _ACTS[verb]:
            name, _ = _first_name(tokens, at + 2)
        elif after >= len(tokens) or tokens[after].upper != _CLOSES.get(verb):
            name = ""
        if name:
            yield verb, (name,)


def _first_name(tokens: Sequence[Token], at: int) -> tuple[str, int]:
    while at < len(tokens) and tokens[at].upper in _FILLERS:
        at += 1
    return dotted(tokens, at)


_ACTS: Final[dict[str, frozenset[str]]] = {
    "DELETE": frozenset({"FROM"}),
    "DROP": _KINDS - {"COLUMN", "PARTITION"},
    "TRUNCATE": frozenset({"TABLE"}),
    "INSERT": frozenset({"INTO", "OVERWRITE"}),
    "UPDATE": frozenset(),
    "ALTER": _KINDS - {"COLUMN"},
    "MERGE": frozenset({"INTO"}),
}

_CLOSES: Final = {"UPDATE": "SET", "DELETE": "FROM"}  # UPDATE t SET …; MySQL's DELETE t FROM …
_SPEAKS_OF_ACTS: Final = frozenset(
    {"ALTER", "GRANT", "REVOKE", "COMMENT", "SHOW", "PREPARE", "EXPLAIN", "DESCRIBE", "DESC"}
)

_ACT_WORDS: Final = re.compile(
    r"\b(?:DELETE|DROP|TRUNCATE|ALTER|UPDATE|MERGE|GRANT|REVOKE|EXEC|EXECUTE)\b", re.IGNORECASE
)


def may_act(text: str) -> bool:
    """Whether a verb that changes things is anywhere in the text, literals and comments included."""
    return _ACT_WORDS.search(text) is not None
