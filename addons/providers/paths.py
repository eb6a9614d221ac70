"""What a request's path says beside the endpoint: a model, a stream. Not the endpoints' own paths, which stand in their files.

/openai/deployments/gpt-4o/chat/completions                     Azure
/v1beta/models/gemini-2.5-pro:streamGenerateContent             Google AI
/v1/projects/p/locations/l/publishers/anthropic/models/claude-opus-4:streamRawPredict     Vertex AI
/model/anthropic.claude-3-haiku-20240307-v1%3A0/invoke-with-response-stream               Bedrock
/serving-endpoints/dbrx/invocations, /endpoints/llama/invocations                         Databricks, SageMaker
/models/HuggingFaceH4/zephyr-7b-beta, /v1/models/meta/llama-3/predictions                 Hugging Face, Replicate
No model, though it looks like one: /models/chat/completions (Azure's inference), /endpoints/openapi/chat/completions and
/models/count-tokens:rawPredict (Vertex AI); there the body names it.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl, unquote

_MODEL: Final = re.compile(
    r"/(?:deployments|engines|models|tunedModels|model|serving-endpoints|endpoints|guardrail|agents)/"
    r"(?!completions$|chat/completions$|(?:images/)?(?:embeddings|generations)$|info$|openapi/|count-tokens:)"
    r"((?:(?<=/models/)[^/:]+/[^/:]+(?=$|/v1/|/predictions$))|[^/:]+)"
)
_STREAM: Final = re.compile(r"(?::stream\w+|[-_/]stream)$")


def model_in(path: str) -> str:
    """The model named last; an ARN keeps its slashes escaped on the wire, and loses that here."""
    found = _MODEL.findall(path)
    return unquote(found[-1]) if found else ""


def models_in(query: str) -> tuple[str, ...]:
    """Those that a WebSocket's address names, each once: ?model=gpt-realtime, or as Azure does ?deployment=…"""
    pairs = parse_qsl(query) if "model=" in query or "deployment=" in query else []
    return tuple(dict.fromkeys(value for name, value in pairs if name in ("model", "deployment")))


def streams(path: str) -> bool:
    """Whether the path asks for a stream."""
    return _STREAM.search(path) is not None
