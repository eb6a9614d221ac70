-- Use of cryptography
-- 2013: A.10.1.1 A.10.1.2
-- asks: Which keys protect the record, and how do they change?
-- answers: Signatures by the log's key, and each change of a key. KEYS.txt names the key; compare it with what you got by another way.
-- not shown: how the key file is kept on the gateway's machine.

-- population: logs, and what their keys signed
SELECT json_extract(e.leaf, '$.origin') AS log, e.at AS began_at, (SELECT count(*) FROM checkpoints) AS checkpoints, (SELECT max(at) FROM checkpoints) AS last_signature
FROM events e WHERE e.seq = 0 ORDER BY 1;

-- table changes: changes of keys
SELECT e.seq AS leaf, e.at, e.actor, json_extract(e.leaf, '$.attrs') AS particulars FROM events e
WHERE e.type = 'config.changed' AND json_extract(e.leaf, '$.attrs.changed') GLOB '*key*' ORDER BY e.seq;

-- exceptions: clients that did not trust the gateway's certificate
SELECT f.finding, f.code AS kind, f.subject AS subject, f.at AS at FROM findings f WHERE f.code = 'client_tls_failed' ORDER BY f.leaf;
