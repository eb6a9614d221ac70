"""retention.yaml and controls.yaml: how long the record lasts, and who answers for which control. Examples: policies/."""

from __future__ import annotations

import re

from addons.policy import forms
from addons.policy.fields import ID, Fields, Form, Marked
from addons.policy.model import Approvers, Control, Days, Retention

RETENTION_KEYS = ("version", "default", "connections", "groups", "erasure")
ERASURE_KEYS = ("groups", "count")
DAY_KEYS = ("content_days", "metadata_days")
CONTROL_FILE_KEYS = ("version", "controls")
CONTROL_KEYS = ("id", "owner", "rules", "criterion", "tolerance", "interval_days")

_LONGEST = 36_500
_MOST_APPROVERS = 10
# ISO/IEC 27001:2022, Annex A: themes 5 (37 controls), 6 (8), 7 (14) and 8 (34).
_THEMES = {5: 37, 6: 8, 7: 14, 8: 34}


def _is_control(text: str) -> bool:
    found = re.fullmatch(r"([5-8])\.([1-9][0-9]?)", text)
    return found is not None and int(found[2]) <= _THEMES[int(found[1])]


_CONTROL = Form('a control of ISO/IEC 27001:2022, Annex A, in quotes ("8.15")', _is_control)


def read_retention(fields: Fields) -> Retention:
    default = fields.inner("default", DAY_KEYS)
    connections = fields.each("connections", "connection", ("connection", *DAY_KEYS), required=False)
    groups = fields.each("groups", "group", ("group", *DAY_KEYS), required=False)
    erasure = fields.inner("erasure", ERASURE_KEYS, required=False)
    return Retention(
        default=Days(1, 1) if default is None else _days(default),
        connections=tuple((_connection(connection), _days(connection)) for connection in connections),
        groups=tuple((_group(group), _days(group)) for group in groups),
        erasure=Approvers() if erasure is None else _approvers(erasure),
    )


def _group(fields: Fields) -> str:
    name = Marked(fields.text("group", forms.GROUP), fields.at("group"))
    fields.reading.declare("retention of a group", name)
    return name.text


def _approvers(fields: Fields) -> Approvers:
    return Approvers(fields.texts("groups", forms.GROUP), fields.whole("count", 1, _MOST_APPROVERS, 1))


def _connection(fields: Fields) -> str:
    name = Marked(fields.text("connection", ID), fields.at("connection"))
    fields.reading.declare("retention", name)
    fields.reading.mention(name, "connection")
    return name.text


def _days(fields: Fields) -> Days:
    days = Days(fields.whole("content_days", 1, _LONGEST), fields.whole("metadata_days", 1, _LONGEST))
    if days.metadata_days < days.content_days and "metadata_days" in fields:
        fields.reading.fault(
            fields.at("metadata_days"),
            f"at least content_days ({days.content_days})",
            str(days.metadata_days),
            "content without its metadata proves nothing; change one",
        )
    return days


def read_controls(fields: Fields) -> tuple[Control, ...]:
    return tuple(_control(control) for control in fields.each("controls", "control", CONTROL_KEYS))


def _control(fields: Fields) -> Control:
    control = Marked(fields.text("id", _CONTROL), fields.at("id"))
    fields.reading.declare("control", control)
    rules = fields.marked("rules", ID, ())
    for rule in rules:
        fields.reading.mention(rule, "rule", "connection")
    return Control(
        control.text,
        fields.text("owner", forms.LINE),
        tuple(rule.text for rule in rules),
        criterion=fields.text("criterion", forms.LINE, ""),
        tolerance=fields.whole("tolerance", 0, 1_000_000, 0),
        interval_days=fields.whole("interval_days", 1, _LONGEST, 0),
    )
