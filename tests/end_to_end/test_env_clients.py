"""Clients started from what `affidavit env` prints, and from nothing else: they come through the gateway, as whoever the token names."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from scripts.shells import jupyter
from tests.end_to_end.gateway import Bench
from tests.end_to_end.sdk import PYTHON

CLIENTS = Path(__file__).parents[1] / "clients"
BODY = json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "the blue heron"}]})
ASK = """
import openai
answer = openai.OpenAI({key}max_retries=0).chat.completions.create(model="gpt-4o-mini", messages=[{{"role": "user", "content": "the blue heron"}}])
print("ANSWERED", answer.object)
"""
NODE = """
import OpenAI from "openai";
const answer = await new OpenAI({maxRetries: 0}).chat.completions.create({model: "gpt-4o-mini", messages: [{role: "user", content: "the blue heron"}]});
console.log("ANSWERED", answer.object);
"""


def printed(shared: Bench, *words: str) -> str:
    return shared.state.run("env", *words).stdout


def ran(command: list[str], folder: Path, cwd: Path | None = None, **variables: str) -> str:
    """What a program said, with an environment of nothing but this."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **variables}
    done = subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, check=False, timeout=90)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def seen(shared: Bench, seq: int, count: int = 1) -> list[tuple[str, str, str]]:
    shared.until(
        lambda: len([row for row in shared.exchanges_since(seq) if row["outcome"]]) == count, "all calls are closed"
    )
    return [(row["subject"], row["door"], row["outcome"]) for row in shared.exchanges_since(seq)]


needs_java = pytest.mark.skipif(shutil.which("javac") is None, reason="no JDK is installed")
needs_sdks = pytest.mark.skipif(not PYTHON.exists(), reason="scripts/bootstrap --clients makes .venv-clients")
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")


@needs_java
def test_javas_own_clients_come_by_the_proxy_with_the_token_in_the_api_keys_place(
    shared: Bench, tmp_path: Path
) -> None:
    seq = shared.last_seq()
    script = printed(shared) + 'exec java "$0" "$@"'
    said = ran(
        ["bash", "-euc", script, str(CLIENTS / "Ask.java"), "https://api.openai.com/v1/chat/completions", BODY],
        tmp_path,
        AFFIDAVIT_TOKEN=shared.tokens["alice"],
    )

    assert said.split() == ["200", "200"]
    assert seen(shared, seq, 2) == [("local|alice", "proxy", "completed")] * 2


@needs_java
def test_javas_own_clients_come_by_a_base_url(shared: Bench, tmp_path: Path) -> None:
    seq = shared.last_seq()
    said = ran(
        ["java", str(CLIENTS / "Ask.java"), f"{shared.gateway.base_url('openai')}/v1/chat/completions", BODY],
        tmp_path,
        AFFIDAVIT_TOKEN=shared.tokens["alice"],
    )

    assert said.split() == ["200", "200"]
    assert seen(shared, seq, 2) == [("local|alice", "base_url", "completed")] * 2


@needs_java
def test_java_behind_nothing_but_the_bundle_trusts_nobody_else_less(shared: Bench, tmp_path: Path) -> None:
    """The machine's roots are in Java's store too, one entry for each certificate of bundle.pem."""
    store = shared.gateway.bundle.with_suffix(".p12")
    listed = ran(["keytool", "-list", "-keystore", str(store), "-storepass", ""], tmp_path)

    certificates = shared.gateway.bundle.read_text().count("BEGIN CERTIFICATE")
    assert f"Your keystore contains {certificates} entries" in listed


@needs_java
def test_a_java_that_does_not_know_the_bundle_refuses(shared: Bench, tmp_path: Path) -> None:
    seq = shared.last_seq()
    script = (
        printed(shared) + 'JAVA_TOOL_OPTIONS="${JAVA_TOOL_OPTIONS#* }" exec java "$0" "$@"'
    )  # without the first word
    with pytest.raises(AssertionError, match="unable to find valid certification path"):
        ran(
            ["bash", "-euc", script, str(CLIENTS / "Ask.java"), "https://api.openai.com/v1/chat/completions", BODY],
            tmp_path,
            AFFIDAVIT_TOKEN=shared.tokens["alice"],
        )

    assert shared.exchanges_since(seq) == []


@needs_node
def test_nodes_sdk_comes_by_the_base_url_of_a_dotenv_file(shared: Bench, tmp_path: Path) -> None:
    """Node reads the file itself."""
    (tmp_path / "gateway.env").write_text(
        printed(shared, "--base-url", "--shell", "dotenv", "--token", shared.tokens["alice"])
    )
    seq = shared.last_seq()
    command = ["node", f"--env-file={tmp_path / 'gateway.env'}", "--input-type=module", "-e", NODE]

    assert "ANSWERED chat.completion" in ran(command, tmp_path, cwd=CLIENTS)
    assert seen(shared, seq) == [("local|alice", "base_url", "completed")]


@needs_node
@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_nodes_sdk_comes_by_the_base_url_that_a_shell_was_told(shared: Bench, tmp_path: Path, shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    (tmp_path / "ask.mjs").write_text(NODE)
    (tmp_path / "node_modules").symlink_to(CLIENTS / "node_modules")
    seq = shared.last_seq()
    script = printed(shared, "--base-url", "--shell", shell) + f"node {tmp_path / 'ask.mjs'}"

    said = ran([shell, "-c", script], tmp_path, AFFIDAVIT_TOKEN=shared.tokens["alice"])

    assert "ANSWERED chat.completion" in said
    assert seen(shared, seq) == [("local|alice", "base_url", "completed")]


@needs_sdks
@pytest.mark.parametrize("door", ["proxy", "base_url"])
@pytest.mark.parametrize("written", [True, False], ids=["token-written", "token-referred-to"])
def test_a_notebooks_first_cell_leads_the_next_through_and_prints_no_token(
    shared: Bench, tmp_path: Path, door: str, *, written: bool
) -> None:
    """IPython itself runs the cells; what a notebook would keep is what they print."""
    token = shared.tokens["alice"]
    words = ["--shell", "jupyter", *(["--base-url"] if door == "base_url" else [])]
    cells = [
        printed(shared, *words, *(["--token", token] if written else [])),
        ASK.format(key='api_key="none", ' if door == "proxy" else ""),
    ]
    seq = shared.last_seq()
    notebook = (
        "import json, sys; from IPython.core.interactiveshell import InteractiveShell; shell = InteractiveShell.instance()\n"
        "for cell in json.loads(sys.argv[1]): shell.run_cell(cell).raise_error()"
    )

    said = ran(
        [str(PYTHON), "-c", notebook, json.dumps(cells)],
        tmp_path,
        IPYTHONDIR=str(tmp_path),
        **({} if written else {"AFFIDAVIT_TOKEN": token}),
    )

    assert "%env HTTPS_PROXY=" in cells[0] or "%env OPENAI_BASE_URL=" in cells[0]
    assert "ANSWERED chat.completion" in said
    assert token not in said
    assert seen(shared, seq) == [("local|alice", door, "completed")]


@needs_sdks
def test_ipython_sets_every_value_as_it_is(tmp_path: Path) -> None:
    values = [chr(code) for code in range(33, 127)] + [
        "a  b",
        "{x}",
        "$HOME",
        "$$x",
        "{{",
        "a?",
        "a??",
        "%x",
        "!ls",
        "it's",
        '"',
        "\\n",
        "ü’",
    ]
    settings = [(f"X{number}", (value,)) for number, value in enumerate(values)]
    notebook = (
        "import json, os, sys; from IPython.core.interactiveshell import InteractiveShell\n"
        "InteractiveShell.instance().run_cell(sys.argv[1]).raise_error(); print('FOUND' + json.dumps(dict(os.environ)))"
    )

    said = ran(
        [str(PYTHON), "-c", notebook, jupyter(settings, "")], tmp_path, IPYTHONDIR=str(tmp_path), LC_ALL="C.UTF-8"
    )

    found = json.loads(said.partition("FOUND")[2])
    assert [found.get(name) for name, _ in settings] == values


@needs_sdks
def test_python_dotenv_and_node_read_the_file_as_it_is_meant(shared: Bench, tmp_path: Path) -> None:
    text = printed(shared, "--shell", "dotenv", "--token", shared.tokens["alice"])
    (tmp_path / "gateway.env").write_text(text)
    meant = dict(line.split("=", 1) for line in text.splitlines())
    by_python = "import dotenv, json, sys; print(json.dumps(dotenv.dotenv_values(sys.argv[1])))"

    assert json.loads(ran([str(PYTHON), "-c", by_python, str(tmp_path / "gateway.env")], tmp_path)) == meant
    assert "JAVA_TOOL_OPTIONS" in meant
    if shutil.which("node"):
        by_node = "console.log(JSON.stringify(process.env))"
        found = json.loads(ran(["node", f"--env-file={tmp_path / 'gateway.env'}", "-e", by_node], tmp_path))
        assert meant.items() <= found.items()
