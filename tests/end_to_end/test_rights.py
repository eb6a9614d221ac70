"""Rights that end: by the clock on the wall, by the tokens of a day, and a token that several machines use. At the real gateway, through both doors."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime

import pytest

from scripts.local_gateway import launch
from tests.end_to_end import raw
from tests.end_to_end.gateway import DOORS, PATHS, Bench
from tests.end_to_end.sdk import Worker

RIGHTS = """\
version: 1
rights:
  - {{id: engineers, groups: [engineering], connections: ["*"], {limit}}}
"""
BODY = json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "the blue heron"}]}).encode()
MakeBench = Callable[..., AbstractContextManager[Bench]]


def hours(first: int, last: int) -> str:
    """From `first` hours from now until `last` hours from now. The hour may end during the test: leave one to spare."""
    now = datetime.now(UTC).hour
    return f"time: {{hours: {(now + first) % 24}-{(now + last) % 24}, zone: UTC}}"


def refused(bench: Bench, seq: int) -> tuple[str, str, str]:
    """Outcome, code and rule of the one exchange since."""
    row = bench.closed_exchange(seq)
    (end,) = bench.events_since(seq, "exchange.closed")
    return row["outcome"], row["error"], json.loads(end["leaf"])["attrs"]["rule"]


@pytest.mark.parametrize("door", DOORS)
def test_outside_its_hours_a_right_lets_nothing_through(make_bench: MakeBench, python_sdk: Worker, door: str) -> None:
    with make_bench(identity=RIGHTS.format(limit=hours(2, 4))) as bench:
        seq = bench.last_seq()
        done = bench.ask(python_sdk, "openai", door, "hello")

        assert (done.status, bench.provider.count) == (403, 0)
        assert "send the call again then" in done.error
        assert refused(bench, seq) == ("refused", "outside_time", "rights:engineers")


def test_within_its_hours_it_does(make_bench: MakeBench, python_sdk: Worker) -> None:
    with make_bench(identity=RIGHTS.format(limit=hours(-1, 2))) as bench:
        done = bench.ask(python_sdk, "openai", "proxy", "hello")

        assert (done.error, bench.provider.count) == ("", 1)


@pytest.mark.parametrize("door", DOORS)
def test_once_the_tokens_of_the_day_are_used_nothing_more_goes_out_a_restart_included(
    make_bench: MakeBench, python_sdk: Worker, door: str
) -> None:
    with make_bench(identity=RIGHTS.format(limit="tokens_a_day: 1")) as bench:
        day = datetime.now(UTC).date()
        first = bench.ask(python_sdk, "openai", door, "hello")
        seq = bench.last_seq()
        second = bench.ask(python_sdk, "openai", door, "hello")
        ended = refused(bench, seq)
        others = bench.ask(python_sdk, "openai", door, "hello", who=bench.state.mint("dora", "engineering"))
        counted = bench.provider.count
        bench.gateway.stop()
        bench.gateway = launch(bench.state, bench.gateway.log)
        third = bench.ask(python_sdk, "openai", door, "hello")

        if datetime.now(UTC).date() != day:
            pytest.skip("midnight came by: the tokens of the day began anew")
        assert first.error == ""
        assert ended == ("refused", "tokens_spent", "rights:engineers")
        assert (second.status, third.status) == (403, 403)
        assert others.error == ""  # each person's own
        assert bench.provider.count == counted == 2


@pytest.mark.parametrize("door", DOORS)
def test_an_account_of_several_people_is_refused_by_the_rule_that_names_it(
    make_bench: MakeBench, python_sdk: Worker, door: str
) -> None:
    shared_accounts = (
        '  - {id: no-shared-accounts, groups: ["*"], subjects: ["*|svc-*"], connections: ["*"], effect: deny}\n'
    )
    with make_bench(identity=RIGHTS.format(limit="effect: allow") + shared_accounts) as bench:
        seq = bench.last_seq()
        done = bench.ask(python_sdk, "openai", door, "hello", who=bench.state.mint("svc-build", "engineering"))
        ended = refused(bench, seq)
        person = bench.ask(python_sdk, "openai", door, "hello")

        assert (done.status, ended) == (403, ("refused", "denied_by_right", "rights:no-shared-accounts"))
        assert (person.error, bench.provider.count) == ("", 1)


def answered_from(bench: Bench, address: str, who: str = "alice") -> int:
    """One call by the base URL from this address of the machine's own: all of 127.0.0.0/8 is loopback."""
    port = bench.gateway.base_url_port
    with socket.create_connection(("127.0.0.1", port), timeout=20, source_address=(address, 0)) as sock:
        fields = [
            ("host", f"127.0.0.1:{port}"),
            ("authorization", f"Bearer {bench.tokens[who]}"),
            ("content-type", "application/json"),
            ("content-length", str(len(BODY))),
            ("connection", "close"),
        ]
        sock.sendall(raw.head("POST", f"/openai{PATHS['openai']}", fields) + BODY)
        return raw.answer(sock).status


def test_a_token_that_two_machines_use_at_a_time_is_a_finding_once(own: Bench) -> None:
    try:
        socket.create_server(("127.0.0.2", 0)).close()
    except OSError:
        pytest.skip("this machine's loopback has the one address only")
    seq = own.last_seq()
    before = [answered_from(own, "127.0.0.1") for _ in range(2)]
    alone = own.events_since(seq, "finding")
    after = [answered_from(own, address) for address in ("127.0.0.2", "127.0.0.1", "127.0.0.3")]
    found = [
        row for row in own.events_since(seq, "finding") if json.loads(row["leaf"])["attrs"]["code"] == "token_shared"
    ]
    (payload,) = own.rows("SELECT meta FROM payloads WHERE seq = ?", found[0]["seq"])

    assert (before, after) == ([200, 200], [200, 200, 200])  # a finding, no refusal: a person may have two machines
    assert [row for row in alone if "token_shared" in row["leaf"]] == []
    assert [row["actor"] for row in found] == ["local|alice"]
    assert json.loads(payload["meta"])["client_addresses"] == ["127.0.0.1", "127.0.0.2"]
    own.state.run("export", str(own.state.path.parent / "package"))
    exceptions = (own.state.path.parent / "package" / "data" / "exceptions.csv").read_text()
    assert exceptions.count("token_shared") == 1
