"""Figures of many streams at once: chunks a core carries, how late a chunk is, what a stream costs in memory."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from scripts.measuring import noise
from scripts.measuring.cases import Bench, Case
from scripts.measuring.load import Connection, connect, percentile
from scripts.measuring.rows import Goal, Row, row
from scripts.measuring.workloads import Workloads

OPENING_AT_ONCE = 16


@contextlib.asynccontextmanager
async def probe(case: Case, salt: str, seconds: float) -> AsyncIterator[list[float]]:
    """A stream with a chunk each 5 ms beside another load; afterwards the list holds how late each chunk was, in ms."""
    late: list[float] = []

    connection = await connect(case.way)

    async def listen() -> None:
        chunks = max(10, int(seconds / 0.005))
        timing = await connection.exchange(next(Workloads(case.host, f"{salt}-probe").sse(chunks, 5)(0)))
        late.extend(each / 1e6 for each in timing.transits)
        connection.close()

    async with asyncio.TaskGroup() as group:
        group.create_task(listen())
        yield late


async def opened(
    case: Case, count: int, chunks: int, interval_ms: float, salt: str
) -> tuple[list[Connection], list[asyncio.Task[object]]]:
    """So many streams, all under way; a few handshakes at a time."""
    requests = Workloads(case.host, salt).sse(chunks, interval_ms)
    gate = asyncio.Semaphore(OPENING_AT_ONCE)
    loop = asyncio.get_running_loop()
    connections: list[Connection] = []
    tasks: list[asyncio.Task[object]] = []

    async def one(number: int) -> None:
        async with gate:
            connection = await connect(case.way)
            connections.append(connection)
            tasks.append(loop.create_task(connection.exchange(next(requests(number)))))
            await connection.replied.wait()

    async with asyncio.TaskGroup() as group:
        for number in range(count):
            group.create_task(one(number))
    return connections, tasks


async def left(connections: list[Connection], tasks: list[asyncio.Task[object]]) -> None:
    """What was wanted is measured; the streams need not come to their end."""
    for connection in connections:
        connection.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def arrived(connections: list[Connection]) -> int:
    return sum(len(connection.timing.transits) for connection in connections if connection.timing)


async def paced_streams(made: Bench, streams: int = 100, interval_ms: float = 20, seconds: float = 3) -> list[Row]:
    """Chunks that one core could carry: those that came, for each CPU second of the gateway."""
    case = made.cases["stack"]
    connections, tasks = await opened(case, streams, int(1000 * (seconds + 5) / interval_ms), interval_ms, "paced")
    chunks, cpu = arrived(connections), noise.cpu_seconds(case.pid)
    await asyncio.sleep(seconds)
    chunks, cpu = arrived(connections) - chunks, noise.cpu_seconds(case.pid) - cpu
    await left(connections, tasks)
    return [
        row(
            "chunks_per_core",
            chunks / cpu if cpu else 0.0,
            Goal("chunks/s", 10_000, 12_000),
            spread=f"at {chunks / seconds:.0f} chunks/s",
        )
    ]


async def many_slow_streams(made: Bench, streams: int, interval_ms: float = 500, seconds: float = 4) -> list[Row]:
    case = made.cases["stack"]
    before = noise.resident_mb(case.pid)
    chunks = int((seconds + 12) * 1000 / interval_ms)
    connections, tasks = await opened(case, streams, chunks, interval_ms, "slow")
    seen = [len(connection.timing.transits) if connection.timing else 0 for connection in connections]
    await asyncio.sleep(seconds)
    late = sorted(
        each / 1e6 for c, skip in zip(connections, seen, strict=True) if c.timing for each in c.timing.transits[skip:]
    )
    held = noise.resident_mb(case.pid) - before
    await left(connections, tasks)
    return [
        row(
            "streams_500_transit_p99_ms",
            percentile(late, 0.99),
            Goal("ms", 10.0, 4.0, more_is_better=False),
            spread=f"p50 {percentile(late, 0.5):.2f}",
        ),
        row(
            "stream_memory_mb",
            held / streams,
            Goal("MB", 0.35, 0.25, more_is_better=False, timed=False),
            spread=f"{streams} streams",
        ),
    ]
