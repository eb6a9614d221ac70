"""A package in the hands of programs that know nothing of this project: BagIt's own, Datasette, a HAR validator, published OCSF and OSCAL schemas."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.evidence_package.worlds import World

ROOT = Path(__file__).resolve().parents[2]
AUDITORS = ROOT / ".venv-auditors" / "bin"
HAR = ROOT / "tests" / "clients" / "node_modules" / "har-validator"

pytestmark = pytest.mark.skipif(
    not AUDITORS.exists(),
    reason="auditors' programs are not installed; scripts/bootstrap --auditors makes .venv-auditors",
)

OCSF = """
import json, sys
import jsonschema
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version="1.8.0")).get_class_schema("api_activity", profiles=["ai_operation"])
check = jsonschema.Draft202012Validator(schema)
events = [json.loads(line) for line in open(sys.argv[1])]
print(json.dumps([[list(fault.path), fault.message] for event in events for fault in check.iter_errors(event)]))
print(len(events))
"""
OSCAL = """
import sys
from oscal_bindings import parse_assessment_results
found = parse_assessment_results(open(sys.argv[1]).read())
print(len(found.assessment_results.results[0].observations))
"""
HAR_CHECK = """
const { readFileSync } = require('fs');
const validate = require(process.argv[1]);
validate.har(JSON.parse(readFileSync(process.argv[2]))).then(() => console.log('valid'), fault => console.log(JSON.stringify(fault.errors)));
"""


def ran(*command: str | Path, cwd: Path | None = None) -> str:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_bag_is_one_for_bagit(made: tuple[World, Path]) -> None:
    done = subprocess.run([AUDITORS / "bagit.py", "--validate", made[1]], capture_output=True, text=True, check=False)

    assert (done.returncode, "is valid" in done.stderr) == (0, True), done.stderr


def test_bagit_sees_a_changed_file(made: tuple[World, Path], tmp_path: Path) -> None:
    shutil.copytree(made[1], tmp_path / "package")
    (tmp_path / "package" / "data" / "population.csv").write_text("x")

    done = subprocess.run(
        [AUDITORS / "bagit.py", "--validate", tmp_path / "package"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 1


def test_datasette_answers_from_tables_views_and_controls(made: tuple[World, Path]) -> None:
    database = made[1] / "data" / "evidence.sqlite"

    for name in ("exchanges", "messages", "exceptions", "control_8_2_uses", "control_8_15_population"):
        answer = json.loads(
            ran(AUDITORS / "datasette", "--immutable", database, "--get", f"/evidence/{name}.json?_shape=array")
        )
        assert answer, name


def test_events_are_ocsf(made: tuple[World, Path]) -> None:
    faults, count = ran(
        AUDITORS / "python", "-c", OCSF, made[1] / "data" / "machine" / "events.ocsf.jsonl"
    ).splitlines()

    assert (json.loads(faults), count) == ([], "6")


def test_results_are_oscal(made: tuple[World, Path]) -> None:
    assert (
        ran(AUDITORS / "python", "-c", OSCAL, made[1] / "data" / "machine" / "oscal-assessment-results.json") == "24\n"
    )


@pytest.mark.skipif(
    not HAR.exists() or not shutil.which("node"),
    reason="the HAR validator is not installed; scripts/bootstrap --clients",
)
def test_samples_are_har(made: tuple[World, Path]) -> None:
    files = sorted((made[1] / "data" / "machine" / "samples").glob("*.har"))

    assert len(files) == 6
    assert {ran("node", "-e", HAR_CHECK, HAR, path) for path in files} == {"valid\n"}
