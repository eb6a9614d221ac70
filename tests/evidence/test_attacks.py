"""Attacks: whatever is changed in a store is found, under a name of its own, and one change is not buried under what follows."""

import base64
import json
import re
from pathlib import Path

import pytest

from addons.evidence import report
from addons.evidence.canonical import canonical
from addons.evidence.chain import content_id_of, node_id_of
from addons.evidence.checkpoints import Checkpoint, Signer, sign_checkpoint
from addons.evidence.drafts import commitment
from addons.evidence.log import Tree, leaf_hash
from addons.evidence.verify import Claim
from tests.evidence.samples import ALICE, World
from tests.evidence.tampering import ask, change, fill, found, names, verifier

ELSEWHERE = {
    "console": ("test_anchoring.py", "test_receipts.py"),
    "evidence_package": ("test_attacks.py", "test_gateways.py"),
}
EXPLAINED_IN = ("test_attacks.py", "test_verify.py", "test_renewal.py", "test_erasure.py")
NEW_LEAF = '{"at":"2026-11-23T14:49:00.000000Z","attrs":{},"origin":"%s","payloads":[],"policy_digest":"","seq":%d,"type":"finding","v":1}'

ATTACKS = {
    "last leaves dropped": (["DELETE FROM events WHERE seq > 14"], "events_cut"),
    "a leaf dropped": (["DELETE FROM events WHERE seq = 13"], "event_missing"),
    "the first leaf dropped": (["DELETE FROM events WHERE seq = 0"], "event_missing"),
    "a leaf dropped, the rest renumbered": (
        ["DELETE FROM events WHERE seq = 13", "UPDATE events SET seq = seq - 1 WHERE seq > 13"],
        "event_missing",
    ),
    "two leaves swapped": (
        [
            "UPDATE events SET seq = -1 WHERE seq = 13",
            "UPDATE events SET seq = 13 WHERE seq = 16",
            "UPDATE events SET seq = 16 WHERE seq = -1",
        ],
        "events_reordered",
    ),
    "a leaf put in": (
        [
            "UPDATE events SET seq = -seq - 1 WHERE seq >= 13",
            "UPDATE events SET seq = -seq WHERE seq < 0",
            f"INSERT INTO events SELECT 13, at, 'finding', NULL, NULL, '{NEW_LEAF % ('ORIGIN', 13)}' FROM events WHERE seq = 1",
        ],
        "event_inserted",
    ),
    "a leaf there twice": (
        ["UPDATE events SET leaf = (SELECT leaf FROM events WHERE seq = 13) WHERE seq = 16"],
        "event_duplicated",
    ),
    "a leaf edited": (["UPDATE events SET leaf = replace(leaf, 'bypass', 'nothin')"], "leaf_changed"),
    "a leaf that is no envelope": (["UPDATE events SET leaf = '[]' WHERE seq = 14"], "leaf_changed"),
    "a column of a leaf's row edited": (["UPDATE events SET type = 'finding' WHERE seq = 16"], "event_row_changed"),
    "an actor edited": (["UPDATE events SET actor = 'local|eve' WHERE seq = 14"], "event_row_changed"),
    "an actor removed": (["UPDATE events SET actor = NULL WHERE seq = 14"], "event_row_changed"),
    "a stored hash edited": (["UPDATE hashes SET hash = zeroblob(32) WHERE position = 2"], "tree_changed"),
    "a stored hash dropped": (["DELETE FROM hashes WHERE position = 30"], "tree_changed"),
    "a payload edited": (
        ["UPDATE payloads SET meta = replace(meta, 'example.org', 'example.com') WHERE seq = 14"],
        "payload_changed",
    ),
    "a salt edited": (["UPDATE payloads SET meta_salt = zeroblob(32) WHERE seq = 14"], "payload_changed"),
    "a payload put in": (
        ["UPDATE payloads SET reply = '{}', reply_salt = zeroblob(32) WHERE seq = 14"],
        "payload_changed",
    ),
    "a payload erased without a leaf": (
        ["UPDATE payloads SET meta = NULL, meta_salt = NULL WHERE seq = 14"],
        "payload_missing",
    ),
    "a row of payloads dropped": (["DELETE FROM payloads WHERE seq = 2"], "payload_missing"),
    "a message edited": (["UPDATE contents SET text = 'nothing' WHERE text = 'gold'"], "message_changed"),
    "a message dropped": (["DELETE FROM contents WHERE text = 'gold'"], "content_missing"),
    "a node edited": (["UPDATE nodes SET role = 'user' WHERE role = 'assistant' AND depth = 1"], "node_changed"),
    "a node's maskings removed": (["UPDATE nodes SET maskings = '[]' WHERE depth = 1"], "node_changed"),
    "a node moved": (["UPDATE nodes SET parent = 1 WHERE parent = 5"], "node_changed"),
    "a node dropped from the middle": (["DELETE FROM nodes WHERE depth = 1"], "node_missing"),
    "a last node dropped": (["DELETE FROM nodes WHERE number = (SELECT max(number) FROM nodes)"], "node_missing"),
    "a block of a stream dropped": (["DELETE FROM nodes WHERE seq = 10"], "node_missing"),
    "a node given to another leaf": (["UPDATE nodes SET seq = 14 WHERE number = 8"], "node_added"),
    "a person's key edited": (
        ["UPDATE subjects SET key = zeroblob(32) WHERE subject = 'local|alice'"],
        "subject_changed",
    ),
    "a person renamed": (
        ["UPDATE subjects SET subject = 'local|eve' WHERE subject = 'local|alice'"],
        "subject_changed",
    ),
    "a person dropped": (["DELETE FROM subjects WHERE subject = 'local|alice'"], "subject_missing"),
    "an exchange's model edited": (
        ["UPDATE exchanges SET request_model = 'gpt-5' WHERE opened_seq = 2"],
        "exchange_row_changed",
    ),
    "an exchange's end edited": (
        ["UPDATE exchanges SET outcome = 'denied' WHERE opened_seq = 2"],
        "exchange_row_changed",
    ),
    "an exchange's policy edited": (
        ["UPDATE exchanges SET policy_digest = NULL WHERE opened_seq = 2"],
        "exchange_row_changed",
    ),
    "an exchange's end put in": (
        ["UPDATE exchanges SET outcome = 'completed' WHERE closed_seq IS NULL"],
        "exchange_row_changed",
    ),
    "an exchange's end taken out": (
        ["UPDATE exchanges SET closed_seq = NULL WHERE opened_seq = 2"],
        "exchange_row_changed",
    ),
    "an exchange pointed at another end": (
        ["UPDATE exchanges SET closed_seq = 5 WHERE opened_seq = 2"],
        "exchange_row_changed",
    ),
    "an exchange's length edited": (
        ["UPDATE exchanges SET request_length = 0 WHERE opened_seq = 2"],
        "exchange_row_changed",
    ),
    "an exchange pointed at other messages": (
        ["UPDATE exchanges SET request_node = 3 WHERE opened_seq = 2"],
        "exchange_row_changed",
    ),
    "an exchange pointed at another reply": (
        ["UPDATE exchanges SET reply_node = 4 WHERE opened_seq = 2"],
        "exchange_row_changed",
    ),
    "an exchange's row dropped": (["DELETE FROM exchanges WHERE opened_seq = 2"], "exchange_row_missing"),
    "an exchange's row put in": (
        [
            "INSERT INTO exchanges (id, session_id, opened_at, subject, streamed, request_length, opened_seq) VALUES ('ex_9', 's', 't', 'x', 0, 0, 4)"
        ],
        "exchange_row_added",
    ),
    "an approver edited": (["UPDATE approvals SET approver = 'local|carol'"], "approval_changed"),
    "a grade made better": (["UPDATE approvals SET grade = 'managed'"], "approval_changed"),
    "an approval's state edited": (["UPDATE approvals SET state = 'denied'"], "approval_changed"),
    "an approval dropped": (["DELETE FROM approvals"], "approval_missing"),
    "an approval put in": (["INSERT INTO approvals (id, state) VALUES ('ap_9', 'approved')"], "approval_added"),
    "an approval turned back to an older leaf": (
        [
            "UPDATE approvals SET state = 'pending', approver = NULL, decided_at = NULL, released_at = NULL, reason = NULL",
            "UPDATE heads SET seq = 7 WHERE kind = 'approval'",
        ],
        "approval_changed",
    ),
    "a grant's use taken back": (["UPDATE grants SET used_at = NULL, used_by = NULL"], "grant_changed"),
    "a grant put in": (["INSERT INTO grants (id) VALUES ('gr_9')"], "grant_added"),
    "a token's owner edited": (["UPDATE tokens SET subject = 'local|bob'"], "token_changed"),
    "a token put in": (["INSERT INTO tokens (id, sha256) VALUES ('tk_9', 'x')"], "token_added"),
    "a role edited": (["UPDATE roles SET role = 'admin'"], "role_changed"),
    "a role put in": (["INSERT INTO roles (id) VALUES ('r')"], "role_added"),
    "a policy edited": (["UPDATE policies SET content = '{\"other\":1}'"], "policy_changed"),
    "a policy dropped": (["DELETE FROM policies"], "policy_changed"),
    "a policy put in": (["INSERT INTO policies VALUES ('d', 't', NULL, '{}', 2)"], "policy_added"),
    "a checkpoint's row edited": (["UPDATE checkpoints SET root = 'AAAA' WHERE size = 10"], "checkpoint_row_changed"),
    "a checkpoint made unreadable": (["UPDATE checkpoints SET note = 'x' WHERE size = 10"], "checkpoint_signature_bad"),
    "the newest checkpoint dropped": (["DELETE FROM checkpoints WHERE size = 17"], "checkpoint_missing"),
    "a view replaced": (
        [
            "DROP VIEW messages",
            "CREATE VIEW messages AS SELECT '' AS exchange_id, 0 AS position, 'all is well' AS content",
        ],
        "schema_changed",
    ),
    "a trigger put in": (["CREATE TRIGGER t AFTER INSERT ON events BEGIN DELETE FROM payloads; END"], "schema_changed"),
    "a table dropped": (["DROP TABLE hashes"], "schema_changed"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_whatever_is_changed_is_found_by_its_name(copy, attack):
    statements, expected = ATTACKS[attack]
    origin = verifier(copy).name

    change(copy, *(statement.replace("ORIGIN", origin) for statement in statements))

    seen = found(copy)
    assert expected in seen.totals, seen.failures
    assert not seen.good


def test_the_leaf_that_was_changed_is_named(copy):
    change(copy, "UPDATE events SET leaf = replace(leaf, 'bypass', 'nothin')")

    [failure] = found(copy).failures

    assert (failure.name, failure.seq) == ("leaf_changed", 14)


def test_one_change_is_one_failure(copy):
    """A single edit is not buried under what follows from it."""
    change(copy, "UPDATE contents SET text = 'nothing' WHERE text = 'gold'")

    [failure] = found(copy).failures

    assert (failure.name, failure.seq) == ("message_changed", 3)


def test_a_failure_quotes_nothing_that_was_said(copy):
    change(
        copy, "UPDATE contents SET text = 'my secret' WHERE text = 'gold'", "UPDATE approvals SET reason = 'my secret'"
    )

    details = " ".join(failure.detail for failure in found(copy).failures)

    assert "secret" not in details
    assert "gold" not in details


def rewritten(folder, seq, **changes):
    """Edit a leaf as someone would who knows the format: its row, its hash and all hashes above it are right again."""
    [(leaf,)] = ask(folder, "SELECT leaf FROM events WHERE seq = ?", seq)
    body = canonical(json.loads(leaf) | changes)
    change(folder, ("UPDATE events SET leaf = ? WHERE seq = ?", (body.decode(), seq)))
    tree, stored = Tree(), []
    for (text,) in ask(folder, "SELECT leaf FROM events ORDER BY seq"):
        stored.extend(tree.append(leaf_hash(text.encode())))
    change(
        folder,
        *(("UPDATE hashes SET hash = ? WHERE position = ?", (digest, place)) for place, digest in enumerate(stored)),
    )
    return tree


def test_a_leaf_edited_with_its_hashes_breaks_the_next_checkpoint(copy):
    rewritten(copy, 5, attrs={"edited": True})

    seen = found(copy)

    assert dict(seen.totals) == {"checkpoint_root_bad": 1, "history_replaced": 1}
    assert [failure.seq for failure in seen.failures if failure.name == "checkpoint_root_bad"] == [10]


def test_a_leaf_of_no_known_form_is_named_even_where_its_hashes_are_right(copy):
    rewritten(copy, 14, type="nonsense")

    assert "leaf_invalid" in names(copy)


def test_a_second_end_of_an_exchange_is_named(copy):
    [(exchange_id,)] = ask(copy, "SELECT id FROM exchanges WHERE opened_seq = 2")
    rewritten(copy, 14, type="exchange.closed", exchange_id=exchange_id)

    change(copy, ("UPDATE events SET type = 'exchange.closed', exchange_id = ? WHERE seq = 14", (exchange_id,)))

    assert "closed_twice" in names(copy)


def signed_again(folder, signer, tree):
    """Sign the newest root once more, as whoever holds `signer`."""
    note = sign_checkpoint(signer, Checkpoint(signer.name, tree.size, tree.root()))
    root = base64.b64encode(tree.root()).decode()
    change(
        folder,
        "DELETE FROM checkpoints",
        ("INSERT INTO checkpoints VALUES (?, ?, ?, '2026-11-24T00:00:00.000000Z')", (tree.size, root, note)),
    )
    (folder / "head").write_text(note)


def test_a_log_rewritten_and_signed_by_another_key_is_found(copy):
    tree = rewritten(copy, 5, attrs={"edited": True})

    signed_again(copy, Signer(verifier(copy).name, b"e" * 32), tree)

    assert set(names(copy)) == {"checkpoint_signature_bad"}


def test_a_log_rewritten_and_signed_by_the_own_key_is_found_by_what_somebody_kept(copy, filled):
    """The machine and the key in one hand: only a checkpoint outside the machine tells."""
    kept = Claim((filled.folder / "head").read_text(), "Bob's client")
    tree = rewritten(copy, 5, attrs={"edited": True})

    signed_again(copy, filled.keys.signer, tree)

    assert names(copy) == {}
    assert names(copy, seen=[kept]) == {"history_replaced": 1}


def test_a_log_cut_to_an_older_checkpoint_is_found_by_the_head_file(copy):
    change(
        copy,
        "DELETE FROM events WHERE seq >= 10",
        "DELETE FROM payloads WHERE seq >= 10",
        "DELETE FROM checkpoints WHERE size > 10",
        "DELETE FROM nodes WHERE seq >= 10",
        "DELETE FROM exchanges WHERE opened_seq >= 10",
    )

    seen = found(copy)

    assert "events_cut" in seen.totals


def test_a_leaf_of_another_log_is_named(copy, tmp_path):
    (tmp_path / "other").mkdir()
    other = World(tmp_path / "other", seed=2)
    fill(other)
    [(leaf,)] = ask(other.folder, "SELECT leaf FROM events WHERE seq = 14")

    change(copy, ("UPDATE events SET leaf = ? WHERE seq = 14", (leaf,)))

    assert "foreign_leaf" in names(copy)


def test_a_message_rewritten_with_its_ids_is_found(copy):
    """Whoever holds the store holds the person's key too: the ids can be made right again, what leaves commit to cannot."""
    [(key,)] = ask(copy, "SELECT key FROM subjects WHERE subject = ?", ALICE)
    [(node, content)] = ask(
        copy, "SELECT n.number, n.content FROM nodes n JOIN contents c ON c.number = n.content WHERE c.text = 'silver'"
    )
    [(parent,)] = ask(copy, "SELECT id FROM nodes WHERE number = (SELECT parent FROM nodes WHERE number = ?)", node)
    content_id = content_id_of(key, "copper")
    node_id = node_id_of(key, parent, content_id, ("assistant", "text", "", ""), None)

    change(
        copy,
        ("UPDATE contents SET text = 'copper', id = ? WHERE number = ?", (content_id[:16], content)),
        ("UPDATE nodes SET id = ? WHERE number = ?", (node_id, node)),
    )

    assert set(names(copy)) == {"node_added", "exchange_row_changed"}


def test_a_message_hung_on_a_conversation_is_found(copy):
    """A node that fits the chain and the key, but that no leaf brought."""
    [(subject, key)] = ask(copy, "SELECT number, key FROM subjects WHERE subject = ?", ALICE)
    [(parent, parent_id, depth)] = ask(copy, "SELECT number, id, depth FROM nodes WHERE number = 2")
    content_id = content_id_of(key, "I confess")
    node_id = node_id_of(key, parent_id, content_id, ("user", "text", "", ""), None)

    change(
        copy,
        ("INSERT INTO contents VALUES (900, ?, ?, 'I confess')", (content_id[:16], subject)),
        (
            "INSERT INTO nodes VALUES (900, ?, ?, ?, ?, 900, 'user', 'text', NULL, NULL, NULL, 14)",
            (node_id, parent, depth + 1, subject),
        ),
    )

    assert set(names(copy)) == {"node_added"}


def test_a_payload_rewritten_with_its_salt_is_found(copy):
    [(meta,)] = ask(copy, "SELECT meta FROM payloads WHERE seq = 14")
    edited = meta.replace("example.org", "example.com")
    salt = b"s" * 32

    change(copy, ("UPDATE payloads SET meta = ?, meta_salt = ? WHERE seq = 14", (edited, salt)))

    assert commitment(salt, "meta", edited.encode()).startswith("hmac-sha256:")
    assert names(copy) == {"payload_changed": 1}


def test_an_exchange_row_edited_with_its_payload_is_found(copy):
    change(
        copy,
        "UPDATE exchanges SET request_model = 'gpt-5' WHERE opened_seq = 2",
        "UPDATE payloads SET meta = replace(meta, 'gpt-4o', 'gpt-5') WHERE seq = 2",
    )

    assert set(names(copy)) == {"payload_changed"}


def test_every_name_is_explained_and_every_explanation_has_its_attack():
    explained = {
        name for line in re.findall(r"(?m)^    (\w+(?:, \w+)*)  +\S", report.__doc__ or "") for name in line.split(", ")
    }
    tests = "".join(Path(__file__).with_name(name).read_text() for name in EXPLAINED_IN)
    for folder, files in ELSEWHERE.items():
        tests += "".join((Path(__file__).parents[1] / folder / name).read_text() for name in files)

    assert len(explained) > 40
    assert {name for name in explained if f'"{name}"' not in tests} == set()
    for source in Path(report.__file__ or "").parent.rglob("check_*.py"):
        assert set(re.findall(r'(?:fail|tell)\(\s*"(\w+)"', source.read_text())) <= explained
