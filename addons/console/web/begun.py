"""Logins at an issuer that have begun and not come back. Pure: the clock is passed in. Not the login itself (signing_in.py)."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from addons.console.web.sessions import digest
from addons.policy.model import Issuer
from addons.tokens.oidc_flows import Pending

LOGINS = 500  # under way; over it the oldest is forgotten
LASTS = timedelta(minutes=10)


class BegunLogin(NamedTuple):
    pending: Pending
    issuer: Issuer
    next: str
    at: datetime


@dataclass(slots=True)
class Begun:
    """Logins under way, by the digest of the cookie that began them. Each ends once."""

    _of: OrderedDict[bytes, BegunLogin] = field(default_factory=OrderedDict, repr=False)

    def keep(self, cookie: str, begun: BegunLogin) -> None:
        self._of[digest(cookie)] = begun
        if len(self._of) > LOGINS:
            self._of.popitem(last=False)

    def take(self, cookie: str, now: datetime) -> BegunLogin | None:
        begun = self._of.pop(digest(cookie), None)
        return begun if begun is not None and now < begun.at + LASTS else None
