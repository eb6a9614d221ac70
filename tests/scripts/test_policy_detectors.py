"""`affidavit policy detectors`: every entity that is looked for, what is known of it, and which rule decides it."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from addons.masks.detectors import ENTITIES
from addons.masks.detectors.kinds import SURE
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
