"""A person is erased while the gateway runs: their text is in no byte of the state any more, and the proof holds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from addons.evidence.package import single_file_verify
from tests.end_to_end.gateway import Bench, listed
from tests.end_to_end.sdk import Worker
from tests.quick import quick

SECRET = "ZEBRAFISH"


def holding(state: Path) -> list[str]:
    """Names of the files that have the text in them: the database, its WAL, whatever else there is."""
    return sorted(
        str(path.relative_to(state))
        for path in state.rglob("*")
        if path.is_file() and SECRET.encode() in path.read_bytes()
    )


@pytest.mark.parametrize("door", quick(1, ["proxy", "base_url"]))
def test_after_an_erasure_the_text_is_in_no_byte_of_the_state(own: Bench, python_sdk: Worker, door: str) -> None:
    state = own.state
    own.ask(python_sdk, "openai", door, f"{SECRET} in a question", who="alice")
    own.ask(python_sdk, "openai", door, "another person's question", who="bob")
    assert holding(state.path)
    [token] = [row["id"] for row in listed(state.json("token", "list"), "tokens") if row["subject"] == "local|alice"]
    words = ("erase", "--person", "local|alice", "--reason", "request 12")

    refused = state.run(*words, token=own.tokens["eve"], check=False)
    state.run("token", "revoke", token)
    asked = state.run(*words, token=own.tokens["eve"], check=False)
    own.decide("approve", own.approval_in_waiting()["id"])
    done = state.run(*words, "--json", token=own.tokens["eve"])

    assert (refused.returncode, asked.returncode) == (1, 1)
    assert "is in force" in refused.stderr
    assert json.loads(done.stdout)["exchanges"] >= 1
    assert holding(state.path) == []
    own.ask(python_sdk, "openai", door, "the gateway goes on", who="bob")
    own.gateway.stop()
    assert holding(state.path) == []
    command = subprocess.run(
        [sys.executable, "-m", "scripts.affidavit", "verify", str(state.path), "--all", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    found = json.loads(command.stdout)
    theirs = single_file_verify.verify(state.path, found["vkey"], [], True)
    assert (command.returncode, found["totals"], theirs.totals) == (0, {}, {})
    assert found["counts"]["erased"] == theirs.looked_at["erased"] > 0
