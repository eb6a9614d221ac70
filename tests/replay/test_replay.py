"""Recorded exchanges as flows: masked, marked as rebuilt, readable by mitmproxy, and never sent anywhere."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from mitmproxy import contentviews, http, io
from mitmproxy.test import taddons, tflow

from addons.console.rebuilt import Recorded, conversation, recorded, reply_body, request_body
from addons.evidence.store import Store
from addons.replay import MARK, Conversation, Replay, flow_of
from scripts.affidavit import affidavit
from tests.evidence_package.worlds import CARD, CARD_TOKEN, World

HOSTILE = "\x1b]0;owned\x07\u202egpj.exe\nsecond line"


def invoke(world: World, *arguments: str | Path) -> Result:
    return CliRunner().invoke(affidavit, ["replay", *map(str, arguments), "--state", str(world.folder)])


def ids(world: World, query: str) -> list[str]:
    with Store.reader(world.database) as database:
        return [found for (found,) in database.execute(query)]


def session_of_two(world: World) -> str:
    return ids(world, "SELECT session_id FROM exchanges GROUP BY 1 HAVING count(*) > 1")[0]


def of(world: World, outcome: str) -> Recorded:
    with Store.reader(world.database) as database:
        [found] = recorded(database, ids(world, f"SELECT id FROM exchanges WHERE outcome = '{outcome}' LIMIT 1")[0])
    return found


def reads(world: World) -> list[dict[str, str]]:
    return [json.loads(leaf)["attrs"] for leaf in ids(world, "SELECT leaf FROM events WHERE type = 'evidence.read'")]


def flows_in(path: Path) -> list[http.HTTPFlow]:
    with path.open("rb") as file:
        return [flow for flow in io.FlowReader(file).stream() if isinstance(flow, http.HTTPFlow)]


# -- flows ----------------------------------------------------------------------------------------------------------------


def test_a_session_becomes_a_file_of_flows_and_the_reading_a_record(world: World, tmp_path: Path) -> None:
    session = session_of_two(world)

    found = invoke(world, session, "--flows", tmp_path / "session.mitm", "--purpose", "incident 12")

    assert found.exit_code == 0, found.output
    assert reads(world) == [{"what": "session", "id": session}]
    assert [flow.response.status_code for flow in flows_in(tmp_path / "session.mitm") if flow.response] == [200, 200]


def test_a_flow_says_that_it_was_rebuilt_from_which_exchange_and_who_allowed_it(world: World, tmp_path: Path) -> None:
    invoke(world, session_of_two(world), "--flows", tmp_path / "session.mitm")

    flow = flows_in(tmp_path / "session.mitm")[1]

    assert f"ex_{flow.id}" in ids(world, "SELECT id FROM exchanges")
    assert flow.comment.splitlines()[0] == f"ex_{flow.id}: completed; rebuilt from the record, masked"
    assert "approval ap_1 (destructive-sql): approved by local|bob" in flow.comment
    assert flow.request.headers[MARK] == f"from the record of ex_{flow.id}; masked"
    assert flow.response is not None
    assert MARK in flow.response.headers


def test_a_flow_has_masked_text_and_no_original(world: World, tmp_path: Path) -> None:
    invoke(world, session_of_two(world), "--flows", tmp_path / "session.mitm")

    data = (tmp_path / "session.mitm").read_bytes()

    assert CARD_TOKEN.encode() in data
    assert CARD.encode() not in data
    assert flows_in(tmp_path / "session.mitm")[0].request.headers["authorization"] == "[redacted]"


@pytest.mark.parametrize(
    ("outcome", "status", "error"),
    [
        ("completed", 200, ""),
        ("refused", 403, ""),
        ("interrupted", None, "interrupted: no reply recorded"),
        ("aborted", 200, ""),
    ],
)
def test_every_outcome_becomes_a_flow(made: tuple[World, Path], outcome: str, status: int | None, error: str) -> None:
    flow = flow_of(of(made[0], outcome))

    assert (flow.response.status_code if flow.response else None, flow.error.msg if flow.error else "") == (
        status,
        error,
    )


def test_what_came_of_a_stream_that_was_cut_is_in_the_conversation(made: tuple[World, Path]) -> None:
    assert "< assistant\nonce upon" in conversation(of(made[0], "interrupted"))


# -- bodies ---------------------------------------------------------------------------------------------------------------


def part(
    kind: str, content: str, role: str = "assistant", direction: str = "request", name: str = "", call_id: str = ""
) -> dict[str, str]:
    return {"direction": direction, "role": role, "kind": kind, "name": name, "call_id": call_id, "content": content}


PARTS = [
    part("other", '[{"name": "sql"}]', "system", name="tools"),
    part("text", "be brief", "system"),
    part("text", "drop it", "user"),
    part("reasoning", "should I?"),
    part("text", "as you wish"),
    part("tool_call", '{"q": "DROP TABLE a"}', name="sql", call_id="c1"),
    part("tool_result", "done", "tool", call_id="c1"),
    part("text", "It is gone.", direction="response"),
]


def exchange(path: str) -> Recorded:
    row = dict.fromkeys(("error", "response_model"), "") | {
        "id": "ex_1",
        "path": path,
        "request_model": "gpt-5",
        "finish_reasons": '["stop"]',
    }
    usage = {"input_tokens": 3, "output_tokens": None}
    return Recorded(row | usage, PARTS, [], [], [], {"parameters": '{"temperature": 0.5}'}, {})


def test_chat_messages_are_rebuilt_in_their_own_form() -> None:
    body = request_body(exchange("/v1/chat/completions"))

    assert body == {
        "model": "gpt-5",
        "temperature": 0.5,
        "tools": [{"name": "sql"}],
        "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": "drop it"},
            {
                "role": "assistant",
                "reasoning_content": "should I?",
                "content": "as you wish",
                "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "sql", "arguments": '{"q": "DROP TABLE a"}'}}
                ],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "done"},
        ],
    }
    assert reply_body(exchange("/v1/chat/completions"))["choices"] == [
        {"index": 0, "message": {"role": "assistant", "content": "It is gone."}, "finish_reason": "stop"}
    ]


def test_anthropic_messages_are_rebuilt_in_their_own_form() -> None:
    body = request_body(exchange("/v1/messages?beta=true"))

    assert body["system"] == [{"type": "text", "text": "be brief"}]
    assert body["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "should I?"},
        {"type": "text", "text": "as you wish"},
        {"type": "tool_use", "id": "c1", "name": "sql", "input": {"q": "DROP TABLE a"}},
    ]
    assert reply_body(exchange("/v1/messages"))["content"] == [{"type": "text", "text": "It is gone."}]


def test_any_other_endpoint_shows_the_parts_as_the_record_has_them() -> None:
    assert request_body(exchange("/v1/else"))["parts"][:2] == [
        {"role": "system", "kind": "text", "content": "be brief"},
        {"role": "user", "kind": "text", "content": "drop it"},
    ]
    assert reply_body(exchange("/v1/else"))["parts"] == [
        {"role": "assistant", "kind": "text", "content": "It is gone."}
    ]


def test_control_characters_of_a_recorded_text_are_shown_as_what_they_are() -> None:
    hostile = Recorded(
        {**of_nothing(), "subject": HOSTILE},
        [part("text", HOSTILE, name=HOSTILE)],
        [],
        [],
        [],
        {"headers": [["x", HOSTILE]]},
        {},
    )

    flow = flow_of(hostile)
    shown = conversation(hostile) + flow.comment + str(flow.request.headers["x"])

    assert not set(shown) & set("\x1b\x07\u202e\r")
    assert "second line" in shown


def of_nothing() -> dict[str, object]:
    """An exchange of which next to nothing is known."""
    names = (
        "session_id opened_at sent_at first_chunk_at closed_at outcome error subject grade client_address host method path http_status "
        "request_model response_model finish_reasons input_tokens output_tokens"
    )
    return dict.fromkeys(names.split()) | {"id": "ex_1", "subject": "local|ann"}


def test_an_exchange_of_which_nothing_is_known_is_a_flow_all_the_same(tmp_path: Path) -> None:
    flow = flow_of(Recorded(of_nothing(), [], [], [], [], {}, {}))

    with (tmp_path / "flow").open("wb") as file:
        io.FlowWriter(file).add(flow)

    assert [one.error.msg for one in flows_in(tmp_path / "flow") if one.error] == ["still open: no reply recorded"]


# -- what is refused ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "status"),
    [(["ap_1", "--web"], 2), (["ex_1"], 2), (["ex_1", "--web", "--flows", "x"], 2), (["ex_1", "--web"], 1)],
    ids=["no exchange", "nowhere to", "two places", "unknown"],
)
def test_what_cannot_be_replayed_is_not_recorded_as_read(world: World, arguments: list[str], status: int) -> None:
    assert invoke(world, *arguments).exit_code == status
    assert reads(world) == []


def test_a_file_that_exists_is_not_written_over(world: World, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("mine")

    found = invoke(world, session_of_two(world), "--flows", tmp_path / "there")

    assert (found.exit_code, (tmp_path / "there").read_text()) == (1, "mine")


# -- mitmweb --------------------------------------------------------------------------------------------------------------


def test_the_view_shows_the_whole_conversation_beside_either_body(made: tuple[World, Path]) -> None:
    flow = flow_of(of(made[0], "completed"))
    with taddons.context() as context:
        context.master.addons.add(Replay([], lambda: None))

        shown = [
            contentviews.prettify_message(message, flow).text for message in (flow.request, flow.response) if message
        ]

    assert shown[0] == shown[1] == conversation(of(made[0], "completed"))


def test_the_view_leaves_other_flows_alone() -> None:
    flow = tflow.tflow(resp=True)

    assert Conversation().render_priority(b"{}", contentviews.Metadata(flow=flow)) < 0


@pytest.mark.parametrize(
    ("live", "is_replay"), [(True, None), (False, "request")], ids=["through its proxy", "sent again"]
)
def test_nothing_is_sent_from_a_reading(live: bool, is_replay: str | None) -> None:
    flow = tflow.tflow()
    flow.live, flow.is_replay = live, is_replay

    Replay([], lambda: None).request(flow)

    assert flow.response is not None
    assert flow.response.status_code == 403


def test_mitmweb_shows_the_flows_on_loopback_until_it_is_told_to_stop(world: World) -> None:
    command = [
        sys.executable,
        "-m",
        "scripts.affidavit",
        "replay",
        session_of_two(world),
        "--web",
        "--state",
        str(world.folder),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        place, _, token = process.stdout.readline().strip().partition("?token=")
        assert place.startswith("http://127.0.0.1:")

        asking = urllib.request.Request(f"{place}flows", headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(asking, timeout=20) as answer:
            flows = json.load(answer)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)

    assert [flow["response"]["status_code"] for flow in flows] == [200, 200]
    assert (process.returncode, errors) == (0, "")
    assert [read["what"] for read in reads(world)] == ["session"]
