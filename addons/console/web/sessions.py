"""Who is signed in to the console. Pure: the clock and random bytes are passed in. Not cookies (guard.py), not proof of who (login).

A session lives here and nowhere else: ending it ends it for whoever still holds its cookie, and a restart ends all. The cookie is
256 random bits, kept as their SHA-256; the token for forms is other bits, so a page never shows what the cookie says.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from addons.tokens.caller import Caller

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=8)
SESSIONS = 2000  # signed in at once; over it the one that has been idle longest ends
_BYTES = 32

Random = Callable[[int], bytes]


@dataclass(slots=True, eq=False)
class Session:
    """One browser of one person."""

    digest: bytes = field(repr=False)  # of the cookie
    caller: Caller
    form_token: str = field(repr=False)
    began_at: datetime
    seen_at: datetime
    own_token: str = ""  # id of the gateway token that was made for this session, and ends with it
    streams: set[Callable[[], None]] = field(default_factory=set, repr=False)  # told when the session ends

    def ends_at(self) -> datetime:
        return min(self.seen_at + IDLE, self.began_at + LONGEST, self.caller.expires_at)

    def made(self, form_token: str) -> bool:
        """Whether a form was made for this session."""
        return hmac.compare_digest(form_token.encode(), self.form_token.encode())


@dataclass(slots=True)
class Sessions:
    _of: dict[bytes, Session] = field(default_factory=dict, repr=False)

    def begin(self, caller: Caller, now: datetime, random: Random, own_token: str = "") -> tuple[str, Session]:
        """The cookie's value, said once, and the session."""
        self._make_room(now)
        cookie = secret_text(random)
        session = Session(digest(cookie), caller, secret_text(random), now, now, own_token)
        self._of[session.digest] = session
        return cookie, session

    def find(self, cookie: str, now: datetime) -> Session | None:
        """The session, if it has not ended. Looked up by digest: how long that takes says nothing about the cookie."""
        session = self._of.get(digest(cookie))
        if session is not None and now >= session.ends_at():
            self.end(session)
            return None
        return session

    def end(self, session: Session) -> None:
        self._of.pop(session.digest, None)
        for tell in tuple(session.streams):
            tell()

    def _make_room(self, now: datetime) -> None:
        for session in [one for one in self._of.values() if now >= one.ends_at()]:
            self.end(session)
        while len(self._of) >= SESSIONS:
            self.end(min(self._of.values(), key=lambda one: one.seen_at))


def secret_text(random: Random) -> str:
    """256 random bits, as a cookie or a form can carry them."""
    return urlsafe_b64encode(random(_BYTES)).rstrip(b"=").decode()


def digest(cookie: str) -> bytes:
    return sha256(cookie.encode("utf-8", "surrogatepass")).digest()
