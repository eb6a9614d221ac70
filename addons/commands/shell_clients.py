"""Programs whose arguments or standard input are statements of another language: psql -c, sqlite3, curl, python -c, node -e.

Not programs that run other programs (shell_wrappers.py). Sources: the programs' manual pages, 2026.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from addons.commands.hosts import host_of
from addons.commands.shell_options import Parsed, Takes, parse
from addons.commands.shell_words import Field
from addons.commands.values import UNKNOWN, Found, Inner, Language, Row


@dataclass(frozen=True, slots=True)
class Stdin:
    """What a command reads: text that the script itself holds, or None for what only the machine knows."""

    text: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class _Client:
    language: Language
    takes: Takes
    options: tuple[str, ...]  # whose values are statements
    operands_from: int = -1  # operands that are statements, from this one on
    files: tuple[str, ...] = ()  # options that name a file of statements: standard input is not read then
    code_ends_options: bool = False  # after -c CODE come the program's own arguments


def _sql(short: str, options: str, long: str = "", operands_from: int = -1, files: str = "f file") -> _Client:
    names = frozenset((*long.split(), *(name for name in options.split() if len(name) > 1)))
    return _Client(Language.SQL, Takes(short, names), tuple(options.split()), operands_from, tuple(files.split()))


def _code(language: Language, short: str, options: str, long: str = "") -> _Client:
    names = frozenset((*long.split(), *(name for name in options.split() if len(name) > 1)))
    return _Client(language, Takes(short, names), tuple(options.split()), code_ends_options=True)


_MYSQL: Final = _Client(
    Language.SQL,
    Takes(
        "eDhPuS",
        frozenset("execute init-command host user port database socket protocol default-character-set".split()),
        "p",
    ),
    ("e", "execute", "init-command"),
)
_SQLITE: Final = _sql("", "cmd", "separator init newline nullvalue mmap vfs", 1, "init")
_PYTHON: Final = _code(Language.PYTHON, "cmWX", "c")
_SHELL: Final = _code(Language.SHELL, "oO", "", "rcfile init-file")
_NODE: Final = _code(Language.OTHER, "epr", "e p eval print pe", "require import loader env-file conditions")

CLIENTS: Final[dict[str, _Client]] = {
    "psql": _sql(
        "cdfhLopPRTUvF", "c command", "dbname file host log-file output port username set variable field-separator pset"
    ),
    "mysql": _MYSQL,
    "mariadb": _MYSQL,
    "mycli": _MYSQL,
    "sqlite3": _SQLITE,
    "sqlite": _SQLITE,
    "litecli": _sql("e", "e execute"),
    "duckdb": _sql("cfs", "c s cmd", "separator init nullvalue", 1),
    "clickhouse-client": _sql("qhud", "q query", "host user password port database"),
    "clickhouse": _sql("qhud", "q query", "host user password port database"),
    "sqlcmd": _sql("QqSUPdioEvhswatlmVx", "Q q query", "", -1, "i"),
    "bq": _sql("", "", "project_id location dataset_id format max_rows", 1),
    "snowsql": _sql("qfaudshwro", "q query", "accountname username dbname schemaname rolename warehouse"),
    "snow": _sql("qfc", "q query", "connection filename"),
    "cockroach": _sql("e", "e execute", "url host database user"),
    "cqlsh": _sql("efukp", "e execute", "username password keyspace"),
    "impala-shell": _sql("qfidu", "q query", "impalad database"),
    "hive": _sql("ef", "e"),
    "beeline": _sql("eufnp", "e"),
    "spark-sql": _sql("ef", "e", "master conf"),
    "presto": _sql("f", "execute", "server catalog schema user"),
    "trino": _sql("f", "execute", "server catalog schema user"),
    "usql": _sql("cfo", "c command", "file out set"),
    "dolt": _sql("qf", "q query"),
    "osqueryi": _sql("", "", "", 0),
    "turso": _sql("", "", "", 3),
    "wrangler": _sql("c", "command", "file config env"),
    "sqlplus": _sql("", ""),
    "isql": _sql("", ""),
    "pgcli": _sql("hpUd", "c command"),
    "aws": _sql(
        "",
        "sql query-string query-statement sql-statement",
        "region profile output database resource-arn secret-arn cluster-identifier",
    ),
    "bash": _SHELL,
    "sh": _SHELL,
    "zsh": _SHELL,
    "dash": _SHELL,
    "ksh": _SHELL,
    "mksh": _SHELL,
    "ash": _SHELL,
    "fish": _SHELL,
    "csh": _SHELL,
    "tcsh": _SHELL,
    "rbash": _SHELL,
    "rsh": _SHELL,
    "python": _PYTHON,
    "pypy": _PYTHON,
    "ipython": _PYTHON,
    "node": _NODE,
    "nodejs": _NODE,
    "bun": _NODE,
    "deno": _code(Language.OTHER, "", "", "config"),
    "tsx": _NODE,
    "perl": _code(Language.OTHER, "eEIMm", "e E"),
    "ruby": _code(Language.OTHER, "eIr", "e"),
    "php": _code(Language.OTHER, "rdcBRE", "r B R E run"),
    "lua": _code(Language.OTHER, "el", "e"),
    "osascript": _code(Language.OTHER, "el", "e"),
    "rscript": _code(Language.OTHER, "e", "e"),
    "awk": _code(Language.OTHER, "Fvf", ""),
}
SHELLS: Final = frozenset({"bash", "sh", "zsh", "dash", "ksh", "mksh", "ash", "fish", "csh", "tcsh", "rbash", "rsh"})
_NO_STDIN: Final = frozenset({"aws", "bq", "wrangler", "turso", "awk", "dolt", "snow", "cockroach"})
_VERSION: Final = re.compile(r"(?<=[a-z])-?\d[\d.]*[a-z]?\Z")
_ALIASES: Final = {"gawk": "awk", "mawk": "awk", "nawk": "awk", "perl5": "perl", "pypy3": "python"}


def plain_name(verb: str) -> str:
    """python3.12 -> python; BASH.EXE -> bash; sqlite3 stays."""
    name = verb.lower().removesuffix(".exe")
    if name in CLIENTS or name in _ALIASES:
        return _ALIASES.get(name, name)
    short = _VERSION.sub("", name)
    return short if short in CLIENTS else name


def without_plus(arguments: Sequence[Field]) -> Sequence[Field]:
    """bash +e -c TEXT: an option that is turned off is an option too."""
    return [argument for argument in arguments if not argument.text.startswith("+")]


def statements_of(name: str, arguments: Sequence[Field], stdin: Stdin | None, text: str) -> Iterator[Found]:
    """The statements that this command carries, each in its own language."""
    if name in _HTTP:
        yield from _requests(name, arguments, text)
    client = CLIENTS.get(name)
    if name in ("source", ".") and arguments and arguments[0].text.startswith("<("):
        yield Row(Language.SHELL, UNKNOWN, (), text)
    if client is None:
        return
    if name in SHELLS:
        arguments = without_plus(arguments)
    parsed = parse(arguments, client.takes, until_operand=client.code_ends_options)
    carried = list(parsed.values(*client.options))
    operands = [arguments[at] for at in parsed.operands]
    if (name in SHELLS and parsed.has("c")) or (name == "awk" and not parsed.has("f")):
        carried += operands[:1]
    elif name == "deno" and operands[:1] and operands[0].text == "eval":
        carried += operands[1:2]
    elif client.operands_from >= 0 and (name != "bq" or [word.text for word in operands[:1]] == ["query"]):
        carried += operands[client.operands_from :]
    for given in carried:
        yield from statement(client.language, given, text)
    if client.code_ends_options and not carried and operands and operands[0].text.startswith(("<(", "$(")):
        yield Row(_row_language(client.language), UNKNOWN, (), text)  # bash <(curl …)
    elif not carried and name not in _NO_STDIN and stdin is not None and _reads_stdin(client, parsed, operands):
        yield from _from_stdin(client.language, stdin, text)


_ONLY_EXPANSION: Final = re.compile(r"\s*(?:\$\w+|\$\{[^{}]*\}|\$\([^()]*\)|`[^`]*`|[<>]\([^()]*\))\s*\Z")


def statement(language: Language, given: Field, text: str) -> Iterator[Found]:
    """What is nothing but an expansion (`sh -c "$x"`) cannot be read; what only mentions one (`sh -c "rm $x"`) can."""
    if given.known_from and _ONLY_EXPANSION.match(given.text):
        yield Row(_row_language(language), UNKNOWN, (), text)
    elif given.text.strip():
        yield Inner(language, given.text)


def _row_language(language: Language) -> Language:
    return language if language in (Language.SQL, Language.PYTHON, Language.SHELL) else Language.OTHER


def _reads_stdin(client: _Client, parsed: Parsed, operands: Sequence[Field]) -> bool:
    if client.language is Language.SQL:
        return not parsed.has(*client.files)
    return not parsed.has("m") and (not operands or operands[0].text == "-" or parsed.has("s"))


def _from_stdin(language: Language, stdin: Stdin, text: str) -> Iterator[Found]:
    if stdin.text is None:
        yield Row(_row_language(language), UNKNOWN, (), text)
    elif stdin.text.strip():
        yield Inner(language, stdin.text)


# ---- curl, wget, HTTPie

_CURL: Final = Takes(
    "AbcCdDeEFhHKmoPQrtTuUwXxyYz",
    frozenset({
        "request", "data", "data-raw", "data-binary", "data-ascii", "data-urlencode", "json", "form", "form-string", "header", "user", "output",
        "upload-file", "url", "proxy", "user-agent", "referer", "cookie", "cookie-jar", "max-time", "connect-timeout", "retry", "retry-delay",
        "cacert", "cert", "key", "resolve", "connect-to", "config", "range", "write-out", "interface", "proxy-user", "oauth2-bearer", "url-query",
        "limit-rate", "max-redirs", "dump-header", "unix-socket", "output-dir", "aws-sigv4", "retry-max-time", "netrc-file", "ciphers", "proto",
    }),
)  # fmt: skip
_WGET: Final = Takes(
    "OPoaitTUweBQRADIXl",
    frozenset({
        "method", "body-data", "body-file", "post-data", "post-file", "header", "output-document", "output-file", "user", "password", "user-agent",
        "directory-prefix", "input-file", "timeout", "tries", "wait", "referer", "execute", "load-cookies", "save-cookies", "ca-certificate",
    }),
)  # fmt: skip
_HTTP: Final = {
    "curl": _CURL,
    "wget": _WGET,
    "http": Takes("ao", frozenset({"auth", "output"})),
    "https": Takes("ao", frozenset({"auth"})),
}
_BODIES: Final = (
    "d", "data", "data-raw", "data-binary", "data-ascii", "data-urlencode", "json", "F", "form", "form-string", "post-data", "post-file",
)  # fmt: skip


def _requests(name: str, arguments: Sequence[Field], text: str) -> Iterator[Row]:
    parsed = parse(arguments, _HTTP[name])
    operands = [arguments[at] for at in parsed.operands]
    method = _method(parsed)
    if name in ("http", "https"):
        if operands and operands[0].text.isalpha() and operands[0].text.isupper():
            method = operands.pop(0).text
        operands = operands[:1]
    for url in (*operands, *parsed.values("url")):
        host = _host(url)
        yield Row(Language.HTTP, method, (host,) if host else (), f"{method} {url.text}" if url.text else text)


def _host(url: Field) -> str:
    """$URL stays as it is written; https://h.example/$x is h.example."""
    return host_of(url.text) if not url.known_from or "://" in url.text[: url.known_from] else url.text


def _method(parsed: Parsed) -> str:
    given = parsed.values("X", "request", "method")
    if given:
        return given[-1].text.upper() if given[-1].text and not given[-1].known_from else UNKNOWN
    if parsed.has("G", "get"):
        return "GET"
    if parsed.has("I", "head", "spider"):
        return "HEAD"
    if parsed.has("T", "upload-file"):
        return "PUT"
    return "POST" if parsed.has(*_BODIES) else "GET"


def file_objects(name: str, arguments: Sequence[Field]) -> tuple[str, ...]:
    """What curl and wget touch: hosts, files sent (-d @f, -F x=@f, -T f), files written (-o f, -O f of wget)."""
    parsed = parse(arguments, _HTTP[name])
    urls = (*(arguments[at] for at in parsed.operands), *parsed.values("url"))
    found = [_host(url) or url.text for url in urls]
    for given in parsed.values(*_BODIES):
        _, at_sign, path = given.text.partition("@")
        found += [path.partition(";")[0]] if at_sign and (given.text[0] in "@<" or "=@" in given.text) else []
    names = (
        "o",
        "output",
        "T",
        "upload-file",
        "K",
        "config",
        "body-file",
        "post-file",
        "output-document",
        "input-file",
        "dump-header",
        "D",
    )
    found += [given.text for given in parsed.values(*names, *(("O", "i") if name == "wget" else ()))]
    return tuple(path for path in found if path)


def is_http(name: str) -> bool:
    return name in _HTTP
