-- Collection of evidence
-- 2013: A.16.1.7
-- asks: Is the evidence identified, and is its custody known?
-- answers: Every export of evidence with who took it, and the signatures over the log. custody/ holds the record of this very package.
-- not shown: what became of a package afterwards.

-- population: exports of evidence before this one
SELECT 'leaf-' || e.seq AS finding, e.at, e.actor AS exporter, json_extract(e.leaf, '$.attrs.manifest') AS manifest, json_extract(e.leaf, '$.attrs.leaves') AS leaves
FROM events e WHERE e.type = 'evidence.exported' ORDER BY e.seq;

-- table signatures: signed checkpoints by day
SELECT substr(c.at, 1, 10) AS day, count(*) AS checkpoints, max(c.size) AS leaves FROM checkpoints c GROUP BY 1 ORDER BY 1;

-- exceptions: leaves that no checkpoint covers yet
SELECT 'leaf-' || e.seq AS finding, 'not_signed' AS kind, NULL AS subject, e.at AS at FROM events e
WHERE e.seq >= (SELECT coalesce(max(size), 0) FROM checkpoints) ORDER BY e.seq;
