r"""The log as static files that any tlog tool reads. Not a server, not the package around them. Source: c2sp.org/tlog-tiles.

    checkpoint                        the newest signed note
    tile/<level>/<n>[.p/<width>]      256 hashes of 32 bytes: of leaves (level 0), of full tiles of the level below (others)
    tile/entries/<n>[.p/<width>]      256 leaves, each after its length as two bytes, big-endian
    n                                 in threes of digits: 1234067 is x001/x234/067; .p: a tile at the right edge that is not full

A file that is full never changes again.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence

from addons.evidence.log import Read, position

WIDTH = 256
_HEIGHT = 8
_ENTRY_BYTES = 2**16  # what two bytes can count; a leaf is a few hundred (drafts.ATTRS_BYTES)

Leaves = Callable[[int, int], Sequence[bytes]]  # the bytes of leaves [first, end)


def tile_path(level: int | str, index: int, width: int = WIDTH) -> str:
    digits = f"{index % 1000:03d}"
    while index := index // 1000:
        digits = f"x{index % 1000:03d}/{digits}"
    return f"tile/{level}/{digits}" + ("" if width == WIDTH else f".p/{width}")


def tiles(size: int, read: Read, leaves: Leaves) -> Iterator[tuple[str, bytes]]:
    """(path, content) of every file of a log of `size` leaves, but for its checkpoint; one tile in memory at a time."""
    for first in range(0, size, WIDTH):
        width = min(WIDTH, size - first)
        yield tile_path("entries", first // WIDTH, width), b"".join(map(_entry, leaves(first, first + width)))
    level, count = 0, size
    while count:
        for first in range(0, count, WIDTH):
            width = min(WIDTH, count - first)
            hashes = read([position(level * _HEIGHT, index) for index in range(first, first + width)])
            yield tile_path(level, first // WIDTH, width), b"".join(hashes)
        level, count = level + 1, count // WIDTH


def _entry(leaf: bytes) -> bytes:
    if len(leaf) >= _ENTRY_BYTES:
        raise ValueError(
            f"leaf of {len(leaf)} bytes: expected fewer than {_ENTRY_BYTES}, which is what a tile can hold"
        )
    return struct.pack(">H", len(leaf)) + leaf
