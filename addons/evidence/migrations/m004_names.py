"""Names that clients and providers give to conversations, kept over a restart; a result finds its call also where no id is the call's alone.

names      a keyed digest of a name (a session header, a thread, a response that can be gone on from) -> its session. No leaf knows them: what
           they decide, the session and the reason of each exchange, is in that exchange's own leaf
commands   ids that many conversations have ("call_0", and "order:2:read_file", which stands for no id on the wire) pair within one session only,
           and never with a result that the asking request brought itself
"""

from __future__ import annotations

from addons.evidence.database import Database
from addons.evidence.migrations.m003_conversations import VIEWS

TABLES = """
CREATE TABLE names (
  number INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, session_id TEXT NOT NULL
) STRICT;
DROP INDEX nodes_results;
CREATE INDEX nodes_results ON nodes (call_id, seq) WHERE kind = 'tool_result' AND call_id IS NOT NULL;
"""

_BEFORE = """
  SELECT min(n.seq) FROM nodes n JOIN subjects s ON s.number = n.subject
  WHERE n.kind = 'tool_result' AND n.call_id = json_extract(c.value, '$.call_id') AND s.subject = x.subject AND n.seq >= x.opened_seq
"""
_NOW = """
  SELECT n.seq FROM nodes n JOIN subjects s ON s.number = n.subject
  WHERE n.kind = 'tool_result' AND n.call_id = json_extract(c.value, '$.call_id') AND s.subject = x.subject AND n.seq > x.opened_seq
    AND (length(n.call_id) >= 12 AND n.call_id NOT GLOB 'order:*' OR x.session_id = (
      SELECT y.session_id FROM events a JOIN exchanges y ON y.id = a.exchange_id WHERE a.seq = n.seq))
  ORDER BY n.seq LIMIT 1
"""


def names(database: Database) -> None:
    database.executescript(TABLES)
    commands = "DROP VIEW commands;" + VIEWS.partition("DROP VIEW commands;")[2]
    assert _BEFORE in commands
    database.executescript(commands.replace(_BEFORE, _NOW))
