"""The `affidavit` command: one line per subcommand, each in a file of its own that is imported only when it is asked for.

Exit status: 0 done, 1 refused or failed, 2 usage. Errors: `error:` then `hint:` on stderr.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import click

from addons.console.version import VERSION
from scripts.terminal import print_error


@dataclass(frozen=True, slots=True)
class Subcommand:
    name: str
    place: str  # "module:attribute": a click command, or a function (argv) -> exit status that does its own parsing
    summary: str


SUBCOMMANDS = (
    Subcommand("init", "scripts.init:init", "make the state: CA, keys, empty store, policies"),
    Subcommand("proxy", "scripts.proxy:main", "the gateway"),
    Subcommand("ca", "scripts.ca_command:ca", "the certificate authority: show, renew, rotate, have it signed"),
    Subcommand("run", "scripts.run:run", "one command through the gateway"),
    Subcommand("env", "scripts.env:env", "what to set on a client"),
    Subcommand("doctor", "scripts.doctor:doctor", "try each client found here: seen, went direct, or refused"),
    Subcommand("login", "scripts.login:login", "sign in at your organisation's issuer"),
    Subcommand("logout", "scripts.login:logout", "end your login"),
    Subcommand("whoami", "scripts.whoami:whoami", "whom a token stands for"),
    Subcommand("token", "scripts.tokens:token", "mint, list and revoke gateway tokens (trial)"),
    Subcommand(
        "approvals", "scripts.approvals:approvals", "list, show, approve, deny and watch what waits for a decision"
    ),
    Subcommand("console", "scripts.console:console", "where people approve and auditors read, in a browser"),
    Subcommand("sessions", "scripts.sessions:sessions", "what happened, newest first"),
    Subcommand("show", "scripts.show:show", "an exchange or a session as a timeline"),
    Subcommand("replay", "scripts.replay:replay", "recorded exchanges as flows, in a file or in mitmweb"),
    Subcommand("export", "scripts.export:export_package", "the evidence package, for an auditor to take away"),
    Subcommand("verify", "scripts.verify:verify_path", "check a store or a package; every failure by name"),
    Subcommand("report", "scripts.report:report", "what the record adds up to: accounting"),
    Subcommand("explain", "scripts.explain:explain", "say, under your own name, why a finding is as it is"),
    Subcommand("erase", "scripts.erase:erase", "a person or a session, with a reason and somebody's agreement"),
    Subcommand("hold", "scripts.hold:hold", "keep what a court or an auditor asked for: set, lift, list"),
    Subcommand("anchor", "scripts.anchor:anchor", "who outside attests the log: witnesses, timestamps, files"),
    Subcommand("witness", "scripts.witness:witness", "be the witness of other gateways' logs"),
    Subcommand("log", "scripts.log:log", "proofs and tiles of the log; another key; a new log after a loss"),
    Subcommand("review", "scripts.review:review", "look at access, the log or a sample of masked records, and sign it"),
    Subcommand(
        "people", "scripts.people:people", "who uses it; beside the identity provider's list, who left and still can"
    ),
    Subcommand("roles", "scripts.roles:roles", "the register of roles: given, by whom, ended"),
    Subcommand(
        "feed", "scripts.feed:feed", "closed exchanges, as they come, to a SIEM (OCSF) or a collector (OpenTelemetry)"
    ),
    Subcommand("gateways", "scripts.gateways:gateways", "other gateways whose packages belong into one with ours"),
    Subcommand("audit", "scripts.audit:audit", "what an auditor would raise today"),
    Subcommand("policy", "scripts.policy:policy", "check the rules"),
    Subcommand("status", "scripts.status:status", "versions, log, disk, holds and findings"),
)


class LazyGroup(click.Group):
    """A click group that knows its subcommands' names and summaries without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002, click's signature
        return [row.name for row in SUBCOMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002, click's signature
        row = next((row for row in SUBCOMMANDS if row.name == cmd_name), None)
        return None if row is None else _loaded(row)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002, click's signature
        with formatter.section("Commands"):
            formatter.write_dl([(row.name, row.summary) for row in SUBCOMMANDS])

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Exit status from the command's own value, its exception, or click's; printed in our form."""
        status = _status(
            lambda: super(LazyGroup, self).main(args, prog_name, complete_var, standalone_mode=False, **extra)
        )
        if standalone_mode:
            sys.exit(status)
        return status


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Try it: scripts/demo. Then: affidavit init && affidavit run -- python your_agent.py",
)
@click.version_option(package_name=None, version=VERSION, prog_name="affidavit")
def affidavit() -> None:
    """An evidence gateway for language model traffic: who asked what, what came back, who allowed it, provably."""


def main(argv: Sequence[str] | None = None) -> int:
    status: int = affidavit.main(argv, prog_name="affidavit", standalone_mode=False)
    return status


def _loaded(row: Subcommand) -> click.Command:
    module, _, attribute = row.place.partition(":")
    found = getattr(importlib.import_module(module), attribute)
    if isinstance(found, click.Group) and not found.epilog:
        found.epilog = "\b\nExamples:\n" + "\n".join(_first_examples(found))
    return found if isinstance(found, click.Command) else _parses_itself(row, found)


def _first_examples(group: click.Group) -> Iterator[str]:
    for command in group.commands.values():
        if isinstance(command, click.Group):
            yield from _first_examples(command)
        else:
            yield from [line for line in (command.epilog or "").splitlines() if line.startswith("  ")][:1]


def _parses_itself(row: Subcommand, run: Callable[[list[str]], int | None]) -> click.Command:
    """Every argument, --help too, goes on as it is."""

    @click.command(
        row.name,
        short_help=row.summary,
        add_help_option=False,
        context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    )
    @click.argument("argv", nargs=-1, type=click.UNPROCESSED)
    def forwarded(argv: tuple[str, ...]) -> int:
        return run(list(argv)) or 0

    return forwarded


def _status(run: Callable[[], Any]) -> int:
    """A room's own exceptions say `expected, got; do`, or carry the last in `hint`. Anything else is a fault of ours and keeps
    its traceback.
    """
    try:
        value = run()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return error.exit_code
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "affidavit"
        print_error(error.format_message(), getattr(error, "hint", "") or f"{command} --help")
        return error.exit_code
    except click.ClickException as error:
        print_error(error.format_message(), getattr(error, "hint", ""))
        return error.exit_code
    except click.Abort:
        click.echo(err=True)
        return 1
    except Exception as error:
        if not type(error).__module__.startswith("addons."):
            raise
        message, _, hint = str(error).rpartition("; ")
        print_error(
            *((str(error), str(error.hint)) if hasattr(error, "hint") else (message or hint, hint if message else ""))
        )
        return 1
    return value if isinstance(value, int) else 0


if __name__ == "__main__":
    sys.exit(main())
