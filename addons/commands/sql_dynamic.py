r"""Statements that stand in a SQL statement's literals (EXECUTE IMMEDIATE '…', DO $$…$$, xp_cmdshell '…') and the commands of
SQL clients (psql's `\!`, sqlite3's `.shell`). Not an interpreter: of expressions only concatenation is followed.

Sources: PostgreSQL 17 manual, DO, PREPARE, COPY, psql; T-SQL reference, EXECUTE, sp_executesql, xp_cmdshell; MySQL 8.4, PREPARE.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from addons.commands import sql_words
from addons.commands.sql_text import Sort, Token
from addons.commands.values import UNKNOWN, Found, Inner, Language, Row

_RUN_TEXT: Final = frozenset({
    "EXEC", "EXECUTE", "IMMEDIATE", "SP_EXECUTESQL", "DBLINK", "DBLINK_EXEC", "OPENQUERY", "QUERY_TO_XML", "PREPARE",
})  # fmt: skip
_RUN_SHELL: Final = frozenset({"PROGRAM", "XP_CMDSHELL", "SYS_EXEC", "SYS_EVAL"})
_JOINS: Final = frozenset({"|", "+", "(", ")", "CONCAT", "N", "E", "FORMAT", ",", "FROM", "=", ":"})
_STOPS: Final = frozenset({"USING", "INTO", "WITH", "AS", "LANGUAGE"})
_VALUE_CHARACTERS: Final = 20_000
_META: Final = re.compile(r"[ \t]*(\\(?:!|\?|[A-Za-z]+)|\.[a-z]+\b)[ \t]*([^\n]*)")
_SHELLS: Final = frozenset({"\\!", ".shell", ".system"})
_PIPES: Final = frozenset({"\\o", "\\g", "\\gx", "\\w", "\\copy", ".output", ".once", ".import"})


def client_command(text: str) -> tuple[Found, ...]:
    r"""What a line such as `\! rm -rf /` is; () for a statement."""
    match = _META.match(text)
    if match is None:
        return ()
    verb, rest = match[1], match[2].strip()
    found: list[Found] = [Row(Language.SQL, verb, tuple(rest.split()[:8]), match[0].strip())]
    if verb in _SHELLS and rest:
        found.append(Inner(Language.SHELL, rest))
    if verb in _PIPES and "|" in rest:
        found.append(Inner(Language.SHELL, rest.partition("|")[2]))
    if verb == "\\copy":
        found.append(Inner(Language.SQL, f"COPY {rest}"))
    return tuple(found)


def inside(verb: str, tokens: Sequence[Token], text: str, variables: dict[str, str]) -> Iterator[Found]:
    """The statements in this one's literals; what a variable holds is remembered in `variables` for those to come."""
    _remember(tokens, variables)
    if verb == "DO" or (verb == "CREATE" and any(token.upper == "AS" for token in tokens)):
        yield from _body(verb, tokens)
    for at, token in enumerate(tokens):
        word = token.upper
        if word in _RUN_SHELL or (token.sort is Sort.NAME and token.text.upper() in _RUN_SHELL):
            yield from (Inner(Language.SHELL, command) for command in _literal(tokens, at + 1, variables)[:1])
        elif word in _RUN_TEXT and verb not in ("GRANT", "REVOKE"):
            yield from _run(tokens, at, text, variables)


def _run(tokens: Sequence[Token], at: int, text: str, variables: Mapping[str, str]) -> Iterator[Found]:
    if tokens[at].upper == "PREPARE":
        yield from _prepare(tokens, at, text, variables)
    elif _is_text(tokens, at + 1):
        literals = _literal(tokens, at + 1, variables)
        if literals:
            yield Inner(Language.SQL, max(literals, key=len))
        elif _is_variable(tokens, at + 1) or tokens[at].upper in ("IMMEDIATE", "SP_EXECUTESQL"):
            yield Row(Language.SQL, UNKNOWN, (), text)


def _is_text(tokens: Sequence[Token], at: int) -> bool:
    """A literal, N'a literal', (…), format(…), @a_variable; not a procedure's name, whose literals are only its arguments."""
    if at >= len(tokens):
        return False
    if _is_literal(tokens[at]) or tokens[at].text in ("(", "@", ":"):
        return True
    following = tokens[at + 1] if at + 1 < len(tokens) else None
    runs = tokens[at].upper in _RUN_TEXT
    return (
        following is not None
        and not runs
        and (following.text == "(" or (tokens[at].upper == "N" and following.sort is Sort.STRING))
    )


def _is_literal(token: Token) -> bool:
    """BigQuery and MySQL take "…" for a literal too; a name has no blanks."""
    return token.sort is Sort.STRING or (token.sort is Sort.NAME and " " in token.text)


def _is_variable(tokens: Sequence[Token], at: int) -> bool:
    return any(token.text in ("@", ":") for token in tokens[at : at + 2])


def _prepare(tokens: Sequence[Token], at: int, text: str, variables: Mapping[str, str]) -> Iterator[Found]:
    """PREPARE s FROM 'DROP …' (MySQL), or PREPARE s (int) AS DROP … (PostgreSQL)."""
    for place in range(at + 1, min(len(tokens), at + 40)):
        if tokens[place].upper == "FROM":
            literals = _literal(tokens, place + 1, variables)
            yield Inner(Language.SQL, literals[0]) if literals else Row(Language.SQL, UNKNOWN, (), text)
            return
        if tokens[place].upper == "AS" and place + 1 < len(tokens):
            yield Inner(Language.SQL, text[tokens[place].end - tokens[0].start :] if at == 0 else text)
            return


def _body(verb: str, tokens: Sequence[Token]) -> Iterator[Found]:
    """The body of DO, of a function, of a procedure: it is not run by CREATE, but by the next innocent SELECT f()."""
    words = {token.upper for token in tokens}
    language = Language.PYTHON if any(word.startswith("PLPYTHON") for word in words) else Language.SQL
    follows_as = verb == "DO"
    for token in tokens:
        follows_as = follows_as or token.upper == "AS"
        if follows_as and token.sort is Sort.STRING and len(token.text) > 4:
            yield Inner(language, token.text)


def _remember(tokens: Sequence[Token], variables: dict[str, str]) -> None:
    """@s = 'DROP TABLE x', SET @s := '…', DECLARE @s VARCHAR(20) = '…'"""
    for at, token in enumerate(tokens):
        if token.text == "=" and token.sort is Sort.MARK:
            place = next((back for back in range(at - 1, max(-1, at - 10), -1) if tokens[back].text == "@"), None)
            if place is not None and place + 1 < at and (literals := _literal(tokens, at + 1, variables)):
                variables[tokens[place + 1].text.lower()] = literals[0]


def _literal(tokens: Sequence[Token], at: int, variables: Mapping[str, str]) -> list[str]:
    """The literals from `at` on, joined where `||`, `+` or CONCAT joins them; names that are not literal stay as words."""
    parts: list[str] = []
    found: list[str] = []
    size = 0
    for place in range(at, min(len(tokens), at + 200)):
        token = tokens[place]
        if _is_literal(token):
            parts.append(token.text)
        elif token.upper in _STOPS or (token.upper in sql_words.VERBS and not parts):
            break
        elif token.text == "," and not _joins_by_comma(tokens, at):
            found += ["".join(parts)] if parts else []
            parts = []
        elif token.sort is Sort.WORD and token.text.lower() in variables:
            size += len(variables[token.text.lower()])
            if size > _VALUE_CHARACTERS:  # @s = @s + @s, again and again
                break
            parts.append(variables[token.text.lower()])
        elif token.upper not in _JOINS and token.sort is not Sort.MARK and parts:
            parts.append(f" {token.text} ")
    return found + (["".join(parts)] if parts else [])


def _joins_by_comma(tokens: Sequence[Token], at: int) -> bool:
    return any(token.upper == "CONCAT" for token in tokens[at : at + 3])
