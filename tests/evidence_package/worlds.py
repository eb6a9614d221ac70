"""A small store of everything an auditor may meet, made through the store's own API, and the package of it. Not tests."""

import hashlib
import json
import random as randomness
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from addons.evidence.chain import Chain, Masking, Node, Tip
from addons.evidence.ids import new_id, time_text
from addons.evidence.keys import Keys
from addons.evidence.package.package import Built, Receipt, Wish, export
from addons.evidence.package.scope import Scope
from addons.evidence.records import (
    ApprovalRecord,
    ApprovalRow,
    Closed,
    Command,
    Event,
    GrantRow,
    Opened,
    Outcome,
    Partial,
    PolicyLoaded,
    RoleRecord,
    TokenMinted,
    TokenRow,
)
from addons.evidence.store import Store

POLICIES = Path(__file__).parents[2] / "policies"
FIRST_DAY = datetime(2026, 11, 2, 8, tzinfo=UTC)
RULES = b'{"version":1}'
RULES_DIGEST = "sha256:" + hashlib.sha256(RULES).hexdigest()
CARD = "4111 1111 1111 1111"  # what people typed; the record has CARD_TOKEN
CARD_TOKEN = "[CREDIT_CARD_1f2e3d]"
TOKEN_SHA256 = "sha256:" + "ab" * 32
FORMULA = '=HYPERLINK("http://127.0.0.1/","x")'


EVERYTHING, AS_USUAL = Scope(), Wish()


class Clock:
    """Each look is a second later; `jump` goes to the next day."""

    def __init__(self) -> None:
        self.now = FIRST_DAY

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def jump(self, **more: int) -> None:
        self.now += timedelta(**more)

    @property
    def text(self) -> str:
        return time_text(self())


@dataclass
class World:
    """A state folder that nobody owns at the moment."""

    folder: Path
    keys: Keys
    clock: Clock
    random: Callable[[int], bytes]

    @property
    def database(self) -> Path:
        return self.folder / "evidence.db"

    def open(self) -> Store:
        return Store.open(self.database, self.keys, clock=self.clock, random=self.random)

    @property
    def vkey(self) -> str:
        return self.keys.vkey

    def sign(self) -> None:
        store = self.open()
        store.checkpoint().result()
        store.close()

    def record(self, built: Built) -> Receipt:
        store = self.open()
        try:
            attrs = {"manifest": built.manifest, "leaves": built.leaves}
            [seq] = store.append(Event("evidence.exported", actor="os|auditor", attrs=attrs)).result()
            note = store.checkpoint().result()
            with store.reading() as database:
                rows = database.execute("SELECT leaf FROM events WHERE seq >= ? ORDER BY seq", (built.leaves,))
                leaves = [leaf.encode() for (leaf,) in rows]
                at = json.loads(leaves[seq - built.leaves])["at"]
                return Receipt(at, "os|auditor", seq, leaves, note)
        finally:
            store.close()

    def export(self, out: Path, scope: Scope = EVERYTHING, wish: Wish = AS_USUAL) -> Built:
        return export(self.database, out, scope, self, {"Bagging-Date": self.clock.text[:10]}, wish)


def details(same_minter: bool = False) -> dict[str, object]:
    """What console/rows.py keeps of an approval beside its columns."""
    return {
        "details_version": 1,
        "requester_email": "",
        "requester_minted_by": "os|root",
        "groups": ["data-owners"],
        "count": 1,
        "policy_digest": RULES_DIGEST,
        "same_minter": same_minter,
        "votes": [],
    }


class Writer:
    """Exchanges as the gateway writes them."""

    def __init__(self, world: World, store: Store) -> None:
        self.world, self.store, self.clock = world, store, world.clock

    def write(self, *records: object) -> None:
        self.store.append(*records).result()  # type: ignore[arg-type]

    def id(self, prefix: str) -> str:
        return new_id(prefix, self.clock.now, self.world.random)

    def say(self, chain: Chain, tip: Tip | None, *said: tuple[str, str]) -> list[Node]:
        nodes = []
        for role, text in said:
            maskings = [Masking("", "CREDIT_CARD", "cards", "hash", CARD_TOKEN)] if CARD_TOKEN in text else []
            nodes.append(chain.extend(tip, role=role, kind="text", text=text, maskings=maskings))
            tip = nodes[-1].tip
        return nodes

    def ask(self, subject: str, *said: tuple[str, str], after: Tip | None = None, **more: object) -> tuple[Opened, Tip]:
        nodes = self.say(self.store.chain(subject), after, *said)
        opened = Opened(
            self.id("ex"), self.id("se"), self.clock.text, subject, RULES_DIGEST, email=subject.split("|")[1] + "@example.org",
            groups=("engineering",), auth_method="gateway_token", grade="trial", connection="openai", provider="openai",
            host="api.openai.com", method="POST", path="/v1/chat/completions", operation="chat", request_model="gpt-5",
            nodes=tuple(nodes), request=nodes[-1].tip, parameters=json.dumps({"model": "gpt-5", "temperature": "0.2"}),
            headers=(("authorization", "[redacted]"), ("user-agent", "openai-python")), gateway="gw-1",
            maskings=(Masking("header:authorization", "CREDENTIAL", "headers", "redact", "[redacted]"),),
        )  # fmt: skip
        opened = replace(opened, **more)
        self.write(opened)
        return opened, nodes[-1].tip

    def answer(self, opened: Opened, text: str, outcome: Outcome = Outcome.COMPLETED, **more: object) -> Tip | None:
        nodes = self.say(self.store.chain(opened.subject), opened.request, ("assistant", text)) if text else []
        closed = Closed(
            opened.id, opened.subject, self.clock.text, outcome, sent_at=opened.opened_at, http_status=200,
            response_model="gpt-5-2026", input_tokens=12, output_tokens=5, finish_reasons=("stop",), duration_ms=1000,
            nodes=tuple(nodes), reply=nodes[-1].tip if nodes else None, headers=(("content-type", "application/json"),),
        )  # fmt: skip
        self.write(replace(closed, **more))
        return nodes[-1].tip if nodes else None


def fill(world: World) -> None:
    """Two people, a history sent again, a hold that is approved and one that is denied, a refusal, a finding, a crash."""
    store = world.open()
    writer = Writer(world, store)
    clock = world.clock
    writer.write(PolicyLoaded(RULES_DIGEST, RULES, actor="os|root"), Event("gateway.started", attrs={"version": "1"}))
    writer.write(
        TokenMinted(
            TokenRow(
                "to_1",
                TOKEN_SHA256,
                "local|ann",
                "ann@example.org",
                ("engineering",),
                "",
                "os|root",
                clock.text,
                clock.text,
            ),
            "os|root",
        )
    )
    writer.write(RoleRecord("local|bob", "data-owners", clock.text, "os|root"))

    first, _ = writer.ask("local|ann", ("system", "be brief"), ("user", f"is {CARD_TOKEN} a card?"), token_id="to_1")
    tip = writer.answer(first, "it looks like one")
    again, _ = writer.ask(
        "local|ann", ("user", "drop the table"), after=tip, session_id=first.session_id, link_reason="prefix"
    )
    command = Command(0, "call_1", "sql", "sql", "DROP", ("cards",), "DROP TABLE cards")
    held = ApprovalRow(
        "ap_1",
        again.id,
        "destructive-sql",
        "local|ann",
        "pending",
        clock.text,
        "2026-11-30T00:00:00.000000Z",
        "hmac-sha256:00",
        grade="trial",
        details=details(),
    )
    writer.write(ApprovalRecord("approval.requested", held, actor="local|ann"))
    clock.jump(days=1)
    decided = replace(
        held,
        state="approved",
        approver="local|bob",
        decided_at=clock.text,
        reason="the table is a copy, +1",
        details=details(same_minter=True),
    )
    grant = GrantRow("gr_1", "ap_1", "exact", "hmac-sha256:00", held.expires_at)
    writer.write(ApprovalRecord("approval.decided", decided, grant, actor="local|bob"))
    used = replace(grant, used_at=clock.text, used_by=again.id)
    writer.write(ApprovalRecord("approval.used", replace(decided, released_at=clock.text), used, actor="local|ann"))
    writer.answer(again, "done", commands=(command,), approval_id="ap_1")

    evil, _ = writer.ask(
        "local|bob", ("user", "hello"), path=FORMULA, purpose="@cmd", request_model="<script>alert(1)</script>\u202e"
    )
    writer.answer(evil, "", Outcome.REFUSED, error="model_forbidden", http_status=403)
    refused = replace(
        held,
        id="ap_2",
        exchange_id=evil.id,
        requester="local|bob",
        state="denied",
        approver="local|ann",
        decided_at=clock.text,
        reason="no",
    )
    writer.write(
        ApprovalRecord(
            "approval.requested", replace(refused, state="pending", approver="", reason=""), actor="local|bob"
        )
    )
    writer.write(ApprovalRecord("approval.decided", refused, actor="local|ann"))
    writer.write(
        Event("finding", attrs={"code": "own_key"}, exchange_id=evil.id),
        Event("identity.refused", attrs={"code": "token_unknown"}),
    )

    managed, _ = writer.ask(
        "https://issuer.example|cai", ("user", "hello"), grade="managed", provider="anthropic", request_model="claude-5"
    )
    writer.answer(managed, "hello to you")
    cut, tip = writer.ask("https://issuer.example|cai", ("user", "a long story"), grade="managed", streamed=True)
    [node] = writer.say(store.chain(cut.subject), tip, ("assistant", "once upon"))
    writer.write(Partial(cut.id, cut.subject, (node,), node.tip))
    store.close()
    store = world.open()  # finds `cut` open and closes it as interrupted
    writer = Writer(world, store)
    clock.jump(days=1)
    left, _ = writer.ask("local|ann", ("user", "one more"))
    writer.answer(left, "never mi", Outcome.ABORTED, error="client_left")
    writer.write(Event("gateway.stopped"))
    store.close()


def new_world(folder: Path) -> World:
    folder.mkdir(mode=0o700)
    seeded = randomness.Random(7).randbytes
    keys = Keys.create(folder / "keys", seeded)
    world = World(folder, keys, Clock(), seeded)
    Store.create(world.database, keys, clock=world.clock, random=seeded)
    shutil.copytree(POLICIES, folder / "policies", ignore=shutil.ignore_patterns("strict"))
    fill(world)
    return world
