"""Patterns, allowances, places and thresholds of masking.yaml, and the faults they may have."""

from __future__ import annotations

import pytest

from addons.masks.custom import fault_of
from addons.policy.faults import PolicyFaults
from addons.policy.load import parse
from addons.policy.model import MaskAction, MaskingAnalyzer, MaskingRule, Wire
from tests.policy.small_policies import ENTITIES, PROVIDERS, SMALL

MASKING = """\
version: 1
patterns:
  - id: badges
    entity: EMPLOYEE_BADGE
    pattern: 'EB-[0-9]{6}'
    context: [badge]
    matches: ["EB-123456"]
    not: ["EB-12"]
allow:
  - {id: test-cards, entities: [CREDIT_CARD], values: ["4111 1111 1111 1111"], patterns: ['4{16}']}
rules:
  - {id: badges-here, entities: [EMPLOYEE_BADGE], action: hash, fields: ["$.metadata.badge", "header:x-badge"], threshold: 60}
  - {id: users, fields: ["$..user_id"], whole: true, action: redact}
  - {id: rest, entities: ["*"], action: redact}
"""


def loaded(text: str):
    from pathlib import Path

    return parse(
        SMALL | {"masking.yaml": text}, Path("policies"), entities=ENTITIES, providers=PROVIDERS, probe=fault_of
    )


def test_every_key_is_read():
    policies = loaded(MASKING)

    assert policies.masking[0] == MaskingRule(
        "badges-here",
        ("EMPLOYEE_BADGE",),
        MaskAction.HASH,
        Wire.NONE,
        threshold=60,
        fields=("$.metadata.badge", "header:x-badge"),
    )
    assert (policies.masking[1].entities, policies.masking[1].whole) == (("FIELD",), True)
    assert "EMPLOYEE_BADGE" in policies.masking[2].entities  # a rule of one place leaves the rest of it to others
    assert (policies.masking_patterns[0].confidence, policies.masking_patterns[0].context) == (80, ("badge",))
    assert policies.masking_allowances[0].entities == ("CREDIT_CARD",)


def test_a_model_finds_entities_that_rules_may_name():
    policies = loaded(
        MASKING.replace("rules:", "analyzer: {entities: [PERSON]}\nrules:").replace(
            'entities: ["*"]', "entities: [PERSON]"
        )
    )

    assert policies.masking_analyzer == MaskingAnalyzer(("PERSON",), "en", 5)
    assert policies.masking[-1].entities == ("PERSON",)


FAULTS = {
    "a model for what patterns find": (
        "rules:",
        "analyzer: {entities: [CREDIT_CARD]}\nrules:",
        "no detector here finds",
    ),
    "a language that is none": ("rules:", "analyzer: {entities: [PERSON], language: english}\nrules:", "two letters"),
    "a model without an end": ("rules:", "analyzer: {entities: [PERSON], seconds: 0}\nrules:", "1-60"),
    "an example that is not found": ('matches: ["EB-123456"]', 'matches: ["EB-1"]', "finds each of its matches"),
    "a near-miss that is found": ('not: ["EB-12"]', 'not: ["EB-123456"]', "finds nothing in what stands under not"),
    "a pattern that runs for minutes": ("'EB-[0-9]{6}'", "'(?:[0-9B-E-]+)+x?6$'", "half a second"),
    "no examples": ('    matches: ["EB-123456"]\n', "", 'key "matches"'),
    "an entity of ours": ("entity: EMPLOYEE_BADGE", "entity: CREDIT_CARD", "a name of its own"),
    "an entity that is no name": ("entity: EMPLOYEE_BADGE", "entity: badge7", "capitals and underscores"),
    "a threshold of more than all": ("threshold: 60", "threshold: 101", "0-100"),
    "no path": ('"$.metadata.badge"', '"metadata.badge"', "a JSON path"),
    "whole without fields": ('fields: ["$..user_id"], ', "", "fields beside whole"),
    "whole beside entities": ("whole: true,", "whole: true, entities: [US_SSN],", "no entities beside whole"),
    "an allowance of nothing": (", values: [\"4111 1111 1111 1111\"], patterns: ['4{16}']", "", "values or patterns"),
    "an allowed pattern without an end": ("'4{16}'", "'4+'", "repeats with an end"),
}


@pytest.mark.parametrize(("old", "new", "told"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_told_with_what_to_do(old, new, told):
    assert old in MASKING
    with pytest.raises(PolicyFaults) as caught:
        loaded(MASKING.replace(old, new))

    assert any(told in str(fault) for fault in caught.value.faults), caught.value.faults


def test_an_example_in_a_fault_is_never_shown():
    with pytest.raises(PolicyFaults) as caught:
        loaded(MASKING.replace('matches: ["EB-123456"]', 'matches: ["EB-secret-one"]'))

    assert "secret-one" not in str(caught.value)
