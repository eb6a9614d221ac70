"""An issuer's public keys (JWKS), and whether one of them made a signature. Not the token's claims (oidc.py), not the fetching.

Which algorithms a key may verify follows from the key: its type, its curve, its own `alg`, and the list of the issuer's
policy. A token's header only says which of those it used; it can never turn a public key into an HMAC secret.
Source: RFC 7517 (JWK), RFC 7518 3 and 6 (JWA), RFC 8037 (Ed25519), RFC 8725 3.1-3.3 (best practice).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from jose import jwk
from jose.exceptions import JWKError

from addons.tokens.strict_json import Malformed, base64url, parsed_object

KEY_SET_BYTES = 256 * 1024
KEYS = 64
RSA_BITS = range(2048, 8192 + 1)

_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_CURVES = {
    "P-256": ("ES256", 32),
    "P-384": ("ES384", 48),
    "P-521": ("ES512", 66),
}  # crv -> (alg, bytes of a coordinate)
_PSS_HASHES: Mapping[str, hashes.HashAlgorithm] = {
    "PS256": hashes.SHA256(),
    "PS384": hashes.SHA384(),
    "PS512": hashes.SHA512(),
}
_ED25519_BYTES = 32
_EXPONENT_BYTES = 4


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """One public key that can verify signatures."""

    kid: str  # "" where the set names none
    algorithms: tuple[str, ...]
    parameters: Mapping[str, str] = field(repr=False)  # only the public ones

    def made(self, algorithm: str, signature: bytes, signed: bytes) -> bool:
        if algorithm not in self.algorithms:
            return False
        if algorithm in _PSS_HASHES:
            return _pss(self.parameters, algorithm, signature, signed)
        if algorithm == "EdDSA":
            return _ed25519(self.parameters, signature, signed)
        return bool(jwk.construct(dict(self.parameters), algorithm).verify(signed, signature))


@dataclass(frozen=True, slots=True)
class KeySet:
    """The usable keys of an issuer."""

    keys: tuple[VerifyingKey, ...]

    def candidates(self, kid: str, algorithm: str) -> tuple[VerifyingKey, ...]:
        """Those that the token may mean. Without a kid: the only key of that algorithm, if there is only one."""
        fitting = tuple(key for key in self.keys if algorithm in key.algorithms)
        if kid:
            return tuple(key for key in fitting if key.kid == kid)
        return fitting if len(fitting) == 1 else ()


def key_set(document: bytes) -> KeySet:
    """The keys of a JWKS document. Keys of unknown or weak kinds are left out; raises Malformed if it is no key set."""
    if len(document) > KEY_SET_BYTES:
        raise Malformed(f"expected a key set of at most {KEY_SET_BYTES} bytes, got more")
    keys = parsed_object(document).get("keys")
    if not isinstance(keys, list) or len(keys) > KEYS:
        raise Malformed(f'expected "keys", a list of at most {KEYS}, got something else')
    return KeySet(tuple(_usable(keys)))


def _usable(keys: Iterable[Any]) -> Iterable[VerifyingKey]:
    for parameters in keys:
        key = _verifying_key(parameters) if isinstance(parameters, dict) else None
        if key is not None:
            yield key


def _verifying_key(parameters: Mapping[str, Any]) -> VerifyingKey | None:
    kid, own, operations = parameters.get("kid", ""), parameters.get("alg"), parameters.get("key_ops", ["verify"])
    for_signatures = parameters.get("use", "sig") == "sig" and isinstance(operations, list) and "verify" in operations
    if not for_signatures or not isinstance(kid, str):
        return None
    try:
        kept, algorithms = _material(parameters)
        allowed = tuple(algorithm for algorithm in algorithms if own in (None, algorithm))
        key = VerifyingKey(kid, allowed, kept)
        for algorithm in allowed:
            key.made(algorithm, b"", b"")  # a key that cannot be built must not fail later, in the middle of a request
    except (Malformed, JWKError, ValueError):
        return None
    return key if allowed else None


def _material(parameters: Mapping[str, Any]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The public parameters, checked, and what they can verify."""
    kind, curve = parameters.get("kty"), parameters.get("crv")
    if kind == "RSA":
        return _rsa_material(parameters)
    if kind == "EC" and isinstance(curve, str) and curve in _CURVES:
        algorithm, size = _CURVES[curve]
        kept = {name: _number(parameters, name, size) for name in ("x", "y")}
        return {"kty": "EC", "crv": curve, **kept}, (algorithm,)
    if kind == "OKP" and curve == "Ed25519":
        return {"kty": "OKP", "x": _number(parameters, "x", _ED25519_BYTES)}, ("EdDSA",)
    raise Malformed("expected a key of type RSA, EC or OKP, got another")


def _rsa_material(parameters: Mapping[str, Any]) -> tuple[dict[str, str], tuple[str, ...]]:
    kept = {"n": parameters.get("n"), "e": parameters.get("e")}
    modulus, exponent = (base64url(text) if isinstance(text, str) else b"" for text in kept.values())
    if int.from_bytes(modulus).bit_length() not in RSA_BITS or not 0 < len(exponent) <= _EXPONENT_BYTES:
        raise Malformed(f"expected an RSA key of {RSA_BITS.start}-{RSA_BITS.stop - 1} bits, got another")
    return {"kty": "RSA", **{name: str(text) for name, text in kept.items()}}, _RSA


def _number(parameters: Mapping[str, Any], name: str, size: int) -> str:
    text = parameters.get(name)
    if not isinstance(text, str) or len(base64url(text)) != size:
        raise Malformed(f'expected "{name}" of {size} bytes, got something else')
    return text


def _pss(parameters: Mapping[str, str], algorithm: str, signature: bytes, signed: bytes) -> bool:
    hashed = _PSS_HASHES[algorithm]
    numbers = rsa.RSAPublicNumbers(*(int.from_bytes(base64url(parameters[name])) for name in ("e", "n")))
    pss = padding.PSS(padding.MGF1(hashed), hashed.digest_size)  # RFC 7518, 3.5: the salt is as long as the hash
    try:
        numbers.public_key().verify(signature, signed, pss, hashed)
    except InvalidSignature:
        return False
    return True


def _ed25519(parameters: Mapping[str, str], signature: bytes, signed: bytes) -> bool:
    try:
        ed25519.Ed25519PublicKey.from_public_bytes(base64url(parameters["x"])).verify(signature, signed)
    except InvalidSignature:
        return False
    return True
