"""Addresses of machines: IP of both kinds, MAC."""

import pytest


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("203.0.113.7 is an example, as real as any", "203.0.113.7"),
        ("from 133.133.133.133:8080", "133.133.133.133"),
        ("my ip: 192.168.0.1", "192.168.0.1"),
        ("https://8.8.4.4/x", "8.8.4.4"),
        ("at 2001:4860:4860::8888 now", "2001:4860:4860::8888"),
        ("2a00:1450:4001:0830:0000:0000:0000:200e", "2a00:1450:4001:0830:0000:0000:0000:200e"),
        ("fe80::1ff:fe23:4567:890a", "fe80::1ff:fe23:4567:890a"),
    ],
)
def test_an_address_is_found(named, text, address):
    assert named("IP_ADDRESS", text) == [address]


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1",
        "10.0.0.1",
        "0.0.0.0",
        "255.255.255.0",
        "256.1.1.1",
        "1.2.3",
        "Chrome/120.0.0.0",
        "Chrome/120.0.6099.0",
        "Mozilla/5.0 Opera/8.54.12.3",
        "Werkzeug/2.3.7.1",
        "v 1.2.3.4",
        "pkg==1.2.3.4",
        "a[1::2]",
        "std::vector",
        "12:30:45",
        "::1",
        "1.2.3.4.5",
    ],
)
def test_versions_slices_and_times_are_not(named, text):
    assert named("IP_ADDRESS", text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("00:1A:2b:3c:4D:5e", 1),
        ("00-1A-2B-3C-4D-5E", 1),
        ("001a.2b3c.4d5e", 1),
        ("00:00:00:00:00:00", 0),
        ("00:1A:2b:3c:4D", 0),
        ("00:1A-2b:3c:4D:5e", 0),
    ],
)
def test_a_hardware_address_has_six_pairs_and_one_separator(named, text, expected):
    assert len(named("MAC_ADDRESS", text)) == expected
