"""Which session a call belongs to: by what it names, else by what it resends. Not the reading of names (providers/links.py).

A name is kept as a digest under its person's key, here and in the store: a restart forgets traces and ids of tool calls, which are short-lived.
Sessions are one person's: what another person sends under the same name is another session.
"""

from __future__ import annotations

import hmac
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import NamedTuple

from addons.evidence.records import Names
from addons.providers.call import LinkReason
from addons.providers.links import DECLARING, Link

KEPT = 200_000  # names
_LASTING = (*DECLARING, LinkReason.PREVIOUS_RESPONSE)
_NAME = b"affidavit/name/v1\0"


class Session(NamedTuple):
    """Where a call belongs, why, and the names that are new and outlive this process."""

    id: str
    reason: LinkReason
    names: Names = ()


class Sessions:
    """key_of: a person's key. known: names from before."""

    def __init__(
        self, key_of: Callable[[str], bytes], new_id: Callable[[], str], known: Iterable[tuple[bytes, str]] = ()
    ) -> None:
        self._key_of = key_of
        self._new_id = new_id
        self._by_name: OrderedDict[bytes, str] = OrderedDict(known)

    def names(self, subject: str, links: list[Link]) -> bool:
        """Whether what the client says decides, without a look at what it sends again."""
        return any(link.reason in DECLARING or self._known(subject, link) for link in links)

    def of(self, subject: str, links: list[Link], prefix: str, results: Iterable[Link]) -> Session:
        """prefix: the session of the history that is sent again, or "". results: what tool results the call brings.

        A name that the client gives to its session decides, known or not. A reply or a trace that it refers to decides if it is known.
        """
        found = self._declared(subject, links) or self._referred(subject, links)
        if found is None and prefix:
            found = prefix, LinkReason.PREFIX
        session, reason = found or self._inferred(subject, results) or (self._new_id(), LinkReason.NEW)
        return Session(session, reason, self.learn(subject, session, links))

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

    def learn(self, subject: str, session: str, links: Iterable[Link]) -> Names:
        """From now on these names mean this session; a name keeps its first. Those that are new, and last."""
        new: list[tuple[bytes, str]] = []
        for link in links:
            digest = self._digest(subject, link)
            if digest not in self._by_name:
                self._by_name[digest] = session
                if link.reason in _LASTING:
                    new.append((digest, session))
        while len(self._by_name) > KEPT:
            self._by_name.popitem(last=False)
        return tuple(new)

    def _known(self, subject: str, link: Link) -> str | None:
        digest = self._digest(subject, link)
        session = self._by_name.get(digest)
        if session:
            self._by_name.move_to_end(digest)
        return session

    def _digest(self, subject: str, link: Link) -> bytes:
        said = f"{subject}\0{link.reason}\0{link.name}".encode("utf-8", "replace")
        return hmac.digest(self._key_of(subject), _NAME + said, "sha256")[:16]
