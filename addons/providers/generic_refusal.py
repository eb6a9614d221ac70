"""How a refusal looks where the client's format is unknown. Not a provider's shape: ours."""

from __future__ import annotations

from typing import Final

import orjson

from addons.providers.wire import Refusal


def _body(_status: int, code: str, message: str, exchange_id: str) -> bytes:
    return orjson.dumps({"error": {"code": code, "message": message, "exchange_id": exchange_id}})


def _event(code: str, message: str, exchange_id: str) -> bytes:
    return b"event: error\ndata: " + _body(0, code, message, exchange_id) + b"\n\n"


GENERIC_REFUSAL: Final = Refusal(_body, _event)
