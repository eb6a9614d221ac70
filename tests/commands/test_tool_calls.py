"""Which tool is called decides what its arguments mean."""

from __future__ import annotations

import json

import pytest

from addons.commands.read import read
from addons.commands.values import UNKNOWN, Command, Language
from addons.providers.call import Kind, Part

PATCH = (
    "*** Begin Patch\n*** Update File: a/b.py\n@@\n-x\n+y\n*** Add File: c.txt\n+z\n*** Move to: d.txt\n*** End Patch"
)
DIFF = "diff --git a/x.py b/x.py\n--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-a\n+b\n--- /dev/null\n+++ b/new.py\n"


def rows(name: str, arguments: object) -> list[tuple[str, str, tuple[str, ...]]]:
    content = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return [(row.language.value, row.verb, row.objects) for row in read(Part(Kind.TOOL_CALL, content, name=name))]


RM = ("shell", "rm", ("x",))
DELETE = ("sql", "DELETE", ("t",))

AGENTS = {
    "Claude Code Bash": ("Bash", {"command": "rm x", "description": "delete from the table", "timeout": 5}, [RM]),
    "Claude Code Read": ("Read", {"file_path": "/etc/passwd", "limit": 5}, [("other", "Read", ("/etc/passwd",))]),
    "Claude Code Write": (
        "Write",
        {"file_path": "/x", "content": "rm -rf /; DROP TABLE t"},
        [("other", "Write", ("/x",))],
    ),
    "Claude Code Edit": (
        "Edit",
        {"file_path": "/x", "old_string": "a", "new_string": "DELETE FROM t"},
        [("other", "Edit", ("/x",))],
    ),
    "Claude Code MultiEdit": (
        "MultiEdit",
        {"file_path": "/x", "edits": [{"old_string": "/a", "new_string": "/b"}]},
        [("other", "MultiEdit", ("/x",))],
    ),
    "Claude Code Glob": ("Glob", {"pattern": "**/*.py", "path": "/src"}, [("other", "Glob", ("/src",))]),
    "Claude Code Grep": ("Grep", {"pattern": "DROP TABLE t", "path": "/src"}, [("other", "Grep", ("/src",))]),
    "Claude Code WebFetch": (
        "WebFetch",
        {"url": "https://h.example/a", "prompt": "rm x"},
        [("http", "GET", ("h.example",))],
    ),
    "Claude Code WebSearch": ("WebSearch", {"query": "DELETE FROM t"}, [("other", "WebSearch", ())]),
    "Claude Code NotebookEdit": (
        "NotebookEdit",
        {"notebook_path": "/n.ipynb", "new_source": "import os"},
        [("other", "NotebookEdit", ("/n.ipynb",))],
    ),
    "Claude Code Task": ("Task", {"prompt": "run rm x", "description": "d"}, [("other", "Task", ())]),
    "Codex shell": ("shell", {"command": ["bash", "-lc", "rm x"], "workdir": "/w"}, [("shell", "bash", ()), RM]),
    "Codex shell without a shell": ("shell", {"command": ["rm", "x"]}, [RM]),
    "Codex argv is not expanded": ("shell", {"command": ["rm", "$HOME", "a;b"]}, [("shell", "rm", ("$HOME", "a;b"))]),
    "Codex exec_command": ("exec_command", {"cmd": "rm x", "yield_time_ms": 1000}, [RM]),
    "Codex write_stdin": ("write_stdin", {"session_id": 1, "chars": "rm x\n"}, [RM]),
    "Codex apply_patch, free text": ("apply_patch", PATCH, [("other", "apply_patch", ("a/b.py", "c.txt", "d.txt"))]),
    "Codex apply_patch, JSON": (
        "apply_patch",
        {"input": PATCH},
        [("other", "apply_patch", ("a/b.py", "c.txt", "d.txt"))],
    ),
    "Codex apply_patch in a shell": (
        "shell",
        {"command": ["apply_patch", PATCH]},
        [("shell", "apply_patch", ("a/b.py", "c.txt", "d.txt"))],
    ),
    "OpenAI apply_patch": (
        "apply_patch",
        {"type": "update_file", "path": "q.py", "diff": "@@\n-a\n+b"},
        [("other", "apply_patch", ("q.py",))],
    ),
    "OpenAI local_shell": ("local_shell", {"type": "exec", "command": ["rm", "x"], "env": {"A": "/b"}}, [RM]),
    "OpenAI shell": ("shell", {"commands": ["ls", "rm x"]}, [("shell", "ls", ()), RM]),
    "OpenAI code_interpreter": (
        "code_interpreter",
        {"code": "import os\nos.remove('x')"},
        [("python", "run", ("os",)), ("python", "os.remove", ("x",))],
    ),
    "OpenAI web_search": ("web_search", {"type": "search", "query": "select a from b"}, [("other", "web_search", ())]),
    "OpenAI open_page": (
        "web_search",
        {"type": "open_page", "url": "https://h.example"},
        [("http", "GET", ("h.example",))],
    ),
    "Anthropic bash": ("bash", {"restart": True}, [("other", "bash", ())]),
    "Anthropic text editor": (
        "str_replace_based_edit_tool",
        {"command": "view", "path": "/x"},
        [("other", "view", ("/x",))],
    ),
    "Anthropic memory": (
        "memory",
        {"command": "str_replace", "path": "/m/x", "old_str": "a", "new_str": "b"},
        [("other", "str_replace", ("/m/x",))],
    ),
    "Anthropic bash_code_execution": ("bash_code_execution", {"command": "rm x"}, [RM]),
    "Anthropic code_execution": ("code_execution", {"code": "print(1)"}, [("python", "run", ())]),
    "Anthropic computer": ("computer", {"action": "screenshot"}, [("other", "computer", ())]),
    "Gemini run_shell_command": ("run_shell_command", {"command": "rm x", "description": "d"}, [RM]),
    "Gemini read_file": ("read_file", {"absolute_path": "/x"}, [("other", "read_file", ("/x",))]),
    "Cursor": ("run_terminal_cmd", {"command": "rm x", "is_background": False}, [RM]),
    "a namespace": ("functions.exec_command", {"cmd": "rm x"}, [RM]),
    "calls in a call": (
        "multi_tool_use.parallel",
        {"tool_uses": [{"recipient_name": "functions.shell", "parameters": {"command": "rm x"}}]},
        [RM],
    ),
}

MCP = {
    "Claude Code's name": ("mcp__github__create_issue", {"title": "x"}, [("mcp", "create_issue", ("github",))]),
    "underscores in both": ("mcp__my_server__do__it", {}, [("mcp", "do__it", ("my_server",))]),
    "the providers' name": ("linear.create_issue", {"title": "x"}, [("mcp", "create_issue", ("linear",))]),
    "SQL in it": ("mcp__postgres__query", {"sql": "DELETE FROM t"}, [("mcp", "query", ("postgres",)), DELETE]),
    "words to a database": ("mcp__postgres__query", {"query": "users in Paris"}, [("mcp", "query", ("postgres",))]),
    "unreadable SQL": (
        "mcp__postgres__query",
        {"query": "SELEC * FORM t"},
        [("mcp", "query", ("postgres",)), ("sql", UNKNOWN, ())],
    ),
    "a command": ("mcp__desktop__start_process", {"command": "rm x"}, [("mcp", "start_process", ("desktop",)), RM]),
    "a file": (
        "mcp__filesystem__read_file",
        {"path": "/x"},
        [("mcp", "read_file", ("filesystem",)), ("other", "read_file", ("/x",))],
    ),
    "a web page": (
        "mcp__fetch__fetch",
        {"url": "https://h.example"},
        [("mcp", "fetch", ("fetch",)), ("http", "GET", ("h.example",))],
    ),
}

HTTP = {
    "url and method": (
        "http_request",
        {"url": "https://H.Example/v1?a=b", "method": "delete"},
        [("http", "DELETE", ("h.example",))],
    ),
    "no method": ("fetch", {"url": "https://h.example"}, [("http", "GET", ("h.example",))]),
    "method in the name": ("http_post", {"url": "https://h.example", "body": "x"}, [("http", "POST", ("h.example",))]),
    "method in the name, humps": ("httpPost", {"url": "https://h.example"}, [("http", "POST", ("h.example",))]),
    "port and user": ("fetch", {"url": "https://me:pw@h.example:8443/x"}, [("http", "GET", ("h.example",))]),
    "address in brackets": ("fetch", {"url": "http://[::1]:80/x"}, [("http", "GET", ("::1",))]),
    "backslash ends the host": (
        "fetch",
        {"url": "https://h.example\\@evil.example/"},
        [("http", "GET", ("h.example",))],
    ),
    "several": (
        "crawl",
        {"urls": ["https://a.example", "https://b.example"]},
        [("http", "GET", ("a.example",)), ("http", "GET", ("b.example",))],
    ),
    "without scheme": ("open_page", {"url": "h.example/a"}, [("http", "GET", ("h.example",))]),
    "path of an API": (
        "call_api",
        {"endpoint": "/v1/users", "method": "DELETE"},
        [("other", "call_api", ("/v1/users",)), ("http", "DELETE", ())],
    ),
    "an unknown method": (
        "http_request",
        {"url": "https://h.example", "method": "FOO"},
        [("http", UNKNOWN, ("h.example",))],
    ),
    "a file's URL": ("fetch", {"url": "file:///etc/passwd"}, [("other", "fetch", ("file:///etc/passwd",))]),
}

KEYS = {
    "sql": ("x", {"sql": "DELETE FROM t"}, [DELETE]),
    "a list of sql": ("x", {"sql": ["DELETE FROM t", "SELECT 1"]}, [DELETE, ("sql", "SELECT", ())]),
    "query that is SQL": ("x", {"query": "DELETE FROM t"}, [DELETE]),
    "query that is not": ("x", {"query": "how many users signed up"}, [("other", "x", ())]),
    "query that sounds like SQL": ("x", {"query": "delete the user from the list"}, [("other", "x", ())]),
    "query to a database in words": (
        "search_database",
        {"query": "cities in Europe"},
        [("other", "search_database", ())],
    ),
    "query to a database, unreadable": ("execute_sql", {"query": "SELEC * FORM t"}, [("sql", UNKNOWN, ())]),
    "statement": ("x", {"statement": "DELETE FROM t"}, [DELETE]),
    "statement in words": ("x", {"statement": "I think that is right."}, [("other", "x", ())]),
    "cmd": ("x", {"cmd": "rm x"}, [RM]),
    "program and arguments": ("x", {"command": "rm", "args": ["-f", "x"]}, [("shell", "rm", ()), RM]),
    "an empty command": ("Bash", {"command": " "}, [("other", "Bash", ())]),
    "path": ("x", {"path": "a/b.txt"}, [("other", "x", ("a/b.txt",))]),
    "humps": ("x", {"filePath": "a.txt"}, [("other", "x", ("a.txt",))]),
    "two paths": ("copy", {"source": "a.txt", "destination": "b.txt"}, [("other", "copy", ("a.txt", "b.txt"))]),
    "a path by its shape": ("x", {"a": {"b": ["/etc/passwd"]}}, [("other", "x", ("/etc/passwd",))]),
    "a URL by its shape": ("x", {"a": "s3://bucket/key"}, [("other", "x", ("s3://bucket/key",))]),
    "a diff": ("x", {"patch": DIFF}, [("other", "x", ("x.py", "new.py"))]),
    "nothing known": ("get_weather", {"city": "Paris"}, [("other", "get_weather", ())]),
    "nested": ("x", {"input": {"sql": "DELETE FROM t"}}, [DELETE]),
    "JSON in a string": ("x", {"arguments": '{"cmd": "rm x"}'}, [RM]),
    "code in Python": (
        "x",
        {"code": "import os\nos.remove('a')"},
        [("python", "run", ("os",)), ("python", "os.remove", ("a",))],
    ),
    "code in a named language": (
        "x",
        {"code": "fs.rmSync('a')", "language": "javascript"},
        [("other", "run", ()), ("other", "fs.rmSync", ("a",))],
    ),
    "code in SQL": ("x", {"code": "DELETE FROM t", "language": "sql"}, [DELETE]),
    "code in shell": ("x", {"code": "rm x", "language": "bash"}, [RM]),
    "code with a shebang": ("x", {"code": "#!/bin/sh\nrm x"}, [RM]),
    "code that looks like JavaScript": (
        "x",
        {"code": "const fs = require('fs'); fs.rmSync('a')"},
        [("other", "run", ("fs",)), ("other", "fs.rmSync", ("a",))],
    ),
    "a script": ("x", {"script": "rm x"}, [RM]),
    "a browser's script": (
        "evaluate_script",
        {"function": "() => fetch('https://h.example')"},
        [("other", "run", ()), ("other", "fetch", ()), ("http", "GET", ("h.example",))],
    ),
    "a source that is a path": ("x", {"source": "a.txt"}, [("other", "x", ("a.txt",))]),
}

TEXTS = {
    "no arguments": ("x", "", [("other", "x", ())]),
    "no name either": ("", "", [("other", UNKNOWN, ())]),
    "an empty object": ("x", {}, [("other", "x", ())]),
    "null": ("x", "null", [("other", "x", ())]),
    "a number": ("Bash", "5", [("other", "Bash", ())]),
    "a list": ("Bash", ["rm", "x"], [RM]),
    "free text to a shell": ("bash", "rm x", [RM]),
    "a JSON string to a shell": ("bash", '"rm x"', [RM]),
    "free text to Python": ("python", "import os", [("python", "run", ("os",))]),
    "free text to a database": ("run_sql", "DELETE FROM t", [DELETE]),
    "broken JSON to a shell": ("Bash", '{"command": "rm x', [("shell", UNKNOWN, ())]),
    "broken JSON to nobody": ("x", '{"a": ', [("other", UNKNOWN, ())]),
    "a key said twice": ("Bash", '{"command": "ls", "command": "rm x"}', [("shell", "ls", ()), RM]),
    "only a comment": ("x", {"sql": "-- nothing"}, [("other", "x", ())]),
}

TABLE = {
    f"{group}: {name}": case
    for group, cases in (("agent", AGENTS), ("mcp", MCP), ("http", HTTP), ("key", KEYS), ("text", TEXTS))
    for name, case in cases.items()
}


@pytest.mark.parametrize(("name", "arguments", "expected"), TABLE.values(), ids=TABLE.keys())
def test_a_tool_call_becomes_rows(name, arguments, expected):
    assert expected == rows(name, arguments)


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.TOOL_CALL])
def test_other_kinds_have_no_rows(kind):
    assert read(Part(kind, '{"command": "rm x"}', name="Bash")) == ()


def test_a_row_says_whose_it_is():
    (row,) = read(Part(Kind.TOOL_CALL, '{"command": "rm -f x"}', name="Bash", call_id="toolu_1"))

    assert Command(Language.SHELL, "rm", ("x",), "rm -f x", "toolu_1", "Bash") == row


def test_a_row_shows_no_value_in_its_repr():
    (row,) = read(Part(Kind.TOOL_CALL, '{"command": "rm 4111111111111111"}', name="Bash"))

    assert "4111111111111111" not in repr(row)


def test_a_long_file_is_not_kept_twice():
    (row,) = read(Part(Kind.TOOL_CALL, json.dumps({"file_path": "/x", "content": "a" * 10_000}), name="Write"))

    assert row.text == "Write /x"
