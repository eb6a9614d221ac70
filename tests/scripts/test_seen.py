"""A client keeps the newest checkpoint that it saw, and next time the log has to continue it."""

import asyncio
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from addons.evidence.keys import Keys
from addons.evidence.records import Event
from addons.evidence.renewal import begin_anew, rotate_key
from addons.evidence.store import Store
from scripts import seen
from scripts.terminal import Failed
from tests.console.desks import owning, person
from tests.scripts.commands import invoke

SOURCES = {"clock": lambda: datetime.now(UTC), "random": bytes, "actor": "os|root", "reason": "test"}


@pytest.fixture(autouse=True)
def kept(tmp_path, monkeypatch):
    monkeypatch.setenv("AFFIDAVIT_SEEN", str(tmp_path / "kept"))
    return tmp_path / "kept"


def append(state, word):
    store = Store.open(state.database, Keys.load(state.keys), clock=SOURCES["clock"], random=bytes)
    for number in range(5):
        store.append(Event("finding", attrs={"word": word, "n": number})).result(10)
    store.close()


def note_in(kept):
    [path] = kept.glob("*.json")
    return json.loads(path.read_text())["note"]


def test_each_look_keeps_the_newest_and_a_log_that_goes_on_is_silent(state, kept):
    first = (seen.look_at(state), note_in(kept))
    append(state, "a")
    second = (seen.look_at(state), note_in(kept))

    assert (first[0], second[0]) == ("", "")
    assert int(second[1].split("\n")[1]) > int(first[1].split("\n")[1])


def test_two_commands_that_begin_at_once_do_not_take_each_others_file(state, kept, monkeypatch):
    """The second begins and ends just before the first puts its file into place."""
    into_place = Path.replace

    def second_first(path, target):
        monkeypatch.setattr(Path, "replace", into_place)
        seen.look_at(state)
        return into_place(path, target)

    monkeypatch.setattr(Path, "replace", second_first)

    assert seen.look_at(state) == ""
    assert note_in(kept)
    assert [one.suffix for one in kept.iterdir()] == [".json"]


def test_a_restored_state_is_found_out(state, kept, tmp_path):
    seen.look_at(state)
    shutil.copytree(state.path, tmp_path / "backup", ignore=shutil.ignore_patterns("lock"))
    append(state, "a")
    seen.look_at(state)
    before = note_in(kept)
    shutil.rmtree(state.path)
    shutil.copytree(tmp_path / "backup", state.path)

    with pytest.raises(Failed, match="it had 7 leaves, now it has 2"):
        seen.look_at(state)
    assert note_in(kept) == before


def test_a_history_written_anew_under_the_same_key_is_found_out(state, tmp_path):
    shutil.copytree(state.path, tmp_path / "fork", ignore=shutil.ignore_patterns("lock"))
    append(state, "a")
    seen.look_at(state)
    shutil.rmtree(state.path)
    shutil.copytree(tmp_path / "fork", state.path)
    append(state, "b")
    append(state, "b")

    with pytest.raises(Failed, match="does not continue what was seen"):
        seen.look_at(state)


def test_another_log_under_the_same_name_is_found_out_until_somebody_says_it_is_right(state, kept):
    append(state, "a")
    seen.look_at(state)
    (state.path / "head").write_text((state.path / "head").read_text())
    store = state.database
    with pytest.raises(Exception, match="is whole"):
        begin_anew(store, state.keys, **SOURCES)
    data = bytearray(store.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    store.write_bytes(data)
    begin_anew(store, state.keys, **SOURCES | {"random": lambda count: b"\x07" * count})

    with pytest.raises(Failed, match=r"now it is .*/e2"):
        seen.look_at(state)
    for path in kept.glob("*.json"):
        path.unlink()
    assert seen.look_at(state) == ""


def test_another_key_of_the_same_log_is_told_once(state):
    seen.look_at(state)
    rotate_key(state.database, state.keys, **SOURCES)

    assert seen.look_at(state).startswith("the log's key is another one now: ")
    assert seen.look_at(state) == ""


def test_who_decides_an_approval_looks_first_and_a_log_that_went_back_stops_them(state, clock, kept):
    async def work():
        async with owning(state, clock) as desk:
            return (await person(desk, "bob", "data-owners"))[0]

    token = asyncio.run(work())
    append(state, "a")
    first = invoke(state, "approvals", "deny", "ap_1", "--reason", "no", "--token", token)
    [path] = kept.glob("*.json")
    row = json.loads(path.read_text())
    lines = row["note"].split("\n")
    path.write_text(json.dumps(row | {"note": "\n".join([lines[0], str(int(lines[1]) + 90), *lines[2:]])}))

    second = invoke(state, "approvals", "deny", "ap_1", "--reason", "no", "--token", token)

    assert "does not continue" not in first.stderr
    assert second.exit_code == 1
    assert "does not continue what was seen of it" in second.stderr
    assert str(path) in second.stderr


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"AFFIDAVIT_SEEN": "/s"}, "/s"),
        ({"XDG_STATE_HOME": "/x"}, "/x/affidavit/seen"),
        ({}, "/home/ada/.local/state/affidavit/seen"),
    ],
)
def test_it_is_kept_outside_the_gateways_state(environ, folder):
    assert seen.folder_of(environ, Path("/home/ada")) == Path(folder)


@pytest.mark.parametrize(
    "told",
    [{}, {"note": "x", "vkey": "y", "hashes": []}, {"note": "", "vkey": "", "hashes": ["zz"]}],
    ids=["empty", "text", "no hex"],
)
def test_an_answer_that_is_none_is_no_look(tmp_path, told):
    with pytest.raises(Failed):
        seen.look("gateway", lambda _size: told, tmp_path / "kept")
    assert not (tmp_path / "kept").exists()
