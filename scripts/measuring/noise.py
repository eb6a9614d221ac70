"""What else the machine does, and how fast its disk is: without it a timing is worth nothing."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

FOREIGN_SHARE = 0.10  # of all cores: more than this and timings are void
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds of the whole machine, and of some processes of ours, at one moment."""

    at: float
    busy: float
    own: float


def cpu_seconds(pid: int) -> float:
    """User and system time of a process with all its threads; 0 when it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def usage(pids: tuple[int, ...]) -> Usage:
    user, nice, system, _, _, irq, softirq, steal = map(
        int, Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]
    )
    return Usage(time.monotonic(), (user + nice + system + irq + softirq + steal) / TICKS, sum(map(cpu_seconds, pids)))


def foreign_share(before: Usage, after: Usage) -> float:
    """Share of the machine's cores that others used between two moments; the kernel's own share of our traffic is in it."""
    wall = (after.at - before.at) * (os.cpu_count() or 1)
    return max(0.0, (after.busy - before.busy) - (after.own - before.own)) / wall if wall else 0.0


def fdatasync_ms(folder: Path, rounds: int = 100) -> float:
    """Median of appending 4 KiB and waiting for the disk."""
    path = folder / "fdatasync.probe"
    taken = []
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        for _ in range(rounds):
            os.write(descriptor, bytes(4096))
            began = time.perf_counter()
            os.fdatasync(descriptor)
            taken.append((time.perf_counter() - began) * 1000)
    finally:
        os.close(descriptor)
        path.unlink()
    return sorted(taken)[rounds // 2]
