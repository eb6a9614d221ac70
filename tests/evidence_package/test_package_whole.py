"""What the package holds beside its lists: controls, samples that can be checked by hand, selections, a zip, and what programs read."""

from __future__ import annotations

import csv
import filecmp
import html
import json
import re
import sqlite3
import subprocess
import zipfile
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from addons.evidence.checkpoints import Verifier
from addons.evidence.database import StoreError
from addons.evidence.package.controls import SHEETS, Criterion, judge
from addons.evidence.package.package import Wish
from addons.evidence.package.sampling import draw
from addons.evidence.package.scope import Scope
from addons.evidence.proofs import Inclusion
from addons.evidence.records import Event, PolicyLoaded
from addons.evidence.usage_exports import UsageRow
from tests.evidence_package.test_package_contents import asked, checked, payload
from tests.evidence_package.worlds import World


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def commands(page: Path) -> list[str]:
    """Each block of commands of a page, as a reader copies it."""
    blocks = re.findall(r"<pre>(.*?)</pre>", page.read_text(), re.DOTALL)
    return [html.unescape(block) for block in blocks if "sha256sum" in block or "openssl" in block]


# -- controls -------------------------------------------------------------------------------------------------------------


def test_the_controls_come_with_their_older_numbers(made: tuple[World, Path]) -> None:
    older = {row["control"]: row["edition_2013"] for row in rows_of(made[1] / "data" / "controls" / "index.csv")}

    assert older["8.15"].startswith("A.12.4.1")
    assert older["8.2"] == "A.9.2.3"
    assert len(older) == len(SHEETS) >= 24


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.id)
def test_a_list_of_a_control_is_what_its_view_and_its_sql_answer(made: tuple[World, Path], sheet) -> None:
    folder = made[1] / "data" / "controls" / sheet.id
    meta = json.loads((folder / "meta.json").read_text())

    for table in meta["tables"]:
        rows = rows_of(folder / table["file"])
        by_view = asked(made[1], f"SELECT * FROM {table['view']}")
        assert len(rows) == len(by_view) == table["rows"]
        assert [list(row.values()) for row in rows] == [
            ["" if cell is None else str(cell) for cell in row] for row in by_view
        ]
    assert (folder / "query.sql").read_text() == sheet.text


def test_the_exceptions_of_every_control_have_the_same_columns(made: tuple[World, Path]) -> None:
    heads = {
        (made[1] / "data" / "controls" / sheet.id / "exceptions.csv").read_text().splitlines()[0] for sheet in SHEETS
    }

    assert heads == {"finding,kind,subject,at"}


@pytest.mark.parametrize(
    ("criterion", "population", "unexplained", "reviewed", "status"),
    [
        (Criterion(), 5, 0, "", "operated"),
        (Criterion(), 0, 0, "", "not evidenced here"),
        (Criterion(), 5, 1, "", "exceptions"),
        (Criterion(tolerance=1), 5, 1, "", "operated"),
        (Criterion(tolerance=1), 5, 2, "", "exceptions"),
        (Criterion(interval_days=30), 5, 0, "", "exceptions"),
        (Criterion(interval_days=30), 5, 0, "2026-11-20T00:00:00.000000Z", "operated"),
        (Criterion(interval_days=30), 5, 0, "2026-10-20T00:00:00.000000Z", "exceptions"),
        (Criterion(), 0, 1, "", "exceptions"),
    ],
)
def test_a_control_is_judged_by_the_companys_own_criterion(
    criterion: Criterion, population: int, unexplained: int, reviewed: str, status: str
) -> None:
    assert judge(criterion, population, unexplained, reviewed, "2026-11-30T00:00:00.000000Z").status == status


def test_an_exception_that_somebody_explained_is_counted_apart(world: World, tmp_path: Path) -> None:
    [[finding]] = _open_findings(world)
    store = world.open()
    store.append(
        Event("finding", actor="local|bob", attrs={"code": "explained"}, meta={"finding": finding, "reason": "a test"})
    ).result()
    store.close()

    world.export(tmp_path / "package")

    row = next(
        row for row in rows_of(tmp_path / "package" / "data" / "controls" / "index.csv") if row["control"] == "8.16"
    )
    assert (row["exceptions"], row["unexplained"], row["status"]) == ("0", "0", "operated")
    listed = next(row for row in rows_of(tmp_path / "package" / "data" / "exceptions.csv") if row["finding"] == finding)
    assert (listed["explained_by"], listed["explanation"]) == ("local|bob", "a test")
    assert checked(tmp_path / "package", "--vkey", world.keys.vkey).returncode == 0


def _open_findings(world: World) -> list[tuple[str]]:
    with closing(sqlite3.connect(world.database)) as database:
        return database.execute("SELECT 'leaf-' || seq FROM events WHERE type = 'finding'").fetchall()


@pytest.mark.parametrize("control", ["8.35", "A.9.2.3", "audit"])
def test_a_control_that_is_not_there_is_refused_with_those_that_are(world: World, tmp_path: Path, control: str) -> None:
    from addons.evidence.package.package import export

    with pytest.raises(StoreError, match=r"expected one of 5\.3, 5\.15"):
        export(world.database, tmp_path / "package", Scope(), world, {}, Wish(controls=(control,)))

    assert not (tmp_path / "package").exists()


def test_only_the_controls_that_were_asked_for_are_there(world: World, tmp_path: Path) -> None:
    world.export(tmp_path / "package", wish=Wish(controls=("8.2", "8.15")))

    assert {path.name for path in (tmp_path / "package" / "data" / "controls").iterdir()} == {
        "8.2",
        "8.15",
        "index.csv",
    }
    assert checked(tmp_path / "package", "--vkey", world.keys.vkey).returncode == 0


# -- samples --------------------------------------------------------------------------------------------------------------


def test_each_page_of_a_sample_can_be_checked_by_hand(made: tuple[World, Path], tmp_path: Path) -> None:
    """Every command of the page, in a shell; what each must print stands before it."""
    package = made[1]
    for page in sorted((package / "data" / "samples").glob("*.html")):
        text = page.read_text()
        expected = re.findall(r"must print <span class=\"id\">([^<]+)</span>", text)
        found = [
            subprocess.run(["bash", "-euo", "pipefail", "-c", block.replace("/tmp/", f"{tmp_path}/")], cwd=package, capture_output=True, text=True, check=True).stdout
            for block in commands(page)
        ]  # fmt: skip

        assert len(expected) == len(found) - 1 >= 4
        for wanted, printed in zip(expected, found, strict=False):
            assert wanted.removeprefix("hmac-sha256:") in printed, page
        assert "Signature Verified Successfully" in found[-1]


def test_a_proof_of_a_sample_is_one_for_any_tlog_tool(made: tuple[World, Path]) -> None:
    world, package = made
    proofs = sorted((package / "data" / "machine" / "samples").glob("*.tlog-proof"))
    leaves = (package / "data" / "log" / "entries.jsonl").read_bytes().split(b"\n")

    for path in proofs:
        inclusion = Inclusion.of(path.read_text())
        inclusion.check(leaves[inclusion.index], Verifier.of(world.keys.vkey))

    assert len(proofs) == 12


def test_a_sample_is_drawn_by_the_seed_and_the_root_and_nobody_else(world: World, tmp_path: Path) -> None:
    for name, seed in (("one", "first words"), ("two", "other words")):
        world.export(tmp_path / name, wish=Wish(seed=seed, sample=3))

    drawn = {name: rows_of(tmp_path / name / "data" / "samples" / "index.csv") for name in ("one", "two")}
    root = json.loads((tmp_path / "one" / "data" / "controls" / "8.15" / "meta.json").read_text())["checkpoint"]["root"]
    by_hand = sorted(
        sha256(f"affidavit/sample/v1\nfirst words\n{root}\n{name}".encode()).hexdigest()
        for [name] in asked(tmp_path / "one", "SELECT id FROM exchanges")
    )
    assert [row["rank"] for row in drawn["one"]] == by_hand[:3]
    assert drawn["one"] != drawn["two"]
    for name in ("one", "two"):
        assert checked(tmp_path / name, "--vkey", world.keys.vkey).returncode == 0


def test_drawing_holds_no_more_than_it_draws() -> None:
    drawn = draw((f"ex_{number}" for number in range(10_000)), "seed", "root", 25)

    assert len({one.name for one in drawn}) == 25
    assert drawn == sorted(drawn)


# -- selections -----------------------------------------------------------------------------------------------------------

NARROW = [
    ("one person", {"persons": ("https://issuer.example|cai",)}, 2, "https://issuer.example|cai"),
    ("two people", {"persons": ("https://issuer.example|cai", "local|bob")}, 3, ""),
    ("one person in a period", {"persons": ("local|ann",), "since": "2026-11-04T00:00:00.000000Z"}, 1, "local|ann"),
    ("a connection", {"connections": ("openai",)}, 6, ""),
]


@pytest.mark.parametrize(("fields", "count", "only"), [row[1:] for row in NARROW], ids=[row[0] for row in NARROW])
def test_a_selection_has_what_was_chosen_and_verifies(
    world: World, tmp_path: Path, fields: dict, count: int, only: str
) -> None:
    package = tmp_path / "package"

    built = world.export(package, Scope(**fields))

    found = checked(package, "--vkey", world.keys.vkey, "--all")
    assert (found.returncode, built.exchanges) == (0, count), found.stdout
    assert only == "" or asked(package, "SELECT DISTINCT subject FROM exchanges") == [(only,)]
    assert (
        count == 6
        or f"{6 - count} other exchanges" in (package / "data" / "START-HERE.html").read_text()
        or "since" in fields
    )


def test_a_session_is_chosen_by_its_name(world: World, tmp_path: Path) -> None:
    with closing(sqlite3.connect(world.database)) as database:
        [session] = database.execute("SELECT session_id FROM exchanges GROUP BY 1 HAVING count(*) = 2").fetchone()

    world.export(tmp_path / "package", Scope(sessions=(session,)))

    assert asked(tmp_path / "package", "SELECT DISTINCT session_id, count(*) FROM exchanges") == [(session, 2)]
    found = checked(tmp_path / "package", "--vkey", world.keys.vkey)
    assert found.returncode == 0
    assert "the exporter's word" in found.stdout


def test_a_selection_says_nothing_of_anybody_else(world: World, tmp_path: Path) -> None:
    """Leaves of others are there, so that the log is whole; their names, texts and addresses are not."""
    world.export(tmp_path / "package", Scope(persons=("https://issuer.example|cai",)))

    everything = b"".join(path.read_bytes() for path in payload(tmp_path / "package"))
    assert [
        needle
        for needle in (b"local|ann", b"ann@example.org", b"it looks like one", b"one more", b"local|bob")
        if needle in everything
    ] == [b"local|bob"]
    # bob holds a role; the register of roles belongs to every package
    assert not re.search(rb"bob@example\.org", everything)


def test_an_exchange_taken_out_of_a_selection_of_people_is_missed(world: World, tmp_path: Path) -> None:
    package = tmp_path / "package"
    world.export(package, Scope(persons=("https://issuer.example|cai",)))

    with closing(sqlite3.connect(package / "data" / "evidence.sqlite")) as database, database:
        database.execute("DELETE FROM exchanges WHERE opened_seq = (SELECT max(opened_seq) FROM exchanges)")

    assert "FAILED exchange_row_missing" in checked(package, "--vkey", world.keys.vkey).stdout


@pytest.mark.parametrize(
    "fields",
    [{"persons": ("local|anne",)}, {"connections": ("opneai",)}, {"sessions": ("se_x",)}],
    ids=lambda fields: next(iter(fields)),
)
def test_a_name_that_is_nowhere_is_refused(world: World, tmp_path: Path, fields: dict) -> None:
    with pytest.raises(StoreError, match="is nowhere in this store"):
        world.export(tmp_path / "package", Scope(**fields))

    assert list(tmp_path.iterdir()) == [world.folder]


# -- the rest -------------------------------------------------------------------------------------------------------------


def test_the_same_store_and_wish_give_the_same_bytes(world: World, tmp_path: Path) -> None:
    """Another day, another folder; the store goes on only by the record of the first export, which the second does not take."""
    scope = Scope("2026-11-02T00:00:00.000000Z", "2026-11-05T00:00:00.000000Z")
    wish = Wish(seed="words", sample=4, usage=(UsageRow("openai", "2026-11-02", "key_1", "gpt-5", 3, 1, 1),))
    import shutil

    shutil.copytree(world.folder, tmp_path / "again")
    other = World(tmp_path / "again", world.keys, type(world.clock)(), world.random)
    other.clock.jump(days=90)

    world.export(tmp_path / "one", scope, wish=wish)
    other.export(tmp_path / "two", scope, wish=wish)

    names = [path.relative_to(tmp_path / "one" / "data").as_posix() for path in payload(tmp_path / "one")]
    same, different, odd = filecmp.cmpfiles(tmp_path / "one" / "data", tmp_path / "two" / "data", names, shallow=False)
    assert (different, odd, len(same)) == ([], [], len(names))


def test_the_coverage_of_masking_has_each_rule_and_what_the_last_review_said(world: World, tmp_path: Path) -> None:
    store = world.open()
    result = {"looked_at": 59, "records_with_a_miss": 0, "values_missed": 0, "upper_95_per_million": 49_508}
    content = b'{"masking":{"rules":[{"action":"hash","entities":["CREDIT_CARD"],"id":"cards"},{"action":"redact","entities":["*"],"id":"rest","wire":"both"}]}}'
    store.append(
        PolicyLoaded("sha256:" + sha256(content).hexdigest(), content),
        Event(
            "evidence.read",
            actor="local|rita",
            attrs={"what": "review", "id": "masking", "result": result},
            meta={"note": "x"},
        ),
    ).result()
    store.close()

    world.export(tmp_path / "package")

    rows = {row["rule"]: row for row in rows_of(tmp_path / "package" / "data" / "masking-coverage.csv")}
    assert list(rows) == ["cards", "rest", "headers"]
    assert (rows["cards"]["values_found"], rows["cards"]["wire"], rows["cards"]["seen_by_provider"]) == (
        "1",
        "none",
        "1",
    )
    assert (rows["rest"]["values_found"], rows["rest"]["wire"]) == ("0", "both")
    assert {row["last_review_upper_95_per_million"] for row in rows.values()} == {"49508"}


def test_a_zip_holds_the_same_bag(world: World, tmp_path: Path) -> None:
    world.export(tmp_path / "evidence.zip")

    with zipfile.ZipFile(tmp_path / "evidence.zip") as archive:
        assert {name.partition("/")[0] for name in archive.namelist()} == {"evidence"}
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        archive.extractall(tmp_path / "unpacked")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["evidence.zip", "state", "unpacked"]
    assert checked(tmp_path / "unpacked" / "evidence", "--vkey", world.keys.vkey, "--all").returncode == 0


def test_no_cell_of_any_list_is_a_formula(made: tuple[World, Path]) -> None:
    lists = [path for path in payload(made[1]) if path.suffix == ".csv"]
    cells = [cell for path in lists for row in csv.reader(path.read_text().splitlines()) for cell in row]

    assert len(lists) > 60
    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == []


def test_what_providers_say_is_kept_beside_what_was_recorded(world: World, tmp_path: Path) -> None:
    rows = (
        UsageRow("openai", "2026-11-02", "key_x", "gpt-5", 9, 90, 9),
        UsageRow("openai", "2026-12-24", "key_x", "gpt-5", 1, 1, 1),
    )

    world.export(tmp_path / "package", Scope("", "2026-11-05T00:00:00.000000Z"), wish=Wish(usage=rows))

    kept = rows_of(tmp_path / "package" / "data" / "usage.csv")
    equation = next(
        row
        for row in json.loads((tmp_path / "package" / "data" / "accounting.json").read_text())
        if row["name"] == "provider"
    )
    assert [(row["day"], row["requests"]) for row in kept] == [
        ("2026-11-02", "9")
    ]  # the other day is outside the period
    assert (equation["holds"], equation["gaps"][0]["finding"]) == (False, "usage:openai:key_x")
    assert checked(tmp_path / "package", "--vkey", world.keys.vkey).returncode == 0


def test_what_a_run_with_planted_values_found_is_in_the_package_as_it_was_written(world, tmp_path):
    run = b'{"made_at":"2026-11-03T10:00:00+00:00","policy_digest":"sha256:ab","planted":20,"hidden":19,"cells":[]}\n'

    world.export(tmp_path / "package", wish=Wish(masking_run=run))

    data = tmp_path / "package" / "data"
    assert (data / "masking-run.json").read_bytes() == run
    assert "19 of 20 were nowhere" in (data / "START-HERE.html").read_text()


@pytest.mark.parametrize("run", [b"{", b"[]", b'{"made_at":1}'], ids=["torn", "another form", "without its sums"])
def test_a_run_that_cannot_be_read_stops_the_export(world, tmp_path, run):
    with pytest.raises(StoreError, match="report masking"):
        world.export(tmp_path / "package", wish=Wish(masking_run=run))

    assert not (tmp_path / "package").exists()
