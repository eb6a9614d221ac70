"""`affidavit show`: an exchange or a session as a timeline in the terminal. That it was read is recorded before anything is shown."""

from __future__ import annotations

import textwrap
from typing import Any

import click

from addons.console import reach, readings
from addons.console.state import StateFolder
from addons.evidence.store import Store
from addons.providers.call import LinkReason
from scripts.options import json_option, state_option, token_option
from scripts.terminal import Failed, harmless, one_line, print_json

SHOWN_CHARACTERS = 2000
EXAMPLES = """\b
Examples:
  affidavit show se_018f2a6c-…
  affidavit show ex_018f2a6c-… --full --purpose "incident 12"
"""


@click.command(epilog=EXAMPLES)
@click.argument("record_id")
@click.option("--full", is_flag=True, help=f"Whole texts, not the first {SHOWN_CHARACTERS} characters of each.")
@click.option("--purpose", default="", help="Why you read it; goes into the record of the reading.")
@token_option("Your own token: the record then names you, not only the operating system's user.")
@json_option()
@state_option()
def show(*, folder: StateFolder, record_id: str, full: bool, purpose: str, token: str | None, as_json: bool) -> None:
    """What was asked, answered, called, masked and allowed: of an exchange (ex_…) or a session (se_…)."""
    show_one(folder, record_id, token=token or "", purpose=purpose, as_json=as_json, full=full)


def show_one(
    folder: StateFolder, record_id: str, *, token: str, purpose: str, as_json: bool, full: bool = False
) -> None:
    """Records the reading, then prints."""
    kind = {"ex": "exchange", "se": "session"}.get(record_id.partition("_")[0])
    if kind is None:
        raise click.UsageError(f"{record_id!r}: expected the id of an exchange (ex_…) or of a session (se_…)")
    with Store.reader(folder.database) as database:
        found = _exchanges(database, kind, record_id)
    if not found:
        raise Failed(f"no {kind} {record_id} is in the store", "affidavit sessions")
    reach.ask(folder, "POST", "/reads", body={"what": kind, "id": record_id, "purpose": purpose}, token=token)
    with Store.reader(folder.database) as database:
        timeline = [
            exchange | readings.contents(database, exchange["id"]) for exchange in _exchanges(database, kind, record_id)
        ]
    if as_json:
        print_json(timeline)
        return
    said: list[Any] = []
    for exchange in timeline:
        _print_exchange(exchange, said, None if full else SHOWN_CHARACTERS)
        said = exchange["messages"]


def _exchanges(database: Any, kind: str, record_id: str) -> list[readings.Row]:
    if kind == "session":
        return readings.exchanges_of(database, record_id)
    exchange = readings.exchange(database, record_id)
    return [] if exchange is None else [exchange]


def _print_exchange(exchange: readings.Row, said: list[Any], shown: int | None) -> None:
    click.echo(click.style(one_line(_head(exchange)), bold=True))
    messages = exchange["messages"]
    known = _common(said, messages)
    if known:
        click.echo(f"  ({known} parts of history as before)")
    for message in messages[known:]:
        _print_message(message, shown)
    for command in exchange["commands"]:
        click.echo(
            click.style(
                one_line(
                    f"  command   {command['language']} {command['verb']} {command['objects']} ({command['evidence']}{': ' + command['outcome'] if command['outcome'] else ''})"
                ),
                fg="yellow",
            )
        )
    for masked in exchange["maskings"]:
        click.echo(
            click.style(
                one_line(
                    f"  masked    {masked['count'] or 1} {masked['entity']} at {masked['location']} ({masked['action']}, provider got: {masked['wire']})"
                ),
                fg="magenta",
            )
        )
    for approval in exchange["approvals"]:
        decided = f" by {approval['approver']}: {approval['reason']}" if approval["approver"] else ""
        click.echo(
            click.style(
                one_line(f"  approval  {approval['id']} {approval['rule']} {approval['state']}{decided}"), fg="cyan"
            )
        )
    click.echo(click.style(one_line(_foot(exchange)), dim=True))
    click.echo()


def _print_message(message: readings.Row, shown: int | None) -> None:
    arrow = ">" if message["direction"] == "request" else "<"
    name = " ".join(
        part
        for part in (
            message["role"],
            message["kind"] if message["kind"] != "text" else "",
            message["name"],
            message["call_id"],
        )
        if part
    )
    click.echo(click.style(one_line(f"  {arrow} {name}"), fg="green" if arrow == ">" else "blue"))
    text = message["content"] or ""
    cut = f"\n… {len(text) - shown} more characters: --full" if shown is not None and len(text) > shown else ""
    click.echo(textwrap.indent(harmless(text[:shown]) + cut, "    │ ", predicate=lambda _: True))


def _head(exchange: readings.Row) -> str:
    who = f"{exchange['subject']}{' for ' + exchange['purpose'] if exchange['purpose'] else ''}"
    return f"{exchange['opened_at']}  {exchange['id']}  {who}  {exchange['connection']} {exchange['request_model'] or exchange['path'] or ''}"


def _link(exchange: readings.Row) -> str:
    """Why it belongs to its session."""
    reason = exchange["link_reason"]
    if reason not in set(LinkReason) or not LinkReason(reason).certainty:
        return ""
    return f"{LinkReason(reason).certainty} link: {reason}"


def _foot(exchange: readings.Row) -> str:
    """How it ended, as far as it is known."""
    facts = (
        exchange["outcome"] or "still open",
        f"HTTP {exchange['http_status']}" if exchange["http_status"] else "",
        exchange["error"] or "",
        f"{exchange['input_tokens']} tokens in" if exchange["input_tokens"] is not None else "",
        f"{exchange['output_tokens']} out" if exchange["output_tokens"] is not None else "",
        f"{exchange['duration_ms']} ms" if exchange["duration_ms"] is not None else "",
        f"grade {exchange['grade']}" if exchange["grade"] else "",
        "metadata only: no content of this connection is kept" if exchange["visibility"] else "",
        _link(exchange),
    )
    return "  = " + ", ".join(fact for fact in facts if fact)


def _common(before: list[Any], now: list[Any]) -> int:
    """How many parts at the start are the same: history is sent again with every turn."""
    same = ("role", "kind", "name", "call_id", "content")
    count = 0
    for old, new in zip(before, now, strict=False):
        if any(old[name] != new[name] for name in same):
            break
        count += 1
    return count
