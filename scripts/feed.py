"""`affidavit feed`: closed exchanges, as they come, to those who have a SIEM or a collector. Never a substitute for the store.

At least once and in order: where the feed has come to stands in a file beside the store and moves on only when the other side has taken
what was sent. The gateway knows nothing of it: a feed that is down, slow or refused costs no call. Content is not sent.
"""

from __future__ import annotations

import os
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit

import click
import orjson

from addons.console.state import StateFolder
from addons.evidence import genai, ocsf
from addons.evidence.database import reader
from addons.evidence.ids import time_of
from scripts.options import state_option
from scripts.terminal import Failed

AT_ONCE = 500
TIMEOUT_SECONDS = 30
_CLOSED = """
SELECT x.*, o.leaf AS opened_leaf, c.leaf AS closed_leaf, a.approver, a.state AS approval_state, a.rule AS approval_rule
FROM events c JOIN exchanges x ON x.id = c.exchange_id JOIN events o ON o.seq = x.opened_seq LEFT JOIN approvals a ON a.id = x.approval_id
WHERE c.seq > ? AND c.type = 'exchange.closed' ORDER BY c.seq LIMIT ?
"""

Row = dict[str, Any]
Send = Callable[[Sequence[Row]], None]  # raises SendFailed where the other side did not take all of it


class SendFailed(Exception):  # noqa: N818 - reads as what happened
    """The other side did not take it; nothing of it counts as sent."""


@click.group()
def feed() -> None:
    """To others, as it comes: ocsf to a file or over HTTP, otel to a collector. Without content; never a substitute for the store."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Leaf up to which all was taken, in a file of its own for each destination."""

    path: Path

    def read(self) -> int:
        try:
            return int(self.path.read_text("ascii"))
        except FileNotFoundError:
            return -1
        except ValueError as fault:
            raise Failed(
                f"{self.path}: expected a leaf's number, got other text", "remove it to send everything again"
            ) from fault

    def write(self, seq: int) -> None:
        """Whole or not at all, also when the power fails in between."""
        beside = self.path.with_suffix(".new")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(str(seq))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self.path)


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--follow", is_flag=True, help="Go on as exchanges are closed, until you stop it; else once."),
        click.option(
            "--every",
            "seconds",
            type=click.FloatRange(0.1, 3600),
            default=2.0,
            show_default=True,
            help="Seconds between looks while following.",
        ),
        state_option(),
    ):
        command = option(command)
    return command


@feed.command(
    "ocsf",
    epilog="\b\nExamples:\n  affidavit feed ocsf /var/log/affidavit.ocsf.jsonl --follow\n  affidavit feed ocsf https://siem.example.com/collector --header 'Authorization: Splunk …'",
)
@click.argument("to")
@click.option(
    "--header", "headers", multiple=True, help="Of the HTTP request; repeatable. ${NAME} is taken from the environment."
)
@_options
def to_ocsf(*, folder: StateFolder, to: str, headers: tuple[str, ...], follow: bool, seconds: float) -> None:
    """OCSF 1.8 API Activity as JSON lines, appended to a file or sent by POST (application/x-ndjson)."""
    send = _http(to, headers) if urlsplit(to).scheme in {"http", "https"} else _file(Path(to))
    _run(folder, f"ocsf {to}", send, follow=follow, seconds=seconds)


@feed.command("otel", epilog="\b\nExample:\n  affidavit feed otel http://127.0.0.1:4318/v1/logs --follow")
@click.argument("endpoint")
@click.option(
    "--header", "headers", multiple=True, help="Of the OTLP request; repeatable. ${NAME} is taken from the environment."
)
@_options
def to_otel(*, folder: StateFolder, endpoint: str, headers: tuple[str, ...], follow: bool, seconds: float) -> None:
    """OpenTelemetry GenAI events over OTLP/HTTP. Needs the extra: pip install 'affidavit[otel]'."""
    _run(folder, f"otel {endpoint}", _otlp(endpoint, headers), follow=follow, seconds=seconds)


# -- inside -------------------------------------------------------------------------------------------------------------


def _run(folder: StateFolder, name: str, send: Send, *, follow: bool, seconds: float) -> None:
    folder.check()
    cursor = Cursor(folder.path / _file_name(name))
    sent = 0
    while True:
        try:
            for rows in _batches(folder, cursor.read()):
                send(rows)
                cursor.write(rows[-1]["closed_seq"])
                sent += len(rows)
        except SendFailed as failure:
            if not follow:
                raise Failed(
                    f"{name}: {failure}; {sent} were taken, the rest is sent next time", "affidavit feed --help"
                ) from failure
            click.echo(f"{name}: {failure}; trying again", err=True)
        if not follow:
            click.echo(f"{sent} exchanges sent")
            return
        time.sleep(seconds)


def _file_name(destination: str) -> str:
    """A digest of the destination, which may be a URL with a secret in it."""
    return f"feed-{sha256(destination.encode()).hexdigest()[:16]}"


def _batches(folder: StateFolder, after: int) -> Iterator[list[Row]]:
    """Short reads, so that the gateway can cut its WAL between them."""
    while True:
        with reader(folder.database) as database:
            cursor = database.execute(_CLOSED, (after, AT_ONCE))
            names = [column[0] for column in cursor.description]
            rows = [dict(zip(names, row, strict=True)) for row in cursor]
        if not rows:
            return
        yield rows
        after = rows[-1]["closed_seq"]


def _lines(rows: Sequence[Row]) -> bytes:
    return b"".join(orjson.dumps(ocsf.event(row), option=orjson.OPT_APPEND_NEWLINE) for row in rows)


def _file(path: Path) -> Send:
    def send(rows: Sequence[Row]) -> None:
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(descriptor, "ab") as file:
                file.write(_lines(rows))
                file.flush()
                os.fsync(file.fileno())
        except OSError as fault:
            raise SendFailed(f"{fault.strerror or type(fault).__name__}") from fault

    return send


def _http(url: str, headers: Sequence[str]) -> Send:
    fields = {"content-type": "application/x-ndjson", **_headers(headers)}

    def send(rows: Sequence[Row]) -> None:
        request = urllib.request.Request(url, _lines(rows), fields, method="POST")  # noqa: S310 http or https, which the command checked
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 as above
                answer.read()
        except (URLError, OSError) as fault:  # HTTPError is a URLError: anything but 2xx
            raise SendFailed(f"not taken ({getattr(fault, 'code', None) or type(fault).__name__})") from fault

    return send


def _headers(lines: Sequence[str]) -> Mapping[str, str]:
    found = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise click.UsageError("--header: expected 'Name: value'")
        found[name.strip()] = os.path.expandvars(value.strip())
    return found


def _otlp(endpoint: str, headers: Sequence[str]) -> Send:
    try:
        from opentelemetry._logs import LogRecord, SeverityNumber  # noqa: PLC0415 an extra
        from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter  # noqa: PLC0415
        from opentelemetry.sdk._logs import ReadableLogRecord  # noqa: PLC0415
        from opentelemetry.sdk._logs.export import LogRecordExportResult  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.util.instrumentation import InstrumentationScope  # noqa: PLC0415
    except ImportError as missing:
        raise Failed("OpenTelemetry is not installed", "pip install 'affidavit[otel]'") from missing
    exporter = OTLPLogExporter(endpoint=endpoint, headers=dict(_headers(headers)), timeout=TIMEOUT_SECONDS)
    resource, scope = Resource({"service.name": "affidavit"}), InstrumentationScope("affidavit")

    def send(rows: Sequence[Row]) -> None:
        records = [
            ReadableLogRecord(
                LogRecord(
                    timestamp=int(time_of(row["closed_at"]).timestamp() * 1e9),
                    event_name=genai.EVENT,
                    severity_number=SeverityNumber.INFO if row["outcome"] == "completed" else SeverityNumber.WARN,
                    attributes=genai.attributes(row),
                ),
                resource=resource,
                instrumentation_scope=scope,
            )
            for row in rows
        ]
        if exporter.export(records) is not LogRecordExportResult.SUCCESS:
            raise SendFailed("the collector did not take it")

    return send
