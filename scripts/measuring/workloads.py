"""The requests that are measured. `json`: 2 KB. `long`: 200 KB, growing or new. `sse`: a short request for a stream.

Texts are ordinary words, a number in each so that no two are equal, and now and then a value that the shipped rules mask: the planted
card and e-mail, which must then be nowhere in the store.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator

PLANTED = ("4539 1488 0343 6467", "planted.person@example.com")  # a card that passes Luhn; an address
SENTENCES = (
    "the order of the customer was sent to the wrong branch and the invoice shows another sum than the one that we agreed "
    "so please check which of the two entries is right and write a short answer that explains the difference in plain words"
)
WORDS = SENTENCES.split()
JSON_BYTES, LONG_BYTES, TURN_BYTES = 2_000, 200_000, 1_000


def text(size: int, seed: str, planted: bool = False) -> str:
    """About `size` characters, the same for the same seed."""
    chosen = random.Random(seed)  # noqa: S311 -- words, not keys
    words = [seed, *PLANTED] if planted else [seed]
    length = sum(map(len, words))
    while length < size:
        word = chosen.choice(WORDS)
        words.append(word)
        length += len(word) + 1
    return " ".join(words)


def message(role: str, content: str) -> bytes:
    """One entry of `messages`. Our texts need no JSON escape."""
    return b'{"role":"%b","content":"%b"}' % (role.encode(), content.encode())


def request(messages: bytes, asked: str, host: str, *, stream: bool = False) -> bytes:
    """The bytes of a whole request; `messages` are entries joined by commas. Put together by hand: it must cost the client little."""
    body = b'{"model":"gpt-bench","stream":%b,"messages":[%b]}' % (b"true" if stream else b"false", messages)
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\nx-bench: {asked}\r\n"
        f"user-agent: affidavit-measure\r\nauthorization: Bearer placeholder\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Workloads:
    """Requests for one host. `salt` keeps the texts of two cases and rounds apart: a memo must not carry over."""

    def __init__(self, host: str, salt: str) -> None:
        self.host, self.salt = host, salt

    def json(self, client: int) -> Iterator[bytes]:
        """A constant system prompt and one new message of 1 KB."""
        system = message("system", text(JSON_BYTES // 2, "system prompt"))
        for number in itertools.count():
            new = text(JSON_BYTES // 2 - 120, f"{self.salt}-{client}-{number}", planted=number % 10 == 0)
            yield request(b",".join((system, message("user", new))), "json 1500", self.host)

    def long_turns(self, client: int) -> Iterator[bytes]:
        """A conversation of 200 KB that grows by a turn of 1 KB each time; its history is sent again."""
        seed = f"{self.salt}-{client}"
        turns = (
            message(
                "user" if turn % 2 == 0 else "assistant", text(TURN_BYTES * 2, f"{seed}-{turn}", planted=turn % 50 == 0)
            )
            for turn in range(LONG_BYTES // TURN_BYTES // 2)
        )
        history = bytearray(b",".join(turns))
        for number in itertools.count():
            history += b"," + message("user", text(TURN_BYTES, f"{seed}-new-{number}"))
            yield request(bytes(history), "json 2000", self.host)
            history += b"," + message("assistant", text(TURN_BYTES // 2, f"{seed}-answer-{number}"))

    def new_turns(self, client: int) -> Iterator[bytes]:
        """What is new in each call of `long_turns`, without the history. By the user alone: an answer would say that a conversation goes on,
        and of one that was never seen its beginning is looked for in the store.
        """
        for number in itertools.count():
            answer = message("user", text(TURN_BYTES // 2, f"{self.salt}-{client}-alone-answer-{number}"))
            user = message("user", text(TURN_BYTES, f"{self.salt}-{client}-alone-{number}"))
            yield request(answer + b"," + user, "json 2000", self.host)

    def long_new(self, client: int) -> Iterator[bytes]:
        """200 KB, never seen before. Cut from one long text at other places each time: making words must not be the bottleneck."""
        source = text(LONG_BYTES * 2, f"{self.salt}-{client}-source")
        for number in itertools.count():
            piece = source[(number * 7_919) % LONG_BYTES :][:LONG_BYTES]
            messages = (
                message("user", f"{self.salt} {client} {number} {piece[at : at + 4_000]}")
                for at in range(0, LONG_BYTES, 4_000)
            )
            yield request(b",".join(messages), "json 2000", self.host)

    def sse(self, chunks: int, interval_ms: float) -> Callable[[int], Iterator[bytes]]:
        def requests(client: int) -> Iterator[bytes]:
            for number in itertools.count():
                new = message("user", text(300, f"{self.salt}-stream-{client}-{number}"))
                yield request(new, f"sse {chunks} {interval_ms}", self.host, stream=True)

        return requests
