"""What people say of the evidence: reviews with a bound, leavers, roles, how approvers decide, and what an auditor would raise today."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from math import comb
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from addons.evidence.approvers import quality
from addons.evidence.package.sampling import upper_bound
from addons.evidence.people import PeopleInvalid, read_people
from addons.evidence.records import Event
from addons.evidence.store import Store
from scripts.affidavit import affidavit
from tests.evidence_package.worlds import World


def invoke(world: World, *arguments: str | Path, given: str = "", **more: str) -> Result:
    words = [str(argument) for argument in arguments]
    return CliRunner().invoke(affidavit, [*words, "--state", str(world.folder)], env=more, input=given)


def token(world: World, name: str = "rita") -> str:
    return json.loads(invoke(world, "token", "mint", "--name", name, "--group", "reviewers", "--json").stdout)["token"]


def holds(world: World) -> bool:
    return CliRunner().invoke(affidavit, ["verify", str(world.folder)]).exit_code == 0


def leaves(world: World, kind: str) -> list[dict]:
    with closing(sqlite3.connect(world.database)) as database:
        return [
            json.loads(leaf)
            for (leaf,) in database.execute("SELECT leaf FROM events WHERE type = ? ORDER BY seq", (kind,))
        ]


# -- the bound ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("misses", "looked_at"), [(0, 1), (0, 59), (1, 59), (5, 100), (99, 100), (3, 1000)])
def test_at_the_bound_so_few_misses_are_seen_in_one_sample_of_twenty(misses: int, looked_at: int) -> None:
    """The definition of Clopper and Pearson's bound, with exact binomial coefficients."""
    rate = upper_bound(misses, looked_at)

    assert sum(
        comb(looked_at, k) * rate**k * (1 - rate) ** (looked_at - k) for k in range(misses + 1)
    ) == pytest.approx(0.05)


def test_fifty_nine_without_a_miss_bound_the_rate_below_five_per_cent() -> None:
    assert upper_bound(0, 58) > 0.05 > upper_bound(0, 59)
    assert upper_bound(3, 3) == 1.0


@pytest.mark.parametrize(("misses", "looked_at"), [(0, 0), (2, 1), (-1, 5)])
def test_a_bound_of_nothing_is_refused(misses: int, looked_at: int) -> None:
    with pytest.raises(ValueError, match="expected at least one looked at"):
        upper_bound(misses, looked_at)


# -- reviews --------------------------------------------------------------------------------------------------------------


def test_a_review_of_masking_says_rate_and_bound_and_is_signed(world: World, tmp_path: Path) -> None:
    mine = token(world)
    listed = json.loads(invoke(world, "review", "masking", "--sample", "4", "--seed", "words", "--json").stdout)
    drawn = listed["sample"]
    (tmp_path / "marks.json").write_text(json.dumps({name: int(number == 0) for number, name in enumerate(drawn)}))

    words = ("--sample", "4", "--seed", "words", "--root", listed["root"], "--marks", tmp_path / "marks.json")
    made = invoke(world, "review", "masking", *words, "--json", AFFIDAVIT_TOKEN=mine)

    result = json.loads(made.stdout)["result"]
    assert (result["looked_at"], result["records_with_a_miss"]) == (4, 1)
    assert result["upper_95_per_million"] == round(upper_bound(1, 4) * 1e6)
    signed = leaves(world, "evidence.read")[-1]
    assert (signed["attrs"]["what"], signed["attrs"]["id"], signed["attrs"]["result"]) == ("review", "masking", result)
    assert holds(world)


def test_a_person_is_asked_record_by_record(world: World) -> None:
    made = invoke(world, "review", "masking", "--sample", "3", given="0\n2\n0\n", AFFIDAVIT_TOKEN=token(world))

    assert "1 of 3 records have a miss (2 values): 33.3%; with 95 % confidence below" in made.stdout
    assert "signed by local|rita" in made.stdout


def test_marks_that_leave_a_record_out_are_refused(world: World, tmp_path: Path) -> None:
    (tmp_path / "marks.json").write_text('{"ex_1": 0}')

    made = invoke(world, "review", "masking", "--marks", tmp_path / "marks.json", AFFIDAVIT_TOKEN=token(world))

    assert made.exit_code == 1
    assert "expected a number of misses for each" in made.stderr


@pytest.mark.parametrize("what", ["access", "log", "masking"])
def test_nobody_can_sign_without_a_name(world: World, what: str, tmp_path: Path) -> None:
    made = invoke(world, "review", what, "--note", "fine", given="0\n" * 10)

    assert made.exit_code == 1
    assert "say who you are" in made.stderr
    assert [leaf for leaf in leaves(world, "evidence.read") if leaf["attrs"]["what"] == "review"] == []


def test_looking_without_signing_is_recorded_as_reading(world: World) -> None:
    made = invoke(world, "review", "access")

    assert "not signed" in made.stdout
    assert [leaf["attrs"]["what"] for leaf in leaves(world, "evidence.read")] == ["review access"]


def test_who_should_go_is_written_down(world: World) -> None:
    made = invoke(
        world, "review", "access", "--note", "one leaver.", "--remove", "local|ann", AFFIDAVIT_TOKEN=token(world)
    )

    assert made.exit_code == 0, made.stderr
    with closing(sqlite3.connect(world.database)) as database:
        [meta] = database.execute("SELECT p.meta FROM payloads p WHERE p.meta LIKE '%one leaver%'").fetchone()
    assert json.loads(meta)["note"] == "one leaver. To remove: local|ann"
    assert leaves(world, "evidence.read")[-1]["attrs"]["result"] == {"people": 3, "to_remove": 1}


def test_somebody_who_never_called_cannot_be_removed(world: World) -> None:
    assert "nobody of this name" in invoke(world, "review", "access", "--note", "x", "--remove", "local|zed").stderr


def test_a_review_of_the_log_begins_where_the_last_one_ended(world: World) -> None:
    mine = token(world)
    first = invoke(world, "review", "log", "--note", "all seen", AFFIDAVIT_TOKEN=mine)
    second = invoke(world, "review", "log")

    assert "since the first record" in first.stdout
    assert "finding own_key" in first.stdout
    assert "finding own_key" not in second.stdout


def test_a_reviewed_control_operates_as_its_criterion_wants(world: World, tmp_path: Path) -> None:
    """A review that is due is an exception; once somebody has signed one, it is none."""
    due = _audit_points(world)
    invoke(world, "review", "log", "--note", "all seen", AFFIDAVIT_TOKEN=token(world))

    assert any("a review is due" in point["what"] for point in due if point["about"].startswith("8.15"))
    assert not any(
        "a review is due" in point["what"] for point in _audit_points(world) if point["about"].startswith("8.15")
    )


# -- people ---------------------------------------------------------------------------------------------------------------

LISTS = [
    ("Okta, CSV", "id,status,login,email,deactivated\n1,ACTIVE,cai,cai@example.org,\n2,DEPROVISIONED,ann,ann@example.org,2026-11-03T00:00:00Z\n"),
    ("Entra ID, JSON", json.dumps({"value": [
        {"userPrincipalName": "ann@example.org", "accountEnabled": False, "employeeLeaveDateTime": "2026-11-03T00:00:00Z"},
        {"userPrincipalName": "cai@example.org", "accountEnabled": True}]})),
    ("Keycloak, JSON", json.dumps([{"username": "ann", "enabled": False, "deletedDateTime": "2026-11-03T00:00:00+00:00"}, {"username": "cai", "enabled": True}])),
    ("SCIM", json.dumps({"Resources": [
        {"userName": "ANN", "active": False, "ended_at": "2026-11-03T00:00:00Z", "emails": [{"value": "ann@example.org"}]}, {"userName": "cai", "active": True}]})),
    ("Google, CSV", "Email Address [Required],Status [READ ONLY],suspendedAt\nann@example.org,Suspended,2026-11-03\ncai@example.org,Active,\n"),
]  # fmt: skip


@pytest.mark.parametrize("text", [row[1] for row in LISTS], ids=[row[0] for row in LISTS])
def test_a_leaver_who_still_called_is_named_with_the_lag(world: World, tmp_path: Path, text: str) -> None:
    (tmp_path / "people").write_text(text)

    made = invoke(world, "people", "--idp-export", tmp_path / "people", "--json")

    found = {match["user"]["subject"]: match for match in json.loads(made.stdout)["people"]}
    assert made.exit_code == 1
    assert {subject: match["state"] for subject, match in found.items()} == {
        "local|ann": "left",
        "local|bob": "unknown",
        "https://issuer.example|cai": "active",
    }
    ann = found["local|ann"]
    assert (ann["calls_after"], ann["ended_at"]) == (1, "2026-11-03T00:00:00.000000Z")
    assert ann["lag_seconds"] > 86400
    assert json.loads(made.stdout)["to_look_at"] == ["local|ann"]


def test_reading_who_is_there_is_recorded(world: World) -> None:
    made = invoke(world, "people")

    assert made.exit_code == 0, made.stderr
    assert "local|ann" in made.stdout
    assert leaves(world, "evidence.read")[-1]["attrs"]["what"] == "people"


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "got nothing"), ("a,b\n1,2\n", "got a, b"), ("{", "expected JSON"), ("email,status,deactivated\nx@y,DEPROVISIONED,last week\n", "expected a day or a time")],
    ids=["nothing", "another table", "half", "no time"],
)  # fmt: skip
def test_a_list_that_is_none_is_refused_in_words(text: str, said: str) -> None:
    with pytest.raises(PeopleInvalid, match=said):
        read_people("list", text)


# -- roles ----------------------------------------------------------------------------------------------------------------


def test_the_register_of_roles_keeps_who_gave_and_who_ended(world: World) -> None:
    mine = token(world)
    invoke(world, "roles", "grant", "local|ann", "data-owners")
    ended = invoke(world, "roles", "end", "local|ann", "data-owners", AFFIDAVIT_TOKEN=mine)

    rows = [row for row in json.loads(invoke(world, "roles", "list", "--json").stdout) if row["subject"] == "local|ann"]
    assert ended.exit_code == 0, ended.stderr
    assert [(row["role"], row["granted_by"].startswith("os|"), row["ended_at"] is not None) for row in rows] == [
        ("data-owners", True, True)
    ]
    with closing(sqlite3.connect(world.database)) as database:
        actors = [
            actor
            for (actor,) in database.execute(
                "SELECT actor FROM events WHERE type = 'config.changed' ORDER BY seq DESC LIMIT 1"
            )
        ]
    assert actors == ["local|rita"]
    assert holds(world)


@pytest.mark.parametrize(
    ("words", "said"),
    [(("grant", "local|rita", "data-owners"), "nobody gives or ends a role of their own"), (("end", "local|ann", "data-owners"), "has no role data-owners in force")],
    ids=["one's own", "one that is not there"],
)  # fmt: skip
def test_a_change_of_roles_that_cannot_be_is_refused(world: World, words: tuple[str, ...], said: str) -> None:
    before = len(leaves(world, "config.changed"))

    made = invoke(world, "roles", *words, AFFIDAVIT_TOKEN=token(world))

    assert (made.exit_code, len(leaves(world, "config.changed"))) == (1, before)
    assert said in made.stderr


# -- approvers, and the rehearsal -----------------------------------------------------------------------------------------


def test_approvers_are_measured(world: World) -> None:
    with Store.reader(world.database) as database:
        found = quality(database)

    assert (found.decided, found.expired) == (2, 0)
    assert {one.subject: (one.decided, one.approved, one.share) for one in found.approvers} == {
        "local|bob": (1, 1, 0.5),
        "local|ann": (1, 0, 0.5),
    }
    assert found.pairs == ()


def test_two_who_approve_each_other_are_named(world: World) -> None:
    with closing(sqlite3.connect(world.database)) as database, database:
        database.execute("UPDATE approvals SET state = 'approved' WHERE id = 'ap_2'")

    made = invoke(world, "report", "approvals")

    assert "each for the other: local|ann approved 1 of local|bob, local|bob approved 1 of local|ann" in made.stdout


def _audit_points(world: World) -> list[dict]:
    made = invoke(world, "audit", "--rehearse", "--json")
    points = json.loads(made.stdout)
    assert made.exit_code == (1 if points else 0)
    return points


def test_a_rehearsal_raises_what_an_auditor_would(world: World) -> None:
    points = {point["about"]: point for point in _audit_points(world)}

    assert "accounting, provider" in points
    assert "no outside anchor" in points["proof"]["what"]
    assert any("trial_grade" in example for example in points["5.16 Identity management (A.9.2.1)"]["examples"])
    assert leaves(world, "evidence.read")[-1]["attrs"]["what"] == "audit"
    assert [path.name for path in world.folder.iterdir() if path.name.startswith(".rehearsal")] == []


def test_an_explained_finding_is_not_raised_again(world: World) -> None:
    store = world.open()
    with store.reading() as database:
        [seq] = database.execute("SELECT seq FROM events WHERE type = 'finding'").fetchone()
    before = next(point for point in _audit_points_of(world, store) if point["about"].startswith("8.16"))

    invoke(world, "explain", f"leaf-{seq}", "--reason", "a test", AFFIDAVIT_TOKEN=token(world))

    assert before
    assert not any(point["about"].startswith("8.16") and "explained" in point["what"] for point in _audit_points(world))


def _audit_points_of(world: World, store: Store) -> list[dict]:
    store.append(Event("gateway.heartbeat")).result()
    store.close()
    return _audit_points(world)
