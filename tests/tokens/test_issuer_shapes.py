"""Tokens in the shapes that well-known issuers give them: the claims of their own documentation, read 2026-11, signed by a key of the test."""

import json
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from addons.policy.model import ClaimRule, Issuer, IssuerKind, Reference, Source
from addons.tokens.gateway_token import TokenRefused
from addons.tokens.key_set import key_set
from addons.tokens.oidc import verify
from tests.login.jobs import jwk, signed

KEY = rsa.generate_private_key(65537, 2048)
KEYS = key_set(json.dumps({"keys": [jwk(KEY, "k1")]}).encode())
TENANT = "8d1f0c2a-0000-4000-8000-000000000001"


def workloads(url: str, **more) -> Issuer:
    return Issuer("ci", url, ("affidavit",), kind=IssuerKind.WORKLOADS, email_claim=("none",), **more)


SHAPES = {
    "Entra, app roles": (
        Issuer("entra", f"https://login.microsoftonline.com/{TENANT}/v2.0", ("affidavit",), subject_claim=("oid",),
               email_claim=("preferred_username",), groups_claim=("roles",)),
        {"iss": f"https://login.microsoftonline.com/{TENANT}/v2.0", "aud": "affidavit", "oid": "a1", "sub": "pairwise", "tid": TENANT,
         "preferred_username": "alice@example.com", "roles": ["engineering"], "ver": "2.0", "azp": "cli"},
        ("a1", "alice@example.com", ("engineering",), False, ""),
    ),
    "Okta": (
        Issuer("okta", "https://example.okta.com/oauth2/default", ("api://affidavit",)),
        {"iss": "https://example.okta.com/oauth2/default", "aud": "api://affidavit", "sub": "00u1", "email": "alice@example.com",
         "groups": ["Everyone", "engineering"], "amr": ["pwd", "mfa"], "auth_time": 1, "ver": 1},
        ("00u1", "alice@example.com", ("Everyone", "engineering"), False, ""),
    ),
    "Google, groups elsewhere": (
        Issuer("google", "https://accounts.google.com", ("1.apps.googleusercontent.com",), require=(ClaimRule(("hd",), ("example.com",)),),
               groups_from=Reference(Source.FILE, ("/etc/groups.json",))),
        {"iss": "https://accounts.google.com", "aud": "1.apps.googleusercontent.com", "azp": "1.apps.googleusercontent.com", "sub": "117",
         "hd": "example.com", "email": "alice@example.com", "email_verified": True},
        ("117", "alice@example.com", (), False, ""),
    ),
    "Keycloak, realm roles": (
        Issuer("keycloak", "https://sso.example.com/realms/corp", ("affidavit",), groups_claim=("realm_access", "roles")),
        {"iss": "https://sso.example.com/realms/corp", "aud": ["account", "affidavit"], "sub": "f:1", "azp": "affidavit-cli", "typ": "Bearer",
         "email": "alice@example.com", "email_verified": False, "realm_access": {"roles": ["engineering", "offline_access"]}},
        ("f:1", "", ("engineering", "offline_access"), False, ""),
    ),
    "groups in one text": (
        Issuer("words", "https://sso.example.com", ("affidavit",), groups_claim=("scope",), groups_in_words=True, groups=("everybody",)),
        {"iss": "https://sso.example.com", "aud": "affidavit", "sub": "alice", "scope": "engineering  data-owners"},
        ("alice", "", ("engineering", "data-owners", "everybody"), False, ""),
    ),
    "GitHub Actions": (
        workloads("https://token.actions.githubusercontent.com", groups=("ci",), require=(ClaimRule(("repository",), ("acme/*",)),)),
        {"iss": "https://token.actions.githubusercontent.com", "aud": "affidavit", "sub": "repo:acme/app:ref:refs/heads/main",
         "repository": "acme/app", "ref": "refs/heads/main", "run_id": "42", "run_attempt": "1", "actor": "alice"},
        ("repo:acme/app:ref:refs/heads/main", "", ("ci",), True, "https://github.com/acme/app/actions/runs/42"),
    ),
    "GitLab": (
        workloads("https://gitlab.example.com", require=(ClaimRule(("namespace_path",), ("acme",)), ClaimRule(("ref_protected",), ("true",)))),
        {"iss": "https://gitlab.example.com", "aud": "affidavit", "sub": "project_path:acme/app:ref_type:branch:ref:main",
         "namespace_path": "acme", "project_path": "acme/app", "job_id": "7", "pipeline_id": "3", "ref_protected": "true"},
        ("project_path:acme/app:ref_type:branch:ref:main", "", (), True, "https://gitlab.example.com/acme/app/-/jobs/7"),
    ),
    "Kubernetes": (
        workloads("https://kubernetes.default.svc", require=(ClaimRule(("kubernetes.io", "namespace"), ("prod",)),)),
        {"iss": "https://kubernetes.default.svc", "aud": ["affidavit"], "sub": "system:serviceaccount:prod:writer",
         "kubernetes.io": {"namespace": "prod", "serviceaccount": {"name": "writer", "uid": "u"}, "pod": {"name": "writer-1", "uid": "u"}}},
        ("system:serviceaccount:prod:writer", "", (), True, ""),
    ),
}  # fmt: skip


def identified(rules, claims):
    now = int(time.time())
    return verify(signed(KEY, {"iat": now - 5, "exp": now + 600, **claims}), rules, KEYS, datetime.now(UTC)).caller


@pytest.mark.parametrize(("rules", "claims", "expected"), SHAPES.values(), ids=SHAPES)
def test_a_token_of_this_shape_names_its_caller(rules, claims, expected):
    caller = identified(rules, claims)

    assert (caller.subject, caller.email, caller.groups, caller.workload, caller.minted_by) == (
        f"{rules.issuer}|{expected[0]}", *expected[1:],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("shape", "changes", "code"),
    [
        ("Google, groups elsewhere", {"hd": "evil.example.com"}, "token_claims"),
        ("Google, groups elsewhere", {"hd": None}, "token_claims"),
        ("GitHub Actions", {"repository": "acmeevil/app"}, "token_claims"),
        ("GitHub Actions", {"repository": ["acme/app"]}, ""),
        ("GitLab", {"ref_protected": "false"}, "token_claims"),
        ("Kubernetes", {"kubernetes.io": {"namespace": "dev"}}, "token_claims"),
        ("Kubernetes", {"kubernetes.io": "prod"}, "token_claims"),
        ("Entra, app roles", {"roles": None, "_claim_names": {"roles": "src1"}}, "groups_overage"),
        ("Entra, app roles", {"roles": None, "hasgroups": "true"}, "groups_overage"),
        ("Entra, app roles", {"roles": None}, ""),
    ],
)
def test_what_the_rules_require_must_be_there(shape, changes, code):
    rules, claims, _ = SHAPES[shape]
    found = {name: value for name, value in (claims | changes).items() if value is not None}

    if code:
        with pytest.raises(TokenRefused) as refusal:
            identified(rules, found)
        assert refusal.value.code == code
    else:
        identified(rules, found)


@pytest.mark.parametrize("repository", ["acme/../../evil", "acme/app?x=1#y", 'acme/app"><script>'])
def test_a_claim_cannot_lead_out_of_its_place_in_a_runs_address(repository):
    rules, claims, _ = SHAPES["GitHub Actions"]

    address = identified(rules, claims | {"repository": repository}).minted_by

    assert address == "" or (address.startswith("https://github.com/acme/") and not set(address) & set('?#"<>'))


def test_a_template_of_the_policy_wins():
    rules, claims, _ = SHAPES["GitHub Actions"]
    own = replace(rules, run_url="https://ghe.example.com/{repository}/actions/runs/{run_id}")

    assert identified(own, claims).minted_by == "https://ghe.example.com/acme/app/actions/runs/42"
