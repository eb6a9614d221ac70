"""The newest checkpoint beside the store, in `<state>/head`: a store restored from an old copy is found to be behind it.

A signed note and nothing else, replaced by rename. Whoever can replace the store can replace this file too; it guards against mistakes,
the anchors outside guard against people.
"""

from __future__ import annotations

import os
from pathlib import Path

from addons.evidence.keys import sync_folder


def head_path(store: Path) -> Path:
    return store.with_name("head")


def read_head(store: Path) -> str | None:
    """The note, or None where no checkpoint was ever written."""
    try:
        return head_path(store).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None


def write_head(store: Path, note: str) -> None:
    """Replace the note; durable when this returns."""
    path = head_path(store)
    fresh = path.with_name("head.new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(note)
        file.flush()
        os.fsync(handle)
    fresh.rename(path)
    sync_folder(path.parent)
