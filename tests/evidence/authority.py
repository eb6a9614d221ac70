"""A real timestamp authority, made with `openssl ts`, and a small HTTP server before whatever answers POSTs. Not a test."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from tests import serving
from tests.serving import Quiet

CONFIG = """\
[ req ]
distinguished_name = name
prompt = no
[ name ]
CN = {name}
[ ca ]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[ tsa ]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[ stamping ]
default_tsa = here
[ here ]
dir = {folder}
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
ordering = yes
tsa_name = no
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


class Authority:
    """roots: PEM of its CA. `chain`: the token carries the CA's certificate too, which OpenSSL writes in an order of its own."""

    def __init__(self, folder: Path, name: str = "test authority") -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self._configure("ca", f"{name} CA")
        self._configure("tsa", name)
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650",
                      "-keyout", "ca.key", "-out", "ca.pem", "-config", "ca.cnf", "-extensions", "ca")  # fmt: skip
        self._openssl(
            "req",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-keyout",
            "tsa.key",
            "-out",
            "tsa.csr",
            "-config",
            "tsa.cnf",
        )
        self._openssl("x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "3650",
                      "-out", "tsa.pem", "-extfile", "tsa.cnf", "-extensions", "tsa")  # fmt: skip
        (folder / "serial").write_text("01\n")

    @property
    def roots(self) -> bytes:
        return (self.folder / "ca.pem").read_bytes()

    def reply(self, query: bytes, *, chain: bool = False) -> bytes:
        (self.folder / "query.tsq").write_bytes(query)
        more = ("-chain", "ca.pem") if chain else ()
        self._openssl(
            "ts",
            "-reply",
            "-queryfile",
            "query.tsq",
            "-out",
            "reply.tsr",
            "-config",
            "tsa.cnf",
            "-section",
            "here",
            *more,
        )
        return (self.folder / "reply.tsr").read_bytes()

    def _configure(self, name: str, common: str) -> None:
        (self.folder / f"{name}.cnf").write_text(CONFIG.format(name=common, folder=self.folder))

    def _openssl(self, *words: str) -> None:
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True)


@contextlib.contextmanager
def answering(reply: Callable[[bytes], tuple[int, bytes]]) -> Iterator[str]:
    """The URL of a server that answers each POST with what `reply` says."""

    class Handler(Quiet):
        def do_POST(self) -> None:
            self.answer(*reply(self.rfile.read(int(self.headers["content-length"]))))

    with serving.answering(Handler) as url:
        yield f"{url}/"
