"""Traffic that is no model's passes undecrypted: the client sees the host's own certificate, and the gateway counts bytes, no more."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from scripts.local_certificate import throwaway_certificate, tls_context
from tests.end_to_end import raw
from tests.end_to_end.policies import CONNECTIONS

SECRET = b"a parcel for nobody else"


@contextmanager
def host(pem: Path) -> Iterator[int]:
    """Sends back, under its own certificate, what it hears."""
    dual = socket.has_dualstack_ipv6()
    family, address = (socket.AF_INET6, "::") if dual else (socket.AF_INET, "127.0.0.1")
    with socket.create_server((address, 0), family=family, dualstack_ipv6=dual) as listening:

        def serve() -> None:
            with suppress(OSError):
                plain, _ = listening.accept()
                with tls_context(pem).wrap_socket(plain, server_side=True) as sock:
                    while data := sock.recv(65536):
                        sock.sendall(data)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(10)


def test_a_host_that_is_no_providers_is_not_decrypted(make_bench, tmp_path) -> None:
    pem = throwaway_certificate(tmp_path)
    # Private addresses are dialled for a name that a connection names as its upstream, and for no other.
    named = CONNECTIONS.format(upstream="UPSTREAM", down="http://localhost:9", other_hosts="tunnel", body_bytes=200_000)
    with host(pem) as port, make_bench(connections=named) as made:
        sock, answered = raw.connect(made.gateway.proxy_port, f"localhost:{port}", raw.basic(made.tokens["alice"]))
        own = ssl.create_default_context(cafile=str(pem))
        with own.wrap_socket(sock, server_hostname="localhost") as secured:
            seen = secured.getpeercert(binary_form=True)
            secured.sendall(SECRET)
            echoed = secured.recv(65536)
        made.until(lambda: made.events_since(0, "tunnel.closed"), "the tunnel is closed")

        (tunnel,) = [json.loads(event["leaf"])["attrs"] for event in made.events_since(0, "tunnel.closed")]
        exchanges = made.exchanges_since(0)
        kept = (made.state.path / "evidence.db").read_bytes() + made.gateway.log.read_bytes()
    assert answered.status == 200
    assert seen == ssl.PEM_cert_to_DER_cert(pem.read_text().partition("-----BEGIN PRIVATE")[0])
    assert echoed == SECRET
    assert (tunnel["host"], tunnel["port"]) == ("localhost", port)
    assert min(tunnel["sent_bytes"], tunnel["received_bytes"]) > len(SECRET)
    assert exchanges == []
    assert SECRET not in kept


def test_a_providers_host_is_decrypted_under_the_gateways_own_certificate(shared) -> None:
    sock, _ = raw.connect(shared.gateway.proxy_port, "api.openai.com:443", raw.basic(shared.tokens["alice"]))

    with raw.secured(sock, str(shared.gateway.bundle), "api.openai.com") as secured:
        issuer = dict(pair for (pair,) in secured.getpeercert()["issuer"])

    assert "ffidavit" in str(issuer)
