"""Figures of many calls that wait for people at once: what one costs in memory, whether the loop stalls, whether streams run on.

In front of a gateway of its own with one rule more: calls of one model are held, and in the end denied by a second person.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from addons.console import reach
from addons.console.state import StateFolder
from scripts.measuring import noise
from scripts.measuring.cases import Bench, Case
from scripts.measuring.load import Connection, Refused, connect, percentile
from scripts.measuring.rows import Goal, Row, row
from scripts.measuring.streams import OPENING_AT_ONCE, probe
from scripts.measuring.workloads import message, request, text

RULE = """\
version: 1
rules:
  - id: measured-hold
    when: {direction: request, pattern: held-for-the-measurement}
    then: hold
    approvers: {groups: [data-owners]}
    hold_seconds: 120
    alarm_holds: 1000000
"""
ARRIVAL_SECONDS = 60.0


def hold_rows(made: Bench, holds: int, say: Callable[[str], None]) -> list[Row]:
    """Restarts the gateway under other policies; it is the last that is measured."""
    say(f"{holds} holds at once")
    approver = made.state.mint("approver", "data-owners")
    made.gateway.stop()
    made.state.write_policies({"approval.yaml": RULE, "controls.yaml": "version: 1\ncontrols: []\n"})
    made.start_gateway()
    return asyncio.run(_held(made, holds, approver))


async def _held(made: Bench, holds: int, approver: str) -> list[Row]:
    case, folder = made.cases["stack"], StateFolder(made.state.path)
    async with probe(case, "alone", 2.0) as alone:
        await asyncio.sleep(0)
    before = noise.resident_mb(case.pid)
    connections = await _opened(
        case, holds
    )  # handshakes are no holds: what they cost is in the rows of new connections
    async with probe(case, "arriving", 6.0) as arriving:
        tasks = _asked(case, connections)
        await _pending(folder, holds)
    grown = (noise.resident_mb(case.pid) - before) / holds
    cpu = noise.cpu_seconds(case.pid)
    async with probe(case, "waiting", 3.0) as waiting:
        await asyncio.sleep(0)
    busy = (noise.cpu_seconds(case.pid) - cpu) / 3.0
    await asyncio.to_thread(_deny_all, folder, approver)
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    for connection in connections:
        connection.close()
    denied = sum(isinstance(answer, Refused) and " 403 " in str(answer) for answer in answers)
    void = "" if denied == holds else f"{denied} of {holds} held calls were answered as denied"
    return [
        row("holds_500_memory_mb", grown, Goal("MB each", 0.35, 0.25, more_is_better=False, timed=False), void=void),
        row("holds_500_stall_arriving_ms", max(arriving), Goal("ms", 20.0, 5.0, more_is_better=False), spread=_spread(arriving), void=void),
        row("holds_500_stall_ms", max(waiting), Goal("ms", 20.0, 5.0, more_is_better=False), spread=_spread(waiting), void=void),
        row(
            "holds_500_stream_added_p99_ms",
            max(0.0, percentile(sorted(waiting), 0.99) - percentile(sorted(alone), 0.99)),
            Goal("ms", 5.0, 1.0, more_is_better=False),
            spread=f"alone {_spread(alone)}",
            void=void,
        ),
        row("holds_500_cpu", busy, Goal("of a core", more_is_better=False), void=void),
    ]  # fmt: skip


def _spread(late: list[float]) -> str:
    return f"p50 {percentile(sorted(late), 0.5):.2f}, p99 {percentile(sorted(late), 0.99):.2f}"


async def _opened(case: Case, holds: int) -> list[Connection]:
    """A connection for each call; a few handshakes at a time."""
    gate = asyncio.Semaphore(OPENING_AT_ONCE)

    async def one() -> Connection:
        async with gate:
            return await connect(case.way)

    return await asyncio.gather(*(one() for _ in range(holds)))


def _asked(case: Case, connections: list[Connection]) -> list[asyncio.Task[object]]:
    """The calls, all at once, each with words of its own."""
    made = []
    for number, connection in enumerate(connections):
        said = message("user", f"held-for-the-measurement {number} {text(1000, f'hold-{number}')}")
        made.append(connection.exchange(request(said, "json 1500", case.host)))
    return [asyncio.get_running_loop().create_task(one) for one in made]


async def _pending(folder: StateFolder, holds: int) -> None:
    deadline = time.monotonic() + ARRIVAL_SECONDS
    while (await asyncio.to_thread(reach.ask, folder, "GET", "/status"))["pending_approvals"] < holds:
        if time.monotonic() > deadline:
            raise TimeoutError(f"expected {holds} calls to be held within {ARRIVAL_SECONDS:g} s")
        await asyncio.sleep(0.2)


def _deny_all(folder: StateFolder, approver: str) -> None:
    for held in reach.ask(folder, "GET", "/approvals", token=approver)["approvals"]:
        reach.ask(folder, "POST", f"/approvals/{held['id']}/deny", body={"reason": "measured"}, token=approver)
