-- Access rights
-- 2013: A.9.2.2 A.9.2.5 A.9.2.6
-- asks: Who was given which right, by whom, until when, and were rights reviewed?
-- answers: The register of roles, and the reviews of access that somebody signed.
-- not shown: groups that the identity provider hands out; each call's groups are in population.csv.

-- population: roles that were given
SELECT r.id AS role_id, r.subject, r.role, r.granted_at, r.granted_by, r.ended_at FROM roles r ORDER BY r.granted_at, r.id;

-- table reviews: reviews of access
SELECT v.at, v.reviewer, v.result, v.note, v.leaf FROM reviews v WHERE v.review = 'access' ORDER BY v.leaf;

-- exceptions: roles that people gave themselves, and roles in force whose holder has not called for 90 days
SELECT r.id AS finding, 'given_by_oneself' AS kind, r.subject AS subject, r.granted_at AS at FROM roles r WHERE r.granted_by = r.subject
UNION ALL
SELECT r.id, 'role_not_used', r.subject, r.granted_at FROM roles r
WHERE r.ended_at IS NULL AND julianday((SELECT max(at) FROM events)) - julianday(r.granted_at) > 90
  AND NOT EXISTS (SELECT 1 FROM exchanges x WHERE x.subject = r.subject AND julianday((SELECT max(at) FROM events)) - julianday(x.opened_at) <= 90)
ORDER BY 1, 2;
