"""A stream under a content type that does not say how it is framed: the first byte tells. Not a framing of its own."""

from __future__ import annotations

from addons.providers.aws_eventstream import FrameFramer
from addons.providers.json_stream import BLANKS, ValueFramer
from addons.providers.sse import Cut, SseFramer


class SniffFramer:
    """JSON begins with a bracket, an AWS frame (shorter than 16 MiB) with a zero byte, and anything else is taken for events."""

    def __init__(self) -> None:
        self._blanks = b""
        self._chosen: SseFramer | ValueFramer | FrameFramer | None = None

    def feed(self, data: bytes) -> list[Cut]:
        if self._chosen is None:
            data = self._blanks + data
            first = data.lstrip(BLANKS)[:1]
            self._blanks = b"" if first else data
            if not first:
                return []
            self._chosen = _framer(first)
        return self._chosen.feed(data)

    def finish(self) -> list[Cut]:
        if self._chosen:
            return self._chosen.finish()
        return [Cut(self._blanks)] if self._blanks else []


def _framer(first: bytes) -> SseFramer | ValueFramer | FrameFramer:
    if first == b"\0":
        return FrameFramer()
    return ValueFramer() if first in (b"{", b"[") else SseFramer()
