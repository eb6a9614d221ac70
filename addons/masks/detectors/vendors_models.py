"""Keys of providers of models and of what stands around them. Sources: each vendor's page on authentication, 2026-11."""

from __future__ import annotations

from addons.masks.detectors.forms import Forms, form

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
DETECTOR = Forms(
    form("HUGGINGFACE_TOKEN", "Hugging Face", "hf_", r"hf_[A-Za-z0-9]{30,60}"),
    form("HUGGINGFACE_TOKEN", "Hugging Face", "api_org_", r"api_org_[A-Za-z0-9]{30,60}"),
    form("API_KEY", "Groq", "gsk_", r"gsk_[A-Za-z0-9]{40,80}"),
    form("API_KEY", "xAI", "xai-", r"xai-[A-Za-z0-9]{60,120}"),
    form("API_KEY", "Perplexity", "pplx-", r"pplx-[A-Za-z0-9]{32,64}"),
    form("API_KEY", "Replicate", "r8_", r"r8_[A-Za-z0-9]{30,50}"),
    form("API_KEY", "Fireworks", "fw_", r"fw_[A-Za-z0-9]{20,40}"),
    form("API_KEY", "Cerebras", "csk-", r"csk-[a-z0-9]{40,60}"),
    form("API_KEY", "NVIDIA", "nvapi-", r"nvapi-[A-Za-z0-9_\-]{50,90}"),
    form("API_KEY", "Voyage AI", "pa-", r"pa-(?=[A-Za-z0-9_\-]*[0-9])[A-Za-z0-9_\-]{40,60}"),
    form("API_KEY", "Jina", "jina_", r"jina_[A-Za-z0-9_\-]{40,80}"),
    form("API_KEY", "LangSmith", "lsv2_", r"lsv2_(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{10}"),
    form("API_KEY", "LangSmith", "ls__", r"ls__[a-f0-9]{32}"),
    form("API_KEY", "Langfuse", "pk-lf- sk-lf-", rf"[ps]k-lf-{_UUID}"),
    form("API_KEY", "Pinecone", "pcsk_", r"pcsk_[A-Za-z0-9]{4,8}_[A-Za-z0-9]{40,80}"),
    form("API_KEY", "Together", "tgp_v1_", r"tgp_v1_[A-Za-z0-9_\-]{30,60}"),
    form("API_KEY", "Anyscale", "esecret_", r"esecret_[A-Za-z0-9]{20,60}"),
    form("API_KEY", "Tavily", "tvly-", r"tvly-(?:dev-|prod-)?[A-Za-z0-9\-]{24,60}"),
    form("API_KEY", "Exa, E2B, Firecrawl", "fc- e2b_", r"fc-[a-f0-9]{32}|e2b_[a-f0-9]{40}"),
    form("API_KEY", "ElevenLabs", "sk_", r"sk_[a-f0-9]{48}"),
    form("API_KEY", "Private AI", "privateai", r"privateai[A-Za-z0-9_\-]{0,10}_[A-Za-z0-9]{20,60}"),
    form(
        "API_KEY",
        "Relevance, Dify, Coze",
        "app- dataset- pat_",
        r"(?:app|dataset)-[A-Za-z0-9]{24}|pat_[A-Za-z0-9]{64}",
    ),
    form("API_KEY", "Modal", "ak- as-", r"a[ks]-[A-Za-z0-9]{22}"),
    form("API_KEY", "Friendli, Novita, SambaNova", "flp_", r"flp_[A-Za-z0-9]{40,60}"),
    form("API_KEY", "Weights & Biases", "wandb_v1_", r"wandb_v1_[A-Za-z0-9_\-]{40,120}"),
    form("API_KEY", "Vercel AI gateway", "vck_ vcp_ vci_ vca_ vcr_", r"vc[kpiar]_[A-Za-z0-9]{24,80}"),
)
