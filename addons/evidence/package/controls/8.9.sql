-- Configuration management
-- 2013: A.12.1.2 A.12.5.1
-- asks: What ran, in which version, with which options?
-- answers: Each start of the gateway with versions, options and rules.
-- not shown: who installed it, and the operating system under it.

-- population: starts of the gateway
SELECT 'leaf-' || e.seq AS finding, e.at, json_extract(e.leaf, '$.attrs.affidavit') AS affidavit, json_extract(e.leaf, '$.attrs.mitmproxy') AS mitmproxy,
  json_extract(e.leaf, '$.attrs.python') AS python, json_extract(e.leaf, '$.attrs.sqlite') AS sqlite, json_extract(e.leaf, '$.attrs.policies') AS policies, json_extract(e.leaf, '$.attrs') AS particulars
FROM in_period e WHERE e.type = 'gateway.started' ORDER BY e.seq;

-- exceptions: options that let something go round the stack
SELECT f.finding, f.code AS kind, f.subject AS subject, f.at AS at FROM findings f WHERE f.code IN ('unsafe_option', 'unsafe_option_allowed') ORDER BY f.leaf;
