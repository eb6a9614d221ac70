"""addons/policy/hosts.py: two spellings of one host are one string."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.policy.hosts import is_address, is_loopback, is_private, normal_host


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("api.openai.com", "api.openai.com"),
        ("API.OpenAI.Com", "api.openai.com"),
        ("api.openai.com.", "api.openai.com"),
        ("ａｐｉ.openai.com", "api.openai.com"),
        ("api。openai。com", "api.openai.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
        ("my_host.internal", "my_host.internal"),
        ("localhost", "localhost"),
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1.", "127.0.0.1"),
        ("[::1]", "::1"),
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
        ("::ffff:127.0.0.1", "127.0.0.1"),
        ("", None),
        (".", None),
        ("a..b", None),
        ("api.openai.com..", None),
        ("-a.example", None),
        ("a-.example", None),
        ("api.openai.com:443", None),
        ("https://api.openai.com", None),
        ("me@api.openai.com", None),
        ("api.openai.com/v1", None),
        ("api openai com", None),
        ("api.openai.com\x00.evil.example", None),
        ("api.openai.com\n", None),
        ("*.openai.com", None),
        ("0x7f.1", None),
        ("127.1", None),
        ("2130706433", None),
        ("0x7f000001", None),
        ("fe80::1%eth0", None),
        ("a" * 64 + ".example", None),
        (".".join(["a" * 60] * 5), None),
        ("ü" * 100_000, None),
    ],
)
def test_a_name_has_one_form(text, host):
    assert normal_host(text) == host


@given(st.text(max_size=60) | st.from_regex(r"[A-Za-z0-9.\-:\[\]]{1,40}", fullmatch=True))
def test_the_normal_form_is_its_own(text):
    host = normal_host(text)

    assert host is None or normal_host(host) == host


@pytest.mark.parametrize(
    ("host", "address", "private", "loopback"),
    [
        ("api.openai.com", False, False, False),
        ("localhost", False, True, True),
        ("a.localhost", False, True, True),
        ("notlocalhost", False, False, False),
        ("8.8.8.8", True, False, False),
        ("127.0.0.1", True, True, True),
        ("127.8.9.1", True, True, True),
        ("::1", True, True, True),
        ("10.0.0.1", True, True, False),
        ("169.254.169.254", True, True, False),
        ("100.64.0.1", True, True, False),
        ("0.0.0.0", True, True, False),
        ("fd00::1", True, True, False),
        ("2606:4700::1111", True, False, False),
    ],
)
def test_what_is_plainly_not_public_is_known(host, address, private, loopback):
    assert (is_address(host), is_private(host), is_loopback(host)) == (address, private, loopback)
