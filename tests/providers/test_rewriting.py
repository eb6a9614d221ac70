"""A stream changed on its way, in every framing: what changes, what passes byte for byte, and what ends a text."""

from __future__ import annotations

import json
from typing import Any

import pytest

from addons.providers.pieces import sealed, spots
from addons.providers.rewriting import Rewriter, Unreadable
from scripts.measuring.stream_formats import FORMATS, FRAMES, Format, sse
from tests.wire.twins import streams


class Same:
    """Changes nothing, but holds a little."""

    def __init__(self, held: int = 0) -> None:
        self.held, self.text = held, ""

    def feed(self, piece: str) -> str:
        self.text += piece
        cut = max(0, len(self.text) - self.held)
        shown, self.text = self.text[:cut], self.text[cut:]
        return shown

    def finish(self) -> str:
        shown, self.text = self.text, ""
        return shown


class Changer:
    def __init__(self, held: int = 0) -> None:
        self.held = held

    def text(self) -> Same:
        return Same(self.held)

    json = text

    def whole(self, value: Any) -> Any:
        return value


def through(content_type: str, body: bytes, held: int, size: int) -> bytes:
    rewriter = Rewriter(content_type, Changer(held))
    pieces = [rewriter.feed(body[at : at + size]) for at in range(0, len(body), size)]
    return b"".join((*pieces, rewriter.finish()))


@pytest.mark.parametrize("twin", streams(), ids=lambda twin: f"{twin.endpoint}/{twin.name}")
@pytest.mark.parametrize("size", [13, 1 << 20])
def test_where_nothing_changes_every_byte_passes(twin: Any, size: int) -> None:
    assert through(twin.content_type, twin.body, 0, size) == twin.body


@pytest.mark.parametrize("twin", streams(), ids=lambda twin: f"{twin.endpoint}/{twin.name}")
def test_what_is_held_comes_later_and_the_reply_is_the_same(twin: Any) -> None:
    parser = twin.parser()
    parser.feed(through(twin.content_type, twin.body, 5, 1 << 20))
    parser.finish()
    plain = twin.parser()
    plain.feed(twin.body)
    plain.finish()

    assert [(part.kind, part.content) for part in parser.reply().parts] == [
        (part.kind, part.content) for part in plain.reply().parts
    ]
    assert parser.reply().finish_reasons == plain.reply().finish_reasons


@pytest.mark.parametrize("form", FORMATS, ids=[form.name for form in FORMATS])
def test_every_format_has_its_pieces_found(form: Format) -> None:
    body = form.body(["one ", "two"])

    assert b"one two" not in body or form.endpoint in ("openai.responses", "cohere.chat_v1")
    assert through(form.content_type, body, 3, 1 << 20) != body  # something was held, so something was found


def test_a_number_in_a_sequence_stays_one_after_the_other() -> None:
    body = next(form for form in FORMATS if form.name == "openai responses").body(["one", "two"])

    said = [
        json.loads(line[6:])
        for line in through("text/event-stream", body, 99, 7).splitlines()
        if line.startswith(b"data: ")
    ]

    assert [event["sequence_number"] for event in said] == list(range(len(said)))
    assert [event["delta"] for event in said if event["type"].endswith("delta")] == ["", "", "onetwo"]


def test_probabilities_of_tokens_do_not_spell_the_text_again() -> None:
    chunk = {
        "choices": [{"index": 0, "delta": {"content": "Hi"}, "logprobs": {"content": [{"token": "Hi", "bytes": [72]}]}}]
    }

    assert b'"logprobs":null' in through("text/event-stream", sse(chunk), 0, 99)


@pytest.mark.parametrize(
    "delta",
    [{"type": "thinking_delta", "thinking": "hm"}, {"type": "signature_delta", "signature": "c2ln"}],
)
def test_signed_thoughts_have_no_pieces_and_are_sealed(delta: dict[str, str]) -> None:
    assert spots("content_block_delta", {"type": "content_block_delta", "index": 0, "delta": delta}) == []
    assert sealed(delta)


def test_bytes_that_are_no_frame_are_not_passed() -> None:
    with pytest.raises(Unreadable):
        through(FRAMES, b"\0" * 64, 0, 64)
