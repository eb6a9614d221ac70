"""How long a reply is held, by a clock that jumps to the next timer: the real hook, nobody who decides, no waiting."""

import asyncio
from types import SimpleNamespace

import pytest

from addons import hooks, layers
from addons.approval import HEARTBEAT, Approval
from addons.approvals.state import State
from addons.policy.model import Denied, Then
from addons.providers.call import Kind


class Jumping(asyncio.SelectorEventLoop):
    now = 0.0

    def time(self):
        return self.now

    def _run_once(self):
        if not self._ready and self._scheduled:
            self.now = max(self.now, self._scheduled[0].when())
        super()._run_once()


@pytest.mark.parametrize(("rule_seconds", "comments", "held"), [(3600, True, 170), (3600, False, 110), (20, True, 20)])
def test_a_stream_is_held_so_long_and_ends_with_the_pending_error(monkeypatch, rule_seconds, comments, held):
    rule = SimpleNamespace(id="sql", then=Then.HOLD, denied=Denied.REMOVE, hold_seconds=rule_seconds)
    asked = SimpleNamespace(id="ap_1", state=State.PENDING, rule="sql", missing=1, missing_groups=("owners",))
    ended = []
    call = SimpleNamespace(kind=Kind.TOOL_CALL, name="run_sql", content="DROP TABLE t", base64=False)
    tap = SimpleNamespace(takes_comments=comments, undecided=lambda: (call,), end_with=ended.append, waiting=True)
    exchange = SimpleNamespace(
        id="ex_1", decision=None, tap=tap, refusal=None, provider="openai", call=SimpleNamespace(endpoint="openai.chat"),
        caller=SimpleNamespace(subject="local|alice"), request=SimpleNamespace(session_id="se_1"),
    )  # fmt: skip
    desk = SimpleNamespace(
        key_of=lambda *_: "key",
        grant_for=lambda *_: None,
        wait_decision=lambda _, seconds: asyncio.sleep(seconds),
        approval=lambda _: asked,
    )
    flow = SimpleNamespace(response=SimpleNamespace(headers={"content-type": "text/event-stream"}))
    piece = SimpleNamespace(flow=flow, out=b"", again=True, end=False, decided=False)
    monkeypatch.setattr(hooks, "exchange_of", lambda _: exchange)
    monkeypatch.setattr(layers, "client_left", lambda _: False)
    monkeypatch.setattr(layers, "when_client_leaves", lambda *_: None)

    async def ask(*_):
        return asked

    approval = Approval.__new__(Approval)
    approval.desk = desk
    approval.facts = SimpleNamespace(
        of_reply=lambda *_: None, book=SimpleNamespace(judge=lambda *_, **__: (rule, ()), rules=(rule,))
    )
    monkeypatch.setattr(approval, "_ask", ask)
    monkeypatch.setattr(approval, "_digest", lambda *_: "digest")
    sent = []

    async def hold():
        while not piece.end:
            await approval.reply_piece(piece)
            if not piece.end:
                sent.append(piece.out)
        return asyncio.get_running_loop().time()

    with asyncio.Runner(loop_factory=Jumping) as runner:
        assert runner.run(asyncio.wait_for(hold(), 10_000)) == pytest.approx(held)
    assert exchange.refusal.code == "approval_pending"
    assert b"approval_pending" in ended[0]
    assert b"ap_1" in ended[0]
    assert set(sent) == {HEARTBEAT if comments else b""}
