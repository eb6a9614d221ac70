"""`affidavit token`, `whoami`, `status` and `policy check` as people and programs use them."""

from __future__ import annotations

import json
import os
from datetime import timedelta

import pytest
from click.testing import CliRunner

from addons.console import reach
from scripts.affidavit import affidavit
from scripts.tokens import Lifetime
from tests.scripts.commands import invoke


def test_a_minted_token_stands_alone_on_stdout(state):
    result = invoke(state, "token", "mint", "--name", "alice", "--group", "engineering")

    assert len(result.stdout) == len("afd_") + 43 + 1
    assert "local|alice (engineering) until" in result.stderr


def test_a_token_is_listed_while_it_is_in_force_and_revoked_by_its_id(state):
    minted = json.loads(invoke(state, "token", "mint", "--name", "alice", "--json").stdout)

    listed = json.loads(invoke(state, "token", "list", "--json").output)
    revoked = invoke(state, "token", "revoke", minted["id"])
    left = json.loads(invoke(state, "token", "list", "--json").output)
    everything = json.loads(invoke(state, "token", "list", "--all", "--json").output)

    assert [row["id"] for row in listed] == [row["id"] for row in everything] == [minted["id"]]
    assert (revoked.exit_code, left) == (0, [])


def test_a_refusal_is_an_error_and_a_hint_and_exits_1(state):
    result = invoke(state, "token", "revoke", "tk_nowhere")

    assert (result.exit_code, result.stderr) == (
        1,
        "error: token unknown\nhint: no token has this id; type: affidavit token list\n",
    )


@pytest.mark.parametrize(("text", "seconds"), [("45s", 45), ("30m", 1800), ("8h", 28800), ("7d", 604800)])
def test_a_lifetime_is_a_number_and_a_unit(text, seconds):
    assert Lifetime().convert(text, None, None) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["8", "h", "8 h", "-1h", "1w", "", "1h30m"])
def test_a_lifetime_without_unit_is_wrong_usage(state, text):
    assert invoke(state, "token", "mint", "--name", "a", "--lifetime", text).exit_code == 2


def test_whoami_takes_the_token_from_the_environment(state):
    token = invoke(state, "token", "mint", "--name", "alice").stdout.strip()

    result = invoke(state, "whoami", "--json", env={"AFFIDAVIT_TOKEN": token})

    assert json.loads(result.output)["subject"] == "local|alice"


def test_status_works_without_a_gateway(made):
    path, _ = made

    result = CliRunner().invoke(affidavit, ["status", "--state", str(path)])

    assert result.exit_code == 0
    assert "not running" in result.output
    assert "none: whoever holds this machine" in result.output


def test_a_state_owned_by_a_process_that_does_not_answer_is_named_with_its_pid(state, monkeypatch):
    monkeypatch.setattr(reach, "PATIENCE_SECONDS", 0.0)

    with state.own():
        result = invoke(state, "token", "list")

    assert result.exit_code == 1
    assert f"owned by process {os.getpid()}" in result.output


def test_policy_check_names_all_faults_and_exits_1(state):
    (state.policies / "identity.yaml").write_text("version: 1\nlokal: trial\nissuerz: []\n")

    result = invoke(state, "policy", "check")
    as_json = invoke(state, "policy", "check", "--json")

    assert result.exit_code == as_json.exit_code == 1
    assert "identity.yaml:2" in result.output
    assert "identity.yaml:3" in result.output
    assert [
        fault["line"] for fault in json.loads(as_json.output)["faults"] if fault["file"].endswith("identity.yaml")
    ] == [1, 2, 3]
