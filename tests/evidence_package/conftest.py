from __future__ import annotations

from pathlib import Path

import pytest

from tests.evidence_package.worlds import World, new_world


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Path]:
    """A store and its package; to be looked at, not to be changed."""
    folder = tmp_path_factory.mktemp("made")
    world = new_world(folder / "state")
    world.export(folder / "package")
    return world, folder / "package"


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A store of one's own."""
    return new_world(tmp_path / "state")
