"""A store of any size as a gateway would have written it, made in minutes: people, conversations, masked values, commands, holds.

The room's own drafts and ledger write it, in large transactions and without waiting for the disk; only that differs from a gateway.
"""

from __future__ import annotations

import random as randomness
from contextlib import closing
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from addons.evidence import opening
from addons.evidence.chain import Chain, Masking, Node, Tip
from addons.evidence.drafts import Draft
from addons.evidence.head import write_head
from addons.evidence.ids import new_id, time_text
from addons.evidence.keys import Keys
from addons.evidence.records import Closed, Command, Event, Opened, Outcome, PolicyLoaded, Record
from addons.evidence.store import Store
from addons.evidence.subjects import Subjects

RULES = b'{"generated":true}'
DIGEST = "sha256:" + sha256(RULES).hexdigest()
TURNS = 5  # exchanges of one conversation, each of which sends all that was said before
PEOPLE = 40
TOKEN = "[CREDIT_CARD:ggjnhmpsgngctmrm]"  # noqa: S105 a masked value, not a secret
_AT_ONCE = 2000  # exchanges in one transaction
_WORDS = (
    "please the table of customers rows why does this query read every index and plan it again for each of them".split()
)


class Generator:
    """Exchanges in order, one after another, by a clock that moves two seconds for each."""

    def __init__(self, seed: int) -> None:
        self._random = randomness.Random(seed)  # noqa: S311 the same store each time
        self.random = self._random.randbytes
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self._session = self._subject = ""
        self._tip: Tip | None = None
        self._turn = TURNS

    def clock(self) -> datetime:
        self.now += timedelta(microseconds=1)
        return self.now

    def text(self, words: int) -> str:
        return " ".join(self._random.choices(_WORDS, k=words))

    def exchange(self, store: _Chains) -> list[Record]:
        """One exchange: its two records, and at times a finding."""
        self.now += timedelta(seconds=2)
        if self._turn == TURNS:
            self._turn, self._tip = 0, None
            self._subject = f"https://issuer.example|person-{self._random.randrange(PEOPLE)}"
            self._session = new_id("se", self.now, self.random)
        self._turn += 1
        chain = store.chain(self._subject)
        masked = self._random.random() < 0.2
        said = f"{self.text(30)} {TOKEN}" if masked else self.text(40)
        rows = [Masking("", "CREDIT_CARD", "cards", "hash", TOKEN)] if masked else []
        asked = chain.extend(self._tip, role="user", kind="text", text=said, maskings=rows)
        opened = self._opened(asked)
        reply = chain.extend(asked.tip, role="assistant", kind="text", text=self.text(60))
        self._tip = reply.tip
        return [opened, self._closed(opened, reply)]

    def _opened(self, node: Node) -> Opened:
        return Opened(
            id=new_id("ex", self.now, self.random),
            session_id=self._session,
            opened_at=time_text(self.now),
            subject=self._subject,
            policy_digest=DIGEST,
            link_reason="prefix" if self._turn > 1 else "",
            email=self._subject.split("|")[1] + "@example.org",
            groups=("engineering",),
            auth_method="oidc",
            grade="managed",
            door="proxy",
            connection="openai",
            provider="openai",
            host="api.openai.com",
            method="POST",
            path="/v1/chat/completions",
            operation="chat",
            request_model="gpt-5",
            streamed=True,
            gateway="generated",
            nodes=(node,),
            request=node.tip,
            parameters='{"temperature":0.5}',
            headers=(("user-agent", "openai-python"),),
        )

    def _closed(self, opened: Opened, node: Node) -> Closed:
        at = time_text(self.now + timedelta(seconds=1))
        commands: tuple[Command, ...] = ()
        if self._random.random() < 0.1:
            commands = (Command(0, "call_1", "sql", "sql", "SELECT", ("main.customers",), "SELECT * FROM customers"),)
        completed = self._random.random() < 0.97
        return Closed(
            opened.id,
            opened.subject,
            at,
            Outcome.COMPLETED if completed else Outcome.FAILED,
            error="" if completed else "upstream_failed",
            sent_at=opened.opened_at,
            first_chunk_at=opened.opened_at,
            response_model="gpt-5-2026",
            http_status=200 if completed else 502,
            input_tokens=60,
            output_tokens=80,
            finish_reasons=("stop",),
            first_chunk_ms=210,
            duration_ms=1000,
            nodes=(node,),
            reply=node.tip,
            commands=commands,
        )


class _Chains:
    """What a store says of a person's key, while nobody has opened it as a store."""

    def __init__(self, subjects: Subjects) -> None:
        self._subjects = subjects
        self._made: dict[str, Chain] = {}

    def chain(self, subject: str) -> Chain:
        found = self._made.get(subject)
        if found is None:
            found = self._made[subject] = Chain(self._subjects.of(subject).key)
        return found


def generate(folder: Path, exchanges: int, *, seed: int = 1) -> Keys:
    """A new state in `folder` with so many exchanges, a checkpoint after each 2,000; the keys that signed it."""
    made = Generator(seed)
    folder.mkdir(mode=0o700)
    path = folder / "evidence.db"
    keys = Keys.create(folder / "keys", made.random)
    Store.create(path, keys, clock=made.clock, random=made.random)
    with closing(opening.connected(path)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        ledger, subjects, drafter = opening.resume(path, connection, keys, made.clock, made.random)
        chains = _Chains(subjects)
        for first in range(0, exchanges, _AT_ONCE):
            records: list[Record] = [Event("gateway.heartbeat")]
            if first == 0:
                records.append(PolicyLoaded(DIGEST, RULES, "os|root"))
            for _ in range(min(_AT_ONCE, exchanges - first)):
                records.extend(made.exchange(chains))
            drafts = [drafter.draft(record) for record in records]
            connection.execute("BEGIN IMMEDIATE")
            ledger.append([[draft] for draft in drafts])
            note = ledger.sign()
            connection.execute("COMMIT")
            _settle(drafts)
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        write_head(path, note)
    return keys


def _settle(drafts: list[Draft]) -> None:
    """People are written once; the store's writer does this after each commit."""
    for draft in drafts:
        if draft.actor is not None:
            draft.actor.durable = True
