"""A whole state restored from a backup: what somebody outside saw of the log stops the gateway before it serves anything."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from scripts.local_gateway import State, clean_environment


@pytest.mark.long
def test_the_gateway_does_not_start_on_what_a_folder_elsewhere_shows_to_be_an_older_copy(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    state = State(tmp_path / "state", clean_environment(tmp_path))
    state.init()
    state.run("anchor", "add", "file", str(tmp_path / "elsewhere"))
    shutil.copytree(state.path, tmp_path / "backup", ignore=shutil.ignore_patterns("lock", "*.sock"))
    state.mint("ada", "engineering")
    state.run("anchor", "now")
    shutil.rmtree(state.path)
    shutil.copytree(tmp_path / "backup", state.path)

    refused = state.run("proxy", "--set", "listen_port=0", "--set", "affidavit_base_url_port=0", check=False)

    assert refused.returncode == 1
    assert "this is an older copy" in refused.stderr
    assert "affidavit log recover" in refused.stderr
    assert "forward proxy" not in refused.stderr
    assert not (state.path / "ports.json").exists()

    [kept] = (tmp_path / "elsewhere").glob("*.checkpoint")
    state.run("log", "recover", "--reason", "restored a backup", "--seen", str(kept))
    assert state.json("status")["origin"].endswith("/e2")
