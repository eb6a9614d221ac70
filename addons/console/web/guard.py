"""What every request to the console passes before a page is made: its name, its rate, its origin, its session. Not what a page shows.

    name      a Host that is not ours is refused, one of our other names is sent to the one that counts (DNS rebinding, one origin)
    rate      by session, else by address; signing in has a slower limit of its own
    origin    a form comes from our own page (Origin) and was made for this session (a token in it), or nothing is changed
    session   found anew, and who it names is still let in by tokens and policies, on each request

The session's cookie is SameSite=Strict: a link from a chat or the way back from an identity provider brings none. Such a GET is
answered with a page that only asks again, this time from us; it shows and changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from tornado import web

from addons.approvals.delegations import standing_in
from addons.approvals.state import Approval, State
from addons.console import operations
from addons.console.control import Quiet
from addons.console.operations import Ask, OperationRefused
from addons.console.web.console import Console
from addons.console.web.found import roles_given
from addons.console.web.roles import NOBODY, Roles, may_see, roles_of
from addons.console.web.sessions import Session
from addons.evidence.database import Connection
from addons.tokens.caller import Caller
from addons.tokens.gateway_token import TokenRefused

TOO_MANY = "too_many_requests"


class Guarded(Quiet):
    """A request that came to the right place, not too often."""

    console: Console
    retry_after = 0

    def initialize(self, console: Console) -> None:
        self.console = console

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        console: Console = self.application.settings["console"]
        for name, value in console.site.headers().items():
            self.set_header(name, value)

    async def prepare(self) -> None:
        site = self.console.site
        if self.request.host.lower() not in site.names:
            raise OperationRefused(
                421, "host_unknown", "this is not the address of the console", f"go to {site.origin}"
            )
        if self.request.host.lower() != site.host:
            if self.request.method != "GET":
                raise OperationRefused(421, "host_other", "this is another name of the console", f"go to {site.origin}")
            self.redirect(f"{site.origin}{self.here}")
            return
        self.check_rate()

    def check_rate(self) -> None:
        self.take(self.console.asking, self.address)

    def take(self, limit: Any, key: str) -> None:
        wait = limit.wait_seconds(key, asyncio.get_running_loop().time())
        if wait:
            self.retry_after = int(wait) + 1
            raise OperationRefused(429, TOO_MANY, "that was too often", f"wait {self.retry_after} s, then try again")

    @property
    def here(self) -> str:
        """The path and query asked for; `//elsewhere.example` is a path to us and another site to a browser."""
        uri = self.request.uri or "/"
        return uri if uri.startswith("/") and not uri.startswith(("//", "/\\")) else "/"

    @property
    def address(self) -> str:
        return str(self.request.remote_ip)

    async def roles_of(self, caller: Caller) -> Roles:
        """By the policies, the delegations and the register as they are now."""
        desk = self.console.desk
        lent = standing_in(desk.waiting.delegations(), caller.subject, "", desk.clock())
        given = await self.read(lambda store: roles_given(store, caller.subject))
        return roles_of(desk.policies, caller, (one.group for one in lent), given)

    async def read[T](self, look: Callable[[Connection], T]) -> T:
        """A short look at the store, off the loop."""

        def looked() -> T:
            with self.console.desk.store.reading() as store:
                return look(store)

        return await asyncio.to_thread(looked)

    def write_error(self, status_code: int, **more: Any) -> None:
        """Our own refusals say what to do; anything else says only that it failed. Never a traceback, which may quote a prompt."""
        raised = (more.get("exc_info") or (None, None, None))[1]
        if isinstance(raised, OperationRefused):
            self.set_status(raised.status)
            if self.retry_after:
                self.set_header("Retry-After", str(self.retry_after))
            self.refused(raised.code, raised.message, raised.hint)
            return
        if status_code == HTTPStatus.NOT_FOUND:
            self.refused("path_unknown", "there is no such page", "go to the queue")
            return
        self.refused("fault", f"the console could not answer ({status_code})", "the gateway's log says why")

    def refused(self, code: str, message: str, hint: str) -> None:
        raise NotImplementedError


class Page(Guarded):
    """A request of a browser. `session` is set where somebody is signed in and still let in."""

    session: Session | None = None
    caller: Caller | None = None
    roles: Roles = NOBODY

    async def prepare(self) -> None:
        await self._find_session()
        await super().prepare()
        if self._finished:
            return
        if self.request.method == "POST":
            self._check_form()
        elif self.session is None and self.signed_in_only and self._came_from_elsewhere():
            self.render_page("again.html", target=self.here)

    signed_in_only = True

    def check_rate(self) -> None:
        self.take(self.console.asking, self.session.digest.hex() if self.session else self.address)

    # -- who --------------------------------------------------------------------------------------------------------
    async def _find_session(self) -> None:
        """Whoever left, or whose token ended, is not let in again; their issuer is asked as for a call of theirs."""
        sessions, now = self.console.sessions, self.console.desk.clock()
        self.session = self.caller = None
        session = sessions.find(self.get_cookie(self.console.site.cookie, "") or "", now)
        if session is None:
            return
        try:
            ask = Ask("GET", "/whoami", actor="", caller=session.caller)
            self.caller = await operations.approver_of(self.console.desk, ask)
        except (OperationRefused, TokenRefused):
            sessions.end(session)
            return
        self.session = session
        if self.counts_as_use:
            session.seen_at = now
        self.roles = await self.roles_of(self.caller)

    @property
    def counts_as_use(self) -> bool:
        """A page that refreshes itself does not keep its session alive."""
        return self.request.headers.get("X-Affidavit-Live") is None

    def person(self) -> Caller:
        """Whoever is signed in and has a role; else to the sign-in page, and back."""
        if self.session is None or self.caller is None:
            if self.request.method != "GET" or not self.counts_as_use:
                raise OperationRefused(401, "signed_out", "you are not signed in any more", "sign in again")
            query = urlencode({"next": self.here}) if self.here != "/" else ""
            self.redirect("/login" + (f"?{query}" if query else ""), status=303)
            raise web.Finish
        if not self.roles.any:
            raise OperationRefused(403, "no_role", *self.no_role(self.caller))
        return self.caller

    @staticmethod
    def no_role(caller: Caller) -> tuple[str, str]:
        groups = ", ".join(caller.groups) or "no group"
        return (
            f"{caller.subject} ({groups}) approves nothing and reads nothing here",
            "ask for a group that a rule in approval.yaml or roles in identity.yaml names; your own calls need no console",
        )

    def ask(self, method: str, path: str, **more: Any) -> Ask:
        """The same as a command asks, said by whoever is signed in."""
        caller = self.person()
        return Ask(method, path, actor=caller.subject, caller=caller, **more)

    # -- forms ------------------------------------------------------------------------------------------------------
    def _check_form(self) -> None:
        if self.request.headers.get("Origin", "") != self.console.site.origin:
            raise OperationRefused(
                403,
                "origin_forged",
                "this form did not come from a page of the console",
                "open the console and try there",
            )
        if self.signed_in_only:
            self.person()
            assert self.session
            if not self.session.made(self.get_body_argument("form_token", "")):
                raise OperationRefused(
                    403,
                    "form_old",
                    "this form was made for another session; nothing was changed",
                    "go back, reload the page, and try again",
                )

    def _came_from_elsewhere(self) -> bool:
        """Only then can there be a cookie that was not sent. Source: W3C Fetch Metadata, 2.3."""
        sent = self.request.headers
        return (
            self.request.method == "GET"
            and sent.get("Sec-Fetch-Site") == "cross-site"
            and sent.get("Sec-Fetch-Dest") == "document"
        )

    # -- the record -------------------------------------------------------------------------------------------------
    async def record_reading(self, what: str, record_id: str, purpose: str) -> None:
        """That this person looks is durable before they see anything."""
        body = {"what": what, "id": record_id, "purpose": f"console: {purpose}" if purpose else "console"}
        await operations.answer(self.console.desk, self.ask("POST", "/reads", body=body))

    # -- answers ----------------------------------------------------------------------------------------------------
    def render_page(self, template: str, **values: Any) -> None:
        mine, waiting = self.waiting() if self.session and self.roles.any else (0, 0)
        shown: Mapping[str, Any] = {
            "caller": self.caller,
            "roles": self.roles,
            "form_token": self.session.form_token if self.session else "",
            "mine": mine,
            "waiting": waiting,
            "now": self.console.desk.clock(),
            "path": self.request.path,
        }
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(self.console.templates.get_template(template).render(**shown, **values))

    def waiting(self) -> tuple[int, int]:
        """How many this person may decide, and how many they see."""
        caller = self.person()
        pending = [one for one in self.console.desk.approvals(State.PENDING) if self.sees(one)]
        return sum(self.console.desk.may_decide(one, caller) for one in pending), len(pending)

    def sees(self, approval: Approval) -> bool:
        return may_see(
            self.roles,
            self.person(),
            rule=approval.rule,
            requester=approval.requester,
            approver=approval.approver,
        )

    def refused(self, code: str, message: str, hint: str) -> None:
        if not self.counts_as_use:
            self.finish()
            return
        self.render_page("message.html", code=code, message=message, hint=hint, status=self.get_status())
