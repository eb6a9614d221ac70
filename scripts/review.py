"""`affidavit review`: a person looks at access, at the log or at a sample of masked records, and signs what they found. The signature is a leaf."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from addons.console import reach, readings
from addons.console.state import StateFolder
from addons.evidence.accounting import accounts
from addons.evidence.checkpoints import Checkpoint
from addons.evidence.database import Connection, reader
from addons.evidence.ids import time_text
from addons.evidence.package.sampling import draw, upper_bound
from addons.evidence.people import users
from scripts.options import Decorator, json_option, state_option, token_option
from scripts.terminal import Failed, harmless, one_line, print_json, print_table

_MINE = "Your own token: the review stands under your name."
_LAST = """
SELECT max(at) FROM events WHERE type = 'evidence.read' AND type NOT IN ('exchange.opened', 'exchange.closed')
AND json_extract(leaf, '$.attrs.what') = 'review' AND json_extract(leaf, '$.attrs.id') = ?
"""
_SINCE = """
SELECT coalesce(outcome, 'under way') AS what, count(*) FROM exchanges WHERE opened_at >= ?1 GROUP BY 1
UNION ALL SELECT type || coalesce(' ' || json_extract(leaf, '$.attrs.code'), ''), count(*) FROM events
WHERE at >= ?1 AND type IN ('finding', 'identity.refused', 'connect.refused', 'gateway.recovered', 'gateway.started', 'payload.erased', 'policy.loaded', 'config.changed')
GROUP BY 1
"""


@click.group()
def review() -> None:
    """What a person looks at now and then, and signs: access, log, masking."""


def note_option() -> Decorator:
    return click.option(
        "--note", default="", help="What you found, in your own words. Left out: nothing is signed, only shown."
    )


@review.command(epilog="\b\nExample:\n  affidavit review access --note 'three leavers, told HR' --remove 'local|gone'")
@click.option(
    "--remove", multiple=True, help="Somebody whose access should end; repeatable. It is written down, not done."
)
@note_option()
@token_option(_MINE)
@json_option()
@state_option()
def access(*, folder: StateFolder, remove: tuple[str, ...], note: str, token: str | None, as_json: bool) -> None:
    """Everybody who calls: groups, roles, tokens in force, last call. Sign with --note."""
    with _reading(folder) as database:
        found = users(database, time_text(datetime.now(UTC)))
    _read(folder, "access", token)
    if unknown := set(remove) - {user.subject for user in found}:
        raise Failed(f"--remove {min(unknown)}: nobody of this name has called", "affidavit people")
    if not as_json:
        print_table(
            ("who", "grade", "groups", "roles", "tokens", "calls", "last call"),
            (
                (
                    user.subject,
                    user.grade,
                    ", ".join(user.groups),
                    ", ".join(user.roles),
                    user.tokens,
                    user.calls,
                    user.last_at[:19],
                )
                for user in found
            ),
        )
    said = f"{note} To remove: {', '.join(remove)}".strip() if remove else note
    _sign(
        folder, "access", {"people": len(found), "to_remove": len(remove)}, said if note else "", token, as_json=as_json
    )


@review.command(epilog="\b\nExample:\n  affidavit review log --note 'refusals of the new team, as expected'")
@note_option()
@token_option(_MINE)
@json_option()
@state_option()
def log(*, folder: StateFolder, note: str, token: str | None, as_json: bool) -> None:
    """What happened since the last review of the log: outcomes, findings, acts of administrators, sums. Sign with --note."""
    with _reading(folder) as database:
        since = database.execute(_LAST, ("log",)).fetchone()[0] or ""
        counts = dict(database.execute(_SINCE, (since,)).fetchall())
        equations = accounts(database)
    _read(folder, "log", token)
    wrong = [one.name for one in equations if one.holds is False]
    if not as_json:
        click.echo(f"since {since or 'the first record'}; sums that do not hold: {', '.join(wrong) or 'none'}")
        print_table(("what", "how often"), sorted(counts.items()))
    findings = sum(count for what, count in counts.items() if what.startswith("finding"))
    _sign(folder, "log", {"findings": findings, "sums_wrong": len(wrong)}, note, token, as_json=as_json)


@review.command(
    epilog="\b\nExamples:\n  affidavit review masking --sample 59\n  affidavit review masking --marks marks.json --note 'a sample of the quarter'"
)
@click.option(
    "--sample",
    type=click.IntRange(1, 1000),
    default=59,
    show_default=True,
    help="How many records; 59 without a miss bound the rate below 5 %.",
)
@click.option("--seed", default="", help="Words that draw the sample, together with the log's root.")
@click.option("--root", default="", help="The signed root that drew the sample, as --json printed it; else the newest.")
@click.option(
    "--marks",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help='Your marks as JSON, {"ex_…": misses}, for all of the sample; else you are asked one by one.',
)
@note_option()
@token_option(_MINE)
@json_option()
@state_option()
def masking(
    *,
    folder: StateFolder,
    sample: int,
    seed: str,
    root: str,
    marks: Path | None,
    note: str,
    token: str | None,
    as_json: bool,
) -> None:
    """A seeded sample of real records, masked as they are: mark what should have been masked and was not. Says the rate and its upper 95 % bound."""
    with _reading(folder) as database:
        root, size = _signed(database, root)
        drawn = [one.name for one in draw(_ids(database, size), seed, root, sample)]
        if not drawn:
            raise Failed("there is no record to look at", "affidavit sessions")
        texts = {name: readings.contents(database, name)["messages"] for name in drawn}
    _read(folder, "masking", token)
    misses = _marks(marks, drawn) if marks else _ask(texts) if not as_json else None
    if misses is None:
        print_json({"seed": seed, "root": root, "sample": drawn})
        return
    missed = sum(count > 0 for count in misses.values())
    bound = upper_bound(missed, len(drawn))
    if not as_json:
        click.echo(
            f"{missed} of {len(drawn)} records have a miss ({sum(misses.values())} values): {missed / len(drawn):.1%}; with 95 % confidence below {bound:.1%}"
        )
    result = {
        "looked_at": len(drawn),
        "records_with_a_miss": missed,
        "values_missed": sum(misses.values()),
        "upper_95_per_million": round(bound * 1e6),
    }
    _sign(
        folder,
        "masking",
        result,
        note or (f"sample of {len(drawn)}, seed {seed!r}" if marks or not as_json else ""),
        token,
        as_json=as_json,
    )


# -- inside -------------------------------------------------------------------------------------------------------------


def _reading(folder: StateFolder) -> Any:
    folder.check()
    return reader(folder.database)


def _signed(database: Connection, root: str) -> tuple[str, int]:
    """The root, in hex, and size of the newest checkpoint; or of the one that has this root."""
    checkpoints = database.execute("SELECT note FROM checkpoints ORDER BY size DESC")
    for checkpoint in (Checkpoint.unverified(note) for (note,) in checkpoints):
        if root in ("", checkpoint.root.hex()):
            return checkpoint.root.hex(), checkpoint.size
    raise Failed(
        f"--root {root[:16]}…: no checkpoint of this store has it", "affidavit review masking --json prints one"
    )


def _ids(database: Connection, size: int) -> Iterator[str]:
    """Exchanges with a message that the checkpoint covers, so that a sample can be drawn again later."""
    query = "SELECT id FROM exchanges WHERE request_node IS NOT NULL AND opened_seq < ? ORDER BY opened_seq"
    return (row[0] for row in database.execute(query, (size,)))


def _read(folder: StateFolder, what: str, token: str | None) -> None:
    reach.ask(
        folder,
        "POST",
        "/reads",
        body={"what": f"review {what}", "id": what, "purpose": f"review of {what}"},
        token=token or "",
    )


def _sign(
    folder: StateFolder, subject: str, result: Mapping[str, int], note: str, token: str | None, *, as_json: bool
) -> None:
    if not note:
        if as_json:
            print_json({"review": subject, "result": dict(result), "signed": False})
        else:
            click.echo("not signed: say what you found with --note, under your own --token")
        return
    told = reach.ask(
        folder, "POST", "/reviews", body={"review": subject, "result": dict(result), "note": note}, token=token or ""
    )
    if as_json:
        print_json({**told, "result": dict(result), "signed": True})
    else:
        click.echo(one_line(f"review of {subject} signed by {told['reviewed_by']}, leaf {told['seq']}"))


def _marks(path: Path, drawn: list[str]) -> dict[str, int]:
    try:
        said = json.loads(path.read_text("utf-8"))
        misses = {name: int(said[name]) for name in drawn}
    except (ValueError, KeyError, TypeError) as fault:
        raise Failed(
            f"{path}: expected a number of misses for each of the {len(drawn)} records ({type(fault).__name__}: {fault})",
            "affidavit review masking --json prints the sample",
        ) from fault
    if min(misses.values()) < 0:
        raise Failed(f"{path}: expected no number below 0", "affidavit review masking --json prints the sample")
    return misses


def _ask(texts: Mapping[str, list[readings.Row]]) -> dict[str, int]:
    misses = {}
    for number, (name, messages) in enumerate(texts.items(), 1):
        click.echo(click.style(f"-- {number} of {len(texts)}: {name}", bold=True))
        for row in messages:
            click.echo(f"{row['direction']} {row['role']}: {harmless(row['content'] or '')}")
        misses[name] = click.prompt(
            "How many values here should have been masked and are not?", type=click.IntRange(0), default=0
        )
    return misses
