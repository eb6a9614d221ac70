"""What code that a tool runs would reach: shells, databases, hosts, files."""

from __future__ import annotations

import json
import warnings

import pytest

from addons.commands.read import read
from addons.commands.values import UNKNOWN
from addons.providers.call import Kind, Part


def rows(tool: str, code: str) -> list[tuple[str, str, tuple[str, ...]]]:
    return [
        (row.language.value, row.verb, row.objects)
        for row in read(Part(Kind.TOOL_CALL, json.dumps({"code": code}), name=tool))
    ]


RM = ("shell", "rm", ("x",))

PYTHON = {
    "nothing outside": ("print(1)", [("run", ())]),
    "imports": ("import os, sys\nfrom a.b import c", [("run", ("os", "sys", "a.b"))]),
    "os.system": ("import os\nos.system('rm x')", [("run", ("os",)), ("os.system", ()), RM]),
    "import as": ("import os as o\no.system('rm x')", [("run", ("os",)), ("os.system", ()), RM]),
    "from import as": ("from os import system as s\ns('rm x')", [("run", ("os",)), ("os.system", ()), RM]),
    "function in a variable": ("import os\nf = os.system\nf('rm x')", [("run", ("os",)), ("os.system", ()), RM]),
    "command in a variable": ("c = 'rm x'\nos.system(c)", [("run", ()), ("os.system", ()), RM]),
    "command put together": ("os.system('r' + 'm ' + 'x')", [("run", ()), ("os.system", ()), RM]),
    "command joined": ("os.system(' '.join(['rm', 'x']))", [("run", ()), ("os.system", ()), RM]),
    "command in an f-string": ("a = 'x'\nos.system(f'rm {a}')", [("run", ()), ("os.system", ()), RM]),
    "command that nobody knows": ("os.system(c)", [("run", ()), ("os.system", ()), ("shell", UNKNOWN, ())]),
    "__import__": ("__import__('os').system('rm x')", [("run", ("os",)), ("os.system", ()), RM]),
    "getattr": ("import os\ngetattr(os, 'sys' + 'tem')('rm x')", [("run", ("os",)), ("os.system", ()), RM]),
    "importlib": (
        "import importlib\nimportlib.import_module('os').system('rm x')",
        [("run", ("importlib", "os")), ("os.system", ()), RM],
    ),
    "subprocess, words": (
        "import subprocess\nsubprocess.run(['rm', '-f', 'x'])",
        [("run", ("subprocess",)), ("subprocess.run", ()), RM],
    ),
    "subprocess, shell": (
        "import subprocess as sp\nsp.check_output('ls; rm x', shell=True)",
        [("run", ("subprocess",)), ("subprocess.check_output", ()), ("shell", "ls", ()), RM],
    ),
    "os.execvp": ("import os\nos.execvp('rm', ['rm', 'x'])", [("run", ("os",)), ("os.execvp", ()), RM]),
    "psql in a shell": (
        "os.popen('psql -c \"DROP TABLE t\"')",
        [("run", ()), ("os.popen", ()), ("shell", "psql", ()), ("sql", "DROP", ("t",))],
    ),
    "open": ("open('/etc/passwd')\nopen(p, 'w')", [("run", ()), ("open", ("/etc/passwd",)), ("open", ())]),
    "os.remove": ("import os\nos.remove('a')", [("run", ("os",)), ("os.remove", ("a",))]),
    "shutil": ("import shutil\nshutil.rmtree('/a')", [("run", ("shutil",)), ("shutil.rmtree", ("/a",))]),
    "pathlib": (
        "from pathlib import Path\nPath('a').unlink()",
        [("run", ("pathlib",)), ("pathlib.Path().unlink", ("a",))],
    ),
    "pandas": ("import pandas as pd\npd.read_csv('a.csv')", [("run", ("pandas",)), ("pandas.read_csv", ("a.csv",))]),
    "requests": (
        "import requests\nrequests.delete('https://h.example/a')",
        [("run", ("requests",)), ("requests.delete", ("h.example",)), ("http", "DELETE", ("h.example",))],
    ),
    "requests.request": (
        "import requests\nrequests.request('put', f'https://h.example/{a}')",
        [("run", ("requests",)), ("requests.request", ("h.example",)), ("http", "PUT", ("h.example",))],
    ),
    "a session": (
        "import requests\ns = requests.Session()\ns.post('https://h.example')",
        [("run", ("requests",)), ("requests.Session.post", ("h.example",)), ("http", "POST", ("h.example",))],
    ),
    "urllib": (
        "from urllib.request import urlopen\nurlopen('http://h.example')",
        [("run", ("urllib.request",)), ("urllib.request.urlopen", ("h.example",)), ("http", "GET", ("h.example",))],
    ),
    "a dictionary's get": ("d.get('https://h.example')", [("run", ())]),
    "socket": (
        "import socket\ns = socket.socket()\ns.connect(('h', 1))",
        [("run", ("socket",)), ("socket.socket.connect", ("h",))],
    ),
    "cursor": (
        "cur.execute('DELETE FROM t WHERE a = %s', (1,))",
        [("run", ()), ("cur.execute", ()), ("sql", "DELETE", ("t",))],
    ),
    "execute of something else": ("task.execute('now')", [("run", ())]),
    "exec of a literal": (
        "exec(\"import os; os.system('rm x')\")",
        [("run", ()), ("exec", ()), ("run", ("os",)), ("os.system", ()), RM],
    ),
    "eval of the unknown": ("eval(a)", [("run", ()), ("eval", ()), (UNKNOWN, ())]),
    "pickle": ("import pickle\npickle.loads(a)", [("run", ("pickle",)), ("pickle.loads", ())]),
    "notebook's shell": ("!rm x\na = 1", [("run", ()), RM]),
    "notebook's shell into a variable": ("a = !rm x", [("run", ()), RM]),
    "notebook's cell": ("%%bash\nrm x", [RM]),
    "notebook's pip": ("%pip install a", [("run", ()), ("shell", "pip", ("install", "a"))]),
    "not Python": ("def (", [(UNKNOWN, ())]),
    "not Python, but a call is seen": ("def (\nos.system('rm x')", [(UNKNOWN, ()), ("other", "os.system", ()), RM]),
}

JAVASCRIPT = {
    "nothing outside": ("1 + 1", [("run", ())]),
    "require": ("const a = require('fs')", [("run", ("fs",))]),
    "import": ("import a from 'node:fs'", [("run", ("node:fs",))]),
    "exec": (
        "require('child_process').execSync('rm x')",
        [("run", ("child_process",)), ("require('child_process').execSync", ()), RM],
    ),
    "a template": ("execSync(`rm x`)", [("run", ()), ("execSync", ()), RM]),
    "a tagged template": ("await $`rm x`", [("run", ()), ("$", ()), RM]),
    "spawn": ("spawn('rm', ['-f', 'x'])", [("run", ()), ("spawn", ()), RM]),
    "the unknown": ("execSync(a)", [("run", ()), ("execSync", ()), ("shell", UNKNOWN, ())]),
    "fetch": ("fetch('https://h.example/a')", [("run", ()), ("fetch", ()), ("http", "GET", ("h.example",))]),
    "fetch with a method": (
        "fetch('https://h.example', {method: 'DELETE'})",
        [("run", ()), ("fetch", ()), ("http", "DELETE", ("h.example",))],
    ),
    "axios": ("axios.put('https://h.example', a)", [("run", ()), ("axios.put", ()), ("http", "PUT", ("h.example",))]),
    "a map's get": ("m.get('a')", [("run", ())]),
    "a pattern's exec": ("re.exec(a)", [("run", ())]),
    "files": ("fs.promises.writeFile('/a', b)", [("run", ()), ("fs.promises.writeFile", ("/a",))]),
    "a query": ("db.query('DELETE FROM t')", [("run", ()), ("db.query", ()), ("sql", "DELETE", ("t",))]),
    "eval": ("eval(a)", [("run", ()), ("eval", ()), (UNKNOWN, ())]),
    "markup in a template": ("const a = `<b>rm x</b>`", [("run", ())]),
}


def _in(language: str, expected: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    return [row if len(row) == 3 else (language, *row) for row in expected]


@pytest.mark.parametrize(("code", "expected"), PYTHON.values(), ids=PYTHON.keys())
def test_python_becomes_rows(code, expected):
    assert _in("python", expected) == rows("code_interpreter", code)


@pytest.mark.parametrize(("code", "expected"), JAVASCRIPT.values(), ids=JAVASCRIPT.keys())
def test_javascript_becomes_rows(code, expected):
    assert _in("other", expected) == rows("run_javascript", code)


def test_code_is_read_without_its_warnings():
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        rows("code_interpreter", "a = '\\d'\nb = 1is 2")

    assert seen == []


def test_code_is_never_run(tmp_path):
    trace = tmp_path / "trace"

    rows("code_interpreter", f"open({str(trace)!r}, 'w').write('x')\n__import__('os').mkdir({str(trace)!r})")

    assert not trace.exists()
