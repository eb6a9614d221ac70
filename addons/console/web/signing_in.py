"""Signing in and out: at the issuer that identity.yaml names, or by a gateway token that a form brings and nothing keeps.

At an issuer: authorization code with PKCE, as the issuer's `console` client with its secret, else as the public client of `affidavit
login`, back to <console>/callback. What has begun is kept here and bound to the browser by a cookie of its own, SameSite=Lax, because
the way back comes from another site. The ID token is exchanged for a gateway token that nobody ever sees; signing out ends it. Not
what a session is (sessions.py), not the checks of what an issuer says (tokens/oidc_flows.py, directory.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta

from tornado import web

from addons.console import operations
from addons.console.directory import Login
from addons.console.fetch import Unreachable
from addons.console.operations import Ask, OperationRefused
from addons.console.web.begun import LASTS, BegunLogin
from addons.console.web.guard import Page
from addons.console.web.sessions import LONGEST, secret_text
from addons.evidence.records import Event
from addons.policy.model import Issuer, Policies
from addons.tokens import oidc_flows
from addons.tokens.caller import Caller
from addons.tokens.gateway_token import MintRefused, TokenRefused
from addons.tokens.oidc_flows import Client

START = "/"
PURPOSE = "console"
_OURS = re.compile(r"/(?:approvals/ap_[0-9a-f-]{36}|history|status)?(?:\?[\w=&%.+|@-]{0,500})?")


def issuers_of(policies: Policies) -> Iterable[Issuer]:
    """At which people can sign in by browser."""
    return (one for one in policies.identity.issuers if (one.client_id or one.console) and not one.workloads)


class Door(Page):
    """What the ways in share: whoever is known comes in, if they have a role; whoever is not is told why."""

    signed_in_only = False

    async def begin(self, caller: Caller, to: str, own_token: str = "") -> None:
        """A session for whoever has a role; an older one in this browser ends. own_token: id of the one made for it."""
        site, desk = self.console.site, self.console.desk
        if not (await self.roles_of(caller)).any:
            if own_token:
                await desk.revoke_token(own_token, caller.subject)
            message, hint = self.no_role(caller)
            await self.turned_away("no_role", f"{message}; {hint}", to, caller.subject)
            return
        seen = {"what": "console", "id": own_token or caller.token_id}
        await desk.record(Event("evidence.read", actor=caller.subject, attrs=seen, meta={"client": self.address}))
        if self.session:
            self.console.sessions.end(self.session)
        cookie, _ = self.console.sessions.begin(caller, desk.clock(), desk.random, own_token)
        self.set_cookie(site.cookie, cookie, path="/", httponly=True, secure=site.secure, samesite="Strict")
        self.redirect(to, status=303)

    async def turned_away(self, code: str, hint: str, to: str = START, subject: str = "") -> None:
        """Recorded, so that guessing is seen; limited, so that it cannot fill the record."""
        self.take(self.console.turning_away, self.address)
        attrs = {"code": code, "host": "console"}
        meta = {"client": self.address}
        await self.console.desk.record(Event("identity.refused", actor=subject, attrs=attrs, meta=meta))
        self.set_status(403 if code == "no_role" else 401)
        self.show(to, hint)

    def show(self, to: str, said: str = "") -> None:
        issuers = tuple(issuers_of(self.console.desk.policies))
        self.render_page("login.html", next=to, said=said, issuers=issuers)

    @staticmethod
    def next_page(asked: str) -> str:
        """Only a page of ours: the way back must not lead elsewhere."""
        return asked if _OURS.fullmatch(asked) else START

    @property
    def login_cookie(self) -> str:
        return f"{self.console.site.cookie}-login"

    async def client_of(self, issuer: Issuer) -> Client:
        return await self.console.desk.directory.issuers.client(issuer, at_console=True)


class SignIn(Door):
    """The page, and its form with a token."""

    def get(self) -> None:
        if self.session:
            self.redirect(START, status=303)
            return
        self.show(self.next_page(self.get_query_argument("next", START)))

    async def post(self) -> None:
        self.take(self.console.guessing, self.address)
        to = self.next_page(self.get_body_argument("next", START))
        token = self.get_body_argument("token", "").strip()
        try:
            caller = await operations.approver_of(self.console.desk, Ask("POST", "/login", actor="", token=token))
        except (TokenRefused, OperationRefused) as refusal:
            await self.turned_away(refusal.code, refusal.hint, to)
            return
        await self.begin(caller, to)


class SignInAt(Door):
    """Off to an issuer. max_age makes it say when the person proved who they are (auth_time): receipts of decisions name it,
    and whoever proved it longer ago does not come in.
    """

    async def get(self, issuer_id: str) -> None:
        site, desk = self.console.site, self.console.desk
        issuer = next((one for one in issuers_of(desk.policies) if one.id == issuer_id), None)
        if issuer is None:
            raise web.HTTPError(404)
        to = self.next_page(self.get_query_argument("next", START))
        try:
            provider = await desk.directory.issuers.provider(issuer)
            client = await self.client_of(issuer)
            pending = oidc_flows.begin(provider, client, f"{site.origin}/callback", desk.random)
        except TokenRefused as refusal:
            await self.turned_away(refusal.code, refusal.hint, to)
            return
        except Unreachable as failure:
            await self.turned_away(
                "issuer_unreachable", f"issuer {issuer.id} does not answer ({failure}); try again", to
            )
            return
        cookie = secret_text(desk.random)
        self.console.begun.keep(cookie, BegunLogin(pending, issuer, to, desk.clock()))
        self.set_cookie(
            self.login_cookie,
            cookie,
            path="/",
            httponly=True,
            secure=site.secure,
            samesite="Lax",
            max_age=LASTS.seconds,
        )
        self.redirect(f"{pending.url}&max_age={int(LONGEST.total_seconds())}", status=303)


class SignInBack(Door):
    """Back from an issuer."""

    async def get(self) -> None:
        site, desk = self.console.site, self.console.desk
        begun = self.console.begun.take(self.get_cookie(self.login_cookie, "") or "", desk.clock())
        self.clear_cookie(self.login_cookie, path="/", secure=site.secure, samesite="Lax")
        if begun is None:
            await self.turned_away(
                "login_unknown", "this login did not begin in this browser, or took too long; sign in again"
            )
            return
        try:
            caller, token_id = await self._identified(begun)
        except (TokenRefused, MintRefused) as refusal:
            await self.turned_away(
                getattr(refusal, "code", "token_not_minted"), getattr(refusal, "hint", str(refusal)), begun.next
            )
        except Unreachable as failure:
            hint = f"issuer {begun.issuer.id} does not answer ({failure}); sign in again"
            await self.turned_away("issuer_unreachable", hint, begun.next)
        else:
            await self.begin(caller, begun.next, token_id)

    async def _identified(self, begun: BegunLogin) -> tuple[Caller, str]:
        """Who came back, and the id of the gateway token that stands for it. Raises TokenRefused, MintRefused, Unreachable."""
        directory, issuer = self.console.desk.directory, begun.issuer
        code = oidc_flows.code_of(begun.pending, self.request.query)
        provider = await directory.issuers.provider(issuer)
        asked = oidc_flows.code_ask(provider, await self.client_of(issuer), begun.pending, code)
        answer = await directory.issuers.ask(issuer, asked)
        tokens = oidc_flows.tokens(answer.status, answer.body)
        identified = await directory.issuers.verified(tokens.id_token, issuer)
        oidc_flows.check_nonce(begun.pending, tokens.id_token)
        longest = LONGEST + timedelta(seconds=issuer.leeway_seconds)
        oidc_flows.check_age(identified.auth_time, longest, self.console.desk.clock())
        kept = tokens.refresh_token
        login = Login(tokens.id_token, purpose=PURPOSE, lifetime=LONGEST, refresh_token=kept, at_console=True)
        secret, row = await directory.exchange(login)
        return await directory.find(secret), row.id


class SignOut(Page):
    async def post(self) -> None:
        assert self.session
        site, session = self.console.site, self.session
        self.console.sessions.end(session)
        if session.own_token:
            await self.console.desk.revoke_token(session.own_token, session.caller.subject)
        self.clear_cookie(site.cookie, path="/", secure=site.secure, samesite="Strict")
        self.redirect("/login", status=303)
