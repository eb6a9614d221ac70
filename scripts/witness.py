"""`affidavit witness`: cosigns the checkpoints of other gateways' logs (c2sp.org/tlog-witness). Run it under other administrators.

The folder holds one key and, for each log, the newest checkpoint that was cosigned: it is on disk before the answer goes out.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import click

from addons.evidence.checkpoints import Checkpoint, NoteInvalid, Verifier, from_base64
from addons.evidence.witness import REQUEST_BYTES, Answer, Cosigner, answer, origin_of
from scripts.terminal import Failed

IDLE_SECONDS = 30


@click.group()
def witness() -> None:
    """A witness of other gateways' logs: init, serve."""


@witness.command(epilog="\b\nExample:\n  affidavit witness init /var/lib/witness --name witness.example.com/w1")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--name", required=True, help="The witness's own name, like a URL without https://; chosen once.")
def init(*, folder: Path, name: str) -> None:
    """Make FOLDER with a new key in it; prints the key that gateways add."""
    if not name.isascii() or not name.isprintable() or " " in name or "+" in name:
        raise Failed(f"name {name!r}: expected printable ASCII without space or +", "affidavit witness init --help")
    try:
        folder.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        raise Failed(f"{folder} exists already", "name a folder that does not; a witness keeps its key") from None
    seed = secrets.token_bytes(32)
    _write(folder / "witness.key", f"{name}+{base64.b64encode(b'\x04' + seed).decode()}\n")
    click.echo(Cosigner(name, seed).key.vkey)


@witness.command(
    epilog="\b\nExample:\n  affidavit witness serve /var/lib/witness --listen 0.0.0.0:8090 --log 'affidavit.invalid/1a2b3c4d+…'"
)
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--listen", default="127.0.0.1:8090", show_default=True, help="HOST:PORT; 0: a free port.")
@click.option(
    "--log", "logs", multiple=True, required=True, help="The key of a log to watch, as its owner gave it; repeatable."
)
def serve(*, folder: Path, listen: str, logs: tuple[str, ...]) -> None:
    """Answer add-checkpoint until stopped. TLS belongs in front of it."""
    host, _, port = listen.rpartition(":")
    if not port.isdecimal():
        raise click.UsageError(f"--listen {listen!r}: expected HOST:PORT")
    try:
        keys = [Verifier.of(vkey) for vkey in logs]
    except NoteInvalid as fault:
        raise Failed(str(fault), "give each --log as affidavit status prints it") from fault
    server = server_of(folder, keys, (host or "127.0.0.1", int(port)))
    click.echo(f"witness {_cosigner(folder).key.vkey}")
    click.echo(f"listens http://{server.server_address[0]!s}:{server.server_address[1]}/")
    try:
        server.serve_forever()
    finally:
        server.server_close()


def server_of(folder: Path, logs: list[Verifier], address: tuple[str, int]) -> ThreadingHTTPServer:
    cosigner = _cosigner(folder)
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        timeout = IDLE_SECONDS

        def do_POST(self) -> None:
            if self.path.rpartition("/")[2] != "add-checkpoint":
                self._say(Answer(404, "expected POST …/add-checkpoint\n"))
                return
            length = self.headers.get("content-length", "")
            if not length.isdecimal() or int(length) > REQUEST_BYTES:
                self._say(Answer(400, f"expected a body of at most {REQUEST_BYTES} bytes\n"))
                return
            try:
                text = self.rfile.read(int(length)).decode()
            except UnicodeDecodeError:
                self._say(Answer(400, "expected UTF-8\n"))
                return
            with lock:  # looked up, judged and kept as one: a slower request must not take an older tree for the newest
                path = folder / f"{hashlib.sha256(origin_of(text).encode()).hexdigest()}.checkpoint"
                known = Checkpoint.unverified(path.read_text("utf-8")) if path.exists() else None
                answered = answer(text, known, logs, cosigner, int(time.time()))
                if answered.keep:
                    _write(path, answered.keep)
            self._say(answered)

        def _say(self, answered: Answer) -> None:
            body = answered.body.encode()
            self.send_response(answered.status)
            self.send_header("content-type", answered.content_type)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """What was cosigned is in the folder."""

    return ThreadingHTTPServer(address, Handler)


def _cosigner(folder: Path) -> Cosigner:
    try:
        name, _, encoded = (folder / "witness.key").read_text("ascii").strip().partition("+")
    except (OSError, UnicodeDecodeError) as fault:
        raise Failed(f"{folder / 'witness.key'} not found", "affidavit witness init FOLDER --name NAME") from fault
    raw = from_base64(encoded)
    if len(raw) != 33 or raw[:1] != b"\x04":
        raise Failed(f"{folder / 'witness.key'}: expected name+base64 of a key", "restore it from the backup")
    return Cosigner(name, raw[1:])


def _write(path: Path, text: str) -> None:
    """Whole or not at all, and on disk when this returns."""
    fresh = path.with_name(path.name + ".new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(handle)
    fresh.replace(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
