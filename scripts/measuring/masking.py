"""What the masks find, miss and cost: over cases of other scanners' own tests, a corpus with planted values, encodings, streams and the worst texts.

Full coverage counts: a value of which one character is left is missed. The peers see the same texts in the same run, where they install.
"""

from __future__ import annotations

import gzip
import json
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from addons.masks.detection import detect
from addons.masks.spans import Span, united
from scripts.measuring import masking_peers, noise
from scripts.measuring.masking_corpus import Document, documents
from scripts.measuring.masking_encodings import ENCODINGS, MEGABYTE, VALUES, WORST, nested, worst
from scripts.measuring.masking_streams import KEY, of_live, of_splits, scope_of
from scripts.measuring.rows import Goal, Row, row
from scripts.proxy import spare_the_collector

CORPUS_BYTES, QUICK_BYTES = 2_000_000, 400_000
TIMINGS = frozenset({"MB/s", "s", "ms"})  # units that another program on the machine changes
PRESIDIO, DENSE = "presidio", "addresses"
Say = Callable[[str], None]
Judged = dict[str, list[tuple[bool, bool]]]


@dataclass(frozen=True, slots=True)
class Case:
    """A line of the cases file. `expected`: ranges in code points that must be hidden whole; none: the text must hold a detection."""

    source: str
    entity: str
    text: str = field(repr=False)
    expected: tuple[tuple[int, int], ...]
    must_match: bool
    prefixed: bool


def measured(path: Path, *, quick: bool, peers: bool, say: Say) -> tuple[list[Row], list[Table]]:
    before, meter = noise.foreign_in_a_second(), noise.Meter((os.getpid(),))
    cases = read(path)
    say(f"{len(cases)} cases")
    rows, tables = of_cases(cases)
    say("the corpus with planted values")
    corpus = list(documents(QUICK_BYTES if quick else CORPUS_BYTES))
    speed, found = of_corpus(corpus)
    rows += found
    say("encodings, streams, worst texts")
    for made in (of_encodings(), of_splits(quick=quick), of_live(corpus[:40]), of_worst(), of_laws(corpus[:40])):
        rows += made[0]
        tables += made[1]
    if peers:
        more = masking_peers.measured(corpus, speed, say)
        rows += more[0]
        tables += more[1]
    why = noise.reason(before, meter.foreign_share((os.getpid(),)))
    return [replace(each, void=why) if why and each.unit in TIMINGS else each for each in rows], tables


def read(path: Path) -> list[Case]:
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode()
    return [_case(json.loads(line)) for line in text.splitlines() if line.strip()]


def _case(said: dict[str, Any]) -> Case:
    expected = tuple(_bare(said["text"], int(start), int(end)) for start, end in said.get("expected") or ())
    return Case(
        said["source"], said["entity"], said["text"], expected, bool(said["must_match"]), bool(said.get("prefixed"))
    )


def _bare(text: str, start: int, end: int) -> tuple[int, int]:
    """The value without the quote, bracket or line end behind it that a scanner's expression takes along."""
    return start, start + len(text[start:end].rstrip("\"'`<>; \t\r\n"))


def found_in(text: str) -> tuple[Span, ...]:
    return detect(text, "", KEY)


def covered(spans: Iterable[Span], expected: Sequence[tuple[int, int]]) -> bool:
    hidden = united(spans)
    if not expected:
        return bool(hidden)
    return all(
        any(span.start <= start and end <= span.end for span in hidden) or _pieced(hidden, start, end)
        for start, end in expected
    )


def _pieced(hidden: Sequence[Span], start: int, end: int) -> bool:
    """Covered by several spans that touch."""
    for span in hidden:
        if span.start <= start < span.end:
            start = span.end
    return start >= end


# -- cases ----------------------------------------------------------------------------------------------------------


def of_cases(cases: Sequence[Case]) -> tuple[list[Row], list[Table]]:
    """Recall: the expected ranges are hidden whole. Typed: by detections of that entity. Both weighted: each entity counts the same."""
    hidden: dict[str, dict[str, list[tuple[bool, bool]]]] = defaultdict(lambda: defaultdict(list))
    wrong: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    prefixed: list[bool] = []
    for case in cases:
        spans = found_in(case.text)
        typed = [span for span in spans if span.entity == case.entity]
        if case.must_match:
            whole = covered(spans, case.expected)
            hidden[case.source][case.entity].append((whole, covered(typed, case.expected) and bool(typed)))
            if case.prefixed:
                prefixed.append(whole)
        else:  # a negative is meant for its entity; a scanner of secrets means that no secret is in it
            wrong[case.source][case.entity].append(bool(typed if is_typed(case.source) else spans))
    table = Table(title="cases: share of what must be hidden, of what is right", box=box.SIMPLE, title_justify="left")
    for column in ("source", "cases", "recall", "by entity", "typed by entity", "precision", "false", "of"):
        table.add_column(column, justify="left" if column == "source" else "right")
    rows: list[Row] = []
    for source in sorted({case.source for case in cases}):
        by_entity, false = hidden[source], wrong[source]
        results = [result for each in by_entity.values() for result in each]
        recall = share(whole for whole, _ in results)
        weighted = mean(share(whole for whole, _ in each) for each in by_entity.values())
        typed_recall = mean(share(typed for _, typed in each) for each in by_entity.values())
        precision = mean(
            _precision(by_entity.get(entity, []), false.get(entity, []), typed=is_typed(source))
            for entity in {*by_entity, *false}
        )
        wrongs = [each for one in false.values() for each in one]
        rows += [
            row(f"recall.{source}", recall, Goal("of cases")),
            row(f"recall_by_entity.{source}", weighted, Goal("of cases")),
            row(f"precision.{source}", precision, Goal("of detections")),
        ]
        if is_typed(source):
            must = 0.90 if source.endswith("context") else 0.95
            rows.append(row(f"typed_recall.{source}", typed_recall, Goal("of cases", must, 0.98)))
        if source == PRESIDIO and wrongs:
            rows.append(
                row("typed_false_positives", share(wrongs), Goal("of negatives", 0.02, 0.01, more_is_better=False))
            )
        figures = (recall, weighted, typed_recall if is_typed(source) else None, precision)
        table.add_row(
            source,
            str(len(results)),
            *("" if one is None else f"{one:.1%}" for one in figures),
            str(sum(wrongs)),
            str(len(wrongs)),
        )
    if prefixed:
        rows.append(row("recall_with_prefix", share(prefixed), Goal("of cases", 0.85, 0.93)))
    return rows, [table, _missed(hidden)]


def is_typed(source: str) -> bool:
    """Whether the source names entities as we do."""
    return source.startswith(PRESIDIO)


def _precision(results: Sequence[tuple[bool, bool]], wrong: Sequence[bool], *, typed: bool) -> float | None:
    right = sum(found[typed] for found in results)
    return right / (right + sum(wrong)) if right + sum(wrong) else None


def _missed(hidden: dict[str, dict[str, list[tuple[bool, bool]]]]) -> Table:
    table = Table(title="kinds that are missed most", box=box.SIMPLE, title_justify="left")
    for column in ("source", "entity", "missed", "of"):
        table.add_column(column)
    missed = [
        (sum(not whole for whole, _ in results), len(results), source, entity)
        for source, by_entity in hidden.items()
        for entity, results in by_entity.items()
    ]
    for count, of, source, entity in sorted(missed, reverse=True)[:15]:
        if count:
            table.add_row(source, entity, str(count), str(of))
    return table


def share(results: Iterable[bool]) -> float:
    listed = list(results)
    return sum(listed) / len(listed) if listed else 0.0


def mean(values: Iterable[float | None]) -> float:
    listed = [value for value in values if value is not None]
    return sum(listed) / len(listed) if listed else 0.0


# -- corpus ---------------------------------------------------------------------------------------------------------


def of_corpus(corpus: Sequence[Document]) -> tuple[float, list[Row]]:
    """MB/s of the engine, and its rows. Each text is new to it; all detectors, decoding on, one core."""
    scope = scope_of()
    size = sum(len(each.text.encode()) for each in corpus)
    began = time.process_time()
    for each in corpus:
        scope.text(each.text)
    taken = time.process_time() - began
    hidden, others, planted = 0, 0, 0
    for each in corpus:
        spans = united(found_in(each.text))
        planted += len(each.planted)
        hidden += sum(covered(spans, [(start, end)]) for start, end, _ in each.planted)
        others += sum(
            not any(start < span.end and span.start < end for start, end, _ in each.planted) for span in spans
        )
    speed = size / 1e6 / taken
    return speed, [
        row("planted_ratio", hidden / planted, Goal("of values", 0.99, 1.0), spread=f"{hidden} of {planted}"),
        row(
            "noise_per_mb",
            others / (size / 1e6),
            Goal("detections/MB", 30, 10, more_is_better=False),
            spread=f"{size / 1e6:.1f} MB",
        ),
        row("masking_mb_s", speed, Goal("MB/s", 8.0, 15.0), spread=f"{size / 1e6:.1f} MB, process time"),
    ]


# -- encodings ------------------------------------------------------------------------------------------------------


def of_encodings() -> tuple[list[Row], list[Table]]:
    """Hardly a letter of the encoded value is left; what the encoding itself adds may stay."""
    table = Table(title="encodings: what gets through", box=box.SIMPLE, title_justify="left")
    for column in ("encoding", "covered", "missed"):
        table.add_column(column)
    good = 0
    for name, encode in ENCODINGS.items():
        missed = [value for value, written in VALUES.items() if not hides(encode, written)]
        good += len(VALUES) - len(missed)
        table.add_row(name, f"{len(VALUES) - len(missed)} of {len(VALUES)}", ", ".join(missed))
    total = len(ENCODINGS) * len(VALUES)
    return [
        row("encodings_ratio", good / total, Goal("of encoded values", 0.90, 0.98), spread=f"{good} of {total}"),
        row("encodings", len(ENCODINGS), Goal("encodings", 25)),
    ], [table]


def hides(encode: Callable[[str], str], value: str) -> bool:
    text, around = encode(value), len(encode(""))
    hidden = sum(span.end - span.start for span in united(found_in(text)))
    return hidden > 0 and hidden >= len(text) - around - 4 - 160 * (around > 60)


# -- worst ----------------------------------------------------------------------------------------------------------


def of_worst() -> tuple[list[Row], list[Table]]:
    """A megabyte each, in a thread as in the gateway, and with its settings; beside it a loop looks at the clock every millisecond."""
    spare_the_collector()
    table = Table(title="a megabyte of the worst", box=box.SIMPLE, title_justify="left")
    for column in ("text", "seconds", "longest stall, ms"):
        table.add_column(column)
    scope, slowest, stalled, dense = scope_of(), 0.0, 0.0, 0.0
    for name in (*WORST, "nested JSON"):
        text = nested() + " " * (MEGABYTE - 50_001) if name == "nested JSON" else worst(name)
        seconds, stall = timed(lambda text=text: scope.document(text.encode(), "application/json"))  # type: ignore[misc]
        if name == DENSE:  # a detection every eight characters: what it costs is the masking, not the search
            dense = seconds
        else:
            slowest, stalled = max(slowest, seconds), max(stalled, stall)
        table.add_row(name, f"{seconds:.2f}", f"{stall:.0f}")
    return [
        row("worst_seconds", slowest, Goal("s", 1.0, 0.5, more_is_better=False)),
        row("worst_stall_ms", stalled, Goal("ms", 20, 10, more_is_better=False)),
        row("dense_seconds", dense, Goal("s"), spread="131,072 values"),
    ], [table]


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of CPU of the work, and the longest time in which another thread could not run, ms."""
    taken = 0.0

    def run() -> None:
        nonlocal taken
        began = time.thread_time()
        work()
        taken = time.thread_time() - began

    thread = threading.Thread(target=run)
    thread.start()
    longest, last = 0.0, time.perf_counter()
    while thread.is_alive():
        time.sleep(0.001)
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
    thread.join()
    return taken, longest * 1000


# -- laws -----------------------------------------------------------------------------------------------------------


def of_laws(corpus: Sequence[Document]) -> tuple[list[Row], list[Table]]:
    """mask(mask(x)) is mask(x); valid JSON stays valid JSON."""
    scope = scope_of()
    once = [scope.text(each.text).text for each in corpus]
    again = share(scope.text(text).text == text for text in once)
    valid = share(
        is_json(scope.document(each.text.encode(), "application/json").text) for each in corpus if is_json(each.text)
    )
    return [
        row("masked_twice_same", again, Goal("of texts", 1.0, 1.0)),
        row("json_stays_json", valid, Goal("of documents", 1.0, 1.0)),
    ], []


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
