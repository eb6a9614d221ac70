"""Receipts: of real decisions, checked by both verifiers and alone; whatever is changed fails by its name."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from addons.approvals.receipts import HEAD
from addons.approvals.state import Action, Ballot, Proof
from addons.console import readings
from addons.evidence import check_receipts
from addons.evidence.check_log import Leaf
from addons.evidence.checkpoints import Signer, Verifier
from addons.evidence.keys import Keys
from addons.evidence.package import single_file_verify
from addons.evidence.report import Report
from addons.evidence.rotation import KeyChain
from addons.evidence.store import Store
from addons.evidence.verify import verify
from tests.console.desks import DIGEST, hold_rule, opened, owning, person

ROOT = Path(__file__).parents[2]
SIGNED_IN = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


@pytest.fixture
def decided(state, clock):
    """(the approval's id, the payload of its last leaf): asked for by alice, approved by bob, used."""

    async def work():
        async with owning(state, clock) as desk:
            _, alice = await person(desk, "alice")
            _, bob = await person(desk, "bob", "data-owners")
            rule = hold_rule()
            exchange = await opened(desk)
            asked = await desk.request_approval(exchange_id=exchange, rule=rule, requester=alice, payload_digest=DIGEST)
            clock.advance(5)
            proof = Proof(SIGNED_IN, ("pwd", "mfa"), "sid-77")
            await desk.decide(asked.id, bob, Action.APPROVE, "ticket 4711", ballot=Ballot(), proof=proof)
            key = desk.key_of(alice.subject, rule.id, DIGEST)
            clock.advance(1)
            await desk.use_grant(desk.grant_for(key), key, exchange)
            with desk.store.reading() as database:
                return asked.id, readings.receipts(database, asked.id), exchange, desk.keys.vkey

    return asyncio.run(work())


def said(note: str) -> dict:
    head, line, *_ = note.split("\n")
    assert head == HEAD
    return json.loads(line)


def test_a_receipt_says_who_agreed_to_what_when_and_which_call_it_released(decided):
    approval, notes, exchange, _ = decided

    first, last = map(said, notes)

    assert (last["approval"], last["state"], last["reason"]) == (approval, "approved", "ticket 4711")
    (vote,) = last["approvers"]
    assert (vote["approver"], vote["issuer"], vote["amr"], vote["session"]) == (
        "local|bob",
        "local",
        ["pwd", "mfa"],
        "sid-77",
    )
    assert vote["auth_time"] == "2026-11-23T09:30:00.000000Z"
    assert (last["payload_digest"], last["requester"], last["rule"]) == (DIGEST, "local|alice", "destructive-sql")
    assert (first["released_exchange"], last["released_exchange"]) == ("", exchange)
    assert (last["grade"], vote["grade"]) == ("trial", "trial")
    assert last["decided_at"] < last["released_at"] < last["expires_at"]


def test_both_verifiers_check_the_receipts_of_a_store(state, decided):
    report = verify(state.database, Verifier.of(decided[3]))
    other = single_file_verify.verify(state.path, decided[3], [], every=True)

    assert (report.failures, report.counts["receipts"]) == ([], 2)
    assert (other.totals, other.looked_at["receipts"] > 0) == ({}, True)


@pytest.mark.parametrize(
    ("change", "failure"),
    [
        (lambda p: p["details"]["votes"][0].update(approver="local|eve"), "receipt_approver_changed"),
        (lambda p: p["details"]["votes"][0].update(auth_time=""), "receipt_approver_changed"),
        (lambda p: p["approval"].update(requester="local|eve"), "receipt_approver_changed"),
        (lambda p: p["approval"].update(grade="managed"), "receipt_approver_changed"),
        (lambda p: p["details"]["votes"][0].update(grade="managed"), "receipt_approver_changed"),
        (lambda p: p["approval"].update(payload_digest="hmac-sha256:" + "cd" * 32), "receipt_payload_changed"),
        (lambda p: p["details"].update(view_digest="hmac-sha256:" + "cd" * 32), "receipt_payload_changed"),
        (lambda p: p["approval"].update(decided_at="2026-11-23T11:00:00.000000Z"), "receipt_time_changed"),
        (lambda p: p["grant"].update(used_at="2026-11-23T11:00:00.000000Z"), "receipt_time_changed"),
        (lambda p: p["grant"].update(used_by="ex_another"), "receipt_changed"),
        (lambda p: p["approval"].update(reason="another"), "receipt_changed"),
        (lambda p: p["details"].pop("receipt"), "receipt_missing"),
        (lambda p: p["details"].update(receipt=p["details"]["receipt"].replace("local|bob", "local|eve")), "receipt_signature_bad"),
        (lambda p: p["details"].update(receipt="no note"), "receipt_signature_bad"),
    ],
)  # fmt: skip
def test_what_was_changed_fails_by_name_in_both_verifiers(state, decided, change, failure):
    """The leaf itself is rewritten, as whoever holds the store can do with the unsigned tail."""
    with Store.reader(state.database) as database:
        row = database.execute(
            "SELECT e.seq, e.leaf, p.approval FROM events e JOIN payloads p ON p.seq = e.seq WHERE e.type = 'approval.used'"
        ).fetchone()
    payload = orjson.loads(row[2])
    change(payload)
    report, other = Report(), single_file_verify.Report()

    check_receipts.check_receipt(
        Leaf(row[0], orjson.loads(row[1]), {"approval": payload}), KeyChain(Verifier.of(decided[3]), ()), report
    )
    single_file_verify.check_receipt(payload, row[0], [single_file_verify.Key(decided[3])], other)

    assert list(report.totals) == list(other.totals) == [failure]


def test_a_receipt_from_before_grades_were_kept_holds_in_both_verifiers(state, decided):
    with Store.reader(state.database) as database:
        seq, text = database.execute(
            "SELECT e.seq, p.approval FROM events e JOIN payloads p ON p.seq = e.seq WHERE e.type = 'approval.used'"
        ).fetchone()
    payload = orjson.loads(text)
    word = said(payload["details"]["receipt"])
    for one in (payload["approval"], payload["details"]["votes"][0], word, word["approvers"][0]):
        del one["grade"]
    line = json.dumps(word, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    payload["details"]["receipt"] = Keys.load(state.keys).signer.sign(f"{HEAD}\n{line}\n")
    report, other = Report(), single_file_verify.Report()

    check_receipts.check_receipt(
        Leaf(seq, {"type": "approval.used"}, {"approval": payload}), KeyChain(Verifier.of(decided[3]), ()), report
    )
    single_file_verify.check_receipt(payload, seq, [single_file_verify.Key(decided[3])], other)

    assert list(report.totals) == list(other.totals) == []


def alone(path: Path, vkey: str) -> subprocess.CompletedProcess[str]:
    """As an auditor runs it: the one file, no installation of ours."""
    program = ROOT / "addons/evidence/package/single_file_verify.py"
    return subprocess.run(
        [sys.executable, "-I", str(program), str(path), "--vkey", vkey], check=False, capture_output=True, text=True
    )


def test_a_receipt_alone_is_checked_with_nothing_but_python(decided, tmp_path):
    path = tmp_path / "receipt.txt"
    path.write_text(decided[1][-1])

    done = alone(path, decided[3])

    assert (done.returncode, done.stderr) == (0, "")
    assert "all holds" in done.stdout
    assert "local|bob" in done.stdout


@pytest.mark.parametrize(
    ("old", "new"),
    [("local|bob", "local|eve"), ("abab", "cdcd"), ("2026-11-23T12:00:05", "2026-11-23T12:00:04"), (HEAD, HEAD)],
    ids=["approver", "payload", "time", "another key"],
)
def test_a_changed_receipt_alone_fails_by_name(decided, tmp_path, old, new):
    path = tmp_path / "receipt.txt"
    path.write_text(decided[1][-1].replace(old, new))
    vkey = decided[3] if old != new else Signer(decided[3].partition("+")[0], b"\1" * 32).verifier.vkey

    done = alone(path, vkey)

    assert done.returncode == 1
    assert "FAILED receipt_signature_bad" in done.stdout


def test_a_receipt_without_a_key_is_worth_nothing(decided, tmp_path):
    path = tmp_path / "receipt.txt"
    path.write_text(decided[1][-1])

    assert "key_missing" in single_file_verify.verify(path, "", [], every=False).totals


def test_a_receipt_is_no_checkpoint_and_no_checkpoint_is_a_receipt(state, decided):
    key = Keys.load(state.keys).signer
    assert single_file_verify.checkpoint(decided[1][-1]) == ("", -1, b"")
    assert single_file_verify.receipt(key.sign("x\n1\nAAAA\n"), [single_file_verify.Key(decided[3])]) is None
