"""The gateway as a command finds it: the one that runs on the state, and what its policies mean for a client."""

from __future__ import annotations

from typing import Any

from addons.console import reach
from addons.console.state import StateFolder
from scripts.client_settings import Door


def connections(folder: StateFolder) -> list[Any]:
    """As the running gateway has them in force; where none runs, as they lie in the state."""
    try:
        found: list[Any] = reach.ask_owner(folder, "GET", "/connections")["connections"]
    except reach.NobodyListens:
        from addons.console.desk import policies_in  # noqa: PLC0415, half a second that the other way need not pay
        from addons.console.shapes import connection_shape  # noqa: PLC0415

        found = [connection_shape(connection) for connection in policies_in(folder.policies).connections]
    return found


def doors(folder: StateFolder) -> tuple[Door, ...]:
    return tuple(Door(row["id"], row["provider"], row["own_key"]) for row in connections(folder))
