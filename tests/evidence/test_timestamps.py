"""RFC 3161 tokens of a real authority: made by `openssl ts -reply`, checked by the room, by openssl and by the single file."""

import subprocess
from datetime import UTC, datetime

import pytest

from addons.evidence import timestamps
from addons.evidence.package.single_file_verify import timestamp
from addons.evidence.timestamps import TimestampInvalid, check, read, request
from tests.evidence.authority import Authority

DATA = b"a checkpoint\n"
NONCE = bytes(range(8))


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority") / "tsa")


@pytest.fixture(scope="module")
def token(authority):
    return authority.reply(request(DATA, NONCE))


def test_openssl_understands_the_question(tmp_path):
    (tmp_path / "q").write_bytes(request(DATA, NONCE))

    shown = subprocess.run(
        ["openssl", "ts", "-query", "-in", tmp_path / "q", "-text"], capture_output=True, text=True, check=True
    ).stdout

    assert "Hash Algorithm: sha256" in shown
    assert "Certificate required: yes" in shown
    assert "Nonce: 0x010001020304050607" in shown


def test_a_token_is_of_the_bytes_and_of_now(authority, token):
    claim = check(token, DATA, authority.roots)

    assert abs((datetime.now(UTC) - claim.at).total_seconds()) < 300
    assert timestamp(token) == (claim.digest, claim.at.replace(tzinfo=None).isoformat())


def test_openssl_verifies_it_too(authority, token, tmp_path):
    for name, content in (("data", DATA), ("token", token), ("roots", authority.roots)):
        (tmp_path / name).write_bytes(content)

    done = subprocess.run(
        ["openssl", "ts", "-verify", "-data", "data", "-in", "token", "-CAfile", "roots"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "Verification: OK" in done.stdout + done.stderr
    assert done.returncode == 0


@pytest.mark.parametrize("chain", [False, True], ids=["one certificate", "with its chain"])
@pytest.mark.parametrize("library", [True, False], ids=["rfc3161-client", "openssl alone"])
def test_either_way_of_checking_is_enough(authority, monkeypatch, chain, library):
    """With the chain in it, OpenSSL's own token is not in DER's order, and only openssl reads it."""
    if not library:
        monkeypatch.setattr(timestamps, "_checked_by_library", lambda *_: False)

    assert check(authority.reply(request(DATA, NONCE), chain=chain), DATA, authority.roots)


def test_the_library_checks_without_openssl(authority, token, monkeypatch):
    monkeypatch.setattr(timestamps, "_check_by_openssl", lambda *_: pytest.fail("openssl was asked"))

    assert check(token, DATA, authority.roots)


def test_a_token_of_other_bytes_is_refused(authority, token):
    with pytest.raises(TimestampInvalid, match="of other bytes"):
        check(token, DATA + b"x", authority.roots)


def test_a_token_of_another_authority_is_refused(token, tmp_path):
    with pytest.raises(TimestampInvalid, match="not signed under the given certificates"):
        check(token, DATA, Authority(tmp_path / "other", "another").roots)


def test_a_token_whose_time_was_changed_is_refused(authority, token):
    year = str(read(token).at.year).encode()
    changed = token.replace(year, b"2001", 1)

    assert read(changed).at.year == 2001
    with pytest.raises(TimestampInvalid, match="not signed"):
        check(changed, DATA, authority.roots)


@pytest.mark.parametrize("cut", [0, 10, 60, 90], ids=str)
def test_cut_bytes_are_no_token_to_either(token, cut):
    place = token.index(bytes.fromhex("060b2a864886f70d0109100104"))

    with pytest.raises(TimestampInvalid):
        read(token[: place + cut])
    assert timestamp(token[: place + cut]) == (b"", "")


def test_a_refusal_is_no_token(authority):
    refused = authority.reply(
        request(DATA, NONCE).replace(bytes.fromhex("0609608648016503040201"), bytes.fromhex("0609608648016503040202"))
    )

    with pytest.raises(TimestampInvalid):
        read(refused)
