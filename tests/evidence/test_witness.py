"""Cosignatures and add-checkpoint, by the examples and the rules of c2sp.org/tlog-cosignature and c2sp.org/tlog-witness."""

import pytest

from addons.evidence.checkpoints import Checkpoint, NoteInvalid, Signer
from addons.evidence.log import Tree, consistency_proof, leaf_hash
from addons.evidence.package.single_file_verify import attested
from addons.evidence.witness import Cosigner, WitnessKey, answer, origin_of, request_text

# A checkpoint of a public log as it stood in 2026, with the cosignature of a public witness; other witnesses' lines are left as they were.
REMORA = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"
PUBLIC = """\
arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

— arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
— transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==
— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
"""
LOG_KEY = "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f"
EXAMPLE = """\
old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
"""
W = Cosigner("w.example/1", bytes(range(32)))
LOG = Signer("log.example", b"l" * 32)
OTHER = Signer("log.example", b"o" * 32)


def tree(size, salt=""):
    made, hashes = Tree(), []
    for number in range(size):
        hashes.extend(made.append(leaf_hash(f"{salt}{number}".encode())))
    return made, lambda positions: [hashes[position] for position in positions]


def note(size, salt="", signer=LOG):
    return signer.sign(Checkpoint(signer.name, size, tree(size, salt)[0].root()).body)


def asked(old, size, *, salt="", signer=LOG, known=None, proof=None):
    hashes = consistency_proof(old, size, tree(size, salt)[1]) if proof is None else proof
    kept = None if known is None else Checkpoint.unverified(note(known))
    return answer(request_text(old, hashes, note(size, salt, signer)), kept, [LOG.verifier], W, 1_700_000_000)


def test_the_cosignature_of_a_public_witness_is_read():
    assert WitnessKey.of(REMORA).check(PUBLIC) == 1_779_573_024
    assert WitnessKey.of(REMORA).vkey == REMORA
    assert attested("witness", REMORA, PUBLIC, b"") == ("", "2026-05-23T21:50:24")


@pytest.mark.parametrize(
    ("old", "new"),
    [("1432088532", "1432088533"), ("AAAABqEiEg", "AAAABqEiEh"), ("DrAWfBw==", "DrAWfBA==")],
    ids=["text", "time", "signature"],
)
def test_a_cosignature_of_other_bytes_is_refused_by_both(old, new):
    with pytest.raises(NoteInvalid):
        WitnessKey.of(REMORA).check(PUBLIC.replace(old, new))
    assert attested("witness", REMORA, PUBLIC.replace(old, new), b"")[0]


@pytest.mark.parametrize("vkey", [LOG_KEY, REMORA[:-1], REMORA.replace("da77", "da78"), "remora.n621.de", ""])
def test_a_key_that_is_no_witnesss_is_refused_by_both(vkey):
    with pytest.raises(NoteInvalid):
        WitnessKey.of(vkey)
    assert attested("witness", vkey, PUBLIC, b"")[0]


def test_the_example_of_the_specification_is_about_its_log():
    assert origin_of(EXAMPLE) == "example.com/behind-the-sofa"
    assert answer(EXAMPLE, None, [LOG.verifier], W, 0).status == 404


def test_a_first_checkpoint_is_cosigned_and_kept():
    answered = asked(0, 5)

    assert answered.status == 200
    assert answered.keep == note(5)
    assert W.key.check(note(5) + answered.body) == 1_700_000_000
    assert WitnessKey.of(W.key.vkey) == W.key
    assert "Cosigner(w.example/1+" in repr(W)


CASES = {
    "one that continues": ({"old": 5, "size": 9, "known": 5}, 200),
    "the same again": ({"old": 5, "size": 5, "known": 5}, 200),
    "another old size": ({"old": 4, "size": 9, "known": 5}, 409),
    "old although nothing is known": ({"old": 4, "size": 9}, 409),
    "nothing although something is known": ({"old": 0, "size": 9, "known": 5}, 409),
    "a smaller tree": ({"old": 5, "size": 4, "known": 5, "proof": ()}, 400),
    "another history": ({"old": 5, "size": 9, "salt": "x", "known": 5}, 422),
    "the same size of another history": ({"old": 5, "size": 5, "salt": "x", "known": 5}, 409),
    "no proof": ({"old": 5, "size": 9, "known": 5, "proof": ()}, 422),
    "a proof where none belongs": ({"old": 0, "size": 9, "proof": (bytes(32),)}, 422),
    "another key": ({"old": 0, "size": 9, "signer": OTHER}, 403),
    "another log": ({"old": 0, "size": 9, "signer": Signer("other.example", b"l" * 32)}, 404),
}  # fmt: skip


@pytest.mark.parametrize(("case", "status"), CASES.values(), ids=CASES)
def test_each_rule_of_the_specification_has_its_status(case, status):
    answered = asked(**case)

    assert answered.status == status
    assert bool(answered.keep) == (status == 200)
    if status == 409:
        assert (answered.body, answered.content_type) == (f"{case.get('known', 0)}\n", "text/x.tlog.size")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "old 5",
        "old 05\n\n" + note(5),
        "old -1\n\n" + note(5),
        "new 0\n\n" + note(5),
        "old 0\nAAAA\n\n" + note(5),
        "old 0\n\nno note\n",
        "old 0\n" + "A" * 43 + "=\n" * 64,
    ],
)
def test_what_is_no_request_is_refused(text):
    assert answer(text, None, [LOG.verifier], W, 0).status == 400
