"""One small program for each client that may be found on a machine: it asks once and prints the HTTP status. Not the judging (doctor.py).

A program reads its URL and token from its environment, so that neither is seen in a list of processes. None of them asks a model
anything: they look for a model that does not exist, with a token that may use nothing.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

URL = "AFFIDAVIT_DOCTOR_URL"
TOKEN = "AFFIDAVIT_TOKEN"  # noqa: S105 -- the name of a variable
MODEL = "AFFIDAVIT_DOCTOR_MODEL"
LIMIT_SECONDS = 20

_READ = f"import os; url, model = os.environ['{URL}'], os.environ['{MODEL}']; headers = {{'authorization': 'Bearer ' + os.environ['{TOKEN}']}}\n"
_URLLIB = """
import urllib.error, urllib.request
try:
    print(urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=15).status)
except urllib.error.HTTPError as error:
    print(error.code)
"""
_AIOHTTP = """
import aiohttp, asyncio
async def ask():
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers, timeout=aiohttp.ClientTimeout(15)) as answer:
        print(answer.status)
asyncio.run(ask())
"""
_SDK = """
import {module}
try:
    {module}.{client}(max_retries=0, timeout=15).models.retrieve(model)
    print(200)
except {module}.APIStatusError as error:
    print(error.status_code)
"""
_PIP = f"""
import os, runpy, sys
wheel = "affidavit-doctor @ " + os.environ["{URL}"] + "affidavit_doctor-0-py3-none-any.whl"
options = "--no-index --no-deps --no-input --no-cache-dir --disable-pip-version-check --retries 0 --timeout 10 --dest".split()
sys.argv = ["pip", "download", *options, os.devnull, wheel]
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""
_NODE = (
    f"fetch(process.env.{URL}, {{headers: {{authorization: 'Bearer ' + process.env.{TOKEN}}}, signal: AbortSignal.timeout(15000)}})"
    ".then(r => console.log(r.status), e => {console.error(e.cause ? `${e.cause.code} ${e.cause.message}` : e.message); process.exit(1)})"
)


@dataclass(frozen=True, slots=True)
class Probe:
    """A client of this machine."""

    name: str
    command: tuple[str, ...]
    provider: str = ""  # an SDK that knows its own host; "": asks the URL
    tunnelled: bool = (
        False  # not for models: asks another host, which is passed through unread; the base_url door is not for it
    )
    cure: str = ""  # for its going direct, where there is more to do than to use the other door


PYTHON_CLIENTS = (
    ("urllib", "urllib.request", _READ + _URLLIB, "", ""),
    ("httpx", "httpx", _READ + "import httpx; print(httpx.get(url, headers=headers, timeout=15).status_code)", "", ""),
    (
        "requests",
        "requests",
        _READ + "import requests; print(requests.get(url, headers=headers, timeout=15).status_code)",
        "",
        "",
    ),
    ("aiohttp", "aiohttp", _READ + _AIOHTTP, "", "aiohttp.ClientSession(trust_env=True)"),
    ("openai", "openai", _READ + _SDK.format(module="openai", client="OpenAI"), "openai", ""),
    ("anthropic", "anthropic", _READ + _SDK.format(module="anthropic", client="Anthropic"), "anthropic", ""),
    ("pip", "pip", _PIP, "", ""),
)
TUNNELLED = frozenset({"pip"})  # not for models


def found(pythons: tuple[str, ...]) -> tuple[Probe, ...]:
    """The clients of these Pythons, and node, curl and git where they are."""
    probes = [probe for python in pythons for probe in _python_probes(python)]
    if shutil.which("node"):
        probes.append(
            Probe("node fetch", ("node", "-e", _NODE), cure="Node 22.21 or 24.5 and newer (NODE_USE_ENV_PROXY)")
        )
    if shutil.which("curl"):
        script = f'printf \'header = "authorization: Bearer %s"\\n\' "${TOKEN}" | curl -sS -o /dev/null -w "%{{http_code}}" --max-time 15 -K - "${URL}"'
        probes.append(Probe("curl", ("sh", "-c", script)))
    if shutil.which("git"):
        probes.append(Probe("git", ("sh", "-c", f'git ls-remote "${URL}"'), tunnelled=True))
    return tuple(probes)


def run(probe: Probe, environment: Mapping[str, str]) -> tuple[bool, str]:
    """Whether it got an answer from anybody, and its last word."""
    try:
        done = subprocess.run(
            probe.command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=LIMIT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False, f"no answer in {LIMIT_SECONDS} s"
    said = (done.stdout.strip() or done.stderr.strip()).splitlines() or [f"exit {done.returncode}"]
    return done.returncode == 0, said[-1]


def _python_probes(python: str) -> list[Probe]:
    """Of the clients, those that this interpreter can import."""
    names = [module for _, module, *_ in PYTHON_CLIENTS]
    script = f"import importlib.util as u; print(*(m for m in {names!r} if u.find_spec(m.partition('.')[0])))"
    listed = subprocess.run(
        (python, "-c", script), capture_output=True, text=True, check=False, timeout=LIMIT_SECONDS
    ).stdout.split()
    return [
        Probe(
            f"{name} ({python})",
            (python, "-W", "ignore", "-c", code),
            provider=provider,
            tunnelled=name in TUNNELLED,
            cure=cure,
        )
        for name, module, code, provider, cure in PYTHON_CLIENTS
        if module in listed
    ]
