"""Slack's tokens; its webhooks are in credentials_in_urls.py. Source: api.slack.com/concepts/token-types, 2026-11."""

from __future__ import annotations

from addons.masks.detectors.forms import Forms, form

DETECTOR = Forms(
    form("SLACK_TOKEN", "Slack", "xox", r"xox[abceoprs](?:\.xox[bp])?-[A-Za-z0-9\-]{8,250}"),
    form("SLACK_TOKEN", "Slack", "xapp- xwfp-", r"(?:xapp|xwfp)-[0-9]-[A-Za-z0-9\-]{16,250}"),
)
