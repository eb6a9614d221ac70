-- Logging
-- 2013: A.12.4.1 A.12.4.2 A.12.4.3
-- asks: What is logged, for whom, and is the log protected, also from administrators?
-- answers: Leaves by day and kind, acts of administrators, and who read the log. The Merkle tree and its signatures protect it; verify.py checks them.
-- not shown: calls that did not come to the gateway; what was said over connections of which metadata only is kept (without_content.csv).

-- population: leaves by day and kind
SELECT substr(e.at, 1, 10) || ' ' || e.type AS day_and_kind, substr(e.at, 1, 10) AS day, e.type, count(*) AS leaves, min(e.seq) AS first_leaf, max(e.seq) AS last_leaf
FROM in_period e GROUP BY 1 ORDER BY 1;

-- table administration: acts of administrators
SELECT e.seq AS leaf, e.at, e.type, e.actor, json_extract(e.leaf, '$.attrs') AS particulars FROM in_period e
WHERE e.type IN ('gateway.started', 'gateway.stopped', 'policy.loaded', 'config.changed', 'token.minted', 'token.revoked', 'payload.erased', 'hold.set', 'hold.lifted', 'store.migrated') ORDER BY e.seq;

-- table readers: who read the evidence
SELECT e.seq AS leaf, e.at, e.type, e.actor AS reader, json_extract(e.leaf, '$.attrs.what') AS what, json_extract(e.leaf, '$.attrs.id') AS record, json_extract(p.meta, '$.purpose') AS purpose
FROM in_period e LEFT JOIN payloads p ON p.seq = e.seq WHERE e.type IN ('evidence.read', 'evidence.exported') ORDER BY e.seq;

-- table without_content: exchanges of which the policy keeps metadata only (visibility: metadata)
SELECT w.exchange_id, w.at, w.subject, w.connection, w.provider, w.model FROM without_content w ORDER BY w.at, w.exchange_id;

-- table reviews: reviews of the log
SELECT v.at, v.reviewer, v.result, v.note, v.leaf FROM reviews v WHERE v.review = 'log' ORDER BY v.leaf;

-- exceptions: calls that the record does not have whole, and leaves that no checkpoint covers yet
SELECT x.id AS finding, 'interrupted' AS kind, x.subject AS subject, x.closed_at AS at FROM exchanges x WHERE x.outcome = 'interrupted'
UNION ALL SELECT f.finding, f.code, f.subject, f.at FROM findings f WHERE f.code = 'request_not_whole'
UNION ALL SELECT 'leaf-' || e.seq, 'not_signed', NULL, e.at FROM events e WHERE e.seq >= (SELECT coalesce(max(size), 0) FROM checkpoints)
ORDER BY 4, 1;
