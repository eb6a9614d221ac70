"""People sign in at a real OpenID provider and call a model; whoever leaves is refused in mid-session. Jobs sign in as themselves."""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from scripts.local_gateway import AFFIDAVIT
from tests.end_to_end.gateway import DOORS, Bench
from tests.end_to_end.logins import RECHECK_SECONDS, MakeBench, said, sign_in, signed_in, signed_up
from tests.end_to_end.policies import PROVIDER_KEY
from tests.end_to_end.sdk import Worker
from tests.keyrings import KEYRINGS, Keyring, read
from tests.login.jobs import JobIssuer, job_issuer


def test_a_person_signs_in_by_device_calls_a_model_and_is_refused_once_their_group_is_gone(
    make_bench: MakeBench, python_sdk: Worker, tmp_path: Path
) -> None:
    with signed_up(make_bench, tmp_path) as (bench, provider):
        seq = bench.last_seq()
        token = signed_in(bench, provider, tmp_path / "home", "alice", "--purpose", "OPS-7: notes", device=True)
        first = bench.ask(python_sdk, "openai", "proxy", "hello", who=token)
        row = bench.closed_exchange(seq)
        provider.write_people({"alice": {"email": "alice@example.com", "groups": ["marketing"]}})
        removed_at = time.monotonic()
        count = bench.provider.count
        while not (refused := bench.ask(python_sdk, "openai", "proxy", "again", who=token)).error:
            assert time.monotonic() < removed_at + 30, "the removal was not noticed"
            count = bench.provider.count
        noticed_after = time.monotonic() - removed_at
        print(
            f"removed from the group; the first call refused {noticed_after:.1f} s later, recheck_seconds {RECHECK_SECONDS}"
        )
        (end,) = [
            json.loads(event["leaf"])
            for event in bench.events_since(seq, "exchange.closed")
            if event["exchange_id"] == row["id"]
        ]

        client = [path.read_bytes() for path in (tmp_path / "home").rglob("*") if path.is_file()]
        gateway = [path.read_bytes() for path in (*bench.state.path.rglob("*"), bench.gateway.log) if path.is_file()]
        bench.state.run("export", str(tmp_path / "package"))
        package = [path.read_bytes() for path in (tmp_path / "package").rglob("*") if path.is_file()]

        assert client
        assert package
        assert not [held for held in (*client, *gateway, *package) if PROVIDER_KEY.encode() in held]
        assert not [held for held in (*gateway, *package) if token.encode() in held]
        assert first.error == ""
        assert end["attrs"]["credential"].startswith("hmac-sha256:")
        assert (row["subject"], json.loads(row["groups"]), row["purpose"], row["grade"], row["connection"]) == (
            f"{provider.issuer}|alice", ["engineering"], "OPS-7: notes", "managed", "openai",
        )  # fmt: skip
        assert (row["email"], row["auth_method"]) == ("alice@example.com", "afd_token")
        assert refused.status == 403
        assert bench.provider.count == count
        assert (
            noticed_after < RECHECK_SECONDS + 10
        )  # loosely: how fast is for measurements, that it happens is for tests
        (last,) = bench.rows("SELECT outcome, error, groups FROM exchanges ORDER BY opened_at DESC LIMIT 1")
        assert (last["outcome"], json.loads(last["groups"])) == ("refused", ["marketing"])


@pytest.mark.parametrize("door", DOORS)
def test_a_person_who_has_left_is_signed_out_in_mid_session(
    make_bench: MakeBench, python_sdk: Worker, tmp_path: Path, door: str
) -> None:
    with signed_up(make_bench, tmp_path) as (bench, provider):
        token = signed_in(bench, provider, tmp_path / "home", "alice", "--purpose", "OPS-7")
        first = bench.ask(python_sdk, "openai", door, "hello", who=token)
        provider.write_people({})
        seq = bench.last_seq()
        bench.until(lambda: bench.ask(python_sdk, "openai", door, "again", who=token).status == 401, "alice is refused")
        count = bench.provider.count
        again = bench.ask(python_sdk, "openai", door, "and again", who=token)

        assert first.error == ""
        assert (again.status, bench.provider.count) == (401, count)
        assert "affidavit login" in again.error
        kinds = [row["type"] for row in bench.events_since(seq, "finding", "token.revoked", "identity.refused")]
        assert {"finding", "token.revoked", "identity.refused"} <= set(kinds)
        assert token not in (bench.state.path / "evidence.db").read_bytes().decode("latin-1")


def test_an_approval_between_people_of_an_issuer_is_managed_wherever_it_is_read(
    make_bench: MakeBench, python_sdk: Worker, tmp_path: Path
) -> None:
    with signed_up(make_bench, tmp_path) as (bench, provider):
        alice = signed_in(bench, provider, tmp_path / "alice", "alice", "--purpose", "OPS-7")
        bob = signed_in(bench, provider, tmp_path / "bob", "bob")
        prompt = "use tool run_sql: DROP TABLE users"
        python_sdk.start(bench.job("openai", "proxy", prompt, who=alice, tools=True))
        bench.until(lambda: bench.rows("SELECT 1 FROM approvals"), "an approval is asked for")
        (pending,) = bench.rows("SELECT id, grade FROM approvals")
        bench.state.run("approvals", "approve", pending["id"], "--reason", "ticket 7", token=bob)
        done = python_sdk.done()
        (approval,) = bench.rows("SELECT requester, approver, state, grade FROM approvals")
        shown = bench.state.run("approvals", "show", pending["id"], "--no-content", token=bob).stdout
        receipt = bench.state.run("approvals", "receipt", pending["id"], token=bob).stdout
        listed = json.loads(bench.state.run("approvals", "list", "--only", "all", "--json", token=bob).stdout)
        bench.state.run("export", str(tmp_path / "package"))
        decisions = (tmp_path / "package" / "data" / "controls" / "5.3" / "population.csv").read_text().splitlines()

        assert done.error == ""
        assert pending["grade"] == "managed"
        assert approval == {
            "requester": f"{provider.issuer}|alice", "approver": f"{provider.issuer}|bob", "state": "approved", "grade": "managed",
        }  # fmt: skip
        assert "grade           managed\n" in shown
        assert "(managed identity)" in shown
        assert [row["grade"] for row in listed] == ["managed"]
        assert receipt.count('"grade":"managed"') >= 2
        assert [column for column in decisions[0].split(",") if column == "grade"] == ["grade"]
        assert ",managed," in decisions[1]
        assert "same_minter" not in (tmp_path / "package" / "data" / "exceptions.csv").read_text()


@pytest.mark.parametrize("kept", [pytest.param(kind, id=kind.__name__) for kind in KEYRINGS])
def test_a_login_lies_in_the_keyring_and_in_no_file_of_ours(
    make_bench: MakeBench, tmp_path: Path, kept: Keyring
) -> None:
    home = tmp_path / "home"
    with kept(tmp_path / "ring") as ring, signed_up(make_bench, tmp_path) as (bench, provider):
        gateway = f"http://127.0.0.1:{bench.gateway.base_url_port}"
        told = sign_in(bench, provider, home, "alice", "--purpose", "OPS-7", ring=ring)
        token = json.loads(read(ring, "affidavit", gateway))["token"]
        known = said(bench, provider, home, "whoami", ring=ring)
        elsewhere = said(bench, provider, home, "whoami")
        left = said(bench, provider, home, "logout", ring=ring)

        assert "the keyring" in told
        assert not (home / ".config" / "affidavit").exists()
        assert (known[0], f"{provider.issuer}|alice" in known[1]) == (0, True)
        assert elsewhere[0] != 0
        assert (left[0], read(ring, "affidavit", gateway)) == (0, "")
        assert said(bench, provider, home, "whoami", "--token", token, ring=ring)[0] != 0


def test_whoami_and_logout_and_a_token_that_is_over(make_bench: MakeBench, python_sdk: Worker, tmp_path: Path) -> None:
    with signed_up(make_bench, tmp_path) as (bench, provider):
        home = tmp_path / "home"
        token = signed_in(bench, provider, home, "alice", "--purpose", "OPS-7")
        who = said(bench, provider, home, "whoami")
        out = said(bench, provider, home, "logout")
        nobody = said(bench, provider, home, "whoami")
        after = bench.ask(python_sdk, "openai", "proxy", "hello", who=token)

        assert f"{provider.issuer}|alice" in who[1]
        assert out[0] == 0, out
        assert "nobody is signed in" in nobody[1]
        assert after.status == 401
        assert bench.provider.count == 0


def test_a_purpose_without_a_ticket_is_refused_with_the_form_it_must_have(
    make_bench: MakeBench, python_sdk: Worker, tmp_path: Path
) -> None:
    with signed_up(make_bench, tmp_path) as (bench, provider):
        token = signed_in(bench, provider, tmp_path / "home", "alice", "--purpose", "because")
        done = bench.ask(python_sdk, "openai", "proxy", "hello", who=token)

        assert (done.status, bench.provider.count) == (403, 0)
        assert "OPS-" in done.error


@pytest.mark.long
def test_while_the_issuer_is_down_a_login_serves_until_the_stated_age(
    make_bench: MakeBench, python_sdk: Worker, tmp_path: Path
) -> None:
    with signed_up(make_bench, tmp_path, offline=4) as (bench, provider):
        token = signed_in(bench, provider, tmp_path / "home", "alice", "--purpose", "OPS-7")
        provider.stop()
        during = bench.ask(python_sdk, "openai", "proxy", "hello", who=token)
        bench.until(lambda: bench.ask(python_sdk, "openai", "proxy", "x", who=token).status == 401, "it is refused")
        count = bench.provider.count
        refused = bench.ask(python_sdk, "openai", "proxy", "again", who=token)
        provider.start()  # with new keys: the login itself is over at this provider, who forgot it
        fresh = signed_in(bench, provider, tmp_path / "home", "alice", "--purpose", "OPS-8")
        later = bench.ask(python_sdk, "openai", "proxy", "hello", who=fresh)

        assert during.error == ""
        assert (refused.status, bench.provider.count - count) == (401, 1)
        assert "sign in again" in refused.error
        assert later.error == ""


def test_tokens_of_this_machine_are_off_once_an_issuer_is_named(
    make_bench: MakeBench, python_sdk: Worker, tmp_path: Path
) -> None:
    with signed_up(make_bench, tmp_path) as (bench, _provider):
        done = bench.ask(python_sdk, "openai", "proxy", "hello", who="alice")
        minted = bench.state.run("token", "mint", "--name", "mallory", check=False)

        assert (done.status, bench.provider.count) == (401, 0)
        assert "affidavit login" in done.error
        assert (minted.returncode, "tokens minted here identify nobody" in minted.stderr) == (1, True)


# Jobs

JOBS = """\
version: 1
issuers:
  - id: ci
    issuer: {issuer}
    kind: workloads
    audiences: [affidavit]
    trusted_ca: {cafile}
    groups: [engineering]
    claims: {{email: nothing, groups: nothing}}
    require:
      - {{claim: repository, is: ["acme/*"]}}
      - {{claim: ref, is: [refs/heads/main]}}
rights:
  - {{id: jobs, groups: [engineering], connections: ["*"]}}
"""


def test_a_job_signs_in_with_its_own_token_and_the_record_leads_to_its_run(
    make_bench: MakeBench, python_sdk: Worker, tmp_path: Path
) -> None:
    with (
        job_issuer(tmp_path) as issuer,
        make_bench(identity=JOBS.format(issuer=issuer.url, cafile=issuer.cafile)) as bench,
    ):
        seq = bench.last_seq()
        done = job_login(bench, issuer, tmp_path, issuer.github(), "--on-behalf-of", "alice@example.com")
        token = done.stdout.strip()
        call = bench.ask(python_sdk, "openai", "proxy", "hello", who=token)
        row = bench.closed_exchange(seq)
        (minted,) = bench.rows("SELECT * FROM tokens WHERE id = ?", row["token_id"])

        assert call.error == ""
        assert (row["subject"], row["auth_method"], row["grade"]) == (
            f"{issuer.url}|repo:acme/app:ref:refs/heads/main", "workload_afd_token", "managed",
        )  # fmt: skip
        assert minted["minted_by"] == (
            "https://github.com/acme/app/actions/runs/42 on behalf of alice@example.com (its own word)"
        )


@pytest.mark.parametrize("whom", ["alice\nroot", "a" * 3000, "\u202eecila"], ids=["two lines", "long", "not printable"])
def test_on_whose_behalf_is_one_line_or_refused(make_bench: MakeBench, tmp_path: Path, whom: str) -> None:
    with (
        job_issuer(tmp_path) as issuer,
        make_bench(identity=JOBS.format(issuer=issuer.url, cafile=issuer.cafile)) as bench,
    ):
        seq = bench.last_seq()
        done = job_login(bench, issuer, tmp_path, issuer.github(), "--on-behalf-of", whom)

        assert (done.returncode, done.stdout) == (1, "")
        assert "on behalf of: expected one line" in done.stderr
        assert whom not in done.stderr
        assert bench.events_since(seq, "token.minted") == []


@pytest.mark.parametrize(
    "claims",
    [{"repository": "evil/app"}, {"ref": "refs/heads/other"}, {"repository": None}, {"aud": "https://github.com/acme"}],
    ids=str,
)
def test_another_job_is_refused_and_recorded(make_bench: MakeBench, tmp_path: Path, claims: dict[str, object]) -> None:
    with (
        job_issuer(tmp_path) as issuer,
        make_bench(identity=JOBS.format(issuer=issuer.url, cafile=issuer.cafile)) as bench,
    ):
        seq = bench.last_seq()
        token = issuer.github(**claims)
        done = job_login(bench, issuer, tmp_path, token)

        assert done.returncode == 1
        assert len(bench.events_since(seq, "identity.refused")) == 1
        assert bench.rows("SELECT * FROM tokens WHERE subject NOT LIKE 'local|%'") == []
        assert token not in done.stdout + done.stderr


def test_a_long_job_moves_the_end_of_its_token(make_bench: MakeBench, tmp_path: Path) -> None:
    with (
        job_issuer(tmp_path) as issuer,
        make_bench(identity=JOBS.format(issuer=issuer.url, cafile=issuer.cafile)) as bench,
    ):
        base = f"http://127.0.0.1:{bench.gateway.base_url_port}/affidavit/login"

        def asked(body: dict[str, object], **claims: object) -> tuple[int, dict[str, str]]:
            headers = {"authorization": f"Bearer {issuer.github(**claims)}", "content-type": "application/json"}
            request = urllib.request.Request(base, json.dumps(body).encode(), headers)
            try:
                with urllib.request.urlopen(request, timeout=20) as answer:
                    return answer.status, json.loads(answer.read())
            except urllib.error.HTTPError as error:
                with error:
                    return error.code, json.loads(error.read())

        _, first = asked({"lifetime_seconds": 60})
        status, renewed = asked({"lifetime_seconds": 600, "renew": first["token"]})
        other, _ = asked({"renew": first["token"]}, sub="repo:acme/other:ref:refs/heads/main")

        assert (status, renewed["id"], renewed["token"]) == (200, first["id"], "")
        assert renewed["expires_at"] > first["expires_at"]
        assert other == 401


def job_login(
    bench: Bench, issuer: JobIssuer, folder: Path, token: str, *words: str
) -> subprocess.CompletedProcess[str]:
    """As in a job of GitHub: the runner's address hands out the token."""
    issuer.hands_out = token
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "AFFIDAVIT_GATEWAY": f"http://127.0.0.1:{bench.gateway.base_url_port}",
        "SSL_CERT_FILE": str(issuer.cafile),
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{issuer.url}/token?api-version=2",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "runner",
    }
    return subprocess.run(
        [AFFIDAVIT, "login", "--ci", "--print", *words],
        env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
