-- Access control
-- 2013: A.9.1.1 A.9.1.2
-- asks: Which rules were in force, from when, and was every call decided under them?
-- answers: The sets of rules with their digests; every leaf names the one that it was decided under. Their text is in policies/.
-- not shown: whether the rules are the right ones.

-- population: sets of rules that were put in force
SELECT p.digest, p.loaded_at, p.actor AS put_in_force_by, p.seq AS leaf FROM policies p ORDER BY p.seq;

-- table calls: calls by set of rules and how they ended
SELECT x.policy_digest AS digest, coalesce(x.outcome, 'under way') AS outcome, count(*) AS calls FROM exchanges x GROUP BY 1, 2 ORDER BY 1, 2;

-- exceptions: calls under rules that are not on record
SELECT x.id AS finding, 'unknown_policy' AS kind, x.subject AS subject, x.opened_at AS at FROM exchanges x
WHERE coalesce(x.policy_digest, '') NOT IN (SELECT digest FROM policies) ORDER BY x.opened_seq;
