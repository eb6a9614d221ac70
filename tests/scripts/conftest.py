from __future__ import annotations

import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from tests.console.desks import Clock, new_state


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime.fromisoformat("2026-11-23T12:00:00Z"))


@pytest.fixture
def state(tmp_path: Path, clock: Clock):
    return new_state(tmp_path / "state", clock)


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """A state as `affidavit init` makes it, by the real command."""
    path = tmp_path_factory.mktemp("init") / "state"
    done = subprocess.run(
        [sys.executable, "-m", "scripts.affidavit", "init", "--state", str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    return path, done.stdout
