"""Is every call accounted for? Equations over a store, or over the evidence.sqlite of a package; each names what does not fit.

Not the check of the log (verify.py), not their looks. Pure functions of a connection and of what providers say was used.

    opened      exchange.opened = exchange.closed + under way
    leaves      rows of events = leaves of the tree = signed + not signed yet
    proxy       what the proxy itself counted = recorded + under way + without a record       (heartbeats, console/counted.py)
    provider    what the provider counted - what is recorded = explained                       (usage_exports.py)
    approvals   let through under an approval = covered by one, given in time by somebody who had the right then
    times       exchanges = those whose required times are there and in order
    exposures   values found = kept from the provider + seen by it as they were; and no rule says otherwise

A gap has a name under which a person may explain it (`affidavit explain`); an explanation is a leaf that names the person.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from addons.evidence.database import Connection
from addons.evidence.usage_exports import MEASURES, UsageRow

LONGEST = 1000  # gaps of one equation that are named; all are counted


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a named person said about a finding."""

    finding: str
    who: str
    at: str
    reason: str
    seq: int


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that does not fit."""

    finding: str  # its name: ex_…, ap_…, leaf-12, usage:openai:key_1
    what: str
    explained: Explanation | None = None


@dataclass(frozen=True, slots=True)
class Equation:
    """left = right, or what is missing. holds None: there is nothing to compare with."""

    name: str
    says: str
    left: tuple[tuple[str, int], ...]
    right: tuple[tuple[str, int], ...]
    holds: bool | None
    gaps: tuple[Gap, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return " = ".join(" + ".join(f"{count:,} {term}" for term, count in side) for side in (self.left, self.right))


def accounts(database: Connection, usage: Iterable[UsageRow] = ()) -> tuple[Equation, ...]:
    """All of them, in the order of this file's head."""
    explained = explanations(database)
    return (
        _opened(database),
        _leaves(database),
        _proxy(database, explained),
        _provider(database, tuple(usage), explained),
        _approvals(database, explained),
        _times(database, explained),
        _exposures(database, explained),
    )


def explanations(database: Connection) -> dict[str, Explanation]:
    """By finding; the newest counts."""
    rows = database.execute(
        "SELECT e.seq, e.at, e.actor, p.meta FROM events e JOIN payloads p ON p.seq = e.seq "
        "WHERE e.type = 'finding' AND json_extract(e.leaf, '$.attrs.code') = 'explained' AND p.meta IS NOT NULL ORDER BY e.seq"
    )
    found = {}
    for seq, at, actor, meta in rows:
        said = orjson.loads(meta)
        found[said["finding"]] = Explanation(said["finding"], actor or "", at, said["reason"], seq)
    return found


# -- the equations ------------------------------------------------------------------------------------------------------


def _opened(database: Connection) -> Equation:
    opened, closed, interrupted, erasures = database.execute(
        "SELECT (SELECT count(*) FROM events WHERE type = 'exchange.opened'), (SELECT count(*) FROM events WHERE type = 'exchange.closed'), "
        "(SELECT count(*) FROM exchanges WHERE outcome = 'interrupted'), "
        "(SELECT count(*) FROM events WHERE type = 'payload.erased' AND type NOT IN ('exchange.opened', 'exchange.closed'))"
    ).fetchone()
    remarks = []
    [bare] = database.execute(_METADATA_ONLY).fetchone()
    if bare:
        remarks.append(
            f"{bare:,} are of connections that keep metadata only (visibility: metadata): counted here as all are, without what was said"
        )
    if interrupted:
        remarks.append(
            f"{interrupted:,} of those shown here were cut off by a stop of the gateway and closed at its next start"
        )
    if erasures:
        remarks.append(
            f"content was erased on purpose {erasures:,} times; exchanges of a person who was erased have leaves and no row"
        )
    return Equation(
        "opened", "Every call that was let in has an end; the whole log, other periods too.",
        (("opened", opened),), (("closed", closed), ("under way", opened - closed)), opened >= closed, remarks=tuple(remarks),
    )  # fmt: skip


def _leaves(database: Connection) -> Equation:
    rows, last, signed = database.execute(
        "SELECT count(*), coalesce(max(seq) + 1, 0), (SELECT coalesce(max(size), 0) FROM checkpoints) FROM events"
    ).fetchone()
    return Equation(
        "leaves", "Numbers run from 0 without a gap, and the newest signature covers them.",
        (("rows", rows),), (("signed", min(signed, last)), ("not signed yet", max(0, last - signed))), rows == last >= signed,
    )  # fmt: skip


_METADATA_ONLY = """
SELECT count(*) FROM events WHERE type = 'exchange.opened' AND instr(leaf, 'visibility') AND json_extract(leaf, '$.attrs.visibility') = 'metadata'
"""
_RUNS = """
SELECT seq, at, type, json_extract(leaf, '$.attrs.counted') FROM events
WHERE type IN ('gateway.started', 'gateway.heartbeat', 'gateway.stopped') ORDER BY seq
"""
_IN_RUN = """
SELECT type, CASE WHEN type = 'finding' OR type = 'connect.refused' THEN json_extract(leaf, '$.attrs.code') END AS code, count(*)
FROM events WHERE seq > ? AND seq < ? AND type IN ('exchange.opened', 'identity.refused', 'tunnel.opened', 'connect.refused', 'finding')
GROUP BY 1, 2
"""
_LATER_CODES = (
    "not_tls",
    "address_refused",
    "sni_disagrees",
    "malformed_request",
)  # of a connection that was counted before, as decided inside or as a tunnel; or of bytes that were no request


def _proxy(database: Connection, explained: Mapping[str, Explanation]) -> Equation:
    """For each run of the gateway, up to its last count."""
    seen: Counter[str] = Counter()
    recorded = 0
    gaps = []
    uncounted = 0
    for start, at, last, counted in _runs(database):
        if not counted:
            uncounted += 1
            continue
        leaves = Counter[str]()
        for kind, code, count in database.execute(_IN_RUN, (start, last)):
            if kind == "connect.refused" and code in _LATER_CODES:
                continue
            if kind != "finding" or code == "request_not_whole":
                leaves[kind] += count
        of_run = counted["requests"] + counted["connects"] - counted["inside"] + counted["raw"]
        found = leaves.total()
        seen.update(counted)
        recorded += found
        missing = of_run - counted["under_way"] - found
        if counted["unrecorded"] or missing > 0 or found > of_run:
            what = f"run of {at}: {of_run:,} seen, {found:,} recorded, {counted['under_way']:,} under way, {counted['unrecorded']:,} given up without a record"
            gaps.append(_gap(f"leaf-{start}", what, explained))
    total = seen["requests"] + seen["connects"] - seen["inside"] + seen["raw"]
    lost = max(0, total - recorded - seen["under_way"])
    left = (("requests", seen["requests"]), ("connections to other hosts and raw ones", total - seen["requests"]))
    right = (
        ("recorded", recorded),
        ("under way at the last count", max(0, total - recorded - lost)),
        ("without a record", lost),
    )
    remarks = (f"{uncounted} runs ended before their first count (gateway.heartbeat)",) if uncounted else ()
    return Equation(
        "proxy", "What came in at the doors, counted apart from the record, is in the record: opened, refused or tunnelled.",
        left, right, (not _open_gaps(gaps)) if seen else None, tuple(gaps), remarks,
    )  # fmt: skip


def _runs(database: Connection) -> Iterator[tuple[int, str, int, dict[str, int]]]:
    """(leaf of the start, its time, leaf of the last count, what was counted) of each run."""
    run: tuple[int, str, int, dict[str, int]] | None = None
    for seq, at, kind, counted in database.execute(_RUNS).fetchall():
        if kind == "gateway.started":
            if run:
                yield run
            run = (seq, at, seq, {})
        elif run and counted:
            run = (run[0], run[1], seq, orjson.loads(counted))
    if run:
        yield run


_USED = """
SELECT provider, substr(sent_at, 1, 10) AS day, connection, count(*), sum(input_tokens), sum(output_tokens)
FROM exchanges WHERE sent_at IS NOT NULL GROUP BY 1, 2, 3
"""


def _provider(database: Connection, usage: tuple[UsageRow, ...], explained: Mapping[str, Explanation]) -> Equation:
    """Days of the period only: an export for a month says nothing about this store's other months."""
    says = (
        "Requests and tokens that the provider counted are those that are recorded; what is more went past the gateway."
    )
    if not usage:
        return Equation(
            "provider",
            says,
            (),
            (),
            None,
            remarks=("no usage export was given: affidavit report accounting --usage FILE",),
        )
    connections = _connections(database)
    key_of = {key: name for name, (_, keys) in connections.items() for key in keys}
    theirs: defaultdict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    foreign: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    counted_by: defaultdict[str, set[str]] = defaultdict(set)
    for row in usage:
        amounts = {name: amount for name in MEASURES if (amount := getattr(row, name)) is not None}
        counted_by[row.provider] |= amounts.keys()
        if row.key and row.key not in key_of:
            foreign[row.provider, row.key].update(amounts)
        else:
            theirs[row.provider, row.day, key_of.get(row.key, "")].update(amounts)
    ours: defaultdict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    whole = {provider for provider, _, connection in theirs if not connection}  # their exports do not tell keys apart
    days = {(row.provider, row.day) for row in usage}
    for provider, day, connection, *amounts in database.execute(_USED):
        if (provider, day) in days or provider in whole:
            place = (provider, day, "" if provider in whole else connection)
            ours[place].update({name: amount or 0 for name, amount in zip(MEASURES, amounts, strict=True)})
    gaps = [
        _gap(f"usage:{provider}:{key}", f"key {key} of {provider}: {_amounts(amounts)}; no connection says that the gateway holds it (usage_keys)", explained)
        for (provider, key), amounts in sorted(foreign.items())
    ]  # fmt: skip
    for place in sorted(theirs.keys() | ours.keys()):
        provider, day, connection = place
        difference = {
            name: theirs[place][name] - ours[place][name] for name in sorted(counted_by[provider], key=MEASURES.index)
        }
        if any(difference.values()):
            name = connection or "all keys"
            gaps.append(
                _gap(
                    f"usage:{provider}:{connection or '-'}:{day}",
                    f"{provider}, {name}, {day}: {_amounts(difference, signed=True)}, provider minus record",
                    explained,
                )
            )
    unit = "requests" if all("requests" in measures for measures in counted_by.values()) else "output_tokens"
    left = sum(amounts[unit] for amounts in [*theirs.values(), *foreign.values()])
    right = sum(amounts[unit] for amounts in ours.values())
    open_gaps = _open_gaps(gaps)
    word = unit.replace("_", " ")
    return Equation(
        "provider", says, ((f"{word} by the provider's count", left),), ((f"{word} recorded", right), ("difference", left - right)), not open_gaps, tuple(gaps),
        (f"{len(gaps) - len(open_gaps)} of {len(gaps)} differences and foreign keys are explained by a named person",) if gaps else (),
    )  # fmt: skip


def _connections(database: Connection) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Provider and usage keys of each connection, in the newest rules that name it."""
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    for [content] in database.execute("SELECT content FROM policies ORDER BY seq"):
        for one in orjson.loads(content).get("connections", {}).get("connections", ()):
            keys = one.get("usage_keys", ())
            found[one["id"]] = (one["provider"], (keys,) if isinstance(keys, str) else tuple(keys))
    return found


def _amounts(amounts: Mapping[str, int], *, signed: bool = False) -> str:
    return ", ".join(
        f"{amount:{'+' if signed else ''},} {name.replace('_', ' ')}"
        for name, amount in amounts.items()
        if amount or not signed
    )


_LET_THROUGH = """
SELECT x.id, a.id, a.state, a.requester, a.approver, a.requested_at, a.decided_at, a.expires_at,
  coalesce(g.used_at, a.released_at, x.closed_at) AS used_at
FROM exchanges x LEFT JOIN approvals a ON a.id = x.approval_id LEFT JOIN grants g ON g.approval_id = a.id AND g.used_by = x.id
WHERE x.approval_id IS NOT NULL AND x.outcome = 'completed' ORDER BY x.opened_seq
"""
_DECIDED = """
SELECT json_extract(p.approval, '$.approval.id'), p.approval FROM events e JOIN payloads p ON p.seq = e.seq
WHERE e.type = 'approval.decided' AND p.approval IS NOT NULL ORDER BY e.seq
"""
# Groups that a person had at a moment: of a token that was in force, of a role that was given and had not ended.
_HAD = """
SELECT groups FROM tokens WHERE subject = ?1 AND minted_at <= ?2 AND expires_at > ?2 AND (revoked_at IS NULL OR revoked_at > ?2)
UNION ALL SELECT json_array(role) FROM roles WHERE subject = ?1 AND granted_at <= ?2 AND (ended_at IS NULL OR ended_at > ?2)
"""


def _approvals(database: Connection, explained: Mapping[str, Explanation]) -> Equation:
    decided = {approval: orjson.loads(payload) for approval, payload in database.execute(_DECIDED)}
    gaps = []
    total = 0
    for exchange, approval, *row in database.execute(_LET_THROUGH).fetchall():
        total += 1
        faults = (
            list(_approval_faults(database, row, decided.get(approval))) if approval else ["its approval is not there"]
        )
        if faults:
            gaps.append(_gap(exchange, f"{approval or 'no approval'}: {'; '.join(faults)}", explained))
    return Equation(
        "approvals", "What a rule held and was let through was agreed to by somebody else, with the right at that time, before it was used.",
        (("let through under an approval", total),), (("covered", total - len(gaps)), ("not covered", len(gaps))),
        not _open_gaps(gaps), tuple(gaps[:LONGEST]),
    )  # fmt: skip


def _approval_faults(database: Connection, row: list[Any], payload: dict[str, Any] | None) -> Iterator[str]:
    state, requester, approver, requested_at, decided_at, expires_at, used_at = row
    if state != "approved":
        yield f"it is {state}"
        return
    if approver == requester:
        yield "approved by who asked"
    if not (requested_at <= (decided_at or "") <= (used_at or "") < (expires_at or "")):
        yield f"asked {requested_at}, decided {decided_at}, used {used_at}, expires {expires_at}: not in this order"
    details = (payload or {}).get("details", {})
    wanted = {*details.get("groups", ()), *(group for one in details.get("also", ()) for group in one["groups"])}
    wanted |= set(details.get("break_glass", ()))
    said = [vote for vote in details.get("votes", ()) if vote["verdict"] == "approve" and not vote.get("lapsed")]
    votes = said or [{"approver": approver, "at": decided_at}]
    for vote in votes:
        had = set(vote.get("groups", ())) or _groups_at(database, vote["approver"], vote["at"])
        if wanted and "*" not in wanted and not wanted & had:
            yield f"{vote['approver']} had none of {', '.join(sorted(wanted))} at {vote['at']}, by any token or role on record"


def _groups_at(database: Connection, subject: str, at: str) -> set[str]:
    return {group for [groups] in database.execute(_HAD, (subject, at)) for group in orjson.loads(groups or "[]")}


_TIMES_WRONG = """
SELECT id, outcome, opened_at, sent_at, first_chunk_at, closed_at FROM exchanges WHERE NOT coalesce(
  CASE WHEN closed_seq IS NULL THEN closed_at IS NULL ELSE opened_at <= closed_at AND outcome IS NOT NULL END
  AND CASE outcome WHEN 'completed' THEN sent_at IS NOT NULL ELSE 1 END
  AND coalesce(opened_at <= sent_at, 1) AND coalesce(sent_at <= first_chunk_at, first_chunk_at IS NULL)
  AND coalesce(first_chunk_at <= closed_at, closed_at IS NULL OR first_chunk_at IS NULL), 0) ORDER BY opened_seq
"""
_CLOCK_STEPS = """
SELECT count(*), min(before), max(seq) FROM (SELECT seq, at, lag(at) OVER (ORDER BY seq) AS before FROM events) WHERE at < before
"""
_CHECKPOINT_GAPS = """
SELECT at, lag(at) OVER (ORDER BY size) FROM checkpoints ORDER BY size
"""


def _times(database: Connection, explained: Mapping[str, Explanation]) -> Equation:
    [total] = database.execute("SELECT count(*) FROM exchanges").fetchone()
    rows = database.execute(_TIMES_WRONG).fetchall()
    gaps = [
        _gap(
            row[0],
            f"{row[1] or 'open'}: opened {row[2]}, sent {row[3]}, first reply {row[4]}, closed {row[5]}",
            explained,
        )
        for row in rows
    ]
    steps, _, last = database.execute(_CLOCK_STEPS).fetchone()
    remarks = (
        [f"{steps} leaves are earlier than the one before them: the clock was set back, last at leaf {last}"]
        if steps
        else ["the clock never went back between two leaves"]
    )
    longest, until = max(
        ((_seconds(before, at), at) for at, before in database.execute(_CHECKPOINT_GAPS) if before), default=(0, "")
    )
    if until:
        remarks.append(f"longest time between two signed checkpoints: {longest:,} s, up to {until}")
    return Equation(
        "times", "Each exchange has the times that its outcome needs, in order.",
        (("exchanges", total),), (("with all times, in order", total - len(rows)), ("not", len(rows))), not _open_gaps(gaps), tuple(gaps[:LONGEST]), tuple(remarks),
    )  # fmt: skip


_MASKED = """
SELECT json_extract(e.leaf, '$.policy_digest') AS digest, CASE e.type WHEN 'exchange.opened' THEN 'request' ELSE 'response' END AS direction,
  json_extract(m.value, '$[2]') AS rule, json_extract(m.value, '$[1]') AS entity, json_extract(m.value, '$[6]') AS wire,
  sum(json_extract(m.value, '$[5]')) AS count, min(e.seq) AS seq
FROM (
  SELECT seq, maskings FROM nodes WHERE maskings IS NOT NULL
  UNION ALL SELECT seq, json_extract(request, '$.maskings') FROM payloads WHERE instr(request, '"maskings"')
  UNION ALL SELECT seq, json_extract(reply, '$.maskings') FROM payloads WHERE instr(reply, '"maskings"')
) v CROSS JOIN json_each(v.maskings) m JOIN events e ON e.seq = v.seq
GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
"""


def _exposures(database: Connection, explained: Mapping[str, Explanation]) -> Equation:
    """History that is sent again counts once."""
    wires = _wire_rules(database)
    count: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    gaps = []
    for digest, direction, rule, entity, wire, number, seq in database.execute(_MASKED):
        count[wire] += number or 0
        if wire == "original":
            seen[entity] += number or 0
            if wires.get((digest, rule), "none") in {direction, "both"}:
                gaps.append(
                    _gap(
                        f"leaf-{seq}",
                        f"{number:,} {entity} went on as they were, first with leaf {seq}, though rule {rule} masks the {direction}",
                        explained,
                    )
                )
    by_entity = ", ".join(
        f"{number:,} {entity}" for entity, number in sorted(seen.items(), key=lambda row: (-row[1], row[0]))[:12]
    )
    return Equation(
        "exposures", "Of the values that were masked in this record, the provider saw those that no rule keeps from it (wire:).",
        (("values masked in the record", count.total()),), (("kept from the provider", count.total() - count["original"]), ("seen by the provider", count["original"])),
        not _open_gaps(gaps), tuple(gaps[:LONGEST]), (f"seen by the provider: {by_entity}",) if by_entity else (),
    )  # fmt: skip


def _wire_rules(database: Connection) -> dict[tuple[str, str], str]:
    """What each masking rule says of the wire, by policy digest and rule."""
    return {
        (digest, rule["id"]): rule.get("wire", "none")
        for digest, content in database.execute("SELECT digest, content FROM policies")
        for rule in orjson.loads(content).get("masking", {}).get("rules", ())
    }


# -- inside -------------------------------------------------------------------------------------------------------------


def _gap(finding: str, what: str, explained: Mapping[str, Explanation]) -> Gap:
    return Gap(finding, what, explained.get(finding))


def _open_gaps(gaps: Iterable[Gap]) -> list[Gap]:
    return [gap for gap in gaps if gap.explained is None]


def _seconds(before: str, after: str) -> int:
    return int((datetime.fromisoformat(after) - datetime.fromisoformat(before)).total_seconds())
