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
from addons.evidence.package.check_package import verify_package
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


def found_by_file(path: Path, key: str) -> dict[str, set[int | None]]:
    """Name -> numbers of leaves."""
    return _numbers(single_file_verify.verify(path, key, [], True).failures)


def found_by_command(path: Path, key: str) -> dict[str, set[int | None]]:
    return _numbers([(one.name, one.seq, one.detail) for one in verify_package(path, key, everything=True).failures])


def _numbers(failures: list[tuple[str, int | None, str]]) -> dict[str, set[int | None]]:
    found: dict[str, set[int | None]] = {}
    for name, seq, _ in failures:
        found.setdefault(name, set()).add(seq)
    return found


def names_by_command(path: Path, *arguments: str) -> set[str]:
    """The same of `affidavit verify`."""
    found = CliRunner().invoke(affidavit, ["verify", str(path), "--json", *arguments])
    names = set(json.loads(found.stdout)["totals"])
    assert found.exit_code == (1 if names else 0)
    return names


def paths_by_file(path: Path, key: str) -> set[str]:
    """Files that are named."""
    return {detail.partition(":")[0] for _, _, detail in single_file_verify.verify(path, key, [], False).failures}


def paths_by_command(path: Path, key: str) -> set[str]:
    return {one.detail.partition(":")[0] for one in verify_package(path, key).failures}


PATHS = {names_by_file: paths_by_file, names_by_command: paths_by_command}
BOTH = pytest.mark.parametrize("names", [names_by_file, names_by_command], ids=["verify.py", "affidavit verify"])


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
@BOTH
def test_an_attack_on_a_store_is_named(made: tuple[World, Path], store: Path, attack: Attack, names) -> None:
    change_database(store, attack)

    assert attack.found_as in names(store, "--vkey", made[0].keys.vkey)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.what)
@BOTH
def test_an_attack_on_a_package_is_named(made: tuple[World, Path], package: Path, attack: Attack, names) -> None:
    change_package(package, attack)

    found = names(package, "--vkey", made[0].keys.vkey)
    assert attack.package_name in found
    assert {
        "export_unrecorded",
        "file_changed",
    } <= found  # manifests that fit are not the one that the gateway recorded


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.what)
def test_both_verifiers_name_the_same_leaves(made: tuple[World, Path], package: Path, attack: Attack) -> None:
    change_package(package, attack)

    mine, theirs = (find(package, made[0].keys.vkey)[attack.package_name] for find in (found_by_command, found_by_file))
    assert mine & theirs or None in mine | theirs


@BOTH
def test_a_changed_database_is_named_as_a_file_too(made: tuple[World, Path], package: Path, names) -> None:
    change_package(package, ATTACKS[0])

    assert "data/evidence.sqlite" in PATHS[names](package, made[0].keys.vkey)


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
@BOTH
def test_a_changed_file_is_named_although_manifests_fit(
    made: tuple[World, Path], package: Path, change, name: str, names
) -> None:
    change(package)
    seal(package)

    assert name in names(package, "--vkey", made[0].keys.vkey)


def rewrite(name: str):
    """One byte more, whatever kind of file it is."""

    def change(package: Path) -> None:
        [path] = sorted(path for path in (package / "data").glob(name) if path.is_file())[:1]
        path.write_bytes(path.read_bytes() + b" ")

    return change


@pytest.mark.parametrize(
    "name",
    [
        "accounting.json", "usage.csv", "masking-coverage.csv", "samples/S-001.html", "samples/S-001/*.json", "samples/index.csv",
        "machine/samples/S-001.har", "machine/samples/*.tlog-proof", "machine/events.ocsf.jsonl", "machine/oscal-assessment-results.json",
        "machine/receipts.jsonl", "machine/log/checkpoint", "machine/log/tile/0/**/*", "controls/8.15/meta.json", "controls/8.15/sample.csv",
        "controls/index.csv", "policies/history.csv", "log/checkpoints/*.txt", "START-HERE.html", "KEYS.txt", "verify.py",
    ],
)  # fmt: skip
@BOTH
def test_whatever_file_is_rewritten_is_named_although_manifests_fit(
    made: tuple[World, Path], package: Path, name: str, names
) -> None:
    rewrite(name)(package)
    seal(package)

    [path, *_] = sorted(path for path in (package / "data").glob(name) if path.is_file())
    assert path.relative_to(package).as_posix() in PATHS[names](package, made[0].keys.vkey)


def test_it_is_named_even_where_the_gateways_own_list_was_rewritten_by_who_has_the_database(
    made: tuple[World, Path], package: Path
) -> None:
    """By the one that makes every file again; the other says that this is not what was recorded."""
    rewrite("machine/samples/S-001.har")(package)
    seal(package)
    shutil.copy(package / "manifest-sha256.txt", package / "custody" / "manifest-sha256.txt")
    seal(package)

    key = made[0].keys.vkey
    assert "data/machine/samples/S-001.har" in paths_by_command(package, key)
    assert names_by_file(package, "--vkey", key) == {"export_unrecorded"}


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (edit("data/population.csv", "refused", "completed"), "file_changed"),
        (lambda package: (package / "data" / "exceptions.csv").unlink(), "file_missing"),
        (lambda package: (package / "data" / "more.csv").write_text("x"), "file_added"),
        (lambda package: (package / "manifest-sha256.txt").unlink(), "file_missing"),
        (edit("bag-info.txt", "2026", "2025"), "file_changed"),
        (edit("custody/custody.csv", "2026", "2025"), "file_changed"),
    ],
    ids=["changed", "gone", "put in", "no manifest", "changed tag file", "changed custody"],
)
@BOTH
def test_a_file_that_is_not_as_listed_is_named(
    made: tuple[World, Path], package: Path, change, name: str, names
) -> None:
    change(package)

    assert name in names(package, "--vkey", made[0].keys.vkey)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda package: (package / "data" / "exceptions.csv").unlink(), "file_missing"),
        (lambda package: (package / "data" / "more.csv").write_text("x"), "file_added"),
        (edit("custody/custody.csv", "2026", "2025"), "file_changed"),
    ],
    ids=["gone", "put in", "changed custody"],
)
@BOTH
def test_nor_does_it_help_to_write_the_manifests_anew(
    made: tuple[World, Path], package: Path, change, name: str, names
) -> None:
    change(package)
    seal(package)

    assert name in names(package, "--vkey", made[0].keys.vkey)


@BOTH
def test_a_package_made_anew_under_another_key_is_known_by_the_logs_name(package: Path, names) -> None:
    """Without a key of one's own: the default name of a log is a digest of its key."""
    keys = package / "data" / "KEYS.txt"
    own = keys.read_text().splitlines()[-1]
    name = own.partition("+")[0]
    raw = b"\x01" + bytes(range(32))
    vkey = f"{name}+{hashlib.sha256(name.encode() + b'\n' + raw).hexdigest()[:8]}+{base64.b64encode(raw).decode()}"
    keys.write_text(keys.read_text().replace(own, vkey))
    seal(package)

    assert {"key_invalid", "checkpoint_signature_bad"} <= names(package)


@pytest.mark.parametrize("damage", [b"", b"SQLite format 3\0", b"\xff" * 4096], ids=["empty", "head only", "noise"])
@BOTH
def test_a_damaged_database_is_a_failure_not_a_crash(package: Path, damage: bytes, names) -> None:
    (package / "data" / "evidence.sqlite").write_bytes(damage)

    assert names(package) & {"schema_changed", "database_damaged"}


@pytest.mark.parametrize(
    "statement", ["DROP TABLE nodes", "DROP TABLE events", "ALTER TABLE exchanges DROP COLUMN outcome"]
)
@BOTH
def test_a_package_without_its_tables_is_a_failure_not_a_crash(package: Path, statement: str, names) -> None:
    with closing(sqlite3.connect(package / "data" / "evidence.sqlite")) as database:
        for [view] in database.execute("SELECT name FROM sqlite_master WHERE type = 'view'").fetchall():
            database.execute(f"DROP VIEW {view}")
        database.execute(statement)

    assert names(package) & {"schema_changed", "database_damaged"}


def test_a_view_that_shows_something_else_is_named_by_the_one_that_makes_it_again(
    made: tuple[World, Path], package: Path
) -> None:
    with closing(sqlite3.connect(package / "data" / "evidence.sqlite")) as database:
        database.executescript("DROP VIEW maskings; CREATE VIEW maskings AS SELECT 1")
    seal(package)

    assert "schema_changed" in names_by_command(package, "--vkey", made[0].keys.vkey)
    assert "data/evidence.sqlite" in paths_by_file(package, made[0].keys.vkey)


# -- what somebody kept ---------------------------------------------------------------------------------------------------


@BOTH
def test_an_older_copy_is_found_by_a_checkpoint_that_was_kept(world: World, tmp_path: Path, names) -> None:
    shutil.copytree(world.folder, tmp_path / "old")
    store = world.open()
    store.append(Event("gateway.heartbeat")).result()
    (tmp_path / "kept").write_text(store.checkpoint().result())
    store.close()

    assert names(tmp_path / "old" / "evidence.db", "--seen", str(tmp_path / "kept")) == {"events_cut"}


@BOTH
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
