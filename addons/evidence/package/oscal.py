"""The result of each control as OSCAL assessment results, for programs that read them. Not a plan: there is none, and the file says so.

OSCAL wants `import-ap` and knows satisfied and not-satisfied only; what is not evidenced here is an observation without a finding.
Ids are UUIDv5 of the log's root, so the same package has the same ids. Source: pages.nist.gov/OSCAL, assessment-results, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import orjson

_OSCAL = "1.2.3"
_STATES = {"operated": "satisfied", "exceptions": "not-satisfied"}


def assessment(controls: Sequence[Any], *, origin: str, root: str, since: str, until: str) -> bytes:
    """controls: figures.ControlResult. since, until: first and last leaf of the period; `until` is also when this was last modified."""

    def name(what: str) -> str:
        return str(uuid5(NAMESPACE_URL, f"affidavit:{origin}:{root}:{what}"))

    observations, findings = [], []
    for control in controls:
        observation = {
            "uuid": name(f"observation {control.id}"),
            "title": f"{control.id} {control.name}",
            "description": f"{control.population:,} rows of population ({control.counts}); {control.exceptions:,} exceptions, {control.unexplained:,} of them not explained. {' '.join(control.why)}".strip(),
            "methods": ["EXAMINE"],
            "relevant-evidence": [{"href": f"../controls/{control.id}/query.sql", "description": "the queries, and beside them their results as CSV"}],
            "collected": until,
        }  # fmt: skip
        observations.append(observation)
        if control.status in _STATES:
            findings.append({
                "uuid": name(f"finding {control.id}"),
                "title": f"{control.id} {control.name}: {control.status}",
                "description": control.asks,
                "target": {"type": "objective-id", "target-id": _token(control.id), "status": {"state": _STATES[control.status], "reason": "pass" if control.status == "operated" else "other"}},
                "related-observations": [{"observation-uuid": observation["uuid"]}],
            })  # fmt: skip
    result = {
        "uuid": name("result"),
        "title": f"Evidence of the gateway {origin}",
        "description": "Controls of ISO/IEC 27001:2022, Annex A, as far as the record of a model gateway speaks to them.",
        "start": since,
        "end": until,
        "reviewed-controls": {
            "control-selections": [{"include-controls": [{"control-id": _token(control.id)} for control in controls]}]
        },
        "observations": observations,
        **({"findings": findings} if findings else {}),
    }
    document = {
        "assessment-results": {
            "uuid": name("document"),
            "metadata": {"title": "Evidence of model traffic", "last-modified": until, "version": root[:16], "oscal-version": _OSCAL},
            "import-ap": {"href": f"#{name('no plan')}", "remarks": "There is no assessment plan: OSCAL requires a reference, and this one leads to a resource that says so."},
            "results": [result],
            "back-matter": {"resources": [{"uuid": name("no plan"), "title": "No assessment plan", "description": "These results were not made to a plan in OSCAL."}]},
        }
    }  # fmt: skip
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _token(control: str) -> str:
    """OSCAL's token begins with a letter: a.8.15."""
    return f"a.{control}"
