"""Checkpoints are shown to real witnesses, a real timestamp authority, a folder and a git repository; an older copy is found out there."""

import asyncio
import json
import shutil
import subprocess

import pytest

from addons.console import anchoring
from addons.console.anchoring import AnchorRefused, Behind
from addons.console.operations import Ask, OperationRefused, answer
from addons.evidence.checkpoints import Verifier
from addons.evidence.package import single_file_verify
from addons.evidence.records import Event
from addons.evidence.verify import verify
from addons.evidence.witness import Cosigner
from scripts.witness import server_of
from tests.console.desks import leaf_types, owning
from tests.evidence.authority import Authority, answering
from tests.evidence.tampering import change
from tests.serving import serving


@pytest.fixture
def witness(state, tmp_path):
    """A witness under other administrators, which trusts this log: (its key, its URL, its folder)."""
    folder = tmp_path / "witness"
    folder.mkdir()
    seed = bytes(range(32))
    (folder / "witness.key").write_text("w.example/1+BAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n")
    logs = [Verifier.of((state.keys / "log.vkey").read_text())]
    with serving(server_of(folder, logs, ("127.0.0.1", 0))) as server:
        yield Cosigner("w.example/1", seed).key.vkey, f"http://127.0.0.1:{server.server_port}/", folder


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority") / "tsa")


def add(desk, **entry):
    return answer(desk, Ask("POST", "/anchors", "os|root", body=entry))


def by_witness(witness):
    return {"kind": "witness", "place": witness[0], "url": witness[1]}


async def grow(desk, count=1, word="a"):
    for number in range(count):
        await desk.record(Event("finding", attrs={"n": number, "word": word}))
    await asyncio.wrap_future(desk.store.checkpoint())


def owned(state, clock, work):
    async def run():
        async with owning(state, clock) as desk:
            return await work(desk)

    return asyncio.run(run())


def both(state):
    vkey = (state.keys / "log.vkey").read_text()
    ours = verify(state.database, Verifier.of(vkey), everything=True)
    theirs = single_file_verify.verify(state.database, vkey, [], True)
    return (set(ours.totals), ours.horizon), (set(theirs.totals), theirs.horizon)


def test_a_witness_cosigns_and_both_verifiers_say_how_far_that_reaches(state, clock, witness):
    async def work(desk):
        await add(desk, **by_witness(witness))
        await grow(desk, 3)
        before = anchoring.anchors_shape(desk)
        await anchoring.due_round(desk, everything=True)
        return before, (await answer(desk, Ask("GET", "/status", "os|root")))["anchors"]

    before, after = owned(state, clock, work)

    assert before["places"][0]["lag_leaves"] >= 3
    assert (after["places"][0]["lag_leaves"], after["places"][0]["fault"]) == (0, None)
    assert after["horizon"]["size"] == before["horizon"]["size"] + before["places"][0]["lag_leaves"]
    assert after["horizon"]["place"] == witness[0]
    for names, horizon in both(state):
        assert names == set()
        assert horizon.startswith(f"proof horizon: {after['horizon']['size']} leaves, attested at ")
        assert "w.example/1" in horizon
    assert leaf_types(state).count("config.changed") == 1


def test_a_timestamp_is_checked_with_openssl_from_what_the_command_saves(state, clock, authority, tmp_path):
    def stamp(query):
        return 200, authority.reply(query)

    async def work(desk):
        with answering(stamp) as url:
            await add(desk, kind="rfc3161", place=url, ca=str(authority.folder / "ca.pem"))

    owned(state, clock, work)

    from click.testing import CliRunner

    from scripts.affidavit import affidavit

    saved = CliRunner().invoke(affidavit, ["anchor", "save", str(tmp_path / "out"), "--state", str(state.path)])
    assert saved.exit_code == 0, saved.output
    [token] = (tmp_path / "out").glob("*.tsr")
    checked = subprocess.run(
        ["openssl", "ts", "-verify", "-data", token.with_suffix(".checkpoint"), "-in", token, "-CAfile", authority.folder / "ca.pem"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Verification: OK" in checked.stdout + checked.stderr
    assert [(names, "rfc3161" in horizon) for names, horizon in both(state)] == [(set(), True)] * 2


@pytest.mark.parametrize("kind", ["file", "git"])
def test_a_folder_elsewhere_holds_the_newest_checkpoint(state, clock, tmp_path, kind):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    if kind == "git":
        subprocess.run(["git", "init", "--quiet", elsewhere], check=True)

    async def work(desk):
        await add(desk, kind=kind, place=str(elsewhere))
        await grow(desk)
        await anchoring.due_round(desk, everything=True)
        return desk.store.newest_checkpoint

    note = owned(state, clock, work)

    [path] = elsewhere.glob("*.checkpoint")
    assert path.read_text() == note
    if kind == "git":
        log = subprocess.run(
            ["git", "-C", elsewhere, "log", "--oneline"], capture_output=True, text=True, check=True
        ).stdout
        assert len(log.splitlines()) == 2
    assert all(horizon.startswith("no outside anchor") for _, horizon in both(state))  # a copy proves nothing by itself


@pytest.mark.parametrize("where", ["witness", "file"])
def test_a_whole_state_restored_from_a_backup_is_found_out_and_not_started(state, clock, witness, tmp_path, where):
    """Its head file is as old as its store: nothing on this machine tells."""
    (tmp_path / "elsewhere").mkdir()
    entry = by_witness(witness) if where == "witness" else {"kind": "file", "place": str(tmp_path / "elsewhere")}

    async def begin(desk):
        await add(desk, **entry)

    async def go_on(desk):
        await grow(desk, 5)
        await anchoring.due_round(desk, everything=True)

    owned(state, clock, begin)
    shutil.copytree(state.path, tmp_path / "backup", ignore=shutil.ignore_patterns("lock"))
    owned(state, clock, go_on)
    shutil.rmtree(state.path)
    shutil.copytree(tmp_path / "backup", state.path)

    with pytest.raises(Behind, match="older copy") as refused:
        owned(state, clock, anchoring.first_round)
    assert "affidavit log recover" in refused.value.hint


@pytest.mark.parametrize("where", ["witness", "file"])
def test_another_history_under_the_same_key_is_found_out(state, clock, witness, tmp_path, where):
    (tmp_path / "elsewhere").mkdir()
    entry = by_witness(witness) if where == "witness" else {"kind": "file", "place": str(tmp_path / "elsewhere")}

    async def begin(desk):
        await add(desk, **entry)

    async def one(desk):
        await grow(desk, 2)
        await anchoring.due_round(desk, everything=True)

    async def other(desk):
        await grow(desk, 30, "b")
        with pytest.raises(Behind, match=r"another history|not the log that it saw"):
            await anchoring.first_round(desk)
        await anchoring.due_round(desk, everything=True)
        return dict(desk.findings)

    owned(state, clock, begin)
    shutil.copytree(state.path, tmp_path / "fork", ignore=shutil.ignore_patterns("lock"))
    owned(state, clock, one)
    shutil.rmtree(state.path)
    shutil.copytree(tmp_path / "fork", state.path)

    assert [code for code, _ in owned(state, clock, other)] == ["anchor_behind"]
    assert leaf_types(state).count("finding") == 31


def test_a_witness_that_is_gone_is_told_once_and_nothing_stops(state, clock, witness):
    async def work(desk):
        await add(desk, **by_witness(witness))
        entries = json.loads((state.path / "anchors.json").read_text())
        entries[0]["url"] = "http://127.0.0.1:1/"
        (state.path / "anchors.json").write_text(json.dumps(entries))
        await grow(desk)
        await anchoring.first_round(desk)
        for _ in range(3):
            await grow(desk)
            await anchoring.due_round(desk, everything=True)
        return anchoring.anchors_shape(desk)["places"][0]

    row = owned(state, clock, work)

    assert "does not answer" in row["fault"]
    assert row["lag_leaves"] >= 4
    assert both(state)[0][0] == set()


@pytest.mark.parametrize(
    "reply",
    [(200, b"nonsense"), (500, b""), (403, b"no"), (200, b""), (409, b"x\n")],
    ids=["nonsense", "fault", "unknown key", "empty", "no size"],
)
def test_a_witness_that_lies_or_refuses_is_not_added(state, clock, witness, reply):
    async def work(desk):
        with answering(lambda _: reply) as url:
            await add(desk, kind="witness", place=witness[0], url=url)

    with pytest.raises(OperationRefused) as refused:
        owned(state, clock, work)
    assert refused.value.code == "not_anchored"
    assert not (state.path / "anchors.json").exists()


def test_a_timestamp_by_somebody_else_is_not_kept(state, clock, authority, tmp_path):
    stranger = Authority(tmp_path / "stranger", "stranger")

    async def work(desk):
        with answering(lambda query: (200, stranger.reply(query))) as url:
            await add(desk, kind="rfc3161", place=url, ca=str(authority.folder / "ca.pem"))

    with pytest.raises(OperationRefused, match="not signed under the given certificates"):
        owned(state, clock, work)


@pytest.mark.parametrize(
    "entry",
    [
        {"kind": "blockchain", "place": "x"},
        {"kind": "witness", "place": "x"},
        {"kind": "file", "place": "/x", "seconds": 0},
    ],
)
def test_an_anchor_that_is_none_is_refused(state, clock, entry):
    async def work(desk):
        await add(desk, **entry)

    with pytest.raises(OperationRefused, match="anchor"):
        owned(state, clock, work)


def test_a_file_of_anchors_that_cannot_be_read_stops_the_start(state, clock):
    (state.path / "anchors.json").write_text('[{"kind": "witness"}]')

    with pytest.raises(AnchorRefused, match=r"anchors\.json: expected a list"):
        owned(state, clock, anchoring.first_round)


def test_of_each_hour_the_newest_stays(state, clock, witness, monkeypatch):
    async def work(desk):
        await add(desk, **by_witness(witness))
        for _ in range(4):
            await grow(desk)
            await anchoring.due_round(desk, everything=True)
        with desk.store.reading() as database:
            return database.execute("SELECT count(*), count(DISTINCT substr(at, 1, 13)) FROM anchors").fetchone()

    rows, hours = owned(state, clock, work)
    assert rows == hours


ATTACKS = {
    "a cosignature of another checkpoint": ("UPDATE anchors SET size = size - 1", "anchor_bad"),
    "a later time": ("UPDATE anchors SET at = '2099-01-01T00:00:00.000000Z'", "anchor_bad"),
    "another witness's name": ("UPDATE anchors SET place = 'v.example/1+' || substr(place, 13)", "anchor_bad"),
    "a changed note": ("UPDATE anchors SET note = replace(note, 'w.example/1 ', 'w.example/2 ')", "anchor_bad"),
    "a note that the log did not sign": ("UPDATE anchors SET note = 'x' || note", "checkpoint_signature_bad"),
}


@pytest.mark.parametrize(("statement", "name"), ATTACKS.values(), ids=ATTACKS)
def test_an_anchor_that_was_changed_is_named_by_both(state, clock, witness, statement, name):
    async def work(desk):
        await grow(desk)
        await add(desk, **by_witness(witness))

    owned(state, clock, work)
    change(state.path, statement)

    (ours, _), (theirs, _) = both(state)
    assert name in ours
    assert name in theirs


def test_a_file_of_anchors_that_is_broken_while_the_gateway_runs_is_told_and_anchoring_goes_on(
    state, clock, witness, monkeypatch
):
    """One tick finds the file broken; before the next it is whole again; the third tick never comes."""

    async def work(desk):
        await add(desk, **by_witness(witness))
        good = (state.path / "anchors.json").read_text()
        (state.path / "anchors.json").write_text("[")
        await grow(desk)
        ticks = 0

        async def tick(_seconds):
            nonlocal ticks
            ticks += 1
            (state.path / "anchors.json").write_text(good)
            clock.advance(61)
            if ticks == 2:
                raise asyncio.CancelledError

        monkeypatch.setattr(anchoring.asyncio, "sleep", tick)
        with pytest.raises(asyncio.CancelledError):
            await anchoring.keep_anchored(desk)
        monkeypatch.undo()
        return [code for code, _ in desk.findings], anchoring.anchors_shape(desk)["places"][0]["lag_leaves"]

    assert owned(state, clock, work) == (["anchors_unreadable"], 0)
