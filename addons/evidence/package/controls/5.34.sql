-- Privacy and protection of personal data
-- 2013: A.18.1.4
-- asks: Which personal data were found, and what became of them?
-- answers: Values by kind; none of them is in this record. What the provider received is said beside each.
-- not shown: personal data that no detector knows.

-- population: kinds of value that were found
SELECT m.entity || ' ' || m.action || ' ' || m.wire AS kind_of_value, m.entity, m.action, m.wire AS the_provider_got, count(DISTINCT m.exchange_id) AS calls, sum(m.count) AS found
FROM masked_values m WHERE m.rule <> 'headers' GROUP BY 1 ORDER BY 1;

-- exceptions: values that went on although a rule keeps them from the provider
SELECT 'leaf-' || m.seq AS finding, 'seen_by_provider' AS kind, m.entity AS subject, m.at AS at FROM masked_values m
WHERE m.wire = 'original' AND m.rule_wire IN (m.direction, 'both') ORDER BY m.seq, m.entity;
