"""What evidence.sqlite has beyond the store's own views: SQL that the lists, the page and the controls are made of. Not the controls' own queries.

in_period      leaves of the period, with those that belong to no exchange
explanations   what a named person said about a finding: the newest of each
reviews        who looked at access, log or masking, and what they found
findings       what an operator should look at: refusals at the door, the gateway's own findings
without_content  exchanges of connections that keep metadata only (policies/connections.yaml, visibility)
masked_values  each masking once, where it was first said; with what the rule in force says of the wire
exceptions     everything a reviewer should look at, one row each
"""

# ruff: noqa: S608 -- the pieces are constants of this file

from __future__ import annotations

from addons.evidence.package.scope import DOOR

_SINCE = "(SELECT value FROM package WHERE name = 'since')"
_UNTIL = "(SELECT value FROM package WHERE name = 'until')"
_IN_PERIOD = f"e.at >= {_SINCE} AND ({_UNTIL} = '' OR e.at < {_UNTIL})"
_ALONE = f"(e.exchange_id IS NULL OR e.type IN {DOOR})"

EXCEPTIONS = """
SELECT r.kind, r.at, r.exchange_id, r.approval_id, r.subject, r.connection, r.model, r.detail, r.finding, x.who AS explained_by, x.reason AS explanation FROM (
  SELECT coalesce(outcome, 'open') AS kind, coalesce(closed_at, opened_at) AS at, id AS exchange_id, approval_id, subject, connection,
    request_model AS model, error AS detail, id AS finding
  FROM exchanges WHERE outcome IS NOT 'completed'
  UNION ALL
  SELECT f.type, f.at, f.exchange_id, NULL, f.subject, NULL, NULL, f.detail, f.finding FROM findings f
  UNION ALL
  SELECT 'approved_by_same_minter', a.decided_at, a.exchange_id, a.id, a.approver, NULL, NULL,
    'the same person made the tokens of requester and approver', a.id
  FROM approvals a WHERE a.id IN (
    SELECT json_extract(p.approval, '$.approval.id') FROM events e CROSS JOIN payloads p ON p.seq = e.seq
    WHERE e.type GLOB 'approval.*' AND json_extract(p.approval, '$.details.same_minter') = 1)
  UNION ALL
  SELECT 'used_without_approval', x.closed_at, x.id, x.approval_id, x.subject, x.connection, x.request_model,
    'completed, and its approval does not cover it', x.id
  FROM exchanges x LEFT JOIN approvals a ON a.id = x.approval_id LEFT JOIN grants g ON g.used_by = x.id
  WHERE x.approval_id IS NOT NULL AND x.outcome = 'completed' AND NOT coalesce(
    a.state = 'approved' AND a.approver IS NOT a.requester AND a.decided_at <= coalesce(g.used_at, a.released_at, x.closed_at)
    AND coalesce(g.used_at, a.released_at, a.decided_at) < a.expires_at, 0)
  UNION ALL
  SELECT 'trial_grade', NULL, NULL, NULL, subject, NULL, NULL, count(*) || ' exchanges by a local identity', subject
  FROM exchanges WHERE grade IS NOT 'managed' GROUP BY subject
) r LEFT JOIN explanations x ON x.finding = r.finding ORDER BY r.at IS NULL, r.at, r.kind, r.exchange_id, r.subject, r.detail, r.finding
"""

_MASKED = """
  SELECT seq, '/messages/' || depth AS place, maskings FROM nodes WHERE maskings IS NOT NULL
  UNION ALL SELECT seq, '', json_extract(request, '$.maskings') FROM payloads WHERE instr(request, '"maskings"')
  UNION ALL SELECT seq, '', json_extract(reply, '$.maskings') FROM payloads WHERE instr(reply, '"maskings"')
"""

VIEWS = {
    "in_period": f"""
SELECT e.seq, e.at, e.type, e.exchange_id, e.actor, e.leaf FROM events e
WHERE ({_ALONE} AND {_IN_PERIOD}) OR e.exchange_id IN (SELECT id FROM exchanges)
""",
    "explanations": """
SELECT json_extract(p.meta, '$.finding') AS finding, e.actor AS who, e.at AS at, json_extract(p.meta, '$.reason') AS reason, max(e.seq) AS leaf
FROM events e JOIN payloads p ON p.seq = e.seq
WHERE e.type = 'finding' AND json_extract(e.leaf, '$.attrs.code') = 'explained' AND p.meta IS NOT NULL GROUP BY 1
""",
    "reviews": """
SELECT e.seq AS leaf, e.at AS at, json_extract(e.leaf, '$.attrs.id') AS review, e.actor AS reviewer, json_extract(e.leaf, '$.attrs.result') AS result,
  json_extract(p.meta, '$.note') AS note
FROM events e LEFT JOIN payloads p ON p.seq = e.seq WHERE e.type = 'evidence.read' AND json_extract(e.leaf, '$.attrs.what') = 'review'
""",
    "findings": """
SELECT e.seq AS leaf, 'leaf-' || e.seq AS finding, e.at AS at, e.type AS type, json_extract(e.leaf, '$.attrs.code') AS code, e.actor AS subject,
  e.exchange_id AS exchange_id, json_extract(e.leaf, '$.attrs') AS detail
FROM in_period e
WHERE e.type IN ('finding', 'identity.refused', 'connect.refused', 'gateway.recovered', 'payload.erased')
  AND json_extract(e.leaf, '$.attrs.code') IS NOT 'explained'
""",
    "masked_values": f"""
SELECT v.seq AS seq, e.at AS at, e.exchange_id AS exchange_id, CASE e.type WHEN 'exchange.opened' THEN 'request' ELSE 'response' END AS direction,
  v.place || json_extract(m.value, '$[0]') AS location, json_extract(m.value, '$[1]') AS entity, json_extract(m.value, '$[2]') AS rule,
  json_extract(m.value, '$[3]') AS action, json_extract(m.value, '$[4]') AS token, json_extract(m.value, '$[5]') AS count, json_extract(m.value, '$[6]') AS wire,
  (SELECT coalesce(json_extract(r.value, '$.wire'), 'none') FROM policies p, json_each(p.content, '$.masking.rules') r
    WHERE p.digest = json_extract(e.leaf, '$.policy_digest') AND json_extract(r.value, '$.id') = json_extract(m.value, '$[2]') LIMIT 1) AS rule_wire
FROM ({_MASKED}) v CROSS JOIN json_each(v.maskings) m JOIN events e ON e.seq = v.seq
""",
    "without_content": """
SELECT x.id AS exchange_id, x.opened_at AS at, x.subject AS subject, x.connection AS connection, x.provider AS provider,
  coalesce(x.response_model, x.request_model) AS model
FROM exchanges x JOIN events e ON e.seq = x.opened_seq WHERE json_extract(e.leaf, '$.attrs.visibility') = 'metadata'
""",
    "exceptions": EXCEPTIONS,
}
