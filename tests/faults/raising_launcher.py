"""`affidavit proxy` with one hook of the stack made to raise: python -m tests.faults.raising_launcher MODULE:CLASS.HOOK [options of the proxy]

The hook's own code is exchanged, inside whatever guards it: what is tested is the guard that really stands there.
"""

from __future__ import annotations

import importlib
import inspect
import sys

PLANTED = "planted in a fault: 4539 1488 0343 6467"


def raising(_self, _subject):
    raise RuntimeError("planted in a fault: 4539 1488 0343 6467")


async def raising_async(_self, _subject):
    raise RuntimeError("planted in a fault: 4539 1488 0343 6467")


def plant(place: str) -> None:
    module, _, path = place.partition(":")
    owner, _, name = path.partition(".")
    hook = inspect.unwrap(getattr(getattr(importlib.import_module(module), owner), name))
    hook.__code__ = (raising_async if inspect.iscoroutinefunction(hook) else raising).__code__


if __name__ == "__main__":
    plant(sys.argv[1])
    from scripts import proxy

    sys.exit(proxy.main(sys.argv[2:]))
