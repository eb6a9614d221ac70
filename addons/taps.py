"""What a streamed reply flows through, and the reading of replies. Not a decision: approval.py decides, masking.py masks.

Three ways through, for each chunk on the event loop:
  plain    append and pass; the parse comes at the end. Only the wire's own end ("data: [DONE]") is looked for, and kept
           back until the record is durable: for the client it is the acknowledgement.
  guarded  where a reply rule may match: parsed as it comes, in whole events; a tool call that is not complete waits, and
           all that follows it, in order; so does each text where a rule looks at texts (providers/texts.py).
  opaque   compressed streams and bodies of a known length: passed, but for the last byte.
Where policy masks the client's side of the wire, what is passed goes through a rewriter last; off the loop, where it asks a model.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice

from mitmproxy import http

from addons import layers
from addons.echoes import Echoed, Echoes
from addons.hooks import Exchange
from addons.policy.matching import fits_one, folded_fit, in_groups
from addons.policy.model import ApprovalRule, Direction, Policies
from addons.providers import doors
from addons.providers.call import Frame, Kind, Part, Reply
from addons.providers.encodings import decoded
from addons.providers.rewriting import Rewriter, Unreadable
from addons.providers.wire import StreamParser, WireReply
from addons.providers.withholding import Withholding

HINT_BYTES = 32  # longer than any end marker
OFF_LOOP_BYTES = 64 << 10  # a reply over this is parsed and masked in a thread


@dataclass(slots=True, eq=False)
class Tap(layers.Tap):
    """Collects at most `limit` bytes of a reply on its way to the client."""

    limit: int
    parser: StreamParser | None = None
    guarded: bool = False
    encoding: str = ""  # content-encoding of the stream
    length: int | None = None  # content-length, where the provider named one
    takes_comments: bool = False  # server-sent events: a comment line keeps a waiting client from giving up
    chunks: list[bytes] = field(default_factory=list, repr=False)
    size: int = 0
    held: bytearray = field(default_factory=bytearray, repr=False)
    queue: deque[Frame] = field(default_factory=deque, repr=False)
    ended: bool = False  # the wire's own end came by
    waiting: bool = False
    withholding: Withholding | None = field(default=None, repr=False)  # from the first call on that was taken out
    calls_passed: bool = False  # the client has got a call that was decided
    tail: bytes = b""
    unread: list[bytes] = field(default_factory=list, repr=False)  # what the parser of a plain stream has not seen
    framed: int = 0  # bytes in the frames it has given
    rewriter: Rewriter | None = field(default=None, repr=False)  # the client gets the stream changed
    broken: Callable[[Exception], bytes] | None = field(
        default=None, repr=False
    )  # a fault of it: the last the client gets
    unchangeable: bool = False  # it would have to be changed whole
    failed: bool = False  # the rest is not passed
    slow: bool = False  # the rewriter is not for the event loop: `change` and `end` are called elsewhere
    changing: bytearray = field(default_factory=bytearray, repr=False)  # what a slow one has not seen
    last: bytes | None = field(default=None, repr=False)  # and what `release` gives of it
    echoes: Echoes | None = field(default=None, repr=False)  # where we put a key on: it does not come back
    cut_off: Callable[[], None] | None = field(default=None, repr=False)  # the reply cannot go on

    @property
    def cut(self) -> bool:
        """More came than was collected."""
        return self.size > self.limit

    @property
    def reads(self) -> bool:
        """The parser understands the bytes as they come."""
        return self.parser is not None and not self.encoding

    def feed(self, data: bytes) -> bytes:
        return self._out(self._collect(data))

    def _out(self, passed: bytes, *, last: bool = False) -> bytes:
        """What the client gets at once."""
        if self.slow and not last:
            self.changing += passed
            return b""
        return self._clean(passed, last=last)

    def change(self) -> bytes:
        """What the client gets of what waited to be changed."""
        data, self.changing = bytes(self.changing), bytearray()
        return self._clean(data)

    def end(self) -> None:
        """The same of all that is left."""
        self.last = self.release()

    def _clean(self, passed: bytes, *, last: bool = False) -> bytes:
        """Changed, with nothing in it of what we put on."""
        out = self._rewritten(passed, last=last)
        if self.echoes is None:
            return out
        try:
            return self.echoes.feed(out, last=last)
        except Echoed:
            self.echoes, self.failed = None, True
            if self.cut_off:
                self.cut_off()
            return b""

    def _rewritten(self, passed: bytes, *, last: bool = False) -> bytes:
        """What the client gets instead. A fault ends the stream with an error; nothing that came later is passed."""
        if self.failed:
            return b""
        if self.rewriter is None:
            return passed
        try:
            if self.unchangeable:
                raise Unreadable  # noqa: TRY301 -- one way out
            changed = self.rewriter.feed(passed) if passed else b""
            return changed + self.rewriter.finish() if last else changed
        except Exception as error:  # noqa: BLE001 -- a guard in the layer below mitmproxy's hooks: what could not be changed is not passed
            self.failed = True
            return self.broken(error) if self.broken else b""

    def _collect(self, data: bytes) -> bytes:
        self.size += len(data)
        if self.guarded and self.parser:
            return self._through(self.parser.feed(data))
        if not self.cut:
            (self.unread if self.reads else self.chunks).append(data)
        if self.ended:
            self.held += data
            return b""
        passed = self._before_end(data) if self.reads and not self.cut else data
        if passed and self.length is not None and self.size >= self.length:
            self.held[:0] = passed[-1:]
            return passed[:-1]
        return passed

    def _before_end(self, data: bytes) -> bytes:
        """A hint of the wire's own end makes the parser look; only its word keeps bytes back (a model may write "[DONE]")."""
        assert self.parser
        window = self.tail + data
        self.tail = window[-HINT_BYTES:]
        if not any(hint in window for hint in self.parser.end_markers):
            return data
        for frame in self._read():
            if frame.last:
                self.ended = True
                keep = max(len(data) - (self.size - self.framed), 0)  # of this chunk: what stands before the last frame
                self.held += data[keep:]
                return data[:keep]
            self.framed += len(frame.data)
        return data

    def _read(self) -> tuple[Frame, ...]:
        """Let the parser see what it has not seen yet."""
        assert self.parser
        data = b"".join(self.unread)
        self.unread.clear()
        return self.parser.feed(data)

    def reply(self) -> Reply:
        """All that came, parsed; once, when the stream is over."""
        assert self.parser
        if not self.guarded:
            self._read()
            self.parser.finish()
        reply = self.parser.reply()
        return replace(reply, complete=False) if self.cut and not self.guarded else reply

    def finish(self) -> bytes:
        return self._out(self._through(self.parser.finish())) if self.guarded and self.parser else b""

    def _through(self, frames: tuple[Frame, ...]) -> bytes:
        passed = bytearray()
        for frame in frames:
            if frame.last or self.ended:
                self.ended = True
                self.queue.append(frame)
            elif self.queue or frame.holds or frame.completed:
                self.queue.append(frame)
            else:
                passed += self._spelled(frame)
        self._settle()
        return bytes(passed)

    def _settle(self) -> None:
        """Wait while complete tool calls stand in the queue; what stands after the wire's own end is kept back."""
        self.waiting = self._batch() > 0
        if not self.waiting and self.ended and not any(frame.holds for frame in self.queue):
            self.held += b"".join([self._spelled(frame) for frame in self.queue])
            self.queue.clear()

    def _batch(self) -> int:
        """How many frames from the first on are decided together: up to one that completes calls and leaves none open."""
        completed = False
        for place, frame in enumerate(self.queue, 1):
            completed = completed or bool(frame.completed)
            if completed and not frame.holds:
                return place
        return 0

    def _spelled(self, frame: Frame) -> bytes:
        """A frame's bytes, as they follow what was taken out before."""
        if self.withholding is None:
            return frame.data
        return self.withholding.after(frame.data, calls_passed=self.calls_passed)

    def undecided(self) -> tuple[Part, ...]:
        """The tool calls that are decided next."""
        return tuple([part for frame in islice(self.queue, self._batch()) for part in frame.completed])

    def let_through(self) -> bytes:
        """What `undecided` was about is released: its frames, and those after it that hold nothing back."""
        self.calls_passed = self.calls_passed or any(part.kind is Kind.TOOL_CALL for part in self.undecided())
        return self._pass_batch([self.queue.popleft() for _ in range(self._batch())], None)

    def take_out(self, sentence: str, withholding: Withholding) -> bytes | None:
        """The same with the calls taken out, a sentence in their place; None: that could not be done, and nothing has changed."""
        count = self._batch()
        frames = list(islice(self.queue, count))
        edited = (self.withholding or withholding).deny(b"".join([frame.data for frame in frames]), sentence)
        if edited is None:
            return None
        self.withholding = self.withholding or withholding
        for _ in range(count):
            self.queue.popleft()
        return self._pass_batch(frames, edited)

    def _pass_batch(self, frames: list[Frame], edited: bytes | None) -> bytes:
        passed = bytearray(b"".join(map(self._spelled, frames)) if edited is None else edited)
        after_end = bool(self.held) or any(
            frame.last for frame in frames
        )  # what comes with the end waits for the record
        if after_end:
            self.held += passed
            passed.clear()
        while self.queue and not (self.queue[0].holds or self.queue[0].completed):
            frame = self.queue.popleft()
            after_end = after_end or frame.last  # a stream may go on after what looked like its end
            (self.held if after_end else passed).extend(self._spelled(frame))
        self._settle()
        return self._out(bytes(passed))

    def drop(self) -> None:
        """Nothing of what waits is ever passed on."""
        self.queue.clear()
        self.held.clear()
        self.changing.clear()
        self.waiting = False

    def end_with(self, data: bytes) -> None:
        """Instead of what waits, `data` is the last that the client gets."""
        self.drop()
        self.held += data

    def release(self) -> bytes:
        if self.last is not None:
            return self.last
        rest = bytes(self.changing) + bytes(self.held) + b"".join([self._spelled(frame) for frame in self.queue])
        self.changing.clear()
        self.queue.clear()
        self.held.clear()
        return self._out(rest, last=True)

    def body(self) -> bytes:
        return b"".join(self.chunks)


def guards(policies: Policies, exchange: Exchange) -> bool:
    """Whether some reply rule could match here, so that a stream must be parsed as it comes."""
    return any(_reply_rules(policies, exchange))


def reads_texts(policies: Policies, exchange: Exchange) -> bool:
    """Whether one of them could match what the model says, so that texts wait too: one that names neither tools nor commands."""
    return any(not (rule.when.tools or rule.when.commands) for rule in _reply_rules(policies, exchange))


def _reply_rules(policies: Policies, exchange: Exchange) -> Iterator[ApprovalRule]:
    """Those that fit as much as is known before the reply; which model a WebSocket is about, its messages say."""
    connection, caller, call = exchange.connection, exchange.caller, exchange.call
    if connection is None or caller is None or call is None:
        return
    for rule in policies.approval:
        when = rule.when
        if (
            when.direction is Direction.RESPONSE
            and (not when.connections or fits_one(connection.id, when.connections))
            and (not when.groups or in_groups(caller.groups, when.groups))
            and (not when.models or exchange.conversation or folded_fit(call.model, when.models))
        ):
            yield rule


def read_reply(flow: http.HTTPFlow, exchange: Exchange) -> Reply:
    """The reply as far as it came. Total: what cannot be read is a generic part. Cheap for tool calls already parsed."""
    tap: Tap | None = exchange.tap
    assert exchange.call
    assert flow.response
    if tap and tap.size and tap.reads:
        return tap.reply()
    raw = tap.body() if tap and (tap.size or flow.response.stream) else flow.response.raw_content or b""
    headers = tuple(flow.response.headers.items(multi=True))
    limit = tap.limit if tap else len(raw)
    body, whole = decoded(raw, flow.response.headers.get("content-encoding", ""), limit)
    reply = doors.parse_reply(exchange.call, WireReply(flow.response.status_code, headers, body))
    return reply if whole and not (tap and tap.cut) else replace(reply, complete=False)
