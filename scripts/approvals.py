"""`affidavit approvals`: what waits for a decision, and deciding it. Whoever decides proves who they are with their own token."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click

from addons.console import reach
from addons.console.state import StateFolder
from scripts.options import json_option, state_option, token_option
from scripts.terminal import one_line, print_json, print_table

STATES = ("pending", "approved", "denied", "expired", "cancelled", "all")
MINE = "Your own gateway token: who you are."


@click.group()
def approvals() -> None:
    """What waits for a decision: list, show, approve, deny, watch."""


@approvals.command("list", epilog="\b\nExample:\n  affidavit approvals list --only all --json")
@click.option("--only", "wanted", type=click.Choice(STATES), default="pending", show_default=True, help="Which ones.")
@token_option("With your own token, the list says which of them you may decide.")
@json_option()
@state_option()
def list_(*, folder: StateFolder, wanted: str, token: str | None, as_json: bool) -> None:
    """Those that wait, oldest first."""
    rows = reach.ask(folder, "GET", "/approvals", query={"state": wanted}, token=token or "")["approvals"]
    if as_json:
        print_json(rows)
        return
    print_table(
        ("id", "rule", "requester", "state", "for", "until", "you"),
        (
            (
                row["id"],
                row["rule"],
                row["requester"],
                row["state"],
                ", ".join(row.get("groups", ())),
                _until(row),
                "may decide" if row.get("mine") else "",
            )
            for row in rows
        ),
    )


@approvals.command(epilog="\b\nExample:\n  affidavit approvals show ap_018f2a6c-…")
@click.argument("approval_id")
@click.option("--content/--no-content", default=True, help="Also what was asked, masked; that it was read is recorded.")
@token_option(MINE)
@json_option()
@state_option()
def show(*, folder: StateFolder, approval_id: str, content: bool, token: str | None, as_json: bool) -> None:
    """One approval with its votes, and the call that waits for it."""
    row = reach.ask(folder, "GET", f"/approvals/{approval_id}")
    if as_json:
        print_json(row)
        return
    for name, value in row.items():
        if name != "votes":
            click.echo(one_line(f"{name:15} {', '.join(value) if isinstance(value, list) else value}"))
    for vote in row.get("votes", ()):
        click.echo(
            one_line(
                f"vote            {vote['approver']} {vote['verdict']} at {vote['at']}: {vote['reason']}{_minter(vote)}"
            )
        )
    if content and row["exchange_id"]:
        from scripts.show import show_one  # noqa: PLC0415 -- only where content is asked for

        click.echo()
        show_one(folder, row["exchange_id"], token=token or "", purpose=f"approval {approval_id}", as_json=False)


@approvals.command(
    epilog='\b\nExample:\n  affidavit approvals approve ap_018f2a6c-… --reason "ticket 4711, agreed with the data owner"'
)
@click.argument("approval_id")
@click.option("--reason", required=True, help="One sentence; it becomes part of the evidence.")
@token_option(MINE)
@json_option()
@state_option()
def approve(*, folder: StateFolder, approval_id: str, reason: str, token: str | None, as_json: bool) -> None:
    """Let the call go on, once, as it was asked."""
    _decide(folder, approval_id, "approve", reason, token, as_json=as_json)


@approvals.command(epilog='\b\nExample:\n  affidavit approvals deny ap_018f2a6c-… --reason "production data"')
@click.argument("approval_id")
@click.option("--reason", required=True, help="One sentence; it becomes part of the evidence.")
@token_option(MINE)
@json_option()
@state_option()
def deny(*, folder: StateFolder, approval_id: str, reason: str, token: str | None, as_json: bool) -> None:
    """Refuse the call; the same request is refused again until the approval's time is up."""
    _decide(folder, approval_id, "deny", reason, token, as_json=as_json)


@approvals.command(
    epilog='\b\nExample:\n  affidavit approvals watch --json | while read -r line; do notify-send Affidavit "$line"; done'
)
@json_option()
@state_option()
def watch(*, folder: StateFolder, as_json: bool) -> None:
    """What waits now, then each change, until the gateway stops. With --json: one object a line."""
    import json  # noqa: PLC0415 -- only here

    for row in reach.watch(folder):
        if as_json:
            click.echo(json.dumps(row, ensure_ascii=True))
        else:
            click.echo(
                one_line(
                    f"{row['state']:9} {row['id']}  {row['rule']}  {row['requester']}  for {', '.join(row['groups'])}  {_until(row)}"
                )
            )


def _decide(
    folder: StateFolder, approval_id: str, verdict: str, reason: str, token: str | None, *, as_json: bool
) -> None:
    row: dict[str, Any] = reach.ask(
        folder, "POST", f"/approvals/{approval_id}/{verdict}", body={"reason": reason}, token=token or ""
    )
    if as_json:
        print_json(row)
        return
    still = f"; {row['missing']} more must agree" if row["missing"] else ""
    click.echo(one_line(f"{row['id']} is {row['state']}{still}"))
    if row["same_minter"]:
        click.echo(
            "finding: one person made both the requester's and the approver's token; the record says so", err=True
        )


def _until(row: dict[str, Any]) -> str:
    """Seconds left for what waits; when it was decided for what does not."""
    if row["state"] != "pending":
        return str(row.get("decided_at") or "")
    left = datetime.fromisoformat(row["expires_at"]) - datetime.now(UTC)
    return f"{max(0, int(left.total_seconds()))} s left"


def _minter(vote: dict[str, Any]) -> str:
    return " (the token was made by who made the requester's)" if vote["same_minter"] else ""
