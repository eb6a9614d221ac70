"""connections.yaml: the providers that may be called. Its commented example: policies/connections.yaml.

No key of a provider may stand in the file: its content is part of the evidence. A credential refers to where the key is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from addons.policy import forms
from addons.policy.faults import nearest
from addons.policy.fields import Fields, Form, Marked
from addons.policy.hosts import is_loopback, is_private, normal_host
from addons.policy.model import (
    DEFAULT_PORTS,
    TENANT_HEADERS,
    Connection,
    Credential,
    CredentialKind,
    Limits,
    OtherHosts,
    Reference,
    Upstream,
    Visibility,
)
from addons.policy.nodes import Scalar
from addons.policy.references import reference

KEYS = ("version", "other_hosts", "connections")
CONNECTION_KEYS = (
    "id", "provider", "hosts", "ports", "upstream", "plain", "allow_private",
    "credential", "groups", "models", "deny_models", "limits", "usage_keys", "visibility", "require_org", "client_keys",
)  # fmt: skip
CREDENTIAL_KEYS = ("header", "query", "value", "cache_seconds", "cloud", "region", "service", "scope")
LIMIT_KEYS = ("body_bytes", "reply_bytes")

MEBIBYTE = 1 << 20
DEFAULT_LIMITS = Limits(body_bytes=32 * MEBIBYTE, reply_bytes=64 * MEBIBYTE)
_LARGEST = 1024 * MEBIBYTE

# RFC 9110 5.6.2; and the headers that frame a message or name its host, which are not ours to set (RFC 9110 7.6.1).
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
_FRAMING = (
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "proxy-authorization",
)
_SCHEME_WORD = re.compile(r"(?:[A-Za-z][A-Za-z-]{0,15} )?")

_HEADER = Form("the name of a header", lambda text: _TOKEN.fullmatch(text) is not None and text.lower() not in _FRAMING)
_PARAMETER = Form(
    "the name of a query parameter", lambda text: re.fullmatch(r"[A-Za-z0-9._~-]{1,64}", text) is not None
)
_HOST = Form(
    'the name of a host alone ("api.openai.com", "*.openai.azure.com"; a port goes under ports)',
    lambda text: _host(text) != "",
)
_TEMPLATE = Form(
    'at most a scheme word and a reference ("Bearer ${env:NAME}", "${file:/path}", "${command: name words}", "${keyring:service/name}", "${vault:mount/path#field}")',
    lambda text: bool(reference_pieces(text)),
    secret=True,
)
_AWS_NAME = Form(
    "a name of AWS (eu-central-1, bedrock)", lambda text: re.fullmatch(r"[a-z0-9-]{2,40}", text) is not None
)
_ORGANISATION = Form(
    "an organisation's id or domain", lambda text: re.fullmatch(r"[A-Za-z0-9._-]{1,100}", text) is not None
)
_UPSTREAM = Form(
    "an http or https URL without user, query or fragment", lambda text: forms.parsed_url(text) is not None, secret=True
)


class Cloud(StrEnum):
    """Whose library makes the credential."""

    AWS = "aws"
    GOOGLE = "google"
    AZURE = "azure"


class ClientKeys(StrEnum):
    """What becomes of a provider's key that a client sends; it is a finding either way."""

    REPLACE = "replace"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Known:
    """Names from outside the files that they may use."""

    providers: frozenset[str]
    entities: frozenset[str]
    endpoints: frozenset[str] = frozenset()  # empty: not checked
    probe: Callable[[str, tuple[str, ...], tuple[str, ...]], tuple[str, str, str] | None] | None = None  # of patterns


def read(fields: Fields, known: Known) -> tuple[OtherHosts, tuple[Connection, ...]]:
    other_hosts = fields.choice("other_hosts", OtherHosts)
    return other_hosts, tuple(
        _connection(connection, known) for connection in fields.each("connections", "connection", CONNECTION_KEYS)
    )


def _connection(fields: Fields, known: Known) -> Connection:
    ports = fields.wholes("ports", 1, 65535, (443,))
    return Connection(
        id=fields.own_id("connection"),
        provider=_provider(fields, known),
        hosts=_hosts(fields, ports),
        ports=ports,
        upstream=_upstream(fields),
        credential=_credential(fields),
        groups=fields.texts("groups", forms.GROUP),
        models=fields.texts("models", forms.MODEL_GLOB, ("*",)),
        deny_models=fields.texts("deny_models", forms.GLOB, ()),
        limits=_limits(fields.inner("limits", LIMIT_KEYS, required=False)),
        allow_private=fields.flag("allow_private", default=False),
        visibility=fields.choice("visibility", Visibility, Visibility.FULL),
        require_org=_require_org(fields),
        refuse_client_keys=fields.choice("client_keys", ClientKeys, ClientKeys.REPLACE) is ClientKeys.REFUSE,
        usage_keys=_usage_keys(fields),
    )


def _usage_keys(fields: Fields) -> tuple[str, ...]:
    """A key belongs to one connection: what was used under it is compared with what that connection recorded."""
    keys = fields.marked("usage_keys", forms.LINE, ())
    for key in keys:
        fields.reading.declare("usage key", key)
    return tuple(key.text for key in keys)


def _require_org(fields: Fields) -> tuple[str, ...]:
    named = fields.texts("require_org", _ORGANISATION, ())
    node = fields.node("provider", required=False)
    if named and not (isinstance(node, Scalar) and node.value in TENANT_HEADERS):
        fields.reading.fault(
            fields.at("require_org"), f"require_org with provider {' or '.join(sorted(TENANT_HEADERS))}", "another",
            "take it out: no such header is documented for it",
        )  # fmt: skip
    return named


def _provider(fields: Fields, known: Known) -> str:
    name = fields.text("provider", forms.LINE)
    if name and name not in known.providers:
        fields.reading.fault(fields.at("provider"), "a provider", f'"{name[:40]}"', nearest(name, known.providers))
    return name


def _hosts(fields: Fields, ports: tuple[int, ...]) -> tuple[str, ...]:
    """Each pair of host and port belongs to one connection: which of two would answer for a call is nobody's guess."""
    marked = fields.marked("hosts", _HOST, () if "upstream" in fields else None)
    hosts = [Marked(_host(item.text), item.line) for item in marked if item.text]
    for host in hosts:
        for port in ports:
            fields.reading.declare("host", Marked(f"{host.text}:{port}", host.line))
    return tuple(host.text for host in hosts)


def _host(text: str) -> str:
    """The host in its normal form, or ""."""
    if not text.startswith("*."):
        return normal_host(text) or ""
    suffix = normal_host(text[2:]) or ""
    return f"*.{suffix}" if "." in suffix and ":" not in suffix else ""


def _upstream(fields: Fields) -> Upstream | None:
    url = forms.parsed_url(fields.text("upstream", _UPSTREAM, ""))
    plain = fields.flag("plain", default=False)
    if url is None:
        return None
    host = normal_host(url.hostname or "") or ""
    line = fields.at("upstream")
    if url.scheme == "http" and not is_loopback(host) and not plain:
        fields.reading.fault(
            line, "https", "http to another machine", "use https, or add plain: true to send keys unencrypted"
        )
    if is_private(host) and not fields.flag("allow_private", default=False):
        fields.reading.fault(line, "a public address", "a private one", "add allow_private: true if it is meant")
    return Upstream(url.scheme, host, url.port or DEFAULT_PORTS[url.scheme], url.path.rstrip("/"))


def _credential(fields: Fields) -> Credential:
    node = fields.node("credential")
    if isinstance(node, Scalar) and node.value in (CredentialKind.CLIENT, CredentialKind.NONE):
        return Credential(CredentialKind(str(node.value)))
    if isinstance(node, Scalar):
        fields.reading.fault(
            node.line, "{header, value}, {query, value}, client or none", "a text", "never write a key here"
        )
        return Credential(CredentialKind.NONE)
    inner = fields.inner("credential", CREDENTIAL_KEYS, required=False)
    if inner is None:
        return Credential(CredentialKind.NONE)
    if "cloud" in inner:
        return _of_cloud(inner)
    if inner.readable and ("header" in inner) == ("query" in inner):
        inner.reading.fault(
            inner.line, "header or query in credential", "both or none", "name the one place the key goes to"
        )
    kind = CredentialKind.QUERY if "query" in inner else CredentialKind.HEADER
    form = _PARAMETER if kind is CredentialKind.QUERY else _HEADER
    return Credential(
        kind,
        inner.text(kind, form, ""),
        reference_pieces(inner.text("value", _TEMPLATE)),
        cache_seconds=inner.whole("cache_seconds", 0, 3600, 60),
    )


def _of_cloud(inner: Fields) -> Credential:
    """Made anew for each call, or every hour, by the cloud's own library: nothing of it stands in a policy."""
    cloud = inner.choice("cloud", Cloud)
    allowed = ("cloud", "region", "service") if cloud is Cloud.AWS else ("cloud", "scope")
    for key in (key for key in CREDENTIAL_KEYS if key in inner and key not in allowed):
        inner.reading.fault(inner.at(key), f"only {', '.join(allowed)} beside cloud: {cloud}", key, "take it out")
    if cloud is Cloud.AWS:
        region = inner.text("region", _AWS_NAME)
        return Credential(CredentialKind.AWS, region=region, service=inner.text("service", _AWS_NAME, "bedrock"))
    return Credential(CredentialKind(cloud.value), name="authorization", scope=inner.text("scope", forms.URL, ""))


def reference_pieces(template: str) -> tuple[str | Reference, ...]:
    """() where the template is not one: literal text beyond a scheme word could be a key."""
    found = reference(template[len(word := _scheme_word(template)) :])
    if found is None:
        return ()
    return (word, found) if word else (found,)


def _scheme_word(template: str) -> str:
    found = _SCHEME_WORD.match(template)
    return found[0] if found else ""


def _limits(fields: Fields | None) -> Limits:
    if fields is None:
        return DEFAULT_LIMITS
    return Limits(
        body_bytes=fields.whole("body_bytes", 1024, _LARGEST, DEFAULT_LIMITS.body_bytes),
        reply_bytes=fields.whole("reply_bytes", 1024, _LARGEST, DEFAULT_LIMITS.reply_bytes),
    )
