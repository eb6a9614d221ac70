"""`affidavit proxy` without the cycle collector, that writes down how many exchanges it still knows as each new one begins:
python -m tests.faults.counting_launcher FILE [--collected] [options of the proxy]

--collected: after the collector has run, so that only what can never be freed is counted.
"""

from __future__ import annotations

import gc
import sys
from pathlib import Path

from addons import hooks


def count_into(file: Path, *, collected: bool) -> None:
    begin = hooks.begin

    def counted(flow, exchange):
        if collected:
            gc.collect()
        with file.open("a") as kept:
            kept.write(f"{len(hooks.open_exchanges())}\n")
        return begin(flow, exchange)

    hooks.begin = counted


if __name__ == "__main__":
    file, *options = sys.argv[1:]
    count_into(Path(file), collected="--collected" in options)
    gc.disable()
    from scripts import proxy

    sys.exit(proxy.main([option for option in options if option != "--collected"]))
