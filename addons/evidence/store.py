"""The evidence store: create it, open it, append to it. One process owns it (whoever opens it holds the state's lock); one thread writes.

    store = Store.open(path, keys, clock=clock, random=os.urandom)
    seqs = await asyncio.wrap_future(store.append(Opened(…)))      # durable when this returns

Not queries (queries.py), not the check of the whole (verify.py): opening checks only the newest checkpoint and what came after it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager
from pathlib import Path

from addons.evidence import opening
from addons.evidence.canonical import Attr, RecordInvalid
from addons.evidence.chain import Chain
from addons.evidence.database import Connection, StoreError, reader
from addons.evidence.drafts import Draft, Drafter
from addons.evidence.ids import Clock, Random
from addons.evidence.keys import Keys
from addons.evidence.ledger import Ledger
from addons.evidence.records import Event, Record
from addons.evidence.subjects import Subjects
from addons.evidence.writer import Later, StoreBusy, StoreFailed, Waiter, Writer, at_once

__all__ = ["Store", "StoreBusy", "StoreError", "StoreFailed"]


class Store:
    """An open store. `append` may be called from any thread."""

    def __init__(self, path: Path, writer: Writer, subjects: Subjects, drafter: Drafter) -> None:
        self.path = path
        self._writer = writer
        self._subjects = subjects
        self._drafter = drafter

    @classmethod
    def create(cls, path: Path, keys: Keys, *, clock: Clock, random: Random) -> None:
        """A new store with its first leaf and checkpoint, for `affidavit init`. Refuses to overwrite anything."""
        opening.initialise(path, keys, clock, random)

    @classmethod
    def open(
        cls,
        path: Path,
        keys: Keys,
        *,
        clock: Clock,
        random: Random,
        origin: str | None = None,
        checkpoint_seconds: float = 1.0,
        gather: Later = at_once,
        deliver: Later = at_once,
    ) -> Store:
        """The store at `path`, its exchanges that were left open closed as interrupted; or StoreError.

        origin: what the configuration says this log is called; must be the keys' own. checkpoint_seconds: at most one signature
        in that time while leaves arrive. gather: runs what hands the records that have come to the writer, when more are not to be
        expected at once. deliver: runs what sets the futures of one transaction, e.g. in an event loop's own thread.
        """
        if origin is not None and origin != keys.origin:
            raise StoreError(
                f"origin {origin}: the keys are those of {keys.origin}; a log keeps its name: correct the configuration"
            )
        connection = opening.connected(path)
        try:
            ledger, subjects, drafter = opening.resume(path, connection, keys, clock, random)
            writer = Writer(
                path, connection, ledger, checkpoint_seconds=checkpoint_seconds, gather=gather, deliver=deliver
            )
        except BaseException:
            connection.close()
            raise
        writer.start()
        return cls(path, writer, subjects, drafter)

    def append(self, *records: Record) -> Future[tuple[int, ...]]:
        """Write records in one transaction, all or none; the numbers of their leaves once they are durable.

        The future raises RecordInvalid (the records were refused, the store goes on), StoreBusy (try later) or StoreFailed (for good).
        """
        future: Future[tuple[int, ...]] = Future()
        future.set_running_or_notify_cancel()  # what is queued is written, whoever still waits
        self.append_for(future, *records)
        return future

    def append_for(self, waiter: Waiter, *records: Record) -> None:
        """As `append`, into a future of the caller's own: an event loop's, where `deliver` runs in that loop's thread."""
        try:
            drafts = [self._drafter.draft(record) for record in records]
        except RecordInvalid as fault:
            waiter.set_exception(fault)
        else:
            self._writer.append(drafts, waiter)

    def heartbeat(self, attrs: Mapping[str, Attr]) -> Future[tuple[int, ...]]:
        """A `gateway.heartbeat`: shows that the gateway ran although nothing was asked of it, and gives a fresh checkpoint."""
        return self.append(Event("gateway.heartbeat", attrs=attrs))

    def checkpoint(self) -> Future[str]:
        """Sign all that was appended before this call; the note."""
        return self._writer.sign()

    def change[T](self, work: Callable[[Connection, Ledger], T]) -> Future[T]:
        """`work` in a transaction of the writer's own, signed at once, and the WAL cut where no reader is in the way."""
        return self._writer.sign(work)

    def drafted(self, record: Record) -> Draft:
        """What `change` appends."""
        return self._drafter.draft(record)

    def forget(self, subject: str) -> None:
        """A person's row was erased."""
        self._subjects.erased(subject)

    @property
    def wal_was_cut(self) -> bool:
        """Whether nothing from before the last `change` is in the WAL any more; a reader that stays keeps it."""
        return self._writer.cut

    @property
    def newest_checkpoint(self) -> str:
        """The newest signed note."""
        return self._writer.note

    @property
    def failure(self) -> StoreFailed | None:
        """Why nothing more is accepted; None while all is well."""
        return self._writer.failure

    def subject_key(self, subject: str) -> bytes:
        """The key of a subject's ids; made at first use, durable with the subject's first record."""
        return self._subjects.of(subject).key

    def chain(self, subject: str) -> Chain:
        return Chain(self.subject_key(subject))

    def reading(self) -> AbstractContextManager[Connection]:
        """A short read-only look at this store."""
        return reader(self.path)

    @staticmethod
    def reader(path: Path) -> AbstractContextManager[Connection]:
        """A short read-only look at any store, also while its owner writes."""
        return reader(path)

    def close(self) -> None:
        """Write what is queued, sign it, close."""
        self._writer.stop()
