"""Options whose value is itself a command line: git -c core.pager=…, tar --to-command=…, vim -c ':!…', rsync -e …. Not the programs
that run the rest of their arguments (shell_wrappers.py).

Sources: the programs' manual pages, 2026.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from addons.commands.shell_options import Takes, parse
from addons.commands.shell_words import Field


@dataclass(frozen=True, slots=True)
class _Runs:
    takes: Takes
    names: tuple[str, ...]
    command: re.Pattern[str]  # its last group that matched is the command


def _of(short: str, *long: str, command: str = r"(?s)(.+)") -> _Runs:
    return _Runs(Takes(short, frozenset(long)), (*short, *long), re.compile(command))


_EX: Final = _of("c", "cmd", command=r"(?s)[:\s]*(?:silent!?\s+|sil!?\s+)?!(.+)")
_SSH: Final = _of("o", command=r"(?is)\s*(?:proxy|local|knownhosts|authorizedkeys)command[\s=]+(.+)")
_RUNS: Final[dict[str, tuple[_Runs, ...]]] = {
    "git": (
        _of("c", "config", command=r"(?is)[\w.*-]+=!(.+)|[\w.*-]*(?:pager|editor|command|external|fsmonitor|program|cmd|clean|smudge|process|textconv|askpass)=(.+)"),
        _of("", "upload-pack", "receive-pack"),
    ),
    "tar": (
        _of("IF", "to-command", "use-compress-program", "rsh-command", "info-script", "new-volume-script"),
        _of("", "checkpoint-action", command=r"(?s)exec=(.+)"),
    ),
    **dict.fromkeys(("vim", "vi", "nvim", "view", "ex", "gvim"), (_EX,)),
    **dict.fromkeys(("ssh", "scp", "sftp"), (_SSH,)),
    "rsync": (_of("e", "rsh", "rsync-path"),),
    "mapfile": (_of("C"),),
    "readarray": (_of("C"),),
    "man": (_of("P", "pager"),),
}  # fmt: skip
_PLUS: Final = frozenset({"vim", "vi", "nvim", "view", "ex", "gvim"})  # +CMD stands for -c CMD


def scripts_in_options(verb: str, arguments: Sequence[Field]) -> Iterator[Field]:
    """The command lines, as text for a shell."""
    for runs in _RUNS.get(verb, ()):
        given = list(parse(arguments, runs.takes).values(*runs.names))
        if verb in _PLUS:
            given += [Field(word.text[1:], max(0, word.known_from - 1)) for word in arguments if word.text[:1] == "+"]
        for value in given:
            if found := runs.command.fullmatch(value.text):
                at = found.start(found.lastindex or 0)
                yield Field(value.text[at:], max(0, value.known_from - at))
