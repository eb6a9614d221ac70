"""Türkiye: T.C. kimlik numarası. Source: the registry's own description, as python-stdnum cites it."""

from __future__ import annotations

from stdnum.tr import tckimlik

from addons.masks.detectors.kinds import digits, words

_TR = words("tc", "tckn", "kimlik", "tc kimlik", "t.c.", "vatandaşlık", "turkish id", "türk", "kimlik no", "nüfus")
DETECTORS = (
    digits(
        "TR_NATIONAL_ID",
        r"[1-9][0-9]{10}",
        tckimlik.is_valid,
        _TR,
        bare=0.55,
        near=0.95,
        alone=0.71,
        shapes=("<00000000000>",),
    ),
)
