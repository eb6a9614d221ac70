"""Presidio and detect-secrets over the same texts in the same run, each in an environment of its own. Their figures, not a judgement.

An environment is made for the run and thrown away; $AFFIDAVIT_PEERS names a Python that has both installed already.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from scripts.measuring.masking_corpus import Document
from scripts.measuring.rows import Goal, Row, row

PACKAGES = ("presidio-analyzer", "detect-secrets")
PEER = Path(__file__).with_name("masking_peer.py")
SAMPLE_CHARACTERS = 200_000  # Presidio reads some 0.4 MB a second
ENGINES = ("presidio", "detect-secrets")


def measured(corpus: Sequence[Document], ours: float, say: Callable[[str], None]) -> tuple[list[Row], list[Table]]:
    """Nothing, with a word about it, where they do not install: a row that was not measured is left out."""
    sample: list[Document] = []
    for each in corpus:
        if sum(len(one.text) for one in sample) < SAMPLE_CHARACTERS:
            sample.append(each)
    with tempfile.TemporaryDirectory(prefix="affidavit-peers-") as folder:
        python = os.environ.get("AFFIDAVIT_PEERS") or installed(Path(folder), say)
        if not python:
            return [], []
        found = {engine: run(python, engine, [each.text for each in sample], say) for engine in ENGINES}
    table = Table(
        title=f"peers, {sum(len(one.text) for one in sample) / 1e6:.1f} MB of the same corpus",
        box=box.SIMPLE,
        title_justify="left",
    )
    for column in ("engine", "MB/s", "planted values covered", "other detections per MB"):
        table.add_column(column)
    rows = []
    for engine, answer in found.items():
        if answer is None:
            continue
        speed, hidden, others = judged(sample, answer)
        table.add_row(engine, f"{speed:.2f}", f"{hidden:.0%}", f"{others:,.0f}")
        rows.append(row(f"peer_planted.{engine}", hidden, Goal("of values")))
        if engine == "presidio":
            rows.append(row("presidio_ratio", ours / speed, Goal("times Presidio", 20, 30), spread=f"{speed:.2f} MB/s"))
    return rows, [table]


def installed(folder: Path, say: Callable[[str], None]) -> str:
    say(f"installing {', '.join(PACKAGES)} into {folder}, for this run only")
    python = folder / "bin" / "python"
    try:
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, capture_output=True, timeout=120)
        subprocess.run(
            [str(python), "-m", "pip", "install", "-q", *PACKAGES], check=True, capture_output=True, timeout=600
        )
    except (subprocess.SubprocessError, OSError) as error:
        say(f"peers: not installed ({type(error).__name__}); is a package index reachable by pip?")
        return ""
    return str(python)


def run(python: str, engine: str, texts: list[str], say: Callable[[str], None]) -> dict[str, Any] | None:
    say(f"peers: {engine}")
    try:
        done = subprocess.run(
            [python, str(PEER), engine],
            input=json.dumps(texts),
            text=True,
            capture_output=True,
            check=True,
            timeout=600,
        )
    except (subprocess.SubprocessError, OSError) as error:
        say(f"peers: {engine} did not run ({type(error).__name__})")
        return None
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def judged(sample: Sequence[Document], answer: dict[str, Any]) -> tuple[float, float, float]:
    """MB/s, share of planted values covered whole, other detections a megabyte."""
    size = sum(len(each.text.encode()) for each in sample) / 1e6
    hidden = planted = others = 0
    for each, spans in zip(sample, answer["spans"], strict=True):
        places = set().union(*(range(start, end) for start, end in spans))
        planted += len(each.planted)
        hidden += sum(places.issuperset(range(start, end)) for start, end, _ in each.planted)
        others += sum(not any(start < right and left < end for start, end, _ in each.planted) for left, right in spans)
    return size / answer["seconds"], hidden / max(1, planted), others / size
