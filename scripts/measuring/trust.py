"""Why the figures of a run are not to be trusted, if so: what was measured must also have been recorded, provably and without a secret."""

from __future__ import annotations

from addons.evidence.store import Store
from scripts.measuring.cases import PROVIDER_KEY, Bench
from scripts.measuring.workloads import PLANTED


def reason(made: Bench) -> str:
    """After the gateway's orderly end; "" when all is well."""
    return unequal(made) or unverified(made) or planted(made)


def unequal(made: Bench) -> str:
    seen = made.upstream_requests()
    with Store.reader(made.state.path / "evidence.db") as store:
        (recorded,) = store.execute(
            "SELECT count(*) FROM exchanges WHERE sent_at IS NOT NULL AND outcome IS NOT NULL"
        ).fetchone()
    return "" if seen == recorded else f"upstream saw {seen} exchanges, the store has {recorded}"


def unverified(made: Bench) -> str:
    done = made.state.run("verify", str(made.state.path), check=False)
    return "" if done.returncode == 0 else f"the log does not verify: {(done.stdout + done.stderr).strip()[:200]}"


def planted(made: Bench) -> str:
    secrets = [text.encode() for text in (*PLANTED, PLANTED[0].replace(" ", ""), PROVIDER_KEY, made.token)]
    for path in sorted(made.state.path.rglob("*")):
        if path.is_file() and any(secret in path.read_bytes() for secret in secrets):
            return f"a planted secret is in {path.relative_to(made.state.path)}"
    return ""
