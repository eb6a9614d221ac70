-- Secure authentication
-- 2013: A.9.4.2
-- asks: How do callers prove who they are, and what happens to those who cannot?
-- answers: Calls by way of authentication; each call that was turned away at the door.
-- not shown: how the identity provider authenticates; where it says so (amr), approvals have it.

-- population: ways of authentication, by person
SELECT x.subject || ' ' || coalesce(x.auth_method, '-') AS login, x.subject, x.auth_method, x.grade, count(*) AS calls, max(x.opened_at) AS last_call
FROM exchanges x GROUP BY 1, 4 ORDER BY 1, 4;

-- table refused: calls that were turned away, by reason and day
SELECT substr(f.at, 1, 10) AS day, f.code AS reason, count(*) AS calls FROM findings f WHERE f.type = 'identity.refused' GROUP BY 1, 2 ORDER BY 1, 2;

-- exceptions: tokens that disagree, or that were revoked and tried again
SELECT f.finding, f.code AS kind, f.subject AS subject, f.at AS at FROM findings f
WHERE f.type = 'identity.refused' AND f.code IN ('credentials_disagree', 'token_revoked', 'token_expired') ORDER BY f.leaf;
