"""`affidavit export` and `affidavit verify`, with and without a gateway that owns the state."""

from __future__ import annotations

import asyncio
import json
import secrets
import sqlite3
import zipfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from addons.console.control import serving
from addons.console.desk import Desk
from addons.console.state import StateFolder
from addons.evidence.store import Store
from scripts.affidavit import affidavit, main
from tests.evidence_package.worlds import World


def invoke(*arguments: str | Path) -> Result:
    return CliRunner().invoke(affidavit, [str(argument) for argument in arguments])


def exported(world: World) -> list[dict[str, object]]:
    with Store.reader(world.database) as database:
        rows = database.execute("SELECT leaf FROM events WHERE type = 'evidence.exported' ORDER BY seq")
        return [json.loads(leaf) for (leaf,) in rows]


def test_an_export_is_recorded_with_its_digest_and_holds(world: World, tmp_path: Path) -> None:
    out = tmp_path / "package"

    made = invoke("export", out, "--state", world.folder, "--purpose", "audit 7", "--json")

    told = json.loads(made.stdout)
    [leaf] = exported(world)
    assert (told["exchanges"], told["seq"], told["vkey"]) == (6, leaf["seq"], world.keys.vkey)
    assert leaf["attrs"] == {"manifest": told["manifest"], "leaves": told["leaves"], "since": "", "until": ""}
    assert invoke("verify", out, "--vkey", world.keys.vkey).exit_code == 0
    assert invoke("verify", world.folder).exit_code == 0


def test_an_export_says_what_to_do_next(world: World, tmp_path: Path) -> None:
    made = invoke(
        "export",
        tmp_path / "package",
        "--state",
        world.folder,
        "--from",
        "2026-11-03",
        "--to",
        "2026-11-04T00:00:00+00:00",
    )

    assert (made.exit_code, made.stderr) == (0, "")
    assert "3 exchanges" in made.stdout
    assert f"--vkey '{world.keys.vkey}'" in made.stdout


def test_an_export_beside_a_running_gateway_goes_through_it(world: World, tmp_path: Path) -> None:
    folder = StateFolder(world.folder)
    out = tmp_path / "package"

    async def work() -> Result:
        with folder.own():
            desk = await Desk.open(folder, clock=lambda: datetime.now(UTC), random=secrets.token_bytes)
            try:
                async with serving(desk):
                    return await asyncio.to_thread(invoke, "export", out, "--state", world.folder)
            finally:
                await desk.close()

    made = asyncio.run(work())

    assert made.exit_code == 0, made.output
    assert [leaf["type"] for leaf in exported(world)] == ["evidence.exported"]
    assert invoke("verify", out, "--vkey", world.keys.vkey).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--from", "yesterday"], "expected a day"),
        (["--from", "2026-11-03T00:00:00"], "expected a day"),
        (["--from", "2026-11-04", "--to", "2026-11-04"], "expected a time before --to"),
    ],
    ids=["no time", "no zone", "nothing between"],
)
def test_a_period_that_is_none_is_refused(world: World, tmp_path: Path, arguments: list[str], said: str) -> None:
    made = invoke("export", tmp_path / "package", "--state", world.folder, *arguments)

    assert (made.exit_code, exported(world)) == (2, [])
    assert said in made.stderr


def test_an_export_over_something_is_refused_and_not_recorded(world: World, tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()

    made = invoke("export", tmp_path / "package", "--state", world.folder)

    assert (made.exit_code, exported(world)) == (1, [])
    assert "hint:" in made.stderr


def test_an_exporter_whom_nobody_knows_gets_nothing(world: World, tmp_path: Path) -> None:
    made = invoke("export", tmp_path / "package", "--state", world.folder, "--token", "afd_" + "x" * 43)

    assert (made.exit_code, exported(world)) == (1, [])
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


@pytest.mark.parametrize("place", ["", "data", "data/evidence.sqlite", "data/verify.py"])
def test_a_package_is_known_by_any_path_into_it(made: tuple[World, Path], place: str) -> None:
    found = json.loads(invoke("verify", made[1] / place, "--json").stdout)

    assert (found["kind"], found["totals"]) == ("package", {})


@pytest.mark.parametrize("place", ["", "evidence.db"])
def test_a_store_is_known_by_its_folder_and_by_its_file(made: tuple[World, Path], place: str) -> None:
    found = json.loads(invoke("verify", made[0].folder / place, "--json", "--all").stdout)

    assert (found["kind"], found["totals"], found["vkey"]) == ("store", {}, made[0].keys.vkey)


def test_failures_are_printed_by_name_and_nothing_in_them_drives_the_terminal(world: World) -> None:

    with closing(sqlite3.connect(world.database)) as database, database:
        database.execute("UPDATE exchanges SET id = 'ex_' || char(27) || '[2J' WHERE outcome = 'refused'")

    found = invoke("verify", world.folder)

    assert found.exit_code == 1
    assert "FAILED exchange_row_missing seq" in found.stdout
    assert "\x1b[2J" not in found.stdout


@pytest.mark.parametrize("vkey", ["nonsense", "a+00000000+AAAA"])
def test_a_key_that_is_none_is_said_so(made: tuple[World, Path], vkey: str) -> None:
    store, package = invoke("verify", made[0].folder, "--vkey", vkey), invoke("verify", made[1], "--vkey", vkey)

    assert (store.exit_code, package.exit_code) == (1, 1)
    assert "verifier key" in store.stderr
    assert "key_invalid" in package.stdout


def test_a_store_without_its_key_asks_for_one(world: World, tmp_path: Path) -> None:
    world.database.rename(tmp_path / "evidence.db")

    found = invoke("verify", tmp_path / "evidence.db")

    assert found.exit_code == 1
    assert "--vkey" in found.stderr


def test_looking_at_a_store_changes_nothing(made: tuple[World, Path]) -> None:
    with Store.reader(made[0].database) as database:
        before = database.execute("SELECT count(*) FROM events").fetchone()

    invoke("verify", made[0].folder)

    with Store.reader(made[0].database) as database:
        assert database.execute("SELECT count(*) FROM events").fetchone() == before


def test_a_package_in_a_zip_file_is_checked_as_its_folder_is(world: World, tmp_path: Path) -> None:
    out, changed = tmp_path / "package.zip", tmp_path / "changed.zip"
    assert invoke("export", out, "--state", world.folder, "--purpose", "audit 7").exit_code == 0
    with zipfile.ZipFile(out) as good, zipfile.ZipFile(changed, "w") as bad:
        for name in good.namelist():
            bad.writestr(name, good.read(name) + (b" " if name.endswith("population.csv") else b""))

    holds, fails = (
        invoke("verify", out, "--vkey", world.keys.vkey),
        invoke("verify", changed, "--vkey", world.keys.vkey),
    )

    assert (holds.exit_code, fails.exit_code) == (0, 1), holds.output
    assert "FAILED" in fails.output


@pytest.mark.parametrize("names", [(), ("a/bagit.txt", "b/bagit.txt")], ids=["no package", "two packages"])
def test_a_zip_file_that_is_not_one_package_is_told_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], names: tuple[str, ...]
) -> None:
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        for name in ("readme.txt", *names):
            archive.writestr(name, "")

    assert main(["verify", str(tmp_path / "other.zip")]) == 1
    assert f"expected one package in it, got {len(names)}" in capsys.readouterr().err
