"""Who is who: names, hosts, and the shapes in which each provider says no."""

import json

import pytest

from addons.providers.aws_eventstream import FrameFramer
from addons.providers.call import Call
from addons.providers.doors import refusal, refusal_event, stream_parser
from addons.providers.registry import (
    DNS_SUFFIXES,
    PROVIDER_NAMES,
    PROVIDERS,
    ProviderUnknown,
    endpoint_with_id,
    provider_named,
    provider_of_host,
)


def test_no_name_and_no_suffix_is_given_twice() -> None:
    words = [word for provider in PROVIDERS for word in (provider.name, *provider.aliases)]
    suffixes = [suffix for provider in PROVIDERS for suffix in provider.suffixes]

    assert (len(words), len(suffixes)) == (len(set(words)), len(set(suffixes)))
    assert frozenset(words) == PROVIDER_NAMES


def test_a_suffix_under_another_provider_s_suffix_is_found_first() -> None:
    assert provider_of_host("models.inference.ai.azure.com") is provider_named("github_models")


@pytest.mark.parametrize("suffix", DNS_SUFFIXES)
def test_a_suffix_is_a_plain_dns_name(suffix: str) -> None:
    labels = suffix.split(".")

    assert len(labels) > 1
    assert all(label and label == label.lower().strip("-*") and label.isascii() for label in labels)


@pytest.mark.parametrize(
    "wide", ["amazonaws.com", "googleapis.com", "azure.com", "s3.us-east-1.amazonaws.com", "storage.googleapis.com"]
)
def test_the_ca_may_not_speak_for_a_whole_cloud(wide: str) -> None:
    assert provider_of_host(wide) is None
    assert not any(wide == suffix or wide.endswith("." + suffix) for suffix in DNS_SUFFIXES)


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("api.openai.com", "openai"),
        ("API.OpenAI.com.", "openai"),
        ("eu.api.openai.com", "openai"),
        ("api.anthropic.com", "anthropic"),
        ("generativelanguage.googleapis.com", "gcp.gemini"),
        ("us-central1-aiplatform.googleapis.com", "gcp.vertex_ai"),
        ("moon-base1-aiplatform.googleapis.com", "gcp.vertex_ai"),
        ("aiplatform.us.rep.googleapis.com", "gcp.vertex_ai"),
        ("me.openai.azure.com", "azure.ai.openai"),
        ("me.services.ai.azure.com", "azure.ai.inference"),
        ("bedrock-runtime.eu-west-1.amazonaws.com", "aws.bedrock"),
        ("bedrock-runtime-fips.us-moon-1.amazonaws.com", "aws.bedrock"),
        ("bedrock-mantle.us-east-1.api.aws", "aws.bedrock"),
        ("api.mistral.ai", "mistral_ai"),
        ("openrouter.ai", "openrouter"),
        ("api.x.ai", "x_ai"),
        ("api.z.ai", "zai"),
        ("notopenai.com", None),
        ("openai.com.evil.example", None),
        ("evilx.ai", None),
        ("ai", None),
        ("", None),
        ("127.0.0.1", None),
    ],
)
def test_a_host_belongs_to_its_provider_and_to_no_other(host: str, name: str | None) -> None:
    found = provider_of_host(host)

    assert (found.name if found else None) == name


def test_an_alias_is_its_provider() -> None:
    assert provider_named("gemini") is provider_named("gcp.gemini")


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(ProviderUnknown, match="did you mean anthropic"):
        provider_named("antropic")


def test_every_endpoint_is_found_by_its_id() -> None:
    for provider in PROVIDERS:
        for endpoint in provider.endpoints:
            assert endpoint_with_id(endpoint.id) is not None


SHAPES = {
    "openai": {"error": {"message": "No. [ex_1]", "type": "permission_error", "param": None, "code": "denied"}},
    "anthropic": {
        "type": "error",
        "error": {"type": "permission_error", "message": "No. [denied]"},
        "request_id": "ex_1",
    },
    "gcp.gemini": {"error": {"code": 403, "message": "No. [denied] [ex_1]", "status": "PERMISSION_DENIED"}},
    "aws.bedrock": {"message": "No. [denied] [ex_1]", "__type": "AccessDeniedException"},
    "cohere": {"id": "ex_1", "message": "No. [denied]"},
    "ollama": {"error": "No. [denied] [ex_1]"},
    "mcp": {
        "jsonrpc": "2.0",
        "id": None,
        "error": {"code": -32001, "message": "No.", "data": {"code": "denied", "exchange_id": "ex_1"}},
    },
    "generic": {"error": {"code": "denied", "message": "No.", "exchange_id": "ex_1"}},
    "nobody": {"error": {"code": "denied", "message": "No.", "exchange_id": "ex_1"}},
}


@pytest.mark.parametrize(("provider", "expected"), SHAPES.items(), ids=SHAPES)
def test_a_refusal_looks_like_the_provider_s_own_errors(provider: str, expected: dict[str, object]) -> None:
    body, content_type = refusal(provider, 403, "denied", "No.", "ex_1")

    assert (json.loads(body), content_type) == (expected, "application/json")


def test_a_refusal_looks_like_the_endpoint_s_errors_where_that_is_known() -> None:
    body, _ = refusal("ollama", 403, "denied", "No.", "ex_1", endpoint="anthropic.messages")

    assert json.loads(body)["type"] == "error"


ENDPOINTS = sorted({endpoint.id for provider in PROVIDERS for endpoint in provider.endpoints if endpoint.assembler})
FRAMING = {
    "bedrock.converse": "application/vnd.amazon.eventstream",
    "bedrock.agent": "application/vnd.amazon.eventstream",
    "ollama.chat": "application/x-ndjson",
}


@pytest.mark.parametrize("endpoint", [endpoint for endpoint in ENDPOINTS if not endpoint.startswith("cohere")])
def test_a_refusal_inside_a_stream_is_read_as_its_failure(endpoint: str) -> None:
    """By our own parsers, which read what the SDKs read; Cohere says in its last event that there was one."""
    parser = stream_parser(
        Call("openai", "", endpoint, "", streamed=True, turns=()), FRAMING.get(endpoint, "text/event-stream")
    )
    assert parser is not None
    parser.feed(refusal_event("openai", endpoint, "denied", "No.", "ex_1"))
    parser.finish()

    assert parser.reply().error
    assert any("No." in part.content for part in parser.reply().parts)


@pytest.mark.parametrize("endpoint", ["openai.chat", "openai.responses", "openai.assistants"])
def test_a_refusal_inside_a_stream_of_openai_has_the_key_that_makes_its_sdks_raise(endpoint: str) -> None:
    event = refusal_event("openai", endpoint, "denied", "No.", "ex_1")
    data = json.loads(event.split(b"data: ")[1].split(b"\n")[0])

    assert data["error"]["message"] == "No. [ex_1]"


def test_a_refusal_inside_an_aws_stream_is_an_exception_frame() -> None:
    cut = FrameFramer().feed(refusal_event("aws.bedrock", "bedrock.converse", "denied", "No.", "ex_1"))[0]

    assert (cut.event, json.loads(cut.payload)["message"]) == ("exception/validationException", "No. [denied] [ex_1]")
