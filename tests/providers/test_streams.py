"""Every streamed twin, however its bytes are cut: the same frames' bytes, the same reply, the same calls told."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addons.providers.call import Kind
from addons.providers.doors import parse_reply
from addons.providers.wire import WireReply
from tests.wire.twins import Twin, fed, part_row, spelled, streams

TWINS = streams()
every_twin = pytest.mark.parametrize("twin", TWINS, ids=lambda twin: f"{twin.endpoint}/{twin.name}")


def told(twin: Twin, pieces: list[bytes]) -> dict[str, object]:
    """What a twin's parser says of `pieces`; that no byte is lost is checked on the way."""
    parser = twin.parser()
    frames = fed(parser, pieces)
    assert b"".join(frame.data for frame in frames) == twin.body
    calls = [part_row(part) for frame in frames for part in frame.completed]
    said = spelled(parser.reply()) | {"calls": calls, "last": any(frame.last for frame in frames)}
    return {key: value for key, value in said.items() if value}


@every_twin
def test_a_stream_fed_whole_says_what_its_twin_says(twin: Twin) -> None:
    assert twin.said == told(twin, [twin.body])


@every_twin
def test_a_stream_fed_byte_by_byte_says_the_same(twin: Twin) -> None:
    assert twin.said == told(twin, [twin.body[place : place + 1] for place in range(len(twin.body))])


@every_twin
def test_a_stream_cut_in_two_anywhere_says_the_same(twin: Twin) -> None:
    for place in range(1, len(twin.body)):
        assert twin.said == told(twin, [twin.body[:place], twin.body[place:]]), f"cut at {place}"


@every_twin
def test_a_stream_read_as_one_body_says_the_same(twin: Twin) -> None:
    reply = parse_reply(twin.call, WireReply(200, (("Content-Type", twin.content_type),), twin.body))

    expected = {key: value for key, value in twin.said.items() if key not in ("calls", "last")}
    assert expected == spelled(reply)


@every_twin
def test_a_tool_call_is_held_until_it_is_told(twin: Twin) -> None:
    """What a reply rule relies on: bytes of a call the client may run never pass before a frame tells the call."""
    parser = twin.parser()
    holding = False
    for frame in fed(parser, [twin.body]):
        assert not (holding and not frame.holds and not frame.completed), "a hold ended, and nothing was told"
        holding = frame.holds
    assert not holding or "calls" not in twin.said


@pytest.mark.parametrize(
    "twin", [twin for twin in TWINS if twin.endpoint != "generic"], ids=lambda twin: f"{twin.endpoint}/{twin.name}"
)
def test_the_last_event_contains_an_end_marker(twin: Twin) -> None:
    """What the cheap tap relies on; a format that is not known beforehand has no markers."""
    parser = twin.parser()
    for frame in fed(parser, [twin.body]):
        if frame.last:
            assert any(marker in frame.data for marker in parser.end_markers)


@settings(deadline=None, derandomize=True)
@given(st.data())
def test_a_stream_cut_into_any_pieces_says_the_same(data: st.DataObject) -> None:
    twin = data.draw(st.sampled_from(TWINS))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(twin.body)), max_size=20)))
    pieces = [twin.body[start:end] for start, end in zip([0, *cuts], [*cuts, len(twin.body)], strict=True)]

    assert twin.said == told(twin, pieces)


@settings(deadline=None, derandomize=True)
@given(st.data())
def test_a_stream_that_breaks_off_never_says_more_than_the_whole(data: st.DataObject) -> None:
    twin = data.draw(st.sampled_from(TWINS))
    length = data.draw(st.integers(0, len(twin.body)))

    parser = twin.parser()
    fed(parser, [twin.body[:length]])
    texts = [part.content for part in parser.reply().parts if part.kind is Kind.TEXT and not part.name]
    whole = [row[1] for row in twin.said["parts"] if row[0] == "text"]
    assert len("".join(texts)) <= len("".join(whole)) + 1  # one: half a character reads as U+FFFD


@settings(deadline=None, derandomize=True)
@given(st.data(), st.binary(max_size=200))
def test_a_stream_with_rubbish_in_it_never_raises(data: st.DataObject, rubbish: bytes) -> None:
    twin = data.draw(st.sampled_from(TWINS))
    place = data.draw(st.integers(0, len(twin.body)))
    body = twin.body[:place] + rubbish + twin.body[place:]

    parser = twin.parser()
    frames = fed(parser, [body])
    parser.reply()
    assert body == b"".join(frame.data for frame in frames)
