"""Ports for programs that must be told one and cannot be asked which they took."""

from __future__ import annotations

import contextlib
import socket


def free_ports(host: str, count: int) -> list[int]:
    """Ports that are free now, no two alike: each is kept until the last is found."""
    with contextlib.ExitStack() as kept:
        servers = [kept.enter_context(socket.create_server((host or "127.0.0.1", 0))) for _ in range(count)]
        return [int(server.getsockname()[1]) for server in servers]
