r"""The Merkle tree over the leaves: append, root, proofs and their checks. Pure; not the leaves' content, not storage.

    leaf hash  SHA-256(0x00 body)             root of nothing  SHA-256("")
    node hash  SHA-256(0x01 left right)       RFC 6962, 2.1; checks of proofs: RFC 9162, 2.1.3.2 and 2.1.4.2

The hash of every complete subtree is kept in one sequence that only grows: leaf n's hash, then those of the subtrees that it
completes, smallest first (the order of Go's sumdb, golang.org/x/mod/sumdb/tlog). `position` says where one lies; every root
and proof of any size is made of O(log n) of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256

Read = Callable[[Sequence[int]], Sequence[bytes]]  # stored hashes at these positions, in the same order

EMPTY_ROOT = sha256(b"").digest()


class ProofInvalid(ValueError):  # noqa: N818 - reads as what is wrong
    """A proof that does not show what it claims. The fault of whoever made it."""


def leaf_hash(body: bytes) -> bytes:
    return sha256(b"\x00" + body).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def position(level: int, index: int) -> int:
    """Where the hash of subtree `index` of 2**level leaves lies in the stored sequence."""
    last_leaf = ((index + 1) << level) - 1
    return 2 * last_leaf - last_leaf.bit_count() + level


def stored_count(size: int) -> int:
    """How many hashes a tree of `size` leaves has stored."""
    return 2 * size - size.bit_count()


class Tree:
    """A tree that grows: its size and the complete subtrees on its right edge, largest first."""

    __slots__ = ("_edge", "size")

    def __init__(self, size: int = 0, edge: Iterable[bytes] = ()) -> None:
        self.size = size
        self._edge = list(edge)
        if len(self._edge) != size.bit_count():
            raise ValueError(f"edge of a tree of {size}: expected {size.bit_count()} hashes, got {len(self._edge)}")

    @classmethod
    def stored(cls, size: int, read: Read) -> Tree:
        return cls(size, read([position(level, index) for level, index in _subtrees(0, size)]))

    def append(self, leaf: bytes) -> list[bytes]:
        """Add a leaf's hash; the hashes to store, in their order."""
        stored = [leaf]
        carry = self.size
        while carry & 1:
            leaf = sha256(b"\x01" + self._edge.pop() + leaf).digest()
            stored.append(leaf)
            carry >>= 1
        self._edge.append(leaf)
        self.size += 1
        return stored

    def root(self) -> bytes:
        return _fold(self._edge)


def root_at(size: int, read: Read) -> bytes:
    """The root that the tree had at `size` leaves."""
    return _range_hash(0, size, read)


def inclusion_proof(index: int, size: int, read: Read) -> tuple[bytes, ...]:
    """Hashes that lead from leaf `index` to the root of `size` leaves, from the leaf up. RFC 6962, 2.1.1."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} of a tree of {size}: expected an index below the size")
    path = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(_range_hash(middle, high, read))
            high = middle
        else:
            path.append(_range_hash(low, middle, read))
            low = middle
    return tuple(reversed(path))


def consistency_proof(old: int, new: int, read: Read) -> tuple[bytes, ...]:
    """Hashes that show the tree of `old` leaves to be the beginning of the tree of `new`. RFC 6962, 2.1.2."""
    if not 0 <= old <= new:
        raise ValueError(f"consistency of {old} with {new}: expected 0 <= old <= new")
    if old == 0:
        return ()
    proof = []
    low, high = 0, new
    while old != high:
        middle = low + _split(high - low)
        if old <= middle:
            proof.append(_range_hash(middle, high, read))
            high = middle
        else:
            proof.append(_range_hash(low, middle, read))
            low = middle
    if low:
        proof.append(_range_hash(low, high, read))
    return tuple(reversed(proof))


def check_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Raise ProofInvalid unless `proof` shows that `leaf` (a leaf hash) is number `index` of the `size` under `root`."""
    if not 0 <= index < size:
        raise ProofInvalid(f"inclusion of leaf {index}: expected an index below {size}")
    first, last, found = index, size - 1, leaf
    for step in proof:
        if last == 0:
            raise ProofInvalid(f"inclusion of leaf {index} in {size}: the proof is too long")
        if first & 1 or first == last:
            found = node_hash(step, found)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            found = node_hash(found, step)
        first, last = first >> 1, last >> 1
    if last or found != root:
        raise ProofInvalid(f"inclusion of leaf {index} in {size}: the proof leads to another root")


def check_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Raise ProofInvalid unless `proof` shows the tree under `old_root` to be the beginning of the one under `new_root`."""
    if old in {0, new}:
        same = old_root == (EMPTY_ROOT if old == 0 else new_root)
        if proof or not same:
            raise ProofInvalid(f"consistency of {old} with {new}: expected an empty proof and the same root")
        return
    steps = iter(proof if old & (old - 1) else [old_root, *proof])
    first, last = old - 1, new - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    old_found = new_found = next(steps, b"")
    for step in steps:
        if last == 0:
            raise ProofInvalid(f"consistency of {old} with {new}: the proof is too long")
        if first & 1 or first == last:
            old_found, new_found = node_hash(step, old_found), node_hash(step, new_found)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            new_found = node_hash(new_found, step)
        first, last = first >> 1, last >> 1
    if last or old_found != old_root or new_found != new_root:
        raise ProofInvalid(f"consistency of {old} with {new}: the proof leads to other roots")


def _split(count: int) -> int:
    """The largest power of two below `count`."""
    return 1 << (count - 1).bit_length() - 1


def _subtrees(low: int, high: int) -> Iterator[tuple[int, int]]:
    """(level, index) of the complete subtrees of [low, high), left to right. `low` is where RFC 6962 would split."""
    while low < high:
        level = (high - low).bit_length() - 1
        yield level, low >> level
        low += 1 << level


def _range_hash(low: int, high: int, read: Read) -> bytes:
    return _fold(list(read([position(level, index) for level, index in _subtrees(low, high)])))


def _fold(edge: list[bytes]) -> bytes:
    if not edge:
        return EMPTY_ROOT
    found = edge[-1]
    for left in reversed(edge[:-1]):
        found = node_hash(left, found)
    return found
