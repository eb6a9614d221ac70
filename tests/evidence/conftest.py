import shutil

import pytest

from tests.evidence.samples import World
from tests.evidence.tampering import fill


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


@pytest.fixture
def store(world):
    store = world.open()
    yield store
    store.close()


@pytest.fixture(scope="session")
def filled(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("filled"))
    fill(world)
    return world


@pytest.fixture
def copy(filled, tmp_path):
    """The filled state, to be done with as one likes."""
    shutil.copytree(filled.folder, tmp_path / "state")
    return tmp_path / "state"
