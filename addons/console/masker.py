"""The policies in force as a masker: policy's words become the masks' own values. Neither room knows the other."""

from __future__ import annotations

from collections.abc import Sequence

from addons.masks.custom import Custom, extra
from addons.masks.detectors import OFF_BY_DEFAULT
from addons.masks.detectors.kinds import Detector
from addons.masks.engine import Masker
from addons.masks.places import Place, place
from addons.masks.rules import Action, Allowed, Rule, Wire
from addons.policy.model import MaskingRule, Policies


def masker_of(
    policies: Policies, key: bytes, memo_key: bytes, memo_bytes: int, others: Sequence[Detector] = ()
) -> Masker:
    """others: detectors beside the built-in ones and the policy's own patterns."""
    customs = [Custom(p.entity, p.pattern, p.confidence / 100, p.context) for p in policies.masking_patterns]
    allowed = [Allowed(one.entities, one.values, one.patterns) for one in policies.masking_allowances]
    rules = [rule_of(rule) for rule in policies.masking]
    return Masker(rules, key, memo_key, memo_bytes, extra=extra(customs, others, unsought(policies)), allowed=allowed)


def unsought(policies: Policies) -> frozenset[str]:
    """Entities that the policy leaves off, or turns off. A rule that names one in full turns it on; a pattern of names does not."""
    search = policies.masking_search
    asked = {entity for rule in policies.approval for entity, _ in rule.when.entities}
    return (OFF_BY_DEFAULT - asked).difference(search.on).union(search.off)


def rule_of(rule: MaskingRule) -> Rule:
    return Rule(
        rule.id,
        rule.entities,
        Action(rule.action.value),
        Wire(rule.wire.value),
        rule.connections,
        rule.groups,
        tuple(one.value for one in rule.directions),
        rule.restore,
        rule.threshold / 100,
        tuple(found for text in rule.fields if (found := _place(text))),
    )


def _place(text: str) -> Place:
    found = place(text)
    assert found, "the grammar lets through only what can be read"
    return found
