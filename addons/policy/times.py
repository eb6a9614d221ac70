"""`time:` of a rule or right: weekdays and hours by a clock on the wall. Read here, and held against a moment."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from addons.policy.fields import Fields, Form
from addons.policy.model import TimeMatch, Weekday

TIME_KEYS = ("weekdays", "hours", "zone")
_HOURS = re.compile(r"([01]?[0-9]|2[0-3])-([01]?[0-9]|2[0-4])")


def _is_zone(text: str) -> bool:
    try:
        return bool(text) and ZoneInfo(text) is not None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False


_SPAN = Form(
    'hours as "18-8": from, until and not with it (0-23, 0-24), not the same', lambda text: _hours(text) is not None
)
_ZONE = Form('a time zone ("UTC", "Europe/Berlin")', _is_zone)
_WEEKDAY = Form(f"a weekday ({', '.join(Weekday)})", lambda text: text in list(Weekday))


def read_time(fields: Fields | None) -> TimeMatch | None:
    if fields is None:
        return None
    if fields.readable and not ("weekdays" in fields or "hours" in fields):
        fields.reading.fault(fields.line, "weekdays or hours in time", "neither", "add one, or leave the key out")
    weekdays = fields.texts("weekdays", _WEEKDAY, ())
    return TimeMatch(
        tuple(Weekday(word) for word in weekdays if word),
        _hours(fields.text("hours", _SPAN, "")),
        fields.text("zone", _ZONE, "UTC") or "UTC",
    )


def time_fits(match: TimeMatch, at: datetime) -> bool:
    local = at.astimezone(ZoneInfo(match.zone))
    return (not match.weekdays or tuple(Weekday)[local.weekday()] in match.weekdays) and (
        match.hours is None or is_within(local.hour, *match.hours)
    )


def is_within(hour: int, start: int, end: int) -> bool:
    return start <= hour < end if start < end else hour >= start or hour < end


def shown(match: TimeMatch) -> str:
    hours = f"{match.hours[0]}-{match.hours[1]} h" if match.hours else ""
    return " ".join(filter(None, (" ".join(match.weekdays), hours, match.zone)))


def _hours(text: str) -> tuple[int, int] | None:
    found = _HOURS.fullmatch(text)
    if found is None or int(found[1]) == int(found[2]):
        return None
    return int(found[1]), int(found[2])
