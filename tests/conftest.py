"""Fixtures of the tests that run the real gateway. Rooms are tested beside this, without it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.end_to_end.forked import forking
from tests.end_to_end.gateway import Bench, Template, bench, made_template
from tests.end_to_end.sdk import PYTHON, Worker, node_command, python_command, worker

settings.register_profile(
    "repeatable", deadline=None, derandomize=True
)  # a busy machine is no fault of a room; chance belongs in tests/fuzz
settings.load_profile("repeatable")


@pytest.fixture(scope="session", autouse=True)
def seen_elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What clients keep of a gateway's log goes into a folder of the tests, not into the home of whoever runs them."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("AFFIDAVIT_SEEN", str(tmp_path_factory.mktemp("seen")))
        yield


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Template]:
    with forking() as start:
        yield made_template(tmp_path_factory.mktemp("template"), start)


@pytest.fixture(scope="session")
def shared(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One gateway for all tests that leave it as they found it."""
    with bench(template, tmp_path_factory.mktemp("shared")) as made:
        yield made


@pytest.fixture
def own(template: Template, tmp_path: Path) -> Iterator[Bench]:
    """A gateway for one test, that may stop it or change its state."""
    with bench(template, tmp_path) as made:
        yield made


@pytest.fixture
def make_bench(template: Template, tmp_path: Path) -> Callable[..., AbstractContextManager[Bench]]:
    """A gateway with options or policies of the test's own."""

    def make(*options: str, **choices: Any) -> AbstractContextManager[Bench]:
        return bench(template, tmp_path, options, **choices)

    return make


@pytest.fixture(scope="session")
def python_sdk() -> Iterator[Worker]:
    if not PYTHON.exists():
        pytest.skip("the SDKs are not installed; scripts/bootstrap --clients makes .venv-clients")
    with worker(python_command()) as made:
        yield made


@pytest.fixture(scope="session")
def node_sdk() -> Iterator[Worker]:
    command = node_command()
    if command is None:
        pytest.skip("Node and its SDKs are not installed; install node and npm, then scripts/bootstrap --clients")
    with worker(command) as made:
        yield made
