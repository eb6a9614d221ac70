"""Every kind of value that is looked for, one line each. A new one is a file here, its test, and its line."""

from __future__ import annotations

from addons.masks.detectors import credit_card, us_ssn

DETECTORS = (
    credit_card.DETECTOR,
    us_ssn.DETECTOR,
)
DETECTOR_SET = "-".join(detector.entity for detector in DETECTORS)
