"""Each equation holds over an honest store, and names what does not fit in one that is not."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from addons.evidence.accounting import Equation, accounts
from addons.evidence.records import Event, PolicyLoaded
from addons.evidence.store import Store
from addons.evidence.usage_exports import UsageRow
from tests.evidence_package.worlds import World, new_world

NOTHING = {"requests": 0, "under_way": 0, "unrecorded": 0, "connects": 0, "inside": 0, "raw": 0}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return new_world(tmp_path / "state")


def equation(world: World, name: str, *usage: UsageRow) -> Equation:
    with Store.reader(world.database) as database:
        (found,) = (one for one in accounts(database, usage) if one.name == name)
    return found


def appended(world: World, *records: object) -> int:
    store = world.open()
    seqs = store.append(*records).result()  # type: ignore[arg-type]
    store.close()
    return seqs[-1]


def changed(world: World, *statements: str) -> None:
    with closing(sqlite3.connect(world.database)) as database, database:
        for statement in statements:
            assert database.execute(statement).rowcount


def exchange(world: World, where: str) -> str:
    with Store.reader(world.database) as database:
        return str(database.execute(f"SELECT id FROM exchanges WHERE {where}").fetchone()[0])


def test_all_that_can_be_compared_in_an_honest_store_holds(world: World) -> None:
    with Store.reader(world.database) as database:
        found = {one.name: one.holds for one in accounts(database)}

    assert found == {
        "opened": True, "leaves": True, "proxy": None, "provider": None, "approvals": True, "times": True, "exposures": True,
    }  # fmt: skip


def test_what_is_under_way_is_said(world: World) -> None:
    changed(
        world, "DELETE FROM events WHERE type = 'exchange.closed' AND seq = (SELECT max(closed_seq) FROM exchanges)"
    )

    assert equation(world, "opened").text == "6 opened = 5 closed + 1 under way"


def test_a_leaf_that_is_gone_is_missing_in_the_sum(world: World) -> None:
    changed(world, "DELETE FROM events WHERE seq = 9")

    assert equation(world, "leaves").holds is False


# -- what the proxy counted ---------------------------------------------------------------------------------------------


def run_of(world: World, **counted: int) -> Equation:
    appended(world, Event("gateway.started"))
    appended(
        world,
        Event("identity.refused", exchange_id="ex_1"),
        Event("tunnel.opened", exchange_id="ex_2"),
        Event("connect.refused", exchange_id="ex_3", attrs={"code": "raw_tcp"}),
        Event("connect.refused", exchange_id="ex_4", attrs={"code": "not_tls"}),
        Event("gateway.stopped", attrs={"counted": NOTHING | counted}),
    )
    return equation(world, "proxy")


def test_what_came_in_is_refused_opened_or_tunnelled(world: World) -> None:
    found = run_of(world, requests=1, connects=3, inside=2, raw=1)

    assert (found.holds, found.gaps) == (True, ())
    assert found.right == (("recorded", 3), ("under way at the last count", 0), ("without a record", 0))


@pytest.mark.parametrize(
    ("counted", "holds"),
    [
        ({"requests": 2, "connects": 3, "inside": 2, "raw": 1}, False),
        ({"requests": 2, "connects": 3, "inside": 2, "raw": 1, "under_way": 1}, True),
        ({"requests": 2, "connects": 3, "inside": 2, "raw": 1, "unrecorded": 1}, False),
        ({"requests": 0, "connects": 3, "inside": 2, "raw": 1}, False),
    ],
    ids=["one more than recorded", "one still under way", "one given up", "one recorded that was not seen"],
)
def test_a_request_without_a_leaf_shows(world: World, counted: dict[str, int], holds: bool) -> None:
    assert run_of(world, **counted).holds is holds


def test_a_run_that_ended_before_its_first_count_is_said(world: World) -> None:
    found = run_of(world, requests=1, connects=3, inside=2, raw=1)

    assert found.remarks == ("1 runs ended before their first count (gateway.heartbeat)",)


# -- what the provider counted --------------------------------------------------------------------------------------------

HELD = json.dumps({"connections": {"connections": [{"id": "openai", "provider": "openai", "usage_keys": ["key_1"]}]}})
DAYS = ("2026-11-02", "2026-11-03", "2026-11-04")


def held(world: World) -> None:
    """The same rules, and which key is ours."""
    import hashlib

    content = HELD.encode()
    appended(world, PolicyLoaded("sha256:" + hashlib.sha256(content).hexdigest(), content, actor="os|root"))


def recorded(world: World) -> list[UsageRow]:
    """What an honest provider would export."""
    with Store.reader(world.database) as database:
        query = "SELECT substr(sent_at, 1, 10), count(*), sum(input_tokens), sum(output_tokens) FROM exchanges WHERE provider = 'openai' AND sent_at IS NOT NULL GROUP BY 1"
        return [UsageRow("openai", day, "key_1", "gpt-5", *amounts) for day, *amounts in database.execute(query)]


def test_a_provider_that_counted_what_is_recorded_leaves_no_difference(world: World) -> None:
    held(world)

    found = equation(world, "provider", *recorded(world))

    assert (found.holds, found.gaps) == (True, ())


def test_requests_past_the_gateway_are_a_difference_by_day_and_connection(world: World) -> None:
    held(world)
    first, *rest = recorded(world)
    more = UsageRow("openai", first.day, "key_1", "gpt-5", 3, 30, 5)

    found = equation(world, "provider", first, more, *rest)

    assert found.holds is False
    assert [(gap.finding, gap.what) for gap in found.gaps] == [
        (f"usage:openai:openai:{first.day}", f"openai, openai, {first.day}: +3 requests, +30 input tokens, +5 output tokens, provider minus record"),
    ]  # fmt: skip


def test_calls_that_the_provider_did_not_count_are_a_difference_too(world: World) -> None:
    held(world)
    _first, *rest = recorded(world)

    found = equation(world, "provider", UsageRow("openai", _first.day, "key_1", "gpt-5", 0, 0, 0), *rest)

    assert "-" in found.gaps[0].what


def test_a_key_that_the_gateway_does_not_hold_stays_unexplained_until_a_person_explains_it(world: World) -> None:
    held(world)
    foreign = UsageRow("openai", DAYS[0], "key_other", "gpt-5", 7, 70, 7)
    before = equation(world, "provider", *recorded(world), foreign)

    explained = {"finding": "usage:openai:key_other", "reason": "the batch team", "os_user": "os|root"}
    appended(world, Event("finding", actor="local|bob", attrs={"code": "explained"}, meta=explained))
    after = equation(world, "provider", *recorded(world), foreign)

    assert (before.holds, before.gaps[0].finding, before.gaps[0].explained) == (False, "usage:openai:key_other", None)
    assert after.holds is True
    assert after.gaps[0].explained is not None
    assert (after.gaps[0].explained.who, after.gaps[0].explained.reason) == ("local|bob", "the batch team")


def test_an_export_that_does_not_tell_keys_apart_is_compared_in_total(world: World) -> None:
    rows = [
        UsageRow(row.provider, row.day, "", row.model, row.requests, row.input_tokens, row.output_tokens)
        for row in recorded(world)
    ]

    assert equation(world, "provider", *rows).holds is True


def test_an_export_that_counts_tokens_only_is_compared_by_tokens(world: World) -> None:
    held(world)
    rows = [
        UsageRow(row.provider, row.day, row.key, row.model, None, row.input_tokens, row.output_tokens)
        for row in recorded(world)
    ]

    found = equation(world, "provider", *rows)

    assert (found.holds, found.left[0][0]) == (True, "output tokens by the provider's count")


# -- approvals, times, exposures --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE approvals SET approver = requester WHERE id = 'ap_1'", "approved by who asked"),
        ("UPDATE approvals SET state = 'denied' WHERE id = 'ap_1'", "it is denied"),
        ("UPDATE grants SET used_at = '2026-12-01T00:00:00.000000Z'", "not in this order"),
        ("UPDATE grants SET used_at = '2026-11-01T00:00:00.000000Z'", "not in this order"),
        ("UPDATE roles SET ended_at = '2026-11-02T23:00:00.000000Z'", "local|bob had none of data-owners"),
        ("UPDATE roles SET granted_at = '2026-11-29T00:00:00.000000Z'", "local|bob had none of data-owners"),
        ("DELETE FROM approvals WHERE id = 'ap_1'", "its approval is not there"),
    ],
    ids=["by oneself", "denied", "used late", "used before", "right ended before", "right given after", "gone"],
)
def test_a_held_call_that_no_approval_covers_is_named(world: World, change: str, said: str) -> None:
    changed(world, change)

    found = equation(world, "approvals")

    assert found.holds is False
    assert [gap.finding for gap in found.gaps] == [exchange(world, "approval_id = 'ap_1'")]
    assert said in found.gaps[0].what


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE exchanges SET sent_at = NULL WHERE outcome = 'completed' AND opened_seq = (SELECT min(opened_seq) FROM exchanges)",
        "UPDATE exchanges SET sent_at = '2026-11-01T00:00:00.000000Z' WHERE opened_seq = (SELECT min(opened_seq) FROM exchanges)",
        "UPDATE exchanges SET closed_at = '2026-11-01T00:00:00.000000Z' WHERE opened_seq = (SELECT min(opened_seq) FROM exchanges)",
        "UPDATE exchanges SET first_chunk_at = '2026-12-01T00:00:00.000000Z' WHERE opened_seq = (SELECT min(opened_seq) FROM exchanges)",
        "UPDATE exchanges SET closed_at = NULL WHERE opened_seq = (SELECT min(opened_seq) FROM exchanges)",
    ],
    ids=["not sent", "sent before", "closed before", "reply after the end", "no end"],
)
def test_a_time_that_is_missing_or_out_of_order_is_named(world: World, change: str) -> None:
    changed(world, change)

    found = equation(world, "times")

    assert (found.holds, len(found.gaps)) == (False, 1)


def test_a_clock_that_went_back_is_said(world: World) -> None:
    world.clock.jump(days=-3)
    seq = appended(world, Event("gateway.heartbeat"))

    assert (
        f"1 leaves are earlier than the one before them: the clock was set back, last at leaf {seq}"
        in equation(world, "times").remarks
    )


def test_values_that_a_provider_saw_though_a_rule_keeps_them_from_it_are_named(world: World) -> None:
    """The rules of the world say nothing of the wire; had they said `wire: request`, the card number should not have gone on."""
    with_rule = json.dumps({"masking": {"rules": [{"id": "cards", "wire": "request"}]}})
    changed(world, f"UPDATE policies SET content = '{with_rule}'")

    found = equation(world, "exposures")

    assert found.holds is False
    assert "1 CREDIT_CARD went on as they were" in found.gaps[0].what
