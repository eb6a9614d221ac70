-- Authentication information
-- 2013: A.9.2.4 A.9.3.1 A.9.4.3
-- asks: How are secrets for logging in handed out, and do they end?
-- answers: Each gateway token with who made it, for whom, until when. The gateway keeps a digest, and that is not in this package.
-- not shown: passwords and keys of the identity provider.

-- population: gateway tokens
SELECT t.id AS token_id, t.subject, t.groups, t.purpose, t.minted_by, t.minted_at, t.expires_at, t.revoked_at FROM tokens t ORDER BY t.minted_at, t.id;

-- exceptions: calls under a token that had ended, and provider keys that clients carried themselves
SELECT x.id AS finding, 'token_had_ended' AS kind, x.subject AS subject, x.opened_at AS at FROM exchanges x JOIN tokens t ON t.id = x.token_id
WHERE x.opened_at >= t.expires_at OR x.opened_at >= t.revoked_at
UNION ALL
SELECT f.finding, f.code, f.subject, f.at FROM findings f WHERE f.code = 'client_key_removed'
ORDER BY 4, 1;
