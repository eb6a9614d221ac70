-- Identity management
-- 2013: A.9.2.1
-- asks: Is each user one person or one named workload?
-- answers: Everybody who called, with the identity's grade: managed (an issuer vouches for it) or trial (made on the gateway's machine).
-- not shown: the issuer's own process of joining and leaving; affidavit people --idp-export compares with its list.

-- population: people and workloads that called
SELECT x.subject, max(x.email) AS email, group_concat(DISTINCT x.grade) AS grade, group_concat(DISTINCT x.auth_method) AS auth_method,
  min(x.opened_at) AS first_call, max(x.opened_at) AS last_call, count(*) AS calls
FROM exchanges x GROUP BY x.subject ORDER BY x.subject;

-- exceptions: people whose identity no issuer vouches for
SELECT x.subject AS finding, 'trial_grade' AS kind, x.subject AS subject, min(x.opened_at) AS at FROM exchanges x
WHERE x.grade IS NOT 'managed' GROUP BY x.subject ORDER BY x.subject;
