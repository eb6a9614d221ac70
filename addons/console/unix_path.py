"""The path of a Unix socket in the few bytes that sockaddr_un has for it. Source: unix(7)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from addons.console.state import StateRefused

PATH_BYTES = 100  # sun_path holds 108 on Linux and 104 elsewhere, the ending NUL among them


@contextlib.contextmanager
def socket_address(path: Path) -> Iterator[str]:
    """The path as sockaddr_un can hold it: a long one goes through a descriptor of its folder."""
    if len(os.fsencode(path)) <= PATH_BYTES:
        yield str(path)
        return
    if not Path("/proc/self/fd").is_dir():
        raise StateRefused(
            f"{path}: expected at most {PATH_BYTES} bytes for the path of a socket", "use a shorter --state"
        )
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
