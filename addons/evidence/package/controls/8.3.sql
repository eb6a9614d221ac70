-- Information access restriction
-- 2013: A.9.4.1
-- asks: Who reached which model and which data, and who was kept out?
-- answers: What tool calls named (tables, files, addresses), by person; calls that were refused for want of a right.
-- not shown: what a program did outside these calls. Which command a reply asks for is read by rules; `evidence` says how sure that is.

-- population: objects that tool calls named, by person
SELECT x.subject || ' ' || json_extract(c.value, '$.language') || ' ' || coalesce(json_extract(c.value, '$.verb'), '-') || ' ' || coalesce(o.value, '-') AS access,
  x.subject, json_extract(c.value, '$.language') AS language, json_extract(c.value, '$.verb') AS verb, o.value AS object,
  json_extract(c.value, '$.evidence') AS evidence, count(*) AS times, min(x.closed_at) AS first_at, max(x.closed_at) AS last_at
FROM payloads p JOIN exchanges x ON x.closed_seq = p.seq CROSS JOIN json_each(p.reply, '$.commands') c LEFT JOIN json_each(json_extract(c.value, '$.objects')) o
WHERE instr(p.reply, '"commands"') GROUP BY 1, 6 ORDER BY 1, 6;

-- table refused: calls that were not let through, by reason
SELECT x.subject, x.connection, x.request_model AS model, x.error AS reason, count(*) AS calls FROM exchanges x
WHERE x.outcome IN ('refused', 'denied', 'expired') GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4;

-- exceptions: deletions and changes that were asked for without a hold
SELECT x.id AS finding, lower(json_extract(c.value, '$.verb')) AS kind, x.subject AS subject, x.closed_at AS at
FROM payloads p JOIN exchanges x ON x.closed_seq = p.seq CROSS JOIN json_each(p.reply, '$.commands') c
WHERE instr(p.reply, '"commands"') AND x.approval_id IS NULL AND x.outcome = 'completed'
  AND json_extract(c.value, '$.language') = 'sql' AND json_extract(c.value, '$.verb') IN ('DROP', 'DELETE', 'TRUNCATE') ORDER BY x.opened_seq;
