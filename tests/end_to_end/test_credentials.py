"""The provider's key: where it comes from, how it goes on, what is left of it. Upstream is the local provider, which shows what it got."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from scripts.local_certificate import throwaway_certificate
from tests import signature_v4
from tests.cloud_tokens import azure_identity, google_account, token_endpoint
from tests.end_to_end.gateway import Bench, Template, bench
from tests.end_to_end.policies import PROVIDER_KEY
from tests.keyrings import KEYRINGS, Keyring, keep
from tests.serving import Quiet, answering

BODY = json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "the blue heron"}]}).encode()
IDENTITY = 'version: 1\nrights: [{id: engineers, groups: [engineering], connections: ["*"]}]\n'
CONNECTION = """\
  - id: {id}
    provider: {provider}
    hosts: [{id}.example.com]
    upstream: {upstream}
    allow_private: true
    groups: [engineering]
"""


@dataclass(slots=True)
class Vault:
    """A stand-in for Vault's KV version 2 over TLS: no package of the real one is at hand. It checks what the real one checks of a read."""

    url: str
    cafile: Path
    key: str
    asked: list[tuple[str, str | None, str | None]] = field(default_factory=list)  # path, token, namespace


@contextmanager
def vault(folder: Path) -> Iterator[Vault]:
    folder.mkdir()
    pem = throwaway_certificate(folder)
    made = Vault("", pem, "sk-vault-key-0001")

    class Answers(Quiet):
        def do_GET(self) -> None:
            token = self.headers.get("x-vault-token")
            made.asked.append((self.path, token, self.headers.get("x-vault-namespace")))
            status = 200 if token == "hvs.right" and self.path == "/v1/secret/data/llm/openai" else 403
            answer: dict[str, Any] = {"errors": ["permission denied"]}
            if status == 200:
                answer = {"data": {"data": {"api_key": made.key}, "metadata": {"version": 1}}}
            self.answer(status, json.dumps(answer).encode())

    with answering(Answers, pem) as made.url:
        yield made


MakeWorld = Callable[..., AbstractContextManager[Bench]]


@pytest.fixture
def world(template: Template, tmp_path: Path) -> MakeWorld:
    """A gateway with connections given as (id, provider, the rest of the entry), and variables of its own."""

    def make(*entries: tuple[str, str, str], approval: str = "", **variables: str) -> AbstractContextManager[Bench]:
        text = "version: 1\nother_hosts: deny\nconnections:\n" + "".join(
            CONNECTION.format(id=name, provider=provider, upstream="UPSTREAM") + rest
            for name, provider, rest in entries
        )
        return bench(template, tmp_path, identity=IDENTITY, connections=text, approval=approval, environment=variables)

    return make


def header_at_provider(made: Bench, name: str) -> str:
    return {key.lower(): value for key, value in made.provider.log[-1].headers}.get(name, "")


def asked(made: Bench, connection: str, **how: Any) -> Any:
    return made.raw("base_url", how.pop("body", BODY), connection=connection, **how)


def test_a_key_from_vault_goes_on_and_a_rotated_one_without_a_restart(world: MakeWorld, tmp_path: Path) -> None:
    entry = '    credential: {header: Authorization, value: "Bearer ${vault:secret/llm/openai#api_key}", cache_seconds: 0}\n'
    with vault(tmp_path / "vault") as kept:
        variables = {
            "VAULT_ADDR": kept.url,
            "VAULT_TOKEN": "hvs.right",
            "VAULT_CACERT": str(kept.cafile),
            "VAULT_NAMESPACE": "team",
        }
        with world(("one", "openai", entry), **variables) as made:
            seq = made.last_seq()
            first = asked(made, "one").status, header_at_provider(made, "authorization")
            kept.key = "sk-vault-key-0002"
            second = asked(made, "one").status, header_at_provider(made, "authorization")
            made.until(
                lambda: len([row for row in made.exchanges_since(seq) if row["outcome"]]) == 2, "both are closed"
            )
            ends = [json.loads(row["leaf"])["attrs"]["credential"] for row in made.events_since(seq, "exchange.closed")]

            assert (first, second) == ((200, "Bearer sk-vault-key-0001"), (200, "Bearer sk-vault-key-0002"))
            assert kept.asked[0] == ("/v1/secret/data/llm/openai", "hvs.right", "team")
            assert len(set(ends)) == 2
            assert all(fingerprint.startswith("hmac-sha256:") for fingerprint in ends)
            held = b"".join(path.read_bytes() for path in made.state.path.rglob("*") if path.is_file())
            assert b"sk-vault-key" not in held
            assert b"hvs.right" not in held


@pytest.mark.parametrize(
    ("reference", "variables"),
    [
        ("${vault:secret/llm/openai#api_key}", {}),
        ("${vault:secret/llm/openai#api_key}", {"VAULT_TOKEN": "hvs.wrong"}),
        ("${vault:secret/llm/openai#no_such_field}", {"VAULT_TOKEN": "hvs.right"}),
        ("${vault:secret/llm/other#api_key}", {"VAULT_TOKEN": "hvs.right"}),
        ("${vault:secret/llm/openai#api_key}", {"VAULT_TOKEN": "hvs.right", "VAULT_CACERT": ""}),
        ("${file:/nowhere/at/all}", {}),
        ("${command: false}", {}),
        ("${env:NOT_SET}", {}),
    ],
)
def test_without_a_key_nothing_leaves_and_the_answer_says_what_is_missing(
    world: MakeWorld, tmp_path: Path, reference: str, variables: dict[str, str]
) -> None:
    entry = f'    credential: {{header: Authorization, value: "Bearer {reference}"}}\n'
    with vault(tmp_path / "vault") as kept:
        found = {"VAULT_ADDR": kept.url, "VAULT_CACERT": str(kept.cafile)} | variables
        with world(("one", "openai", entry), **{name: value for name, value in found.items() if value}) as made:
            seq = made.last_seq()
            answer = asked(made, "one")

            assert (answer.status, made.provider.count) == (503, 0)
            assert "no provider key" in answer.text
            assert "hvs." not in answer.text
            assert made.closed_exchange(seq)["error"] == "credential_missing"


def test_one_reference_in_two_places_keeps_each_place_its_own(world: MakeWorld) -> None:
    with world(
        ("one", "openai", '    credential: {header: Authorization, value: "Bearer ${env:LOCAL_PROVIDER_KEY}"}\n'),
        ("two", "openai", '    credential: {header: x-api-key, value: "${env:LOCAL_PROVIDER_KEY}"}\n'),
        ("three", "openai", '    credential: {query: key, value: "${env:LOCAL_PROVIDER_KEY}"}\n'),
    ) as made:
        asked(made, "one")
        bearer = header_at_provider(made, "authorization")
        asked(made, "two")
        plain = header_at_provider(made, "x-api-key")
        asked(made, "three")

        assert (bearer, plain) == (f"Bearer {PROVIDER_KEY}", PROVIDER_KEY)
        assert made.provider.log[-1].target.endswith(f"?key={PROVIDER_KEY}")


def test_a_providers_key_from_a_client_is_refused_where_the_connection_says_so(world: MakeWorld) -> None:
    with world(("one", "openai", "    credential: none\n    client_keys: refuse\n")) as made:
        seq = made.last_seq()
        real = asked(made, "one", headers=(("x-api-key", "sk-proj-" + "a" * 40),))
        placeholder = asked(made, "one", headers=(("x-api-key", "not-needed"),))

        assert (real.status, placeholder.status, made.provider.count) == (403, 200, 1)
        (refused,) = made.events_since(seq, "identity.refused")
        assert (
            json.loads(refused["leaf"])["attrs"] | {"code": "client_key_refused", "rule": "connections:one"}
            == json.loads(refused["leaf"])["attrs"]
        )


def test_a_client_that_logs_in_itself_passes_its_own_bearer_and_leaves_a_fingerprint(world: MakeWorld) -> None:
    own = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL2F1dGgub3BlbmFpLmNvbSJ9.c2lnbmF0dXJl"
    with world(("one", "openai", "    credential: client\n    require_org: [ws-1, ws-2]\n")) as made:
        seq = made.last_seq()
        proxied = made.raw("proxy", BODY, host="one.example.com", headers=(("authorization", f"Bearer {own}"),))
        (row,) = [made.closed_exchange(seq)]
        (end,) = made.events_since(seq, "exchange.closed")

        assert proxied.status == 200
        assert header_at_provider(made, "authorization") == f"Bearer {own}"
        assert header_at_provider(made, "chatgpt-allowed-workspace-id") == "ws-1,ws-2"
        assert header_at_provider(made, "proxy-authorization") == ""
        assert row["subject"] == "local|alice"
        assert json.loads(end["leaf"])["attrs"]["credential"].startswith("client hmac-sha256:")
        held = b"".join(path.read_bytes() for path in made.state.path.glob("evidence.db*"))
        assert own.encode() not in held


def test_of_a_connection_with_metadata_only_no_word_is_kept(world: MakeWorld) -> None:
    with world(("one", "openai", "    credential: none\n    visibility: metadata\n")) as made:
        seq = made.last_seq()
        answer = asked(made, "one")
        row = made.closed_exchange(seq)
        (begun,) = made.events_since(seq, "exchange.opened")

        assert answer.status == 200
        assert (row["request_model"], row["outcome"], row["subject"]) == ("gpt-4o-mini", "completed", "local|alice")
        assert row["input_tokens"] is not None
        assert made.messages(row["id"]) == []
        assert json.loads(begun["leaf"])["attrs"]["visibility"] == "metadata"
        assert "metadata only" in made.state.run("show", row["id"], token=made.tokens["alice"]).stdout
        assert "one (metadata only)" in made.state.run("sessions").stdout
        (exposure,) = json.loads(made.state.run("report", "exposures", "--json").stdout)
        assert (exposure["connection"], exposure["entity"], exposure["exchanges"]) == ("one", "CONTENT_NOT_KEPT", 1)
        assert "1 are of connections that keep metadata only" in made.state.run("report", "accounting").stdout
        made.gateway.stop()
        held = b"".join(path.read_bytes() for path in made.state.path.glob("evidence.db*"))
        assert b"blue heron" not in held


def test_a_connection_whose_content_is_kept_stands_nowhere_as_metadata_only(world: MakeWorld) -> None:
    with world(("one", "openai", "    credential: none\n")) as made:
        seq = made.last_seq()
        asked(made, "one")
        row = made.closed_exchange(seq)

        assert json.loads(made.state.run("sessions", "--json").stdout)[0]["metadata_only"] == 0
        said = [
            made.state.run(*words).stdout
            for words in (("report", "exposures"), ("report", "accounting"), ("sessions",))
        ]
        said.append(made.state.run("show", row["id"], token=made.tokens["alice"]).stdout)
        assert [text for text in said if "metadata only" in text or "NOT_KEPT" in text] == []


def test_a_key_that_the_provider_repeats_comes_off(world: MakeWorld) -> None:
    entry = '    credential: {header: x-api-key, value: "${env:LOCAL_PROVIDER_KEY}"}\n'
    with world(("one", "openai", entry)) as made:
        seq = made.last_seq()
        answer = asked(made, "one", headers=(("x-local-fault", "echo-credentials"),))
        made.closed_exchange(seq)
        found = [json.loads(event["leaf"])["attrs"] for event in made.events_since(seq, "finding")]

        assert (answer.status, answer.headers["x-received-key"]) == (401, "[affidavit: credential removed]")
        assert "incorrect API key provided: [affidavit: credential removed]" in answer.text
        assert {one["detail"] for one in found if one["code"] == "credential_echoed"} == {
            "header:x-received-key",
            "body",
        }


KEYED = '    credential: {header: x-api-key, value: "${env:LOCAL_PROVIDER_KEY}"}\n'
FILLER = b"[affidavit: credential removed]"
STREAMED = json.dumps(json.loads(BODY) | {"stream": True}).encode()
NO_RULES = "version: 1\nrules: []\n"
OLLAMA = ("one", "ollama", KEYED)


@pytest.mark.parametrize("approval", ["", NO_RULES], ids=["watched", "passing"])
@pytest.mark.parametrize(
    ("entry", "body", "path", "script", "filler"),
    [
        pytest.param(("one", "openai", KEYED), BODY, "", {"fault": "echo-in-body"}, FILLER, id="whole"),
        pytest.param(("one", "openai", KEYED), BODY, "", {"fault": "echo-in-gzip"}, FILLER, id="whole-compressed"),
        pytest.param(("one", "openai", KEYED), BODY, "", {"fault": "echo-in-huge"}, FILLER, id="over-4-MiB"),
        pytest.param(
            ("one", "openai", KEYED + "    limits: {reply_bytes: 65536}\n"), BODY, "", {"fault": "echo-in-huge"}, b"", id="over-what-is-held"
        ),
        pytest.param(("one", "openai", KEYED), STREAMED, "", {"fault": "echo-in-body"}, b"", id="events"),
        pytest.param(("one", "openai", KEYED), STREAMED, "", {"fault": "echo-in-body", "event_ms": 20}, b"", id="slow-events"),
        pytest.param(OLLAMA, STREAMED, "/api/chat", {"fault": "echo-in-body"}, b"", id="lines"),
    ],
)  # fmt: skip
def test_a_key_that_comes_back_in_a_success_is_taken_out(
    world: MakeWorld,
    approval: str,
    entry: tuple[str, str, str],
    body: bytes,
    path: str,
    script: dict[str, Any],
    filler: bytes,
) -> None:
    with world(entry, approval=approval) as made:
        seq = made.last_seq()
        answer = asked(made, "one", body=body, path=path, headers=(("x-local-script", json.dumps(script)),))
        row = made.closed_exchange(seq)
        found = [json.loads(event["leaf"])["attrs"] for event in made.events_since(seq, "finding")]

        assert (answer.status, row["outcome"]) == (200, "completed")
        assert PROVIDER_KEY.encode() not in answer.body
        assert PROVIDER_KEY[:7].encode() not in answer.body
        assert (filler or FILLER[: len(PROVIDER_KEY)].ljust(len(PROVIDER_KEY), b"*")) in answer.body
        assert [one["detail"] for one in found if one["code"] == "credential_echoed"] == ["body"]
        made.gateway.stop()
        held = b"".join(path.read_bytes() for path in made.state.path.glob("evidence.db*"))
        assert PROVIDER_KEY.encode() not in held


def test_a_compressed_stream_ends_before_the_key_as_one_that_broke_off(world: MakeWorld) -> None:
    with world(("one", "openai", KEYED), approval=NO_RULES) as made:
        seq = made.last_seq()
        whole = asked(made, "one", body=STREAMED, headers=(("x-local-fault", "gzip"),))
        made.closed_exchange(seq)
        seq = made.last_seq()
        broken = asked(made, "one", body=STREAMED, headers=(("x-local-fault", "echo-in-gzip"),))
        row = made.closed_exchange(seq)
        found = [json.loads(event["leaf"])["attrs"]["code"] for event in made.events_since(seq, "finding")]

        text = zlib.decompressobj(31).decompress(broken.body)
        assert b"[DONE]" in gzip.decompress(whole.body)
        assert text.startswith(b"data: ")
        assert b"you sent" not in text
        assert PROVIDER_KEY[:7].encode() not in text
        assert (row["outcome"], row["error"]) == ("failed", "credential_echoed")
        assert "credential_echoed" in found


KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
}


@pytest.mark.parametrize(
    ("path", "session"),
    [
        ("/v1/chat/completions", ""),
        ("/v1/chat/completions", "FwoGZXIvYXdzEXAMPLE/session+token=="),
        ("/model/anthropic.claude-3-5%3A0/converse?b=2&a=1", ""),
        ("/model/arn%3Aaws%3Abedrock%3Aeu%2Fprofile/converse", ""),
    ],
)
def test_a_call_to_aws_is_signed_anew_over_what_goes_out(world: MakeWorld, path: str, session: str) -> None:
    """Checked by the arithmetic of the service, written by hand; what signs is botocore."""
    entry = "    credential: {cloud: aws, region: eu-central-1}\n"
    with world(("one", "openai", entry), **KEYS, **({"AWS_SESSION_TOKEN": session} if session else {})) as made:
        seq = made.last_seq()
        signed = "AWS4-HMAC-SHA256 Credential=AKIAAAAAAAAAAAAAAAAA/20261125/eu-central-1/bedrock/aws4_request, SignedHeaders=host, Signature=00"
        made.raw(
            "proxy",
            BODY,
            host="one.example.com",
            path=path,
            headers=(("authorization", signed), ("x-amz-date", "20200101T000000Z"), ("x-amz-security-token", "theirs")),
        )
        got = made.provider.log[-1]
        row = made.closed_exchange(seq)
        (end,) = made.events_since(seq, "exchange.closed")
        sent = {name.lower(): value for name, value in got.headers}
        named = sent["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
        wanted = signature_v4.authorization(
            got.method, got.target, {name: sent[name] for name in named}, got.body, key_id=KEYS["AWS_ACCESS_KEY_ID"],
            secret=KEYS["AWS_SECRET_ACCESS_KEY"], region="eu-central-1", service="bedrock",
        )  # fmt: skip

        assert got.target == path
        assert sent["authorization"] == wanted
        assert {"host", "x-amz-date", "content-type"} <= set(named)
        assert sent["x-amz-date"] != "20200101T000000Z"
        assert sent.get("x-amz-security-token", "") == session
        assert row["subject"] == "local|alice"
        assert json.loads(end["leaf"])["attrs"]["credential"].startswith("hmac-sha256:")
        held = b"".join(file.read_bytes() for file in made.state.path.rglob("*") if file.is_file())
        assert not [key for key in (*KEYS.values(), session) if key and key.encode() in held]


@pytest.mark.parametrize(("cloud", "variables"), [("google", google_account), ("azure", azure_identity)])
def test_a_clouds_token_is_put_on_and_recorded_by_its_fingerprint(
    world: MakeWorld, tmp_path: Path, cloud: str, variables: Callable[[str, Path], dict[str, str]]
) -> None:
    entry = f"    credential: {{cloud: {cloud}}}\n"
    with token_endpoint() as url, world(("one", "openai", entry), **variables(url, tmp_path)) as made:
        seq = made.last_seq()
        answer = asked(made, "one")
        made.closed_exchange(seq)
        (end,) = made.events_since(seq, "exchange.closed")

        assert (answer.status, header_at_provider(made, "authorization")) == (200, f"Bearer token-of/{cloud}")
        assert json.loads(end["leaf"])["attrs"]["credential"].startswith("hmac-sha256:")
        held = b"".join(file.read_bytes() for file in made.state.path.rglob("*") if file.is_file())
        assert f"token-of/{cloud}".encode() not in held


def test_a_cloud_without_credentials_sends_nothing(world: MakeWorld) -> None:
    entry = "    credential: {cloud: aws, region: eu-central-1}\n"
    with world(("one", "openai", entry), AWS_EC2_METADATA_DISABLED="true") as made:
        answer = asked(made, "one")

        assert (answer.status, answer.headers["affidavit-code"], made.provider.count) == (503, "credential_missing", 0)
        assert "aws: no credentials in the environment" in answer.text


@pytest.mark.parametrize("kept", [pytest.param(kind, id=kind.__name__) for kind in KEYRINGS])
def test_a_key_from_the_keyring_goes_on_and_one_that_is_not_there_is_missed(
    world: MakeWorld, tmp_path: Path, kept: Keyring
) -> None:
    entry = '    credential: {header: Authorization, value: "Bearer ${keyring:llm/openai}", cache_seconds: 0}\n'
    with kept(tmp_path / "ring") as variables, world(("one", "openai", entry), **variables) as made:
        seq = made.last_seq()
        missed = asked(made, "one")
        keep(variables, "llm", "openai", "sk-of-the-keyring")
        found = asked(made, "one")
        made.until(lambda: len([row for row in made.exchanges_since(seq) if row["outcome"]]) == 2, "both are closed")
        end = made.events_since(seq, "exchange.closed")[-1]

        assert (missed.status, missed.headers["affidavit-code"]) == (503, "credential_missing")
        assert (found.status, header_at_provider(made, "authorization")) == (200, "Bearer sk-of-the-keyring")
        assert made.provider.count == 1
        assert json.loads(end["leaf"])["attrs"]["credential"].startswith("hmac-sha256:")
        held = b"".join(file.read_bytes() for file in made.state.path.rglob("*") if file.is_file())
        assert b"sk-of-the-keyring" not in held
