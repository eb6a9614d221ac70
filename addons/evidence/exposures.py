"""What reached which provider unmasked: found by the masks in a request that was sent, and not masked on the wire. Kinds and counts; values are not here.

A conversation sends its history again with every turn, so a value counts in each exchange that carried it; `values` tells different ones apart where
the rule keeps them apart (hash). Credentials by their place are not in it: the gateway takes them off.
"""

from __future__ import annotations

from dataclasses import dataclass

from addons.evidence.database import Connection

_FOUND = """
WITH found (exchange_id, entity, rule, action, token, count) AS (
  SELECT m.exchange_id, m.entity, m.rule, m.action, m.token, m.count
  FROM maskings m JOIN exchanges x ON x.id = m.exchange_id
  WHERE m.location LIKE '/messages/%' AND CAST(substr(m.location, 11) AS INTEGER) < x.request_length AND m.wire = 'original'
  UNION ALL
  SELECT x.id, json_extract(m.value, '$[1]'), json_extract(m.value, '$[2]'), json_extract(m.value, '$[3]'),
    json_extract(m.value, '$[4]'), json_extract(m.value, '$[5]')
  FROM exchanges x JOIN payloads p ON p.seq = x.opened_seq JOIN json_each(p.request, '$.maskings') m
  WHERE json_extract(m.value, '$[6]') = 'original'
)
SELECT x.provider, x.connection, f.entity, x.subject, coalesce(x.email, ''), f.rule, f.action, count(DISTINCT x.id), sum(f.count),
  count(DISTINCT nullif(f.token, '')), min(x.sent_at), max(x.sent_at)
FROM found f JOIN exchanges x ON x.id = f.exchange_id
WHERE x.sent_at > '' AND f.rule <> 'always' AND x.opened_at >= ? AND x.opened_at < ?
GROUP BY x.provider, x.connection, f.entity, x.subject, f.rule, f.action
ORDER BY x.provider, sum(f.count) DESC, f.entity, x.subject
"""
NOT_KEPT = "CONTENT_NOT_KEPT"  # instead of an entity: what was sent is not recorded, so nobody can say what was in it
_NOT_KEPT = f"""
SELECT x.provider, x.connection, '{NOT_KEPT}', x.subject, coalesce(max(x.email), ''), 'visibility: metadata', '', count(*), 0, 0,
  min(x.sent_at), max(x.sent_at)
FROM exchanges x JOIN events e ON e.seq = x.opened_seq
WHERE x.sent_at > '' AND x.opened_at >= ? AND x.opened_at < ? AND json_extract(e.leaf, '$.attrs.visibility') = 'metadata'
GROUP BY x.provider, x.connection, x.subject ORDER BY 1, 2, 4
"""  # noqa: S608 -- a constant of this file


@dataclass(frozen=True, slots=True)
class Exposure:
    """One kind of value, one person, one provider, under one rule."""

    provider: str
    connection: str
    entity: str
    subject: str
    email: str
    rule: str
    action: str  # what the record has of it
    exchanges: int
    occurrences: int
    values: int  # different placeholders: values told apart where the action is hash
    first_sent_at: str
    last_sent_at: str


def exposures(database: Connection, since: str, until: str) -> list[Exposure]:
    """Of exchanges opened from `since` on and before `until`; last, those of connections that keep metadata only."""
    return [Exposure(*row) for query in (_FOUND, _NOT_KEPT) for row in database.execute(query, (since, until))]
