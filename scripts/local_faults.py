"""How the local provider misbehaves on demand: a Plan is a reply and the way it is sent; a fault is a change to a Plan. Pure.

A client asks with the header `x-local-fault: NAME`, or with `x-local-script: {"fault": "cut", "delta_chars": 3, …}`, or with the same
object in the body's field `x_local`.
"""

from __future__ import annotations

import functools
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from scripts.local_replies import error_event, error_json

SSE = "text/event-stream; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Knobs:
    """What a request may ask of the local provider beside its words."""

    fault: str = ""
    delta_chars: int = 12  # of text in one event
    event_ms: int = 0  # wait before each event but the first
    head_ms: int = 0  # wait before the status line
    gate: str = ""  # after `gate_after` events wait until GET /_go/<gate>
    gate_after: int = 2
    reply_bytes: int = 8 << 20  # of the fault "huge"; of "gzip-bomb" after decoding
    wire_bytes: int = 0  # write this many bytes at a time, across events; 0: one write an event
    body_base64: str = ""  # say exactly these bytes instead: a format that this provider does not speak
    content_type: str = "application/json"  # of body_base64


def knobs(headers: Mapping[str, str], body: Any) -> Knobs:
    """Raises TypeError for names that no knob has, ValueError for what is no JSON."""
    asked: dict[str, Any] = {}
    if isinstance(body, dict) and isinstance(body.get("x_local"), dict):
        asked |= body["x_local"]
    asked |= json.loads(headers.get("x-local-script", "{}"))
    if headers.get("x-local-fault"):
        asked["fault"] = headers["x-local-fault"]
    return Knobs(**asked)


@dataclass(frozen=True, slots=True)
class Plan:
    """A reply and how it goes out."""

    status: int
    content_type: str
    pieces: tuple[bytes, ...]
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    framing: str = "length"  # length | chunked | close
    early_hints: bool = False  # send a 103 first
    cut_after: int = -1  # close the connection after so many pieces; -1: never
    reset: bool = False  # … with a TCP reset instead of an end
    head_ms: int = 0
    event_ms: int = 0
    gate: str = ""
    gate_after: int = 0
    wire_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """What a fault may look at."""

    knobs: Knobs
    credentials: tuple[str, ...]  # authorization and x-api-key as they reached us


def with_fault(plan: Plan, asked: Asked) -> Plan:
    wanted = asked.knobs
    plan = replace(
        plan,
        head_ms=wanted.head_ms,
        event_ms=wanted.event_ms,
        gate=wanted.gate,
        gate_after=wanted.gate_after,
        wire_bytes=wanted.wire_bytes,
    )
    if not wanted.fault:
        return plan
    if wanted.fault.isdigit():
        return failed(plan, int(wanted.fault), f"simulated {wanted.fault} of the local provider")
    return FAULTS[wanted.fault](plan, asked)


def failed(plan: Plan, status: int, message: str) -> Plan:
    body = json.dumps(error_json(plan.path, status, message)).encode()
    retry = (("retry-after", "0"),) if status in {429, 503, 529} else ()
    return replace(
        plan,
        status=status,
        content_type="application/json",
        pieces=(body,),
        framing="length",
        headers=plan.headers + retry,
    )


def half(plan: Plan) -> int:
    return len(plan.pieces) // 2


def cut(plan: Plan, _: Asked) -> Plan:
    """Ends the connection in the middle of the body."""
    if len(plan.pieces) < 2:
        body = b"".join(plan.pieces)
        plan = replace(plan, pieces=(body[: len(body) // 2], body[len(body) // 2 :]))
    return replace(plan, cut_after=half(plan))


def echo_credentials(plan: Plan, asked: Asked) -> Plan:
    """A 401 that repeats the key it was given, as several providers do."""
    seen = " ".join(asked.credentials) or "none"
    refused = failed(plan, 401, f"incorrect API key provided: {seen}")
    return replace(refused, headers=(*refused.headers, ("x-received-key", seen)))


def echo_in_body(plan: Plan, asked: Asked) -> Plan:
    """A success that repeats the key it was given: in JSON at its end; in a stream in its middle, cut over two pieces."""
    key = (asked.credentials or ("none",))[-1].rpartition(" ")[2].encode()
    if plan.content_type.startswith("application/json"):
        return replace(plan, pieces=(*plan.pieces[:-1], plan.pieces[-1][:-1] + b',"received_key":"%s"}' % key))
    before, after = (b": you sent ", b"\n\n") if plan.content_type == SSE else (b'{"received_key":"', b'"}\n')
    said = (before + key[:7], key[7:] + after)
    return replace(plan, pieces=(*plan.pieces[: half(plan)], *said, *plan.pieces[half(plan) :]))


@functools.cache
def zeros_gzipped(size: int) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    block = bytes(1 << 20)
    return b"".join([*(packer.compress(block) for _ in range(size >> 20)), packer.flush()])


def gzip_bomb(plan: Plan, asked: Asked) -> Plan:
    body = zeros_gzipped(asked.knobs.reply_bytes)
    return replace(plan, pieces=(body,), framing="length", headers=(*plan.headers, ("content-encoding", "gzip")))


def gzipped(plan: Plan, _: Asked) -> Plan:
    packer = zlib.compressobj(6, wbits=31)
    packed = [packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH) for piece in plan.pieces]
    return replace(plan, pieces=(*packed, packer.flush()), headers=(*plan.headers, ("content-encoding", "gzip")))


def huge(plan: Plan, asked: Asked) -> Plan:
    """A JSON reply of `reply_bytes`, its text repeated."""
    word = b"simulated "
    filler = word * (asked.knobs.reply_bytes // len(word))
    return replace(
        plan, pieces=(b'{"simulated":true,"text":"', filler, b'"}'), content_type="application/json", framing="chunked"
    )


def invalid_utf8(plan: Plan, _: Asked) -> Plan:
    return replace(plan, pieces=tuple(piece.replace(b"simulated", b"simul\xff\xfe\xc3ted", 1) for piece in plan.pieces))


def no_done(plan: Plan, _: Asked) -> Plan:
    """The stream ends in good order but without its own end marker."""
    return replace(plan, pieces=plan.pieces[:-1])


def error_in_stream(plan: Plan, _: Asked) -> Plan:
    return replace(plan, pieces=(*plan.pieces[: half(plan)], error_event(plan.path, "simulated failure in mid-stream")))


def json_as_stream(plan: Plan, _: Asked) -> Plan:
    body = json.dumps(error_json(plan.path, 400, "simulated error under text/event-stream")).encode()
    return replace(plan, content_type=SSE, pieces=(body,), framing="length")


def crlf(plan: Plan, _: Asked) -> Plan:
    return replace(plan, pieces=tuple(piece.replace(b"\n", b"\r\n") for piece in plan.pieces))


def comments(plan: Plan, _: Asked) -> Plan:
    return replace(plan, pieces=tuple(b": SIMULATED PROCESSING\n\n" + piece for piece in plan.pieces))


FAULTS: Mapping[str, Callable[[Plan, Asked], Plan]] = {
    "cut": cut,
    "reset": lambda plan, asked: replace(cut(plan, asked), reset=True),
    "no-answer": lambda plan, _: replace(plan, status=0, pieces=()),  # read the request, then end the connection
    "early-103": lambda plan, _: replace(plan, early_hints=True),
    "slow-headers": lambda plan, asked: replace(plan, head_ms=asked.knobs.head_ms or 1000),
    "slow-chunks": lambda plan, asked: replace(plan, event_ms=asked.knobs.event_ms or 50),
    "echo-credentials": echo_credentials,
    "echo-in-body": echo_in_body,
    "echo-in-gzip": lambda plan, asked: gzipped(echo_in_body(plan, asked), asked),
    "echo-in-huge": lambda plan, asked: echo_in_body(huge(plan, asked), asked),
    "gzip-bomb": gzip_bomb,
    "gzip": gzipped,
    "chunked": lambda plan, _: replace(plan, framing="chunked"),
    "length": lambda plan, _: replace(plan, framing="length"),
    "until-close": lambda plan, _: replace(plan, framing="close"),
    "huge": huge,
    "invalid-utf8": invalid_utf8,
    "no-done": no_done,
    "error-event": error_in_stream,
    "json-as-stream": json_as_stream,
    "crlf": crlf,
    "comments": comments,
}
