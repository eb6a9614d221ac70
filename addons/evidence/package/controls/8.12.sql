-- Data leakage prevention
-- 2013: new in 2022
-- asks: What was stopped before it left, and what left with somebody's consent?
-- answers: Calls that a rule stopped or held, and values that were kept from the provider.
-- not shown: leaks by other ways than these calls.

-- population: calls that a rule stopped or held
SELECT x.id AS exchange_id, x.opened_at, x.subject, x.connection, x.outcome, x.error AS reason, x.approval_id, a.rule, a.approver FROM exchanges x LEFT JOIN approvals a ON a.id = x.approval_id
WHERE x.approval_id IS NOT NULL OR x.outcome IN ('denied', 'expired') OR x.error = 'blocked_entity' ORDER BY x.opened_seq;

-- exceptions: secrets that the provider saw
SELECT 'leaf-' || m.seq AS finding, 'secret_seen_by_provider' AS kind, m.entity AS subject, m.at AS at FROM masked_values m
WHERE m.wire = 'original' AND m.rule <> 'headers' AND (m.entity GLOB '*KEY*' OR m.entity GLOB '*SECRET*' OR m.entity GLOB '*PASSWORD*' OR m.entity GLOB '*TOKEN*' OR m.entity = 'CREDENTIAL')
  AND m.location NOT GLOB 'header:*' ORDER BY m.seq, m.entity;
