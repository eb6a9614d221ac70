"""Changes mitmproxy's options while the stack guards: python -m tests.faults.changing_options '[{"ignore_hosts": [".*"]}]'. Prints what came of each."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from pathlib import Path

from mitmproxy import exceptions, options
from mitmproxy.tools import dump

from addons.stack import Stack, door_modes
from scripts.local_gateway import State, clean_environment


async def changed(state: State, changes: list[dict[str, object]]) -> list[str]:
    opts = options.Options()
    master = dump.DumpMaster(opts, with_termlog=False, with_dumper=False)
    stack = Stack(launched=True)
    master.addons.add(stack)
    opts.update(affidavit_state=str(state.path), confdir=str(state.path / "ca"), connection_strategy="lazy")
    opts.update(mode=door_modes(opts.affidavit_base_url_port))
    await stack.open(opts)
    try:
        return [outcome(opts, change) for change in changes]
    finally:
        await stack.close()


def outcome(opts: options.Options, change: dict[str, object]) -> str:
    before = {name: getattr(opts, name) for name in change}
    try:
        opts.update(**change)
    except exceptions.OptionsError:
        return "refused; unchanged" if {name: getattr(opts, name) for name in change} == before else "refused; changed"
    return "taken"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        state = State(Path(folder) / "state", clean_environment(Path(folder)))
        state.init()
        print("\n".join(asyncio.run(changed(state, json.loads(sys.argv[1])))))


if __name__ == "__main__":
    main()
