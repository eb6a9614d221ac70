"""The state folder: where things are in it, and who owns it. Not what is in them.

One process owns a state: it holds flock(2) on `lock`, alone opens the store read-write and listens on `control.sock`.
flock, unlike POSIX record locks, is not lost when another part of the process opens and closes the same file.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson


class StateRefused(Exception):  # noqa: N818 - a decision, not a fault
    """The state folder cannot be used; `hint` says what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class StateMissing(StateRefused):
    """There is no state folder yet."""


class StateOwned(StateRefused):
    """Another process owns the state."""

    def __init__(self, path: Path, pid: int) -> None:
        super().__init__(
            f"{path} is owned by process {pid or '(unknown)'}: one process at a time may write a store",
            f"stop it (kill {pid or 'PID'}), or use another state: --state DIR",
        )
        self.pid = pid


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the gateway that owns the state listens, on `host`."""

    proxy: int
    base_url: int
    pid: int
    host: str = "127.0.0.1"
    console: str = ""  # its address; "": none


@dataclass(frozen=True, slots=True)
class StateFolder:
    path: Path

    @property
    def database(self) -> Path:
        return self.path / "evidence.db"

    @property
    def keys(self) -> Path:
        return self.path / "keys"

    @property
    def ca(self) -> Path:
        """The confdir of mitmproxy."""
        return self.path / "ca"

    @property
    def ca_file(self) -> Path:
        """Key and certificate, in the form and under the name that mitmproxy reads."""
        return self.ca / "mitmproxy-ca.pem"

    @property
    def ca_certificate(self) -> Path:
        return self.ca / "mitmproxy-ca-cert.pem"

    @property
    def bundle(self) -> Path:
        return self.path / "bundle.pem"

    @property
    def lock(self) -> Path:
        return self.path / "lock"

    @property
    def socket(self) -> Path:
        return self.path / "control.sock"

    @property
    def policies(self) -> Path:
        return self.path / "policies"

    @property
    def ports_file(self) -> Path:
        return self.path / "ports.json"

    def check(self) -> None:
        """Raises StateRefused unless this is a folder of ours that nobody else can enter."""
        try:
            found = self.path.stat()
        except OSError as error:
            raise StateMissing(f"no state at {self.path}", f"create it: affidavit init --state {self.path}") from error
        if not stat.S_ISDIR(found.st_mode):
            raise StateRefused(f"{self.path}: expected a folder, got a file", "name another one: --state DIR")
        if found.st_uid not in {os.geteuid(), 0}:
            raise StateRefused(
                f"{self.path} belongs to user {found.st_uid}, not to {os.geteuid()}",
                f"run as its owner, or: sudo chown {os.geteuid()} {self.path}",
            )
        if mode := stat.S_IMODE(found.st_mode) & 0o077:
            raise StateRefused(
                f"{self.path}: expected mode 0700, got {stat.S_IMODE(found.st_mode):04o} (others have {mode:03o})",
                f"chmod 700 {self.path}",
            )
        if not self.database.exists():
            raise StateMissing(f"no evidence store in {self.path}", f"create it: affidavit init --state {self.path}")

    @contextlib.contextmanager
    def own(self, wait_seconds: float = 0.5) -> Iterator[None]:
        """Holds the lock. One who only asks, or writes for a moment, is waited for, up to `wait_seconds`; then StateOwned."""
        self.check()
        deadline = time.monotonic() + wait_seconds
        lock = os.open(self.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            while not _locked(lock):
                if time.monotonic() >= deadline:
                    raise StateOwned(self.path, _pid_in(lock))
                time.sleep(0.02)
            os.ftruncate(lock, 0)
            os.pwrite(lock, b"%d\n" % os.getpid(), 0)
            yield
        finally:
            os.close(lock)  # which ends the flock; the file stays, or two owners could hold two different inodes

    def owner(self) -> int | None:
        """Process id of the owner, 0 where it is not known yet; None: nobody owns the state."""
        try:
            lock = os.open(self.lock, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            return (
                None if _locked(lock, fcntl.LOCK_SH) else _pid_in(lock)
            )  # shared: two who ask at once do not see each other
        finally:
            os.close(lock)

    def write_ports(self, ports: Ports) -> None:
        """Whole or not at all: `affidavit run` reads it while we write."""
        unfinished = self.ports_file.with_suffix(".new")
        unfinished.write_bytes(orjson.dumps(asdict(ports)))
        unfinished.replace(self.ports_file)

    def remove_ports(self) -> None:
        self.ports_file.unlink(missing_ok=True)

    def ports(self) -> Ports | None:
        """Where the owner listens; None where no gateway runs. A file left by a crash does not count: its pid does not own the lock."""
        try:
            ports = Ports(**orjson.loads(self.ports_file.read_bytes()))
        except (OSError, ValueError, TypeError):
            return None
        return ports if self.owner() == ports.pid else None


def state_folder(chosen: str | os.PathLike[str] | None, environ: Mapping[str, str], home: Path) -> StateFolder:
    """`--state`, else `$AFFIDAVIT_STATE`, else `~/.affidavit`; always absolute."""
    named = chosen or environ.get("AFFIDAVIT_STATE") or home / ".affidavit"
    return StateFolder(Path(named).expanduser().absolute())


def _locked(lock: int, how: int = fcntl.LOCK_EX) -> bool:
    try:
        fcntl.flock(lock, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _pid_in(lock: int) -> int:
    text = os.pread(lock, 32, 0).strip()
    return int(text) if text.isdigit() else 0
