"""The one door to SQLite: connections as this store needs them. Not the schema, not the queries.

sqlite-utils prefers another build of the library where one is installed; two libraries on one file would each release the other's
locks, so the whole room takes the module that sqlite-utils took.
Source of the settings: sqlite.org/wal.html, sqlite.org/pragma.html, read 2026-11-23.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from sqlite_utils import Database

if TYPE_CHECKING:
    import sqlite3
else:
    from sqlite_utils.utils import sqlite3

__all__ = ["Connection", "Database", "StoreError", "connect", "create_file", "reader", "sqlite3", "sqlite_notes"]

Connection = sqlite3.Connection

APPLICATION_ID = 0x41464456  # "AFDV", in the header of the file; file(1) and the next owner know it by this

BUSY_MS = 5000  # how long SQLite tries again where another program holds a lock

_WRITER_PRAGMAS = (
    f"busy_timeout = {BUSY_MS}",
    "page_size = 8192",  # of a new file: rows of 1 to 2 KB leave a fifth of each 4 KB page empty
    "auto_vacuum = INCREMENTAL",  # of a new file: pages that an erasure frees can be given back a few at a time
    "journal_mode = WAL",
    "synchronous = FULL",  # with NORMAL a power cut may roll back leaves that a signed checkpoint already covers
    "wal_autocheckpoint = 0",  # the writer copies the WAL back itself, between commits, never inside one
    "secure_delete = ON",  # erased content is overwritten
    "temp_store = MEMORY",  # no copy of anything outside the state folder
    "cache_size = -16384",
)


class StoreError(Exception):
    """The store cannot be used: missing, foreign, newer, or behind what it once showed. For whoever runs the gateway."""


def connect(path: Path) -> Connection:
    """The one read-write connection; it owns every checkpoint of the WAL. The file must exist. Used by one thread at a time."""
    connection = sqlite3.connect(_uri(path, "rw"), uri=True, isolation_level=None, check_same_thread=False)
    try:
        for pragma in _WRITER_PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def create_file(path: Path) -> None:
    """An empty file that only its owner can read; SQLite gives its WAL the same mode. Refuses one that exists."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        raise StoreError(
            f"evidence store {path} exists already; keep it, or move the whole state folder away first"
        ) from None


@contextmanager
def reader(path: Path) -> Iterator[Connection]:
    """A short look at the store, also while another process writes it. Never read-write, so it can neither recover nor delete a WAL."""
    if not path.is_file():
        raise StoreError(f"evidence store {path} not found; create it: affidavit init")
    connection = sqlite3.connect(_uri(path, "ro"), uri=True, isolation_level=None)
    try:
        for pragma in (f"busy_timeout = {BUSY_MS}", "query_only = ON"):
            connection.execute(f"PRAGMA {pragma}")
        yield connection
    finally:
        connection.close()


def sqlite_notes(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> tuple[str, ...]:
    """What is known about this SQLite that an operator should hear at start.

    The WAL-reset bug (sqlite.org/wal.html#walresetbug) needs two connections that write or checkpoint; this store has one, other
    programs must open it read-only.
    """
    fixed = version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)
    if version >= (3, 7, 0) and not fixed:
        text = ".".join(map(str, version))
        return (
            f"SQLite {text} has the WAL-reset bug (fixed in 3.51.3, 3.50.7, 3.44.6); open the store read-only from other programs",
        )
    return ()


def _uri(path: Path, mode: str) -> str:
    return f"file:{quote(str(path.absolute()))}?mode={mode}"
