"""Where a provider's key is read from: `env:`, `file:`, `command:`, the operating system's keyring, Vault KV v2. Not where it goes.

A key is returned and nowhere kept; KeyMissing says what failed, never what was read.
Source: HashiCorp Vault, KV secrets engine version 2, HTTP API (GET /v1/<mount>/data/<path>; X-Vault-Token, X-Vault-Namespace), 2026-11.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from addons.console.fetch import Unreachable, fetch, trust
from addons.policy.model import Reference, Source
from addons.tokens.oidc_flows import Ask, safe_url
from addons.tokens.strict_json import Malformed, parsed_object

COMMAND_SECONDS = 10  # a command: that takes longer fails the call
VAULT_SECONDS = 5.0


class KeyMissing(Exception):  # noqa: N818 - the operator's to mend
    """`source: what failed`."""


async def read_key(reference: Reference, environment: Mapping[str, str] = os.environ) -> str:
    """One line of text. Raises KeyMissing."""
    first = reference.arguments[0]
    if reference.source is Source.ENV:
        value = environment.get(first, "")
    elif reference.source is Source.FILE:
        value = await asyncio.to_thread(_file, first)
    elif reference.source is Source.KEYRING:
        value = await asyncio.to_thread(_keyring, *reference.arguments)
    elif reference.source is Source.VAULT:
        value = await _vault(reference.arguments, environment)
    else:
        value = await _command(reference.arguments)
    if not value:
        raise KeyMissing(f"{reference.source.value}:{first} is not set, empty or failed")
    if not value.isprintable():
        raise KeyMissing(f"{reference.source.value}:{first} has line breaks or control characters in it")
    return value


def _file(path: str) -> str:
    try:
        return Path(path).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _keyring(service: str, name: str) -> str:
    if importlib.util.find_spec("keyring") is None:
        raise KeyMissing("keyring: the extra is not installed; pip install 'affidavit[keyring]'")
    import keyring  # noqa: PLC0415 -- an extra
    import keyring.errors  # noqa: PLC0415

    try:
        return keyring.get_password(service, name) or ""
    except keyring.errors.KeyringError as error:
        raise KeyMissing(f"keyring:{service}/{name}: {type(error).__name__}") from None


async def _command(words: tuple[str, ...]) -> str:
    try:
        process = await asyncio.create_subprocess_exec(
            *words, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
    except OSError:
        return ""
    try:
        output, _ = await asyncio.wait_for(process.communicate(), COMMAND_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
        return ""
    return output.decode("utf-8", "replace").strip() if process.returncode == 0 else ""


async def _vault(place: tuple[str, ...], environment: Mapping[str, str]) -> str:
    """place: mount, path, field. Address, token, namespace and roots from the variables that Vault's own command reads."""
    mount, path, field = place
    address, token = environment.get("VAULT_ADDR", ""), environment.get("VAULT_TOKEN", "")
    if file := environment.get("VAULT_TOKEN_FILE"):  # as Vault Agent writes it
        token = await asyncio.to_thread(_file, file)
    if not safe_url(address) or not token:
        raise KeyMissing(
            "vault: expected VAULT_ADDR (https) and VAULT_TOKEN or VAULT_TOKEN_FILE of the gateway to be set"
        )
    headers = [("x-vault-token", token), ("x-vault-request", "true")]
    if namespace := environment.get("VAULT_NAMESPACE"):
        headers.append(("x-vault-namespace", namespace))
    roots = environment.get("VAULT_CACERT")
    try:
        context = await asyncio.to_thread(trust, Path(roots) if roots else None)
        ask = Ask("GET", f"{address.rstrip('/')}/v1/{quote(mount)}/data/{quote(path)}", tuple(headers))
        answer = await fetch(ask, context, VAULT_SECONDS)
    except (Unreachable, OSError) as error:
        raise KeyMissing(f"vault:{mount}/{path}: Vault does not answer ({error})") from None
    if answer.status != 200:
        raise KeyMissing(f"vault:{mount}/{path}: Vault answers {answer.status}")
    try:
        found: Any = parsed_object(answer.body)
        for name in ("data", "data", field):
            found = found.get(name) if isinstance(found, dict) else None
    except Malformed as fault:
        raise KeyMissing(f"vault:{mount}/{path}: {fault}") from None
    if not isinstance(found, str):
        raise KeyMissing(f"vault:{mount}/{path}: expected text in field {field}, got none")
    return found.strip()
