"""Several gateways in one package: each whole and checked, and one that is left out shows, although every manifest fits."""

from __future__ import annotations

import csv
import json
import random as randomness
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from addons.evidence.keys import Keys
from addons.evidence.package import single_file_verify
from addons.evidence.package.package import Wish
from addons.evidence.package.scope import Scope
from addons.evidence.records import Event
from addons.evidence.store import Store
from scripts.affidavit import affidavit
from tests.evidence_package.attacks import seal
from tests.evidence_package.test_package_contents import checked
from tests.evidence_package.worlds import Clock, World, new_world


def invoke(*arguments: str | Path) -> Result:
    return CliRunner().invoke(affidavit, [str(argument) for argument in arguments])


def other_world(folder: Path) -> World:
    """A second gateway, with a log and a key of its own."""
    folder.mkdir(mode=0o700)
    seeded = randomness.Random(11).randbytes
    keys = Keys.create(folder / "keys", seeded)
    world = World(folder, keys, Clock(), seeded)
    Store.create(world.database, keys, clock=world.clock, random=seeded)
    store = world.open()
    store.append(Event("gateway.started"), Event("gateway.stopped")).result()
    store.close()
    return world


@pytest.fixture
def two(tmp_path: Path) -> tuple[World, World]:
    """Ours, whose register names the other."""
    ours, other = new_world(tmp_path / "ours"), other_world(tmp_path / "other")
    added = invoke("gateways", "add", other.vkey, "--state", ours.folder)
    assert added.exit_code == 0, added.stderr
    other.export(tmp_path / "from-other")
    return ours, other


def totals_by_command(package: Path, vkey: str) -> dict[str, int]:
    totals: dict[str, int] = json.loads(invoke("verify", package, "--vkey", vkey, "--json").stdout)["totals"]
    return totals


def both(ours: World, tmp_path: Path) -> Path:
    made = invoke("export", tmp_path / "whole", "--gateway", tmp_path / "from-other", "--state", ours.folder)
    assert made.exit_code == 0, made.stderr
    return tmp_path / "whole"


def test_a_package_of_two_gateways_holds_under_both_keys(two: tuple[World, World], tmp_path: Path) -> None:
    ours, other = two

    package = both(ours, tmp_path)

    found = checked(package, "--vkey", ours.vkey, "--all")
    assert (found.returncode, found.stderr) == (0, ""), found.stdout
    assert "leaves of 1" in found.stdout
    with (package / "data" / "gateways.csv").open(newline="") as file:
        [row] = list(csv.DictReader(file))
    assert (row["log"], row["key"], row["leaves"]) == (other.keys.origin, other.vkey, "3")
    page = (package / "data" / "START-HERE.html").read_text()
    assert "1 of 1" in page
    assert json.loads(invoke("verify", package, "--vkey", ours.vkey, "--json").stdout)["totals"] == {}


def test_a_gateway_that_is_left_out_shows(two: tuple[World, World], tmp_path: Path) -> None:
    ours, other = two

    ours.export(tmp_path / "alone")

    found = checked(tmp_path / "alone", "--vkey", ours.vkey)
    assert found.returncode == 1
    assert f"FAILED gateway_missing: {other.keys.origin}" in found.stdout
    assert totals_by_command(tmp_path / "alone", ours.vkey) == {"gateway_missing": 1}
    assert "is missing: this package is not whole" in (tmp_path / "alone" / "data" / "START-HERE.html").read_text()


@pytest.mark.parametrize("with_list", [False, True], ids=["the package", "the package, and its line of the list"])
def test_a_gateway_that_is_taken_out_afterwards_shows(
    two: tuple[World, World], tmp_path: Path, with_list: bool
) -> None:
    ours, _ = two
    package = both(ours, tmp_path)

    shutil.rmtree(package / "data" / "gateways")
    if with_list:
        (package / "data" / "gateways.csv").unlink()
    seal(package)

    for totals in (
        single_file_verify.verify(package, ours.vkey, [], every=False).totals,
        totals_by_command(package, ours.vkey),
    ):
        assert {"gateway_missing", "export_unrecorded"} <= totals.keys()


def test_a_change_inside_another_gateways_package_is_named_with_its_log(
    two: tuple[World, World], tmp_path: Path
) -> None:
    ours, other = two
    package = both(ours, tmp_path)
    [entries] = (package / "data" / "gateways").rglob("entries.jsonl")
    entries.write_text(entries.read_text().replace("gateway.started", "gateway.stopped"))
    seal(package)

    assert f"FAILED leaf_changed seq 1: in {other.keys.origin}" in checked(package, "--vkey", ours.vkey).stdout
    assert "leaf_changed" in totals_by_command(package, ours.vkey)


def test_a_gateway_that_no_register_names_is_named(made: tuple[World, Path], tmp_path: Path) -> None:
    shutil.copytree(made[1], tmp_path / "package")
    shutil.copytree(made[1], tmp_path / "package" / "data" / "gateways" / "log-of-nobody")
    seal(tmp_path / "package")

    assert "FAILED gateway_added" in checked(tmp_path / "package", "--vkey", made[0].vkey).stdout
    assert "gateway_added" in totals_by_command(tmp_path / "package", made[0].vkey)


def test_a_retired_gateway_belongs_to_its_own_time(two: tuple[World, World], tmp_path: Path) -> None:
    ours, other = two
    assert invoke("gateways", "retire", other.keys.origin, "--state", ours.folder).exit_code == 0
    with Store.reader(ours.database) as database:
        [retired] = database.execute("SELECT max(at) FROM events WHERE type = 'config.changed'").fetchone()

    ours.export(tmp_path / "later", Scope(since=retired))
    ours.export(tmp_path / "earlier", Scope(until="2026-11-05T00:00:00.000000Z"))

    assert checked(tmp_path / "later", "--vkey", ours.vkey).returncode == 0
    assert checked(tmp_path / "earlier", "--vkey", ours.vkey).returncode == 0  # before it was added
    rows = json.loads(invoke("gateways", "list", "--state", ours.folder, "--json").stdout)
    assert [(row["log"], row["retired_at"] != "") for row in rows] == [(other.keys.origin, True)]


@pytest.mark.parametrize("what", ["unknown", "changed", "none", "twice"])
def test_a_package_that_does_not_belong_is_refused_before_anything_is_written(
    two: tuple[World, World], tmp_path: Path, what: str
) -> None:
    ours, _ = two
    given, said = [tmp_path / "from-other"], ""
    if what == "unknown":
        new_world(tmp_path / "third").export(tmp_path / "from-third")
        ours_again = other_world(tmp_path / "fourth")
        given, said = [tmp_path / "from-other"], "is not in the register"
        ours = ours_again
    elif what == "changed":
        (tmp_path / "from-other" / "data" / "population.csv").write_text("x")
        said = "expected a package that holds, got file_changed"
    elif what == "none":
        given, said = [tmp_path / "other"], "expected the package of a gateway"
    else:
        given, said = [tmp_path / "from-other"] * 2, "got a second"

    from addons.evidence.database import StoreError

    with pytest.raises(StoreError, match=said):
        ours.export(tmp_path / "whole", wish=Wish(gateways=tuple(given)))

    assert not (tmp_path / "whole").exists()
    assert not (tmp_path / "whole.unfinished").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [(("add", "nonsense"), "verifier key"), (("retire", "log.example.org"), "is not in the register")],
    ids=["no key", "no gateway"],
)
def test_a_change_of_the_register_that_cannot_be_is_refused(
    made: tuple[World, Path], words: tuple[str, str], said: str, tmp_path: Path
) -> None:
    shutil.copytree(made[0].folder, tmp_path / "copy")

    found = invoke("gateways", *words, "--state", tmp_path / "copy")

    assert found.exit_code == 1
    assert said in found.stderr
