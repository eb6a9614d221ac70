"""The gateway's certificate authority: a key and a certificate that can vouch for model providers' hosts only.

Not the leaves (mitmproxy signs those) and not the machine's trust store. X.509 name constraints, critical: RFC 5280,
4.2.1.10. Once a client trusts this certificate, a stolen key still cannot speak for its bank. The key is EC P-256:
mitmproxy signs its leaves for the same key, and a P-256 handshake costs a fraction of an RSA one.
"""

from __future__ import annotations

import ipaddress
import os
import re
import ssl
import warnings
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from scripts.client_settings import java_store

PRIVATE_SUFFIX = "affidavit.internal"  # a name under it can be given to any host of one's own; .internal is reserved for that (ICANN, 2024-07-29)
FROM_CONTAINERS = "host.docker.internal"  # what containers call the machine they run on
BASE_URL_DOOR = "affidavit.invalid"  # the door's stand-in for an upstream, which mitmproxy puts into its leaf; the name can never be anybody's (RFC 6761)
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
LIFETIME = timedelta(days=3 * 365)
ENDS_SOON_DAYS = 60
BACKDATED = timedelta(days=2)  # as mitmproxy does: clients whose clock is slow

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----\s.+?-----END CERTIFICATE-----", re.DOTALL)


def permitted_names(suffixes: Iterable[str]) -> tuple[str, ...]:
    """DNS names under which the certificate may vouch: the providers', this machine's and the private suffix."""
    return tuple(
        sorted(
            {suffix.lstrip(".").lower() for suffix in suffixes}
            | {"localhost", FROM_CONTAINERS, BASE_URL_DOOR, PRIVATE_SUFFIX}
        )
    )


def create(names: Iterable[str], now: datetime) -> tuple[bytes, bytes]:
    """Key and certificate in PEM; the certificate stands for `names`, what is under them, and loopback addresses only."""
    key = ec.generate_private_key(ec.SECP256R1())
    # The form mitmproxy itself writes (certs.CertStore.create_store).
    key_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    return key_pem, renewed(key_pem, names, now)


def renewed(key_pem: bytes, names: Iterable[str], now: datetime) -> bytes:
    """A certificate of our own making for this key, from now on."""
    key = _private(key_pem)
    name, key_id = _named(key)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_signs_certificates(), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(key_id, critical=False)
        .add_extension(_permitted(names), critical=True)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM)


def request(key_pem: bytes, names: Iterable[str]) -> bytes:
    """A signing request (PKCS #10) that asks for what `renewed` gives."""
    key = _private(key_pem)
    asked = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(_named(key)[0])
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_signs_certificates(), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(_permitted(names), critical=True)
        .sign(key, hashes.SHA256())
    )
    return asked.public_bytes(serialization.Encoding.PEM)


def faults_of_intermediate(key_pem: bytes, chain_pem: bytes, now: datetime) -> tuple[str, ...]:
    """Why the first certificate of a chain cannot sign for this gateway; () where it can."""
    try:
        chain = x509.load_pem_x509_certificates(chain_pem)
    except ValueError:
        return ("expected certificates in PEM, got something else",)
    faults, first = [], chain[0]
    if _public(first.public_key()) != _public(_private(key_pem).public_key()):
        faults.append("the certificate is for another key")
    try:
        basic = first.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        basic = None
    if basic is None or not basic.ca:
        faults.append("the certificate may not sign others (basicConstraints: CA)")
    if not first.not_valid_before_utc <= now < first.not_valid_after_utc:
        faults.append("the certificate is not valid now")
    for below, above in pairwise(chain):
        try:
            below.verify_directly_issued_by(above)
        except (ValueError, TypeError, InvalidSignature):
            faults.append("the chain is out of order, or one of it did not sign the one before")
    return tuple(faults)


def told(certificate_pem: bytes) -> dict[str, Any]:
    """What a person or a program wants to know of the first certificate."""
    certificate = x509.load_pem_x509_certificate(certificate_pem)
    constraints = _constraints(certificate_pem)
    return {
        "subject": certificate.subject.rfc4514_string(),
        "issuer": certificate.issuer.rfc4514_string(),
        "self_signed": certificate.subject == certificate.issuer,
        "since": certificate.not_valid_before_utc.isoformat(),
        "until": certificate.not_valid_after_utc.isoformat(),
        "sha256": certificate.fingerprint(hashes.SHA256()).hex(),
        "may_sign_for": [str(name.value) for name in constraints.permitted_subtrees or ()]
        if constraints
        else ["any name"],
    }


def certificate_of(pem: bytes) -> bytes:
    """The certificates of a file that holds a key too."""
    return "".join(f"{block}\n" for block in _CERTIFICATE.findall(pem.decode("ascii", "replace"))).encode()


def key_of(pem: bytes) -> bytes:
    found = re.search(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----.+?-----END [A-Z ]*PRIVATE KEY-----\n?", pem, re.DOTALL)
    if found is None:
        raise ValueError("expected a private key in PEM, got none")
    return found[0]


def in_force(pem: bytes, now: datetime) -> bytes:
    """The certificates of a file that have not ended, each once."""
    kept: dict[bytes, bytes] = {}
    for block in _CERTIFICATE.findall(pem.decode("ascii", "replace")):
        certificate = x509.load_pem_x509_certificate(block.encode())
        if now < certificate.not_valid_after_utc:
            kept.setdefault(certificate.fingerprint(hashes.SHA256()), f"{block}\n".encode())
    return b"".join(kept.values())


def write_private(path: Path, content: bytes) -> None:
    """Whole or not at all, and never readable by others, not for a moment."""
    unfinished = path.with_suffix(".new")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    unfinished.replace(path)


def write(folder: Path, key_pem: bytes, certificate_pem: bytes) -> None:
    """Into mitmproxy's confdir, under the names it reads. The key is never readable by others, not for a moment."""
    folder.mkdir(mode=0o700)
    descriptor = os.open(folder / "mitmproxy-ca.pem", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key_pem + certificate_pem)
    (folder / "mitmproxy-ca-cert.pem").write_bytes(certificate_pem)


def hosts_outside(certificate_pem: bytes, hosts: Iterable[str]) -> tuple[str, ...]:
    """The hosts for which clients would refuse what this certificate signs; all pass where it has no constraints."""
    constraints = _constraints(certificate_pem)
    if constraints is None:
        return ()
    return tuple(host for host in hosts if not _permits(constraints, host))


def findings(certificate_file: Path, key_file: Path, hosts: Iterable[str], now: datetime) -> tuple[str, ...]:
    """What an operator should know about the certificate authority: `what: what to do`."""
    found = []
    pem = certificate_file.read_bytes()
    certificate = x509.load_pem_x509_certificate(pem)
    days = (certificate.not_valid_after_utc - now).days
    if days < ENDS_SOON_DAYS:
        found.append(
            f"the CA certificate ends in {days} days: affidavit ca renew (or rotate), then give clients the new bundle"
        )
    if key_file.stat().st_mode & 0o077:
        found.append(f"others can read the CA key: chmod 600 {key_file}")
    if _constraints(pem) is None:
        found.append(
            f"the CA certificate has no name constraints, so its key can speak for any host: keep {key_file} as you would a root's"
        )
    for host in hosts_outside(pem, hosts):
        found.append(
            f"connections.yaml: host {host} is outside the CA's name constraints, so clients will refuse it; "
            f"give it a name under {PRIVATE_SUFFIX}, or let clients use its base_url door"
        )
    return tuple(found)


def machine_roots(environ: Mapping[str, str], ours: Path) -> str:
    """PEM of the roots this machine trusts, so that pointing SSL_CERT_FILE at a bundle takes nothing away."""
    for candidate in (
        environ.get("SSL_CERT_FILE"),
        environ.get("REQUESTS_CA_BUNDLE"),
        ssl.get_default_verify_paths().openssl_cafile,
        *_USUAL_PLACES,
    ):
        # A bundle of ours set in this very shell is not the machine's.
        if (
            candidate
            and Path(candidate) != ours
            and Path(candidate).is_file()
            and (pem := certificates_in(Path(candidate)))
        ):
            return pem
    import certifi  # noqa: PLC0415, only where the machine has no bundle of its own; comes with mitmproxy

    return certificates_in(Path(certifi.where()))


def java_trust(pem: bytes) -> bytes:
    """The same certificates as Java reads them: PKCS #12 without a password, for there is no secret in it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of roots with serial numbers that RFC 5280 does not allow
        certificates = x509.load_pem_x509_certificates(pem)
    named = [
        pkcs12.PKCS12Certificate(one, f"{number} {one.subject.rfc4514_string()}".encode()[:200])
        for number, one in enumerate(certificates)
    ]
    return pkcs12.serialize_java_truststore(named, serialization.NoEncryption())


def write_java_store(bundle: Path) -> None:
    """Beside the bundle, from what it says now."""
    store = Path(java_store(str(bundle)))
    unfinished = store.with_suffix(".new-p12")
    unfinished.write_bytes(java_trust(bundle.read_bytes()))
    unfinished.replace(store)


def write_bundle(bundle: Path, certificate: Path, environ: Mapping[str, str]) -> None:
    """This machine's roots and ours: what SSL_CERT_FILE and its like are pointed at."""
    earlier = certificate.with_name("earlier.pem")  # of a renewal or rotation: clients may meet any of them for a while
    text = machine_roots(environ, bundle) + certificate.read_text() + (earlier.read_text() if earlier.exists() else "")
    unfinished = bundle.with_suffix(".new")
    unfinished.write_text(text)
    unfinished.replace(bundle)
    write_java_store(bundle)


def certificates_in(file: Path) -> str:
    """The certificates of a PEM file without the comments between them; keys, if any, stay behind."""
    return "".join(f"{block}\n" for block in _CERTIFICATE.findall(file.read_text("utf-8", "replace")))


_USUAL_PLACES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


def _private(pem: bytes) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pem, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("expected an EC key, got another kind")  # noqa: TRY004 -- of the file, not of a caller
    return key


def _public(key: Any) -> bytes:
    return bytes(key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))


def _named(key: ec.EllipticCurvePrivateKey) -> tuple[x509.Name, x509.SubjectKeyIdentifier]:
    """The key's own digits in the name: two states' certificates in one trust store are told apart."""
    key_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    common = f"Affidavit evidence gateway {key_id.digest.hex()[:8]}"
    name = [
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Affidavit"),
        x509.NameAttribute(NameOID.COMMON_NAME, common),
    ]
    return x509.Name(name), key_id


def _permitted(names: Iterable[str]) -> x509.NameConstraints:
    subtrees = [*map(x509.DNSName, names), *map(x509.IPAddress, LOOPBACK)]
    return x509.NameConstraints(permitted_subtrees=subtrees, excluded_subtrees=None)


def _signs_certificates() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )


def _constraints(certificate_pem: bytes) -> x509.NameConstraints | None:
    certificate = x509.load_pem_x509_certificate(certificate_pem)
    try:
        return certificate.extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound:
        return None


def _permits(constraints: x509.NameConstraints, host: str) -> bool:
    """RFC 5280, 4.2.1.10, for permitted subtrees: a name matches itself and anything with labels added on the left."""
    permitted = constraints.permitted_subtrees or ()
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        labels = host.lower().rstrip(".").removeprefix("*.")
        names = [name.value.lstrip(".").lower() for name in permitted if isinstance(name, x509.DNSName)]
        return not names or any(labels == name or labels.endswith("." + name) for name in names)
    if address.version == 4 and any(isinstance(name, x509.DNSName) for name in permitted):
        return False  # mitmproxy repeats it as common name, which OpenSSL takes for a host name and holds against the DNS subtrees
    networks = [ipaddress.ip_network(str(name.value)) for name in permitted if isinstance(name, x509.IPAddress)]
    return not networks or any(address in network for network in networks)
