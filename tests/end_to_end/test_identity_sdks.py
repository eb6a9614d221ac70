"""People signed in at a real OpenID provider call models by four vendors' own SDKs, through both doors: who, in which groups, what for, over
which connection and with which key is in each record. Google's and Amazon's services are a stand-in that answers one reply and checks how it was asked.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from scripts.client_settings import Gateway, filled, proxy_door
from tests import signature_v4
from tests.end_to_end.gateway import Bench
from tests.end_to_end.logins import MakeBench, signed_in, signed_up
from tests.end_to_end.policies import PROVIDER_KEY
from tests.end_to_end.sdk import PYTHON
from tests.serving import Quiet, answering

KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
}
CONNECTIONS = """\
version: 1
other_hosts: deny
connections:
  - {{id: openai, provider: openai, hosts: [api.openai.com], upstream: UPSTREAM, allow_private: true, groups: [engineering],
     credential: {{header: Authorization, value: "Bearer ${{env:LOCAL_PROVIDER_KEY}}"}}}}
  - {{id: anthropic, provider: anthropic, hosts: [api.anthropic.com], upstream: UPSTREAM, allow_private: true, groups: [engineering],
     credential: {{header: x-api-key, value: "${{env:LOCAL_PROVIDER_KEY}}"}}}}
  - {{id: gemini, provider: gemini, hosts: [generativelanguage.googleapis.com], upstream: "{clouds}", allow_private: true, groups: [engineering],
     credential: {{header: x-goog-api-key, value: "${{env:LOCAL_PROVIDER_KEY}}"}}}}
  - {{id: bedrock, provider: bedrock, hosts: [bedrock-runtime.us-east-1.amazonaws.com], upstream: "{clouds}", allow_private: true, groups: [engineering],
     credential: {{cloud: aws, region: us-east-1}}}}
"""
PROGRAMS = {
    "openai": """
import openai
print(openai.OpenAI(max_retries=0).chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "say: hello"}]).choices[0].message.content)
""",
    "anthropic": """
import anthropic
asked = [{"role": "user", "content": "say: hello"}]
print(anthropic.Anthropic(max_retries=0).messages.create(model="claude-sonnet-4", max_tokens=100, messages=asked).content[0].text)
""",
    "gemini": """
from google import genai
client = genai.Client()  # kept: one that is not closes its connection
print(client.models.generate_content(model="gemini-2.5-flash", contents="say: hello").text)
""",
    "bedrock": """
import boto3
client = boto3.client("bedrock-runtime", region_name="us-east-1")
asked = [{"role": "user", "content": [{"text": "say: hello"}]}]
print(client.converse(modelId="anthropic.claude-3-5-sonnet-20240620-v1:0", messages=asked)["output"]["message"]["content"][0]["text"])
""",
}
MODELS = {"openai": "gpt-4o-mini", "anthropic": "claude-sonnet-4", "gemini": "gemini-2.5-flash", "bedrock": "anthropic.claude-3-5-sonnet-20240620-v1:0"}  # fmt: skip
BY_BASE_URL = (
    "openai",
    "anthropic",
    "gemini",
)  # boto3 gives a bearer to an https endpoint only, and signs for no other: it comes by the proxy
GEMINI = {
    "candidates": [{"content": {"role": "model", "parts": [{"text": "hello"}]}, "finishReason": "STOP"}],
    "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 1, "totalTokenCount": 4},
}
CONVERSE = {
    "output": {"message": {"role": "assistant", "content": [{"text": "hello"}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 3, "outputTokens": 1, "totalTokens": 4},
    "metrics": {"latencyMs": 1},
}


@dataclass(slots=True)
class Clouds:
    """Answers who proves the gateway's own right, as the services do: Google's key, or a signature by the gateway's AWS key."""

    url: str = ""
    refused: list[str] = field(default_factory=list)

    def may(self, method: str, target: str, headers: dict[str, str], body: bytes) -> bool:
        if ":generateContent" in target:
            return headers.get("x-goog-api-key") == PROVIDER_KEY
        said = headers.get("authorization", "")
        names = said.partition("SignedHeaders=")[2].partition(",")[0].split(";")
        wanted = signature_v4.authorization(
            method, target, {name: headers.get(name, "") for name in names}, body, key_id=KEYS["AWS_ACCESS_KEY_ID"],
            secret=KEYS["AWS_SECRET_ACCESS_KEY"], region="us-east-1", service="bedrock",
        ) if "x-amz-date" in headers else ""  # fmt: skip
        return said == wanted != ""


@contextmanager
def clouds() -> Iterator[Clouds]:
    made = Clouds()

    class Answers(Quiet):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            if not made.may("POST", self.path, headers, body):
                made.refused.append(self.path)
                self.answer(403, b"{}")
            else:
                self.answer(200, json.dumps(GEMINI if ":generateContent" in self.path else CONVERSE).encode())

    with answering(Answers) as made.url:
        yield made


def variables(bench: Bench, sdk: str, door: str, token: str) -> dict[str, str]:
    """The proxy's as `affidavit env` has them, with a key of the person's own where the SDK wants one; or base URLs with the token for a key."""
    root = f"http://127.0.0.1:{bench.gateway.base_url_port}/{sdk}"
    key = "not-a-key" if door == "proxy" else token
    by_base_url = {
        "openai": {"OPENAI_BASE_URL": f"{root}/v1"},
        "anthropic": {"ANTHROPIC_BASE_URL": root},
        "gemini": {"GOOGLE_GEMINI_BASE_URL": root},
    }
    keys = {
        "openai": {"OPENAI_API_KEY": key},
        "anthropic": {"ANTHROPIC_API_KEY": key},
        "gemini": {"GEMINI_API_KEY": key},
        "bedrock": {"AWS_ACCESS_KEY_ID": "AKIAOFTHEPERSON00000", "AWS_SECRET_ACCESS_KEY": "theirs"},
    }
    if door == "base_url":
        return by_base_url[sdk] | keys[sdk]
    gateway = Gateway("127.0.0.1", bench.gateway.proxy_port, bench.gateway.base_url_port, str(bench.gateway.bundle))
    return filled(proxy_door(gateway), token) | keys[sdk]


@pytest.mark.skipif(not PYTHON.exists(), reason="scripts/bootstrap --clients makes .venv-clients")
@pytest.mark.parametrize("door", ["proxy", "base_url"])
def test_each_vendors_sdk_is_recorded_with_who_what_for_and_which_key(
    make_bench: MakeBench, tmp_path: Path, door: str
) -> None:
    with (
        clouds() as services,
        signed_up(make_bench, tmp_path, connections=CONNECTIONS.format(clouds=services.url), environment=KEYS) as (
            bench,
            provider,
        ),
    ):
        token = signed_in(bench, provider, tmp_path / "home", "alice", "--purpose", "OPS-7: notes")
        fingerprints = {}
        for sdk in PROGRAMS if door == "proxy" else BY_BASE_URL:
            seq = bench.last_seq()
            environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)} | variables(bench, sdk, door, token)
            done = subprocess.run(
                [PYTHON, "-c", PROGRAMS[sdk]], env=environment, capture_output=True, text=True, check=False, timeout=90
            )
            assert (done.stdout.strip(), done.returncode) == ("hello", 0), f"{sdk}: {done.stderr[-2000:]}"
            row = bench.closed_exchange(seq)
            (end,) = bench.events_since(seq, "exchange.closed")
            fingerprints[sdk] = json.loads(end["leaf"])["attrs"]["credential"]
            found = {
                name: row[name]
                for name in ("subject", "email", "purpose", "grade", "connection", "door", "outcome", "request_model")
            }

            assert json.loads(row["groups"]) == ["engineering"]
            assert found == {
                "subject": f"{provider.issuer}|alice", "email": "alice@example.com", "purpose": "OPS-7: notes", "grade": "managed",
                "connection": sdk, "door": door, "outcome": "completed", "request_model": MODELS[sdk],
            }  # fmt: skip
            assert {m["content"] for m in bench.messages(row["id"]) if m["direction"] == "response"} >= {"hello"}

        assert services.refused == []
        assert len(set(fingerprints.values())) == (
            2 if door == "proxy" else 1
        )  # one key for three of them, and that of AWS
        assert all(one.startswith("hmac-sha256:") for one in fingerprints.values())
        held = b"".join(file.read_bytes() for file in bench.state.path.rglob("*") if file.is_file())
        assert not [one for one in (PROVIDER_KEY, token, *KEYS.values()) if one.encode() in held]
