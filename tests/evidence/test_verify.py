"""A store that nobody touched holds; what is allowed is told and no failure; what approvals may not do is named."""

import hashlib
import hmac
import threading
from dataclasses import replace
from datetime import timedelta

from addons.evidence import check_log
from addons.evidence.checkpoints import Signer
from addons.evidence.ids import time_text
from addons.evidence.log import leaf_hash, position
from addons.evidence.package import single_file_verify
from addons.evidence.records import ApprovalRecord, Event, GrantRow, Outcome
from addons.evidence.verify import verify
from tests.evidence.samples import ALICE, BOB
from tests.evidence.tampering import ask, change, found, names, verifier


def test_a_store_that_nobody_touched_holds(filled):
    report = found(filled.folder, everything=True)

    assert report.good, report.failures
    assert report.failures == []
    assert report.notes == []
    wanted = {
        "leaves": 17,
        "exchanges": 4,
        "closed": 3,
        "open": 1,
        "messages": 8,
        "checkpoints": 3,
        "approvals": 1,
        "grants": 1,
        "tokens": 1,
    }
    assert {name: report.counts[name] for name in wanted} == wanted


def test_it_holds_leaf_by_leaf_as_well(filled, monkeypatch):
    """The borders between reads fall at every place."""
    for size in (1, 2, 3, 5):
        monkeypatch.setattr(check_log, "LEAVES_AT_ONCE", size)
        monkeypatch.setattr("addons.evidence.check_exchanges.LEAVES_AT_ONCE", size)
        assert found(filled.folder).good


def test_the_progress_ends_at_the_whole(filled):
    seen = []

    found(filled.folder, progress=lambda done, whole: seen.append((done, whole)))

    assert seen[-1] == (17, 17)


def test_a_store_can_be_verified_while_it_is_written(world):
    store = world.open()
    world.exchange(store)
    store.append(world.opened(store)).result(10)

    report = found(world.folder)

    assert report.good, report.failures
    assert report.counts["unsigned"] == 3
    assert report.notes == ["the last 3 leaves came after the newest checkpoint and are not signed yet"]
    store.close()


def test_nothing_is_found_wrong_while_a_writer_writes(world):
    store = world.open(checkpoint_seconds=0.001)
    done = threading.Event()

    def work():
        while not done.is_set():
            opened, _ = world.exchange(store)
            another = world.opened(store)
            store.append(another).result(10)
            world.approved(store, another)
            assert opened

    thread = threading.Thread(target=work)
    thread.start()
    reports = [found(world.folder) for _ in range(20)]
    done.set()
    thread.join()
    store.close()

    assert [report.failures for report in reports] == [[]] * 20
    assert reports[-1].counts["leaves"] > reports[0].counts["leaves"]


def test_damage_to_the_file_is_told(copy):
    path = copy / "evidence.db"
    data = bytearray(path.read_bytes())
    for page in range(2, len(data) // 4096):
        data[page * 4096 : page * 4096 + 64] = b"\xff" * 64
    path.write_bytes(data)

    assert "database_damaged" in names(copy, everything=True)


def test_an_index_that_shows_other_rows_is_found_by_the_full_check(copy):
    change(
        copy,
        "PRAGMA writable_schema = ON",
        "CREATE TABLE aside AS SELECT rootpage FROM sqlite_master WHERE name = 'exchanges_opened'",
        "UPDATE sqlite_master SET rootpage = (SELECT rootpage FROM sqlite_master WHERE name = 'exchanges_session') WHERE name = 'exchanges_opened'",
        "DROP TABLE aside",
    )

    assert "database_damaged" in names(copy, everything=True)


def test_another_key_finds_nothing_signed(copy):
    stranger = Signer("another.log", b"x" * 32).verifier

    report = verify(copy / "evidence.db", stranger)

    assert report.totals["checkpoint_signature_bad"] == 2
    assert report.totals["foreign_leaf"] == 17


def test_every_signature_is_checked_when_everything_is(copy):
    change(copy, "UPDATE checkpoints SET note = replace(note, substr(note, -10, 6), 'AAAAAA') WHERE size = 10")

    assert names(copy) == {}
    assert names(copy, everything=True) == {"checkpoint_signature_bad": 1}


def test_of_many_failures_a_hundred_are_shown_and_all_are_counted(world):
    store = world.open()
    for number in range(150):
        store.append(Event("finding", attrs={"n": number}))
    store.close()
    change(world.folder, "UPDATE events SET leaf = replace(leaf, '\"v\":1', '\"v\":2') WHERE seq > 0")

    report = found(world.folder)

    assert report.totals["leaf_changed"] == 150
    assert len(report.failures) == 100


def test_a_clock_that_was_set_back_is_told_and_is_no_failure(world):
    store = world.open()
    store.append(Event("finding")).result(10)
    world.clock.now -= timedelta(hours=1)
    store.append(Event("finding")).result(10)
    store.close()

    report = found(world.folder)

    assert report.good
    assert report.counts["clock_steps"] == 1
    assert "the clock was set back before leaf 2" in report.notes[0]


def recorded(world, **approval):
    """An exchange completed under an approval that is as told."""
    store = world.open()
    opened = world.opened(store)
    store.append(opened).result(10)
    decided, _ = world.approved(store, opened, **approval)
    store.append(world.closed(store, opened, approval_id=decided.id)).result(10)
    store.close()
    return names(world.folder)


def test_an_approval_in_order_is_no_failure(world):
    assert recorded(world) == {}


def test_somebody_who_approves_their_own_request_is_named(world):
    assert set(recorded(world, approver=ALICE)) == {"self_approval"}


def test_an_approval_by_nobody_is_named(world):
    assert set(recorded(world, approver="")) == {"self_approval"}


def test_an_approval_before_it_was_asked_for_is_named(world):
    assert set(recorded(world, decided_at="2026-11-23T14:00:00.000000Z")) == {"approval_out_of_time"}


def test_an_approval_after_it_was_used_is_named(world):
    assert set(recorded(world, decided_at="2026-11-23T15:00:00.000000Z")) == {"approval_after_use"}


def test_an_exchange_completed_without_its_approval_is_named(world):
    store = world.open()
    opened = world.opened(store)
    asked = world.approval(opened.id)
    store.append(opened, ApprovalRecord("approval.requested", asked)).result(10)
    store.append(world.closed(store, opened, approval_id=asked.id)).result(10)
    store.append(world.opened(store)).result(10)
    store.close()

    assert names(world.folder) == {"approval_missing": 1}


def before_grades(folder):
    change(folder, "ALTER TABLE approvals DROP COLUMN grade", "PRAGMA user_version = 5")


def test_a_store_from_before_approvals_had_grades_holds_as_it_is_and_once_migrated(world):
    store = world.open()
    opened = world.opened(store)
    store.append(opened).result(10)
    approval, _ = world.approved(store, opened, grade="")
    store.append(world.closed(store, opened, approval_id=approval.id)).result(10)
    store.close()
    before_grades(world.folder)

    as_it_is = names(world.folder)
    alone = single_file_verify.verify(world.folder, verifier(world.folder).vkey, [], every=True)
    world.open().close()

    assert (as_it_is, alone.totals) == ({}, {})
    assert alone.looked_at["rows"] > 0
    assert names(world.folder) == {}
    assert ask(world.folder, "SELECT grade FROM approvals") == [(None,)]


def test_a_grade_is_not_made_to_vanish_by_an_older_schema(world):
    store = world.open()
    opened = world.opened(store)
    store.append(opened).result(10)
    world.approved(store, opened)
    store.close()
    before_grades(world.folder)

    assert names(world.folder) == {"approval_changed": 1}
    alone = single_file_verify.verify(world.folder, verifier(world.folder).vkey, [], every=True)
    assert alone.totals == {"approval_changed": 1}


def test_a_refused_exchange_needs_no_approval(world):
    store = world.open()
    opened = world.opened(store)
    asked = world.approval(opened.id)
    store.append(opened, ApprovalRecord("approval.requested", asked)).result(10)
    store.append(
        world.closed(store, opened, approval_id=asked.id, outcome=Outcome.REFUSED, nodes=(), reply=None)
    ).result(10)
    store.close()

    assert names(world.folder) == {}


def test_a_grant_used_after_it_expired_is_named(world):
    store = world.open()
    opened = world.opened(store)
    asked = world.approval(opened.id)
    decided = replace(asked, state="approved", approver=BOB, decided_at=world.clock.text())
    late = time_text(world.clock() + timedelta(hours=2))
    grant = GrantRow("gr_1", asked.id, "exact", asked.payload_digest, asked.expires_at, used_at=late, used_by=opened.id)
    store.append(
        opened, ApprovalRecord("approval.requested", asked), ApprovalRecord("approval.used", decided, grant)
    ).result(10)
    store.close()

    assert names(world.folder) == {"approval_out_of_time": 1}


def test_a_reply_hung_under_another_request_is_named(world):
    """As a store would look whose gateway had mixed two conversations up."""
    store = world.open()
    first, _ = world.exchange(store, "one", "answer one")
    second, _ = world.exchange(store, "two", "answer two")
    store.close()
    change(
        world.folder,
        (
            "UPDATE exchanges SET request_node = (SELECT request_node FROM exchanges WHERE id = ?) WHERE id = ?",
            (first.id, second.id),
        ),
    )

    assert names(world.folder) == {"exchange_row_changed": 2}


def test_nothing_in_the_store_is_a_plain_hash_of_what_was_said(world):
    store = world.open()
    world.exchange(store, "guessable", "42")
    store.close()

    data = (world.folder / "evidence.db").read_bytes()
    for text in (b"guessable", b"42", ALICE.encode()):
        for digest in (hashlib.sha256(text), hashlib.sha256(b"\0" + text), hashlib.sha1(text), hashlib.md5(text)):
            assert digest.digest() not in data
            assert digest.hexdigest().encode() not in data
        assert hmac.digest(b"", text, "sha256") not in data


def test_every_stored_hash_is_where_the_log_says(filled):
    for seq, leaf in ask(filled.folder, "SELECT seq, leaf FROM events"):
        [(digest,)] = ask(filled.folder, "SELECT hash FROM hashes WHERE position = ?", position(0, seq))
        assert digest == leaf_hash(leaf.encode())
