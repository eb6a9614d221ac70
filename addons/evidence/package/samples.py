"""samples/S-001.html …: one page for each sampled exchange, with its proof laid out to be checked by hand. Not which are sampled (sampling.py).

samples/index.csv                          number, rank, exchange; how each rank is made stands in sampling.py and on the page
samples/S-001.html                         who, when, why, what was said (masked), who allowed it, leaves, and the commands that check them
samples/S-001/opened.meta.json …           payloads, byte for byte what the leaf commits to
machine/samples/S-001.har                  the same for programs; with
machine/samples/S-001.opened.tlog-proof    c2sp.org/tlog-proof of each leaf
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from addons.evidence.columns import PAYLOAD_KINDS
from addons.evidence.database import Connection
from addons.evidence.log import Read, leaf_hash
from addons.evidence.package.bag import Sink
from addons.evidence.package.har import har
from addons.evidence.package.listing import lines
from addons.evidence.package.sampling import Drawn
from addons.evidence.proofs import prove_inclusion

Row = dict[str, Any]

SHOWN_PARTS = 40  # newest parts of a conversation that a page shows
SHOWN_CHARACTERS = 6000  # of each part


@dataclass(frozen=True, slots=True)
class Payload:
    kind: str
    file: str
    salt: str
    commitment: str


@dataclass(frozen=True, slots=True)
class Leaf:
    """One leaf of the exchange, with what is needed to follow it to the signed root."""

    title: str  # opened, closed
    seq: int
    body: str = field(repr=False)
    hash: str
    payloads: tuple[Payload, ...]
    path: tuple[
        str, ...
    ]  # "L:<hex>" where the other hash stands left, "R:<hex>" where it stands right; from the leaf up
    proof: str = ""  # the file; "" where no checkpoint covers the leaf yet


@dataclass(frozen=True, slots=True)
class Sample:
    """What a page shows."""

    number: str  # S-001
    exchange: Row = field(repr=False)
    messages: tuple[Row, ...] = field(repr=False)
    hidden: int  # older parts that the page leaves out
    commands: tuple[Row, ...] = field(repr=False)
    maskings: tuple[Row, ...] = field(repr=False)
    approval: Row | None = field(repr=False)
    grant: Row | None = field(repr=False)
    votes: tuple[Row, ...] = field(repr=False)
    leaves: tuple[Leaf, ...] = field(repr=False)

    @property
    def metadata_only(self) -> bool:
        """The connection's content is not kept; its leaf says so."""
        return any(orjson.loads(leaf.body)["attrs"].get("visibility") == "metadata" for leaf in self.leaves)


def write_samples(
    sink: Sink, package: Connection, drawn: Sequence[Drawn], note: str, size: int, hashes: Read
) -> Iterator[Sample]:
    """note: the newest checkpoint, over `size` leaves; hashes: those of the tree. Each sample is written but for its page."""
    rows = [(f"S-{number:03}", one.rank, one.name) for number, one in enumerate(drawn, 1)]
    sink.write("samples/index.csv", [lines([("sample", "rank", "exchange_id"), *rows])])
    for number, _, exchange_id in rows:
        yield _sample(sink, package, number, exchange_id, note, size, hashes)


def _sample(
    sink: Sink, package: Connection, number: str, exchange_id: str, note: str, size: int, hashes: Read
) -> Sample:
    [exchange] = _rows(package, "SELECT * FROM exchanges WHERE id = ?", exchange_id)
    messages = _rows(package, "SELECT * FROM messages WHERE exchange_id = ? ORDER BY position", exchange_id)
    approval = next(iter(_rows(package, "SELECT * FROM approvals WHERE id = ?", exchange["approval_id"])), None)
    grant = next(iter(_rows(package, "SELECT * FROM grants WHERE used_by = ?", exchange_id)), None)
    leaves, payloads = [], {}
    for title, seq in (("opened", exchange["opened_seq"]), ("closed", exchange["closed_seq"])):
        if seq is not None:
            leaf, found = _leaf(sink, package, f"{number}", title, seq, note, size, hashes)
            leaves.append(leaf)
            payloads.update(found)
    proofs = [{"leaf": orjson.loads(leaf.body), "file": leaf.proof} for leaf in leaves]
    sink.write(f"machine/samples/{number}.har", [har(exchange, messages, payloads, proofs)])
    return Sample(
        number, exchange, tuple(messages[-SHOWN_PARTS:]), max(0, len(messages) - SHOWN_PARTS),
        tuple(_rows(package, "SELECT * FROM commands WHERE exchange_id = ? ORDER BY position", exchange_id)),
        tuple(_rows(package, "SELECT * FROM maskings WHERE exchange_id = ? ORDER BY location", exchange_id)),
        approval, grant, tuple(_votes(package, exchange["approval_id"])), tuple(leaves),
    )  # fmt: skip


def _leaf(
    sink: Sink, package: Connection, number: str, title: str, seq: int, note: str, size: int, hashes: Read
) -> tuple[Leaf, dict[str, Any]]:
    [row] = _rows(
        package, "SELECT e.leaf, p.* FROM events e LEFT JOIN payloads p ON p.seq = e.seq WHERE e.seq = ?", seq
    )
    body = row["leaf"]
    commitments = {one["kind"]: one["commitment"] for one in orjson.loads(body)["payloads"]}
    payloads, contents = [], {}
    for kind in PAYLOAD_KINDS:
        if row[kind] is not None and row[f"{kind}_salt"] is not None and kind in commitments:
            file = f"samples/{number}/{title}.{kind}.json"
            sink.write(file, [row[kind].encode()])
            payloads.append(Payload(kind, file, row[f"{kind}_salt"].hex(), commitments[kind]))
            contents[kind] = orjson.loads(row[kind])
    proof = ""
    path: tuple[str, ...] = ()
    if seq < size:
        inclusion = prove_inclusion(seq, note, hashes)
        proof = f"machine/samples/{number}.{title}.tlog-proof"
        sink.write(proof, [inclusion.text.encode()])
        path = tuple(_steps(seq, size, inclusion.hashes))
    return Leaf(title, seq, body, leaf_hash(body.encode()).hex(), tuple(payloads), path, proof), contents


def _steps(index: int, size: int, hashes: Sequence[bytes]) -> Iterator[str]:
    """Which side each hash of a proof stands on. RFC 9162, 2.1.3.2."""
    first, last = index, size - 1
    for one in hashes:
        if first & 1 or first == last:
            yield f"L:{one.hex()}"
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            yield f"R:{one.hex()}"
        first, last = first >> 1, last >> 1


def _votes(package: Connection, approval_id: str | None) -> list[Row]:
    """Who voted, as the newest leaf of the approval has it."""
    if approval_id is None:
        return []
    query = (
        "SELECT p.approval FROM events e JOIN payloads p ON p.seq = e.seq WHERE e.type GLOB 'approval.*' "
        "AND e.type NOT IN ('exchange.opened', 'exchange.closed') AND json_extract(p.approval, '$.approval.id') = ? ORDER BY e.seq DESC LIMIT 1"
    )
    row = package.execute(query, (approval_id,)).fetchone()
    return [] if row is None else list(orjson.loads(row[0]).get("details", {}).get("votes", ()))


def _rows(package: Connection, query: str, *values: Any) -> list[Row]:
    cursor = package.execute(query, values)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]
