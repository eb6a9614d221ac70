"""The policies of the tests' gateways. Every connection leads to the local provider, but `down`, which leads to a closed port."""

from __future__ import annotations

PROVIDER_KEY = (
    "sk-proj-local0providerKey0abcdefghijklmnopqrstuvwxyz0123456789AB"  # planted: must never be in the record
)
BODY_BYTES = 200_000  # of connection `small`
HOLD_SECONDS = 40  # longer than any test waits: what is held is decided, not timed out

IDENTITY = """\
version: 1
local: trial
rights:
  - {id: engineers, groups: [engineering], connections: ["*"]}
  - {id: owners, groups: [data-owners], connections: [openai]}
  - {id: marketing, groups: [marketing], connections: [anthropic]}
"""

CONNECTIONS = """\
version: 1
other_hosts: {other_hosts}
connections:
  - id: openai
    provider: openai
    hosts: [api.openai.com]
    upstream: {upstream}
    allow_private: true
    credential: {{header: Authorization, value: "Bearer ${{env:LOCAL_PROVIDER_KEY}}"}}
    groups: [engineering, data-owners]
    models: ["gpt-*", ""]
    deny_models: ["gpt-forbidden*"]
  - id: anthropic
    provider: anthropic
    hosts: [api.anthropic.com]
    upstream: {upstream}
    allow_private: true
    credential: {{header: x-api-key, value: "${{env:LOCAL_PROVIDER_KEY}}"}}
    groups: [engineering]
    models: ["claude-*", ""]
    deny_models: ["claude-forbidden*"]
  - id: gemini
    provider: gemini
    hosts: [generativelanguage.googleapis.com]
    upstream: {upstream}
    allow_private: true
    credential: {{header: x-goog-api-key, value: "${{env:LOCAL_PROVIDER_KEY}}"}}
    groups: [engineering]
  - id: bedrock
    provider: bedrock
    hosts: [bedrock-runtime.us-east-1.amazonaws.com]
    upstream: {upstream}
    allow_private: true
    credential: none
    groups: [engineering]
  - id: cohere
    provider: cohere
    hosts: [api.cohere.com]
    upstream: {upstream}
    allow_private: true
    credential: none
    groups: [engineering]
  - id: ollama
    provider: ollama
    hosts: [ollama.com]
    upstream: {upstream}
    allow_private: true
    credential: none
    groups: [engineering]
  - id: small
    provider: openai
    hosts: [small.api.openai.com]
    upstream: {upstream}
    allow_private: true
    credential: none
    groups: [engineering]
    limits: {{body_bytes: {body_bytes}}}
  - id: down
    provider: openai
    hosts: [down.api.openai.com]
    upstream: {down}
    allow_private: true
    credential: none
    groups: [engineering]
  - id: nokey
    provider: openai
    hosts: [nokey.api.openai.com]
    upstream: {upstream}
    allow_private: true
    credential: {{header: Authorization, value: "Bearer ${{env:NOT_SET_ANYWHERE}}"}}
    groups: [engineering]
  - id: own-key
    provider: openai
    hosts: [own.api.openai.com]
    upstream: {upstream}
    allow_private: true
    credential: client
    groups: [engineering]
"""

MASKING = """\
version: 1
rules:
  - {id: cards, entities: [CREDIT_CARD], action: hash}
  - {id: everything-else, entities: ["*"], action: redact}
"""

APPROVAL = """\
version: 1
rules:
  - id: taken-out
    when: {{direction: response, models: ["*-remove*"], commands: {{language: sql, verb: [DROP, DELETE, TRUNCATE]}}}}
    then: hold
    approvers: {{groups: [data-owners], count: 1}}
    hold_seconds: {hold_seconds}
    expires_seconds: 3600
    denied: remove
    reason: a denied call is taken out of the reply
  - id: soon-over-in-a-reply
    when: {{direction: response, models: ["*-brief*"], commands: {{language: sql, verb: [DROP, DELETE, TRUNCATE]}}}}
    then: hold
    approvers: {{groups: [data-owners], count: 1}}
    hold_seconds: 1
    expires_seconds: 3600
    denied: remove
  - id: destructive-sql
    when: {{direction: response, commands: {{language: sql, verb: [DROP, DELETE, TRUNCATE]}}}}
    then: hold
    approvers: {{groups: [data-owners], count: 1}}
    hold_seconds: {hold_seconds}
    expires_seconds: 3600
    reason: statements that delete need a data owner
  - id: said-by-the-model
    when: {{direction: response, models: ["*-said*"], pattern: 'launch-code [0-9]{{4}}'}}
    then: hold
    approvers: {{groups: [data-owners], count: 1}}
    hold_seconds: {hold_seconds}
    expires_seconds: 3600
    denied: remove
  - id: cards-in-a-reply
    when: {{direction: response, models: ["*-said*"], entities: {{CREDIT_CARD: 2}}}}
    then: deny
    reason: a reply with several cards goes to nobody
  - id: for-a-while
    when: {{direction: request, models: ["*-window*"]}}
    then: hold
    approvers: {{groups: [data-owners], count: 1}}
    hold_seconds: 1
    expires_seconds: 3600
    scopes: [exact, session, minutes]
    most_minutes: 30
  - id: told-of
    when: {{direction: request, models: ["*-told*"]}}
    then: notify
  - id: only-watched
    when: {{direction: request, models: ["*-told*"]}}
    then: observe
  - id: what-for
    when: {{direction: request, models: ["*-purpose*"]}}
    then: require_purpose
  - id: held-models
    when: {{direction: request, models: ["*-held*"]}}
    then: hold
    approvers: {{groups: [data-owners], count: 1}}
    hold_seconds: {hold_seconds}
    expires_seconds: 3600
    reason: this model needs a data owner
  - id: soon-over
    when: {{direction: request, models: ["*-soon*"]}}
    then: hold
    approvers: {{groups: [data-owners], count: 1}}
    hold_seconds: 1
    expires_seconds: 3600
    reason: the hold is over at once, the approval is not
  - id: never
    when: {{direction: request, models: ["*-denied*"]}}
    then: deny
    reason: nobody may use this model
"""

RETENTION = "version: 1\ndefault: {content_days: 30, metadata_days: 90}\nerasure: {groups: [data-owners]}\n"
CONTROLS = "version: 1\ncontrols:\n  - {id: '8.15', owner: the tests}\n"


def policies(
    upstream: str,
    *,
    down_port: int = 9,
    other_hosts: str = "deny",
    hold_seconds: int = HOLD_SECONDS,
    identity: str = IDENTITY,
    masking: str = MASKING,
    connections: str = "",
    approval: str = "",
) -> dict[str, str]:
    """All six files. down_port: one that nobody listens on (9 is discard, RFC 863)."""
    connections = connections.replace("UPSTREAM", upstream) or CONNECTIONS.format(
        upstream=upstream, down=f"http://127.0.0.1:{down_port}", other_hosts=other_hosts, body_bytes=BODY_BYTES
    )
    return {
        "identity.yaml": identity,
        "connections.yaml": connections,
        "masking.yaml": masking,
        "approval.yaml": approval or APPROVAL.format(hold_seconds=hold_seconds),
        "retention.yaml": RETENTION,
        "controls.yaml": CONTROLS,
    }
