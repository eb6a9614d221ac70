"""evidence.sqlite: the part of the store that an export takes, copied inside one read transaction. Not the files around it.

The copy is a function of the store and the scope: fixed page size, tables filled in the order of their keys, indexes and views
afterwards, no clock. It is in rollback-journal mode, so it opens from read-only media; and without STRICT, so that it opens in SQLite
older than 3.37 too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import astuple
from functools import cache
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

import orjson

from addons.evidence.database import Connection, StoreError, sqlite3
from addons.evidence.package.controls import SHEETS
from addons.evidence.package.scope import CHOICE, CHOSEN, EXCHANGES, IN_A_PERIOD, IN_ANY_PACKAGE, ROWS, Scope
from addons.evidence.package.views import VIEWS
from addons.evidence.usage_exports import UsageRow

APPLICATION_ID = 0x41464450  # "AFDP": a package, not a store that a gateway could go on with
FORMAT = "affidavit-package/v1"
_SIGN_ATTEMPTS = 10
_SOURCES = {".py", ".sql", ".html"}
_ALL_SIGNED = "SELECT (SELECT max(seq) + 1 FROM source.events) = (SELECT max(size) FROM source.checkpoints)"
_STRICT = re.compile(r"\)\s*STRICT\s*,?\s*")
_VIEWS = ("messages", "commands", "maskings", "data_access")
_ORDER = {
    "exchanges": "opened_seq",
    "policies": "seq",
    "roles": "id",
}  # the others: their first column, which is their key
_PRAGMAS = (
    "page_size = 4096",
    "journal_mode = OFF",  # until it is finished nobody reads it; an unfinished one is thrown away
    "synchronous = OFF",
    "cache_size = -65536",
    "trusted_schema = OFF",
)


def take(
    store: Path,
    target: Path,
    scope: Scope,
    sign: Callable[[], object],
    more: Mapping[str, str],
    usage: Sequence[UsageRow],
) -> None:
    """Copy what `scope` takes of `store` into the new file `target`. The store is read in one transaction, as it is now.

    sign: makes the store's owner sign a checkpoint. A gateway at work appends on, so it is asked a few times for a moment in which
    every leaf is signed; after that the newest leaves are taken unsigned, and the package says so. more: what else the package
    says of itself; usage: what providers say was used, kept beside what was recorded.
    """
    if target.exists():
        raise StoreError(f"{target} exists already; an export begins with nothing")
    target.touch(mode=0o600)
    with closing(sqlite3.connect(_uri(target, "rw"), uri=True, isolation_level=None)) as package:
        for pragma in _PRAGMAS:
            package.execute(f"PRAGMA {pragma}")
        package.execute("ATTACH ? AS source", (_uri(store, "ro"),))
        _begin(package, sign)
        tables, later = layout(package.execute(_LAYOUT).fetchall())
        for sql in tables:
            package.execute(sql)
        _check_names(package, scope)
        _fill(package, scope)
        package.executemany("INSERT INTO provider_usage VALUES (?, ?, ?, ?, ?, ?, ?)", map(astuple, usage))
        _describe(package, scope, more, later)
        package.execute("COMMIT")
        package.execute("DETACH source")
        package.execute("PRAGMA journal_mode = DELETE")


def _begin(package: Connection, sign: Callable[[], object]) -> None:
    for _ in range(_SIGN_ATTEMPTS):
        package.execute("BEGIN")
        if package.execute(_ALL_SIGNED).fetchone()[0]:
            return
        package.execute("ROLLBACK")
        sign()
    package.execute("BEGIN")
    package.execute(_ALL_SIGNED).fetchone()  # a transaction of SQLite begins with its first look


_LAYOUT = "SELECT type, name, tbl_name, sql FROM source.sqlite_master WHERE sql IS NOT NULL ORDER BY name"
_OWN_TABLES = (
    "CREATE TABLE package (name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE provider_usage (provider TEXT, day TEXT, key TEXT, model TEXT, requests INTEGER, input_tokens INTEGER, output_tokens INTEGER)",
)


def layout(store: Iterable[tuple[str, str, str, str]]) -> tuple[list[str], list[str]]:
    """(tables, indexes and views) of a package of a store with this schema: rows of (type, name, table, SQL)."""
    store = list(store)
    named = {(kind, name): sql for kind, name, _, sql in store}
    if missing := [table for table in ROWS if ("table", table) not in named]:
        raise StoreError(
            f"no table {missing[0]}: this is not an evidence store, or it is of another version; give the path of evidence.db"
        )
    tables = [_STRICT.sub(") ", named["table", table]) for table in ROWS]
    indexes = [sql for kind, _, table, sql in store if kind == "index" and table in ROWS]
    views = [named["view", view] for view in _VIEWS]
    own = [*VIEWS.items(), *((view, table.sql) for sheet in SHEETS for view, table in sheet.views)]
    return [*tables, *_OWN_TABLES], [*indexes, *views, *(f"CREATE VIEW {name} AS {query}" for name, query in own)]


@cache
def program() -> str:
    """Digest of the files that a package is made with: what another program made cannot be made again with this one."""
    digest = sha256()
    folder = Path(__file__).parents[1]
    for path in sorted(path for path in folder.rglob("*") if path.suffix in _SOURCES):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + sha256(path.read_bytes()).digest())
    return "sha256:" + digest.hexdigest()


_KNOWN = {
    "persons": "SELECT 1 FROM source.subjects WHERE subject = ?",
    "connections": "SELECT 1 FROM source.exchanges WHERE connection = ? LIMIT 1",
    "sessions": "SELECT 1 FROM source.exchanges WHERE session_id = ? LIMIT 1",
}


def _check_names(package: Connection, scope: Scope) -> None:
    """A name that is misspelt would give an empty package, and nobody would know why."""
    for what, query in _KNOWN.items():
        for name in getattr(scope, what):
            if package.execute(query, (name,)).fetchone() is None:
                raise StoreError(
                    f"{what}: {name} is nowhere in this store; give it as population.csv and affidavit sessions do"
                )


def _fill(package: Connection, scope: Scope) -> None:
    if not scope.whole:
        for statement in (CHOSEN, EXCHANGES, *CHOICE):
            package.execute(statement, scope.values if ":" in statement else ())
    replaced = IN_ANY_PACKAGE if scope.whole else {**IN_ANY_PACKAGE, **IN_A_PERIOD}
    for table, chosen in ROWS.items():
        where = f"WHERE {chosen}" if chosen and not scope.whole else ""
        columns = [name for _, name, *_ in package.execute(f"PRAGMA main.table_info({table})")]
        values = ", ".join(replaced.get((table, name), name) for name in columns)
        order = _ORDER.get(table, columns[0])
        package.execute(
            f"INSERT INTO main.{table} ({', '.join(columns)}) SELECT {values} FROM source.{table} {where} ORDER BY {order}"  # noqa: S608 the pieces are constants of this room
        )


def _describe(package: Connection, scope: Scope, more: Mapping[str, str], later: Iterable[str]) -> None:
    """What the package says of itself; then its indexes and views."""
    first = _one(package, "SELECT leaf FROM main.events WHERE seq = 0")
    rows = {
        "format": FORMAT,
        "made_by": program(),
        "origin": orjson.loads(first)["origin"],
        "leaves": str(_one(package, "SELECT count(*) FROM main.events")),
        "signed": str(_one(package, "SELECT coalesce(max(size), 0) FROM main.checkpoints")),
        **scope.values,
        **more,
    }
    package.executemany("INSERT INTO package VALUES (?, ?)", rows.items())
    for sql in later:
        package.execute(sql)
    package.execute(f"PRAGMA main.application_id = {APPLICATION_ID}")
    package.execute("PRAGMA main.user_version = 1")


def _one(package: Connection, query: str, *values: str) -> str:
    row = package.execute(query, values).fetchone()
    if row is None:
        raise StoreError("this is not an evidence store, or it is of another version; give the path of evidence.db")
    value: str = row[0]
    return value


def _uri(path: Path, mode: str) -> str:
    return f"file:{quote(str(path.absolute()))}?mode={mode}"
