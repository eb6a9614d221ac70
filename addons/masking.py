"""The masked view of a request and of its reply: what the record and approvers see. The wire only where a rule says `wire:`.

Not detection (masks/), not formats (providers/), not what was sent before (histories.py): only what is new is masked and written.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from mitmproxy import http

from addons import hooks, layers, sockets, wire_masking
from addons.commands.evidence import ASKED, known_of, outcome_of
from addons.commands.evidence import Known as Execution
from addons.commands.read import read as commands_in
from addons.console.analyzer import Analyzer, analyzer_of
from addons.console.desk import Desk
from addons.console.masker import masker_of
from addons.evidence import earlier
from addons.evidence.chain import Chain, Node, Tip
from addons.evidence.chain import Masking as Row
from addons.evidence.records import Command
from addons.histories import ANSWERING, Histories
from addons.hooks import Exchange, Refused
from addons.masks.engine import Masker, ScopedMasker
from addons.masks.rules import Action, Hit, Masked, MaskedPairs
from addons.providers import doors
from addons.providers.call import Call, Kind, Part, Reply, Turn
from addons.providers.conversation import Spoken
from addons.providers.encodings import decoded
from addons.providers.json_values import dumps
from addons.providers.links import links_after, links_of, results_in
from addons.providers.unnamed import Unnamed
from addons.providers.wire import WireRequest
from addons.sessions import KEPT, Sessions
from addons.taps import OFF_LOOP_BYTES, read_reply
from addons.views import ReplyView, RequestView
from addons.wire_masking import FRAMING, WireMasking

NOTHING = Masked("")
MEMO_BYTES = 64 << 20  # of remembered detections
# Of a reply's headers, those by which the provider can find the call again, or says how it was treated.
REPLY_HEADERS = frozenset("content-type server location retry-after cf-ray x-cache".split())
REPLY_HEADER_STARTS = ("x-ratelimit-", "anthropic-", "openai-", "x-amzn-", "x-ms-", "x-goog-")
SCOPES = 1_000  # connection, groups, direction, injected values
RESTS = 1_000  # headers, path and parameters already masked, each under SMALL_BYTES of parameters
SMALL_BYTES = 4 << 10
ANALYZER_PYTHON = "AFFIDAVIT_PRESIDIO"  # a Python that has presidio-analyzer; else our own


MASKING_THREADS = 1  # with more the loop waits longer for its turn: 17 ms at most with one, 32 with two, under eight new bodies of 200 KB
LARGE_TEXT = 16 << 10  # characters of new text over which masking leaves the loop


@dataclass(slots=True)
class _Made:
    """What masking some parts gave."""

    nodes: list[Node] = field(default_factory=list)
    tip: Tip | None = None
    entities: Counter[str] = field(default_factory=Counter)
    blocked: str = ""


@dataclass(frozen=True, slots=True)
class _Rest:
    """A request but for its messages, masked."""

    parameters: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    path: str = field(repr=False)
    maskings: tuple[Row, ...]
    entities: dict[str, int]


class Masking:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._memo_key = desk.random(32)
        self._histories = Histories(self._memo_key)
        self._threads = ThreadPoolExecutor(MASKING_THREADS, thread_name_prefix="masking")
        with desk.store.reading() as connection:
            known = earlier.names(connection, KEPT)
        self._sessions = Sessions(desk.store.subject_key, lambda: desk.new_id("se"), known)
        self._scopes: dict[tuple[object, ...], ScopedMasker] = {}
        self._rests: dict[tuple[object, ...], _Rest] = {}
        self._pairs: dict[tuple[object, ...], MaskedPairs] = {}  # headers of replies
        self._wire = WireMasking()
        self._digest = ""
        self._analyzer: Analyzer | None = None
        self._masker = self._current()
        desk.mask_part = self._mask_part

    def _current(self) -> Masker:
        """The masker of the policies in force; a new set of policies makes a new one."""
        if self._digest != self.desk.policies.digest:
            policies = self.desk.policies
            self._masker = masker_of(policies, self.desk.keys.masking, self._memo_key, MEMO_BYTES, self._models())
            ways = {rule.wire.value for rule in policies.masking}
            self._wires = {way for way in ("request", "response") if ways & {way, "both"}}
            counted = any(rule.when.estimated_tokens for rule in policies.approval)
            self._needs_all = "request" in self._wires or counted  # something looks at the whole history, each time
            self._digest = self.desk.policies.digest
            self._scopes.clear()
            self._rests.clear()
            self._pairs.clear()
        return self._masker

    def _models(self) -> tuple[Analyzer, ...]:
        """The analyzer that the policies name, if any. Raises AnalyzerFailed where it does not answer."""
        if self._analyzer:
            self._analyzer.close()
        self._analyzer = analyzer_of(self.desk.policies, os.environ.get(ANALYZER_PYTHON, sys.executable))
        if self._analyzer is None:
            return ()
        self._analyzer.check()
        return (self._analyzer,)

    def close(self) -> None:
        """The gateway stops."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._analyzer:
            self._analyzer.close()

    async def _aside(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """Off the loop. In few threads: they and the loop have one interpreter, which each of them keeps for half a millisecond at a time."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(work, *arguments))

    # -- requests ---------------------------------------------------------------------------------------------------
    @hooks.fails_closed
    async def request(self, flow: http.HTTPFlow) -> None:
        exchange = hooks.exchange_of(flow)
        if flow.response or flow.error or exchange is None or exchange.connection is None or exchange.caller is None:
            return
        bounds = layers.bounds_of(flow)
        raw = flow.request.raw_content or b""
        body, whole = decoded(raw, flow.request.headers.get("content-encoding", ""), bounds.request_bytes)
        if bounds.overrun or (not whole and len(body) >= bounds.request_bytes):
            body = b""
            exchange.stop = Refused(
                413,
                "body_too_large",
                f"the request is longer than {bounds.request_bytes} bytes; send less, or ask for limits.body_bytes in connections.yaml, then type: affidavit policy check",
            )
        elif not whole:
            exchange.stop = Refused(
                400, "body_unreadable", "the request's content-encoding does not match its body; send it uncompressed"
            )
        scope = self._scope(exchange, "request")
        chain = self.desk.store.chain(exchange.caller.subject)
        path, _, query = exchange.path.partition("?")
        asked = WireRequest(flow.request.method, path, query, tuple(flow.request.headers.items(multi=True)), body)
        known = f"{exchange.caller.subject}\0{exchange.connection.id}\0{self.desk.policies.digest}"
        read = self._histories.read(known, exchange.provider, asked, whole=self._needs_all)
        call, view, fresh = read.call, read.view, read.fresh
        exchange.call = call
        large = view.fresh_bytes > LARGE_TEXT or self._masker.extra.slow
        work = self._aside if large else _here
        made = await work(self._mask_turns, chain, scope, view, fresh)
        await work(self._mask_rest, scope, call, flow, exchange, view)
        subject, links = exchange.caller.subject, links_of(call, asked)
        if not view.session_id and went_on(view.nodes) and not self._sessions.names(subject, links):
            view.session_id = await self._aside(self._session_before, view.nodes)
        view.session_id, view.link_reason, view.names = self._sessions.of(
            subject, links, view.session_id, results_in(view.parts)
        )
        exchange.request = view
        if made.blocked and exchange.stop is None:
            exchange.stop = Refused(
                403,
                "content_blocked",
                f"the request contains {made.blocked}, which may not be sent here; take it out and send again",
                outcome="denied",
            )
        if self._wires and exchange.stop is None:
            await work(self._change_wire, flow, exchange, body)

    def _scope(self, exchange: Exchange, direction: str, *, wire: bool = False) -> ScopedMasker:
        """What applies to this call. Made once for each kind of call: finding injected values takes a search plan."""
        assert exchange.connection
        assert exchange.caller
        masker = self._current()
        key = (exchange.connection.id, exchange.caller.groups, direction, frozenset(exchange.secrets), wire)
        if (scope := self._scopes.get(key)) is None:
            if len(self._scopes) >= SCOPES:
                self._scopes.clear()
            scope = masker.scope(key[0], key[1], direction, secrets=key[3], wire=wire)
            self._scopes[key] = scope
        return scope

    def _mask_turns(self, chain: Chain, scope: ScopedMasker, view: RequestView, turns: tuple[Turn, ...]) -> _Made:
        made = _Made(tip=view.tip)
        parts: list[Part] = []
        tips: list[Tip | None] = []
        spoke = [view.spoke[-1]]
        unnamed = Unnamed()
        for turn in turns:
            own = turn.parts()
            parts += own
            for part in unnamed.turn(own):
                self._extend(made, chain, scope, turn.role, part, turn.pointer)
            tips.append(made.tip)
            spoke.append(spoke[-1] or turn.role == "user")
        view.nodes, view.tip, view.entities = tuple(made.nodes), made.tip, made.entities
        view.parts, view.tips, view.spoke = tuple(parts), tuple(tips), tuple(spoke[1:])
        return made

    def _session_before(self, nodes: tuple[Node, ...]) -> str:
        """Of a conversation that this process has not seen: the session in which the store has its beginning, with an answer."""
        with self.desk.store.reading() as connection:
            known = earlier.known_nodes(connection, nodes)
            goes_on = any(node.role == "user" for node in nodes[:known]) and went_on(nodes[: known + 1])
            return earlier.session_with(connection, nodes[known - 1]) if goes_on else ""

    def _extend(self, made: _Made, chain: Chain, scope: ScopedMasker, role: str, part: Part, pointer: str = "") -> None:
        text, hits, blocked = masked_part(chain, scope, part, pointer)
        name = scope.text(part.name) if part.name else NOTHING
        call_id = scope.text(part.call_id) if part.call_id else NOTHING
        hits = (*hits, *name.hits, *call_id.hits)
        node = chain.extend(
            made.tip, role=role, kind=part.kind, text=text, name=name.text, call_id=call_id.text, maskings=rows(hits)
        )
        made.nodes.append(node)
        made.tip = node.tip
        for hit in hits:
            made.entities[hit.entity] += hit.count
            if hit.action is Action.BLOCK or (blocked and not made.blocked):
                made.blocked = made.blocked or hit.entity

    def _mask_rest(
        self, scope: ScopedMasker, call: Call, flow: http.HTTPFlow, exchange: Exchange, view: RequestView
    ) -> None:
        """Everything of the request that is not a message: parameters, headers, URL. A client's next call has the same."""
        headers = tuple(_said(flow.request.headers))
        if flow.request.trailers:
            headers += tuple((f"trailer:{name}", value) for name, value in flow.request.trailers.items(multi=True))
        key = (scope, headers, exchange.path, dumps(dict(call.parameters)))
        rest = self._rests.get(key) if (small := len(key[3]) < SMALL_BYTES) else None
        if rest is None:
            rest = _rest_of(scope, headers, exchange.path, dict(call.parameters))
            if small:
                if len(self._rests) >= RESTS:
                    self._rests.clear()
                self._rests[key] = rest
        view.parameters, view.headers, view.path, view.maskings = (
            rest.parameters,
            rest.headers,
            rest.path,
            rest.maskings,
        )
        view.entities.update(rest.entities)

    def _change_wire(self, flow: http.HTTPFlow, exchange: Exchange, body: bytes) -> None:
        asking, answering = (
            self._scope(exchange, way, wire=True) if way in self._wires else None for way in ("request", "response")
        )
        self._wire.change(flow, exchange, asking, answering, body)

    # -- replies ----------------------------------------------------------------------------------------------------
    @hooks.fails_closed
    async def response(self, flow: http.HTTPFlow) -> None:
        await self._reply(flow)
        exchange = hooks.exchange_of(flow)
        if exchange and exchange.tap and exchange.tap.slow and flow.response and flow.response.stream:
            await asyncio.to_thread(exchange.tap.end)

    @hooks.fails_closed
    async def reply_piece(self, piece: layers.ReplyPiece) -> None:
        """Where a model is asked about what a stream says: what may pass is changed off the loop, and not in the thread that masks."""
        exchange = hooks.exchange_of(piece.flow)
        assert exchange
        if exchange.tap.changing:
            piece.out = await asyncio.to_thread(exchange.tap.change)
            piece.decided, piece.again = True, exchange.tap.waiting

    # -- WebSocket --------------------------------------------------------------------------------------------------
    @hooks.fails_closed
    async def websocket_message(self, flow: http.HTTPFlow) -> None:
        """What each message says becomes the next parts of the exchange, masked; recording.py writes them before it goes on."""
        exchange = hooks.exchange_of(flow)
        assert exchange
        assert exchange.call
        assert flow.websocket
        message = flow.websocket.messages[-1]
        if message.injected:
            return  # by approval.py, after it waited: it was masked when it came
        if exchange.conversation is None:
            exchange.conversation = doors.conversation(exchange.call)
        spoken = exchange.conversation.take(message.content, is_text=message.is_text, from_client=message.from_client)
        work = self._aside if len(message.content) > LARGE_TEXT or self._masker.extra.slow else _here
        blocked = await work(self._say, exchange, spoken, "request" if message.from_client else "response")
        if blocked and message.from_client:
            raise Refused(403, "content_blocked", "the message contains what may not be sent here", outcome="denied")
        if message.from_client and "request" in self._wires:
            scope = self._scope(exchange, "request", wire=True)
            await work(self._wire.change_message, exchange, scope, message)

    @hooks.fails_closed
    async def socket_piece(self, piece: sockets.SocketPiece) -> None:
        """As reply_piece, for a WebSocket."""
        change = piece.change
        try:
            work = change.finish if piece.content is None else partial(change.message, piece.content)
            piece.out = await asyncio.to_thread(work)
        except sockets.Torn as torn:
            piece.torn = torn

    def _say(self, exchange: Exchange, spoken: list[Spoken], direction: str) -> str:
        """Parts of a conversation into the reply's view, with the commands in them; what is blocked, if anything is."""
        assert exchange.caller
        scope, chain = self._scope(exchange, direction), self.desk.store.chain(exchange.caller.subject)
        view, before = exchange.reply_view or ReplyView(), exchange.request.tip
        made = _Made(tip=view.tip or before)
        found = [*view.commands]
        for role, part in spoken:
            self._extend(made, chain, scope, role, part)
            assert made.tip
            position = made.tip.depth - (before.length if before else 0)
            found += (masked_command(scope, position, row) for row in commands_in(part) if role == "assistant")
        tip = made.tip if made.nodes else view.tip
        exchange.reply_view = ReplyView(tuple(made.nodes), tip, tuple(found), view.headers, view.maskings)
        return made.blocked

    def websocket_end(self, flow: http.HTTPFlow) -> None:
        """What was never completed; tokens and models of the whole. A fault leaves what was recorded message by message."""
        exchange = hooks.exchange_of(flow)
        if exchange is None or exchange.closed or not exchange.opened or exchange.call is None:
            return
        try:
            conversation = exchange.conversation or doors.conversation(exchange.call)
            self._say(exchange, conversation.end(), "response")
            exchange.reply = conversation.reply()
        except Exception as error:  # noqa: BLE001 -- nothing can be refused any more; the recorder still closes
            hooks.log.error("fault in Masking.websocket_end: %s", hooks.frames(error))

    def _mask_part(self, exchange: Exchange, part: Part, direction: str) -> tuple[str, tuple[Hit, ...], bool]:
        """What approvers are shown of a held reply, or of a held message of a client."""
        assert exchange.caller
        return masked_part(self.desk.store.chain(exchange.caller.subject), self._scope(exchange, direction), part)

    async def error(self, flow: http.HTTPFlow) -> None:
        """A reply that was cut: what came of it. A fault leaves the view empty, and the record says withheld."""
        if flow.websocket:
            self.websocket_end(flow)
            return
        try:
            await self._reply(flow)
        except Exception as error:  # noqa: BLE001 -- nothing can be refused any more; the recorder still closes
            hooks.log.error("fault in Masking.error: %s", hooks.frames(error))

    async def _reply(self, flow: http.HTTPFlow) -> None:
        exchange = hooks.exchange_of(flow)
        if (
            exchange is None
            or exchange.closed
            or not exchange.opened
            or exchange.sent_at is None
            or flow.response is None
        ):
            return
        if flow.websocket or flow.response.status_code == 101:
            return  # its messages were masked one by one
        if exchange.refusal and exchange.reply is None and not flow.response.stream:
            return  # the answer is our own
        self._histories.sent(exchange.request)
        size = exchange.tap.size if exchange.tap else len(flow.response.raw_content or b"")
        work = self._aside if size > OFF_LOOP_BYTES or self._masker.extra.slow else _here
        exchange.reply_view = await work(self._mask_reply, flow, exchange)
        if exchange.reply and exchange.caller and exchange.call:
            links = links_after(exchange.reply, exchange.call.endpoint)
            exchange.reply_view.names = self._sessions.learn(
                exchange.caller.subject, exchange.request.session_id, links
            )
        if exchange.changer and not flow.response.stream and not exchange.refusal and flow.error is None:
            await work(wire_masking.change_reply, flow, exchange)

    def _mask_reply(self, flow: http.HTTPFlow, exchange: Exchange) -> ReplyView:
        assert exchange.caller
        assert flow.response
        reply: Reply = exchange.reply or read_reply(flow, exchange)
        exchange.reply = reply
        scope = self._scope(exchange, "response")
        chain = self.desk.store.chain(exchange.caller.subject)
        made = _Made(tip=exchange.request.tip)
        found: list[Command] = []
        parts = tuple(Unnamed().turn(reply.parts))
        for position, part in enumerate(parts):
            self._extend(made, chain, scope, "assistant", part)
            if part.kind is Kind.TOOL_CALL:
                own = known_of(parts, position)
                result_in = exchange.id if own.outcome else ""
                found += (masked_command(scope, position, row, own, result_in) for row in commands_in(part))
        if exchange.call and exchange.call.endpoint == "mcp":
            found += self._through_us(scope, exchange, exchange.call, reply)
        headers, hits = self._reply_headers(scope, flow.response.headers)
        tip = made.tip if made.nodes else None
        return ReplyView(tuple(made.nodes), tip, tuple(found), headers, rows(hits), made.entities)

    def _through_us(self, scope: ScopedMasker, exchange: Exchange, call: Call, reply: Reply) -> list[Command]:
        """A call of an MCP tool is the request itself: it ran through this gateway, and the reply is its result."""
        assert exchange.connection
        found: list[Command] = []
        parts = [part for turn in call.turns for part in turn.parts()]
        for place, part in enumerate(parts):
            if part.kind is Kind.TOOL_CALL:
                outcome = outcome_of(reply.parts, part.call_id)
                known, result_in = Execution("via_gateway", outcome), exchange.id if outcome else ""
                named = replace(part, name=f"{exchange.connection.id}.{part.name}")
                rows_in = commands_in(named)
                found += [masked_command(scope, place - len(parts), row, known, result_in) for row in rows_in]
        return found

    def _reply_headers(
        self, scope: ScopedMasker, headers: http.Headers
    ) -> tuple[tuple[tuple[str, str], ...], tuple[Hit, ...]]:
        """Those that tell something, masked. Most say the same with every reply."""
        pairs: list[tuple[str, str]] = []
        hits: list[Hit] = []
        for name, value in headers.items(multi=True):
            if not _tells(name.lower()):
                continue
            key = (scope, name, value)
            if (masked := self._pairs.get(key)) is None:
                masked = scope.headers([(name, value)])
                if len(self._pairs) >= RESTS:
                    self._pairs.clear()
                if len(value) < SMALL_BYTES:
                    self._pairs[key] = masked
            pairs += masked.pairs
            hits += masked.hits
        return tuple(pairs), tuple(hits)


def _rest_of(scope: ScopedMasker, headers: tuple[tuple[str, str], ...], path: str, parameters: Any) -> _Rest:
    masked_parameters, masked_headers, masked_path = scope.json(parameters), scope.headers(headers), scope.path(path)
    hits = (*masked_parameters.hits, *masked_path.hits)
    return _Rest(
        parameters=dumps(masked_parameters.value).decode(),
        headers=masked_headers.pairs,
        path=masked_path.text,
        maskings=rows((*hits, *masked_headers.hits)),
        entities={hit.entity: sum(one.count for one in hits if one.entity == hit.entity) for hit in hits},
    )


def masked_part(chain: Chain, scope: ScopedMasker, part: Part, pointer: str = "") -> tuple[str, tuple[Hit, ...], bool]:
    """The record's text of a part. Binary: type, size and a keyed digest, never its bytes."""
    if part.base64:
        try:
            data = base64.b64decode(part.content, validate=False)
        except (binascii.Error, ValueError):
            data = part.content.encode()
        return f"[{part.media_type or part.kind.value}, {len(data)} bytes, {chain.media_digest(data)}]", (), False
    if part.content[:1] in {"{", "["}:
        kind = part.media_type if part.media_type.endswith("jsonl") else "application/json"
        document = scope.document(part.content.encode("utf-8", "surrogatepass"), kind, base=pointer)
        return document.text, document.hits, document.blocked
    masked = scope.text(part.content, context=part.name, base=pointer)
    return masked.text, masked.hits, masked.blocked


def masked_command(
    scope: ScopedMasker, position: int, row: Any, own: Execution = ASKED, result_in: str = ""
) -> Command:
    return Command(
        part=position,
        call_id=scope.text(row.call_id).text,
        tool=scope.text(row.tool).text,
        language=row.language.value,
        verb=scope.text(row.verb).text,
        objects=tuple(scope.text(one).text for one in row.objects),
        text=scope.text(row.text).text,
        evidence=own.evidence,
        outcome=own.outcome,
        result_exchange_id=result_in,
    )


def rows(hits: Iterable[Hit]) -> tuple[Row, ...]:
    return tuple(Row(h.location, h.entity, h.rule, h.action.value, h.token, h.count, h.wire) for h in hits)


def went_on(nodes: Sequence[Node]) -> bool:
    """There is an answer among them."""
    return any(node.role.lower() in ANSWERING for node in nodes)


def _tells(name: str) -> bool:
    return name in REPLY_HEADERS or name.endswith("request-id") or name.startswith(REPLY_HEADER_STARTS)


def _said(headers: http.Headers) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers.items(multi=True) if name.lower() not in FRAMING]


async def _here(work: Any, *arguments: Any) -> Any:
    return work(*arguments)
