"""A browser that has cookies, forms and headers and nothing else, and a console for it: what the console's tests work with."""

from __future__ import annotations

import asyncio
import http.client
import re
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from addons.approvals.state import About, Approval
from addons.console.desk import Desk
from addons.console.state import StateFolder
from addons.console.web.listening import listening
from addons.console.web.site import Place
from addons.evidence.chain import Node
from addons.evidence.ids import time_text
from addons.evidence.records import Opened
from addons.policy.model import ApprovalRule
from addons.tokens.caller import Caller
from tests.console.desks import Clock, hold_rule, owning, person

LOOPBACK = Place("127.0.0.1", 0)
ROLES = "roles:\n  auditor: [auditors]\n  admin: [admins]\n"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def location(self) -> str:
        return self.headers.get("location", "")

    @property
    def form_token(self) -> str:
        return re.search(r'name="form_token" value="([^"]+)"', self.text)[1]


@dataclass(slots=True)
class Browser:
    """Follows nothing by itself."""

    origin: str
    cookies: dict[str, str] = field(default_factory=dict)
    cafile: str = ""

    async def get(self, path: str, **headers: str) -> Answer:
        return await asyncio.to_thread(self._ask, "GET", path, "", headers)

    async def post(self, path: str, form: Mapping[str, str] | None = None, **headers: str) -> Answer:
        sent = {"origin": self.origin, "content-type": "application/x-www-form-urlencoded"} | headers
        return await asyncio.to_thread(self._ask, "POST", path, urlencode(form or {}), sent)

    async def sign_in(self, token: str, **form: str) -> Answer:
        return await self.post("/login", {"token": token, **form})

    async def send(self, page: str, path: str, **form: str) -> Answer:
        """A form of `page`, with the token that the page has."""
        shown = await self.get(page)
        return await self.post(path, {"form_token": shown.form_token, **form})

    def _ask(self, method: str, path: str, body: str, headers: Mapping[str, str]) -> Answer:
        site = urlsplit(self.origin)
        connection = http.client.HTTPConnection(site.netloc, timeout=20)
        if site.scheme == "https":
            context = ssl.create_default_context(cafile=self.cafile)
            connection = http.client.HTTPSConnection(site.netloc, timeout=20, context=context)
        sent = {name.replace("_", "-"): value for name, value in headers.items() if value}
        if self.cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        try:
            connection.request(method, path, body or None, sent)
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        for name, value in response.getheaders():
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.partition(";")[0].strip('"')
                if not self.cookies[key]:
                    del self.cookies[key]
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, text)


@dataclass(slots=True)
class Bench:
    """A desk with its console."""

    desk: Desk
    origin: str
    clock: Clock
    tokens: dict[str, str] = field(default_factory=dict, repr=False)
    cafile: str = ""

    def browser(self) -> Browser:
        return Browser(self.origin, cafile=self.cafile)

    async def person(self, name: str, *groups: str) -> Caller:
        self.tokens[name], caller = await person(self.desk, name, *groups)
        return caller

    async def signed_in(self, name: str, *groups: str) -> Browser:
        if name not in self.tokens:
            await self.person(name, *groups)
        browser = self.browser()
        answer = await browser.sign_in(self.tokens[name])
        assert answer.status == 303, answer.text
        return browser

    def rule(self, rule_id: str) -> ApprovalRule:
        """One of the shipped policies."""
        return next(rule for rule in self.desk.policies.approval if rule.id == rule_id)

    async def hold(
        self,
        *said: str,
        who: str = "alice",
        rule: ApprovalRule | None = None,
        purpose: str = "",
        digest: str = "ab" * 32,
        about: About | None = None,
    ) -> Approval:
        """An approval in waiting, of a call that says `said`, each a message of its own."""
        caller = await self.person(who, "engineering") if who not in self.tokens else self._caller(who)
        exchange_id = await self.exchange(caller.subject, *said, purpose=purpose)
        return await self.desk.request_approval(
            exchange_id=exchange_id,
            rule=rule or hold_rule(),
            requester=caller,
            payload_digest=f"hmac-sha256:{digest}",
            about=about or About(purpose=purpose),
        )

    async def exchange(self, subject: str, *said: str, purpose: str = "") -> str:
        chain, tip = self.desk.store.chain(subject), None
        nodes: list[Node] = []
        for text in said:
            node = chain.extend(tip, role="user", kind="text", text=text, name="", call_id="", maskings=())
            nodes, tip = [*nodes, node], node.tip
        exchange_id = self.desk.new_id("ex")
        await self.desk.record(
            Opened(
                exchange_id,
                self.desk.new_id("se"),
                time_text(self.clock()),
                subject,
                self.desk.policies.digest,
                connection="openai",
                request_model="gpt-5",
                purpose=purpose,
                nodes=tuple(nodes),
                request=tip,
            )
        )
        return exchange_id

    def _caller(self, name: str) -> Caller:
        return self.desk.tokens.find(self.tokens[name], self.clock())

    def leaves(self, kind: str) -> list[dict[str, Any]]:
        """actor and what the leaf says, of every leaf of this type."""
        with self.desk.store.reading() as store:
            rows = store.execute(
                "SELECT actor, json_extract(leaf, '$.attrs.what'), json_extract(leaf, '$.attrs.id'), json_extract(leaf, '$.attrs.code') "
                "FROM events WHERE type = ? ORDER BY seq",
                (kind,),
            ).fetchall()
        return [dict(zip(("actor", "what", "id", "code"), row, strict=True)) for row in rows]


def with_console(
    state: StateFolder,
    clock: Clock,
    work: Callable[[Bench], Awaitable[Any]],
    place: Place = LOOPBACK,
    identity: str = "",
) -> Any:
    """Runs work(bench) beside a console, and gives what it gave. identity: the file, "" for the shipped one with both roles."""
    file = state.policies / "identity.yaml"
    shipped = file.read_text()
    file.write_text(identity or shipped[: shipped.index("\nroles:") + 1] + ROLES)

    async def serve() -> Any:
        async with owning(state, clock) as desk, listening(desk, place) as origin:
            return await work(Bench(desk, origin, clock, cafile=place.certificate))

    return asyncio.run(serve())
