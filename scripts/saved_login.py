"""Where a login is kept on a person's machine: the operating system's keyring where Python reaches one, else a file, mode 0600.

A keyring that the person chose (PYTHON_KEYRING_BACKEND, keyringrc.cfg) is taken as it is; of others only those that keep secrets better than
a file does: the keyring package gives them a priority of 1 or more, and its plain ones less.

    ~/.config/affidavit/logins.json   {"https://gateway.example.com:8081": {"token": "afd_…", "subject", "groups", "expires_at"}}
In a keyring: service "affidavit", one entry for each gateway, of the same form. Never a provider's key, never a refresh token.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SERVICE = "affidavit"


def of_state(state: Path) -> str:
    """The name of the gateway that owns a state, which is asked through its socket."""
    return f"state {state}"


def save(gateway: str, login: Mapping[str, Any], home: Path) -> str:
    """Where it went, for people to read."""
    text = json.dumps(dict(login))
    if (ring := _keyring()) is not None:
        try:
            ring.set_password(SERVICE, gateway, text)
        except ring.errors.KeyringError:
            pass  # locked, or nobody to unlock it: the file
        else:
            _write(home, {name: kept for name, kept in _read(home).items() if name != gateway})
            return "the keyring"
    path = _write(home, {**_read(home), gateway: dict(login)})
    return f"{path} (mode 0600)"


def saved(gateway: str, home: Path) -> dict[str, Any] | None:
    if (ring := _keyring()) is not None:
        try:
            text = ring.get_password(SERVICE, gateway)
        except ring.errors.KeyringError:
            text = None
        if text and isinstance(found := json.loads(text), dict):
            return found
    return _read(home).get(gateway)


def forget(gateway: str, home: Path) -> None:
    if (ring := _keyring()) is not None:
        with contextlib.suppress(ring.errors.KeyringError):  # it was not there
            ring.delete_password(SERVICE, gateway)
    kept = _read(home)
    if kept.pop(gateway, None) is not None:
        _write(home, kept)


def _keyring() -> Any:
    """The module, where it is installed and has something to keep secrets in."""
    if importlib.util.find_spec("keyring") is None:
        return None
    import keyring  # noqa: PLC0415 -- an extra
    import keyring.core  # noqa: PLC0415
    import keyring.errors  # noqa: PLC0415

    chosen = keyring.core.load_env() or keyring.core.load_config()
    return keyring if chosen or keyring.get_keyring().priority >= 1 else None


def _file(home: Path) -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "affidavit" / "logins.json"


def _read(home: Path) -> dict[str, dict[str, Any]]:
    try:
        found = json.loads(_file(home).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return {name: kept for name, kept in found.items() if isinstance(kept, dict)} if isinstance(found, dict) else {}


def _write(home: Path, logins: Mapping[str, Any]) -> Path:
    """Whole or not at all, and never readable by others, not for a moment."""
    path = _file(home)
    if not logins and not path.exists():
        return path
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(dict(logins), file)
    unfinished.replace(path)
    return path
