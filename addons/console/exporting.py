"""What an export asks of the owner: sign what is there, and record that a package was made. Not the package (evidence/package)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from addons.console.desk import Desk
from addons.evidence.records import Event


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
