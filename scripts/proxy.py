"""`affidavit proxy`: mitmdump with mitm.conf and the stack, started so that a bad edit or option never leaves it bare.

Not mitmdump -s: that reloads a script when its file changes, and serves on without it if the new one is broken.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import gc
import logging
import os
import resource
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from mitmproxy import exceptions, options, optmanager
from mitmproxy.addonmanager import Loader
from mitmproxy.addons import default_addons
from mitmproxy.addons.dumper import Dumper
from mitmproxy.addons.errorcheck import ErrorCheck
from mitmproxy.addons.keepserving import KeepServing
from mitmproxy.addons.readfile import ReadFileStdin
from mitmproxy.master import Master
from mitmproxy.tools import cmdline
from mitmproxy.tools import main as mitmproxy_main

from addons import handler, lean
from addons.console.state import state_folder
from addons.stack import Stack, door_modes, option_faults
from scripts.ports import free_ports

CONF = Path(__file__).resolve().parent.parent / "mitm.conf"
# The built-in addons that a gateway needs. Every other is offered each hook of each flow, twice, whether it has it or not.
KEPT = frozenset("core block disableh2c proxyserver nextlayer tlsconfig errorcheck".split())
KEPT_FREE_BYTES = 64 << 20
M_TRIM_THRESHOLD, M_ARENA_MAX = -1, -8  # malloc.h
YOUNG_OBJECTS = 10_000  # made since the last look of the garbage collector, before it looks again


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: 0 stopped as asked, 1 refused to start or failed, 2 usage."""
    arguments, conf, state = _own_arguments(list(sys.argv[1:] if argv is None else argv))
    if fault := _environment_fault():
        return _refuse(*fault)
    if not conf.is_file():
        return _refuse(f"{conf} not found", "give --conf FILE, or run from a checkout that has mitm.conf")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would hold prompts and keys
    os.umask(0o077)
    handler.install()
    lean.install()
    _keep_freed_memory()
    failures: list[str] = []
    parsed: list[int] = []
    try:
        mitmproxy_main.run(_master(failures), _parser(conf, state, parsed), arguments)
    except SystemExit as stop:
        return parsed[0] if parsed else stop.code if isinstance(stop.code, int) else 1
    for failure in failures:
        _refuse(*failure.split("; ", 1))
    return 1 if failures else 0


def _own_arguments(argv: list[str]) -> tuple[list[str], Path, str]:
    """--conf FILE and --state DIR are ours; all others are mitmdump's."""
    own = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    own.add_argument("--conf", type=Path, default=CONF)
    own.add_argument("--state", default="")
    known, rest = own.parse_known_args(argv)
    state = known.state
    for argument in rest:
        if argument.startswith("affidavit_state="):
            state = state or argument.partition("=")[2]
    return rest, known.conf, state


def _environment_fault() -> tuple[str, str] | None:
    for name in ("SSLKEYLOGFILE", "MITMPROXY_SSLKEYLOGFILE"):
        if os.environ.get(name):
            return (
                f"{name} is set: session keys would be written to a file, and with them every prompt",
                f"unset {name}",
            )
    return None


def _refuse(error: str, hint: str = "affidavit proxy --help") -> int:
    print(f"error: {error}\nhint: {hint}", file=sys.stderr)
    return 1


def _parser(conf: Path, state: str, parsed: list[int]) -> Callable[[options.Options], argparse.ArgumentParser]:
    """`parsed` gets the status of a parser that ends the program (help, usage): mitmproxy makes 1 of any."""

    def make(opts: options.Options) -> argparse.ArgumentParser:
        optmanager.load_paths(opts, conf)
        if state:
            opts.update(affidavit_state=state)
        folder = state_folder(opts.affidavit_state or None, os.environ, Path.home())
        opts.update(affidavit_state=str(folder.path), confdir=str(folder.ca))
        parser: argparse.ArgumentParser = cmdline.mitmdump(opts)
        parser.prog = "affidavit proxy"
        parser.usage = "%(prog)s [mitmproxy's options]"
        parser.epilog = "Example: affidavit proxy --listen-port 9090 --set affidavit_base_url_port=9091"

        def end(status: int = 0, message: str | None = None) -> NoReturn:
            parsed.append(status)
            argparse.ArgumentParser.exit(parser, status, message)

        parser.exit = end  # type: ignore[method-assign] # of this one parser
        return parser

    return make


def _master(failures: list[str]) -> type[Master]:
    class Gateway(Master):
        """mitmdump without its dumper (it prints URLs with keys in them) and without what is idle."""

        def __init__(self, opts: options.Options) -> None:
            super().__init__(opts, event_loop=None, with_termlog=False)
            self.stack = Stack(launched=True)
            loader = Loader(self)
            built_in = [*default_addons(), Dumper(), KeepServing(), ReadFileStdin(), ErrorCheck()]
            self.removed = sorted(name_of(addon) for addon in built_in if name_of(addon) not in KEPT)
            for addon in built_in:
                if name_of(addon) in KEPT:
                    self.addons.add(addon)
                elif hasattr(addon, "load"):  # its options must be known to be refused
                    addon.load(loader)
            self.addons.add(self.stack)

        async def run(self) -> None:
            _log_to_stderr()
            opts = self.options
            try:
                if faults := option_faults(opts):
                    failures.extend(faults)
                    return
                await self.stack.open(opts)
                _choose_doors(opts)  # as late as can be: the console, or another program, may take what is only free
            except (exceptions.OptionsError, OSError, ValueError, RuntimeError) as error:
                hint = getattr(error, "hint", "affidavit status")
                failures.append(f"{error}; {hint}")
                await self.stack.close()
                return
            log = logging.getLogger("affidavit")
            log.info("built-in addons left out, as they are idle here: %s", ", ".join(self.removed))
            log.info(
                "forward proxy %s:%s, base_url %s:%s, console %s",
                opts.listen_host,
                opts.listen_port,
                opts.listen_host,
                opts.affidavit_base_url_port,
                (self.stack.desk and self.stack.desk.console_url) or "none",
            )
            spare_the_collector()
            try:
                await super().run()
            finally:
                await self.stack.close()

    return Gateway


def _choose_doors(opts: options.Options) -> None:
    """Both doors, with a free port for each that was asked for at 0: mitmproxy takes 0 for one listener only."""
    asked = [door for door in ("listen_port", "affidavit_base_url_port") if getattr(opts, door) == 0]
    chosen: dict[str, Any] = dict(zip(asked, free_ports(opts.listen_host, len(asked)), strict=True))
    if list(opts.mode) == ["regular"]:
        chosen["mode"] = door_modes(chosen.get("affidavit_base_url_port", opts.affidavit_base_url_port))
    opts.update(**chosen)


def spare_the_collector() -> None:
    """What was loaded by now lives as long as we do: 300,000 objects that every full collection would look at, 50 ms each time.
    And a call makes some 3,000: young ones are looked at once in a few calls, or most of them still live and are looked at again. Where
    hundreds of calls are held, each look at those that have outlived one stops the loop for 14 ms; after ten instead of three it were 45.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 3, 33)


def _keep_freed_memory() -> None:
    """glibc gives the end of a heap back as soon as 128 KB of it are free, and takes it again with the next call, page by page; and a
    thread's own heap is grown and shrunk by system calls. One heap for all, before any thread has another, and what is free in it is kept.
    """
    with contextlib.suppress(OSError, AttributeError):  # another C library
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(M_ARENA_MAX, 1)
        libc.mallopt(M_TRIM_THRESHOLD, KEPT_FREE_BYTES)


def name_of(addon: object) -> str:
    return str(getattr(addon, "name", type(addon).__name__.lower()))


class _Quiet(logging.Filter):
    """Our own lines pass. Of mitmproxy's, warnings and errors pass with their place, without values: they quote requests."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith("affidavit"):
            return True
        if record.levelno < logging.WARNING:
            return False
        if not record.getMessage().startswith(("HTTP(S) proxy", "reverse proxy", "Error starting", "HTTP")):
            kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else record.levelname.lower()
            record.msg, record.args = (
                f"{kind} in {record.name}:{record.lineno} (text withheld: it may quote a request)",
                (),
            )
        record.exc_info = record.exc_text = None
        return True


def _log_to_stderr() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%dT%H:%M:%S"))
    handler.addFilter(_Quiet())
    logging.getLogger().addHandler(handler)
