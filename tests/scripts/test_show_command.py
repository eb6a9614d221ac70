"""`affidavit sessions` and `show`: what happened, and what a recorded text cannot do to a terminal."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.evidence.chain import Masking
from addons.evidence.ids import time_text
from addons.evidence.records import Closed, Command, Opened, Outcome
from scripts.terminal import harmless, one_line
from tests.console.desks import leaf_types, owning
from tests.scripts.commands import invoke

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31mred\u202egpj.exe\x7f\r\x08[bold]x[/bold] :boom:\nsecond line"


def say(state, clock, *, prompt="hello", answer="hi"):
    """Two exchanges of one session; the second sends the first's history again."""

    async def work():
        async with owning(state, clock) as desk:
            chain = desk.store.chain("local|alice")
            session = desk.new_id("se")
            asked = chain.extend(
                None,
                role="user",
                kind="text",
                text=prompt,
                maskings=[Masking("", "CREDIT_CARD", "cards", "hash", "[CARD:1]", 1, "original")],
            )
            answered = chain.extend(asked.tip, role="assistant", kind="text", text=answer)
            again = chain.extend(answered.tip, role="user", kind="text", text="again")
            ids = []
            for request, nodes, reply in ((asked, (asked,), answered), (again, (again,), None)):
                exchange = desk.new_id("ex")
                ids.append(exchange)
                await desk.record(
                    Opened(
                        exchange,
                        session,
                        time_text(clock()),
                        "local|alice",
                        desk.policies.digest,
                        connection="openai",
                        request_model=HOSTILE,
                        nodes=nodes,
                        request=request.tip,
                    )
                )
                if reply is not None:
                    command = Command(0, "c1", "run_sql", "sql", "DELETE", ("users",), "DELETE FROM users")
                    await desk.record(
                        Closed(
                            exchange,
                            "local|alice",
                            time_text(clock()),
                            Outcome.COMPLETED,
                            input_tokens=3,
                            nodes=(reply,),
                            reply=reply.tip,
                            commands=(command,),
                        )
                    )
                clock.advance(1)
            return session, ids

    return asyncio.run(work())


def test_a_session_is_listed_and_shown_with_its_history_once(state, clock):
    session, ids = say(state, clock)

    listed = json.loads(invoke(state, "sessions", "--json").output)
    shown = invoke(state, "show", session)

    assert [(row["session_id"], row["calls"], row["completed"], row["open"]) for row in listed] == [(session, 2, 1, 1)]
    assert [shown.output.count(text) for text in ("hello", "│ hi", "again", *ids)] == [1, 1, 1, 1, 1]
    assert "(2 parts of history as before)" in shown.output
    assert "command   sql DELETE" in shown.output
    assert "CREDIT_CARD" in shown.output


def test_showing_is_recorded_before_anything_is_shown(state, clock):
    _, ids = say(state, clock)
    before = leaf_types(state).count("evidence.read")

    result = invoke(state, "show", ids[0], "--purpose", "incident 12", "--json")

    assert before == 0
    assert leaf_types(state).count("evidence.read") == 1
    assert [message["content"] for message in json.loads(result.output)[0]["messages"]] == ["hello", "hi"]


def test_a_reading_that_cannot_be_recorded_shows_nothing(state, clock):
    _, ids = say(state, clock)

    result = invoke(state, "show", ids[0], "--token", "afd_" + "x" * 43)

    assert result.exit_code == 1
    assert "hello" not in result.output


def test_what_does_not_exist_is_not_recorded_as_read(state):
    result = invoke(state, "show", "ex_018f2a6c-0000-7000-8000-000000000000")

    assert result.exit_code == 1
    assert "evidence.read" not in leaf_types(state)


@pytest.mark.parametrize("command", [["sessions"], ["show"]], ids=["sessions", "show"])
@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_control_characters_of_a_recorded_text_reach_no_terminal(state, clock, command, *, as_json):
    session, _ = say(state, clock, prompt=HOSTILE, answer=HOSTILE)

    result = invoke(state, *command, *([session] if command == ["show"] else []), *(["--json"] if as_json else []))

    assert result.exit_code == 0
    assert not set(result.output) & set("\x1b\x07\x9b\u202e\x7f\r\x08")
    assert "red" in result.output


@given(st.text())
def test_a_harmless_text_keeps_what_is_printable_and_loses_every_control(text):
    shown = harmless(text)

    assert harmless(shown) == shown
    assert all(character.isprintable() or character in "\t\n" or ord(character) > 0x9F for character in shown)
    if all(character.isprintable() for character in text):
        assert shown == text or not text.isprintable()


def test_a_long_text_is_one_line_of_the_width_asked():
    assert one_line("a\nb\tc" * 100, 5) == "a␊b␉…"


@pytest.mark.parametrize("command", [["sessions"], ["show"]], ids=["sessions", "show"])
def test_a_value_with_a_line_break_cannot_pass_for_a_line_of_ours(state, clock, command):
    session, _ = say(state, clock, prompt="first\n  approval  ap_1 approved by local|bob")

    lines = invoke(state, *command, *([session] if command == ["show"] else [])).output.splitlines()

    assert not [line for line in lines if line.startswith(("second line", "  approval"))]


def test_long_texts_are_cut_unless_asked_in_full(state, clock):
    session, _ = say(state, clock, answer="x" * 5000)

    assert "… 3000 more characters: --full" in invoke(state, "show", session).output
    assert "x" * 5000 in invoke(state, "show", session, "--full").output
