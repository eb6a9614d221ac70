"""A figure with its goal, and the table and the JSON of many. Not the measuring: that is in the files that make rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from rich import box
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Goal:
    unit: str
    must: float | None = None  # None: stated, not judged
    aim: float | None = None
    more_is_better: bool = True
    timed: bool = True  # false: bytes, which a busy machine does not change

    def reached(self, value: float, limit: float | None) -> bool:
        return limit is None or (value >= limit if self.more_is_better else value <= limit)


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    value: float
    unit: str
    must: float | None
    aim: float | None
    met: str  # "aim" | "must" | "missed" | "" (no goal)
    void: str  # why the figure is not to be trusted; "" when it is
    spread: str = ""  # least and most of the rounds
    timed: bool = True

    @property
    def failed(self) -> bool:
        return bool(self.void) or self.met == "missed"


def row(name: str, value: float, goal: Goal, *, void: str = "", spread: str = "") -> Row:
    if goal.must is None and goal.aim is None:
        met = ""
    elif goal.reached(value, goal.aim) and goal.aim is not None:
        met = "aim"
    else:
        met = "must" if goal.reached(value, goal.must) else "missed"
    return Row(name, round(value, 4), goal.unit, goal.must, goal.aim, met, void, spread, goal.timed)


def show(rows: Sequence[Row], console: Console, title: str) -> None:
    table = Table(title=title, box=box.SIMPLE, title_justify="left")
    for column in ("name", "value", "unit", "min – max", "must", "aim", "met"):
        table.add_column(column, justify="right" if column in {"value", "must", "aim"} else "left")
    for each in rows:
        met = "void" if each.void else each.met
        style = "red" if each.failed else "green" if each.met == "aim" else ""
        table.add_row(
            each.name, figure(each.value), each.unit, each.spread, figure(each.must), figure(each.aim), met, style=style
        )
    console.print(table)
    for why in sorted({each.void for each in rows if each.void}):
        console.print(f"void: {why}", style="red")


def figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def as_json(rows: Iterable[Row]) -> str:
    """A list of {name, value, unit, must, aim, met, void}; met and void are true or false."""
    listed = [
        {
            **{k: v for k, v in asdict(each).items() if k not in {"spread", "timed"}},
            "met": each.met != "missed",
            "void": bool(each.void),
            "why_void": each.void,
        }
        for each in rows
    ]
    return json.dumps(listed, indent=1)


def exit_status(rows: Iterable[Row]) -> int:
    return 1 if any(each.failed for each in rows) else 0
