"""The Merkle tree against Certificate Transparency's reference vectors (transparency-dev/merkle, testonly/constants.go) and its own laws."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.evidence import log

LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    bytes.fromhex(text)
    for text in (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    )
]
INCLUSION_5_OF_8 = [
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
]
CONSISTENCY_6_TO_8 = [
    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
]
CONSISTENCY_2_TO_5 = [
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
]


class Stored(list):
    """The stored sequence of a tree over these leaf hashes, and a reader of it."""

    def __init__(self, leaves):
        super().__init__()
        self.tree = log.Tree()
        for leaf in leaves:
            self.extend(self.tree.append(leaf))

    def read(self, positions):
        return [self[position] for position in positions]


def by_definition(leaves):
    """RFC 6962, 2.1, written down as it stands."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\x01" + by_definition(leaves[:split]) + by_definition(leaves[split:])).digest()


def hashes(count):
    return [log.leaf_hash(str(number).encode()) for number in range(count)]


@pytest.mark.parametrize("size", range(9))
def test_the_root_is_the_reference_root(size):
    stored = Stored([log.leaf_hash(leaf) for leaf in LEAVES])

    assert log.root_at(size, stored.read) == ROOTS[size]
    assert Stored([log.leaf_hash(leaf) for leaf in LEAVES[:size]]).tree.root() == ROOTS[size]


def test_inclusion_is_the_reference_proof():
    stored = Stored([log.leaf_hash(leaf) for leaf in LEAVES])

    assert [step.hex() for step in log.inclusion_proof(5, 8, stored.read)] == INCLUSION_5_OF_8


@pytest.mark.parametrize(("old", "new", "expected"), [(6, 8, CONSISTENCY_6_TO_8), (2, 5, CONSISTENCY_2_TO_5)])
def test_consistency_is_the_reference_proof(old, new, expected):
    stored = Stored([log.leaf_hash(leaf) for leaf in LEAVES])

    assert [step.hex() for step in log.consistency_proof(old, new, stored.read)] == expected


@given(st.integers(0, 200))
def test_the_incremental_root_is_the_recursive_one(size):
    leaves = hashes(size)

    assert Stored(leaves).tree.root() == by_definition(leaves)


@given(st.integers(0, 200))
def test_every_complete_subtree_lies_at_its_position(size):
    leaves = hashes(size)
    stored = Stored(leaves)

    found = {}
    for level in range(8):
        for index in range(size >> level):
            found[log.position(level, index)] = by_definition(leaves[index << level : (index + 1) << level])
    assert [found[position] for position in sorted(found)] == list(stored)
    assert len(stored) == log.stored_count(size)


@given(st.integers(0, 100), st.integers(0, 100))
def test_a_tree_continued_from_its_stored_hashes_gives_the_same_root(size, more):
    leaves = hashes(size + more)
    tree = log.Tree.stored(size, Stored(leaves[:size]).read)

    for leaf in leaves[size:]:
        tree.append(leaf)

    assert tree.root() == by_definition(leaves)


@given(st.integers(1, 130).flatmap(lambda size: st.tuples(st.integers(0, size - 1), st.just(size))))
def test_inclusion_holds_for_the_leaf_and_for_no_other(case):
    index, size = case
    leaves = hashes(size)
    stored = Stored(leaves)
    proof = log.inclusion_proof(index, size, stored.read)

    log.check_inclusion(leaves[index], index, size, proof, stored.tree.root())
    with pytest.raises(log.ProofInvalid):
        log.check_inclusion(log.leaf_hash(b"other"), index, size, proof, stored.tree.root())
    with pytest.raises(log.ProofInvalid):
        log.check_inclusion(leaves[index], index, size, [*proof, bytes(32)], stored.tree.root())
    with pytest.raises(log.ProofInvalid):
        log.check_inclusion(leaves[index], index, size + size, proof, stored.tree.root())


@given(st.integers(1, 130).flatmap(lambda new: st.tuples(st.integers(0, new), st.just(new))))
def test_consistency_holds_for_the_old_root_and_for_no_other(case):
    old, new = case
    leaves = hashes(new)
    stored = Stored(leaves)
    old_root, new_root = by_definition(leaves[:old]), stored.tree.root()
    proof = log.consistency_proof(old, new, stored.read)

    log.check_consistency(old, new, proof, old_root, new_root)
    with pytest.raises(log.ProofInvalid):
        log.check_consistency(old, new, proof, bytes(32), new_root)
    with pytest.raises(log.ProofInvalid):
        log.check_consistency(old, new, [*proof, bytes(32)], old_root, new_root)
    if old:
        with pytest.raises(log.ProofInvalid):
            log.check_consistency(old, new, proof, old_root, bytes(32))


def test_an_index_outside_the_tree_has_no_proof():
    with pytest.raises(ValueError, match="leaf 3 of a tree of 3"):
        log.inclusion_proof(3, 3, Stored(hashes(3)).read)


def test_a_larger_old_tree_has_no_consistency_proof():
    with pytest.raises(ValueError, match="consistency of 4 with 3"):
        log.consistency_proof(4, 3, Stored(hashes(3)).read)


def test_an_edge_of_the_wrong_length_is_refused():
    with pytest.raises(ValueError, match="edge of a tree of 3: expected 2 hashes, got 1"):
        log.Tree(3, [bytes(32)])


def test_an_inclusion_proof_for_an_index_beyond_the_size_is_refused():
    with pytest.raises(log.ProofInvalid, match="expected an index below 2"):
        log.check_inclusion(bytes(32), 2, 2, [], bytes(32))
