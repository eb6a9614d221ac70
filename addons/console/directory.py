"""Who is behind a credential, now: gateway tokens and issuers' tokens -> Caller; logins exchanged, checked again, and ended.

    afd_… of the local issuer     the registry's word, at once
    afd_… of a login              the registry's word, and the issuer's: asked again by refresh token every `recheck_seconds`. Whoever
                                  has left is refused by then at the latest, in mid-session too; other groups count from then on
    a JWT                         verified once, remembered by its digest until it ends or the issuer's keys change

Refresh tokens are held in memory and nowhere else. Where there is none (the issuer gave none, a workload, a restart), a login is
believed for `offline_seconds` after its last check: the same bound as for an issuer that cannot be reached.
Not the checks of a token (tokens/oidc.py), not rights (policy/decide.py).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from addons.approvals.state import UNPROVEN, Proof
from addons.console.fetch import Unreachable
from addons.console.group_sources import groups_of
from addons.console.issuers import Issuers
from addons.console.rows import proof_details, proof_of, token_row
from addons.evidence.records import Event, Record, TokenMinted, TokenRevoked
from addons.policy.model import Issuer, Policies
from addons.tokens import gateway_token, oidc_flows
from addons.tokens.caller import Caller, Grade
from addons.tokens.gateway_token import PREFIX, Registry, TokenRefused, TokenRow, caller_of, digest
from addons.tokens.oidc import Identified

JWTS = 10_000  # remembered
EARLY = 0.8  # of recheck_seconds: from here on a session in use is checked beside its requests, so that none waits
RETRY_SECONDS = 5
SHARED_SECONDS = 300  # a token seen from two machines within it is a finding
SEEN = 10_000
# What an issuer can say that ends a login; anything else may be a fault of the network or the set-up, and has its bound.
ENDS = frozenset({"login_over", "token_claims", "groups_overage"})


@dataclass(frozen=True, slots=True)
class Login:
    """What is exchanged for a gateway token."""

    id_token: str = field(repr=False)
    purpose: str = ""
    lifetime: timedelta | None = None  # None: as long as the issuer's session_seconds allow
    refresh_token: str = field(default="", repr=False)
    at_console: bool = False  # which client its refresh token was given to
    on_behalf_of: str = ""
    renews: str = field(default="", repr=False)  # the gateway token whose end moves, instead of a new one


@dataclass(slots=True)
class _Session:
    issuer: Issuer
    checked_at: datetime
    refresh_token: str = field(default="", repr=False)
    at_console: bool = False
    tried_at: datetime | None = None
    check: asyncio.Task[None] | None = None


@dataclass(frozen=True, slots=True)
class _Verified:
    caller: Caller
    issuer: Issuer
    generation: int
    until: datetime


class Directory:
    def __init__(
        self,
        *,
        clock: Callable[[], datetime],
        random: Callable[[int], bytes],
        policies: Callable[[], Policies],
        record: Callable[[Record], Awaitable[object]],
        ended: Callable[[str, str], Awaitable[object]],
    ) -> None:
        self._clock, self._random, self._policies, self._record, self._told = clock, random, policies, record, ended
        self.tokens = Registry()
        self.issuers = Issuers(clock=clock, policies=policies)
        self._sessions: dict[str, _Session] = {}  # by token id
        self._jwts: OrderedDict[str, _Verified] = OrderedDict()  # by digest
        self._callers: dict[str, tuple[TokenRow, Issuer | None, Caller]] = {}  # by token id
        self._seen: OrderedDict[str, dict[str, datetime]] = OrderedDict()  # token id -> machine -> when
        self._shared: set[str] = set()
        self._proofs: OrderedDict[tuple[str, str], Proof] = OrderedDict()  # by subject and token id

    async def close(self) -> None:
        await self.issuers.close()

    # -- who is calling ---------------------------------------------------------------------------------------------
    def known(self, secret: str) -> Caller | None:
        """The caller, where nobody has to be asked; None: find() may know more. Raises TokenRefused."""
        now = self._clock()
        if not secret.startswith(PREFIX):
            return self._remembered(secret, now)
        row = self.tokens.find_row(secret, now)
        if row.grade is Grade.TRIAL:
            return self._caller(row, None)
        session = self._sessions.get(row.id)
        if session is None or now >= session.checked_at + EARLY * timedelta(seconds=session.issuer.recheck_seconds):
            return None
        return self._caller(row, session.issuer)

    async def find(self, secret: str) -> Caller:
        """Raises TokenRefused."""
        if (caller := self.known(secret)) is not None:
            return caller
        if not secret.startswith(PREFIX):
            return await self._verified(secret)
        return await self._checked(self.tokens.find_row(secret, self._clock()))

    async def still(self, caller: Caller) -> Caller:
        """The caller as they are by now: after minutes of waiting the token may be over. Raises TokenRefused."""
        if not caller.auth_method.endswith("afd_token"):
            if self._clock() >= caller.expires_at:
                raise TokenRefused("token_expired", "the token has expired; sign in again: affidavit login")
            return caller
        row = self.tokens.row(caller.token_id)
        gateway_token.check_in_force(row, self._clock())
        return await self._checked(row) if row.grade is Grade.MANAGED else caller

    def _caller(self, row: TokenRow, issuer: Issuer | None) -> Caller:
        made = self._callers.get(row.id)
        if made is None or made[0] is not row or made[1] is not issuer:
            if len(self._callers) >= SEEN:
                self._callers.clear()
            made = row, issuer, caller_of(row, workload=issuer is not None and issuer.workloads)
            self._callers[row.id] = made
        return made[2]

    def proof(self, caller: Caller) -> Proof:
        """How the caller signed in, as their issuer has told; of a token after a login also over a restart."""
        return self._proofs.get((caller.subject, caller.token_id), UNPROVEN)

    def restore(self, tokens: Iterable[TokenRow], proofs: Mapping[str, Mapping[str, Any]]) -> None:
        """What an earlier owner left: tokens, and by token id how the owner signed in."""
        self.tokens = Registry.of(tokens)
        for row in self.tokens.rows:
            if said := proofs.get(row.id):
                self._keep_proof(proof_of(said), row.subject, row.id)

    def _keep_proof(self, proof: Proof, subject: str, token_id: str) -> None:
        self._proofs[subject, token_id] = proof
        if len(self._proofs) > SEEN:
            self._proofs.popitem(last=False)

    # -- issuers' tokens --------------------------------------------------------------------------------------------
    def _remembered(self, token: str, now: datetime) -> Caller | None:
        found = self._jwts.get(digest(token))
        if found is None or now >= found.until or self.issuers.generation(found.issuer) != found.generation:
            return None
        return found.caller if found.issuer in self._policies().identity.issuers else None

    async def _verified(self, token: str) -> Caller:
        issuer = self.issuers.named(token)
        identified = await self.issuers.verified(token, issuer)
        caller = identified.caller
        self._keep_proof(_proof(identified), caller.subject, caller.token_id)
        until = caller.expires_at
        if issuer.groups_from is not None:
            caller = await _with_groups(caller, issuer)
            until = min(until, self._clock() + timedelta(seconds=issuer.recheck_seconds))
        self._jwts[digest(token)] = _Verified(caller, issuer, self.issuers.generation(issuer), until)
        if len(self._jwts) > JWTS:
            self._jwts.popitem(last=False)
        return caller

    # -- logins -----------------------------------------------------------------------------------------------------
    async def exchange(self, login: Login) -> tuple[str, TokenRow]:
        """A gateway token for an issuer's token: the secret, "" where an old one goes on, and the row. Raises TokenRefused, MintRefused."""
        if login.id_token.startswith(PREFIX):
            raise TokenRefused(
                "token_malformed", "expected an issuer's token, got a gateway token; sign in: affidavit login"
            )
        issuer = self.issuers.named(login.id_token)
        identified = await self.issuers.verified(login.id_token, issuer)
        caller = await _with_groups(identified.caller, issuer) if issuer.groups_from else identified.caller
        now = self._clock()
        longest = timedelta(seconds=issuer.session_seconds)
        lifetime = min(login.lifetime or longest, longest)
        if login.renews:
            secret, row = "", self._renewed(login.renews, caller, now + lifetime)
        else:
            secret, row = gateway_token.mint(
                name=caller.subject.removeprefix(f"{issuer.issuer}|"),
                issuer=issuer.issuer,
                groups=caller.groups,
                email=caller.email,
                purpose=login.purpose,
                lifetime=lifetime,
                minted_by=_minted_by(caller, login),
                now=now,
                random=self._random,
            )
        proof = _proof(identified)
        await self._record(TokenMinted(token_row(row), actor=caller.subject, proof=proof_details(proof)))
        (self.tokens.put if login.renews else self.tokens.add)(row)
        self._keep_proof(proof, row.subject, row.id)
        kept = self._sessions.get(row.id)
        self._sessions[row.id] = (
            _Session(issuer, now, login.refresh_token, login.at_console)
            if login.refresh_token or kept is None
            else _Session(issuer, now, kept.refresh_token, kept.at_console)
        )
        return secret, row

    def _renewed(self, secret: str, caller: Caller, expires_at: datetime) -> TokenRow:
        row = self.tokens.find_row(secret, self._clock())
        if row.subject != caller.subject:
            raise TokenRefused(
                "credentials_disagree", "the token to renew is another caller's; sign in again: affidavit login"
            )
        return replace(row, groups=caller.groups, email=caller.email, expires_at=expires_at)

    async def revoke(self, token_id: str, actor: str) -> TokenRow:
        """The revoked row; a second revocation changes nothing. Raises TokenRefused for an id that nobody knows."""
        row = self.tokens.row(token_id)
        if row.revoked_at is None:
            now = self._clock()
            await self._record(TokenRevoked(token_row(replace(row, revoked_at=now)), actor=actor))
            row = self.tokens.revoke(token_id, now)
            self._sessions.pop(token_id, None)
            await self._told(token_id, actor)
        return row

    # -- whether they are still there -------------------------------------------------------------------------------
    async def _checked(self, row: TokenRow) -> Caller:
        issuer = self._policies().identity.issuer_of(row.subject)
        if issuer is None:
            raise TokenRefused(
                "issuer_unknown", "the issuer of this login is not named in identity.yaml; affidavit login"
            )
        session = self._sessions.setdefault(row.id, _Session(issuer, row.minted_at))
        session.issuer = issuer
        now = self._clock()
        if session.check or _due(session, now):
            if session.check is None:
                session.tried_at = now
                session.check = self.issuers.background(self._check(row.id, session))
            if now >= session.checked_at + timedelta(seconds=issuer.recheck_seconds):
                await asyncio.shield(session.check)
        row = self.tokens.row(row.id)
        gateway_token.check_in_force(row, self._clock())
        if self._clock() >= session.checked_at + timedelta(seconds=max(issuer.offline_seconds, issuer.recheck_seconds)):
            raise TokenRefused(
                "login_unchecked",
                f"this login could not be checked with its issuer for {issuer.offline_seconds} seconds; sign in again: affidavit login",
            )
        return self._caller(row, issuer)

    async def _check(self, token_id: str, session: _Session) -> None:
        """Asks the issuer by refresh token. What comes of it is in the session, the registry and the record."""
        row, issuer = self.tokens.row(token_id), session.issuer
        try:
            if not session.refresh_token:
                await self._changed(row, await _with_groups(caller_of(row), issuer))
                return
            provider = await self.issuers.provider(issuer)
            client = await self.issuers.client(issuer, at_console=session.at_console)
            ask = oidc_flows.refresh_ask(provider, client, session.refresh_token)
            answer = await self.issuers.ask(issuer, ask)
            tokens = oidc_flows.tokens(answer.status, answer.body)
            session.refresh_token = tokens.refresh_token or session.refresh_token
            if tokens.id_token:
                caller = (await self.issuers.verified(tokens.id_token, issuer)).caller
                await self._changed(row, await _with_groups(caller, issuer) if issuer.groups_from else caller)
            session.checked_at = self._clock()
        except Unreachable:
            return  # tried again; `offline_seconds` bound how long
        except TokenRefused as refusal:
            if refusal.code in ENDS:
                await self._ended(row, refusal.code)
        finally:
            session.check = None

    async def _changed(self, row: TokenRow, caller: Caller) -> None:
        if caller.subject != row.subject:
            await self._ended(row, "credentials_disagree")
        elif (caller.groups, caller.email) != (row.groups, row.email):
            changed = replace(row, groups=caller.groups, email=caller.email)
            proof = self._proofs.get((row.subject, row.id), UNPROVEN)
            await self._record(TokenMinted(token_row(changed), actor=row.subject, proof=proof_details(proof)))
            self.tokens.put(changed)

    async def _ended(self, row: TokenRow, code: str) -> None:
        attrs = {"code": "login_ended_by_issuer", "detail": f"{row.id}: {code}"}
        await self._record(Event("finding", actor=row.subject, attrs=attrs))
        await self.revoke(row.id, row.subject)

    # -- one token, one machine -------------------------------------------------------------------------------------
    def seen_from(self, caller: Caller, machine: str) -> Event | None:
        """A finding, once for a token, when it is used from several machines at a time: a shared account, or a stolen token."""
        token = caller.token_id or caller.subject
        now = self._clock()
        machines = self._seen.setdefault(token, {})
        self._seen.move_to_end(token)
        machines[machine] = now
        recent = [name for name, at in machines.items() if now - at < timedelta(seconds=SHARED_SECONDS)]
        if len(recent) < len(machines):
            self._seen[token] = {name: machines[name] for name in recent}
        if len(self._seen) > SEEN:
            self._seen.popitem(last=False)
        if len(recent) < 2 or token in self._shared:
            return None
        self._shared.add(token)
        attrs = {"code": "token_shared", "detail": f"{token}: {len(recent)} machines within {SHARED_SECONDS} s"}
        return Event("finding", actor=caller.subject, attrs=attrs, meta={"client_addresses": sorted(recent)})


def _proof(identified: Identified) -> Proof:
    return Proof(identified.auth_time, identified.amr, identified.session)


def _due(session: _Session, now: datetime) -> bool:
    """Whether there is something to ask, and it is time."""
    issuer = session.issuer
    if not session.refresh_token and issuer.groups_from is None:
        return False
    tried_lately = session.tried_at is not None and now < session.tried_at + timedelta(seconds=RETRY_SECONDS)
    return not tried_lately and now >= session.checked_at + EARLY * timedelta(seconds=issuer.recheck_seconds)


async def _with_groups(caller: Caller, issuer: Issuer) -> Caller:
    assert issuer.groups_from
    found = await groups_of(issuer.groups_from, caller.subject, caller.email)
    return replace(caller, groups=tuple(dict.fromkeys((*found, *issuer.groups))))


def _minted_by(caller: Caller, login: Login) -> str:
    """Of a workload: the address of its run. On whose behalf it works is its own word, and is marked as such."""
    run = caller.minted_by or (caller.subject if caller.workload else "login")
    return f"{run} on behalf of {login.on_behalf_of} (its own word)" if login.on_behalf_of else run
