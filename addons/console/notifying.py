"""Tells webhooks what happened, beside everything else: a receiver that hangs or fails delays no call and no other receiver.

Strategy: one bounded queue and one task for each webhook; a message is tried again with growing pauses, then given up with a finding.
Not what is told (approvals/notices.py). Messages that wait are lost with the process: the approvals themselves are not.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from addons.approvals.notices import Notice, message, signature
from addons.console.fetch import Unreachable, fetch, trust
from addons.policy.model import HookFormat, Policies, Reference, Source, Webhook
from addons.tokens.oidc_flows import Ask

WAITING = 500  # messages for one receiver; the oldest go first
PAUSES = (1.0, 2.0, 5.0, 15.0, 60.0, 300.0)  # seconds before each further try
SECONDS = 10.0  # of one try
AGAIN = frozenset({408, 425, 429})  # beside all of 5xx

Sleep = Callable[[float], Coroutine[None, None, None]]


class SecretMissing(Exception):  # noqa: N818 - the state of the environment
    """A reference that leads to nothing; named, never its value."""


@dataclass(slots=True)
class _Line:
    """What waits for one receiver."""

    notices: deque[Notice] = field(default_factory=lambda: deque(maxlen=WAITING), repr=False)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


class Notifier:
    def __init__(
        self,
        *,
        clock: Callable[[], datetime],
        policies: Callable[[], Policies],
        find: Callable[[str, str], None],
        console: Callable[[], str],
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """find: notes a finding, once for a code and detail. console: its address, "" for none; messages lead there."""
        self._clock, self._policies, self._find, self._console, self._sleep = clock, policies, find, console, sleep
        self._lines: dict[str, _Line] = {}
        self._trust: ssl.SSLContext | None = (
            None  # reading the machine's roots takes longer than the loop may stand still
        )

    def tell(self, notice: Notice) -> None:
        """Returns at once. Needs a running loop."""
        for hook in self._policies().webhooks:
            if notice.happening in hook.on and (not hook.rules or notice.rule in hook.rules):
                line = self._lines.setdefault(hook.id, _Line())
                if len(line.notices) == WAITING:
                    self._find(
                        "webhook_behind", f"{hook.id}: more than {WAITING} messages wait; the oldest are not sent"
                    )
                line.notices.append(notice)
                line.wake.set()
                if line.task is None or line.task.done():
                    line.task = asyncio.get_running_loop().create_task(self._work(hook.id, line))

    async def close(self) -> None:
        tasks = [line.task for line in self._lines.values() if line.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _work(self, hook_id: str, line: _Line) -> None:
        while True:
            while line.notices:
                notice = line.notices.popleft()
                hook = next((one for one in self._policies().webhooks if one.id == hook_id), None)
                if hook is not None:
                    await self._deliver(hook, notice)
            line.wake.clear()
            await line.wake.wait()

    async def _deliver(self, hook: Webhook, notice: Notice) -> None:
        if self._trust is None:
            self._trust = await asyncio.to_thread(trust, None)
        body = message(hook.format.value, notice, link=self._console(), payload=hook.payload)
        for pause in (0.0, *PAUSES):
            if pause:
                await self._sleep(pause)
            try:
                status = (await fetch(self._ask(hook, body), self._trust, SECONDS)).status
            except SecretMissing as missing:
                self._find("webhook_failed", f"{hook.id}: {missing}")
                return
            except Unreachable:
                continue
            if 200 <= status < 300:
                return
            if status < 500 and status not in AGAIN:
                self._find("webhook_failed", f"{hook.id}: its receiver answers {status}; check url and format")
                return
        self._find("webhook_failed", f"{hook.id}: its receiver did not take a message in {len(PAUSES) + 1} tries")

    def _ask(self, hook: Webhook, body: bytes) -> Ask:
        headers = [("content-type", "application/json"), ("user-agent", "affidavit")]
        if hook.format is HookFormat.JSON:
            timestamp = int(self._clock().timestamp())
            headers += [
                ("affidavit-timestamp", str(timestamp)),
                ("affidavit-signature", signature(_resolved(hook.secret).encode(), timestamp, body)),
            ]
        return Ask("POST", _resolved(hook.url), tuple(headers), body)


def _resolved(pieces: tuple[str | Reference, ...]) -> str:
    return "".join(piece if isinstance(piece, str) else _read(piece) for piece in pieces)


def _read(reference: Reference) -> str:
    name = reference.arguments[0]
    found = ""
    if reference.source is Source.ENV:
        found = os.environ.get(name, "")
    else:
        with contextlib.suppress(OSError):
            found = Path(name).expanduser().read_text("utf-8").strip()
    if not found:
        raise SecretMissing(f"{reference.source.value}:{name} gives nothing")
    return found
