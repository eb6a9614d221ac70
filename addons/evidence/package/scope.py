"""What an export takes: a period, perhaps only some people, connections or sessions, and the SQL that chooses it. Not the copy (snapshot.py).

An exchange belongs to a period when its `exchange.opened` leaf was appended in it; so does any leaf without an exchange. With an
exchange come all its leaves, and each approval that one of them names, whole. The Merkle log is always taken whole: leaves carry
pseudonyms and commitments only, and a log with holes proves nothing. Whoever checks a package of a period, or of people, can tell from
the leaves alone which payloads have to be in it. Connections and sessions stand in payloads only, so a choice of these is the exporter's word.
"""

# ruff: noqa: S608 -- the pieces are constants of this file

from __future__ import annotations

from dataclasses import dataclass

import orjson

_APPROVAL = "json_extract(e.leaf, '$.attrs.approval')"
_IN_PERIOD = "(:since = '' OR e.at >= :since) AND (:until = '' OR e.at < :until)"
_WANTED = " AND ".join(
    f"(:{name} = '[]' OR x.{column} IN (SELECT value FROM json_each(:{name})))"
    for name, column in (("persons", "subject"), ("connections", "connection"), ("sessions", "session_id"))
)

# Leaves that bear an id of their own where other leaves have an exchange: what they tell of became none.
DOOR = ("identity.refused", "connect.refused", "tunnel.opened", "tunnel.closed")
_ALONE = f"(e.exchange_id IS NULL OR e.type IN {DOOR})"

# Run in this order on the new database, the store attached as `source`: first one of these two, then the others.
EXCHANGES = f"""INSERT INTO chosen_exchanges
    SELECT x.id FROM source.exchanges x JOIN source.events e ON e.seq = x.opened_seq WHERE {_IN_PERIOD} AND {_WANTED}"""
# By the leaves alone, for whoever checks a package: what has to be in it, whatever is. Connections and sessions stand in rows only.
EXCHANGES_BY_LEAVES = f"""INSERT OR IGNORE INTO chosen_exchanges
    SELECT e.exchange_id FROM source.events e WHERE e.type = 'exchange.opened' AND e.exchange_id IS NOT NULL AND {_IN_PERIOD}
      AND (:persons = '[]' OR json_extract(e.leaf, '$.actor') IN (
        SELECT pseudonym FROM source.subjects WHERE subject IN (SELECT value FROM json_each(:persons))))
      AND ((:connections = '[]' AND :sessions = '[]') OR e.exchange_id IN (SELECT id FROM source.exchanges))"""
CHOSEN = "CREATE TEMP TABLE chosen_exchanges (id TEXT PRIMARY KEY) WITHOUT ROWID"
LEAVES_CHOICE = (
    "CREATE TEMP TABLE chosen_approvals (id TEXT PRIMARY KEY) WITHOUT ROWID",
    f"""INSERT OR IGNORE INTO chosen_approvals
        SELECT {_APPROVAL} FROM source.events e
        WHERE e.type GLOB 'approval.*' AND e.exchange_id IN (SELECT id FROM chosen_exchanges) AND {_APPROVAL} IS NOT NULL""",
    """INSERT OR IGNORE INTO chosen_approvals
        SELECT approval_id FROM source.exchanges WHERE approval_id IS NOT NULL AND id IN (SELECT id FROM chosen_exchanges)""",
    "CREATE TEMP TABLE chosen_leaves (seq INTEGER PRIMARY KEY)",
    f"""INSERT INTO chosen_leaves
        SELECT e.seq FROM source.events e
        WHERE e.exchange_id IN (SELECT id FROM chosen_exchanges)
          OR ({_ALONE} AND {_IN_PERIOD} AND (:narrow = '' OR e.type GLOB 'gateway.*'))
          OR e.type IN ('config.changed', 'policy.loaded')
          OR (e.type IN ('hold.set', 'hold.lifted') AND :narrow = '')
          OR (e.type = 'finding' AND :narrow = '' AND json_extract(e.leaf, '$.attrs.code') = 'explained')
          OR (e.type GLOB 'approval.*' AND {_APPROVAL} IN (SELECT id FROM chosen_approvals))""",
)
CHOICE = (
    *LEAVES_CHOICE,
    "CREATE TEMP TABLE chosen_nodes (number INTEGER PRIMARY KEY)",
    """INSERT INTO chosen_nodes
        WITH RECURSIVE walk (number) AS (
          SELECT n FROM (
            SELECT request_node AS n FROM source.exchanges WHERE id IN (SELECT id FROM chosen_exchanges)
            UNION SELECT reply_node FROM source.exchanges WHERE id IN (SELECT id FROM chosen_exchanges)
            UNION SELECT max(number) FROM source.nodes WHERE seq IN (
              SELECT seq FROM source.events WHERE type = 'exchange.partial' AND seq IN (SELECT seq FROM chosen_leaves)
            ) GROUP BY seq
          ) WHERE n IS NOT NULL
          UNION SELECT k.parent FROM walk JOIN source.nodes k ON k.number = walk.number WHERE k.parent IS NOT NULL
        ) SELECT number FROM walk""",
)

# Table -> which of its rows. A table that is not named here does not go into a package.
ROWS = {
    "events": "",
    "checkpoints": "",
    "policies": "",
    "roles": "",
    "anchors": "",
    "holds": """id IN (SELECT json_extract(e.leaf, '$.attrs.hold') FROM source.events e
        WHERE e.type GLOB 'hold.*' AND e.seq IN (SELECT seq FROM chosen_leaves))""",
    "payloads": "seq IN (SELECT seq FROM chosen_leaves)",
    "exchanges": "id IN (SELECT id FROM chosen_exchanges)",
    "approvals": "id IN (SELECT id FROM chosen_approvals)",
    "grants": "approval_id IN (SELECT id FROM chosen_approvals)",
    "tokens": """id IN (SELECT token_id FROM source.exchanges WHERE id IN (SELECT id FROM chosen_exchanges)
        UNION SELECT json_extract(e.leaf, '$.attrs.token') FROM source.events e
          WHERE e.type GLOB 'token.*' AND e.seq IN (SELECT seq FROM chosen_leaves))""",
    "nodes": "number IN (SELECT number FROM chosen_nodes)",
    "contents": "number IN (SELECT content FROM source.nodes WHERE number IN (SELECT number FROM chosen_nodes))",
    "subjects": """subject IN (SELECT subject FROM source.exchanges WHERE id IN (SELECT id FROM chosen_exchanges)
        UNION SELECT actor FROM source.events WHERE actor IS NOT NULL AND seq IN (SELECT seq FROM chosen_leaves))
        OR number IN (SELECT subject FROM source.nodes WHERE number IN (SELECT number FROM chosen_nodes))""",
}

# Columns that are not copied as they are. A token's digest opens nothing, but an auditor has no use for it.
IN_ANY_PACKAGE = {
    ("tokens", "sha256"): "''",
    (
        "payloads",
        "meta",
    ): "CASE WHEN (SELECT e.type FROM source.events e WHERE e.seq = payloads.seq) GLOB 'token.*' THEN NULL ELSE meta END",
    (
        "payloads",
        "meta_salt",
    ): "CASE WHEN (SELECT e.type FROM source.events e WHERE e.seq = payloads.seq) GLOB 'token.*' THEN NULL ELSE meta_salt END",
}
IN_A_PERIOD = {("events", "actor"): "CASE WHEN seq IN (SELECT seq FROM chosen_leaves) THEN actor END"}


@dataclass(frozen=True, slots=True)
class Scope:
    """From `since` up to, not including, `until`; "" leaves that side open. Of the rest, () is everybody and everything."""

    since: str = ""
    until: str = ""
    persons: tuple[str, ...] = ()
    connections: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()

    @property
    def narrow(self) -> bool:
        """Not every exchange of the period is taken."""
        return bool(self.persons or self.connections or self.sessions)

    @property
    def whole(self) -> bool:
        return not (self.since or self.until or self.narrow)

    @property
    def values(self) -> dict[str, str]:
        """As SQL takes them, and as the package says them of itself."""
        lists = {
            name: orjson.dumps(sorted(getattr(self, name))).decode() for name in ("persons", "connections", "sessions")
        }
        return {"since": self.since, "until": self.until, **lists, "narrow": "yes" if self.narrow else ""}
