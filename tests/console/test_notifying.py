"""addons/console/notifying.py: real requests to a receiver that works, fails, hangs or is not there; nobody waits for it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from addons.approvals.notices import Notice, signature
from addons.approvals.state import Action
from addons.console.notifying import PAUSES, WAITING, Notifier
from addons.policy.model import Happening, HookFormat, Reference, Source, Webhook
from tests.console.desks import DIGEST, hold_rule, opened, owning, person

NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)


class Receiver:
    """Answers with the statuses it was given, the last again and again; 0: not at all."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.port = 0
        self.hang = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
            body = await reader.readexactly(int(headers["content-length"]))
            self.got.append((headers, body))
            status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
            if status == 0:
                await self.hang.wait()
            writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: 0\r\nlocation: /elsewhere\r\n\r\n".encode())
            await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def receiving(*statuses: int) -> AsyncIterator[Receiver]:
    receiver = Receiver(*statuses)
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    async with server:
        yield receiver
        receiver.hang.set()


def hook(port: int, form: HookFormat = HookFormat.SLACK, **more) -> Webhook:
    chosen = {"id": "w", "on": tuple(Happening), "rules": (), "payload": False, "secret": ()} | more
    return Webhook(url=(f"http://127.0.0.1:{port}/hook",), format=form, **chosen)


class World:
    """A notifier with hooks; its pauses are noted, not waited for."""

    def __init__(self, *hooks: Webhook) -> None:
        self.pauses: list[float] = []
        self.findings: list[tuple[str, str]] = []
        self.notifier = Notifier(
            clock=lambda: NOW,
            policies=lambda: SimpleNamespace(webhooks=hooks),
            find=lambda code, detail: self.findings.append((code, detail)),
            console=lambda: "https://console.example",
            sleep=self.sleep,
        )

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await asyncio.sleep(0)


def notice(happening: str = "requested", rule: str = "r", **more) -> Notice:
    return Notice(happening, NOW, rule, requester="local|alice", approval_id="ap_1", **more)


async def until(ready) -> None:
    async with asyncio.timeout(20):
        while not ready():  # noqa: ASYNC110 -- receivers and notifiers change what is waited for
            await asyncio.sleep(0.005)


def run(work) -> None:
    asyncio.run(work)


def test_a_receiver_gets_what_happened():
    async def work():
        async with receiving(200) as receiver:
            world = World(hook(receiver.port))
            world.notifier.tell(notice())
            await until(lambda: receiver.got)
            await world.notifier.close()
            assert "local|alice" in receiver.got[0][1].decode()
            assert "https://console.example/approvals/ap_1" in receiver.got[0][1].decode()
            assert world.findings == []

    run(work())


def test_a_json_message_is_signed_with_its_time(monkeypatch):
    monkeypatch.setenv("HOOK_SECRET", "s3cret")

    async def work():
        async with receiving(200) as receiver:
            secret = (Reference(Source.ENV, ("HOOK_SECRET",)),)
            world = World(hook(receiver.port, HookFormat.JSON, secret=secret))
            world.notifier.tell(notice())
            await until(lambda: receiver.got)
            await world.notifier.close()
            headers, body = receiver.got[0]
            assert headers["affidavit-timestamp"] == str(int(NOW.timestamp()))
            assert headers["affidavit-signature"] == signature(b"s3cret", int(NOW.timestamp()), body)
            assert json.loads(body)["approval"] == "ap_1"

    run(work())


def test_a_secret_that_is_not_there_is_a_finding_and_nothing_is_sent_unsigned():
    async def work():
        async with receiving(200) as receiver:
            secret = (Reference(Source.ENV, ("NOT_SET_HERE",)),)
            world = World(hook(receiver.port, HookFormat.JSON, secret=secret))
            world.notifier.tell(notice())
            await until(lambda: world.findings)
            await world.notifier.close()
            assert receiver.got == []
            assert world.findings == [("webhook_failed", "w: env:NOT_SET_HERE gives nothing")]

    run(work())


def test_a_receiver_that_answers_500_is_tried_again_with_growing_pauses():
    async def work():
        async with receiving(500, 503, 200) as receiver:
            world = World(hook(receiver.port))
            world.notifier.tell(notice())
            await until(lambda: len(receiver.got) == 3)
            await world.notifier.close()
            assert world.pauses == list(PAUSES[:2])
            assert len({body for _, body in receiver.got}) == 1

    run(work())


def test_a_receiver_that_never_works_is_given_up_with_a_finding_and_the_next_message_is_tried():
    async def work():
        async with receiving(500) as receiver:
            world = World(hook(receiver.port))
            world.notifier.tell(notice())
            world.notifier.tell(notice("decided"))
            await until(lambda: len(receiver.got) == 2 * (len(PAUSES) + 1))
            await until(lambda: len(world.findings) == 2)
            await world.notifier.close()
            assert world.findings[0][0] == "webhook_failed"

    run(work())


@pytest.mark.parametrize("status", [302, 400, 404, 410])
def test_what_trying_again_cannot_mend_is_not_tried_again_and_no_redirect_is_followed(status):
    async def work():
        async with receiving(status) as receiver:
            world = World(hook(receiver.port))
            world.notifier.tell(notice())
            await until(lambda: world.findings)
            await world.notifier.close()
            assert len(receiver.got) == 1

    run(work())


def test_one_receiver_that_hangs_keeps_no_other_waiting():
    async def work():
        async with receiving(0) as stuck, receiving(200) as other:
            world = World(hook(stuck.port, id="stuck"), hook(other.port, id="other"))
            for _ in range(5):
                world.notifier.tell(notice())
            await until(lambda: len(other.got) == 5)
            await world.notifier.close()
            assert len(stuck.got) <= 1

    run(work())


def test_what_waits_is_bounded_and_the_oldest_go_first():
    async def work():
        async with receiving(0) as stuck:
            world = World(hook(stuck.port))
            for _ in range(WAITING + 10):
                world.notifier.tell(notice())
            await world.notifier.close()
            assert {code for code, _ in world.findings} == {"webhook_behind"}

    run(work())


def test_a_hook_hears_only_what_it_asked_for():
    async def work():
        async with receiving(200) as receiver:
            world = World(hook(receiver.port, on=(Happening.ALARM,), rules=("mine",)))
            world.notifier.tell(notice("requested", "mine"))
            world.notifier.tell(notice("alarm", "other"))
            world.notifier.tell(notice("alarm", "mine"))
            await until(lambda: receiver.got)
            await world.notifier.close()
            assert len(receiver.got) == 1

    run(work())


def test_holds_decisions_broken_glass_and_alarms_are_told(state, clock):
    """Through the desk, as the gateway runs it; the receiver hangs, and nothing waits for it."""

    async def work():
        async with receiving(0) as stuck, owning(state, clock) as desk:
            await desk.started({})
            told = []
            desk.notifier.tell = lambda notice: told.append((notice.happening, notice.rule))
            _, alice = await person(desk, "alice")
            _, bob = await person(desk, "bob", "data-owners")
            rule = replace(hold_rule(), alarm_holds=1)
            for number in range(2):
                asked = await desk.request_approval(
                    exchange_id=await opened(desk), rule=rule, requester=alice, payload_digest=f"{DIGEST}{number}"
                )
            await desk.decide(asked.id, bob, Action.APPROVE, "yes")
            clock.advance(4000)
            await desk.expire_due()
            assert stuck.got == []
            return told

    told = asyncio.run(work())
    kinds = [happening for happening, _ in told]
    assert kinds == ["requested", "alarm", "requested", "decided", "expired"]
