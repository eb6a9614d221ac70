"""`scripts/measure wire FILE`: recorded exchanges through the running gateway, and what became of each, on the wire and in the store.

Each goes twice, with no masking rule and with the shipped ones, from a client on loopback through one of the two doors to an upstream
that replays the recording, cut at random places. Asked of each: is what upstream got what the client sent, and what the client got what
upstream sent, byte for byte; is it one exchange in the store; does the store say what the reply said. Nothing leaves the machine.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import struct
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from rich import box
from rich.table import Table

from addons.policy.hosts import normal_host
from scripts.local_gateway import Gateway, State, clean_environment, running
from scripts.measuring import recorded, wire_store
from scripts.measuring.http1 import Message, Pairs
from scripts.measuring.recorded import HOP, SYNTHETIC_KEY, Recorded
from scripts.measuring.rows import Goal, Row, row
from scripts.measuring.wire_client import Client, NoReply, certified
from scripts.measuring.wire_said import said
from scripts.measuring.wire_store import Kept
from scripts.measuring.wire_upstream import MARK, Upstream, framing_of
from scripts.measuring.wire_websocket import EQUAL

# What naive code meets in a recording it does not understand: the bytes are compared all the same, and how often it was is said.
UNREAD = (KeyError, IndexError, TypeError, ValueError, AttributeError, struct.error)
Say = Callable[[str], None]

AT_ONCE = 8
QUICK_RECORDS = 400
SHOWN = 40  # faults that are printed, of each pass
# Taken off by the gateway on purpose: a client's own word on who it is.
IDENTITY = frozenset(
    "x-forwarded-for x-forwarded-user x-forwarded-email x-remote-user x-authenticated-user forwarded".split()
)

ALL = Goal("ratio", must=1.0, aim=1.0, timed=False)
NONE = Goal("exchanges", must=0, aim=0, more_is_better=False, timed=False)


@dataclass(slots=True)
class Verdict:
    """What became of one exchange."""

    record: Recorded
    failed: str = ""
    unequal: list[str] = field(default_factory=list)  # places that were changed on the way
    speaks: bool = False  # the independent reading knows what the reply says
    unsaid: list[str] = field(default_factory=list)  # what the store says otherwise
    generic: bool = False
    unread: str = ""  # why the independent reading could not tell what the reply says


def measured(file: Path, *, quick: bool, seed: int | None, say: Say) -> tuple[list[Row], str, list[Table]]:
    seed = secrets.randbelow(1_000_000) if seed is None else seed
    records = list(recorded.read(file))
    if quick and len(records) > QUICK_RECORDS:
        records = random.Random(seed).sample(records, QUICK_RECORDS)  # noqa: S311 -- a sample, not a secret
    say(f"{len(records)} exchanges, seed {seed}")
    passes = {}
    for masked in ("off", "on"):
        with tempfile.TemporaryDirectory(prefix="affidavit-wire-") as name:
            passes[masked] = asyncio.run(one_pass(Path(name), records, seed, masked=masked == "on"))
        faults = [verdict for verdict in passes[masked] if verdict.failed or verdict.unequal or verdict.unsaid]
        unread = sum(bool(verdict.unread) for verdict in passes[masked])
        without = f", {unread} whose replies the independent reading could not read" if unread else ""
        say(f"masking {masked}: {len(passes[masked])} driven, {len(faults)} at fault{without}")
        for verdict in faults[:SHOWN]:
            what = verdict.failed or f"changed: {verdict.unequal}; store differs: {verdict.unsaid}"
            say(f"  {'/'.join(verdict.record.label)} {verdict.record.source} ({verdict.record.mark}): {what}")
    return list(rows(passes)), f"wire: {len(records)} exchanges, seed {seed}", [table(passes)]


async def one_pass(folder: Path, records: list[Recorded], seed: int, *, masked: bool) -> list[Verdict]:
    upstream = Upstream({record.mark: record for record in records}, seed)
    server = await upstream.serve()
    port = server.sockets[0].getsockname()[1]
    verdicts = {record.mark: Verdict(record) for record in records}
    async with server:
        state, token, connections = await asyncio.to_thread(made_state, folder, records, port, masked=masked)
        with running(state, folder / "gateway.log") as gateway:
            await drive(gateway, token, connections, records, verdicts, upstream, seed)
    judge(state.path / "evidence.db", verdicts)
    return [*verdicts.values(), *leaks(state.path, folder / "gateway.log", token, records[0])]


CONNECTION = """\
  - id: {id}
    provider: {provider}
    {hosts}upstream: http://127.0.0.1:{port}
    allow_private: true
    credential: client
    groups: [engineering]
"""


# With masking comes a rule on replies that stops nothing: streams are then read as they come, where else they pass and are read at the end.
OBSERVE = """\
version: 1
rules:
  - {id: seen, when: {direction: response, commands: {language: sql}}, then: observe}
"""
NO_RULES = "version: 1\nrules: []\n"
NO_CONTROLS = "version: 1\ncontrols: []\n"


def made_state(
    folder: Path, records: Iterable[Recorded], port: int, *, masked: bool
) -> tuple[State, str, dict[tuple[str, str], str]]:
    """The shipped policies, with a connection for each host of the recordings that leads to our upstream."""
    state = State(folder / "state", clean_environment(folder))
    state.init()
    connections: dict[tuple[str, str], str] = {}
    named: set[str] = set()
    text = "version: 1\nother_hosts: tunnel\nconnections:\n"
    for record in records:
        if (key := (record.provider, record.host)) in connections or record.tunnelled:
            continue
        connections[key] = f"w{len(connections)}"
        own = record.default_port and certified(record.host) and record.host not in named
        hosts = f"hosts: [{record.host}]\n    " if own and normal_host(record.host) == record.host else ""
        named |= {record.host} if hosts else set()
        text += CONNECTION.format(id=connections[key], provider=record.provider, hosts=hosts, port=port)
    policies = {
        "connections.yaml": text,
        "controls.yaml": NO_CONTROLS,
        "approval.yaml": OBSERVE if masked else NO_RULES,
    }
    state.write_policies(policies | ({} if masked else {"masking.yaml": NO_RULES}))
    return state, state.mint("measurer", "engineering"), connections


async def drive(
    gateway: Gateway,
    token: str,
    connections: dict[tuple[str, str], str],
    records: list[Recorded],
    verdicts: dict[str, Verdict],
    upstream: Upstream,
    seed: int,
) -> None:
    client = Client(gateway, token, connections, seed)
    waiting = iter(records)

    async def worker() -> None:
        for record in waiting:
            verdict = verdicts[record.mark]
            try:
                if record.tunnelled:
                    verdict.failed = await tunnel(client, record)
                else:
                    compare(verdict, await client.exchange(record), upstream)
            except NoReply as error:
                verdict.failed = f"no reply: {error}"

    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
    client.close()


async def tunnel(client: Client, record: Recorded) -> str:
    """Whether the gateway offers a tunnel; nothing is sent into it, so that nobody is dialled."""
    line, answered = await client.connect(record.tunnel_host, 443)
    line.writer.close()
    return "" if answered.status == 200 else f"expected a tunnel, got {answered.start}"


def compare(verdict: Verdict, reply: Message, upstream: Upstream) -> None:
    """The wire, both ways."""
    record, seen = verdict.record, upstream.seen.get(verdict.record.mark, [])
    if code := reply.header("affidavit-code"):
        verdict.failed = f"refused: {code}"
    elif len(seen) != 1:
        verdict.failed = f"upstream saw it {len(seen)} times"
    else:
        verdict.unequal = [*request_changes(record, seen[0]), *reply_changes(record, reply, upstream.seed)]


def request_changes(record: Recorded, seen: Message) -> list[str]:
    sent = _plain((*record.headers, (MARK, record.mark)), IDENTITY)
    changes = {
        "request line": seen.start == f"{record.method} {record.target} HTTP/1.1",
        "request headers": _plain(seen.headers, IDENTITY) == sent,
        "request body": seen.body == (EQUAL if record.websocket else record.body),
    }
    return [place for place, equal in changes.items() if not equal]


def reply_changes(record: Recorded, reply: Message, seed: int) -> list[str]:
    if record.websocket:
        return [] if reply.body == EQUAL else [f"messages: {reply.body.decode()}"]
    _, trailers = framing_of(record, random.Random(f"{seed} {record.mark} reply"))  # noqa: S311 -- as upstream chose
    changes = {
        "status": reply.status == record.status,
        "reply headers": _plain(reply.headers) == _plain(record.reply_headers),
        "reply body": reply.body == (b"" if record.method == "HEAD" else record.reply_body),
        "trailers": reply.trailers == trailers,
    }
    return [place for place, equal in changes.items() if not equal]


def _plain(headers: Pairs, without: frozenset[str] = frozenset()) -> list[tuple[str, str]]:
    """In one order: that of headers of different names means nothing (RFC 9110 5.3)."""
    left_out = HOP | without
    named = [(name.lower(), value.strip()) for name, value in headers]
    kept = [pair for pair in named if pair[0] not in left_out and not pair[0].startswith("sec-websocket-")]
    return sorted(kept, key=lambda pair: pair[0])


def judge(store: Path, verdicts: dict[str, Verdict]) -> None:
    """The store against the recordings."""
    kept = wire_store.kept(store)
    opened = Counter(wire_store.tunnels(store))
    for mark, verdict in verdicts.items():
        record, found = verdict.record, kept.get(mark, [])
        if record.tunnelled:
            verdict.failed = verdict.failed or (
                "" if opened[record.tunnel_host] and not found else "expected a tunnel alone"
            )
        elif verdict.failed:
            pass
        elif len(found) != 1:
            verdict.failed = f"{len(found)} exchanges in the store"
        else:
            _judge_one(verdict, found[0])


def _judge_one(verdict: Verdict, found: Kept) -> None:
    if found.outcome != "completed":
        verdict.failed = f"outcome {found.outcome}: {found.error}"
        return
    try:
        told = said(verdict.record)
    except UNREAD as error:
        verdict.unread, told = type(error).__name__, None
    verdict.generic = found.endpoint == "generic"
    verdict.speaks = told is not None
    verdict.unsaid = wire_store.differences(verdict.record, told, found)


def leaks(state: Path, log: Path, token: str, record: Recorded) -> list[Verdict]:
    """A credential in any file of the state fails the run."""
    found = []
    for path in (log, *sorted(path for path in state.rglob("*") if path.is_file())):
        if any(secret.encode() in path.read_bytes() for secret in (SYNTHETIC_KEY, token)):
            found.append(Verdict(record, failed=f"a credential is in {path.name}"))
    return found


def rows(passes: dict[str, list[Verdict]]) -> Iterable[Row]:
    everything = [verdict for verdicts in passes.values() for verdict in verdicts]
    for suffix, verdicts in (("", everything), *((f"_masked_{name}", found) for name, found in passes.items())):
        driven = [verdict for verdict in verdicts if not verdict.record.tunnelled]
        equal = sum(not (verdict.failed or verdict.unequal) for verdict in driven)
        speaking = [verdict for verdict in driven if verdict.speaks or verdict.failed]
        parsed = sum(not (verdict.failed or verdict.unsaid or verdict.generic) for verdict in speaking)
        failed = sum(bool(verdict.failed) for verdict in verdicts)
        yield row(f"wire_equal_ratio{suffix}", equal / max(1, len(driven)), ALL)
        yield row(f"wire_parsed_ratio{suffix}", parsed / max(1, len(speaking)), ALL)
        yield row(f"wire_failed{suffix}", failed, NONE)


def table(passes: dict[str, list[Verdict]]) -> Table:
    """One line for each provider and endpoint; a cell says masking off / on where the two differ."""
    shown = Table(title="provider x endpoint, masking off/on", box=box.SIMPLE, title_justify="left")
    for column in ("provider", "endpoint", "exchanges", "equal", "read", "generic", "failed"):
        shown.add_column(column, justify="left" if column in {"provider", "endpoint"} else "right")
    labels = sorted({verdict.record.label for verdicts in passes.values() for verdict in verdicts})
    for label in labels:
        cells = [_cells([one for one in verdicts if one.record.label == label]) for verdicts in passes.values()]
        shown.add_row(*label, *("/".join(dict.fromkeys(pair)) for pair in zip(*cells, strict=True)))
    return shown


def _cells(verdicts: list[Verdict]) -> tuple[str, ...]:
    speaking = [verdict for verdict in verdicts if verdict.speaks]
    read = sum(not (verdict.unsaid or verdict.failed) for verdict in speaking)
    tunnelled = all(verdict.record.tunnelled for verdict in verdicts)
    equal = sum(not (verdict.failed or verdict.unequal) for verdict in verdicts)
    return (
        str(len(verdicts)),
        "tunnelled" if tunnelled else str(equal),
        f"{read} of {len(speaking)}" if speaking else "",
        str(sum(verdict.generic for verdict in verdicts)),
        str(sum(bool(verdict.failed) for verdict in verdicts)),
    )
