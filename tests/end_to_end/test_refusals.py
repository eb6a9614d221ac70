"""Every refusal: the SDK's own exception says what to do next, nothing reaches upstream, and the record knows."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.end_to_end.gateway import DOORS, HOSTS, PATHS, SDKS, Bench
from tests.end_to_end.policies import BODY_BYTES
from tests.end_to_end.raw import answer, basic, connect, head, secured, to
from tests.end_to_end.sdk import Worker

UNKNOWN = "afd_" + "A" * 43  # well formed, never minted
PROMPT = "say: this must not be asked"


@dataclass(frozen=True, slots=True)
class Case:
    """A call that is refused, and what its user is told."""

    name: str
    code: str
    says: str  # the next command, or what to do
    status: int
    how: dict[str, Any] = field(default_factory=dict)
    sdks: tuple[str, ...] = SDKS
    doors: tuple[str, ...] = DOORS
    outcome: str = "refused"


CASES = (
    Case("no token", "token_missing", "affidavit env", 401, {"who": None}),
    Case("unknown token", "token_unknown", "affidavit token mint", 401, {"who": UNKNOWN}),
    Case("malformed token", "token_malformed", "affidavit token mint", 401, {"who": "afd_short"}),
    Case("revoked token", "token_revoked", "affidavit token mint", 401, {"who": "gone"}),
    Case("tokens that disagree", "credentials_disagree", "affidavit whoami", 401, {"who": "alice", "api_key": "bob"}, doors=("proxy",)),
    Case("forbidden model", "model_denied", "affidavit", 403, {"model": {"openai": "gpt-forbidden-1", "anthropic": "claude-forbidden-1"}}),
    Case("model not listed", "model_denied", "affidavit", 403, {"model": {"openai": "other-1", "anthropic": "other-1"}}),
    Case("group not allowed", "connection_denied", "affidavit", 403, {"who": "eve"}, sdks=("openai",)),
    Case("no right", "connection_denied", "affidavit", 403, {"who": "bob"}, sdks=("anthropic",)),
    Case("undeclared provider", "provider_undeclared", "affidavit policy check", 403, {"host": "api.mistral.ai"}, sdks=("openai",), doors=("proxy",)),
    Case("unknown connection", "connection_unknown", "affidavit env --base-url", 404, {"connection": "nobody"}, sdks=("openai",), doors=("base_url",)),
    Case("provider's key missing", "credential_missing", "affidavit status", 503, {"host": "nokey.api.openai.com", "connection": "nokey"}, sdks=("openai",), outcome="failed"),
    Case("upstream down", "upstream_failed", "affidavit status", 502, {"host": "down.api.openai.com", "connection": "down"}, sdks=("openai",), outcome="failed"),
    Case("denied by a rule", "denied_by_rule", "nobody may use this model", 403, {"model": {"openai": "gpt-denied", "anthropic": "claude-denied"}}, outcome="denied"),
)  # fmt: skip
TABLE = [
    pytest.param(case, sdk, door, id=f"{case.name}-{sdk}-{door}".replace(" ", "_"))
    for case in CASES
    for sdk in case.sdks
    for door in case.doors
]


def asked(bench: Bench, case: Case, sdk: str) -> dict[str, Any]:
    """The case's arguments for this SDK; a person's name as API key stands for their token."""
    how = dict(case.how)
    if isinstance(how.get("model"), dict):
        how["model"] = how["model"][sdk]
    if how.get("api_key") in bench.tokens:
        how["api_key"] = bench.tokens[how["api_key"]]
    return how


@pytest.mark.parametrize("mode", ["create", "stream"])
@pytest.mark.parametrize(("case", "sdk", "door"), TABLE)
def test_a_refused_call_says_what_to_do_and_does_not_leave(
    shared: Bench, python_sdk: Worker, *, case: Case, sdk: str, door: str, mode: str
) -> None:
    before, count = shared.last_seq(), shared.provider.count

    done = shared.ask(python_sdk, sdk, door, PROMPT, mode=mode, **asked(shared, case, sdk))

    assert case.says in done.error
    assert done.status == case.status
    assert shared.provider.count == count
    assert recorded(shared, before, case.code, case.outcome)


def recorded(bench: Bench, before: int, code: str, outcome: str) -> bool:
    """An exchange with this outcome, or, for a caller who is not known, the event that says so."""
    if code.startswith(("token_", "credentials_", "connection_unknown", "provider_undeclared")):
        return any(code in row["leaf"] for row in bench.events_since(before, "identity.refused"))
    row = bench.closed_exchange(before)
    return (row["outcome"], row["error"]) == (outcome, code)


@pytest.mark.parametrize(("case", "sdk", "door"), [p for p in TABLE if p.values[2] == "base_url"])
def test_nodes_sdk_is_told_the_same(shared: Bench, node_sdk: Worker, case: Case, sdk: str, door: str) -> None:
    count = shared.provider.count

    done = shared.ask(node_sdk, sdk, door, PROMPT, **asked(shared, case, sdk))

    assert case.says in done.error
    assert done.status == case.status
    assert shared.provider.count == count


@pytest.mark.parametrize("sdk", SDKS)
def test_an_sdk_does_not_try_a_refused_call_again(shared: Bench, python_sdk: Worker, sdk: str) -> None:
    before = shared.last_seq()

    done = shared.ask(python_sdk, sdk, "proxy", PROMPT, who=None, retries=None)

    assert "affidavit env" in done.error
    assert len(shared.events_since(before, "identity.refused")) == 1


def test_an_expired_token_is_refused(make_bench, python_sdk: Worker) -> None:
    with make_bench() as bench:
        minted = bench.state.json("token", "mint", "--name", "late", "--group", "engineering", "--lifetime", "1s")
        assert isinstance(minted, dict)

        def refused() -> bool:
            return "expired" in bench.ask(python_sdk, "openai", "proxy", "say: tick", who=minted["token"]).error

        bench.until(refused, "the token of one second expires")
        count = bench.provider.count
        done = bench.ask(python_sdk, "openai", "proxy", PROMPT, who=minted["token"])

        assert "affidavit token mint" in done.error
        assert bench.provider.count == count


# ---- names that disagree


@pytest.mark.parametrize(
    "names",
    [
        pytest.param({"host_header": "api.anthropic.com"}, id="host"),
        pytest.param({"sni": "api.anthropic.com"}, id="sni"),
        pytest.param({"host_header": "api.openai.com:8443"}, id="port"),
    ],
)
def test_connect_sni_and_host_must_name_one_host(shared: Bench, names: dict[str, str]) -> None:
    count = shared.provider.count

    answer = shared.raw("proxy", body("gpt-4o"), **names)

    assert answer.status == 421
    assert "send all three alike" in answer.text
    assert shared.provider.count == count


def test_bytes_that_are_no_tls_are_not_relayed(shared: Bench) -> None:
    before, count = shared.last_seq(), shared.provider.count
    sock, connected = connect(shared.gateway.proxy_port, "api.openai.com:443", basic(shared.tokens["alice"]))

    with sock:
        assert connected.status == 200
        sock.sendall(head("POST", PATHS["openai"], [("host", "api.openai.com"), ("content-length", "0")]))
        assert sock.recv(100) == b""

    assert shared.provider.count == count
    shared.until(lambda: shared.events_since(before, "connect.refused"), "the refused connection is recorded")


def test_plain_http_to_a_providers_host_through_the_proxy_is_not_taken_for_the_base_url_door(shared: Bench) -> None:
    """Absolute-form over http: allowed only where the connection itself leads to plain http (as the tests' own do)."""
    with to(shared.gateway.proxy_port) as sock:
        sock.sendall(
            head(
                "POST",
                "http://api.mistral.ai/v1/chat/completions",
                [("host", "api.mistral.ai"), ("content-length", "0"), ("connection", "close")],
            )
        )
        assert answer(sock).status == 403


def test_a_tunnel_to_another_host_needs_a_credential(shared: Bench) -> None:
    before = shared.last_seq()
    sock, connected = connect(shared.gateway.proxy_port, "example.com:443")
    sock.close()

    assert connected.status == 407
    assert "token_missing" in connected.reason
    assert shared.events_since(before, "connect.refused")


def test_a_tunnel_to_another_host_is_refused_where_policy_denies_it(shared: Bench) -> None:
    before = shared.last_seq()
    sock, connected = connect(shared.gateway.proxy_port, "example.com:443", basic(shared.tokens["alice"]))
    sock.close()

    assert connected.status == 403
    assert "other_host_denied" in connected.reason
    assert shared.events_since(before, "connect.refused")


# ---- bodies


def body(model: str, filler: int = 0) -> bytes:
    return json.dumps({"model": model, "messages": [{"role": "user", "content": PROMPT + "x" * filler}]}).encode()


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("door", DOORS)
def test_a_body_over_the_limit_is_answered_with_413(shared: Bench, door: str, framing: str) -> None:
    before, count = shared.last_seq(), shared.provider.count

    answer = shared.raw(
        door, body("gpt-4o", BODY_BYTES), host="small.api.openai.com", connection="small", framing=framing
    )

    assert (answer.status, answer.json()["error"]["code"]) == (413, "body_too_large")
    assert "affidavit policy check" in answer.text
    assert shared.provider.count == count
    assert shared.closed_exchange(before)["outcome"] == "refused"


@pytest.mark.parametrize("door", DOORS)
def test_a_gzip_bomb_is_answered_with_413(shared: Bench, door: str) -> None:
    count = shared.provider.count
    bomb = gzip.compress(bytes(64 << 20))

    answer = shared.raw(
        door, bomb, host="small.api.openai.com", connection="small", headers=(("content-encoding", "gzip"),)
    )

    assert answer.status == 413
    assert shared.provider.count == count


@pytest.mark.parametrize("door", DOORS)
def test_the_sdk_prints_what_to_do_about_a_body_over_the_limit(shared: Bench, python_sdk: Worker, door: str) -> None:
    prompt = PROMPT + "x" * BODY_BYTES

    done = shared.ask(python_sdk, "openai", door, prompt, host="small.api.openai.com", connection="small")

    assert "affidavit policy check" in done.error


@pytest.mark.parametrize("door", DOORS)
def test_broken_json_passes_and_is_recorded_as_text(shared: Bench, door: str) -> None:
    before, count = shared.last_seq(), shared.provider.count

    answer = shared.raw(door, b'{"model": "gpt-4o", "messages": [')

    assert answer.status == 400  # the provider's own answer
    assert shared.provider.count == count + 1
    row = shared.closed_exchange(before)
    assert (row["outcome"], row["http_status"]) == ("completed", 400)
    assert any('"messages": [' in (message["content"] or "") for message in shared.messages(row["id"]))


@pytest.mark.parametrize("encoding", ["gzip", "br", "made-up"])
def test_a_body_that_is_not_in_its_content_encoding_is_refused(shared: Bench, encoding: str) -> None:
    count = shared.provider.count

    answer = shared.raw("proxy", b"this is not compressed", headers=(("content-encoding", encoding),))

    assert 400 <= answer.status < 500
    assert shared.provider.count == count


@pytest.mark.parametrize("name", ["x-forwarded-user", "x-remote-user", "x-forwarded-email"])
def test_a_header_that_claims_an_identity_is_neither_believed_nor_passed_on(shared: Bench, name: str) -> None:
    before = shared.last_seq()

    shared.raw("proxy", body("gpt-4o"), headers=((name, "local|bob"),))

    assert shared.closed_exchange(before)["subject"] == "local|alice"
    assert shared.provider.log[-1].header(name) == ""


def test_each_request_of_a_connection_is_checked_again(shared: Bench) -> None:
    """What CONNECT proved is kept for the connection; the model is each request's own."""
    sock, _ = connect(shared.gateway.proxy_port, "api.openai.com:443", basic(shared.tokens["alice"]))
    statuses = []

    with secured(sock, str(shared.gateway.bundle), HOSTS["openai"]) as secure:
        for model in ("gpt-4o", "gpt-forbidden-1", "gpt-4o"):
            payload = body(model)
            secure.sendall(
                head("POST", PATHS["openai"], [("host", HOSTS["openai"]), ("content-length", str(len(payload)))])
                + payload
            )
            statuses.append(answer_kept_alive(secure))

    assert statuses == [200, 403, 200]


def answer_kept_alive(sock: Any) -> int:
    received = b""
    while b"\r\n\r\n" not in received:
        received += sock.recv(65536)
    headers, _, rest = received.partition(b"\r\n\r\n")
    (length,) = (
        int(line.split(b":")[1]) for line in headers.lower().splitlines() if line.startswith(b"content-length:")
    )
    while len(rest) < length:
        rest += sock.recv(65536)
    return int(headers.split(b" ", 2)[1])
