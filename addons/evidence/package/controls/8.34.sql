-- Protection of information systems during audit testing
-- 2013: A.12.7.1
-- asks: Does the audit itself do harm, and is it on record?
-- answers: Each reading and export of evidence, with who and why. A package is a copy; nothing in it can change the gateway.
-- not shown: what an auditor does with the package.

-- population: readings and exports of evidence
SELECT 'leaf-' || e.seq AS finding, e.at, e.type, e.actor AS reader, json_extract(e.leaf, '$.attrs.what') AS what, json_extract(e.leaf, '$.attrs.id') AS record, json_extract(p.meta, '$.purpose') AS purpose
FROM in_period e LEFT JOIN payloads p ON p.seq = e.seq WHERE e.type IN ('evidence.read', 'evidence.exported') ORDER BY e.seq;

-- exceptions: readings for which no purpose was given
SELECT 'leaf-' || e.seq AS finding, 'no_purpose' AS kind, e.actor AS subject, e.at AS at FROM in_period e LEFT JOIN payloads p ON p.seq = e.seq
WHERE e.type = 'evidence.read' AND json_extract(e.leaf, '$.attrs.what') IS NOT 'review' AND coalesce(json_extract(p.meta, '$.purpose'), '') = '' ORDER BY e.seq;
