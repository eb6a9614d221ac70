"""What `scripts/demo` shows. Every step is a real program: the gateway as a process, the openai package, TLS, SQLite.

Simulated: the model (scripts/local_provider.py, on loopback, and it says so), and the people (tokens of the local issuer).
"""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import click

from scripts import local_gateway, local_provider
from scripts.local_gateway import Gateway, State

ROOT = Path(__file__).resolve().parent.parent
CLIENT_PYTHON = ROOT / ".venv-clients" / "bin" / "python"
PROVIDER_KEY = "sk-demo-provider-key-4f8a1c2e9b7d3056"
PLANTED = {
    "a card number": "4111 1111 1111 1111",
    "an e-mail address": "jo.doe@example.com",
    "an OpenAI key": "sk-proj-Zq3vT8mK1xW6nB9cR2yL5pD7sF4gH0jA8eU1iO3kN6tV9bM2",
    "an AWS key id": "AKIAQ7X2MPLR5TNW8KZD",
    "a Slack token": "xoxb-248163264128-512102420484-aBcDeFgHiJkLmNoPqRsTuVwX",
    "the provider's key": PROVIDER_KEY,
}
TASK = f"""The customer with card {PLANTED["a card number"]} ({PLANTED["an e-mail address"]}) asks to be forgotten.
My keys, by mistake: {PLANTED["an OpenAI key"]} {PLANTED["an AWS key id"]} {PLANTED["a Slack token"]}
say: I will delete the customer who asked for it.
use tool run_sql: DELETE FROM customers WHERE card = '{PLANTED["a card number"]}'
"""  # noqa: S608 -- text for a simulated model, not run
REFUSED_CALL = """
import openai
try:
    openai.OpenAI().chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "hello"}])
except openai.OpenAIError as error:
    print(error)
"""
NOT_SHOWN = (
    "who people are: tokens came from this machine (grade trial), not from your identity provider",
    "that nothing went round the gateway: egress here is open; a firewall or the provider's usage export shows that",
    "that the log was not rewritten as a whole by whoever holds this machine and its keys: the demo has no outside anchor",
    "a model: the provider was a simulation on loopback",
)


def step(title: str) -> None:
    click.secho(f"\n== {title}", bold=True)


def say(line: str = "") -> None:
    click.echo(f"   {line}" if line else "")


def check(true: bool, line: str) -> None:
    """Print a result; a demonstration that did not show what it says fails."""
    say(f"{'yes' if true else 'NO '}  {line}")
    if not true:
        raise click.ClickException(
            f"expected: {line}\nhint: run scripts/test; the state is kept if you gave --state DIR"
        )


@contextmanager
def folder(chosen: str) -> Iterator[Path]:
    if chosen:
        path = Path(chosen).resolve()
        if path.exists() and any(path.iterdir()):
            raise click.UsageError(f"{path} is not empty; name a new folder, the demo makes a state of its own")
        path.mkdir(parents=True, exist_ok=True)
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="affidavit-demo-") as made:
        yield Path(made)


@click.command()
@click.option("--state", default="", metavar="DIR", help="Keep what the demo makes here.")
def main(state: str) -> None:
    """A conversation through the gateway: held, approved, masked, recorded, exported, verified."""
    start = time.monotonic()
    with folder(state) as base, local_provider.running() as provider:
        demo = Demo(base, provider)
        with local_gateway.running(demo.state, base / "gateway.log") as gateway:
            demo.calls(gateway)
            demo.timeline()
            demo.export()
        demo.leaks()
        demo.tampering()
        step("What this run does not show")
        for line in NOT_SHOWN:
            say(f"- {line}")
        step(f"Done in {time.monotonic() - start:.0f} s")
        if state:
            say(f"state    {demo.state.path}    package  {demo.package}")
        say("next     affidavit init && OPENAI_API_KEY=… affidavit run -- python your_agent.py")


class Demo:
    def __init__(self, base: Path, provider: local_provider.LocalProvider) -> None:
        self.base, self.provider, self.package = base, provider, base / "package"
        environment = local_gateway.clean_environment(base, OPENAI_API_KEY=PROVIDER_KEY)
        self.state = State(base / "state", environment)
        step("Set up: a certificate authority that can sign for model providers only, keys, an empty evidence store")
        self.state.init()
        connections = self.state.path / "policies" / "connections.yaml"
        upstream = f"    upstream: http://127.0.0.1:{provider.port}\n    allow_private: true\n"
        text = connections.read_text(encoding="utf-8")
        connections.write_text(
            re.sub(r"(    hosts: \[api\.openai\.com\][^\n]*\n)", rf"\1{upstream}", text), encoding="utf-8"
        )
        self.tokens = {name: self.state.mint(name, group) for name, group in
                       {"alice": "engineering", "bob": "data-owners", "eve": "marketing"}.items()}  # fmt: skip
        say("alice (engineering) runs an agent; bob (data-owners) may approve; eve (marketing) may neither")
        say(f"provider: {local_provider.SERVER}, http://127.0.0.1:{provider.port}")

    # -- calls ------------------------------------------------------------------------------------------------------
    def calls(self, gateway: Gateway) -> None:
        step("alice's agent: the openai package, unchanged, streaming over HTTPS through HTTPS_PROXY")
        agent = Program(self.client(gateway, "alice"), [str(ROOT / "scripts" / "demo_agent.py")], TASK)
        local_gateway.until(self.pending, 30, "no approval was asked for")
        waiting = self.pending()[0]
        check("delete the customer" in agent.output, "the text before the tool call is with the agent already")
        check("[tool]" not in agent.output, "the DELETE is not: rule destructive-sql holds it in mid-stream")
        step("eve tries to approve, then bob does")
        refused = self.state.run(
            "approvals", "approve", waiting, "--reason", "looks fine", token=self.tokens["eve"], check=False
        )
        check(refused.returncode == 1, refused.stderr.strip().splitlines()[0])
        self.state.run(
            "approvals",
            "approve",
            waiting,
            "--reason",
            "erasure request, checked with the customer",
            token=self.tokens["bob"],
        )
        held = time.monotonic()
        status = agent.wait()
        check(
            "[tool] run_sql: DELETE" in agent.output and status == 0,
            f"approved: the tool call reached the agent {time.monotonic() - held:.1f} s later",
        )
        for line in agent.output.strip().splitlines():
            say(f"agent    {line[:140]}")
        step("eve's own call")
        before = self.provider.count
        eve = Program(self.client(gateway, "eve"), ["-c", REFUSED_CALL], "")
        eve.wait()
        for line in eve.output.strip().splitlines():
            say(f"eve      {line[:220]}")
        check(self.provider.count == before, "it did not reach the provider")

    def client(self, gateway: Gateway, who: str) -> dict[str, str]:
        """What `affidavit env` sets. The client holds no provider key: its API key is a word."""
        return local_gateway.clean_environment(
            self.base,
            HTTPS_PROXY=gateway.proxy_url(self.tokens[who]),
            SSL_CERT_FILE=str(gateway.bundle),
            OPENAI_API_KEY="set-by-the-gateway",
        )

    def pending(self) -> list[str]:
        listed = self.state.json("approvals", "list", token=self.tokens["bob"])
        rows = listed["approvals"] if isinstance(listed, dict) else listed
        assert isinstance(rows, list)
        return [row["id"] for row in rows if row["state"] == "pending"]

    # -- the record -------------------------------------------------------------------------------------------------
    def timeline(self) -> None:
        step("The record: affidavit show")
        with self.store() as store:
            (session,) = store.execute(
                "SELECT session_id FROM exchanges WHERE outcome = 'completed' ORDER BY opened_at LIMIT 1"
            ).fetchone()
            say_lines(self.state.run("show", session, token=self.tokens["alice"]).stdout)
            step("Accounting")
            counts = dict(store.execute("SELECT outcome, count(*) FROM exchanges GROUP BY outcome").fetchall())
            sent = store.execute("SELECT count(*) FROM exchanges WHERE sent_at IS NOT NULL").fetchone()[0]
            opened, closed = (
                store.execute("SELECT count(*) FROM events WHERE type = ?", (kind,)).fetchone()[0]
                for kind in ("exchange.opened", "exchange.closed")
            )
            rows, newest = store.execute("SELECT count(*), max(seq) FROM events").fetchone()
        say(f"outcomes {counts}")
        check(
            sent == self.provider.count,
            f"sent by the record {sent} = received by the provider, its own count {self.provider.count}",
        )
        check(opened == closed, f"exchanges opened {opened} = closed {closed}")
        check(rows == newest + 1, f"leaves {rows}, numbered 0 to {newest} without a gap")

    @contextmanager
    def store(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(f"file:{self.state.path / 'evidence.db'}?mode=ro", uri=True)) as store:
            yield store

    def export(self) -> None:
        step("The package an auditor takes away, checked without Affidavit")
        self.state.run("export", str(self.package))
        say(
            f"affidavit export: {sum(1 for one in self.package.rglob('*') if one.is_file())} files; open START-HERE.html"
        )
        verifier = next(self.package.rglob("verify.py"))
        isolated = subprocess.run(
            [sys.executable, "-I", verifier, self.package], capture_output=True, text=True, check=False
        )
        say_lines(isolated.stdout)
        check(isolated.returncode == 0, "verify.py (one file, standard library only) finds nothing wrong")

    def leaks(self) -> None:
        step("Planted values, looked for in every byte of the state, the log lines and the package")
        files = [path for path in self.base.rglob("*") if path.is_file()]
        for what, value in PLANTED.items():
            needles = {value.encode(), value.replace(" ", "").encode()}
            hits = [path.name for path in files if any(needle in path.read_bytes() for needle in needles)]
            check(not hits, f"{what}: found in {len(hits)} of {len(files)} files")
        received = b"".join(request.body for request in self.provider.log)
        check(
            PLANTED["a card number"].encode() in received, "the model still saw the original: only the record is masked"
        )

    # -- tampering --------------------------------------------------------------------------------------------------
    def tampering(self) -> None:
        step("Somebody with the database changes the past (on copies)")
        attacks = {
            "a word in a message": "UPDATE contents SET text = replace(text, 'forgotten', 'remembered') WHERE text LIKE '%forgotten%'",
            "the approver of the DELETE": "UPDATE approvals SET approver = 'local|mallory' WHERE state = 'approved'",
            "the last event removed": "DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)",
        }
        for what, sql in attacks.items():
            copy = self.base / "tampered"
            shutil.copytree(self.state.path, copy, ignore=shutil.ignore_patterns("control.sock"))
            with closing(sqlite3.connect(copy / "evidence.db")) as store, store:
                for (trigger,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                    store.execute(f'DROP TRIGGER "{trigger}"')
                store.execute(sql)
            found = self.state.run("verify", str(copy), check=False)
            names = sorted(set(re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", found.stdout + found.stderr)) & FAILURES)
            check(
                found.returncode == 1, f"{what}: affidavit verify says {', '.join(names) or found.stdout.strip()[:200]}"
            )
            shutil.rmtree(copy)


FAILURES = {
    "message_changed", "approval_changed", "events_cut", "event_missing", "content_changed", "leaf_changed", "checkpoint_root_wrong", "row_missing",
}  # fmt: skip


class Program:
    """A client program under way, and what it has printed so far."""

    def __init__(self, environment: dict[str, str], arguments: list[str], stdin: str) -> None:
        self.output = ""
        self._process = subprocess.Popen(
            [CLIENT_PYTHON, "-u", *arguments],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert self._process.stdin
        self._process.stdin.write(stdin)
        self._process.stdin.close()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout
        while piece := self._process.stdout.read(1):
            self.output += piece

    def wait(self) -> int:
        status = self._process.wait(60)
        self._reader.join(10)
        return status


def say_lines(text: str) -> None:
    for line in text.rstrip().splitlines():
        say(line)


if __name__ == "__main__":
    main()
