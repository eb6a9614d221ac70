"""What a call in code reaches: a shell, a database, a host, a file. Tables by name, for Python and, by code_scan.py, for others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from addons.commands.hosts import METHODS, has_scheme, host_of
from addons.commands.values import UNKNOWN, Found, Inner, Language, Row

Given = str | tuple[str, ...] | None

_SHELL: Final = frozenset({
    "os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput", "asyncio.create_subprocess_shell", "commands.getoutput",
    "get_ipython().system", "get_ipython().getoutput", "pexpect.run", "pexpect.spawn", "os.startfile",
})  # fmt: skip
_PROCESS: Final = frozenset({
    "subprocess.run", "subprocess.call", "subprocess.check_call", "subprocess.check_output", "subprocess.Popen", "sh.Command", "pty.spawn",
})  # fmt: skip
_WORDS: Final = re.compile(r"os\.(?:exec|spawn|posix_spawn)\w*\Z|asyncio\.create_subprocess_exec\Z")
_EVALUATES: Final = frozenset(
    {"eval", "exec", "compile", "builtins.eval", "builtins.exec", "runpy.run_path", "code.interact", "builtins.compile"}
)
_LOADS: Final = re.compile(r"(?:pickle|marshal|dill|cloudpickle|shelve|joblib)\.loads?\Z")
_HTTP_MODULES: Final = re.compile(r"(?:requests|httpx|aiohttp|urllib\d?|http\.client|grequests|niquests)\b")
_HTTP_CLIENTS: Final = re.compile(
    r"(?:\w*[Ss]ession|\w*[Cc]lient|http)(?:\(\))?\.(get|post|put|patch|delete|head|options|request|stream|ws_connect)\Z"
)
_SQL_METHODS: Final = frozenset({
    "execute", "executemany", "executescript", "raw", "read_sql", "read_sql_query", "text", "query", "sql", "fetch", "fetchrow", "fetchval",
    "mogrify", "exec_driver_sql", "scalar",
})  # fmt: skip
_FILES: Final = re.compile(
    r"open\Z|(?:io|codecs|gzip|bz2|lzma|tarfile|zipfile|os|aiofiles)\.open\Z|zipfile\.ZipFile\Z|shutil\.\w+\Z|glob\.i?glob\Z|(?:sqlite3|duckdb)\.connect\Z"
    r"|os\.(?:remove|unlink|rmdir|removedirs|rename|renames|replace|mkdir|makedirs|chmod|chown|link|symlink|truncate|listdir|scandir|walk|utime|"
    r"chdir|mkfifo|lchown|chroot)\Z"
    r"|(?:pathlib\.)?Path\(\)\.(?:unlink|rmdir|write_text|write_bytes|read_text|read_bytes|open|touch|mkdir|rename|replace|chmod|symlink_to|iterdir|"
    r"glob|rglob)\Z"
    r"|\w+\.(?:read_csv|read_excel|read_parquet|read_json|read_table|read_pickle|to_csv|to_excel|to_parquet|to_json|to_pickle|savetxt|loadtxt|savefig|imread|"
    r"imwrite|imsave)\Z"
)
_NETWORK: Final = re.compile(
    r"(?:socket|paramiko|ftplib|smtplib|telnetlib|poplib|imaplib|ssl|websockets?|asyncio\.open_connection|psycopg2?|asyncpg|pymysql|mysql|redis|"
    r"pymongo|fabric|boto3|kubernetes|docker)\b[\w.()]*(?:connect|create_connection|open_connection|FTP|SMTP|SMTP_SSL|Telnet|Connection|client|resource|Redis|"
    r"MongoClient|from_url|sendto|POP3|IMAP4|from_env)\Z"
)


def rows(
    name: str, given: Sequence[Given], text: str, *, shell: bool = False, method: str | None = None
) -> Iterator[Found]:
    """The rows of one call; none where it reaches nothing outside."""
    first = next(iter(given), None)
    if name in _SHELL or name in _PROCESS or _WORDS.match(name):
        yield Row(Language.PYTHON, name, (), text)
        yield from _process(name, given, text, shell=shell)
    elif name in _EVALUATES:
        yield Row(Language.PYTHON, name, (), text)
        yield Inner(Language.PYTHON, first) if isinstance(first, str) else Row(Language.PYTHON, UNKNOWN, (), text)
    elif _LOADS.match(name):
        yield Row(Language.PYTHON, name, _paths(given), text)
    elif (verb := _http(name, given, method)) is not None:
        yield Row(Language.PYTHON, name, _paths(given), text)
        yield from _request(verb, given)
    elif _FILES.match(name) or _NETWORK.match(name):
        yield Row(Language.PYTHON, name, _paths(given), text)
    elif name.rpartition(".")[2] in _SQL_METHODS and isinstance(first, str) and looks_like_statement(first):
        yield Row(Language.PYTHON, name, (), text)
        yield Inner(Language.SQL, first)


def _process(name: str, given: Sequence[Given], text: str, *, shell: bool) -> Iterator[Found]:
    words = next((value for value in given if isinstance(value, tuple)), None)
    literal = [value for value in given if isinstance(value, str)]
    if words is not None:
        yield Inner(Language.SHELL, quoted(words)) if words[0] != "?" else Row(Language.SHELL, UNKNOWN, (), text)
    elif _WORDS.match(name) and literal:
        start = 1 if name.startswith("os.") and len(literal) > 1 else 0
        yield Inner(Language.SHELL, quoted(literal[start:]))
    elif literal and (name not in _PROCESS or shell or " " in literal[0]):
        yield Inner(Language.SHELL, literal[0])
    elif literal:
        yield Inner(Language.SHELL, quoted(literal[:1]))
    else:
        yield Row(Language.SHELL, UNKNOWN, (), text)


def quoted(words: Sequence[str]) -> str:
    """Words as a shell would have to be given them; `?` stands for what is not literal."""
    return " ".join(
        word if re.fullmatch(r"[\w@%+=:,./-]+", word) else "'" + word.replace("'", "'\"'\"'") + "'" for word in words
    )


def _http(name: str, given: Sequence[Given], method: str | None) -> str | None:
    """The method of what is an HTTP call, else None."""
    word = name.rpartition(".")[2]
    if not ((_HTTP_MODULES.match(name) and word.islower()) or _HTTP_CLIENTS.search(name)):
        return None
    if word in ("request", "stream"):
        spelled = [value for value in given if isinstance(value, str) and value.upper() in METHODS]
        return spelled[0].upper() if spelled else (method or UNKNOWN).upper()
    if word in ("urlopen", "urlretrieve", "ws_connect"):
        return method or "GET"
    return word.upper() if word.upper() in METHODS else None


def _request(verb: str, given: Sequence[Given]) -> Iterator[Row]:
    url = next(
        (value for value in given if isinstance(value, str) and (has_scheme(value) or value.startswith("/"))), None
    )
    host = host_of(url) if url and has_scheme(url) else ""
    yield Row(Language.HTTP, verb, (host,) if host else (), f"{verb} {url or ''}".strip())


def _paths(given: Sequence[Given]) -> tuple[str, ...]:
    """Literal arguments that may be paths or hosts; a mode ("w"), an encoding and a text to write are none."""
    found: dict[str, None] = {}
    for place, whole in enumerate(given[:4]):
        value = whole[0] if isinstance(whole, tuple) and whole else whole  # connect(("host", 80))
        if not isinstance(value, str) or not 0 < len(value) <= 1024 or "\n" in value:
            continue
        if value.upper() in METHODS:
            continue
        if has_scheme(value):
            found[host_of(value) or value] = None
        elif (
            place == 0
            or "/" in value
            or (place == 1 and len(value) > 3 and " " not in value and value.lower() not in ("utf-8", "utf8"))
        ):
            found[value] = None
    return tuple(found)


_STATEMENT: Final = re.compile(
    r"\s*+(?:--[^\n]*+\n\s*+|(?>/\*.{0,400}?\*/)\s*+)*+(?:SELECT|INSERT|UPDATE|DELETE|DROP|TRUNCATE|ALTER|CREATE|GRANT|REVOKE|MERGE|WITH|COPY|CALL|EXEC|EXECUTE|REPLACE"
    r"|PRAGMA|VACUUM|ATTACH|SET|BEGIN|DO|EXPLAIN|LOAD|LOCK|RENAME|USE|SHOW)\b",
    re.IGNORECASE | re.DOTALL,
)


def looks_like_statement(text: str) -> bool:
    """A literal given to cursor.execute or db.query: its first word decides."""
    return _STATEMENT.match(text) is not None
