"""The control API for people elsewhere, on the console's port under /affidavit/: JSON, with one's own token as a bearer.

Not all of it: what the folder's owner may do on this machine (mint, export, policies) is not here. What one may not see in the
console is not seen here either. A cookie counts for nothing, so no other site's page can ask in somebody's name.

    GET /affidavit/approvals/watch     one JSON object a line, as on the control socket
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

import orjson
from tornado import iostream

from addons.approvals.state import State
from addons.console import operations
from addons.console.control import json_of
from addons.console.operations import Ask, OperationRefused
from addons.console.shapes import approval_shape
from addons.console.web.guard import Guarded
from addons.console.web.roles import Roles, may_see
from addons.tokens.caller import Caller
from addons.tokens.gateway_token import TokenRefused

PREFIX = "/affidavit"
ANYBODY = frozenset({("GET", "/login"), ("POST", "/login"), ("POST", "/logout"), ("GET", "/whoami")})
ONE = frozenset(
    {("GET", ""), ("GET", "receipts")} | {("POST", verb) for verb in ("approve", "deny", "cancel", "revoke", "review")}
)
OWN = frozenset({("GET", "/delegations"), ("POST", "/delegations"), ("POST", "/delegations/end")})
HELD = "shown"  # of an approval: held tool calls, which are content


class Api(Guarded):
    async def prepare(self) -> None:
        await super().prepare()
        if self._finished:
            return
        self.set_header("Content-Type", "application/json")
        ask = self._ask()
        self.finish(orjson.dumps(await self._answered(ask)))

    async def _answered(self, ask: Ask) -> Any:
        if (ask.method, ask.path) in ANYBODY:
            if ask.path == "/login" and ask.method == "POST":
                self.take(self.console.guessing, self.address)
            return await self._told(ask)
        caller, roles = await self.known(ask)
        if (ask.method, ask.path) in OWN:
            return await self._told(ask)
        if (ask.method, ask.path) == ("GET", "/approvals"):
            answer = await self._told(ask)
            rows = [row for row in answer["approvals"] if _sees(roles, caller, row)]
            return {"approvals": [{name: value for name, value in row.items() if name != HELD} for row in rows]}
        approval_id, _, verb = ask.path.removeprefix("/approvals/").partition("/")
        if not ask.path.startswith("/approvals/") or (ask.method, verb) not in ONE:
            raise OperationRefused(404, "path_unknown", "nothing is at this path", "affidavit approvals --help")
        row = await self._told(Ask("GET", f"/approvals/{approval_id}", ask.actor, token=ask.token))
        if not _sees(roles, caller, row):
            raise OperationRefused(
                403, "not_yours", "this approval is not yours to see", "ask for the group that decides it"
            )
        if ask.method == "GET":
            body = {"what": "exchange", "id": row["exchange_id"] or "", "purpose": f"remote: approval {approval_id}"}
            await self._told(Ask("POST", "/reads", ask.actor, body=body, token=ask.token))
        return await self._told(ask)

    async def known(self, ask: Ask) -> tuple[Caller, Roles]:
        """Whose token it is, and what they may do. Raises OperationRefused."""
        try:
            caller = await operations.approver_of(self.console.desk, ask)
        except TokenRefused as refusal:
            self.take(self.console.guessing, self.address)
            raise OperationRefused(401, refusal.code, "this token names nobody here", refusal.hint) from refusal
        return caller, await self.roles_of(caller)

    async def _told(self, ask: Ask) -> Any:
        return await operations.answer(self.console.desk, ask)

    def _ask(self) -> Ask:
        scheme, _, credential = self.request.headers.get("Authorization", "").partition(" ")
        return Ask(
            method=self.request.method or "",
            path=self.request.path.removeprefix(PREFIX),
            actor="",
            query={name: self.get_query_argument(name) for name in self.request.query_arguments},
            body=json_of(self.request.body),
            token=credential.strip() if scheme.lower() == "bearer" else "",
        )

    def refused(self, code: str, message: str, hint: str) -> None:
        self.set_header("Content-Type", "application/json")
        self.finish(orjson.dumps({"error": {"code": code, "message": message, "hint": hint}}))


class ApiWatch(Api):
    """Begins with what is pending now; then each change, until the client leaves or the token ends."""

    async def _answered(self, ask: Ask) -> Any:
        raise NotImplementedError

    async def prepare(self) -> None:
        await Guarded.prepare(self)
        if self._finished:
            return
        ask = self._ask()
        caller, roles = await self.known(ask)
        self.set_header("Content-Type", "application/x-ndjson")
        desk = self.console.desk
        with desk.watching() as changes, contextlib.suppress(iostream.StreamClosedError):
            self._stop = lambda: None if changes.full() else changes.put_nowait(None)
            await self._write(
                [row for row in map(approval_shape, desk.approvals(State.PENDING)) if _sees(roles, caller, row)]
            )
            while (changed := await changes.get()) is not None:
                caller, roles = await self.known(ask)
                row = approval_shape(changed)
                await self._write([row] if _sees(roles, caller, row) else [])
            self.finish()

    _stop: Any = None

    def on_connection_close(self) -> None:
        if self._stop is not None:
            self._stop()

    async def _write(self, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            row.pop(HELD)
            self.write(orjson.dumps(row) + b"\n")
        await self.flush()


def _sees(roles: Roles, caller: Caller, row: Mapping[str, Any]) -> bool:
    return may_see(roles, caller, **{name: row[name] or "" for name in ("rule", "requester", "approver")})
