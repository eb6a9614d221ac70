-- Networks security
-- 2013: A.13.1.1 A.13.1.2 A.13.1.3
-- asks: Where does traffic go, and is it forced through the gateway?
-- answers: Hosts that calls went to, tunnels that were passed unread, and connections that were closed. Also for 8.21 and 8.22.
-- not shown: that nothing goes round the gateway. That is the firewall's to prove.

-- population: hosts, and how traffic to them was treated
SELECT h.host || ' ' || h.treated AS host_and_way, h.host, h.treated, count(*) AS times, max(h.at) AS last_at FROM (
  SELECT host, 'read and recorded' AS treated, opened_at AS at FROM exchanges WHERE sent_at IS NOT NULL
  UNION ALL SELECT json_extract(leaf, '$.attrs.host'), CASE type WHEN 'tunnel.opened' THEN 'tunnelled, unread' ELSE 'refused' END, at FROM in_period WHERE type IN ('tunnel.opened', 'connect.refused')
) h GROUP BY 1 ORDER BY 1;

-- exceptions: connections that were closed because they were not what they should be
SELECT f.finding, f.code AS kind, f.subject AS subject, f.at AS at FROM findings f WHERE f.type = 'connect.refused' AND f.code NOT IN ('host_denied', 'token_missing', 'token_unknown') ORDER BY f.leaf;
