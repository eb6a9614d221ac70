"""Feeds every parser what strangers might send: `python -m tests.fuzz.parsers --seconds 600`. Recordings and requests made here, mutated.

Asked of each case: nothing is raised; a stream says the same however it is cut, and loses no byte; a tool call has a row; and the CPU it takes is
at most LATENCY + 100 ms for each MB. A tool call's budget may be spent as well (BUDGET_SECONDS). A case that fails is written to a file and printed with the seed. Memory: the process may not grow
by more than GROWTH.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

from addons.commands.read import read as commands_in
from addons.providers.call import Call, Kind, Part
from addons.providers.doors import conversation, parse_call, parse_reply, stream_parser
from addons.providers.registry import PROVIDER_NAMES, PROVIDERS
from addons.providers.wire import WireReply, WireRequest
from tests.providers.test_total import KEYS, PATHS, TYPES, WORDS
from tests.wire import asked

LATENCY_SECONDS = 0.1
BUDGET_SECONDS = 0.2
SECONDS_PER_BYTE = 0.1 / (1 << 20)
GROWTH_KILOBYTES = 400 << 10
LONGEST = 1 << 20
ENDPOINTS = sorted({endpoint.id for provider in PROVIDERS for endpoint in provider.endpoints})
PROVIDER_WORDS = sorted(PROVIDER_NAMES)
TOOLS = ("Bash", "run_sql", "code_interpreter", "apply_patch", "mcp__a__b", "browser_evaluate", "x", "")
TOKENS = (
    b"\r\n", b"\n\n", b"\r", b"data: ", b"event: error\n", b"[DONE]", b'{"', b'":', b"}", b"]", b"[", b"\\u0000", b"\\ud800", b"\xff", b"\0", b"1e999",
    b"9" * 400, b'"' * 9, b"[" * 300, b"\x00\x00\x00\x80\x00\x00\x00\x40", b"null", b"true", b"-", b"rm -rf ", b"$(", b"`", b"; DROP TABLE x;", b"/*", b"'",
)  # fmt: skip

Case = tuple[str, ...]


def seeds() -> list[bytes]:
    """Streams and bodies of the tests, and their richest requests."""
    folder = Path(__file__).parents[1] / "wire"
    found = [
        path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix not in {".py", ".pyc"}
    ]
    found += [
        json.dumps(value).encode()
        for value in vars(asked).values()
        if isinstance(value, dict) and "__name__" not in value
    ]
    return [seed for seed in found if seed]


def mutated(seed: bytes, others: list[bytes], chance: random.Random) -> bytes:
    data = bytearray(seed)
    for _ in range(chance.choice((0, 1, 1, 2, 4, 8, 20))):
        at = chance.randrange(len(data) + 1)
        end = min(len(data), at + chance.choice((1, 2, 7, 40, 400)))
        match chance.randrange(8):
            case 0:
                data[at:at] = chance.choice(TOKENS)
            case 1:
                data[at:at] = json.dumps(chance.choice((*KEYS, *WORDS))).encode()
            case 2:
                del data[at:end]
            case 3:
                data[at:at] = bytes(data[at:end]) * chance.choice((1, 2, 50))
            case 4:
                data[at:end] = chance.randbytes(end - at)
            case 5:
                other = chance.choice(others)
                start = chance.randrange(len(other) + 1)
                data[at:end] = other[start : start + chance.choice((10, 100, 1000))]
            case 6:
                del data[at:]
            case _:
                data[at:at] = chance.choice(others)[:2000]
    return bytes(data[:LONGEST])


def a_request(data: bytes, chance: random.Random) -> None:
    kind = chance.choice(TYPES)
    request = WireRequest("POST", chance.choice(PATHS), "", (("content-type", kind),), data)
    call = parse_call(chance.choice(PROVIDER_WORDS), request)
    for turn in call.turns:
        turn.parts()


def called(chance: random.Random) -> Call:
    return Call("openai", "", chance.choice(ENDPOINTS), "", streamed=True, turns=())


def a_reply(data: bytes, chance: random.Random) -> None:
    status = chance.choice((200, 200, 200, 400, 529))
    parse_reply(called(chance), WireReply(status, (("content-type", chance.choice(TYPES)),), data))


def a_stream(data: bytes, chance: random.Random) -> None:
    call, kind = called(chance), chance.choice(TYPES)
    whole, cut = stream_parser(call, kind), stream_parser(call, kind)
    if whole is None or cut is None:
        return
    frames = [*whole.feed(data), *whole.finish()]
    at = chance.randrange(len(data) + 1)
    pieces = [*cut.feed(data[:at]), *cut.feed(data[at:]), *cut.finish()]
    if b"".join(frame.data for frame in frames) != data or b"".join(frame.data for frame in pieces) != data:
        raise AssertionError("bytes were lost or moved")
    if whole.reply() != cut.reply():
        raise AssertionError(f"cut at {at}, the stream says something else")


def a_conversation(data: bytes, chance: random.Random) -> None:
    reader = conversation(called(chance))
    for line in data.splitlines()[:200]:
        reader.take(line, is_text=chance.random() < 0.5, from_client=chance.random() < 0.5)
    reader.end()
    reader.reply()


def a_tool_call(data: bytes, chance: random.Random) -> None:
    content = data.decode("utf-8", "replace")
    if chance.random() < 0.5:
        content = json.dumps({chance.choice(("command", "sql", "query", "code", "path")): content})
    if not commands_in(Part(Kind.TOOL_CALL, content, name=chance.choice(TOOLS))):
        raise AssertionError("a tool call without a row")


TARGETS: tuple[Callable[[bytes, random.Random], None], ...] = (
    a_request,
    a_reply,
    a_stream,
    a_stream,
    a_conversation,
    a_tool_call,
)


def run(seconds: float, seed: int, *, judge_time: bool, say: Callable[[str], None]) -> int:
    """The number of cases that passed. Raises what a case raises, after it was written down."""
    corpus = seeds()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    until, number = time.monotonic() + seconds, 0
    slowest = 0.0
    while time.monotonic() < until:
        chance = random.Random(f"{seed} {number}")
        data, target = mutated(chance.choice(corpus), corpus, chance), chance.choice(TARGETS)
        state = chance.getstate()
        try:
            took = _timed(target, data, chance)
            bound = (BUDGET_SECONDS if target is a_tool_call else LATENCY_SECONDS) + SECONDS_PER_BYTE * len(data)
            if judge_time and took > bound:
                chance.setstate(state)
                again = _timed(target, data, chance)  # once more: the collector may have run
                if again > bound:
                    raise AssertionError(f"{again:.2f} s for {len(data)} bytes")  # noqa: TRY301 -- as any other fault
            slowest = max(slowest, took)
        except BaseException as fault:
            file = Path(f"fuzz-{target.__name__}-{seed}-{number}.bin")
            file.write_bytes(data)
            say(
                f"error: {target.__name__}, seed {seed}, case {number}: {type(fault).__name__}: {fault}; the bytes: {file}"
            )
            raise
        number += 1
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    say(
        f"{number} cases in {seconds:g} s, seed {seed}: nothing raised; slowest {slowest * 1000:.0f} ms; grown by {grown >> 10} MB"
    )
    if grown > GROWTH_KILOBYTES:
        raise AssertionError(f"the process grew by {grown >> 10} MB")
    return number


def _timed(target: Callable[[bytes, random.Random], None], data: bytes, chance: random.Random) -> float:
    began = time.process_time()
    target(data, chance)
    return time.process_time() - began


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=600)
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    chosen = options.parse_args()
    run(chosen.seconds, chosen.seed, judge_time=True, say=lambda line: print(line, file=sys.stderr))


if __name__ == "__main__":
    main()
