"""How each shell and file format spells a variable, so that no value can become code. Not which variables (client_settings.py).

Sources: bash(1) QUOTING; fishshell.com/docs "Quotes"; learn.microsoft.com about_Quoting_Rules; docs.docker.com (Dockerfile
ENV, compose interpolation and .env syntax); docs.github.com contexts; docs.gitlab.com CI/CD variables; read on 2026-11-23.
Files that are kept (Dockerfile, compose, CI) never hold the token, only the name of the place that does.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from scripts.client_settings import Piece, Setting, Token, java_store

LOOPBACK = "127.0.0.1"
VARIABLE = "AFFIDAVIT_TOKEN"
IN_CONTAINER = "/etc/ssl/certs/affidavit-bundle.pem"


class NotSpellable(ValueError):  # noqa: N818 - a property of the value
    """A value that this format cannot hold safely."""


@dataclass(frozen=True, slots=True)
class Shell:
    name: str
    render: Callable[[Iterable[Setting], str], str]  # settings, path of the bundle here -> text
    kept: bool = False  # the output is a file that gets committed or shipped: no token in it
    bundle: str = ""  # where the bundle lies for the client; "": where it is here
    host: str = LOOPBACK  # as the client sees the gateway; "": must be told


def filled_in(settings: Iterable[Setting], token: str) -> tuple[Setting, ...]:
    return tuple(
        (name, tuple(token if piece is Token.HERE else piece for piece in pieces)) for name, pieces in settings
    )


def bash(settings: Iterable[Setting], _bundle: str) -> str:
    reference = f'"${{{VARIABLE}:?set it first: affidavit token mint --help}}"'
    return _lines(f"export {name}={_joined(pieces, shlex.quote, reference)}" for name, pieces in settings)


def fish(settings: Iterable[Setting], _bundle: str) -> str:
    return _lines(f"set -gx {name} {_joined(pieces, _fish_quote, f'"${VARIABLE}"')}" for name, pieces in settings)


def powershell(settings: Iterable[Setting], _bundle: str) -> str:
    return _lines(
        f"$env:{name} = {_joined(pieces, _powershell_quote, f'$env:{VARIABLE}', ' + ')}" for name, pieces in settings
    )


def python(settings: Iterable[Setting], _bundle: str) -> str:
    """Before the first client is made: most read these once."""
    values = (
        f"    {name!r}: {_joined(pieces, repr, f'os.environ[{VARIABLE!r}]', ' + ')}," for name, pieces in settings
    )
    return _lines(["import os", "", "os.environ.update({", *values, "})"])


def jupyter(settings: Iterable[Setting], _bundle: str) -> str:
    """%env prints what it sets, and a notebook keeps what is printed: %%capture keeps the token out of it. (Elsewhere in Python: python.)"""
    reference = f"{{__import__('os').environ['{VARIABLE}']}}"
    lines = (f"%env {name}={_joined(pieces, _ipython, reference)}" for name, pieces in settings)
    return _lines(
        ["%%capture", "# a cell of its own, the first; restart the kernel if a client was made before", *lines]
    )


def dotenv(settings: Iterable[Setting], _bundle: str) -> str:
    """What python-dotenv, Node's --env-file and docker --env-file read alike: bare words. Anything else they unquote differently."""
    return _lines(f"{name}={_joined(pieces, _bare, f'${{{VARIABLE}}}')}" for name, pieces in settings)


def dockerfile(settings: Iterable[Setting], bundle: str) -> str:
    kept = [(name, pieces) for name, pieces in settings if Token.HERE not in pieces]
    return _lines(
        [
            f"# certificates only, no secret: cp {shlex.quote(bundle)} affidavit-bundle.pem; cp {shlex.quote(java_store(bundle))} affidavit-bundle.p12",
            f"COPY affidavit-bundle.pem affidavit-bundle.p12 {IN_CONTAINER.rpartition('/')[0]}/",
            *(f"ENV {name}={_joined(pieces, _docker_quote, '')}" for name, pieces in kept),
            "# The token stays out of the image. When it starts:",
            f"#   affidavit env --shell dotenv --host host.docker.internal --bundle {IN_CONTAINER} --token afd_… >gateway.env",
            "#   docker run --env-file gateway.env --add-host host.docker.internal:host-gateway …",
        ]
    )


def compose(settings: Iterable[Setting], bundle: str) -> str:
    reference = f"${{{VARIABLE}:?}}"
    return _lines(
        [
            "# the gateway must listen where containers can reach it: affidavit proxy --listen-host ADDRESS",
            "services:",
            "  app:",
            "    environment:",
            *(f"      {name}: {_yaml(pieces, reference, '$', '$$')}" for name, pieces in settings),
            "    volumes:",
            *(
                f"      - {_yaml((f'{here}:{there}:ro',), '', '$', '$$')}"
                for here, there in ((bundle, IN_CONTAINER), (java_store(bundle), java_store(IN_CONTAINER)))
            ),
            '    extra_hosts: ["host.docker.internal:host-gateway"]',
        ]
    )


def github(settings: Iterable[Setting], bundle: str) -> str:
    return _lines(
        [
            f"# of a step, where github.workspace is known; commit {json.dumps(bundle)} as affidavit-bundle.pem,",
            f"# and {json.dumps(java_store(bundle))} as affidavit-bundle.p12 (certificates only);",
            f"# the token is the secret {VARIABLE}",
            "env:",
            *(f"  {name}: {_yaml(pieces, f'${{{{ secrets.{VARIABLE} }}}}')}" for name, pieces in settings),
        ]
    )


def gitlab(settings: Iterable[Setting], bundle: str) -> str:
    return _lines(
        [
            f"# commit {json.dumps(bundle)} as affidavit-bundle.pem, {json.dumps(java_store(bundle))} as affidavit-bundle.p12 (certificates only);",
            f"# the token is the masked variable {VARIABLE}",
            "variables:",
            *(f"  {name}: {_yaml(pieces, f'${VARIABLE}')}" for name, pieces in settings),
        ]
    )


SHELLS = (
    Shell("bash", bash),
    Shell("fish", fish),
    Shell("powershell", powershell),
    Shell("python", python),
    Shell("jupyter", jupyter),
    Shell("dotenv", dotenv),
    Shell("dockerfile", dockerfile, kept=True, bundle=IN_CONTAINER, host="host.docker.internal"),
    Shell("compose", compose, kept=True, bundle=IN_CONTAINER, host="host.docker.internal"),
    Shell("github", github, kept=True, bundle="${{ github.workspace }}/affidavit-bundle.pem", host=""),
    Shell("gitlab", gitlab, kept=True, bundle="$CI_PROJECT_DIR/affidavit-bundle.pem", host=""),
)


def _joined(pieces: tuple[Piece, ...], quote: Callable[[str], str], reference: str, plus: str = "") -> str:
    return plus.join(reference if piece is Token.HERE else quote(piece) for piece in pieces)


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"


def _fish_quote(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _powershell_quote(value: str) -> str:
    """PowerShell takes the typographic single quotes for quotes too."""
    return "'" + re.sub("(['\u2018-\u201b])", r"\1\1", value) + "'"


def _docker_quote(value: str) -> str:
    return '"' + re.sub(r'(["\\$])', r"\\\1", value) + '"'


def _ipython(value: str) -> str:
    """IPython puts Python's values in the place of $name and {expression}, and takes a ? at the end for a question."""
    if value != value.strip():
        raise NotSpellable(f"{value!r}: %env takes the blanks at the ends of a value away; use --shell python")
    return re.sub(r"[^\w.,:/@%+=~|* -]", lambda found: f"{{chr({ord(found[0])})}}", value)


def _bare(value: str) -> str:
    """A blank only between options: inside one, Java would need quotes."""
    if not re.fullmatch(r"[A-Za-z0-9_.,:/@%+=~-]*( -[A-Za-z0-9_.,:/@%+=~|*\[\]-]+)*", value):
        raise NotSpellable(
            f"{value!r}: a .env file holds no value with such characters that every reader understands alike; use a --state without them"
        )
    return value


def _yaml(pieces: tuple[Piece, ...], reference: str, special: str = "", escaped: str = "") -> str:
    """A YAML double-quoted scalar is JSON's string."""
    parts = (
        reference if piece is Token.HERE else piece.replace(special, escaped) if special else piece for piece in pieces
    )
    return json.dumps("".join(parts), ensure_ascii=False)
