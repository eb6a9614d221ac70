"""Runs a peer over texts: a JSON list on standard input, {"seconds": …, "spans": [[[start, end], …], …]} on standard output. Uses nothing of ours: it runs in the peers' environment."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable

Spans = list[tuple[int, int]]


def presidio() -> Callable[[str], Spans]:
    """Its default recognizers for English that need no language model, by their own patterns."""
    from presidio_analyzer import RecognizerRegistry  # type: ignore[import-not-found]  # noqa: PLC0415 -- in the peers' environment

    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(languages=["en"])
    patterned = [
        one for one in registry.recognizers if hasattr(one, "patterns") or type(one).__name__ == "PhoneRecognizer"
    ]

    def found(text: str) -> Spans:
        return [
            (hit.start, hit.end) for one in patterned for hit in one.analyze(text, one.supported_entities, None) or ()
        ]

    return found


def detect_secrets() -> Callable[[str], Spans]:
    """All of its plugins but the two of plain entropy, line by line as it reads files; without its filters, which look names up on the network."""
    from detect_secrets.core.plugins.util import (  # type: ignore[import-not-found]  # noqa: PLC0415
        get_mapping_from_secret_type_to_class,
    )

    plugins = [
        plugin() for plugin in get_mapping_from_secret_type_to_class().values() if "HighEntropy" not in plugin.__name__
    ]

    def found(text: str) -> Spans:
        spans: Spans = []
        start = 0
        for line in text.splitlines(keepends=True):
            for value in {value for plugin in plugins for value in plugin.analyze_string(line)}:
                if value and (at := line.find(value)) >= 0:
                    spans.append((start + at, start + at + len(value)))
            start += len(line)
        return spans

    return found


def main() -> None:
    texts = json.load(sys.stdin)
    with contextlib.redirect_stdout(sys.stderr):
        found = {"presidio": presidio, "detect-secrets": detect_secrets}[sys.argv[1]]()
        found("warm up 4111 1111 1111 1111")
        began = time.process_time()
        spans = [found(text) for text in texts]
        seconds = time.process_time() - began
    json.dump({"seconds": seconds, "spans": spans}, sys.stdout)


if __name__ == "__main__":
    main()
