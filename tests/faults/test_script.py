"""`mitmdump -s addons/stack.py`, for development: the same refusals, and an end rather than a bare proxy when the file breaks."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from scripts.local_gateway import clean_environment, until
from tests.end_to_end.gateway import Bench

ROOT = Path(__file__).parents[2]
BODY = b'{"model":"gpt-4o","messages":[]}'


def test_a_broken_edit_ends_the_proxy_instead_of_leaving_it_bare(own: Bench, tmp_path) -> None:
    own.gateway.stop()
    copy = tmp_path / "checkout"
    shutil.copytree(ROOT / "addons", copy / "addons", ignore=shutil.ignore_patterns("__pycache__"))
    script, log = copy / "addons" / "stack.py", tmp_path / "mitmdump.log"
    options = {
        "affidavit_state": own.state.path, "confdir": own.state.path / "ca", "connection_strategy": "lazy",
        "listen_host": "127.0.0.1", "listen_port": 0, "affidavit_console_port": 0,
    }  # fmt: skip
    words = [word for name, value in options.items() for word in ("--set", f"{name}={value}")]
    (own.state.path / "ports.json").unlink(missing_ok=True)
    with log.open("wb") as output:
        started = subprocess.Popen(
            [Path(sys.executable).parent / "mitmdump", "-s", script, *words],
            env={**own.state.environment, "PYTHONSAFEPATH": "1"}, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip
    try:
        own.until((own.state.path / "ports.json").exists, "the script has opened the state", 40)
        ports = own.state.path / "ports.json"
        own.gateway.proxy_port = int(ports.read_text().split('"proxy":')[1].split(",")[0])
        refused = own.raw("proxy", BODY, who=None)
        script.write_text(script.read_text() + "\nbroken (\n")

        until(lambda: started.poll() is not None, 30, "mitmdump did not end after its script broke")
    finally:
        started.kill()
        started.wait()

    assert refused.status == 401
    assert own.provider.count == 0
    assert "?key=" not in log.read_text()


def test_a_stack_that_cannot_start_ends_mitmdump_with_the_cause_and_no_bare_proxy_stays(tmp_path) -> None:
    done = subprocess.run(
        [
            Path(sys.executable).parent / "mitmdump", "-s", ROOT / "addons" / "stack.py",
            *("--set", f"affidavit_state={tmp_path / 'nowhere'}", "--set", f"confdir={tmp_path / 'ca'}"),
            *("--set", "connection_strategy=lazy", "--listen-host", "127.0.0.1", "--listen-port", "0"),
        ],
        env=clean_environment(tmp_path, PYTHONSAFEPATH="1"), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert "the stack did not start" in done.stdout + done.stderr
    assert "affidavit init" in done.stdout + done.stderr
