"""LiteLLM's proxy with one worker under the same load, where it is installed: a peer's figure, measured on the same machine in the same run."""

from __future__ import annotations

import os
import shutil
import ssl
from collections.abc import Callable
from dataclasses import replace

from scripts.measuring.cases import Bench
from scripts.measuring.load import Way, closed_loop
from scripts.measuring.processes import PROXY_CORE, Process, end, listens, started, wait_for
from scripts.measuring.rows import Goal, Row, row
from scripts.measuring.workloads import Workloads
from scripts.ports import free_ports

CONFIG = """\
model_list:
  - model_name: gpt-bench
    litellm_params: {{model: openai/gpt-bench, api_base: "https://localhost:{port}/v1", api_key: none}}
litellm_settings: {{ssl_verify: {pem}, telemetry: false}}
"""
GOAL = Goal("times LiteLLM", 5.0, 7.0)


async def litellm(made: Bench, seconds: float, ours: float, say: Callable[[str], None]) -> list[Row]:
    """Our json c=8 over theirs. [] with a word about it where LiteLLM is not there: a row that was not measured is left out."""
    program = os.environ.get("AFFIDAVIT_LITELLM") or shutil.which("litellm")
    if not program:
        say(
            "peers: litellm is neither on PATH nor in $AFFIDAVIT_LITELLM; pip install 'litellm[proxy]' into an environment of its own"
        )
        return []
    port, config = free_ports("127.0.0.1", 1)[0], made.folder / "litellm.yaml"
    config.write_text(CONFIG.format(port=made.upstream.port, pem=made.pem), encoding="utf-8")
    command = [program, "--config", str(config), "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
    environment = {
        **os.environ,
        "SSL_CERT_FILE": str(made.pem),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "DO_NOT_TRACK": "1",
    }
    process = Process(
        "litellm", started("litellm", command, PROXY_CORE, made.folder, environment), port, made.folder / "litellm.log"
    )
    try:
        wait_for(process, lambda: listens(port))
        way = Way("litellm", ("127.0.0.1", port), ssl.create_default_context(), plain=True)
        case = replace(made.cases["direct"], name="litellm", way=way, host=f"127.0.0.1:{port}", pid=process.pid)
        load = await closed_loop(case.way, 8, Workloads(case.host, "peer").json, seconds)
    finally:
        end(process)
    return [row("peer_ratio", ours / load.rate, GOAL, spread=f"{load.rate:.0f} req/s")]
