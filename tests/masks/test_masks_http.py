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


FORM = "multipart/form-data; boundary=b"
PICTURE = bytes(range(256)) * 4


def field(head: str, content: bytes) -> bytes:
    return b"--b\r\nContent-Disposition: form-data; " + head.encode() + b"\r\n\r\n" + content + b"\r\n"


def test_a_multipart_body_is_sent_on_with_its_texts_masked_and_all_else_as_it_was(redacting):
    before = (
        field('name="file"; filename="of jane@example.com, 1.jsonl"\r\nContent-Type: application/jsonl', b'{"to":"jane@example.com"}')
        + field('name="image"; filename="a.png"\r\nContent-Type: image/png', PICTURE)
        + field('name="note"\r\nContent-Type: text/plain; charset=iso-8859-1', "f\u00fcr jane@example.com".encode("latin-1"))
        + field('name="model"', b"whisper-1")
        + b"--b--\r\n"
    )  # fmt: skip

    masked = redacting.body(before, FORM)

    assert masked.content == before.replace(b"jane@example.com", b"[EMAIL_ADDRESS]")
    assert [(hit.location, hit.count) for hit in masked.hits] == [
        ("part:0", 1), ("part:0/to", 1), ("part:2", 1),
    ]  # fmt: skip


def test_a_body_without_a_value_is_sent_on_byte_for_byte(redacting):
    for body, kind in (
        (field('name="a"', PICTURE) + b"--b--", FORM),
        (b"a=1&&b=", "application/x-www-form-urlencoded"),
    ):
        assert redacting.body(body, kind).content == body


def test_lengths_and_encoded_file_names_in_a_part_stay_right(redacting):
    before = (
        field("name=\"f\"; filename*=UTF-8''jane%40example.com\r\nContent-Length: 16", b"jane@example.com") + b"--b--"
    )

    masked = redacting.body(before, FORM).content

    assert b"filename*=%5BEMAIL_ADDRESS%5D\r\n" in masked or b"filename*=UTF-8''%5BEMAIL_ADDRESS%5D\r\n" in masked
    assert b"Content-Length: 15\r\n\r\n[EMAIL_ADDRESS]" in masked


@pytest.mark.parametrize(
    "body",
    [
        field('name="jane@example.com"', b"x") + b"--b--",  # a name that the provider reads
        field('name="f"\r\nContent-Transfer-Encoding: base64', b"amFuZUBleGFtcGxlLmNvbQ==") + b"--b--",
        field('name="f"', b"jane@example.com"),  # no end
        b"jane@example.com\r\n" + field('name="f"', b"x") + b"--b--",
        field('name="f"', b"x") + b"--b--\r\njane@example.com",
        field('name="f"', b"x") + b"--b--\r\n" + field('name="f"', b"jane@example.com") + b"--b--",
        field('name="f"\r\nContent-Type: text/plain', b"\xff jane@example.com") + b"--b--",  # its bytes would be lost
        field('name="f"\r\nContent-Type: multipart/mixed; boundary=c', b"--c\r\n\r\njane@example.com") + b"--b--",
    ],
    ids=["name", "encoded", "unclosed", "before", "after", "two ends", "not its charset", "torn inside"],
)  # fmt: skip
def test_what_cannot_be_masked_in_its_place_gives_no_body(redacting, body):
    assert redacting.body(body, FORM).content is None


def test_parts_within_a_part_are_masked_in_theirs(redacting):
    inner = b"--c\r\n\r\njane@example.com\r\n--c--"
    before = field('name="f"\r\nContent-Type: multipart/mixed; boundary=c', inner) + b"--b--"

    assert redacting.body(before, FORM).content == before.replace(b"jane@example.com", b"[EMAIL_ADDRESS]")
