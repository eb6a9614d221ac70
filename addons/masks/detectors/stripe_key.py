"""Stripe's secret, restricted and publishable keys, and webhook secrets. Source: docs.stripe.com/keys, 2026-11."""

from __future__ import annotations

from addons.masks.detectors.forms import Forms, form

DETECTOR = Forms(
    form("STRIPE_KEY", "Stripe", "sk_ rk_ pk_", r"(?:sk|rk|pk)_(?:live|test|prod)_[A-Za-z0-9]{10,250}"),
    form("STRIPE_KEY", "Stripe", "whsec_", r"whsec_[A-Za-z0-9+/]{24,100}={0,2}"),
)
