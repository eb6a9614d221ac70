-- Privileged access rights
-- 2013: A.9.2.3
-- asks: Who holds a privileged right, who gave it, was each use agreed to, and was it reviewed?
-- answers: Whoever decided, held a role or changed rules, tokens or evidence; each call that a rule held, with its approval and grant.
-- not shown: administrators of the operating system; they appear as os|name where they used the gateway's commands.

-- population: people who used or hold a privileged right
SELECT p.subject, group_concat(DISTINCT p.what) AS privileges, min(p.at) AS first_at, max(p.at) AS last_at, count(*) AS uses FROM (
  SELECT approver AS subject, 'decides held calls' AS what, decided_at AS at FROM approvals WHERE approver IS NOT NULL
  UNION ALL SELECT subject, 'role ' || role, granted_at FROM roles
  UNION ALL SELECT actor, CASE type WHEN 'token.minted' THEN 'mints tokens' WHEN 'token.revoked' THEN 'revokes tokens' WHEN 'payload.erased' THEN 'erases' WHEN 'evidence.exported' THEN 'exports evidence' ELSE 'puts rules in force' END, at
    FROM in_period WHERE type IN ('token.minted', 'token.revoked', 'policy.loaded', 'config.changed', 'payload.erased', 'evidence.exported', 'hold.set', 'hold.lifted')
) p WHERE p.subject IS NOT NULL GROUP BY p.subject ORDER BY p.subject;

-- table uses: calls that a rule held, and who let them through
SELECT x.id AS exchange_id, x.opened_at, x.subject, x.connection, x.request_model AS model, x.outcome, a.id AS approval_id, a.rule, a.state, a.approver, a.decided_at, a.expires_at, a.reason,
  g.scope AS grant_scope, g.used_at, g.revoked_at
FROM exchanges x JOIN approvals a ON a.id = x.approval_id LEFT JOIN grants g ON g.approval_id = a.id AND g.used_by = x.id ORDER BY x.opened_seq;

-- table reviews: reviews of access
SELECT v.at, v.reviewer, v.result, v.note, v.leaf FROM reviews v WHERE v.review = 'access' ORDER BY v.leaf;

-- exceptions: held calls that went through without an approval that covers them
SELECT x.exchange_id AS finding, x.kind, x.subject, x.at FROM exceptions x WHERE x.kind IN ('used_without_approval', 'approved_by_same_minter') ORDER BY x.at, x.exchange_id, x.kind;
