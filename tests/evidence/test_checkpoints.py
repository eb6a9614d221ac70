"""Signed notes and checkpoints against the vectors of golang.org/x/mod/sumdb/note and c2sp.org/signed-note."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.evidence.checkpoints import (
    Checkpoint,
    NoteInvalid,
    Signer,
    Verifier,
    check_checkpoint,
    parse_note,
    sign_checkpoint,
)

VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
NOTE = TEXT + (
    "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
PETER = Signer("PeterNeumann", SEED)
ENOCH = Signer("EnochRoot", bytes(32))


def test_signing_gives_the_reference_note():
    assert PETER.sign(TEXT) == NOTE


def test_the_reference_note_opens_under_the_reference_key():
    assert Verifier.of(VKEY).check(NOTE) == TEXT
    assert PETER.verifier.vkey == VKEY


@pytest.mark.parametrize(
    "vkey",
    [
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "TEST+7997405c+AQcC+FTVKf0jlTdHDY3rbevmnKxxPjigCXlVtGe6RIr6",
    ],
    ids=["c2sp-example", "plus-in-base64"],
)
def test_a_key_of_another_implementation_is_read_and_written_back(vkey):
    assert Verifier.of(vkey).vkey == vkey


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "PeterNeumann",
        VKEY[:-1],
        VKEY.replace("c74f20a3", "c74f20a4"),
        VKEY.replace("Peter", "Pater"),
        VKEY.replace("+ARpc", "+BRpc"),
        "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
    ],
    ids=["empty", "name-only", "cut", "hash", "name", "type", "cosignature-key"],
)
def test_a_damaged_key_is_refused(vkey):
    with pytest.raises(NoteInvalid, match="verifier key"):
        Verifier.of(vkey)


@pytest.mark.parametrize(
    "note",
    [
        NOTE.replace("cryptography", "cryptographY"),
        NOTE.replace("JnAM=", "JnAA="),
        NOTE[:-1],
        NOTE.replace("\n\n", "\n"),
        NOTE.replace("— ", "- "),
        NOTE.replace("answer", "ans\x07wer"),
        TEXT,
        "",
        TEXT + "\n— PeterNeumann AAAA\n",
        TEXT + "\n" + "— a AAAAAAAA\n" * 17,
    ],
    ids=["text", "signature", "no-newline", "no-blank", "dash", "control", "unsigned", "empty", "short", "too-many"],
)
def test_a_damaged_note_is_refused(note):
    with pytest.raises(NoteInvalid):
        Verifier.of(VKEY).check(note)


def test_signatures_by_others_are_passed_over():
    both = NOTE + ENOCH.sign(TEXT).rpartition("\n\n")[2]

    assert Verifier.of(VKEY).check(both) == TEXT
    assert [name for name, _ in parse_note(both)[1]] == ["PeterNeumann", "EnochRoot"]


def test_a_note_signed_only_by_another_key_is_refused():
    with pytest.raises(NoteInvalid, match=r"no signature by PeterNeumann\+c74f20a3"):
        Verifier.of(VKEY).check(ENOCH.sign(TEXT))


def test_a_text_with_control_characters_is_not_signed():
    with pytest.raises(NoteInvalid):
        PETER.sign("a\tb\n")


def test_a_signer_does_not_show_its_seed():
    assert repr(PETER) == f"Signer({VKEY})"


@given(st.integers(0, 2**53 - 1), st.binary(min_size=32, max_size=32))
def test_a_checkpoint_comes_back_from_its_note(size, root):
    checkpoint = Checkpoint("PeterNeumann", size, root)

    note = sign_checkpoint(PETER, checkpoint)

    assert check_checkpoint(PETER.verifier, note) == checkpoint
    assert Checkpoint.unverified(note) == checkpoint


def test_the_body_of_a_checkpoint_is_three_lines():
    expected = "log.example/1\n7\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"

    assert Checkpoint("log.example/1", 7, bytes(32)).body == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n",
        "a\n1\n",
        "a\n01\n" + "A" * 43 + "=\n",
        "a\n-1\n" + "A" * 43 + "=\n",
        "a\n1\nAAAA\n",
        "a\n1\n!!!\n",
        "\n1\nAAAA\n",
    ],
    ids=["empty", "origin", "no-root", "leading-zero", "negative", "short-root", "not-base64", "no-origin"],
)
def test_other_text_is_not_a_checkpoint(text):
    with pytest.raises(NoteInvalid):
        Checkpoint.of(text)


def test_a_checkpoint_of_another_log_under_our_key_is_refused():
    note = sign_checkpoint(PETER, Checkpoint("another.log", 1, bytes(32)))

    with pytest.raises(NoteInvalid, match="expected origin PeterNeumann"):
        check_checkpoint(PETER.verifier, note)


def test_extension_lines_are_signed_but_not_read():
    checkpoint = Checkpoint("PeterNeumann", 1, bytes(32))

    note = PETER.sign(checkpoint.body + "an extension\n")

    assert check_checkpoint(PETER.verifier, note) == checkpoint
