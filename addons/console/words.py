"""What people write to the gateway itself (reasons, purposes), masked before anything is made of it: it ends in the log, in receipts and in pages. Not prompts."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from addons.console.masker import masker_of
from addons.masks.engine import ScopedMasker
from addons.policy.model import Policies

SAID = frozenset({"reason", "purpose"})
_MEMO_BYTES = 1 << 20


@dataclass(slots=True)
class Words:
    """The masker of people's words, made again when the policies change. What cannot be searched in time is withheld."""

    _digest: str = ""
    _scope: ScopedMasker | None = field(default=None, repr=False)

    def masked(self, policies: Policies, key: bytes, body: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: self._text(policies, key, value) if name in SAID and isinstance(value, str) and value else value
            for name, value in body.items()
        }

    def _text(self, policies: Policies, key: bytes, text: str) -> str:
        if self._scope is None or self._digest != policies.digest:
            self._scope = masker_of(policies, key, secrets.token_bytes(32), _MEMO_BYTES).scope("", (), "request")
            self._digest = policies.digest
        return self._scope.text(text).text
