"""policies/: the shipped sets are the grammar's examples, so each must load, with every example in a comment too."""

import re
from pathlib import Path

import pytest

from addons.masks.engine import ENTITIES
from addons.policy.approval_rules import Facts, first_match
from addons.policy.decide import connection_for_host
from addons.policy.load import FILES, load, parse
from addons.policy.model import Direction, MaskAction, Then, Wire
from addons.providers.registry import PROVIDER_NAMES

POLICIES = Path(__file__).parents[2] / "policies"
# A key, or a list's entry, after # at the start of a line: to use it, take the # away.
EXAMPLE = re.compile(r"^#(?=(?:  +)?(?:- )?(?:\{|[a-z_]+:(?: |$)))", re.MULTILINE)


def shipped(name: str):
    return load(POLICIES / name, entities=ENTITIES, providers=PROVIDER_NAMES)


@pytest.mark.parametrize("name", [".", "strict"])
def test_a_shipped_set_loads(name):
    assert shipped(name).connections


@pytest.mark.parametrize("name", [".", "strict"])
def test_no_hold_outlasts_the_clients_and_a_reply_is_held_as_long_as_they_wait(name):
    """Claude Code gives up after 180 s without a word; a reply's own bounds (addons/approval.py) are at most 170 s."""
    holds = [(rule.when.direction, rule.hold_seconds) for rule in shipped(name).approval if rule.then is Then.HOLD]

    assert holds
    assert {seconds for direction, seconds in holds if direction is Direction.RESPONSE} == {170}
    assert all(seconds <= 170 for _, seconds in holds)


def test_every_example_in_a_comment_is_valid():
    texts = {name: EXAMPLE.sub("", (POLICIES / name).read_text()) for name in FILES}
    texts["identity.yaml"] = texts["identity.yaml"].replace("issuers: []", "issuers:")

    policies = parse(texts, POLICIES, entities=ENTITIES, providers=PROVIDER_NAMES)

    assert policies.identity.issuers
    assert policies.approval[0].when.pattern
    assert len(policies.connections) > len(shipped(".").connections)


@pytest.mark.parametrize("name", [".", "strict"])
@pytest.mark.parametrize("entity", sorted(ENTITIES))
def test_no_entity_is_kept_in_the_record(name, entity):
    (rule,) = [rule for rule in shipped(name).masking if entity in rule.entities]

    assert rule.action is not MaskAction.KEEP
    assert rule.wire is (Wire.REQUEST if name == "strict" else Wire.NONE)


@pytest.mark.parametrize("name", [".", "strict"])
@pytest.mark.parametrize("verb", ["DROP", "DELETE", "TRUNCATE", "UPDATE", "UNKNOWN"])
def test_destructive_sql_waits_for_a_data_owner(name, verb):
    facts = Facts(
        Direction.RESPONSE, "openai", "openai", "gpt-5", ("engineering",), commands=(("sql", verb, ("users",)),)
    )

    rule = first_match(shipped(name).approval, facts)

    assert (rule.then, rule.approvers.groups) == (Then.HOLD, ("data-owners",))


@pytest.mark.parametrize("name", [".", "strict"])
def test_a_select_does_not_wait(name):
    facts = Facts(
        Direction.RESPONSE, "openai", "openai", "gpt-5", ("engineering",), commands=(("sql", "SELECT", ("users",)),)
    )

    assert first_match(shipped(name).approval, facts) is None


@pytest.mark.parametrize(("host", "connection"), [("api.openai.com", "openai"), ("api.anthropic.com", "anthropic")])
def test_the_usual_hosts_are_connections(host, connection):
    assert connection_for_host(shipped("."), host, 443).id == connection


@pytest.mark.parametrize(("name", "then"), [(".", Then.OBSERVE), ("strict", Then.DENY)])
@pytest.mark.parametrize("entity", ["PRIVATE_KEY", "AWS_ACCESS_KEY", "GITHUB_TOKEN"])
def test_a_secret_going_out_is_seen(name, then, entity):
    facts = Facts(Direction.REQUEST, "openai", "openai", "gpt-5", ("engineering",), entities={entity: 1})

    assert first_match(shipped(name).approval, facts).then is then


@pytest.mark.parametrize("name", [".", "strict"])
@pytest.mark.parametrize("entity", ["CREDENTIAL", "AFFIDAVIT_TOKEN", "BEARER_TOKEN"])
def test_the_credential_of_the_call_itself_is_no_secret_going_out(name, entity):
    facts = Facts(Direction.REQUEST, "openai", "openai", "gpt-5", ("engineering",), entities={entity: 1})

    assert first_match(shipped(name).approval, facts) is None
