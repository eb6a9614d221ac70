-- Information deletion
-- 2013: new in 2022 (compare A.8.3.2)
-- asks: Is content deleted when its time is over?
-- answers: Each erasure; content that is older than the retention period in force.
-- not shown: copies and backups outside this gateway.

-- population: erasures
SELECT 'leaf-' || e.seq AS finding, e.at, e.actor, json_extract(e.leaf, '$.attrs') AS particulars FROM events e WHERE e.type = 'payload.erased' ORDER BY e.seq;

-- table retention: what the rules in force say
SELECT json_extract(p.content, '$.retention.default.content_days') AS content_days, json_extract(p.content, '$.retention.default.metadata_days') AS metadata_days,
  json_extract(p.content, '$.retention.connections') AS connections FROM policies p ORDER BY p.seq DESC LIMIT 1;

-- exceptions: content that is kept although its time was over when the newest leaf was written
SELECT x.id AS finding, 'overdue' AS kind, x.subject AS subject, x.opened_at AS at FROM exchanges x JOIN payloads p ON p.seq = x.opened_seq
WHERE p.request IS NOT NULL AND julianday((SELECT max(at) FROM events)) - julianday(x.opened_at) > 1 +
  (SELECT json_extract(content, '$.retention.default.content_days') FROM policies ORDER BY seq DESC LIMIT 1) ORDER BY x.opened_seq;
