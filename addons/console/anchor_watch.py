"""What was last tried with each anchor, for as long as the state has this owner. Not what they attested: that is in the store."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(slots=True)
class AnchorWatch:
    """By place."""

    tried_at: dict[str, datetime] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
