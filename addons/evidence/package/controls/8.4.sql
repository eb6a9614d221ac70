-- Access to source code
-- 2013: A.9.4.5
-- asks: Which files and repositories did tools read or change?
-- answers: Files and programs named in shell and code that replies asked to run, by person.
-- not shown: access by other ways than a model's tool calls.

-- population: shell and code commands, by person and object
SELECT x.subject || ' ' || coalesce(json_extract(c.value, '$.verb'), '-') || ' ' || coalesce(o.value, '-') AS access, x.subject,
  json_extract(c.value, '$.language') AS language, json_extract(c.value, '$.verb') AS verb, o.value AS object, count(*) AS times, max(x.closed_at) AS last_at
FROM payloads p JOIN exchanges x ON x.closed_seq = p.seq CROSS JOIN json_each(p.reply, '$.commands') c LEFT JOIN json_each(json_extract(c.value, '$.objects')) o
WHERE instr(p.reply, '"commands"') AND json_extract(c.value, '$.language') IN ('shell', 'python', 'other') GROUP BY 1, 3 ORDER BY 1, 3;

-- exceptions: none is defined
SELECT NULL AS finding, NULL AS kind, NULL AS subject, NULL AS at WHERE 0;
