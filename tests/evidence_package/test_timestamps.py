"""Who signed a timestamp: with the authority's certificates both verifiers tell, without them both say that they did not look."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from addons.evidence.checkpoints import Checkpoint
from addons.evidence.ids import time_text
from addons.evidence.timestamps import read, request
from tests.evidence.authority import Authority
from tests.evidence_package.test_attacks import BOTH, names_by_command, names_by_file, seal
from tests.evidence_package.test_package_contents import checked
from tests.evidence_package.worlds import World


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority") / "tsa")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("other") / "tsa", "another")


@pytest.fixture
def stamped(world: World, authority: Authority, tmp_path: Path) -> Path:
    """A package whose newest checkpoint but one an authority stamped."""
    store = world.open()
    note = store.checkpoint().result()
    token = authority.reply(request(note.encode(), bytes(8)))
    row = (Checkpoint.unverified(note).size, time_text(read(token).at), note, token)
    insert = "INSERT INTO anchors (size, kind, place, at, note, proof) VALUES (?, 'rfc3161', 'https://tsa.example/', ?, ?, ?)"
    store.change(lambda connection, _ledger: connection.execute(insert, row).rowcount).result(10)
    store.close()
    world.export(tmp_path / "package")
    return tmp_path / "package"


def change_token(package: Path, change) -> None:
    with closing(sqlite3.connect(package / "data" / "evidence.sqlite")) as database, database:
        [note, token] = database.execute("SELECT note, proof FROM anchors").fetchone()
        token = change(note, token)
        database.execute("UPDATE anchors SET proof = ?, at = ?", (token, time_text(read(token).at)))
    for file in (package / "data" / "log" / "anchors").glob("*.tsr"):
        file.write_bytes(token)
    seal(package)


def backdated(_note: str, token: bytes) -> bytes:
    year = str(read(token).at.year).encode()
    return token.replace(year, b"2001", 1)


@BOTH
def test_a_timestamp_holds_under_its_authoritys_certificates(
    stamped: Path, world: World, authority: Authority, names
) -> None:
    assert names(stamped, "--vkey", world.vkey, "--tsa-ca", str(authority.folder / "ca.pem")) == set()


@BOTH
def test_nor_under_those_of_another(stamped: Path, world: World, other: Authority, names) -> None:
    assert names(stamped, "--vkey", world.vkey, "--tsa-ca", str(other.folder / "ca.pem")) == {"anchor_bad"}


@BOTH
def test_one_of_several_certificates_is_enough(
    stamped: Path, world: World, authority: Authority, other: Authority, names
) -> None:
    both = stamped.parent / "both.pem"
    both.write_bytes(other.roots + authority.roots)

    assert names(stamped, "--vkey", world.vkey, "--tsa-ca", str(both)) == set()


@BOTH
def test_a_token_of_another_authority_is_found(
    stamped: Path, world: World, authority: Authority, other: Authority, names
) -> None:
    change_token(stamped, lambda note, _: other.reply(request(note.encode(), bytes(8))))

    assert "anchor_bad" in names(stamped, "--vkey", world.vkey, "--tsa-ca", str(authority.folder / "ca.pem"))


@BOTH
def test_a_token_whose_time_was_changed_is_found(stamped: Path, world: World, authority: Authority, names) -> None:
    change_token(stamped, backdated)

    assert "anchor_bad" in names(stamped, "--vkey", world.vkey, "--tsa-ca", str(authority.folder / "ca.pem"))
    assert "anchor_bad" not in names(stamped, "--vkey", world.vkey)  # which is why it is said, see below


def test_without_certificates_both_say_that_the_signature_was_not_checked(stamped: Path, world: World) -> None:
    from scripts.affidavit import affidavit
    from tests.evidence_package.test_attacks import CliRunner

    ours = CliRunner().invoke(affidavit, ["verify", str(stamped), "--vkey", world.vkey]).output
    theirs = checked(stamped, "--vkey", world.vkey).stdout

    assert "who signed them was not checked" in ours
    assert "who signed them is not checked here" in theirs


def test_the_command_that_verify_py_prints_is_one_that_works(stamped: Path, world: World, authority: Authority) -> None:
    [line] = [line for line in checked(stamped, "--vkey", world.vkey).stdout.splitlines() if "openssl ts" in line]
    command = line[line.index("openssl ts") :].replace("FILE", str(authority.folder / "ca.pem"))

    done = subprocess.run(command.split(), cwd=stamped / "data" / "log" / "anchors", capture_output=True, check=False)

    assert done.returncode == 0
    assert shutil.which("openssl")
    assert (
        datetime.now(UTC) - read(next((stamped / "data" / "log" / "anchors").glob("*.tsr")).read_bytes()).at
    ).days == 0
    assert names_by_file(stamped, "--vkey", world.vkey) == names_by_command(stamped, "--vkey", world.vkey) == set()
