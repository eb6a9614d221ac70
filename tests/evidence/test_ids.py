"""Ids and times as text."""

import os
import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.evidence.ids import new_id, pooled, time_of, time_text

MOMENTS = st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(9000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 hypothesis adds the zone


def test_an_id_is_a_uuid_of_version_7_with_its_prefix():
    moment = datetime(2026, 11, 23, 14, 49, 0, 123456, tzinfo=UTC)

    prefix, _, digits = new_id("ex", moment, lambda count: b"\xff" * count).partition("_")

    parsed = uuid.UUID(digits)
    assert prefix == "ex"
    assert str(parsed) == digits
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    assert parsed.int >> 80 == int(moment.timestamp() * 1000)


@given(st.lists(MOMENTS, min_size=2, max_size=5))
def test_ids_sort_as_their_moments_do(moments):
    moments.sort()

    ids = [new_id("ex", moment, bytes) for moment in moments]

    assert ids == sorted(ids)


def test_two_ids_of_one_moment_differ():
    moment = datetime(2026, 11, 23, tzinfo=UTC)

    assert new_id("ex", moment, os.urandom) != new_id("ex", moment, os.urandom)


def test_a_time_has_microseconds_and_a_z():
    assert time_text(datetime(2026, 11, 23, 14, 49, tzinfo=UTC)) == "2026-11-23T14:49:00.000000Z"


def test_another_zone_is_brought_to_utc():
    moment = datetime(2026, 11, 23, 14, 49, tzinfo=timezone(timedelta(hours=2)))

    assert time_text(moment) == "2026-11-23T12:49:00.000000Z"


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="time without a zone"):
        time_text(datetime(2026, 11, 23))  # noqa: DTZ001 the case under test


@given(MOMENTS)
def test_a_time_comes_back_from_its_text(moment):
    assert time_of(time_text(moment)) == moment


def test_a_pool_never_gives_a_byte_twice_and_asks_rarely():
    asked = []

    def source(count):
        asked.append(count)
        return bytes(range(len(asked), len(asked) + 1)) * count

    take = pooled(source, 10)

    assert [take(4), take(4), take(4), take(20)] == [b"\x01" * 4, b"\x01" * 4, b"\x02" * 4, b"\x03" * 20]
    assert asked == [10, 10, 20]
