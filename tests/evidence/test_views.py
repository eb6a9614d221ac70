"""What an auditor's SQL reads: messages, commands, maskings and data access of each exchange, found without a scan."""

from dataclasses import replace

import pytest

from addons.evidence.records import Partial
from tests.evidence.samples import ALICE, BOB, drop_table, masked, rows, run_of


def test_messages_are_the_whole_conversation_in_order(world, store):
    _, first = world.exchange(store, "one", "two")
    second, _ = world.exchange(store, "three", "four", after=first.reply)

    query = "SELECT position, direction, role, kind, content FROM messages WHERE exchange_id = ?"
    assert rows(store, query, second.id) == [
        (0, "request", "user", "text", "one"),
        (1, "request", "assistant", "text", "two"),
        (2, "request", "user", "text", "three"),
        (3, "response", "assistant", "text", "four"),
    ]


def test_history_that_is_sent_again_is_stored_once(world, store):
    _, first = world.exchange(store, "one", "two")
    chain = store.chain(ALICE)
    whole = [chain.extend(None, role="user", kind="text", text="one")]
    whole.append(chain.extend(whole[0].tip, role="assistant", kind="text", text="two"))
    whole.append(chain.extend(whole[1].tip, role="user", kind="text", text="three"))

    store.append(world.opened(store, nodes=tuple(whole), request=whole[2].tip)).result(10)

    assert whole[1].tip == first.reply
    assert rows(store, "SELECT count(*), max(depth) FROM nodes") == [(3, 2)]
    assert rows(store, "SELECT count(*) FROM contents") == [(3,)]


def test_two_people_share_no_content(world, store):
    world.exchange(store, "same words", "same answer", subject=ALICE)
    world.exchange(store, "same words", "same answer", subject=BOB)

    assert rows(store, "SELECT count(*), count(DISTINCT id), count(DISTINCT text) FROM contents") == [(4, 4, 2)]


def test_a_partial_reply_is_seen_before_the_end(world, store):
    opened = world.opened(store)
    blocks = run_of(store, ALICE, opened.request, "block one", "block two")
    store.append(opened).result(10)

    store.append(Partial(opened.id, ALICE, blocks[:1], blocks[0].tip)).result(10)

    query = "SELECT direction, content, at FROM messages WHERE exchange_id = ? AND position >= 1"
    assert rows(store, query, opened.id) == [("response", "block one", None)]
    store.append(world.closed(store, opened, nodes=blocks[1:], reply=blocks[1].tip)).result(10)
    assert [content for _, content, _ in rows(store, query, opened.id)] == ["block one", "block two"]


def test_an_exchange_without_messages_is_recorded_too(world, store):
    opened = world.opened(store, nodes=(), request=None, method="GET", path="/v1/models")
    store.append(opened).result(10)

    store.append(world.closed(store, opened, nodes=(), reply=None)).result(10)

    assert rows(store, "SELECT outcome FROM exchanges") == [("completed",)]
    assert rows(store, "SELECT * FROM messages") == []


def test_commands_point_at_their_message(world, store):
    opened = world.opened(store)
    call = store.chain(ALICE).extend(
        opened.request, role="assistant", kind="tool_call", text="{}", name="run_sql", call_id="call_1"
    )
    store.append(opened).result(10)

    store.append(world.closed(store, opened, nodes=(call,), reply=call.tip, commands=(drop_table(),))).result(10)

    assert rows(store, "SELECT * FROM commands WHERE exchange_id = ?", opened.id) == [
        (
            *(
                opened.id,
                1,
                rows(store, "SELECT closed_at FROM exchanges")[0][0],
                "call_1",
                "run_sql",
                "sql",
                "DROP",
                '["main.users"]',
            ),
            *("DROP TABLE users", "asked", None, None),
        )
    ]
    assert rows(store, "SELECT name, call_id FROM messages WHERE position = 1") == [("run_sql", "call_1")]


def test_a_command_whose_result_was_sent_back_says_where(world, store):
    opened = world.opened(store)
    call = store.chain(ALICE).extend(
        opened.request, role="assistant", kind="tool_call", text="{}", name="run_sql", call_id="call_1"
    )
    result = store.chain(ALICE).extend(call.tip, role="tool", kind="tool_result", text="ok", call_id="call_1")
    store.append(opened).result(10)
    store.append(world.closed(store, opened, nodes=(call,), reply=call.tip, commands=(drop_table(),))).result(10)

    later = world.opened(store, nodes=(result,), request=result.tip, session_id=opened.session_id)
    store.append(later).result(10)

    assert rows(store, "SELECT evidence, result_exchange_id FROM commands") == [("result_reported", later.id)]


@pytest.mark.parametrize(("name", "outcome"), [("error", "error"), ("run_sql", "returned"), ("", "returned")])
def test_a_result_says_how_the_command_turned_out(world, store, name, outcome):
    opened = world.opened(store)
    call = store.chain(ALICE).extend(opened.request, role="assistant", kind="tool_call", text="{}", call_id="call_1")
    result = store.chain(ALICE).extend(call.tip, role="tool", kind="tool_result", text="x", name=name, call_id="call_1")
    store.append(opened).result(10)
    store.append(world.closed(store, opened, nodes=(call,), reply=call.tip, commands=(drop_table(),))).result(10)

    store.append(world.opened(store, nodes=(result,), request=result.tip, session_id=opened.session_id)).result(10)

    assert rows(store, "SELECT outcome FROM commands") == [(outcome,)]


@pytest.mark.parametrize("call_id", ["call_1", "order:1:get_current_weather"])
def test_an_id_that_many_conversations_have_pairs_within_its_session_and_turn(world, store, call_id):
    chain, command = store.chain(ALICE), replace(drop_table(), call_id=call_id)
    older = chain.extend(None, role="tool", kind="tool_result", text="older", call_id=call_id)
    opened = world.opened(store, nodes=(older,), request=older.tip)
    call = chain.extend(older.tip, role="assistant", kind="tool_call", text="{}", call_id=call_id)
    strange = chain.extend(None, role="tool", kind="tool_result", text="another conversation's", call_id=call_id)
    result = chain.extend(call.tip, role="tool", kind="tool_result", text="its own", call_id=call_id)
    store.append(opened).result(10)
    store.append(world.closed(store, opened, nodes=(call,), reply=call.tip, commands=(command,))).result(10)
    store.append(world.opened(store, nodes=(strange,), request=strange.tip, session_id="se_other")).result(10)
    before = rows(store, "SELECT evidence, result_exchange_id FROM commands")

    later = world.opened(store, nodes=(result,), request=result.tip, session_id=opened.session_id)
    store.append(later).result(10)

    assert before == [("asked", None)]
    assert rows(store, "SELECT evidence, result_exchange_id FROM commands") == [("result_reported", later.id)]


def test_what_a_person_says_in_a_websocket_was_sent(world, store):
    opened = world.opened(store, nodes=(), request=None)
    said = store.chain(ALICE).extend(None, role="user", kind="text", text="hi")
    answer = store.chain(ALICE).extend(said.tip, role="assistant", kind="text", text="hello")
    store.append(opened).result(10)
    store.append(world.closed(store, opened, nodes=(said, answer), reply=answer.tip, http_status=101)).result(10)

    assert rows(store, "SELECT direction FROM messages ORDER BY position") == [("request",), ("response",)]


def test_another_persons_result_is_not_taken_for_it(world, store):
    opened = world.opened(store)
    store.append(opened).result(10)
    store.append(world.closed(store, opened, commands=(drop_table(),))).result(10)

    result = store.chain(BOB).extend(None, role="tool", kind="tool_result", text="ok", call_id="call_1")
    store.append(world.opened(store, subject=BOB, nodes=(result,), request=result.tip)).result(10)

    assert rows(store, "SELECT evidence, result_exchange_id FROM commands") == [("asked", None)]


def test_maskings_come_from_messages_headers_and_replies(world, store):
    chain = store.chain(ALICE)
    question = chain.extend(None, role="user", kind="text", text="card <CREDIT_CARD:7f3a>", maskings=[masked()])
    answer = chain.extend(question.tip, role="assistant", kind="tool_call", text="{}", maskings=[masked("/card")])
    opened = world.opened(store, nodes=(question,), request=question.tip, maskings=(masked("header:x-card"),))
    store.append(opened).result(10)
    store.append(
        world.closed(store, opened, nodes=(answer,), reply=answer.tip, maskings=(masked("header:set-cookie"),))
    ).result(10)

    found = rows(
        store,
        "SELECT location, entity, rule, action, token, count, wire FROM maskings WHERE exchange_id = ?",
        opened.id,
    )
    assert sorted(location for location, *_ in found) == [
        "/messages/0",
        "/messages/1/card",
        "header:set-cookie",
        "header:x-card",
    ]
    assert {tuple(rest) for _, *rest in found} == {
        ("CREDIT_CARD", "cards", "hash", "<CREDIT_CARD:7f3a>", 2, "original")
    }


def test_data_access_names_who_touched_what(world, store):
    chain = store.chain(ALICE)
    file = chain.extend(None, role="user", kind="document", text="hmac-sha256:ab", name="plan.pdf", maskings=[masked()])
    opened = world.opened(store, nodes=(file,), request=file.tip)
    store.append(opened).result(10)
    store.append(
        world.closed(store, opened, commands=(drop_table(), replace(drop_table(), evidence="executed_by_provider")))
    ).result(10)
    upload = world.opened(store, nodes=(), request=None, path="/v1/files")
    store.append(upload).result(10)

    found = rows(store, "SELECT source, object, action, detail FROM data_access WHERE subject = ?", ALICE)
    assert sorted(found) == [
        ("attachment", "plan.pdf", "send", "document"),
        ("command", "main.users", "DROP", "sql"),
        ("entity", "CREDIT_CARD", "hash", "<CREDIT_CARD:7f3a>"),
        ("retrieval", "main.users", "DROP", "sql"),
        ("upload", "/v1/files", "post", "openai"),
    ]


@pytest.mark.parametrize("view", ["messages", "commands", "maskings", "data_access"])
def test_a_view_asked_for_one_exchange_looks_at_one_exchange(world, store, view):
    world.exchange(store)

    plan = " ".join(
        row[3] for row in rows(store, f"EXPLAIN QUERY PLAN SELECT * FROM {view} WHERE exchange_id = 'ex_1'")
    )

    assert "SCAN x " not in plan
    assert not plan.endswith("SCAN x")
