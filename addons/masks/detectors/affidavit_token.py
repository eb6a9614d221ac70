"""This gateway's own tokens: `afd_` and 43 letters of base64url (256 bits). Source: addons/tokens/gateway_token.py."""

from __future__ import annotations

from addons.masks.detectors.forms import Forms, form

DETECTOR = Forms(form("AFFIDAVIT_TOKEN", "Affidavit", "afd_", r"afd_[A-Za-z0-9_\-]{43}"))
