"""A small set of policies that has every file, and a way to change one line of it."""

from pathlib import Path

import pytest

from addons.policy.faults import PolicyFaults
from addons.policy.load import parse
from addons.policy.model import Policies

ENTITIES = frozenset({"CREDIT_CARD", "US_SSN", "US_PASSPORT", "IBAN_CODE", "EMAIL_ADDRESS", "AWS_KEY"})
PROVIDERS = frozenset({"openai", "anthropic", "generic"})

SMALL = {
    "identity.yaml": """\
version: 1
rights:
  - {id: all, groups: [engineering], connections: ["*"]}
""",
    "connections.yaml": """\
version: 1
other_hosts: tunnel
connections:
  - id: openai
    provider: openai
    hosts: [api.openai.com]
    credential: {header: Authorization, value: "Bearer ${env:OPENAI_API_KEY}"}
    groups: [engineering]
""",
    "masking.yaml": """\
version: 1
rules:
  - {id: cards, entities: [CREDIT_CARD], action: hash}
""",
    "approval.yaml": """\
version: 1
rules:
  - id: destructive
    when: {direction: response, commands: {language: sql, verb: [DROP]}}
    then: hold
    approvers: {groups: [data-owners]}
    hold_seconds: 110
""",
    "retention.yaml": """\
version: 1
default: {content_days: 30, metadata_days: 60}
""",
    "controls.yaml": """\
version: 1
controls:
  - {id: "8.2", owner: security, rules: [destructive]}
""",
}


def parsed(endpoints: frozenset[str] = frozenset(), **changed: str) -> Policies:
    """SMALL with whole files replaced: parsed(masking="…")."""
    texts = SMALL | {f"{name}.yaml": text for name, text in changed.items()}
    return parse(texts, Path("policies"), entities=ENTITIES, providers=PROVIDERS, endpoints=endpoints)


def faults_of(endpoints: frozenset[str] = frozenset(), **changed: str) -> list[str]:
    with pytest.raises(PolicyFaults) as caught:
        parsed(endpoints, **changed)
    return str(caught.value).splitlines()


def swapped(file: str, old: str, new: str) -> dict[str, str]:
    """SMALL's file with one place changed, ready for parsed() and faults_of()."""
    text = SMALL[f"{file}.yaml"]
    assert text.count(old) == 1, f"{old!r} is not once in {file}"
    return {file: text.replace(old, new)}


def written(folder: Path, **changed: str | bytes | None) -> Path:
    """SMALL, with changes, in a folder; None leaves a file out."""
    for name, text in SMALL.items():
        content = changed.get(name.removesuffix(".yaml"), text)
        if content is not None:
            (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder
