"""Lists as CSV whose cells no spreadsheet takes for a formula, and the SQL of population.csv. Not figures, not the page.

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
SELECT id, session_id, link_reason,
  CASE WHEN link_reason IN ('prefix', 'tool_result') THEN 'inferred' WHEN link_reason <> 'new' THEN 'explicit' END AS link, opened_at, sent_at, first_chunk_at, closed_at, outcome, error, subject, email, groups, auth_method,
  token_id, grade, purpose, client_address, door, connection, provider, host, upstream, method, path, operation, request_model,
  response_model, http_status, streamed, input_tokens, output_tokens, reasoning_tokens, finish_reasons, first_chunk_ms, duration_ms,
  approval_id, gateway, policy_digest, opened_seq, closed_seq,
  CASE WHEN json_extract(e.leaf, '$.attrs.visibility') = 'metadata' THEN 'metadata' ELSE 'full' END AS visibility
FROM exchanges JOIN events e ON e.seq = opened_seq ORDER BY opened_seq
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
