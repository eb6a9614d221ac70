"""addons/policy/load.py: what a folder of policies becomes, and what is said about one that is wrong."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.policy.faults import PolicyFaults
from addons.policy.load import DEPTH, FILE_BYTES, FILES, load
from addons.policy.model import (
    Approvers,
    CommandMatch,
    CredentialKind,
    Days,
    Direction,
    LocalIssuer,
    MaskAction,
    MaskingRule,
    OtherHosts,
    Reference,
    Source,
    Then,
    Upstream,
    Wire,
)
from tests.policy.small_policies import ENTITIES, PROVIDERS, SMALL, faults_of, parsed, swapped, written


def loaded(folder: Path):
    return load(folder, entities=ENTITIES, providers=PROVIDERS)


# What it becomes


def test_a_folder_becomes_frozen_values(tmp_path):
    policies = loaded(written(tmp_path))

    (rule,) = policies.approval
    assert policies.identity.local is LocalIssuer.TRIAL
    assert policies.other_hosts is OtherHosts.TUNNEL
    assert policies.connections[0].ports == (443,)
    assert policies.masking == (MaskingRule("cards", ("CREDIT_CARD",), MaskAction.HASH, Wire.NONE),)
    assert (rule.then, rule.approvers, rule.hold_seconds, rule.expires_seconds) == (
        Then.HOLD,
        Approvers(("data-owners",), 1),
        110,
        3600,
    )
    assert rule.when.direction is Direction.RESPONSE
    assert rule.when.commands == CommandMatch(("sql",), ("drop",), ())
    assert policies.retention.default == Days(30, 60)
    assert policies.controls[0].rules == ("destructive",)
    assert policies.origin == tmp_path


def test_two_spellings_of_the_same_policies_have_one_digest():
    spelt = 'version: 1\nrules: [{action: "hash", id: cards, entities: ["CREDIT_CARD"]}]  # a comment\n'

    assert parsed(masking=spelt).digest == parsed().digest


def test_a_changed_value_changes_the_digest():
    assert parsed(**swapped("masking", "hash", "redact")).digest != parsed().digest


def test_the_digest_is_that_of_canonical_json():
    policies = parsed()

    assert policies.canonical.startswith(
        b'{"approval":{"rules":[{"approvers":{"groups":["data-owners"]},"hold_seconds":110'
    )
    assert policies.digest.startswith("sha256:")
    assert len(policies.digest) == len("sha256:") + 64


@pytest.mark.parametrize("word", ["off", "Off", "no", "y", "2026-11-23", "12:30", "1.5", "0x10"])
def test_a_word_that_yaml_1_1_would_change_stays_a_text(word):
    right = f"version: 1\nrights:\n  - {{id: all, groups: [{word}], connections: ['*']}}\n"

    assert parsed(identity=right).identity.rights[0].groups == (word,)


def test_off_as_written_turns_the_local_issuer_off():
    assert parsed(**swapped("identity", "version: 1", "version: 1\nlocal: off")).identity.local is LocalIssuer.OFF


# Whole files


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(PolicyFaults) as caught:
        loaded(written(tmp_path, retention=None, controls=None))

    assert [fault.file for fault in caught.value.faults] == [
        str(tmp_path / "controls.yaml"),
        str(tmp_path / "retention.yaml"),
    ]


def test_a_folder_that_is_not_there_is_six_faults(tmp_path):
    with pytest.raises(PolicyFaults) as caught:
        loaded(tmp_path / "nowhere")

    assert len(caught.value.faults) == len(FILES)


@pytest.mark.parametrize("name", ["aproval.yaml", "masking.yml", "extra.yaml"])
def test_a_file_that_would_never_be_read_is_a_fault(tmp_path, name):
    (written(tmp_path) / name).write_text("version: 1\n")

    with pytest.raises(PolicyFaults, match=f"{name}:1: expected only identity.yaml"):
        loaded(tmp_path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(b"version: 1\nrules: []\n\xff\xfe", "expected UTF-8", id="not UTF-8"),
        pytest.param(b"", "expected version: 1 and rules, got an empty file", id="empty"),
        pytest.param(b"# only a comment\n", "got an empty file", id="a comment"),
        pytest.param(b"[]", "masking.yaml as keys and values", id="a list"),
        pytest.param(b"version: 1\nrules: [\n", "expected YAML, got a fault in it", id="broken"),
        pytest.param(b"version: 1\nrules:\n\t- {}\n", ":3: expected YAML, got a fault in it", id="a tab"),
        pytest.param(b"version: 1\nrules: []\n# \x07\n", ":3: expected printable text", id="a control character"),
        pytest.param(
            "version: 1\nrules: []\n#\u2028rules: []\n".encode(), ":3: expected line feeds", id="a hidden line break"
        ),
        pytest.param(b"version: 1\nrules: []\n---\nversion: 1\n", ":3: expected one document", id="two documents"),
        pytest.param(b"x: &a [1]\ny: *a\n", ":1: expected everything written out", id="an anchor"),
        pytest.param(b"x: 1\ny: *a\n", ":2: expected everything written out", id="an alias"),
        pytest.param(b"x: !!python/object:os.system {}\n", ":1: expected no tags", id="a tag"),
        pytest.param(b"version: " + b"[" * 40, f"expected at most {DEPTH} levels", id="deep"),
        pytest.param(b"#" * (FILE_BYTES + 1), f"expected at most {FILE_BYTES} bytes", id="long"),
        pytest.param(b"version: 2\nrules: []\n", ":1: expected version: 1, got another", id="another version"),
        pytest.param(b"version: true\nrules: []\n", "expected version: 1", id="a version that is not a number"),
        pytest.param(b"rules: []\n", 'expected key "version"', id="no version"),
        pytest.param(
            b"version: 1\nrules: []\nrules: []\n",
            ":3: expected each key once, got one again; it is on line 2",
            id="a key twice",
        ),
        pytest.param(b"version: 1\nrules: []\n7: x\n", ":3: expected a text as key", id="a number as key"),
        pytest.param(b"version: 1\nrules: []\n? [a]\n: x\n", ":3: expected a text as key", id="a list as key"),
        pytest.param(b'version: 1\nrules: [{id: "a\\ud800"}]\n', ":2: expected printable text", id="half a character"),
        pytest.param(
            'version: 1\nrules: [{id: "a\u200bb"}]\n'.encode(), ":2: expected printable text", id="zero width"
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_said_to_be(tmp_path, content, told):
    with pytest.raises(PolicyFaults) as caught:
        loaded(written(tmp_path, masking=content))

    assert told in str(caught.value)
    assert all(fault.file.endswith("masking.yaml") for fault in caught.value.faults)


def test_a_byte_order_mark_is_no_fault(tmp_path):
    assert loaded(written(tmp_path, masking=b"\xef\xbb\xbf" + SMALL["masking.yaml"].encode())).masking


def test_nested_aliases_are_refused_before_they_unfold():
    laughs = "a: &a [x, x]\n" + "".join(
        f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefghi", "bcdefghij", strict=True)
    )

    assert faults_of(masking=laughs) == [
        "policies/masking.yaml:1: expected everything written out, got an anchor or alias (& or *); quote it, or write it out"
    ]


def test_all_faults_of_all_files_are_told_at_once_in_order():
    told = faults_of(
        identity="version: 1\nrights: []\nrites: []\n",
        masking="version: 1\nrules:\n  - {id: CARDS, entities: [CREDIT_CARDS], action: hide}\n",
        approval="version: 1\nrules:\n  - id: x\n    when: {direction: sideways}\n    then: hold\n",
        controls="version: 1\n",
    )

    assert told == [
        "policies/approval.yaml:3: expected hold_seconds (1-86400) beside then: hold, got none; add it, or use then: deny",
        'policies/approval.yaml:3: expected key "approvers" in a rule, got none; add it',
        'policies/approval.yaml:4: expected request | response as direction, got "sideways"; known: request, response',
        'policies/controls.yaml:1: expected key "controls" in controls.yaml, got none; add it',
        'policies/identity.yaml:3: expected a key of identity.yaml, got "rites"; did you mean "rights"?',
        'policies/masking.yaml:3: expected an entity that a detector finds, got "CREDIT_CARDS"; did you mean "CREDIT_CARD"?',
        'policies/masking.yaml:3: expected an id (1-63 of a-z 0-9 . _ -, beginning with a letter or digit), got "CARDS"; write it so',
        'policies/masking.yaml:3: expected redact | hash | partial | keep | block as action, got "hide"; known: block, hash, keep, partial, redact',
    ]


def test_a_file_that_is_missing_does_not_blame_the_files_that_mention_its_ids(tmp_path):
    with pytest.raises(PolicyFaults) as caught:
        loaded(written(tmp_path, approval=None))

    assert [fault.file for fault in caught.value.faults] == [str(tmp_path / "approval.yaml")]


# The grammar: (file, old, new, what is told)

SECRET = "sk-proj-4f9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c"

REFUSED = {
    # identity.yaml
    "an unknown group key": ("identity", "groups:", "group:", 'got "group"; did you mean "groups"?'),
    "a right to a connection that is not there": ("identity", '["*"]', "[opena]", 'the id of a connection, got "opena"; did you mean "openai"?'),
    "a right for nobody": ("identity", "[engineering]", "[]", "got an empty list"),
    "a group twice": ("identity", "[engineering]", "[a, a]", 'expected each only once, got "a" again'),
    "a group that is a number": ("identity", "[engineering]", "[7]", "got 7; put it in quotes"),
    "an effect that is none": ("identity", "connections:", "effect: forbid, connections:", "expected allow | deny as effect"),
    "an issuer without TLS": (
        "identity", "rights:", "issuers: [{id: a, issuer: 'http://a.example', audiences: [b]}]\nrights:", "expected an https URL",
    ),
    "an issuer named like this machine": (
        "identity", "rights:", "issuers: [{id: local, issuer: 'https://a.example', audiences: [b]}]\nrights:", "expected another id",
    ),
    "an issuer without audience": (
        "identity", "rights:", "issuers: [{id: a, issuer: 'https://a.example'}]\nrights:", 'expected key "audiences"',
    ),
    "an algorithm without a public key": (
        "identity", "rights:", "issuers: [{id: a, issuer: 'https://a.example', audiences: [b], algorithms: [HS256]}]\nrights:",
        "expected an algorithm (RS256",
    ),
    "two entries for one issuer": (
        "identity", "rights:",
        "issuers: [{id: a, issuer: 'https://a.example', audiences: [b]}, {id: c, issuer: 'https://a.example', audiences: [b]}]\nrights:",
        "expected a URL of an issuer once",
    ),
    "a console's secret in the file": (
        "identity", "rights:",
        f"issuers: [{{id: a, issuer: 'https://a.example', audiences: [b], console: {{client_id: c, client_secret: {SECRET}}}}}]\nrights:",
        "expected a reference to the secret",
    ),
    "a console's client without its secret": (
        "identity", "rights:", "issuers: [{id: a, issuer: 'https://a.example', audiences: [b], console: {client_id: c}}]\nrights:",
        'expected key "client_secret"',
    ),
    "a way to show it that is none": (
        "identity", "rights:",
        "issuers: [{id: a, issuer: 'https://a.example', audiences: [b], console: {client_id: c, client_secret: '${env:A}', method: none}}]\nrights:",
        "expected client_secret_basic | client_secret_post as method",
    ),
    # connections.yaml
    "an unknown provider": ("connections", "provider: openai", "provider: open-ai", 'got "open-ai"; did you mean "openai"?'),
    "a host with a scheme": ("connections", "[api.openai.com]", "['https://api.openai.com']", "expected the name of a host alone"),
    "a host with a port": ("connections", "[api.openai.com]", "['api.openai.com:443']", "expected the name of a host alone"),
    "every host": ("connections", "[api.openai.com]", "['*']", "expected the name of a host alone"),
    "every host of a top-level domain": ("connections", "[api.openai.com]", "['*.com']", "expected the name of a host alone"),
    "a star inside a host": ("connections", "[api.openai.com]", "['api.*.com']", "expected the name of a host alone"),
    "a host in two spellings": (
        "connections", "[api.openai.com]", "[api.openai.com, API.OpenAI.com.]", 'got "api.openai.com:443", which is at',
    ),
    "neither host nor upstream": ("connections", "    hosts: [api.openai.com]\n", "", 'expected key "hosts"'),
    "a port that is none": ("connections", "    groups:", "    ports: [0]\n    groups:", "expected ports as different whole numbers (1-65535)"),
    "a key in the file": ("connections", "${env:OPENAI_API_KEY}", SECRET, "got a text of 47 characters"),
    "a key instead of a credential": (
        "connections", '{header: Authorization, value: "Bearer ${env:OPENAI_API_KEY}"}', SECRET, "never write a key here",
    ),
    "a key beside a reference": ("connections", "Bearer ${env:OPENAI_API_KEY}", "${env:A}" + SECRET, "expected at most a scheme word"),
    "a key before a reference": ("connections", "Bearer ${env:OPENAI_API_KEY}", SECRET + " ${env:A}", "expected at most a scheme word"),
    "two references": ("connections", "${env:OPENAI_API_KEY}", "${env:A}${env:B}", "expected at most a scheme word"),
    "a reference to nothing": ("connections", "${env:OPENAI_API_KEY}", "${env:}", "expected at most a scheme word"),
    "a relative file": ("connections", "${env:OPENAI_API_KEY}", "${file:key}", "expected at most a scheme word"),
    "a command with an open quote": ("connections", "${env:OPENAI_API_KEY}", "${command: pass 'x}", "expected at most a scheme word"),
    "an unknown reference": ("connections", "${env:OPENAI_API_KEY}", "${vault:x}", "expected at most a scheme word"),
    "a header that frames": ("connections", "header: Authorization", "header: Content-Length", "expected the name of a header"),
    "a header with a line break": ("connections", "header: Authorization", 'header: "a\\nb"', "expected the name of a header"),
    "both header and query": ("connections", "{header: Authorization,", "{header: Authorization, query: key,", "expected header or query"),
    "plain HTTP to another machine": (
        "connections", "    groups:", "    upstream: http://gateway.example.com\n    groups:", "expected https, got http to another machine",
    ),
    "a private upstream": ("connections", "    groups:", "    upstream: https://10.1.2.3\n    groups:", "add allow_private: true"),
    "a loopback upstream": ("connections", "    groups:", "    upstream: http://127.0.0.1:8080\n    groups:", "add allow_private: true"),
    "the metadata service": ("connections", "    groups:", "    upstream: https://169.254.169.254\n    groups:", "add allow_private: true"),
    "an upstream with a password": (
        "connections", "    groups:", f"    upstream: https://me:{SECRET}@a.example\n    groups:", "expected an http or https URL",
    ),
    "an upstream with a query": ("connections", "    groups:", "    upstream: https://a.example/?a=b\n    groups:", "expected an http or https URL"),
    "an upstream with a port that is none": ("connections", "    groups:", "    upstream: https://a.example:99999\n    groups:", "expected an http or https URL"),
    "no body at all": ("connections", "    groups:", "    limits: {body_bytes: 0}\n    groups:", "expected body_bytes as a whole number (1024-"),
    "yes for true": ("connections", "    groups:", "    allow_private: yes\n    groups:", 'expected true or false, got "yes"'),
    "other hosts unsaid": ("connections", "other_hosts: tunnel\n", "", 'expected key "other_hosts"'),
    # masking.yaml
    "an entity twice": (
        "masking", "action: hash}", "action: hash}\n  - {id: more, entities: [CREDIT_CARD], action: keep}",
        'got CREDIT_CARD, which rule "cards" decides',
    ),
    "a pattern of entities that fits none": ("masking", "[CREDIT_CARD]", '["FR_*"]', "expected an entity that a detector finds"),
    "a pattern of entities that are all decided": (
        "masking", "action: hash}", 'action: hash}\n  - {id: more, entities: ["CREDIT_*"], action: keep}', "take the rule out",
    ),
    "restoring what nobody replaced": ("masking", "action: hash", "action: hash, restore: true", "expected action: hash and wire: request beside restore"),
    "restoring what one placeholder stands for many of": ("masking", "action: hash", "action: redact, wire: request, restore: true", "got action: redact"),
    "keeping what is masked in replies": ("masking", "action: hash", "action: block, wire: response", "expected wire: none beside action: block"),
    "keeping what is masked on the wire": ("masking", "action: hash", "action: keep, wire: request", "expected wire: none beside action: keep"),
    "masking for a connection that is not there": ("masking", "action: hash", "action: hash, connections: [x]", "expected the id of a connection"),
    "masking in a direction that is none": ("masking", "action: hash", "action: hash, directions: [up]", "expected request or response"),
    # approval.yaml
    "a hold without end": ("approval", "    hold_seconds: 110\n", "", "expected hold_seconds (1-86400) beside then: hold, got none"),
    "a hold longer than its approval": (
        "approval", "hold_seconds: 110", "hold_seconds: 110\n    expires_seconds: 60", "expected hold_seconds of at most expires_seconds (60), got 110",
    ),
    "a hold for nobody": ("approval", "    approvers: {groups: [data-owners]}\n", "", 'expected key "approvers"'),
    "no approver needed": ("approval", "[data-owners]}", "[data-owners], count: 0}", "expected count as a whole number (1-10)"),
    "approvers of a denial": ("approval", "then: hold", "then: deny", "expected approvers only beside then: hold, got then: deny"),
    "an unknown verb of policy": ("approval", "then: hold", "then: block", "expected hold | deny | require_purpose | notify | observe as then"),
    "a language that is none": ("approval", "language: sql", "language: cobol", "expected a language (sql, shell"),
    "commands that say nothing": ("approval", "{language: sql, verb: [DROP]}", "{}", "expected one of language, verb, objects, outside in commands"),
    "a direction unsaid": ("approval", "direction: response, ", "", 'expected key "direction"'),
    "attachments of a reply": ("approval", "commands:", "attachments: {types: [image]}, commands:", "expected attachments only beside direction: request"),
    "a purpose for a reply": ("approval", "then: hold", "then: require_purpose", "expected then: require_purpose only of requests"),
    "minutes without their most": ("approval", "hold_seconds: 110", "hold_seconds: 110\n    scopes: [minutes]", "expected most_minutes (1-480) beside scope minutes"),
    "minutes nobody may give": ("approval", "hold_seconds: 110", "hold_seconds: 110\n    most_minutes: 9", "expected most_minutes (1-480) beside scope minutes"),
    "minutes that outlive the approval": ("approval", "hold_seconds: 110", "hold_seconds: 110\n    scopes: [minutes]\n    most_minutes: 61", "expected most_minutes within expires_seconds (60 minutes), got 61"),
    "scopes of a denial": ("approval", "then: hold", "then: deny\n    scopes: [exact]", "expected scopes only beside then: hold"),
    "a webhook of plain HTTP": ("approval", "rules:\n", "webhooks:\n  - {id: w, format: slack, url: 'http://hooks.example/x'}\nrules:\n", "expected an https URL (http only to this machine)"),
    "a webhook that nobody signs": ("approval", "rules:\n", "webhooks:\n  - {id: w, format: json, url: 'https://hooks.example/x'}\nrules:\n", "expected a secret beside format: json"),
    "a webhook for an unknown rule": ("approval", "rules:\n", "webhooks:\n  - {id: w, format: slack, url: 'https://h.example/x', rules: [nope]}\nrules:\n", "expected the id of a rule"),
    "a webhook with a link of its own": ("approval", "rules:\n", "webhooks:\n  - {id: w, format: slack, link: 'https://c.example', url: 'https://h.example/x'}\nrules:\n", "expected the console's address as affidavit_console_url in mitm.conf"),
    "a webhook's secret in the file": ("approval", "rules:\n", "webhooks:\n  - {id: w, format: json, secret: hunter2, url: 'https://h.example/x'}\nrules:\n", "expected a reference to the secret"),
    "a count of an entity that is none": ("approval", "commands:", "entities: {CREDIT_CARD: 0}, commands:", "(1-1000000), got 0"),
    "a count of no entity": ("approval", "commands:", "entities: {CARD: 1}, commands:", 'got "CARD"'),
    "entities that are none": ("approval", "commands:", "entities: {}, commands:", "expected an entity and how many"),
    "a pattern that is broken": ("approval", "commands:", "pattern: 'a(b', commands:", "expected a regular expression of Python's re"),
    "a pattern without end": ("approval", "commands:", "pattern: 'a+b', commands:", "write {0,40} for *"),
    "an id that another rule has": ("approval", "id: destructive", "id: cards", 'got "cards", which is at policies/masking.yaml:3 too'),
    # retention.yaml, controls.yaml
    "metadata that goes first": ("retention", "metadata_days: 60", "metadata_days: 10", "expected at least content_days (30), got 10"),
    "days of a connection that is not there": (
        "retention", "60}", "60}\nconnections: [{connection: x, content_days: 1, metadata_days: 1}]", "expected the id of a connection",
    ),
    "a group with two clocks": (
        "retention", "60}", "60}\ngroups: [{group: x, content_days: 1, metadata_days: 1}, {group: x, content_days: 2, metadata_days: 2}]", 'got "x"',
    ),
    "an erasure that nobody agrees to": ("retention", "60}", "60}\nerasure: {groups: []}", "expected"),
    "a control that is none": ("controls", '"8.2"', '"8.35"', "expected a control of ISO/IEC 27001:2022"),
    "a control of an older edition": ("controls", '"8.2"', '"A.9.2.3"', "expected a control of ISO/IEC 27001:2022"),
    "a control by a rule that is not there": ("controls", "[destructive]", "[destruktive]", 'did you mean "destructive"?'),
}  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "told"), REFUSED.values(), ids=REFUSED)
def test_it_is_refused_with_its_line_and_what_to_do(file, old, new, told):
    faults = faults_of(**swapped(file, old, new))

    assert any(told in fault for fault in faults), faults
    assert all(fault.startswith("policies/") and fault.split(":")[1].isdigit() for fault in faults)
    assert not any(SECRET in fault for fault in faults)


def test_the_same_host_in_two_connections_is_refused():
    second = SMALL["connections.yaml"].split("connections:\n")[1].replace("id: openai", "id: second")

    assert any('"api.openai.com:443"' in fault for fault in faults_of(connections=SMALL["connections.yaml"] + second))


def test_the_same_host_at_another_port_is_another_connection():
    second = SMALL["connections.yaml"].split("connections:\n")[1].replace("id: openai", "id: second\n    ports: [8443]")

    assert len(parsed(connections=SMALL["connections.yaml"] + second).connections) == 2


ACCEPTED = {
    "its own key": ("credential: client", CredentialKind.CLIENT),
    "no key": ("credential: none", CredentialKind.NONE),
    "a header": ('credential: {header: x-api-key, value: "${env:A_1}"}', CredentialKind.HEADER),
    "a parameter": ('credential: {query: key, value: "${file:/run/secrets/a}"}', CredentialKind.QUERY),
}


@pytest.mark.parametrize(("credential", "kind"), ACCEPTED.values(), ids=ACCEPTED)
def test_a_credential_is(credential, kind):
    changed = swapped(
        "connections", 'credential: {header: Authorization, value: "Bearer ${env:OPENAI_API_KEY}"}', credential
    )

    assert parsed(**changed).connections[0].credential.kind is kind


@pytest.mark.parametrize(
    ("value", "pieces"),
    [
        ("Bearer ${env:A}", ("Bearer ", Reference(Source.ENV, ("A",)))),
        ("${env:A}", (Reference(Source.ENV, ("A",)),)),
        ("Api-Key ${file: ~/key }", ("Api-Key ", Reference(Source.FILE, ("~/key",)))),
        ("${command: pass show 'open router'}", (Reference(Source.COMMAND, ("pass", "show", "open router")),)),
    ],
)
def test_a_template_is_taken_apart(value, pieces):
    credential = parsed(**swapped("connections", "Bearer ${env:OPENAI_API_KEY}", value)).connections[0].credential

    assert credential.pieces == pieces
    assert credential.references == pieces[-1:]


@pytest.mark.parametrize(
    ("lines", "upstream"),
    [
        ("upstream: https://Gateway.Example.com/v1/", Upstream("https", "gateway.example.com", 443, "/v1")),
        ("upstream: https://a.example:8443", Upstream("https", "a.example", 8443, "")),
        ("upstream: http://127.0.0.1:11434\n    allow_private: true", Upstream("http", "127.0.0.1", 11434, "")),
        ("upstream: http://localhost\n    allow_private: true", Upstream("http", "localhost", 80, "")),
        ("upstream: 'http://[::1]:8080'\n    allow_private: true", Upstream("http", "::1", 8080, "")),
        ("upstream: http://10.0.0.5\n    plain: true\n    allow_private: true", Upstream("http", "10.0.0.5", 80, "")),
    ],
)
def test_an_upstream_is_taken_apart(lines, upstream):
    assert (
        parsed(**swapped("connections", "    hosts: [api.openai.com]", f"    {lines}")).connections[0].upstream
        == upstream
    )


def test_a_pattern_of_entities_takes_what_is_left():
    masking = """\
version: 1
rules:
  - {id: cards, entities: [CREDIT_CARD], action: hash, connections: [openai]}
  - {id: ours, entities: ["US_*"], action: hash}
  - {id: rest, entities: ["*"], action: redact, directions: [request]}
"""
    assert [rule.entities for rule in parsed(masking=masking).masking] == [
        ("CREDIT_CARD",),
        ("US_PASSPORT", "US_SSN"),
        ("AWS_KEY", "CREDIT_CARD", "EMAIL_ADDRESS", "IBAN_CODE"),  # cards: decided above for one connection only
    ]


@pytest.mark.parametrize(
    ("entities", "counts"),
    [
        ("[CREDIT_CARD]", (("CREDIT_CARD", 1),)),
        ("CREDIT_CARD", (("CREDIT_CARD", 1),)),
        ("{CREDIT_CARD: 10}", (("CREDIT_CARD", 10),)),
        ("{'US_*': 3, US_SSN: 2}", (("US_PASSPORT", 3), ("US_SSN", 2))),
    ],
)
def test_entities_are_counted(entities, counts):
    rule = parsed(**swapped("approval", "response, commands:", f"request, entities: {entities}, commands:")).approval[0]

    assert rule.when.entities == counts


SCRAPS = ["", "\n", " ", "- ", ": ", "{", "}", "[", "]", '"', "'", "#", "&", "*", "!", "|", ">", "%", "@", "\t", "\x00", "\ud800", "é", "~", "1", "null", "true",
          "version", "id", "${", "9" * 400, "when", "\\", "---\n", "...\n", "? ", "<<", "=", "\u2028", "\ufeff", "\x85"]  # fmt: skip


@given(st.data())
def test_whatever_is_damaged_is_a_fault_or_still_whole(data):
    name = data.draw(st.sampled_from(FILES))
    text = SMALL[name]
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 8)))
        text = text[:start] + data.draw(st.sampled_from(SCRAPS)) + text[end:]
    try:
        faults = () if parsed(**{name.removesuffix(".yaml"): text}).digest else ("no digest",)
    except PolicyFaults as found:
        faults = [fault for fault in found.faults if fault.line > text.count("\n") + 2 and fault.file.endswith(name)]

    assert not faults
