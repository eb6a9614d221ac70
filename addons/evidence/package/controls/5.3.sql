-- Segregation of duties
-- 2013: A.6.1.2
-- asks: Can somebody agree to their own request?
-- answers: Each decision, with who asked and who decided, who made the tokens of both, and its grade: managed where an issuer vouches for all of them.
-- not shown: who administers the machine that the gateway runs on.

-- population: decisions on held calls
SELECT a.id AS approval_id, a.rule, a.requester, a.approver, a.approver_issuer, a.grade, a.state, a.requested_at, a.decided_at, a.reason
FROM approvals a WHERE a.decided_at IS NOT NULL AND a.state IN ('approved', 'denied') ORDER BY a.decided_at, a.id;

-- exceptions: decided by who asked, or by somebody whose token the same person made
SELECT a.id AS finding, 'self_approval' AS kind, a.approver AS subject, a.decided_at AS at FROM approvals a WHERE a.approver = a.requester
UNION ALL
SELECT approval_id, 'approved_by_same_minter', subject, at FROM exceptions WHERE kind = 'approved_by_same_minter'
ORDER BY 1, 2;
