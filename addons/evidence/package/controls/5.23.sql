-- Information security for use of cloud services
-- 2013: A.15.1.1 A.15.2.1
-- asks: Which model providers are in use, and does anybody call others?
-- answers: Providers and models by month, with calls and people; attempts to reach a provider that no connection allows.
-- not shown: traffic that does not come to the gateway. Only a closed way out and the providers' usage exports show that there is none.

-- population: provider, model and month
SELECT x.provider || ' ' || coalesce(x.response_model, x.request_model, '-') || ' ' || substr(x.opened_at, 1, 7) AS service, x.provider,
  coalesce(x.response_model, x.request_model) AS model, substr(x.opened_at, 1, 7) AS month, count(*) AS calls, count(DISTINCT x.subject) AS people,
  sum(x.input_tokens) AS input_tokens, sum(x.output_tokens) AS output_tokens
FROM exchanges x GROUP BY 1 ORDER BY 1;

-- exceptions: attempts to reach a provider that no connection allows
SELECT f.finding, f.code AS kind, f.subject AS subject, f.at AS at FROM findings f WHERE f.code IN ('provider_undeclared', 'host_denied') ORDER BY f.leaf;
