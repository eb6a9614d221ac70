"""JSON Web Tokens."""

import base64

import pytest

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"


@pytest.mark.parametrize(
    "token",
    [
        TOKEN,
        TOKEN.rpartition(".")[0] + ".",
        "eyJhbGciOiJSU0EifQ.OKOawDo13gRp2ojaHV7LFpZcgV7T6DVZKTyKOMTYUmKoTCVJ.48V1_ALb6US04U3b.5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4.XFBoMYUZodetZdvTiFvSkQ",
    ],
)
def test_a_token_is_found_whole(named, token):
    assert named("JWT", f'"{token}"') == [token]


def test_a_token_in_base64_is_masked_as_a_word(named):
    word = base64.b64encode(TOKEN.encode()).decode()

    assert named("JWT", f"x {word} y") == [word]


def test_a_long_payload_is_no_hiding_place(named):
    token = TOKEN.replace(".eyJ", ".eyJ" + "A" * 7000, 1)

    assert named("JWT", token) == [token]


@pytest.mark.parametrize(
    "text", ["eyJhbGciOiJIUzI1NiJ9", "eyJ.eyJ.x", "xeyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.x"]
)
def test_a_header_alone_is_not(named, text):
    assert named("JWT", text) == []
