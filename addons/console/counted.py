"""What the proxy itself has seen since it started, counted where it comes in: the other side of the accounting. Not the record.

The counts go into `gateway.heartbeat` and `gateway.stopped` leaves, and evidence/accounting.py compares them with the leaves before.
A request that was seen and has no leaf shows there.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Counted:
    requests: int = 0  # whose headers came in, on either door
    recorded: int = 0  # of these: opened, or refused at the door, durably
    unrecorded: int = 0  # of these: ended without a leaf; it should stay 0
    connects: int = 0  # CONNECT, whatever became of it
    inside: int = 0  # of these: to a provider's host, so decided inside, request by request
    raw: int = 0  # TCP, UDP or DNS flows, closed at once

    def attrs(self) -> dict[str, int]:
        """As it stands in a leaf. under_way: seen, and neither recorded nor given up at this moment."""
        return {
            "requests": self.requests,
            "under_way": self.requests - self.recorded - self.unrecorded,
            "unrecorded": self.unrecorded,
            "connects": self.connects,
            "inside": self.inside,
            "raw": self.raw,
        }
