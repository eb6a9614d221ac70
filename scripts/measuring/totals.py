"""Figures that are sums: what a turn and a stream cost on disk, how fast a log verifies, how fast texts are masked, what memory does."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator

from addons.evidence.checkpoints import Verifier
from addons.evidence.store import Store
from addons.evidence.verify import verify
from addons.masks.engine import ENTITIES, Masker
from addons.masks.rules import Action, Rule
from scripts.measuring import noise
from scripts.measuring.cases import Bench
from scripts.measuring.load import closed_loop, connect
from scripts.measuring.rows import Goal, Row, row
from scripts.measuring.workloads import TURN_BYTES, Workloads, message, request, text

TURNS, STREAMS, CHUNKS = 150, 40, 200
MASKED_BYTES = 200_000
Say = Callable[[str], None]


def rows(made: Bench, growth_exchanges: int, say: Say) -> list[Row]:
    """Restarts the gateway between figures: only an ended one has all of its log in one file."""
    found = [turn_bytes(made), stream_bytes(made)]
    if growth_exchanges:
        say(f"memory over {growth_exchanges} exchanges")
        found.append(asyncio.run(memory_growth(made, growth_exchanges)))
    return [*found, verify_speed(made), export_speed(made), masking_speed()]


def store_bytes(made: Bench) -> int:
    """Of an ended gateway; starts it again."""
    made.gateway.stop()
    size = (made.state.path / "evidence.db").stat().st_size
    made.start_gateway()
    return size


def turn_bytes(made: Bench) -> Row:
    """Store bytes for a turn of a conversation that is sent again with each turn, over the turn's own bytes."""
    before = store_bytes(made)
    new = asyncio.run(conversation(made))
    grown = (store_bytes(made) - before) / TURNS
    goal = Goal(
        "of new bytes", round(1.5 + 4096 / new, 3), round(1.1 + 2048 / new, 3), more_is_better=False, timed=False
    )
    return row("turn_bytes_ratio", grown / new, goal, spread=f"{grown:.0f} bytes for {new:.0f}")


async def conversation(made: Bench) -> float:
    """Bytes of one turn: what the user says and what the model answers, which goes back word for word."""
    case = made.cases["stack"]
    connection = await connect(case.way)
    history, new = b"", 0
    for number in range(TURNS):
        user = message("user", text(TURN_BYTES, f"turn {number}"))
        history = history + b"," + user if history else user
        await connection.exchange(request(history, "json 1500", case.host))
        reply = json.loads(connection.body.partition(b"\r\n\r\n")[2])["choices"][0]["message"]["content"]
        answer = message("assistant", reply)
        history += b"," + answer
        new += len(user) + len(answer)
    connection.close()
    return new / TURNS


def stream_bytes(made: Bench) -> Row:
    before = store_bytes(made)
    case = made.cases["stack"]
    load = asyncio.run(closed_loop(case.way, 4, Workloads(case.host, "bytes").sse(CHUNKS, 0), 60, most=STREAMS))
    grown = store_bytes(made) - before
    streams = len(load.timings) + 4  # closed_loop does not count the first of each client
    wire = sum(timing.size for timing in load.timings) / len(load.timings) * streams
    goal = Goal("of wire bytes", 0.3, 0.1, more_is_better=False, timed=False)
    return row("stream_bytes_ratio", grown / wire, goal, spread=f"{grown / streams:.0f} bytes for {wire / streams:.0f}")


async def memory_growth(made: Bench, exchanges: int) -> Row:
    case = made.cases["stack"]
    work = Workloads(case.host, "growth").json
    await closed_loop(case.way, 8, work, 600, most=exchanges // 10)
    before = noise.resident_mb(case.pid)
    await closed_loop(case.way, 8, lambda client: work(100 + client), 900, most=exchanges)
    goal = Goal("MB", 10.0, 2.0, more_is_better=False, timed=False)
    return row("memory_growth_mb", noise.resident_mb(case.pid) - before, goal, spread=f"{exchanges} exchanges")


def verify_speed(made: Bench) -> Row:
    """Leaves in a second, by the reader that `affidavit verify` calls."""
    path = made.state.path / "evidence.db"
    key = Verifier.of((made.state.path / "keys" / "log.vkey").read_text(encoding="utf-8"))
    with Store.reader(path) as store:
        (leaves,) = store.execute("SELECT count(*) FROM events").fetchone()
    taken = timed(lambda: verify(path, key))
    return row("verify_records_s", leaves / taken, Goal("records/s", 20_000, 100_000), spread=f"{leaves} records")


def export_speed(made: Bench) -> Row:
    """Exchanges in a second, by the command; what it takes to start is taken off."""
    with Store.reader(made.state.path / "evidence.db") as store:
        (exchanges,) = store.execute("SELECT count(*) FROM exchanges").fetchone()
    start = timed(lambda: made.state.run("export", "--help"))
    taken = timed(lambda: made.state.run("export", str(made.folder / "package")))
    return row(
        "export_per_s", exchanges / max(taken - start, 0.001), Goal("exchanges/s"), spread=f"{exchanges} exchanges"
    )


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def masking_speed(seconds: float = 2.0) -> Row:
    """All detectors, decoding on, texts never seen before; one core."""
    masker = Masker((Rule("all", tuple(sorted(ENTITIES)), Action.HASH),), bytes(32), bytes(32), 1 << 20)
    scope = masker.scope("measured", (), "request")
    done, taken = 0, 0.0
    for body in bodies():
        began = time.perf_counter()
        scope.document(body, "application/json")
        taken += time.perf_counter() - began
        done += len(body)
        if taken > seconds:
            break
    return row("masking_mb_s", done / 1e6 / taken, Goal("MB/s", 8.0, 15.0), spread=f"{done / 1e6:.0f} MB")


def bodies() -> Iterator[bytes]:
    number = 0
    while True:
        number += 1
        yield request_body(number)


def request_body(number: int) -> bytes:
    entries = (
        message("user", text(4_000, f"{number} {at}", planted=at % 10 == 0)) for at in range(MASKED_BYTES // 4_000)
    )
    return b'{"messages":[%b]}' % b",".join(entries)
