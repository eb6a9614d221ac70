"""Many rows in few statements: the same rows."""

import sqlite3
from contextlib import closing

import pytest

from addons.evidence import statements


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 64, 65, 200])
def test_rows_arrive_whatever_their_number(count):
    rows = [(number, bytes([number % 256])) for number in range(count)]
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE hashes (position, hash)")

        for text, values in statements.batches(statements.HASH, rows):
            database.execute(text, values)

        assert database.execute("SELECT position, hash FROM hashes ORDER BY position").fetchall() == rows


def test_a_known_content_is_passed_over_among_new_ones():
    rows = [(1, "t", b"a", 1, "x"), (1, "t", b"a", 1, "x"), (2, "t", b"b", 1, "y")]
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE contents (id PRIMARY KEY, subject, text)")

        for text, values in statements.batches(statements.CONTENT, rows):
            database.execute(text, values)

        assert database.execute("SELECT text FROM contents ORDER BY id").fetchall() == [("x",), ("y",)]
