"""What verify.py wrote by hand, against what others wrote: Ed25519, signed notes, the Merkle tree, canonical JSON."""

from __future__ import annotations

import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from addons.evidence import log
from addons.evidence.checkpoints import Checkpoint, Signer, sign_checkpoint
from addons.evidence.package import listing
from addons.evidence.package import single_file_verify as verifier

# RFC 8032, 7.1: public key, message, signature of tests 1, 2, 3 and SHA(abc)
VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()


@pytest.mark.parametrize(("public", "message", "signature"), VECTORS, ids=["test 1", "test 2", "test 3"])
def test_signatures_of_rfc_8032_are_good(public: str, message: str, signature: str) -> None:
    assert verifier.is_signed(bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature))


@settings(max_examples=40)
@given(st.binary(max_size=200), st.integers(0, 511))
def test_a_signature_is_good_and_with_any_bit_turned_it_is_not(message: bytes, bit: int) -> None:
    signature = KEY.sign(message)
    turned = (int.from_bytes(signature, "big") ^ 1 << bit).to_bytes(64, "big")

    assert verifier.is_signed(PUBLIC, message, signature)
    assert not verifier.is_signed(PUBLIC, message, turned)


@settings(max_examples=40)
@given(st.binary(min_size=32, max_size=32), st.binary(min_size=64, max_size=64))
def test_noise_is_judged_as_openssl_judges_it(public: bytes, signature: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, b"message")
        expected = True
    except (InvalidSignature, ValueError):
        expected = False

    assert verifier.is_signed(public, b"message", signature) == expected


@pytest.mark.parametrize("length", [0, 31, 32, 63, 65])
def test_a_signature_of_another_length_is_not_good(length: int) -> None:
    assert not verifier.is_signed(PUBLIC, b"", (KEY.sign(b"") + b"\0")[:length])


def test_a_signature_whose_number_is_not_reduced_is_not_good() -> None:
    """RFC 8032, 5.1.7 and 8.4: or each signature could be given another form."""
    signature = KEY.sign(b"message")
    more = (int.from_bytes(signature[32:], "little") + verifier.L).to_bytes(32, "little")

    assert not verifier.is_signed(PUBLIC, b"message", signature[:32] + more)


@given(st.integers(0, 2**53 - 1), st.binary(min_size=32, max_size=32))
def test_a_checkpoint_is_read_and_its_signature_found(size: int, root: bytes) -> None:
    signer = Signer("log.example.org/gateway-1", bytes(range(32)))
    note = sign_checkpoint(signer, Checkpoint(signer.name, size, root))

    key = verifier.Key(signer.verifier.vkey)

    assert verifier.checkpoint(note) == (signer.name, size, root)
    assert [verifier.is_signed(key.public, verifier.body_of(note).encode(), one) for one in key.signatures(note)] == [
        True
    ]


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n",
        "a\n\n",
        "origin\n01\nAAAA\n\n",
        "origin\n-1\n" + "A" * 43 + "=\n\n— origin AAAA\n",
        "origin\n1\nAAAA\n\n— origin AAAAAAAA\n",
    ],
)
def test_what_is_no_checkpoint_is_read_as_none(note: str) -> None:
    assert verifier.checkpoint(note) == ("", -1, b"")


@pytest.mark.parametrize(
    "vkey",
    ["", "name", "name+00000000+AAAA", "name+00000000+!", Signer("a", bytes(32)).verifier.vkey.replace("a+", "b+", 1)],
)
def test_a_key_that_is_not_whole_is_refused(vkey: str) -> None:
    with pytest.raises(ValueError, match="copied whole"):
        verifier.Key(vkey)


@given(st.lists(st.binary(max_size=20), max_size=40))
def test_the_tree_gives_the_roots_of_rfc_6962(leaves: list[bytes]) -> None:
    ours, theirs = verifier.Tree(), log.Tree()
    for leaf in leaves:
        ours.append(verifier.leaf_hash(leaf))
        theirs.append(log.leaf_hash(leaf))

    assert (ours.size, ours.root()) == (theirs.size, theirs.root())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(min_codepoint=32, max_codepoint=126)), inner),
    max_leaves=20,
)


@given(JSON)
def test_canonical_json_is_that_of_rfc_8785(value: object) -> None:
    assert verifier.canonical(value).encode() == rfc8785.dumps(value)  # type: ignore[arg-type]


@given(
    st.none()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["=1", "+1", "-1", "@x", "\tx", "\rx", "\nx", "＝1"])
)
def test_no_cell_begins_like_a_formula_and_nothing_is_lost(value: object) -> None:
    text = listing.cell(value)

    assert not text.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"))
    assert text in {"" if value is None else str(value), f"'{value}"}


def test_help_says_what_is_checked_and_how() -> None:
    found = subprocess.run(
        [sys.executable, "-I", verifier.__file__, "--help"], capture_output=True, text=True, check=True
    )

    assert "--seen" in found.stdout
    assert "RFC 8032" in found.stdout


def test_a_path_that_is_neither_is_a_failure_not_a_crash(tmp_path: Path) -> None:
    report = verifier.verify(tmp_path, "", [], every=False)

    assert list(report.totals) == ["file_missing"]


@pytest.mark.parametrize("text", ["\x1b[2J", "\u202egnp.exe", "a\nFAILED b", "\ud800"])
def test_nothing_in_a_package_drives_the_terminal(text: str) -> None:
    assert set(verifier.plain(text)) <= set("?[2Jgnp.exeaFAILED b")


def test_the_shipped_file_is_the_tested_one(made) -> None:
    shipped = (made[1] / "data" / "verify.py").read_bytes()

    assert sha256(shipped).digest() == sha256(Path(verifier.__file__).read_bytes()).digest()
