"""addons/tokens/credentials.py: where a request carries a credential."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.tokens.credentials import HEADER_CHARACTERS, Holds, api_key_slot, api_key_slots, proxy_authorization
from addons.tokens.gateway_token import TokenRefused

TOKEN = "afd_" + "A" * 43
OTHER = "afd_" + "B" * 43
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln"


def basic(text: str | bytes) -> str:
    return "Basic " + b64encode(text.encode() if isinstance(text, str) else text).decode()


@pytest.mark.parametrize(
    ("header", "token"),
    [
        (basic(f"affidavit:{TOKEN}"), TOKEN),
        (basic(f"affidavit:{TOKEN}").replace("Basic", "basic"), TOKEN),
        ("  " + basic(f"affidavit:{TOKEN}") + " ", TOKEN),
        (basic(f"affidavit:{JWT}"), JWT),
        (f"Bearer {TOKEN}", TOKEN),
        (f"bearer   {JWT}", JWT),
        (basic("affidavit:afd_short"), "afd_short"),  # the registry says what is wrong with it
    ],
)
def test_a_proxy_credential_is_read(header, token):
    assert proxy_authorization(header) == token


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("", "token_missing"),
        ("  ", "token_missing"),
        ("Basic", "token_malformed"),
        ("Basic ", "token_malformed"),
        (TOKEN, "token_malformed"),
        (f"Digest {TOKEN}", "token_malformed"),
        (f"Bearer {TOKEN} {TOKEN}", "token_malformed"),
        (f"Bearer {TOKEN}\r\nX: y", "token_malformed"),
        (f"Bearer {TOKEN}é", "token_malformed"),
        ("Bearer sk-proj-abcdef", "token_malformed"),
        ("Bearer a.b", "token_malformed"),
        ("Bearer " + "a." * HEADER_CHARACTERS, "token_malformed"),
        (basic("affidavit"), "token_malformed"),
        (basic("affidavit:"), "token_malformed"),
        (basic(f"alice:{TOKEN}"), "token_malformed"),
        (basic(f"Affidavit:{TOKEN}"), "token_malformed"),
        (basic(f":{TOKEN}"), "token_malformed"),
        (basic(f"affidavit:{TOKEN}:x").replace("=", ""), "token_malformed"),
        (basic(b"affidavit:\xff\xfe"), "token_malformed"),
        (basic(b"affidavit:afd_\xff\xfe"), "token_malformed"),
        (basic(f"affidavit:{JWT} x"), "token_malformed"),
        ("Basic !!!!", "token_malformed"),
        ("Basic " + basic("affidavit:x")[6:] + "====", "token_malformed"),
    ],
)
def test_a_proxy_credential_is_refused_with_what_to_do_and_without_showing_it(header, code):
    with pytest.raises(TokenRefused) as refused:
        proxy_authorization(header)

    assert refused.value.code == code
    assert "affidavit " in refused.value.hint
    assert TOKEN not in str(refused.value)
    assert refused.value.__cause__ is None


@given(st.text())
def test_any_header_is_a_token_or_refused(header):
    try:
        token = proxy_authorization(header)
    except TokenRefused:
        return
    assert token.isascii()


@pytest.mark.parametrize(
    ("headers", "query", "slots"),
    [
        ([("Authorization", f"Bearer {TOKEN}")], "", [("header:authorization", Holds.TOKEN, TOKEN)]),
        ([("AUTHORIZATION", f"bearer  {TOKEN} ")], "", [("header:authorization", Holds.TOKEN, TOKEN)]),
        ([("Authorization", f"Bearer {JWT}")], "", [("header:authorization", Holds.JWT, JWT)]),
        ([("Authorization", "Bearer sk-abc")], "", [("header:authorization", Holds.KEY, "sk-abc")]),
        ([("Authorization", "Basic abc")], "", [("header:authorization", Holds.KEY, "Basic abc")]),
        (
            [("Authorization", "AWS4-HMAC-SHA256 Credential=a")],
            "",
            [("header:authorization", Holds.KEY, "AWS4-HMAC-SHA256 Credential=a")],
        ),
        ([("x-api-key", TOKEN)], "", [("header:x-api-key", Holds.TOKEN, TOKEN)]),
        ([("api-key", TOKEN)], "", [("header:api-key", Holds.TOKEN, TOKEN)]),
        ([("X-Goog-Api-Key", "AIzaabc")], "", [("header:x-goog-api-key", Holds.KEY, "AIzaabc")]),
        ([], f"alt=sse&key={TOKEN}", [("query:key", Holds.TOKEN, TOKEN)]),
        ([], "key=AIza%2Dabc", [("query:key", Holds.KEY, "AIza-abc")]),
        ([], "Key=AIza", [("query:Key", Holds.KEY, "AIza")]),
        ([], f"k%65y={TOKEN}", [("query:key", Holds.TOKEN, TOKEN)]),
        ([], "key=a&key=b", [("query:key", Holds.KEY, "a"), ("query:key", Holds.KEY, "b")]),
        (
            [("x-api-key", "a"), ("x-api-key", TOKEN)],
            "",
            [("header:x-api-key", Holds.KEY, "a"), ("header:x-api-key", Holds.TOKEN, TOKEN)],
        ),
        ([("x-api-key", " ")], "key=", []),
        ([("content-type", TOKEN), ("cookie", TOKEN)], f"monkey={TOKEN}", []),
        ([("Authorization", "Bearer afd_short")], "", [("header:authorization", Holds.TOKEN, "afd_short")]),
    ],
)
def test_the_api_key_slots_are_read(headers, query, slots):
    assert [(slot.place, slot.holds, slot.value) for slot in api_key_slots(headers, query)] == slots


@pytest.mark.parametrize(
    ("headers", "query", "tokens"),
    [
        ([("x-api-key", TOKEN), ("authorization", f"Bearer {TOKEN}")], "", (TOKEN,)),
        ([("x-api-key", TOKEN), ("authorization", "Bearer sk-abc")], "", (TOKEN,)),
        ([("x-api-key", TOKEN)], f"key={OTHER}", (TOKEN, OTHER)),
        ([("x-api-key", JWT)], "", ()),
    ],
)
def test_different_tokens_are_told_apart(headers, query, tokens):
    assert api_key_slot(headers, query) == tokens


def test_a_slot_does_not_show_what_it_holds():
    assert TOKEN not in repr(api_key_slots([("x-api-key", TOKEN)], f"key={OTHER}"))


@given(st.lists(st.tuples(st.sampled_from(["authorization", "x-api-key", "other"]), st.text())), st.text())
def test_any_headers_and_query_can_be_read(headers, query):
    assert all(slot.value for slot in api_key_slots(headers, query))
