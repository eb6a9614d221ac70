"""A light scan of JavaScript and its like (TypeScript, Perl, Ruby, PHP, awk, AppleScript): the calls that reach outside, where their
arguments are literal. Not a parser: comments and strings are searched like code, one row too many being better than one too few.

Each expression is bounded, so that the scan is linear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from addons.commands.budget import Budget, Work
from addons.commands.code_calls import looks_like_statement, quoted
from addons.commands.hosts import has_scheme, host_of
from addons.commands.values import UNKNOWN, Found, Inner, Language, Row

_LITERAL: Final = r"(?:\"(?:[^\"\\]|\\.){0,200000}+\"|'(?:[^'\\]|\\.){0,200000}+'|`(?:[^`\\]|\\.){0,200000}+`)"
_LITERALS: Final = re.compile(_LITERAL, re.DOTALL)
_CALL: Final = re.compile(
    r"(?<![\w$])(?P<name>(?:[A-Za-z_$][\w$]{0,40}(?:\(['\"][\w:/.@-]{1,40}['\"]\))?\.){0,4}(?P<last>[A-Za-z_$][\w$]{0,40}))\s{0,8}"
    r"(?:\(\s{0,40}(?P<argument>" + _LITERAL + r")?|(?P<tagged>`(?:[^`\\]|\\.){0,200000}+`))",
    re.DOTALL,
)
_BARE_CALL: Final = re.compile(
    r"\b(?P<last>system|exec|passthru|shell_exec|popen|qx|do shell script)\b[ \t]{1,8}(?P<argument>"
    + _LITERAL
    + r"|\{[^{}]{1,4000}\})",
    re.DOTALL,
)
_BACKTICKS: Final = re.compile(r"(?<![\w$)\](])`([^`\n$]{2,2000})`")
_MODULE: Final = re.compile(
    r"(?:\brequire\s{0,4}\(?\s{0,4}|\bfrom\s{1,8}|\bimport\s{0,4}\(?\s{0,4})(['\"])(?P<quoted>[\w@:/.-]{1,80})\1|^\s{0,40}use\s{1,8}(?P<used>[\w:]{2,80})\s{0,8};",
    re.MULTILINE,
)
# In these a text in backticks is a template; in Perl, Ruby and PHP it is run by a shell.
_TEMPLATES: Final = re.compile(r"=>|\b(?:const|let|function|await|async|require|import|document|window|console)\b")
_METHOD: Final = re.compile(r"[\"']?method[\"']?\s{0,4}[:=]>?\s{0,4}['\"]([A-Za-z]{3,7})['\"]")
_ESCAPED: Final = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)", re.DOTALL)
_LETTERS: Final = {"n": "\n", "t": "\t", "r": "\r", "\n": ""}

_SHELLS: Final = frozenset(
    {
        "exec",
        "execSync",
        "execPromise",
        "execAsync",
        "system",
        "shell_exec",
        "passthru",
        "popen",
        "execCommand",
        "$",
        "shell",
        "sh",
    }
)
_SPAWNS: Final = frozenset(
    {"spawn", "spawnSync", "execFile", "execFileSync", "execa", "execaSync", "Command", "proc_open", "fork"}
)
_FILES: Final = re.compile(
    r"(?:read|write|append|create|open|unlink|rm|rmdir|mkdir|rename|copy|chmod|chown|truncate|remove|symlink|stat|access|readdir|ensure|output)"
    r"(?:File|Dir|Stream|ReadStream|WriteStream|TextFile|Json)?(?:Sync)?\Z|(?:outputFile|emptyDir|file_get_contents|file_put_contents|fopen|slurp|unlink)\Z"
)
_FILE_OWNERS: Final = re.compile(
    r"(?:fs|fsp|promises|fse|Deno|Bun|File|Dir|FileUtils|IO|require\(['\"](?:node:)?fs[\w/-]*['\"]\))(?:\.|\Z)"
)
_HTTP_METHODS: Final = frozenset({"get", "post", "put", "patch", "delete", "head", "request"})
_HTTP_OWNERS: Final = re.compile(
    r"(?:axios|http|https|got|ky|superagent|request|needle|Net::HTTP|HTTParty|\$http|page|client|api)\b", re.IGNORECASE
)
_FETCHES: Final = frozenset(
    {
        "fetch",
        "axios",
        "got",
        "ky",
        "goto",
        "open",
        "WebSocket",
        "EventSource",
        "navigate",
        "sendBeacon",
        "importScripts",
    }
)
_SQL_METHODS: Final = frozenset(
    {
        "query",
        "execute",
        "exec",
        "run",
        "all",
        "raw",
        "prepare",
        "queryRaw",
        "executeRaw",
        "$queryRaw",
        "$executeRaw",
        "sql",
        "do",
    }
)


def read_code(code: str, budget: Budget) -> Iterator[Found]:
    if not budget.spend(Work.SCAN_CHARACTERS, len(code)):
        yield Row(Language.OTHER, UNKNOWN, (), code)  # of which the beginning is read all the same
        code = code[: budget.most(Work.SCAN_CHARACTERS)]
        budget.spend(Work.SCAN_CHARACTERS, len(code))
    modules = dict.fromkeys(match["quoted"] or match["used"] for match in _MODULE.finditer(code))
    yield Row(Language.OTHER, "run", tuple(modules), code)
    for match in _CALL.finditer(code):
        yield from _call(match, code)
    for match in _BARE_CALL.finditer(code):
        yield from _shell(match["last"], unquoted(match["argument"]), match[0])
    if not _TEMPLATES.search(code):
        yield from (Inner(Language.SHELL, match[1]) for match in _BACKTICKS.finditer(code) if " " in match[1].strip())


def unquoted(literal: str) -> str:
    return _ESCAPED.sub(_unescape, literal[1:-1])


def _unescape(match: re.Match[str]) -> str:
    code = match[1]
    return chr(int(code[1:], 16)) if len(code) > 1 else _LETTERS.get(code, code)


def _call(match: re.Match[str], code: str) -> Iterator[Found]:
    name, last = match["name"], match["last"]
    literal = match["tagged"] or match["argument"]
    given = unquoted(literal) if literal else None
    if given is not None and last in _SQL_METHODS and looks_like_statement(given):
        yield Row(Language.OTHER, name, (), match[0])
        yield Inner(Language.SQL, given)
    elif match["tagged"] and last not in ("$", "shell", "sh"):
        return
    elif last in _SHELLS and not (last == "exec" and given is None and "." in name and "child" not in name):
        yield from _shell(name, given, match[0])
    elif last in _SPAWNS:
        yield from _spawn(name, given, match, code)
    elif _is_request(name, last, given):
        yield from _request(name, last, given or "", match, code)
    elif _FILES.match(last) and (_FILE_OWNERS.match(name) or "." not in name) and given is not None:
        yield Row(Language.OTHER, name, (given,), match[0])
    elif last in ("eval", "Function", "runInNewContext", "instance_eval"):
        yield Row(Language.OTHER, name, (), match[0])
        yield Inner(Language.OTHER, given) if given else Row(Language.OTHER, UNKNOWN, (), match[0])


def _shell(name: str, given: str | None, text: str) -> Iterator[Found]:
    yield Row(Language.OTHER, name, (), text)
    yield Inner(Language.SHELL, given) if given else Row(Language.SHELL, UNKNOWN, (), text)


def _spawn(name: str, given: str | None, match: re.Match[str], code: str) -> Iterator[Found]:
    """spawn("rm", ["-rf", "x"])"""
    yield Row(Language.OTHER, name, (), match[0])
    if given is None:
        yield Row(Language.SHELL, UNKNOWN, (), match[0])
        return
    window = code[match.end() : match.end() + 2000]
    listed = window[: window.find("]") + 1] if re.match(r"\s*,\s*\[", window) else ""
    words = [unquoted(word) for word in _LITERALS.findall(listed)[:64]]
    yield Inner(Language.SHELL, f"{quoted([given])} {quoted(words)}".strip() if words or " " not in given else given)


def _is_request(name: str, last: str, given: str | None) -> bool:
    """By the name and by the argument: a Map has a `get` too."""
    if given is None or not (has_scheme(given) or given.startswith("/")):
        return False
    return last in _FETCHES or (last in _HTTP_METHODS and _HTTP_OWNERS.match(name) is not None)


def _request(name: str, last: str, url: str, match: re.Match[str], code: str) -> Iterator[Row]:
    yield Row(Language.OTHER, name, (), match[0])
    spelled = _METHOD.search(code[match.end() : match.end() + 400].partition(")")[0])
    verb = spelled[1].upper() if spelled else last.upper() if last in _HTTP_METHODS and last != "request" else "GET"
    host = host_of(url) if has_scheme(url) else ""
    yield Row(Language.HTTP, verb, (host,) if host else (), f"{verb} {url}")
