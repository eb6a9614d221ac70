"""data/ of a package, every file of it, made of evidence.sqlite. Not that database (snapshot.py), not the folder around it (package.py).

An export writes these files; `affidavit verify` makes them again of the package's own evidence.sqlite and compares (check_files.py). So
whatever they say comes from the database, or from what is passed in here: hashes of the tree, the key, other gateways' packages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import orjson

from addons.evidence import ocsf
from addons.evidence.accounting import Equation, accounts, explanations
from addons.evidence.check_anchors import TIMESTAMP, anchors
from addons.evidence.database import Connection, StoreError
from addons.evidence.log import Read
from addons.evidence.package import oscal, rules, sheets
from addons.evidence.package.bag import Sink
from addons.evidence.package.controls import SHEETS, Criterion, criteria
from addons.evidence.package.figures import Figures, figures
from addons.evidence.package.gateways import Other, listing, others, register
from addons.evidence.package.listing import POPULATION, lines, listed
from addons.evidence.package.page import MaskingRun, Shown, page, sample_page
from addons.evidence.package.samples import Sample, write_samples
from addons.evidence.package.sampling import draw
from addons.evidence.package.scope import Scope
from addons.evidence.package.sheets import ControlResult, Order, write_control
from addons.evidence.tiles import tiles
from addons.evidence.usage_exports import UsageRow

VERIFIER = Path(__file__).with_name("single_file_verify.py")
_LEAVES_AT_ONCE = 1000
_USAGE = (
    "SELECT provider, day, key, model, requests, input_tokens, output_tokens FROM provider_usage ORDER BY 1, 2, 3, 4"
)

KEYS_TEXT = """\
# The key that signs this log's checkpoints: name+hash+key (c2sp.org/signed-note).
# This copy came with the package, so it proves nothing by itself. Compare it with one that you got another way: read aloud,
# printed, from an earlier package, or from the gateway's owner (affidavit status).
{vkey}
"""

Step = Callable[[str, int, int], object]  # what is being done, how far, of how much


@dataclass(frozen=True, slots=True)
class Given:
    """What files are made of beside the database."""

    vkey: str
    hashes: Read  # of the tree
    masking_run: bytes = field(default=b"", repr=False)  # what `affidavit report masking` last found, as it wrote it
    gateways: Mapping[str, Other] = field(default_factory=dict)  # packages of other gateways inside this one, by log


@dataclass(frozen=True, slots=True)
class Written:
    """How much there is in it."""

    leaves: int
    exchanges: int


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked of the export, as the database says."""

    scope: Scope
    seed: str
    sample: int
    controls: tuple[str, ...]  # (): all

    @classmethod
    def of(cls, package: Connection) -> Asked:
        said = dict(package.execute("SELECT name, value FROM package").fetchall())
        lists = [tuple(orjson.loads(said[name])) for name in ("persons", "connections", "sessions")]
        scope = Scope(said["since"], said["until"], *lists)
        return cls(scope, said["seed"], int(said["sample"]), tuple(orjson.loads(said["controls"])))


def write_payload(sink: Sink, package: Connection, given: Given, step: Step = lambda *_: None) -> Written:
    """Every file but evidence.sqlite and those of other gateways."""
    return _Payload(sink, package, given, step, Asked.of(package)).write()


@dataclass(slots=True)
class _Payload:
    sink: Sink
    package: Connection
    given: Given
    step: Step
    asked: Asked

    def write(self) -> Written:
        package, found = self.package, figures(self.package)
        self._lists(package, found)
        used = () if self.asked.scope.narrow else [UsageRow(*row) for row in package.execute(_USAGE)]
        equations = accounts(package, used)
        self.sink.write("accounting.json", [_json([{**asdict(one), "text": one.text} for one in equations])])
        results = self._controls(package, found)
        samples = self._samples(package, found)
        self._log(package, found)
        self._rules(package, found)
        rows = others(register(package), self.given.gateways, self.asked.scope.since, self.asked.scope.until)
        if rows:
            self.sink.write("gateways.csv", [listing(rows)])
        self._machine(package, found, results)
        shown = self._shown(package, found, equations, results, samples, rows)
        self.sink.write("START-HERE.html", [page(shown).encode()])
        self.sink.write("KEYS.txt", [KEYS_TEXT.format(vkey=self.given.vkey).encode()])
        self.sink.write("verify.py", [VERIFIER.read_bytes()])
        return Written(found.counts["leaves"], found.counts["opened"])

    def _lists(self, package: Connection, found: Figures) -> None:
        self.sink.write(
            "population.csv", self._stepped("population.csv", listed(package, POPULATION), found.counts["opened"])
        )
        self.sink.write("exceptions.csv", listed(package, "SELECT * FROM exceptions"))
        self.sink.write("usage.csv", listed(package, _USAGE))

    def _controls(self, package: Connection, found: Figures) -> list[ControlResult]:
        chosen = [sheet for sheet in SHEETS if not self.asked.controls or sheet.id in self.asked.controls]
        said = criteria(found.rules)
        order = Order(
            self.asked.seed,
            _root(found),
            self.asked.scope.until or found.newest_at,
            frozenset(explanations(package)),
            self._about(found),
        )
        results = []
        for number, sheet in enumerate(chosen):
            self.step(f"control {sheet.id}", number, len(chosen))
            results.append(write_control(self.sink, package, sheet, said.get(sheet.id, Criterion()), order))
        self.sink.write("controls/index.csv", [sheets.index(results)])
        return results

    def _about(self, found: Figures) -> dict[str, object]:
        """What each meta.json says of the whole."""
        size = found.checkpoint.size if found.checkpoint else 0
        return {
            "format": found.package["format"], "origin": found.package["origin"], "scope": self.asked.scope.values,
            "exchanges": found.counts["opened"], "leaves": found.counts["leaves"], "checkpoint": {"size": size, "root": _root(found)},
        }  # fmt: skip

    def _samples(self, package: Connection, found: Figures) -> list[Sample]:
        ids = (row[0] for row in package.execute("SELECT id FROM exchanges ORDER BY opened_seq"))
        drawn = draw(ids, self.asked.seed, _root(found), self.asked.sample)
        note, size = (
            (package.execute("SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1").fetchone() or ("",))[0],
            found.counts["signed"],
        )
        samples = []
        for number, sample in enumerate(write_samples(self.sink, package, drawn, note, size, self.given.hashes)):
            self.step("samples", number, len(drawn))
            self.sink.write(
                f"samples/{sample.number}.html",
                [sample_page(sample, self.asked.seed, _root(found), size, self.given.vkey).encode()],
            )
            samples.append(sample)
        return samples

    def _log(self, package: Connection, found: Figures) -> None:
        self.sink.write(
            "log/entries.jsonl", self._stepped("log/entries.jsonl", _entries(package), found.counts["leaves"])
        )
        for size, note in _notes(package):
            self.sink.write(f"log/checkpoints/{size}.txt", [note.encode()])
            newest = note
        for anchor in anchors(package):  # as files, for openssl ts -verify
            name = f"log/anchors/{anchor.size}-{anchor.kind}"
            self.sink.write(f"{name}.checkpoint", [anchor.note.encode()])
            if anchor.kind == TIMESTAMP:
                self.sink.write(f"{name}.tsr", [anchor.proof])
        if found.checkpoint:  # hash tiles; the entries are log/entries.jsonl
            self.sink.write("machine/log/checkpoint", [newest.encode()])
            for name, content in tiles(found.checkpoint.size, self.given.hashes, lambda _first, _end: ()):
                if content:
                    self.sink.write(f"machine/log/{name}", [content])

    def _rules(self, package: Connection, found: Figures) -> None:
        for digest, content in package.execute("SELECT DISTINCT digest, content FROM policies ORDER BY digest"):
            self.sink.write(f"policies/{digest.removeprefix('sha256:')}.json", [content.encode()])
        rows = []
        for row, name, diff in rules.history(package):
            rows.append(row)
            if name:
                self.sink.write(name, [diff.encode()])
        self.sink.write("masking-coverage.csv", [lines([rules.COVERAGE_HEAD, *rules.coverage(package, found.rules)])])
        self.sink.write("policies/history.csv", [lines([rules.HEAD, *rows])])
        if self.given.masking_run:
            self.sink.write("masking-run.json", [self.given.masking_run])

    def _machine(self, package: Connection, found: Figures, results: Sequence[ControlResult]) -> None:
        self.sink.write(
            "machine/events.ocsf.jsonl",
            self._stepped("machine/events.ocsf.jsonl", ocsf.lines(package), found.counts["opened"]),
        )
        self.sink.write("machine/receipts.jsonl", _receipts(package))
        since = self.asked.scope.since or package.execute("SELECT at FROM events ORDER BY seq LIMIT 1").fetchone()[0]
        until = self.asked.scope.until or found.newest_at
        document = oscal.assessment(
            results, origin=found.package["origin"], root=_root(found), since=since, until=until
        )
        self.sink.write("machine/oscal-assessment-results.json", [document])

    def _shown(
        self,
        package: Connection,
        found: Figures,
        equations: tuple[Equation, ...],
        results: list[ControlResult],
        samples: list[Sample],
        rows: list[Other],
    ) -> Shown:
        left_out = 0
        if self.asked.scope.narrow:
            query = "SELECT count(*) FROM events WHERE type = 'exchange.opened' AND at >= :since AND (:until = '' OR at < :until)"
            left_out = package.execute(query, self.asked.scope.values).fetchone()[0] - found.counts["opened"]
        history = tuple(row for row, _, _ in rules.history(package))
        return Shown(
            found,
            self.given.vkey,
            equations,
            tuple(results),
            tuple(samples),
            self.asked.scope,
            self.asked.seed,
            _root(found),
            left_out,
            history,
            tuple(rows),
            _run(self.given.masking_run),
        )

    def _stepped(self, what: str, pieces: Iterable[bytes], whole: int) -> Iterator[bytes]:
        done = 0
        for piece in pieces:
            self.step(what, min(done, whole), whole)
            done += piece.count(b"\n")
            yield piece


def _run(found: bytes) -> MaskingRun | None:
    """What page 1 says of the run; None where none was made."""
    if not found:
        return None
    try:
        run = orjson.loads(found)
        return MaskingRun(str(run["made_at"]), str(run["policy_digest"]), int(run["planted"]), int(run["hidden"]))
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        raise StoreError(
            "the state's masking-coverage.json is not what affidavit report masking writes; make it again"
        ) from None


def _entries(package: Connection) -> Iterator[bytes]:
    cursor = package.execute("SELECT leaf FROM events ORDER BY seq")
    while rows := cursor.fetchmany(_LEAVES_AT_ONCE):
        yield "".join([leaf + "\n" for (leaf,) in rows]).encode()


def _receipts(package: Connection) -> Iterator[bytes]:
    """What was recorded about each approval, change by change: the payload that its leaf commits to, with the salt to check it."""
    cursor = package.execute(
        "SELECT e.seq, e.type, e.at, e.actor, p.approval, p.approval_salt, e.leaf FROM events e JOIN payloads p ON p.seq = e.seq "
        "WHERE e.type GLOB 'approval.*' AND e.type NOT IN ('exchange.opened', 'exchange.closed') AND p.approval IS NOT NULL ORDER BY e.seq"
    )
    for seq, kind, at, actor, payload, salt, leaf in cursor:
        row = {
            "leaf": seq,
            "type": kind,
            "at": at,
            "actor": actor,
            "payload": payload,
            "salt": salt.hex(),
            "leaf_body": leaf,
        }
        yield orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


def _notes(package: Connection) -> Iterator[tuple[int, str]]:
    """The newest checkpoint and the last of each day: a year of them is still a folder that opens."""
    yield from package.execute(
        "SELECT size, note FROM checkpoints WHERE size IN (SELECT max(size) FROM checkpoints GROUP BY substr(at, 1, 10)) ORDER BY size"
    )


def _root(found: Figures) -> str:
    return found.checkpoint.root.hex() if found.checkpoint else ""


def _json(value: object) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
