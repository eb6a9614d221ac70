"""What the gateway's doors counted is what its record has: for calls that pass, are refused, are cut off, and meet a fault of ours."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from tests.end_to_end.gateway import HOSTS, PATHS, Bench, Template, bench
from tests.end_to_end.raw import basic, connect, head, secured, to

BODY = json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "say: hello"}]}).encode()


def proxy_equation(made: Bench) -> dict[str, Any]:
    """After the gateway has stopped, so that its last count is in."""
    made.gateway.stop()
    done = made.state.run("report", "accounting", "--json", check=False)
    return next(row for row in json.loads(done.stdout) if row["name"] == "proxy")


def leave_in_the_middle(made: Bench, door: str) -> None:
    """A request whose body never comes whole."""
    token = made.tokens["alice"]
    fields = [("host", HOSTS["openai"]), ("content-type", "application/json"), ("content-length", "5000")]
    if door == "proxy":
        sock, _ = connect(made.gateway.proxy_port, f"{HOSTS['openai']}:443", basic(token))
        sock, path = secured(sock, str(made.gateway.bundle), HOSTS["openai"]), PATHS["openai"]
    else:
        sock, path = to(made.gateway.base_url_port), f"/openai{PATHS['openai']}"
        fields.append(("authorization", f"Bearer {token}"))
    with sock:
        sock.sendall(head("POST", path, fields) + BODY)


@pytest.mark.long
def test_calls_that_pass_are_refused_or_are_cut_off_are_all_accounted_for(own: Bench) -> None:
    for door in ("proxy", "base_url"):
        assert own.raw(door, BODY).status == 200
        assert own.raw(door, BODY, who="afd_" + "A" * 43).status == 401
        assert own.raw(door, BODY, host=HOSTS["anthropic"], sdk="anthropic", who="eve").status == 403
        seq = own.last_seq()
        leave_in_the_middle(own, door)
        own.until(lambda seq=seq: own.events_since(seq, "finding"), "the call that was cut off is recorded")
    assert own.raw("proxy", BODY, host="example.org").status == 403
    reached = own.provider.count

    found = proxy_equation(own)

    assert (found["holds"], found["gaps"]) == (True, [])
    assert dict(found["left"]) == {"requests": 8, "connections to other hosts and raw ones": 1}
    assert dict(found["right"]) == {"recorded": 9, "under way at the last count": 0, "without a record": 0}
    assert reached == 2


@pytest.mark.parametrize("place", ["addons.masking:Masking.request", "addons.recording:Recording.request"])
def test_a_call_that_met_a_fault_of_ours_is_accounted_for(template: Template, tmp_path, place: str) -> None:
    launcher = (sys.executable, "-m", "tests.faults.raising_launcher", place)
    with bench(template, tmp_path, launcher=launcher) as made:
        made.expects_faults = True

        assert made.raw("proxy", BODY).status == 503
        assert made.provider.count == 0

        found = proxy_equation(made)
        assert (found["holds"], dict(found["right"])["recorded"]) == (True, 1)
        assert [row["leaf"] for row in made.events_since(0, "finding") if "request_not_whole" in row["leaf"]] != []
