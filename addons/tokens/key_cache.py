"""When an issuer's keys are used, fetched again, or too old to be believed. Pure: no fetching, the clock is passed in.

    fresh     used as they are, for as long as the issuer's Cache-Control says, within FRESH_SECONDS
    aging     used, while they are fetched again
    too old   `offline_seconds` after the last fetch that worked: refused
A token that names an unknown key is a reason to fetch at once, because issuers rotate, but no more than once in
UNKNOWN_KEY_SECONDS: else anybody could make us ask the issuer as often as they like.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from addons.tokens.gateway_token import TokenRefused
from addons.tokens.key_set import KeySet, key_set
from addons.tokens.strict_json import Malformed

FRESH_SECONDS = range(60, 3600 + 1)
USUAL_SECONDS = 600
UNKNOWN_KEY_SECONDS = 30
RETRY_SECONDS = 5


@dataclass(slots=True)
class KeyCache:
    keys: KeySet = field(default_factory=lambda: KeySet(()))
    generation: int = 0  # grows with each change of the keys
    _fetched_at: datetime | None = None
    _fresh_until: datetime | None = None
    _tried_at: datetime | None = None
    _looked_at: datetime | None = None  # for a key that was not known

    def due(self, now: datetime, *, unknown_key: bool = False) -> bool:
        """Whether to fetch now."""
        if self._tried_at is None or self._fresh_until is None:
            return self._tried_at is None or now >= self._tried_at + timedelta(seconds=RETRY_SECONDS)
        if unknown_key:
            return self._looked_at is None or now >= self._looked_at + timedelta(seconds=UNKNOWN_KEY_SECONDS)
        return now >= self._fresh_until and now >= self._tried_at + timedelta(seconds=RETRY_SECONDS)

    def tried(self, now: datetime, *, unknown_key: bool = False) -> None:
        """A fetch begins; what comes of it is told by took(), or never."""
        self._tried_at = now
        if unknown_key:
            self._looked_at = now

    def took(self, document: bytes, max_age_seconds: int | None, now: datetime) -> None:
        """A key set came. Raises Malformed where it is none, or holds no key that can be used: the old ones stay."""
        keys = key_set(document)
        if not keys.keys:
            raise Malformed("expected a key that verifies signatures, got none")
        if keys != self.keys:
            self.keys, self.generation = keys, self.generation + 1
        asked = USUAL_SECONDS if max_age_seconds is None else max_age_seconds
        fresh = min(max(asked, FRESH_SECONDS.start), FRESH_SECONDS.stop - 1)
        self._fetched_at, self._fresh_until = now, now + timedelta(seconds=fresh)

    def usable(self, now: datetime, offline_seconds: int) -> KeySet:
        if self._fetched_at is None:
            raise TokenRefused(
                "issuer_unreachable",
                "the issuer's keys could not be fetched; its operator looks at jwks in identity.yaml",
            )
        if now > self._fetched_at + timedelta(seconds=max(offline_seconds, FRESH_SECONDS.start)):
            raise TokenRefused(
                "issuer_keys_stale",
                f"the issuer has not been reached for {offline_seconds} seconds, so its keys are too old to be believed; try again later",
            )
        return self.keys
