"""Japan: My Number. Source: Digital Agency."""

from __future__ import annotations

from stdnum.jp import in_ as my_number

from addons.masks.detectors.kinds import digits, words

_MY_NUMBER = words("my number", "individual number", "マイナンバー", "個人番号", "mynumber")
DETECTORS = (
    digits(
        "JP_MY_NUMBER", r"[0-9]{4}[ \-]?[0-9]{4}[ \-]?[0-9]{4}", my_number.is_valid, _MY_NUMBER, near=0.95, alone=0.0
    ),
)
