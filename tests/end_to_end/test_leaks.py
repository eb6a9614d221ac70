"""The leak hunt: planted values go through every position of a call and of its reply, and then are looked for in every byte that we wrote."""

from __future__ import annotations

import asyncio
import base64
import json
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
import zstandard

from tests.console.browsing import Answer, Browser
from tests.end_to_end.gateway import DOORS, PATHS, SDKS, Bench
from tests.end_to_end.policies import PROVIDER_KEY
from tests.end_to_end.sdk import Worker
from tests.quick import quick

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def github_token(body: str) -> str:
    """With its checksum, the last six characters: base62 of the CRC32 (GitHub's blog, 2021-04-05, on its token formats)."""
    number, digits = zlib.crc32(body.encode()), ""
    while number:
        number, digit = divmod(number, 62)
        digits = ALPHABET[digit] + digits
    return f"ghp_{body}{digits.zfill(6)}"


PLANTED = {
    "card": "4539 1488 0343 6467",
    "email": "planted.person@example-corp.com",
    "openai key": "sk-proj-Zx9Qw8Er7Ty6Ui5Op4As3Df2Gh1Jk0LzXcVbNm1Qa2Ws3Ed4Rf5Tg6Yh7Uj8",
    "aws key": "AKIAQ3EGRVLT7WXYZ2MN",
    "github token": github_token("a9B8c7D6e5F4g3H2i1J0k9L8m7N6o5"),
}
ALL = " and ".join(PLANTED.values())


def forms(value: str) -> Iterator[bytes]:
    """How a value may stand in a file: as it is, without its separators, escaped, encoded."""
    bare = value.replace(" ", "").replace("-", "") if value[0].isdigit() else value
    for text in {value, bare, quote(value), quote_plus(value), json.dumps(value)[1:-1], value.upper(), value.lower()}:
        yield text.encode()
        yield text.encode("utf-16-le")
        yield text.encode().hex().encode()
        for shift in range(
            3
        ):  # base64 looks different at each of the three alignments; its first and last characters mix with neighbours
            yield base64.b64encode(bytes(shift) + text.encode())[4 if shift else 0 : -4].rstrip(b"=")


NEEDLES = {name: {form.lower() for form in forms(value)} for name, value in PLANTED.items()} | {
    "the provider's key": {PROVIDER_KEY.lower().encode()}
}


def found_in(data: bytes) -> set[str]:
    lowered = data.lower()
    return {name for name, needles in NEEDLES.items() if any(needle in lowered for needle in needles)}


def cells(database: Path) -> Iterator[bytes]:
    """Every value of every table: a long text is spread over pages, and compressed ones say nothing as they are."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as store:
        for (table,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in store.execute(f'SELECT * FROM "{table}"'):
                for value in row:
                    if isinstance(value, bytes) and value.startswith(b"\x28\xb5\x2f\xfd"):
                        yield zstandard.ZstdDecompressor().decompressobj().decompress(value)
                    elif isinstance(value, (str, bytes)):
                        yield value.encode() if isinstance(value, str) else value


def leaks(made: Bench) -> dict[str, set[str]]:
    """Planted values by where they were found: each file that the gateway wrote, and each cell of its store."""
    folder = made.state.path.parent
    written = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    found = {name: found_in(data) for name, data in written.items()}
    found["cells of the store"] = set().union(*map(found_in, cells(made.state.path / "evidence.db")))
    return {place: names for place, names in found.items() if names}


def openai_body(text: str, *, stream: bool) -> bytes:
    """Planted in the system prompt, the history, tool definitions, arguments, results, parameters, and in the last words."""
    arguments = json.dumps({"note": ALL, "nested": {"list": [ALL]}})
    messages = [
        {"role": "system", "content": f"system {ALL}"},
        {
            "role": "user",
            "name": "n",
            "content": [
                {"type": "text", "text": f"part {ALL}"},
                {"type": "image_url", "image_url": {"url": f"https://img.example/{quote(ALL)}"}},
            ],
        },
        {
            "role": "assistant",
            "content": ALL,
            "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "note", "arguments": arguments}}],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": f"result {ALL}"},
        {"role": "user", "content": text},
    ]
    tool = {
        "type": "function",
        "function": {
            "name": "note",
            "description": ALL,
            "parameters": {"type": "object", "properties": {"note": {"type": "string", "default": ALL}}},
        },
    }
    return json.dumps(
        {
            "model": "gpt-4o",
            "stream": stream,
            "messages": messages,
            "tools": [tool],
            "user": ALL,
            "metadata": {"who": ALL},
            "unknown": [ALL],
        }
    ).encode()


def anthropic_body(text: str, *, stream: bool) -> bytes:
    messages = [
        {"role": "user", "content": [{"type": "text", "text": ALL}]},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": ALL, "signature": "c2ln"},
                {"type": "tool_use", "id": "t1", "name": "note", "input": {"note": ALL}},
            ],
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": ALL}]}],
        },
        {"role": "assistant", "content": "noted"},
        {"role": "user", "content": text},
    ]
    tool = {
        "name": "note",
        "description": ALL,
        "input_schema": {"type": "object", "properties": {"note": {"type": "string", "description": ALL}}},
    }
    return json.dumps(
        {
            "model": "claude-sonnet-5",
            "stream": stream,
            "max_tokens": 99,
            "system": [{"type": "text", "text": ALL}],
            "messages": messages,
            "tools": [tool],
            "metadata": {"user_id": ALL},
        }
    ).encode()


BODIES = {"openai": openai_body, "anthropic": anthropic_body}
REPLY = f"think: {ALL}\nsay: {ALL}\nuse tool note: {ALL}"


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("sdk", quick(1, SDKS))
def test_what_is_planted_everywhere_in_a_call_is_nowhere_in_the_record(own: Bench, sdk: str, door: str) -> None:
    headers = (
        ("x-local-script", '{"delta_chars": 500}'),
        ("x-note", ALL),
        ("x-key", PLANTED["openai key"]),
        ("cookie", f"session={PLANTED['github token']}"),
        ("user-agent", f"agent {PLANTED['email']}"),
    )
    query = f"?card={quote(PLANTED['card'])}&key={PLANTED['aws key']}&note={quote_plus(ALL)}"
    for stream in (False, True):
        answer = own.raw(door, BODIES[sdk](REPLY, stream=stream), sdk=sdk, path=PATHS[sdk] + query, headers=headers)
        assert answer.status == 200
        assert PLANTED["email"] in json.dumps(answer.text)  # the model and its user see the original

    assert leaks(own) == {}  # while it runs: the write-ahead log too
    own.gateway.stop()
    assert leaks(own) == {}
    assert not_vacuous(own)


def not_vacuous(made: Bench) -> bool:
    """The values did go through, and the record says where each was masked."""
    locations = made.rows("SELECT DISTINCT location, entity FROM maskings")
    return (
        len(locations) > 5 and made.rows("SELECT count(*) AS n FROM exchanges WHERE outcome = 'completed'")[0]["n"] == 2
    )


@pytest.mark.parametrize(
    "fault", quick(3, ["echo-credentials", "cut", "error-event", "500", "invalid-utf8", "gzip", "no-answer", "huge"])
)
def test_no_failure_brings_a_planted_value_into_the_record_or_a_log(own: Bench, fault: str) -> None:
    for sdk in SDKS:
        for stream in (False, True):
            own.raw(
                "proxy",
                BODIES[sdk](REPLY, stream=stream),
                sdk=sdk,
                headers=(("x-local-fault", fault), ("authorization", f"Bearer {PLANTED['openai key']}")),
            )

    own.gateway.stop()
    assert leaks(own) == {}


@pytest.mark.parametrize(
    "raw_body",
    [
        pytest.param(ALL.encode(), id="text"),
        pytest.param(b'{"model": "gpt-4o", "messages": ["' + ALL.encode(), id="broken-json"),
        pytest.param(quote_plus(ALL).encode(), id="percent-encoded"),
        pytest.param(json.dumps({"a": base64.b64encode(ALL.encode()).decode()}).encode(), id="base64"),
        pytest.param(json.dumps({"a": json.dumps({"b": json.dumps(ALL)})}).encode(), id="json-in-json"),
        pytest.param(json.dumps(ALL).replace("4539", "\\u0034\\u0035\\u0033\\u0039").encode(), id="unicode-escapes"),
        pytest.param(b"\xff\xfe" + ALL.encode(), id="invalid-utf8"),
        pytest.param(ALL.encode("utf-16"), id="utf-16"),
        pytest.param(json.dumps({ALL: 1}).encode(), id="as-a-key"),
        pytest.param(json.dumps({"number": 4539148803436467}).encode(), id="as-a-number"),
    ],
)
def test_no_form_of_a_body_brings_a_planted_value_into_the_record(own: Bench, raw_body: bytes) -> None:
    for path in ("/v1/chat/completions", "/v1/unknown", f"/v1/{quote(PLANTED['card'])}/{PLANTED['email']}"):
        own.raw("proxy", raw_body, path=path)
        own.raw("base_url", raw_body, path=path, headers=(("content-type", "text/plain"),))

    own.gateway.stop()
    assert leaks(own) == {}


@pytest.mark.parametrize("name", quick(1, PLANTED))
def test_a_value_split_at_any_offset_of_a_stream_is_masked(own: Bench, python_sdk: Worker, name: str) -> None:
    value = PLANTED[name]
    for offset in range(1, len(value)):
        script = json.dumps({"delta_chars": len("so: ") + offset})
        for sdk in SDKS:
            body = {"model": "gpt-4o" if sdk == "openai" else "claude-sonnet-5", "stream": True, "max_tokens": 9}
            messages = [
                {"role": "user", "content": f"say: so: {value} it is\nthink: so: {value} then\nuse tool note: {value}"}
            ]
            answer = own.raw(
                "base_url",
                json.dumps(body | {"messages": messages}).encode(),
                sdk=sdk,
                headers=(("x-local-script", script),),
            )
            assert answer.status == 200

    own.gateway.stop()
    assert leaks(own) == {}


def test_what_commands_print_holds_no_planted_value(own: Bench) -> None:
    own.raw("proxy", BODIES["openai"](REPLY, stream=True))
    (row,) = own.rows("SELECT id, session_id FROM exchanges")
    printed = [
        own.state.run("status"),
        own.state.run("sessions"),
        own.state.run("show", row["id"]),
        own.state.run("show", row["session_id"], "--json"),
    ]

    assert found_in("".join(done.stdout + done.stderr for done in printed).encode()) == set()


def test_an_exported_package_holds_no_planted_value(own: Bench, tmp_path: Path) -> None:
    for sdk in SDKS:
        own.raw("proxy", BODIES[sdk](REPLY, stream=True), sdk=sdk)

    own.state.run("export", str(tmp_path / "package"))
    verified = own.state.run("verify", str(tmp_path / "package"), check=False)

    assert (verified.returncode, verified.stderr) == (0, "")
    exported = [path for path in (tmp_path / "package").rglob("*") if path.is_file()]
    assert len(exported) > 3
    assert {path.name: found for path in exported if (found := found_in(path.read_bytes()))} == {}


def test_no_page_of_the_console_shows_a_planted_value(own: Bench, python_sdk: Worker) -> None:
    """The queue, the page of what is held, with its conversation, its reason and its history, and the API beside them."""
    prompt = f"say: {ALL}\nuse tool run_sql: DELETE FROM customers WHERE note = '{PLANTED['email']} {PLANTED['card']}'"
    python_sdk.start(own.job("openai", "proxy", prompt, tools=True))
    approval = own.approval_in_waiting()["id"]
    browser = Browser(json.loads((own.state.path / "ports.json").read_text())["console"])
    assert asyncio.run(browser.sign_in(own.tokens["bob"])).status == 303

    def pages(*paths: str) -> list[Answer]:
        return [asyncio.run(browser.get(path)) for path in paths]

    shown = pages("/", f"/approvals/{approval}", "/status", "/history")
    own.decide("approve", approval, reason=f"asked by {PLANTED['email']}")
    python_sdk.done()
    shown += pages("/history", f"/approvals/{approval}")

    assert [answer.status for answer in shown] == [200, 200, 403, 200, 200, 200]  # the status is for auditors
    assert "[EMAIL_ADDRESS" in shown[1].text
    assert "DELETE" in shown[1].text
    assert found_in("".join(answer.text for answer in shown).encode()) == set()


def test_a_gateway_token_is_nowhere_in_the_state(own: Bench, python_sdk: Worker) -> None:
    own.ask(python_sdk, "openai", "proxy", "say: hello")
    own.ask(python_sdk, "anthropic", "base_url", "say: hello")
    own.gateway.stop()

    data = b"".join(path.read_bytes() for path in own.state.path.parent.rglob("*") if path.is_file())
    assert [name for name, token in own.tokens.items() if token.encode() in data] == []


def test_what_people_write_to_the_gateway_itself_is_masked(own: Bench, python_sdk: Worker) -> None:
    python_sdk.start(own.job("openai", "proxy", "use tool run_sql: DROP TABLE customers", tools=True))
    approval = own.approval_in_waiting()["id"]

    said = own.decide("approve", approval, reason=f"asked by {PLANTED['email']}, card {PLANTED['card']}")
    python_sdk.done()
    minted = own.state.run(
        "token", "mint", "--name", "carol", "--group", "engineering", "--purpose", f"for {PLANTED['email']}"
    )
    shown = own.state.run("approvals", "show", approval).stdout + own.state.run("token", "list").stdout

    (row,) = own.rows("SELECT reason FROM approvals")
    assert row["reason"].startswith("asked by [EMAIL_ADDRESS], card [CREDIT_CARD:")
    assert found_in((said + minted.stdout + shown).encode()) == set()
    own.gateway.stop()
    assert leaks(own) == {}
