"""Every client is a witness: the newest checkpoint that it saw of a gateway's log, kept outside the gateway's state.

    $AFFIDAVIT_SEEN, else $XDG_STATE_HOME/affidavit/seen, else ~/.local/state/affidavit/seen
      <16 hex digits, of the gateway's name>.json    {"gateway": …, "vkey": …, "note": …}

Next time the gateway has to show that its log continues that one. A restored copy, a history written anew and another log under the
same address cannot; whoever holds the gateway's machine and key cannot either. `affidavit verify --seen` takes the note.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from addons.console import reach
from addons.console.state import StateFolder
from addons.evidence.checkpoints import Checkpoint, NoteInvalid, Verifier, check_checkpoint
from addons.evidence.log import ProofInvalid, check_consistency
from scripts.saved_login import of_state
from scripts.terminal import Failed

Ask = Callable[[int], Any]  # leaves seen -> the gateway's answer to GET /continuity/N


def folder_of(environ: Mapping[str, str], home: Path) -> Path:
    if chosen := environ.get("AFFIDAVIT_SEEN"):
        return Path(chosen)
    return Path(environ.get("XDG_STATE_HOME") or home / ".local" / "state") / "affidavit" / "seen"


def folder_here() -> Path:
    return folder_of(os.environ, Path.home())


def look_at(state: StateFolder) -> str:
    """The same of the gateway that owns a state on this machine, or of the state itself."""
    return look(of_state(state.path), lambda size: reach.ask(state, "GET", f"/continuity/{size}"), folder_here())


def look(gateway: str, ask: Ask, folder: Path) -> str:
    """Keep the newest checkpoint of `gateway` (its address, or its state's folder); a sentence where something is to be said.

    Raises Failed where the log does not continue what was seen; what was seen is kept then.
    """
    path = folder / f"{hashlib.sha256(gateway.encode()).hexdigest()[:16]}.json"
    hint = f"ask the gateway's operator, and show them {path}; remove that file to begin anew"
    try:
        kept: Any = json.loads(path.read_text("utf-8")) if path.exists() else {}
        told = ask(Checkpoint.unverified(kept["note"]).size if kept else 0)
        new = check_checkpoint(Verifier.of(told["vkey"]), told["note"])
        if kept:
            _compare(Checkpoint.unverified(kept["note"]), new, [bytes.fromhex(digest) for digest in told["hashes"]])
    except (NoteInvalid, ProofInvalid, ValueError, LookupError, TypeError) as fault:
        raise Failed(f"the log of {gateway} does not continue what was seen of it: {fault}", hint) from fault
    changed = bool(kept) and kept["vkey"] != told["vkey"]
    _save(path, {"gateway": gateway, "vkey": told["vkey"], "note": told["note"]})
    return (
        f"the log's key is another one now: {told['vkey']}; compare it with what its operator says" if changed else ""
    )


def _compare(seen: Checkpoint, new: Checkpoint, hashes: list[bytes]) -> None:
    if seen.origin != new.origin:
        raise ProofInvalid(f"it was {seen.origin} over {seen.size} leaves, now it is {new.origin}")
    if new.size < seen.size:
        raise ProofInvalid(f"it had {seen.size} leaves, now it has {new.size}")
    check_consistency(seen.size, new.size, hashes, seen.root, new.root)


def _save(path: Path, row: Mapping[str, str]) -> None:
    """Whole or not at all, in a file of its own first: two commands may begin at once."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, fresh = tempfile.mkstemp(prefix=f"{path.stem}.", suffix=".new", dir=path.parent)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(json.dumps(row, indent=1) + "\n")
    Path(fresh).replace(path)
