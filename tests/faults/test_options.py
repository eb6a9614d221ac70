"""Options that go round the stack: refused at the start and while it runs. Names: what mitmproxy 12.2 can do beside the hooks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.local_gateway import proxy_command, running
from tests.end_to_end.gateway import Bench, Template
from tests.quick import quick

UNSAFE = (
    "ignore_hosts=.*", "allow_hosts=example", "tcp_hosts=.*", "udp_hosts=.*", "map_remote=|.*|http://127.0.0.1:9/",
    "map_local=|.*|/etc/hostname", "modify_body=/a/b", "modify_headers=/a/b", "block_list=:~u x:404", "client_replay=flows",
    "server_replay=flows", "scripts=addon.py", "ssl_insecure=true", "mode=upstream:http://127.0.0.1:9", "mode=socks5", "mode=transparent",
    "save_stream_file=flows", "hardump=flows", "rfile=flows", "body_size_limit=1m", "stream_large_bodies=1m",
    "connection_strategy=eager", "proxyauth=any", "upstream_auth=a:b", "proxy_debug=true", "keep_host_header=true",
)  # fmt: skip


@pytest.fixture
def state(template: Template, tmp_path):
    return template.copy(tmp_path, "http://127.0.0.1:9")


def refused(state, *options: str) -> subprocess.CompletedProcess[str]:
    """The launcher with these options; it must end by itself."""
    return state.run(*proxy_command(state, options)[1:], check=False)


@pytest.mark.parametrize("option", quick(6, UNSAFE), ids=lambda option: option.partition("|")[0][:40])
def test_an_option_that_goes_round_the_stack_stops_the_start(state, tmp_path, option: str) -> None:
    (tmp_path / "flows").touch()  # one that is not there, mitmproxy refuses by itself

    done = refused(state, "--set", option.replace("=flows", f"={tmp_path / 'flows'}"))

    name = option.partition("=")[0]
    assert done.returncode == 1
    assert f"error: option '{name}'" in done.stderr
    assert "hint: " in done.stderr
    assert not (state.path / "ports.json").exists()


def test_a_misspelt_option_stops_the_start_and_names_the_nearest(state) -> None:
    done = refused(state, "--set", "affidavit_heartbeat_second=60")

    assert done.returncode == 1
    assert "affidavit_heartbeat_seconds" in done.stderr


@pytest.mark.parametrize("name", ["SSLKEYLOGFILE", "MITMPROXY_SSLKEYLOGFILE"])
def test_a_key_log_in_the_environment_stops_the_start(state, tmp_path, name: str) -> None:
    environment = {**state.environment, name: str(tmp_path / "keys.log")}

    done = subprocess.run(
        proxy_command(state), env=environment, capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.returncode, name in done.stderr) == (1, True)


def test_an_unsafe_option_that_is_allowed_by_name_is_recorded_and_reported(state, tmp_path) -> None:
    options = ("--set", "show_ignored_hosts=true", "--set", "affidavit_allow_unsafe_options=show_ignored_hosts")

    with running(state, tmp_path / "gateway.log", options):
        status = state.run("status", "--json").stdout

    assert "show_ignored_hosts" in status


def test_a_second_gateway_on_the_same_state_is_refused(shared: Bench) -> None:
    done = refused(shared.state)

    assert done.returncode == 1
    assert str(shared.gateway.pid) in done.stderr


def test_it_listens_on_loopback_unless_told_otherwise(shared: Bench) -> None:
    for port in (shared.gateway.proxy_port, shared.gateway.base_url_port):
        with open("/proc/net/tcp") as table:  # noqa: PTH123 -- a kernel table
            addresses = {
                line.split()[1].split(":")[0]
                for line in table
                if line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A"
            }
        assert addresses == {"0100007F"}


CHANGES = ({"ignore_hosts": [".*"]}, {"mode": ["socks5"]}, {"ssl_insecure": True}, {"save_stream_file": "f"})


def test_options_that_go_round_the_stack_are_refused_while_it_runs(tmp_path) -> None:
    """In a process of its own: what can change options is another addon of the same mitmproxy, not a command line."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.changing_options", json.dumps(CHANGES)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stdout.splitlines()) == (0, ["refused; unchanged"] * len(CHANGES)), done.stderr
