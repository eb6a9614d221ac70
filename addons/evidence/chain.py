r"""Messages as nodes of a prefix chain: history that is sent again costs nothing. Not storage, not parsing, not masking.

    content id = HMAC-SHA256(subject key, "affidavit/content/v1\0" text)
    node id    = HMAC-SHA256(subject key, "affidavit/node/v1\0" parent-or-32-zero-bytes
                             JCS([content id in hex, role, kind, name, call id, maskings]))

One node is one part of one message. Its id commits to everything before it, so an exchange that commits to its last node commits
to its whole conversation. The key is one person's: equal prompts of two people give different ids, no id can be guessed
from a prompt, and destroying the key leaves nothing to compare with.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field

from addons.evidence.canonical import canonical, storable
from addons.providers.call import Kind

_CONTENT = b"affidavit/content/v1\0"
_NODE = b"affidavit/node/v1\0"
_MEDIA = b"affidavit/media/v1\0"
_NO_PARENT = bytes(32)


@dataclass(frozen=True, slots=True)
class Masking:
    """One kind of value masked at one place; a row of `maskings`.

    location, on a node: JSON pointer inside the part ("" for plain text, "/card" in a tool call's arguments); on an exchange:
    "header:authorization", "query:key", "path:", or a JSON pointer into the parameters.
    """

    location: str
    entity: str
    rule: str
    action: str
    token: str
    count: int = 1
    wire: str = "original"  # what the provider got: "original" | "masked"

    def row(self) -> list[str | int]:
        return [
            storable(self.location),
            self.entity,
            self.rule,
            self.action,
            storable(self.token),
            self.count,
            self.wire,
        ]


@dataclass(frozen=True, slots=True)
class Tip:
    """Where a chain ends; all that a prefix cache need keep of a node."""

    id: bytes
    depth: int  # 0 for the first part of a conversation

    @property
    def length(self) -> int:
        """Parts from the first to this one."""
        return self.depth + 1


@dataclass(frozen=True, slots=True)
class Node:
    """One part, masked, in its place."""

    id: bytes
    parent: bytes | None
    depth: int
    content_id: bytes
    role: str
    kind: str
    name: str = field(repr=False)
    call_id: str
    maskings: str | None = field(repr=False)  # canonical JSON of Masking.row lists; None: nothing was masked here
    text: str = field(repr=False)

    @property
    def tip(self) -> Tip:
        return Tip(self.id, self.depth)


class Chain:
    """Makes the nodes of one person's conversations. Pure: the same parts give the same ids, in any process, for ever."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def extend(
        self,
        parent: Tip | None,
        *,
        role: str,
        kind: Kind | str,
        text: str,
        name: str = "",
        call_id: str = "",
        maskings: Sequence[Masking] = (),
    ) -> Node:
        """The node for one part after `parent`. `text` is masked already; None as parent begins a conversation."""
        text, role, name, call_id = storable(text), storable(role), storable(name), storable(call_id)
        rows = [masking.row() for masking in maskings] or None
        content_id = content_id_of(self._key, text)
        parent_id = None if parent is None else parent.id
        return Node(
            id=node_id_of(self._key, parent_id, content_id, (role, str(kind), name, call_id), rows),
            parent=parent_id,
            depth=0 if parent is None else parent.depth + 1,
            content_id=content_id,
            role=role,
            kind=str(kind),
            name=name,
            call_id=call_id,
            maskings=None if rows is None else canonical(rows).decode(),
            text=text,
        )

    def media_digest(self, data: bytes) -> str:
        """What the record keeps of an image, a sound or a file instead of its bytes: "hmac-sha256:" + hex under this person's key."""
        return "hmac-sha256:" + hmac.digest(self._key, _MEDIA + data, "sha256").hex()


def content_id_of(key: bytes, text: str) -> bytes:
    return hmac.digest(key, _CONTENT + text.encode(), "sha256")


def node_id_of(
    key: bytes,
    parent: bytes | None,
    content_id: bytes,
    labels: tuple[str, str, str, str],
    maskings: list[list[str | int]] | None,
) -> bytes:
    """`labels`: role, kind, name, call id; `maskings`: rows as in Masking.row, None where there are none."""
    body = canonical([content_id.hex(), *labels, maskings])
    return hmac.digest(key, _NODE + (parent or _NO_PARENT) + body, "sha256")
