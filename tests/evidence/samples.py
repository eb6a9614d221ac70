"""A state folder with a clock that ticks and randomness that repeats, and records as the gateway would make them. Not a test."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from addons.evidence.chain import Masking, Node, Tip
from addons.evidence.ids import new_id, time_text
from addons.evidence.keys import Keys
from addons.evidence.records import ApprovalRecord, ApprovalRow, Closed, Command, GrantRow, Opened, Outcome
from addons.evidence.store import Store

ALICE, BOB, CAROL = "local|alice", "local|bob", "local|carol"
DIGEST = "sha256:" + "ab" * 32


class Clock:
    """Starts on a fixed day and moves one millisecond each time it is asked."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 14, 49, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now

    def text(self) -> str:
        return time_text(self())


class World:
    """One state folder and what was done in it."""

    def __init__(self, folder: Path, seed: int = 1) -> None:
        self.folder = folder
        self.path = folder / "evidence.db"
        self.clock = Clock()
        self.random = random.Random(seed).randbytes
        self.keys = Keys.create(folder / "keys", self.random)
        Store.create(self.path, self.keys, clock=self.clock, random=self.random)

    def open(self, **options: object) -> Store:
        return Store.open(
            self.path, self.keys, clock=self.clock, random=self.random, **{"checkpoint_seconds": 3600.0, **options}
        )

    def id(self, prefix: str) -> str:
        return new_id(prefix, self.clock(), self.random)

    def opened(
        self, store: Store, text: str = "hello", *, after: Tip | None = None, subject: str = ALICE, **changes: object
    ) -> Opened:
        node = store.chain(subject).extend(after, role="user", kind="text", text=text)
        record = Opened(
            id=self.id("ex"),
            session_id=self.id("se"),
            opened_at=self.clock.text(),
            subject=subject,
            policy_digest=DIGEST,
            email="person@example.org",
            groups=("engineering",),
            auth_method="afd_token",
            grade="trial",
            door="proxy",
            connection="openai",
            provider="openai",
            host="api.openai.com",
            method="POST",
            path="/v1/chat/completions",
            operation="chat",
            request_model="gpt-4o",
            streamed=True,
            gateway="test",
            nodes=(node,),
            request=node.tip,
            parameters='{"temperature":0.5}',
            headers=(("user-agent", "test"),),
        )
        return replace(record, **changes)

    def closed(self, store: Store, opened: Opened, text: str = "hello yourself", **changes: object) -> Closed:
        node = store.chain(opened.subject).extend(opened.request, role="assistant", kind="text", text=text)
        at = self.clock.text()
        record = Closed(
            opened.id,
            opened.subject,
            at,
            Outcome.COMPLETED,
            sent_at=at,
            first_chunk_at=at,
            response_model="gpt-4o-2024",
            http_status=200,
            input_tokens=9,
            output_tokens=0,
            finish_reasons=("stop",),
            duration_ms=12,
            nodes=(node,),
            reply=node.tip,
        )
        return replace(record, **changes)

    def exchange(
        self, store: Store, text: str = "hello", reply: str = "hello yourself", **changes: object
    ) -> tuple[Opened, Closed]:
        """One whole exchange, durable."""
        opened = self.opened(store, text, **changes)
        store.append(opened).result(10)
        closed = self.closed(store, opened, reply)
        store.append(closed).result(10)
        return opened, closed

    def approval(self, exchange_id: str, **changes: object) -> ApprovalRow:
        row = ApprovalRow(
            id=self.id("ap"),
            exchange_id=exchange_id,
            rule="destructive-sql",
            requester=ALICE,
            state="pending",
            requested_at=self.clock.text(),
            expires_at=time_text(self.clock() + timedelta(hours=1)),
            payload_digest="hmac-sha256:" + "cd" * 32,
            grade="trial",
            details={"groups": ["data-owners"], "count": 1},
        )
        return replace(row, **changes)

    def approved(self, store: Store, opened: Opened, **changes: object) -> tuple[ApprovalRow, GrantRow]:
        """Asked for, agreed to by Bob and used by the exchange, durable."""
        asked = self.approval(opened.id)
        answer = {
            "approver": BOB,
            "decided_at": self.clock.text(),
            "released_at": self.clock.text(),
            "reason": "agreed",
        }
        decided = replace(asked, state="approved", **(answer | changes))
        grant = GrantRow(self.id("gr"), asked.id, "exact", asked.payload_digest, asked.expires_at)
        used = replace(grant, used_at=self.clock.text(), used_by=opened.id)
        for record in (
            ApprovalRecord("approval.requested", asked, actor=ALICE),
            ApprovalRecord("approval.decided", decided, grant, actor=BOB),
            ApprovalRecord("approval.used", decided, used, actor=ALICE),
        ):
            store.append(record).result(10)
        return decided, used


def masked(location: str = "") -> Masking:
    return Masking(location, "CREDIT_CARD", "cards", "hash", "<CREDIT_CARD:7f3a>", 2)


def drop_table(part: int = 0) -> Command:
    return Command(part, "call_1", "run_sql", "sql", "DROP", ("main.users",), "DROP TABLE users")


def run_of(store: Store, subject: str, after: Tip | None, *texts: str) -> tuple[Node, ...]:
    """Nodes for texts, one after another."""
    chain, nodes = store.chain(subject), []
    for text in texts:
        node = chain.extend(after, role="user", kind="text", text=text)
        nodes.append(node)
        after = node.tip
    return tuple(nodes)


def rows(store, query, *values):
    with store.reading() as connection:
        return connection.execute(query, values).fetchall()
