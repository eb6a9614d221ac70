"""Every statement of the hot path. Each is bound to (seq, at, …): ?1 is the leaf's number, ?2 its time, the rest the draft's own values.

They run in the order of ORDER, each once a transaction for all rows of the batch.
"""

from __future__ import annotations

from addons.evidence.columns import CLOSED, OPENED, PAYLOADS, ROWS


def _marks(count: int, first: int = 3) -> str:
    return ", ".join(f"?{number}" for number in range(first, first + count))


_NODE_NUMBER = "(SELECT number FROM nodes WHERE id = ?{})"

SUBJECT = "INSERT INTO subjects (number, subject, key, pseudonym) VALUES (?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING"

# ON CONFLICT (id), not OR IGNORE: only a known id is passed over, any other violation is an error.
CONTENT = "INSERT INTO contents (id, subject, text) VALUES (?3, ?4, ?5) ON CONFLICT (id) DO NOTHING"

NODE = f"""
INSERT INTO nodes (seq, id, parent, depth, subject, content, role, kind, name, call_id, maskings)
VALUES (?1, ?3, {_NODE_NUMBER.format(4)}, ?5, ?6, (SELECT number FROM contents WHERE id = ?7), ?8, ?9, ?10, ?11, ?12)
ON CONFLICT (id) DO NOTHING
"""  # noqa: S608 the pieces are constants of this file

OPEN = f"""
INSERT INTO exchanges (opened_seq, id, policy_digest, request_node, request_length, {", ".join(OPENED)})
VALUES (?1, ?3, ?4, {_NODE_NUMBER.format(5)}, ?6, {_marks(len(OPENED), 7)})
"""  # noqa: S608

PARTIAL = f"UPDATE exchanges SET reply_node = {_NODE_NUMBER.format(4)} WHERE id = ?3"  # noqa: S608

CLOSE = f"""
UPDATE exchanges SET closed_seq = ?1, reply_node = {_NODE_NUMBER.format(4)}, ({", ".join(CLOSED)}) = ({_marks(len(CLOSED), 5)})
WHERE id = ?3
"""  # noqa: S608

EVENT = "INSERT INTO events (seq, at, type, exchange_id, actor, leaf) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
PAYLOAD = f"INSERT INTO payloads (seq, {', '.join(PAYLOADS)}) VALUES (?1, {_marks(len(PAYLOADS))})"  # noqa: S608
POLICY = "INSERT INTO policies (seq, loaded_at, digest, actor, content) VALUES (?1, ?2, ?3, ?4, ?5)"
HEAD = """
INSERT INTO heads (seq, kind, id) VALUES (?1, ?3, ?4) ON CONFLICT (kind, id) DO UPDATE SET seq = excluded.seq
"""
ROW = {
    kind: f"INSERT OR REPLACE INTO {table} ({', '.join(columns)}) VALUES ({_marks(len(columns))})"  # noqa: S608
    for kind, (table, columns) in ROWS.items()
}

HASH = "INSERT INTO hashes (position, hash) VALUES (?, ?)"
CHECKPOINT = "INSERT INTO checkpoints (size, root, note, at) VALUES (?, ?, ?, ?)"

ORDER = (SUBJECT, CONTENT, NODE, OPEN, PARTIAL, CLOSE, EVENT, PAYLOAD, POLICY, HEAD, *ROW.values())
