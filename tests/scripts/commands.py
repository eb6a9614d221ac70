"""The `affidavit` command on a state, in this process."""

from __future__ import annotations

from click.testing import CliRunner

from scripts.affidavit import affidavit


def invoke(state, *arguments: str, **more):
    return CliRunner().invoke(affidavit, [*arguments, "--state", str(state.path)], **more)
