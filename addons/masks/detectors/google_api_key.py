"""Google: API keys, OAuth client secrets and ids, access and refresh tokens, HMAC keys. Source: cloud.google.com/docs/authentication, 2026-11."""

from __future__ import annotations

from addons.masks.detectors.forms import Forms, form, holding

DETECTOR = Forms(
    form("GOOGLE_API_KEY", "Google", "AIza", r"AIza[A-Za-z0-9_\-]{35}"),
    form("GOOGLE_API_KEY", "Google AI Studio", "AQ.", r"AQ\.Ab[A-Za-z0-9_\-]{40,120}"),
    form("GOOGLE_API_KEY", "Google OAuth", "GOCSPX-", r"GOCSPX-[A-Za-z0-9_\-]{24,40}"),
    form("GOOGLE_API_KEY", "Google OAuth", "ya29.", r"ya29\.[A-Za-z0-9_\-.]{20,2048}"),
    form("GOOGLE_API_KEY", "Google OAuth", "1//0", r"1//0[A-Za-z0-9_\-]{40,200}"),
    holding(
        "GOOGLE_API_KEY", "Google OAuth", ".apps.google", r"[0-9]{6,20}-[a-z0-9]{24,40}\.apps\.googleusercontent\.com"
    ),
    form("GOOGLE_API_KEY", "Google Cloud Storage", "GOOG1", r"GOOG1[A-Za-z0-9]{20,60}"),
)
