"""What a verification found: counts, and failures under names that stay the same. Not how it is found: see verify.py.

The names are a promise to scripts and auditors. What each one means:

    events_cut                 fewer leaves than a checkpoint, or the head file, was signed over
    event_missing              a leaf is gone (a gap in the numbers, or later leaves were renumbered)
    events_reordered           leaves stand in each other's places
    event_inserted             a leaf was put in, later ones were renumbered
    event_duplicated           a leaf stands in a second place as well
    foreign_leaf               a leaf of another log
    leaf_changed               a leaf's bytes are not those that the tree was made of
    leaf_invalid               a leaf is not an envelope of a known form and type
    event_row_changed          a column of `events` says something else than its leaf
    tree_changed               a stored hash is not what the leaves give
    checkpoint_root_bad        the leaves do not give the root that was signed (leaf and stored hash were both changed)
    checkpoint_signature_bad   not signed by this log's key
    anchor_bad                 a witness's cosignature or a timestamp that is not of its checkpoint
    key_change_bad             a change of the log's key that the old key did not sign, or that leads away from the key that was given
    checkpoint_row_changed     a column of `checkpoints` says something else than its note
    checkpoint_missing         the newest checkpoint that the head file knows is gone from the table
    history_replaced           a checkpoint that somebody kept was signed over other leaves
    payload_changed            a payload is not what its leaf commits to
    payload_missing            a payload is gone and no `payload.erased` leaf says so
    exchange_row_changed       a row of `exchanges` says something else than its leaves
    exchange_row_missing       a leaf opened or closed an exchange that has no such row
    exchange_row_added         a row of `exchanges` that no leaf knows
    closed_twice               a second `exchange.closed` for one exchange
    approval_changed, grant_changed, token_changed, role_changed, policy_changed       a row is not what its newest leaf says
    approval_added, grant_added, token_added, role_added, policy_added                 a row that no leaf knows
    approval_missing           an exchange was let through under an approval that is not there or was not given
    self_approval              somebody approved their own request
    approval_after_use         an approval given after the exchange that needed it had ended, or after it was used
    approval_out_of_time       decided before it was asked for, or decided or used after it expired
    receipt_missing            a decision without the signed receipt that goes with it
    receipt_signature_bad      a receipt that the log's key did not sign
    message_changed            a text is not what its id was made of
    node_changed               who said it, what kind it is or its place is not what its id was made of
    node_missing               a message of a recorded conversation is gone
    node_added                 a message that no leaf brought
    content_missing            the text of a message is gone and no `payload.erased` leaf says so
    subject_changed            a person's key or pseudonym was changed
    subject_missing            a person's key is gone while their messages are there
    schema_changed             a table, view, index or trigger is not the one that this program makes
    database_damaged           SQLite cannot read the file
    key_invalid                a key that is none, or one that this log's default name is not of
    key_missing                a receipt alone, and no key to check it with

Of a package only:

    file_changed, file_missing, file_added             not as its manifest, the gateway's record of the export, or evidence.sqlite has it
    list_changed                                       a CSV file, a query or a set of rules is not what evidence.sqlite gives
    figure_changed                                     a number of START-HERE.html is not the database's
    sample_changed                                     other exchanges than the seed and the root give
    export_unrecorded                                  no leaf under a signed checkpoint says that this very package was exported
    gateway_missing, gateway_added                     the packages of other gateways inside are not those that the register names
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

_SHOWN_OF_EACH = 100


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing that does not hold. `seq`: the leaf that shows it, where there is one."""

    name: str
    seq: int | None
    detail: str


@dataclass(slots=True)
class Report:
    """Counts of what was read, how often each failure was met, and the first hundred of each in detail."""

    counts: Counter[str] = field(default_factory=Counter)
    totals: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)
    notes: list[str] = field(
        default_factory=list
    )  # worth saying, not wrong: a clock that was set back, an unsigned tail

    horizon: str = ""  # up to where somebody outside attests this log, and what that is worth

    @property
    def good(self) -> bool:
        return not self.totals

    def fail(self, name: str, seq: int | None, detail: str) -> None:
        self.totals[name] += 1
        if self.totals[name] <= _SHOWN_OF_EACH:
            self.failures.append(Failure(name, seq, detail))
