"""A store with a bit of everything, ways to change it behind the gateway's back, and what the verifier says to that. Not a test."""

from __future__ import annotations

import hashlib
import sqlite3

from addons.evidence.checkpoints import Verifier
from addons.evidence.records import Event, Partial, PolicyLoaded, RoleRecord, TokenMinted, TokenRow
from addons.evidence.verify import verify
from tests.evidence.samples import ALICE, BOB, drop_table, masked, run_of


def fill(world):
    """A bit of everything: leaves 1 to 16, checkpoints over 1, 10 and 17 leaves."""
    store = world.open()
    store.append(PolicyLoaded("sha256:" + hashlib.sha256(b"{}").hexdigest(), b"{}", "root")).result(10)
    _, first = world.exchange(store, "what is in the safe", "gold")
    world.exchange(store, "and besides", "silver", after=first.reply)
    opened = world.opened(store, "drop it", subject=ALICE, maskings=(masked("header:x"),))
    store.append(opened).result(10)
    approval, _ = world.approved(store, opened)
    store.checkpoint().result(10)
    blocks = run_of(store, ALICE, opened.request, "block one", "block two")
    store.append(Partial(opened.id, ALICE, blocks[:1], blocks[0].tip)).result(10)
    ended = world.closed(
        store, opened, nodes=blocks[1:], reply=blocks[1].tip, commands=(drop_table(),), approval_id=approval.id
    )
    store.append(ended).result(10)
    token = TokenRow(
        "tk_1", "sha256:" + "0" * 64, ALICE, "", ("eng",), "", "root", world.clock.text(), world.clock.text()
    )
    store.append(TokenMinted(token, "root")).result(10)
    store.append(RoleRecord(BOB, "auditor", world.clock.text(), "root")).result(10)
    store.append(Event("finding", BOB, attrs={"code": "bypass"}, meta={"host": "example.org"})).result(10)
    store.append(world.opened(store, "left open", subject=BOB)).result(10)
    store.heartbeat({"opened": 4}).result(10)
    store.close()


def change(folder, *statements):
    connection = sqlite3.connect(folder / "evidence.db", isolation_level=None)
    for statement in statements:
        connection.execute(*(statement if isinstance(statement, tuple) else (statement,)))
    connection.close()


def ask(folder, query, *values):
    connection = sqlite3.connect(folder / "evidence.db", isolation_level=None)
    rows = connection.execute(query, values).fetchall()
    connection.close()
    return rows


def verifier(folder):
    return Verifier.of((folder / "keys" / "log.vkey").read_text())


def found(folder, **options):
    return verify(folder / "evidence.db", verifier(folder), **options)


def names(folder, **options):
    return dict(found(folder, **options).totals)
