"""Rights by subject, endpoint, time, tokens a day and purpose; and what the files may say of them and of issuers."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from addons.policy.decide import Use, may_reach, may_use
from addons.tokens.caller import Caller, Grade
from tests.policy.small_policies import faults_of, parsed, swapped

MONDAY = datetime(2026, 11, 23, 12, tzinfo=UTC)
ALICE = Caller(
    "https://a.example|alice",
    "alice@example.com",
    ("engineering",),
    "jwt",
    "t",
    Grade.MANAGED,
    "OPS-7: notes",
    MONDAY,
    "",
)


def policies_with(*rights: str):
    return parsed(identity="version: 1\nrights:\n" + "".join(f"  - {right}\n" for right in rights))


def decided(rights: tuple[str, ...], caller: Caller = ALICE, **use):
    policies = policies_with(*rights)
    return may_use(policies, caller, policies.connections[0], "gpt-5", Use(**{"now": MONDAY, **use}))


ALL = '{id: all, groups: ["*"], connections: ["*"]}'


def right(more: str, effect: str = "allow") -> str:
    return f'{{id: one, groups: ["*"], connections: ["*"], effect: {effect}, {more}}}'


@pytest.mark.parametrize(
    ("rights", "use", "code"),
    [
        ((right("endpoints: [chat]"),), {"names": ("chat", "openai.chat")}, "allowed"),
        ((right("endpoints: [embeddings]"),), {"names": ("chat",)}, "endpoint_denied"),
        ((right('endpoints: ["/v1/models"]'),), {"path": "/v1/models"}, "allowed"),
        ((right('endpoints: ["/v1/models"]'),), {"path": "/v1/files"}, "endpoint_denied"),
        ((ALL, right('endpoints: ["/v1/files*"]', "deny")), {"path": "/v1/files/1"}, "denied_by_right"),
        ((ALL, right('endpoints: ["/v1/files*"]', "deny")), {"path": "/v1//FILES"}, "denied_by_right"),
        ((ALL, right('endpoints: ["/v1/files*"]', "deny")), {"path": "/v1/%66iles"}, "denied_by_right"),
        ((ALL, right('endpoints: ["/v1/files*"]', "deny")), {"path": "/v1/x/../files"}, "denied_by_right"),
        ((ALL, right('endpoints: ["/v1/files*"]', "deny")), {"path": "/v1/chat"}, "allowed"),
        ((right("time: {weekdays: [mon], hours: 9-18, zone: UTC}"),), {}, "allowed"),
        ((right("time: {weekdays: [tue]}"),), {}, "outside_time"),
        ((right("time: {hours: 13-18, zone: Europe/Berlin}"),), {}, "allowed"),
        ((right("time: {hours: 14-18, zone: Europe/Berlin}"),), {}, "outside_time"),
        ((ALL, right("time: {hours: 9-18}", "deny")), {}, "denied_by_right"),
        ((ALL, right("time: {hours: 18-9}", "deny")), {}, "allowed"),
        ((right("tokens_a_day: 100"),), {"tokens_today": 99}, "allowed"),
        ((right("tokens_a_day: 100"),), {"tokens_today": 100}, "tokens_spent"),
        ((ALL, right("tokens_a_day: 100", "deny")), {"tokens_today": 99}, "allowed"),
        ((ALL, right("tokens_a_day: 100", "deny")), {"tokens_today": 100}, "denied_by_right"),
        ((right('purpose: "OPS-[0-9]{1,6}.{0,80}"'),), {}, "allowed"),
        ((right('purpose: "OPS-[0-9]{1,6}"'),), {}, "purpose_required"),
        ((right('subjects: ["*@example.com"]'),), {}, "allowed"),
        ((right('subjects: ["*@other.com"]'),), {}, "no_right"),
        ((ALL, right('subjects: ["*|ALICE"]', "deny")), {}, "denied_by_right"),
        ((right("time: {weekdays: [tue]}"), ALL), {}, "allowed"),
    ],
    ids=str,
)
def test_a_right_holds_where_all_it_says_fits_and_a_denial_wins(rights, use, code):
    assert decided(rights, **use).code == code


def test_a_shared_account_is_refused_by_rule_and_the_rule_is_named():
    shared = replace(ALICE, subject="https://a.example|svc-team", email="team@example.com")

    decision = decided((ALL, right('subjects: ["*|svc-*", "team@*"]', "deny")), shared)

    assert (decision.allowed, decision.rule) == (False, "rights:one")


def test_a_denial_with_a_condition_does_not_close_the_connection():
    policies = policies_with(ALL, right('endpoints: ["/v1/files*"]', "deny"))

    assert may_reach(policies, ALICE, policies.connections[0]).allowed


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("time: {}", "weekdays or hours"),
        ("time: {hours: 25-3}", "hours as"),
        ("time: {hours: 9-18, zone: Mars/Olympus}", "time zone"),
        ("time: {weekdays: [someday]}", "weekday"),
        ("tokens_a_day: 0", "tokens_a_day"),
        ('purpose: "(a{1,40}){1,40}"', "steps"),
        ('purpose: "OPS-.*"', "repeats with an end"),
    ],
)
def test_a_right_that_could_not_be_meant_is_a_fault(more, expected):
    found = faults_of(identity=f"version: 1\nrights:\n  - {right(more)}\n")

    assert any(expected in fault for fault in found), found


def test_a_denial_asks_for_no_purpose():
    assert any(
        "purpose in a right that allows" in fault
        for fault in faults_of(identity="version: 1\nrights:\n  - " + right('purpose: "a"', "deny") + "\n")
    )


ISSUER = "issuers: [{id: ci, issuer: 'https://ci.example', audiences: [x], MORE}]\nrights:"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("kind: workloads", "require in an issuer of workloads"),
        ("kind: robots", "kind"),
        ("groups_from: /etc/groups", '"${file:/path}"'),
        ("groups_from: '${env:GROUPS}'", '"${file:/path}"'),
        ("run_url: 'javascript:alert(1)'", "https URL with claims"),
        ("scopes: ['open id']", "scope"),
        ("recheck_seconds: 0", "recheck_seconds"),
        ("trusted_ca: corp.pem", "absolute path"),
        ("require: [{claim: x}]", '"is"'),
    ],
)
def test_an_issuer_that_could_not_be_meant_is_a_fault(more, expected):
    found = faults_of(**swapped("identity", "rights:", ISSUER.replace("MORE", more)))

    assert any(expected in fault for fault in found), found


CREDENTIAL = 'credential: {header: Authorization, value: "Bearer ${env:OPENAI_API_KEY}"}'


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("credential: {cloud: mars}", "cloud"),
        ("credential: {cloud: aws}", '"region"'),
        ("credential: {cloud: aws, region: eu-central-1, value: x}", "only cloud, region, service"),
        ("credential: {cloud: google, region: eu}", "only cloud, scope"),
        ('credential: {header: a, value: "${vault:secret/../x#key}"}', "reference"),
        ('credential: {header: a, value: "${vault:secret/x}"}', "reference"),
        ('credential: {header: a, value: "${keyring:one}"}', "reference"),
        ('credential: {header: a, value: "${env:X}", cache_seconds: -1}', "cache_seconds"),
        ("credential: none\n    visibility: some", "visibility"),
        ("credential: none\n    client_keys: keep", "client_keys"),
        ('credential: none\n    require_org: ["a b"]', "organisation"),
    ],
)
def test_a_credential_that_could_not_be_meant_is_a_fault(line, expected):
    found = faults_of(**swapped("connections", CREDENTIAL, line))

    assert any(expected in fault for fault in found), found


def test_require_org_is_for_providers_that_document_such_a_header():
    text = 'version: 1\nother_hosts: deny\nconnections:\n  - {id: openai, provider: generic, hosts: [a.example], credential: none, groups: ["*"], require_org: [a]}\n'

    assert any("require_org with provider" in fault for fault in faults_of(connections=text))
