"""Whether a person used a connection or a model before is found by an index: rules on the first use ask for each person's call."""

from __future__ import annotations

from addons.evidence.database import Database

INDEX = "CREATE INDEX exchanges_used ON exchanges (subject, connection, request_model) WHERE sent_at IS NOT NULL"


def first_uses(database: Database) -> None:
    database.execute(INDEX)
