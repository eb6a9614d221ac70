"""Every attack is found by its name: in a store by both verifiers, which share no code, and in a package although its manifests fit."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from addons.evidence.package import single_file_verify
from addons.evidence.records import Event
from scripts.affidavit import affidavit
from tests.evidence_package.attacks import ATTACKS, Attack, change_database, change_package, seal
from tests.evidence_package.worlds import World

VERIFIER = Path(single_file_verify.__file__)


def names_by_file(path: Path, *arguments: str) -> set[str]:
    """Failures that the shipped file names, run as an auditor runs it."""
    command = [sys.executable, "-I", str(VERIFIER), str(path), *arguments]
    found = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    assert found.stderr == ""
    names = {line.split()[1].rstrip(":") for line in found.stdout.splitlines() if line.startswith("FAILED ")}
    assert found.returncode == (1 if names else 0)
    return names


def names_by_command(path: Path, *arguments: str) -> set[str]:
    """The same of `affidavit verify`."""
    found = CliRunner().invoke(affidavit, ["verify", str(path), "--json", *arguments])
    names = set(json.loads(found.stdout)["totals"])
    assert found.exit_code == (1 if names else 0)
    return names


@pytest.fixture
def store(made: tuple[World, Path], tmp_path: Path) -> Path:
    """A copy of the store, with nobody at work on it."""
    shutil.copytree(made[0].folder, tmp_path / "copy")
    return tmp_path / "copy" / "evidence.db"


@pytest.fixture
def package(made: tuple[World, Path], tmp_path: Path) -> Path:
    shutil.copytree(made[1], tmp_path / "taken")
    return tmp_path / "taken"


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.what)
@pytest.mark.parametrize("names", [names_by_file, names_by_command], ids=["verify.py", "affidavit verify"])
def test_an_attack_on_a_store_is_named(made: tuple[World, Path], store: Path, attack: Attack, names) -> None:
    change_database(store, attack)

    assert attack.found_as in names(store, "--vkey", made[0].keys.vkey)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.what)
@pytest.mark.parametrize("names", [names_by_file, names_by_command], ids=["verify.py", "affidavit verify"])
def test_an_attack_on_a_package_is_named(made: tuple[World, Path], package: Path, attack: Attack, names) -> None:
    change_package(package, attack)

    found = names(package, "--vkey", made[0].keys.vkey)
    assert attack.package_name in found
    assert "export_unrecorded" in found  # manifests that fit are not the one that the gateway recorded
    assert "file_changed" not in found


def test_an_untouched_copy_holds(made: tuple[World, Path], store: Path, package: Path) -> None:
    key = ("--vkey", made[0].keys.vkey, "--all")

    assert [names(path, *key) for names in (names_by_file, names_by_command) for path in (store, package)] == [
        set()
    ] * 4


# -- what lies around the database ----------------------------------------------------------------------------------------


def edit(name: str, old: str, new: str):
    def change(package: Path) -> None:
        text = (package / name).read_text()
        assert old in text
        (package / name).write_text(text.replace(old, new, 1))

    return change


FILES = [
    ("a changed list", edit("data/population.csv", "refused", "completed"), "list_changed"),
    ("a row fewer", edit("data/population.csv", "\n" + "ex_", "\n"), "list_changed"),
    ("changed exceptions", edit("data/exceptions.csv", "interrupted", "completed"), "list_changed"),
    ("a changed list of a control", edit("data/controls/8.2/uses.csv", "approved", "pending"), "list_changed"),
    ("a control's exception left out", edit("data/controls/8.15/exceptions.csv", "interrupted", "completed"), "list_changed"),
    ("a control's own SQL changed", edit("data/controls/8.16/query.sql", "FROM findings f WHERE f.type", "FROM findings f WHERE 0 AND f.type"), "list_changed"),
    ("SQL that is no question", edit("data/controls/8.16/query.sql", "SELECT", "DELETE"), "list_changed"),
    ("a control without its SQL", edit("data/controls/8.16/query.sql", "-- population", "-- nothing"), "list_changed"),
    ("another sample", edit("data/samples/index.csv", "S-001,", "S-009,"), "sample_changed"),
    ("a changed figure", edit("data/START-HERE.html", 'id="opened" value="6"', 'id="opened" value="5"'), "figure_changed"),
    ("a changed line of the log", edit("data/log/entries.jsonl", "gateway.started", "gateway.stopped"), "leaf_changed"),
    ("a changed verifier", edit("data/verify.py", "return 1 if", "return 0 if"), "export_unrecorded"),
    ("no custody", lambda package: shutil.rmtree(package / "custody"), "export_unrecorded"),
    ("another export's receipt", edit("custody/receipt.jsonl", '"manifest":"sha256:', '"manifest":"sha256:0'), "export_unrecorded"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "name"), [row[1:] for row in FILES], ids=[row[0] for row in FILES])
@pytest.mark.parametrize("names", [names_by_file, names_by_command], ids=["verify.py", "affidavit verify"])
def test_a_changed_file_is_named_although_manifests_fit(
    made: tuple[World, Path], package: Path, change, name: str, names
) -> None:
    change(package)
    seal(package)

    assert name in names(package, "--vkey", made[0].keys.vkey)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (edit("data/population.csv", "refused", "completed"), "file_changed"),
        (lambda package: (package / "data" / "exceptions.csv").unlink(), "file_missing"),
        (lambda package: (package / "data" / "more.csv").write_text("x"), "file_added"),
        (lambda package: (package / "manifest-sha256.txt").unlink(), "file_missing"),
        (edit("bag-info.txt", "2026", "2025"), "file_changed"),
    ],
    ids=["changed", "gone", "put in", "no manifest", "changed tag file"],
)
def test_a_file_that_is_not_as_listed_is_named(made: tuple[World, Path], package: Path, change, name: str) -> None:
    change(package)

    assert name in names_by_file(package, "--vkey", made[0].keys.vkey)


def test_a_package_made_anew_under_another_key_is_known_by_the_logs_name(package: Path) -> None:
    """Without a key of one's own: the default name of a log is a digest of its key."""
    keys = package / "data" / "KEYS.txt"
    own = keys.read_text().splitlines()[-1]
    name = own.partition("+")[0]
    raw = b"\x01" + bytes(range(32))
    vkey = f"{name}+{hashlib.sha256(name.encode() + b'\n' + raw).hexdigest()[:8]}+{base64.b64encode(raw).decode()}"
    keys.write_text(keys.read_text().replace(own, vkey))
    seal(package)

    assert {"key_invalid", "checkpoint_signature_bad"} <= names_by_file(package)


@pytest.mark.parametrize("damage", [b"", b"SQLite format 3\0", b"\xff" * 4096], ids=["empty", "head only", "noise"])
def test_a_damaged_database_is_a_failure_not_a_crash(package: Path, damage: bytes) -> None:
    (package / "data" / "evidence.sqlite").write_bytes(damage)

    assert "database_damaged" in names_by_file(package)


@pytest.mark.parametrize(
    "statement", ["DROP TABLE nodes", "DROP TABLE events", "ALTER TABLE exchanges DROP COLUMN outcome"]
)
def test_a_package_without_its_tables_is_a_failure_not_a_crash(package: Path, statement: str) -> None:
    with closing(sqlite3.connect(package / "data" / "evidence.sqlite")) as database:
        for [view] in database.execute("SELECT name FROM sqlite_master WHERE type = 'view'").fetchall():
            database.execute(f"DROP VIEW {view}")
        database.execute(statement)

    assert names_by_file(package) & {"schema_changed", "database_damaged"}


# -- what somebody kept ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("names", [names_by_file, names_by_command], ids=["verify.py", "affidavit verify"])
def test_an_older_copy_is_found_by_a_checkpoint_that_was_kept(world: World, tmp_path: Path, names) -> None:
    shutil.copytree(world.folder, tmp_path / "old")
    store = world.open()
    store.append(Event("gateway.heartbeat")).result()
    (tmp_path / "kept").write_text(store.checkpoint().result())
    store.close()

    assert names(tmp_path / "old" / "evidence.db", "--seen", str(tmp_path / "kept")) == {"events_cut"}


@pytest.mark.parametrize("names", [names_by_file, names_by_command], ids=["verify.py", "affidavit verify"])
def test_a_history_written_anew_is_found_by_a_checkpoint_that_was_kept(world: World, tmp_path: Path, names) -> None:
    """By whoever holds the key: only what left the machine before can tell."""
    shutil.copytree(world.folder, tmp_path / "other")
    for number, folder in enumerate((world.folder, tmp_path / "other")):
        store = World(folder, world.keys, world.clock, world.random).open()
        store.append(Event("gateway.heartbeat", attrs={"n": number})).result()
        (tmp_path / f"kept-{number}").write_text(store.checkpoint().result())
        store.close()

    assert names(world.database, "--seen", str(tmp_path / "kept-0")) == set()
    assert names(world.database, "--seen", str(tmp_path / "kept-1")) == {"history_replaced"}
