"""The order of the addons, which of them sees which hook, and that each hook that guards is wrapped so that a fault refuses."""

from __future__ import annotations

import inspect

import pytest
from mitmproxy import hooks as mitmproxy_hooks

from addons import approval, connecting, credentials, identity, login, masking, recording, stack
from addons.layers import MalformedHook, ReplyPieceHook, UpstreamFailedHook
from addons.sockets import SocketPieceHook

ORDER = (
    login.Login,
    connecting.Connecting,
    identity.Identity,
    masking.Masking,
    recording.Recording,
    approval.Approval,
    credentials.Credentials,
    recording.Closing,
)
NAMES = set(mitmproxy_hooks.all_hooks) | {
    MalformedHook.name,
    ReplyPieceHook.name,
    UpstreamFailedHook.name,
    SocketPieceHook.name,
}
TABLE = {
    "http_connect": "Connecting",
    "next_layer": "Connecting",
    "server_connect": "Connecting",
    "requestheaders": "Identity Recording",
    "request": "Login Masking Recording Approval Credentials",
    "responseheaders": "Recording Credentials",
    "reply_piece": "Masking Approval",
    "socket_piece": "Masking",
    "upstream_failed": "Closing",
    "tcp_start": "Connecting",
    "udp_start": "Connecting",
    "dns_request": "Connecting",
}
# Not wrapped, and why that lets nothing through.
OPEN = {
    "Connecting.client_disconnected": "the connection is over",
    "Connecting.malformed": "answered with 400 and closed before it is called",
    "Connecting.server_connected": "only puts the checked name back; a fault leaves the connection unusable for reuse",
    "Connecting.server_connect_error": "there is no connection",
    "Recording.websocket_message": "guards itself: drops the message and kills the flow",
    "Masking.error": "the flow is over; Closing still writes the record",
    "Masking.websocket_end": "the connection is over; Closing still writes the record",
    "Closing.error": "the flow is over",
    "Closing.websocket_end": "the flow is over",
    "Closing.tls_failed_client": "no request was made",
}


def hooks_of(owner: type) -> list[str]:
    return [name for name in vars(owner) if name in NAMES]


def test_the_stack_lists_its_addons_in_the_order_that_its_docstring_explains() -> None:
    assert stack.ORDER == ORDER


@pytest.mark.parametrize(("hook", "owners"), TABLE.items(), ids=TABLE)
def test_these_addons_see_this_hook_in_this_order(hook: str, owners: str) -> None:
    assert [owner.__name__ for owner in ORDER if hook in hooks_of(owner)] == owners.split()


@pytest.mark.parametrize("place", [f"{owner.__name__}.{name}" for owner in ORDER for name in hooks_of(owner)])
def test_each_hook_fails_closed_or_says_why_it_need_not(place: str) -> None:
    owner, _, name = place.partition(".")
    hook = vars(next(one for one in ORDER if one.__name__ == owner))[name]

    guarded = hasattr(hook, "__wrapped__") and hook.__globals__["__name__"] == "addons.hooks"

    assert guarded != (place in OPEN)


def test_only_closing_ends_an_exchange() -> None:
    callers = {owner.__name__ for owner in ORDER if "closed(self.desk" in inspect.getsource(owner)}

    assert callers == {"Closing"}
