"""Groups that do not come with the token: `groups_from` a file, or a command. Google's tokens, for one, name none.

    {"alice@example.com": ["engineering"], "https://accounts.google.com|117": ["data-owners"]}      JSON, by address or subject
A command is given the subject and the address as its last two words, and prints one group a line. Whoever the file does not name is in
no group; a file that cannot be read, or a command that fails, is a refusal: nobody is let in because a list is missing.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from addons.policy.model import Reference, Source
from addons.tokens.gateway_token import TokenRefused
from addons.tokens.strict_json import Malformed, parsed_object

FILE_BYTES = 8 << 20
COMMAND_SECONDS = 10
GROUPS = 1000


async def groups_of(source: Reference, subject: str, email: str) -> tuple[str, ...]:
    """Raises TokenRefused: groups_unknown."""
    if source.source is Source.FILE:
        table = await asyncio.to_thread(_table, source.arguments[0])
        found = table.get(email) if email and email in table else table.get(subject, [])
        return _checked(found)
    return _checked((await _output((*source.arguments, subject, email))).splitlines())


def _table(name: str) -> dict[str, Any]:
    path = Path(name).expanduser()
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES + 1)
        if len(data) > FILE_BYTES:
            raise _unknown(f"{path} is longer than {FILE_BYTES} bytes")
        return parsed_object(data)
    except OSError as error:
        raise _unknown(f"{path}: {error.strerror}") from None
    except Malformed as fault:
        raise _unknown(f"{path}: {fault}") from None


async def _output(words: tuple[str, ...]) -> str:
    try:
        process = await asyncio.create_subprocess_exec(
            *words, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
    except OSError as error:
        raise _unknown(f"{words[0]}: {error.strerror}") from None
    try:
        output, _ = await asyncio.wait_for(process.communicate(), COMMAND_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise _unknown(f"{words[0]} took more than {COMMAND_SECONDS} s") from None
    if process.returncode:
        raise _unknown(f"{words[0]} ended with {process.returncode}")
    return output.decode("utf-8", "replace")


def _checked(found: Any) -> tuple[str, ...]:
    if not isinstance(found, list) or len(found) > GROUPS:
        raise _unknown(f"expected a list of at most {GROUPS} groups, got something else")
    names = [name.strip() for name in found if isinstance(name, str) and name.isprintable()]
    if len(names) != len(found):
        raise _unknown("expected names on one line, got something else")
    return tuple(dict.fromkeys(name for name in names if name))


def _unknown(what: str) -> TokenRefused:
    return TokenRefused(
        "groups_unknown", f"groups_from does not say who is in which group: {what}; the gateway's operator corrects it"
    )
