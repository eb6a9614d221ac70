"""`affidavit approvals`: what waits for a decision, deciding it, and its receipt. Whoever decides proves who they are with their own token."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click

from addons.console.state import StateFolder
from scripts import seen
from scripts.options import gateway_option, json_option, state_option, token_option
from scripts.remote import Remote
from scripts.terminal import harmless, one_line, print_json, print_table

STATES = ("pending", "unreviewed", "approved", "denied", "expired", "cancelled", "all")
MINE = "Your own gateway token: who you are."
TOLD_APART = {"votes", "also", "shown", "review"}
REASON = "One sentence; it becomes part of the evidence."


@click.group()
def approvals() -> None:
    """What waits for a decision: list, show, approve, deny, revoke, review, watch; stand in for others; receipts."""


@approvals.command("list", epilog="\b\nExample:\n  affidavit approvals list --only all --json")
@click.option("--only", "wanted", type=click.Choice(STATES), default="pending", show_default=True, help="Which ones.")
@token_option("With your own token, the list says which of them you may decide.")
@json_option()
@gateway_option()
@state_option()
def list_(*, folder: StateFolder, gateway: str, wanted: str, token: str | None, as_json: bool) -> None:
    """Those that wait, oldest first."""
    rows = Remote(gateway, folder).ask("GET", "/approvals", query={"state": wanted}, token=token or "")["approvals"]
    if as_json:
        print_json(rows)
        return
    print_table(
        ("id", "rule", "requester", "grade", "state", "for", "until", "you"),
        (
            (
                row["id"],
                row["rule"],
                row["requester"],
                row.get("grade") or "",
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
@gateway_option()
@state_option()
def show(
    *, folder: StateFolder, gateway: str, approval_id: str, content: bool, token: str | None, as_json: bool
) -> None:
    """One approval with its votes, and the call that waits for it."""
    row = Remote(gateway, folder).ask("GET", f"/approvals/{approval_id}", token=token or "")
    if as_json:
        print_json(row)
        return
    for name, value in row.items():
        if name not in TOLD_APART and value not in (None, "", [], False):
            click.echo(one_line(f"{name:15} {', '.join(map(str, value)) if isinstance(value, list) else value}"))
    for also in row.get("also", ()):
        click.echo(one_line(f"and             {also['count']} of {', '.join(also['groups'])}"))
    for vote in row.get("votes", ()):
        click.echo(
            one_line(
                f"vote            {vote['approver']} {vote['verdict']} at {vote['at']}: {vote['reason']}{_remarks(vote)}"
            )
        )
    if review := row.get("review"):
        found = "justified" if review["justified"] else "not justified"
        click.echo(one_line(f"review          {review['by']} at {review['at']}: {found}: {review['reason']}"))
    for held in row.get("shown", ()) if content else ():
        click.echo(one_line(f"held tool call  {held['name']}" if held["name"] else "held text"))
        click.echo(harmless(held["text"]))
    if content and gateway:
        click.echo(one_line(f"what was asked: {gateway.rstrip('/')}/approvals/{row['id']}"))
    elif content and row["exchange_id"]:
        from scripts.show import show_one  # noqa: PLC0415 -- only where content is asked for

        click.echo()
        show_one(folder, row["exchange_id"], token=token or "", purpose=f"approval {approval_id}", as_json=False)


@approvals.command(
    epilog='\b\nExamples:\n  affidavit approvals approve ap_018f2a6c-… --reason "ticket 4711, agreed with the data owner"\n'
    '  affidavit approvals approve ap_018f2a6c-… --reason "migration tonight" --minutes 30'
)
@click.argument("approval_id")
@click.option("--reason", required=True, help=REASON)
@click.option(
    "--session",
    is_flag=True,
    help="Also the next calls of this conversation under this rule, where the rule allows that.",
)
@click.option("--minutes", type=click.IntRange(1), help="Also other calls of this person under this rule, for so long.")
@click.option("--break-glass", is_flag=True, help="Alone, in an emergency: it is flagged, and reviewed later.")
@token_option(MINE)
@json_option()
@gateway_option()
@state_option()
def approve(
    *,
    folder: StateFolder,
    gateway: str,
    approval_id: str,
    reason: str,
    session: bool,
    minutes: int | None,
    break_glass: bool,
    token: str | None,
    as_json: bool,
) -> None:
    """Let the call go on, once, as it was asked; or more, with --session or --minutes."""
    if session and minutes:
        raise click.UsageError("--session and --minutes: one of the two")
    more: dict[str, Any] = {"scope": "minutes", "minutes": minutes} if minutes else {}
    more |= {"scope": "session"} if session else {}
    more |= {"break_glass": True} if break_glass else {}
    _decide(folder, gateway, approval_id, "approve", {"reason": reason} | more, token, as_json=as_json)


@approvals.command(epilog='\b\nExample:\n  affidavit approvals deny ap_018f2a6c-… --reason "production data"')
@click.argument("approval_id")
@click.option("--reason", required=True, help="One sentence; it becomes part of the evidence.")
@token_option(MINE)
@json_option()
@gateway_option()
@state_option()
def deny(*, folder: StateFolder, gateway: str, approval_id: str, reason: str, token: str | None, as_json: bool) -> None:
    """Refuse the call; the same request is refused again until the approval's time is up."""
    _decide(folder, gateway, approval_id, "deny", {"reason": reason}, token, as_json=as_json)


@approvals.command(epilog="\b\nExample:\n  affidavit approvals revoke ap_018f2a6c-…")
@click.argument("approval_id")
@token_option(MINE)
@gateway_option()
@state_option()
def revoke(*, folder: StateFolder, gateway: str, approval_id: str, token: str | None) -> None:
    """Take an approval back: what it still would let through is not let through any more."""
    row = Remote(gateway, folder).ask("POST", f"/approvals/{approval_id}/revoke", token=token or "")
    click.echo(one_line(f"{row['approval_id']} is revoked"))


@approvals.command(
    epilog='\b\nExample:\n  affidavit approvals review ap_018f2a6c-… --justified --reason "incident 12, checked the statement"'
)
@click.argument("approval_id")
@click.option("--justified/--not-justified", required=True, default=None, help="What you found.")
@click.option("--reason", required=True, help=REASON)
@token_option(MINE)
@json_option()
@gateway_option()
@state_option()
def review(
    *,
    folder: StateFolder,
    gateway: str,
    approval_id: str,
    justified: bool,
    reason: str,
    token: str | None,
    as_json: bool,
) -> None:
    """Look again at what was approved by breaking the glass."""
    body = {"reason": reason, "justified": justified}
    row = Remote(gateway, folder).ask("POST", f"/approvals/{approval_id}/review", body=body, token=token or "")
    if as_json:
        print_json(row)
    else:
        click.echo(one_line(f"{row['id']} is reviewed by {row['review']['by']}"))


@approvals.command(
    epilog="\b\nExamples:\n  affidavit approvals receipt ap_018f2a6c-… > receipt.txt\n  affidavit verify receipt.txt"
)
@click.argument("approval_id")
@click.option("--all", "every", is_flag=True, help="Of every vote and use, not only the newest.")
@token_option("Of another machine's gateway: who you are.")
@json_option()
@gateway_option()
@state_option()
def receipt(
    *, folder: StateFolder, gateway: str, approval_id: str, every: bool, token: str | None, as_json: bool
) -> int:
    """The signed record of a decision, which anybody can check without us. Exit 1 where nothing was decided yet."""
    found = Remote(gateway, folder).ask("GET", f"/approvals/{approval_id}/receipts", token=token or "")
    if as_json:
        print_json(found)
    for note in found["receipts"] if every else found["receipts"][-1:]:
        if not as_json:
            click.echo(note, nl=False)
    return 0 if found["receipts"] else 1


@approvals.command(
    epilog='\b\nExamples:\n  affidavit approvals delegate --group data-owners --to "https://idp.example|carol" --hours 8\n'
    '  affidavit approvals delegate --group data-owners --to "https://idp.example|carol" --end'
)
@click.option("--group", required=True, help="One of your own groups.")
@click.option(
    "--to", required=True, metavar="ISSUER|SUBJECT", help="Who stands in for you; `affidavit whoami` shows it."
)
@click.option("--hours", type=click.IntRange(1, 720), default=8, show_default=True, help="For how long.")
@click.option("--end", is_flag=True, help="Take it back now.")
@token_option(MINE)
@gateway_option()
@state_option()
def delegate(
    *, folder: StateFolder, gateway: str, group: str, to: str, hours: int, end: bool, token: str | None
) -> None:
    """Let another person decide in your name: for a group of yours, for some hours, and never what you ask for yourself."""
    if end:
        found = Remote(gateway, folder).ask(
            "POST", "/delegations/end", body={"group": group, "to": to}, token=token or ""
        )
        click.echo(f"{len(found['delegations'])} ended")
        return
    row = Remote(gateway, folder).ask(
        "POST", "/delegations", body={"group": group, "to": to, "seconds": hours * 3600}, token=token or ""
    )
    click.echo(one_line(f"{row['to']} may decide for {row['group']} until {row['ends_at']}"))


@approvals.command(
    epilog="\b\nExamples:\n  affidavit approvals watch\n"
    '  affidavit approvals watch --json | while read -r line; do notify-send Affidavit "$line"; done'
)
@click.option("--bell/--no-bell", default=True, help="Ring the terminal's bell for each call that begins to wait.")
@token_option("Of another machine's gateway: who you are.")
@json_option()
@gateway_option()
@state_option()
def watch(*, folder: StateFolder, gateway: str, bell: bool, token: str | None, as_json: bool) -> None:
    """What waits now, then each change, until the gateway stops. With --json: one object a line, and no bell."""
    import json  # noqa: PLC0415 -- only here

    rung: set[str] = set()
    for row in Remote(gateway, folder).watch(token or ""):
        if as_json:
            click.echo(json.dumps(row, ensure_ascii=True))
            continue
        if bell and row["state"] == "pending" and row["id"] not in rung:
            rung.add(row["id"])
            click.echo("\a", nl=False)
        people = ", ".join(row["missing_groups"] or row["groups"])
        click.echo(
            one_line(f"{row['state']:9} {row['id']}  {row['rule']}  {row['requester']}  for {people}  {_until(row)}")
        )


@approvals.command(epilog="\b\nExample:\n  affidavit approvals why ex_018f2a6c-…")
@click.argument("exchange_id")
@token_option(MINE)
@json_option()
@gateway_option()
@state_option()
def why(*, folder: StateFolder, exchange_id: str, gateway: str, token: str | None, as_json: bool) -> None:
    """Rule by rule, what decided a recorded call and why: the rules of its time, asked again of the masked record."""
    found = Remote(gateway, folder).ask("GET", f"/exchanges/{exchange_id}/why", token=token or "")
    if as_json:
        print_json(found)
        return
    print_table(
        ("rule", "of the", "then", "", "because"),
        ((row["rule"], row["direction"], row["then"], _became(row), "; ".join(row["why"])) for row in found["rules"]),
    )


def _became(row: dict[str, Any]) -> str:
    if not row["reached"]:
        return "not reached"
    return "fits" if row["fits"] else "does not fit"


def _decide(
    folder: StateFolder,
    gateway: str,
    approval_id: str,
    verdict: str,
    body: dict[str, Any],
    token: str | None,
    *,
    as_json: bool,
) -> None:
    if not gateway and (said := seen.look_at(folder)):
        click.echo(f"note: {said}", err=True)
    row: dict[str, Any] = Remote(gateway, folder).ask(
        "POST", f"/approvals/{approval_id}/{verdict}", body=body, token=token or ""
    )
    if as_json:
        print_json(row)
        return
    still = f"; {row['missing']} more must agree, of {', '.join(row['missing_groups'])}" if row["missing"] else ""
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


def _remarks(vote: dict[str, Any]) -> str:
    found = [
        f"{vote['grade']} identity" if vote.get("grade") else "",
        "the token was made by who made the requester's" if vote["same_minter"] else "",
        f"for {vote['on_behalf_of']}" if vote.get("on_behalf_of") else "",
        "by breaking the glass" if vote.get("broke_glass") else "",
        "does not count: their rights ended" if vote.get("lapsed") else "",
    ]
    told = ", ".join(filter(None, found))
    return f" ({told})" if told else ""
