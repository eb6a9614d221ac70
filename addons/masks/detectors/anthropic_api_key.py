"""Anthropic's keys: API, admin, OAuth access and refresh, session. Source: docs.anthropic.com/en/api/admin-api, 2026-11."""

from __future__ import annotations

from addons.masks.detectors.forms import Forms, form

DETECTOR = Forms(form("ANTHROPIC_API_KEY", "Anthropic", "sk-ant-", r"sk-ant-[A-Za-z0-9_\-]{16,400}"))
