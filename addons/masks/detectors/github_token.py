"""GitHub's and GitLab's tokens. Sources: docs.github.com "About authentication to GitHub" (token formats); docs.gitlab.com "Token prefixes", 2026-11."""

from __future__ import annotations

from addons.masks.detectors.forms import Forms, form

DETECTOR = Forms(
    form("GITHUB_TOKEN", "GitHub", "ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_[A-Za-z0-9]{36,255}"),
    form("GITHUB_TOKEN", "GitHub", "github_pat_", r"github_pat_[A-Za-z0-9_]{22,255}"),
    form(
        "GITLAB_TOKEN",
        "GitLab",
        "glpat- gldt- glrt- glrtr- glcbt- glptt- glft- glimt- glagent- gloas- glsoat- glffct- glwt-",
        r"gl(?:pat|dt|rtr?|cbt|ptt|ft|imt|agent|oas|soat|ffct|wt)-[A-Za-z0-9_\-]{8,300}(?:\.[A-Za-z0-9]{2,60}){0,2}",
    ),
    form("GITLAB_TOKEN", "GitLab", "GR1348941", r"GR1348941[A-Za-z0-9_\-]{20,50}"),
)
