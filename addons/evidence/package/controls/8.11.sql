-- Data masking
-- 2013: new in 2022
-- asks: Are sensitive values masked as the rules say, and is that tested on real records?
-- answers: Each masking with rule, action and what the provider got; reviews in which a person counted misses in a sample of real records.
-- not shown: values that nobody found. The reviews bound their rate.

-- population: maskings
SELECT 'leaf-' || m.seq || ' ' || m.location AS masking, m.at, m.exchange_id, m.direction, m.entity, m.rule, m.action, m.count, m.wire AS the_provider_got
FROM masked_values m ORDER BY m.seq, m.location;

-- table entities: by kind of value
SELECT m.entity, m.rule, m.action, m.wire AS the_provider_got, sum(m.count) AS found FROM masked_values m GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4;

-- table reviews: samples that a person looked at
SELECT v.at, v.reviewer, v.result, v.note, v.leaf FROM reviews v WHERE v.review = 'masking' ORDER BY v.leaf;

-- exceptions: values that went on although a rule keeps them from the provider
SELECT 'leaf-' || m.seq AS finding, 'seen_by_provider' AS kind, m.entity AS subject, m.at AS at FROM masked_values m
WHERE m.wire = 'original' AND m.rule_wire IN (m.direction, 'both') ORDER BY m.seq, m.entity;
