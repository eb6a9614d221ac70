"""What the end-to-end tests work with: a gateway with its local provider, the people, the two doors, and the store as others read it."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts.local_gateway import Gateway, Start, State, clean_environment, launch, until
from scripts.local_provider import LocalProvider, running
from tests.end_to_end import raw
from tests.end_to_end.policies import PROVIDER_KEY, policies
from tests.end_to_end.raw import Answer
from tests.end_to_end.sdk import Done, Worker

PEOPLE = {"alice": ("engineering",), "bob": ("data-owners",), "eve": ("marketing",), "gone": ("engineering",)}
DOORS = ("proxy", "base_url")
SDKS = ("openai", "anthropic")
MODELS = {"openai": "gpt-4o-mini", "anthropic": "claude-sonnet-5"}
HOSTS = {"openai": "api.openai.com", "anthropic": "api.anthropic.com"}
PATHS = {"openai": "/v1/chat/completions", "anthropic": "/v1/messages"}
SEEN_SECONDS = 20.0
SQL_TOOL = {
    "openai": {
        "type": "function",
        "function": {"name": "run_sql", "parameters": {"type": "object", "properties": {"query": {"type": "string"}}}},
    },
    "anthropic": {"name": "run_sql", "input_schema": {"type": "object", "properties": {"query": {"type": "string"}}}},
}


@dataclass(slots=True)
class Bench:
    """A gateway and all around it. `tokens` by person."""

    gateway: Gateway
    provider: LocalProvider
    tokens: dict[str, str] = field(repr=False)
    expects_faults: bool = False  # the log may name faults: the test plants them

    @property
    def state(self) -> State:
        return self.gateway.state

    # -- clients ----------------------------------------------------------------------------------------------------
    def job(
        self,
        sdk: str,
        door: str,
        prompt: str,
        *,
        who: str | None = "alice",
        mode: str = "create",
        asynchronous: bool = False,
        connection: str = "",
        host: str = "",
        model: str = "",
        tools: bool = False,
        script: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        api_key: str = "",
        retries: int | None = 0,
        leave_after: int = 0,
    ) -> dict[str, Any]:
        """One call of an SDK. By the proxy door the environment leads through us; by the other door the base URL does."""
        token = self.tokens.get(who or "", who)
        client: dict[str, Any] = {} if retries is None else {"max_retries": retries}
        environment = clean_environment(self.state.path.parent)
        version = "/v1" if sdk == "openai" else ""
        if door == "proxy":
            client["api_key"] = api_key or "placeholder-key"
            if host:
                client["base_url"] = f"https://{host}{version}"
            proxy = self.gateway.proxy_url(token) if token else f"http://127.0.0.1:{self.gateway.proxy_port}"
            environment |= {"HTTPS_PROXY": proxy, "SSL_CERT_FILE": str(self.gateway.bundle)}
        else:
            client["api_key"] = api_key or token or "placeholder-key"
            client["base_url"] = self.gateway.base_url(connection or sdk) + version
        request: dict[str, Any] = {"model": model or MODELS[sdk], "messages": [{"role": "user", "content": prompt}]}
        if sdk == "anthropic":
            request["max_tokens"] = 1000
        if tools:
            request["tools"] = [SQL_TOOL[sdk]]
        extra = dict(headers or {})
        if script:
            extra["x-local-script"] = json.dumps(script)
        if extra:
            request["extra_headers"] = extra
        return {
            "environment": environment, "sdk": sdk, "mode": mode, "async": asynchronous, "client": client, "request": request,
            "leave_after": leave_after,
        }  # fmt: skip

    def ask(self, worker: Worker, sdk: str, door: str, prompt: str, **how: Any) -> Done:
        worker.start(self.job(sdk, door, prompt, **how))
        return worker.done()

    def raw(
        self,
        door: str,
        body: bytes,
        *,
        sdk: str = "openai",
        connection: str = "",
        host: str = "",
        path: str = "",
        who: str | None = "alice",
        method: str = "POST",
        headers: tuple[tuple[str, str], ...] = (),
        framing: str = "length",
        host_header: str = "",
        sni: str | None = "",
    ) -> Answer:
        """One request by hand. sni "" : the host's; None: none at all."""
        token = self.tokens.get(who or "", who)
        host, path = host or HOSTS[sdk], path or PATHS[sdk]
        fields = [("host", host_header or host), ("connection", "close"), *headers]
        fields.append(("transfer-encoding", "chunked") if framing == "chunked" else ("content-length", str(len(body))))
        if not any(name == "content-type" for name, _ in headers):
            fields.append(("content-type", "application/json"))
        payload = raw.chunked(body) if framing == "chunked" else body
        if door == "base_url":
            if token:
                fields.append(("authorization", f"Bearer {token}"))
            sock = raw.to(self.gateway.base_url_port)
            path = f"/{connection or sdk}{path}"
        else:
            sock, connected = raw.connect(self.gateway.proxy_port, f"{host}:443", raw.basic(token) if token else "")
            if connected.status != 200:
                sock.close()
                return connected
            sock = raw.unchecked(sock, host if sni == "" else sni)
        with sock:
            with suppress(BrokenPipeError, ConnectionResetError):  # answered before we were done: read it all the same
                sock.sendall(raw.head(method, path, fields) + payload)
            return raw.answer(sock)

    # -- the record, as anybody with sqlite3 reads it ---------------------------------------------------------------
    def rows(self, sql: str, *parameters: Any) -> list[dict[str, Any]]:
        return store_rows(self.state.path, sql, *parameters)

    def last_seq(self) -> int:
        return int(self.rows("SELECT coalesce(max(seq), 0) AS seq FROM events")[0]["seq"])

    def exchanges_since(self, seq: int) -> list[dict[str, Any]]:
        sql = "SELECT * FROM exchanges WHERE id IN (SELECT exchange_id FROM events WHERE seq > ? AND type = 'exchange.opened') ORDER BY opened_at"
        return self.rows(sql, seq)

    def events_since(self, seq: int, *types: str) -> list[dict[str, Any]]:
        found = self.rows("SELECT seq, type, exchange_id, actor, leaf FROM events WHERE seq > ? ORDER BY seq", seq)
        return [row for row in found if not types or row["type"] in types]

    def closed_exchange(self, seq: int) -> dict[str, Any]:
        """The one exchange opened after `seq`, once it is closed."""
        self.until(lambda: [row for row in self.exchanges_since(seq) if row["outcome"]], "an exchange was closed")
        found = self.exchanges_since(seq)
        assert len(found) == 1, found
        return found[0]

    def messages(self, exchange_id: str) -> list[dict[str, Any]]:
        return self.rows("SELECT * FROM messages WHERE exchange_id = ? ORDER BY position", exchange_id)

    def pending(self) -> list[dict[str, Any]]:
        return listed(self.state.json("approvals", "list", token=self.tokens["bob"]), "approvals")

    def approval_in_waiting(self) -> dict[str, Any]:
        self.until(self.pending, "an approval is asked for")
        (found,) = self.pending()
        return found

    def decide(self, verdict: str, approval_id: str, who: str = "bob", reason: str = "checked by the test") -> str:
        """`approve` or `deny`, as a second person does it: by the command, with their own token."""
        done = self.state.run(
            "approvals", verdict, approval_id, "--reason", reason, token=self.tokens[who], check=False
        )
        return done.stdout + done.stderr

    @staticmethod
    def until(ready: Callable[[], object], what: str, seconds: float = SEEN_SECONDS) -> None:
        until(ready, seconds, f"expected that {what}, but not")


def listed(found: Any, name: str) -> list[dict[str, Any]]:
    """The rows of a command's --json, whether it prints a list or an object with one."""
    return list(found[name] if isinstance(found, dict) else found)


def store_rows(state: Path, sql: str, *parameters: Any) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(f"file:{state / 'evidence.db'}?mode=ro", uri=True)) as store:
        store.row_factory = sqlite3.Row
        return [dict(row) for row in store.execute(sql, parameters)]


def ended_twice(state: Path) -> list[dict[str, Any]]:
    """Exchanges whose end is in the log more than once."""
    return store_rows(
        state,
        "SELECT exchange_id, count(*) AS ends FROM events WHERE type = 'exchange.closed' GROUP BY exchange_id HAVING ends > 1",
    )


@dataclass(frozen=True, slots=True)
class Template:
    """A state with everybody's tokens, made once; each gateway runs on a copy."""

    path: Path
    tokens: dict[str, str] = field(repr=False)
    start: Start = field(repr=False)

    def copy(
        self, folder: Path, provider_url: str, environment: Mapping[str, str] | None = None, **choices: Any
    ) -> State:
        path = folder / "state"
        shutil.copytree(self.path, path)
        path.chmod(0o700)
        state = State(
            path, clean_environment(folder, LOCAL_PROVIDER_KEY=PROVIDER_KEY, **(environment or {})), self.start
        )
        state.write_policies(policies(provider_url, **choices))
        return state


def made_template(folder: Path, start: Start) -> Template:
    """`affidavit init`, then tokens as an operator mints them. `gone` has a revoked one."""
    state = State(folder / "template", clean_environment(folder, LOCAL_PROVIDER_KEY=PROVIDER_KEY), start)
    state.init()
    state.write_policies(policies("http://127.0.0.1:9"))
    tokens = {name: state.mint(name, *groups) for name, groups in PEOPLE.items()}
    (revoked,) = [row["id"] for row in listed(state.json("token", "list"), "tokens") if row["subject"] == "local|gone"]
    state.run("token", "revoke", revoked)
    return Template(state.path, tokens, start)


@contextmanager
def bench(
    template: Template,
    folder: Path,
    options: tuple[str, ...] = (),
    *,
    tls: Path | None = None,
    launcher: tuple[str, ...] = (),
    **choices: Any,
) -> Iterator[Bench]:
    """A gateway on a copy of the template, its provider beside it. Its log must name no fault unless the test plants one."""
    with running(tls) as provider:
        scheme = "https" if tls else "http"
        state = template.copy(folder, f"{scheme}://127.0.0.1:{provider.port}", **choices)
        if tls:
            options = (*options, "--set", f"ssl_verify_upstream_trusted_ca={tls}")
        extra = {"launcher": launcher} if launcher else {}
        made = Bench(launch(state, folder / "gateway.log", options, **extra), provider, template.tokens)
        try:
            yield made
        finally:
            made.gateway.stop()
    assert ended_twice(state.path) == []
    log = (folder / "gateway.log").read_text(errors="replace")
    assert made.expects_faults or ("fault in" not in log and "Traceback" not in log), log
