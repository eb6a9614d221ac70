"""Erasing takes a reason and a second person; holds stop it; what is past its time goes by itself. All of it is a record."""

import asyncio
import json
from datetime import timedelta

import pytest

from addons.console import erasing, operations
from addons.console.operations import Ask, OperationRefused
from addons.evidence.checkpoints import Verifier
from addons.evidence.ids import time_text
from addons.evidence.package import single_file_verify
from addons.evidence.records import Closed, Opened, Outcome
from addons.evidence.store import Store
from addons.evidence.verify import verify
from tests.console.desks import leaf_types, owning, person

SECRET = "ZEBRAFISH"


async def talk(desk, subject, text, *, age_days=0, session=""):
    """One whole exchange that began so long ago."""
    at = time_text(desk.clock() - timedelta(days=age_days))
    chain = desk.store.chain(subject)
    asked = chain.extend(None, role="user", kind="text", text=text)
    exchange_id = desk.new_id("ex")
    await desk.record(
        Opened(
            exchange_id,
            session or desk.new_id("se"),
            at,
            subject,
            desk.policies.digest,
            connection="openai",
            nodes=(asked,),
            request=asked.tip,
        )
    )
    reply = chain.extend(asked.tip, role="assistant", kind="text", text=f"about {text}")
    await desk.record(Closed(exchange_id, subject, at, Outcome.COMPLETED, nodes=(reply,), reply=reply.tip))
    return exchange_id


async def asked(desk, method, path, *, token="", **body):
    return await operations.answer(desk, Ask(method, path, "os|root", body=body or None, token=token))


def check(state):
    vkey = (state.keys / "log.vkey").read_text()
    ours = verify(state.database, Verifier.of(vkey), everything=True)
    theirs = single_file_verify.verify(state.database, vkey, [], True)
    assert (dict(ours.totals), theirs.totals) == ({}, {})
    assert ours.counts["erased"] == theirs.looked_at.get("erased", 0)
    return ours.counts["erased"]


def bytes_of(state):
    return b"".join(path.read_bytes() for path in state.path.rglob("*") if path.is_file())


@pytest.mark.parametrize("scope", ["person", "session"])
def test_an_erasure_is_asked_for_agreed_to_and_carried_out(state, clock, scope):
    async def work():
        async with owning(state, clock) as desk:
            asker, _ = await person(desk, "officer", "data-protection")
            owner, _ = await person(desk, "dora", "data-owners")
            await talk(desk, "local|alice", SECRET, session="se_1")
            await talk(desk, "local|bob", "QUAGGA")
            said = {"scope": scope, "value": "local|alice" if scope == "person" else "se_1", "reason": "request 12"}
            first = await asked(desk, "POST", "/erasures", token=asker, **said)
            again = await asked(desk, "POST", "/erasures", token=asker, **said)
            with pytest.raises(OperationRefused, match="self approval"):
                await asked(desk, "POST", f"/approvals/{first['approval']['id']}/approve", token=asker, reason="mine")
            await asked(desk, "POST", f"/approvals/{first['approval']['id']}/approve", token=owner, reason="agreed")
            other = await asked(desk, "POST", "/erasures", token=asker, **said | {"reason": "another reason"})
            assert SECRET.encode() in bytes_of(state)
            done = await asked(desk, "POST", "/erasures", token=asker, **said)
            assert SECRET.encode() not in bytes_of(state)
            with pytest.raises(OperationRefused, match="nothing is recorded"):
                await asked(desk, "POST", "/erasures", token=asker, **said)
            return first, again, other, done

    first, again, other, done = asyncio.run(work())

    assert (first["state"], again["approval"]["id"]) == ("pending", first["approval"]["id"])
    assert other["state"] == "pending"  # agreed was to another sentence
    assert (done["state"], done["exchanges"], done["messages"], done["wal_cut"]) == ("erased", 1, 2, True)
    assert SECRET.encode() not in bytes_of(state)
    assert b"QUAGGA" in bytes_of(state)
    assert check(state) > 0
    assert leaf_types(state).count("payload.erased") == 1
    with Store.reader(state.database) as database:
        [(leaf, meta)] = database.execute(
            "SELECT e.leaf, p.meta FROM events e JOIN payloads p ON p.seq = e.seq WHERE type = 'payload.erased'"
        ).fetchall()
    assert json.loads(leaf)["attrs"]["approval"] == first["approval"]["id"]
    assert "alice" not in leaf
    assert json.loads(meta) == {"reason": "request 12"}


async def _open(desk):
    await desk.record(Opened("ex_open", "se_2", time_text(desk.clock()), "local|alice", desk.policies.digest))


async def _token(desk):
    await person(desk, "alice")


async def _hold(desk):
    await asked(desk, "POST", "/holds", scope="session", value="se_1", reason="case 12")


@pytest.mark.parametrize(
    ("before", "code"),
    [(_open, "still_open"), (_token, "token_in_force"), (_hold, "on_hold")],
    ids=["open", "token", "hold"],
)
def test_what_stands_in_the_way_of_an_erasure_is_named(state, clock, before, code):
    async def work():
        async with owning(state, clock) as desk:
            asker, _ = await person(desk, "officer")
            await talk(desk, "local|alice", SECRET, session="se_1")
            await before(desk)
            await asked(desk, "POST", "/erasures", token=asker, scope="person", value="local|alice", reason="x")

    with pytest.raises(OperationRefused) as refused:
        asyncio.run(work())

    assert refused.value.code == code
    assert refused.value.hint
    assert SECRET.encode() in bytes_of(state)
    assert "payload.erased" not in leaf_types(state)


def test_a_hold_set_after_the_agreement_still_stops_it(state, clock):
    async def work():
        async with owning(state, clock) as desk:
            asker, _ = await person(desk, "officer")
            owner, _ = await person(desk, "dora", "data-owners")
            await talk(desk, "local|alice", SECRET)
            said = {"scope": "person", "value": "local|alice", "reason": "request 12"}
            first = await asked(desk, "POST", "/erasures", token=asker, **said)
            await asked(desk, "POST", f"/approvals/{first['approval']['id']}/approve", token=owner, reason="agreed")
            held = await asked(desk, "POST", "/holds", scope="everything", reason="audit")
            with pytest.raises(OperationRefused, match=f"hold {held['id']} keeps it"):
                await asked(desk, "POST", "/erasures", token=asker, **said)
            await asked(desk, "POST", f"/holds/{held['id']}/lift", reason="over")
            return await asked(desk, "POST", "/erasures", token=asker, **said)

    assert asyncio.run(work())["state"] == "erased"
    assert [kind for kind in leaf_types(state) if kind.startswith("hold.")] == ["hold.set", "hold.lifted"]
    check(state)


def test_nobody_erases_without_saying_who_they_are(state, clock):
    async def work():
        async with owning(state, clock) as desk:
            await talk(desk, "local|alice", SECRET)
            await asked(desk, "POST", "/erasures", scope="person", value="local|alice", reason="x")

    with pytest.raises(OperationRefused) as refused:
        asyncio.run(work())
    assert refused.value.status == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"scope": "planet", "value": "x", "reason": "y"}, 400),
        ({"scope": "session", "value": "se_9", "reason": "y"}, 404),
        ({"scope": "person"}, 400),
    ],
)
def test_a_wrong_target_is_refused(state, clock, body, status):
    async def work():
        async with owning(state, clock) as desk:
            asker, _ = await person(desk, "officer")
            await asked(desk, "POST", "/erasures", token=asker, **body)

    with pytest.raises(OperationRefused) as refused:
        asyncio.run(work())
    assert refused.value.status == status


def test_what_is_past_its_time_goes_and_nothing_is_overdue_afterwards(state, clock, monkeypatch):
    """365 days for content, 1095 for the rest (policies/retention.yaml); two at a time, so that borders fall between them."""
    monkeypatch.setattr(erasing, "AT_ONCE", 2)

    async def work():
        async with owning(state, clock) as desk:
            for number, age in enumerate((1, 364, 366, 400, 500, 1100, 1200, 1300)):
                await talk(desk, f"local|p{number}", f"{SECRET}{number}", age_days=age)
            held = await talk(desk, "local|held", "QUAGGA", age_days=2000)
            await asked(desk, "POST", "/holds", scope="exchange", value=held, reason="case 12")
            before = (await asked(desk, "GET", "/status"))["retention"]
            swept = await asked(desk, "POST", "/sweeps")
            return before, swept, (await asked(desk, "GET", "/status"))["retention"]

    before, swept, after = asyncio.run(work())

    assert (before["overdue"], before["held_past_their_time"]) == (6, 1)
    assert swept == {"exchanges": 6, "leaves": 12, "wal_cut": True}
    assert after["overdue"] == 0
    text = bytes_of(state)
    assert [number for number in range(8) if f"{SECRET}{number}".encode() in text] == [0, 1]
    assert b"QUAGGA" in text
    with Store.reader(state.database) as database:
        left = database.execute("SELECT subject FROM exchanges ORDER BY opened_at DESC").fetchall()
    assert [one for (one,) in left] == ["local|p0", "local|p1", "local|p2", "local|p3", "local|p4", "local|held"]
    check(state)


def test_a_second_sweep_finds_nothing_to_do(state, clock):
    async def work():
        async with owning(state, clock) as desk:
            await talk(desk, "local|alice", SECRET, age_days=400)
            return [await asked(desk, "POST", "/sweeps") for _ in range(2)]

    first, second = asyncio.run(work())

    assert (first["exchanges"], second["exchanges"], second["leaves"]) == (1, 0, 0)
    assert leaf_types(state).count("payload.erased") == 1


def test_a_reader_that_stays_keeps_the_wal_and_that_is_told(state, clock, monkeypatch):
    monkeypatch.setattr(erasing, "WAL_SECONDS", 0.2)

    async def work():
        async with owning(state, clock) as desk:
            await talk(desk, "local|alice", SECRET, age_days=400)
            with desk.store.reading() as reading:
                reading.execute("BEGIN")
                reading.execute("SELECT count(*) FROM events").fetchone()
                swept = await erasing.sweep(desk)
            found = list(desk.findings)
            cleared = (await erasing.sweep(desk), await erasing._reclaim(desk))[1]
            return swept, found, cleared

    swept, found, cleared = asyncio.run(work())

    assert swept.wal_cut is False
    assert [code for code, _ in found] == ["wal_not_cleared"]
    assert cleared is True
    assert SECRET.encode() not in bytes_of(state)
