"""Mexico: RFC of a taxpayer. Source: SAT."""

from __future__ import annotations

from stdnum.mx import rfc

from addons.masks.detectors.kinds import letters, words

_RFC = words("rfc", "registro federal", "contribuyente")
DETECTORS = (
    letters(
        "MX_RFC",
        r"[A-ZÑ&]{3,4}[0-9]{2}[01][0-9][0-3][0-9][A-Z0-9]{3}",
        rfc.is_valid,
        _RFC,
        bare=0.3,
        near=0.95,
        alone=0.7,
    ),
)
