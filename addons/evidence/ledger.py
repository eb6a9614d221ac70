"""Leaves, tree and rows of one transaction. Not a thread, not a queue: whoever calls it owns the connection.

The leaf, envelope v1, as canonical JSON (RFC 8785); these bytes are stored and hashed, never made again:

    {"actor":"sj_…","at":"2026-11-23T14:49:00.123456Z","attrs":{},"exchange_id":"ex_…","origin":"affidavit.invalid/1a2b3c4d",
     "payloads":[{"commitment":"hmac-sha256:…","kind":"meta"}],"policy_digest":"sha256:…","seq":7,"type":"exchange.opened","v":1}

`actor` and `exchange_id` are left out where there is none. All leaves of one transaction have one time: the moment it was begun.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise
from typing import Any

from addons.evidence import statements
from addons.evidence.canonical import Attr, RecordInvalid, canonical
from addons.evidence.chain import Node, Tip
from addons.evidence.checkpoints import Checkpoint, Signer, sign_checkpoint
from addons.evidence.database import Connection
from addons.evidence.drafts import Draft, Link
from addons.evidence.ids import Clock, time_text
from addons.evidence.log import Tree, leaf_hash, stored_count

_RECENT = 20_000

Rows = defaultdict[str, list[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class Open:
    """An exchange that has begun and not ended."""

    subject: str
    request: Tip | None


@dataclass(slots=True)
class State:
    """What the next leaf depends on. Read from the store at the start, then kept in step with it."""

    tree: Tree
    policy_digest: str = ""
    checkpoint: Checkpoint | None = None
    note: str = ""
    open: dict[str, Open] = field(default_factory=dict)


class Ledger:
    """Appends drafts inside a transaction. After an error its state is ahead of the store: it must not be used again."""

    def __init__(self, connection: Connection, signer: Signer, clock: Clock, state: State) -> None:
        self._connection = connection
        self._signer = signer
        self.clock = clock
        self.state = state
        # What was written lately, so that the hot path asks SQLite nothing: each question would hand the interpreter's lock over.
        self._recent_nodes: dict[bytes, int] = {}
        self._recent_ids: dict[str, None] = {}

    def append(self, units: Sequence[Sequence[Draft]]) -> list[tuple[int, ...] | RecordInvalid]:
        """Write each unit whole, or say why it cannot be; the numbers of its leaves. The caller has begun and will commit."""
        at = time_text(self.clock())
        rows: Rows = defaultdict(list)
        results: list[tuple[int, ...] | RecordInvalid] = []
        hashes: list[tuple[int, bytes]] = []
        for unit in units:
            try:
                self._admit(unit)
            except RecordInvalid as fault:
                results.append(fault)
            else:
                results.append(tuple([self._leaf(draft, at, rows, hashes) for draft in unit]))
        rows[statements.HASH].extend(hashes)
        for statement in statements.ORDER:
            for text, values in statements.batches(statement, rows.get(statement, ())):
                self._connection.execute(text, values)
        return results

    def sign(self, successor: Signer | None = None) -> str:
        """Sign the tree as it is and store the checkpoint in the caller's transaction; its note.

        successor: the key that signs from here on; the one checkpoint between them bears both signatures.
        """
        tree = self.state.tree
        checkpoint = Checkpoint(self._signer.name, tree.size, tree.root())
        note = sign_checkpoint(self._signer, checkpoint)
        if successor is not None:
            note += successor.signature_line(checkpoint.body)
        root = checkpoint.body.split("\n")[2]
        row = (checkpoint.size, root, note, time_text(self.clock()))
        self._connection.execute(statements.CHECKPOINT, row)
        self.state.checkpoint, self.state.note = checkpoint, note
        return note

    def forget(self) -> None:
        """Rows were erased: what was written lately may not be there any more."""
        self._recent_nodes.clear()

    @property
    def unsigned(self) -> int:
        """Leaves that no checkpoint covers yet."""
        return self.state.tree.size - (0 if self.state.checkpoint is None else self.state.checkpoint.size)

    def _leaf(self, draft: Draft, at: str, rows: Rows, hashes: list[tuple[int, bytes]]) -> int:
        state = self.state
        seq = state.tree.size
        if draft.type == "policy.loaded" and draft.policy_digest:
            state.policy_digest = draft.policy_digest
        actor = draft.actor
        leaf: dict[str, Attr] = {
            "v": 1,
            "origin": self._signer.name,
            "seq": seq,
            "at": at,
            "type": draft.type,
            "policy_digest": state.policy_digest if draft.policy_digest is None else draft.policy_digest,
            "payloads": draft.commitments,
            "attrs": draft.attrs,
        }
        if draft.exchange_id is not None:
            leaf["exchange_id"] = draft.exchange_id
        if actor is not None:
            leaf["actor"] = actor.pseudonym
        body = canonical(leaf)
        first = stored_count(seq)
        hashes.extend(enumerate(state.tree.append(leaf_hash(body)), first))
        name = None if actor is None else actor.name
        if (
            actor is not None and not actor.durable
        ):  # decided here, not when it was drafted: an erasure may come between
            rows[statements.SUBJECT].append((seq, at, actor.number, actor.name, actor.key, actor.pseudonym))
        rows[statements.EVENT].append((seq, at, draft.type, draft.exchange_id, name, body.decode()))
        for statement, values in draft.writes:
            rows[statement].append((seq, at, *values))
        return seq

    def _admit(self, unit: Sequence[Draft]) -> None:
        """Check what each draft of the unit continues, in order; nothing changes unless all of it holds."""
        links = [draft.link for draft in unit if draft.link is not None]
        exchanges: dict[str, Open | None] = {}
        nodes: dict[bytes, int] = {}
        for link in links:
            self._check(link, exchanges, nodes)
            nodes.update({node.id: node.depth for node in link.nodes})
            if link.opens or link.closes:
                exchanges[link.exchange_id] = Open(link.subject, link.tip) if link.opens else None
        for exchange_id, begun in exchanges.items():
            self._recent_ids[exchange_id] = None
            if begun is None:
                self.state.open.pop(exchange_id, None)
            else:
                self.state.open[exchange_id] = begun
        self._recent_nodes.update(nodes)
        _trim(self._recent_ids)
        _trim(self._recent_nodes)

    def _check(self, link: Link, exchanges: dict[str, Open | None], nodes: dict[bytes, int]) -> None:
        exchange_id = link.exchange_id
        begun = exchanges[exchange_id] if exchange_id in exchanges else self.state.open.get(exchange_id)
        if link.opens:
            if begun is not None or exchange_id in exchanges or exchange_id in self._recent_ids:
                raise RecordInvalid(f"exchange {exchange_id} is recorded already; each needs an id of its own")
        elif begun is None:
            raise RecordInvalid(f"exchange {exchange_id} is not open; expected its Opened first and no Closed before")
        elif begun.subject != link.subject:
            raise RecordInvalid(f"exchange {exchange_id}: expected the subject that opened it, got another")
        _check_run(link, None if link.opens or begun is None else begun.request)
        before = _before(link)
        if before is not None and before.depth != self._depth(before.id, nodes):
            raise RecordInvalid(
                f"exchange {exchange_id}: its messages continue a chain that is not recorded; send the whole chain"
            )

    def _depth(self, node: bytes, nodes: dict[bytes, int]) -> int | None:
        """Where a node stands that is in this unit, was written lately, or is in the store; None: it is nowhere."""
        found = nodes.get(node, self._recent_nodes.get(node))
        if found is not None:
            return found
        row = self._connection.execute("SELECT depth FROM nodes WHERE id = ?", (node,)).fetchone()
        return None if row is None else int(row[0])


def _trim(recent: dict[Any, Any]) -> None:
    """Forget the oldest half when there are too many; what is forgotten is looked up in the store."""
    if len(recent) > _RECENT:
        for key in list(islice(recent, _RECENT // 2)):
            del recent[key]


def _before(link: Link) -> Tip | None:
    """The node that must be recorded already; None where a conversation begins."""
    if not link.nodes:
        return link.tip
    first = link.nodes[0]
    return None if first.parent is None else Tip(first.parent, first.depth - 1)


def _check_run(link: Link, request: Tip | None) -> None:
    """The nodes follow one another and end at the tip; a reply begins where its request ended."""
    if not link.nodes:
        return
    first, last = link.nodes[0], link.nodes[-1]
    runs = all(_follows(before, node) for before, node in pairwise(link.nodes))
    if not runs or last.tip != link.tip or (first.parent is None) != (first.depth == 0):
        raise RecordInvalid(f"exchange {link.exchange_id}: expected nodes in one run that ends at its tip")
    if link.opens:
        return
    begin = 0 if request is None else request.length
    parent = None if request is None else request.id
    if first.depth < begin or (first.depth == begin and first.parent != parent):
        raise RecordInvalid(f"exchange {link.exchange_id}: expected the reply's nodes to continue its request")


def _follows(before: Node, node: Node) -> bool:
    return node.parent == before.id and node.depth == before.depth + 1
