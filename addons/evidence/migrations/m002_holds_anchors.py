"""Legal holds, and what others attested of the log's checkpoints.

holds      what may not be erased while it lies before a court or an auditor; each row as its newest hold.* leaf has it
anchors    a checkpoint, and the bytes by which somebody outside attests when they saw it; they prove themselves, so no leaf knows them
"""

from __future__ import annotations

from addons.evidence.database import Database

TABLES = """
CREATE TABLE holds (
  id TEXT PRIMARY KEY NOT NULL, scope TEXT NOT NULL, value TEXT, reason TEXT, set_at TEXT NOT NULL, set_by TEXT, lifted_at TEXT,
  lifted_by TEXT
) STRICT;

CREATE TABLE anchors (
  number INTEGER PRIMARY KEY, size INTEGER NOT NULL, kind TEXT NOT NULL, place TEXT NOT NULL, at TEXT NOT NULL, note TEXT NOT NULL,
  proof BLOB NOT NULL
) STRICT;
CREATE INDEX anchors_newest ON anchors (kind, place, size);
"""


def holds_anchors(database: Database) -> None:
    database.executescript(TABLES)
