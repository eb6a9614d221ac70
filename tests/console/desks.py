"""A state folder with a store, a clock that stands still, and desks over it: what the console's tests work with."""

from __future__ import annotations

import contextlib
import secrets
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from addons.console.control import serving
from addons.console.desk import Desk
from addons.console.state import StateFolder
from addons.evidence.ids import time_text
from addons.evidence.keys import Keys
from addons.evidence.records import Opened
from addons.evidence.store import Store
from addons.policy.load import FILES
from addons.policy.model import ApprovalRule, Approvers, Direction, Then, When
from addons.tokens.caller import Caller

POLICIES = Path(__file__).resolve().parent.parent.parent / "policies"
DIGEST = "hmac-sha256:" + "ab" * 32


@dataclass(slots=True)
class Clock:
    now: datetime = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def new_state(path: Path, clock: Clock) -> StateFolder:
    folder = StateFolder(path)
    folder.path.mkdir(mode=0o700)
    keys = Keys.create(folder.keys, secrets.token_bytes)
    Store.create(folder.database, keys, clock=clock, random=secrets.token_bytes)
    folder.policies.mkdir()
    for name in FILES:
        shutil.copyfile(POLICIES / name, folder.policies / name)
    return folder


@contextlib.asynccontextmanager
async def owning(folder: StateFolder, clock: Clock, *, socket: bool = False) -> AsyncIterator[Desk]:
    """A desk as the gateway has it; with its control socket where asked."""
    with folder.own():
        desk = await Desk.open(folder, clock=clock, random=secrets.token_bytes)
        try:
            if socket:
                async with serving(desk):
                    yield desk
            else:
                yield desk
        finally:
            await desk.close()


def hold_rule(
    rule_id: str = "destructive-sql", *, groups: tuple[str, ...] = ("data-owners",), count: int = 1, expires: int = 3600
) -> ApprovalRule:
    return ApprovalRule(
        rule_id,
        When(Direction.REQUEST),
        Then.HOLD,
        Approvers(groups, count),
        hold_seconds=110,
        expires_seconds=expires,
        reason="",
    )


async def person(desk: Desk, name: str, *groups: str, minted_by: str = "") -> tuple[str, Caller]:
    """A token and whom it stands for."""
    secret, _ = await desk.mint(
        name=name, groups=groups, email="", purpose="", lifetime=timedelta(hours=8), minted_by=minted_by or f"os|{name}"
    )
    return secret, desk.tokens.find(secret, desk.clock())


async def opened(desk: Desk, subject: str = "local|alice", token_id: str = "") -> str:
    """An exchange under way."""
    exchange_id = desk.new_id("ex")
    await desk.record(
        Opened(
            exchange_id,
            desk.new_id("se"),
            time_text(desk.clock()),
            subject,
            desk.policies.digest,
            token_id=token_id,
            connection="openai",
            request_model="gpt-5",
        )
    )
    return exchange_id


def leaf_types(folder: StateFolder) -> list[str]:
    with Store.reader(folder.database) as database:
        return [kind for (kind,) in database.execute("SELECT type FROM events ORDER BY seq")]
