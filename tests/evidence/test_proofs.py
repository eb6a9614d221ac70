"""Proofs that travel alone, and the log as files: the forms of c2sp.org/tlog-proof and c2sp.org/tlog-tiles."""

import base64
import struct
from hashlib import sha256

import pytest

from addons.evidence.checkpoints import Checkpoint, NoteInvalid, Signer
from addons.evidence.log import ProofInvalid, Tree, check_consistency, leaf_hash, root_at
from addons.evidence.proofs import Inclusion, hash_lines, parse_hashes, prove_consistency, prove_inclusion
from addons.evidence.store import Store
from addons.evidence.stored_log import StoredHashes, leaves_between, newest_note
from addons.evidence.tiles import tile_path, tiles

SIGNER = Signer("log.example/1", bytes(range(32)))
# The example of c2sp.org/tlog-proof (read 2026-11-25), its signatures left out there too.
EXAMPLE = """c2sp.org/tlog-proof@v1
extra YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6kYXJ3aW4tYXJ
index 73894
gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=
EKNzoDWG8LGC0Yp9o+sv3qllpMP9uHQ9B20KNL+Q1zs=
RoopEkOdqkYqMB4MJXrbt/hMjOxsVn0IrWjpz1ZMMes=
AHCioX9nLjsrse6YhjRRmk1WUEirVOLLRoOQ6vfO5vk=

example.com/fancylog
109482
sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=
"""


class Log:
    """Leaves in memory, their stored hashes and a checkpoint over all of them."""

    def __init__(self, size):
        self.leaves = [f'{{"seq":{number}}}'.encode() for number in range(size)]
        self.hashes, tree = [], Tree()
        for leaf in self.leaves:
            self.hashes.extend(tree.append(leaf_hash(leaf)))
        self.note = SIGNER.sign(Checkpoint(SIGNER.name, size, tree.root()).body)

    def read(self, positions):
        return [self.hashes[position] for position in positions]

    def between(self, first, end):
        return self.leaves[first:end]


def test_the_example_of_the_specification_is_read():
    found = Inclusion.of(EXAMPLE)

    assert (found.index, len(found.hashes)) == (73894, 5)
    assert Checkpoint.of(found.note).size == 109482


@pytest.mark.parametrize("size", [1, 2, 7, 8, 100])
def test_each_leaf_is_proven_by_its_own_text_alone(size):
    log = Log(size)

    for number, leaf in enumerate(log.leaves):
        text = prove_inclusion(number, log.note, log.read).text
        assert Inclusion.of(text).check(leaf, SIGNER.verifier).size == size
        assert Inclusion.of(text).text == text


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace("index 3", "index 4"),
        lambda text: text.replace("index 3", "index 03"),
        lambda text: text.replace("@v1", "@v2"),
        lambda text: text.replace("\n\n", "\n", 1),
        lambda text: text.replace("\n7\n", "\n6\n"),
        lambda text: "\n".join([*text.split("\n")[:2], *text.split("\n")[3:]]),
        lambda text: text.replace("index 3\n", "index 3\n" + "A" * 43 + "=\n"),
        lambda text: text.replace("index 3\n", "index 3\nAAAA\n"),
        lambda text: text.replace("index 3\n", "index 3\n" + ("A" * 43 + "=\n") * 64),
    ],
    ids=["index", "zeroes", "version", "no-blank", "size", "hash-out", "hash-in", "short", "endless"],
)
def test_a_damaged_proof_is_refused(damage):
    log = Log(7)
    text = prove_inclusion(3, log.note, log.read).text

    with pytest.raises((ProofInvalid, NoteInvalid)):
        Inclusion.of(damage(text)).check(log.leaves[3], SIGNER.verifier)


def test_a_proof_of_one_leaf_proves_no_other_and_under_another_key_nothing():
    log = Log(7)
    proof = prove_inclusion(3, log.note, log.read)

    with pytest.raises(ProofInvalid):
        proof.check(log.leaves[4], SIGNER.verifier)
    with pytest.raises(NoteInvalid):
        proof.check(log.leaves[3], Signer("log.example/1", bytes(32)).verifier)


def test_a_later_checkpoint_is_proven_to_continue_an_earlier_one():
    early, late = Log(40), Log(100)

    lines = hash_lines(prove_consistency(40, late.note, late.read))

    roots = [Checkpoint.unverified(log.note).root for log in (early, late)]
    check_consistency(40, 100, parse_hashes(lines), *roots)


# The example numbers of c2sp.org/tlog-tiles.
@pytest.mark.parametrize(
    ("index", "width", "path"),
    [
        (1234067, 256, "tile/0/x001/x234/067"),
        (0, 256, "tile/0/000"),
        (999, 256, "tile/0/999"),
        (1000, 256, "tile/0/x001/000"),
        (273, 112, "tile/0/273.p/112"),
    ],
)
def test_a_tile_has_the_path_of_the_specification(index, width, path):
    assert tile_path(0, index, width) == path


def test_a_tree_of_70000_is_the_tiles_that_the_specification_counts():
    paths = [path for path, _ in tiles(70_000, lambda positions: [b""] * len(positions), lambda _first, _end: [])]
    hashes = [path for path in paths if "entries" not in path]

    assert len([path for path in hashes if path.startswith("tile/0/") and ".p" not in path]) == 273
    assert [path for path in hashes if ".p" in path] == ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"]
    assert "tile/1/000" in hashes


def test_tiles_and_entries_give_the_root_again():
    """As another tool reads them: entries hash to level 0, full tiles to the level above, all to the root."""
    log = Log(600)
    files = dict(tiles(600, log.read, log.between))

    found, leaves = [], []
    for path in ("tile/entries/000", "tile/entries/001", "tile/entries/002.p/88"):
        data = files[path]
        while data:
            (length,) = struct.unpack(">H", data[:2])
            leaves.append(data[2 : 2 + length])
            data = data[2 + length :]
    for path in ("tile/0/000", "tile/0/001", "tile/0/002.p/88"):
        found += [files[path][start : start + 32] for start in range(0, len(files[path]), 32)]
    assert leaves == log.leaves
    assert found == [leaf_hash(leaf) for leaf in leaves]
    assert files["tile/1/000.p/2"] == b"".join(root_of(found[first : first + 256]) for first in (0, 256))
    assert len(files) == 7


def root_of(hashes):
    """By the definition, over leaf hashes."""
    while len(hashes) > 1:
        hashes = [sha256(b"\x01" + hashes[at] + hashes[at + 1]).digest() for at in range(0, len(hashes), 2)]
    return hashes[0]


def test_a_leaf_that_no_tile_can_hold_is_refused():
    with pytest.raises(ValueError, match="expected fewer than 65536"):
        list(tiles(1, lambda _positions: [b""], lambda _first, _end: [b"x" * 65536]))


def test_a_store_proves_its_leaves(filled):
    with Store.reader(filled.path) as connection:
        read = StoredHashes(connection)
        note = newest_note(connection)
        size = Checkpoint.unverified(note).size
        for seq, leaf in enumerate(leaves_between(connection, 0, size)):
            prove_inclusion(seq, note, read).check(leaf, filled.keys.signer.verifier)
        assert base64.b64encode(root_at(size, read)).decode() in note
