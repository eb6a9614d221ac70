-- Change management
-- 2013: A.12.1.2 A.14.2.2 A.14.2.3 A.14.2.4
-- asks: Who changed the rules, and what did they change?
-- answers: Each set of rules with who put it in force; policies/history.csv says what changed from one to the next.
-- not shown: approvals outside the gateway. A change of rules that was approved here has the approval's record.

-- population: changes of rules and of configuration
SELECT 'leaf-' || e.seq AS finding, e.at, e.type, e.actor, json_extract(e.leaf, '$.attrs') AS particulars FROM events e
WHERE e.type IN ('policy.loaded', 'config.changed') ORDER BY e.seq;

-- exceptions: changes that nobody stands for
SELECT 'leaf-' || e.seq AS finding, 'changed_by_nobody' AS kind, NULL AS subject, e.at AS at FROM in_period e
WHERE e.type = 'policy.loaded' AND e.actor IS NULL ORDER BY e.seq;
