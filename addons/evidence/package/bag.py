"""A BagIt 1.0 directory (RFC 8493): payload under data/, a manifest that `sha256sum -c` reads. Not what the payload is.

OUT/bagit.txt                BagIt-Version: 1.0 …
OUT/bag-info.txt             who, when, how much: the one place with the real clock
OUT/manifest-sha256.txt      <hex>  data/<path>      in the order of the paths
OUT/tagmanifest-sha256.txt   <hex>  <path>           of every file outside data/ but itself
OUT/data/…                   the payload
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Protocol

_PIECE_BYTES = 1 << 20


class Sink(Protocol):
    """Where the files of data/ go: a bag that is being written, or a comparison with one that is there."""

    def write(self, name: str, pieces: Iterable[bytes]) -> None:
        """A file, from its pieces; `name` is relative to data/."""


@dataclass(slots=True)
class Bag:
    """A bag that is being written in `folder`."""

    folder: Path
    digests: dict[str, str] = field(default_factory=dict)  # of each payload file: "data/…" -> hex
    tags: dict[str, str] = field(default_factory=dict)

    def write(self, name: str, pieces: Iterable[bytes]) -> None:
        """A file of the payload, from its pieces; `name` is relative to data/."""
        self.digests[f"data/{name}"] = self._write(f"data/{name}", pieces)

    def tag(self, name: str, pieces: Iterable[bytes]) -> None:
        """A file beside the payload."""
        self.tags[name] = self._write(name, pieces)

    @contextmanager
    def made_by(self, name: str) -> Iterator[Path]:
        """A path in the payload that another library writes to."""
        path = self._path(f"data/{name}")
        yield path
        with path.open("rb") as file:
            self.digests[f"data/{name}"] = _digest(file)

    def manifest(self) -> str:
        """Write the manifest; its own "sha256:" + hex. The payload is complete from here on."""
        lines = [f"{digest}  {name}\n".encode() for name, digest in sorted(self.digests.items())]
        self.tag("manifest-sha256.txt", lines)
        return "sha256:" + self.tags["manifest-sha256.txt"]

    def finish(self, about: Mapping[str, str]) -> None:
        """Write the other files of the bag. about: the lines of bag-info.txt."""
        size = sum((self.folder / name).stat().st_size for name in self.digests)
        about = {**about, "Payload-Oxum": f"{size}.{len(self.digests)}"}
        self.tag("bagit.txt", [b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"])
        self.tag("bag-info.txt", [f"{name}: {_one_line(value)}\n".encode() for name, value in about.items()])
        lines = [f"{digest}  {name}\n".encode() for name, digest in sorted(self.tags.items())]
        self._write("tagmanifest-sha256.txt", lines)

    def _write(self, name: str, pieces: Iterable[bytes]) -> str:
        digest = sha256()
        with os.fdopen(os.open(self._path(name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            for piece in pieces:
                digest.update(piece)
                file.write(piece)
        return digest.hexdigest()

    def _path(self, name: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path


def _digest(file: BinaryIO) -> str:
    digest = sha256()
    while piece := file.read(_PIECE_BYTES):
        digest.update(piece)
    return digest.hexdigest()


def _one_line(value: str) -> str:
    return " ".join(value.split())
