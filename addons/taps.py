"""What a streamed reply flows through, and the reading of replies. Not a decision: approval.py decides, masking.py masks.

Three ways through, for each chunk on the event loop:
  plain    append and pass; the parse comes at the end. Only the wire's own end ("data: [DONE]") is looked for, and kept
           back until the record is durable: for the client it is the acknowledgement.
  guarded  where a reply rule may match: parsed as it comes, in whole events; a tool call that is not complete waits, and
           all that follows it, in order.
  opaque   compressed streams and bodies of a known length: passed, but for the last byte.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from mitmproxy import http

from addons import layers
from addons.hooks import Exchange
from addons.policy.model import Direction, Policies
from addons.providers import doors
from addons.providers.call import Frame, Part, Reply
from addons.providers.encodings import decoded
from addons.providers.wire import StreamParser, WireReply

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
    tail: bytes = b"\n"

    @property
    def cut(self) -> bool:
        """More came than was collected."""
        return self.size > self.limit

    def feed(self, data: bytes) -> bytes:
        self.size += len(data)
        if self.size <= self.limit:
            self.chunks.append(data)
        if self.ended:
            self.held += data
            return b""
        if self.guarded and self.parser:
            return self._through(self.parser.feed(data))
        passed = self._before_end(data) if self.parser and not self.encoding else data
        if passed and self.length is not None and self.size >= self.length:
            self.held[:0] = passed[-1:]
            return passed[:-1]
        return passed

    def _before_end(self, data: bytes) -> bytes:
        """An end marker stands at the start of a line, where no text of a model can: JSON escapes line breaks."""
        assert self.parser
        window = self.tail + data
        for marker in self.parser.end_markers:
            at = window.find(marker)
            while at > 0 and window[at - 1] not in b"\r\n":
                at = window.find(marker, at + 1)
            if at > 0:
                cut = max(at - len(self.tail), 0)
                self.ended = True
                self.held += data[cut:]
                return data[:cut]
        self.tail = window[-32:]
        return data

    def finish(self) -> bytes:
        return self._through(self.parser.finish()) if self.guarded and self.parser else b""

    def _through(self, frames: tuple[Frame, ...]) -> bytes:
        passed = bytearray()
        for frame in frames:
            if frame.last or self.ended:
                self.ended = True
                self.queue.append(frame)
            elif self.queue or frame.holds or frame.completed:
                self.queue.append(frame)
            else:
                passed += frame.data
        self._settle()
        return bytes(passed)

    def _settle(self) -> None:
        """Wait while a complete tool call stands in the queue; what stands after the wire's own end is kept back."""
        self.waiting = any(frame.completed for frame in self.queue)
        if not self.waiting and self.ended and not any(frame.holds for frame in self.queue):
            self.held += b"".join(frame.data for frame in self.queue)
            self.queue.clear()

    def undecided(self) -> tuple[Part, ...]:
        """The tool calls of the first complete frame in the queue."""
        return next((frame.completed for frame in self.queue if frame.completed), ())

    def let_through(self) -> bytes:
        """What `undecided` was about is released: its frames, and those after it that hold nothing back."""
        passed = bytearray()
        decided = False
        while self.queue:
            frame = self.queue[0]
            if (decided and (frame.holds or frame.completed)) or frame.last:
                break
            passed += self.queue.popleft().data
            decided = decided or bool(frame.completed)
        if self.queue and self.queue[0].last and self.queue[0].completed:  # the end itself completed the calls
            first = self.queue.popleft()
            self.held += first.data
        self._settle()
        return bytes(passed)

    def drop(self) -> None:
        """Nothing of what waits is ever passed on."""
        self.queue.clear()
        self.held.clear()
        self.waiting = False

    def end_with(self, data: bytes) -> None:
        """Instead of what waits, `data` is the last that the client gets."""
        self.drop()
        self.held += data

    def release(self) -> bytes:
        rest = bytes(self.held) + b"".join(frame.data for frame in self.queue)
        self.queue.clear()
        self.held.clear()
        return rest

    def body(self) -> bytes:
        return b"".join(self.chunks)


def guards(policies: Policies, exchange: Exchange) -> bool:
    """Whether some reply rule could match here, so that a stream must be parsed as it comes."""
    connection = exchange.connection
    return connection is not None and any(
        rule.when.direction is Direction.RESPONSE
        and (not rule.when.connections or any(fnmatchcase(connection.id, one) for one in rule.when.connections))
        for rule in policies.approval
    )


def read_reply(flow: http.HTTPFlow, exchange: Exchange) -> Reply:
    """The reply as far as it came. Total: what cannot be read is a generic part. Cheap for tool calls already parsed."""
    tap: Tap | None = exchange.tap
    assert exchange.call
    assert flow.response
    raw = tap.body() if tap and (tap.size or flow.response.stream) else flow.response.raw_content or b""
    encoding = flow.response.headers.get("content-encoding", "")
    limit = tap.limit if tap else 32 << 20
    body, whole = decoded(raw, encoding, limit)
    headers = tuple(flow.response.headers.items(multi=True))
    if tap and tap.parser and not (tap.cut or not whole):
        if not tap.guarded:
            tap.parser.feed(body)
            tap.parser.finish()
        return tap.parser.reply()
    return doors.parse_reply(exchange.call, WireReply(flow.response.status_code, headers, body))
