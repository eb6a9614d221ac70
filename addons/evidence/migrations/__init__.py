"""The steps from an empty file to the present schema, in order. A step that has been released never changes; a new one is added.

A migration is a function of a sqlite-utils Database inside an open transaction. It may create and convert tables; it never touches
the bytes of a leaf or of a payload.
"""

from __future__ import annotations

from collections.abc import Callable

from addons.evidence.database import Database
from addons.evidence.migrations.m001_initial import initial
from addons.evidence.migrations.m002_holds_anchors import holds_anchors
from addons.evidence.migrations.m003_conversations import conversations
from addons.evidence.migrations.m004_names import names
from addons.evidence.migrations.m005_first_uses import first_uses
from addons.evidence.migrations.m006_approval_grades import approval_grades

MIGRATIONS: tuple[Callable[[Database], None], ...] = (
    initial,
    holds_anchors,
    conversations,
    names,
    first_uses,
    approval_grades,
)

VERSION = len(MIGRATIONS)
