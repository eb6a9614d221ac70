"""People who sign in for tests: a gateway that believes the real OpenID provider, and `affidavit login` as on a laptop."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from scripts.local_gateway import AFFIDAVIT
from tests.end_to_end.gateway import Bench
from tests.login.provider import CLIENT_ID, OidcProvider, oidc_provider

RECHECK_SECONDS = 1
IDENTITY = """\
version: 1
issuers:
  - id: corp
    issuer: {issuer}
    audiences: [{client_id}]
    client_id: {client_id}
    trusted_ca: {cafile}
    recheck_seconds: {recheck}
    offline_seconds: {offline}
rights:
  - {{id: engineers, groups: [engineering], connections: ["*"], purpose: "OPS-[0-9]{{1,6}}.{{0,80}}"}}
"""

MakeBench = Callable[..., AbstractContextManager[Bench]]


@contextmanager
def signed_up(
    make_bench: MakeBench, folder: Path, offline: int = 3600, **choices: Any
) -> Iterator[tuple[Bench, OidcProvider]]:
    with oidc_provider(folder) as provider:
        identity = IDENTITY.format(
            issuer=provider.issuer,
            client_id=CLIENT_ID,
            cafile=provider.cafile,
            recheck=RECHECK_SECONDS,
            offline=offline,
        )
        with make_bench(identity=identity, **choices) as bench:
            yield bench, provider


def started(
    bench: Bench, home: Path, cafile: Path, *words: str, ring: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """The command as on a laptop: of the gateway it knows the base URL only."""
    home.mkdir(exist_ok=True)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "AFFIDAVIT_GATEWAY": f"http://127.0.0.1:{bench.gateway.base_url_port}",
        "SSL_CERT_FILE": str(cafile),
        "PYTHONUNBUFFERED": "1",
        **(ring or {}),
    }
    return subprocess.Popen(
        [AFFIDAVIT, *words], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def sign_in(
    bench: Bench,
    provider: OidcProvider,
    home: Path,
    who: str,
    *words: str,
    device: bool = False,
    ring: Mapping[str, str] | None = None,
) -> str:
    """What `affidavit login` says once `who` has signed in."""
    how = "--device" if device else "--no-browser"
    command = started(bench, home, provider.cafile, "login", how, *words, ring=ring)
    assert command.stdout
    assert command.stderr
    if device:
        said = [command.stderr.readline() for _ in range(4)]
        provider.enter_code(said[1].strip(), said[3].strip(), who)
    else:
        command.stderr.readline()
        back = provider.sign_in(command.stderr.readline().strip(), who)
        with urllib.request.urlopen(back, timeout=10) as page:
            assert b"You are signed in" in page.read()
    out, err = command.communicate(timeout=60)
    assert command.returncode == 0, out + err
    return out + err


def signed_in(bench: Bench, provider: OidcProvider, home: Path, who: str, *words: str, device: bool = False) -> str:
    """The gateway token that `affidavit login` keeps for `who`."""
    sign_in(bench, provider, home, who, *words, device=device)
    kept = home / ".config" / "affidavit" / "logins.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    (login,) = json.loads(kept.read_text()).values()
    return str(login["token"])


def said(
    bench: Bench, provider: OidcProvider, home: Path, *words: str, ring: Mapping[str, str] | None = None
) -> tuple[int, str]:
    command = started(bench, home, provider.cafile, *words, ring=ring)
    out, err = command.communicate(timeout=60)
    return command.returncode, out + err
