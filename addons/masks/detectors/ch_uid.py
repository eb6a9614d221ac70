"""Switzerland: UID of a company. Source: eCH-0097."""

from __future__ import annotations

from stdnum.ch import uid

from addons.masks.detectors.kinds import compact, letters, words

_UID = words("uid", "mwst", "tva", "handelsregister", "che")
DETECTORS = (
    letters(
        "CH_UID",
        r"CHE-?[0-9]{3}\.?[0-9]{3}\.?[0-9]{3}(?: (?:MWST|TVA|IVA|HR))?",
        lambda value: bool(uid.is_valid(compact(value)[:12])),
        _UID,
        bare=0.6,
        near=0.95,
        alone=0.7,
    ),
)
