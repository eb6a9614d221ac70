"""Showing the log's checkpoints to somebody outside, on time, and finding out there whether this is an older copy. Not the formats.

Where, in `<state>/anchors.json`, written by `affidavit anchor add`:

    [{"kind": "witness", "place": "<vkey>", "url": "http://w.example/", "seconds": 60},
     {"kind": "rfc3161", "place": "https://tsa.example/", "ca": "/etc/tsa.pem", "seconds": 900},
     {"kind": "file", "place": "/mnt/elsewhere", "seconds": 60}, {"kind": "git", "place": "/srv/anchors", "push": true, "seconds": 900}]

Each is asked in a thread of its own time: one that is slow or gone delays neither a call nor another anchor. What it knows more than
this store (`Behind`) means that this is an older copy, or another history; a gateway that hears so at its start does not start.
"""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from addons.console.desk import Desk
from addons.evidence.check_anchors import FILE, GIT, TIMESTAMP, WITNESS, Anchor, newest_proving
from addons.evidence.checkpoints import Checkpoint, NoteInvalid
from addons.evidence.database import Connection
from addons.evidence.ids import time_text
from addons.evidence.ledger import Ledger
from addons.evidence.log import consistency_proof, root_at
from addons.evidence.records import Event
from addons.evidence.store import StoreBusy
from addons.evidence.stored_log import StoredHashes
from addons.evidence.timestamps import TimestampInvalid, check, request
from addons.evidence.witness import REQUEST_BYTES, WitnessKey, request_text

KINDS = (WITNESS, TIMESTAMP, FILE, GIT)
SECONDS = {WITNESS: 60, TIMESTAMP: 900, FILE: 60, GIT: 900}
TIMEOUT_SECONDS = 10.0
TICK_SECONDS = 1.0


class AnchorRefused(RuntimeError):  # noqa: N818 - a decision, not a fault
    """The checkpoint was not attested; hint: what to do."""

    def __init__(self, message: str, hint: str = "affidavit anchor list") -> None:
        super().__init__(message)
        self.hint = hint


class Behind(AnchorRefused):
    """Somebody outside has seen more of this log, or another history of it, than is here."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "put the newest store back; or begin a new log: affidavit log recover --seen FILE")


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of anchors.json."""

    kind: str
    place: str
    url: str = ""  # of a witness
    ca: str = ""  # of a timestamp authority: a file with its roots
    push: bool = False  # of a git repository
    seconds: int = 60

    @property
    def name(self) -> str:
        return self.place.partition("+")[0] if self.kind == WITNESS else self.place


def places(folder: Path) -> tuple[Place, ...]:
    """Those that are configured; none where there is no file. Raises AnchorRefused for a file that is not of this form."""
    path = folder / "anchors.json"
    try:
        return tuple(_place(entry) for entry in orjson.loads(path.read_bytes()))
    except FileNotFoundError:
        return ()
    except (orjson.JSONDecodeError, TypeError, ValueError, NoteInvalid) as fault:
        raise AnchorRefused(
            f"{path}: expected a list of anchors, got other ({fault})", "affidavit anchor add --help"
        ) from fault


def save(folder: Path, chosen: tuple[Place, ...]) -> None:
    path = folder / "anchors.json"
    fresh = path.with_suffix(".new")
    fresh.write_bytes(orjson.dumps([asdict(one) for one in chosen], option=orjson.OPT_INDENT_2))
    fresh.replace(path)


def _place(entry: dict[str, Any]) -> Place:
    place = Place(**entry)
    if place.kind not in KINDS or not 1 <= place.seconds <= 86_400:
        raise ValueError(f"kind one of {', '.join(KINDS)}; seconds 1 to 86400")
    if place.kind == WITNESS:
        WitnessKey.of(place.place)
    return place


# -- one round -------------------------------------------------------------------------------------------------------------


async def keep_anchored(desk: Desk) -> None:
    """Until cancelled: each place in its time, whenever there is something new to show."""
    while True:
        try:
            await due_round(desk)
        except AnchorRefused as refusal:  # the file itself: somebody is editing it, or it is broken
            desk.find("anchors_unreadable", str(refusal))
        except StoreBusy:
            pass  # the next tick
        await asyncio.sleep(TICK_SECONDS)


async def due_round(desk: Desk, *, everything: bool = False) -> None:
    """Ask the places whose time has come; all of them where asked. What fails is told, not raised: only `first_round` raises Behind."""
    now = desk.clock()
    chosen = [
        place
        for place in places(desk.folder.path)
        if everything
        or (now - desk.anchor_watch.tried_at.get(place.place, datetime.min.replace(tzinfo=UTC))).total_seconds()
        >= place.seconds
    ]
    await asyncio.gather(*(_told(desk, place) for place in chosen))


async def first_round(desk: Desk) -> None:
    """At the start, before anything is let through. Raises Behind."""
    for place in places(desk.folder.path):
        try:
            await _one(desk, place)
        except Behind:
            raise
        except AnchorRefused as refusal:
            _note(desk, place, refusal)


async def _told(desk: Desk, place: Place) -> None:
    try:
        await _one(desk, place)
    except AnchorRefused as refusal:
        fresh = desk.anchor_watch.faults.get(place.place) is None
        _note(desk, place, refusal)
        if fresh:  # once an outage, not once a minute
            attrs = {"code": "anchor_behind" if isinstance(refusal, Behind) else "anchor_failed", "detail": place.kind}
            await desk.record(Event("finding", attrs=attrs, meta={"place": place.place, "why": str(refusal)}))


def _note(desk: Desk, place: Place, refusal: AnchorRefused) -> None:
    desk.anchor_watch.faults[place.place] = str(refusal)
    if isinstance(refusal, Behind):
        desk.find("anchor_behind", str(refusal))


async def _one(desk: Desk, place: Place) -> None:
    """Show the newest checkpoint to one place, where it has not seen it yet."""
    desk.anchor_watch.tried_at[place.place] = desk.clock()
    note = desk.store.newest_checkpoint
    with desk.store.reading() as database:
        last = newest(database, place.kind, place.place)
    if last is not None and last.size == Checkpoint.unverified(note).size:
        desk.anchor_watch.faults.pop(place.place, None)
        return
    made = await asyncio.to_thread(_asked, desk, place, note, 0 if last is None else last.size)
    await asyncio.wrap_future(desk.store.change(partial(_insert, made)))
    desk.anchor_watch.faults.pop(place.place, None)


def _asked(desk: Desk, place: Place, note: str, known_size: int) -> Anchor:
    """In a thread: it waits for the network."""
    now = desk.clock()
    if place.kind == WITNESS:
        return _witnessed(desk, place, note, known_size)
    if place.kind == TIMESTAMP:
        return _stamped(desk, place, note)
    return _copied(desk, place, note, now)


def _witnessed(desk: Desk, place: Place, note: str, known_size: int) -> Anchor:
    checkpoint = Checkpoint.unverified(note)
    for _ in range(2):
        with desk.store.reading() as database:
            proof = consistency_proof(known_size, checkpoint.size, StoredHashes(database))
        status, body = _post(
            place.url.rstrip("/") + "/add-checkpoint", request_text(known_size, proof, note).encode(), "text/plain"
        )
        if status != 409:
            break
        answered = body.decode("ascii", "replace").strip()
        if not answered.isdecimal() or int(answered) == known_size:
            raise Behind(
                f"witness {place.name} knows {known_size} leaves of this log with another root: this is another history"
            )
        if int(answered) > checkpoint.size:
            raise Behind(
                f"witness {place.name} knows {answered} leaves of this log, {checkpoint.size} are here: this is an older copy"
            )
        known_size = int(answered)
    if status == 422:
        raise Behind(f"witness {place.name} says that this is not the log that it saw")
    if status != 200:
        raise AnchorRefused(
            f"witness {place.name} answered {status}",
            "does it trust this log's key? affidavit witness serve --log VKEY",
        )
    line = body.decode("utf-8", "replace")
    try:
        at = WitnessKey.of(place.place).check(note + line)
    except NoteInvalid as fault:
        raise AnchorRefused(f"witness {place.name}: {fault}", "is its key still the one that was added?") from fault
    return Anchor(
        checkpoint.size, WITNESS, place.place, time_text(datetime.fromtimestamp(at, UTC)), note + line, line.encode()
    )


def _stamped(desk: Desk, place: Place, note: str) -> Anchor:
    asked = request(note.encode(), desk.random(8))
    status, body = _post(place.place, asked, "application/timestamp-query")
    try:
        if status != 200:
            raise TimestampInvalid(f"HTTP {status}")  # noqa: TRY301 told with the other below
        claim = check(body, note.encode(), Path(place.ca).read_bytes())
    except (TimestampInvalid, OSError) as fault:
        raise AnchorRefused(
            f"timestamp authority {place.place}: {fault}", "affidavit anchor add rfc3161 URL --ca FILE"
        ) from fault
    return Anchor(Checkpoint.unverified(note).size, TIMESTAMP, place.place, time_text(claim.at), note, body)


def _copied(desk: Desk, place: Place, note: str, now: datetime) -> Anchor:
    """The newest checkpoint in a file that somebody else keeps; and what lies there already is compared first."""
    checkpoint = Checkpoint.unverified(note)
    folder = Path(place.place)
    path = folder / f"{hashlib.sha256(checkpoint.origin.encode()).hexdigest()[:16]}.checkpoint"
    try:
        kept = path.read_text("utf-8") if path.exists() else ""
        if kept:
            _refuse_behind(desk, Checkpoint.unverified(kept), checkpoint, place)
        fresh = path.with_suffix(".new")
        fresh.write_text(note, "utf-8")
        fresh.replace(path)
        proof = _committed(folder, path.name, place) if place.kind == GIT else str(path).encode()
    except (OSError, NoteInvalid, subprocess.SubprocessError) as fault:
        raise AnchorRefused(
            f"{place.kind} {place.place}: {fault}", "is the folder there, and may the gateway write it?"
        ) from fault
    return Anchor(checkpoint.size, place.kind, place.place, time_text(now), note, proof)


def _refuse_behind(desk: Desk, kept: Checkpoint, ours: Checkpoint, place: Place) -> None:
    if kept.size > ours.size:
        raise Behind(
            f"{place.place} holds a checkpoint over {kept.size} leaves, {ours.size} are here: this is an older copy"
        )
    with desk.store.reading() as database:
        if root_at(kept.size, StoredHashes(database)) != kept.root:
            raise Behind(f"{place.place} holds a checkpoint over {kept.size} other leaves: this is another history")


def _committed(folder: Path, name: str, place: Place) -> bytes:
    """The commit that holds the file. Hooks and signatures are the repository's own affair."""
    who = ("-c", "user.name=affidavit", "-c", "user.email=affidavit@affidavit.invalid")
    words = [("add", "--", name), (*who, "commit", "--quiet", "--message", "checkpoint", "--", name)]
    words += [("push", "--quiet")] if place.push else []
    for each in words:
        subprocess.run(["git", "-C", str(folder), *each], check=True, capture_output=True, timeout=TIMEOUT_SECONDS)  # noqa: S603, S607
    head = ["git", "-C", str(folder), "rev-parse", "HEAD"]
    return subprocess.run(head, check=True, capture_output=True, timeout=TIMEOUT_SECONDS).stdout.strip()  # noqa: S603


def _post(url: str, body: bytes, content_type: str) -> tuple[int, bytes]:
    """Status and the beginning of the body; raises AnchorRefused where nobody answers."""
    if not url.startswith(("http://", "https://")):
        raise AnchorRefused(f"{url}: expected an http or https address")
    asked = urllib.request.Request(url, body, {"content-type": content_type}, method="POST")  # noqa: S310 checked above
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never through the gateway itself
    try:
        with opener.open(asked, timeout=TIMEOUT_SECONDS) as answer:
            return answer.status, answer.read(REQUEST_BYTES)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(REQUEST_BYTES)
    except (OSError, ValueError) as fault:
        raise AnchorRefused(
            f"{url} does not answer ({type(fault).__name__})", "is it running, and reachable from here?"
        ) from fault


# -- what is kept ----------------------------------------------------------------------------------------------------------


def newest(database: Connection, kind: str, place: str) -> Anchor | None:
    query = (
        "SELECT size, kind, place, at, note, proof FROM anchors WHERE kind = ? AND place = ? ORDER BY size DESC LIMIT 1"
    )
    row = database.execute(query, (kind, place)).fetchone()
    return None if row is None else Anchor(*row)


def _insert(made: Anchor, connection: Connection, _ledger: Ledger) -> None:
    """The newest of each hour stays: a year of them is still a table that is read in a second."""
    hour = made.at[:13]
    connection.execute(
        "DELETE FROM anchors WHERE kind = ? AND place = ? AND substr(at, 1, 13) = ?", (made.kind, made.place, hour)
    )
    connection.execute(
        "INSERT INTO anchors (size, kind, place, at, note, proof) VALUES (?, ?, ?, ?, ?, ?)",
        (made.size, made.kind, made.place, made.at, made.note, made.proof),
    )


def anchors_shape(desk: Desk) -> dict[str, Any]:
    """For `status`: each place with its lag, and how far the proof reaches."""
    rows = []
    with desk.store.reading() as database:
        [size] = database.execute("SELECT coalesce(max(seq) + 1, 0) FROM events").fetchone()
        for place in places(desk.folder.path):
            last = newest(database, place.kind, place.place)
            rows.append(
                {
                    "kind": place.kind,
                    "place": place.name,
                    "seconds": place.seconds,
                    "at": None if last is None else last.at,
                    "size": 0 if last is None else last.size,
                    "lag_leaves": size - (0 if last is None else last.size),
                    "fault": desk.anchor_watch.faults.get(place.place),
                }
            )
        horizon = newest_proving(database)
    shown = (
        None
        if horizon is None
        else {"size": horizon.size, "at": horizon.at, "kind": horizon.kind, "place": horizon.place}
    )
    return {"places": rows, "horizon": shown}


def continuity(database: Connection, note: str, old_size: int) -> dict[str, Any]:
    """What a client that kept a checkpoint over `old_size` leaves wants to know: the newest, and that it continues that one."""
    size = Checkpoint.unverified(note).size
    hashes = consistency_proof(old_size, size, StoredHashes(database)) if old_size <= size else ()
    return {"note": note, "hashes": [digest.hex() for digest in hashes]}


async def change_places(desk: Desk, actor: str, chosen: tuple[Place, ...], what: str) -> None:
    """Recorded first: which anchors there are is part of what the proof is worth."""
    await desk.record(
        Event("config.changed", actor=actor, attrs={"changed": "anchors", "count": len(chosen)}, meta={"what": what})
    )
    save(desk.folder.path, chosen)


async def add(desk: Desk, actor: str, entry: dict[str, Any]) -> None:
    """The first anchoring is tried at once: a place that does not work is not added."""
    try:
        place = _place({"seconds": SECONDS.get(str(entry.get("kind")), 60)} | entry)
    except (TypeError, ValueError, NoteInvalid) as fault:
        raise AnchorRefused(f"anchor: {fault}", "affidavit anchor add --help") from fault
    await _one(desk, place)
    kept = tuple(one for one in places(desk.folder.path) if one.place != place.place)
    await change_places(desk, actor, (*kept, place), f"added {place.kind} {place.place}")


async def remove(desk: Desk, actor: str, name: str) -> None:
    known = places(desk.folder.path)
    kept = tuple(one for one in known if name not in {one.place, one.name})
    if len(kept) == len(known):
        raise AnchorRefused(f"no anchor {name} is configured")
    await change_places(desk, actor, kept, f"removed {name}")
