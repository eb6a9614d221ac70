"""Numbers of companies and banks: VAT in the EU, Swiss UID, Mexican RFC, Andean tax numbers, BIC. Sources: VIES, eCH-0097, SAT, ISO 9362, as python-stdnum cites them."""

from __future__ import annotations

import regex
from stdnum import bic
from stdnum.ch import uid
from stdnum.co import nit
from stdnum.ec import ci
from stdnum.eu import vat
from stdnum.mx import rfc
from stdnum.pe import ruc

from addons.masks.detectors.kinds import Anchored, compact, digits, letters, words

_VAT = words(
    "vat",
    "vat id",
    "vat number",
    "ust",
    "ustid",
    "ust-idnr",
    "tva",
    "btw",
    "iva",
    "mwst",
    "umsatzsteuer",
    "moms",
    "nif",
)
_UID = words("uid", "mwst", "tva", "handelsregister", "che")
_RFC = words("rfc", "registro federal", "contribuyente")
_NIT = words("nit", "colombia", "tributaria")
_CEDULA = words("cédula", "cedula", "ecuador", "ruc")
_RUC = words("ruc", "sunat", "perú", "peru")

DETECTORS = (
    letters("EU_VAT", r"(?:AT|BE|BG|CY|CZ|DE|DK|EE|EL|ES|FI|FR|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK)[ ]?[0-9A-Z]{8,12}", vat.is_valid, _VAT, near=0.7, alone=0.0),
    letters("CH_UID", r"CHE-?[0-9]{3}\.?[0-9]{3}\.?[0-9]{3}(?: (?:MWST|TVA|IVA|HR))?", lambda value: bool(uid.is_valid(compact(value)[:12])), _UID, bare=0.6, near=0.95, alone=0.7),
    letters("MX_RFC", r"[A-ZÑ&]{3,4}[0-9]{2}[01][0-9][0-3][0-9][A-Z0-9]{3}", rfc.is_valid, _RFC, bare=0.3, near=0.95, alone=0.7),
    digits("CO_NIT", r"[0-9]{3}\.?[0-9]{3}\.?[0-9]{3}-?[0-9]", nit.is_valid, _NIT, near=0.85, alone=0.0),
    digits("EC_CI", r"[0-2][0-9]{8}-?[0-9]", ci.is_valid, _CEDULA, near=0.85, alone=0.0),
    digits("PE_RUC", r"[12][0-9]{10}", ruc.is_valid, _RUC, near=0.9, alone=0.0),
    Anchored(
        entity="BIC",
        anchors=("bic", "swift"),
        at=regex.compile(r"(?<![A-Za-z])(?i:bic|swift)(?![a-z])"),
        pattern=regex.compile(r"(?i:bic|swift)(?:[/ \-](?i:bic|swift))*(?:[ \-]?(?i:code|number)[ :=#]{1,3}|[ ]?[:=#][ ]?)(?P<value>[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?)(?![A-Za-z0-9])"),
        after=60,
        valid=bic.is_valid,
        confidence=0.8,
    ),
)  # fmt: skip
