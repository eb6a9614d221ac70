"""Which session a call belongs to: by what it names, else by what it resends. Not the reading of names (providers/links.py).

In memory only, under a key of this process: a name is kept as a digest. Sessions are one person's: what another person sends under the
same name is another session. After a restart a name that was known before begins a new session.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable

from addons.providers.call import LinkReason
from addons.providers.links import DECLARING, Link

KEPT = 200_000  # names


class Sessions:
    def __init__(self, key: bytes, new_id: Callable[[], str]) -> None:
        self._key = key[:32]
        self._new_id = new_id
        self._by_name: OrderedDict[bytes, str] = OrderedDict()

    def of(self, subject: str, links: list[Link], prefix: str, results: Iterable[Link]) -> tuple[str, LinkReason]:
        """prefix: the session of the history that is sent again, or "". results: what tool results the call brings.

        A name that the client gives to its session decides, known or not. A reply or a trace that it refers to decides if it is known.
        """
        found = self._declared(subject, links) or self._referred(subject, links)
        if found is None and prefix:
            found = prefix, LinkReason.PREFIX
        session, reason = found or self._inferred(subject, results) or (self._new_id(), LinkReason.NEW)
        self.learn(subject, session, links)
        return session, reason

    def _declared(self, subject: str, links: list[Link]) -> tuple[str, LinkReason] | None:
        for reason in DECLARING:
            for link in links:
                if link.reason is reason:
                    return self._known(subject, link) or self._new_id(), reason
        return None

    def _referred(self, subject: str, links: list[Link]) -> tuple[str, LinkReason] | None:
        for reason in (LinkReason.PREVIOUS_RESPONSE, LinkReason.TRACE):
            for link in links:
                if link.reason is reason and (session := self._known(subject, link)):
                    return session, reason
        return None

    def _inferred(self, subject: str, results: Iterable[Link]) -> tuple[str, LinkReason] | None:
        for link in results:
            if session := self._known(subject, link):
                return session, link.reason
        return None

    def learn(self, subject: str, session: str, links: Iterable[Link]) -> None:
        """From now on these names mean this session; a name keeps its first."""
        for link in links:
            self._by_name.setdefault(self._digest(subject, link), session)
        while len(self._by_name) > KEPT:
            self._by_name.popitem(last=False)

    def _known(self, subject: str, link: Link) -> str | None:
        digest = self._digest(subject, link)
        session = self._by_name.get(digest)
        if session:
            self._by_name.move_to_end(digest)
        return session

    def _digest(self, subject: str, link: Link) -> bytes:
        said = f"{subject}\0{link.reason}\0{link.name}".encode("utf-8", "replace")
        return hashlib.blake2b(said, digest_size=16, key=self._key).digest()
