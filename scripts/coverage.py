"""A matrix of planted values through a real gateway: position x encoding x provider x transport. What of them is in anything that it wrote.

Every cell has values of its own, so that a leak names its cell. The provider is canned, on loopback; the masking rules are those that are asked about.
"""

from __future__ import annotations

import base64
import http.client
import json
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wsproto import ConnectionType, WSConnection
from wsproto.events import CloseConnection, Request, TextMessage

from addons.evidence.database import reader
from scripts import canned_provider, traces
from scripts.canned_provider import ASKED, WEBSOCKET, CannedProvider
from scripts.coverage_calls import BODIES, Call, every, numbers
from scripts.local_gateway import Gateway, State, clean_environment, running
from scripts.measuring.masking_corpus import Maker
from scripts.measuring.stream_formats import FORMATS

Json = Any
CONNECTION = """\
  - id: {id}
    provider: {provider}
    upstream: http://127.0.0.1:{port}
    allow_private: true
    credential: none
    groups: [coverage]
"""
IDENTITY = "version: 1\nlocal: allow\nrights:\n  - {id: affidavit-coverage, groups: [coverage], connections: ['*']}\n"
APPROVAL, RETENTION, CONTROLS = (
    "version: 1\nrules: []\n",
    "version: 1\ndefault: {content_days: 30, metadata_days: 90}\n",
    "version: 1\ncontrols: []\n",
)
KINDS: dict[str, Callable[[Maker], str]] = {
    "card": Maker.card,
    "email": Maker.email,
    "api key": Maker.openai,
    "access key": Maker.aws,
}
ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "json escapes": lambda value: "".join(f"\\u{ord(letter):04x}" for letter in value),
    "json in json": lambda value: json.dumps({"note": json.dumps({"value": value})}),
    "percent": lambda value: "".join(f"%{ord(letter):02X}" for letter in value),
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "hexadecimal": lambda value: value.encode().hex(),
    "html": lambda value: "".join(f"&#{ord(letter)};" for letter in value),
}
NAME = "affidavit-coverage"
# `always` takes the callers' own tokens off every call, so it proves nothing; a cookie is masked by nothing else
MASKED = "SELECT count(DISTINCT exchange_id) FROM maskings WHERE rule <> 'always' OR location = 'header:cookie'"


class Unrecorded(Exception):  # noqa: N818 -- a state of the run
    """The matrix says nothing: not every call is in the record."""


@dataclass(frozen=True, slots=True)
class Cell:
    position: str
    encoding: str
    provider: str
    transport: str
    planted: int
    missed: tuple[str, ...]  # kinds

    def told(self) -> dict[str, Json]:
        return {
            "position": self.position, "encoding": self.encoding, "provider": self.provider, "transport": self.transport,
            "planted": self.planted, "hidden": self.planted - len(self.missed), "missed": list(self.missed),
        }  # fmt: skip


# -- the run --------------------------------------------------------------------------------------------------------


def run(
    folder: Path,
    masking: str,
    say: Callable[[str], None],
    encodings: Mapping[str, Callable[[str], str]] = ENCODINGS,
) -> list[Cell]:
    """folder: an empty one; what the gateway writes goes there. masking: the rules that are asked about."""
    planted = list(planting(Maker(7), encodings))
    say(f"{len(planted)} calls, each with values of its own")
    with canned_provider.running() as provider:
        state, token = made_state(folder, provider.port, masking)
        with running(state, folder / "gateway.log") as gateway:
            for number, one in enumerate(planted):
                send(gateway, provider, token, f"{NAME}-{number}", one.call)
    say("looking for every value in every byte that was written")
    return judged(folder, state, planted)


@dataclass(frozen=True, slots=True)
class Planted:
    call: Call
    encoding: str
    values: Mapping[str, str] = field(repr=False)


def planting(maker: Maker, encodings: Mapping[str, Callable[[str], str]]) -> Iterator[Planted]:
    for encoding, encode in encodings.items():
        for number, _ in enumerate(every("", encoding)):
            values = {kind: made(maker) for kind, made in KINDS.items()}
            text = "; ".join(f"{kind} {encode(value)}" for kind, value in values.items())
            yield Planted(list(every(text, encoding))[number], encoding, values)
    for number, _ in enumerate(numbers(0)):
        card = maker.card().replace(" ", "").replace("-", "")
        yield Planted(list(numbers(int(card)))[number], "plain", {"card": card})


def made_state(folder: Path, port: int, masking: str) -> tuple[State, str]:
    state = State(folder / "state", clean_environment(folder))
    state.init()
    names = sorted({"mcp", *(form.provider for form in FORMATS), *(name.partition(" ")[0] for name in BODIES)})
    connections = "version: 1\nother_hosts: deny\nconnections:\n" + "".join(
        CONNECTION.format(id=name.replace(".", "-"), provider=name, port=port) for name in names
    )
    files = {"connections.yaml": connections, "masking.yaml": masking, "identity.yaml": IDENTITY, "approval.yaml": APPROVAL, "retention.yaml": RETENTION, "controls.yaml": CONTROLS}  # fmt: skip
    state.write_policies(files)
    return state, state.mint("coverage", "coverage")


def send(gateway: Gateway, provider: CannedProvider, token: str, name: str, call: Call) -> None:
    if call.reply:
        provider.replies[name] = call.reply
    place = call.provider.partition(" ")[0].replace(".", "-")
    headers = {"authorization": f"Bearer {token}", ASKED: name, **dict(call.headers)}
    if call.transport == WEBSOCKET:
        converse(gateway.base_url_port, f"/{place}{call.path}", headers, call.body)
        return
    headers["content-type"] = call.content_type
    connection = http.client.HTTPConnection("127.0.0.1", gateway.base_url_port, timeout=30)
    try:
        connection.request("POST", f"/{place}{call.path}", call.body, headers)
        connection.getresponse().read()
    finally:
        connection.close()


def converse(port: int, target: str, headers: Mapping[str, str], messages: bytes) -> None:
    """One WebSocket: a line a message; closed when the provider has said what it has to say, and so closes."""
    ws = WSConnection(ConnectionType.CLIENT)
    fields = [(field_name.encode(), value.encode()) for field_name, value in headers.items()]
    with socket.create_connection(("127.0.0.1", port), timeout=30) as sock:
        sock.sendall(ws.send(Request(host="gateway", target=target, extra_headers=fields)))
        ws.receive_data(sock.recv(1 << 16) or None)
        list(ws.events())
        for message in messages.splitlines():
            sock.sendall(ws.send(TextMessage(data=message.decode())))
        while data := sock.recv(1 << 16):
            ws.receive_data(data)
            for event in ws.events():
                if isinstance(event, CloseConnection):
                    sock.sendall(ws.send(event.response()))
                    return


def as_sent(encoded: str) -> Iterator[bytes]:
    """An encoded value, also as JSON and as JSON in JSON spell it."""
    for _ in range(3):
        yield encoded.lower().encode()
        encoded = json.dumps(encoded)[1:-1]


def judged(folder: Path, state: State, planted: Sequence[Planted]) -> list[Cell]:
    """Raises Unrecorded where a call left no record: a value that nobody wrote down is hidden too well."""
    database = state.path / "evidence.db"
    with reader(database) as store:
        (recorded,) = store.execute("SELECT count(*) FROM exchanges WHERE sent_at > ''").fetchone()
        (masked,) = store.execute(MASKED).fetchone()
    if recorded != len(planted):
        raise Unrecorded(
            f"{len(planted)} calls were made, {recorded} are recorded as sent; see {folder / 'gateway.log'}"
        )
    written = traces.written(folder, database).lower()
    cells = []
    for one in planted:
        encoded = {
            kind: (*forms, *as_sent(ENCODINGS[one.encoding](one.values[kind])))
            for kind, forms in traces.needles(one.values).items()
        }
        missed = tuple(sorted(traces.found_in(written, encoded)))
        cells.append(
            Cell(one.call.position, one.encoding, one.call.provider, one.call.transport, len(one.values), missed)
        )
    if masked < sum(not cell.missed for cell in cells):  # what is hidden was masked, or the search is blind
        raise Unrecorded(f"{masked} of {len(planted)} calls say that something was masked in them")
    return cells
