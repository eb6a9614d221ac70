"""The thread that writes: one connection, a bounded queue, one commit for whatever is waiting. Not what is written: see the ledger.

Strategy.
1. A batch is what has come until somebody says `flush`, and all that is flushed while the last one was being committed. Whoever
   opens the store says when: an event loop, once it has nothing better to do. Every commit costs the same, and so does waking this thread.
2. A future is done when its transaction is on disk (WAL, synchronous=FULL), and not before.
3. The first error of any kind is the last thing this thread does. SQLite after SQLITE_FULL still accepts a smaller row, and after a
   failed fsync nobody knows what the kernel kept: going on would leave gaps that only the large prompts fall into.
4. A store that was unlinked or replaced under us still commits happily, into a file that nobody will find: the database and its WAL
   are compared with the ones that were opened before each commit. Only stat() touches them here; opening one of them outside SQLite
   and closing it again would drop this process's locks (sqlite.org/howtocorrupt.html, 2.2).
5. Each SQLite call gives the interpreter's lock away and must win it back from the event loop. CPython hands it over only after a whole
   switch interval without a release; a busy loop releases it more often than the default 5 ms, and the writer starves for seconds.
   With 0.5 ms it waits milliseconds.
6. Signing, the head file and copying the WAL back come after the futures are done.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any, Protocol

from addons.evidence.canonical import RecordInvalid
from addons.evidence.database import BUSY_MS, Connection, StoreError, sqlite3
from addons.evidence.drafts import Draft
from addons.evidence.head import write_head
from addons.evidence.ledger import Ledger

_BATCH_UNITS = 128
_BATCH_BYTES = 16 * 2**20
_QUEUE_UNITS = 4096
_QUEUE_BYTES = 256 * 2**20
_SWITCH_SECONDS = 0.0005
_WAL_BYTES = 64 * 2**20  # above this the WAL is cut, once no reader is in the way

_HINTS = {
    "SQLITE_FULL": "the disk is full: free space, then restart the gateway",
    "SQLITE_IOERR": "the disk or its limits refuse a write: check dmesg, ulimit -f and the volume, then restart the gateway",
    "SQLITE_READONLY": "the store became read-only: check the mount, then restart the gateway",
    "SQLITE_BUSY": "another program holds the store for writing: find it (fuser), stop it, restart the gateway",
    "SQLITE_CORRUPT": "the database is damaged: keep this copy, run affidavit verify, restore from a backup",
}


class StoreFailed(StoreError):  # noqa: N818 - the state that it tells of
    """A write failed; nothing more is accepted by this process, so nothing more may be let through."""


class StoreBusy(StoreError):  # noqa: N818 - the state that it tells of
    """The queue is full: the disk is slower than the traffic."""


class StoreReplaced(StoreError):  # noqa: N818 - the state that it tells of
    """The file that is open is not the one at the path any more."""


class Waiter(Protocol):
    """Who waits for the numbers of his leaves: a future of asyncio or of concurrent.futures."""

    def done(self) -> bool: ...
    def set_result(self, result: tuple[int, ...], /) -> None: ...
    def set_exception(self, exception: Exception, /) -> None: ...


@dataclass(slots=True, eq=False)
class _Unit:
    drafts: Sequence[Draft]
    size: int
    future: Waiter


Change = Callable[[Connection, Ledger], Any]


@dataclass(slots=True, eq=False)
class _Sign:
    """A checkpoint; before it a change of rows, where one is given: a transaction of its own, whose result is the future's."""

    change: Change | None = None
    future: Future[Any] = field(default_factory=Future)


@dataclass(frozen=True, slots=True)
class _Identity:
    """Which files are open: device and inode of the database and of its WAL."""

    database: tuple[int, int]
    wal: tuple[int, int]


Later = Callable[[Callable[[], None]], object]  # runs what it is given: now, or in its own time and thread


class Writer:
    """Owns the connection from `start` to `stop`."""

    def __init__(
        self,
        path: Path,
        connection: Connection,
        ledger: Ledger,
        *,
        checkpoint_seconds: float,
        gather: Later,
        deliver: Later,
    ) -> None:
        self._path = path
        self._wal = path.with_name(path.name + "-wal")
        self._connection = connection
        self._ledger = ledger
        self._checkpoint_seconds = checkpoint_seconds
        self._gather = gather
        self._deliver = deliver
        self._gathered: list[_Unit] = []
        self._queue: SimpleQueue[list[_Unit] | _Sign | None] = SimpleQueue()
        self._lock = Lock()
        self._units = self._bytes = 0
        self._stopped = False
        self._signed_at = time.monotonic()
        self._identity = self._stat()[0]
        self._thread = Thread(target=self._run, name="evidence-writer", daemon=True)
        self.failure: StoreFailed | None = None
        self.cut = True  # whether the WAL could be cut when it was last tried
        self.note = ledger.state.note

    def start(self) -> None:
        sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCH_SECONDS))
        self._thread.start()

    def append(self, drafts: Sequence[Draft], future: Waiter) -> None:
        """Queue drafts that belong together; `future` gets the numbers of their leaves when they are durable, from whoever delivers."""
        size = sum([draft.size for draft in drafts])
        with self._lock:
            refusal = self._refusal(size)
            if refusal is None:
                self._units += 1
                self._bytes += size
                self._gathered.append(_Unit(drafts, size, future))
                first = len(self._gathered) == 1
        if refusal is not None:
            future.set_exception(refusal)
        elif first:
            self._gather(self.flush)

    def flush(self) -> None:
        """Hand over what has gathered. Does not wait."""
        with self._lock:
            self._flush()

    def _flush(self) -> None:
        if self._gathered:
            self._queue.put(self._gathered)
            self._gathered = []

    def sign(self, change: Change | None = None) -> Future[Any]:
        """Sign what is there when the queue has been worked off up to here; the note.

        change: done first, in one transaction; then its result instead of the note. It may refuse with RecordInvalid before it has
        changed anything; whatever else it raises is a failure of the store.
        """
        job = _Sign(change)
        job.future.set_running_or_notify_cancel()
        with self._lock:
            refusal = self._refusal(0)
            if refusal is None:
                self._flush()
                self._queue.put(job)
        if refusal is not None:
            job.future.set_exception(refusal)
        return job.future

    def stop(self) -> None:
        """Write what is queued, sign, copy the WAL back, close. Says nothing of a failure: `failure` does."""
        with self._lock:
            first, self._stopped = not self._stopped, True
            if first:
                self._flush()
                self._queue.put(None)
        if self._thread.ident is not None:
            self._thread.join()
        self._connection.close()

    def _refusal(self, size: int) -> StoreError | None:
        if self.failure is not None:
            return self.failure
        if self._stopped:
            return StoreFailed(f"evidence store {self._path} is closed; restart the gateway")
        if self._units >= _QUEUE_UNITS or (self._units and self._bytes + size > _QUEUE_BYTES):
            return StoreBusy(f"evidence store {self._path}: {self._units} records wait for the disk; try again later")
        return None

    def _run(self) -> None:
        batch: list[_Unit | _Sign] = []
        try:
            while True:
                batch, last = self._collect()
                self._write([job for job in batch if isinstance(job, _Unit)])
                asked = [job for job in batch if isinstance(job, _Sign)]
                changed = [self._change(job) for job in asked]
                if asked or last or self._is_due():
                    self._sign(cut=any(job.change is not None for job in asked))
                for job, result in zip(asked, changed, strict=True):
                    if not job.future.done():
                        job.future.set_result(self.note if job.change is None else result)
                if last:
                    self._copy_back(cut=True)
                    return
        except BaseException as fault:  # noqa: BLE001 whatever it was, every waiting exchange must hear of it
            self._latch(fault, batch)

    def _collect(self) -> tuple[list[_Unit | _Sign], bool]:
        """What is queued, at least one job unless a checkpoint is due first; and whether it is the end."""
        batch: list[_Unit | _Sign] = []
        size = 0
        with contextlib.suppress(Empty):
            job = self._queue.get(timeout=self._idle_seconds())
            while job is not None:
                if isinstance(job, _Sign):
                    return [*batch, job], False
                batch += job
                size += sum([unit.size for unit in job])
                if len(batch) >= _BATCH_UNITS or size >= _BATCH_BYTES:
                    return batch, False
                job = self._queue.get_nowait()
            return batch, True
        return batch, False

    def _idle_seconds(self) -> float | None:
        if not self._ledger.unsigned:
            return None
        return max(0.0, self._signed_at + self._checkpoint_seconds - time.monotonic())

    def _is_due(self) -> bool:
        return bool(self._ledger.unsigned) and time.monotonic() >= self._signed_at + self._checkpoint_seconds

    def _write(self, units: list[_Unit]) -> None:
        if not units:
            return
        self._connection.execute("BEGIN IMMEDIATE")
        results = self._ledger.append([unit.drafts for unit in units])
        self._commit()
        with self._lock:
            self._units -= len(units)
            self._bytes -= sum([unit.size for unit in units])
        self._deliver(partial(_settle, units, results))

    def _change(self, job: _Sign) -> Any:
        if job.change is None:
            return None
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            result = job.change(self._connection, self._ledger)
        except RecordInvalid as refusal:
            self._connection.execute("ROLLBACK")
            job.future.set_exception(refusal)
            return None
        self._commit()
        return result

    def _sign(self, *, cut: bool) -> None:
        self._signed_at = time.monotonic()
        if self._ledger.unsigned:
            self._connection.execute("BEGIN IMMEDIATE")
            note = self._ledger.sign()
            self._commit()
            write_head(self._path, note)
            self.note = note
        self._copy_back(cut=cut or self._stat()[1] > _WAL_BYTES)

    def _copy_back(self, *, cut: bool) -> None:
        """Copy the WAL into the database as far as readers allow. A reader that stays is not waited for: commits go first."""
        self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        if cut:
            self._connection.execute("PRAGMA busy_timeout = 0")
            [busy, *_] = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            self.cut = not busy
            self._connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")

    def _commit(self) -> None:
        if self._stat()[0] != self._identity:
            raise StoreReplaced("the database or its WAL is not the file that was opened")
        self._connection.execute("COMMIT")

    def _stat(self) -> tuple[_Identity, int]:
        database, wal = self._path.stat(), self._wal.stat()
        return _Identity((database.st_dev, database.st_ino), (wal.st_dev, wal.st_ino)), wal.st_size

    def _latch(self, fault: BaseException, batch: list[_Unit | _Sign]) -> None:
        failure = StoreFailed(
            f"evidence store {self._path}: write failed ({_name(fault)}); nothing more is recorded; {_hint(fault)}"
        )
        failure.__cause__ = fault
        with contextlib.suppress(sqlite3.Error):  # SQLite may have rolled back already
            self._connection.execute("ROLLBACK")
        with self._lock:  # from here on nothing more gathers
            self.failure = failure
        with contextlib.suppress(Empty):
            while True:
                queued = self._queue.get_nowait()
                batch += [queued] if isinstance(queued, _Sign) else queued or []
        self._deliver(partial(_fail, [*batch, *self._gathered], failure))


def at_once(work: Callable[[], None]) -> None:
    """Nobody gathers, and results are set in the writer's own thread."""
    work()


def _settle(units: list[_Unit], results: list[tuple[int, ...] | RecordInvalid]) -> None:
    """Every waiting caller of one transaction hears of it in one go: to wake an event loop once a caller costs more than to write."""
    for unit, result in zip(units, results, strict=True):
        if isinstance(result, RecordInvalid):
            if not unit.future.done():
                unit.future.set_exception(result)
            continue
        for draft in unit.drafts:
            if draft.actor is not None:
                draft.actor.durable = True
        if not unit.future.done():  # nobody waits any more; what was to be written is
            unit.future.set_result(result)


def _fail(jobs: list[_Unit | _Sign], failure: StoreFailed) -> None:
    for job in jobs:
        if not job.future.done():
            job.future.set_exception(failure)


def _name(fault: BaseException) -> str:
    return getattr(fault, "sqlite_errorname", None) or type(fault).__name__


def _hint(fault: BaseException) -> str:
    if isinstance(fault, StoreReplaced | FileNotFoundError):
        return "it was moved, deleted or replaced while open: put it back or restore it, then restart the gateway"
    name = _name(fault)
    return next(
        (hint for code, hint in _HINTS.items() if name.startswith(code)), "restart the gateway and run affidavit verify"
    )
