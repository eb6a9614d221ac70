"""Programs that run the rest of their arguments as a command: sudo, env, timeout, xargs, find -exec, docker exec, ssh. Not what
those commands are (shell.py), nor programs that carry SQL, HTTP or code (shell_clients.py).

Sources: the programs' manual pages, 2026.
"""

from __future__ import annotations

import base64
import binascii
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from addons.commands.shell_options import Takes, parse
from addons.commands.shell_values import scripts_in_options
from addons.commands.shell_words import Field


@dataclass(frozen=True, slots=True)
class _Wrapper:
    takes: Takes
    skip: int = 0  # operands before the command: `timeout 5 rm`, `chroot DIR rm`
    assigns: bool = False  # `env A=b rm`
    unless: tuple[str, ...] = ()  # `command -v rm` runs nothing
    after: tuple[str, ...] = ()  # subcommands of which one must come first: `docker exec`


def _of(
    short: str = "",
    *long: str,
    skip: int = 0,
    assigns: bool = False,
    unless: tuple[str, ...] = (),
    after: tuple[str, ...] = (),
) -> _Wrapper:
    return _Wrapper(Takes(short, frozenset(long)), skip, assigns, unless, after)


_SUDO: Final = _of(
    "CDghpRrTtUu", "user", "group", "host", "prompt", "chdir", "close-from", "role", "type", "other-user", "command-timeout", "chroot",
    assigns=True, unless=("l", "list", "e", "edit"),
)  # fmt: skip
_DOCKER: Final = _of(
    "evuwplmHc", "env", "volume", "user", "workdir", "publish", "label", "memory", "name", "network", "env-file", "platform",
    "mount", "cpus", "add-host", "hostname", "index", "file", "project-name", "context", "host", "gpus", "cap-add", "device",
    skip=1, after=("exec", "run"),
)  # fmt: skip
_SIMPLE: Final = _of()

_WRAPPERS: Final[dict[str, _Wrapper]] = {
    "sudo": _SUDO,
    "doas": _of("uC"),
    "env": _of("uCS", "unset", "chdir", "split-string", assigns=True),
    "nohup": _SIMPLE,
    "setsid": _SIMPLE,
    "timeout": _of("sk", "signal", "kill-after", skip=1),
    "gtimeout": _of("sk", "signal", "kill-after", skip=1),
    "time": _of("fo", "format", "output"),
    "nice": _of("n", "adjustment"),
    "ionice": _of("cnpPu", "class", "classdata"),
    "chrt": _of("TPD", skip=1),
    "taskset": _of("", skip=1),
    "stdbuf": _of("ioe", "input", "output", "error"),
    "exec": _of("a"),
    "command": _of("", unless=("v", "V")),
    "builtin": _SIMPLE,
    "coproc": _SIMPLE,
    "noglob": _SIMPLE,
    "nocorrect": _SIMPLE,
    "xargs": _of("aEdILnPs", "arg-file", "delimiter", "max-lines", "max-args", "max-procs", "max-chars", "replace"),
    "parallel": _of("jaN", "jobs", "arg-file", "delay", "timeout", "joblog", "results", "colsep"),
    "chroot": _of("", "userspec", "groups", skip=1),
    "unshare": _of("RwSG"),
    "nsenter": _of("tSG", "target"),
    "strace": _of("abeEIoOpPsSuUX"),
    "ltrace": _of("aAeFlnopsuwx"),
    "caffeinate": _of("tw"),
    "firejail": _SIMPLE,
    "proxychains": _of("f"),
    "proxychains4": _of("f"),
    "torsocks": _of("uPp"),
    "chronic": _SIMPLE,
    "unbuffer": _SIMPLE,
    "xvfb-run": _of("nsefp"),
    "dbus-run-session": _SIMPLE,
    "pkexec": _of("", "user"),
    "gosu": _of("", skip=1),
    "su-exec": _of("", skip=1),
    "setpriv": _of("", "reuid", "regid"),
    "systemd-run": _of("pHMtSuE", "unit", "property", "uid", "gid", "setenv", "working-directory"),
    "busybox": _SIMPLE,
    "toybox": _SIMPLE,
    "flock": _of("wE", "timeout", "wait", skip=1, unless=("c", "command")),
    "npx": _of("p", "package", unless=("c", "call")),
    "bunx": _SIMPLE,
    "uvx": _of("", "from", "with", "python"),
    "uv": _of("p", "with", "python", "project", "env-file", after=("run",)),
    "poetry": _of("C", after=("run",)),
    "pipenv": _of("", after=("run",)),
    "pdm": _of("p", after=("run",)),
    "hatch": _of("e", after=("run",)),
    "rye": _of("", after=("run",)),
    "pnpm": _of("C", after=("exec", "dlx")),
    "yarn": _of("", after=("exec", "dlx")),
    "bundle": _of("", after=("exec",)),
    "conda": _of("np", "name", "prefix", after=("run",)),
    "mamba": _of("np", "name", "prefix", after=("run",)),
    "direnv": _of("", skip=1, after=("exec",)),
    "docker": _DOCKER,
    "podman": _DOCKER,
    "nerdctl": _DOCKER,
    "docker-compose": _DOCKER,
    "entr": _SIMPLE,
}
# Of these, what follows `--` is the command: kubectl exec -it pod -- rm x.
_AFTER_DASHES: Final = frozenset({
    "kubectl", "oc", "op", "doppler", "aws-vault", "mise", "chamber", "teller", "infisical", "dotenv", "dotenvx", "heroku", "fly", "vagrant",
    "lxc", "incus", "npm", "rtx", "asdf", "granted", "assume", "sops", "envchain", "summon", "nix", "devbox",
})  # fmt: skip
_EXEC_FLAGS: Final = frozenset({"-exec", "-execdir", "-ok", "-okdir", "-x", "--exec", "-X", "--exec-batch"})
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_]\w*\+?=")


def takes_of(verb: str) -> Takes:
    wrapper = _WRAPPERS.get(verb)
    return wrapper.takes if wrapper else Takes(_SCRIPT_OPTIONS.get(verb, ""), _SCRIPT_WORDS)


def commands_in(verb: str, arguments: Sequence[Field]) -> Iterator[Sequence[Field]]:
    """The commands that `verb` would run, as its own arguments."""
    if verb in ("find", "fd", "fdfind"):
        yield from _found(arguments)
    elif verb in _AFTER_DASHES:
        dashes = next((at for at, argument in enumerate(arguments) if argument.text == "--"), len(arguments))
        yield arguments[dashes + 1 :]
    elif (wrapper := _WRAPPERS.get(verb)) is not None:
        yield _wrapped(wrapper, arguments)


def _wrapped(wrapper: _Wrapper, arguments: Sequence[Field]) -> Sequence[Field]:
    if wrapper.after:
        place = next((at for at, argument in enumerate(arguments[:40]) if argument.text in wrapper.after), None)
        if place is None:
            return ()
        arguments = arguments[place + 1 :]
    parsed = parse(arguments, wrapper.takes, until_operand=True)
    if parsed.has(*wrapper.unless):
        return ()
    operands = list(parsed.operands)
    while wrapper.assigns and operands and _ASSIGNMENT.match(arguments[operands[0]].text):
        operands.pop(0)
    return arguments[operands[wrapper.skip] :] if len(operands) > wrapper.skip else ()


def _found(arguments: Sequence[Field]) -> Iterator[Sequence[Field]]:
    """find ROOTS … -exec rm {} ; -> rm ROOTS: the braces stand for what is below the roots."""
    roots: list[Field] = []
    for argument in arguments:
        if argument.text.startswith(("-", "(", "!")):
            break
        roots.append(argument)
    at = 0
    while at < len(arguments):
        at += 1
        if arguments[at - 1].text not in _EXEC_FLAGS:
            continue
        end = next(
            (place for place in range(at, len(arguments)) if arguments[place].text in (";", "+")), len(arguments)
        )
        yield [part for word in arguments[at:end] for part in (roots[:4] if word.text == "{}" else [word])]
        at = end


def scripts_in(verb: str, arguments: Sequence[Field]) -> Iterator[Field]:
    """Arguments that are handed to a shell as text: bash -c TEXT, ssh HOST TEXT, eval TEXT, su -c TEXT, trap TEXT, watch TEXT."""
    yield from scripts_in_options(verb, arguments)
    takes = _SCRIPT_OPTIONS.get(verb)
    if takes is not None:
        yield from parse(arguments, Takes(takes, _SCRIPT_WORDS)).values(
            "c", "command", "call", "run", "session-command"
        )
    elif verb in ("eval", "watch"):
        parsed = parse(arguments, Takes("dn" if verb == "watch" else ""), until_operand=True)
        yield from _joined(arguments, parsed.operands)
    elif verb == "ssh":
        parsed = parse(arguments, Takes("BbcDEeFIiJLlmOoPpQRSWw"), until_operand=True)
        yield from _joined(arguments, parsed.operands[1:])
    elif verb == "trap":
        parsed = parse(arguments, Takes())
        yield from (arguments[at] for at in parsed.operands[:1] if len(parsed.operands) > 1)
    elif verb == "env":
        yield from parse(arguments, Takes("uC", frozenset({"split-string"})), until_operand=True).values("split-string")
        yield from (Field(word.text[2:]) for word in arguments[:8] if word.text.startswith("-S") and len(word.text) > 2)
        yield from (after for flag, after in itertools.pairwise(arguments) if flag.text == "-S")
    elif verb in ("tmux", "screen"):
        yield from (argument for argument in arguments[1:] if " " in argument.text)
    elif verb in ("powershell", "pwsh"):
        yield from _powershell(arguments)
    elif verb == "cmd":
        place = next(
            (at for at, argument in enumerate(arguments[:6]) if argument.text.lower() in ("/c", "/k", "/s")),
            len(arguments),
        )
        yield from _joined(arguments, tuple(range(place + 1, len(arguments))))


_SCRIPT_OPTIONS: Final = {
    "su": "cgGs",
    "runuser": "cgGsu",
    "script": "cEIOBTmot",
    "flock": "cwE",
    "npx": "cp",
    "nix-shell": "pA",
    "sg": "c",
}
_SCRIPT_WORDS: Final = frozenset({"command", "call", "run", "session-command"})


def _joined(arguments: Sequence[Field], places: Sequence[int]) -> Iterator[Field]:
    if places:
        known = all(not arguments[at].known_from for at in places)
        yield Field(" ".join(arguments[at].text for at in places), 0 if known else 1)


def _powershell(arguments: Sequence[Field]) -> Iterator[Field]:
    """-Command TEXT, or -EncodedCommand and the base64 of UTF-16."""
    for at, argument in enumerate(arguments):
        flag = argument.text.lower()
        if flag.startswith("-c") and "-command".startswith(flag):
            yield from _joined(arguments, tuple(range(at + 1, len(arguments))))
            return
        if flag in ("-e", "-ec") or (flag.startswith("-en") and "-encodedcommand".startswith(flag)):
            yield from (Field(_utf16(given.text), given.known_from) for given in arguments[at + 1 : at + 2])
            return


def _utf16(encoded: str) -> str:
    try:
        return base64.b64decode(encoded).decode("utf-16-le", "replace")
    except (binascii.Error, ValueError):
        return encoded
