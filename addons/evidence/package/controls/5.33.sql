-- Protection of records
-- 2013: A.18.1.3
-- asks: Are records kept as long as they must be, and are they whole?
-- answers: Legal holds, erasures and restarts after a crash. verify.py says whether anything was lost, changed or moved.
-- not shown: copies outside this gateway.

-- population: what was done to the record itself
SELECT 'leaf-' || e.seq AS finding, e.at, e.type, e.actor, json_extract(e.leaf, '$.attrs') AS particulars FROM events e
WHERE e.type IN ('payload.erased', 'hold.set', 'hold.lifted', 'store.migrated', 'gateway.recovered', 'evidence.exported') ORDER BY e.seq;

-- exceptions: starts after a stop that nobody chose
SELECT 'leaf-' || e.seq AS finding, e.type AS kind, NULL AS subject, e.at AS at FROM in_period e WHERE e.type = 'gateway.recovered' ORDER BY e.seq;
