"""What else the machine does, and how fast its disk is: without it a timing is worth nothing."""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path

FOREIGN_SHARE = 0.10  # of all cores: more than this and timings are void
TICKS = os.sysconf("SC_CLK_TCK")


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


def busy_seconds() -> float:
    """CPU time that all cores have spent working."""
    user, nice, system, _, _, irq, softirq, _ = map(
        int, Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]
    )
    return (user + nice + system + irq + softirq) / TICKS


def ended_seconds() -> float:
    """CPU time of our processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Meter:
    """What programs other than ours do between its making and `foreign_share`."""

    def __init__(self, pids: tuple[int, ...]) -> None:
        self.at, self.busy, self.ended = time.monotonic(), busy_seconds(), ended_seconds()
        self.own = {pid: cpu_seconds(pid) for pid in pids}

    def foreign_share(self, pids: tuple[int, ...]) -> float:
        """Of all cores. `pids`: ours that run now. Interrupts of our traffic count as foreign."""
        running = sum(cpu_seconds(pid) - self.own.get(pid, 0.0) for pid in pids)
        ended = ended_seconds() - self.ended - sum(before for pid, before in self.own.items() if pid not in pids)
        wall = (time.monotonic() - self.at) * (os.cpu_count() or 1)
        return max(0.0, busy_seconds() - self.busy - running - ended) / wall


def foreign_in_a_second() -> float:
    """Before we do anything: everything is foreign."""
    meter = Meter(())
    time.sleep(1)
    return meter.foreign_share(())


def reason(before: float, during: float) -> str:
    """Why timings are void; "" when they are not."""
    worst = max(before, during)
    return (
        f"noisy: other programs used {worst:.0%} of the cores, at most {FOREIGN_SHARE:.0%}"
        if worst > FOREIGN_SHARE
        else ""
    )


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
