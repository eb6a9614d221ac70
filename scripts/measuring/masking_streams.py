"""Values cut in two by a stream or by a WebSocket's messages, at every offset: as the record has them, and as a caller gets them while they run. Part of masking.py."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from itertools import chain

from rich import box
from rich.table import Table

from addons.masks.detectors import ENTITIES
from addons.masks.engine import Masker, ScopedMasker
from addons.masks.live import HELD, LiveText
from addons.masks.rules import Action, Rule, Wire
from addons.masks.wire import Changer
from addons.providers.call import Call
from addons.providers.doors import conversation, stream_parser
from addons.providers.json_values import loads
from addons.providers.pieces import sealed, spots
from addons.providers.rewriting import Rewriter
from scripts.measuring.masking_corpus import Document
from scripts.measuring.masking_encodings import VALUES
from scripts.measuring.rows import Goal, Row, row
from scripts.measuring.socket_formats import SOCKET_FORMATS, SocketFormat
from scripts.measuring.stream_formats import FORMATS, Format

KEY = bytes(32)
CHUNK = 16  # characters
TAIL = " and here are some more words, so that what stands before them is decided while the stream still runs on"


def scope_of(*, wire: bool = False) -> ScopedMasker:
    rule = Rule("all", tuple(sorted(ENTITIES)), Action.HASH, Wire.BOTH)
    return Masker((rule,), KEY, bytes(32), 1 << 20).scope("measured", (), "response", wire=wire)


def of_splits(*, quick: bool) -> tuple[list[Row], list[Table]]:
    """Each value, cut in two at each offset, in each format: the recorded text must be that of the uncut value."""
    table = Table(title="values cut in two by a stream, at every offset", box=box.SIMPLE, title_justify="left")
    for column in ("format", "same as uncut", "differ"):
        table.add_column(column)
    scope = scope_of()
    values = dict(list(VALUES.items())[:4]) if quick else VALUES
    same_of_all, total = 0, 0
    for name, read in ways(said, spoken).items():
        same, of, differ = 0, 0, set()
        for kind, value in values.items():
            whole = read(scope, [f"it is {value} so"])
            for cut in range(1, len(value)):
                of += 1
                if read(scope, [f"it is {value[:cut]}", f"{value[cut:]} so"]) == whole and value not in "".join(whole):
                    same += 1
                else:
                    differ.add(kind)
        table.add_row(name, f"{same} of {of}", ", ".join(sorted(differ)))
        same_of_all, total = same_of_all + same, total + of
    return [
        row("split_same_ratio", same_of_all / total, Goal("of splits", 1.0, 1.0), spread=f"{same_of_all} of {total}")
    ], [table]


type Read = Callable[[ScopedMasker, Sequence[str]], list[str]]


def ways(
    of_stream: Callable[[ScopedMasker, Format, Sequence[str]], list[str]],
    of_socket: Callable[[ScopedMasker, SocketFormat, Sequence[str]], list[str]],
) -> dict[str, Read]:
    """By the name of each stream's format and each WebSocket's: what is made of pieces said in it."""
    streams: dict[str, Read] = {
        form.name: lambda scope, pieces, form=form: of_stream(scope, form, pieces)  # type: ignore[misc]
        for form in FORMATS
    }
    sockets: dict[str, Read] = {
        form.name: lambda scope, pieces, form=form: of_socket(scope, form, pieces)  # type: ignore[misc]
        for form in SOCKET_FORMATS
    }
    return streams | sockets


def said(scope: ScopedMasker, form: Format, pieces: Sequence[str]) -> list[str]:
    """The record's texts of a stream."""
    parser = stream_parser(Call(form.provider, "chat", form.endpoint, "", True, ()), form.content_type)
    assert parser
    parser.feed(form.body(pieces))
    parser.finish()
    found = [
        scope.document(part.content.encode(), part.media_type or "application/json").text
        if part.content[:1] == "{"
        else scope.text(part.content).text
        for part in parser.reply().parts
    ]
    return joined(found) if form.endpoint == "generic" else found


def spoken(scope: ScopedMasker, form: SocketFormat, pieces: Sequence[str]) -> list[str]:
    """The record's texts of a provider's messages; what comes between the pieces comes as often as there are pieces, and counts once."""
    reader = conversation(Call(form.provider, "chat", form.endpoint, "", True, ()))
    told = [reader.take(message, is_text=True, from_client=False) for message in form.messages(0, pieces)]
    texts = (
        one.part.content
        for one in (*chain.from_iterable(told), *reader.end())
        if one.role == "assistant" and not one.part.base64
    )
    return list(dict.fromkeys(recorded(scope, text) for text in texts))


def recorded(scope: ScopedMasker, text: str) -> str:
    return scope.document(text.encode(), "application/json").text if text[:1] == "{" else scope.text(text).text


def joined(said: Sequence[str]) -> list[str]:
    """Of an unknown stream, recorded line by line: its text."""
    return ["".join(json.loads(line)["output"]["text"] for line in said[0].splitlines())]


# -- on the wire ----------------------------------------------------------------------------------------------------


def of_live(corpus: Sequence[Document]) -> tuple[list[Row], list[Table]]:
    """Streams masked while they run: the caller's text against the uncut one's, characters held back, and what a chunk costs."""
    scope, same, total, held = scope_of(wire=True), 0, 0, 0
    for read in ways(through, through_socket).values():
        for value in VALUES.values():
            whole = read(scope, [f"it is {value} so", TAIL])
            for cut in range(1, len(value), 2):
                total += 1
                same += read(scope, [f"it is {value[:cut]}", f"{value[cut:]} so", TAIL]) == whole
    taken: list[float] = []
    for each in corpus:
        text = LiveText(scope.find)
        for at in range(0, len(each.text), CHUNK):
            began = time.perf_counter()
            text.feed(each.text[at : at + CHUNK])
            taken.append(time.perf_counter() - began)
            if not text.is_certain:
                held = max(held, text.held)
    taken.sort()
    return [
        row("live_split_same_ratio", same / total, Goal("of splits", 1.0, 1.0), spread=f"{same} of {total}"),
        row("live_held_characters", held, Goal("characters", HELD, HELD // 2, more_is_better=False, timed=False)),
        row(
            "live_chunk_p99_ms",
            taken[len(taken) * 99 // 100] * 1000,
            Goal("ms", 1.0, 0.5, more_is_better=False),
            spread=f"{len(taken)} chunks of {CHUNK}",
        ),
    ], []


def through(scope: ScopedMasker, form: Format, pieces: Sequence[str]) -> list[str]:
    """The texts of a stream as the caller gets it."""
    rewriter = Rewriter(form.content_type, Changer(scope, {}, sealed))
    body = rewriter.feed(form.body(pieces)) + rewriter.finish()
    parser = stream_parser(Call(form.provider, "chat", form.endpoint, "", True, ()), form.content_type)
    assert parser
    parser.feed(body)
    parser.finish()
    found = [part.content for part in parser.reply().parts]
    return joined(found) if form.endpoint == "generic" else found


def through_socket(scope: ScopedMasker, form: SocketFormat, pieces: Sequence[str]) -> list[str]:
    """The texts of a WebSocket as the caller gets them, piece by piece."""
    rewriter = Rewriter("", Changer(scope, {}, sealed))
    told = [one for message in form.messages(0, pieces) for one in rewriter.message(message)]
    texts: dict[object, str] = {}
    for message in (*told, *rewriter.rest()):
        for spot in spots("", loads(message)):
            texts[spot.channel] = texts.get(spot.channel, "") + spot.text
    return [
        text.replace("hm ", "") for text in texts.values()
    ]  # what the person says meanwhile comes as often as there are pieces
