"""How the result of a tool call turned out, and which way a message of a WebSocket went.

commands.outcome    error: the result says that it is one; returned: there is a result; NULL: none was seen
messages.direction  in a WebSocket (status 101) what is not the model's was sent, though it stands after the request
"""

from __future__ import annotations

from addons.evidence.database import Database
from addons.evidence.migrations.m001_views import _WALK

VIEWS = f"""
DROP VIEW messages;
CREATE VIEW messages AS
SELECT
  x.id AS exchange_id, n.depth AS position, CASE WHEN n.depth < x.request_length THEN x.opened_at ELSE x.closed_at END AS at,
  CASE WHEN n.depth < x.request_length OR (x.http_status = 101 AND n.role <> 'assistant') THEN 'request' ELSE 'response' END AS direction,
  n.role AS role, n.kind AS kind, n.name AS name, n.call_id AS call_id, c.text AS content
FROM exchanges x CROSS JOIN {_WALK} w
CROSS JOIN nodes n ON n.number = w.value LEFT JOIN contents c ON c.number = n.content;

DROP VIEW commands;
CREATE VIEW commands AS
SELECT
  x.id AS exchange_id, x.request_length + json_extract(c.value, '$.part') AS position, x.closed_at AS at,
  json_extract(c.value, '$.call_id') AS call_id, json_extract(c.value, '$.tool') AS tool,
  json_extract(c.value, '$.language') AS language, json_extract(c.value, '$.verb') AS verb,
  json_extract(c.value, '$.objects') AS objects, json_extract(c.value, '$.text') AS text,
  CASE
    WHEN json_extract(c.value, '$.evidence') = 'asked' AND r.exchange_id IS NOT NULL THEN 'result_reported'
    ELSE json_extract(c.value, '$.evidence')
  END AS evidence,
  coalesce(
    json_extract(c.value, '$.outcome'),
    (SELECT CASE max(n.name = 'error') WHEN 1 THEN 'error' ELSE 'returned' END FROM nodes n
     WHERE n.seq = r.seq AND n.kind = 'tool_result' AND n.call_id = json_extract(c.value, '$.call_id') HAVING count(*) > 0)
  ) AS outcome,
  coalesce(json_extract(c.value, '$.result_exchange_id'), r.exchange_id) AS result_exchange_id
FROM exchanges x
CROSS JOIN payloads p ON p.seq = x.closed_seq
CROSS JOIN json_each(p.reply, '$.commands') c
LEFT JOIN events r ON r.seq = (
  SELECT min(n.seq) FROM nodes n JOIN subjects s ON s.number = n.subject
  WHERE n.kind = 'tool_result' AND n.call_id = json_extract(c.value, '$.call_id') AND s.subject = x.subject AND n.seq >= x.opened_seq
);
"""  # noqa: S608 the pieces are constants of these files


def conversations(database: Database) -> None:
    database.executescript(VIEWS)
