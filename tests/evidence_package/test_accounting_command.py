"""`affidavit report accounting` and `affidavit explain`: what an operator sees, and whose name an explanation stands under."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from scripts.affidavit import affidavit
from tests.evidence_package.worlds import World

USAGE = "start_time_iso,api_key_id,model,num_model_requests,input_tokens,output_tokens\n2026-11-02T00:00:00Z,key_x,gpt-5,2,24,10\n"
FINDING = "usage:openai:key_x"


def invoke(*arguments: str | Path, **more: str) -> Result:
    return CliRunner().invoke(affidavit, [str(argument) for argument in arguments], env=more)


@pytest.fixture
def usage(tmp_path: Path) -> Path:
    path = tmp_path / "usage.csv"
    path.write_text(USAGE)
    return path


def test_the_equations_are_printed_with_what_does_not_fit(world: World, usage: Path) -> None:
    found = invoke("report", "accounting", "--usage", usage, "--state", world.folder)

    assert found.exit_code == 1
    assert "opened  holds  6 opened = 6 closed + 0 under way" in found.stdout
    assert "provider  DOES NOT HOLD" in found.stdout
    assert f"affidavit explain {FINDING}" in found.stdout


def test_without_an_export_the_provider_is_not_compared_and_nothing_fails(world: World) -> None:
    found = invoke("report", "accounting", "--state", world.folder, "--json")

    equations = {row["name"]: row["holds"] for row in json.loads(found.stdout)}
    assert (found.exit_code, equations["provider"], equations["opened"]) == (0, None, True)


def test_an_explanation_stands_under_the_name_of_who_gave_it(world: World, usage: Path) -> None:
    token = json.loads(
        invoke("token", "mint", "--name", "bob", "--group", "data-owners", "--json", "--state", world.folder).stdout
    )["token"]

    made = invoke(
        "explain", FINDING, "--reason", "the batch team's own key", "--state", world.folder, AFFIDAVIT_TOKEN=token
    )

    found = invoke("report", "accounting", "--usage", usage, "--state", world.folder)
    assert made.exit_code == 0, made.stderr
    assert "explained by local|bob: the batch team's own key" in found.stdout
    assert invoke("verify", world.folder).exit_code == 0


@pytest.mark.parametrize(
    ("finding", "token", "said"),
    [
        (FINDING, "", "say who you are"),
        (FINDING, "afd_" + "x" * 43, "token"),
        ("ex_nothing", None, "nothing here is called 'ex_nothing'"),
    ],
    ids=["nobody", "somebody unknown", "a finding that is none"],
)
def test_an_explanation_that_nobody_can_stand_for_is_refused(
    world: World, finding: str, token: str | None, said: str
) -> None:
    if token is None:
        token = json.loads(
            invoke("token", "mint", "--name", "bob", "--group", "x", "--json", "--state", world.folder).stdout
        )["token"]

    made = invoke("explain", finding, "--reason", "because", "--state", world.folder, AFFIDAVIT_TOKEN=token)

    assert made.exit_code == 1
    assert said in made.stderr


def test_a_file_that_is_no_export_is_said_so(world: World, tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")

    found = invoke("report", "accounting", "--usage", tmp_path / "other.csv", "--state", world.folder)

    assert found.exit_code == 1
    assert "error: other.csv: expected a usage export" in found.stderr
    assert "hint: " in found.stderr
