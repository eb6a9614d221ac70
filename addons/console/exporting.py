"""What an export asks of the owner: sign what is there, and record that a package was made. Not the package (evidence/package)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from addons.console.desk import Desk
from addons.evidence.checkpoints import Verifier
from addons.evidence.package.gateways import register
from addons.evidence.records import Event


async def add_gateway(desk: Desk, actor: str, vkey: str) -> dict[str, Any]:
    """Another gateway, by its key: `config.changed`, for ever, with nobody's name in it. Raises NoteInvalid."""
    key = Verifier.of(vkey)
    attrs = {"changed": "gateway", "state": "added", "log": key.name, "key": key.vkey}
    (seq, *_) = await desk.record(Event("config.changed", actor=actor, attrs=attrs))
    return {"seq": seq, "log": key.name, "state": "added"}


async def retire_gateway(desk: Desk, actor: str, log: str) -> dict[str, Any]:
    """Raises LookupError for one that is not in the register, or no more."""
    with desk.store.reading() as database:
        if not any(one.log == log and not one.retired_at for one in register(database)):
            raise LookupError(f"{log} is not in the register")
    (seq, *_) = await desk.record(
        Event("config.changed", actor=actor, attrs={"changed": "gateway", "state": "retired", "log": log})
    )
    return {"seq": seq, "log": log, "state": "retired"}


async def sign_now(desk: Desk) -> dict[str, Any]:
    """A checkpoint over all that is durable, and the key that it is checked with."""
    return {"note": await asyncio.wrap_future(desk.store.checkpoint()), "vkey": desk.keys.vkey}


async def count_now(desk: Desk) -> dict[str, Any]:
    """What a running gateway has counted so far becomes a leaf, so that the export's sums can be compared up to now."""
    if desk.is_gateway:
        await desk.heartbeat()
    return {"counted": desk.is_gateway}


async def record_export(desk: Desk, reader: str, os_user: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """`evidence.exported`, durable and under a checkpoint before the package gets its name.

    body: manifest ("sha256:" + hex of the package's manifest), leaves (how many it holds), since, until, purpose, and in `chosen`
    what narrows it (persons, connections, sessions, controls) and how its sample is drawn (seed, sample).
    """
    attrs = {name: body[name] for name in ("manifest", "leaves", "since", "until")}
    meta = {"purpose": body["purpose"], "os_user": os_user, "chosen": body.get("chosen", {})}
    (seq, *_) = await desk.record(Event("evidence.exported", actor=reader, attrs=attrs, meta=meta))
    signed = await sign_now(desk)
    return {"seq": seq, "reader": reader, "note": signed["note"]}
