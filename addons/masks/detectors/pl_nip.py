"""Poland: NIP of a taxpayer. Source: the registry's own description, as python-stdnum cites it."""

from __future__ import annotations

from stdnum.pl import nip

from addons.masks.detectors.kinds import digits, words

_NIP = words("nip", "numer nip", "vat")
DETECTORS = (
    digits(
        "PL_NIP",
        r"[1-9][0-9]{2}-?[0-9]{3}-?[0-9]{2}-?[0-9]{2}|[1-9][0-9]{2}-?[0-9]{2}-?[0-9]{2}-?[0-9]{3}",
        nip.is_valid,
        _NIP,
        near=0.85,
        alone=0.0,
    ),
)
