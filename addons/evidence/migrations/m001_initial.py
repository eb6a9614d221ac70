"""The first schema. Names and columns of the public tables and views are a promise to auditors' queries (README, "the store").

Public tables: exchanges approvals grants events checkpoints policies roles tokens; views: messages commands maskings data_access.
The rest is how they are kept:

    subjects   one person or workload: the key of their ids, the pseudonym that leaves carry
    contents   each masked text once for each subject          id = 16 bytes of an HMAC under its key      } see chain.py
    nodes      one part of one message, after its parent       id = HMAC under the key, of all before it   }
    payloads   what a leaf commits to: canonical JSON, each with its salt; may be erased, the leaf stays
    hashes     the Merkle tree's complete subtrees, see log.py
    heads      which leaf holds the newest state of an approval, a grant, a token, a role
Columns after `policy_digest` in `exchanges` are the way to its messages and leaves.
"""

from __future__ import annotations

from addons.evidence.database import Database
from addons.evidence.migrations.m001_views import VIEWS

TABLES = """
CREATE TABLE events (
  seq INTEGER PRIMARY KEY, at TEXT NOT NULL, type TEXT NOT NULL, exchange_id TEXT, actor TEXT, leaf TEXT NOT NULL
) STRICT;
CREATE INDEX events_rare ON events (type, seq) WHERE type NOT IN ('exchange.opened', 'exchange.closed');
CREATE INDEX events_of_exchange ON events (exchange_id)
  WHERE exchange_id IS NOT NULL AND type NOT IN ('exchange.opened', 'exchange.closed');

CREATE TABLE payloads (
  seq INTEGER PRIMARY KEY, request TEXT, reply TEXT, meta TEXT, approval TEXT,
  request_salt BLOB, reply_salt BLOB, meta_salt BLOB, approval_salt BLOB
) STRICT;

CREATE TABLE hashes (position INTEGER PRIMARY KEY, hash BLOB NOT NULL) STRICT;

CREATE TABLE checkpoints (size INTEGER PRIMARY KEY, root TEXT NOT NULL, note TEXT NOT NULL, at TEXT NOT NULL) STRICT;

CREATE TABLE subjects (
  number INTEGER PRIMARY KEY, subject TEXT NOT NULL UNIQUE, key BLOB NOT NULL, pseudonym TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE contents (
  number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, subject INTEGER NOT NULL, text TEXT NOT NULL
) STRICT;

CREATE TABLE nodes (
  number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, parent INTEGER, depth INTEGER NOT NULL, subject INTEGER NOT NULL,
  content INTEGER NOT NULL, role TEXT NOT NULL, kind TEXT NOT NULL, name TEXT, call_id TEXT, maskings TEXT, seq INTEGER NOT NULL,
  CHECK ((parent IS NULL) = (depth = 0))
) STRICT;
CREATE INDEX nodes_results ON nodes (call_id) WHERE kind = 'tool_result' AND call_id IS NOT NULL;
CREATE INDEX nodes_files ON nodes (seq) WHERE kind IN ('image', 'audio', 'document');

CREATE TABLE exchanges (
  id TEXT PRIMARY KEY NOT NULL, session_id TEXT NOT NULL, link_reason TEXT, opened_at TEXT NOT NULL, sent_at TEXT, first_chunk_at TEXT,
  closed_at TEXT, outcome TEXT, error TEXT, subject TEXT NOT NULL, email TEXT, groups TEXT, auth_method TEXT, token_id TEXT, grade TEXT,
  purpose TEXT, client_address TEXT, door TEXT, connection TEXT, provider TEXT, host TEXT, upstream TEXT, method TEXT, path TEXT,
  operation TEXT, request_model TEXT, response_model TEXT, http_status INTEGER, streamed INTEGER NOT NULL, input_tokens INTEGER,
  output_tokens INTEGER, reasoning_tokens INTEGER, finish_reasons TEXT, first_chunk_ms INTEGER, duration_ms INTEGER, approval_id TEXT,
  gateway TEXT, policy_digest TEXT,
  request_node INTEGER, request_length INTEGER NOT NULL, reply_node INTEGER, opened_seq INTEGER NOT NULL, closed_seq INTEGER
) STRICT;
CREATE INDEX exchanges_opened ON exchanges (opened_at);
CREATE INDEX exchanges_session ON exchanges (session_id);
CREATE INDEX exchanges_open ON exchanges (opened_seq) WHERE closed_seq IS NULL;
CREATE INDEX exchanges_approved ON exchanges (approval_id) WHERE approval_id IS NOT NULL;

CREATE TABLE approvals (
  id TEXT PRIMARY KEY NOT NULL, exchange_id TEXT, rule TEXT, requester TEXT, approver TEXT, approver_issuer TEXT, auth_time TEXT, amr TEXT,
  state TEXT NOT NULL, requested_at TEXT, decided_at TEXT, expires_at TEXT, released_at TEXT, reason TEXT, payload_digest TEXT
) STRICT;
CREATE INDEX approvals_pending ON approvals (id) WHERE state = 'pending';

CREATE TABLE grants (
  id TEXT PRIMARY KEY NOT NULL, approval_id TEXT, scope TEXT, digest TEXT, expires_at TEXT, used_at TEXT, used_by TEXT, revoked_at TEXT
) STRICT;

CREATE TABLE tokens (
  id TEXT PRIMARY KEY NOT NULL, sha256 TEXT NOT NULL, subject TEXT, email TEXT, groups TEXT, purpose TEXT, minted_by TEXT, minted_at TEXT,
  expires_at TEXT, revoked_at TEXT
) STRICT;

CREATE TABLE roles (
  subject TEXT, role TEXT, granted_at TEXT, granted_by TEXT, ended_at TEXT, id TEXT PRIMARY KEY NOT NULL
) STRICT;

CREATE TABLE policies (digest TEXT NOT NULL, loaded_at TEXT NOT NULL, actor TEXT, content TEXT NOT NULL, seq INTEGER PRIMARY KEY) STRICT;

CREATE TABLE heads (kind TEXT NOT NULL, id TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (kind, id)) STRICT, WITHOUT ROWID;
"""


def initial(database: Database) -> None:
    database.executescript(TABLES)
    database.executescript(VIEWS)
