"""START-HERE.html, for whoever opens the package first, and the page of each sample. No script, nothing from outside. Not the figures (figures.py).

Everything that strangers wrote is escaped by jinja2, and control characters and bidirectional overrides in it are shown as what they
are: a name must not be able to turn the line that it stands in.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from addons.evidence.accounting import Equation
from addons.evidence.package.figures import LONGEST, Figures
from addons.evidence.package.gateways import Other
from addons.evidence.package.plain import plain_line, plain_text
from addons.evidence.package.samples import SHOWN_CHARACTERS, Sample
from addons.evidence.package.scope import Scope
from addons.evidence.package.sheets import ControlResult

_TEMPLATES = Path(__file__).with_name("templates")
_SHOWN_CHARACTERS = 400
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")

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


@dataclass(frozen=True, slots=True)
class MaskingRun:
    """Planted values that were sent through a gateway with the rules in force, and how many of them were nowhere in what it wrote."""

    made_at: str
    policy_digest: str
    planted: int
    hidden: int


@dataclass(frozen=True, slots=True)
class Shown:
    """All that START-HERE.html is made of."""

    found: Figures
    vkey: str
    equations: tuple[Equation, ...]
    controls: tuple[ControlResult, ...]
    samples: tuple[Sample, ...]
    scope: Scope
    seed: str
    root: str
    left_out: int  # exchanges of the period that a narrower choice left out
    history: tuple[list[Any], ...]  # rows of policies/history.csv
    others: tuple[Other, ...]  # other gateways that the register names
    masking_run: MaskingRun | None = None


def page(shown: Shown) -> str:
    """The page, whole."""
    found = shown.found
    return (
        _environment()
        .get_template("start_here.html")
        .render(
            found.lists,
            shown=shown,
            origin=found.package["origin"],
            since=found.package["since"],
            until=found.package["until"],
            vkey=shown.vkey,
            counts=found.counts,
            first_at=found.first_at,
            last_at=found.last_at,
            newest_at=found.newest_at,
            checkpoint=found.checkpoint,
            horizon=found.horizon,
            checkpoint_at=found.lists["checkpoints"][0]["at"] if found.checkpoint else "",
            coverage=found.coverage,
            charts=found.charts,
            meaning=_MEANING,
            statuses=Counter(control.status for control in shown.controls),
            longest=LONGEST,
        )
    )


def sample_page(sample: Sample, seed: str, root: str, size: int, vkey: str) -> str:
    """samples/S-001.html."""
    return (
        _environment()
        .get_template("sample.html")
        .render(sample=sample, x=sample.exchange, seed=seed, root=root, size=size, vkey=vkey, cut=SHOWN_CHARACTERS)
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "thousands": _thousands,
        "shown": _shown,
        "second": _second,
        "said": _said,
        "briefly": _briefly,
        "duration": _duration,
    }
    return environment


def _thousands(number: int | None) -> str:
    return "0" if number is None else f"{number:,}"


def _second(moment: str | None) -> str:
    """To the second: the CSV files have the rest."""
    return "" if not moment else _shown(moment[:19].replace("T", " ") + " Z")


def _duration(seconds: int) -> str:
    days, rest = divmod(seconds, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    parts = [
        f"{number} {unit}" for number, unit in ((days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")) if number
    ]
    return " ".join(parts[:2]) or "0 s"


def _said(text: object) -> str:
    """A message, its line breaks kept."""
    plain = "" if text is None else str(text)
    more = len(plain) - SHOWN_CHARACTERS
    return plain_text(plain[:SHOWN_CHARACTERS]) + (
        f"\n… {more:,} more characters: evidence.sqlite, view messages" if more > 0 else ""
    )


def _briefly(value: object) -> str:
    """A cell of a table that shows what there is: times to the second."""
    return _second(value) if isinstance(value, str) and _TIME.fullmatch(value) else _shown(value)


def _shown(text: object) -> str:
    plain = "" if text is None else str(text)
    cut = plain if len(plain) <= _SHOWN_CHARACTERS else plain[: _SHOWN_CHARACTERS - 1] + "…"
    return plain_line(cut)
