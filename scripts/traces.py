"""Values looked for in every byte that a gateway wrote: as they are, in pieces of other forms, in cells of the store that are compressed. Not a detector."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus

import zstandard

from addons.evidence.database import reader

ZSTD = b"\x28\xb5\x2f\xfd"


def forms(value: str) -> Iterator[bytes]:
    """How a value may stand in a file: as it is, without its separators, escaped, encoded."""
    bare = value.replace(" ", "").replace("-", "") if value[0].isdigit() else value
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in value)
    for text in {
        value,
        bare,
        quote(value),
        quote(value, safe=""),
        quote_plus(value),
        json.dumps(value)[1:-1],
        html.escape(value),
        value.upper(),
        value.lower(),
        escaped,
    }:
        yield text.encode()
        yield text.encode("utf-16-le")
        yield text.encode().hex().encode()
        for shift in range(
            3
        ):  # base64 looks different at each of the three alignments; its first and last characters mix with neighbours
            yield base64.b64encode(bytes(shift) + text.encode())[4 if shift else 0 : -4].rstrip(b"=")


def needles(values: Mapping[str, str]) -> dict[str, tuple[bytes, ...]]:
    return {name: tuple(dict.fromkeys(form.lower() for form in forms(value))) for name, value in values.items()}


def found_in(data: bytes, sought: Mapping[str, Iterable[bytes]]) -> set[str]:
    """Names of the values that are there, in any case of letters."""
    lowered = data.lower()
    return {name for name, forms_of in sought.items() if any(form in lowered for form in forms_of)}


def cells(database: Path) -> Iterator[bytes]:
    """Every value of every table: a long text is spread over pages, and compressed ones say nothing as they are."""
    with reader(database) as store:
        tables = [name for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for row in store.execute(f'SELECT * FROM "{table}"'):  # noqa: S608 -- names from the schema itself
                for value in row:
                    if isinstance(value, bytes) and value.startswith(ZSTD):
                        yield zstandard.ZstdDecompressor().decompressobj().decompress(value)
                    elif isinstance(value, (str, bytes)):
                        yield value.encode() if isinstance(value, str) else value


def written(folder: Path, database: Path) -> bytes:
    """All of it, one after the other: every file below the folder, and the store's cells, each once."""
    files = [path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()]
    return b"\n\0\n".join((*files, *dict.fromkeys(cells(database))))
