"""What a rule can look at and how people agree, each through one real gateway: the same call once as the rule wants it, and once just not."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.end_to_end.gateway import Bench, Template, bench

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def day(ahead: int) -> str:
    return DAYS[(datetime.now(UTC) + timedelta(days=ahead)).weekday()]


def hours(ahead: int, length: int) -> str:
    """A span of the clock's hours, over midnight too; what is near its edge may pass it while the tests run."""
    first = (datetime.now(UTC).hour + ahead) % 24
    return f"{first}-{(first + length) % 24}"


def approval() -> str:
    """Each rule has a model of its own."""
    hold = "then: hold, hold_seconds: 1, expires_seconds: 3600"
    return f"""\
version: 1
rules:
  - {{id: pictures, when: {{direction: request, models: ["gpt-picture*"], attachments: {{types: ["image/*"], least_bytes: 1000}}}}, then: deny}}
  - {{id: sounds, when: {{direction: request, models: ["gpt-sound*"], attachments: {{types: ["audio/*"]}}}}, then: deny}}
  - {{id: papers, when: {{direction: request, models: ["gpt-paper*"], attachments: {{types: ["application/pdf"], least_bytes: 500}}}}, then: deny}}
  - {{id: uploads, when: {{direction: request, endpoints: [files], attachments: {{types: ["application/pdf"], least_bytes: 500}}}}, then: deny}}
  - {{id: these-hours, when: {{direction: request, models: ["gpt-hour*"], time: {{hours: {hours(-1, 3)}, zone: UTC}}}}, then: deny}}
  - {{id: other-hours, when: {{direction: request, models: ["gpt-other-hour*"], time: {{hours: {hours(4, 16)}, zone: UTC}}}}, then: deny}}
  - {{id: long, when: {{direction: request, models: ["gpt-long*"], estimated_tokens: 1000}}, then: deny}}
  - {{id: today, when: {{direction: request, models: ["gpt-today*"], time: {{weekdays: [{day(-1)}, {day(0)}, {day(1)}], hours: 0-24}}}}, then: deny}}
  - {{id: another-day, when: {{direction: request, models: ["gpt-later*"], time: {{weekdays: [{day(3)}]}}}}, then: deny}}
  - {{id: first, when: {{direction: request, models: ["gpt-new*"], first_use: model}}, then: observe}}
  - {{id: two, when: {{direction: request, models: ["gpt-two*"]}}, {hold}, approvers: {{groups: [data-owners], count: 2}}}}
  - {{id: both, when: {{direction: request, models: ["gpt-both*"]}}, {hold}, approvers: {{groups: [data-owners], also: [{{groups: [security]}}]}}}}
  - {{id: glass, when: {{direction: request, models: ["gpt-glass*"]}}, {hold}, approvers: {{groups: [data-owners], count: 2, break_glass: [on-call]}}}}
  - {{id: often, when: {{direction: request, models: ["gpt-often*"]}}, {hold}, approvers: {{groups: [data-owners]}}, alarm_holds: 2}}
  - {{id: window, when: {{direction: request, models: ["gpt-window*"]}}, {hold}, approvers: {{groups: [data-owners]}}, scopes: [exact, session, minutes], most_minutes: 30}}
"""


@pytest.fixture(scope="module")
def made(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    people = {"dora": ("data-owners",), "sid": ("security",), "olga": ("on-call",), "ned": ("engineering",)}
    with bench(template, tmp_path_factory.mktemp("rules"), approval=approval()) as one:
        one.tokens.update({name: one.state.mint(name, *groups) for name, groups in people.items()})
        yield one


def ask(made: Bench, model: str, content: Any = "say: done", *, session: str = "") -> int:
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": content}]}).encode()
    return made.raw("base_url", body, headers=(("x-session-id", session),) if session else ()).status


def picture(size: int) -> list[dict[str, Any]]:
    url = f"data:image/png;base64,{b64encode(bytes(size)).decode()}"
    return [{"type": "text", "text": "say: seen"}, {"type": "image_url", "image_url": {"url": url}}]


def sound(_size: int) -> list[dict[str, Any]]:
    data = b64encode(bytes(300)).decode()
    return [
        {"type": "text", "text": "say: heard"},
        {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}},
    ]


def paper(size: int, kind: str = "application/pdf") -> list[dict[str, Any]]:
    data = f"data:{kind};base64,{b64encode(bytes(size)).decode()}"
    return [{"type": "text", "text": "say: read"}, {"type": "file", "file": {"filename": "a.pdf", "file_data": data}}]


@pytest.mark.parametrize(
    ("model", "content", "status"),
    [
        ("gpt-sound", sound(300), 403),
        ("gpt-sound", picture(3000), 200),
        ("gpt-paper", paper(500), 403),
        ("gpt-paper", paper(499), 200),
        ("gpt-paper", paper(500, "text/csv"), 200),
        ("gpt-hour", "say: now", 403),
        ("gpt-other-hour", "say: now", 200),
        ("gpt-picture", picture(1000), 403),
        ("gpt-picture", picture(999), 200),
        ("gpt-long", "say: " + "word " * 800, 403),
        ("gpt-long", "say: " + "word " * 700, 200),
        ("gpt-today", "say: now", 403),
        ("gpt-later", "say: now", 200),
    ],
    ids=[
        "sound",
        "no sound",
        "large document",
        "small one",
        "another kind",
        "its hours",
        "other hours",
        "large image",
        "small image",
        "many tokens",
        "fewer",
        "its weekday",
        "another weekday",
    ],
)
def test_a_request_is_denied_for_what_the_rule_names_and_only_for_that(
    made: Bench, model: str, content: Any, status: int
) -> None:
    before, count = made.last_seq(), made.provider.count

    assert ask(made, model, content) == status
    assert made.provider.count == count + (status == 200)
    assert made.closed_exchange(before)["outcome"] == ("completed" if status == 200 else "denied")


@pytest.mark.parametrize(
    ("kind", "size", "status"), [("application/pdf", 500, 403), ("application/pdf", 499, 200), ("text/plain", 500, 200)]
)
def test_a_file_that_is_uploaded_is_an_attachment_too(made: Bench, kind: str, size: int, status: int) -> None:
    count = made.provider.count
    body = (
        b'--cut\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nassistants\r\n--cut\r\n'
        b'Content-Disposition: form-data; name="file"; filename="a.bin"\r\nContent-Type: %b\r\n\r\n%b\r\n--cut--\r\n'
    ) % (kind.encode(), b"a" * size)

    answer = made.raw(
        "base_url", body, path="/v1/files", headers=(("content-type", "multipart/form-data; boundary=cut"),)
    )

    assert (answer.status == 403) == (status == 403)
    assert made.provider.count == count + (status == 200)


def test_a_first_use_is_observed_once_and_hinders_nobody(made: Bench) -> None:
    def seen(model: str) -> bool:
        before = made.last_seq()
        assert ask(made, model) == 200
        made.closed_exchange(before)
        return any("rule_observe" in event["leaf"] for event in made.events_since(before, "finding"))

    assert [seen("gpt-new-1"), seen("gpt-new-1"), seen("gpt-new-2")] == [True, False, True]


def held(made: Bench, model: str) -> str:
    """The approval that a call waits for, once its own hold is over."""
    count, before = made.provider.count, {row["id"] for row in made.pending()}
    assert ask(made, model) == 409
    assert made.provider.count == count
    (found,) = {str(row["id"]) for row in made.pending()} - before
    return found


def approve(made: Bench, approval_id: str, who: str, *more: str) -> str:
    done = made.state.run(
        "approvals", "approve", approval_id, "--reason", "checked", *more, token=made.tokens[who], check=False
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("model", "first", "second"),
    [("gpt-two", "bob", "dora"), ("gpt-both", "bob", "sid")],
    ids=["two of a group", "two groups"],
)
def test_one_of_two_is_not_enough_nor_is_one_person_twice(made: Bench, model: str, first: str, second: str) -> None:
    approval_id = held(made, model)

    approve(made, approval_id, first)
    again = approve(made, approval_id, first)
    between = ask(made, model)
    approve(made, approval_id, second)

    assert "error:" in again
    assert between == 409
    assert ask(made, model) == 200


def test_a_delegate_decides_for_a_group_until_it_is_taken_back(made: Bench) -> None:
    def delegate(*more: str) -> None:
        words = ("approvals", "delegate", "--to", "local|ned", "--group", "security", *more)
        made.state.run(*words, token=made.tokens["sid"])

    approval_id = held(made, "gpt-both-delegated")
    approve(made, approval_id, "bob")
    without = approve(made, approval_id, "ned")
    delegate()
    approve(made, approval_id, "ned")
    allowed = ask(made, "gpt-both-delegated")
    delegate("--end")
    other = held(made, "gpt-both-later")
    ended = approve(made, other, "ned")
    made.decide("deny", other)

    assert "error:" in without
    assert allowed == 200
    assert "error:" in ended


def test_glass_is_broken_alone_flagged_and_reviewed_later(made: Bench) -> None:
    approval_id = held(made, "gpt-glass")

    approve(made, approval_id, "olga", "--break-glass")
    assert ask(made, "gpt-glass") == 200
    flagged = made.state.json("approvals", "show", approval_id, token=made.tokens["bob"])
    reviewed = made.state.run(
        "approvals", "review", approval_id, "--justified", "--reason", "an outage", token=made.tokens["bob"]
    )

    assert "break_glass" in json.dumps(flagged)
    assert "error:" not in reviewed.stdout + reviewed.stderr


def test_a_rule_that_holds_too_often_alarms_once_it_does(made: Bench) -> None:
    before = made.last_seq()
    alarms = []
    for number in range(3):
        made.decide("deny", held(made, f"gpt-often-{number}"))
        alarms.append(sum("rule_holds_too_much" in event["leaf"] for event in made.events_since(before, "finding")))

    assert alarms == [0, 0, 1]


def test_a_window_lets_other_calls_through_until_it_is_revoked(made: Bench) -> None:
    approval_id = held(made, "gpt-window-1")
    approve(made, approval_id, "bob", "--minutes", "10")

    inside = [ask(made, "gpt-window-1"), ask(made, "gpt-window-2"), ask(made, "gpt-window-3")]
    made.state.run("approvals", "revoke", approval_id, token=made.tokens["bob"])
    after = held(made, "gpt-window-4")
    made.decide("deny", after)
    grants = made.rows("SELECT scope, revoked_at FROM grants WHERE approval_id = ?", approval_id)

    assert inside == [200, 200, 200]
    assert [(row["scope"], bool(row["revoked_at"])) for row in grants] == [("minutes", True)]


def test_a_session_goes_on_until_it_is_revoked_and_another_asks_anew(made: Bench) -> None:
    def held_in(session: str, model: str) -> str:
        before = {row["id"] for row in made.pending()}
        assert ask(made, model, session=session) == 409
        (found,) = {str(row["id"]) for row in made.pending()} - before
        return found

    approval_id = held_in("one", "gpt-window-5")
    approve(made, approval_id, "bob", "--session")

    inside = [ask(made, f"gpt-window-{number}", session="one") for number in (5, 6, 7)]
    other = held_in("two", "gpt-window-8")
    made.state.run("approvals", "revoke", approval_id, token=made.tokens["bob"])
    after = held_in("one", "gpt-window-9")
    for waiting in (other, after):
        made.decide("deny", waiting)
    grants = made.rows("SELECT scope, revoked_at FROM grants WHERE approval_id = ?", approval_id)

    assert inside == [200, 200, 200]
    assert [(row["scope"], bool(row["revoked_at"])) for row in grants] == [("session", True)]
