"""One person, from sign-in to export: the provider's key is searched for in the client's whole environment and all of its files, and in the gateway's
state, logs and exports, in every spelling that a program may give it; the provider, which got it, repeats it wherever it can.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import subprocess
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest
import zstandard

from addons.echoes import secrets_in, spellings
from tests.end_to_end.gateway import Bench
from tests.end_to_end.logins import MakeBench, signed_in, signed_up
from tests.end_to_end.policies import PROVIDER_KEY
from tests.end_to_end.sdk import PYTHON

ZSTD = b"\x28\xb5\x2f\xfd"  # RFC 8878, 3.1.1
FAULTS = ("", "echo-credentials", "echo-in-body", "echo-in-gzip")
CLIENT = """
import json, os, pathlib, sys
import openai
home, faults = pathlib.Path(os.environ["HOME"]), json.loads(sys.argv[1])
client = openai.OpenAI(max_retries=0)
asked = [{"role": "user", "content": "say: hello"}]
for fault in faults:
    for stream in (False, True):
        said = []
        try:
            with client.chat.completions.with_streaming_response.create(
                model="gpt-4o-mini", messages=asked, stream=stream, extra_headers={"x-local-fault": fault}
            ) as answer:
                said.append(repr(dict(answer.headers)))
                said.append(answer.read().decode("utf-8", "replace"))
        except openai.OpenAIError as error:
            said.append(f"{error!r} {getattr(error, 'body', '')}")
        (home / f"answer-{fault}-{stream}.txt").write_text("\\n".join(said))
(home / "environment.json").write_text(json.dumps(dict(os.environ)))
(home / "environment.raw").write_bytes(pathlib.Path("/proc/self/environ").read_bytes() if os.path.exists("/proc") else b"")
"""


def searched_for(secret: str) -> dict[str, bytes]:
    """The ways in which it could lie somewhere, by name: also as a hash that anybody could compare a guess with."""
    raw = secret.encode()
    forms = {
        f"spelling {number}": one for number, one in enumerate(spellings(frozenset(secrets_in(secret)), framed=True))
    }
    forms |= {
        "hex": raw.hex().encode(),
        "reversed": raw[::-1],
        "utf-16": secret.encode("utf-16-le"),
        "quoted": quote(secret).encode(),
    }
    forms |= {f"{name} of it": hashlib.new(name, raw).hexdigest().encode() for name in ("sha256", "sha1", "md5")}
    forms |= {f"{name}, as bytes": hashlib.new(name, raw).digest() for name in ("sha256", "sha1")}
    return forms | {"half of it": raw[: len(raw) // 2], "its end": raw[-len(raw) // 2 :]}


def files(*folders: Path) -> Iterator[tuple[str, bytes]]:
    for folder in folders:
        for path in [folder] if folder.is_file() else sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                yield str(path), path.read_bytes()
                yield from inside(path)


def inside(path: Path) -> Iterator[tuple[str, bytes]]:
    """What the bytes of a file hide: members of an archive, cells of a database (which lie on several pages), frames of zstd in them."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            yield from ((f"{path}!{name}", archive.read(name)) for name in archive.namelist())
    elif path.suffix in {".db", ".sqlite"}:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                for row in database.execute(f"SELECT * FROM {table}"):
                    cells = [cell if isinstance(cell, bytes) else str(cell).encode() for cell in row]
                    unpacked = [
                        zstandard.ZstdDecompressor().decompressobj().decompress(cell)
                        for cell in cells
                        if cell[:4] == ZSTD
                    ]
                    yield f"{path}!{table}", b"\n".join((*cells, *unpacked))


def found(secret: str, places: Iterable[tuple[str, bytes]]) -> list[tuple[str, str]]:
    forms = searched_for(secret)
    return [(place, name) for place, content in places for name, form in forms.items() if form in content]


def answers(bench: Bench, *commands: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    for words in commands:
        done = bench.state.run(*words, check=False)
        yield " ".join(words), (done.stdout + done.stderr).encode()


@pytest.mark.parametrize("form", searched_for("a-key"), ids=str)
def test_the_search_finds_each_form_that_it_names(tmp_path: Path, form: str) -> None:
    (tmp_path / "somewhere").write_bytes(b"before " + searched_for(PROVIDER_KEY)[form] + b" after")

    assert (str(tmp_path / "somewhere"), form) in found(PROVIDER_KEY, files(tmp_path))


def test_the_search_looks_into_archives_and_into_packed_cells_of_databases(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "some.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inside", PROVIDER_KEY * 50)
    with closing(sqlite3.connect(tmp_path / "some.db")) as database, database:
        database.execute("CREATE TABLE t (cell)")
        database.execute("INSERT INTO t VALUES (?)", (zstandard.compress(PROVIDER_KEY.encode() * 50),))

    places = {place.rpartition("/")[2] for place, _ in found(PROVIDER_KEY, files(tmp_path))}

    assert places >= {"some.zip!inside", "some.db!t"}


@pytest.mark.skipif(not PYTHON.exists(), reason="scripts/bootstrap --clients makes .venv-clients")
def test_the_providers_key_is_nowhere_on_the_client_and_nowhere_at_the_gateway(
    make_bench: MakeBench, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    with signed_up(make_bench, tmp_path) as (bench, provider):
        seq = bench.last_seq()
        token = signed_in(bench, provider, home, "alice", "--purpose", "OPS-7: notes")
        printed = bench.state.run("env", "--token", token).stdout
        (home / "set-the-gateway.sh").write_text(printed)
        script = printed + f'OPENAI_API_KEY={token} exec {PYTHON} -c "$0" "$1"'
        done = subprocess.run(
            ["bash", "-euc", script, CLIENT, json.dumps(FAULTS)],
            env={"PATH": os.environ["PATH"], "HOME": str(home)}, capture_output=True, text=True, check=False, timeout=90,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        calls = 2 * len(FAULTS)
        bench.until(
            lambda: len([row for row in bench.exchanges_since(seq) if row["outcome"]]) == calls, "all are closed"
        )
        got = [request.header("authorization") for request in bench.provider.log]
        bench.state.run("export", str(tmp_path / "package"))
        bench.state.run("export", str(tmp_path / "package.zip"))
        (session, *_) = bench.rows("SELECT session_id FROM exchanges ORDER BY opened_at")
        commands = (
            ("status", "--json"), ("sessions", "--json"), ("show", session["session_id"]), ("report", "bypass", "--json"),
            ("report", "exposures", "--json"), ("feed", "ocsf"), ("token", "list", "--json"), ("policy", "check"),
        )  # fmt: skip
        told = list(answers(bench, *commands))
        running = [*files(bench.state.path, bench.gateway.log)]
        bench.gateway.stop()
        client = [*files(home), ("stdout", done.stdout.encode()), ("stderr", done.stderr.encode())]
        gateway = [*running, *files(bench.state.path, bench.gateway.log), *told]
        exports = [*files(tmp_path / "package", tmp_path / "package.zip")]

    assert got == [f"Bearer {PROVIDER_KEY}"] * calls  # it was there to be lost
    assert {"environment.json", "environment.raw", "logins.json"} <= {Path(place).name for place, _ in client}
    assert b"credential removed" in b"".join(content for place, content in client if "echo" in place)
    assert {"evidence.db", "gateway.log"} <= {Path(place).name for place, _ in gateway}
    assert {"evidence.sqlite", "package.zip"} <= {Path(place).name for place, _ in exports}
    assert any("!exchanges" in place for place, _ in gateway)
    assert found(PROVIDER_KEY, client) == []
    assert found(PROVIDER_KEY, gateway) == []
    assert found(PROVIDER_KEY, exports) == []
    # the person's own token is theirs: on the client it lies in the file of mode 0600 and where they put it, at the gateway nowhere
    assert [place for place, content in (*gateway, *exports) if token.encode() in content] == []
