-- Clock synchronisation
-- 2013: A.12.4.4
-- asks: Are the times right?
-- answers: What the gateway knew of its clock at each start, and every step back between two leaves. Each checkpoint carries a time too.
-- not shown: the time source itself. An outside timestamp bounds the clock from both sides.

-- population: starts and heartbeats with the state of the clock
SELECT 'leaf-' || e.seq AS finding, e.at, e.type, json_extract(e.leaf, '$.attrs.clock') AS clock FROM in_period e
WHERE e.type = 'gateway.started' OR json_extract(e.leaf, '$.attrs.clock') IS NOT NULL ORDER BY e.seq;

-- exceptions: leaves that are earlier than the one before them
SELECT 'leaf-' || s.seq AS finding, 'clock_set_back' AS kind, NULL AS subject, s.at AS at
FROM (SELECT seq, at, lag(at) OVER (ORDER BY seq) AS before FROM events) s WHERE s.at < s.before ORDER BY s.seq;
