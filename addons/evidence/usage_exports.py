"""What providers say was used, read from their own usage exports: CSV or JSON -> rows by day, key and model. Not the comparison (accounting.py).

    OpenAI      organization usage API (pages of buckets), CSV of the usage page     platform.openai.com/docs/api-reference/usage
    Anthropic   usage_report/messages API, CSV of the Console's usage page           docs.anthropic.com/en/api/usage-cost-api
    Google      Cloud Billing export of Gemini and Vertex AI (CSV, or rows as JSON); Monitoring time series of request_count
    AWS         Cost and Usage Report lines of Bedrock; CloudWatch GetMetricData of AWS/Bedrock
    Azure       az monitor metrics of an account; Cost Management export

A JSON document is flattened first: each record inherits what stands above it, so `{"start_time":…,"results":[{…},{…}]}` is two rows.
Then one table says, for CSV and JSON alike, which columns mean what. Columns as of 2026-11. Tokens are counted as the
provider's replies count them, which is how the record has them: Anthropic and Bedrock leave cached input out, OpenAI has it within.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

Record = dict[str, str]

MEASURES = ("requests", "input_tokens", "output_tokens")
_CHILDREN = ("data", "results", "value", "timeseries", "timeSeries", "points", "MetricDataResults")
_SHOWN_COLUMNS = 12


class UsageInvalid(ValueError):  # noqa: N818 - reads as what is wrong
    """A file that is no usage export that is known, or one whose numbers are none. For whoever exported it."""


@dataclass(frozen=True, slots=True)
class UsageRow:
    """What the provider counted on one day under one key; None: this export does not count that."""

    provider: str
    day: str  # 2026-11-23, UTC
    key: str  # how the export names it; "": the export does not tell keys apart
    model: str
    requests: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class _Layout:
    """Which columns mean what. Of several names for one thing the first that is there counts; of `sums` all are added."""

    provider: str
    marks: tuple[tuple[str, ...], ...]  # it is this layout where a record has one name of each
    day: tuple[str, ...]
    key: tuple[str, ...]
    model: tuple[str, ...]
    requests: tuple[str, ...] = ()
    input_sums: tuple[str, ...] = ()
    output_sums: tuple[str, ...] = ()
    # Where a record counts one thing, and says in words which:
    measure: tuple[str, ...] = ()
    amount: tuple[str, ...] = ()
    unit: tuple[str, ...] = ()
    only: tuple[tuple[str, ...], str] = ((), "")  # columns, pattern: other records are of other services


_LAYOUTS = (
    _Layout(
        "openai", (("num_model_requests",), ("input_tokens",)), ("start_time_iso", "start_time", "date"),
        ("api_key_id", "api_key"), ("model",), ("num_model_requests",), ("input_tokens",), ("output_tokens",),
    ),
    _Layout(
        "openai", (("n_requests",), ("n_context_tokens_total",)), ("aggregation_timestamp", "timestamp"),
        ("api_key_id", "api_key_name"), ("snapshot_id", "model"), ("n_requests",), ("n_context_tokens_total",),
        ("n_generated_tokens_total",),
    ),
    _Layout(
        "anthropic", (("uncached_input_tokens",), ("output_tokens",)), ("starting_at",), ("api_key_id",), ("model",), (),
        ("uncached_input_tokens",), ("output_tokens",),
    ),
    _Layout(
        "anthropic", (("usage_input_tokens_no_cache",), ("usage_output_tokens",)), ("usage_date_utc",), ("api_key",),
        ("model_version",), (), ("usage_input_tokens_no_cache",), ("usage_output_tokens",),
    ),
    _Layout(
        "gcp.gemini", (("sku.description", "sku_description", "SKU description"), ("usage.amount", "usage_amount", "Usage amount")),
        ("usage_start_time", "usage.start_time", "Usage start date"), ("project.id", "project_id", "Project ID"),
        ("sku.description", "sku_description", "SKU description"), measure=("sku.description", "sku_description", "SKU description"),
        amount=("usage.amount", "usage_amount", "Usage amount"), unit=("usage.unit", "usage_unit", "Usage unit"),
        only=(("service.description", "service_description", "Service description"), r"(?i)generative language|gemini|vertex"),
    ),
    _Layout(
        "gcp.gemini", (("metric.type",), ("value.int64Value", "value.doubleValue")), ("interval.startTime", "interval.endTime"),
        ("resource.labels.credential_id",), ("metric.labels.model", "resource.labels.method"), measure=("metric.type",),
        amount=("value.int64Value", "value.doubleValue"), only=(("metric.type",), "request_count"),
    ),
    _Layout(
        "aws.bedrock", (("line_item_usage_type", "lineItem/UsageType"), ("line_item_usage_amount", "lineItem/UsageAmount")),
        ("line_item_usage_start_date", "lineItem/UsageStartDate"), ("line_item_usage_account_id", "lineItem/UsageAccountId"),
        ("line_item_usage_type", "lineItem/UsageType"), measure=("line_item_usage_type", "lineItem/UsageType"),
        amount=("line_item_usage_amount", "lineItem/UsageAmount"), unit=("pricing_unit", "pricing/unit"),
        only=(("line_item_product_code", "lineItem/ProductCode"), "(?i)bedrock"),
    ),
    _Layout(
        "aws.bedrock", (("Label",), ("Timestamp",)), ("Timestamp",), ("AccountId",), ("Label",), measure=("Label",), amount=("Value",),
    ),
    _Layout(
        "azure.ai.openai", (("name.value",), ("timeStamp",)), ("timeStamp",), ("resource", "apikeyid"), ("modeldeploymentname", "modelname"),
        measure=("name.value",), amount=("total",),
    ),
    _Layout(
        "azure.ai.openai", (("MeterName", "meterName"), ("Quantity", "quantity", "UsageQuantity")), ("Date", "date", "UsageDateTime", "UsageDate"),
        ("ResourceId", "resourceId", "InstanceId"), ("MeterName", "meterName"), measure=("MeterName", "meterName"),
        amount=("Quantity", "quantity", "UsageQuantity"), unit=("UnitOfMeasure", "unitOfMeasure"),
        only=(("MeterCategory", "meterCategory", "ServiceName", "ConsumedService"), r"(?i)cognitive|openai|foundry"),
    ),
)  # fmt: skip

# Cached tokens come first: they count as nothing where replies count them apart, and are not mistaken for fresh ones.
_MEASURES = (
    ("", re.compile(r"(?i)cache|cchd")),
    ("input_tokens", re.compile(r"(?i)input.?token|inputtoken|promptt?oken|processedprompt|\binp\b|\binput\b")),
    ("output_tokens", re.compile(r"(?i)output.?token|outputtoken|generated|completiontoken|\boutp?\b|\boutput\b")),
    ("requests", re.compile(r"(?i)requests?\b|request_count|invocations?\b")),
)
_UNIT = re.compile(r"(?i)\s*([0-9]*)\s*([km]?)")
_THOUSANDS = {"": 1, "k": 1000, "m": 1_000_000}


def read_usage(name: str, text: str) -> tuple[UsageRow, ...]:
    """Rows of one export; one for each day, key and model. name: of the file, for what is said about it. Raises UsageInvalid."""
    records = list(_records(name, text))
    if not records:
        raise UsageInvalid(f"{name}: expected a usage export with at least one row, got none; export the period again")
    found: dict[tuple[str, str, str, str], dict[str, int]] = {}
    for number, record in enumerate(records, 1):
        layout = _layout(name, record)
        if layout.only[0] and not re.search(layout.only[1], _first(record, layout.only[0])):
            continue
        place = (
            layout.provider,
            _day(name, number, _first(record, layout.day)),
            _key(record, layout),
            _model(record, layout),
        )
        counts = found.setdefault(place, {})
        for measure, amount in _amounts(name, number, record, layout):
            counts[measure] = counts.get(measure, 0) + amount
    return tuple(UsageRow(*place, *map(counts.get, MEASURES)) for place, counts in sorted(found.items()))


def _records(name: str, text: str) -> Iterator[Record]:
    if text.lstrip("\ufeff \r\n\t")[:1] in {"{", "["}:
        try:
            document = json.loads(text.lstrip("\ufeff"), parse_float=Decimal)
        except (ValueError, RecursionError):
            document = [_line(name, number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
        yield from _flat(document, {})
    else:
        yield from (
            {key.strip(): value or "" for key, value in row.items() if key}
            for row in csv.DictReader(io.StringIO(text.lstrip("\ufeff")))
        )


def _line(name: str, number: int, line: str) -> Any:
    try:
        return json.loads(line, parse_float=Decimal)
    except (ValueError, RecursionError):
        raise UsageInvalid(f"{name}:{number}: expected JSON, got something else; export it again, whole") from None


def _flat(value: Any, above: Record) -> Iterator[Record]:
    if isinstance(value, list):
        for each in value:
            yield from _flat(each, above)
        return
    if not isinstance(value, dict):
        return
    own = above | dict(_scalars(value, ""))
    if "Timestamps" in value and "Values" in value:  # CloudWatch: two lists side by side
        for moment, amount in zip(value["Timestamps"], value["Values"], strict=False):
            yield own | {"Timestamp": str(moment), "Value": str(amount)}
        return
    children = [value[name] for name in _CHILDREN if isinstance(value.get(name), list)]
    if not children:
        yield own
    for each in children:
        yield from _flat(each, own)


def _scalars(value: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for name, each in value.items():
        if isinstance(each, dict):
            yield from _scalars(each, f"{prefix}{name}.")
        elif name == "metadatavalues" and isinstance(each, list):  # Azure: dimensions as a list of names and values
            yield from ((str(one["name"]["value"]).lower(), str(one.get("value", ""))) for one in each)
        elif not isinstance(each, list) and each is not None:
            yield prefix + name, str(each)


def _layout(name: str, record: Record) -> _Layout:
    for layout in _LAYOUTS:
        if all(any(column in record for column in names) for names in layout.marks):
            return layout
    columns = ", ".join(list(record)[:_SHOWN_COLUMNS])
    raise UsageInvalid(
        f"{name}: expected a usage export of OpenAI, Anthropic, Google, AWS or Azure, got columns {columns}; affidavit report accounting --help"
    )


def _first(record: Record, columns: Iterable[str]) -> str:
    return next((record[column] for column in columns if record.get(column)), "")


def _key(record: Record, layout: _Layout) -> str:
    return _first(record, layout.key).rstrip("/").rpartition("/")[2]


def _model(record: Record, layout: _Layout) -> str:
    return _first(record, layout.model)


def _amounts(name: str, number: int, record: Record, layout: _Layout) -> Iterator[tuple[str, int]]:
    if layout.measure:
        words = _first(record, layout.measure)
        measure = next((measure for measure, pattern in _MEASURES if pattern.search(words)), "")
        if measure and (amount := _first(record, layout.amount)):
            yield measure, _whole(name, number, amount, _times(_first(record, layout.unit), words))
        return
    for measure, columns in zip(MEASURES, (layout.requests, layout.input_sums, layout.output_sums), strict=True):
        present = [record[column] for column in columns if record.get(column)]
        if present:
            yield measure, sum(_whole(name, number, text, 1) for text in present)


def _times(unit: str, words: str) -> int:
    """How many one is: "1K tokens", "1M", "1000"; a unit that counts in ones is 1."""
    found = (
        _UNIT.match(unit)
        if re.match(r"\s*[0-9]", unit)
        else re.search(r"(?i)\b([0-9]+)([km])\b", "" if unit else words)
    )
    return int(found[1] or 1) * _THOUSANDS[found[2].lower()] if found else 1


def _whole(name: str, number: int, text: str, times: int) -> int:
    try:
        amount = Decimal(text.replace(",", "").strip()) * times
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or abs(amount) >= 1 << 53:
        raise UsageInvalid(f"{name}: row {number}: expected a number, got {text[:24]!r}; export it again")
    return int(amount.to_integral_value())


def _day(name: str, number: int, text: str) -> str:
    """Of 1764000000, 2026-11-24, 2026-11-24T10:00:00Z, 2026-11-24 10:00:00 UTC or 11/24/2026, in UTC."""
    if re.fullmatch(r"[0-9]{9,10}(\.0+)?", text):
        return datetime.fromtimestamp(int(text.partition(".")[0]), UTC).date().isoformat()
    if found := re.match(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})", text):
        text = f"{found[3]}-{int(found[1]):02}-{int(found[2]):02}"
    try:
        moment = datetime.fromisoformat(text.strip().removesuffix(" UTC"))
    except ValueError:
        raise UsageInvalid(
            f"{name}: row {number}: expected a day or a time, got {text[:24]!r}; export it again"
        ) from None
    return (moment if moment.tzinfo is None else moment.astimezone(UTC)).date().isoformat()
