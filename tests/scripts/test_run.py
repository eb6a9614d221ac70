"""`affidavit run` and `doctor` with the real gateway and a local provider behind it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from addons.console.state import StateFolder
from scripts import run as run_command
from scripts.local_gateway import AFFIDAVIT, State
from scripts.local_provider import LocalProvider, running
from tests.end_to_end.policies import PROVIDER_KEY
from tests.end_to_end.sdk import PYTHON

ASK = """
import json, os, sys, urllib.request
base = sys.argv[1] if len(sys.argv) > 1 else "https://api.openai.com/v1"
body = json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "my mail is jane.doe@example.com"}]}).encode()
headers = {"content-type": "application/json", "authorization": "Bearer " + os.environ["OPENAI_API_KEY"]}
with urllib.request.urlopen(urllib.request.Request(base + "/chat/completions", body, headers), timeout=30) as answer:
    print(answer.status)
"""


@pytest.fixture
def provider():
    with running() as made:
        yield made


@pytest.fixture
def state(template, tmp_path: Path, provider: LocalProvider) -> State:
    made = template.copy(tmp_path, f"http://127.0.0.1:{provider.port}")
    return State(
        made.path, made.environment | {"OPENAI_API_KEY": "sk-of-the-person", "ALL_PROXY": "http://127.0.0.1:9"}
    )


@pytest.fixture
def beside(shared) -> State:
    """A state whose gateway runs already: for what is not about starting one."""
    return State(
        shared.state.path,
        shared.state.environment | {"OPENAI_API_KEY": "sk-of-the-person", "ALL_PROXY": "http://127.0.0.1:9"},
    )


def run(state: State, *words: str) -> subprocess.CompletedProcess[str]:
    return state.run("run", *words, check=False)


def gateway_pid(state: State) -> int | None:
    return StateFolder(state.path).owner()


def test_a_command_asks_through_a_gateway_of_its_own_and_the_summary_says_so(state, provider):
    done = run(state, "--purpose", "the test", "--", sys.executable, "-c", ASK)

    (session,) = state.json("sessions")
    assert (done.returncode, done.stdout) == (0, "200\n"), done.stderr
    assert "affidavit: 1 calls seen in 1 session: 1 completed;" in done.stderr
    assert f"affidavit show {session['session_id']}" in done.stderr
    assert "0 values masked" not in done.stderr
    assert gateway_pid(state) is None


def test_the_command_sees_no_providers_key_and_no_way_past_the_gateway(beside):
    done = run(beside, "--", sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))")

    environment = json.loads(done.stdout)
    token = environment["AFFIDAVIT_TOKEN"]
    assert "LOCAL_PROVIDER_KEY" not in environment
    assert "ALL_PROXY" not in environment
    assert not {PROVIDER_KEY, "sk-of-the-person"} & set(environment.values())
    assert (environment["OPENAI_API_KEY"], environment["ANTHROPIC_API_KEY"]) == (token, token)
    assert "OPENAI_BASE_URL" not in environment


def test_the_commands_token_ends_with_the_command(beside):
    done = run(beside, "--", sys.executable, "-c", "import os; print(os.environ['AFFIDAVIT_TOKEN'])")

    refused = beside.run("whoami", token=done.stdout.strip(), check=False)

    assert refused.returncode == 1
    assert "token revoked" in refused.stderr


def test_a_token_of_ones_own_is_used_and_not_ended(beside, shared):
    alice = shared.tokens["alice"]

    done = run(beside, "--token", alice, "--", sys.executable, "-c", ASK)

    assert "1 calls seen in 1 session: 1 completed" in done.stderr, done.stderr
    assert beside.run("whoami", token=alice).returncode == 0


def test_a_folder_called_scripts_where_the_person_stands_is_not_taken_for_ours(state, tmp_path):
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "affidavit.py").write_text("raise SystemExit('not the gateway')")
    environment = {**state.environment, "AFFIDAVIT_STATE": str(state.path)}

    done = subprocess.run(
        [AFFIDAVIT, "run", "--", "true"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


def test_base_urls_lead_to_the_other_door(beside):
    done = run(
        beside,
        "--base-url",
        "--",
        sys.executable,
        "-c",
        ASK.replace(
            'sys.argv[1] if len(sys.argv) > 1 else "https://api.openai.com/v1"', "os.environ['OPENAI_BASE_URL']"
        ),
    )

    assert (done.returncode, done.stdout) == (0, "200\n"), done.stderr
    assert "1 calls seen" in done.stderr


@pytest.mark.parametrize(
    ("command", "status"),
    [
        pytest.param(["sh", "-c", "exit 7"], 7, id="its-own"),
        pytest.param(["sh", "-c", "kill -TERM $$"], 128 + signal.SIGTERM, id="a-signal"),
        pytest.param(["a-program-that-is-not-there"], 127, id="not-found"),
        pytest.param(["/dev/null"], 126, id="not-a-program"),
    ],
)
def test_the_exit_status_is_the_commands(beside, command, status):
    assert run(beside, "--", *command).returncode == status


def test_options_after_the_command_are_the_commands(beside):
    assert run(beside, "echo", "--beside", "--help", "--", "-x").stdout == "--beside --help -- -x\n"


def test_no_call_seen_is_said_loudly_with_the_fix(beside):
    done = run(beside, "--", "true")

    assert done.returncode == 0
    assert "0 CALLS SEEN" in done.stderr
    assert "hint: affidavit run --base-url" in done.stderr


@pytest.mark.parametrize(("command", "status"), [("true", 1), ("false", 1), ("exit 3", 3)])
def test_required_calls_that_were_not_made_fail_a_command_that_succeeded(beside, command, status):
    assert run(beside, "--require-calls", "--", "sh", "-c", command).returncode == status


def test_the_gateway_that_runs_is_used_and_stays(beside, shared):
    done = run(beside, "--", sys.executable, "-c", ASK)

    assert "1 calls seen" in done.stderr, done.stderr
    assert gateway_pid(beside) == shared.gateway.pid


def test_two_at_once_share_a_gateway_and_the_last_one_stops_it(state, tmp_path):
    """Each waits for the other to be inside, so that they overlap; the first to leave must leave the gateway running."""
    meet = tmp_path / "meet"
    meet.mkdir()
    script = (
        "import os, pathlib, sys, time; here = pathlib.Path(sys.argv[1]); (here / str(os.getpid())).touch()\n"
        "while len(list(here.iterdir())) < 2: time.sleep(0.01)\n"
        "print(os.environ['HTTPS_PROXY'].rpartition(':')[2])"
    )
    command = [AFFIDAVIT, "run", "--", sys.executable, "-c", script, str(meet)]
    environment = {**state.environment, "AFFIDAVIT_STATE": str(state.path)}

    both = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=60) for process in both]

    assert [process.returncode for process in both] == [0, 0], said
    assert said[0][0] == said[1][0]
    assert gateway_pid(state) is None


def test_an_end_that_is_asked_for_reaches_the_command(state, tmp_path):
    ready = tmp_path / "ready"
    script = f"trap 'echo ended; exit 9' TERM; touch {ready}; while :; do sleep 0.05; done"
    environment = {**state.environment, "AFFIDAVIT_STATE": str(state.path)}
    process = subprocess.Popen(
        [AFFIDAVIT, "run", "--", "sh", "-c", script],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not ready.exists() and process.poll() is None:
        os.sched_yield()

    process.send_signal(signal.SIGTERM)
    stdout, _ = process.communicate(timeout=60)

    assert (process.returncode, stdout) == (9, "ended\n")
    assert gateway_pid(state) is None


def test_an_end_that_comes_while_the_command_is_being_started_reaches_it(monkeypatch):
    class Interrupted(subprocess.Popen):
        def __init__(self, *words, **options):
            super().__init__(*words, **options)
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(subprocess, "Popen", Interrupted)

    assert run_command._status_of(("sleep", "5"), os.environ) == 128 + signal.SIGTERM


def test_a_gateway_that_does_not_start_says_why(state):
    (state.path / "policies" / "identity.yaml").write_text("version: 1\nlokal: trial\n")

    done = run(state, "--", "true")

    assert done.returncode == 1
    assert "lokal" in done.stderr
    assert "hint: " in done.stderr
    assert gateway_pid(state) is None


def test_a_missing_state_is_not_made(tmp_path):
    done = run(State(tmp_path / "nowhere", {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}), "--", "true")

    assert done.returncode == 1
    assert "hint: create it: affidavit init" in done.stderr
    assert list(tmp_path.iterdir()) == []


# -- doctor -------------------------------------------------------------------------------------------------------------


IGNORES = "import urllib.request\nurllib.request.getproxies = dict\n"  # the proxy variables, as aiohttp and Node 20 do
DISTRUSTS = "import os\nos.environ.pop('SSL_CERT_FILE', None)\n"


def changed_python(folder: Path, customised: str) -> str:
    """An interpreter whose urllib behaves like other clients."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(customised)
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={folder} exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    return str(python)


def test_the_doctor_tells_who_is_seen_who_goes_direct_and_who_is_refused_and_asks_the_provider_nothing(
    state, provider, tmp_path
):
    pythons = {
        "seen": sys.executable,
        "went direct": changed_python(tmp_path / "a", IGNORES),
        "refused": changed_python(tmp_path / "b", DISTRUSTS),
    }

    done = state.run(
        "doctor", "--json", *(word for python in pythons.values() for word in ("--python", python)), check=False
    )

    rows = json.loads(done.stdout)
    urllib = {row["client"]: row for row in rows if row["client"].startswith("urllib")}
    assert {verdict: urllib[f"urllib ({python})"]["proxy"] for verdict, python in pythons.items()} == {
        verdict: verdict for verdict in pythons
    }
    assert {row["base_url"] for row in rows} <= {"seen", "-"}
    assert {row["proxy"] for row in rows if row["client"] in {"curl", "git"}} <= {"seen"}
    pip = next(row for row in rows if row["client"] == f"pip ({sys.executable})")
    assert (pip["proxy"], pip["base_url"]) == ("seen", "-")
    assert urllib[f"urllib ({pythons['went direct']})"]["what_to_do"] == "use its base URL: affidavit env --base-url"
    assert "certificate" in urllib[f"urllib ({pythons['refused']})"]["said"].lower()
    assert not provider.log


@pytest.mark.skipif(not PYTHON.exists(), reason="scripts/bootstrap --clients makes .venv-clients")
def test_the_doctor_finds_the_sdks_of_a_python_and_says_what_aiohttp_needs(state, provider):
    done = state.run("doctor", "--json", "--python", str(PYTHON), check=False)

    rows = {row["client"].partition(" (")[0]: row for row in json.loads(done.stdout)}
    seen = {name: (row["proxy"], row["base_url"]) for name, row in rows.items()}
    both = dict.fromkeys(("urllib", "requests", "openai", "anthropic"), ("seen", "seen"))
    assert both | {"pip": ("seen", "-"), "aiohttp": ("went direct", "seen")} == {
        name: seen[name] for name in (*both, "pip", "aiohttp")
    }
    assert (
        rows["aiohttp"]["what_to_do"]
        == "aiohttp.ClientSession(trust_env=True); or use its base URL: affidavit env --base-url"
    )
    assert not provider.log
