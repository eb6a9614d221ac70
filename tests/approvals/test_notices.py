"""addons/approvals/notices.py: what webhooks are told, in three forms; nothing in a name is markup, nothing of a payload slips in."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from addons.approvals.notices import Notice, message, signature
from addons.approvals.state import Shown

NOTICE = Notice(
    "requested",
    datetime(2026, 11, 25, 9, tzinfo=UTC),
    "destructive-sql",
    requester="local|alice",
    purpose="invoice 4711",
    groups=("data-owners",),
    approval_id="ap_1",
    exchange_id="ex_1",
    state="pending",
    expires_at=datetime(2026, 11, 25, 10, tzinfo=UTC),
    why=("commands: sql drop",),
    shown=(Shown("run_sql", '{"query":"DROP TABLE [secret-table]"}'),),
)
FORMS = ("slack", "teams", "json")


def told(form: str, notice: Notice = NOTICE, *, link: str = "", payload: bool = False) -> str:
    return message(form, notice, link=link, payload=payload).decode()


@pytest.mark.parametrize("form", FORMS)
def test_a_message_names_rule_requester_and_who_may_decide(form):
    text = told(form)

    for word in ("destructive-sql", "alice", "invoice 4711", "data-owners", "ap_1"):
        assert word in text


@pytest.mark.parametrize("form", FORMS)
def test_nothing_of_a_payload_is_told_unless_policy_says_so(form):
    assert "secret-table" not in told(form)
    assert "secret-table" in told(form, payload=True)


@pytest.mark.parametrize("form", FORMS)
def test_the_link_leads_straight_to_the_approval(form):
    assert "https://gateway.example:8443/approvals/ap_1" in told(form, link="https://gateway.example:8443")
    assert "gateway.example" not in told(form)


HOSTILE = "<!channel> <https://evil.example|click> *bold* [x](https://evil.example)\x1b[2J\u202egnp\r\nrule: other"


@pytest.mark.parametrize("form", FORMS)
def test_control_characters_and_line_breaks_in_a_name_stay_text(form):
    text = json.dumps(json.loads(told(form, replace(NOTICE, requester=HOSTILE, purpose=HOSTILE))), ensure_ascii=False)

    if form == "json":  # data: whoever shows it escapes it; it is carried as it is
        assert json.loads(text)["requester"] == HOSTILE
        return
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\\nrule: other" not in text


def test_slack_reads_no_mention_and_no_link_in_a_name():
    (block,) = json.loads(told("slack", replace(NOTICE, requester=HOSTILE)))["blocks"]

    assert "<!channel>" not in block["text"]["text"]
    assert "&lt;!channel&gt;" in block["text"]["text"]
    assert "<https://evil" not in block["text"]["text"]


def test_slack_code_cannot_be_ended_by_what_it_shows():
    notice = replace(NOTICE, shown=(Shown("x", "``` <!here>"),))

    (block,) = json.loads(told("slack", notice, payload=True))["blocks"]

    assert block["text"]["text"].count("```") == 2
    assert "<!here>" not in block["text"]["text"]


def test_teams_gets_an_adaptive_card_in_which_a_name_is_no_link():
    card = json.loads(told("teams", replace(NOTICE, requester=HOSTILE), link="https://g.example"))
    (attachment,) = card["attachments"]

    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    facts = {fact["title"]: fact["value"] for fact in attachment["content"]["body"][1]["facts"]}
    assert "](https" not in facts["requester"]
    assert attachment["content"]["actions"][0]["url"] == "https://g.example/approvals/ap_1"


def test_a_receiver_checks_the_signature_with_its_secret_time_and_body():
    body = message("json", NOTICE, link="", payload=False)

    made = signature(b"secret", 1764028800, body)

    assert made == "v1=" + hmac.new(b"secret", b"1764028800." + body, hashlib.sha256).hexdigest()
    assert made != signature(b"secret", 1764028801, body)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("happening", ["requested", "decided", "expired", "break_glass", "notify", "alarm"])
def test_everything_that_happens_has_a_message(form, happening):
    assert json.loads(told(form, replace(NOTICE, happening=happening)))
