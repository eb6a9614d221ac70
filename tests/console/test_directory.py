"""addons/console/directory.py: groups from elsewhere, tokens on several machines, logins that nobody can check any more."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from addons.approvals.state import Proof
from addons.console.desk import Desk
from addons.console.directory import SHARED_SECONDS, Login
from addons.tokens.gateway_token import TokenRefused
from tests.console.desks import Clock, leaf_types, new_state, owning
from tests.login.jobs import JobIssuer, job_issuer

IDENTITY = """\
version: 1
issuers:
  - id: corp
    issuer: {issuer}
    audiences: [affidavit]
    trusted_ca: {cafile}
    recheck_seconds: 10
    offline_seconds: 600
    {more}
rights: [{{id: engineering-everything, groups: [engineering], connections: ["*"]}}]
"""
Work = Callable[[Desk, Clock, JobIssuer], Awaitable[Any]]


def with_desk(folder: Path, work: Work, more: str = "groups: [everybody]", then: Work | None = None) -> Any:
    """`work` with a desk that believes the issuer; `then` with another after a restart."""
    clock = Clock(datetime.now(UTC))
    state = new_state(folder / "state", clock)

    async def run(one: Work, issuer: JobIssuer) -> Any:
        async with owning(state, clock) as desk:
            return await one(desk, clock, issuer)

    with job_issuer(folder) as issuer:
        (state.policies / "identity.yaml").write_text(
            IDENTITY.format(issuer=issuer.url, cafile=issuer.cafile, more=more)
        )
        result = asyncio.run(run(work, issuer))
        return asyncio.run(run(then, issuer)) if then else (result, leaf_types(state))


def test_groups_from_a_file_count_from_the_next_check_on_and_whoever_it_does_not_name_has_none(tmp_path: Path) -> None:
    groups = tmp_path / "groups.json"

    async def work(desk: Desk, clock: Clock, issuer: JobIssuer) -> list[tuple[str, ...]]:
        groups.write_text(json.dumps({"alice@example.com": ["engineering"]}))
        secret, _ = await desk.directory.exchange(Login(issuer.token(sub="alice", email="alice@example.com")))
        other, _ = await desk.directory.exchange(Login(issuer.token(sub="bob", email="bob@example.com")))
        first = (await desk.directory.find(secret)).groups
        groups.write_text(json.dumps({"alice@example.com": ["marketing"]}))
        at_once = (await desk.directory.find(secret)).groups
        clock.advance(11)
        later = (await desk.directory.find(secret)).groups
        return [first, at_once, later, (await desk.directory.find(other)).groups]

    (seen, kinds) = with_desk(tmp_path, work, f'groups_from: "${{file:{groups}}}"')

    assert seen == [("engineering",), ("engineering",), ("marketing",), ()]
    assert kinds.count("token.minted") == 3


@pytest.mark.parametrize(
    "content", [None, "[]", '{"alice@example.com": "engineering"}', '{"alice@example.com": [1]}', "{"]
)
def test_a_list_that_cannot_be_read_lets_nobody_in(tmp_path: Path, content: str | None) -> None:
    groups = tmp_path / "groups.json"
    if content is not None:
        groups.write_text(content)

    async def work(desk: Desk, _clock: Clock, issuer: JobIssuer) -> str:
        with pytest.raises(TokenRefused) as refusal:
            await desk.directory.find(issuer.token(sub="alice", email="alice@example.com"))
        return refusal.value.code

    assert with_desk(tmp_path, work, f'groups_from: "${{file:{groups}}}"')[0] == "groups_unknown"


def test_groups_from_a_command_are_given_the_subject_and_the_address(tmp_path: Path) -> None:
    script = tmp_path / "groups"
    script.write_text('#!/bin/sh\necho "sub:${1##*|}"\necho "mail:$2"\n')
    script.chmod(0o700)

    async def work(desk: Desk, _clock: Clock, issuer: JobIssuer) -> tuple[str, ...]:
        return (await desk.directory.find(issuer.token(sub="alice", email="a@example.com"))).groups

    assert with_desk(tmp_path, work, f'groups_from: "${{command: {script}}}"')[0] == ("sub:alice", "mail:a@example.com")


def test_a_token_seen_on_two_machines_at_once_is_a_finding_once(tmp_path: Path) -> None:
    async def work(desk: Desk, clock: Clock, issuer: JobIssuer) -> list[str | None]:
        secret, _ = await desk.directory.exchange(Login(issuer.token(sub="alice")))
        caller = await desk.directory.find(secret)
        found = []
        for machine, wait in (
            ("10.0.0.1", 0),
            ("10.0.0.1", 1),
            ("10.0.0.2", SHARED_SECONDS + 1),
            ("10.0.0.1", 1),
            ("10.0.0.3", 1),
        ):
            clock.advance(wait)
            event = desk.directory.seen_from(caller, machine)
            found.append(event and str(event.attrs["code"]))
        return found

    assert with_desk(tmp_path, work)[0] == [None, None, None, "token_shared", None]


def test_without_a_refresh_token_a_login_is_believed_for_a_stated_time_and_no_longer(tmp_path: Path) -> None:
    async def work(desk: Desk, clock: Clock, issuer: JobIssuer) -> str:
        secret, _ = await desk.directory.exchange(Login(issuer.token(sub="alice")))
        clock.advance(599)
        await desk.directory.find(secret)
        clock.advance(2)
        with pytest.raises(TokenRefused) as refusal:
            await desk.directory.find(secret)
        return refusal.value.code

    assert with_desk(tmp_path, work)[0] == "login_unchecked"


def test_a_restart_keeps_logins_and_forgets_that_they_can_be_checked(tmp_path: Path) -> None:
    kept: list[str] = []

    async def before(desk: Desk, _clock: Clock, issuer: JobIssuer) -> None:
        kept.append((await desk.directory.exchange(Login(issuer.token(sub="alice"), refresh_token="r1")))[0])

    async def after(desk: Desk, clock: Clock, _issuer: JobIssuer) -> tuple[str, str]:
        subject = (await desk.directory.find(kept[0])).subject.rpartition("|")[2]
        clock.advance(601)
        with pytest.raises(TokenRefused) as refusal:
            await desk.directory.find(kept[0])
        return subject, refusal.value.code

    assert with_desk(tmp_path, before, then=after) == ("alice", "login_unchecked")


def test_a_rotated_key_is_found_at_once_and_what_the_old_one_signed_is_verified_anew(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa

    from tests.login.jobs import jwk, signed

    async def work(desk: Desk, clock: Clock, issuer: JobIssuer) -> tuple[str, str]:
        old = issuer.token(sub="alice")
        await desk.directory.find(old)
        key = rsa.generate_private_key(65537, 2048)
        issuer.keys[:] = [jwk(key, "k2")]
        claims = {"iss": issuer.url, "aud": "affidavit", "sub": "bob", "exp": int(clock().timestamp()) + 600}
        new = (await desk.directory.find(signed(key, claims, kid="k2"))).subject.rpartition("|")[2]
        with pytest.raises(TokenRefused) as refusal:
            await desk.directory.find(old)
        return new, refusal.value.code

    assert with_desk(tmp_path, work)[0] == ("bob", "token_key_unknown")


def test_a_gateway_token_is_not_exchanged_for_another(tmp_path: Path) -> None:
    async def work(desk: Desk, _clock: Clock, issuer: JobIssuer) -> str:
        secret, _ = await desk.directory.exchange(Login(issuer.token(sub="alice")))
        with pytest.raises(TokenRefused) as refusal:
            await desk.directory.exchange(Login(secret))
        return refusal.value.code

    assert with_desk(tmp_path, work)[0] == "token_malformed"


def test_how_an_approver_signed_in_outlives_a_restart_and_a_change_of_groups(tmp_path: Path) -> None:
    kept: list[str] = []
    groups = tmp_path / "groups.json"
    signed_in = {"auth_time": 1_790_000_000, "amr": ["pwd", "otp"], "sid": "idp-session-7"}

    async def before(desk: Desk, clock: Clock, issuer: JobIssuer) -> None:
        groups.write_text(json.dumps({"alice@example.com": ["engineering"]}))
        token = issuer.token(sub="alice", email="alice@example.com", **signed_in)
        kept.append((await desk.directory.exchange(Login(token)))[0])
        groups.write_text(json.dumps({"alice@example.com": ["data-owners"]}))
        clock.advance(11)
        await desk.directory.find(kept[0])

    async def after(desk: Desk, _clock: Clock, _issuer: JobIssuer) -> tuple[tuple[str, ...], Proof]:
        caller = await desk.directory.find(kept[0])
        return caller.groups, desk.directory.proof(caller)

    proof = Proof(datetime.fromtimestamp(1_790_000_000, UTC), ("pwd", "otp"), "idp-session-7")
    more = f'groups_from: "${{file:{groups}}}"'
    assert with_desk(tmp_path, before, more, then=after) == (("data-owners",), proof)
