"""The package: what is in it, what is not, and that anybody can check it with what their machine has."""

from __future__ import annotations

import ast
import csv
import filecmp
import json
import re
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from addons.evidence.database import StoreError
from addons.evidence.package.check_package import verify_package
from addons.evidence.package.package import Built, Receipt, Wish
from addons.evidence.package.package import export as export_package
from addons.evidence.package.scope import Scope
from addons.evidence.records import Event, Opened
from addons.evidence.store import Store
from tests.evidence_package.worlds import (
    CARD,
    CARD_TOKEN,
    FORMULA,
    RULES_DIGEST,
    TOKEN_SHA256,
    World,
    Writer,
    new_world,
)


def payload(package: Path) -> Iterator[Path]:
    return (path for path in sorted((package / "data").rglob("*")) if path.is_file())


def asked(package: Path, query: str) -> list[tuple[object, ...]]:
    database = sqlite3.connect(f"file:{package / 'data' / 'evidence.sqlite'}?mode=ro", uri=True)
    try:
        return database.execute(query).fetchall()
    finally:
        database.close()


def checked(package: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The package's own verifier, by a Python that sees nothing of ours; the other one says the same."""
    command = [sys.executable, "-I", str(package / "data" / "verify.py"), *arguments]
    found = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    if "--seen" not in arguments:
        vkey = arguments[1] if arguments[:1] == ("--vkey",) else ""
        assert (verify_package(package, vkey).totals == {}) == (found.returncode == 0), found.stdout
    return found


# -- checking -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("manifest", ["manifest-sha256.txt", "tagmanifest-sha256.txt"])
def test_sha256sum_finds_every_file_as_listed(made: tuple[World, Path], manifest: str) -> None:
    found = subprocess.run(
        ["sha256sum", "--strict", "-c", manifest], cwd=made[1], capture_output=True, text=True, check=False
    )

    assert found.returncode == 0, found.stdout


def test_the_verifier_of_the_package_finds_that_all_holds(made: tuple[World, Path]) -> None:
    world, package = made

    found = checked(package, "--vkey", world.keys.vkey, "--all")

    assert (found.returncode, found.stderr) == (0, "")
    assert "RESULT: all holds" in found.stdout
    assert "FAILED" not in found.stdout


def test_the_verifier_checks_the_store_that_the_package_was_made_of(made: tuple[World, Path]) -> None:
    world, package = made

    found = checked(
        package, str(world.database), "--vkey", world.keys.vkey, "--seen", str(package / "custody" / "checkpoint.txt")
    )

    assert (found.returncode, found.stderr) == (0, "")


def test_the_verifier_says_that_a_key_from_the_package_proves_little(made: tuple[World, Path]) -> None:
    assert "compare it with what you got another way" in checked(made[1]).stdout


def test_the_verifier_is_one_file_for_python_3_8_and_its_standard_library(made: tuple[World, Path]) -> None:
    tree = ast.parse((made[1] / "data" / "verify.py").read_text(), feature_version=(3, 8))

    imports = {
        name.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names
    }
    imports |= {str(node.module).split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imports <= sys.stdlib_module_names


def test_openssl_accepts_the_newest_checkpoint_with_the_commands_of_the_page(
    made: tuple[World, Path], tmp_path: Path
) -> None:
    text = (made[1] / "data" / "START-HERE.html").read_text()
    [commands] = [block for block in re.findall(r"<pre>(.*?)</pre>", text, re.DOTALL) if "pkeyutl" in block]
    script = commands.replace("&gt;", ">").replace("&#39;", "'").replace("/tmp/", f"{tmp_path}/")

    found = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=made[1], capture_output=True, text=True, check=False
    )

    assert "Signature Verified Successfully" in found.stdout, found.stderr


# -- what is in it --------------------------------------------------------------------------------------------------------


def test_the_population_has_one_row_for_each_exchange(made: tuple[World, Path]) -> None:
    with (made[1] / "data" / "population.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))

    assert [row["outcome"] for row in rows] == [
        "completed",
        "completed",
        "refused",
        "completed",
        "interrupted",
        "aborted",
    ]


def test_exchanges_over_connections_that_keep_metadata_only_stand_as_such(world: World, tmp_path: Path) -> None:
    store = world.open()
    writer = Writer(world, store)
    bare = Opened(
        writer.id("ex"), writer.id("se"), world.clock.text, "local|ann", RULES_DIGEST, grade="trial", connection="copilot",
        provider="openai", request_model="gpt-5", attrs={"endpoint": "openai.chat", "visibility": "metadata"},
    )  # fmt: skip
    writer.write(bare)
    writer.answer(bare, "")
    store.close()
    world.export(tmp_path / "package", wish=Wish(sample=50))
    data = tmp_path / "package" / "data"

    with (data / "population.csv").open(newline="") as file:
        kept = {row["id"]: row["visibility"] for row in csv.DictReader(file)}
    with (data / "controls/8.15/without_content.csv").open(newline="") as file:
        listed = [(row["exchange_id"], row["connection"], row["subject"]) for row in csv.DictReader(file)]
    page = " ".join((data / "START-HERE.html").read_text().split())
    samples = [path.read_text() for path in (data / "samples").glob("*.html")]
    events = [json.loads(line) for line in (data / "machine/events.ocsf.jsonl").read_text().splitlines()]
    told = [one["metadata"]["uid"] for one in events if one["unmapped"]["affidavit"].get("visibility") == "metadata"]

    assert {name for name, value in kept.items() if value == "metadata"} == {bare.id}
    assert set(kept.values()) == {"metadata", "full"}
    assert listed == [(bare.id, "copilot", "local|ann")]
    assert '<data id="metadata_only" value="1">1</data> of 7 exchanges over connections that keep metadata only' in page
    assert "What was said over copilot (1 exchanges, 1 people):" in page
    assert ["the policy keeps metadata only of connection copilot" in one for one in samples if bare.id in one] == [
        True
    ]
    assert told == [bare.id]
    assert "RESULT: all holds" in checked(tmp_path / "package", "--vkey", world.vkey, "--all").stdout


def test_the_exceptions_name_what_a_reviewer_should_look_at(made: tuple[World, Path]) -> None:
    with (made[1] / "data" / "exceptions.csv").open(newline="") as file:
        kinds = [row["kind"] for row in csv.DictReader(file)]

    assert sorted(kinds) == sorted([
        "refused", "interrupted", "aborted", "finding", "identity.refused", "gateway.recovered", "approved_by_same_minter",
        "trial_grade", "trial_grade",
    ])  # fmt: skip


@pytest.mark.parametrize("name", ["population.csv", "exceptions.csv"])
def test_no_cell_of_a_list_is_a_formula(made: tuple[World, Path], name: str) -> None:
    with (made[1] / "data" / name).open(newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]

    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == []
    assert (name != "population.csv") or {"'" + FORMULA, "'@cmd"} <= set(cells)


@pytest.mark.parametrize(
    "view", ["messages", "commands", "maskings", "data_access", "exchanges", "approvals", "grants"]
)
def test_the_database_answers_through_the_views_as_the_store_does(made: tuple[World, Path], view: str) -> None:
    query = f"SELECT * FROM {view} ORDER BY 1, 2, 3, 4"
    with Store.reader(made[0].database) as database:
        expected = database.execute(query).fetchall()

    assert expected
    assert asked(made[1], query) == expected


def test_the_database_opens_from_read_only_media_and_in_old_sqlite(made: tuple[World, Path]) -> None:
    header = (made[1] / "data" / "evidence.sqlite").read_bytes()[:100]

    assert header[18:20] == b"\x01\x01"  # rollback journal, not WAL: sqlite.org/fileformat2.html, 1.3
    assert asked(made[1], "SELECT name FROM sqlite_master WHERE sql LIKE '%STRICT%'") == []


def test_lines_of_the_log_are_the_very_bytes_that_were_hashed(made: tuple[World, Path]) -> None:
    world, package = made
    with Store.reader(world.database) as database:
        leaves = [
            leaf
            for (leaf,) in database.execute("SELECT leaf FROM events WHERE type <> 'evidence.exported' ORDER BY seq")
        ]

    assert (package / "data" / "log" / "entries.jsonl").read_text() == "".join(leaf + "\n" for leaf in leaves)


def test_each_policy_is_named_by_its_own_digest(made: tuple[World, Path]) -> None:
    for path in (made[1] / "data" / "policies").glob("*.json"):
        found = subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True).stdout.split()[0]

        assert path.name == f"{found}.json"


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes += attrs


def test_the_page_runs_nothing_and_loads_nothing(made: tuple[World, Path]) -> None:
    """Links lead to places in the package; styles that stand at an element are colours of the page's own."""
    for path in [made[1] / "data" / "START-HERE.html", *(made[1] / "data" / "samples").glob("*.html")]:
        text = path.read_text()
        tags = _Tags()
        tags.feed(text)

        assert not tags.seen & {"script", "link", "img", "image", "use", "iframe", "object", "embed", "form", "base"}
        assert [
            name for name, _ in tags.attributes if name.startswith("on") or name in {"src", "srcset", "xlink:href"}
        ] == []
        links = [value or "" for name, value in tags.attributes if name == "href"]
        assert [
            link
            for link in links
            if not re.fullmatch(r"#[a-z0-9.]+|samples/S-[0-9]{3,}\.html|\.\./START-HERE\.html", link)
        ] == []
        styles = [value or "" for name, value in tags.attributes if name == "style"]
        assert [style for style in styles if not re.fullmatch(r"background: var\(--c[0-9]\)", style)] == []
        assert "@import" not in text
        assert "url(" not in text


def test_what_strangers_wrote_cannot_turn_or_script_the_page(made: tuple[World, Path]) -> None:
    text = (made[1] / "data" / "START-HERE.html").read_text()

    assert "&lt;script&gt;alert(1)&lt;/script&gt;&lt;RIGHT-TO-LEFT OVERRIDE&gt;" in text
    assert "\u202e" not in text


@pytest.mark.parametrize(
    "sentence",
    [
        "There is no outside anchor.",
        "6 opened = 6 closed + 0 under way",
        "6 exchanges here = 3 completed + 1 aborted + 1 interrupted + 1 refused",
        "2 calls held = 1 approved + 1 denied",
        "1 held calls completed, 0 without an approval that covers them",
        "4 of 6 exchanges by local identities",
        "the table is a copy, +1",
        CARD_TOKEN.partition("_1")[0][1:],
    ],
)
def test_the_page_says_in_figures_what_was_and_what_is_not_covered(made: tuple[World, Path], sentence: str) -> None:
    text = re.sub(r"<[^>]+>", "", (made[1] / "data" / "START-HERE.html").read_text())

    assert sentence in text


# -- what is not in it ----------------------------------------------------------------------------------------------------


def test_no_secret_and_no_original_is_in_any_file(made: tuple[World, Path]) -> None:
    world, package = made
    secrets = [CARD, TOKEN_SHA256, TOKEN_SHA256.partition(":")[2]]
    binary = [world.keys.signer.seed, world.keys.approval, world.keys.masking, world.keys.fingerprint]
    needles = [text.encode() for text in secrets] + binary + [key.hex().encode() for key in binary]

    found = [
        path.name for path in package.rglob("*") if path.is_file() for needle in needles if needle in path.read_bytes()
    ]

    assert found == []


def test_a_package_is_for_its_owner_alone_until_it_is_handed_over(made: tuple[World, Path]) -> None:
    modes = {stat.S_IMODE(path.stat().st_mode) for path in made[1].rglob("*") if path.is_file()}

    assert stat.S_IMODE(made[1].stat().st_mode) == 0o700
    assert modes == {0o600}


def test_a_package_of_a_period_has_its_exchanges_and_nobody_elses(world: World, tmp_path: Path) -> None:
    package = tmp_path / "package"

    built = world.export(package, Scope("2026-11-03T00:00:00.000000Z", "2026-11-04T00:00:00.000000Z"))

    assert built.exchanges == 3
    assert checked(package, "--vkey", world.keys.vkey).returncode == 0
    assert asked(package, "SELECT DISTINCT subject FROM exchanges ORDER BY 1") == [
        ("https://issuer.example|cai",),
        ("local|bob",),
    ]
    assert [path.name for path in payload(package) if b"it looks like one" in path.read_bytes()] == []
    assert asked(
        package,
        "SELECT count(*) FROM events WHERE actor = 'local|ann' AND exchange_id NOT IN (SELECT id FROM exchanges)",
    ) == [(0,)]


def test_a_period_brings_the_approval_that_a_later_exchange_used(world: World, tmp_path: Path) -> None:
    """It was asked for on the 2nd, and decided on the 3rd: a package of the 2nd has the decision too."""
    package = tmp_path / "package"

    world.export(package, Scope("", "2026-11-03T00:00:00.000000Z"))

    assert checked(package, "--vkey", world.keys.vkey).returncode == 0
    assert asked(package, "SELECT id, state FROM approvals") == [("ap_1", "approved")]


def test_a_period_without_exchanges_still_proves_the_log(world: World, tmp_path: Path) -> None:
    package = tmp_path / "package"

    assert world.export(package, Scope("2030-01-01T00:00:00.000000Z")).exchanges == 0
    assert checked(package, "--vkey", world.keys.vkey).returncode == 0


# -- how it is made -------------------------------------------------------------------------------------------------------


def test_the_same_store_and_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    one = new_world(tmp_path / "one")
    shutil.copytree(one.folder, tmp_path / "two")
    two = World(tmp_path / "two", one.keys, one.clock, one.random)

    manifests = [world.export(tmp_path / f"package-{world.folder.name}").manifest for world in (one, two)]

    names = [
        [str(path.relative_to(tmp_path / f"package-{name}")) for path in payload(tmp_path / f"package-{name}")]
        for name in ("one", "two")
    ]
    assert manifests[0] == manifests[1]
    assert names[0] == names[1]
    assert filecmp.cmpfiles(tmp_path / "package-one", tmp_path / "package-two", names[0], shallow=False)[0] == names[0]


def test_the_export_is_in_the_log_and_the_package_proves_it(made: tuple[World, Path]) -> None:
    world, package = made
    with Store.reader(world.database) as database:
        [(leaf,)] = database.execute("SELECT leaf FROM events WHERE type = 'evidence.exported'").fetchall()

    manifest = subprocess.run(
        ["sha256sum", "manifest-sha256.txt"], cwd=package, capture_output=True, text=True, check=True
    )
    assert f'"manifest":"sha256:{manifest.stdout.split()[0]}"' in leaf
    assert (package / "custody" / "receipt.jsonl").read_text().splitlines()[-1] == leaf


def test_an_export_whose_record_fails_leaves_nothing(world: World, tmp_path: Path) -> None:
    class Refusing(World):
        def record(self, built: Built) -> Receipt:
            raise RuntimeError("the store failed")

    with pytest.raises(RuntimeError, match="the store failed"):
        Refusing(world.folder, world.keys, world.clock, world.random).export(tmp_path / "package")

    assert [path.name for path in tmp_path.iterdir()] == ["state"]


def test_an_export_never_writes_into_what_is_there(world: World, tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()

    with pytest.raises(StoreError, match="exists already"):
        world.export(tmp_path / "package")


def test_leaves_that_no_checkpoint_covers_are_taken_and_told(world: World, tmp_path: Path) -> None:
    class Busy(World):
        def sign(self) -> None:
            """A gateway so busy that there is always one leaf more."""

    store = Store.open(world.database, world.keys, clock=world.clock, random=world.random, checkpoint_seconds=3600)
    store.append(Event("gateway.heartbeat")).result()
    shutil.copytree(world.folder, tmp_path / "copy")
    store.close()
    busy = Busy(tmp_path / "copy", world.keys, world.clock, world.random)
    with Store.reader(busy.database) as database:
        [signed] = database.execute("SELECT max(size) FROM checkpoints").fetchone()

    built = export_package(busy.database, tmp_path / "package", Scope(), busy, {})

    found = checked(tmp_path / "package", "--vkey", world.keys.vkey)
    assert (found.returncode, built.leaves) == (0, signed + 1)
    assert "1 leaves after the newest checkpoint are not signed yet" in found.stdout
    assert "1 not signed yet" in (tmp_path / "package" / "data" / "START-HERE.html").read_text()
