"""A hook that faults refuses the call, sync or async, whatever it was asked about."""

import asyncio
import json
import logging
from datetime import UTC, datetime

import pytest
from mitmproxy.proxy import server_hooks
from mitmproxy.test import tflow, tutils

from addons import hooks
from addons.hooks import Exchange, Refused, fails_closed

SECRET = "sk-in-the-exception-text"


class Addon:
    @fails_closed
    def faulty(self, subject):
        raise ValueError(SECRET)

    @fails_closed
    async def faulty_async(self, subject):
        raise KeyError(SECRET)

    @fails_closed
    def refusing(self, subject):
        raise Refused(403, "model_denied", "not this model. Type: affidavit policy check")

    @fails_closed
    async def cancelled(self, subject):
        raise asyncio.CancelledError

    @fails_closed
    def fine(self, subject):
        pass


def begun(provider="openai"):
    flow = tflow.tflow()
    hooks.begin(flow, Exchange("ex_1", "proxy", datetime.now(UTC), provider=provider))
    return flow


@pytest.mark.parametrize("hook", ["faulty", "faulty_async"])
def test_a_fault_answers_503_and_shows_nothing_of_the_exception(hook, caplog):
    flow = begun()

    with caplog.at_level(logging.ERROR):
        result = getattr(Addon(), hook)(flow)
        if asyncio.iscoroutine(result):
            asyncio.run(result)

    assert flow.response.status_code == 503
    assert json.loads(flow.response.content)["error"]["code"] == "gateway_fault"
    assert SECRET not in flow.response.text + caplog.text
    assert hook in caplog.text


def test_a_refusal_reaches_the_client_in_its_providers_shape():
    flow = begun("anthropic")

    Addon().refusing(flow)

    body = json.loads(flow.response.content)
    assert (flow.response.status_code, body["type"]) == (403, "error")
    assert "affidavit policy check" in body["error"]["message"]
    assert flow.response.headers["x-should-retry"] == "false"
    assert flow.response.headers["affidavit-exchange"] == "ex_1"


def test_a_fault_before_dialling_stops_the_dialling():
    flow = begun()
    data = server_hooks.ServerConnectionHookData(client=flow.client_conn, server=flow.server_conn)

    Addon().faulty(data)

    assert data.server.error == "gateway_fault"


def test_a_fault_after_the_headers_left_ends_the_stream():
    flow = begun()
    flow.response = tutils.tresp()
    flow.response.stream = True

    Addon().faulty(flow)

    assert flow.error.msg == flow.error.KILLED_MESSAGE


def test_a_cancelled_hook_is_not_a_fault():
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(Addon().cancelled(begun()))


def test_a_hook_that_returns_changes_nothing():
    flow = begun()

    Addon().fine(flow)

    assert flow.response is None
    assert flow.error is None


def test_frames_name_the_place_not_the_value():
    with pytest.raises(ValueError, match="sk-") as caught:
        Addon.faulty.__wrapped__(Addon(), None)

    assert hooks.frames(caught.value) == "ValueError at a library"
