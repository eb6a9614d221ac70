"""The issuers of identity.yaml as they are reached: their discovery documents and keys, and tokens verified with them.

Not what makes a token good (tokens/oidc.py), not when keys are too old (tokens/key_cache.py), not sessions (directory.py).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from ssl import SSLContext
from typing import Any

from addons.console.fetch import Answer, Unreachable, fetch, trust
from addons.console.key_sources import KeyMissing, read_key
from addons.policy.model import Issuer, Policies
from addons.tokens import oidc, oidc_flows
from addons.tokens.gateway_token import TokenRefused
from addons.tokens.key_cache import KeyCache
from addons.tokens.oidc import Identified
from addons.tokens.oidc_flows import Ask, Client, Provider
from addons.tokens.strict_json import Malformed

log = logging.getLogger("affidavit")

FETCH_SECONDS = 5.0
STRANGE_KEY = frozenset({"token_key_unknown", "token_signature"})  # a rotated key has a new name, or should have


@dataclass(slots=True)
class _Reached:
    """What is known of one issuer."""

    cache: KeyCache = field(default_factory=KeyCache)
    provider: Provider | None = None
    context: SSLContext | None = None
    fetching: asyncio.Task[None] | None = None


class Issuers:
    def __init__(self, *, clock: Callable[[], datetime], policies: Callable[[], Policies]) -> None:
        self._clock = clock
        self._policies = policies
        self._reached: dict[Issuer, _Reached] = {}  # a changed issuer is another one, with nothing known of it
        self._tasks: set[asyncio.Task[Any]] = set()

    def named(self, token: str) -> Issuer:
        """Whose token it claims to be. Raises TokenRefused: token_malformed, or token_issuer where no such issuer is named."""
        claimed = oidc.claimed_issuer(token)
        for issuer in self._policies().identity.issuers:
            if issuer.issuer == claimed:
                return issuer
        raise TokenRefused(
            "token_issuer", "expected a token of an issuer named in identity.yaml, got another's; affidavit login"
        )

    def addressed(self, token: str) -> bool:
        """Whether a text that looks like a token claims to be one of our issuers', made for us. Nothing of it is verified."""
        try:
            claims = oidc.unverified_claims(token)
        except TokenRefused:
            return False
        named, audience = claims.get("iss"), claims.get("aud")
        for_us = audience if isinstance(audience, list) else [audience]
        return any(
            issuer.issuer == named and any(one in issuer.audiences for one in for_us)
            for issuer in self._policies().identity.issuers
        )

    def generation(self, issuer: Issuer) -> int:
        """Of its keys: what was verified with older ones is verified again."""
        return self._of(issuer).cache.generation

    async def verified(self, token: str, issuer: Issuer) -> Identified:
        """Raises TokenRefused. A key that is not known is looked for once."""
        reached = self._of(issuer)
        await self._refresh(issuer, reached)
        try:
            return self._verify(token, issuer, reached)
        except TokenRefused as refusal:
            if refusal.code not in STRANGE_KEY or not reached.cache.due(self._clock(), unknown_key=True):
                raise
        await asyncio.shield(self._fetch_once(issuer, reached, unknown_key=True))
        return self._verify(token, issuer, reached)

    def _verify(self, token: str, issuer: Issuer, reached: _Reached) -> Identified:
        now = self._clock()
        return oidc.verify(token, issuer, reached.cache.usable(now, issuer.offline_seconds), now)

    async def provider(self, issuer: Issuer) -> Provider:
        """Its discovery document, read once. Raises TokenRefused or Unreachable."""
        reached = self._of(issuer)
        if reached.provider is None:
            answer = await self.ask(issuer, oidc_flows.discovery_ask(issuer.issuer))
            reached.provider = oidc_flows.discovery(issuer.issuer, answer.status, answer.body)
        return reached.provider

    async def client(self, issuer: Issuer, *, at_console: bool) -> Client:
        """What signs in there: of `affidavit login`, or of the console, whose secret is read each time. Raises TokenRefused."""
        ours = issuer.console if at_console else None
        if ours is None:
            return Client(issuer.client_id, scopes=issuer.scopes)
        try:
            secret = await read_key(ours.client_secret)
        except KeyMissing as missing:
            log.warning("issuer %s: the console's client_secret: %s", issuer.id, missing)
            hint = f"the console has no secret for issuer {issuer.id}; its operator looks at console.client_secret in identity.yaml, and into the gateway's log"
            raise TokenRefused("login_unconfigured", hint) from None
        return Client(ours.client_id, secret, ours.method or "", issuer.scopes)

    async def ask(self, issuer: Issuer, ask: Ask) -> Answer:
        """With the roots that this issuer's TLS needs. Raises Unreachable."""
        reached = self._of(issuer)
        if reached.context is None:
            try:
                reached.context = await asyncio.to_thread(trust, Path(issuer.trusted_ca) if issuer.trusted_ca else None)
            except OSError as error:
                raise Unreachable(f"trusted_ca: {type(error).__name__}") from error
        return await fetch(ask, reached.context, FETCH_SECONDS)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- keys -------------------------------------------------------------------------------------------------------
    def _of(self, issuer: Issuer) -> _Reached:
        return self._reached.setdefault(issuer, _Reached())

    async def _refresh(self, issuer: Issuer, reached: _Reached) -> None:
        """Waits only where there is nothing to use meanwhile."""
        if reached.cache.due(self._clock()) or (reached.fetching and not reached.cache.generation):
            task = self._fetch_once(issuer, reached)
            if not reached.cache.generation:
                await asyncio.shield(task)

    def _fetch_once(self, issuer: Issuer, reached: _Reached, *, unknown_key: bool = False) -> asyncio.Task[None]:
        """One at a time; the others wait for it."""
        if reached.fetching is None:
            reached.cache.tried(self._clock(), unknown_key=unknown_key)
            reached.fetching = self.background(self._fetch(issuer, reached))
        return reached.fetching

    async def _fetch(self, issuer: Issuer, reached: _Reached) -> None:
        try:
            url = issuer.jwks or (await self.provider(issuer)).jwks_uri
            answer = await self.ask(issuer, Ask("GET", url, (("accept", "application/json"),)))
            if answer.status != 200:
                raise Unreachable(f"status {answer.status}")  # noqa: TRY301 -- said in one place
            reached.cache.took(answer.body, answer.max_age_seconds, self._clock())
        except (Unreachable, Malformed, TokenRefused) as fault:
            log.warning("issuer %s: its keys could not be fetched: %s", issuer.id, fault)
        finally:
            reached.fetching = None

    def background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
