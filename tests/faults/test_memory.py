"""What an exchange holds is let go with it: a gateway runs for months. As a rule without the collector of cycles, each of whose runs stops the loop."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.end_to_end.gateway import DOORS, SDKS, Bench, Template, bench
from tests.end_to_end.sdk import Worker

ROUNDS = 3
AT_WORK = 2  # exchanges that may still end while the next one begins


def counts(kept: Path) -> list[int]:
    return [int(line) for line in kept.read_text().split()]


def ask_all(made: Bench, worker: Worker, *hows: dict) -> None:
    for _ in range(ROUNDS):
        for sdk in SDKS:
            for door in DOORS:
                for how in hows:
                    made.ask(worker, sdk, door, "say: four words of text", **how)


@pytest.mark.parametrize(
    "how",
    [{}, {"mode": "stream"}, {"model": "no-such-model"}, {"script": {"fault": "gzip"}}, {"script": {"fault": "echo-credentials"}}],
    ids=["whole", "stream", "refused", "gzip", "echo"],
)  # fmt: skip
def test_nothing_is_kept_of_an_exchange_that_has_ended(
    template: Template, tmp_path, python_sdk: Worker, how: dict
) -> None:
    kept = tmp_path / "kept"
    with bench(
        template, tmp_path, launcher=(sys.executable, "-m", "tests.faults.counting_launcher", str(kept))
    ) as made:
        ask_all(made, python_sdk, how)

    assert len(counts(kept)) == ROUNDS * len(SDKS) * len(DOORS)
    assert max(counts(kept)) <= AT_WORK


def test_nothing_is_kept_for_ever_of_one_that_broke_off(template: Template, tmp_path, python_sdk: Worker) -> None:
    kept = tmp_path / "kept"
    launcher = (sys.executable, "-m", "tests.faults.counting_launcher", str(kept), "--collected")
    with bench(template, tmp_path, launcher=launcher) as made:
        faults = [{"script": {"fault": fault}, "mode": mode} for fault in ("cut", "reset", "no-answer") for mode in ("create", "stream")]  # fmt: skip
        ask_all(made, python_sdk, *faults, {"mode": "stream", "leave_after": 1})

    assert len(counts(kept)) == ROUNDS * len(SDKS) * len(DOORS) * 7
    assert max(counts(kept)) <= AT_WORK
