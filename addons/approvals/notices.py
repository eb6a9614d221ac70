"""What people are told elsewhere about approvals: the messages of webhooks, and how they are signed. Pure; nothing is sent here.

    affidavit-timestamp: 1764028800
    affidavit-signature: v1=<hex of HMAC-SHA256(secret, timestamp "." body)>     format json; compare in constant time, refuse old times

Nothing of a payload is in a message unless the webhook says `payload: true`, and then only its masked form. Names and words are
written by strangers: control characters and bidirectional marks are shown as what they are, and nothing in them is markup or a mention.
Sources: Slack, "Formatting text for app surfaces"; Microsoft, "Adaptive Cards schema" 1.4 for Teams workflows (2026-11).
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from addons.approvals.state import Approval, Shown

PAYLOAD_CHARACTERS = 2_000
_LINE_CHARACTERS = 300
# C0 but tab and newline, DEL, C1; line and paragraph separators; bidirectional marks, embeddings, overrides and isolates.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

_TITLES: Mapping[str, str] = {
    "requested": "A call waits for an approval",
    "decided": "An approval was decided",
    "expired": "Nobody decided in time",
    "break_glass": "Approved by breaking the glass: to be reviewed",
    "notify": "A call was let through that a rule tells of",
    "alarm": "A rule holds more calls than expected",
}


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that happened."""

    happening: str  # of policy's Happening
    at: datetime
    rule: str
    requester: str = ""
    purpose: str = ""
    groups: tuple[str, ...] = ()  # who may decide
    approval_id: str = ""
    exchange_id: str = ""
    state: str = ""
    approver: str = ""
    expires_at: datetime | None = None
    why: tuple[str, ...] = ()
    detail: str = ""  # of an alarm
    shown: tuple[Shown, ...] = field(default=(), repr=False)  # masked; sent only where the webhook may


def of_approval(happening: str, approval: Approval, at: datetime) -> Notice:
    return Notice(
        happening=happening,
        at=at,
        rule=approval.rule,
        requester=approval.requester,
        purpose=approval.about.purpose,
        groups=approval.missing_groups or approval.groups,
        approval_id=approval.id,
        exchange_id=approval.exchange_id,
        state=approval.state.value,
        approver=approval.approver,
        expires_at=approval.expires_at,
        why=approval.about.why,
        shown=approval.about.shown,
    )


def message(form: str, notice: Notice, *, link: str, payload: bool) -> bytes:
    """The body to POST. form: slack, teams or json; link: the console's address, "" where there is none."""
    where = f"{link}/approvals/{notice.approval_id}" if link and notice.approval_id else ""
    return json.dumps(_FORMS[form](notice, where, payload), ensure_ascii=False).encode()


def signature(secret: bytes, timestamp: int, body: bytes) -> str:
    return "v1=" + hmac.digest(secret, f"{timestamp}.".encode() + body, "sha256").hex()


def _rows(notice: Notice) -> list[tuple[str, str]]:
    """What is told, by name; what is empty is left out."""
    told = {
        "rule": notice.rule,
        "requester": notice.requester,
        "purpose": notice.purpose,
        "state": notice.state,
        "decided by": notice.approver,
        "may decide": ", ".join(notice.groups) if notice.state == "pending" else "",
        "until": _text(notice.expires_at) if notice.state == "pending" else "",
        "because": "; ".join(notice.why),
        "detail": notice.detail,
        "approval": notice.approval_id,
        "exchange": notice.exchange_id,
    }
    return [(name, harmless(value)[:_LINE_CHARACTERS]) for name, value in told.items() if value]


def _payload(notice: Notice) -> str:
    return harmless("\n".join(f"{one.name}: {one.text}" for one in notice.shown), lines=True)[:PAYLOAD_CHARACTERS]


def _slack(notice: Notice, where: str, payload: bool) -> dict[str, Any]:
    title = _TITLES[notice.happening]
    lines = [f"*{title}*", *(f"{name}: {_escaped(value)}" for name, value in _rows(notice))]
    if payload and notice.shown:
        lines.append("```" + _escaped(_payload(notice)).replace("```", "'''") + "```")
    if where:
        lines.append(f"<{where}|Open it>")
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "\n".join(lines), "verbatim": True}}
    return {"text": f"{title}: {_escaped(notice.rule)}", "blocks": [section]}


def _escaped(text: str) -> str:
    """Slack reads `<!channel>`, `<@U…>` and `<url|text>`; escaped, they are text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _teams(notice: Notice, where: str, payload: bool) -> dict[str, Any]:
    """As an Adaptive Card. Values stand in a FactSet, and words in a monospaced block whose markdown is off."""
    body: list[dict[str, Any]] = [
        {"type": "TextBlock", "text": _TITLES[notice.happening], "weight": "Bolder", "wrap": True},
        {"type": "FactSet", "facts": [{"title": name, "value": _unmarked(value)} for name, value in _rows(notice)]},
    ]
    if payload and notice.shown:
        body.append(
            {
                "type": "RichTextBlock",
                "inlines": [{"type": "TextRun", "text": _payload(notice), "fontType": "Monospace"}],
            }
        )
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4", "body": body,
    }  # fmt: skip
    if where:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Open it", "url": where}]
    return {
        "type": "message",
        "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "content": card}],
    }


def _unmarked(text: str) -> str:
    """Markdown of a card's facts, so that a name is no link and no heading."""
    return re.sub(r"([\\`*\[\]()#>~|<])", r"\\\1", text)


def _json(notice: Notice, where: str, payload: bool) -> dict[str, Any]:
    told = {
        "version": 1,
        "happening": notice.happening,
        "at": _text(notice.at),
        "rule": notice.rule,
        "requester": notice.requester,
        "purpose": notice.purpose,
        "groups": list(notice.groups),
        "approval": notice.approval_id,
        "exchange": notice.exchange_id,
        "state": notice.state,
        "approver": notice.approver,
        "expires_at": _text(notice.expires_at),
        "why": list(notice.why),
        "detail": notice.detail,
        "link": where,
    }
    if payload:
        told["shown"] = [{"name": one.name, "text": one.text[:PAYLOAD_CHARACTERS]} for one in notice.shown]
    return told


_FORMS: Mapping[str, Callable[[Notice, str, bool], dict[str, Any]]] = {"slack": _slack, "teams": _teams, "json": _json}


def harmless(text: str, *, lines: bool = False) -> str:
    """On one line unless `lines`; each control character as its number."""
    shown = _UNSAFE.sub(lambda found: f"<U+{ord(found.group()):04X}>", text)
    return shown if lines else " ".join(shown.split())


def _text(moment: datetime | None) -> str:
    return "" if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")
