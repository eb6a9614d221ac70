"""`affidavit policy detectors`: every entity that is looked for, what is known of it, and which rule decides it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from addons.masks.detectors import ENTITIES, OFF_BY_DEFAULT
from addons.masks.detectors.kinds import SURE
from addons.policy.faults import PolicyFaults
from scripts.policy import policy

POLICIES = Path("policies")


def listed(folder: Path) -> dict[str, dict]:
    done = CliRunner().invoke(policy, ["detectors", str(folder), "--json"], standalone_mode=False)
    assert done.return_value == 0
    return {row["entity"]: row for row in json.loads(done.stdout)["detectors"]}


def test_every_entity_is_listed_and_can_be_sure() -> None:
    rows = listed(POLICIES)

    assert set(rows) == ENTITIES
    assert [name for name, row in rows.items() if not SURE <= row["with_context"] <= 1] == []


def test_a_weak_number_names_its_country_and_needs_context() -> None:
    rows = listed(POLICIES)

    assert (rows["NL_BSN"]["country"], rows["NL_BSN"]["needs_context"]) == ("NL", True)
    assert (rows["IP_ADDRESS"]["country"], rows["IBAN_CODE"]["needs_context"]) == ("", False)


def test_a_rule_switches_one_off(tmp_path: Path) -> None:
    for path in POLICIES.glob("*.yaml"):
        tmp_path.joinpath(path.name).write_text(path.read_text())
    masking = tmp_path / "masking.yaml"
    masking.write_text(
        masking.read_text().replace("\nrules:\n", "\nrules:\n  - {id: no-plates, entities: [DE_KFZ], action: keep}\n")
    )

    assert listed(tmp_path)["DE_KFZ"]["rules"][0] == {"id": "no-plates", "action": "keep"}


def with_masking(folder: Path, masking: str) -> Path:
    for path in POLICIES.glob("*.yaml"):
        folder.joinpath(path.name).write_text(path.read_text())
    folder.joinpath("masking.yaml").write_text(masking)
    folder.joinpath("controls.yaml").write_text("version: 1\ncontrols: []\n")  # the shipped ones name rules
    return folder


REST = 'version: 1\nrules:\n  - {id: rest, entities: ["*"], action: redact}\n'


def test_what_names_no_person_is_off_by_default(tmp_path: Path) -> None:
    rows = listed(with_masking(tmp_path, REST))

    off = {name for name, row in rows.items() if row["default"] == "off"}
    assert off == OFF_BY_DEFAULT == {name for name, row in rows.items() if not row["searched"]}
    assert rows["IBAN_CODE"]["default"] == "on"


@pytest.mark.parametrize("name", sorted(ENTITIES))
def test_a_line_turns_each_off_and_on(tmp_path: Path, name: str) -> None:
    off = listed(with_masking(tmp_path, f"{REST}search: {{off: [{name}]}}\n"))
    assert not off[name]["searched"]

    on = listed(with_masking(tmp_path, f"{REST}search: {{on: [{name}]}}\n"))
    assert on[name]["searched"]


def test_a_rule_that_names_one_turns_it_on(tmp_path: Path) -> None:
    rows = listed(
        with_masking(tmp_path, REST.replace("rules:", "rules:\n  - {id: banks, entities: [BIC], action: hash}"))
    )

    assert (rows["BIC"]["searched"], rows["AU_ACN"]["searched"]) == (True, False)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("search: {off: [NOBODY_KNOWS]}", "NOBODY_KNOWS"),
        ("search: {on: [BIC], off: [BIC]}", "each entity in one of on and off"),
        ("search: {of: [BIC]}", "of"),
    ],
)
def test_what_cannot_be_meant_is_a_fault_with_its_line(tmp_path: Path, line: str, told: str) -> None:
    folder = with_masking(tmp_path, f"{REST}{line}\n")

    with pytest.raises(PolicyFaults, match=rf"masking.yaml:4: .*{told}"):
        CliRunner().invoke(policy, ["detectors", str(folder)], standalone_mode=False, catch_exceptions=False)


def test_the_strict_set_leaves_nothing_off() -> None:
    assert [name for name, row in listed(POLICIES / "strict").items() if not row["searched"]] == []
