"""The views of the first schema: what an auditor's SQL reads.

Each walks from an exchange up its chain inside a correlated json_each(): SQLite cannot push `exchange_id = ?` into a recursive view,
but it can look one exchange up first and walk only its own chain. The walk follows `depth` down to 0, so that not even a damaged store
can send it round in a circle.
"""

from __future__ import annotations

_WALK = """
json_each((
  WITH RECURSIVE walk (number, parent, depth) AS (
    SELECT number, parent, depth FROM nodes WHERE number = coalesce(x.reply_node, x.request_node)
    UNION ALL
    SELECT n.number, n.parent, n.depth FROM walk JOIN nodes n ON n.number = walk.parent AND n.depth = walk.depth - 1
  )
  SELECT json_group_array(number) FROM (SELECT number FROM walk ORDER BY depth)
))
"""

_MASKING_COLUMNS = """
  json_extract(m.value, '$[1]') AS entity, json_extract(m.value, '$[2]') AS rule, json_extract(m.value, '$[3]') AS action,
  json_extract(m.value, '$[4]') AS token, json_extract(m.value, '$[5]') AS count, json_extract(m.value, '$[6]') AS wire
"""

VIEWS = f"""
CREATE VIEW messages AS
SELECT
  x.id AS exchange_id, n.depth AS position, CASE WHEN n.depth < x.request_length THEN x.opened_at ELSE x.closed_at END AS at,
  CASE WHEN n.depth < x.request_length THEN 'request' ELSE 'response' END AS direction, n.role AS role, n.kind AS kind,
  n.name AS name, n.call_id AS call_id, c.text AS content
FROM exchanges x CROSS JOIN {_WALK} w
CROSS JOIN nodes n ON n.number = w.value LEFT JOIN contents c ON c.number = n.content;

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
  coalesce(json_extract(c.value, '$.result_exchange_id'), r.exchange_id) AS result_exchange_id
FROM exchanges x
CROSS JOIN payloads p ON p.seq = x.closed_seq
CROSS JOIN json_each(p.reply, '$.commands') c
LEFT JOIN events r ON r.seq = (
  SELECT min(n.seq) FROM nodes n JOIN subjects s ON s.number = n.subject
  WHERE n.kind = 'tool_result' AND n.call_id = json_extract(c.value, '$.call_id') AND s.subject = x.subject AND n.seq >= x.opened_seq
);

CREATE VIEW maskings AS
SELECT
  x.id AS exchange_id, '/messages/' || n.depth || json_extract(m.value, '$[0]') AS location, {_MASKING_COLUMNS}
FROM exchanges x CROSS JOIN {_WALK} w
CROSS JOIN nodes n ON n.number = w.value AND n.maskings IS NOT NULL CROSS JOIN json_each(n.maskings) m
UNION ALL
SELECT x.id AS exchange_id, json_extract(m.value, '$[0]') AS location, {_MASKING_COLUMNS}
FROM exchanges x CROSS JOIN payloads p ON p.seq = x.opened_seq
CROSS JOIN json_each(p.request, '$.maskings') m
UNION ALL
SELECT x.id AS exchange_id, json_extract(m.value, '$[0]') AS location, {_MASKING_COLUMNS}
FROM exchanges x CROSS JOIN payloads p ON p.seq = x.closed_seq
CROSS JOIN json_each(p.reply, '$.maskings') m;

CREATE VIEW data_access AS
SELECT
  x.closed_at AS at, x.subject AS subject, x.email AS email, c.exchange_id AS exchange_id,
  CASE c.evidence WHEN 'executed_by_provider' THEN 'retrieval' ELSE 'command' END AS source, o.value AS object, c.verb AS action,
  c.language AS detail, c.evidence AS evidence
FROM exchanges x CROSS JOIN commands c ON c.exchange_id = x.id
LEFT JOIN json_each(c.objects) o
UNION ALL
SELECT
  x.opened_at AS at, x.subject AS subject, x.email AS email, x.id AS exchange_id, 'attachment' AS source,
  coalesce(n.name, c.text) AS object, 'send' AS action, n.kind AS detail, 'via_gateway' AS evidence
FROM exchanges x CROSS JOIN nodes n ON n.seq = x.opened_seq AND n.kind IN ('image', 'audio', 'document')
LEFT JOIN contents c ON c.number = n.content
UNION ALL
SELECT
  x.opened_at AS at, x.subject AS subject, x.email AS email, x.id AS exchange_id,
  CASE x.method WHEN 'GET' THEN 'retrieval' ELSE 'upload' END AS source, x.path AS object, lower(x.method) AS action, x.connection AS detail,
  'via_gateway' AS evidence
FROM exchanges x
WHERE x.path GLOB '*/files*' OR x.path GLOB '*/uploads*' OR x.path GLOB '*/vector_stores*'
UNION ALL
SELECT
  x.opened_at AS at, x.subject AS subject, x.email AS email, x.id AS exchange_id, 'entity' AS source, m.entity AS object,
  m.action AS action, m.token AS detail, 'via_gateway' AS evidence
FROM exchanges x CROSS JOIN maskings m ON m.exchange_id = x.id;
"""  # noqa: S608 the pieces are constants of this file
