"""Presidio's analyzer behind two pipes: a JSON line in, a JSON line out (addons/console/analyzer.py says which). Runs in a process of its own, in any environment that has it."""

from __future__ import annotations

import json
import os
import sys

MODELS = "AFFIDAVIT_PRESIDIO_MODELS"  # a file of Presidio's nlp_configuration; without it, its default model


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is no answer
    from presidio_analyzer import AnalyzerEngine  # type: ignore[import-not-found]  # noqa: PLC0415 -- after the line above
    from presidio_analyzer.nlp_engine import NlpEngineProvider  # type: ignore[import-not-found]  # noqa: PLC0415

    configured = os.environ.get(MODELS)
    engine = AnalyzerEngine(nlp_engine=NlpEngineProvider(conf_file=configured).create_engine() if configured else None)
    for line in sys.stdin:
        asked = json.loads(line)
        found = engine.analyze(asked["text"], language=asked["language"], entities=asked["entities"])
        spans = [[hit.start, hit.end, hit.entity_type, hit.score] for hit in found]
        answers.write(json.dumps({"spans": spans}) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
