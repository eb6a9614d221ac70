"""`affidavit log`: what it writes is checked by others, what it changes is refused to whoever may not."""

import json
import shutil
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from addons.evidence.checkpoints import Checkpoint
from addons.evidence.keys import Keys
from addons.evidence.log import check_consistency
from addons.evidence.proofs import parse_hashes
from addons.evidence.records import Event
from addons.evidence.store import Store
from scripts.affidavit import affidavit
from tests.scripts.commands import invoke


def append(state, count=3):
    store = Store.open(state.database, Keys.load(state.keys), clock=lambda: datetime.now(UTC), random=bytes)
    for number in range(count):
        store.append(Event("finding", attrs={"n": number})).result(10)
    note = store.checkpoint().result(10)
    store.close()
    return note


def test_a_proof_is_checked_by_the_command_without_a_state(state, tmp_path):
    append(state)
    invoke(state, "log", "proof", "2", "--out", str(tmp_path / "proofs"))
    leaf, proof = tmp_path / "proofs" / "2.leaf.json", tmp_path / "proofs" / "2.tlog-proof"
    vkey = Keys.load(state.keys).vkey

    good = CliRunner().invoke(affidavit, ["log", "check", str(leaf), str(proof), "--vkey", vkey])
    leaf.write_bytes(leaf.read_bytes().replace(b'"n":1', b'"n":2'))
    bad = CliRunner().invoke(affidavit, ["log", "check", str(leaf), str(proof), "--vkey", vkey])

    assert (good.exit_code, good.stdout.partition(" is in ")[0]) == (0, "leaf 2")
    assert bad.exit_code == 1
    assert bad.stderr.startswith("error: inclusion of leaf 2")


@pytest.mark.parametrize("what", ["99", "ex_nothing"])
def test_a_proof_of_what_is_not_there_is_refused(state, tmp_path, what):
    result = invoke(state, "log", "proof", what, "--out", str(tmp_path / "proofs"))

    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")


def test_an_older_checkpoint_is_shown_to_be_continued(state, tmp_path):
    (tmp_path / "old").write_text(append(state))
    append(state)

    told = json.loads(invoke(state, "log", "consistency", str(tmp_path / "old"), "--json").stdout)

    roots = [Checkpoint.unverified(note).root for note in ((tmp_path / "old").read_text(), told["checkpoint"])]
    check_consistency(told["old_size"], told["size"], parse_hashes(told["hashes"]), *roots)
    assert told["old_size"] < told["size"]


def test_tiles_are_written_once(state, tmp_path):
    note = append(state)

    first, second = (invoke(state, "log", "tiles", str(tmp_path / "tiles")) for _ in range(2))

    assert (first.exit_code, second.exit_code) == (0, 1)
    assert (tmp_path / "tiles" / "checkpoint").read_text() == note
    size = Checkpoint.unverified(note).size
    assert (tmp_path / "tiles" / f"tile/0/000.p/{size}").stat().st_size == 32 * size


def test_another_key_is_refused_while_a_gateway_owns_the_state(state):
    before = Keys.load(state.keys).vkey
    with state.own():
        assert invoke(state, "log", "rotate-key", "--reason", "yearly").exit_code == 1

    assert Keys.load(state.keys).vkey == before
    assert invoke(state, "log", "rotate-key", "--reason", "yearly").exit_code == 0
    assert Keys.load(state.keys).vkey != before
    assert CliRunner().invoke(affidavit, ["verify", str(state.path)]).exit_code == 0


def test_a_restored_copy_goes_on_as_another_log_on_the_operators_word(state, tmp_path):
    append(state)
    shutil.copy(state.database, tmp_path / "backup.db")
    append(state)
    shutil.copy(tmp_path / "backup.db", state.database)

    refused = invoke(state, "token", "list")
    recovered = invoke(state, "log", "recover", "--reason", "the disk died")
    after = invoke(state, "token", "list")

    assert refused.exit_code == 1
    assert "affidavit log recover" in refused.stderr
    assert recovered.exit_code == 0, recovered.output
    assert after.exit_code == 0, after.output
    assert Keys.load(state.keys).origin.endswith("/e2")
    assert CliRunner().invoke(affidavit, ["verify", str(state.path)]).exit_code == 0


def test_a_healthy_store_is_not_given_up(state):
    result = invoke(state, "log", "recover", "--reason", "because")

    assert result.exit_code == 1
    assert "is whole and the newest that is known" in result.stderr
