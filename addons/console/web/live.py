"""Live updates: a stream of server-sent events that says that something changed, and how much waits. Never content.

Many changes at once are one event: the page then asks for itself again, so nothing is lost by it. The stream ends with its session.
Source: WHATWG HTML, 9.2.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

import orjson
from tornado import iostream

from addons.approvals.state import Approval, State
from addons.console.operations import OperationRefused
from addons.console.web.guard import Page

BEAT_SECONDS = 15.0  # a comment, which also finds out that the browser or the session is gone
GATHER_SECONDS = 0.2  # changes that come together are one event
STREAMS = 6  # of one session

Changes = asyncio.Queue[Approval | None]


class Live(Page):
    _changes: Changes | None = None

    @property
    def counts_as_use(self) -> bool:
        """An open page does not keep its session alive."""
        return False

    async def get(self) -> None:
        self.person()
        self.set_header("Content-Type", "text/event-stream")
        with (
            self.console.desk.watching() as self._changes,
            self._counted(),
            contextlib.suppress(iostream.StreamClosedError),
        ):
            await self._tell(())
            while (changed := await self._next(self._changes)) is not None:
                if not await self._alive():
                    break
                await self._tell(changed)
            self.write(b"event: ended\ndata: {}\n\n")
            self.finish()

    def on_connection_close(self) -> None:
        self._wake()

    @contextlib.contextmanager
    def _counted(self) -> Iterator[None]:
        """The session knows its streams: logging out ends them, and there are not many."""
        assert self.session
        streams, wake = self.session.streams, self._wake
        if len(streams) >= STREAMS:
            raise OperationRefused(429, "too_many_streams", "too many pages of this session are open", "close some")
        streams.add(wake)
        try:
            yield
        finally:
            streams.discard(wake)

    def _wake(self) -> None:
        if self._changes is not None and not self._changes.full():  # full: it is awake
            self._changes.put_nowait(None)

    async def _alive(self) -> bool:
        """Found anew, as for any request."""
        await self._find_session()
        return self.session is not None

    @staticmethod
    async def _next(changes: Changes) -> list[Approval] | None:
        """Those that changed since; none: only time passed; None: it is over."""
        try:
            async with asyncio.timeout(BEAT_SECONDS):
                found = [await changes.get()]
        except TimeoutError:
            return []
        if found[0] is not None:
            await asyncio.sleep(GATHER_SECONDS)
            while not changes.empty():
                found.append(changes.get_nowait())
        told = [one for one in found if one is not None]
        return told if len(told) == len(found) else None

    async def _tell(self, changed: list[Approval] | tuple[()]) -> None:
        caller = self.person()
        mine, waiting = self.waiting()
        said: dict[str, Any] = {"mine": mine, "waiting": waiting, "changed": len(changed)}
        new = [
            one
            for one in changed
            if one.state is State.PENDING and not one.votes and self.console.desk.may_decide(one, caller)
        ]
        if new:
            said["new"] = {"id": new[-1].id, "rule": new[-1].rule, "requester": new[-1].requester}
        self.write(b"event: waiting\ndata: %b\n\n" % orjson.dumps(said))
        await self.flush()
