"""Tokens that no issuer of ours made for us, one table: at the proxy and at the login each is refused, recorded, and shown nowhere."""

from __future__ import annotations

import hmac
import json
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.end_to_end.gateway import Bench, Template, bench
from tests.login.jobs import JobIssuer, b64, job_issuer, jwk, signed

IDENTITY = """\
version: 1
local: allow
issuers:
  - id: corp
    issuer: {issuer}
    audiences: [affidavit]
    trusted_ca: {cafile}
    require: [{{claim: tenant, is: [ours]}}]
  - id: other
    issuer: https://other.example.com
    audiences: [affidavit]
rights:
  - {{id: engineers, groups: [engineering], connections: ["*"]}}
"""
BODY = json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]}).encode()
Hostile = Callable[[JobIssuer], str]
ATTACKER = rsa.generate_private_key(65537, 2048)


def good(issuer: JobIssuer) -> dict[str, Any]:
    now = int(time.time())
    return {
        "iss": issuer.url, "aud": "affidavit", "sub": "alice", "tenant": "ours", "groups": ["engineering"],
        "iat": now - 5, "nbf": now - 5, "exp": now + 600, "jti": "j1",
    }  # fmt: skip


def claims(**changes: Any) -> Hostile:
    """Well signed, with other claims; None leaves one out."""
    return lambda issuer: signed(
        issuer.key, {name: value for name, value in (good(issuer) | changes).items() if value is not None}
    )


def later(name: str, seconds: int) -> Hostile:
    return claims(**{name: int(time.time()) + seconds})


def header(**changes: Any) -> Hostile:
    return lambda issuer: signed(issuer.key, good(issuer), **changes)


def unsigned(algorithm: str) -> Hostile:
    return lambda issuer: ".".join(b64(json.dumps(part).encode()) for part in ({"alg": algorithm}, good(issuer))) + "."


def by_attacker(**changes: Any) -> Hostile:
    return lambda issuer: signed(ATTACKER, good(issuer), **changes)


def hmac_with(secret: Callable[[JobIssuer], bytes], algorithm: str = "HS256") -> Hostile:
    """The public key taken for a shared secret: RFC 8725, 2.1."""

    def made(issuer: JobIssuer) -> str:
        parts = ".".join(b64(json.dumps(part).encode()) for part in ({"alg": algorithm, "kid": "k1"}, good(issuer)))
        return f"{parts}.{b64(hmac.digest(secret(issuer), parts.encode(), f'sha{algorithm[2:]}'))}"

    return made


def pem(issuer: JobIssuer) -> bytes:
    return issuer.key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def parts_signed(head: bytes, body: Callable[[JobIssuer], bytes]) -> Hostile:
    """The issuer's real signature over bytes of any form."""

    def made(issuer: JobIssuer) -> str:
        parts = f"{b64(head)}.{b64(body(issuer))}"
        return f"{parts}.{b64(issuer.key.sign(parts.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    return made


def changed(change: Callable[[str], str]) -> Hostile:
    return lambda issuer: change(signed(issuer.key, good(issuer)))


def json_of(issuer: JobIssuer) -> bytes:
    return json.dumps(good(issuer)).encode()


def with_part(place: int, text: str) -> Callable[[str], str]:
    def change(token: str) -> str:
        parts = token.split(".")
        parts[place] = text
        return ".".join(parts)

    return change


HEAD = b'{"alg":"RS256","kid":"k1"}'
NESTED: Any = "x"
for _ in range(30):
    NESTED = [NESTED]

TABLE: dict[str, Hostile] = {
    # algorithms
    "alg none": unsigned("none"),
    "alg None": unsigned("None"),
    "alg NONE": unsigned("NONE"),
    "alg nOnE": unsigned("nOnE"),
    "alg empty": unsigned(""),
    "alg none, signed": header(alg="none"),
    "alg missing": parts_signed(b'{"kid":"k1"}', json_of),
    "alg null": header(alg=None),
    "alg a list": header(alg=["RS256"]),
    "alg with a blank": header(alg="RS256 "),
    "alg in small letters": header(alg="rs256"),
    "alg that the policy does not name": header(alg="RS512"),
    "alg PS256 over an RS256 signature": header(alg="PS256"),
    "alg ES256 over an RSA signature": header(alg="ES256"),
    "alg EdDSA over an RSA signature": header(alg="EdDSA"),
    "HS256 with the public key in PEM": hmac_with(pem),
    "HS256 with the modulus": hmac_with(lambda issuer: issuer.keys[0]["n"].encode()),
    "HS256 with the key's JWK": hmac_with(lambda issuer: json.dumps(issuer.keys[0]).encode()),
    "HS256 with an empty secret": hmac_with(lambda _issuer: b""),
    "HS384 with the public key in PEM": hmac_with(pem, "HS384"),
    "HS512 with the public key in PEM": hmac_with(pem, "HS512"),
    # keys
    "another key under the issuer's name": by_attacker(),
    "another key, unknown name": by_attacker(kid="k2"),
    "a key of its own in the header": by_attacker(kid="a", jwk=jwk(ATTACKER, "a")),
    "an address of keys in the header": by_attacker(kid="a", jku="https://evil.example.com/keys"),
    "an address of certificates in the header": by_attacker(kid="a", x5u="https://evil.example.com/cert"),
    "a certificate in the header": by_attacker(kid="a", x5c=["MIIB"]),
    "a path as key name": by_attacker(kid="../../../../dev/null"),
    "SQL as key name": by_attacker(kid="k1' UNION SELECT 'x"),
    "a list as key name": header(kid=["k1"]),
    "a number as key name": header(kid=1),
    "a key name of 10,000 characters": by_attacker(kid="k" * 10_000),
    # extensions and types
    "crit": header(crit=["exp"], exp=1),
    "b64 false": header(b64=False, crit=["b64"]),
    "enc": header(enc="A128GCM"),
    "typ of a logout token": header(typ="logout+jwt"),
    "typ of a refresh token": header(typ="refresh"),
    "typ of a proof": header(typ="dpop+jwt"),
    "typ a number": header(typ=1),
    # form
    "no parts": lambda _issuer: "..",
    "one part": changed(lambda token: token.replace(".", "")),
    "two parts": changed(lambda token: token.rpartition(".")[0]),
    "four parts": changed(lambda token: token + ".AAAA"),
    "five parts, as an encrypted one has": changed(lambda token: token + ".AAAA.AAAA"),
    "padding": changed(lambda token: token + "="),
    "blanks inside": changed(lambda token: token.replace(".", ". ", 1)),
    "a line break at the end": changed(lambda token: token + "\n"),
    "a header that is no JSON": parts_signed(b"{", json_of),
    "a header that is a list": parts_signed(b"[]", json_of),
    "a header with alg twice": parts_signed(b'{"alg":"none","alg":"RS256","kid":"k1"}', json_of),
    "claims that are no JSON": parts_signed(HEAD, lambda _issuer: b"alice"),
    "claims that are a list": parts_signed(HEAD, lambda _issuer: b'["alice"]'),
    "claims that are null": parts_signed(HEAD, lambda _issuer: b"null"),
    "claims in another encoding": parts_signed(HEAD, lambda issuer: json_of(issuer).decode().encode("utf-16")),
    "claims with sub twice": parts_signed(HEAD, lambda issuer: json_of(issuer)[:-1] + b', "sub": "bob"}'),
    "claims with NaN": parts_signed(HEAD, lambda issuer: json_of(issuer)[:-1] + b', "x": NaN}'),
    "claims nested 30 deep": claims(deep=NESTED),
    "claims nested 5,000 deep": parts_signed(HEAD, lambda _issuer: b'{"a":' + b"[" * 5_000 + b"]" * 5_000 + b"}"),
    "17,000 characters": claims(filler="x" * 12_800),
    "40,000 characters": claims(filler="x" * 30_000),
    # signatures
    "no signature": changed(with_part(2, "")),
    "half a signature": changed(lambda token: token[:-170]),
    "one bit of the signature changed": changed(lambda token: token[:-20] + ("A" if token[-20] != "A" else "B") + token[-19:]),
    "claims changed after signing": changed(with_part(1, b64(b'{"iss":"x","sub":"bob"}'))),
    "header changed after signing": changed(with_part(0, b64(b'{"alg":"RS256","kid":"k1","x":1}'))),
    "a signature of zeros": changed(with_part(2, b64(bytes(256)))),
    # where from and where to
    "another issuer": claims(iss="https://evil.example.com"),
    "an issuer that is also ours": claims(iss="https://other.example.com"),
    "no issuer": claims(iss=None),
    "a list of issuers": lambda issuer: claims(iss=[issuer.url])(issuer),
    "the issuer with a slash": lambda issuer: claims(iss=issuer.url + "/")(issuer),
    "another audience": claims(aud="payroll"),
    "no audience": claims(aud=None),
    "several audiences, none of them ours": claims(aud=["payroll", "affidavit-console"]),
    "an audience in a list in a list": claims(aud=[["affidavit"]]),
    "a prefix of our audience": claims(aud="affid"),
    # times
    "over": later("exp", -120),
    "no end": claims(exp=None),
    "an end as text": claims(exp="9999999999"),
    "an end that is true": claims(exp=True),
    "an end before 1970": claims(exp=-1),
    "an end after the year 9999": claims(exp=10**15),
    "not yet": later("nbf", 86_400),
    "a beginning as text": claims(nbf="0"),
    "issued tomorrow": later("iat", 86_400),
    "issued in words": claims(iat="today"),
    # who
    "nobody": claims(sub=None),
    "an empty name": claims(sub=""),
    "a list of names": claims(sub=["alice", "bob"]),
    "a number": claims(sub=7),
    "a name on two lines": claims(sub="alice\nbob"),
    "a name that drives the terminal": claims(sub="\x1b[2Jalice"),
    "a name of 10,000 characters": claims(sub="a" * 10_000),
    "a thousand and one groups": claims(groups=[f"g{n}" for n in range(1001)]),
    "groups that are no names": claims(groups=[{"id": "engineering"}]),
    "too many groups to list (overage)": claims(groups=None, _claim_names={"groups": "src1"}),
    "overage, the other sign": claims(groups=None, hasgroups=True),
    "without a required claim": claims(tenant=None),
    "with another required claim": claims(tenant="theirs"),
    # gateway tokens
    "a gateway token that nobody knows": lambda _issuer: "afd_" + "A" * 43,
    "a gateway token that is too short": lambda _issuer: "afd_" + "A" * 42,
    "a gateway token that is too long": lambda _issuer: "afd_" + "A" * 44,
    "a gateway token inside another": lambda _issuer: "afd_afd_" + "A" * 39,
}  # fmt: skip


@pytest.fixture(scope="module")
def world(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Bench, JobIssuer]]:
    folder = tmp_path_factory.mktemp("hostile")
    with (
        job_issuer(folder) as issuer,
        bench(template, folder, identity=IDENTITY.format(issuer=issuer.url, cafile=issuer.cafile)) as made,
    ):
        yield made, issuer


def shown_somewhere(made: Bench, token: str) -> list[str]:
    """Parts of the token, long enough to be one, that the store, its journal or the log hold."""
    files = [made.state.path / "evidence.db", made.state.path / "evidence.db-wal", made.gateway.log]
    held = b"".join(file.read_bytes() for file in files if file.exists())
    return [part for part in (token, *token.split(".")) if len(part) > 30 and part.encode("utf-8", "replace") in held]


def test_the_good_token_is_believed_so_the_table_can_fail(world: tuple[Bench, JobIssuer]) -> None:
    made, issuer = world
    count, seq = made.provider.count, made.last_seq()
    token = signed(issuer.key, good(issuer))

    answer = made.raw("proxy", BODY, who=token)

    assert (answer.status, made.provider.count) == (200, count + 1)
    row = made.closed_exchange(seq)
    assert (row["subject"], row["auth_method"], row["grade"]) == (f"{issuer.url}|alice", "jwt", "managed")
    assert shown_somewhere(made, token) == []


def test_the_table_is_long_enough() -> None:
    assert len(TABLE) >= 60


@pytest.mark.parametrize("hostile", TABLE.values(), ids=TABLE)
def test_at_the_proxy_it_is_refused_and_recorded_and_nothing_goes_upstream(
    world: tuple[Bench, JobIssuer], hostile: Hostile
) -> None:
    made, issuer = world
    token = hostile(issuer)
    count, seq = made.provider.count, made.last_seq()

    answer = made.raw("proxy", BODY, who=token)

    assert (answer.status, made.provider.count) == (401, count), answer.text
    (refused,) = made.events_since(seq, "identity.refused")
    assert json.loads(refused["leaf"])["attrs"]["code"]
    assert made.events_since(seq, "exchange.opened") == []
    assert shown_somewhere(made, token) == []
    assert token.strip() not in answer.text


AT_LOGIN = {name: hostile for name, hostile in TABLE.items() if "line break" not in name}  # no header carries one


@pytest.mark.parametrize("hostile", AT_LOGIN.values(), ids=AT_LOGIN)
def test_at_the_login_it_buys_no_gateway_token(world: tuple[Bench, JobIssuer], hostile: Hostile) -> None:
    made, issuer = world
    token = hostile(issuer)
    seq = made.last_seq()
    headers = {"authorization": f"Bearer {token.strip()}", "content-type": "application/json"}
    request = urllib.request.Request(f"{made.gateway.base_url('affidavit')}/login", b"{}", headers)

    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(request, timeout=20)

    with refusal.value as answer:
        text = answer.read().decode()
        status = answer.code
    assert status in (400, 401)
    assert made.events_since(seq, "token.minted") == []
    assert len(made.events_since(seq, "identity.refused")) == 1
    assert shown_somewhere(made, token) == []
    assert token.strip() not in text


def test_a_flood_of_unknown_keys_asks_the_issuer_no_more_than_once(world: tuple[Bench, JobIssuer]) -> None:
    made, issuer = world
    before = issuer.asked.count("/keys")

    for number in range(30):
        made.raw("proxy", BODY, who=by_attacker(kid=f"flood-{number}")(issuer))

    assert issuer.asked.count("/keys") - before <= 1


def test_basic_is_read_as_it_is_written(world: tuple[Bench, JobIssuer]) -> None:
    """The issuer's good token under another user name is nobody's."""
    made, issuer = world
    token = signed(issuer.key, good(issuer))
    header_value = "Basic " + b64encode(f"admin:{token}".encode()).decode()
    count = made.provider.count

    answer = made.raw("proxy", BODY, who=None, headers=(("proxy-authorization", header_value),))

    assert (answer.status, made.provider.count) == (401, count)
