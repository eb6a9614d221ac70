"""Ten thousand exchanges by several people through the real gateway, with holds, denials, refusals and a crash: their package passes every check there is.

What is done is fixed; what is asked, by whom and in which order is not, as it would not be in an office.
"""

from __future__ import annotations

import csv
import json
import random
import shutil
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path

import pytest

from scripts.local_gateway import launch
from tests.end_to_end.gateway import MODELS, PATHS, SQL_TOOL, Bench, Template, bench, listed

EXCHANGES = 10_000
CLIENTS = 8
HELD = 12
ROOT = Path(__file__).resolve().parents[2]
AUDITORS = ROOT / ".venv-auditors" / "bin"

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


@dataclass(slots=True)
class Office:
    """People at their desks."""

    made: Bench
    answers: Counter[int] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(
        self,
        sdk: str,
        who: str,
        prompt: str,
        model: str = "",
        *,
        tools: bool = False,
        connection: HTTPConnection | None = None,
    ) -> int:
        body = {
            "model": model or MODELS[sdk],
            "messages": [{"role": "user", "content": prompt}],
            **({"max_tokens": 100} if sdk == "anthropic" else {}),
        }
        if tools:
            body["tools"] = [SQL_TOOL[sdk]]
        headers = {"content-type": "application/json", "authorization": f"Bearer {self.made.tokens.get(who, who)}"}
        here = connection or HTTPConnection("127.0.0.1", self.made.gateway.base_url_port, timeout=60)
        here.request("POST", f"/{sdk}{PATHS[sdk]}", json.dumps(body), headers)
        answer = here.getresponse()
        answer.read()
        if connection is None:
            here.close()
        with self.lock:
            self.answers[answer.status] += 1
        return answer.status

    def work(self, number: int, count: int) -> None:
        """One desk: mostly questions, some of them with a card number, some that are not allowed, some by nobody."""
        chance = random.Random(number)
        connection = HTTPConnection("127.0.0.1", self.made.gateway.base_url_port, timeout=60)
        for turn in range(count):
            kind = chance.random()
            sdk = "anthropic" if kind > 0.7 else "openai"
            if kind < 0.02:
                self.ask("openai", "alice", f"say: no {turn}", "gpt-denied", connection=connection)
            elif kind < 0.04:
                self.ask("openai", "eve", f"say: not mine {turn}", connection=connection)
            elif kind < 0.05:
                self.ask("openai", "afd_" + "A" * 43, "say: nobody", connection=connection)
            elif kind < 0.08:
                self.ask(
                    sdk, "alice", f"say: the card is 4539 1488 0343 6467, desk {number}, {turn}", connection=connection
                )
            elif kind < 0.10:
                self.ask(
                    "openai",
                    "alice",
                    f"say: text\nuse tool run_sql: SELECT {turn} FROM orders",
                    tools=True,
                    connection=connection,
                )
            else:
                who = "alice" if sdk == "anthropic" or chance.random() < 0.7 else "bob"
                self.ask(sdk, who, f"say: answer {turn} of desk {number}", connection=connection)
        connection.close()

    def work_all(self, count: int) -> None:
        with ThreadPoolExecutor(CLIENTS) as desks:
            for done in [desks.submit(self.work, number, count // CLIENTS) for number in range(CLIENTS)]:
                done.result()

    def crash(self) -> None:
        """In the middle of a reply, with nobody told."""
        body = {
            "model": MODELS["openai"],
            "messages": [{"role": "user", "content": "say: cut off"}],
            "x_local": {"gate": "crash", "gate_after": 0},
        }
        connection = HTTPConnection("127.0.0.1", self.made.gateway.base_url_port, timeout=60)
        headers = {"content-type": "application/json", "authorization": f"Bearer {self.made.tokens['alice']}"}
        connection.request("POST", f"/openai{PATHS['openai']}", json.dumps(body), headers)
        http_get(self.made.provider.port, "/_waiting/crash")
        self.made.gateway.kill()
        connection.close()
        http_get(self.made.provider.port, "/_go/crash")
        self.made.gateway = launch(self.made.state, self.made.gateway.log)

    def forget(self, name: str) -> None:
        """A person asks to be erased; a second one agrees."""
        (own,) = [
            row["id"]
            for row in listed(self.made.state.json("token", "list"), "tokens")
            if row["subject"] == f"local|{name}"
        ]
        self.made.state.run("token", "revoke", own)
        words = ("erase", "--person", f"local|{name}", "--reason", "request of a data subject", "--json")
        done = self.made.state.run(*words, token=self.made.tokens["alice"], check=False)
        assert done.stdout, done.stderr
        asked = json.loads(done.stdout)
        self.made.decide("approve", asked["approval"]["id"], reason="seen and agreed")
        erased = json.loads(self.made.state.run(*words, token=self.made.tokens["alice"], check=False).stdout)
        assert erased["state"] == "erased", erased

    def hold(self, count: int) -> None:
        """Deletions that a second person lets through, and some that they do not."""
        with ThreadPoolExecutor(count) as desks:
            asked = [
                desks.submit(
                    self.ask, "openai", "alice", f"use tool run_sql: DELETE FROM orders WHERE id = {number}", tools=True
                )
                for number in range(count)
            ]
            self.made.until(lambda: len(self.made.pending()) == count, "all of them wait", 60)
            for number, waiting in enumerate(self.made.pending()):
                self.made.decide("deny" if number % 4 == 3 else "approve", waiting["id"], reason=f"ticket {number}")
            for done in asked:
                done.result()


@pytest.fixture(scope="module")
def office(template: Template, tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("office")
    with bench(template, folder, ("--set", "affidavit_heartbeat_seconds=2")) as made:
        people = Office(made)
        people.work_all(EXCHANGES // 2)
        people.hold(HELD)
        people.crash()
        people.work_all(EXCHANGES - EXCHANGES // 2)
        people.forget("eve")
        yield people


@pytest.fixture(scope="module")
def package(office: Office, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Taken while the gateway runs, moved to a place that has nothing of the project."""
    folder = tmp_path_factory.mktemp("auditor")
    office.made.state.run(
        "export",
        str(folder / "evidence"),
        "--seed",
        "words that were said after the period",
        "--purpose",
        "yearly audit",
    )
    return folder / "evidence"


def ran(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, check=False, cwd=cwd, env={"PATH": "/usr/bin:/bin"}
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


def test_every_call_is_accounted_for(office: Office, package: Path) -> None:
    equations = {row["name"]: row for row in json.loads((package / "data" / "accounting.json").read_text())}
    recorded = (package / "data" / "population.csv").read_bytes().count(b"\r\n") - 1

    assert {name: row["holds"] for name, row in equations.items()} == {
        "opened": True, "leaves": True, "proxy": True, "provider": None, "approvals": True, "times": True, "exposures": True,
    }  # fmt: skip
    asked = (
        office.answers.total() - office.answers[401] + 1
    )  # the ones that were turned away at the door have no exchange; one was cut off by the crash
    assert dict(map(tuple, equations["opened"]["left"])) == {"opened": asked}
    assert recorded < asked  # those of the person who was erased have leaves, and no row
    assert dict(map(tuple, equations["approvals"]["left"])) == {"let through under an approval": HELD - HELD // 4}


def test_what_a_machine_without_the_project_has_finds_it_whole(package: Path) -> None:
    ran("sha256sum", "--quiet", "--strict", "-c", "manifest-sha256.txt", cwd=package)
    ran("sha256sum", "--quiet", "--strict", "-c", "tagmanifest-sha256.txt", cwd=package)
    vkey = (package / "data" / "KEYS.txt").read_text().splitlines()[-1]

    said = ran(sys.executable, "-I", package / "data" / "verify.py", "--vkey", vkey, cwd=package)

    assert "RESULT: all holds" in said


def test_who_was_forgotten_is_nowhere_in_it(office: Office, package: Path) -> None:
    """Their leaves are: that there was something, and that it was erased on purpose."""
    everything = b"".join(path.read_bytes() for path in package.rglob("*") if path.is_file())

    assert [needle for needle in (b"local|eve", b"say: not mine", b"eve@example.com") if needle in everything] == []
    assert b"payload.erased" in everything


def test_the_command_finds_it_whole(office: Office, package: Path) -> None:
    assert json.loads(office.made.state.run("verify", str(package), "--json").stdout)["totals"] == {}


@pytest.mark.skipif(not AUDITORS.exists(), reason="scripts/bootstrap --auditors makes .venv-auditors")
def test_bagit_and_datasette_open_it(package: Path) -> None:
    ran(AUDITORS / "bagit.py", "--validate", package, cwd=package)
    answer = ran(
        AUDITORS / "datasette",
        "--immutable",
        package / "data" / "evidence.sqlite",
        "--get",
        "/evidence/control_8_2_uses.json?_shape=array",
        cwd=package,
    )

    assert len(json.loads(answer)) == HELD


def test_the_call_that_the_crash_cut_off_is_all_that_the_provider_counted_more(office: Office, tmp_path: Path) -> None:
    """The local provider's own log, written as OpenAI's export. What it has and the record has not is a gap until somebody explains it."""
    reached = [
        row
        for row in json.loads(http_get(office.made.provider.port, "/_log"))
        if row["target"].endswith(PATHS["openai"])
    ]
    ours = office.made.rows(
        "SELECT substr(sent_at, 1, 10) AS day, count(*) AS calls, sum(input_tokens) AS asked, sum(output_tokens) AS answered "
        "FROM exchanges WHERE provider = 'openai' AND sent_at IS NOT NULL GROUP BY 1 ORDER BY 1"
    )
    more = len(reached) - sum(row["calls"] for row in ours)
    with (tmp_path / "usage.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["start_time_iso", "api_key_id", "model", "num_model_requests", "input_tokens", "output_tokens"])
        for number, row in enumerate(ours):
            rows.writerow(
                [
                    row["day"],
                    "",
                    "gpt-4o-mini",
                    row["calls"] + (more if number == 0 else 0),
                    row["asked"],
                    row["answered"],
                ]
            )
    words = ("report", "accounting", "--usage", str(tmp_path / "usage.csv"), "--json")

    before = json.loads(office.made.state.run(*words, check=False).stdout)
    gap = next(row for row in before if row["name"] == "provider")["gaps"][0]
    office.made.state.run(
        "explain", gap["finding"], "--reason", "the call that the crash cut off", token=office.made.tokens["bob"]
    )
    after = json.loads(office.made.state.run(*words, check=False).stdout)

    assert more == 1
    assert gap["what"].endswith("+1 requests, provider minus record")
    assert [next(row for row in found if row["name"] == "provider")["holds"] for found in (before, after)] == [
        False,
        True,
    ]


def http_get(port: int, path: str) -> bytes:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path)
    body = connection.getresponse().read()
    connection.close()
    return body


@pytest.mark.skipif(not shutil.which("chromium"), reason="no chromium; apt-get install chromium")
def test_a_browser_prints_the_page(package: Path, tmp_path: Path) -> None:
    """Without script and without the network; every section is in the print."""
    flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync --no-pdf-header-footer"
    page = package / "data" / "START-HERE.html"

    subprocess.run(
        ["chromium", *flags.split(), f"--user-data-dir={tmp_path / 'browser'}", f"--print-to-pdf={tmp_path / 'page.pdf'}", page.as_uri()],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip

    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF-")
    assert (tmp_path / "page.pdf").stat().st_size > 50_000
