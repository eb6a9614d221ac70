"""Headers, queries, paths and bodies: what is a credential by its place, and what is searched."""

import pytest

from addons.masks.rules import Action, Rule


@pytest.fixture
def redacting(scope):
    return scope(Rule("r", ("*",), Action.REDACT))


@pytest.mark.parametrize(
    "name",
    [
        "Authorization", "proxy-authorization", "Cookie", "Set-Cookie", "x-api-key", "API-KEY", "x-goog-api-key", "X-Auth-Token",
        "x-amz-security-token", "OpenAI-Organization", "ocp-apim-subscription-key", "x-github-token",
    ],
)  # fmt: skip
def test_a_credential_header_is_redacted_by_name(scope, name):
    masked = scope(Rule("none", (), Action.KEEP)).headers([(name, "short")])

    assert masked.pairs == ((name, "[CREDENTIAL]"),)
    assert [(hit.location, hit.rule) for hit in masked.hits] == [(f"header:{name.lower()}", "always")]


@pytest.mark.parametrize(
    "name", ["accept", "content-type", "user-agent", "x-request-id", "x-ratelimit-remaining-tokens", "host"]
)
def test_other_headers_are_searched(redacting, name):
    assert redacting.headers([(name, "ok")]).pairs == ((name, "ok"),)
    assert redacting.headers([(name, "jane@example.com")]).pairs == ((name, "[EMAIL_ADDRESS]"),)


def test_a_bare_number_in_a_header_is_an_id(redacting):
    assert redacting.headers([("x-trace", "078051123")]).pairs == (("x-trace", "078051123"),)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("key=abc&q=hi", "key=[CREDENTIAL]&q=hi"),
        ("api_key=abc;sig=x", "api_key=[CREDENTIAL];sig=[CREDENTIAL]"),
        ("v=4111+1111+1111+1111", "v=[CREDIT_CARD]"),
        ("v=4111%201111%201111%201111&flag", "v=[CREDIT_CARD]&flag"),
        ("to=jane%40example.com", "to=[EMAIL_ADDRESS]"),
        ("jane%40example.com=1", "[EMAIL_ADDRESS]=1"),
        ("my_token=x", "my_token=[CREDENTIAL]"),
        ("", ""),
        ("a=1&&b=", "a=1&&b="),
    ],
)
def test_a_query_is_read_by_parameter(redacting, query, expected):
    assert redacting.query(query).text == expected


def test_a_query_hit_says_which_parameter(redacting):
    (hit,) = redacting.query("q=jane%40example.com").hits

    assert hit.location == "query:q"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/chat/completions", "/v1/chat/completions"),
        ("/users/jane%40example.com/cards/4111111111111111", "/users/[EMAIL_ADDRESS]/cards/[CREDIT_CARD]"),
        ("/v1/x?key=abc", "/v1/x?key=[CREDENTIAL]"),
    ],
)
def test_a_path_is_searched(redacting, path, expected):
    assert redacting.path(path).text == expected


MULTIPART = (
    b'--b0\r\nContent-Disposition: form-data; name="note"; filename="jane@example.com.txt"\r\n\r\ncard 4111111111111111\r\n'
    b'--b0\r\nContent-Disposition: form-data; name="password"\r\n\r\nabc\r\n'
    b'--b0\r\nContent-Disposition: form-data; name="image"\r\nContent-Type: image/png\r\n\r\n\x89PNG\x00\x01\r\n--b0--\r\n'
)


def test_multipart_parts_and_file_names_are_searched(redacting):
    masked = redacting.document(MULTIPART, "multipart/form-data; boundary=b0")

    assert masked.form == "multipart"
    assert 'filename="[EMAIL_ADDRESS].txt"' in masked.text
    assert "card [CREDIT_CARD]" in masked.text
    assert "abc" not in masked.text
    assert "PNG" not in masked.text


@pytest.mark.parametrize(
    ("content", "content_type", "form", "text"),
    [
        (b'{"card":4111111111111111}', "application/json", "json", '{"card":"[CREDIT_CARD]"}'),
        (b'{"a" : 1.0}', "application/json; charset=utf-8", "json", '{"a" : 1.0}'),
        (
            b"card=4111111111111111&password=x",
            "application/x-www-form-urlencoded",
            "form",
            "card=[CREDIT_CARD]&password=[CREDENTIAL]",
        ),
        (b"card 4111111111111111", "text/plain", "text", "card [CREDIT_CARD]"),
        (b'{"card":', "application/json", "text", '{"card":'),
        (b"caf\xe9 4111111111111111", "text/plain; charset=latin-1", "text", "café [CREDIT_CARD]"),
        (b"\x89PNG\x00\x01", "image/png", "binary", ""),
        (b"plain", "", "text", "plain"),
        (b"", "application/json", "text", ""),
    ],
)
def test_a_body_is_read_by_its_content_type(redacting, content, content_type, form, text):
    masked = redacting.document(content, content_type)

    assert (masked.form, masked.text) == (form, text)


def test_a_multipart_body_without_its_boundary_is_text(redacting):
    masked = redacting.document(b"card 4111111111111111", "multipart/form-data")

    assert masked.text == "card [CREDIT_CARD]"
