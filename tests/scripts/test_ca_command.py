"""`affidavit ca`: renewed, rotated with an overlap, and signed by a company's own PKI; openssl judges what clients would."""

from __future__ import annotations

import json
import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from mitmproxy.certs import CertStore

from scripts import ca
from scripts.local_gateway import State, clean_environment
from tests.end_to_end.gateway import store_rows


@pytest.fixture
def state(tmp_path: Path) -> State:
    made = State(tmp_path / "state", clean_environment(tmp_path))
    made.run("init", "--csr", str(tmp_path / "affidavit.csr"))
    return made


def leaf(state: State, folder: Path, host: str = "api.openai.com") -> Path:
    """What the gateway would show for a host if it started now, with the chain it sends."""
    store = CertStore.from_store(state.path / "ca", "mitmproxy", 2048)
    entry = store.get_cert(host, [x509.DNSName(host)])
    file = folder / "leaf.pem"
    file.write_bytes(entry.cert.to_pem() + b"".join(one.to_pem() for one in entry.chain_certs))
    return file


def trusted(bundle: Path, leaf_file: Path, host: str = "api.openai.com") -> bool:
    words = [
        "openssl",
        "verify",
        "-no-CApath",
        "-CAfile",
        str(bundle),
        "-untrusted",
        str(leaf_file),
        "-verify_hostname",
        host,
    ]
    return subprocess.run([*words, str(leaf_file)], capture_output=True, check=False).returncode == 0


def changes(state: State) -> list[str]:
    leaves = store_rows(state.path, "SELECT leaf FROM events WHERE type = 'config.changed' ORDER BY seq")
    return [json.loads(row["leaf"])["attrs"]["how"] for row in leaves]


@pytest.mark.long
def test_a_renewed_certificate_is_believed_by_clients_with_the_old_bundle_and_the_new(
    state: State, tmp_path: Path
) -> None:
    old = tmp_path / "old.pem"
    old.write_bytes((state.path / "bundle.pem").read_bytes())
    before = state.json("ca", "show")

    state.run("ca", "renew")

    after = state.json("ca", "show")
    shown = leaf(state, tmp_path)
    assert isinstance(before, dict)
    assert isinstance(after, dict)
    assert (before["sha256"] != after["sha256"], before["subject"] == after["subject"]) == (True, True)
    assert trusted(old, shown)
    assert trusted(state.path / "bundle.pem", shown)
    assert (state.path / "ca/mitmproxy-ca.pem").stat().st_mode & 0o777 == 0o600
    assert changes(state) == ["renewed"]


def in_pem(bundle: Path) -> list[bytes]:
    return [one.fingerprint(hashes.SHA256()) for one in x509.load_pem_x509_certificates(bundle.read_bytes())]


def in_java(store: Path) -> list[bytes]:
    found = pkcs12.load_pkcs12(store.read_bytes(), None)
    return [one.certificate.fingerprint(hashes.SHA256()) for one in found.additional_certs]


@pytest.mark.filterwarnings("ignore:Parsed a serial number")  # of roots that the machine trusts
@pytest.mark.long
def test_a_rotation_overlaps_so_that_no_client_is_ever_left_without(state: State, tmp_path: Path) -> None:
    first = leaf(state, tmp_path).read_bytes()
    old = tmp_path / "old.pem"
    old.write_bytes((state.path / "bundle.pem").read_bytes())

    state.run("ca", "rotate")
    between = tmp_path / "between.pem"
    between.write_bytes((state.path / "bundle.pem").read_bytes())
    still = leaf(state, tmp_path).read_bytes()
    state.run("ca", "rotate", "--finish")
    second = leaf(state, tmp_path)
    of_first = tmp_path / "first.pem"
    of_first.write_bytes(first)

    assert x509.load_pem_x509_certificate(still).issuer == x509.load_pem_x509_certificate(first).issuer
    assert trusted(between, of_first)
    assert trusted(between, second)
    assert trusted(state.path / "bundle.pem", of_first)
    assert not trusted(old, second)
    assert in_java(state.path / "bundle.p12") == in_pem(state.path / "bundle.pem")
    assert changes(state) == ["rotation_begun", "rotated"]
    assert not (state.path / "ca/next.pem").exists()


def test_a_rotation_is_not_begun_twice_nor_finished_before_it_began(state: State) -> None:
    early = state.run("ca", "rotate", "--finish", check=False)
    state.run("ca", "rotate")
    twice = state.run("ca", "rotate", check=False)

    assert (early.returncode, "no new key waits" in early.stderr) == (1, True)
    assert (twice.returncode, "waits already" in twice.stderr) == (1, True)


def company_root() -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Example Root")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = (
        builder.serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=900))
    )
    return key, builder.add_extension(x509.BasicConstraints(True, None), critical=True).sign(key, hashes.SHA256())


def signed_by(root: tuple[ec.EllipticCurvePrivateKey, x509.Certificate], csr: bytes, *, as_ca: bool = True) -> bytes:
    """As a company's PKI does: the request's own extensions, its own name and key."""
    asked = x509.load_pem_x509_csr(csr)
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(asked.subject)
        .issuer_name(root[1].subject)
        .public_key(asked.public_key())
    )
    builder = (
        builder.serial_number(2).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=400))
    )
    for extension in asked.extensions:
        if as_ca or not isinstance(extension.value, x509.BasicConstraints):
            builder = builder.add_extension(extension.value, extension.critical)
    return builder.sign(root[0], hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def test_an_intermediate_of_the_companys_pki_is_believed_by_whoever_trusts_the_root(
    state: State, tmp_path: Path
) -> None:
    root = company_root()
    roots, chain = tmp_path / "roots.pem", tmp_path / "chain.pem"
    roots.write_bytes(root[1].public_bytes(serialization.Encoding.PEM))
    chain.write_bytes(signed_by(root, (tmp_path / "affidavit.csr").read_bytes()) + roots.read_bytes())

    state.run("ca", "install", str(chain))

    assert trusted(roots, leaf(state, tmp_path))
    assert not trusted(roots, leaf(state, tmp_path, "bank.example.com"), "bank.example.com")
    assert changes(state) == ["installed"]
    ssl.create_default_context(cafile=str(state.path / "bundle.pem"))


@pytest.mark.parametrize("what", ["another key", "no CA", "no certificate"])
def test_what_cannot_sign_is_not_installed(state: State, tmp_path: Path, what: str) -> None:
    root = company_root()
    other = ca.request(ca.create(["openai.com"], datetime.now(UTC))[0], ["openai.com"])
    csr = (tmp_path / "affidavit.csr").read_bytes()
    text = {
        "another key": signed_by(root, other),
        "no CA": signed_by(root, csr, as_ca=False),
        "no certificate": b"nothing",
    }[what]
    (tmp_path / "bad.pem").write_bytes(text)
    before = (state.path / "ca/mitmproxy-ca.pem").read_bytes()

    done = state.run("ca", "install", str(tmp_path / "bad.pem"), check=False)

    assert done.returncode == 1
    assert "hint:" in done.stderr
    assert (state.path / "ca/mitmproxy-ca.pem").read_bytes() == before


def test_status_speaks_up_sixty_days_ahead(tmp_path: Path) -> None:
    folder = tmp_path / "ca"
    now = datetime.now(UTC)
    ca.write(folder, *ca.create(["openai.com"], now - ca.LIFETIME + timedelta(days=59)))

    found = ca.findings(folder / "mitmproxy-ca-cert.pem", folder / "mitmproxy-ca.pem", [], now)

    assert any("affidavit ca renew" in one for one in found)
