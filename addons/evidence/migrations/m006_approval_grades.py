"""approvals.grade: managed, where an issuer vouches for who asked and for everybody who decided; else trial. NULL: asked before it was recorded."""

from __future__ import annotations

from addons.evidence.database import Database


def approval_grades(database: Database) -> None:
    database.execute("ALTER TABLE approvals ADD COLUMN grade TEXT")
