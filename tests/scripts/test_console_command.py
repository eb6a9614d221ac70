"""`affidavit console`: the address, or why there is none."""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager

import pytest

from addons.console.state import Ports, StateFolder
from addons.evidence.keys import Keys
from addons.evidence.store import Store
from scripts.affidavit import main
from tests.console.desks import Clock


@contextmanager
def gateway(path, **ports):
    folder = StateFolder(path / "state")
    folder.path.mkdir(mode=0o700)
    keys = Keys.create(folder.keys, secrets.token_bytes)
    Store.create(folder.database, keys, clock=Clock(), random=secrets.token_bytes)
    with folder.own():
        if ports:
            folder.write_ports(Ports(proxy=1, base_url=2, pid=os.getpid(), **ports))
        yield str(folder.path)


@pytest.mark.parametrize(
    ("ports", "status", "said"),
    [
        ({"console": "http://127.0.0.1:8082"}, 0, "http://127.0.0.1:8082\n"),
        ({"console": ""}, 1, "error: this gateway has no console\nhint: start it without affidavit_console_port=-1\n"),
        ({}, 1, "hint: start one: affidavit proxy"),
    ],
    ids=["there", "none", "no-gateway"],
)
def test_it_prints_the_address_or_what_to_do(tmp_path, capsys, ports, status, said):
    with gateway(tmp_path, **ports) as state:
        done = main(["console", "--state", state])

    assert done == status
    assert said in "".join(capsys.readouterr())
