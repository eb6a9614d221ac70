"""Which words of a simple command name files and hosts. Not what the command does to them: its verb says that.

What is not known to be something else counts: an object too many is noise, one too few is a hole in the evidence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from addons.commands.hosts import has_scheme, host_of
from addons.commands.shell_clients import CLIENTS, SHELLS, file_objects, is_http, without_plus
from addons.commands.shell_options import Takes, parse
from addons.commands.shell_words import Field
from addons.commands.shell_wrappers import takes_of

# Their operands are words, numbers, names of variables; what they read and write is in their redirections.
_NO_FILES: Final = frozenset({
    "echo", "printf", "true", "false", ":", "sleep", "kill", "pkill", "killall", "seq", "expr", "let", "read", "set", "unset", "shift", "return",
    "exit", "test", "[", "date", "wait", "trap", "alias", "unalias", "type", "which", "whoami", "id", "hash", "jobs", "fg", "bg",
    "ulimit", "umask", "getopts", "basename", "dirname", "nproc", "uname", "yes", "tr", "eval", "break", "continue", "history", "bc", "say", "watch", "cmd",
})  # fmt: skip
# The first operand is a pattern, a program or a mode, unless an option gave it.
_FIRST_IS_NO_FILE: Final = {
    "grep": "ef", "egrep": "ef", "fgrep": "ef", "zgrep": "ef", "rg": "ef", "ag": "", "ack": "", "sed": "ef", "gsed": "ef", "awk": "f", "gawk": "f", "jq": "f",
    "yq": "", "perl": "e", "ruby": "e", "chmod": "", "chown": "", "chgrp": "", "xmllint": "", "timeout": "", "su": "", "mount": "", "cut": "",
}  # fmt: skip
_TAKES: Final = {
    "grep": Takes("efmABCdD", frozenset({"include", "exclude", "exclude-dir", "color", "regexp", "file"})),
    "rg": Takes("efgtTmABCEjMr", frozenset({"glob", "type", "type-not", "regexp", "file", "max-count", "context"})),
    "sed": Takes("efl", frozenset({"expression", "file"}), "i"),
    "awk": Takes("Ffv"),
    "jq": Takes("fL", frozenset({"from-file", "indent"})),
    "head": Takes("nc", frozenset({"lines", "bytes"})),
    "tail": Takes("nc", frozenset({"lines", "bytes"})),
    "ssh": Takes("BbcDeEFIiJLlmOoPpQRSWw"),
    "scp": Takes("cDJloPSX"),
    "sort": Takes("kt"),
    "cut": Takes("dfcb"),
    "git": Takes("C", frozenset()),
    "docker": Takes("evuwplm", frozenset({"env", "user", "workdir", "publish", "label", "name", "network"})),
    "tar": Takes("", frozenset({"exclude", "transform", "strip-components", "owner", "group", "mode"})),
    "xargs": Takes("aEdILnPs"),
    "find": Takes("", frozenset({
        "name", "iname", "path", "type", "mtime", "size", "maxdepth", "mindepth", "exec", "regex", "user", "newer", "perm", "o", "mmin",
    })),
    "nc": Takes("wpsXxio"),
    "rsync": Takes("eBT", frozenset({"rsh", "exclude", "include", "rsync-path"})),
}  # fmt: skip
_REMOTES: Final = frozenset({"ssh", "scp", "sftp", "rsync", "mosh", "ssh-copy-id", "autossh"})
_REMOTE: Final = re.compile(r"(?:[\w.+-]+@)?([\w.-]+):(?![\\/]{2})")
_NUMBER: Final = re.compile(r"[+-]?\d[\d.]*[smhdkKMGT]?\Z")
_FILE_LIKE: Final = re.compile(r"[/~]|\.[A-Za-z0-9]{1,8}\Z|\A\.{1,2}\Z")
# Whatever their operands look like, files are meant; elsewhere a word of several lines is a text.
_ONLY_FILES: Final = frozenset(
    {"rm", "rmdir", "shred", "unlink", "cp", "mv", "ln", "touch", "mkdir", "cat", "truncate", "chattr"}
)
_WITH_NUMBERS: Final = frozenset({"timeout", "nice", "watch", "taskset"})
_DEVICES: Final = frozenset({"/dev/null", "/dev/stdout", "/dev/stderr", "/dev/stdin", "/dev/tty", "-"})


def objects_of(name: str, arguments: Sequence[Field]) -> tuple[str, ...]:
    found = dict.fromkeys(file_objects(name, arguments) if is_http(name) else _candidates(name, arguments))
    return tuple(word for word in found if word and word not in _DEVICES and not word.startswith(("<(", ">(")))


def _candidates(name: str, arguments: Sequence[Field]) -> Iterator[str]:
    if name in SHELLS:
        arguments = without_plus(arguments)
    takes = _TAKES.get(name) or (CLIENTS[name].takes if name in CLIENTS else takes_of(name))
    parsed = parse(arguments, takes, until_operand=name in CLIENTS and CLIENTS[name].code_ends_options)
    if name not in _NO_FILES:
        operands = [arguments[at] for at in parsed.operands]
        givers = _FIRST_IS_NO_FILE.get(name)
        skipped = 1 if givers is not None and not parsed.has(*givers) else 0
        if name in CLIENTS and CLIENTS[name].operands_from >= 0:
            operands = operands[: CLIENTS[name].operands_from]
        if name in SHELLS:
            operands = operands[1 if parsed.has("c") else 0 :]
        if name == "tar" and operands and operands[0].text.isalpha() and arguments[0] is operands[0]:
            skipped = 1  # tar czf FILE
        if name == "ssh":
            operands = operands[:1]  # the rest is a script
        numbers = (parsed.options or name in _WITH_NUMBERS) and name not in _ONLY_FILES
        for operand in operands[skipped:]:
            if not (numbers and _NUMBER.match(operand.text)) and not (name in ("env", "sudo") and "=" in operand.text):
                yield from _operand(name, operand.text)
    for option, given in parsed.options:
        if option in ("host", "h") and name in CLIENTS:
            yield given.text
        elif has_scheme(given.text):
            yield host_of(given.text)
        elif option not in ("c", "e", "E", "execute", "command", "eval", "name", "iname", "path", "regex") and _is_path(
            given.text
        ):
            yield given.text


def _operand(name: str, word: str) -> Iterator[str]:
    if has_scheme(word):
        yield host_of(word) if not word.lower().startswith(("file:", "s3:", "gs:", "az:")) else word
    elif name in _REMOTES and (remote := _REMOTE.match(word)):
        yield remote[1]
        yield word[remote.end() :]
    elif name in ("ssh", "mosh", "sftp", "autossh"):
        yield word.rpartition("@")[2]
    elif name == "dd":
        yield word.partition("=")[2] if word.startswith(("if=", "of=")) else ""
    elif len(word) <= 4096 and ("\n" not in word or name in _ONLY_FILES):
        yield word


def _is_path(word: str) -> bool:
    return 0 < len(word) <= 4096 and not re.search(r"\s", word) and _FILE_LIKE.search(word) is not None
