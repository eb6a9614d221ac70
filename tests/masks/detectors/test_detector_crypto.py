"""Wallet addresses."""

import pytest


@pytest.mark.parametrize(
    "address",
    [
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
        "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        "0x52908400098527886E0F7030069857D2E4169EE7",
    ],
)
def test_an_address_is_found(named, address):
    assert named("CRYPTO", f"pay to {address}.") == [address]


@pytest.mark.parametrize(
    "text",
    [
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",
        "0x5290840009852788",
        "0x" + "0" * 40,
    ],
)
def test_a_wrong_checksum_or_length_is_not(named, text):
    assert named("CRYPTO", text) == []
