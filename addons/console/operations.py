"""What can be asked of a state: the same functions behind the control socket and behind a command that owns the state for a moment.

Not transport (control.py, reach.py), not decisions (the rooms). An `Ask` comes in, JSON goes out, or `OperationRefused`.
Who asks: `actor` is the operating system's user at the other end of the socket, which is enough for what the folder's owner
may do; whoever decides an approval proves who they are with their own token.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from addons.approvals.delegations import DelegationRefused
from addons.approvals.grants import GrantRefused
from addons.approvals.state import Action, DecisionRefused, State
from addons.console import anchoring, approving, erasing, explaining, exporting, judging, readings
from addons.console.desk import Desk
from addons.console.directory import Login
from addons.console.rows import approval_of
from addons.console.shapes import approval_shape, caller_shape, connection_shape, status_shape, token_shape
from addons.console.waiting import ApprovalUnknown
from addons.evidence.checkpoints import NoteInvalid
from addons.evidence.records import Event
from addons.evidence.store import StoreError
from addons.policy import decide
from addons.tokens.caller import Caller
from addons.tokens.gateway_token import MintRefused, TokenRefused

Json = Any
NOT_YOURS = {"self_approval", "self_review", "not_an_approver", "not_a_member", "not_yours"}


class OperationRefused(Exception):  # noqa: N818 - a decision, not a fault
    """The answer is no. status: of HTTP; code: for programs; hint: what to do."""

    def __init__(self, status: int, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Ask:
    """One request, whichever way it came."""

    method: str
    path: str
    actor: str  # "os|alice"
    query: Mapping[str, str] = field(default_factory=dict)
    body: Json = None
    token: str = field(default="", repr=False)  # of whoever decides
    caller: Caller | None = None  # who signed in to the console, instead of a token


Operation = Callable[[Desk, Ask, str], Awaitable[Json]]


async def answer(desk: Desk, ask: Ask) -> Json:
    """JSON, or OperationRefused; nothing else is raised for what an asker did."""
    operation, item = _found(ask)
    if isinstance(ask.body, dict):
        ask = replace(ask, body=desk.words.masked(desk.policies, desk.keys.masking, ask.body))
    try:
        return await operation(desk, ask, item)
    except TokenRefused as refusal:
        status = 404 if ask.path.startswith("/tokens/") else 401
        raise OperationRefused(status, refusal.code, _sentence(refusal), refusal.hint) from refusal
    except ApprovalUnknown as refusal:
        raise OperationRefused(404, refusal.code, str(refusal), refusal.hint) from refusal
    except (DecisionRefused, GrantRefused, DelegationRefused) as refusal:
        status = 403 if refusal.code in NOT_YOURS else 409
        raise OperationRefused(status, refusal.code, _sentence(refusal), refusal.hint) from refusal
    except erasing.ErasureRefused as refusal:
        raise OperationRefused(refusal.status, refusal.code, str(refusal), refusal.hint) from refusal
    except anchoring.AnchorRefused as refusal:
        raise OperationRefused(409, "not_anchored", str(refusal), refusal.hint) from refusal
    except MintRefused as refusal:
        raise OperationRefused(400, "token_not_minted", str(refusal), "affidavit token mint --help") from refusal
    except StoreError as failure:
        raise OperationRefused(503, "store_failed", str(failure), "affidavit status") from failure


async def approver_of(desk: Desk, ask: Ask) -> Caller:
    """The person behind the ask, by their own token; raises TokenRefused or OperationRefused."""
    if ask.caller is not None:
        return _identified(desk, await desk.directory.still(ask.caller))
    if not ask.token:
        raise TokenRefused("token_missing", "say who you are with your own token: --token afd_…, or $AFFIDAVIT_TOKEN")
    return _identified(desk, await desk.directory.find(ask.token))


def _identified(desk: Desk, caller: Caller) -> Caller:
    decision = decide.may_identify(desk.policies, caller)
    if not decision.allowed:
        raise OperationRefused(
            401, decision.code, "this token identifies nobody under the policies in force", decision.hint
        )
    return caller


# -- what can be asked --------------------------------------------------------------------------------------------------


async def status(desk: Desk, _ask: Ask, _item: str) -> Json:
    return await status_shape(desk)


async def connections(desk: Desk, _ask: Ask, _item: str) -> Json:
    return {"connections": [connection_shape(connection) for connection in desk.policies.connections]}


async def whoami(desk: Desk, ask: Ask, _item: str) -> Json:
    return caller_shape(await approver_of(desk, ask))


async def ca_changed(desk: Desk, ask: Ask, _item: str) -> Json:
    """Which certificate clients are to trust from now on, and who changed it."""
    body = _body(ask, {"how": str, "fingerprint": str, "until": str}, needed={"how", "fingerprint", "until"})
    attrs = {"changed": "certificate authority", **{name: body[name][:100] for name in ("how", "fingerprint", "until")}}
    (seq, *_) = await desk.record(Event("config.changed", actor=ask.actor, attrs=attrs))
    return {"seq": seq}


async def login_issuers(desk: Desk, _ask: Ask, _item: str) -> Json:
    """Where people sign in, and as which client."""
    return {
        "issuers": [
            {"id": one.id, "issuer": one.issuer, "client_id": one.client_id, "scopes": list(one.scopes)}
            for one in desk.policies.identity.issuers
            if one.client_id
        ]
    }


async def login(desk: Desk, ask: Ask, _item: str) -> Json:
    """A gateway token for an issuer's token. `renew`: a gateway token of the same caller, whose end moves instead."""
    if not ask.token:
        raise TokenRefused("token_missing", "send the issuer's token: Authorization: Bearer …; affidavit login does it")
    kinds = {"purpose": str, "lifetime_seconds": int, "refresh_token": str, "on_behalf_of": str, "renew": str}
    body = _body(ask, kinds, needed=set()) if ask.body is not None else {}
    seconds = body.get("lifetime_seconds")
    secret, row = await desk.directory.exchange(
        Login(
            ask.token,
            purpose=body.get("purpose", ""),
            lifetime=None if seconds is None else timedelta(seconds=max(seconds, 0)),
            refresh_token=body.get("refresh_token", ""),
            on_behalf_of=body.get("on_behalf_of", ""),
            renews=body.get("renew", ""),
        )
    )
    return {"token": secret, **token_shape(row, desk.clock())}


async def logout(desk: Desk, ask: Ask, _item: str) -> Json:
    caller = await approver_of(desk, ask)
    if not caller.auth_method.endswith("afd_token"):
        raise OperationRefused(
            400, "token_not_ours", "only gateway tokens can be ended here", "an issuer's own token ends at the issuer"
        )
    return token_shape(await desk.revoke_token(caller.token_id, caller.subject), desk.clock())


async def list_tokens(desk: Desk, _ask: Ask, _item: str) -> Json:
    return {"tokens": [token_shape(row, desk.clock()) for row in desk.tokens.rows]}


async def mint_token(desk: Desk, ask: Ask, _item: str) -> Json:
    if not desk.policies.identity.accepts_local:
        raise OperationRefused(
            403,
            "local_issuer_off",
            "tokens minted here identify nobody under the policies in force",
            "affidavit login; or local: allow in identity.yaml",
        )
    body = _body(
        ask, {"name": str, "groups": list, "email": str, "purpose": str, "lifetime_seconds": int}, needed={"name"}
    )
    secret, row = await desk.mint(
        name=body["name"],
        groups=_texts(body.get("groups", []), "groups"),
        email=body.get("email", ""),
        purpose=body.get("purpose", ""),
        lifetime=timedelta(seconds=body.get("lifetime_seconds", 8 * 3600)),
        minted_by=ask.actor,
    )
    return {"token": secret, **token_shape(row, desk.clock())}


async def revoke_token(desk: Desk, ask: Ask, item: str) -> Json:
    return token_shape(await desk.revoke_token(item, ask.actor), desk.clock())


async def list_approvals(desk: Desk, ask: Ask, _item: str) -> Json:
    """Those in waiting; `?state=` another state, or `all`: from the store, newest first. `mine`: whether the asker may decide."""
    await desk.expire_due()
    wanted = ask.query.get("state", State.PENDING.value)
    if wanted not in {*State, "all", "unreviewed"}:
        raise OperationRefused(
            400,
            "state_unknown",
            f"state {wanted!r}: expected all, unreviewed, {', '.join(State)}",
            "affidavit approvals list --help",
        )
    asker = await approver_of(desk, ask) if ask.token else None
    return {"approvals": approving.rows(desk, wanted, asker)}


async def show_approval(desk: Desk, _ask: Ask, item: str) -> Json:
    """Whole, also when it is long over; of one that was erased, what the store still has."""
    try:
        return approval_shape(desk.approval(item))
    except ApprovalUnknown:
        with desk.store.reading() as database:
            if whole := readings.approval_whole(database, item):
                return approval_shape(approval_of(whole))
            if row := readings.approval(database, item):
                return row
        raise


async def approve(desk: Desk, ask: Ask, item: str) -> Json:
    return await _decided(desk, ask, item, Action.APPROVE)


async def deny(desk: Desk, ask: Ask, item: str) -> Json:
    return await _decided(desk, ask, item, Action.DENY)


async def revoke_grant(desk: Desk, ask: Ask, item: str) -> Json:
    """By whoever may decide the approval, or an admin."""
    asker = await approver_of(desk, ask)
    if not (desk.may_decide(desk.approval(item), asker) or _is_admin(desk, asker)):
        raise DecisionRefused("not_an_approver", "only those who may decide an approval may take it back")
    granted = await desk.revoke_grant(item, asker.subject)
    return {"grant": granted.id, "approval_id": item, "revoked": granted.revoked_at is not None}


async def cancel_approval(desk: Desk, ask: Ask, item: str) -> Json:
    """By whoever asked for it, or an admin."""
    asker = await approver_of(desk, ask)
    body = _body(ask, {"reason": str}, needed={"reason"})
    if desk.approval(item).requester != asker.subject and not _is_admin(desk, asker):
        raise DecisionRefused("not_yours", "only the requester or an admin may cancel it; an approver may deny it")
    return approval_shape(await desk.cancel_approval(item, body["reason"], asker.subject))


async def review_approval(desk: Desk, ask: Ask, item: str) -> Json:
    """The second look at what was approved by breaking the glass."""
    return await approving.review(
        desk, await approver_of(desk, ask), item, _body(ask, approving.REVIEW, needed={"reason", "justified"})
    )


async def approval_receipts(desk: Desk, _ask: Ask, item: str) -> Json:
    return approving.receipts(desk, item)


async def why(desk: Desk, _ask: Ask, item: str) -> Json:
    """What the approval rules of its time say about a recorded call, rule by rule."""
    with desk.store.reading() as database:
        found = explaining.explained(database, item)
    if found is None:
        raise OperationRefused(404, "exchange_unknown", f"no exchange is called {item!r}", "affidavit sessions")
    return {"exchange_id": item, "rules": found}


async def list_delegations(desk: Desk, _ask: Ask, _item: str) -> Json:
    return approving.delegations(desk)


async def delegate(desk: Desk, ask: Ask, _item: str) -> Json:
    giver = await approver_of(desk, ask)
    return await approving.delegate(desk, giver, _body(ask, approving.DELEGATION, needed={"group", "to", "seconds"}))


async def end_delegation(desk: Desk, ask: Ask, _item: str) -> Json:
    giver = await approver_of(desk, ask)
    return await approving.end_delegation(desk, giver, _body(ask, approving.DELEGATION_END, needed={"group", "to"}))


async def record_read(desk: Desk, ask: Ask, _item: str) -> Json:
    """`evidence.read`, durable before the reader gets anything. What was read goes into the leaf, who read it into actor."""
    body = _body(ask, {"what": str, "id": str, "purpose": str}, needed={"what", "id"})
    reader = (await approver_of(desk, ask)).subject if ask.token or ask.caller else ask.actor
    (seq, *_) = await desk.record(
        Event(
            "evidence.read",
            actor=reader,
            attrs={"what": body["what"], "id": body["id"]},
            meta={"purpose": body.get("purpose", ""), "os_user": ask.actor},
        )
    )
    return {"seq": seq, "reader": reader}


async def count_now(desk: Desk, _ask: Ask, _item: str) -> Json:
    return await exporting.count_now(desk)


async def sign_checkpoint(desk: Desk, _ask: Ask, _item: str) -> Json:
    return await exporting.sign_now(desk)


async def record_export(desk: Desk, ask: Ask, _item: str) -> Json:
    kinds = {"manifest": str, "leaves": int, "since": str, "until": str, "purpose": str, "chosen": dict}
    body = _body(ask, kinds, needed=kinds.keys() - {"chosen"})
    reader = (await approver_of(desk, ask)).subject if ask.token else ask.actor
    return await exporting.record_export(desk, reader, ask.actor, body)


async def explain(desk: Desk, ask: Ask, _item: str) -> Json:
    """By a person, with their own token: an explanation that nobody stands for is none."""
    body = _body(ask, {"finding": str, "reason": str}, needed={"finding", "reason"})
    person = (await approver_of(desk, ask)).subject
    with desk.store.reading() as database:
        if not judging.is_finding(database, body["finding"]):
            raise OperationRefused(
                404, "finding_unknown", f"nothing here is called {body['finding']!r}", "affidavit report accounting"
            )
    return await judging.explain(desk, person, ask.actor, body["finding"], body["reason"])


async def add_gateway(desk: Desk, ask: Ask, _item: str) -> Json:
    body = _body(ask, {"vkey": str}, needed={"vkey"})
    actor = (await approver_of(desk, ask)).subject if ask.token else ask.actor
    try:
        return await exporting.add_gateway(desk, actor, body["vkey"])
    except NoteInvalid as refusal:
        raise OperationRefused(
            400, "key_invalid", str(refusal), "copy it from the other gateway's affidavit status"
        ) from refusal


async def retire_gateway(desk: Desk, ask: Ask, _item: str) -> Json:
    body = _body(ask, {"log": str}, needed={"log"})
    actor = (await approver_of(desk, ask)).subject if ask.token else ask.actor
    try:
        return await exporting.retire_gateway(desk, actor, body["log"])
    except LookupError as refusal:
        raise OperationRefused(404, "gateway_unknown", str(refusal), "affidavit gateways list") from refusal


async def list_roles(desk: Desk, _ask: Ask, _item: str) -> Json:
    with desk.store.reading() as database:
        return {"roles": readings.roles(database)}


async def set_role(desk: Desk, ask: Ask, _item: str) -> Json:
    """Given by the folder's owner, or by a person with their own token, under whose name it then stands."""
    body = _body(ask, {"subject": str, "role": str, "end": bool}, needed={"subject", "role"})
    actor = (await approver_of(desk, ask)).subject if ask.token else ask.actor
    if body["subject"] == actor:
        raise OperationRefused(403, "own_role", "nobody gives or ends a role of their own", "ask somebody else to")
    try:
        return await judging.set_role(desk, actor, body["subject"], body["role"], end=body.get("end", False))
    except LookupError as refusal:
        raise OperationRefused(404, "role_unknown", str(refusal), "affidavit roles list") from refusal


async def review(desk: Desk, ask: Ask, _item: str) -> Json:
    """Also by a person: who reviewed is what the record is for."""
    body = _body(ask, {"review": str, "result": dict, "note": str}, needed={"review", "result", "note"})
    person = (await approver_of(desk, ask)).subject
    return await judging.review(desk, person, ask.actor, body["review"], body["result"], body["note"])


async def list_anchors(desk: Desk, _ask: Ask, _item: str) -> Json:
    return anchoring.anchors_shape(desk)


async def add_anchor(desk: Desk, ask: Ask, _item: str) -> Json:
    kinds = {"kind": str, "place": str, "url": str, "ca": str, "push": str, "seconds": int}
    body = _body(ask, kinds, needed={"kind", "place"})
    body["push"] = body.get("push", "") == "yes"
    await anchoring.add(desk, await _who(desk, ask), body)
    return anchoring.anchors_shape(desk)


async def remove_anchor(desk: Desk, ask: Ask, _item: str) -> Json:
    await anchoring.remove(desk, await _who(desk, ask), _body(ask, {"place": str}, needed={"place"})["place"])
    return anchoring.anchors_shape(desk)


async def anchor_now(desk: Desk, _ask: Ask, _item: str) -> Json:
    await exporting.sign_now(desk)
    await anchoring.due_round(desk, everything=True)
    return anchoring.anchors_shape(desk)


async def show_continuity(desk: Desk, _ask: Ask, old: str) -> Json:
    if not (old.isascii() and old.isdecimal() and len(old) <= 16):
        raise OperationRefused(400, "size_malformed", "old: expected how many leaves you saw", "affidavit status")
    with desk.store.reading() as database:
        return anchoring.continuity(database, desk.store.newest_checkpoint, int(old)) | {"vkey": desk.keys.vkey}


async def erase(desk: Desk, ask: Ask, _item: str) -> Json:
    body = _body(ask, {"scope": str, "value": str, "reason": str}, needed={"scope", "value", "reason"})
    return await erasing.erase(desk, await approver_of(desk, ask), body["scope"], body["value"], body["reason"])


async def sweep(desk: Desk, _ask: Ask, _item: str) -> Json:
    swept = await erasing.sweep(desk)
    return {"exchanges": swept.exchanges, "leaves": swept.leaves, "wal_cut": swept.wal_cut}


async def list_holds(desk: Desk, _ask: Ask, _item: str) -> Json:
    return {"holds": erasing.list_holds(desk)}


async def set_hold(desk: Desk, ask: Ask, _item: str) -> Json:
    body = _body(ask, {"scope": str, "value": str, "reason": str}, needed={"scope", "reason"})
    return await erasing.set_hold(desk, await _who(desk, ask), body["scope"], body.get("value", ""), body["reason"])


async def lift_hold(desk: Desk, ask: Ask, item: str) -> Json:
    body = _body(ask, {"reason": str}, needed={"reason"})
    return await erasing.lift_hold(desk, await _who(desk, ask), item, body["reason"])


async def _who(desk: Desk, ask: Ask) -> str:
    """The person whose token came along, else the operating system's user."""
    return (await approver_of(desk, ask)).subject if ask.token else ask.actor


ROUTES: tuple[tuple[str, str, Operation], ...] = (
    ("GET", "/status", status),
    ("GET", "/connections", connections),
    ("GET", "/whoami", whoami),
    ("POST", "/ca", ca_changed),
    ("GET", "/login", login_issuers),
    ("POST", "/login", login),
    ("POST", "/logout", logout),
    ("GET", "/tokens", list_tokens),
    ("POST", "/tokens", mint_token),
    ("POST", "/tokens/{}/revoke", revoke_token),
    ("GET", "/approvals", list_approvals),
    ("GET", "/approvals/{}", show_approval),
    ("POST", "/approvals/{}/approve", approve),
    ("POST", "/approvals/{}/deny", deny),
    ("POST", "/approvals/{}/revoke", revoke_grant),
    ("POST", "/approvals/{}/cancel", cancel_approval),
    ("POST", "/approvals/{}/review", review_approval),
    ("GET", "/approvals/{}/receipts", approval_receipts),
    ("GET", "/exchanges/{}/why", why),
    ("GET", "/delegations", list_delegations),
    ("POST", "/delegations", delegate),
    ("POST", "/delegations/end", end_delegation),
    ("POST", "/reads", record_read),
    ("POST", "/counts", count_now),
    ("POST", "/checkpoints", sign_checkpoint),
    ("POST", "/exports", record_export),
    ("POST", "/explanations", explain),
    ("POST", "/reviews", review),
    ("POST", "/erasures", erase),
    ("GET", "/anchors", list_anchors),
    ("POST", "/anchors", add_anchor),
    ("POST", "/anchors/remove", remove_anchor),
    ("POST", "/anchors/now", anchor_now),
    ("GET", "/continuity/{}", show_continuity),
    ("POST", "/sweeps", sweep),
    ("GET", "/holds", list_holds),
    ("POST", "/holds", set_hold),
    ("POST", "/holds/{}/lift", lift_hold),
    ("POST", "/gateways", add_gateway),
    ("POST", "/gateways/retire", retire_gateway),
    ("GET", "/roles", list_roles),
    ("POST", "/roles", set_role),
)


# -- inside -------------------------------------------------------------------------------------------------------------


def _found(ask: Ask) -> tuple[Operation, str]:
    methods = []
    for method, pattern, operation in ROUTES:
        before, _, after = pattern.partition("{}")
        item = ask.path.removeprefix(before).removesuffix(after) if "{}" in pattern else ""
        if ask.path != before + item + after or "/" in item or ("{}" in pattern and not item):
            continue
        if method == ask.method:
            return operation, item
        methods.append(method)
    if methods:
        raise OperationRefused(
            405, "method_unknown", f"{ask.method} {ask.path}: expected {' or '.join(methods)}", "affidavit --help"
        )
    raise OperationRefused(404, "path_unknown", f"nothing is at {ask.path}", "affidavit --help")


async def _decided(desk: Desk, ask: Ask, item: str, verdict: Action) -> Json:
    approver = await approver_of(desk, ask)
    return await approving.decide(desk, approver, item, verdict, _body(ask, approving.DECISION, needed={"reason"}))


def _body(ask: Ask, kinds: Mapping[str, type], needed: set[str]) -> dict[str, Any]:
    """The JSON object of the ask, with every fault at once."""
    if not isinstance(ask.body, dict):
        raise OperationRefused(400, "body_malformed", "expected a JSON object", f"send {', '.join(kinds)}")
    faults = [f"{name}: unknown" for name in ask.body if name not in kinds]
    faults += [f"{name}: missing" for name in sorted(needed - ask.body.keys())]
    faults += [
        f"{name}: expected {kind.__name__}, got {type(ask.body[name]).__name__}"
        for name, kind in kinds.items()
        if name in ask.body
        and (not isinstance(ask.body[name], kind) or (isinstance(ask.body[name], bool) and kind is not bool))
    ]
    if faults:
        raise OperationRefused(400, "body_malformed", "; ".join(faults), f"send {', '.join(kinds)}")
    return ask.body


def _is_admin(desk: Desk, person: Caller) -> bool:
    return not set(desk.policies.identity.roles.admin).isdisjoint(person.groups)


def _texts(values: list[Any], name: str) -> tuple[str, ...]:
    if not all(isinstance(value, str) for value in values):
        raise OperationRefused(
            400, "body_malformed", f"{name}: expected a list of texts", f'send {name} as ["engineering"]'
        )
    return tuple(values)


def _sentence(refusal: TokenRefused | DecisionRefused | GrantRefused | DelegationRefused) -> str:
    return refusal.code.replace("_", " ")
