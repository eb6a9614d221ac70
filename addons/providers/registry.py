"""Every provider, one line each. Not a wire format: those are the other files; not the way in: that is doors.py.

To add a provider that speaks a known format: one line in PROVIDERS. To add a format: one file with an Endpoint, named here.
Names: gen_ai.provider.name of the OpenTelemetry GenAI conventions where they have one. Suffixes are what the gateway's CA
may speak for and what counts as a model provider's host when it is met undeclared; they are as narrow as a vendor allows.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from addons.providers.anthropic_messages import ANTHROPIC_MESSAGES, ANTHROPIC_REFUSAL
from addons.providers.batches import BATCHES
from addons.providers.bedrock_agent import BEDROCK_AGENT
from addons.providers.bedrock_converse import BEDROCK_CONVERSE, BEDROCK_REFUSAL
from addons.providers.cohere import COHERE_CHAT, COHERE_REFUSAL
from addons.providers.cohere_v1 import COHERE_CHAT_V1
from addons.providers.embeddings import EMBEDDINGS
from addons.providers.gemini import GEMINI_GENERATE, GEMINI_REFUSAL
from addons.providers.gemini_interactions import GEMINI_INTERACTIONS
from addons.providers.gemini_live import GEMINI_LIVE
from addons.providers.generic_refusal import GENERIC_REFUSAL
from addons.providers.hosts import BEDROCK_HOSTS, BEDROCK_PATTERN, VERTEX_HOSTS, VERTEX_PATTERN
from addons.providers.mcp import MCP_REFUSAL, MCP_RPC
from addons.providers.ollama import OLLAMA_CHAT, OLLAMA_REFUSAL
from addons.providers.openai_assistants import OPENAI_ASSISTANTS
from addons.providers.openai_chat import OPENAI_CHAT
from addons.providers.openai_media import OPENAI_MEDIA
from addons.providers.openai_realtime import OPENAI_REALTIME
from addons.providers.openai_responses import OPENAI_RESPONSES
from addons.providers.openai_shapes import OPENAI_REFUSAL
from addons.providers.resources import RESOURCES
from addons.providers.text_completion import TEXT_COMPLETION
from addons.providers.token_counts import TOKEN_COUNTS
from addons.providers.vertex_predict import VERTEX_PREDICT
from addons.providers.wire import Endpoint, Provider, Refusal

OPENAI: Final = (
    OPENAI_CHAT,
    OPENAI_RESPONSES,
    EMBEDDINGS,
    TEXT_COMPLETION,
    *OPENAI_MEDIA,
    OPENAI_ASSISTANTS,
    *OPENAI_REALTIME,
)
COMPATIBLE: Final = (*OPENAI, ANTHROPIC_MESSAGES, *TOKEN_COUNTS, *BATCHES, *RESOURCES)
GEMINI: Final = (GEMINI_GENERATE, GEMINI_INTERACTIONS, VERTEX_PREDICT, GEMINI_LIVE)


def _compatible(name: str, *suffixes: str, aliases: tuple[str, ...] = ()) -> Provider:
    """A vendor that speaks OpenAI's formats, and perhaps Anthropic's."""
    return Provider(name, suffixes, COMPATIBLE, OPENAI_REFUSAL, aliases=aliases)


def _own(
    name: str, endpoints: tuple[Endpoint, ...], refusal: Refusal, *suffixes: str, aliases: tuple[str, ...] = ()
) -> Provider:
    """A vendor with formats of its own; the compatible ones are tried after them."""
    return Provider(name, suffixes, (*endpoints, *COMPATIBLE), refusal, aliases=aliases)


_AZURE: Final = ("openai.azure.com", "cognitiveservices.azure.com")
_FOUNDRY: Final = ("services.ai.azure.com", "models.ai.azure.com", "inference.ai.azure.com")

PROVIDERS: Final = (
    _compatible("openai", "openai.com"),
    _own("anthropic", (ANTHROPIC_MESSAGES,), ANTHROPIC_REFUSAL, "anthropic.com"),
    _compatible("azure.ai.openai", *_AZURE, aliases=("azure", "azure_openai")),
    _compatible("azure.ai.inference", *_FOUNDRY, aliases=("azure_ai", "azure_foundry")),
    Provider("aws.bedrock", BEDROCK_HOSTS, (BEDROCK_CONVERSE, BEDROCK_AGENT, *COMPATIBLE), BEDROCK_REFUSAL, BEDROCK_PATTERN, aliases=("bedrock",)),
    _own("gcp.gemini", GEMINI, GEMINI_REFUSAL, "generativelanguage.googleapis.com", aliases=("gemini", "google", "google_ai")),
    Provider("gcp.vertex_ai", VERTEX_HOSTS, (*GEMINI, *COMPATIBLE), GEMINI_REFUSAL, VERTEX_PATTERN, aliases=("vertex", "vertex_ai")),
    _own("cohere", (COHERE_CHAT, COHERE_CHAT_V1), COHERE_REFUSAL, "cohere.com", "cohere.ai"),
    _compatible("mistral_ai", "mistral.ai", aliases=("mistral",)),
    _compatible("groq", "groq.com"),
    _compatible("x_ai", "x.ai", aliases=("xai", "grok")),
    _compatible("deepseek", "deepseek.com"),
    _compatible("perplexity", "perplexity.ai"),
    _compatible("moonshot_ai", "moonshot.ai", "moonshot.cn", "kimi.com", aliases=("moonshot", "kimi")),
    _compatible("ibm.watsonx.ai", "ml.cloud.ibm.com", aliases=("watsonx",)),
    _compatible("openrouter", "openrouter.ai"),
    _compatible("together", "together.xyz", "together.ai", aliases=("together_ai",)),
    _compatible("fireworks", "fireworks.ai", aliases=("fireworks_ai",)),
    _compatible("cerebras", "cerebras.ai"),
    _compatible("sambanova", "sambanova.ai"),
    _compatible("nvidia", "integrate.api.nvidia.com", "ai.api.nvidia.com", aliases=("nvidia_nim",)),
    _compatible("huggingface", "router.huggingface.co", "api-inference.huggingface.co", "endpoints.huggingface.cloud"),
    _compatible("github_models", "models.github.ai", "models.inference.ai.azure.com", "githubcopilot.com"),
    _compatible("alibaba", "dashscope.aliyuncs.com", "dashscope-intl.aliyuncs.com", "dashscope-us.aliyuncs.com", aliases=("qwen", "dashscope")),
    _compatible("zai", "z.ai", "bigmodel.cn", aliases=("zhipu", "glm")),
    _compatible("minimax", "minimax.io", "minimaxi.com", "minimax.chat"),
    _compatible("volcengine", "ark.cn-beijing.volces.com", "bytepluses.com", aliases=("doubao",)),
    _compatible("baidu", "qianfan.baidubce.com", aliases=("qianfan",)),
    _compatible("tencent", "hunyuan.cloud.tencent.com", aliases=("hunyuan",)),
    _compatible("stepfun", "stepfun.com", "stepfun.ai"),
    _compatible("siliconflow", "siliconflow.cn", "siliconflow.com"),
    _compatible("ai21", "ai21.com"),
    _compatible("deepinfra", "deepinfra.com"),
    _compatible("novita", "novita.ai"),
    _compatible("nebius", "studio.nebius.ai", "studio.nebius.com", "tokenfactory.nebius.com"),
    _compatible("hyperbolic", "hyperbolic.xyz"),
    _compatible("lambda", "lambda.ai", "lambdalabs.com"),
    _compatible("baseten", "baseten.co"),
    _compatible("replicate", "replicate.com"),
    _compatible("featherless", "featherless.ai"),
    _compatible("inference_net", "inference.net"),
    _compatible("chutes", "chutes.ai"),
    _compatible("parasail", "parasail.io"),
    _compatible("friendli", "friendli.ai"),
    _compatible("crusoe", "inference.crusoecloud.com"),
    _compatible("scaleway", "api.scaleway.ai"),
    _compatible("ovhcloud", "endpoints.ai.cloud.ovh.net"),
    _compatible("ionos", "inference.de-txl.ionos.com"),
    _compatible("digitalocean", "inference.do-ai.run"),
    _compatible("venice", "venice.ai"),
    _compatible("writer", "writer.com"),
    _compatible("reka", "reka.ai"),
    _compatible("upstage", "upstage.ai"),
    _compatible("voyage", "voyageai.com"),
    _compatible("jina", "jina.ai"),
    _compatible("nomic", "nomic.ai"),
    _compatible("aleph_alpha", "aleph-alpha.com"),
    _compatible("meta_llama", "api.llama.com"),
    _compatible("inception", "inceptionlabs.ai"),
    _compatible("morph", "morphllm.com"),
    _compatible("elevenlabs", "elevenlabs.io"),
    _compatible("deepgram", "deepgram.com"),
    _compatible("assemblyai", "assemblyai.com"),
    _compatible("stability", "stability.ai"),
    _compatible("fal", "fal.run", "fal.ai"),
    _compatible("vercel", "ai-gateway.vercel.sh", aliases=("vercel_gateway",)),
    _compatible("cloudflare", "gateway.ai.cloudflare.com"),
    _compatible("portkey", "portkey.ai"),
    _compatible("helicone", "helicone.ai"),
    _compatible("requesty", "requesty.ai"),
    _compatible("databricks", "serving.cloud.databricks.com"),
    _compatible("snowflake"),
    _own("ollama", (OLLAMA_CHAT,), OLLAMA_REFUSAL, "ollama.com"),
    _compatible("openai_compatible", aliases=("local", "vllm", "lm_studio", "litellm", "compatible")),
    Provider("mcp", (), (MCP_RPC,), MCP_REFUSAL),
    Provider("generic", (), COMPATIBLE, GENERIC_REFUSAL, aliases=("other",)),
)  # fmt: skip

_BY_NAME: Final[Mapping[str, Provider]] = MappingProxyType(
    {word: provider for provider in PROVIDERS for word in (provider.name, *provider.aliases)}
)
_BY_SUFFIX: Final[Mapping[str, Provider]] = MappingProxyType(
    {suffix: provider for provider in PROVIDERS for suffix in provider.suffixes}
)
_ENDPOINTS: Final[Mapping[str, Endpoint]] = MappingProxyType(
    {endpoint.id: endpoint for provider in PROVIDERS for endpoint in provider.endpoints}
)

PROVIDER_NAMES: Final = frozenset(_BY_NAME)  # every word that `provider:` may be in connections.yaml
ENDPOINT_IDS: Final = frozenset((*_ENDPOINTS, "generic"))  # what `endpoints` may name in approval.yaml
DNS_SUFFIXES: Final = tuple(sorted(_BY_SUFFIX))  # what the gateway's CA may speak for


class ProviderUnknown(LookupError):  # noqa: N818 - reads as what is wrong
    """A provider's name that is not in PROVIDERS."""


def provider_named(name: str) -> Provider:
    found = _BY_NAME.get(name)
    if found is None:
        near = difflib.get_close_matches(name, _BY_NAME, 1)
        hint = f"did you mean {near[0]}?" if near else "for any other HTTP API: generic"
        listed = " ".join(provider.name for provider in PROVIDERS)
        raise ProviderUnknown(f"provider: expected one of {listed}; got {name[:60]!r}; {hint}")
    return found


def provider_of_host(host: str) -> Provider | None:
    """The provider whose API lives at `host`, or None."""
    name = host.lower().rstrip(".")
    labels = name.split(".")
    for start in range(len(labels) - 1):
        if found := _BY_SUFFIX.get(".".join(labels[start:])):
            return found
    return next((provider for provider in PROVIDERS if provider.hosts and provider.hosts.fullmatch(name)), None)


def endpoint_with_id(endpoint_id: str) -> Endpoint | None:
    """None for generic, which is no endpoint."""
    return _ENDPOINTS.get(endpoint_id)


def endpoint_for(provider: str, method: str, path: str) -> Endpoint | None:
    """The first of the provider's formats that lives at this path."""
    found = _BY_NAME.get(provider)
    plain = path.rstrip("/")
    for endpoint in found.endpoints if found else COMPATIBLE:
        if method.upper() in endpoint.methods and endpoint.path.search(plain):
            return endpoint
    return None
