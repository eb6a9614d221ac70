"""Who may import whom (design: rooms and arrows), and the one door of each dependency (style, rules 3, 9, 10). Read from the source, nothing is imported."""

from __future__ import annotations

import ast
import functools
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TYPES = ("addons.providers.call", "addons.tokens.caller")  # the shared values, free for every room that judges a call
ROOMS: dict[str, tuple[str, ...]] = {
    "tokens": (),
    "providers": (),
    "policy": TYPES,
    "approvals": TYPES,
    "masks": TYPES,
    "commands": TYPES,
    "evidence": ("addons.providers.call",),
    "console": (
        "addons.tokens",
        "addons.providers",
        "addons.policy",
        "addons.approvals",
        "addons.masks",
        "addons.commands",
        "addons.evidence",
    ),
}
DOORS: dict[str, tuple[str, ...]] = {
    "yaml": ("addons/policy/load.py",),
    "jose": ("addons/tokens/",),
    "ahocorasick_rs": ("addons/masks/literals.py",),
    "regex": ("addons/masks/",),
    "stdnum": ("addons/masks/",),
    "phonenumbers": ("addons/masks/",),
    "sqlite3": ("addons/evidence/", "scripts/demonstration.py"),  # the demo reads as a stranger would, and attacks
    "sqlite_utils": ("addons/evidence/",),
    "sqlglot": ("addons/commands/",),
    "tree_sitter": ("addons/commands/",),
    "tree_sitter_bash": ("addons/commands/",),
    "tornado": ("addons/console/", "scripts/"),
    "jinja2": ("addons/console/", "addons/evidence/package"),
}
SHARED_BY_ADDONS = {
    "asking",
    "echoes",
    "entrance",
    "facts",
    "histories",
    "holds",
    "hooks",
    "http_connections",
    "layers",
    "reading",
    "sessions",
    "sockets",
    "taps",
    "views",
    "wire_masking",
}  # no addons: what several of them stand on


def source_files() -> list[Path]:
    return sorted(path.relative_to(ROOT) for folder in ("addons", "scripts") for path in (ROOT / folder).rglob("*.py"))


@functools.cache
def imported(path: Path) -> tuple[str, ...]:
    return tuple(_imported(path))


def _imported(path: Path) -> Iterator[str]:
    """Every dotted name that a file imports, relative ones made absolute: `from . import x` in addons/a/b.py is addons.a.x."""
    tree = ast.parse((ROOT / path).read_text(), str(path))
    package = path.with_suffix("").parts[: -1 if path.name != "__init__.py" else None]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = [*package[: len(package) - node.level + 1]] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def within(name: str, allowed: tuple[str, ...]) -> bool:
    return any(name == each or name.startswith(each + ".") for each in allowed)


def room_of(path: Path) -> str:
    """`evidence` for addons/evidence/log.py, "" for a file that lies in addons/ itself or outside it."""
    return path.parts[1] if path.parts[0] == "addons" and len(path.parts) > 2 else ""


def is_addon(path: Path) -> bool:
    return path.parts[0] == "addons" and len(path.parts) == 2 and path.name != "__init__.py"


def test_every_room_stands_in_the_table() -> None:
    folders = {path.name for path in (ROOT / "addons").iterdir() if path.is_dir() and any(path.rglob("*.py"))}

    assert folders <= set(ROOMS)


@pytest.mark.parametrize("path", [p for p in source_files() if room_of(p)], ids=str)
def test_a_room_imports_only_the_rooms_its_arrows_allow(path: Path) -> None:
    room = room_of(path)
    own = (f"addons.{room}", *ROOMS[room])

    outside = [
        name
        for name in imported(path)
        if name.split(".")[0] in {"addons", "scripts", "mitmproxy"} and not within(name, own)
    ]

    assert outside == []


@pytest.mark.parametrize("path", [p for p in source_files() if is_addon(p) and p.stem != "stack"], ids=str)
def test_an_addon_imports_no_other_addon(path: Path) -> None:
    addons = {p.stem for p in source_files() if is_addon(p)} - SHARED_BY_ADDONS - {path.stem}

    others = [name for name in imported(path) if name.startswith("addons.") and name.split(".")[1] in addons]

    assert others == []


@pytest.mark.parametrize("path", [p for p in source_files() if p.parts[0] == "addons"], ids=str)
def test_nothing_in_addons_imports_scripts(path: Path) -> None:
    assert [name for name in imported(path) if within(name, ("scripts",))] == []


@pytest.mark.parametrize(("module", "doors"), DOORS.items(), ids=DOORS)
def test_a_dependency_has_one_door(module: str, doors: tuple[str, ...]) -> None:
    importers = [str(path) for path in source_files() if any(within(name, (module,)) for name in imported(path))]

    assert [path for path in importers if not path.startswith(doors)] == []


def test_mitmproxy_is_imported_only_by_addons_and_by_the_launcher() -> None:
    importers = [path for path in source_files() if any(within(name, ("mitmproxy",)) for name in imported(path))]

    assert [path for path in importers if not is_addon(path) and path.parts[0] != "scripts"] == []


def test_no_name_in_addons_shadows_an_installed_or_standard_module() -> None:
    """mitmproxy puts addons/ first on sys.path when it loads addons/stack.py with -s."""
    names = {
        path.stem
        for path in (ROOT / "addons").iterdir()
        if path.stem != "__init__" and not path.name.startswith((".", "__"))
    }
    installed = {name for name, owners in packages_distributions().items() if owners != ["affidavit"]}

    assert names & (sys.stdlib_module_names | installed) == set()


SINGLE_FILE = ROOT / "addons" / "evidence" / "package" / "single_file_verify.py"


def test_the_single_file_that_verifies_shares_no_code_and_needs_nothing_but_the_standard_library() -> None:
    assert {name.partition(".")[0] for name in imported(SINGLE_FILE)} <= sys.stdlib_module_names


def test_no_program_of_ours_verifies_with_the_single_file() -> None:
    """`affidavit verify` is the other implementation: were one made of the other, both would be wrong together."""
    name = "addons.evidence.package.single_file_verify"

    assert [path for path in source_files() if name in imported(path)] == []
