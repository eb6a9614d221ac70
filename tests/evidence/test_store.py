"""Appending: durable when the future is done, refused when it does not fit, in one unit, with every row where design says."""

import asyncio
import json
import sqlite3
import threading
from dataclasses import replace

import pytest

from addons.evidence.canonical import RecordInvalid
from addons.evidence.chain import Tip
from addons.evidence.checkpoints import Verifier, check_checkpoint
from addons.evidence.keys import Keys
from addons.evidence.log import leaf_hash
from addons.evidence.records import Event, Partial, PolicyLoaded, RoleRecord, TokenMinted, TokenRevoked, TokenRow
from addons.evidence.store import Store, StoreError
from tests.evidence.samples import ALICE, BOB, DIGEST, rows, run_of


def refused(store, *records):
    with pytest.raises(RecordInvalid) as caught:
        store.append(*records).result(10)
    return str(caught.value)


def test_a_new_store_holds_its_own_making_signed(world):
    store = world.open()

    assert rows(store, "SELECT seq, type FROM events") == [(0, "store.migrated")]
    assert check_checkpoint(Verifier.of(world.keys.vkey), store.newest_checkpoint).size == 1
    store.close()


def test_the_number_of_a_leaf_is_its_place_in_the_log(store):
    first = store.append(Event("finding", attrs={"code": "a"})).result(10)
    second = store.append(Event("finding"), Event("finding")).result(10)

    assert (first, second) == ((1,), (2, 3))


def test_an_appended_record_is_on_disk_when_its_future_is_done(world, store):
    opened = world.opened(store)

    store.append(opened).result(10)

    with sqlite3.connect(f"file:{world.path}?mode=ro", uri=True) as other:
        assert other.execute("SELECT id FROM exchanges").fetchall() == [(opened.id,)]
    other.close()


def test_an_asyncio_caller_awaits_it(world, store):
    async def append():
        return await asyncio.wrap_future(store.append(world.opened(store)))

    assert asyncio.run(append()) == (1,)


def test_a_cancelled_wait_does_not_cancel_the_record(world, store):
    async def cancelled():
        waiting = asyncio.wrap_future(store.append(world.opened(store)))
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(cancelled())

    store.append(Event("finding")).result(10)
    assert rows(store, "SELECT count(*) FROM exchanges") == [(1,)]


def test_many_threads_append_and_every_number_is_given_once(world, store):
    futures = []

    def work():
        futures.extend(store.append(Event("finding", attrs={"n": n})) for n in range(50))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(future.result(10)[0] for future in futures) == list(range(1, 201))


def test_what_gathers_is_written_together_when_its_owner_says_so(world):
    flushes = []
    store = world.open(gather=flushes.append)
    futures = [store.append(Event("finding", attrs={"n": n})) for n in range(3)]
    waiting = [future.done() for future in futures]

    flushes[0]()

    times = {rows(store, "SELECT at FROM events WHERE seq = ?", future.result(10)[0])[0] for future in futures}
    assert len(flushes) == 1
    assert waiting == [False] * 3
    assert len(times) == 1
    store.close()


def test_what_gathers_is_signed_and_closed_with_the_rest_though_nobody_says_so(world):
    store = world.open(gather=lambda _: None)
    first = store.append(Event("finding"))
    note = store.checkpoint().result(10)
    last = store.append(Event("finding"))

    store.close()

    assert first.result(0)[0] < int(note.splitlines()[1])
    assert last.done()


def test_an_exchange_fills_its_row(world, store):
    opened, closed = world.exchange(store)

    columns = (
        "id session_id opened_at closed_at outcome error subject email groups streamed input_tokens output_tokens finish_reasons "
        "reasoning_tokens approval_id policy_digest opened_seq closed_seq"
    )
    [row] = rows(store, f"SELECT {columns.replace(' ', ', ')} FROM exchanges")
    assert dict(zip(columns.split(), row, strict=True)) == {
        "id": opened.id,
        "session_id": opened.session_id,
        "opened_at": opened.opened_at,
        "closed_at": closed.closed_at,
        "outcome": "completed",
        "error": None,
        "subject": ALICE,
        "email": "person@example.org",
        "groups": '["engineering"]',
        "streamed": 1,
        "input_tokens": 9,
        "output_tokens": 0,
        "finish_reasons": '["stop"]',
        "reasoning_tokens": None,
        "approval_id": None,
        "policy_digest": DIGEST,
        "opened_seq": 1,
        "closed_seq": 2,
    }


def test_the_leaf_says_what_design_says(world, store):
    opened, _ = world.exchange(store)

    [(seq, at, kind, exchange_id, actor, leaf)] = rows(store, "SELECT * FROM events WHERE seq = 1")
    [(pseudonym,)] = rows(store, "SELECT pseudonym FROM subjects WHERE subject = ?", ALICE)
    [(digest,)] = rows(store, "SELECT hash FROM hashes WHERE position = 1")
    said = json.loads(leaf)
    assert sorted(said) == [
        "actor",
        "at",
        "attrs",
        "exchange_id",
        "origin",
        "payloads",
        "policy_digest",
        "seq",
        "type",
        "v",
    ]
    assert (said["v"], said["origin"], said["seq"], said["at"]) == (1, world.keys.origin, seq, at)
    assert (said["type"], said["exchange_id"], said["policy_digest"]) == (kind, exchange_id, DIGEST)
    assert [payload["kind"] for payload in said["payloads"]] == ["meta", "request"]
    assert (actor, said["actor"], exchange_id) == (ALICE, pseudonym, opened.id)
    assert digest == leaf_hash(leaf.encode())


def test_no_name_and_no_text_is_in_a_leaf(world, store):
    world.exchange(store, "the budget is secret", "indeed")

    for (leaf,) in rows(store, "SELECT leaf FROM events"):
        for text in ("alice", "secret", "indeed", "example.org", "chat/completions"):
            assert text not in leaf


def test_approvals_and_grants_hold_the_newest_state(world, store):
    opened = world.opened(store)
    store.append(opened).result(10)

    approval, grant = world.approved(store, opened)

    assert rows(store, "SELECT id, state, approver, reason FROM approvals") == [
        (approval.id, "approved", BOB, "agreed")
    ]
    assert rows(store, "SELECT approval_id, used_by FROM grants") == [(approval.id, opened.id)]
    types = [kind for (kind,) in rows(store, "SELECT type FROM events WHERE type GLOB 'approval.*' ORDER BY seq")]
    assert types == ["approval.requested", "approval.decided", "approval.used"]
    [(payload,)] = rows(store, "SELECT approval FROM payloads JOIN heads USING (seq) WHERE heads.kind = 'grant'")
    assert json.loads(payload)["grant"]["id"] == grant.id


def test_tokens_and_roles_are_rows(world, store):
    token = TokenRow(
        "tk_1", "sha256:" + "0" * 64, ALICE, "", ("eng",), "", "root", world.clock.text(), world.clock.text()
    )
    store.append(TokenMinted(token, "root")).result(10)

    store.append(TokenRevoked(replace(token, revoked_at="2026-11-24T00:00:00.000000Z"), "root")).result(10)
    store.append(RoleRecord(BOB, "auditor", world.clock.text(), "root")).result(10)

    assert rows(store, "SELECT id, groups, revoked_at FROM tokens") == [
        ("tk_1", '["eng"]', "2026-11-24T00:00:00.000000Z")
    ]
    assert rows(store, "SELECT subject, role, granted_by, ended_at FROM roles") == [(BOB, "auditor", "root", None)]


def test_every_leaf_after_a_policy_names_it(world, store):
    content = b'{"version":1}'
    digest = "sha256:e4ff7f6c5b9dbd9d3b4f5f6f3dd1c2d1a9ee2f4a1cb1ba0fdbbb5eb0d8a9e7a0"
    refused(store, PolicyLoaded(digest, content))
    import hashlib

    digest = "sha256:" + hashlib.sha256(content).hexdigest()
    store.append(PolicyLoaded(digest, content, "root")).result(10)
    store.append(Event("finding")).result(10)

    found = [json.loads(leaf)["policy_digest"] for (leaf,) in rows(store, "SELECT leaf FROM events ORDER BY seq")]
    assert found == ["", digest, digest]
    assert rows(store, "SELECT digest, actor, content FROM policies") == [(digest, "root", content.decode())]


def test_a_policy_is_still_in_force_after_a_restart(world):
    import hashlib

    digest = "sha256:" + hashlib.sha256(b"{}").hexdigest()
    store = world.open()
    store.append(PolicyLoaded(digest, b"{}")).result(10)
    store.close()

    store = world.open()
    [seq] = store.append(Event("finding")).result(10)

    assert json.loads(rows(store, "SELECT leaf FROM events WHERE seq = ?", seq)[0][0])["policy_digest"] == digest
    store.close()


def test_hostile_text_is_stored_as_every_reader_sees_it(world, store):
    opened = world.opened(store, "a\0b\ud83d", path="/v1/\udcff\0x", headers=(("x-\0", "\ud800"),))

    store.append(opened).result(10)

    assert rows(store, "SELECT path FROM exchanges") == [("/v1/\ufffd\u2400x",)]
    assert rows(store, "SELECT content FROM messages") == [("a\u2400b\ufffd",)]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"id": ""}, "Opened.id: expected a value"),
        ({"id": "ex_ä"}, "exchange id of exchange.opened"),
        ({"session_id": ""}, "Opened.session_id: expected a value"),
        ({"subject": ""}, "Opened.subject: expected a value"),
        ({"nodes": ()}, "continue a chain that is not recorded"),
        ({"request": None}, "expected nodes in one run"),
        ({"request": Tip(b"x" * 32, 0)}, "expected nodes in one run"),
        ({"attrs": {"a": 0.5}}, "attrs/a: expected text"),
        ({"attrs": {"a": "x" * 3000}}, "expected at most 2048 bytes"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_an_opening_that_cannot_be_kept_is_refused_and_the_store_goes_on(world, store, changes, expected):
    assert expected in refused(store, world.opened(store, **changes))
    assert store.append(Event("finding")).result(10) == (1,)


def test_a_chain_with_a_gap_is_refused(world, store):
    run = run_of(store, ALICE, None, "one", "two", "three")

    assert "one run" in refused(store, world.opened(store, nodes=(run[0], run[2]), request=run[2].tip))
    assert "not recorded" in refused(store, world.opened(store, nodes=run[1:], request=run[2].tip))


def test_a_reply_that_does_not_follow_its_request_is_refused(world, store):
    opened = world.opened(store)
    store.append(opened).result(10)
    stray = run_of(store, ALICE, None, "not after the request")

    assert "continue its request" in refused(store, world.closed(store, opened, nodes=stray, reply=stray[0].tip))


def test_an_exchange_is_opened_and_closed_once(world, store):
    opened, closed = world.exchange(store)

    assert "recorded already" in refused(store, opened)
    assert "is not open" in refused(store, closed)
    assert "is not open" in refused(store, Partial(opened.id, ALICE, closed.nodes, closed.reply))


def test_only_the_subject_that_opened_an_exchange_closes_it(world, store):
    opened = world.opened(store)
    store.append(opened).result(10)

    assert "expected the subject that opened it" in refused(store, world.closed(store, opened, subject=BOB))


def test_a_number_that_is_none_is_refused(world, store):
    opened = world.opened(store)
    store.append(opened).result(10)

    assert "Closed.input_tokens" in refused(store, world.closed(store, opened, input_tokens=2**60))


@pytest.mark.parametrize("kind", ["exchange.opened", "approval.used", "nonsense"])
def test_an_event_of_a_type_that_has_its_own_record_is_refused(store, kind):
    assert "expected one of" in refused(store, Event(kind))


def test_a_unit_is_written_whole_or_not_at_all(world, store):
    opened, stranger = world.opened(store), world.opened(store)

    assert "is not open" in refused(store, opened, world.closed(store, stranger))
    assert rows(store, "SELECT count(*) FROM exchanges") == [(0,)]
    assert store.append(opened, world.closed(store, opened)).result(10) == (1, 2)


def test_a_heartbeat_is_a_leaf(store):
    store.heartbeat({"opened": 1}).result(10)

    assert rows(store, "SELECT type FROM events WHERE seq = 1") == [("gateway.heartbeat",)]


def test_a_checkpoint_asked_for_covers_what_was_appended_before(world, store):
    for number in range(5):
        store.append(Event("finding", attrs={"n": number}))

    note = store.checkpoint().result(10)

    assert check_checkpoint(Verifier.of(world.keys.vkey), note).size == 6
    assert store.newest_checkpoint == note
    assert (world.folder / "head").read_text() == note
    assert rows(store, "SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1") == [(note,)]


def test_a_checkpoint_comes_by_itself(world):
    store = world.open(checkpoint_seconds=0.01)
    before = store.newest_checkpoint

    store.append(Event("finding")).result(10)
    seen = threading.Event()
    for _ in range(500):
        if store.newest_checkpoint != before:
            break
        seen.wait(0.01)

    assert check_checkpoint(Verifier.of(world.keys.vkey), store.newest_checkpoint).size == 2
    store.close()


def test_nothing_is_signed_twice(world, store):
    first = store.checkpoint().result(10)

    assert store.checkpoint().result(10) == first
    assert rows(store, "SELECT count(*) FROM checkpoints") == [(1,)]


def test_closing_signs_and_leaves_one_file(world):
    store = world.open()
    store.append(Event("finding")).result(10)

    store.close()

    assert sorted(path.name for path in world.folder.iterdir()) == ["evidence.db", "head", "keys"]
    assert check_checkpoint(Verifier.of(world.keys.vkey), store.newest_checkpoint).size == 2


def test_a_closed_store_accepts_nothing(world):
    store = world.open()
    store.close()

    with pytest.raises(StoreError, match="is closed"):
        store.append(Event("finding")).result(10)
    with pytest.raises(StoreError, match="is closed"):
        store.checkpoint().result(10)
    store.close()


def test_a_reader_cannot_write(store):
    with store.reading() as connection, pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute("DELETE FROM events")


def test_the_files_are_the_owners_alone(world, store):
    store.append(Event("finding")).result(10)

    modes = {path.name: path.stat().st_mode & 0o777 for path in world.folder.iterdir() if path.is_file()}
    assert set(modes) == {"evidence.db", "evidence.db-wal", "evidence.db-shm", "head"}
    assert set(modes.values()) == {0o600}


def test_a_store_of_other_keys_is_refused(world, tmp_path):
    other = Keys.create(tmp_path / "other", world.random)

    with pytest.raises(StoreError, match="give it the keys it was made with"):
        Store.open(world.path, other, clock=world.clock, random=world.random)
