"""Options that several subcommands share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from addons.console.state import StateFolder, state_folder

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
        help="State directory; else $AFFIDAVIT_STATE, else ~/.affidavit.",
    )


def json_option() -> Decorator:
    return click.option("--json", "as_json", is_flag=True, help="For programs: JSON on stdout.")


def token_option(purpose: str) -> Decorator:
    """From the environment where possible: what stands on a command line is seen by every user of the machine (ps)."""
    return click.option("--token", envvar="AFFIDAVIT_TOKEN", show_envvar=True, metavar="afd_…", help=purpose)
