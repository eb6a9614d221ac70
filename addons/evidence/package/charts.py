"""Counts over time as inline SVG: stacked bars, no script, readable in print and without colour. Not the counts (figures.py)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from markupsafe import Markup, escape

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 940, 190, 56, 24, 10
_MOST_BARS = 124
_COLOURS = ("var(--c1)", "var(--c2)", "var(--c3)", "var(--c4)", "var(--c5)", "var(--c6)", "var(--c7)", "var(--c8)")

_UNITS: tuple[tuple[str, Callable[[date], date]], ...] = (
    ("day", lambda day: day),
    ("week", lambda day: day - timedelta(days=day.weekday())),
    ("month", lambda day: day.replace(day=1)),
)

Days = Mapping[str, Mapping[str, int]]  # day -> series -> count


@dataclass(frozen=True, slots=True)
class Chart:
    title: str
    svg: Markup
    series: tuple[tuple[str, str, int], ...]  # name, colour, total
    unit: str  # day, week or month


def chart(title: str, days: Days, series: Sequence[str]) -> Chart | None:
    """Days without anything are there as gaps, so that a silence shows. None where there is nothing at all."""
    if not days:
        return None
    unit, bars = _bars(days)
    used = [name for name in series if any(name in counts for counts in days.values())]
    colours = dict(zip(series, _COLOURS, strict=False))
    totals = [(name, colours[name], sum(counts.get(name, 0) for counts in days.values())) for name in used]
    return Chart(title, _svg(title, bars, [(name, colours[name]) for name in used]), tuple(totals), unit)


def _bars(days: Days) -> tuple[str, list[tuple[str, Mapping[str, int]]]]:
    first, last = date.fromisoformat(min(days)), date.fromisoformat(max(days))
    count = (last - first).days + 1
    for unit, name in _UNITS:
        merged: dict[str, dict[str, int]] = {}
        for offset in range(count):
            day = first + timedelta(days=offset)
            bar = merged.setdefault(name(day).isoformat(), {})
            for series, number in days.get(day.isoformat(), {}).items():
                bar[series] = bar.get(series, 0) + number
        if len(merged) <= _MOST_BARS or unit == "month":
            break
    return unit, list(merged.items())


def _svg(title: str, bars: list[tuple[str, Mapping[str, int]]], series: list[tuple[str, str]]) -> Markup:
    most = max((sum(counts.values()) for _, counts in bars), default=0) or 1
    step = (_WIDTH - _LEFT) / len(bars)
    tall = _HEIGHT - _BOTTOM - _TOP
    shapes = []
    for part in (0, 0.5, 1):
        y = _TOP + tall * (1 - part)
        shapes.append(f'<line x1="{_LEFT}" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>')
        if most > 1 or part != 0.5:
            shapes.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{round(most * part):,}</text>')
    for number, (name, counts) in enumerate(bars):
        below = 0.0
        x, width = _LEFT + number * step, min(46.0, max(0.8, step - min(3, step / 4)))
        label = ", ".join(f"{counts[one]:,} {one}" for one, _ in series if counts.get(one))
        pieces = []
        for one, colour in series:
            if counts.get(one):
                height = tall * counts[one] / most
                pieces.append(
                    f'<rect x="{x:.1f}" y="{_TOP + tall - below - height:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}"/>'
                )
                below += height
        if pieces:
            shapes.append(f"<g><title>{escape(name)}: {escape(label)}</title>{''.join(pieces)}</g>")
    marks = range(0, len(bars), max(1, len(bars) // 8))
    shapes += [
        f'<text x="{_LEFT + number * step:.1f}" y="{_HEIGHT - 6}">{escape(bars[number][0])}</text>'
        for number in marks
        if len(bars) - number > len(bars) // 16 or number == 0
    ]
    return Markup(  # noqa: S704 everything in it was escaped or is a number
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">{"".join(shapes)}</svg>'
    )
