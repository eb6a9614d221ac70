"""What a client says in a WebSocket, in its order: what waits for a decision, and what waits behind it. Not the decision (approval.py).

A message that waits is taken off the wire, so that the conversation goes on: the provider's messages, pings, the end. It is put on the
wire again by us once it is decided, and meets the verdict there, in the layer's own order; so nothing overtakes it.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from dataclasses import dataclass, field

from addons.hooks import Refused
from addons.policy.approval_rules import Facts
from addons.providers.call import Part
from addons.providers.conversation import Ask, Step

MOST_WAITING = 20_000  # messages: some minutes of sound
TOO_MUCH = "more was sent than may wait for a decision. Send it again once that is made; type: affidavit approvals list"


@dataclass(frozen=True, slots=True)
class Said:
    """One message of the client."""

    content: bytes = field(repr=False)
    is_text: bool
    ask: Ask


@dataclass(frozen=True, slots=True)
class Before:
    """What was said for the call to come, and agreed to by nobody: rules count it with what is said next."""

    parts: tuple[Part, ...] = field(default=(), repr=False)
    entities: Counter[str] = field(default_factory=Counter)
    characters: int = 0


@dataclass(slots=True)
class Asking:
    """Of one WebSocket."""

    model: str  # that was named last in what was passed
    bound: int  # bytes of a message, of all that wait, and characters that are said before a call
    waiting: deque[Said] = field(default_factory=deque)
    size: int = 0
    verdicts: deque[tuple[Said, Refused | None]] = field(default_factory=deque)  # of those on their way again
    before: Before = field(default_factory=Before)
    concerns: tuple[object, bool, bool] = (
        None,
        False,
        False,
    )  # under which rulebook: may a rule fit, may one look at what is said
    work: asyncio.Task[None] | None = None  # decides what waits
    left: asyncio.Event = field(default_factory=asyncio.Event)  # the conversation has ended

    @property
    def busy(self) -> bool:
        """Others are before the next message."""
        return bool(self.waiting or self.verdicts)

    def wait(self, said: Said) -> None:
        """Raises Refused where too much waits."""
        self.waiting.append(said)
        self.size += len(said.content)
        if self.size > self.bound or len(self.waiting) > MOST_WAITING:
            raise Refused(413, "too_much_waits", TOO_MUCH, outcome="failed")

    def decided(self, verdict: Refused | None) -> Said:
        """The first of those that wait goes on its way."""
        said = self.waiting.popleft()
        self.size -= len(said.content)
        self.verdicts.append((said, verdict))
        return said

    def passed(self, ask: Ask, facts: Facts | None) -> None:
        """A message goes on. facts: of a rule's look at it; None where no rule need see it again."""
        self.model = ask.model or self.model
        if ask.step is Step.CALL:
            self.before = Before()
        elif facts:
            said = tuple([part for part in ask.parts if not part.base64])
            length = self.before.characters + sum(len(part.content) for part in said)
            self.before = Before((*self.before.parts, *said), Counter(facts.entities), length)

    def end(self) -> None:
        """Nothing that waits is sent any more."""
        self.left.set()
        self.waiting.clear()
        self.verdicts.clear()
        if self.work:
            self.work.cancel()
