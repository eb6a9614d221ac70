"""Two doors asked to choose their ports never choose the same."""

from __future__ import annotations

from scripts.ports import free_ports


def test_no_two_are_alike():
    """One after the other closed, the system gives the same port twice about once in a few hundred times."""
    assert all(len(set(free_ports("127.0.0.1", 200))) == 200 for _ in range(5))
