"""The certificate authority: mitmproxy takes it, and clients refuse what it signs for hosts outside its constraints."""

from __future__ import annotations

import ipaddress
import os
import shutil
import ssl
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError
from mitmproxy.certs import CertStore

from scripts import ca

NOW = datetime.now(UTC)
NAMES = ca.permitted_names(["openai.com", ".anthropic.com"])
INSIDE = [
    "api.openai.com",
    "openai.com",
    "eu.api.openai.com",
    "api.anthropic.com",
    "localhost",
    "models.affidavit.internal",
    "::1",
]
OUTSIDE = [
    "example.com",
    "notopenai.com",
    "openai.com.example.com",
    "internal",
    "127.0.0.1",
    "10.0.0.1",
    "::2",
    "192.168.127.0",
]


@pytest.fixture(scope="module")
def confdir(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("state") / "ca"
    ca.write(folder, *ca.create(NAMES, NOW))
    return folder


@pytest.fixture(scope="module")
def store(confdir: Path) -> CertStore:
    return CertStore.from_store(confdir, "mitmproxy", 2048)


def general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def leaf(store: CertStore, folder: Path, host: str) -> Path:
    """What mitmproxy signs for a host: its certificate file; `.key` beside it."""
    entry = store.get_cert(host, [general_name(host)])
    name = folder / host.replace(":", "-")
    name.with_suffix(".pem").write_bytes(entry.cert.to_pem())
    name.with_suffix(".key").write_bytes(
        entry.privatekey.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return name.with_suffix(".pem")


def verified_by_cryptography(store: CertStore, confdir: Path, host: str) -> bool:
    root = x509.load_pem_x509_certificate((confdir / "mitmproxy-ca-cert.pem").read_bytes())
    verifier = PolicyBuilder().store(Store([root])).build_server_verifier(general_name(host))
    try:
        verifier.verify(store.get_cert(host, [general_name(host)]).cert.to_cryptography(), [])
    except VerificationError:
        return False
    return True


def verified_by_openssl(store: CertStore, confdir: Path, folder: Path, host: str) -> bool:
    command = [
        "openssl",
        "verify",
        "-x509_strict",
        "-CAfile",
        str(confdir / "mitmproxy-ca-cert.pem"),
        str(leaf(store, folder, host)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0 or "permitted subtree violation" in done.stderr, done.stderr
    return done.returncode == 0


@pytest.mark.parametrize(("hosts", "expected"), [(INSIDE, True), (OUTSIDE, False)], ids=["inside", "outside"])
def test_a_leaf_inside_the_constraints_verifies_and_one_outside_does_not(store, confdir, tmp_path, hosts, expected):
    assert dict.fromkeys(hosts, expected) == {
        host: verified_by_openssl(store, confdir, tmp_path, host) for host in hosts
    }


@pytest.mark.parametrize(("hosts", "expected"), [(INSIDE[:-2], True), (OUTSIDE[:4], False)], ids=["inside", "outside"])
def test_cryptographys_own_verifier_agrees_on_names(store, confdir, hosts, expected):
    results = {verified_by_cryptography(store, confdir, host) for host in hosts}

    assert results == {expected}


def test_the_report_of_hosts_outside_agrees_with_openssl(confdir):
    pem = (confdir / "mitmproxy-ca-cert.pem").read_bytes()

    assert tuple(OUTSIDE) == ca.hosts_outside(pem, [*INSIDE, *OUTSIDE])


@pytest.mark.parametrize(
    ("host", "expected"),
    [("*.openai.com", ()), ("API.OpenAI.com.", ()), ("[::1]", ()), ("*.example.com", ("*.example.com",))],
)
def test_spellings_of_a_host_make_no_difference(confdir, host, expected):
    assert expected == ca.hosts_outside((confdir / "mitmproxy-ca-cert.pem").read_bytes(), [host])


def test_the_constraints_are_critical_and_the_certificate_is_a_ca_of_depth_0(confdir):
    certificate = x509.load_pem_x509_certificate((confdir / "mitmproxy-ca-cert.pem").read_bytes())
    basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints)

    assert certificate.extensions.get_extension_for_class(x509.NameConstraints).critical
    facts = (basic.critical, basic.value.ca, basic.value.path_length)
    assert facts == (True, True, 0)


def test_the_key_is_readable_by_its_owner_only(confdir):
    assert (confdir / "mitmproxy-ca.pem").stat().st_mode & 0o777 == 0o600
    assert b"PRIVATE" not in (confdir / "mitmproxy-ca-cert.pem").read_bytes()


def test_mitmproxy_reads_it_and_makes_none_of_its_own(confdir, store):
    ours = x509.load_pem_x509_certificate((confdir / "mitmproxy-ca-cert.pem").read_bytes())

    assert ours == store.default_ca.to_cryptography()


def test_writing_over_a_ca_is_refused(confdir):
    before = (confdir / "mitmproxy-ca.pem").read_bytes()

    with pytest.raises(FileExistsError):
        ca.write(confdir, *ca.create(NAMES, NOW))

    assert before == (confdir / "mitmproxy-ca.pem").read_bytes()


def serve(certificate: Path, connections: int) -> tuple[int, threading.Thread]:
    """A TLS server on a free port that shakes hands so many times."""
    import socket

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(30)

    def run() -> None:
        with listener:
            for _ in range(connections):
                client, _ = listener.accept()
                with client:
                    try:
                        with context.wrap_socket(client, server_side=True) as tls:
                            tls.recv(1000)
                            tls.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
                    except (ssl.SSLError, OSError):
                        pass

    thread = threading.Thread(target=run)
    thread.start()
    return listener.getsockname()[1], thread


def client_accepts_python(port: int, host: str, bundle: Path) -> bool:
    import socket

    context = ssl.create_default_context(cafile=bundle)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    with socket.create_connection(("127.0.0.1", port)) as raw:
        try:
            with context.wrap_socket(raw, server_hostname=host) as tls:
                tls.sendall(b"GET / HTTP/1.1\r\n\r\n")
                return tls.recv(100).startswith(b"HTTP/1.1 200")
        except ssl.SSLCertVerificationError as error:
            reason = error.verify_message
    assert reason == "permitted subtree violation"
    return False


def client_accepts_node(port: int, host: str, bundle: Path) -> bool:
    script = (
        "const t=require('tls').connect({host:'127.0.0.1',port:+process.argv[1],servername:process.argv[2]},()=>{t.write('GET / HTTP/1.1\\r\\n\\r\\n')});"
        "t.on('data',()=>{console.log('accepted');t.destroy()});t.on('error',e=>console.log(e.message))"
    )
    done = subprocess.run(
        ["node", "-e", script, str(port), host],
        env={**os.environ, "NODE_EXTRA_CA_CERTS": str(bundle)},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert done.stdout.strip() in {"accepted", "permitted subtree violation"}, done
    return done.stdout.strip() == "accepted"


def client_accepts_curl(port: int, host: str, bundle: Path) -> bool:
    command = [
        "curl",
        "-s",
        "--noproxy",
        "*",
        "--cacert",
        str(bundle),
        "--resolve",
        f"{host}:{port}:127.0.0.1",
        f"https://{host}:{port}/",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode in {0, 60}, done
    return done.returncode == 0


CLIENTS = [
    client_accepts_python,
    *([client_accepts_node] if shutil.which("node") else []),
    *([client_accepts_curl] if shutil.which("curl") else []),
]


@pytest.mark.parametrize(("host", "expected"), [("api.openai.com", True), ("example.com", False)])
@pytest.mark.parametrize("accepts", CLIENTS)
def test_clients_accept_a_provider_and_refuse_any_other_host(confdir, tmp_path, accepts, host, expected):
    store = CertStore.from_store(confdir, "mitmproxy", 2048)
    port, thread = serve(leaf(store, tmp_path, host), 1)

    accepted = accepts(port, host, confdir / "mitmproxy-ca-cert.pem")

    thread.join()
    assert expected == accepted


def test_a_healthy_ca_has_no_findings(confdir):
    assert ca.findings(confdir / "mitmproxy-ca-cert.pem", confdir / "mitmproxy-ca.pem", INSIDE, NOW) == ()


def test_hosts_outside_a_certificate_near_its_end_and_an_open_key_are_findings(tmp_path):
    ca.write(tmp_path / "ca", *ca.create(NAMES, NOW))
    key = tmp_path / "ca" / "mitmproxy-ca.pem"
    key.chmod(0o644)

    found = ca.findings(
        tmp_path / "ca" / "mitmproxy-ca-cert.pem",
        key,
        ["example.com"],
        NOW + ca.LIFETIME - timedelta(days=10, minutes=1),
    )

    assert [
        "the CA certificate ends in 10 days",
        f"others can read the CA key: chmod 600 {key}",
        "connections.yaml: host example.com",
    ] == [
        found[0].partition(":")[0],
        found[1],
        found[2].partition(" is ")[0],
    ]


def test_the_machines_roots_come_without_comments_and_without_our_own_bundle(tmp_path):
    root = ca.create(NAMES, NOW)[1].decode()
    roots = tmp_path / "roots.pem"
    roots.write_text(f"# My root\n{root}\n-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    ours = tmp_path / "bundle.pem"
    ours.write_text(root * 2)

    assert root == ca.machine_roots({"SSL_CERT_FILE": str(roots)}, ours)
    assert root == ca.machine_roots({"SSL_CERT_FILE": str(ours), "REQUESTS_CA_BUNDLE": str(roots)}, ours)


def test_a_machine_has_roots_even_where_the_environment_names_none(tmp_path):
    assert ca.machine_roots({}, tmp_path / "bundle.pem").count("BEGIN CERTIFICATE") > 50
