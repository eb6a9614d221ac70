"""The control socket, over a real Unix socket; and the same questions where nobody owns the state."""

from __future__ import annotations

import asyncio
import json
import socket
import stat
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from addons.approvals.state import Action, Ballot, Proof, State
from addons.console import reach
from addons.console.control import BODY_BYTES
from addons.console.desk import operator
from addons.console.state import StateFolder, StateMissing, StateOwned
from addons.console.unix_path import PATH_BYTES, socket_address
from addons.evidence.store import Store
from addons.tokens.caller import Grade
from tests.console.desks import DIGEST, hold_rule, leaf_types, new_state, opened, owning, person


def with_owner(state, clock, work):
    """Runs `work(desk, ask)`; `ask` speaks HTTP over the socket from a thread, as another process would."""

    async def ask(method, path, **more):
        return await asyncio.to_thread(reach.ask_owner, state, method, path, **more)

    async def serve():
        async with owning(state, clock, socket=True) as desk:
            return await work(desk, ask)

    return asyncio.run(serve())


async def waiting_approval(desk, **rule):
    _, alice = await person(desk, "alice", "engineering")
    return await desk.request_approval(
        exchange_id=await opened(desk), rule=hold_rule(**rule), requester=alice, payload_digest=DIGEST
    )


def raw(state: StateFolder, request: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as client, socket_address(state.socket) as address:
        client.settimeout(20)
        client.connect(address)
        client.sendall(request)
        received = b""
        while piece := client.recv(65536):
            received += piece
        return received


def last_leaf(state: StateFolder) -> dict:
    with Store.reader(state.database) as database:
        return json.loads(database.execute("SELECT leaf FROM events ORDER BY seq DESC LIMIT 1").fetchone()[0])


# -- the socket ---------------------------------------------------------------------------------------------------------


def test_the_socket_is_the_owners_alone_and_gone_afterwards(state, clock):
    async def work(_desk, _ask):
        return stat.S_IMODE(state.socket.stat().st_mode)

    assert with_owner(state, clock, work) == 0o600
    assert not state.socket.exists()


def test_a_socket_left_by_a_crash_is_replaced(state, clock):
    with socket.socket(socket.AF_UNIX) as left, socket_address(state.socket) as address:
        left.bind(address)

    async def work(_desk, ask):
        return await ask("GET", "/tokens")

    assert with_owner(state, clock, work) == {"tokens": []}


def test_a_state_with_a_path_too_long_for_a_socket_is_served_all_the_same(tmp_path, clock):
    folder = tmp_path / ("d" * PATH_BYTES) / "state"
    folder.parent.mkdir()
    state = new_state(folder, clock)

    async def work(_desk, ask):
        return await ask("GET", "/tokens")

    assert with_owner(state, clock, work) == {"tokens": []}


def test_the_actor_of_the_record_is_the_user_at_the_other_end(state, clock):
    async def work(_desk, ask):
        return await ask("POST", "/reads", body={"what": "exchange", "id": "ex_1", "purpose": "test"})

    assert with_owner(state, clock, work)["reader"] == operator()
    assert last_leaf(state)["type"] == "gateway.stopped" or "evidence.read" in leaf_types(state)


# -- what is asked ------------------------------------------------------------------------------------------------------


def test_a_token_is_minted_listed_used_and_revoked(state, clock):
    async def work(desk, ask):
        minted = await ask(
            "POST", "/tokens", body={"name": "alice", "groups": ["engineering"], "purpose": "x", "lifetime_seconds": 60}
        )
        caller = await ask("GET", "/whoami", token=minted["token"])
        listed = await ask("GET", "/tokens")
        revoked = await ask("POST", f"/tokens/{minted['id']}/revoke")
        with pytest.raises(reach.Refused) as refused:
            await ask("GET", "/whoami", token=minted["token"])
        return minted, caller, listed["tokens"], revoked, refused.value.code

    minted, caller, listed, revoked, code = with_owner(state, clock, work)

    assert (caller["subject"], caller["minted_by"], caller["grade"]) == ("local|alice", operator(), "trial")
    assert [row["id"] for row in listed] == [minted["id"]]
    assert "token" not in listed[0]
    assert (revoked["state"], code) == ("revoked", "token_revoked")


def test_no_token_is_minted_that_would_identify_nobody(state, clock):
    (state.policies / "identity.yaml").write_text("version: 1\nlocal: off\nrights: []\n")
    (state.policies / "controls.yaml").write_text("version: 1\ncontrols: []\n")

    async def work(_desk, ask):
        with pytest.raises(reach.Refused) as refused:
            await ask("POST", "/tokens", body={"name": "alice"})
        return refused.value.code

    assert with_owner(state, clock, work) == "local_issuer_off"
    assert "token.minted" not in leaf_types(state)


def test_an_approver_decides_with_their_own_token_and_the_call_goes_on(state, clock):
    async def work(desk, ask):
        approval = await waiting_approval(desk)
        token, _ = await person(desk, "bob", "data-owners")
        held = asyncio.ensure_future(desk.wait_decision(approval.id, 60))
        listed = await ask("GET", "/approvals", token=token)
        answered = await ask("POST", f"/approvals/{approval.id}/approve", body={"reason": "agreed"}, token=token)
        return listed["approvals"], answered, await held

    listed, answered, approval = with_owner(state, clock, work)

    assert [(row["id"], row["mine"]) for row in listed] == [(approval.id, True)]
    assert (answered["state"], answered["approver"]) == ("approved", "local|bob")
    assert approval.state is State.APPROVED


@pytest.mark.parametrize(
    ("who", "reason", "status", "code"),
    [
        pytest.param("", "yes", 401, "token_missing", id="the-socket-alone-is-not-enough"),
        pytest.param("afd_" + "x" * 43, "yes", 401, "token_unknown", id="an-unknown-token"),
        pytest.param("garbage", "yes", 401, "token_malformed", id="no-token-at-all"),
        pytest.param("eve", "yes", 403, "not_an_approver", id="not-in-the-group"),
        pytest.param("alice", "yes", 403, "self_approval", id="the-requester"),
        pytest.param("bob", "  ", 409, "reason_missing", id="without-a-reason"),
    ],
)
@pytest.mark.parametrize("verdict", ["approve", "deny"])
def test_whoever_may_not_decide_is_refused_and_nothing_changes(state, clock, *, who, reason, status, code, verdict):
    async def work(desk, ask):
        approval = await waiting_approval(desk)
        alice, _ = await person(desk, "alice", "engineering", "data-owners")
        people = {
            "alice": alice,
            "bob": (await person(desk, "bob", "data-owners"))[0],
            "eve": (await person(desk, "eve", "engineering"))[0],
        }
        before = leaf_types(state)
        with pytest.raises(reach.Refused) as refused:
            await ask(
                "POST", f"/approvals/{approval.id}/{verdict}", body={"reason": reason}, token=people.get(who, who)
            )
        body = json.dumps({"reason": reason}).encode()
        head = f"POST /approvals/{approval.id}/{verdict} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {people.get(who, who)}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        answer = await asyncio.to_thread(raw, state, head.encode() + body)
        return refused.value, answer, desk.approval(approval.id).state, before == leaf_types(state)

    refused, answer, left, unchanged = with_owner(state, clock, work)

    assert (refused.code, left, unchanged) == (code, State.PENDING, True)
    assert refused.hint
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())


def test_one_person_behind_two_tokens_is_flagged(state, clock):
    async def work(desk, ask):
        _, alice = await person(desk, "alice", "engineering", minted_by="os|root")
        approval = await desk.request_approval(
            exchange_id=await opened(desk), rule=hold_rule(), requester=alice, payload_digest=DIGEST
        )
        token, _ = await person(desk, "bob", "data-owners", minted_by="os|root")
        return await ask("POST", f"/approvals/{approval.id}/approve", body={"reason": "agreed"}, token=token)

    assert with_owner(state, clock, work)["same_minter"] is True


@pytest.mark.parametrize(
    ("requester", "approver", "grade"), [("managed", "managed", "managed"), ("managed", "trial", "trial")]
)
def test_an_approval_carries_its_grade_to_whoever_asks_for_it_and_over_a_restart(
    state, clock, requester, approver, grade
):
    async def work(desk, ask):
        _, alice = await person(desk, "alice", "engineering")
        _, bob = await person(desk, "bob", "data-owners")
        asked = await desk.request_approval(
            exchange_id=await opened(desk),
            rule=hold_rule(),
            requester=replace(alice, grade=Grade(requester)),
            payload_digest=DIGEST,
        )
        pending = await ask("GET", f"/approvals/{asked.id}")
        bob = replace(bob, grade=Grade(approver))
        await desk.decide(asked.id, bob, Action.APPROVE, "agreed", ballot=Ballot(), proof=Proof())
        return pending["grade"], asked.id

    before, approval_id = with_owner(state, clock, work)

    async def after(desk, ask):
        row = await ask("GET", f"/approvals/{approval_id}")
        with desk.store.reading() as database:
            stored = database.execute("SELECT grade FROM approvals WHERE id = ?", (approval_id,)).fetchone()
        return row["grade"], row["votes"][0]["grade"], stored[0]

    assert before == requester
    assert with_owner(state, clock, after) == (grade, approver, grade)


def test_decided_approvals_are_listed_and_shown_from_the_store(state, clock):
    async def work(desk, ask):
        approval = await waiting_approval(desk, expires=60)
        token, _ = await person(desk, "bob", "data-owners")
        await ask("POST", f"/approvals/{approval.id}/deny", body={"reason": "no"}, token=token)
        clock.advance(3 * 3600)
        _, carol = await person(desk, "carol")
        await desk.request_approval(
            exchange_id=await opened(desk), rule=hold_rule(), requester=carol, payload_digest=DIGEST
        )  # forgets the old one
        shown = await ask("GET", f"/approvals/{approval.id}")
        return (
            approval.id,
            await ask("GET", "/approvals", query={"state": "denied"}),
            await ask("GET", "/approvals", query={"state": "all"}),
            shown,
        )

    approval_id, denied, everything, shown = with_owner(state, clock, work)

    assert [row["id"] for row in denied["approvals"]] == [approval_id]
    assert {row["state"] for row in everything["approvals"]} == {"denied", "pending"}
    assert (shown["id"], shown["state"], shown["reason"]) == (approval_id, "denied", "no")


def test_an_approved_call_that_did_not_go_on_yet_can_be_stopped_by_an_approver(state, clock):
    async def work(desk, ask):
        approval = await waiting_approval(desk)
        bob, _ = await person(desk, "bob", "data-owners")
        eve, _ = await person(desk, "eve", "engineering")
        await ask("POST", f"/approvals/{approval.id}/approve", body={"reason": "yes"}, token=bob)
        with pytest.raises(reach.Refused) as refused:
            await ask("POST", f"/approvals/{approval.id}/revoke", token=eve)
        return (
            refused.value.code,
            await ask("POST", f"/approvals/{approval.id}/revoke", token=bob),
            desk.grant_for(desk.key_of("local|alice", "destructive-sql", DIGEST)),
        )

    code, revoked, grant = with_owner(state, clock, work)

    assert (code, revoked["revoked"], grant) == ("not_an_approver", True, None)


def test_status_says_what_runs_and_what_was_recorded(state, clock):
    async def work(desk, ask):
        desk.find("client_key_removed", "header:authorization")
        await waiting_approval(desk)
        return await ask("GET", "/status")

    status = with_owner(state, clock, work)

    assert (status["pending_approvals"], status["open_holds"], status["tokens_in_force"]) == (1, 0, 1)
    assert status["log"]["size"] >= 4
    assert status["policies"]["digest"].startswith("sha256:")
    assert "api.openai.com" in status["hosts"]
    assert "client_key_removed: header:authorization" in status["findings"]


def test_connections_say_which_variables_hold_keys_but_never_a_key(state, clock, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-planted")

    async def work(_desk, ask):
        return await ask("GET", "/connections")

    found = with_owner(state, clock, work)

    assert [(row["id"], row["provider"], row["variables"]) for row in found["connections"]][:1] == [
        ("openai", "openai", ["OPENAI_API_KEY"])
    ]
    assert "sk-planted" not in json.dumps(found)


# -- what is asked wrongly ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        pytest.param("GET", "/nowhere", None, 404, "path_unknown", id="unknown-path"),
        pytest.param("DELETE", "/tokens", None, 405, "method_unknown", id="unknown-method"),
        pytest.param("GET", "/approvals/ap_1/approve", None, 405, "method_unknown", id="deciding-by-get"),
        pytest.param("GET", "/approvals/ap_nowhere", None, 404, "approval_unknown", id="unknown-approval"),
        pytest.param("GET", "/approvals/", None, 404, "path_unknown", id="no-id"),
        pytest.param("GET", "/approvals/a/b", None, 404, "path_unknown", id="a-path-in-the-ids-place"),
        pytest.param("GET", "/approvals?state=lost", None, 400, "state_unknown", id="unknown-state"),
        pytest.param("POST", "/tokens/tk_nowhere/revoke", None, 404, "token_unknown", id="unknown-token"),
        pytest.param("POST", "/tokens", b"{", 400, "body_malformed", id="broken-json"),
        pytest.param("POST", "/tokens", b"[]", 400, "body_malformed", id="not-an-object"),
        pytest.param("POST", "/tokens", b"{}", 400, "body_malformed", id="a-name-is-missing"),
        pytest.param(
            "POST", "/tokens", b'{"name": 1, "group": "x"}', 400, "body_malformed", id="wrong-type-and-unknown-key"
        ),
        pytest.param("POST", "/tokens", b'{"name": "a", "groups": [1]}', 400, "body_malformed", id="wrong-item"),
        pytest.param(
            "POST", "/tokens", b'{"name": "a", "lifetime_seconds": true}', 400, "body_malformed", id="true-is-no-number"
        ),
        pytest.param("POST", "/tokens", b'{"name": "a|b"}', 400, "token_not_minted", id="no-person"),
    ],
)
def test_what_is_asked_wrongly_gets_a_code_and_a_hint(state, clock, *, method, path, body, status, code):
    async def work(_desk, _ask):
        head = f"{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {len(body or b'')}\r\n\r\n"
        return await asyncio.to_thread(raw, state, head.encode() + (body or b""))

    head, _, answer = with_owner(state, clock, work).partition(b"\r\n\r\n")

    error = json.loads(answer)["error"]
    assert (head.split()[1], error["code"]) == (str(status).encode(), code)
    assert error["message"]
    assert error["hint"]


def test_all_faults_of_a_body_are_named_at_once(state, clock):
    async def work(_desk, ask):
        with pytest.raises(reach.Refused) as refused:
            await ask("POST", "/reads", body={"what": 1, "why": ""})
        return str(refused.value)

    message = with_owner(state, clock, work)

    assert message == "why: unknown; id: missing; what: expected str, got int"


def test_a_body_over_the_bound_is_not_read(state, clock):
    async def work(desk, _ask):
        body = b" " * (BODY_BYTES + 1)
        answer = await asyncio.to_thread(
            raw, state, b"POST /tokens HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body)
        )
        return answer, desk.tokens.rows

    answer, rows = with_owner(state, clock, work)

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert rows == ()


# -- the stream ---------------------------------------------------------------------------------------------------------


def test_a_watcher_sees_what_waits_then_each_change_and_the_end(state, clock):
    async def work(desk, _ask):
        approval = await waiting_approval(desk)
        _, bob = await person(desk, "bob", "data-owners")
        lines = reach.watch(state)
        first = await asyncio.to_thread(next, lines)
        await desk.decide(approval.id, bob, Action.DENY, "no")
        second = await asyncio.to_thread(next, lines)
        ended = asyncio.ensure_future(asyncio.to_thread(list, lines))
        await desk.waiting.close()
        return approval.id, first, second, await ended

    approval_id, first, second, rest = with_owner(state, clock, work)

    assert [(line["id"], line["state"]) for line in (first, second)] == [
        (approval_id, "pending"),
        (approval_id, "denied"),
    ]
    assert rest == []


def test_a_watcher_that_leaves_is_forgotten(state, clock):
    async def work(desk, _ask):
        approval = await waiting_approval(desk)
        lines = reach.watch(state)
        await asyncio.to_thread(next, lines)
        await asyncio.to_thread(lines.close)
        for _ in range(1000):
            if not desk.waiting._watchers:
                break
            await asyncio.sleep(0.005)
        return approval, len(desk.waiting._watchers)

    assert with_owner(state, clock, work)[1] == 0


def test_stopping_does_not_wait_for_a_watcher(state, clock):
    lines = []

    async def work(desk, _ask):
        await waiting_approval(desk)
        lines.append(reach.watch(state))
        await asyncio.to_thread(next, lines[0])

    with_owner(state, clock, work)

    assert list(lines[0]) == []


def test_watching_without_a_gateway_is_refused_with_what_to_do(state):
    with pytest.raises(reach.NobodyListens) as refused:
        next(reach.watch(state))

    assert "affidavit proxy" in refused.value.hint


# -- nobody owns the state ----------------------------------------------------------------------------------------------


def test_without_an_owner_the_same_code_runs_here(state):
    minted = reach.ask(state, "POST", "/tokens", body={"name": "alice"})

    caller = reach.ask(state, "GET", "/whoami", token=minted["token"])

    assert (caller["subject"], caller["minted_by"]) == ("local|alice", operator())
    assert state.owner() is None


def test_without_an_owner_a_refusal_is_the_same_as_the_owners(state):
    with pytest.raises(reach.Refused) as refused:
        reach.ask(state, "POST", "/tokens/tk_nowhere/revoke")

    assert refused.value.code == "token_unknown"


def test_a_state_that_does_not_exist_is_not_made(tmp_path):
    with pytest.raises(StateMissing):
        reach.ask(StateFolder(tmp_path / "nowhere"), "GET", "/tokens")

    assert list(tmp_path.iterdir()) == []


def test_an_owner_who_does_not_listen_is_named(state, monkeypatch):
    monkeypatch.setattr(reach, "PATIENCE_SECONDS", 0.0)

    with state.own(), pytest.raises(StateOwned):
        reach.ask(state, "GET", "/tokens")


def test_many_who_ask_at_once_all_get_their_turn(state):
    """Each takes the lock for a moment, or waits for whoever has it: here as long as it takes, however busy the machine is."""
    script = "import sys,pathlib; from addons.console import reach; reach.PATIENCE_SECONDS = 3600.0; from addons.console.state import StateFolder; reach.ask(StateFolder(pathlib.Path(sys.argv[1])),'POST','/tokens',body={'name':sys.argv[2]})"
    asking = [subprocess.Popen([sys.executable, "-c", script, str(state.path), f"p{number}"]) for number in range(3)]

    statuses = [process.wait() for process in asking]

    assert statuses == [0, 0, 0]
    assert len(reach.ask(state, "GET", "/tokens")["tokens"]) == 3


def test_an_answer_that_is_not_ours_is_named(state):
    with socket.socket(socket.AF_UNIX) as listener, socket_address(state.socket) as address:
        listener.bind(address)
        listener.listen()

        def answer() -> None:
            client, _ = listener.accept()
            with client:
                client.recv(10_000)
                client.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(reach.Refused, match="not JSON"):
            reach.ask_owner(state, "GET", "/status")
        thread.join()
