"""Signing in and out. By a gateway token, which a form brings and nothing keeps; not what a session is (sessions.py)."""

from __future__ import annotations

import re

from addons.console import operations
from addons.console.operations import Ask, OperationRefused
from addons.console.web.guard import Page
from addons.evidence.records import Event
from addons.tokens.caller import Caller
from addons.tokens.gateway_token import TokenRefused

_OURS = re.compile(r"/(?:approvals/ap_[0-9a-f-]{36}|history|status)?(?:\?[\w=&%.+|@-]{0,500})?")
START = "/"


class SignIn(Page):
    signed_in_only = False

    def get(self) -> None:
        if self.session:
            self.redirect(START, status=303)
            return
        self.render_page("login.html", next=self.next_page(self.get_query_argument("next", START)), said="")

    async def post(self) -> None:
        self.take(self.console.signing_in, self.address)
        token = self.get_body_argument("token", "").strip()
        try:
            caller = await operations.approver_of(self.console.desk, Ask("POST", "/login", actor="", token=token))
        except TokenRefused as refusal:
            await self.turned_away(refusal.code, refusal.hint)
            return
        except OperationRefused as refusal:
            await self.turned_away(refusal.code, refusal.hint)
            return
        await self.begin(caller)

    async def begin(self, caller: Caller) -> None:
        """A session for whoever has a role; an older one in this browser ends."""
        if not self.roles_of(caller).any:
            message, hint = self.no_role(caller)
            await self.turned_away("no_role", f"{message}; {hint}", caller.subject)
            return
        if self.session:
            self.console.sessions.end(self.session)
        site, desk = self.console.site, self.console.desk
        cookie, _ = self.console.sessions.begin(caller, desk.clock(), desk.random)
        self.set_cookie(site.cookie, cookie, path="/", httponly=True, secure=site.secure, samesite="Strict")
        self.redirect(self.next_page(self.get_argument("next", START)), status=303)

    async def turned_away(self, code: str, hint: str, subject: str = "") -> None:
        """Recorded, so that guessing is seen; limited, so that it cannot fill the record."""
        await self.console.desk.record(
            Event(
                "identity.refused",
                actor=subject,
                attrs={"code": code, "host": "console"},
                meta={"client": self.address},
            )
        )
        self.set_status(403 if code == "no_role" else 401)
        self.render_page("login.html", next=self.next_page(self.get_argument("next", START)), said=hint)

    @staticmethod
    def next_page(asked: str) -> str:
        """Only a page of ours: the way back must not lead elsewhere."""
        return asked if _OURS.fullmatch(asked) else START


class SignOut(Page):
    def post(self) -> None:
        assert self.session
        self.console.sessions.end(self.session)
        self.clear_cookie(self.console.site.cookie, path="/", secure=self.console.site.secure, samesite="Strict")
        self.redirect("/login", status=303)
