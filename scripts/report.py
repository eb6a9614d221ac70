"""`affidavit report`: one line per report, each in a file of its own that is imported only when it is asked for."""

from __future__ import annotations

import importlib

import click

REPORTS = {  # name -> (module:attribute, what it says)
    "approvals": (
        "scripts.report_approvals:approvals",
        "how decisions are made: how fast, by whom, who agrees with whom",
    ),
    "accounting": (
        "scripts.report_accounting:accounting",
        "is every call accounted for? equations, and what does not fit",
    ),
    "exposures": ("scripts.report_exposures:exposures", "what reached which provider unmasked"),
    "masking": ("scripts.report_masking:masking", "planted values through a gateway, and where any of them stayed"),
    "bypass": (
        "scripts.report_bypass:bypass",
        "what each person tried that went, or would have gone, round the gateway",
    ),
}


class _Reports(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002, click's signature
        return list(REPORTS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002, click's signature
        if cmd_name not in REPORTS:
            return None
        module, _, attribute = REPORTS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002, click's signature
        with formatter.section("Reports"):
            formatter.write_dl([(name, says) for name, (_, says) in REPORTS.items()])


@click.group(cls=_Reports)
def report() -> None:
    """What the record adds up to."""
