"""Credentials that the gateway put on itself, redacted by value."""

import base64
import json
from urllib.parse import quote

import pytest

from addons.masks.rules import Action, Rule

SECRET = 'upstream/key+with=odd "signs" 0123'


@pytest.fixture
def keeping(scope):
    """No rule masks anything: what is redacted is redacted by value."""
    return scope(Rule("none", (), Action.KEEP), secrets=[SECRET])


@pytest.mark.parametrize(
    "echo",
    [
        SECRET,
        json.dumps(SECRET)[1:-1],
        json.dumps(json.dumps(SECRET)[1:-1])[1:-1],
        quote(SECRET),
        quote(SECRET, safe=""),
        quote(SECRET, safe="").lower(),
        SECRET.encode().hex(),
        base64.b64encode(SECRET.encode()).decode(),
        base64.b64encode(f"user:{SECRET}".encode()).decode(),
        base64.b64encode(f"ab:{SECRET}:cd".encode()).decode(),
        base64.urlsafe_b64encode(f"x{SECRET}".encode()).decode(),
    ],
)
def test_a_credential_is_redacted_in_every_form_it_travels_in(keeping, echo):
    masked = keeping.text(f"bad key '{echo}' given")

    assert masked.text == "bad key '[CREDENTIAL]' given"
    assert [(hit.entity, hit.rule) for hit in masked.hits] == [("CREDENTIAL", "always")]


def test_a_credential_is_redacted_in_json_and_headers(keeping):
    assert keeping.json({"error": {"message": f"key {SECRET}"}}).value == {"error": {"message": "key [CREDENTIAL]"}}
    assert keeping.headers([("x-echo", SECRET)]).pairs == (("x-echo", "[CREDENTIAL]"),)


def test_the_scheme_before_a_credential_is_not_part_of_it(scope):
    assert scope(secrets=["Bearer sk-0123456789"]).text("got sk-0123456789").text == "got [CREDENTIAL]"


def test_a_value_of_a_few_letters_tears_nothing_out(scope):
    assert scope(secrets=["abc", ""]).text("the abc of it").text == "the abc of it"


def test_a_rule_cannot_keep_a_credential(scope):
    keep = Rule("k", ("CREDENTIAL",), Action.KEEP)

    assert scope(keep, secrets=["sk-0123456789"]).text("sk-0123456789").text == "[CREDENTIAL]"
