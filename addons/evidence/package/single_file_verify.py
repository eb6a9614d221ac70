#!/usr/bin/env python3
r"""Checks an Affidavit evidence package, or an evidence store, with Python >= 3.8 and nothing else. Exit status 0: all holds.

    python3 verify.py [PATH] [--vkey 'NAME+HASH+KEY'] [--seen FILE ...] [--tsa-ca FILE ...] [--all]

PATH    a package (the folder with bagit.txt, or its data/), a store (evidence.db), or a receipt of an approval. Default: the package
        that this file lies in.
--vkey  the log's key as you were given it, not as you found it in the package. Without it, a package that was made anew under
        another key cannot be told from the true one.
--seen  checkpoints that you kept from before (log/checkpoints/*.txt, or a gateway's `head`): the log must still contain them.
--tsa-ca  certificates (PEM) of a timestamp authority: whether it signed the timestamps is then asked of openssl, which has to be there.
--all   check every signature; otherwise those of the newest 100 checkpoints and of every 1,000th. Every root is checked in any case.

It shares no code with the gateway, so it may also be read as a description. What it checks:
  files         manifest-sha256.txt, tagmanifest-sha256.txt: each file as listed, none besides                       RFC 8493
  leaves        numbered 0, 1, 2 ... without a gap; together they are what the Merkle root was made of               RFC 6962, 2.1
  checkpoints   the root of each, and signatures (Ed25519 is written out below)       c2sp.org/tlog-checkpoint, signed-note; RFC 8032
  payloads      commitment in the leaf = HMAC-SHA256(salt, "affidavit/payload/v1\0" kind "\0" bytes)
  rows          exchanges, approvals, grants, tokens, roles, policies: each is what the newest leaf about it committed to
  receipts      each decision's is signed by the log's key, and says what its leaf says: approvers, payload, times
  messages      each text in its place: ids are HMACs under the person's key, and an exchange commits to its last one
  lists         population.csv, exceptions.csv, controls/, log/entries.jsonl, policies/, figures of START-HERE.html: as the database has
                them; samples: those that the seed and the root give
  gateways      the packages of other gateways inside this one: each that the log's register names is there, and holds
  custody       the leaf by which the gateway recorded this very export, under a signed checkpoint; where manifests were made anew since,
                the files that are not as it recorded them
  anchors       cosignatures of witnesses, and that a timestamp is of its checkpoint; who signed it only with --tsa-ca   RFC 3161
  erasures      what is missing is named by a payload.erased leaf, and what can no longer be compared is not shown
It holds a few leaves at a time, and one byte for each, whatever the size of the log.
"""
# ruff: noqa: B905, FURB161, S608, T201 -- Python 3.8 has no zip(strict=) and no bit_count(); SQL of its own constants; a program that prints

from __future__ import annotations

import argparse
import base64
import contextlib
import csv
import datetime as dt
import hashlib
import hmac
import json
import re
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterator

    Point = tuple[int, int, int, int]
    Mark = tuple[
        int, bytes, str, str
    ]  # size and root that the tree has to come to; whose word that is; the failure's name

# -- Ed25519 (RFC 8032, 5.1), verification only: nothing secret is handled, so nothing needs constant time ----------------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_1 = pow(2, (P - 1) // 4, P)
ZERO = (0, 1, 1, 0)


def add(a: Point, b: Point) -> Point:
    """Extended coordinates (X, Y, Z, T): x = X/Z, y = Y/Z, x*y = T/Z; 5.1.4."""
    m, n = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    c, d = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = n - m, d - c, d + c, n + m
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def point(data: bytes) -> Point | None:
    """5.1.3; None where the bytes are no point."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if (v * x * x - u) % P:
        x = x * ROOT_OF_MINUS_1 % P
    if len(data) != 32 or y >= P or (v * x * x - u) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return (x, y, 1, x * y % P)


def is_signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """5.1.7: [S]B = R + [k]A, as [S]B + [k](-A) = R, both products in one pass over the bits."""
    a, base = point(public), point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))
    s = int.from_bytes(signature[32:], "little")
    if a is None or base is None or len(signature) != 64 or s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    minus_a = (P - a[0], a[1], 1, P - a[3])
    table = (ZERO, base, minus_a, add(base, minus_a))
    found = ZERO
    for bit in range(252, -1, -1):
        found = add(add(found, found), table[(s >> bit & 1) | (k >> bit & 1) << 1])
    inverse = pow(found[2], P - 2, P)
    x, y = found[0] * inverse % P, found[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little") == signature[:32]


# -- signed notes and the Merkle tree -------------------------------------------------------------------------------------


class Key:
    """A public key by its note name. c2sp.org/signed-note."""

    def __init__(self, vkey: str) -> None:
        self.name, _, rest = vkey.strip().partition("+")
        digits, _, encoded = rest.partition("+")
        whole = from_base64(encoded)
        self.public = whole[1:]
        self.id = hashlib.sha256(self.name.encode() + b"\n" + whole).digest()[:4]
        if len(whole) != 33 or whole[:1] != b"\x01" or digits != self.id.hex():
            raise ValueError("expected NAME+HASH+KEY of an Ed25519 key, copied whole")

    def signatures(self, note: str) -> list[bytes]:
        """Those of this key in a note; what is no note has none."""
        found = []
        for line in note.rpartition("\n\n")[2].splitlines():
            dash, name, blob = (line.split(" ") + ["", ""])[:3]  # noqa: RUF005 reads as what it does
            signature = from_base64(blob)
            if dash == "\u2014" and name == self.name and signature[:4] == self.id:
                found.append(signature[4:])
        return found


def body_of(note: str) -> str:
    return note.rpartition("\n\n")[0] + "\n"


def checkpoint(note: str) -> tuple[str, int, bytes]:
    """(origin, size, root) that a note claims, whoever signed it; ("", -1, b"") for anything else."""
    origin, size, root = [*body_of(note).split("\n"), "", "", ""][:3]
    digest = from_base64(root)
    if not re.match(r"(0|[1-9][0-9]{0,15})\Z", size) or len(digest) != 32:
        return "", -1, b""
    return origin, int(size), digest


def leaf_hash(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """A tree that grows: the complete subtrees on its right edge, largest first."""

    def __init__(self) -> None:
        self.size = 0
        self.edge: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        carry = self.size
        while carry & 1:
            leaf = node_hash(self.edge.pop(), leaf)
            carry >>= 1
        self.edge.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        if not self.edge:
            return hashlib.sha256(b"").digest()
        found = self.edge[-1]
        for left in self.edge[-2::-1]:
            found = node_hash(left, found)
        return found


def from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except ValueError:
        return b""


# -- what is found --------------------------------------------------------------------------------------------------------

CHECKS = {  # by the first word of a failure's name; the others are about rows
    "file": "files",
    "events": "leaves", "event": "leaves", "leaf": "leaves", "foreign": "leaves", "tree": "leaves", "database": "leaves",
    "key": "checkpoints", "checkpoint": "checkpoints", "history": "checkpoints", "payload": "payloads",
    "subject": "people", "message": "messages", "node": "messages", "content": "messages",
    "receipt": "receipts", "anchor": "anchors", "list": "lists", "figure": "lists", "sample": "lists", "gateway": "gateways",
    "export": "custody",
}  # fmt: skip


class Report:
    """How much was looked at, and the failures: each has a name, a leaf's number where there is one, and a sentence."""

    SHOWN = 20  # of each name

    def __init__(self) -> None:
        self.looked_at: dict[str, int] = {}
        self.failures: list[tuple[str, int | None, str]] = []  # the first of each name
        self.totals: dict[str, int] = {}
        self.notes: list[str] = []
        self.horizon = (
            "no outside anchor: whoever holds the gateway's machine and its key could have made all of this; "
            "--seen compares with what you kept"
        )
        self.roots: list[Path] = []  # certificates of timestamp authorities
        self.parts: list[str] = []  # logs of other gateways whose packages are inside this one

    def count(self, check: str) -> None:
        self.looked_at[check] = self.looked_at.get(check, 0) + 1

    def fail(self, name: str, seq: int | None, sentence: str) -> None:
        self.totals[name] = self.totals.get(name, 0) + 1
        if self.totals[name] <= self.SHOWN:
            self.failures.append((name, seq, sentence))

    def expect(self, good: object, name: str, seq: int | None, sentence: str) -> bool:
        self.count(check_of(name))
        if not good:
            self.fail(name, seq, sentence)
        return bool(good)

    def show(self) -> None:
        print(f"{'check':14} {'looked at':>12}  result")
        for check in dict.fromkeys([*self.looked_at, *map(check_of, self.totals)]):
            names = [f"{name} {total}" for name, total in self.totals.items() if check_of(name) == check]
            print(f"{check:14} {self.looked_at.get(check, 0):>12,}  {'FAILED: ' + ', '.join(names) if names else 'ok'}")
        for name, seq, sentence in self.failures:
            print(plain(f"FAILED {name}{'' if seq is None else f' seq {seq}'}: {sentence}"))
        for note in self.notes:
            print(plain(f"note: {note}"))
        print("RESULT: " + (f"{sum(self.totals.values())} FAILED" if self.totals else "all holds"))


def check_of(name: str) -> str:
    return CHECKS.get(name.partition("_")[0], "rows")


def plain(text: str) -> str:
    """Names in a package were written by strangers: nothing in them may drive the terminal."""
    text = re.sub("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", "?", text)
    return text.encode(sys.stdout.encoding or "ascii", "replace").decode(sys.stdout.encoding or "ascii")


# -- receipts of approvals ------------------------------------------------------------------------------------------------

RECEIPT = "affidavit approval receipt v1"
VOTE = "approver issuer auth_time amr session verdict reason at groups on_behalf_of broke_glass lapsed".split()
VOTE_LATER = ("grade",)  # where the leaf has it


def receipt(note: str, keys: list[Key]) -> dict[str, Any] | None:
    """What a receipt says: a line of JSON under its heading, signed as a note; None: nothing that one of the keys signed."""
    head, line, *rest = body_of(note).split("\n")
    said = parsed(line) if head == RECEIPT and rest == [""] else {}
    text = body_of(note).encode()
    signed = any(is_signed(key.public, text, signature) for key in keys for signature in key.signatures(note))
    return said if said and signed else None


def check_receipt(payload: dict[str, Any], seq: int, keys: list[Key], report: Report) -> None:
    """The receipt of a decision, or of its use, is signed and says what the leaf says. Older decisions have none."""
    row, details, grant = payload["approval"], payload.get("details", {}), payload.get("grant", {})
    if details.get("details_version", 0) < 2 or not keys:
        return
    place, note = f"approval {row.get('id')}", details.get("receipt")
    if not report.expect(isinstance(note, str), "receipt_missing", seq, f"{place}: decided, and no receipt says so"):
        return
    said = receipt(str(note), keys) or {}
    if not report.expect(said, "receipt_signature_bad", seq, f"{place}: not a receipt that the log's key signed"):
        return
    used = grant if grant.get("used_at") else {}
    times = {name: row.get(name, "") for name in ("requested_at", "decided_at", "expires_at")}
    wanted = {
        "receipt_approver_changed": {
            "approvers": [
                {name: vote.get(name) for name in VOTE} | {name: vote[name] for name in VOTE_LATER if name in vote}
                for vote in details.get("votes", ())
            ],
            "requester": row.get("requester", ""),
        }
        | ({"grade": row["grade"]} if "grade" in row else {}),
        "receipt_payload_changed": {
            "payload_digest": row.get("payload_digest", ""),
            "view_digest": details.get("view_digest", ""),
        },
        "receipt_time_changed": dict(times, released_at=used.get("used_at", "")),
        "receipt_changed": {
            "approval": row.get("id"),
            "rule": row.get("rule", ""),
            "state": row.get("state"),
            "reason": row.get("reason", ""),
            "policy_digest": details.get("policy_digest", ""),
            "purpose": details.get("purpose", ""),
            "asked_by_exchange": row.get("exchange_id", ""),
            "released_exchange": used.get("used_by", ""),
        },
    }
    for name, fields in wanted.items():
        other = [field for field, value in fields.items() if said.get(field) != value]
        report.expect(not other, name, seq, f"{place}: the receipt and the leaf differ in {', '.join(other)}")


def verify_receipt(path: Path, vkey: str, report: Report) -> Report:
    """A receipt alone, as somebody took it away: whether the key that was given signed these very words."""
    key = check_key(vkey, report) if vkey else None
    if key is None:
        report.fail("key_missing", None, "a receipt is worth its signature: give the log's key, --vkey")
        return report
    said = receipt(read(path), [key])
    sentence = "not a receipt that this key signed: another key, or an approver, a payload or a time was changed"
    report.expect(said, "receipt_signature_bad", None, sentence)
    report.notes += [f"{name}: {canonical(value)}" for name, value in sorted((said or {}).items())]
    return report


# -- the database: leaves, payloads, rows, messages -----------------------------------------------------------------------

KINDS = ("request", "reply", "meta", "approval")
OPENED = (
    "session_id link_reason opened_at subject email groups auth_method token_id grade purpose client_address door connection "
    "provider host upstream method path operation request_model streamed gateway"
).split()
CLOSED = (
    "sent_at first_chunk_at closed_at outcome error response_model http_status input_tokens output_tokens reasoning_tokens "
    "finish_reasons first_chunk_ms duration_ms approval_id"
).split()
APPROVAL = (
    "id exchange_id rule requester approver approver_issuer auth_time amr state requested_at decided_at expires_at released_at "
    "reason payload_digest grade"
).split()
ROWS = {  # in a payload -> table, columns
    "approval": ("approvals", APPROVAL),
    "grant": ("grants", "id approval_id scope digest expires_at used_at used_by revoked_at".split()),
    "token": ("tokens", "id sha256 subject email groups purpose minted_by minted_at expires_at revoked_at".split()),
    "role": ("roles", "id subject role granted_at granted_by ended_at".split()),
    "hold": ("holds", "id scope value reason set_at set_by lifted_at lifted_by".split()),
}
DOOR = ("identity.refused", "connect.refused", "tunnel.opened", "tunnel.closed")  # their id is of no exchange
TABLES = "approvals grants tokens roles events payloads exchanges nodes contents subjects checkpoints policies".split()
PACKAGE_ID = 0x41464450
AT_ONCE = 5000  # rows in one read transaction: a gateway that writes meanwhile is not kept from cutting its WAL

SCRATCH = """
CREATE TABLE scratch.heads (kind, id, seq INTEGER, PRIMARY KEY (kind, id));
CREATE TABLE scratch.tips (id BLOB PRIMARY KEY);
CREATE TABLE scratch.chosen (id TEXT PRIMARY KEY);
"""
LEAVES = f"""
SELECT e.seq, e.at, e.type, e.exchange_id, e.actor, e.leaf, {", ".join(f"p.{kind}, p.{kind}_salt" for kind in KINDS)}
FROM events e LEFT JOIN payloads p ON p.seq = e.seq WHERE e.seq >= ? AND e.seq < ? ORDER BY e.seq LIMIT {AT_ONCE}
"""
OPENED_BY_NONE = """
SELECT x.id, x.opened_seq FROM exchanges x LEFT JOIN events e ON e.seq = x.opened_seq
WHERE e.type IS NOT 'exchange.opened' OR e.exchange_id IS NOT x.id
"""
CLOSED_BY_NONE = """
SELECT x.id, x.opened_seq FROM exchanges x LEFT JOIN events e ON e.seq = x.closed_seq
WHERE CASE WHEN x.closed_seq IS NULL THEN coalesce(x.closed_at, x.outcome) IS NOT NULL
      ELSE e.type IS NOT 'exchange.closed' OR e.exchange_id IS NOT x.id END
"""
UNDER_APPROVAL = """
SELECT x.id, x.closed_seq, a.state FROM exchanges x LEFT JOIN approvals a ON a.id = x.approval_id
WHERE x.approval_id IS NOT NULL AND x.outcome = 'completed'
AND (a.state IS NOT 'approved' OR a.decided_at IS NULL OR a.decided_at > x.closed_at)
"""
REPLIES_ELSEWHERE = """
SELECT x.closed_seq, x.id FROM exchanges x JOIN nodes r ON r.number = x.reply_node
WHERE x.closed_seq IS NOT NULL AND x.closed_seq < ? AND x.request_node IS NOT (
  WITH RECURSIVE walk (number, parent, depth) AS (
    SELECT r.number, r.parent, r.depth
    UNION ALL
    SELECT n.number, n.parent, n.depth FROM walk JOIN nodes n ON n.number = walk.parent AND n.depth = walk.depth - 1
    WHERE walk.depth >= x.request_length
  )
  SELECT number FROM walk WHERE depth = x.request_length - 1
)
"""
ERASURES = "SELECT leaf FROM events WHERE type = 'payload.erased' AND seq < ?"
ANCHORS = "SELECT size, kind, place, at, note, proof FROM anchors ORDER BY number"
KEY_CHANGES = "SELECT seq, leaf FROM events WHERE type = 'config.changed' AND seq < ? ORDER BY seq"
POLICIES_OF_NONE = """
SELECT p.digest, p.seq FROM policies p LEFT JOIN events e ON e.seq = p.seq WHERE e.type IS NOT 'policy.loaded'
"""
MESSAGES = f"""
SELECT n.number, n.seq, n.id, n.parent, n.depth, n.role, n.kind, n.name, n.call_id, n.maskings, c.id, c.text, s.key, p.id, p.depth
FROM nodes n LEFT JOIN contents c ON c.number = n.content AND c.subject = n.subject
LEFT JOIN subjects s ON s.number = n.subject LEFT JOIN nodes p ON p.number = n.parent AND p.subject = n.subject
WHERE n.number > ? AND n.seq < ? ORDER BY n.number LIMIT {AT_ONCE}
"""
LOOSE_MESSAGES = """
SELECT number, seq FROM nodes WHERE seq < ? AND number NOT IN (SELECT parent FROM nodes WHERE parent IS NOT NULL)
AND number NOT IN (SELECT request_node FROM exchanges WHERE request_node IS NOT NULL)
AND number NOT IN (SELECT reply_node FROM exchanges WHERE reply_node IS NOT NULL) AND id NOT IN (SELECT id FROM scratch.tips)
"""
CHOSEN_EXCHANGES = """
INSERT OR IGNORE INTO scratch.chosen SELECT exchange_id FROM events
WHERE type = 'exchange.opened' AND exchange_id IS NOT NULL AND at >= ?1 AND (?2 = '' OR at < ?2)
  AND (?3 = '[]' OR json_extract(leaf, '$.actor') IN (SELECT pseudonym FROM subjects WHERE subject IN (SELECT value FROM json_each(?3))))
  AND (?4 = '' OR exchange_id IN (SELECT id FROM exchanges))
"""
CHOSEN_APPROVALS = """
INSERT OR IGNORE INTO scratch.chosen SELECT json_extract(leaf, '$.attrs.approval') FROM events
WHERE type GLOB 'approval.*' AND exchange_id IN (SELECT id FROM scratch.chosen) AND json_valid(leaf)
"""


def canonical(value: Any) -> str:
    """RFC 8785, for text, integers, lists and objects with ASCII keys: leaves and payloads are made of nothing else."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def cell(value: Any) -> Any:
    """A payload's value as its row holds it."""
    return canonical(value) if isinstance(value, list) else int(value) if isinstance(value, bool) else value


def parsed(text: str | bytes | None) -> dict[str, Any]:
    """The object that a text holds; anything else is empty, and fails wherever something is expected of it."""
    try:
        value = json.loads(text or "")
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def keyed(key: bytes, label: bytes, *rest: bytes) -> bytes:
    return hmac.new(key, label + b"\0" + b"".join(rest), hashlib.sha256).digest()


class Database:
    """One evidence.db or evidence.sqlite, checked against itself, the key and the checkpoints that somebody kept."""

    def __init__(self, db: sqlite3.Connection, report: Report, key: Key | None) -> None:
        self.db, self.report, self.key = db, report, key
        self.db.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
        self.db.execute("ATTACH '' AS scratch")  # on disk, not in memory, and gone at the end
        self.db.executescript(SCRATCH)
        self.is_package = self.one("PRAGMA application_id")[0] == PACKAGE_ID
        self.about = dict(self.db.execute("SELECT name, value FROM package")) if self.is_package else {}
        self.since, self.until = self.about.get("since", ""), self.about.get("until", "")
        self.narrow = bool(self.about.get("narrow"))
        self.end = self.one("SELECT coalesce(max(seq) + 1, 0) FROM events")[0]  # a gateway may be adding more
        first = self.one("SELECT leaf FROM events ORDER BY seq LIMIT 1")
        self.origin = key.name if key else str(parsed(first[0]).get("origin", "")) if first else ""
        self.tree = Tree()
        self.names: dict[str, str] = {}  # pseudonym -> name, of the people in here
        self.erased = bytearray(self.end)  # for each leaf the bits of the kinds of payload that may be gone
        self.misplaced: dict[int, int] = {}  # place -> the number that its leaf bears
        self.signed = self.one("SELECT coalesce(max(size), 0) FROM checkpoints")[0]
        self.keys = self.keys_in_order()

    def one(self, query: str, *values: Any) -> Any:
        return self.db.execute(query, values).fetchone()

    def check(self, seen: list[tuple[str, str]], entries: Path | None, every: bool) -> None:
        for table in TABLES:
            if self.one("SELECT type FROM sqlite_master WHERE name = ?", table) != ("table",):
                self.report.fail("schema_changed", None, f"{table}: expected a table")
                return
        if self.since or self.until or self.narrow:
            self.choose()
        self.note_erasures()
        self.check_people()
        self.check_leaves(self.marks([*seen, *self.anchored()], every), entries)
        self.check_anchors()
        self.check_rows()
        self.check_messages()

    # -- leaves ----------------------------------------------------------------------------------------------------------
    def check_leaves(self, marks: Iterator[Mark], entries: Path | None) -> None:
        with entries.open("rb") if entries else contextlib.nullcontext() as lines:
            mark = self.check_marks(next(marks, None), marks)
            for seq, row in self.leaves():
                body = None if row is None else raw(row["leaf"])
                line = lines.readline(1 << 20).rstrip(b"\n") if lines else body
                placed = row is not None and self.check_leaf(seq, row)
                if placed and line != body:
                    self.report.fail("leaf_changed", seq, "evidence.sqlite and log/entries.jsonl differ")
                self.grow(seq, line if body is None else body, placed)
                mark = self.check_marks(mark, marks)
            if lines and lines.readline(1):
                self.fail_cut("log/entries.jsonl has more leaves than evidence.sqlite")
        self.name_misplaced()
        while mark:
            self.fail_cut(f"{mark[2]} was signed over {mark[0]} leaves")
            mark = next(marks, None)
        if self.is_package and self.about.get("leaves") != str(self.tree.size):
            self.fail_cut(f"the package was made of {self.about.get('leaves')} leaves")

    def fail_cut(self, claim: str) -> None:
        self.report.fail("events_cut", self.tree.size, f"{claim}, {self.tree.size} are here")

    def leaves(self) -> Iterator[tuple[int, Any]]:
        """(number, row) from 0 to the end; None for one that is missing."""
        expected = 0
        while expected < self.end:
            cursor = self.db.cursor()
            cursor.row_factory = sqlite3.Row
            for row in cursor.execute(LEAVES, (expected, self.end)):
                for gap in range(expected, row["seq"]):
                    self.report.fail("event_missing", gap, "this leaf is not there")
                    yield gap, None
                yield row["seq"], row
                expected = row["seq"] + 1

    def grow(self, seq: int, body: bytes | None, placed: bool) -> None:
        """Add the leaf to the tree. A store also holds the tree, which says which leaf it was that changed."""
        found = leaf_hash(body or b"")
        if not self.is_package:
            stored = self.one("SELECT hash FROM hashes WHERE position = ?", 2 * seq - bin(seq).count("1"))
            if stored is None:
                self.report.fail("tree_changed", seq, "the leaf's hash is not stored")
            elif placed and stored[0] != found:
                self.report.fail("leaf_changed", seq, "the leaf is not what the tree was made of")
            found = stored[0] if stored else found
        self.tree.append(found)

    def check_leaf(self, seq: int, row: Any) -> bool:
        """Whether this is the leaf that belongs here; what it says is checked."""
        leaf = parsed(row["leaf"])
        if not self.report.expect(is_envelope(leaf), "leaf_invalid", seq, "no envelope of version 1"):
            return False
        if leaf["origin"] != self.origin:
            self.report.fail("foreign_leaf", seq, f"a leaf of the log {leaf['origin']}")
            return False
        if leaf["seq"] != seq:
            if len(self.misplaced) < AT_ONCE:
                self.misplaced[seq] = leaf["seq"]
            return False
        chosen = self.is_chosen(leaf)
        # The name is gone with the person, with what the leaf said, or is not in this package; it is never another's.
        person = self.names.get(leaf.get("actor", ""))
        named = row["actor"] == person or (row["actor"] is None and (not chosen or self.is_erased(seq, "meta")))
        if not named or any(row[name] != leaf.get(name) for name in ("at", "type", "exchange_id")):
            self.report.fail("event_row_changed", seq, "a column of events is not what the leaf says")
        if leaf["type"] == "gateway.recovered" and "from" in leaf["attrs"]:
            left, known = leaf["attrs"].get("size"), leaf["attrs"].get("known_size")
            self.report.notes.append(
                f"this log follows {leaf['attrs']['from']}, of which {left} of {known} known leaves were left"
            )
        self.check_rows_of(seq, leaf, self.payloads(seq, row, leaf, chosen))
        return True

    def name_misplaced(self) -> None:
        """Leaves that bear another number than their place: swapped, taken out, put in, or there twice."""
        places = self.misplaced
        for place, number in places.items():
            if set(places) == set(places.values()):
                self.report.fail("events_reordered", place, f"the leaf in this place is number {number}")
            elif places.get(place - 1, 0) - (place - 1) == number - place:
                continue  # told at the first of the run
            elif number > place:
                self.report.fail(
                    "event_missing", place, f"leaves {place} to {number - 1} are not there, later ones were renumbered"
                )
            elif number in places or place + 1 in places:
                self.report.fail(
                    "event_inserted", place, f"the leaf in this place is number {number}: one was put in before it"
                )
            else:
                self.report.fail("event_duplicated", place, f"the leaf in this place is number {number} again")

    def choose(self) -> None:
        """The exchanges that have to be here. A leaf tells the time and, by pseudonym, the person; not the connection, not the session."""
        persons = self.about.get("persons", "[]")
        by_word = (
            "yes"
            if self.narrow and any(self.about.get(name, "[]") != "[]" for name in ("connections", "sessions"))
            else ""
        )
        self.db.execute(CHOSEN_EXCHANGES, (self.since, self.until, persons, by_word))
        self.db.execute(CHOSEN_APPROVALS)
        if by_word:
            self.report.notes.append(
                "this package was narrowed to connections or sessions: that none of theirs is left out is the exporter's word"
            )

    def is_chosen(self, leaf: dict[str, Any]) -> bool:
        """Whether a package of this period has to contain what the leaf commits to."""
        if not (self.since or self.until or self.narrow) or leaf["type"] in ("config.changed", "policy.loaded"):
            return True
        if leaf["type"] in ("hold.set", "hold.lifted") and not self.narrow:
            return True
        if leaf["type"] == "finding" and leaf["attrs"].get("code") == "explained" and not self.narrow:
            return True
        named = [leaf.get("exchange_id"), leaf["attrs"].get("approval")]
        if any(self.one("SELECT 1 FROM scratch.chosen WHERE id = ?", name) for name in named if isinstance(name, str)):
            return True
        if self.narrow and not leaf["type"].startswith("gateway."):
            return False
        alone = "exchange_id" not in leaf or leaf["type"] in DOOR
        return alone and leaf["at"] >= self.since and (not self.until or leaf["at"] < self.until)

    def payloads(self, seq: int, row: Any, leaf: dict[str, Any], chosen: bool) -> dict[str, dict[str, Any]]:
        """Those that are there and are what the leaf commits to."""
        committed = {entry["kind"]: entry["commitment"] for entry in leaf["payloads"]}
        withheld = self.is_package and leaf["type"].startswith("token.")
        there = {}
        for kind in KINDS:
            data, salt, claim = row[kind], row[kind + "_salt"], committed.get(kind)
            if data is not None and salt is not None:
                own = "hmac-sha256:" + keyed(salt, b"affidavit/payload/v1", kind.encode(), b"\0", raw(data)).hex()
                if self.report.expect(own == claim, "payload_changed", seq, f"{kind}: not what the leaf commits to"):
                    there[kind] = parsed(data)
            elif claim is not None and self.is_erased(seq, kind):
                self.report.count("erased")
            elif claim is not None and chosen and not withheld:
                self.report.fail("payload_missing", seq, f"{kind}: gone, and no payload.erased leaf says so")
        return there

    def check_rows_of(self, seq: int, leaf: dict[str, Any], there: dict[str, dict[str, Any]]) -> None:
        """The rows that this leaf wrote once; those that change later only have their newest leaf noted, see check_rows."""
        kind, meta = leaf["type"], there.get("meta")
        if self.erased[seq] and kind in ("exchange.opened", "exchange.closed"):
            self.check_left_over(seq, leaf, "request" if kind == "exchange.opened" else "reply")
        if kind == "exchange.opened" and meta is not None:
            wanted = {name: cell(meta.get(name)) for name in OPENED}
            self.check_exchange(
                seq, leaf, {**wanted, "policy_digest": leaf["policy_digest"] or None, "opened_seq": seq}, there
            )
        elif kind == "exchange.closed" and meta is not None:
            self.check_exchange(
                seq, leaf, {**{name: cell(meta.get(name)) for name in CLOSED}, "closed_seq": seq}, there
            )
        elif kind == "exchange.partial" and "node" in there.get("reply", {}):
            self.db.execute("INSERT OR IGNORE INTO scratch.tips VALUES (?)", (bytes.fromhex(there["reply"]["node"]),))
        elif kind == "policy.loaded":
            row = self.one("SELECT digest, content FROM policies WHERE seq = ?", seq)
            good = row and row[0] == leaf["attrs"]["digest"] == "sha256:" + hashlib.sha256(raw(row[1])).hexdigest()
            self.report.expect(good, "policy_changed", seq, "the row is not the set of rules that the leaf names")
        elif kind.partition(".")[0] in ("approval", "token", "config", "hold"):
            if kind in ("approval.decided", "approval.used") and "approval" in there:
                check_receipt(there["approval"], seq, [key for _, key in self.keys], self.report)
            heads = [(name, payload[name]["id"], seq) for payload in there.values() for name in ROWS if name in payload]
            self.db.executemany("INSERT OR REPLACE INTO scratch.heads VALUES (?, ?, ?)", heads)

    def check_left_over(self, seq: int, leaf: dict[str, Any], end: str) -> None:
        """What there is nothing left to compare with must not be shown either."""
        row = self.one(f"SELECT {end}_node FROM exchanges WHERE id = ?", leaf["exchange_id"])
        if row and self.is_erased(seq, "meta"):
            self.report.fail("exchange_row_added", seq, "the particulars are gone, the row is there")
        elif row and row[0] is not None and self.is_erased(seq, end):
            self.report.fail("exchange_row_changed", seq, "the content is gone, the row still points at messages")

    def check_exchange(
        self, seq: int, leaf: dict[str, Any], wanted: dict[str, Any], there: dict[str, dict[str, Any]]
    ) -> None:
        end, exchange = ("request" if "opened_seq" in wanted else "reply"), leaf["exchange_id"]
        if end in there:
            wanted[f"{end}_node"] = there[end].get("node")
        if "request" in there:
            wanted["request_length"] = there[end]["length"]
        node = f"(SELECT lower(hex(id)) FROM nodes WHERE number = {end}_node)"
        columns = ", ".join(node if name == f"{end}_node" else name for name in wanted)
        found = self.one(f"SELECT {columns} FROM exchanges WHERE id = ?", exchange)
        if self.report.expect(found is not None, "exchange_row_missing", seq, f"exchange {exchange} has no row"):
            other = [name for name, value in zip(wanted, found) if wanted[name] != value]
            if other:
                self.report.fail("exchange_row_changed", seq, f"exchange {exchange}: {', '.join(other)}")

    # -- checkpoints -----------------------------------------------------------------------------------------------------
    def keys_in_order(self) -> list[tuple[int, Key]]:
        """(from which size on, key). Leaf r may hand the log to another key: sizes up to r + 1 are the old key's, those from r + 1
        on the new one's, so the checkpoint over r + 1 leaves bears both signatures. Whichever key was given leads to the others.
        """
        if self.key is None:
            return []
        chain: list[tuple[int, str]] = []
        for seq, leaf in self.db.execute(KEY_CHANGES, (self.end,)):
            attrs = parsed(leaf).get("attrs")
            if isinstance(attrs, dict) and attrs.get("changed") == "log_key":
                chain = chain or [(0, str(attrs.get("from")))]
                if chain[-1][1] != attrs.get("from"):
                    self.report.fail(
                        "key_change_bad", seq, "this change of the key does not begin with the key before it"
                    )
                chain.append((seq + 1, str(attrs.get("to"))))
        try:
            keys = [(size, Key(vkey)) for size, vkey in chain] or [(0, self.key)]
        except ValueError as fault:
            self.report.fail("key_change_bad", None, f"a change of the key names no key: {fault}")
            return [(0, self.key)]
        led_to = {(key.name, key.public) for _, key in keys}
        if {name for name, _ in led_to} != {self.key.name} or (self.key.name, self.key.public) not in led_to:
            self.report.fail("key_change_bad", None, "the changes of the key do not lead to the key that was given")
            keys = [(0, self.key)]
        for size, _ in keys[1:]:
            made = self.one("SELECT 1 FROM checkpoints WHERE size = ?", size)
            self.report.expect(
                made, "key_change_bad", size - 1, f"no checkpoint over {size} leaves, signed by both keys"
            )
        first = keys[0][1]
        default = re.match(r"affidavit\.invalid/([0-9a-f]{8})\Z", first.name)
        if default and default.group(1) != hashlib.sha256(first.public).hexdigest()[:8]:
            self.report.fail("key_invalid", None, f"{first.name} is the name of another key than this one")
        return keys

    def keys_of(self, size: int) -> list[Key]:
        """Each key that must have signed a checkpoint of this size."""
        ends = [first for first, _ in self.keys[1:]] + [size]
        return [key for (first, key), end in zip(self.keys, ends) if first <= size <= end]

    def marks(self, seen: list[tuple[str, str]], every: bool) -> Iterator[Mark]:
        """In the order of sizes; notes are checked on the way."""
        kept = []
        for name, note in seen:
            origin, size, root = checkpoint(note)
            if self.report.expect(
                origin == self.origin, "checkpoint_signature_bad", None, f"{name}: of another log, {origin}"
            ):
                self.check_signature(note, name)
                kept.append((size, root, name, "history_replaced"))
        kept.sort()
        joints = {first for first, _ in self.keys[1:]}
        [count] = self.one("SELECT count(*) FROM checkpoints")
        self.report.expect(count, "checkpoint_missing", None, "the log has no checkpoint")
        for number, (size, root, note) in enumerate(
            self.db.execute("SELECT size, root, note FROM checkpoints ORDER BY size")
        ):
            while kept and kept[0][0] <= size:
                yield kept.pop(0)
            name = f"checkpoint {size}"
            good = checkpoint(note) == (self.origin, size, from_base64(root))
            self.report.expect(good, "checkpoint_row_changed", size, f"{name}: size or root are not those of its note")
            self.check_signature(
                note, name, fully=every or size in joints or count - number <= 100 or number % 1000 == 0
            )
            yield size, checkpoint(note)[2], name, "checkpoint_root_bad"
        yield from kept

    def check_signature(self, note: str, name: str, *, fully: bool = True) -> None:
        """That this log's key signed it; not fully: that it says so."""
        for key in self.keys_of(max(0, checkpoint(note)[1])):
            signatures = key.signatures(note)
            good = signatures and not (
                fully and not all(is_signed(key.public, raw(body_of(note)), one) for one in signatures)
            )
            self.report.expect(
                good, "checkpoint_signature_bad", None, f"{name}: not signed by {key.name}+{key.id.hex()}"
            )

    def check_marks(self, mark: Mark | None, marks: Iterator[Mark]) -> Mark | None:
        """Those that the tree has come to; the next one."""
        while mark and mark[0] <= self.tree.size:
            size, root, name, failure = mark
            # After the first wrong root every later one is wrong too, and says nothing new.
            if self.tree.root() != root and (failure not in self.report.totals or failure == "history_replaced"):
                self.report.fail(failure, size, f"{name} was signed over other leaves")
            mark = next(marks, None)
        return mark

    # -- what others attested ------------------------------------------------------------------------------------------------
    def check_anchors(self) -> None:
        """Each cosignature and timestamp against its checkpoint, and the newest as the horizon of the proof."""
        reach, unsigned = -1, []
        for size, kind, place, at, note, proof in self.anchors():
            name = f"{kind} over {size} leaves"
            fault, said = attested(kind, place, note, proof)
            if kind == "rfc3161" and not fault and self.report.roots:
                fault = stamped(proof, note, self.report.roots)
            elif kind == "rfc3161":
                unsigned.append(f"{size}-rfc3161")
            if checkpoint(note)[:2] != (self.origin, size):
                fault = "it is of another checkpoint"
            elif said and said != at[:19]:
                fault = f"attested at {said}, the row says {at}"
            if self.report.expect(not fault, "anchor_bad", None, f"{name}: {fault}") and said and size >= reach:
                reach = size
                self.report.horizon = (
                    f"proof horizon: {size} leaves, attested at {at} by {kind} {place}; what comes after could be rewritten by whoever "
                    "holds the gateway's machine and its key; ask that witness or authority, or compare with --seen"
                )

        if unsigned:
            self.report.notes.append(
                f"{len(unsigned)} timestamps are of their checkpoints; who signed them is not checked here without --tsa-ca FILE; or run, in "
                f"data/log/anchors: openssl ts -verify -data {unsigned[-1]}.checkpoint -in {unsigned[-1]}.tsr -CAfile FILE"
            )

    def anchors(self) -> list[Any]:
        there = self.one("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'anchors'")
        return self.db.execute(ANCHORS).fetchall() if there else []

    def anchored(self) -> list[tuple[str, str]]:
        """What was attested is a checkpoint of this log like any that somebody kept."""
        return [(f"{kind} over {size} leaves", note) for size, kind, _, _, note, _ in self.anchors()]

    # -- people, rows, messages ------------------------------------------------------------------------------------------
    def check_people(self) -> None:
        for name, key, pseudonym in self.db.execute("SELECT subject, key, pseudonym FROM subjects"):
            own = "sj_" + keyed(key, b"affidavit/subject/v1", raw(name)).hex()[:32]
            self.report.expect(
                own == pseudonym, "subject_changed", None, f"the pseudonym {pseudonym} is not this name's"
            )
            self.names[pseudonym] = name

    def check_rows(self) -> None:
        for exchange, seq in self.db.execute(OPENED_BY_NONE):
            self.report.fail("exchange_row_added", seq, f"exchange {exchange} has no leaf")
        for exchange, seq in self.db.execute(CLOSED_BY_NONE):
            self.report.fail(
                "exchange_row_changed", seq, f"exchange {exchange} was not closed by the leaf that it names"
            )
        for seq, exchange in self.db.execute(REPLIES_ELSEWHERE, (self.end,)):
            self.report.fail("exchange_row_changed", seq, f"exchange {exchange}: its reply does not follow its request")
        for digest, seq in self.db.execute(POLICIES_OF_NONE):
            self.report.fail("policy_added", seq, f"{digest} has no leaf")
        for exchange, seq, state in self.db.execute(UNDER_APPROVAL):
            name = "approval_missing" if state != "approved" else "approval_after_use"
            self.report.fail(
                name, seq, f"exchange {exchange} was completed under an approval that is {state or 'not there'}"
            )
        for kind, (table, columns) in ROWS.items():
            if kind == "token" and self.is_package:
                [count] = self.one("SELECT count(*) FROM tokens")
                self.report.notes.append(
                    f"{count} rows of tokens not checked: what they are checked with holds digests of tokens, and stays with the gateway"
                )
                continue
            heads = self.db.execute("SELECT id, seq FROM scratch.heads WHERE kind = ?", (kind,)).fetchall()
            if not self.one("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", table):
                for name, seq in heads:
                    self.report.fail(f"{kind}_changed", seq, f"{kind} {name}: there is no table {table}")
                continue
            there = {name for _, name, *_ in self.db.execute(f"PRAGMA main.table_info({table})")}
            known = ", ".join(column if column in there else "NULL" for column in columns)  # of an earlier schema
            for name, seq in heads:
                self.check_row(kind, name, seq, f"SELECT {known} FROM {table} WHERE id = ?")
            more = f"SELECT id FROM {table} WHERE id NOT IN (SELECT id FROM scratch.heads WHERE kind = ?)"
            for [name] in self.db.execute(more, (kind,)):
                if not self.is_newer(kind, name):
                    self.report.fail(f"{kind}_added", None, f"{kind} {name} has no leaf")

    def check_row(self, kind: str, name: str, seq: int, query: str) -> None:
        """The row is what the newest leaf about it committed to; and who allowed what, when."""
        payload = parsed(self.one("SELECT coalesce(approval, meta) FROM payloads WHERE seq = ?", seq)[0])
        wanted, found = payload.get(kind, {}), self.one(query, name) or ()
        self.report.count("rows")
        other = (
            [column for column, value in zip(ROWS[kind][1], found) if cell(wanted.get(column)) != value]
            if found
            else ["gone"]
        )
        if other and not self.is_newer(kind, name):
            self.report.fail(f"{kind}_changed", seq, f"{kind} {name}: {', '.join(other)}")
        if kind == "approval" and wanted.get("state") == "approved":
            place, decided, expires = f"approval {name}", wanted.get("decided_at", ""), wanted.get("expires_at", "")
            if wanted.get("approver", "") in ("", wanted.get("requester")):
                self.report.fail("self_approval", seq, f"{place}: given by nobody else than who asked")
            if not wanted.get("requested_at", "") <= decided <= expires:
                self.report.fail("approval_out_of_time", seq, f"{place}: decided {decided}, expires {expires}")
            used = payload.get("grant", {}).get("used_at", decided)
            if not decided <= used < payload.get("grant", {}).get("expires_at", "9"):
                self.report.fail("approval_after_use", seq, f"{place}: decided {decided}, used {used}")

    def is_newer(self, kind: str, name: str) -> bool:
        """A gateway wrote this row while we were reading; its leaf is beyond our end."""
        head = None if self.is_package else self.one("SELECT seq FROM main.heads WHERE kind = ? AND id = ?", kind, name)
        return bool(head and head[0] >= self.end)

    def check_messages(self) -> None:
        last, more = -1, True
        while more:
            more = False
            for row in self.db.execute(MESSAGES, (last, self.end)):
                last, more = row[0], True
                self.report.count("messages")
                wrong = wrong_with(row)
                if wrong:  # who erases a message takes its row
                    self.report.fail(wrong, row[1], f"message {row[0]}, first sent with leaf {row[1]}")
        for number, seq in self.db.execute(LOOSE_MESSAGES, (self.end,)):
            self.report.fail("node_added", seq, f"message {number}: no exchange leads to it")

    def note_erasures(self) -> None:
        """Which payloads of which leaves may be missing: only a leaf under a checkpoint excuses anything."""
        for [leaf] in self.db.execute(ERASURES, (self.signed,)):
            attrs = parsed(leaf).get("attrs") if parsed(leaf).get("type") == "payload.erased" else None
            attrs = attrs if isinstance(attrs, dict) else {}
            for span in attrs.get("seqs", ()):
                first, last = span if isinstance(span, list) else (span, span)
                for seq in range(max(0, first), min(last + 1, self.end)):
                    self.erased[seq] |= sum(1 << KINDS.index(kind) for kind in attrs.get("kinds", KINDS))

    def is_erased(self, seq: int, kind: str) -> bool:
        return seq < len(self.erased) and bool(self.erased[seq] >> KINDS.index(kind) & 1)


def attested(kind: str, place: str, note: str, proof: bytes) -> tuple[str, str]:
    """(fault, time to the second) of what somebody outside says about a note; ("", "") for a copy, which says nothing itself."""
    if kind == "witness":
        name, _, rest = place.partition("+")
        digits, _, encoded = rest.partition("+")
        whole = from_base64(encoded)
        key_id = hashlib.sha256(name.encode() + b"\n" + whole).digest()[:4]
        if len(whole) != 33 or whole[:1] != b"\x04" or digits != key_id.hex():
            return "its place is no key of a witness", ""
        for line in note.rpartition("\n\n")[2].splitlines():
            blob = from_base64(line.rpartition(" ")[2])
            if line.startswith(f"\u2014 {name} ") and blob[:4] == key_id and len(blob) == 76:
                at = int.from_bytes(blob[4:12], "big")
                text = b"cosignature/v1\ntime %d\n" % at + raw(body_of(note))
                good = is_signed(whole[1:], text, blob[12:])
                return ("", utc(at)) if good else ("the cosignature is not of this checkpoint", "")
        return "the witness did not sign it", ""
    if kind == "rfc3161":
        digest, said = timestamp(proof)
        return ("", said) if digest == hashlib.sha256(raw(note)).digest() else ("the timestamp is of other bytes", "")
    return "", ""


def stamped(token: bytes, note: str, roots: list[Path]) -> str:
    """The fault of a timestamp's signature, by the word of openssl; "" where it was made under one of these certificates."""
    with tempfile.TemporaryDirectory() as folder:
        data, answer = Path(folder) / "data", Path(folder) / "token"
        data.write_bytes(raw(note))
        answer.write_bytes(token)
        for root in roots:
            command = ["openssl", "ts", "-verify", "-data", str(data), "-in", str(answer), "-CAfile", str(root)]
            try:
                if not subprocess.run(command, capture_output=True, check=False, timeout=60).returncode:  # noqa: S603 words of ours, paths of who asks
                    return ""
            except (OSError, subprocess.TimeoutExpired) as fault:
                return f"its signature could not be checked, openssl did not run: {fault}"
    return "not signed under the given certificates"


def utc(seconds: int) -> str:
    moment = dt.datetime(1970, 1, 1) + dt.timedelta(seconds=min(seconds, 1 << 37))  # noqa: DTZ001 UTC by its name
    return moment.isoformat(timespec="seconds")


def timestamp(response: bytes) -> tuple[bytes, str]:
    """(digest, time) that an RFC 3161 answer claims; (b"", "") for other bytes. TSTInfo begins after its id and two wrappings."""
    marker = bytes.fromhex("060b2a864886f70d0109100104")
    try:
        rest = response[response.index(marker) + len(marker) :]
        for _ in range(3):  # [0], OCTET STRING, SEQUENCE
            rest = element(rest)[1]
        parts: list[tuple[int, bytes]] = []
        while rest and len(parts) < 5:  # version, policy, messageImprint, serialNumber, genTime
            tag, value, rest = element(rest)
            parts.append((tag, value))
        _, algorithm, rest = element(parts[2][1])
        _, digest, _ = element(rest)
        moment = dt.datetime.strptime(parts[4][1].decode("ascii")[:14], "%Y%m%d%H%M%S")  # noqa: DTZ007 it is UTC by definition
        is_sha256 = algorithm.startswith(bytes.fromhex("0609608648016503040201"))
        return (digest, moment.isoformat(timespec="seconds")) if is_sha256 and parts[4][0] == 0x18 else (b"", "")
    except (ValueError, IndexError):
        return b"", ""


def element(data: bytes) -> tuple[int, bytes, bytes]:
    """(tag, value, what follows) of the first DER element."""
    length, begin = data[1], 2
    if length & 0x80:
        begin += length & 0x7F
        length = int.from_bytes(data[2:begin], "big")
    if begin + length > len(data):
        raise ValueError("cut short")
    return data[0], data[begin : begin + length], data[begin + length :]


def is_envelope(leaf: dict[str, Any]) -> bool:
    texts, kinds = ("origin", "at", "type", "policy_digest"), {"seq": int, "payloads": list, "attrs": dict}
    known = leaf.get("v") == 1 and all(isinstance(leaf.get(name), str) for name in texts)
    return known and all(type(leaf.get(name)) is kind for name, kind in kinds.items())


def wrong_with(row: Any) -> str:
    r"""The failure of a message, "" where there is none.

    content id = HMAC(key, "affidavit/content/v1\0" text); stored are its first 16 bytes
    node id    = HMAC(key, "affidavit/node/v1\0" id of the one before, JSON of [content id, role, kind, name, call id, maskings])
    """
    _, _, own, parent, depth, role, kind, name, call_id, maskings, content_id, text, key, parent_id, parent_depth = row
    if key is None:
        return "subject_missing"
    if parent is not None and parent_id is None:
        return "node_missing"
    if text is None:
        return "content_missing"
    content = keyed(key, b"affidavit/content/v1", raw(text))
    if content[:16] != content_id:
        return "message_changed"
    body = canonical([content.hex(), role, kind, name or "", call_id or "", json.loads(maskings or "null")])
    made = keyed(key, b"affidavit/node/v1", parent_id or bytes(32), raw(body))
    return "" if made == own and depth == (0 if parent is None else parent_depth + 1) else "node_changed"


# -- the package around the database --------------------------------------------------------------------------------------

POPULATION = """
SELECT id, session_id, link_reason,
  CASE WHEN link_reason IN ('prefix', 'tool_result') THEN 'inferred' WHEN link_reason <> 'new' THEN 'explicit' END AS link, opened_at, sent_at, first_chunk_at, closed_at, outcome, error, subject, email, groups, auth_method,
  token_id, grade, purpose, client_address, door, connection, provider, host, upstream, method, path, operation, request_model,
  response_model, http_status, streamed, input_tokens, output_tokens, reasoning_tokens, finish_reasons, first_chunk_ms, duration_ms,
  approval_id, gateway, policy_digest, opened_seq, closed_seq,
  CASE WHEN json_extract(e.leaf, '$.attrs.visibility') = 'metadata' THEN 'metadata' ELSE 'full' END AS visibility
FROM exchanges JOIN events e ON e.seq = opened_seq ORDER BY opened_seq
"""
EXPLAINED = """
SELECT json_extract(p.meta, '$.finding') AS finding, e.actor AS who, json_extract(p.meta, '$.reason') AS reason, max(e.seq)
FROM events e JOIN payloads p ON p.seq = e.seq
WHERE e.type = 'finding' AND json_extract(e.leaf, '$.attrs.code') = 'explained' AND p.meta IS NOT NULL GROUP BY 1
"""
EXCEPTIONS = f"""
SELECT r.*, x.who AS explained_by, x.reason AS explanation FROM (
SELECT coalesce(outcome, 'open') AS kind, coalesce(closed_at, opened_at) AS at, id AS exchange_id, approval_id, subject, connection,
  request_model AS model, error AS detail, id AS finding
FROM exchanges WHERE outcome IS NULL OR outcome <> 'completed'
UNION ALL
SELECT e.type, e.at, e.exchange_id, NULL, e.actor, NULL, NULL, json_extract(e.leaf, '$.attrs'), 'leaf-' || e.seq FROM events e
WHERE e.type IN ('finding', 'identity.refused', 'connect.refused', 'gateway.recovered', 'payload.erased')
  AND coalesce(json_extract(e.leaf, '$.attrs.code'), '') <> 'explained'
  AND (e.exchange_id IN (SELECT id FROM exchanges)
    OR ((e.exchange_id IS NULL OR e.type IN {DOOR}) AND e.at >= :since AND (:until = '' OR e.at < :until)))
UNION ALL
SELECT 'approved_by_same_minter', a.decided_at, a.exchange_id, a.id, a.approver, NULL, NULL,
  'the same person made the tokens of requester and approver', a.id
FROM approvals a WHERE a.id IN (SELECT json_extract(approval, '$.approval.id') FROM payloads
  WHERE approval IS NOT NULL AND json_extract(approval, '$.details.same_minter') = 1)
UNION ALL
SELECT 'used_without_approval', x.closed_at, x.id, x.approval_id, x.subject, x.connection, x.request_model,
  'completed, and its approval does not cover it', x.id
FROM exchanges x LEFT JOIN approvals a ON a.id = x.approval_id LEFT JOIN grants g ON g.used_by = x.id
WHERE x.approval_id IS NOT NULL AND x.outcome = 'completed' AND (a.state = 'approved' AND a.approver IS NOT a.requester
  AND a.decided_at <= coalesce(g.used_at, a.released_at, x.closed_at)
  AND coalesce(g.used_at, a.released_at, a.decided_at) < a.expires_at) IS NOT 1
UNION ALL
SELECT 'trial_grade', NULL, NULL, NULL, subject, NULL, NULL, count(*) || ' exchanges by a local identity', subject
FROM exchanges WHERE grade IS NULL OR grade <> 'managed' GROUP BY subject
) r LEFT JOIN ({EXPLAINED}) x ON x.finding = r.finding
"""
IN_ORDER = f"SELECT * FROM ({EXCEPTIONS}) ORDER BY at IS NULL, at, kind, exchange_id, subject, detail, finding"
FIGURES = {
    "leaves": "SELECT count(*) FROM events",
    "signed": "SELECT coalesce(max(size), 0) FROM checkpoints",
    "log_opened": "SELECT count(*) FROM events WHERE type = 'exchange.opened'",
    "log_closed": "SELECT count(*) FROM events WHERE type = 'exchange.closed'",
    "opened": "SELECT count(*) FROM exchanges",
    "people": "SELECT count(DISTINCT subject) FROM exchanges",
    "metadata_only": "SELECT count(*) FROM exchanges x JOIN events e ON e.seq = x.opened_seq WHERE json_extract(e.leaf, '$.attrs.visibility') = 'metadata'",
    "trial": "SELECT count(*) FROM exchanges WHERE grade IS NULL OR grade <> 'managed'",
    "approvals": "SELECT count(*) FROM approvals",
    "self_approved": "SELECT count(*) FROM approvals WHERE approver = requester",
    "with_approval": "SELECT count(*) FROM exchanges WHERE approval_id IS NOT NULL AND outcome = 'completed'",
    "without_cover": f"SELECT count(*) FROM ({EXCEPTIONS}) WHERE kind = 'used_without_approval'",
    "exceptions": f"SELECT count(*) FROM ({EXCEPTIONS}) WHERE kind <> 'trial_grade'",
}
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def read(path: Path) -> str:
    """A small file's text, its line ends as they are."""
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        return file.read(1 << 24)


def digest_of(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        for piece in iter(lambda: file.read(1 << 20), b""):
            found.update(piece)
    return found.hexdigest()


def listed_in(manifest: Path) -> dict[str, str]:
    """path -> digest."""
    lines = [line.partition("  ") for line in read(manifest).splitlines()]
    return {name: digest for digest, _, name in lines}


def check_files(bag: Path, report: Report) -> dict[str, str]:
    """Each file as listed, none besides; the digest of each."""
    listed: dict[str, str] = {}
    for manifest in ("tagmanifest-sha256.txt", "manifest-sha256.txt"):
        if report.expect((bag / manifest).is_file(), "file_missing", None, manifest):
            listed.update(listed_in(bag / manifest))
    there = {path.relative_to(bag).as_posix(): digest_of(path) for path in bag.rglob("*") if path.is_file()}
    differing(listed, {name: there[name] for name in there if name != "tagmanifest-sha256.txt"}, report, "")
    return there


def differing(listed: dict[str, str], there: dict[str, str], report: Report, why: str) -> None:
    for name in sorted(listed.keys() | there.keys()):
        if name not in listed:
            report.fail("file_added", None, name)
        elif report.expect(name in there, "file_missing", None, name) and there[name] != listed[name]:
            report.fail("file_changed", None, name + why)


def check_list(path: Path, rows: Any, report: Report) -> None:
    """A CSV file, row by row, against what the database answers."""
    if not path.is_file():
        report.fail("file_missing", None, f"{path.name}: expected this list")
        return
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        lines = csv.reader(file)
        wanted = [column[0] for column in rows.description]
        if not report.expect(next(lines, None) == wanted, "list_changed", None, f"{path.name}: its first line"):
            return
        for row in rows:
            texts = ["" if value is None else str(value) for value in row]
            wanted = ["'" + text if text.startswith(FORMULA) else text for text in texts]
            if not report.expect(
                next(lines, None) == wanted,
                "list_changed",
                None,
                f"{path.name}: line {lines.line_num} is not the database's",
            ):
                return
        report.expect(
            next(lines, None) is None,
            "list_changed",
            None,
            f"{path.name}: line {lines.line_num} is not in the database",
        )


def check_lists(data: Path, database: Database, report: Report) -> None:
    period = {"since": database.since, "until": database.until}
    check_list(data / "population.csv", database.db.execute(POPULATION), report)
    check_list(data / "exceptions.csv", database.db.execute(IN_ORDER, period), report)
    page = data / "START-HERE.html"
    shown = dict(re.findall(r'<data id="([a-z_]+)" value="([0-9]+)">', read(page) if page.is_file() else ""))
    for name, query in FIGURES.items():
        [number] = database.db.execute(query, period if ":since" in query else ()).fetchone()
        report.expect(
            shown.get(name) == str(number),
            "figure_changed",
            None,
            f"START-HERE.html: {name} is {number} in the database",
        )
    for [digest] in database.db.execute("SELECT DISTINCT digest FROM policies"):
        path = data / "policies" / (digest.partition(":")[2] + ".json")
        good = re.match(r"sha256:[0-9a-f]{64}\Z", digest) and path.is_file() and "sha256:" + digest_of(path) == digest
        report.expect(good, "list_changed", None, f"policies/{path.name}")


def check_controls(data: Path, database: Database, report: Report) -> None:
    """Each list of each control is what its own SQL answers; so is each sample."""
    folders = data / "controls"
    for folder in sorted(path for path in folders.iterdir() if path.is_dir()) if folders.is_dir() else ():
        queries = re.findall(
            r"^-- (population|exceptions|table ([a-z_]+)): .*\n((?:.*\n)*?.*;)[ ]*$",
            read(folder / "query.sql"),
            re.MULTILINE,
        )
        for kind, name, query in queries:
            if report.expect(
                query.lstrip().startswith("SELECT"),
                "list_changed",
                None,
                f"controls/{folder.name}/query.sql: expected SELECT only",
            ):
                check_list(folder / f"{name or kind}.csv", database.db.execute(query), report)
        asked = {f"{name or kind}.csv" for kind, name, _ in queries} | {"sample.csv"}
        there = {path.name for path in folder.glob("*.csv")}
        report.expect(
            asked == there,
            "list_changed",
            None,
            f"controls/{folder.name}: lists without a query, or queries without a list",
        )


def check_samples(data: Path, database: Database, report: Report) -> None:
    """The exchanges with the lowest SHA-256 of seed, root and id; nobody's choice."""
    path, count = data / "samples" / "index.csv", int(database.about.get("sample", "0"))
    if not path.is_file():
        return
    note = database.one("SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1")
    root = checkpoint(note[0])[2].hex() if note else ""
    first = hashlib.sha256(f"affidavit/sample/v1\n{database.about.get('seed', '')}\n{root}\n".encode())
    ranks = []
    for [name] in database.db.execute("SELECT id FROM exchanges"):
        rank = first.copy()
        rank.update(raw(name))
        ranks.append((rank.hexdigest(), name))
        if len(ranks) > 2 * count + 1000:
            ranks = sorted(ranks)[:count]
    wanted = [[f"S-{number:03}", rank, name] for number, (rank, name) in enumerate(sorted(ranks)[:count], 1)]
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        found = list(csv.reader(file))[1:]
    report.expect(
        found == wanted, "sample_changed", None, "samples/index.csv: other exchanges than the seed and the root give"
    )


REGISTER = """
SELECT at, leaf FROM events WHERE type = 'config.changed' AND seq < ? AND json_extract(leaf, '$.attrs.changed') = 'gateway' ORDER BY seq
"""


def check_gateways(data: Path, database: Database, report: Report) -> None:
    """Each gateway that this log's register names has its own package inside, and that holds under the key that the register has."""
    wanted: dict[str, tuple[str, str, str]] = {}  # log -> key, added, retired
    for at, leaf in database.db.execute(REGISTER, (database.end,)):
        attrs = parsed(leaf)["attrs"]
        log, before = str(attrs.get("log")), wanted.get(str(attrs.get("log")))
        if attrs.get("state") == "retired" and before:
            wanted[log] = (before[0], before[1], at)
        elif attrs.get("state") == "added":
            wanted[log] = (str(attrs.get("key")), before[1] if before and not before[2] else at, "")
    for log, (key, added, retired) in wanted.items():
        inside = data / "gateways" / ("log-" + re.sub(r"[^A-Za-z0-9.-]", "_", log))
        elsewhen = (database.until and added >= database.until) or (retired and retired <= database.since)
        if elsewhen and not inside.is_dir():
            continue
        if not report.expect(
            (inside / "bagit.txt").is_file(),
            "gateway_missing",
            None,
            f"{log}: the register names it, and its package is not here",
        ):
            continue
        found = verify(inside, key, [], every=False, roots=report.roots)
        for check, count in found.looked_at.items():
            report.looked_at[f"{check} of {len(report.parts) + 1}"] = count
        report.parts.append(log)
        for name, seq, sentence in found.failures:
            report.fail(name, seq, f"in {log}: {sentence}")
        report.notes += [f"in {log}: {note}" for note in [*found.notes, found.horizon]]
    there = {path.name for path in (data / "gateways").iterdir()} if (data / "gateways").is_dir() else set()
    for name in sorted(there - {"log-" + re.sub(r"[^A-Za-z0-9.-]", "_", log) for log in wanted}):
        report.fail("gateway_added", None, f"gateways/{name}: the register does not name it")


def check_custody(bag: Path, files: dict[str, str], database: Database, report: Report) -> None:
    """The gateway appended this export to its own log, after the leaves that are here, and signed a checkpoint over that.

    Its leaf names the manifest. Where the one in the bag is another, custody/ has a copy that tells which files were changed since.
    """
    folder, size, exports = bag / "custody", database.tree.size, []
    if not report.expect(
        (folder / "receipt.jsonl").is_file() and (folder / "checkpoint.txt").is_file(),
        "export_unrecorded",
        None,
        "custody/ is not there",
    ):
        return
    with (folder / "receipt.jsonl").open("rb") as file:
        for line in iter(lambda: file.readline(1 << 20), b""):
            leaf = parsed(line)
            if leaf.get("type") == "evidence.exported":
                exports.append((leaf["at"], "exported", str(leaf["attrs"].get("manifest")), str(leaf["seq"])))
            database.tree.append(leaf_hash(line.rstrip(b"\n")))
    recorded = {manifest for _, _, manifest, _ in exports}
    good = "sha256:" + files.get("manifest-sha256.txt", "") in recorded
    report.expect(good, "export_unrecorded", size, "no leaf in custody/ names this manifest")
    if not good and "sha256:" + files.get("custody/manifest-sha256.txt", "") in recorded:
        payload = {name: digest for name, digest in files.items() if name.startswith("data/")}
        listed = listed_in(folder / "manifest-sha256.txt")
        differing(listed, payload, report, ": not as the gateway recorded it when it exported")
    note = read(folder / "checkpoint.txt")
    good = checkpoint(note) == (database.origin, database.tree.size, database.tree.root())
    report.expect(good, "export_unrecorded", size, "the checkpoint in custody/ is not over its leaves and these")
    database.check_signature(note, "custody/checkpoint.txt", fully=True)
    if (folder / "custody.csv").is_file():
        with (folder / "custody.csv").open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            row = ([*csv.reader(file), [], []][1] + [""] * 5)[:5]
        good = (row[0], row[2], row[3], row[4]) in exports
        report.expect(good, "file_changed", None, "custody/custody.csv: its first line is not the leaf's")


# -- the command ----------------------------------------------------------------------------------------------------------


def places(path: Path) -> tuple[Path | None, Path]:
    """(bag, database) of whatever was named; no bag: a store."""
    path = path.resolve()
    for bag in (path, path.parent, path.parent.parent):
        if (bag / "bagit.txt").is_file():
            return bag, bag / "data" / "evidence.sqlite"
    return None, path / "evidence.db" if path.is_dir() else path


def is_receipt(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(RECEIPT) + 1) == RECEIPT.encode() + b"\n"


def key_near(bag: Path | None, database: Path) -> str:
    """The vkey where none was given: the package's own, or the one beside a store; "" where there is none."""
    path = bag / "data" / "KEYS.txt" if bag else database.parent / "keys" / "log.vkey"
    lines = read(path).splitlines() if path.is_file() else []
    return next((line for line in lines if line and not line.startswith("#")), "")


def check_key(vkey: str, report: Report) -> Key | None:
    try:
        key = Key(vkey)
    except ValueError as fault:
        report.fail("key_invalid", None, f"{vkey}: {fault}")
        return None
    return key


def verify(path: Path, vkey: str, seen: list[Path], every: bool, roots: list[Path] | None = None) -> Report:
    report = Report()
    report.roots = roots or []
    if is_receipt(path):
        return verify_receipt(path, vkey, report)
    bag, place = places(path)
    if not place.is_file():
        report.fail("file_missing", None, f"{place}: expected a package or a store")
        return report
    files = check_files(bag, report) if bag else {}
    if not vkey:
        vkey = key_near(bag, place)
        report.notes.append(
            f"the key is the package's own; compare it with what you got another way: {vkey}"
            if vkey
            else "no key, so no signature was checked: give --vkey"
        )
    key = check_key(vkey, report) if vkey else None
    entries = bag / "data" / "log" / "entries.jsonl" if bag else None
    try:
        with contextlib.closing(
            sqlite3.connect(f"file:{quote(str(place))}?mode=ro", uri=True, isolation_level=None)
        ) as db:
            database = Database(db, report, key)
            database.check([(str(name), read(name)) for name in seen], entries, every)
            if database.signed < database.end:
                report.notes.append(
                    f"{database.end - database.signed} leaves after the newest checkpoint are not signed yet"
                )
            if bag:
                check_lists(bag / "data", database, report)
                check_controls(bag / "data", database, report)
                check_samples(bag / "data", database, report)
                check_gateways(bag / "data", database, report)
                check_custody(bag, files, database, report)
    except (sqlite3.Error, OSError, ValueError, LookupError, TypeError, AttributeError, OverflowError) as fault:
        report.fail("database_damaged", None, f"{type(fault).__name__}: {fault}; what comes after this was not checked")
    report.notes.append(report.horizon)
    return report


def main() -> int:
    description, _, rest = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        description=description, epilog=rest, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("path", nargs="?", type=Path, default=Path(__file__).parent)
    parser.add_argument("--vkey", default="")
    parser.add_argument("--seen", nargs="+", type=Path, default=[], metavar="FILE")
    parser.add_argument("--tsa-ca", nargs="+", type=Path, default=[], metavar="FILE")
    parser.add_argument("--all", action="store_true", dest="every")
    asked = parser.parse_args()
    report = verify(asked.path, asked.vkey, asked.seen, asked.every, asked.tsa_ca)
    report.show()
    return 1 if report.totals else 0


if __name__ == "__main__":
    sys.exit(main())
