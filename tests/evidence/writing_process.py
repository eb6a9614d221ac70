"""A process that appends until it is stopped, and prints the number of each leaf once it is acknowledged. Not a test: it is killed by some."""

import argparse
import os
import resource
from collections import deque
from datetime import UTC, datetime
from pathlib import Path

from addons.evidence.ids import new_id, time_text
from addons.evidence.keys import Keys
from addons.evidence.records import Closed, Opened, Outcome
from addons.evidence.store import Store, StoreFailed


def now():
    return datetime.now(UTC)


def pair(store, number):
    at = time_text(now())
    chain = store.chain("local|alice")
    question = chain.extend(None, role="user", kind="text", text=f"question {number} " * 20)
    answer = chain.extend(question.tip, role="assistant", kind="text", text=f"answer {number} " * 20)
    exchange_id = new_id("ex", now(), os.urandom)
    yield Opened(exchange_id, "se_1", at, "local|alice", "", nodes=(question,), request=question.tip)
    yield Closed(exchange_id, "local|alice", at, Outcome.COMPLETED, nodes=(answer,), reply=answer.tip)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--file-bytes", type=int)
    arguments = parser.parse_args()
    store = Store.open(
        arguments.folder / "evidence.db",
        Keys.load(arguments.folder / "keys"),
        clock=now,
        random=os.urandom,
        checkpoint_seconds=0.02,
    )
    if arguments.file_bytes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (arguments.file_bytes, arguments.file_bytes))
    waiting = deque()
    try:
        for number in range(1_000_000):
            waiting.extend(store.append(record) for record in pair(store, number))
            while len(waiting) > 8:
                for seq in waiting.popleft().result(10):
                    print(seq, flush=True)
    except StoreFailed as failure:
        print(type(failure).__name__, failure, flush=True)


if __name__ == "__main__":
    main()
