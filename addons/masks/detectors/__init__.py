"""Every kind of value that is looked for, one line each. A new one is a file here, its test, and its line."""

from __future__ import annotations

import hashlib

from addons.masks.detectors import (
    affidavit_token,
    anthropic_api_key,
    assigned,
    authorization,
    aws_access_key,
    credentials_in_urls,
    credit_card,
    email_address,
    github_token,
    google_api_key,
    iban,
    ip_address,
    jwt,
    openai_api_key,
    password_hash,
    phone_number,
    private_key,
    slack_token,
    stripe_key,
    us_ssn,
    vendors_business,
    vendors_cloud,
    vendors_code,
    vendors_models,
)
from addons.masks.detectors.kinds import Detector

DETECTORS: tuple[Detector, ...] = (
    *credit_card.DETECTORS,
    *us_ssn.DETECTORS,
    iban.DETECTOR,
    email_address.DETECTOR,
    *ip_address.DETECTORS,
    *phone_number.DETECTORS,
    affidavit_token.DETECTOR,
    openai_api_key.DETECTOR,
    anthropic_api_key.DETECTOR,
    *aws_access_key.DETECTORS,
    github_token.DETECTOR,
    slack_token.DETECTOR,
    stripe_key.DETECTOR,
    google_api_key.DETECTOR,
    *jwt.DETECTORS,
    *private_key.DETECTORS,
    credentials_in_urls.DETECTOR,
    *authorization.DETECTORS,
    vendors_models.DETECTOR,
    vendors_cloud.DETECTOR,
    vendors_code.DETECTOR,
    vendors_business.DETECTOR,
    *password_hash.DETECTORS,
    assigned.DETECTOR,
)
CREDENTIAL = "CREDENTIAL"  # by place or by value: a header's name, a query's, a key that the gateway itself put on
ENTITIES = frozenset().union(*(detector.entities for detector in DETECTORS), {CREDENTIAL})
DETECTOR_SET = hashlib.sha256(repr(DETECTORS).encode()).hexdigest()[:16]
