"""What the policies say, as frozen values. Not their spelling (load.py and the grammar files), not their use (decide.py).

Source: the gateway's design, section 5; each file of policies/ is a commented example of the same grammar.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

EVERYONE = "*"  # in `groups`: whoever is identified
NO_MODEL = ""  # in `models`: calls that name no model (a list of models, a file upload)
DEFAULT_PORTS = {"https": 443, "http": 80}

# By which a provider refuses accounts of other organisations, whoever logs in. Anthropic: support.claude.com, article 13198485, read
# 2026-11-25; OpenAI: its help centre's page on network restrictions of ChatGPT workspaces.
TENANT_HEADERS = {"openai": "chatgpt-allowed-workspace-id", "anthropic": "anthropic-allowed-org-ids"}


class OtherHosts(StrEnum):
    """What happens to a host that no connection names."""

    TUNNEL = "tunnel"
    DENY = "deny"


class LocalIssuer(StrEnum):
    """Whether tokens minted on this machine identify anybody."""

    TRIAL = "trial"  # until an outside issuer is named
    ALLOW = "allow"  # beside outside issuers too
    OFF = "off"


class Effect(StrEnum):
    """What a right does; a denying right wins over every allowing one."""

    ALLOW = "allow"
    DENY = "deny"


class MaskAction(StrEnum):
    """What the record keeps of a masked value."""

    REDACT = "redact"
    HASH = "hash"
    PARTIAL = "partial"
    KEEP = "keep"
    BLOCK = "block"


class Wire(StrEnum):
    """Who gets the masked form beside the record: the provider (of requests), the caller (of replies), both, or nobody."""

    NONE = "none"
    REQUEST = "request"
    RESPONSE = "response"
    BOTH = "both"


class Direction(StrEnum):
    """Which half of an exchange a rule looks at."""

    REQUEST = "request"
    RESPONSE = "response"


class Then(StrEnum):
    """What a matching rule does. The first three decide a call, the others are noted, and the rules below go on."""

    HOLD = "hold"
    DENY = "deny"
    PURPOSE = "require_purpose"  # refused, unless the caller said what for; then the rules below go on
    NOTIFY = "notify"
    OBSERVE = "observe"


class Denied(StrEnum):
    """What the client gets where a tool call was denied in a reply."""

    REFUSE = "refuse"  # an error in the endpoint's own form ends the reply
    REMOVE = "remove"  # the reply without that call, a sentence in its place


class FirstUse(StrEnum):
    """What the caller has never used before through this gateway."""

    CONNECTION = "connection"
    MODEL = "model"


class Scope(StrEnum):
    """What one approval lets through."""

    EXACT = "exact"  # this payload, once
    SESSION = "session"  # this conversation, until the approval's time is up
    MINUTES = "minutes"  # whatever the rule holds of this person, for so many minutes


class Weekday(StrEnum):
    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


class HookFormat(StrEnum):
    """How a webhook's receiver wants its messages."""

    SLACK = "slack"
    TEAMS = "teams"
    JSON = "json"


class Happening(StrEnum):
    """What a webhook is called for."""

    REQUESTED = "requested"
    DECIDED = "decided"
    EXPIRED = "expired"
    BREAK_GLASS = "break_glass"
    NOTIFY = "notify"  # a call that a `then: notify` rule fits
    ALARM = "alarm"


class IssuerKind(StrEnum):
    """Whom an issuer's tokens name."""

    PEOPLE = "people"
    WORKLOADS = "workloads"  # jobs of a CI, service accounts: each a named one, with its run's address


class Source(StrEnum):
    """Where a `${…}` reference is read from when a credential goes on."""

    ENV = "env"
    FILE = "file"
    COMMAND = "command"
    KEYRING = "keyring"  # of the operating system: service, name
    VAULT = "vault"  # HashiCorp Vault, KV version 2: mount, path, field


class Visibility(StrEnum):
    """What the record keeps of a connection's calls."""

    FULL = "full"
    METADATA = "metadata"  # who, when, which model, how many tokens; no content


class CredentialKind(StrEnum):
    """Whose key goes upstream, and in which place."""

    HEADER = "header"
    QUERY = "query"
    CLIENT = "client"  # the client's own key is passed
    NONE = "none"  # no key: the client's is taken off and nothing is put on
    AWS = "aws"  # a signature, version 4, over the request as it goes out
    GOOGLE = "google"  # a bearer token of the gateway's own identity there
    AZURE = "azure"


# identity.yaml


@dataclass(frozen=True, slots=True)
class ClaimRule:
    """A claim that a token must hold, in one of the forms given."""

    path: tuple[str, ...]
    globs: tuple[str, ...]


class SecretMethod(StrEnum):
    """How a client shows its secret to an issuer's token endpoint; RFC 6749, 2.3.1."""

    BASIC = "client_secret_basic"
    POST = "client_secret_post"


@dataclass(frozen=True, slots=True)
class ConsoleClient:
    """What the console signs people in as, where that is another client than `affidavit login`'s: one that keeps a secret."""

    client_id: str
    client_secret: Reference
    method: SecretMethod | None = None  # None: as the discovery document says


@dataclass(frozen=True, slots=True)
class Issuer:
    """An OpenID Connect issuer whose tokens identify people or workloads."""

    id: str
    issuer: str  # the exact `iss`
    audiences: tuple[str, ...]  # accepted `aud`; one of them must be in the token
    authorized_parties: tuple[str, ...] = ()  # accepted `azp`; (): not checked
    algorithms: tuple[str, ...] = ("RS256", "ES256")
    jwks: str = ""  # URL of the key set; "": from the issuer's discovery document
    trusted_ca: str = ""  # file of roots beside the machine's, for the issuer's own TLS
    kind: IssuerKind = IssuerKind.PEOPLE
    client_id: str = ""  # what `affidavit login` signs in as; "": login does not use this issuer
    console: ConsoleClient | None = None  # None: the console signs in as client_id, without a secret
    scopes: tuple[str, ...] = ("openid", "profile", "email", "offline_access")
    subject_claim: tuple[str, ...] = ("sub",)  # path into the claims
    email_claim: tuple[str, ...] = ("email",)
    groups_claim: tuple[str, ...] = ("groups",)  # e.g. ("realm_access", "roles")
    groups_in_words: bool = False  # the claim is one text, a group a word, as `scope` is
    groups: tuple[str, ...] = ()  # that everybody whom it names is in
    groups_from: Reference | None = None  # instead of a claim: a JSON file, or a command
    require: tuple[ClaimRule, ...] = ()
    run_url: str = ""  # of a workload: its run's address, "{claim}" filled in
    leeway_seconds: int = 30
    session_seconds: int = 43_200  # a gateway token lives at most as long
    recheck_seconds: int = 300  # whoever has left, or has left a group, is refused after that at the latest
    offline_seconds: int = 3600  # how long keys and the last check serve while the issuer cannot be asked

    @property
    def workloads(self) -> bool:
        return self.kind is IssuerKind.WORKLOADS

    @property
    def groups_elsewhere(self) -> bool:
        return self.groups_from is not None


@dataclass(frozen=True, slots=True)
class TimeMatch:
    """When the call is made, by a clock on the wall."""

    weekdays: tuple[Weekday, ...] = ()  # (): every
    hours: tuple[int, int] | None = None  # from, until (not included); (18, 8) goes over midnight
    zone: str = "UTC"  # of the IANA database


@dataclass(frozen=True, slots=True)
class Right:
    """Who may use which connections, with which models."""

    id: str
    groups: tuple[str, ...]
    connections: tuple[str, ...]  # globs on connection ids
    models: tuple[str, ...]  # globs on models
    effect: Effect
    subjects: tuple[str, ...] = (EVERYONE,)  # globs on subjects and addresses, letter case ignored
    endpoints: tuple[str, ...] = (EVERYONE,)  # globs on operations ("chat"), or on paths if they begin with "/"
    time: TimeMatch | None = None  # None: always
    tokens_a_day: int = 0  # of one caller, in and out, UTC; 0: no bound
    purpose: re.Pattern[str] | None = None  # what the caller's purpose must be, whole


@dataclass(frozen=True, slots=True)
class ConsoleRoles:
    """Groups that may use the console, beside those who approve."""

    auditor: tuple[str, ...] = ()  # sees everything, changes nothing
    admin: tuple[str, ...] = ()  # sees everything; cancels and takes back


@dataclass(frozen=True, slots=True)
class Identity:
    local: LocalIssuer
    issuers: tuple[Issuer, ...]
    rights: tuple[Right, ...]
    roles: ConsoleRoles = ConsoleRoles()

    @property
    def accepts_local(self) -> bool:
        """Whether locally minted tokens identify anybody, as things stand."""
        return self.local is LocalIssuer.ALLOW or (self.local is LocalIssuer.TRIAL and not self.issuers)

    def issuer_of(self, subject: str) -> Issuer | None:
        """The issuer that a subject `<issuer>|<sub>` comes from, if it is named here."""
        return next((one for one in self.issuers if subject.startswith(one.issuer + "|")), None)


# connections.yaml


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where the call really goes."""

    scheme: str  # "https" | "http"
    host: str  # as decide.normal_host gives it
    port: int
    prefix: str  # put before the path: "" or "/v1"; never ends in "/"


@dataclass(frozen=True, slots=True)
class Reference:
    """One `${source: …}` of a credential; resolved where credentials go on, never here."""

    source: Source
    arguments: tuple[str, ...]  # env: the name; file: the path; command: the words of the command


@dataclass(frozen=True, slots=True)
class Credential:
    """The key that goes upstream, as a template: the key itself is never in a policy."""

    kind: CredentialKind
    name: str = ""  # of the header or query parameter
    pieces: tuple[str | Reference, ...] = ()  # in order; joined once the references are resolved
    cache_seconds: int = 60  # how long a key is used before it is read again: a rotated one needs no restart
    region: str = ""  # of aws
    service: str = ""  # of aws
    scope: str = ""  # of google and azure; "": the usual one

    @property
    def references(self) -> tuple[Reference, ...]:
        return tuple(piece for piece in self.pieces if isinstance(piece, Reference))


@dataclass(frozen=True, slots=True)
class Limits:
    body_bytes: int
    reply_bytes: int


@dataclass(frozen=True, slots=True)
class Connection:
    """One provider as these policies allow it to be used."""

    id: str
    provider: str
    hosts: tuple[str, ...]  # normal names, or "*.suffix"; (): reached by base_url only
    ports: tuple[int, ...]
    upstream: Upstream | None  # None: the host and port the client asked for, over TLS
    credential: Credential
    groups: tuple[str, ...]
    models: tuple[str, ...]  # globs; NO_MODEL for calls that name none
    deny_models: tuple[str, ...]  # globs, letter case ignored; they win over `models`
    limits: Limits
    allow_private: bool  # the upstream's address may be loopback, private or link-local
    visibility: Visibility = Visibility.FULL
    require_org: tuple[str, ...] = ()  # the provider is told to serve accounts of these organisations only
    refuse_client_keys: bool = False  # a provider's key seen from a client is a refusal; else it is taken off
    usage_keys: tuple[str, ...] = ()  # how the provider's usage export names the keys that this connection uses


# masking.yaml


@dataclass(frozen=True, slots=True)
class MaskingRule:
    """The first rule of the list that fits decides what happens to an entity."""

    id: str
    entities: tuple[str, ...]  # names, globs resolved
    action: MaskAction
    wire: Wire
    connections: tuple[str, ...] = ()  # ids; (): every
    groups: tuple[str, ...] = ()  # of the caller; (): every
    directions: tuple[Direction, ...] = ()  # (): both
    restore: bool = False  # in replies, placeholders become the caller's own values again
    threshold: int = 0  # per cent: detections less sure are left to the rules below
    fields: tuple[str, ...] = ()  # JSON paths, "header:…", "query:…"; (): everywhere
    whole: bool = False  # the fields are masked whatever they say


@dataclass(frozen=True, slots=True)
class MaskingPattern:
    """A kind of value that only this organisation knows."""

    id: str
    entity: str
    pattern: str
    confidence: int  # per cent
    context: tuple[str, ...] = ()  # words, one of which must stand near it; (): nowhere needed


@dataclass(frozen=True, slots=True)
class MaskingAnalyzer:
    """A model that finds what no pattern can, in a process of its own."""

    entities: tuple[str, ...]
    language: str
    seconds: int  # for one text


@dataclass(frozen=True, slots=True)
class MaskingSearch:
    """Kinds of values that are looked for beside those of the default, or not at all."""

    on: tuple[str, ...] = ()  # entities, globs resolved, and those that a rule names in full
    off: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MaskingAllowance:
    """Values that are left as they are."""

    id: str
    entities: tuple[str, ...]
    values: tuple[str, ...]
    patterns: tuple[re.Pattern[str], ...]


# approval.yaml


@dataclass(frozen=True, slots=True)
class CommandMatch:
    """One statement of a tool call must fit all that is given; () fits every statement. Languages and verbs are casefolded."""

    languages: tuple[str, ...]
    verbs: tuple[str, ...]
    objects: tuple[str, ...]  # globs, letter case ignored; one object of the statement must fit one
    outside: tuple[str, ...] = ()  # globs; one object of the statement, or the host of its URL, must fit none


@dataclass(frozen=True, slots=True)
class AttachmentMatch:
    """One image, sound or document must fit both."""

    types: tuple[str, ...]  # globs on media types ("image/*") or kinds ("document"); (): every
    least_bytes: int  # 0: of any size


@dataclass(frozen=True, slots=True)
class When:
    """What a call must look like; every key that is given must fit. Of replies, the tool calls are looked at."""

    direction: Direction
    entities: tuple[tuple[str, int], ...] = ()  # at least so many of one of them
    pattern: re.Pattern[str] | None = None  # found in one of the texts
    tools: tuple[str, ...] = ()  # globs on names of called tools, letter case ignored
    commands: CommandMatch | None = None
    groups: tuple[str, ...] = ()  # the caller is in one of them
    connections: tuple[str, ...] = ()  # globs
    models: tuple[str, ...] = ()  # globs, letter case ignored
    endpoints: tuple[str, ...] = ()  # globs on ids of wire formats ("openai.chat", "generic")
    attachments: AttachmentMatch | None = None
    estimated_tokens: int = 0  # at least; 0: not looked at
    time: TimeMatch | None = None
    first_use: FirstUse | None = None


@dataclass(frozen=True, slots=True)
class Quorum:
    """So many different people of these groups."""

    groups: tuple[str, ...]
    count: int = 1


@dataclass(frozen=True, slots=True)
class Approvers:
    """Who decides what is held. Nobody counts for two."""

    groups: tuple[str, ...] = ()
    count: int = 1  # how many different people
    also: tuple[Quorum, ...] = ()  # others that must agree too
    break_glass: tuple[str, ...] = ()  # groups of which one alone may approve, flagged, to be reviewed later


@dataclass(frozen=True, slots=True)
class ApprovalRule:
    id: str
    when: When
    then: Then
    approvers: Approvers  # of a hold; empty elsewhere
    hold_seconds: int  # how long one flow waits; 0 unless `then` is hold
    expires_seconds: int  # how long the approval may be decided and used; 0 unless `then` is hold
    reason: str  # shown to the person who is held or refused; "" if none is given
    scopes: tuple[Scope, ...] = (Scope.EXACT,)  # what approvers may choose from
    most_minutes: int = 0  # of scope minutes
    denied: Denied = Denied.REFUSE  # of a tool call in a reply
    alarm_holds: int = 50  # more holds than this in ten minutes are an alarm


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where people are told. The address is a secret with Slack and Teams, so it may be a reference, and is never shown."""

    id: str
    url: tuple[str | Reference, ...]
    format: HookFormat
    secret: tuple[str | Reference, ...]  # signs the messages of format json
    on: tuple[Happening, ...]
    rules: tuple[str, ...]  # ids; (): every
    payload: bool  # whether held tool calls may be sent, masked


# retention.yaml, controls.yaml


@dataclass(frozen=True, slots=True)
class Days:
    """How long content (prompts, replies) and metadata (who, when, which model, how many tokens) are kept."""

    content_days: int
    metadata_days: int


@dataclass(frozen=True, slots=True)
class Retention:
    default: Days
    connections: tuple[tuple[str, Days], ...]  # (connection id, its own days)
    groups: tuple[tuple[str, Days], ...] = ()  # (group, the days of what its people asked)
    erasure: Approvers = Approvers()  # who agrees to an erasure that somebody asks for; no groups: nobody may


@dataclass(frozen=True, slots=True)
class Control:
    """Who answers for a control of ISO/IEC 27001:2022, Annex A, which rules here put it into effect, and what is good enough."""

    id: str  # "8.15"
    owner: str
    rules: tuple[str, ...]  # ids of rights, connections, masking rules or approval rules
    criterion: str = ""  # the company's own, in its own words
    tolerance: int = 0  # unexplained exceptions in a period that are still in order
    interval_days: int = 0  # how often somebody reviews it; 0: no interval is set


@dataclass(frozen=True, slots=True)
class Policies:
    """One set of files, whole and without faults."""

    identity: Identity
    other_hosts: OtherHosts
    connections: tuple[Connection, ...]
    masking: tuple[MaskingRule, ...]
    masking_patterns: tuple[MaskingPattern, ...]
    masking_allowances: tuple[MaskingAllowance, ...]
    masking_analyzer: MaskingAnalyzer | None  # None: off
    masking_search: MaskingSearch
    approval: tuple[ApprovalRule, ...]
    retention: Retention
    controls: tuple[Control, ...]
    webhooks: tuple[Webhook, ...]
    digest: str  # "sha256:" + SHA-256 of `canonical`
    canonical: bytes = field(repr=False)  # RFC 8785 of {file name without .yaml: its content}
    origin: Path
