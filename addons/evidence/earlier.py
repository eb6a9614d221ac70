"""Which session something belonged to before this process began. Reads the store; not what a process remembers (sessions.py, histories.py)."""

from __future__ import annotations

from collections.abc import Sequence

from addons.evidence.chain import Node
from addons.evidence.database import Connection


def names(connection: Connection, most: int) -> list[tuple[bytes, str]]:
    """(digest, session) of the newest names, oldest first."""
    found = connection.execute("SELECT digest, session_id FROM names ORDER BY number DESC LIMIT ?", (most,)).fetchall()
    return found[::-1]


def known_nodes(connection: Connection, nodes: Sequence[Node]) -> int:
    """How many of a chain's nodes, from its first, are in the store: a node is there only after all before it."""
    least, most = 0, len(nodes)
    while least < most:
        middle = (least + most + 1) // 2
        found = connection.execute("SELECT 1 FROM nodes WHERE id = ?", (nodes[middle - 1].id,)).fetchone()
        least, most = (middle, most) if found else (least, middle - 1)
    return least


def session_with(connection: Connection, node: Node) -> str:
    """Of the exchange that first said this; "" where it is not on record."""
    found = connection.execute(_SESSION, (node.id,)).fetchone()
    return found[0] if found else ""


_SESSION = """
SELECT x.session_id FROM nodes n JOIN events e ON e.seq = n.seq JOIN exchanges x ON x.id = e.exchange_id WHERE n.id = ?
"""
