"""OpenAI's keys, and those of the many providers that copied `sk-`. Source: platform.openai.com/docs/api-reference/authentication, 2026-11."""

from __future__ import annotations

from addons.masks.detectors.forms import Forms, form

DETECTOR = Forms(
    form(
        "OPENAI_API_KEY",
        "OpenAI",
        "sk-",
        r"sk-(?:proj|svcacct|admin|service|None|live|or-v1|lf)-[A-Za-z0-9_\-]{16,300}",
    ),
    form(
        "OPENAI_API_KEY",
        "OpenAI",
        "sk-",
        r"sk-(?!ant-)(?=[A-Za-z0-9_\-]*[0-9])(?=[A-Za-z0-9_\-]*[a-zA-Z])[A-Za-z0-9]{16,200}(?:[_\-][A-Za-z0-9_\-]{0,200})?",
    ),
    form("OPENAI_API_KEY", "OpenAI", "sk-", r"sk-[A-Za-z0-9_\-]{10,100}T3BlbkFJ[A-Za-z0-9_\-]{16,120}"),
    form(
        "OPENAI_API_KEY",
        "OpenAI",
        "sess- ek_",
        r"sess-[A-Za-z0-9]{36,64}|ek_(?=[A-Za-z0-9]*[0-9])[A-Za-z0-9]{24,128}",
    ),
)
