"""addons/tokens/oidc.py and key_set.py: which tokens of an outside issuer say who is calling."""

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from addons.policy.model import Issuer
from addons.tokens.caller import Caller, Grade
from addons.tokens.gateway_token import TokenRefused
from addons.tokens.key_set import KEY_SET_BYTES, KeySet, key_set
from addons.tokens.oidc import GROUPS, TOKEN_CHARACTERS, claimed_issuer, verify
from addons.tokens.strict_json import DEPTH, Malformed, base64url

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
RULES = Issuer(
    id="corp",
    issuer="https://login.example.com/corp",
    audiences=("affidavit", "affidavit-2"),
    authorized_parties=(),
    algorithms=("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"),
    jwks="",
    client_id="",
    subject_claim=("sub",),
    email_claim=("email",),
    groups_claim=("realm_access", "roles"),
    leeway_seconds=30,
)
CLAIMS = {
    "iss": RULES.issuer,
    "sub": "auth0|17",
    "aud": "affidavit",
    "exp": SECONDS + 600,
    "iat": SECONDS - 60,
    "nbf": SECONDS - 60,
    "jti": "j1",
    "email": "alice@example.com",
    "realm_access": {"roles": ["engineering", "data-owners", "engineering"]},
    "auth_time": SECONDS - 3600,
    "amr": ["pwd", "mfa"],
}

RSA_KEY = rsa.generate_private_key(65537, 2048)
OTHER_RSA_KEY = rsa.generate_private_key(65537, 2048)
EC_KEYS = {
    name: ec.derive_private_key(7, curve())
    for name, curve in {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1, "ES512": ec.SECP521R1}.items()
}
ED_KEY = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32))
HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value: int, size: int = 0) -> str:
    return b64(value.to_bytes(size or (value.bit_length() + 7) // 8))


def rsa_jwk(key=RSA_KEY, **more):
    numbers = key.public_key().public_numbers()
    return {"kty": "RSA", "kid": "rsa", "use": "sig", "n": number(numbers.n), "e": number(numbers.e)} | more


def ec_jwk(algorithm: str, **more):
    key = EC_KEYS[algorithm]
    size = (key.curve.key_size + 7) // 8
    numbers = key.public_key().public_numbers()
    curve = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}[algorithm]
    return {
        "kty": "EC",
        "kid": algorithm,
        "crv": curve,
        "x": number(numbers.x, size),
        "y": number(numbers.y, size),
    } | more


def ed_jwk(**more):
    raw = ED_KEY.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return {"kty": "OKP", "kid": "ed", "crv": "Ed25519", "x": b64(raw)} | more


def keys(*jwks) -> KeySet:
    return key_set(json.dumps({"keys": jwks or [rsa_jwk(), *map(ec_jwk, EC_KEYS), ed_jwk()]}).encode())


KEYS = keys()


def signature(algorithm: str, signed: bytes, key=RSA_KEY) -> bytes:
    hashed = HASHES.get(algorithm[2:])
    if algorithm.startswith("RS"):
        return key.sign(signed, padding.PKCS1v15(), hashed)
    if algorithm.startswith("PS"):
        return key.sign(signed, padding.PSS(padding.MGF1(hashed), hashed.digest_size), hashed)
    if algorithm.startswith("ES"):
        own = EC_KEYS[algorithm]
        size = (own.curve.key_size + 7) // 8
        return b"".join(part.to_bytes(size) for part in decode_dss_signature(own.sign(signed, ec.ECDSA(hashed))))
    return ED_KEY.sign(signed)


KIDS = {"RS": "rsa", "PS": "rsa", "Ed": "ed"}


def token(algorithm="RS256", *, header=None, claims=CLAIMS, key=RSA_KEY, raw_header=None, raw_claims=None) -> str:
    head = {"alg": algorithm, "kid": KIDS.get(algorithm[:2], algorithm), "typ": "JWT"} | (header or {})
    head = {name: value for name, value in head.items() if value is not ...}
    parts = [raw_header or json.dumps(head).encode(), raw_claims or json.dumps(claims).encode()]
    signed = ".".join(b64(part) for part in parts)
    return f"{signed}.{b64(signature(algorithm, signed.encode(), key))}"


def claims(**changed):
    return {name: value for name, value in (CLAIMS | changed).items() if value is not ...}


# What is believed


@pytest.mark.parametrize("algorithm", RULES.algorithms)
def test_a_token_signed_by_the_issuer_is_a_caller(algorithm):
    identified = verify(token(algorithm), RULES, KEYS, NOW)

    assert identified.caller == Caller(
        subject="https://login.example.com/corp|auth0|17",
        email="alice@example.com",
        groups=("engineering", "data-owners"),
        auth_method="jwt",
        token_id="j1",
        grade=Grade.MANAGED,
        purpose="",
        expires_at=NOW + timedelta(seconds=630),
        minted_by="",
    )
    assert identified.auth_time == NOW - timedelta(hours=1)
    assert identified.amr == ("pwd", "mfa")


BELIEVED = {
    "one of several audiences": claims(aud=["other", "affidavit-2"]),
    "no nbf, iat, jti, email, groups": claims(nbf=..., iat=..., jti=..., email=..., realm_access=...),
    "groups that lead nowhere": claims(realm_access="engineering"),
    "one group as a text": claims(realm_access={"roles": "engineering"}),
    "a fraction of a second": claims(exp=SECONDS + 0.5),
    "within the leeway after its end": claims(exp=SECONDS - 29),
    "within the leeway before its start": claims(nbf=SECONDS + 30, iat=SECONDS + 30),
}


@pytest.mark.parametrize("believed", BELIEVED.values(), ids=BELIEVED)
def test_a_token_is_believed_with(believed):
    assert verify(token(claims=believed), RULES, KEYS, NOW).caller.subject.endswith("|auth0|17")


@pytest.mark.parametrize("typ", [..., "JWT", "jwt", "at+jwt", "application/at+jwt"])
def test_an_identity_or_access_token_is_believed(typ):
    assert verify(token(header={"typ": typ}), RULES, KEYS, NOW)


def test_an_address_that_the_issuer_did_not_verify_is_not_taken():
    assert verify(token(claims=claims(email_verified=False)), RULES, KEYS, NOW).caller.email == ""


def test_a_caller_is_believed_no_longer_than_the_token():
    caller = verify(token(), RULES, KEYS, NOW).caller

    with pytest.raises(TokenRefused, match="token_expired"):
        verify(token(), RULES, KEYS, caller.expires_at)


def test_a_single_key_needs_no_name():
    assert verify(token(header={"kid": ...}), RULES, keys(rsa_jwk(kid="x"), ec_jwk("ES256")), NOW)


def test_a_new_key_may_share_its_name_with_an_old_one():
    assert verify(token(), RULES, keys(rsa_jwk(OTHER_RSA_KEY), rsa_jwk()), NOW)


def test_an_unverified_token_only_tells_which_issuer_to_ask():
    assert claimed_issuer(token(key=OTHER_RSA_KEY)) == RULES.issuer
    assert claimed_issuer(token(claims=claims(iss=["a"]))) == ""


# What is not

PEM = RSA_KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def with_signature(head: dict, body: dict, made) -> str:
    signed = f"{b64(json.dumps(head).encode())}.{b64(json.dumps(body).encode())}"
    return f"{signed}.{b64(made(signed.encode()))}"


def hmac_with(secret: bytes):
    return lambda signed: hmac.digest(secret, signed, "sha256")


def tampered(text: str, place: int) -> str:
    parts = text.split(".")
    raw = bytearray(urlsafe_b64decode(parts[place] + "=="))
    raw[len(raw) // 2] ^= 1
    return ".".join([*parts[:place], b64(bytes(raw)), *parts[place + 1 :]])


GOOD = token()
HEADER, BODY, SIGNATURE = GOOD.split(".")
SELF_SIGNED = {"jwk": rsa_jwk(OTHER_RSA_KEY), "jku": "https://evil.example/keys", "x5u": "https://evil.example/cert"}

HOSTILE = {
    # form
    "nothing": ("", "token_malformed"),
    "two parts": (f"{HEADER}.{BODY}", "token_malformed"),
    "five parts (encrypted)": (f"{GOOD}.a.b", "token_malformed"),
    "enormous": ("a." * TOKEN_CHARACTERS, "token_malformed"),
    "padding": (f"{HEADER}=.{BODY}.{SIGNATURE}", "token_malformed"),
    "standard base64": (f"{HEADER}.{BODY}.{'+/' * 128}", "token_malformed"),
    "a blank": (f"{HEADER}.{BODY} .{SIGNATURE}", "token_malformed"),
    "a line break at the end": (GOOD + "\n", "token_malformed"),
    "spare bits": (f"{HEADER}.{BODY}.{'A' * 341}B", "token_malformed"),
    "an impossible length": (f"{HEADER}.{BODY}.A", "token_malformed"),
    "letters of another script": (GOOD.replace("e", "е"), "token_malformed"),
    "a header that is a list": (token(raw_header=b"[]"), "token_malformed"),
    "claims that are a text": (token(raw_claims=b'"a"'), "token_malformed"),
    "claims that are no JSON": (token(raw_claims=b"{"), "token_malformed"),
    "claims that are no UTF-8": (token(raw_claims=b'{"a":"\xff"}'), "token_malformed"),
    "an audience twice": (token(raw_claims=b'{"aud":"affidavit","aud":"other"}'), "token_malformed"),
    "an algorithm twice": (token(raw_header=b'{"alg":"RS256","alg":"none"}'), "token_malformed"),
    "not a number": (token(raw_claims=b'{"exp":NaN}'), "token_malformed"),
    "no end": (token(raw_claims=b'{"exp":Infinity}'), "token_malformed"),
    "no end, spelt as a number": (token(raw_claims=b'{"exp":1e999}'), "token_malformed"),
    "a number of thousands of digits": (token(raw_claims=b'{"exp":' + b"9" * 5000 + b"}"), "token_malformed"),
    "deep": (token(raw_claims=b'{"a":' * (DEPTH + 1) + b"1" + b"}" * (DEPTH + 1)), "token_malformed"),
    "very deep": (token(raw_claims=b"[" * 10_000), "token_malformed"),
    # algorithm
    "none": (with_signature({"alg": "none"}, CLAIMS, lambda _: b""), "token_algorithm"),
    "None": (with_signature({"alg": "None", "kid": "rsa"}, CLAIMS, lambda _: b""), "token_algorithm"),
    "no algorithm": (with_signature({"kid": "rsa"}, CLAIMS, lambda _: b""), "token_algorithm"),
    "an algorithm that is a list": (token(header={"alg": ["RS256"]}), "token_malformed"),
    "HMAC with the public key": (
        with_signature({"alg": "HS256", "kid": "rsa"}, CLAIMS, hmac_with(PEM)),
        "token_algorithm",
    ),
    "HMAC with nothing": (with_signature({"alg": "HS256"}, CLAIMS, hmac_with(b"")), "token_algorithm"),
    "HMAC with the public key, called RS256": (
        with_signature({"alg": "RS256", "kid": "rsa"}, CLAIMS, hmac_with(PEM)),
        "token_signature",
    ),
    "no signature": (f"{HEADER}.{BODY}.", "token_signature"),
    "RS256 called PS256": (token("RS256", header={"alg": "PS256"}), "token_signature"),
    "RS256 called RS512": (token("RS256", header={"alg": "RS512"}), "token_signature"),
    "RSA called elliptic": (token("RS256", header={"alg": "ES256"}), "token_key_unknown"),
    "P-256 called P-384": (token("ES256", header={"alg": "ES384"}), "token_key_unknown"),
    "a signature of zeros": (f"{token('ES256').rpartition('.')[0]}.{b64(bytes(64))}", "token_signature"),
    "a signature as DER": (
        with_signature(
            {"alg": "ES256", "kid": "ES256"},
            CLAIMS,
            lambda signed: EC_KEYS["ES256"].sign(signed, ec.ECDSA(hashes.SHA256())),
        ),
        "token_signature",
    ),
    "Ed25519 of zeros": (f"{token('EdDSA').rpartition('.')[0]}.{b64(bytes(64))}", "token_signature"),
    "a short Ed25519": (f"{token('EdDSA').rpartition('.')[0]}.{b64(bytes(10))}", "token_signature"),
    # key
    "somebody else's key": (token(key=OTHER_RSA_KEY), "token_signature"),
    "a key that it brings along": (token(key=OTHER_RSA_KEY, header=SELF_SIGNED), "token_signature"),
    "an unknown key": (token(header={"kid": "new"}), "token_key_unknown"),
    "a key's name that is a path": (token(header={"kid": "../../dev/null"}), "token_key_unknown"),
    "a key's name that is a number": (token(header={"kid": 7}), "token_malformed"),
    # header
    "an extension that must be understood": (token(header={"crit": ["exp"]}), "token_malformed"),
    "a detached payload": (token(header={"b64": False}), "token_malformed"),
    "a token for logging out": (token(header={"typ": "logout+jwt"}), "token_type"),
    "a proof of possession": (token(header={"typ": "dpop+jwt"}), "token_type"),
    # tampering
    "a changed claim": (tampered(GOOD, 1), None),
    "a changed signature": (tampered(GOOD, 2), "token_signature"),
    # claims
    "another issuer": (token(claims=claims(iss="https://evil.example")), "token_issuer"),
    "the issuer with a slash": (token(claims=claims(iss=RULES.issuer + "/")), "token_issuer"),
    "the issuer in a list": (token(claims=claims(iss=[RULES.issuer])), "token_issuer"),
    "no issuer": (token(claims=claims(iss=...)), "token_issuer"),
    "another audience": (token(claims=claims(aud="openai")), "token_audience"),
    "part of an audience": (token(claims=claims(aud="affidavit-")), "token_audience"),
    "no audience": (token(claims=claims(aud=...)), "token_audience"),
    "an empty list of audiences": (token(claims=claims(aud=[])), "token_audience"),
    "an audience that is a mapping": (token(claims=claims(aud={"affidavit": 1})), "token_audience"),
    "audiences in a list in a list": (token(claims=claims(aud=[["affidavit"]])), "token_audience"),
    "no end of validity": (token(claims=claims(exp=...)), "token_claims"),
    "an end that is a text": (token(claims=claims(exp=str(SECONDS + 600))), "token_claims"),
    "an end that is true": (token(claims=claims(exp=True)), "token_claims"),
    "an end before 1970": (token(claims=claims(exp=-1)), "token_claims"),
    "an end after all time": (token(claims=claims(exp=10**300)), "token_claims"),
    "expired": (token(claims=claims(exp=SECONDS - 30)), "token_expired"),
    "not valid yet": (token(claims=claims(nbf=SECONDS + 31)), "token_not_yet"),
    "issued in the future": (token(claims=claims(iat=SECONDS + 31)), "token_not_yet"),
    "nobody": (token(claims=claims(sub=...)), "token_claims"),
    "an empty person": (token(claims=claims(sub="")), "token_claims"),
    "a person that is a number": (token(claims=claims(sub=17)), "token_claims"),
    "a person of two lines": (token(claims=claims(sub="a\nb")), "token_claims"),
    "a person without end": (token(claims=claims(sub="a" * 300)), "token_claims"),
    "an address that is a list": (token(claims=claims(email=["a"])), "token_claims"),
    "groups that are mappings": (token(claims=claims(realm_access={"roles": [{}]})), "token_claims"),
    "too many groups": (token(claims=claims(realm_access={"roles": ["a"] * (GROUPS + 1)})), "token_claims"),
}


@pytest.mark.parametrize(("hostile", "code"), HOSTILE.values(), ids=HOSTILE)
def test_a_token_is_not_believed(hostile, code):
    with pytest.raises(TokenRefused) as refused:
        verify(hostile, RULES, KEYS, NOW)

    assert code in (None, refused.value.code)
    assert refused.value.hint.endswith("affidavit login")
    assert "auth0" not in str(refused.value)
    assert "alice" not in str(refused.value)


def test_an_algorithm_that_the_policy_does_not_name_is_refused():
    with pytest.raises(TokenRefused, match="token_algorithm"):
        verify(token("ES256"), replace(RULES, algorithms=("RS256",)), KEYS, NOW)


def test_an_algorithm_that_the_key_does_not_name_is_refused():
    with pytest.raises(TokenRefused, match="token_key_unknown"):
        verify(token("RS512"), RULES, keys(rsa_jwk(alg="RS256")), NOW)


@pytest.mark.parametrize(("azp", "believed"), [("cli", True), ("other", False), (..., False), (["cli"], False)])
def test_where_the_policy_names_clients_the_token_must_be_for_one(azp, believed):
    rules = replace(RULES, authorized_parties=("cli",))

    if believed:
        assert verify(token(claims=claims(azp=azp)), rules, KEYS, NOW)
    else:
        with pytest.raises(TokenRefused, match="token_party"):
            verify(token(claims=claims(azp=azp)), rules, KEYS, NOW)


def test_without_a_name_several_keys_are_not_tried():
    with pytest.raises(TokenRefused, match="token_key_unknown"):
        verify(token(header={"kid": ...}), RULES, keys(rsa_jwk(), rsa_jwk(OTHER_RSA_KEY, kid="b")), NOW)


@given(
    st.text(max_size=300)
    | st.from_regex(r"[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,20}", fullmatch=True)
)
def test_any_text_is_refused_in_one_way(text):
    with pytest.raises(TokenRefused):
        verify(text, RULES, KEYS, NOW)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(sorted({*CLAIMS, "azp", "email_verified"})), json_values, max_size=4))
def test_any_signed_claims_are_a_caller_or_refused(changed):
    try:
        caller = verify(token("EdDSA", claims=CLAIMS | changed), RULES, KEYS, NOW).caller
    except TokenRefused:
        return
    assert caller.subject.startswith(f"{RULES.issuer}|")


# Key sets

LEFT_OUT = {
    "an HMAC secret": {"kty": "oct", "kid": "rsa", "k": b64(b"secret"), "alg": "HS256"},
    "a short RSA key": rsa_jwk(n=number((1 << 1023) + 1)),
    "an endless RSA key": rsa_jwk(n=number((1 << 9000) + 1)),
    "an RSA exponent of 1": rsa_jwk(e=number(1)),
    "an even RSA exponent": rsa_jwk(e=number(4)),
    "an endless RSA exponent": rsa_jwk(e=number((1 << 100) + 1)),
    "RSA without a modulus": {"kty": "RSA", "kid": "rsa", "e": "AQAB"},
    "a key for encryption": rsa_jwk(use="enc"),
    "a key for other operations": rsa_jwk(key_ops=["encrypt"]),
    "operations that are no list": rsa_jwk(key_ops=7),
    "an RSA key for HMAC": rsa_jwk(alg="HS256"),
    "an RSA key for nothing": rsa_jwk(alg="none"),
    "a name that is a number": rsa_jwk(kid=7),
    "a point that is not on the curve": ec_jwk("ES256", x=b64(b"\x01" * 32)),
    "a coordinate that is too short": ec_jwk("ES256", x=b64(b"\x01" * 31)),
    "an unknown curve": ec_jwk("ES256", crv="secp256k1"),
    "a curve that is a list": ec_jwk("ES256", crv=["P-256"]),
    "a curve for another algorithm": ec_jwk("ES256", alg="ES384"),
    "an Ed25519 key that is too short": ed_jwk(x=b64(bytes(31))),
    "no key": "rsa",
}


@pytest.mark.parametrize("jwk", LEFT_OUT.values(), ids=LEFT_OUT)
def test_a_key_is_left_out(jwk):
    assert keys(jwk).keys == ()


def test_a_key_keeps_nothing_private():
    private = RSA_KEY.private_numbers()

    (key,) = keys(rsa_jwk(d=number(private.d), p=number(private.p))).keys

    assert set(key.parameters) == {"kty", "n", "e"}
    assert key.parameters["n"] not in repr(key)


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b"{}",
        b'{"keys": {}}',
        b'{"keys": 7}',
        b'{"keys": [' + b"1," * 64 + b"1]}",
        b" " * (KEY_SET_BYTES + 1),
    ],
)
def test_what_is_no_key_set_is_refused(document):
    with pytest.raises(Malformed):
        key_set(document)


@given(
    st.dictionaries(st.sampled_from(["kty", "kid", "use", "key_ops", "alg", "n", "e", "crv", "x", "y"]), json_values)
)
def test_any_key_is_used_or_left_out(jwk):
    assert len(keys(jwk).keys) <= 1


@given(st.binary(max_size=40))
def test_base64url_has_one_spelling(data):
    assert base64url(b64(data)) == data
