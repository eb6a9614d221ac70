"""What a client needs in its environment to come through the gateway, for each of the two doors. Not how a shell spells it (shells.py).

Sources: curl(1) ENVIRONMENT; Python's urllib.request; requests and httpx "environment variables"; nodejs.org/api/cli.html
(NODE_EXTRA_CA_CERTS, NODE_USE_ENV_PROXY since 22.21 and 24.5); AWS SDKs reference (AWS_CA_BUNDLE); git-config(1) http.sslCAInfo;
the OpenAI, Anthropic and Google SDKs' own sources; read on 2026-11-23. Java: docs.oracle.com, "Networking Properties" and JSSE guide;
JDK_JAVA_OPTIONS and JAVA_TOOL_OPTIONS in the java command's and HotSpot's own pages; read on 2026-11-25.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class Token(Enum):
    """The place of the gateway token in a value."""

    HERE = "the gateway token"


Piece = str | Token
Setting = tuple[
    str, tuple[Piece, ...]
]  # ("HTTPS_PROXY", (f"{gateway.scheme}://affidavit:", Token.HERE, "@127.0.0.1:8080"))

# Loopback, and the link-local addresses where a cloud hands out its own credentials: the gateway refuses to go there.
DIRECT = "localhost,127.0.0.1,::1,169.254.169.254,169.254.170.2"

# Each replaces the client's roots, except Node's, which adds to them.
TRUST = (
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "AWS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
)

JAVA = "JAVA_TOOL_OPTIONS"  # read by every Java machine, whatever starts it; what is set there already is replaced

# Named by fewer programs: changed where they are set already, or their users' trust would not include us.
OTHER_TRUST = frozenset(
    {
        "CARGO_HTTP_CAINFO",
        "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE",
        "DENO_CERT",
        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
        "HTTPLIB2_CA_CERTS",
        "NIX_SSL_CERT_FILE",
        "PIP_CERT",
    }
)


@dataclass(frozen=True, slots=True)
class Speaks:
    """How a provider's SDKs are told where to go and what to say there."""

    provider: str
    base_url: str  # variable
    path: str  # that the SDK expects its base URL to end with
    keys: tuple[str, ...]  # variables that hold an API key


SPEAKS = (
    Speaks("openai", "OPENAI_BASE_URL", "/v1", ("OPENAI_API_KEY",)),
    Speaks("anthropic", "ANTHROPIC_BASE_URL", "", ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")),
    Speaks("gcp.gemini", "GOOGLE_GEMINI_BASE_URL", "", ("GEMINI_API_KEY", "GOOGLE_API_KEY")),
)


@dataclass(frozen=True, slots=True)
class Gateway:
    """Where clients find the gateway, as they see it: host may differ from the address it listens on (containers)."""

    host: str
    proxy_port: int
    base_url_port: int
    bundle: str  # path of the bundle of roots on the client's side
    scheme: str = "http"  # "https": TLS to the gateway itself, as from another machine it must be

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]", self.host):
            raise ValueError(f"host {self.host!r}: expected a name, an IPv4 address or an IPv6 address in brackets")
        if not self.bundle.isprintable():
            raise ValueError(
                f"bundle {self.bundle!r}: expected a path that can be printed on one line; use another --state"
            )


@dataclass(frozen=True, slots=True)
class Door:
    """One connection of the base_url door: `http://gateway/<connection>/…`."""

    connection: str
    provider: str
    own_key: bool = False  # credential: client, so the client's own provider key must stay


def proxy_door(gateway: Gateway) -> tuple[Setting, ...]:
    """Both spellings of each: where the lower case one is set already, most clients prefer it; curl knows http_proxy in lower case only."""
    url: tuple[Piece, ...] = (f"{gateway.scheme}://affidavit:", Token.HERE, f"@{gateway.host}:{gateway.proxy_port}")
    proxies = [(name, url) for name in ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy")]
    others = (
        ("NO_PROXY", (DIRECT,)),
        ("no_proxy", (DIRECT,)),
        ("NODE_USE_ENV_PROXY", ("1",)),
        (JAVA, (java_options(gateway),)),
    )
    return (*proxies, *others, *trust(gateway))


def trust(gateway: Gateway) -> tuple[Setting, ...]:
    return tuple((name, (gateway.bundle,)) for name in TRUST)


def java_store(bundle: str) -> str:
    """The bundle as Java reads one: beside it, written with it."""
    return f"{bundle.removesuffix('.pem')}.p12"


def java_options(gateway: Gateway) -> str:
    """Roots and proxy as system properties. Java has none for the proxy's credential, so the token goes in the API key's place; and it speaks
    no TLS to a proxy: there its clients take the base URL.
    """
    options = [f"-Djavax.net.ssl.trustStore={java_store(gateway.bundle)}"]
    if gateway.scheme == "http":
        host = gateway.host.strip("[]")
        options += [f"-D{kind}.proxyHost={host} -D{kind}.proxyPort={gateway.proxy_port}" for kind in ("https", "http")]
        direct = DIRECT.replace("127.0.0.1", "127.*").replace("::1", "[::1]")
        options.append(f"-Dhttp.nonProxyHosts={direct.replace(',', '|')}")
    return " ".join([_java_word(options[0]), *options[1:]])


def _java_word(word: str) -> str:
    """Java takes the variable apart at blanks, and quotes together as a shell does, without escapes."""
    if re.fullmatch(r"[^\s'\"]+", word):
        return word
    return '"' + word.replace('"', '"\'"\'"') + '"'


def base_url_door(gateway: Gateway, doors: Iterable[Door]) -> tuple[Setting, ...]:
    """For SDKs that are told where to go, and for clients that ignore proxy variables; the token sits in the API key's place."""
    origin = f"{gateway.scheme}://{gateway.host}:{gateway.base_url_port}"
    settings: list[Setting] = []
    for speaks, door in _first_of_each(doors):
        settings.append((speaks.base_url, (f"{origin}/{door.connection}{speaks.path}",)))
        if not door.own_key:
            settings.append((speaks.keys[0], (Token.HERE,)))
    return tuple(settings)


def replaced_keys(doors: Iterable[Door], names: Iterable[str]) -> tuple[Setting, ...]:
    """The token in the place of each provider key among the variables `names`: the program behind the gateway never sees the real one.

    A connection whose credential is the client's own keeps its key.
    """
    theirs = {key for speaks, door in _first_of_each(doors) if door.own_key for key in speaks.keys}
    wanted = {speaks.keys[0] for speaks, _ in _first_of_each(doors)}  # SDKs refuse to start without one
    known = {key for speaks in SPEAKS for key in speaks.keys}
    return tuple((key, (Token.HERE,)) for key in sorted((known & set(names) | wanted) - theirs))


def filled(settings: Iterable[Setting], token: str) -> dict[str, str]:
    """The settings as an environment, the token in its places."""
    return {name: "".join(token if piece is Token.HERE else piece for piece in pieces) for name, pieces in settings}


def _first_of_each(doors: Iterable[Door]) -> list[tuple[Speaks, Door]]:
    """A variable has one value: the first connection of each provider has it."""
    doors = tuple(doors)
    found = ((speaks, next((door for door in doors if door.provider == speaks.provider), None)) for speaks in SPEAKS)
    return [(speaks, door) for speaks, door in found if door is not None]
