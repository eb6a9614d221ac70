"""The state folder: who may enter it, and who owns it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from addons.console.state import Ports, StateFolder, StateMissing, StateOwned, StateRefused, state_folder

HOLD = """
import sys, pathlib
from addons.console.state import StateFolder
with StateFolder(pathlib.Path(sys.argv[1])).own():
    print("owned", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    state = StateFolder(tmp_path / "state")
    state.path.mkdir(mode=0o700)
    state.database.touch(mode=0o600)
    return state


@pytest.fixture
def other_owner(folder: StateFolder):
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "owned\n"
        yield process
        process.stdin.close()


@pytest.mark.parametrize(
    ("chosen", "environ", "expected"),
    [
        pytest.param("/a", {"AFFIDAVIT_STATE": "/b"}, Path("/a"), id="the-option-wins"),
        pytest.param(None, {"AFFIDAVIT_STATE": "/b"}, Path("/b"), id="then-the-environment"),
        pytest.param(None, {}, Path("/home/u/.affidavit"), id="then-the-home"),
        pytest.param(None, {"AFFIDAVIT_STATE": ""}, Path("/home/u/.affidavit"), id="an-empty-variable-is-none"),
        pytest.param("here", {}, Path.cwd() / "here", id="relative-becomes-absolute"),
    ],
)
def test_the_state_is_named_by_option_then_environment_then_home(chosen, environ, expected):
    assert expected == state_folder(chosen, environ, Path("/home/u")).path


def test_a_folder_of_ours_passes(folder: StateFolder):
    folder.check()


@pytest.mark.parametrize("mode", [0o750, 0o701, 0o770, 0o777])
def test_a_folder_that_others_can_enter_is_refused(folder: StateFolder, mode: int):
    folder.path.chmod(mode)

    with pytest.raises(StateRefused, match="expected mode 0700") as refused:
        folder.check()

    assert refused.value.hint == f"chmod 700 {folder.path}"


def test_a_missing_folder_names_init(tmp_path: Path):
    with pytest.raises(StateMissing) as refused:
        StateFolder(tmp_path / "nowhere").check()

    assert refused.value.hint == f"create it: affidavit init --state {tmp_path / 'nowhere'}"


def test_a_folder_without_a_store_is_not_owned_and_nothing_is_created(tmp_path: Path):
    tmp_path.chmod(0o700)

    with pytest.raises(StateMissing), StateFolder(tmp_path).own():
        pass

    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_folders_place_is_refused(tmp_path: Path):
    (tmp_path / "state").touch()

    with pytest.raises(StateRefused, match="expected a folder"):
        StateFolder(tmp_path / "state").check()


def test_nobody_owns_a_state_at_rest(folder: StateFolder):
    with folder.own():
        pass

    assert folder.owner() is None


def test_the_owner_is_known_by_its_process_id(folder: StateFolder):
    with folder.own():
        assert folder.owner() == os.getpid()


def test_a_second_owner_is_refused_with_the_pid_of_the_first(folder: StateFolder, other_owner):
    with pytest.raises(StateOwned) as refused, folder.own(wait_seconds=0):
        pass

    assert refused.value.pid == other_owner.pid
    assert str(other_owner.pid) in str(refused.value)
    assert refused.value.hint


def test_two_owners_in_one_process_are_refused_too(folder: StateFolder):
    with folder.own(), pytest.raises(StateOwned), folder.own(wait_seconds=0):
        pass


def test_a_killed_owner_leaves_the_state_free(folder: StateFolder, other_owner):
    other_owner.kill()
    other_owner.wait()

    assert folder.owner() is None
    with folder.own(wait_seconds=0):
        assert folder.owner() == os.getpid()


def test_ports_are_known_while_their_gateway_owns_the_state(folder: StateFolder):
    ports = Ports(proxy=1, base_url=2, pid=os.getpid())

    with folder.own():
        folder.write_ports(ports)
        while_owned = folder.ports()

    assert (ports, None) == (while_owned, folder.ports())


def test_ports_of_a_crashed_gateway_are_not_believed(folder: StateFolder, other_owner):
    folder.write_ports(Ports(proxy=1, base_url=2, pid=other_owner.pid + 1))

    assert folder.ports() is None


def test_removed_ports_are_gone_and_removing_twice_is_fine(folder: StateFolder):
    with folder.own():
        folder.write_ports(Ports(proxy=1, base_url=2, pid=os.getpid()))
        folder.remove_ports()
        folder.remove_ports()

        assert folder.ports() is None


def test_the_lock_file_is_private_and_stays(folder: StateFolder):
    with folder.own():
        pass

    assert folder.lock.stat().st_mode & 0o777 == 0o600
