"""`${source: …}` in a policy: where a secret, or a list, is read from when it is needed. Never the secret itself; not the reading.

${env:NAME}   ${file:/path}   ${command: name words}   ${keyring:service/name}   ${vault:mount/path/of/secret#field}
"""

from __future__ import annotations

import re
import shlex

from addons.policy.model import Reference, Source

_REFERENCE = re.compile(r"\$\{(env|file|command|keyring|vault):\s*([^{}]{1,500}?)\s*\}")
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_KEYRING = re.compile(r"([^/]{1,200})/([^/]{1,200})")
_VAULT = re.compile(r"([A-Za-z0-9_-]{1,64})/([A-Za-z0-9_][A-Za-z0-9_./-]{0,199})#([A-Za-z0-9_.-]{1,64})")


def reference(text: str) -> Reference | None:
    """None where the text is not one reference and nothing else."""
    found = _REFERENCE.fullmatch(text)
    if found is None:
        return None
    source = Source(found[1])
    arguments = _arguments(source, found[2])
    return Reference(source, arguments) if arguments else None


def _arguments(source: Source, text: str) -> tuple[str, ...]:
    """() where they have not the source's form."""
    if source is Source.ENV:
        return (text,) if _ENV_NAME.fullmatch(text) else ()
    if source is Source.FILE:
        return (text,) if text.startswith(("/", "~/")) else ()
    if source is Source.KEYRING:
        return found.groups() if (found := _KEYRING.fullmatch(text)) else ()
    if source is Source.VAULT:
        return found.groups() if (found := _VAULT.fullmatch(text)) and ".." not in found[2] else ()
    try:
        return tuple(shlex.split(text))
    except ValueError:
        return ()
