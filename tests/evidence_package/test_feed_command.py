"""`affidavit feed`: what is closed goes out once it was taken, in order, without content; a receiver that is down loses nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from addons.evidence.records import Event, Outcome
from scripts.affidavit import affidavit
from tests.evidence_package.worlds import CARD_TOKEN, World, Writer
from tests.serving import Quiet, serving


def invoke(world: World, *arguments: str | Path, **more: str) -> Result:
    return CliRunner().invoke(affidavit, [*map(str, arguments), "--state", str(world.folder)], env=more)


class Receiver(Quiet):
    """Answers with the server's `status`, and keeps what was taken."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        status = self.server.status  # type: ignore[attr-defined]
        if status == 200:
            self.server.taken.append((dict(self.headers), body))  # type: ignore[attr-defined]
        self.answer(status, b"")


@contextmanager
def receiving() -> Iterator[ThreadingHTTPServer]:
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Receiver)) as server:
        server.status, server.taken = 200, []  # type: ignore[attr-defined]
        yield server


def url(server: ThreadingHTTPServer, path: str = "/") -> str:
    return f"http://127.0.0.1:{server.server_address[1]}{path}"


def one_more(world: World) -> str:
    store = world.open()
    writer = Writer(world, store)
    opened, _ = writer.ask("local|ann", ("user", "another question"))
    writer.answer(opened, "another answer", Outcome.COMPLETED)
    store.append(Event("gateway.heartbeat")).result()
    store.close()
    return opened.id


def ids(text: bytes) -> list[str]:
    return [json.loads(line)["metadata"]["uid"] for line in text.splitlines()]


def test_a_file_gets_each_exchange_once(world: World, tmp_path: Path) -> None:
    target = tmp_path / "events.jsonl"

    first = invoke(world, "feed", "ocsf", target)
    again = invoke(world, "feed", "ocsf", target)
    more = one_more(world)
    invoke(world, "feed", "ocsf", target)

    assert (first.stdout, again.stdout) == ("6 exchanges sent\n", "0 exchanges sent\n")
    found = ids(target.read_bytes())
    assert (len(found), len(set(found)), found[-1]) == (7, 7, more)
    assert target.stat().st_mode & 0o777 == 0o600


def test_no_content_is_in_a_feed(world: World, tmp_path: Path) -> None:
    invoke(world, "feed", "ocsf", tmp_path / "events.jsonl")

    text = (tmp_path / "events.jsonl").read_text()
    assert [
        needle for needle in ("be brief", "it looks like one", CARD_TOKEN, "DROP TABLE cards", "abab") if needle in text
    ] == []


def test_a_receiver_that_refuses_gets_all_of_it_later(world: World) -> None:
    with receiving() as server:
        server.status = 503  # type: ignore[attr-defined]
        refused = invoke(
            world, "feed", "ocsf", url(server), "--header", "authorization: Bearer ${FEED_TOKEN}", FEED_TOKEN="secret-1"
        )
        server.status = 200  # type: ignore[attr-defined]
        taken = invoke(
            world, "feed", "ocsf", url(server), "--header", "authorization: Bearer ${FEED_TOKEN}", FEED_TOKEN="secret-1"
        )

        assert (refused.exit_code, taken.exit_code) == (1, 0)
        assert "not taken (503); 0 were taken, the rest is sent next time" in refused.stderr
        [(headers, body)] = server.taken  # type: ignore[attr-defined]
        assert len(ids(body)) == 6
        assert {name.lower(): value for name, value in headers.items()}["authorization"] == "Bearer secret-1"


def test_a_receiver_that_is_not_there_is_said_and_nothing_is_lost(world: World, tmp_path: Path) -> None:
    with receiving() as server:
        gone = url(server)

    found = invoke(world, "feed", "ocsf", gone)

    assert found.exit_code == 1
    assert "not taken (URLError)" in found.stderr
    assert (
        invoke(world, "feed", "ocsf", tmp_path / "events.jsonl").stdout == "6 exchanges sent\n"
    )  # each destination goes its own way


def test_a_collector_gets_genai_events(world: World) -> None:
    with receiving() as server:
        sent = invoke(world, "feed", "otel", url(server, "/v1/logs"))

        assert sent.exit_code == 0, sent.output
        [(_, body)] = server.taken  # type: ignore[attr-defined]
    import gzip

    request = ExportLogsServiceRequest.FromString(gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body)
    records = [
        record for resource in request.resource_logs for scope in resource.scope_logs for record in scope.log_records
    ]
    assert {record.event_name for record in records} == {"gen_ai.client.inference.operation.details"}
    attributes = [{pair.key: pair.value for pair in record.attributes} for record in records]
    first = attributes[0]
    assert (first["gen_ai.provider.name"].string_value, first["gen_ai.usage.input_tokens"].int_value) == ("openai", 12)
    assert (first["enduser.id"].string_value, first["affidavit.outcome"].string_value) == ("local|ann", "completed")
    assert {one["affidavit.approval.id"].string_value for one in attributes if "affidavit.approval.id" in one} == {
        "ap_1"
    }
    assert len(records) == 6


def test_a_collector_that_refuses_moves_nothing(world: World) -> None:
    with receiving() as server:
        server.status = 400  # type: ignore[attr-defined]
        refused = invoke(world, "feed", "otel", url(server, "/v1/logs"))
        server.status = 200  # type: ignore[attr-defined]
        taken = invoke(world, "feed", "otel", url(server, "/v1/logs"))

    assert (refused.exit_code, taken.stdout) == (1, "6 exchanges sent\n")


def test_a_cursor_that_is_none_is_refused(world: World, tmp_path: Path) -> None:
    invoke(world, "feed", "ocsf", tmp_path / "events.jsonl")
    [cursor] = world.folder.glob("feed-*")
    cursor.write_text("soon")

    found = invoke(world, "feed", "ocsf", tmp_path / "events.jsonl")

    assert found.exit_code == 1
    assert "expected a leaf's number" in found.stderr


@pytest.mark.parametrize("header", ["no colon", ": no name"])
def test_a_header_that_is_none_is_refused(world: World, header: str) -> None:
    assert invoke(world, "feed", "ocsf", "http://127.0.0.1:9/", "--header", header).exit_code == 2
