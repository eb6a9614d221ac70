"""population.csv and exceptions.csv: their SQL, and cells that no spreadsheet takes for a formula. Not figures, not the page.

Prompts, paths and names are text of strangers: a cell that begins with one of = + - @, a tab or a line break would be run by a
spreadsheet that opens the file (CWE-1236). Such a cell gets a leading apostrophe. RFC 4180 otherwise: CRLF, UTF-8.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from addons.evidence.database import Connection

_ROWS_AT_ONCE = 500
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # the last four: full width

POPULATION = """
SELECT id, session_id, link_reason, opened_at, sent_at, first_chunk_at, closed_at, outcome, error, subject, email, groups, auth_method,
  token_id, grade, purpose, client_address, door, connection, provider, host, upstream, method, path, operation, request_model,
  response_model, http_status, streamed, input_tokens, output_tokens, reasoning_tokens, finish_reasons, first_chunk_ms, duration_ms,
  approval_id, gateway, policy_digest, opened_seq, closed_seq
FROM exchanges ORDER BY opened_seq
"""

# What a reviewer should look at, one row each. Also the view `exceptions` of evidence.sqlite.
EXCEPTIONS = """
SELECT kind, at, exchange_id, approval_id, subject, connection, model, detail FROM (
  SELECT coalesce(outcome, 'open') AS kind, coalesce(closed_at, opened_at) AS at, id AS exchange_id, approval_id, subject, connection,
    request_model AS model, error AS detail
  FROM exchanges WHERE outcome IS NOT 'completed'
  UNION ALL
  SELECT e.type, e.at, e.exchange_id, NULL, e.actor, NULL, NULL, json_extract(e.leaf, '$.attrs')
  FROM events e
  WHERE e.type IN ('finding', 'identity.refused', 'connect.refused', 'gateway.recovered', 'payload.erased')
    AND (e.exchange_id IN (SELECT id FROM exchanges) OR (e.exchange_id IS NULL
      AND e.at >= (SELECT value FROM package WHERE name = 'since')
      AND ((SELECT value FROM package WHERE name = 'until') = '' OR e.at < (SELECT value FROM package WHERE name = 'until'))))
  UNION ALL
  SELECT 'approved_by_same_minter', a.decided_at, a.exchange_id, a.id, a.approver, NULL, NULL,
    'the same person made the tokens of requester and approver'
  FROM approvals a WHERE a.id IN (
    SELECT json_extract(p.approval, '$.approval.id') FROM events e CROSS JOIN payloads p ON p.seq = e.seq
    WHERE e.type GLOB 'approval.*' AND json_extract(p.approval, '$.details.same_minter') = 1)
  UNION ALL
  SELECT 'used_without_approval', x.closed_at, x.id, x.approval_id, x.subject, x.connection, x.request_model,
    'completed, and its approval does not cover it'
  FROM exchanges x LEFT JOIN approvals a ON a.id = x.approval_id LEFT JOIN grants g ON g.used_by = x.id
  WHERE x.approval_id IS NOT NULL AND x.outcome = 'completed' AND NOT coalesce(
    a.state = 'approved' AND a.approver IS NOT a.requester AND a.decided_at <= coalesce(g.used_at, a.released_at, x.closed_at)
    AND coalesce(g.used_at, a.released_at, a.decided_at) < a.expires_at, 0)
  UNION ALL
  SELECT 'trial_grade', NULL, NULL, NULL, subject, NULL, NULL, count(*) || ' exchanges by a local identity'
  FROM exchanges WHERE grade IS NOT 'managed' GROUP BY subject
) ORDER BY at IS NULL, at, kind, exchange_id, subject, detail
"""


def listed(package: Connection, query: str) -> Iterator[bytes]:
    """The result of `query` as CSV with a head line, in pieces."""
    cursor = package.execute(query)
    yield lines([[column[0] for column in cursor.description]])
    while rows := cursor.fetchmany(_ROWS_AT_ONCE):
        yield lines(rows)


def cell(value: object) -> str:
    if value is None:
        return ""
    text = str(value)
    return "'" + text if text.startswith(_FORMULA) else text


def lines(rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([cell(value) for value in row] for row in rows)
    return text.getvalue().encode()
