from __future__ import annotations

from pathlib import Path

import pytest

from addons.console.state import StateFolder
from tests.console.desks import Clock, new_state


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def state(tmp_path: Path, clock: Clock) -> StateFolder:
    return new_state(tmp_path / "state", clock)
