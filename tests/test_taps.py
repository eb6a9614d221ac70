"""Streams on their way through: what passes at once, what waits for a decision, what waits for the record."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.hooks import Exchange
from addons.providers.call import Call
from addons.providers.doors import stream_parser
from addons.providers.rewriting import Rewriter
from addons.taps import Tap

CALL = Call("openai", "chat", "openai.chat", "m", streamed=True, turns=())
CONTENT_TYPE = "text/event-stream"


def event(delta: str, finish: str = "null") -> bytes:
    return f'data: {{"id":"c","object":"chat.completion.chunk","model":"m","choices":[{{"index":0,"delta":{delta},"finish_reason":{finish}}}]}}\n\n'.encode()


HELLO = event('{"role":"assistant","content":"hello"}')
OPEN = event(
    '{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"run_sql","arguments":"{\\"q\\":"}}]}'
)
MORE = event('{"tool_calls":[{"index":0,"function":{"arguments":"\\"DELETE\\"}"}}]}')
FINISH = event("{}", '"tool_calls"')
DONE = b"data: [DONE]\n\n"
TEXT_STREAM = HELLO + event('{"content":" data: [DONE] \\n data: [DONE]"}') + event("{}", '"stop"') + DONE
TOOL_STREAM = HELLO + OPEN + MORE + FINISH + DONE
TWICE = TOOL_STREAM + TOOL_STREAM  # seen in the field: a stream that goes on after what looked like its end


def tap(**options) -> Tap:
    return Tap(limit=1 << 20, parser=stream_parser(CALL, CONTENT_TYPE), **options)


def split(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 10_000])
def test_a_plain_stream_passes_at_once_but_for_its_end(size):
    through = tap()

    passed = b"".join(through.feed(chunk) for chunk in split(TEXT_STREAM, size)) + through.finish()

    assert len(TEXT_STREAM) - len(DONE) <= len(passed) < len(TEXT_STREAM)
    assert passed + through.release() == TEXT_STREAM


def test_the_words_of_the_end_inside_a_models_text_hold_nothing_back():
    through = tap()
    quoting = event('{"content":"data: [DONE]"}')

    assert through.feed(quoting) == quoting
    assert not through.ended


@pytest.mark.parametrize("size", [1, 5, 33, 10_000])
def test_a_guarded_stream_passes_text_and_keeps_the_tool_call(size):
    through = tap(guarded=True)

    passed = b"".join(through.feed(chunk) for chunk in split(TOOL_STREAM, size)) + through.finish()

    assert passed == HELLO
    assert through.waiting
    assert [part.name for part in through.undecided()] == ["run_sql"]


def test_a_released_tool_call_arrives_whole_and_in_order():
    through = tap(guarded=True)
    passed = b"".join(through.feed(chunk) for chunk in split(TOOL_STREAM, 50)) + through.finish()

    passed += through.let_through()

    assert not through.waiting
    assert passed + through.release() == TOOL_STREAM


def test_a_refused_tool_call_never_arrives():
    through = tap(guarded=True)
    for chunk in split(TOOL_STREAM, 50):
        through.feed(chunk)

    through.end_with(b"data: refused\n\n")

    assert not through.waiting
    assert through.release() == b"data: refused\n\n"


def test_the_last_byte_of_a_body_with_a_length_waits_for_the_record():
    through = Tap(limit=100, length=10)

    passed = through.feed(b"01234") + through.feed(b"56789") + through.finish()

    assert passed == b"012345678"
    assert through.release() == b"9"


def test_more_than_the_limit_is_passed_and_not_kept():
    through = Tap(limit=10)

    passed = through.feed(b"0123456789") + through.feed(b"abc")

    assert passed == b"0123456789abc"
    assert through.cut
    assert through.body() == b"0123456789"


@given(st.lists(st.integers(1, 60), max_size=12), st.sampled_from([TEXT_STREAM, TOOL_STREAM, TWICE]), st.booleans())
def test_no_byte_is_lost_or_moved_whatever_the_chunks(cuts, stream, guarded):
    through, passed, at = tap(guarded=guarded), b"", 0
    for cut in [*cuts, len(stream)]:
        passed += through.feed(stream[at : at + cut])
        at += cut
        while through.waiting:
            passed += through.let_through()
    passed += through.finish()
    while through.waiting:
        passed += through.let_through()

    assert passed + through.release() == stream


def test_an_exchange_shows_no_content():
    exchange = Exchange("ex_1", "proxy", datetime.now(UTC))
    exchange.secrets.add("sk-hidden-key")

    assert "hidden" not in repr(exchange)


class Breaks:
    """A rewriter with a fault in the second piece."""

    def __init__(self) -> None:
        self.fed = 0

    def feed(self, data: bytes) -> bytes:
        self.fed += 1
        if self.fed == 2:
            raise ValueError("planted")
        return data

    def finish(self) -> bytes:
        return b"nor the end"


@pytest.mark.parametrize("last", [b"data: not masked\n\n", b""], ids=["the user is told", "nothing at all"])
def test_a_fault_in_changing_a_stream_is_told_and_nothing_that_came_later_is_passed(last):
    told: list[Exception] = []
    through = Tap(limit=1 << 20, rewriter=Breaks())  # type: ignore[arg-type]
    if last:
        through.broken = lambda error: (told.append(error), last)[1]

    passed = [through.feed(piece) for piece in (b"first", b"second", b"third")] + [through.finish(), through.release()]

    assert passed == [b"first", last, b"", b"", b""]
    assert [type(error) for error in told] == ([ValueError] if last else [])


def test_bodies_that_cannot_be_changed_in_pieces_are_not_passed():
    told: list[Exception] = []
    through = Tap(limit=1, rewriter=Breaks(), unchangeable=True, broken=lambda error: (told.append(error), b"told")[1])  # type: ignore[arg-type]

    assert through.feed(b"first") + through.feed(b"second") == b"told"
    assert [type(error).__name__ for error in told] == ["Unreadable"]


class Spelled:
    """A changer that needs time: it puts what it is told in capitals."""

    def feed(self, piece: str) -> str:
        return piece.upper()

    def finish(self) -> str:
        return ""

    def text(self):
        return self

    json = text

    def whole(self, value: object) -> object:
        return value


def test_what_is_changed_off_the_loop_goes_on_before_the_end() -> None:
    def event(text: str) -> bytes:
        return b'data: {"choices":[{"index":0,"delta":{"content":"%s"}}]}\n\n' % text.encode()

    made = Tap(limit=1 << 20, rewriter=Rewriter("text/event-stream", Spelled()), slow=True)

    assert (made.feed(event("one")), bytes(made.changing)) == (b"", event("one"))
    assert (made.change(), bytes(made.changing)) == (event("ONE"), b"")
    made.feed(event("two"))
    made.end()
    assert made.release() == event("TWO")
