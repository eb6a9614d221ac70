"""The only door to sqlglot: one statement into (verb, tables). Not the reading of texts that no grammar takes: sql_words.py.

Source: sqlglot 30.30.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ErrorLevel, SqlglotError

from addons.commands.budget import Budget, Work
from addons.commands.sql_text import Sort, Token

Act = tuple[str, tuple[str, ...]]  # ("DELETE", ("public.users",))

# sqlglot warns of what it does not know by quoting the statement: that is somebody's data, and nothing unmasked may be logged.
logging.getLogger("sqlglot").addFilter(lambda _: False)

# A parser that met what it was not made for: its own errors, its recursion, and the slips of a large grammar in Python.
_FAULTS: Final = (
    SqlglotError,
    RecursionError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)
_STATEMENT_CHARACTERS: Final = 40_000
_NODES: Final = 20_000

_VERBS: Final[dict[type[Any], str]] = {
    exp.Select: "SELECT",
    exp.SetOperation: "SELECT",
    exp.Subquery: "SELECT",
    exp.Values: "VALUES",
    exp.Table: "SELECT",
    exp.Insert: "INSERT",
    exp.MultitableInserts: "INSERT",
    exp.Update: "UPDATE",
    exp.Delete: "DELETE",
    exp.Merge: "MERGE",
    exp.Create: "CREATE",
    exp.Drop: "DROP",
    exp.Alter: "ALTER",
    exp.TruncateTable: "TRUNCATE",
    exp.Grant: "GRANT",
    exp.Revoke: "REVOKE",
    exp.Copy: "COPY",
    exp.LoadData: "LOAD",
    exp.Set: "SET",
    exp.Use: "USE",
    exp.Describe: "DESCRIBE",
    exp.Show: "SHOW",
    exp.Transaction: "BEGIN",
    exp.Commit: "COMMIT",
    exp.Rollback: "ROLLBACK",
    exp.Pragma: "PRAGMA",
    exp.Cache: "CACHE",
    exp.Uncache: "UNCACHE",
    exp.Refresh: "REFRESH",
    exp.Kill: "KILL",
    exp.Comment: "COMMENT",
    exp.Analyze: "ANALYZE",
    exp.Attach: "ATTACH",
    exp.Detach: "DETACH",
    exp.Undrop: "UNDROP",
    exp.Execute: "EXECUTE",
    exp.Declare: "DECLARE",
}
_WRITES: Final = (exp.Insert, exp.Update, exp.Delete, exp.Merge)
_HINTS: Final[dict[str, frozenset[str]]] = {
    "postgres": frozenset({"RETURNING", "ILIKE", "SERIAL", "JSONB", "TABLESPACE", "CONCURRENTLY", "VACUUM"}),
    "mysql": frozenset({"ENGINE", "AUTO_INCREMENT", "DUPLICATE", "STRAIGHT_JOIN", "IGNORE", "UNSIGNED"}),
    "tsql": frozenset({"TOP", "NOLOCK", "EXEC", "DECLARE", "NVARCHAR", "GETDATE", "OUTPUT", "APPLY"}),
    "bigquery": frozenset({"UNNEST", "STRUCT", "SAFE_CAST", "INT64", "FLOAT64", "EXCEPT"}),
    "snowflake": frozenset({"QUALIFY", "FLATTEN", "VARIANT", "WAREHOUSE", "STAGE", "UNDROP", "PIPE"}),
    "sqlite": frozenset({"PRAGMA", "ATTACH", "DETACH", "AUTOINCREMENT", "GLOB", "ROWID"}),
}
_MARKS: Final = {"`": ("mysql", "bigquery"), "[": ("tsql", "sqlite"), "@": ("tsql", "snowflake")}


def dialects(text: str, tokens: Sequence[Token]) -> tuple[str, ...]:
    """The three likeliest, best first; what says nothing is read as PostgreSQL's, MySQL's, T-SQL's."""
    words = {token.upper for token in tokens[:400] if token.sort is Sort.WORD}
    score = {name: 2 * len(words & hints) for name, hints in _HINTS.items()}
    for mark, names in _MARKS.items():
        if mark in text:
            for name in names:
                score[name] += 3
    return tuple(sorted(score, key=lambda name: -score[name])[:3])


_A_PARENTHESIS: Final = 10  # characters' worth: each may open a list, a subquery or a call, and the parser tries them


def acts(text: str, tokens: Sequence[Token], budget: Budget) -> tuple[Act, ...] | None:
    """What the statement does, its main act first; () where no dialect takes it, or where all know its first word only.

    None: it was too long to try.
    """
    if len(text) > _STATEMENT_CHARACTERS:
        return None
    for dialect in dialects(text, tokens):
        if not budget.spend(Work.SQL_TREE_CHARACTERS, len(text) + 20 + _A_PARENTHESIS * text.count("(")):
            return None
        tree = _parse(text, dialect)
        if tree is not None and type(tree) is not exp.Command and _verb(tree):
            return tuple(_acts(tree))
    return ()


def _parse(text: str, name: str) -> Any:
    try:
        dialect = Dialect.get_or_raise(name)
        parser = dialect.parser(error_level=ErrorLevel.IMMEDIATE, max_nodes=_NODES)
        trees = parser.parse(dialect.tokenize(text), text)
    except _FAULTS:
        return None
    return trees[0] if len(trees) == 1 else None


def _verb(tree: Any) -> str:
    return next((_VERBS[kind] for kind in type(tree).__mro__ if kind in _VERBS), "")


def _acts(tree: Any) -> Iterator[Act]:
    """A DELETE inside WITH counts, and so does the table that SELECT … INTO makes."""
    aliases = {cte.alias for cte in tree.find_all(exp.CTE)}
    yield _verb(tree), _tables(tree, aliases)
    for node in tree.find_all(*_WRITES, exp.Into, exp.When):
        if isinstance(node, exp.Into):
            yield "CREATE", _tables(node, aliases)
        elif isinstance(node, exp.When):
            if str(node.args.get("then")).upper() == "DELETE":
                yield "DELETE", _tables(tree, aliases)[:1]
        elif node is not tree and (tables := _tables(node, aliases)):  # a MERGE's own UPDATE names none
            yield _verb(node), tables


def _tables(tree: Any, aliases: set[str]) -> tuple[str, ...]:
    """Tables of this statement, without those of the writes inside it, which are acts of their own."""
    found: dict[str, None] = {}
    for node in tree.dfs(prune=lambda inner: inner is not tree and isinstance(inner, _WRITES)):
        if not isinstance(node, exp.Table):
            continue
        parts = [
            part.name for part in node.parts if isinstance(part, (exp.Identifier, exp.Literal, exp.Parameter, exp.Var))
        ]
        name = ".".join(part for part in parts if part)
        if name and not (len(parts) == 1 and name in aliases):
            found[name] = None
    return tuple(found)
