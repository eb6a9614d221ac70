"""What an argument of a tool call is, by its key, the tool and its own shape: SQL, a script, code, a URL, a path. Not the reading of it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Final

from addons.commands.arguments import Leaf
from addons.commands.budget import Budget
from addons.commands.hosts import METHODS, has_scheme, host_of
from addons.commands.patches import files_of, is_patch
from addons.commands.shell import read_argv
from addons.commands.sql import is_prose, looks_like_sql
from addons.commands.tools import Sort, method_in
from addons.commands.values import UNKNOWN, Found, Inner, Language, Row

_SHELL_KEYS: Final = frozenset({
    "command", "cmd", "commands", "shellcommand", "bashcommand", "bash", "shell", "commandline", "cmdline", "chars", "terminalcommand",
})  # fmt: skip
_SHELL_TOOL_KEYS: Final = frozenset({"input", "code", "script", "args", "argv", "text", "keystrokes", ""})
_ARGUMENT_KEYS: Final = frozenset({"args", "argv", "arguments", "params", "parameters"})
_PROGRAM_KEYS: Final = ("command", "cmd", "program", "executable", "binary")
_SQL_KEYS: Final = frozenset({
    "sql", "sqlquery", "sqlqueries", "sqlstatement", "sqlstatements", "sqltext", "sqlstring", "sqlcommand", "sqls", "rawsql", "querysql", "ddl",
})  # fmt: skip
_MAYBE_SQL_KEYS: Final = frozenset(
    {
        "query",
        "queries",
        "statement",
        "statements",
        "stmt",
        "q",
        "querystring",
        "expression",
        "input",
        "text",
        "querytext",
    }
)
_CODE_KEYS: Final = frozenset({
    "code", "sourcecode", "snippet", "pythoncode", "python", "javascript", "js", "jscode", "script", "source", "program", "function", "expression",
})  # fmt: skip
_URL_KEYS: Final = frozenset({
    "url", "urls", "uri", "href", "endpoint", "link", "links", "requesturl", "targeturl", "websiteurl", "pageurl", "baseurl", "address", "webhook",
    "webhookurl", "imageurl", "siteurl",
})  # fmt: skip
_PATH_KEYS: Final = frozenset({
    "path", "paths", "filepath", "filepaths", "file", "files", "filename", "filenames", "notebookpath", "absolutepath", "relativepath", "directory",
    "dir", "folder", "source", "destination", "src", "dst", "dest", "target", "oldpath", "newpath", "outputpath", "inputpath", "targetfile",
    "relativeworkspacepath", "targetdirectory", "localpath", "remotepath", "imagepath", "root", "dirpath", "repopath",
})  # fmt: skip
_BODY_KEYS: Final = frozenset({
    "content", "contents", "newstring", "oldstring", "newstr", "oldstr", "newsource", "filetext", "newtext", "oldtext", "prompt", "description", "body",
    "explanation", "instructions", "instruction", "codeedit", "data", "message", "activeform",
})  # fmt: skip
_EDITOR_VERBS: Final = frozenset(
    {
        "view",
        "create",
        "strreplace",
        "insert",
        "undoedit",
        "delete",
        "rename",
        "replace",
        "edit",
        "append",
        "read",
        "write",
    }
)
_METHOD_KEYS: Final = ("method", "httpmethod", "requestmethod", "verb")
_LANGUAGE_KEYS: Final = ("language", "lang", "runtime", "kernel", "interpreter", "codelanguage")
_LOOKS_LIKE_PATH: Final = re.compile(r"(?:/|\.{1,2}/|~/|[A-Za-z]:[\\/]|\\\\)[^\s]{0,1024}\Z")
_PYTHON_LIKE: Final = re.compile(
    r"^\s*(?:import |from \w[\w.]* import |def |class |print\(|for .{1,80}:|if .{1,80}:|with .{1,80}:|\w+ ?=(?!=)|#)",
    re.MULTILINE,
)
_SCRIPT_LIKE: Final = re.compile(
    r"=>|\b(?:const|let|var|function|await|require|document|window|console)\b[\s.({]|\bnew [A-Z]|\)\s*;\s*$|^\s*import .{1,80} from ['\"]",
    re.MULTILINE,
)
_SHEBANG: Final = re.compile(
    r"#!\s*\S*?(python|bash|zsh|ksh|sh|node|deno|perl|ruby)[\d.]*(?:\s|\Z)|#!\s*\S*env\s+(?:-S\s+)?(python|bash|zsh|sh|node|deno|perl|ruby)"
)
_NAMED: Final = {
    "python": Language.PYTHON, "python3": Language.PYTHON, "py": Language.PYTHON, "ipython": Language.PYTHON, "bash": Language.SHELL,
    "sh": Language.SHELL, "shell": Language.SHELL, "zsh": Language.SHELL, "ksh": Language.SHELL, "console": Language.SHELL, "terminal": Language.SHELL,
    "powershell": Language.SHELL, "sql": Language.SQL, "postgresql": Language.SQL, "mysql": Language.SQL,
}  # fmt: skip


def statements_in(leaf: Leaf, tool: str, sort: Sort, budget: Budget) -> Iterator[Found]:
    """The statements that this argument holds; none where it is a path, a word, or text for people."""
    if _is_editor_verb(leaf) or leaf.key in _BODY_KEYS:
        return
    if _is_shell(leaf, sort):
        yield from _script(leaf)
        return
    for text in (leaf.value,) if isinstance(leaf.value, str) else leaf.value:
        if not text.strip() or is_patch(text):
            continue
        if _is_sql(leaf.key, text, sort, budget):
            yield Inner(Language.SQL, text)
        elif leaf.key in _CODE_KEYS and _is_code(leaf, text, sort):
            yield Inner(_language(leaf, text, tool, sort), text)
        elif leaf.key in _URL_KEYS or (
            leaf.key in ("query", "value", "input") and text.startswith(("http://", "https://"))
        ):
            yield from _request(leaf, text, tool)


def objects_in(leaf: Leaf, sort: Sort) -> Iterator[str]:
    """Paths and URLs among the arguments, by key or by their shape."""
    if leaf.key in _BODY_KEYS or sort is Sort.SHELL:
        return
    for text in (leaf.value,) if isinstance(leaf.value, str) else leaf.value:
        if is_patch(text):
            yield from files_of(text)
        elif not text or "\n" in text or len(text) > 1_024:
            continue
        elif (
            leaf.key in _PATH_KEYS
            or _LOOKS_LIKE_PATH.match(text)
            or (has_scheme(text) and " " not in text and (leaf.key not in _URL_KEYS or text.startswith("file:")))
        ):
            yield text


def editor_verb(leaf: Leaf) -> str:
    """`view`, `create`, `str_replace` of the text editor tools, whose `command` is no command of a shell; "" elsewhere."""
    return str(leaf.value) if _is_editor_verb(leaf) else ""


def _is_editor_verb(leaf: Leaf) -> bool:
    is_verb = (
        leaf.key in ("command", "operation")
        and isinstance(leaf.value, str)
        and leaf.value.replace("_", "").lower() in _EDITOR_VERBS
    )
    return is_verb and bool(leaf.beside("path", "filepath", "oldpath", "file"))


def _is_shell(leaf: Leaf, sort: Sort) -> bool:
    if sort is Sort.SQL:
        return leaf.key in _SHELL_KEYS - {"command"}
    if leaf.key in _SHELL_KEYS or (sort is Sort.SHELL and leaf.key in _SHELL_TOOL_KEYS):
        return True
    return leaf.key in _ARGUMENT_KEYS and not isinstance(leaf.value, str) and bool(leaf.beside(*_PROGRAM_KEYS))


def _script(leaf: Leaf) -> Iterator[Found]:
    """A script; a list of scripts; or the words of one command: ["bash", "-lc", "ls"], {"command": "rm", "args": ["-rf"]}."""
    if isinstance(leaf.value, str):
        if leaf.value.strip():
            yield Inner(Language.SHELL, leaf.value)
        return
    program = leaf.beside(*_PROGRAM_KEYS)
    if leaf.key in _ARGUMENT_KEYS and program:
        words = shlex_words(program)
        yield from read_argv((*words, *leaf.value))
    elif leaf.key == "commands" or " " in leaf.value[0].strip():
        yield from (Inner(Language.SHELL, script) for script in leaf.value if script.strip())
    elif leaf.value[0].strip():
        yield from read_argv(leaf.value)


def shlex_words(text: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text)) if len(text) < 4096 else (text,)
    except ValueError:
        return (text,)


def _is_sql(key: str, text: str, sort: Sort, budget: Budget) -> bool:
    if key in _SQL_KEYS:
        return True
    if sort is Sort.SQL and key in _MAYBE_SQL_KEYS | {"command", ""}:
        return not is_prose(text)
    return (
        sort not in (Sort.SEARCH, Sort.FILE)
        and (key in _MAYBE_SQL_KEYS or sort is Sort.SQL)
        and looks_like_sql(text, budget)
    )


def _is_code(leaf: Leaf, text: str, sort: Sort) -> bool:
    """`source` may be a path, `function` a name: code has brackets, blanks or lines."""
    if sort in (Sort.FILE, Sort.SEARCH):
        return False
    certain = leaf.key in ("code", "sourcecode", "pythoncode", "jscode", "script", "snippet") or sort in (
        Sort.PYTHON,
        Sort.JAVASCRIPT,
    )
    return certain or bool(re.search(r"[\n;(]", text))


def _language(leaf: Leaf, text: str, tool: str, sort: Sort) -> Language:
    named = leaf.beside(*_LANGUAGE_KEYS).lower() or (leaf.key if leaf.key in ("python", "javascript", "js") else "")
    if named:
        return _NAMED.get(
            named.split("-")[0].split(" ")[0], Language.PYTHON if named.startswith("python") else Language.OTHER
        )
    return guess(text, sort, maybe_shell=leaf.key == "script" or "script" in tool.lower())


def guess(text: str, sort: Sort, *, maybe_shell: bool) -> Language:
    head = text[:20_000]
    if shebang := _SHEBANG.match(head):
        return _NAMED.get(shebang[1] or shebang[2], Language.OTHER)
    if sort in (Sort.PYTHON, Sort.JAVASCRIPT):
        return Language.PYTHON if sort is Sort.PYTHON else Language.OTHER
    if _SCRIPT_LIKE.search(head) and not re.search(
        r"^\s*(?:def |from \w[\w.]* import |import \w+\s*$)", head, re.MULTILINE
    ):
        return Language.OTHER
    return Language.SHELL if maybe_shell and not _PYTHON_LIKE.search(head) else Language.PYTHON


def _request(leaf: Leaf, url: str, tool: str) -> Iterator[Row]:
    """{url, method}; a bare path counts where a method stands beside it."""
    spelled = leaf.beside(*_METHOD_KEYS).strip().upper()
    method = spelled if spelled in METHODS else UNKNOWN if spelled else method_in(tool) or "GET"
    if has_scheme(url):
        if not url.lstrip().lower().startswith("file:"):
            host = host_of(url)
            yield Row(Language.HTTP, method, (host,) if host else (), f"{method} {url}")
    elif "." in host_of(url) and " " not in url and not url.startswith((".", "/", "~")):
        yield Row(Language.HTTP, method, (host_of(url),), f"{method} {url}")
    elif spelled:
        base = host_of(leaf.beside("baseurl", "host", "hostname", "server"))
        yield Row(Language.HTTP, method, (base,) if base else (), f"{method} {url}")
