"""What is erased is in no byte of the state and both verifiers count it; what is not erased, and what only looks so, is another matter."""

import json
import random
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from addons.evidence import erasure, retention
from addons.evidence.erasure import Overtaken, Why
from addons.evidence.ids import time_text
from addons.evidence.package import single_file_verify
from addons.evidence.records import (
    ApprovalRecord,
    Event,
    HoldRecord,
    HoldRow,
    Partial,
    PolicyLoaded,
    RoleRecord,
    TokenMinted,
    TokenRow,
)
from addons.evidence.verify import verify
from tests.evidence.samples import ALICE, BOB, CAROL, drop_table, masked, rows, run_of
from tests.evidence.tampering import ask, change

SECRETS = ("ZEBRAFISH", "QUAGGA")
WHY = Why("request", "os|root", {"approval": "ap_1"}, {"reason": "asked for"})


def plan(store, ids, *, everything=True, person=""):
    with erasure.planning(store.path) as connection:
        return erasure.plan(connection, ids, everything=everything, person=person)


def carry_out(store, made, why=WHY):
    done = store.change(partial(erasure.carry_out, made, why, store.drafted)).result(10)
    if made.person:
        store.forget(made.person)
    return done


def erase(store, ids, **more):
    return carry_out(store, plan(store, ids, **more))


def both(world, *, everything=True):
    """(names, erased payloads) that each verifier finds; the two have to agree on the state as it is on disk."""
    ours = verify(world.path, world.keys.signer.verifier, everything=everything)
    theirs = single_file_verify.verify(world.path, world.keys.vkey, [], everything)
    return (set(ours.totals), ours.counts["erased"]), (set(theirs.totals), theirs.looked_at.get("erased", 0))


def bytes_of(folder):
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def exchanges_of(store, subject):
    return [one for (one,) in rows(store, "SELECT id FROM exchanges WHERE subject = ? ORDER BY opened_seq", subject)]


@pytest.fixture
def written(world):
    """Two people who said secret things in every place that takes text; the store is open."""
    store = world.open()
    store.append(
        PolicyLoaded("sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", b"{}", "root")
    ).result(10)
    for subject, secret in ((ALICE, SECRETS[0]), (BOB, SECRETS[1])):
        first, closed = world.exchange(
            store, f"{secret} in a prompt", f"{secret} in a reply", subject=subject, email=f"{secret}@example.org",
            purpose=f"{secret} purpose", path=f"/v1/{secret}", headers=(("user-agent", secret),), parameters=json.dumps({"user": secret}),
            maskings=(masked("header:x"),),
        )  # fmt: skip
        second = world.opened(store, f"{secret} again " * 900, after=closed.reply, subject=subject)
        store.append(second).result(10)
        blocks = run_of(store, subject, second.request, f"{secret} block")
        store.append(Partial(second.id, subject, blocks, blocks[0].tip)).result(10)
        asked = world.approval(second.id, requester=subject, reason=f"{secret} asked", details={"why": secret})
        store.append(ApprovalRecord("approval.requested", asked, actor=subject)).result(10)
        decided = replace(
            asked, state="approved", approver=CAROL, decided_at=world.clock.text(), released_at=world.clock.text()
        )
        store.append(ApprovalRecord("approval.decided", decided, actor=CAROL)).result(10)
        command = replace(drop_table(), text=f"DROP TABLE {secret}")
        store.append(
            world.closed(store, second, nodes=blocks, reply=blocks[0].tip, commands=(command,), approval_id=asked.id)
        ).result(10)
        store.append(Event("finding", subject, first.id, {"code": "x"}, {"detail": f"{secret} found"})).result(10)
        store.append(
            Event("identity.refused", subject, attrs={"code": "y"}, meta={"detail": f"{secret} refused"})
        ).result(10)
        token = TokenRow(
            f"tk_{subject[6:]}",
            "sha256:" + "0" * 64,
            subject,
            f"{secret}@example.org",
            (),
            secret,
            "root",
            world.clock.text(),
            world.clock.text(),
        )
        store.append(TokenMinted(token, "root")).result(10)
        store.append(RoleRecord(subject, "auditor", world.clock.text(), "root")).result(10)
        hold = HoldRow(f"ho_{subject[6:]}", "person", subject, f"{secret} case", world.clock.text(), "root")
        store.append(HoldRecord(hold, "root")).result(10)
        store.append(
            HoldRecord(replace(hold, lifted_at=world.clock.text(), lifted_by="root"), "root", "closed")
        ).result(10)
    yield world, store
    store.close()


def test_before_anything_is_erased_both_verifiers_agree_and_the_secrets_are_there(written):
    world, store = written
    store.checkpoint().result(10)

    assert both(world) == ((set(), 0), (set(), 0))
    assert all(secret.encode() in bytes_of(world.folder) for secret in SECRETS)


def test_after_a_person_is_erased_their_text_is_in_no_byte_and_the_proof_holds(written):
    world, store = written

    done = erase(store, exchanges_of(store, ALICE), person=ALICE)

    while_open, counted = bytes_of(world.folder), both(world)
    store.close()
    for found in (while_open, bytes_of(world.folder)):
        assert SECRETS[0].encode() not in found
        assert ALICE.encode() not in found
        assert SECRETS[1].encode() in found
    assert (done.exchanges, done.messages, done.kept_decisions) == (2, 4, 0)
    assert counted[0] == counted[1]
    assert counted[0][0] == set()
    assert counted[0][1] > 10


def test_the_leaf_of_an_erasure_says_what_and_why_and_names_nobody(written):
    _, store = written

    done = erase(store, exchanges_of(store, ALICE), person=ALICE)

    [(leaf, meta)] = rows(
        store, "SELECT e.leaf, p.meta FROM events e JOIN payloads p ON p.seq = e.seq WHERE e.seq = ?", done.seq
    )
    assert json.loads(leaf)["attrs"] | {"seqs": []} == {
        "what": "everything", "kinds": ["request", "reply", "meta", "approval"], "basis": "request", "exchanges": 2, "approval": "ap_1", "seqs": [],
    }  # fmt: skip
    assert json.loads(meta) == {"reason": "asked for"}


def test_a_persons_return_is_a_new_beginning_that_verifies(written):
    world, store = written
    erase(store, exchanges_of(store, ALICE), person=ALICE)

    world.exchange(store, "back again")
    store.close()

    found = both(world)
    assert found[0] == found[1]
    assert found[0][0] == set()
    reopened = world.open()
    assert exchanges_of(reopened, ALICE) != []
    reopened.close()


def test_content_goes_and_particulars_stay(written):
    world, store = written

    done = erase(store, exchanges_of(store, ALICE), everything=False)

    assert done.messages == 4
    assert rows(store, "SELECT DISTINCT request_model, outcome FROM exchanges WHERE subject = ?", ALICE) == [
        ("gpt-4o", "completed")
    ]
    assert rows(
        store, "SELECT count(*) FROM messages m JOIN exchanges x ON x.id = m.exchange_id WHERE x.subject = ?", ALICE
    ) == [(0,)]
    store.close()
    text = bytes_of(world.folder)
    assert b"ZEBRAFISH in a prompt" not in text
    assert b"DROP TABLE ZEBRAFISH" not in text
    assert b"ZEBRAFISH purpose" in text
    assert both(world) == ((set(), 5), (set(), 5))


def test_what_a_later_exchange_sends_again_stays_until_that_one_goes(world):
    store = world.open()
    first, closed = world.exchange(store, "gold", "silver")
    second, _ = world.exchange(store, "copper", "tin", after=closed.reply)

    assert erase(store, [first.id]).messages == 0
    said = [
        text
        for (text,) in rows(store, "SELECT content FROM messages WHERE exchange_id = ? ORDER BY position", second.id)
    ]
    assert said == ["gold", "silver", "copper", "tin"]
    assert both(world)[0] == both(world)[1] == (set(), 4)

    assert erase(store, [second.id]).messages == 4
    store.close()
    assert both(world)[0] == both(world)[1] == (set(), 8)
    assert not [word for word in (b"gold", b"silver", b"copper") if word in bytes_of(world.folder)]


def test_a_text_said_in_two_conversations_stays_for_the_other(world):
    store = world.open()
    first, _ = world.exchange(store, "the same words", "one answer")
    second, _ = world.exchange(store, "other words", "one answer")

    erase(store, [first.id])
    said = rows(store, "SELECT content FROM messages WHERE exchange_id = ? ORDER BY position", second.id)
    store.close()

    assert said == [("other words",), ("one answer",)]
    assert both(world)[0] == both(world)[1] == (set(), 4)


@pytest.mark.parametrize("seed", range(12))
def test_whatever_is_erased_in_whatever_order_the_rest_stays_whole(world, seed):
    """Conversations that branch, repeat themselves and end in the middle; parts go, by content or wholly, one after another."""
    dice = random.Random(seed)
    store, made = world.open(), []
    for number in range(30):
        subject = dice.choice((ALICE, BOB))
        mine = [one for one in made if one[0].subject == subject]
        after = dice.choice(mine)[1].reply if mine and dice.random() < 0.7 else None
        made.append(
            world.exchange(
                store,
                f"words {dice.randrange(6)}",
                f"answer {dice.randrange(4)} {number % 7}",
                after=after,
                subject=subject,
            )
        )
    left = {opened.id: (opened, closed) for opened, closed in made}
    spoken = {one: rows(store, "SELECT content FROM messages WHERE exchange_id = ?", one) for one in left}
    without_content = set()
    for _ in range(6):
        chosen = dice.sample(sorted(left), min(len(left), dice.randrange(1, 5)))
        everything = dice.random() < 0.5
        erase(store, chosen, everything=everything)
        if everything:
            left = {one: pair for one, pair in left.items() if one not in chosen}
        else:
            without_content.update(chosen)
        found = both(world)
        assert found[0][0] == found[1][0] == set()
        assert found[0][1] == found[1][1]
    for one in left:
        assert rows(store, "SELECT content FROM messages WHERE exchange_id = ?", one) == (
            [] if one in without_content else spoken[one]
        )
    assert erase(store, sorted(left)).exchanges == len(left)
    assert rows(
        store,
        "SELECT (SELECT count(*) FROM nodes) + (SELECT count(*) FROM contents) + (SELECT count(*) FROM exchanges)",
    ) == [(0,)]
    store.close()


def test_an_exchange_that_comes_between_plan_and_deed_makes_it_plan_again(world):
    store = world.open()
    first, closed = world.exchange(store, "gold", "silver")
    made = plan(store, [first.id])
    world.exchange(store, "copper", "tin", after=closed.reply)

    with pytest.raises(Overtaken):
        carry_out(store, made)
    assert both(world)[0] == (set(), 0)
    assert carry_out(store, plan(store, [first.id])).messages == 0
    store.close()


@pytest.mark.parametrize("between", ["hold", "the person"])
def test_a_hold_or_the_person_that_comes_between_makes_it_plan_again(written, between):
    world, store = written
    made = plan(store, exchanges_of(store, ALICE), person=ALICE)
    if between == "hold":
        store.append(HoldRecord(HoldRow("ho_1", "everything", "", "case", world.clock.text(), "root"), "root")).result(
            10
        )
    else:
        store.append(Event("finding", ALICE)).result(10)

    with pytest.raises(Overtaken):
        carry_out(store, made)
    assert exchanges_of(store, ALICE) != []


def test_free_pages_are_given_back_to_the_disk(world):
    store = world.open()
    for number in range(40):
        world.exchange(store, f"{number} " + "long " * 4000)
    store.checkpoint().result(10)
    before = world.path.stat().st_size
    erase(store, exchanges_of(store, ALICE))
    store.change(lambda connection, _ledger: connection.execute("PRAGMA incremental_vacuum").fetchall()).result(10)
    store.close()

    assert world.path.stat().st_size < before / 3
    assert both(world)[0][0] == set()


def test_many_leaves_are_named_in_few_bytes():
    assert erasure.runs([1, 2, 3, 7, 9, 10]) == [[1, 3], 7, [9, 10]]
    assert erasure.runs([]) == []


# -- what only looks like an erasure --------------------------------------------------------------------------------------


def erased_then(written, *statements):
    world, store = written
    erase(store, exchanges_of(store, ALICE), everything=False)
    store.close()
    change(world.folder, *statements)
    ours, theirs = both(world)
    return ours[0], theirs[0]


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("UPDATE payloads SET meta = NULL, meta_salt = NULL WHERE seq = (SELECT min(opened_seq) FROM exchanges)", "payload_missing"),
        ("UPDATE payloads SET reply = NULL, reply_salt = NULL WHERE seq = (SELECT max(closed_seq) FROM exchanges)", "payload_missing"),
        ("DELETE FROM contents WHERE text GLOB '*QUAGGA in a prompt*'", "content_missing"),
        ("DELETE FROM exchanges WHERE subject = 'local|alice'", "exchange_row_missing"),
        ("UPDATE exchanges SET request_node = (SELECT max(number) FROM nodes) WHERE subject = 'local|alice'", "exchange_row_changed"),
        ("UPDATE exchanges SET outcome = 'denied' WHERE subject = 'local|alice'", "exchange_row_changed"),
        ("UPDATE events SET actor = NULL WHERE actor = 'local|alice'", "event_row_changed"),
        ("UPDATE events SET actor = 'local|eve' WHERE actor = 'local|alice'", "event_row_changed"),
        ("DELETE FROM approvals WHERE requester = 'local|alice'", "approval_changed"),
    ],
    ids=[
        "more of what was erased", "another's content", "another's text", "a row that was to stay", "a message put under it", "an outcome edited",
        "a name taken out", "a name put in", "an approval dropped",
    ],
)  # fmt: skip
def test_after_content_was_erased_nothing_more_may_go(written, statement, name):
    ours, theirs = erased_then(written, statement)

    assert name in ours
    assert name in theirs


def test_a_row_shown_after_its_particulars_were_erased_is_found(written):
    world, store = written
    row = rows(store, "SELECT * FROM exchanges WHERE subject = ?", ALICE)[0]
    columns = [name for (name,) in rows(store, "SELECT name FROM pragma_table_info('exchanges')")]
    erase(store, exchanges_of(store, ALICE), person=ALICE)
    store.close()
    row = [None if name.endswith("_node") else value for name, value in zip(columns, row, strict=True)]
    change(world.folder, (f"INSERT INTO exchanges VALUES ({', '.join('?' * len(columns))})", row))

    ours, theirs = both(world)
    assert "exchange_row_added" in ours[0]
    assert "exchange_row_added" in theirs[0]


def test_an_erasure_that_is_not_signed_excuses_nothing(written):
    world, store = written
    erase(store, exchanges_of(store, ALICE), person=ALICE)
    store.close()
    [(seq,)] = ask(world.folder, "SELECT max(seq) FROM events WHERE type = 'payload.erased'")
    change(world.folder, ("DELETE FROM checkpoints WHERE size > ?", (seq,)))
    (world.folder / "head").unlink()

    ours, theirs = both(world)
    assert "payload_missing" in ours[0]
    assert "payload_missing" in theirs[0]


def test_an_erasure_leaf_that_was_changed_is_found(written):
    world, store = written
    done = erase(store, exchanges_of(store, ALICE), everything=False)
    store.close()
    change(
        world.folder,
        (
            'UPDATE events SET leaf = replace(leaf, \'"kinds":["request","reply"]\', \'"kinds":["request","reply","meta"]\') WHERE seq = ?',
            (done.seq,),
        ),
    )

    ours, theirs = both(world)
    assert "leaf_changed" in ours[0]
    assert "leaf_changed" in theirs[0]


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("UPDATE holds SET lifted_at = NULL WHERE id = 'ho_bob'", "hold_changed"),
        ("UPDATE holds SET reason = 'none' WHERE id = 'ho_bob'", "hold_changed"),
        ("DELETE FROM holds", "hold_changed"),
        ("INSERT INTO holds (id, scope, set_at) VALUES ('ho_9', 'everything', 't')", "hold_added"),
    ],
)
def test_a_hold_is_what_its_newest_leaf_says(written, statement, name):
    world, store = written
    store.close()
    change(world.folder, statement)

    ours, theirs = both(world)
    assert name in ours[0]
    assert name in theirs[0]


# -- clocks and holds -----------------------------------------------------------------------------------------------------


def clocks(content=10, metadata=20, **groups):
    def of(connection, names):
        return next((groups[name] for name in names if name in groups), retention.Kept(content, metadata))

    default = retention.Kept(content, metadata)
    return retention.Clocks(
        of, default, min(content, *(kept.content_days for kept in groups.values())) if groups else content
    )


def due(world, store, days, *, by=None):
    with store.reading() as connection:
        return retention.due(connection, by or clocks(), world.clock.now + timedelta(days=days))


def test_content_is_due_first_and_particulars_later(world):
    store = world.open()
    first, _ = world.exchange(store, "old")
    store.append(world.opened(store, "still open")).result(10)
    store.append(Event("identity.refused", BOB, attrs={"code": "x"}, meta={"detail": "y"})).result(10)

    assert due(world, store, 9).count == 0
    assert due(world, store, 11) == retention.Due((first.id,), (), (), 0)
    assert due(world, store, 21) == retention.Due((), (first.id,), (4,), 0)

    erase(store, [first.id], everything=False)
    assert due(world, store, 11).count == 0
    store.close()


def test_a_group_may_have_shorter_days(world):
    store = world.open()
    world.exchange(store, "one", groups=("works-council",))
    world.exchange(store, "two", groups=("engineering",))
    short = {"works-council": retention.Kept(1, 2)}

    assert len(due(world, store, 3, by=clocks(**short)).everything) == 1
    store.close()


@pytest.mark.parametrize("scope", retention.SCOPES)
def test_a_hold_stops_every_clock_for_what_it_names(world, scope):
    store = world.open()
    kept, _ = world.exchange(store, "kept")
    other, _ = world.exchange(store, "other", subject=BOB)
    value = {"person": ALICE, "session": kept.session_id, "exchange": kept.id, "everything": ""}[scope]
    hold = HoldRow("ho_1", scope, value, "case 12", world.clock.text(), "root")
    store.append(HoldRecord(hold, "root")).result(10)

    held = due(world, store, 30)
    assert kept.id not in held.everything
    assert (other.id in held.everything) == (scope != "everything")
    assert held.held == (2 if scope == "everything" else 1)

    store.append(HoldRecord(replace(hold, lifted_at=time_text(world.clock()), lifted_by="root"), "root")).result(10)
    assert set(due(world, store, 30).everything) == {kept.id, other.id}
    store.close()
