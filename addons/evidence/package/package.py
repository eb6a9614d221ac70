"""The evidence package: a folder that an auditor takes away and checks without us. Not the record that it was made (the owner's).

    OUT/bagit.txt bag-info.txt manifest-sha256.txt tagmanifest-sha256.txt      BagIt 1.0, see bag.py
    OUT/custody/          the leaf of this export, the checkpoint that covers it, who took it
    OUT/data/             a function of the store and what was asked for; no clock
      START-HERE.html     for people
      population.csv exceptions.csv masking-coverage.csv masking-run.json
      samples/            one page each, see samples.py
      controls/<id>/      SQL, lists and result of each control, see sheets.py
      evidence.sqlite     see snapshot.py, views.py
      gateways.csv, gateways/      packages of other gateways, see gateways.py
      accounting.json     the equations; usage.csv what providers say was used
      log/entries.jsonl   the leaves' bytes, one a line
      log/checkpoints/    <size>.txt, signed notes
      policies/           <sha-256>.json, history.csv, changes as diffs
      machine/            OCSF events, HAR and proofs of the samples, tiles of the log, receipts, OSCAL
      verify.py KEYS.txt

Strategy: one read transaction copies what is taken into evidence.sqlite; all else is made of that copy, so a long export does not keep
the gateway from cutting its WAL. The tree's hashes only grow, so proofs read them from the store later. Nothing is held but a few rows.
A package is built under another name and gets its own when its record is durable.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import orjson

from addons.evidence import ocsf
from addons.evidence.accounting import Equation, accounts, explanations
from addons.evidence.database import Connection, StoreError, reader
from addons.evidence.package import oscal, rules, sheets
from addons.evidence.package.bag import Bag
from addons.evidence.package.controls import SHEETS, Criterion, criteria
from addons.evidence.package.figures import Figures, figures
from addons.evidence.package.gateways import Other, write_others
from addons.evidence.package.listing import POPULATION, lines, listed
from addons.evidence.package.page import MaskingRun, Shown, page, sample_page
from addons.evidence.package.samples import Sample, write_samples
from addons.evidence.package.sampling import draw
from addons.evidence.package.scope import Scope
from addons.evidence.package.sheets import ControlResult, Order, write_control
from addons.evidence.package.snapshot import take
from addons.evidence.package.zipped import write_zip
from addons.evidence.stored_log import StoredHashes
from addons.evidence.tiles import tiles
from addons.evidence.usage_exports import UsageRow

_VERIFIER = Path(__file__).with_name("single_file_verify.py")
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
class Wish:
    """What is asked of an export beside its scope."""

    seed: str = ""  # of the sample: an auditor's own words
    sample: int = 25
    controls: tuple[str, ...] = ()  # (): all
    usage: tuple[UsageRow, ...] = ()  # what providers say was used
    gateways: tuple[Path, ...] = ()  # packages of other gateways, to go into this one
    masking_run: bytes = b""  # what `affidavit report masking` last found, as it wrote it


@dataclass(frozen=True, slots=True)
class Receipt:
    """The record of the export in the gateway's log."""

    at: str
    actor: str
    seq: int
    leaves: Sequence[bytes]  # from the package's last leaf on, up to the checkpoint's size
    checkpoint: str  # signed note


@dataclass(frozen=True, slots=True)
class Built:
    """What was written."""

    manifest: str  # "sha256:" + hex of manifest-sha256.txt
    leaves: int
    exchanges: int


class Owner(Protocol):
    """Whoever may write the store that is exported."""

    vkey: str

    def sign(self) -> object:
        """Sign a checkpoint over all leaves."""

    def record(self, built: Built) -> Receipt:
        """Append the record of this export; called once, when all of data/ is there."""


def export(
    store: Path,
    out: Path,
    scope: Scope,
    owner: Owner,
    about: Mapping[str, str],
    wish: Wish = Wish(),
    step: Step = lambda *_: None,
) -> Built:
    """Write the package `out`: a folder, or one zip file where the name ends in .zip. Nothing stays of an export that failed.

    about: more lines of bag-info.txt, which may tell the time.
    """
    if out.exists():
        raise StoreError(f"{out} exists already; name a folder that does not")
    if unknown := set(wish.controls) - {sheet.id for sheet in SHEETS}:
        raise StoreError(f"control {min(unknown)}: expected one of {', '.join(sheet.id for sheet in SHEETS)}")
    unfinished = out.with_name(out.name + ".unfinished")
    try:
        unfinished.mkdir(mode=0o700)
    except FileExistsError:
        raise StoreError(f"{unfinished} is left of another export; remove it if none is running") from None
    try:
        bag = Bag(unfinished)
        built = _Build(bag, store, scope, owner, wish, step).payload()
        _custody(bag, built, owner.record(built))
        bag.finish(about)
        if out.suffix == ".zip":
            write_zip(unfinished, out)
            shutil.rmtree(unfinished)
        else:
            unfinished.rename(out)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return built


@dataclass(slots=True)
class _Build:
    """data/ of one package."""

    bag: Bag
    store: Path
    scope: Scope
    owner: Owner
    wish: Wish
    step: Step

    def payload(self) -> Built:
        bag = self.bag
        with bag.made_by("evidence.sqlite") as path:
            self.step("copy what is taken", 0, 0)
            take(self.store, path, self.scope, self.owner.sign, self._asked(), self._usage())
        with reader(path) as package:
            found = figures(package)
            self._lists(package, found)
            equations = accounts(package, () if self.scope.narrow else self._usage())
            bag.write("accounting.json", [_json([{**asdict(one), "text": one.text} for one in equations])])
            results = self._controls(package, found)
            with reader(self.store) as source:
                samples = self._samples(package, source, found)
                self._log(package, source, found)
            self._rules(package, found)
            self.step("other gateways", 0, 0)
            others = write_others(bag, package, self.wish.gateways, self.scope.since, self.scope.until)
            self._machine(package, found, results)
            bag.write_text("START-HERE.html", page(self._shown(package, found, equations, results, samples, others)))
        bag.write_text("KEYS.txt", KEYS_TEXT.format(vkey=self.owner.vkey))
        bag.write("verify.py", [_VERIFIER.read_bytes()])
        return Built(bag.manifest(), found.counts["leaves"], found.counts["opened"])

    def _asked(self) -> dict[str, str]:
        return {
            "controls": orjson.dumps(sorted(self.wish.controls)).decode(),
            "seed": self.wish.seed,
            "sample": str(self.wish.sample),
        }

    def _usage(self) -> tuple[UsageRow, ...]:
        """The days of the period: what was used before or after it is not this package's to compare."""
        since, until = self.scope.since[:10], self.scope.until[:10]
        return tuple(
            row for row in self.wish.usage if (not since or row.day >= since) and (not until or row.day < until)
        )

    def _lists(self, package: Connection, found: Figures) -> None:
        self.bag.write(
            "population.csv", self._stepped("population.csv", listed(package, POPULATION), found.counts["opened"])
        )
        self.bag.write("exceptions.csv", listed(package, "SELECT * FROM exceptions"))
        self.bag.write("usage.csv", listed(package, _USAGE))

    def _controls(self, package: Connection, found: Figures) -> list[ControlResult]:
        chosen = [sheet for sheet in SHEETS if not self.wish.controls or sheet.id in self.wish.controls]
        said = criteria(found.rules)
        order = Order(
            self.wish.seed,
            _root(found),
            self.scope.until or found.newest_at,
            frozenset(explanations(package)),
            self._about(found),
        )
        results = []
        for number, sheet in enumerate(chosen):
            self.step(f"control {sheet.id}", number, len(chosen))
            results.append(write_control(self.bag, package, sheet, said.get(sheet.id, Criterion()), order))
        self.bag.write("controls/index.csv", [sheets.index(results)])
        return results

    def _about(self, found: Figures) -> dict[str, object]:
        """What each meta.json says of the whole."""
        size = found.checkpoint.size if found.checkpoint else 0
        return {
            "format": found.package["format"], "origin": found.package["origin"], "scope": self.scope.values,
            "exchanges": found.counts["opened"], "leaves": found.counts["leaves"], "checkpoint": {"size": size, "root": _root(found)},
        }  # fmt: skip

    def _samples(self, package: Connection, source: Connection, found: Figures) -> list[Sample]:
        ids = (row[0] for row in package.execute("SELECT id FROM exchanges ORDER BY opened_seq"))
        drawn = draw(ids, self.wish.seed, _root(found), self.wish.sample)
        note, size = (
            (package.execute("SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1").fetchone() or ("",))[0],
            found.counts["signed"],
        )
        samples = []
        for number, sample in enumerate(write_samples(self.bag, package, drawn, note, size, StoredHashes(source))):
            self.step("samples", number, len(drawn))
            self.bag.write_text(
                f"samples/{sample.number}.html",
                sample_page(sample, self.wish.seed, _root(found), size, self.owner.vkey),
            )
            samples.append(sample)
        return samples

    def _log(self, package: Connection, source: Connection, found: Figures) -> None:
        self.bag.write(
            "log/entries.jsonl", self._stepped("log/entries.jsonl", _entries(package), found.counts["leaves"])
        )
        for size, note in _notes(package):
            self.bag.write_text(f"log/checkpoints/{size}.txt", note)
            newest = note
        if found.checkpoint:  # hash tiles; the entries are log/entries.jsonl
            self.bag.write_text("machine/log/checkpoint", newest)
            for name, content in tiles(found.checkpoint.size, StoredHashes(source), lambda _first, _end: ()):
                if content:
                    self.bag.write(f"machine/log/{name}", [content])

    def _rules(self, package: Connection, found: Figures) -> None:
        for digest, content in package.execute("SELECT DISTINCT digest, content FROM policies ORDER BY digest"):
            self.bag.write_text(f"policies/{digest.removeprefix('sha256:')}.json", content)
        rows = []
        for row, name, diff in rules.history(package):
            rows.append(row)
            if name:
                self.bag.write_text(name, diff)
        self.bag.write("masking-coverage.csv", [lines([rules.COVERAGE_HEAD, *rules.coverage(package, found.rules)])])
        self.bag.write("policies/history.csv", [lines([rules.HEAD, *rows])])
        if self.wish.masking_run:
            self.bag.write("masking-run.json", [self.wish.masking_run])

    def _machine(self, package: Connection, found: Figures, results: Sequence[ControlResult]) -> None:
        self.bag.write(
            "machine/events.ocsf.jsonl",
            self._stepped("machine/events.ocsf.jsonl", ocsf.lines(package), found.counts["opened"]),
        )
        self.bag.write("machine/receipts.jsonl", _receipts(package))
        since = self.scope.since or package.execute("SELECT at FROM events ORDER BY seq LIMIT 1").fetchone()[0]
        until = self.scope.until or found.newest_at
        document = oscal.assessment(
            results, origin=found.package["origin"], root=_root(found), since=since, until=until
        )
        self.bag.write("machine/oscal-assessment-results.json", [document])

    def _shown(
        self,
        package: Connection,
        found: Figures,
        equations: tuple[Equation, ...],
        results: list[ControlResult],
        samples: list[Sample],
        others: list[Other],
    ) -> Shown:
        left_out = 0
        if self.scope.narrow:
            query = "SELECT count(*) FROM events WHERE type = 'exchange.opened' AND at >= :since AND (:until = '' OR at < :until)"
            left_out = package.execute(query, self.scope.values).fetchone()[0] - found.counts["opened"]
        history = tuple(row for row, _, _ in rules.history(package))
        return Shown(
            found,
            self.owner.vkey,
            equations,
            tuple(results),
            tuple(samples),
            self.scope,
            self.wish.seed,
            _root(found),
            left_out,
            history,
            tuple(others),
            _run(self.wish.masking_run),
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


def _custody(bag: Bag, built: Built, receipt: Receipt) -> None:
    bag.tag("custody/receipt.jsonl", (leaf + b"\n" for leaf in receipt.leaves))
    bag.tag("custody/checkpoint.txt", [receipt.checkpoint.encode()])
    head = ("at", "who", "what", "manifest", "leaf", "handed_over_to", "handed_over_at", "signature")
    row = (receipt.at, receipt.actor, "exported", built.manifest, receipt.seq, None, None, None)
    bag.tag("custody/custody.csv", [lines([head, row])])


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
