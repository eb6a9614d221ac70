"""`scripts/measure scale`: verifying and exporting a store of a million records, and the memory that it takes. Not the traffic: speed.py.

Each step is a process of its own; its time is the CPU time that the kernel counted for it, so one core's worth on a busy machine too,
and its memory the most that was resident.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from addons.policy.load import FILES
from scripts.measuring.rows import Goal, Row, row

ROOT = Path(__file__).resolve().parents[2]
RECORDS = 1_000_000
QUICK_RECORDS = 40_000
LEAVES_OF_AN_EXCHANGE = 2

RATE = Goal("records/s", must=20_000)
EXPORT_RATE = Goal("exchanges/s", must=2_000)
MEMORY = Goal("MB", must=300, more_is_better=False, timed=False)
STATED = Goal("records", timed=False)
VERIFIER = "addons/evidence/package/single_file_verify.py"


@dataclass(frozen=True, slots=True)
class Spent:
    cpu_seconds: float
    resident_mb: float


def measured(*, quick: bool, say: Callable[[str], None]) -> tuple[list[Row], str]:
    records = QUICK_RECORDS if quick else RECORDS
    exchanges = records // LEAVES_OF_AN_EXCHANGE
    with tempfile.TemporaryDirectory(prefix="affidavit-scale-") as folder:
        state, package = Path(folder) / "state", Path(folder) / "package"
        say(f"making a store of {exchanges:,} exchanges")
        made = _run([sys.executable, "-m", "scripts.measuring.scale", str(state), str(exchanges)])
        (state / "policies").mkdir(mode=0o700)
        for name in FILES:
            shutil.copyfile(ROOT / "policies" / name, state / "policies" / name)
        size_mb = (state / "evidence.db").stat().st_size / 1e6
        command = [sys.executable, "-m", "scripts.affidavit"]
        say("verifying it: affidavit verify")
        ours = _run([*command, "verify", str(state)])
        say("verifying it: verify.py")
        theirs = _run([sys.executable, VERIFIER, str(state)])
        say("exporting it")
        export = _run([*command, "export", str(package), "--state", str(state)])
        say("verifying the package: verify.py")
        packed = _run([sys.executable, str(package / "data" / "verify.py")])
    rows = [
        row("scale_records", records, STATED),
        row("store_mb", size_mb, Goal("MB", timed=False)),
        row("generate_records_s", records / made.cpu_seconds, Goal("records/s")),
        *_verify_rows("verify", ours, records),
        *_verify_rows("verify_file", theirs, records),
        row("export_exchanges_s", exchanges / export.cpu_seconds, EXPORT_RATE),
        row("export_memory_mb", export.resident_mb, MEMORY),
        *_verify_rows("verify_package", packed, records),
    ]
    return rows, f"{records:,} records, {exchanges:,} exchanges; CPU time of one process each, the most memory it held"


def _verify_rows(name: str, spent: Spent, records: int) -> list[Row]:
    return [
        row(f"{name}_records_s", records / spent.cpu_seconds, RATE if name == "verify" else Goal("records/s")),
        row(f"{name}_memory_mb", spent.resident_mb, MEMORY),
    ]


def _run(command: Sequence[str]) -> Spent:
    """To its end; a step that fails ends the measuring, as its figures would be of something else."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            raise SystemExit(f"{' '.join(command)} failed:\n{output.read().decode('utf-8', 'replace')[-2000:]}")
    return Spent(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6)


if __name__ == "__main__":
    from scripts.measuring.generated_store import generate

    generate(Path(sys.argv[1]), int(sys.argv[2]))
