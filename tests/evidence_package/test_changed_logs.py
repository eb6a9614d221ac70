"""A package of a log that was through something: erasures, a hold, another key, a witness. Both verifiers hold it, and page 1 says so."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from addons.evidence import erasure
from addons.evidence.accounting import accounts
from addons.evidence.check_anchors import Anchor
from addons.evidence.checkpoints import Checkpoint
from addons.evidence.database import reader
from addons.evidence.ids import time_text
from addons.evidence.package import single_file_verify
from addons.evidence.package.check_package import verify_package
from addons.evidence.records import HoldRecord, HoldRow
from addons.evidence.renewal import rotate_key
from addons.evidence.verify import verify
from addons.evidence.witness import Cosigner
from tests.evidence_package.worlds import World

WITNESS = Cosigner("w.example/1", bytes(range(32)))


def erase(world: World, subject: str, *, everything: bool) -> None:
    store = world.open()
    with erasure.planning(store.path) as connection:
        ids = [
            one
            for (one,) in connection.execute(
                "SELECT id FROM exchanges WHERE subject = ? AND closed_seq IS NOT NULL", (subject,)
            )
        ]
        plan = erasure.plan(connection, ids, everything=everything, person=subject if everything else "")
    why = erasure.Why("request", "os|root", {}, {"reason": "asked for"})
    store.change(partial(erasure.carry_out, plan, why, store.drafted)).result(10)
    store.close()


def attest(world: World) -> int:
    """What a witness would have said about the newest checkpoint."""
    store = world.open()
    note = store.newest_checkpoint
    at = world.clock().replace(microsecond=0)
    line = WITNESS.line(note.rpartition("\n\n")[0] + "\n", int(at.timestamp()))
    row = Anchor(
        Checkpoint.unverified(note).size, "witness", WITNESS.key.vkey, time_text(at), note + line, line.encode()
    )
    values = (row.size, row.kind, row.place, row.at, row.note, row.proof)
    insert = "INSERT INTO anchors (size, kind, place, at, note, proof) VALUES (?, ?, ?, ?, ?, ?)"
    store.change(lambda connection, _ledger: connection.execute(insert, values).rowcount).result(10)
    store.close()
    return row.size


def rotate(world: World) -> None:
    world.keys = rotate_key(
        world.database, world.folder / "keys", clock=world.clock, random=world.random, actor="os|root", reason="yearly"
    )


@pytest.fixture
def through_it_all(world: World) -> World:
    erase(world, "local|bob", everything=False)
    rotate(world)
    erase(world, "https://issuer.example|cai", everything=True)
    store = world.open()
    store.append(
        HoldRecord(HoldRow("ho_1", "person", "local|ann", "case 12", world.clock.text, "os|root"), "os|root")
    ).result(10)
    store.close()
    return world


def failures(path: Path, vkey: str) -> dict[str, int]:
    """What either verifier finds."""
    found = single_file_verify.verify(path, vkey, [], True).totals
    if path.is_dir():
        found = found | verify_package(path, vkey, everything=True).totals
    return found


def test_its_store_and_its_package_hold_under_either_key(through_it_all: World, tmp_path: Path) -> None:
    world = through_it_all
    attested = attest(world)
    world.export(tmp_path / "package")

    assert verify(world.database, world.keys.signer.verifier, everything=True).totals == {}
    assert failures(world.database, world.keys.vkey) == {}
    assert failures(tmp_path / "package", world.keys.vkey) == {}
    report = single_file_verify.verify(tmp_path / "package", world.keys.vkey, [], True)
    assert report.looked_at["erased"] > 0
    assert f"proof horizon: {attested} leaves" in " ".join(report.notes)
    page = (tmp_path / "package" / "data" / "START-HERE.html").read_text()
    assert f"Attested from outside: the first {attested} leaves" in page
    assert "There is no outside anchor." not in page


def test_of_who_was_erased_nothing_is_in_the_package(through_it_all: World, tmp_path: Path) -> None:
    through_it_all.export(tmp_path / "package")

    text = b"".join(path.read_bytes() for path in (tmp_path / "package").rglob("*") if path.is_file())
    assert b"issuer.example|cai" not in text
    assert b"a long story" not in text
    assert b"be brief" in text


def test_a_period_and_a_person_can_be_taken_out_of_it(through_it_all: World, tmp_path: Path) -> None:
    from addons.evidence.package.scope import Scope

    world = through_it_all
    with reader(world.database) as store:
        [middle] = store.execute("SELECT at FROM events WHERE seq = (SELECT max(seq) / 2 FROM events)").fetchone()
    for number, scope in enumerate((Scope(middle, ""), Scope("", middle))):
        world.export(tmp_path / f"part-{number}", scope)
        assert failures(tmp_path / f"part-{number}", world.keys.vkey) == {}


def test_every_call_is_still_accounted_for(through_it_all: World) -> None:
    with reader(through_it_all.database) as store:
        equations = {equation.name: equation for equation in accounts(store)}

    assert equations["opened"].holds is True
    assert equations["leaves"].holds is True


def test_an_anchor_taken_out_of_a_package_leaves_the_rest_whole_and_the_horizon_nearer(
    through_it_all: World, tmp_path: Path
) -> None:
    """Whoever leaves an anchor out gains nothing: less is proven."""
    attest(through_it_all)
    through_it_all.export(tmp_path / "package")
    with closing(sqlite3.connect(tmp_path / "package" / "data" / "evidence.sqlite")) as database, database:
        database.execute("DELETE FROM anchors")

    report = single_file_verify.verify(tmp_path / "package", through_it_all.keys.vkey, [], True)
    assert "file_changed" in report.totals
    assert any(note.startswith("no outside anchor") for note in report.notes)
