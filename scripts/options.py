"""Options that several subcommands share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from addons.console.state import StateFolder, state_folder
from scripts import saved_login

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class _State(click.ParamType[StateFolder]):
    name = "directory"

    def convert(self, value: Any, _param: click.Parameter | None, _ctx: click.Context | None) -> StateFolder:
        return value if isinstance(value, StateFolder) else state_folder(value, os.environ, Path.home())


def state_option() -> Decorator:
    # The default is a function: the environment is read when the command runs, not when the module is imported.
    return click.option(
        "--state",
        "folder",
        type=_State(),
        default=lambda: state_folder(None, os.environ, Path.home()),
        is_eager=True,
        help="State directory; else $AFFIDAVIT_STATE, else ~/.affidavit.",
    )


def json_option() -> Decorator:
    return click.option("--json", "as_json", is_flag=True, help="For programs: JSON on stdout.")


def gateway_option() -> Decorator:
    return click.option(
        "--gateway",
        envvar="AFFIDAVIT_GATEWAY",
        show_envvar=True,
        default="",
        metavar="URL",
        is_eager=True,
        help="The gateway's console, or for logins its base URL: https://gateway.example.com:8082.  [default: the one that owns the state]",
    )


def token_option(purpose: str) -> Decorator:
    """From the environment where possible: what stands on a command line is seen by every user of the machine (ps). Else of the login."""
    return click.option(
        "--token",
        envvar="AFFIDAVIT_TOKEN",
        show_envvar=True,
        metavar="afd_…",
        callback=lambda context, _parameter, value: value or _of_login(context),
        help=f"{purpose}  [default: that of affidavit login]",
    )


def _of_login(context: click.Context) -> str | None:
    """Of the login at the gateway that the command speaks of; options that come later are not parsed yet."""
    gateway = context.params.get("gateway") or os.environ.get("AFFIDAVIT_GATEWAY", "")
    folder = context.params.get("folder") or state_folder(None, os.environ, Path.home())
    kept = saved_login.saved(gateway or saved_login.of_state(folder.path), Path.home())
    return str(kept["token"]) if kept else None
