import pytest

from tests.evidence.samples import World


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


@pytest.fixture
def store(world):
    store = world.open()
    yield store
    store.close()
