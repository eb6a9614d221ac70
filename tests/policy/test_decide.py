"""addons/policy/decide.py: what the policies say about one call."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.policy.decide import (
    connection_for_host,
    connection_named,
    days_for,
    may_identify,
    may_reach,
    may_tunnel,
    may_use,
)
from addons.policy.model import Days
from addons.tokens.caller import Caller, Grade
from tests.policy.small_policies import parsed, swapped

CONNECTIONS = """\
version: 1
other_hosts: tunnel
connections:
  - id: openai
    provider: openai
    hosts: [api.openai.com]
    credential: none
    groups: [engineering]
    models: ["gpt-*", ""]
    deny_models: ["*-preview*"]
  - {id: azure, provider: openai, hosts: ["*.openai.azure.com"], credential: none, groups: ["*"]}
  - {id: azure-eu, provider: openai, hosts: ["*.eu.openai.azure.com", one.openai.azure.com], credential: none, groups: ["*"], models: ["*"]}
  - {id: odd, provider: generic, hosts: [api.openai.com], ports: [8443, 8444], credential: none, groups: [nobody-here]}
  - {id: local, provider: generic, upstream: "http://127.0.0.1:1", allow_private: true, credential: none, groups: [engineering]}
"""
IDENTITY = """\
version: 1
rights:
  - {id: engineers, groups: [engineering], connections: ["o*", local, "azure*"]}
  - {id: interns, groups: [interns], connections: [azure], models: ["small-*"]}
  - {id: no-mini, groups: ["*"], connections: [openai], models: ["GPT-*-mini"], effect: deny}
  - {id: no-guests, groups: [guests], connections: ["*"], effect: deny}
"""
POLICIES = parsed(connections=CONNECTIONS, identity=IDENTITY)


def caller(*groups: str, grade: Grade = Grade.TRIAL) -> Caller:
    return Caller(
        subject="local|alice",
        email="alice@example.com",
        groups=groups,
        auth_method="afd_token",
        token_id="tk_1",
        grade=grade,
        purpose="tests",
        expires_at=datetime(2030, 1, 1, tzinfo=UTC),
        minted_by="root",
    )


# Which connection


@pytest.mark.parametrize(
    ("host", "port", "connection"),
    [
        ("api.openai.com", 443, "openai"),
        ("API.OPENAI.COM.", 443, "openai"),
        ("ａｐｉ.openai.com", 443, "openai"),
        ("api.openai.com", 80, None),
        ("api.openai.com", 8444, "odd"),
        ("files.openai.com", 443, None),
        ("a.openai.azure.com", 443, "azure"),
        ("a.b.openai.azure.com", 443, "azure"),
        ("openai.azure.com", 443, None),
        ("evilopenai.azure.com", 443, None),
        ("a.openai.azure.com.evil.example", 443, None),
        ("x.eu.openai.azure.com", 443, "azure-eu"),
        ("one.openai.azure.com", 443, "azure-eu"),
        ("not a host", 443, None),
        ("", 443, None),
    ],
)
def test_a_host_belongs_to(host, port, connection):
    found = connection_for_host(POLICIES, host, port)

    assert (found.id if found else None) == connection


def test_a_connection_is_found_by_its_id():
    assert connection_named(POLICIES, "local").provider == "generic"
    assert connection_named(POLICIES, "Local") is None


# Who may do what


@pytest.mark.parametrize(
    ("groups", "connection", "model", "code", "rule"),
    [
        (["engineering"], "openai", "gpt-5", "allowed", "rights:engineers"),
        (["engineering"], "openai", "", "allowed", "rights:engineers"),
        (["engineering", "other"], "openai", "gpt-5", "allowed", "rights:engineers"),
        (["engineering"], "openai", "o3", "model_denied", "connections:openai"),
        (["engineering"], "openai", "GPT-5", "model_denied", "connections:openai"),
        (["engineering"], "openai", "gpt-5-preview", "model_denied", "connections:openai"),
        (["engineering"], "openai", "gpt-5-Preview", "model_denied", "connections:openai"),
        (["engineering"], "openai", "gpt-5-mini", "denied_by_right", "rights:no-mini"),
        (["engineering"], "openai", "gpt-5-mini ", "denied_by_right", "rights:no-mini"),
        (["engineering"], "azure", "gpt-5-mini", "allowed", "rights:engineers"),
        (["Engineering"], "openai", "gpt-5", "connection_denied", "connections:openai"),
        (["interns"], "openai", "gpt-5", "connection_denied", "connections:openai"),
        (["interns"], "azure", "small-1", "allowed", "rights:interns"),
        (["interns"], "azure", "gpt-5", "model_denied", "rights"),
        (["interns"], "azure", "", "model_denied", "rights"),
        (["interns"], "azure-eu", "small-1", "no_right", "rights"),
        (["engineering"], "odd", "x", "connection_denied", "connections:odd"),
        ([], "openai", "gpt-5", "connection_denied", "connections:openai"),
        ([], "azure", "gpt-5", "no_right", "rights"),
        (["*"], "openai", "gpt-5", "connection_denied", "connections:openai"),
        (["engineering", "guests"], "azure", "gpt-5", "denied_by_right", "rights:no-guests"),
    ],
)
def test_a_call_is_decided(groups, connection, model, code, rule):
    decision = may_use(POLICIES, caller(*groups), connection_named(POLICIES, connection), model)

    assert (decision.code, decision.rule) == (code, rule)
    assert decision.allowed is (code == "allowed")
    assert decision.allowed is (decision.hint == "")
    assert decision.allowed or decision.hint.endswith("affidavit policy check")


@pytest.mark.parametrize(
    ("groups", "connection", "code"),
    [
        (["engineering"], "openai", "allowed"),
        (["interns"], "azure", "allowed"),
        (["interns"], "openai", "connection_denied"),
        (["engineering", "guests"], "openai", "denied_by_right"),
        (["somebody"], "azure", "no_right"),
    ],
)
def test_before_the_model_is_known_a_call_may_reach(groups, connection, code):
    assert may_reach(POLICIES, caller(*groups), connection_named(POLICIES, connection)).code == code


GROUPS = st.lists(st.sampled_from(["engineering", "interns", "guests", "nobody-here", "*", ""]), max_size=4)
MODELS = st.sampled_from(["", "gpt-5", "gpt-5-mini", "small-1", "GPT-5-PREVIEW", "*", "[", "o3"])


@given(GROUPS, st.sampled_from(POLICIES.connections), MODELS)
def test_what_may_be_used_may_be_reached(groups, connection, model):
    used = may_use(POLICIES, caller(*groups), connection, model)

    assert not used.allowed or may_reach(POLICIES, caller(*groups), connection).allowed


@given(GROUPS, st.sampled_from(POLICIES.connections), MODELS)
def test_a_guest_may_use_nothing_whatever_else_they_are(groups, connection, model):
    assert not may_use(POLICIES, caller(*groups, "guests"), connection, model).allowed


@given(GROUPS, st.sampled_from(POLICIES.connections), MODELS)
def test_without_rights_nothing_is_allowed(groups, connection, model):
    without = parsed(connections=CONNECTIONS, identity="version: 1\nrights: []\n")

    assert not may_use(without, caller(*groups), connection, model).allowed


def test_a_model_is_shown_bounded_and_on_one_line():
    hint = may_use(POLICIES, caller("engineering"), POLICIES.connections[0], "x\n\x1b[31m" + "y" * 10_000).hint

    assert hint.isprintable()
    assert len(hint) < 400


@pytest.mark.parametrize(
    ("identity", "grade", "code"),
    [
        ("local: trial\n", Grade.TRIAL, "allowed"),
        ("local: off\n", Grade.TRIAL, "local_issuer_off"),
        ("issuers: [{id: a, issuer: 'https://a.example', audiences: [b]}]\n", Grade.TRIAL, "local_issuer_off"),
        ("local: allow\nissuers: [{id: a, issuer: 'https://a.example', audiences: [b]}]\n", Grade.TRIAL, "allowed"),
        ("local: off\n", Grade.MANAGED, "issuer_unknown"),
        ("issuers: [{id: a, issuer: 'https://a.example', audiences: [b]}]\n", Grade.MANAGED, "allowed"),
        ("issuers: [{id: a, issuer: 'https://a.exampl', audiences: [b]}]\n", Grade.MANAGED, "issuer_unknown"),
    ],
)
def test_the_local_issuer_counts_while_there_is_no_other(identity, grade, code):
    policies = parsed(**swapped("identity", "rights:", f"{identity}rights:"))

    person = caller("engineering", grade=grade)
    if grade is Grade.MANAGED:
        person = replace(person, subject="https://a.example|alice")

    assert may_identify(policies, person).code == code


@pytest.mark.parametrize(
    ("host", "provider", "other_hosts", "code"),
    [
        ("example.com", "", "tunnel", "allowed"),
        ("example.com", "", "deny", "other_host_denied"),
        ("api.groq.com", "groq", "tunnel", "provider_undeclared"),
        ("not a host", "", "tunnel", "host_malformed"),
        ("127.1", "", "tunnel", "host_malformed"),
    ],
)
def test_a_host_that_no_connection_names(host, provider, other_hosts, code):
    policies = parsed(**swapped("connections", "other_hosts: tunnel", f"other_hosts: {other_hosts}"))

    assert may_tunnel(policies, host, provider).code == code


# Approval rules


def test_a_connection_has_its_own_days_or_the_default():
    retention = "version: 1\ndefault: {content_days: 30, metadata_days: 60}\n"
    own = "connections: [{connection: openai, content_days: 1, metadata_days: 2}]\n"

    assert days_for(parsed(retention=retention + own), "openai") == Days(1, 2)
    assert days_for(parsed(retention=retention + own), "other") == Days(30, 60)


def test_of_a_connections_and_a_groups_days_the_shorter_count():
    own = (
        "connections: [{connection: openai, content_days: 5, metadata_days: 50}]\n"
        "groups: [{group: council, content_days: 9, metadata_days: 10}]\n"
    )
    policies = parsed(retention="version: 1\ndefault: {content_days: 30, metadata_days: 60}\n" + own)

    assert days_for(policies, "openai", ("council",)) == Days(5, 10)
    assert days_for(policies, "other", ("council", "else")) == Days(9, 10)
    assert days_for(policies, "other", ("else",)) == Days(30, 60)
