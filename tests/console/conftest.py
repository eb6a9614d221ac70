from __future__ import annotations

from datetime import UTC, datetime
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


@pytest.fixture
def real_clock(clock: Clock) -> Clock:
    """The provider's tokens are of today."""
    clock.now = datetime.now(UTC)
    return clock
