"""What README tells people to type is there to be typed: each command, subcommand and option that it names. Not whether it works: the tests of each do that."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from scripts.affidavit import SUBCOMMANDS, affidavit

README = (Path(__file__).parents[2] / "README.md").read_text()
NAME = re.compile(r"[a-z][a-z-]*(?:\|[a-z][a-z-]*)*")  # of a command, or of several of which one is typed
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


def typed() -> Iterator[str]:
    """Each command as README has it, without what stands beside it: lines of the code blocks, and `affidavit …` in its prose."""
    blocks = re.findall(r"^```[a-z]*\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    for line in "\n".join(blocks).splitlines():
        for found in re.finditer(r"(?:^|[ /])affidavit ((?:\S| (?! ))+)", line):
            yield found[1].split(" -- ")[0]
    for span in re.findall(r"`affidavit ([^`\n]+)`", README):
        yield span.split(" -- ")[0]


def commands(line: str) -> Iterator[tuple[list[str], list[str]]]:
    """`ca show|renew --x` -> (["ca", "show|renew"], ["--x"]); what ` | ` joins are commands, or options of the one before."""
    for part in line.split(" | "):
        names = []
        for word in part.split():
            if not NAME.fullmatch(word):
                break
            names.append(word)
        if names:
            yield names, OPTION.findall(part)


def named(group: click.Group, names: list[str]) -> list[click.Command]:
    """The commands that these words mean, one for each alternative; an unknown one fails."""
    found = []
    for name in names[0].split("|"):
        command = group.get_command(click.Context(group), name)
        assert command is not None, f"README names `{name}`, which `{group.name}` does not have"
        found += named(command, names[1:]) if isinstance(command, click.Group) and names[1:] else [command]
    return found


LINES = sorted(set(typed()))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of mitmproxy's own imports
@pytest.mark.parametrize("line", LINES)
def test_what_readme_tells_to_type_is_there(line):
    for names, options in commands(line):
        found = named(affidavit, names)
        if names[0] == "proxy":  # its options are mitmproxy's own
            continue
        has = {name for command in found for parameter in command.params for name in parameter.opts}

        assert set(options) <= has | {"--help", "--state"}


def test_readme_names_every_command():
    assert [row.name for row in SUBCOMMANDS if not re.search(rf"(?<![\w-]){row.name}(?![\w-])", README)] == []


def test_a_command_that_is_not_there_is_found():
    with pytest.raises(AssertionError, match="nonsense"):
        named(affidavit, ["nonsense"])

    assert list(commands("ca show|renew --x")) == [(["ca", "show|renew"], ["--x"])]
    assert len(LINES) > 25
