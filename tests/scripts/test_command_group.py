"""The `affidavit` group: its table of subcommands, its exit statuses, its hints."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import click
import pytest
from click.testing import CliRunner

from scripts.affidavit import SUBCOMMANDS, Subcommand, affidavit, main


def test_help_and_the_list_of_commands_import_nothing_heavy():
    script = "import sys; from scripts.affidavit import main; main(['--help']); print(sorted({'rich','tornado','cryptography','mitmproxy','yaml','sqlite3'} & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of mitmproxy's own imports
@pytest.mark.parametrize("row", SUBCOMMANDS, ids=lambda row: row.name)
def test_each_line_of_the_table_names_something_that_is_there(row):
    assert affidavit.get_command(click.Context(affidavit), row.name) is not None


def leaves(command: click.Command, name: str):
    if isinstance(command, click.Group):
        for child in command.commands:
            yield from leaves(command.commands[child], f"{name} {child}")
    else:
        yield name, command


def own_help(row: Subcommand) -> click.Command:
    command = affidavit.get_command(click.Context(affidavit), row.name)
    assert command is not None
    return command


COMMANDS = [
    pytest.param(name.split()[1:], id=name)
    for row in SUBCOMMANDS
    if row.name != "proxy"  # imports mitmproxy and parses for itself: the next test
    for name, _ in leaves(own_help(row), f"affidavit {row.name}")
]
GROUPS = [row.name for row in SUBCOMMANDS if row.name != "proxy" and isinstance(own_help(row), click.Group)]


@pytest.mark.parametrize("words", COMMANDS)
def test_each_help_has_an_example(words):
    result = CliRunner().invoke(affidavit, [*words, "--help"])

    assert result.exit_code == 0
    assert "Example" in result.output
    assert f"affidavit {' '.join(words)}" in result.output


@pytest.mark.parametrize("name", GROUPS)
def test_the_help_of_a_group_has_an_example_of_each_of_its_commands(name):
    group = affidavit.get_command(click.Context(affidavit), name)
    assert isinstance(group, click.Group)

    result = CliRunner().invoke(affidavit, [name, "--help"])

    assert [path for path, _ in leaves(group, f"affidavit {name}") if path not in result.output] == []


def test_the_help_of_the_proxy_has_an_example(tmp_path):
    done = subprocess.run([sys.executable, "-m", "scripts.affidavit", "proxy", "--help"], env={"HOME": str(tmp_path)}, capture_output=True, text=True, check=False)  # fmt: skip

    assert (done.returncode, "Example: affidavit proxy" in done.stdout) == (0, True), done.stderr


def test_an_option_that_the_proxy_does_not_know_is_wrong_usage(tmp_path):
    done = subprocess.run([sys.executable, "-m", "scripts.affidavit", "proxy", "--nowhere"], env={"HOME": str(tmp_path)}, capture_output=True, text=True, check=False)  # fmt: skip

    assert (done.returncode, "--nowhere" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param(["nowhere"], "error: No such command 'nowhere'.\nhint: affidavit --help\n", id="unknown-command"),
        pytest.param(
            ["token", "mint"],
            "error: Missing option '--name'.\nhint: affidavit token mint --help\n",
            id="missing-option",
        ),
        pytest.param(["show", "x"], "expected the id of an exchange", id="an-argument-of-the-wrong-form"),
    ],
)
def test_wrong_usage_exits_2_with_the_way_to_the_help(arguments, expected, capsys):
    status = main(arguments)

    assert status == 2
    assert expected in capsys.readouterr().err


def test_a_subcommand_with_its_own_parsing_gets_every_argument_as_it_is(monkeypatch):
    got = []
    monkeypatch.setitem(sys.modules, "a_command_of_its_own", SimpleNamespace(main=lambda argv: got.append(argv) or 3))
    monkeypatch.setattr(
        "scripts.affidavit.SUBCOMMANDS", (Subcommand("own", "a_command_of_its_own:main", "does its own parsing"),)
    )

    status = main(["own", "--help", "-p", "0", "--set", "a=b", "--", "x"])

    assert (status, got) == (3, [["--help", "-p", "0", "--set", "a=b", "--", "x"]])
