"""Keys on disk: private, complete, never overwritten."""

import os

import pytest

from addons.evidence.checkpoints import Verifier
from addons.evidence.keys import Keys, KeysError


def counted():
    """A random source that is none: 0x01.., 0x02.., …"""
    numbers = iter(range(1, 100))
    return lambda count: bytes([next(numbers)]) * count


def test_keys_come_back_as_they_were_made(tmp_path):
    made = Keys.create(tmp_path / "keys", counted())

    assert Keys.load(tmp_path / "keys") == made
    assert (made.approval, made.masking, made.fingerprint) == (b"\2" * 32, b"\3" * 32, b"\4" * 32)


def test_the_default_origin_claims_no_domain(tmp_path):
    keys = Keys.create(tmp_path / "keys", counted())

    assert keys.origin.startswith("affidavit.invalid/")
    assert len(keys.origin) == len("affidavit.invalid/") + 8


def test_an_origin_of_ones_own_is_kept(tmp_path):
    Keys.create(tmp_path / "keys", counted(), origin="log.example.org/gateway-1")

    keys = Keys.load(tmp_path / "keys")

    assert keys.origin == "log.example.org/gateway-1"
    assert Verifier.of(keys.vkey).name == keys.origin


@pytest.mark.parametrize("origin", ["a b", "a+b", "a\nb", "ä", "x" * 121])
def test_an_origin_that_a_note_cannot_carry_is_refused(tmp_path, origin):
    with pytest.raises(KeysError, match="origin: expected"):
        Keys.create(tmp_path / "keys", counted(), origin=origin)
    assert not (tmp_path / "keys").exists()


def test_only_the_owner_can_read_them(tmp_path):
    Keys.create(tmp_path / "keys", counted())

    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()}
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert set(modes.values()) == {0o600}
    assert len(modes) == 5


def test_existing_keys_are_never_overwritten(tmp_path):
    made = Keys.create(tmp_path / "keys", counted())

    with pytest.raises(KeysError, match="exist already"):
        Keys.create(tmp_path / "keys", os.urandom)
    assert Keys.load(tmp_path / "keys") == made


@pytest.mark.parametrize("name", ["", "log.key", "masking.key"])
def test_keys_that_others_can_read_are_refused(tmp_path, name):
    Keys.create(tmp_path / "keys", counted())
    exposed = tmp_path / "keys" / name
    exposed.chmod(exposed.stat().st_mode | 0o040)

    with pytest.raises(KeysError, match=r"lets others in; expected 0[67]00; chmod"):
        Keys.load(tmp_path / "keys")


def test_missing_keys_name_the_command_that_makes_them(tmp_path):
    with pytest.raises(KeysError, match="not found; create them: affidavit init"):
        Keys.load(tmp_path / "keys")


@pytest.mark.parametrize("name", ["log.key", "log.vkey", "approval.key"])
def test_a_missing_file_is_named(tmp_path, name):
    Keys.create(tmp_path / "keys", counted())
    (tmp_path / "keys" / name).unlink()

    with pytest.raises(KeysError, match=name):
        Keys.load(tmp_path / "keys")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("log.key", "PRIVATE+KEY+a+00000000+AAAA"),
        ("log.key", "pineapple"),
        ("log.key", "PRIVATE+KEY+a+0+"),
        ("log.vkey", "pineapple"),
        ("masking.key", "0b0b"),
        ("masking.key", "\xe4"),
    ],
)
def test_a_damaged_file_is_named_and_not_quoted(tmp_path, name, text):
    Keys.create(tmp_path / "keys", counted())
    (tmp_path / "keys" / name).write_text(text, encoding="latin-1")

    with pytest.raises(KeysError, match=f"{name}: expected") as caught:
        Keys.load(tmp_path / "keys")
    assert text not in str(caught.value)


def test_a_repr_shows_no_secret(tmp_path):
    keys = Keys.create(tmp_path / "keys", os.urandom)

    shown = repr(keys)
    for secret in (keys.approval, keys.masking, keys.fingerprint, keys.signer.seed):
        assert repr(secret) not in shown
        assert secret.hex() not in shown
