"""Clients on another machine: TLS to the gateway itself, or nothing. The other machine is this one under an address that is not loopback."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from tests.end_to_end import raw
from tests.end_to_end.gateway import Bench

NAME = "gateway.affidavit.internal"
BODY = json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]})
MakeBench = Callable[..., AbstractContextManager[Bench]]


def address() -> str:
    """The one by which this machine would reach others; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


@pytest.fixture
def other() -> str:
    found = address()
    if found.startswith("127."):
        pytest.skip("this machine has no address but loopback")
    return found


def curl(made: Bench, other: str, *words: str) -> subprocess.CompletedProcess[str]:
    ports = (made.gateway.proxy_port, made.gateway.base_url_port)
    resolve = [word for port in ports for word in ("--resolve", f"{NAME}:{port}:{other}")]
    bundle = str(made.gateway.bundle)
    send = ["-H", "content-type: application/json", "-d", BODY, "--max-time", "20"]
    command = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", bundle, "--proxy-cacert", bundle]
    return subprocess.run([*command, *resolve, *send, *words], capture_output=True, text=True, check=False)


def test_without_tls_to_the_gateway_both_doors_refuse_and_record(make_bench: MakeBench, other: str) -> None:
    with make_bench("--listen-host", "0.0.0.0") as made:
        seq, token = made.last_seq(), made.tokens["alice"]
        with socket.create_connection((other, made.gateway.proxy_port), timeout=10) as sock:
            credential = ("proxy-authorization", raw.basic(token))
            sock.sendall(raw.head("CONNECT", "api.openai.com:443", (("host", "api.openai.com:443"), credential)))
            connected = sock.recv(4096)
        base = curl(
            made,
            other,
            f"http://{NAME}:{made.gateway.base_url_port}/openai/v1/chat/completions",
            "-H",
            f"authorization: Bearer {token}",
        )
        login = curl(
            made,
            other,
            f"http://{NAME}:{made.gateway.base_url_port}/affidavit/login",
            "-H",
            f"authorization: Bearer {token}",
        )

        codes = [
            json.loads(row["leaf"])["attrs"]["code"]
            for row in made.events_since(seq, "connect.refused", "identity.refused")
        ]
        assert b" 403 " in connected.split(b"\r\n")[0]
        assert (base.stdout, login.stdout) == ("403", "403")
        assert codes == ["plain_proxy"] * 3
        assert made.provider.count == 0


def test_with_tls_to_the_gateway_both_doors_serve(make_bench: MakeBench, other: str) -> None:
    with make_bench("--listen-host", "0.0.0.0") as made:
        token = made.tokens["alice"]
        proxy = f"https://affidavit:{token}@{NAME}:{made.gateway.proxy_port}"
        proxied = curl(made, other, "--proxy", proxy, "https://api.openai.com/v1/chat/completions")
        base = curl(
            made,
            other,
            f"https://{NAME}:{made.gateway.base_url_port}/openai/v1/chat/completions",
            "-H",
            f"authorization: Bearer {token}",
        )

        assert (proxied.stdout, base.stdout) == ("200", "200"), proxied.stderr + base.stderr
        assert made.provider.count == 2


def test_plain_is_served_where_the_operator_says_so(make_bench: MakeBench, other: str) -> None:
    with make_bench("--listen-host", "0.0.0.0", "--set", "affidavit_allow_plain_proxy=true") as made:
        token = made.tokens["alice"]
        base = curl(
            made,
            other,
            f"http://{NAME}:{made.gateway.base_url_port}/openai/v1/chat/completions",
            "-H",
            f"authorization: Bearer {token}",
        )

        assert (base.stdout, made.provider.count) == ("200", 1)
