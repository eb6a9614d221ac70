"""START-HERE.html: one page for whoever opens the package first. No script, nothing from outside. Not the figures (figures.py).

Everything that strangers wrote is escaped by jinja2, and control characters and bidirectional overrides in it are shown as what they
are: a name must not be able to turn the line that it stands in.
"""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from addons.evidence.package.figures import LONGEST, Figures
from addons.evidence.package.plain import plain_line

_TEMPLATES = Path(__file__).with_name("templates")
_SHOWN_CHARACTERS = 400

_MEANING = {
    "refused": "not let through: no right, no identity, a bad request",
    "denied": "not let through: a rule or an approver said no",
    "expired": "not let through: nobody decided in time",
    "failed": "the provider or the way to it failed",
    "aborted": "the client left before the end",
    "interrupted": "the gateway stopped in the middle; closed at its next start",
    "open": "under way when this package was made",
    "finding": "something that an operator should look at",
    "identity.refused": "a call whose sender could not be told",
    "connect.refused": "a way out that was not opened",
    "gateway.recovered": "the gateway started after a stop that it did not choose",
    "payload.erased": "content destroyed on purpose",
    "approved_by_same_minter": "approver and requester hold tokens that the same person made",
    "used_without_approval": "completed although its approval does not cover it",
    "trial_grade": "people whose identity is a local one (number of people; exchanges are in exceptions.csv)",
}


def page(found: Figures, vkey: str) -> str:
    """The page, whole."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= {"thousands": _thousands, "shown": _shown, "second": _second}
    return environment.get_template("start_here.html").render(
        found.lists,
        origin=found.package["origin"],
        since=found.package["since"],
        until=found.package["until"],
        vkey=vkey,
        counts=found.counts,
        first_at=found.first_at,
        last_at=found.last_at,
        checkpoint=found.checkpoint,
        checkpoint_at=found.lists["checkpoints"][0]["at"] if found.checkpoint else "",
        meaning=_MEANING,
        longest=LONGEST,
    )


def _thousands(number: int | None) -> str:
    return "0" if number is None else f"{number:,}"


def _second(moment: str | None) -> str:
    """To the second: the CSV files have the rest."""
    return "" if not moment else _shown(moment[:19].replace("T", " ") + " Z")


def _shown(text: object) -> str:
    plain = "" if text is None else str(text)
    cut = plain if len(plain) <= _SHOWN_CHARACTERS else plain[: _SHOWN_CHARACTERS - 1] + "…"
    return plain_line(cut)
