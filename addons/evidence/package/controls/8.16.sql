-- Monitoring activities
-- 2013: new in 2022
-- asks: Is what stands out seen, and does somebody deal with it?
-- answers: Each finding of the gateway, and who explained it. Reviews of the log that somebody signed.
-- not shown: alarms of other systems.

-- population: findings
SELECT f.finding, f.at, f.type, f.code, f.subject, f.exchange_id, f.detail, e.who AS explained_by, e.reason AS explanation FROM findings f
LEFT JOIN explanations e ON e.finding = f.finding ORDER BY f.leaf;

-- table reviews: reviews of the log
SELECT v.at, v.reviewer, v.result, v.note, v.leaf FROM reviews v WHERE v.review = 'log' ORDER BY v.leaf;

-- exceptions: findings that nobody has explained
SELECT f.finding, f.code AS kind, f.subject AS subject, f.at AS at FROM findings f WHERE f.type = 'finding' AND f.finding NOT IN (SELECT finding FROM explanations) ORDER BY f.leaf;
