"""`scripts/measure speed`: the gateway against bare mitmdump in interleaved rounds. Ratios within one run are what counts: hosts differ.

A figure is void unless the durable records equal the upstream's own count, the log verifies, and no planted secret is in the store.
"""

from __future__ import annotations

import asyncio
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from scripts.local_certificate import throwaway_certificate
from scripts.measuring import noise, totals, trust
from scripts.measuring.cases import Bench, Case, bench
from scripts.measuring.holds import hold_rows
from scripts.measuring.identity_cost import identity_cost
from scripts.measuring.litellm import litellm
from scripts.measuring.load import Load, closed_loop, percentile
from scripts.measuring.processes import CORES, LOAD_CORE
from scripts.measuring.rows import Goal, Row, row
from scripts.measuring.streams import many_slow_streams, paced_streams, probe
from scripts.measuring.workloads import LONG_BYTES, Workloads

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    rounds: int
    seconds: float  # of one case in one round
    slow_streams: int
    holds: int
    growth_exchanges: int  # 0: left out


FULL = Plan(rounds=7, seconds=3.0, slow_streams=500, holds=500, growth_exchanges=100_000)
QUICK = Plan(rounds=3, seconds=1.0, slow_streams=500, holds=500, growth_exchanges=0)


@dataclass(slots=True)
class Samples:
    """What the rounds gave: name of a figure -> one value a round."""

    values: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, value: float) -> None:
        self.values.setdefault(name, []).append(value)

    def median(self, name: str) -> float:
        return statistics.median(self.values[name])

    def row(self, name: str, goal: Goal) -> Row:
        found = self.values[name]
        return row(name, self.median(name), goal, spread=f"{min(found):.3g} – {max(found):.3g}")


def measured(*, quick: bool, peers: bool, say: Say) -> tuple[list[Row], str]:
    plan = QUICK if quick else FULL
    os.sched_setaffinity(0, {LOAD_CORE})
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(16_384, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="affidavit-measure-") as name:
        folder = Path(name)
        fsync_ms = noise.fdatasync_ms(folder)
        before = noise.foreign_in_a_second()
        say(f"fdatasync {fsync_ms:.2f} ms; other programs use {before:.0%} of {len(CORES)} cores")
        with bench(folder, throwaway_certificate(folder)) as made:
            meter = noise.Meter((*made.pids, os.getpid()))
            rows = list(all_rows(made, plan, fsync_ms, say, with_peers=peers))
            during = meter.foreign_share((*made.pids, os.getpid()))
            made.gateway.stop()
            noisy, wrong = noise.reason(before, during), trust.reason(made)
    rows = [replace(each, void=wrong or (noisy if each.timed else "")) for each in rows]
    title = (
        f"speed{', quick' if quick else ''}: {plan.rounds} interleaved rounds, {time.monotonic() - began:.0f} s; fdatasync {fsync_ms:.2f} ms; "
        f"other programs {max(before, during):.0%}; proxies on core {CORES[0]}, client and upstream on core {LOAD_CORE}"
    )
    return rows, title


def all_rows(made: Bench, plan: Plan, fsync_ms: float, say: Say, *, with_peers: bool) -> list[Row]:
    samples = Samples()
    for number in range(plan.rounds):
        began = time.monotonic()
        asyncio.run(one_round(made, plan, samples, f"r{number}"))
        say(
            f"round {number + 1} of {plan.rounds}: {time.monotonic() - began:.0f} s, json c=8 {samples.values['json_c8_ratio'][-1]:.2f} of bare"
        )
    rows = [samples.row(name, goal) for name, goal in goals(fsync_ms).items()]
    rows += asyncio.run(paced_streams(made))
    say("500 slow streams")
    rows += asyncio.run(many_slow_streams(made, plan.slow_streams))
    say("what the store grows by, verifying, masking")
    rows += totals.rows(made, plan.growth_exchanges, say)
    rows.append(identity_cost(made))
    rows += hold_rows(made, plan.holds, say)
    if with_peers:
        rows += asyncio.run(litellm(made, plan.seconds, samples.median("stack_json_c8"), say))
    return rows


def goals(fsync_ms: float) -> dict[str, Goal]:
    """Of the figures that the rounds give, against bare mitmdump in the same round."""
    return {
        "json_c8_ratio": Goal("of bare", 0.80, 1.0),
        "json_c1_added_p50_ms": Goal(
            "ms", round(1.0 + 2 * fsync_ms, 3), round(0.5 + fsync_ms, 3), more_is_better=False
        ),
        "long_turns_c8_ratio": Goal("of bare", 0.60, 1.0),
        "long_new_c8_ratio": Goal("of bare", 0.12, 0.3),
        "first_chunk_added_ms": Goal("ms", 0.5, 0.2, more_is_better=False),
        "last_byte_added_ms": Goal("ms", round(1.0 + fsync_ms, 3), round(0.5 + fsync_ms, 3), more_is_better=False),
        "history_cpu_ms_per_mb": Goal("CPU-ms/MB", 2.0, 1.0, more_is_better=False),
        "connection_cpu_ms": Goal("CPU-ms", more_is_better=False),
        "loop_stall_ms": Goal("ms", 20.0, 5.0, more_is_better=False),
        "direct_json_c8": Goal("req/s"),
        "bare_json_c8": Goal("req/s"),
        "stack_json_c8": Goal("req/s"),
    }


async def loaded(case: Case, clients: int, workload: str, salt: str, seconds: float) -> tuple[Load, float]:
    """A closed loop, and the CPU-ms that the proxy spent on one exchange: connections are open then, and histories were sent once."""
    requests = getattr(Workloads(case.host, f"{salt}-{case.name}"), workload)
    before: list[float] = []
    load = await closed_loop(
        case.way, clients, requests, seconds, warm=lambda: before.append(noise.cpu_seconds(case.pid))
    )
    return load, (noise.cpu_seconds(case.pid) - before[0]) * 1000 / max(1, len(load.timings))


async def one_round(made: Bench, plan: Plan, samples: Samples, salt: str) -> None:
    """Every workload through every case, one after another; the ratios are taken within the round."""
    cases = made.cases
    alone = {
        name: await loaded(cases[name], 1, "json", f"{salt}-1", plan.seconds / 2)
        for name in ("direct", "bare", "stack")
    }
    eight = {
        name: await loaded(cases[name], 8, "json", f"{salt}-8", plan.seconds) for name in ("direct", "bare", "stack")
    }
    turns = {name: await loaded(cases[name], 8, "long_turns", salt, plan.seconds) for name in ("bare", "stack")}
    news = {name: await loaded(cases[name], 8, "new_turns", salt, plan.seconds) for name in ("bare", "stack")}
    first = {name: await first_chunk_ms(cases[name], salt, plan.seconds / 2) for name in ("bare+stream", "stack")}
    fresh = {"bare": await loaded(cases["bare"], 8, "long_new", salt, plan.seconds)}
    async with probe(cases["stack"], salt, plan.seconds) as stalls:
        fresh["stack"] = await loaded(cases["stack"], 8, "long_new", salt, plan.seconds)
    connecting = {name: await connection_cpu_ms(cases[name], salt) for name in ("bare", "stack")}

    for name, (load, _) in eight.items():
        samples.add(f"{name}_json_c8", load.rate)
    samples.add("json_c8_ratio", eight["stack"][0].rate / eight["bare"][0].rate)
    samples.add("json_c1_added_p50_ms", added(alone, lambda load: load.latencies_ms()))
    samples.add("last_byte_added_ms", added(alone, lambda load: load.transits_ms()))
    samples.add("long_turns_c8_ratio", turns["stack"][0].rate / turns["bare"][0].rate)
    samples.add("long_new_c8_ratio", fresh["stack"][0].rate / fresh["bare"][0].rate)
    samples.add("first_chunk_added_ms", first["stack"] - first["bare+stream"])
    more = (turns["stack"][1] - turns["bare"][1]) - (news["stack"][1] - news["bare"][1])
    samples.add("history_cpu_ms_per_mb", more / (LONG_BYTES / 1e6))
    samples.add("connection_cpu_ms", connecting["stack"] - connecting["bare"])
    samples.add("loop_stall_ms", max(stalls, default=0.0))


def added(loads: dict[str, tuple[Load, float]], of: Callable[[Load], list[float]]) -> float:
    """Median of the stack less median of bare."""
    return percentile(of(loads["stack"][0]), 0.5) - percentile(of(loads["bare"][0]), 0.5)


async def first_chunk_ms(case: Case, salt: str, seconds: float) -> float:
    """Median time of a stream's first chunk from upstream's write to our read: the request's own commit is before it."""
    load = await closed_loop(case.way, 1, Workloads(case.host, f"{salt}-{case.name}").sse(10, 2), seconds)
    return statistics.median(timing.transits[0] for timing in load.timings) / 1e6


async def connection_cpu_ms(case: Case, salt: str, connections: int = 40) -> float:
    """CPU-ms of the proxy for a new client connection with one request."""
    requests = Workloads(case.host, f"{salt}-new-{case.name}").json
    before = noise.cpu_seconds(case.pid)
    for number in range(connections):
        await closed_loop(case.way, 1, lambda client, number=number: requests(1000 + client + number), 0.0)  # type: ignore[misc] # the default binds it
    return (noise.cpu_seconds(case.pid) - before) * 1000 / connections
