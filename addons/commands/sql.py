"""SQL into rows: verb, tables, text. Not a linter, and not a promise about what a database will do with the statement.

Each statement is read by a grammar (sql_tree.py); what no grammar takes is UNKNOWN, with its text and what its words say
(sql_words.py). Where databases cut the text differently (sql_text.py), the rows of every way are given: an approval rule has
to see the DELETE that one of them would run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from addons.commands import sql_dynamic, sql_tree, sql_words
from addons.commands.budget import Budget
from addons.commands.sql_text import POSTGRES, Sort, Statement, Token, statements, ways
from addons.commands.values import UNKNOWN, Found, Language, Row

# Words of T-SQL, PL/pgSQL and MySQL's procedures that stand before a statement without being one.
_PROCEDURAL: Final = frozenset({"BEGIN", "THEN", "ELSE", "LOOP", "ATOMIC", "AS"})


def read_sql(text: str, budget: Budget) -> Iterator[Found]:
    seen: set[tuple[str, str]] = set()
    for number, way in enumerate(ways(text)):
        variables: dict[str, str] = {}
        for statement in statements(text, way, budget):
            for found in _read(statement, variables, budget):
                key = _key(found)
                if number == 0 or (key not in seen and key[0] not in _QUIET):
                    yield found
                seen.add(key)


# What a second way of reading says and nobody needs: it is read for the acts that it alone may see.
_QUIET: Final = frozenset({"BEGIN", "COMMIT", "DECLARE", "DO", "END", UNKNOWN})


def _key(found: Found) -> tuple[str, str]:
    if isinstance(found, Row):
        return found.verb, found.objects[0] if found.objects else ""
    return found.language, found.text


def _read(statement: Statement, variables: dict[str, str], budget: Budget) -> Iterator[Found]:
    if not statement.tokens:
        yield Row(Language.SQL, UNKNOWN, (), statement.text)
        return
    client = sql_dynamic.client_command(statement.text)
    if client:
        yield from client
        return
    tokens = _without_explain(_past_procedural(statement.tokens))
    acts = sql_tree.acts(statement.plain(tokens), tokens, budget) if statement.whole else None
    verb = sql_words.first_word(tokens)
    found = list(_with_words(verb, acts or (), tokens)) or list(_by_words(verb, tokens, tried=acts is not None))
    known = {act[0] for act in found}
    found += [act for act in dict.fromkeys(sql_words.acts_inside(tokens)) if act[0] not in known]
    if not statement.whole and sql_words.may_act(statement.source[tokens[-1].end : statement.end]):
        found.append((UNKNOWN, ()))
    yield from (Row(Language.SQL, name, objects, statement.text) for name, objects in found)
    yield from _once(sql_dynamic.inside(verb, tokens, statement.text, variables))


def _once(found: Iterator[Found]) -> Iterator[Found]:
    seen: set[tuple[str, str]] = set()
    for each in found:
        if _key(each) not in seen:
            seen.add(_key(each))
            yield each


# Statements whose objects are not only tables: files, settings, accounts, the name of what is explained.
_NOT_ONLY_TABLES: Final = frozenset(
    {"COPY", "LOAD", "ATTACH", "DETACH", "SET", "PRAGMA", "KILL", "USE", "CREATE", "GRANT"}
)
_AS_WRITTEN: Final = frozenset(
    {"END", "EXPLAIN", "ABORT", "DESC", "REPLACE"}
)  # the grammar knows these by another name


_EXPLAINS: Final = frozenset({"EXPLAIN", "DESCRIBE", "DESC"})


def _with_words(verb: str, acts: Sequence[sql_tree.Act], tokens: Sequence[Token]) -> Iterator[sql_tree.Act]:
    for at, (name, objects) in enumerate(acts):
        if at and verb in _EXPLAINS:
            return
        if at == 0 and name == "EXECUTE":
            yield name, tuple(word for word in sql_words.names(tokens) if " " not in word)
        elif at == 0 and verb in _AS_WRITTEN:
            yield verb, objects or sql_words.names(tokens)
        elif at == 0 and (name in _NOT_ONLY_TABLES) and (not objects or name in ("COPY", "LOAD")):
            yield name, tuple(dict.fromkeys((*objects, *sql_words.names(tokens))))
        else:
            yield name, objects


def _by_words(verb: str, tokens: Sequence[Token], *, tried: bool) -> Iterator[sql_tree.Act]:
    """tried: a grammar has seen the statement, and did not take it."""
    plain = not tried and verb in sql_words.STATEMENTS and verb != "WITH"
    if verb in sql_words.UTILITIES or _administers(verb, tokens) or plain:
        yield "EXECUTE" if verb == "EXEC" else verb, sql_words.names(tokens)
    else:
        yield UNKNOWN, sql_words.names(tokens)


def _administers(verb: str, tokens: Sequence[Token]) -> bool:
    """DROP USER, CREATE LOGIN, ALTER SYSTEM: the grammar knows their first word only, and that is enough."""
    return verb in ("CREATE", "ALTER", "DROP", "GRANT", "REVOKE") and len(tokens) > 2 and tokens[1].sort is Sort.WORD


def _past_procedural(tokens: tuple[Token, ...]) -> tuple[Token, ...]:
    """BEGIN DELETE FROM t -> DELETE FROM t; IF x THEN DROP TABLE t -> DROP TABLE t. BEGIN alone stays: it opens a transaction."""
    head = sql_words.first_word(tokens)
    if head in sql_words.STATEMENTS or head in ("EXPLAIN", "DESCRIBE", "DESC", "DO", "PREPARE"):
        return tokens
    for at, token in enumerate(tokens[:-1]):
        if token.upper in _PROCEDURAL and tokens[at + 1].upper in (
            sql_words.STATEMENTS | {"EXEC", "EXECUTE", "CALL", "EXPLAIN"}
        ):
            return tokens[at + 1 :]
    return tokens


def _without_explain(tokens: tuple[Token, ...]) -> tuple[Token, ...]:
    """EXPLAIN ANALYZE runs what it explains; EXPLAIN alone does not."""
    if sql_words.first_word(tokens) not in _EXPLAINS:
        return tokens
    analyses = False
    for at, token in enumerate(tokens[1:40], 1):
        analyses = analyses or token.upper in ("ANALYZE", "ANALYSE")
        if token.upper in sql_words.STATEMENTS | {"EXECUTE", "CALL"}:
            return tokens[at:] if analyses else tokens
    return tokens


def looks_like_sql(text: str, budget: Budget) -> bool:
    """Whether words from an argument that may hold anything (`query`) are SQL: "delete the user from the list" is not.

    In doubt yes: one row too many is seen by somebody, a DELETE that was taken for prose is not.
    """
    head = text[:_GLANCE]
    statement = next((statement for statement in statements(head, POSTGRES, budget)), None)
    if statement is None or not statement.tokens:
        return statement is not None  # None: only comments; no tokens: the budget is spent, and nobody knows
    tokens = statement.tokens
    verb = sql_words.first_word(tokens)
    if verb in ("BEGIN", "COMMIT", "ROLLBACK", "END") and len(tokens) == 1:
        return ";" in text
    if verb in sql_words.UTILITIES:
        return _UTILITY.match(statement.plain(tokens).upper()) is not None
    if verb not in sql_words.STATEMENTS:
        return False
    marks = any(token.sort is not Sort.WORD and token.text not in ".,?!:-" for token in tokens)
    prose = any(token.sort is Sort.WORD and token.text.lower() in _PROSE for token in tokens)
    if any(True for _ in sql_words.acts_inside(tokens)):
        return not prose or marks or bool(sql_tree.acts(statement.plain(tokens), tokens, budget))
    says_from = any(token.upper == "FROM" for token in tokens)
    if verb in ("SELECT", "VALUES", "TABLE", "WITH") and not (says_from or marks):
        return statement.text.startswith("TABLE ")
    if not marks and (prose or (verb not in _READS and len(tokens) != _BARE.get(verb, 2))):
        return False
    cut = len(text) > _GLANCE or not statement.whole
    understood = bool(sql_tree.acts(statement.plain(tokens), tokens, budget))
    return (marks and says_from) or cut or understood or (len(tokens) == _BARE.get(verb) and _administers(verb, tokens))


def is_prose(text: str) -> bool:
    """Whether words given to a database's tool are not even meant as SQL: no mark of it, and no verb of it in front."""
    first = re.match(r"\s*([A-Za-z]*)", text)
    return (
        not re.search(r"[=;*()<>\"'`\[\]\\]|--", text) and first is not None and first[1].upper() not in sql_words.VERBS
    )


_READS: Final = frozenset({"SELECT", "WITH"})
_BARE: Final = {
    "CREATE": 3,
    "ALTER": 3,
    "DROP": 3,
}  # words of the shortest statement: CREATE ROLE bob; of others: DELETE t
_GLANCE: Final = 20_000
_PROSE: Final = frozenset({
    "the", "an", "my", "me", "our", "your", "please", "this", "these", "those", "their", "its", "about", "how", "what", "why", "which",
    "latest", "best", "i", "you", "we",
})  # fmt: skip
_UTILITY: Final = re.compile(
    r"CALL [\w.]+ ?\(|EXEC(?:UTE)? (?:IMMEDIATE|SP_|XP_|\w+\.|N?'|\()|EXEC(?:UTE)? ?\(|PRAGMA \w|LOAD DATA|REPLACE INTO|LOCK TABLES? "
    r"|RENAME TABLE |COPY (?:INTO )?[\w.\"]+ ?(?:\([^)]*\) ?)?(?:FROM|TO) |COPY \(|SET [\w@.]+ ?(?:=|:=|TO )|(?:BEGIN|START|COMMIT|ROLLBACK) (?:TRAN|WORK)"
    r"|SHOW (?:TABLES|DATABASES|COLUMNS|CREATE|INDEX|GRANTS|SCHEMAS|PROCESSLIST)|VACUUM\Z|ATTACH (?:DATABASE )?'|DO \$"
    r"|EXPLAIN (?:ANALYZE|VERBOSE|QUERY PLAN|\(|SELECT|DELETE|UPDATE|INSERT|WITH)|DESC(?:RIBE)? TABLE |DECLARE @|USE \w+\Z|PREPARE \w+ "
    r"|(?:ANALYZE|OPTIMIZE|REPAIR|REINDEX|REFRESH) (?:TABLE|MATERIALIZED|INDEX|DATABASE) |SHUTDOWN\Z|KILL \d|FLUSH \w+\Z|UNLOAD ?\("
)
