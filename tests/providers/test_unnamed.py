"""Calls and results without ids: by name and order within their turn."""

import pytest

from addons.providers.call import Kind, Part
from addons.providers.unnamed import Unnamed


def call(name, call_id=""):
    return Part(Kind.TOOL_CALL, "{}", name=name, call_id=call_id)


def result(name="", call_id=""):
    return Part(Kind.TOOL_RESULT, "ok", name=name, call_id=call_id)


def ids(*turns):
    unnamed = Unnamed()
    return [[part.call_id for part in unnamed.turn(turn)] for turn in turns]


TABLE = {
    "one": (([call("f")], [result("f")]), [["order:1:f"], ["order:1:f"]]),
    "two of a name": (([call("f"), call("f")], [result("f"), result("f")]), [["order:1:f", "order:2:f"]] * 2),
    "results in another order": (([call("f"), call("g")], [result("g"), result("f")]), [["order:1:f", "order:1:g"], ["order:1:g", "order:1:f"]]),
    "a message for each result": (([call("f"), call("f")], [result("f")], [result("f")]), [["order:1:f", "order:2:f"], ["order:1:f"], ["order:2:f"]]),
    "a result that says only that it failed": (([call("f"), call("g")], [result("g"), result("error")]), [["order:1:f", "order:1:g"], ["order:1:g", "order:1:f"]]),
    "results without a name": (([call("f"), call("g")], [result(), result()]), [["order:1:f", "order:1:g"]] * 2),
    "a later turn begins anew": (([call("f")], [result("f")], [call("f")], [result("f")]), [["order:1:f"]] * 4),
    "the provider ran it": (([call("code"), result("code"), call("code"), result("code")],), [["order:1:code", "order:1:code", "order:2:code", "order:2:code"]]),
    "ids are kept": (([call("f", "call_1"), call("f")], [result("f", "call_1"), result("f")]), [["call_1", "order:1:f"]] * 2),
    "a result that nobody asked for": (([result()],), [[""]]),
    "calls that were sent before": (([result("f"), result("f")],), [["order:1:f", "order:2:f"]]),
}  # fmt: skip


@pytest.mark.parametrize(("turns", "expected"), TABLE.values(), ids=TABLE)
def test_calls_and_results_without_ids_get_those_of_their_order(turns, expected):
    assert ids(*turns) == expected
