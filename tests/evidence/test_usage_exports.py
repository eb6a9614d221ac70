"""Each provider's own export, in its own columns, gives the same kind of rows; what is no export is said so. Figures are made up."""

from __future__ import annotations

import json

import pytest

from addons.evidence.usage_exports import UsageInvalid, UsageRow, read_usage

OPENAI = {"object": "page", "has_more": False, "data": [
    {"object": "bucket", "start_time": 1795737600, "end_time": 1795824000, "results": [
        {"object": "organization.usage.completions.result", "input_tokens": 1000, "output_tokens": 500, "input_cached_tokens": 800,
         "num_model_requests": 5, "project_id": "proj_1", "user_id": None, "api_key_id": "key_1", "model": "gpt-5", "batch": False},
        {"object": "organization.usage.completions.result", "input_tokens": 7, "output_tokens": 3, "num_model_requests": 1, "api_key_id": "key_2", "model": "gpt-5"},
    ]},
]}  # fmt: skip
ANTHROPIC = {"data": [{"starting_at": "2026-11-27T00:00:00Z", "ending_at": "2026-11-28T00:00:00Z", "results": [
    {"uncached_input_tokens": 1500, "cache_creation": {"ephemeral_1h_input_tokens": 1000, "ephemeral_5m_input_tokens": 500},
     "cache_read_input_tokens": 200, "output_tokens": 500, "server_tool_use": {"web_search_requests": 10}, "api_key_id": "apikey_01", "model": "claude-5"},
]}], "has_more": False, "next_page": None}  # fmt: skip
CLOUDWATCH = {"MetricDataResults": [
    {"Id": "a", "Label": "anthropic.claude-5 Invocations", "Timestamps": ["2026-11-27T01:00:00+00:00", "2026-11-27T02:00:00+00:00"], "Values": [4.0, 2.0]},
    {"Id": "b", "Label": "anthropic.claude-5 InputTokenCount", "Timestamps": ["2026-11-27T01:00:00+00:00"], "Values": [600.0]},
    {"Id": "c", "Label": "anthropic.claude-5 CacheReadInputTokenCount", "Timestamps": ["2026-11-27T01:00:00+00:00"], "Values": [90.0]},
]}  # fmt: skip
AZURE = {"value": [
    {"name": {"value": "AzureOpenAIRequests", "localizedValue": "Requests"}, "timeseries": [
        {"metadatavalues": [{"name": {"value": "ModelDeploymentName"}, "value": "gpt5"}], "data": [{"timeStamp": "2026-11-27T00:00:00Z", "total": 9.0}, {"timeStamp": "2026-11-27T01:00:00Z"}]}]},
    {"name": {"value": "GeneratedTokens"}, "timeseries": [
        {"metadatavalues": [{"name": {"value": "ModelDeploymentName"}, "value": "gpt5"}], "data": [{"timeStamp": "2026-11-27T00:00:00Z", "total": 70.0}]}]},
]}  # fmt: skip
GOOGLE_ROWS = [
    {"service": {"description": "Gemini API"}, "sku": {"description": "Generate content input token count gemini 3 short"}, "usage_start_time": "2026-11-27 08:00:00 UTC",
     "project": {"id": "team-a"}, "usage": {"amount": 1200.0, "unit": "count"}, "labels": [{"key": "x", "value": "1"}, {"key": "y", "value": "2"}], "credits": []},
    {"service": {"description": "Compute Engine"}, "sku": {"description": "N1 core"}, "usage_start_time": "2026-11-27 08:00:00 UTC",
     "project": {"id": "team-a"}, "usage": {"amount": 3, "unit": "seconds"}},
]  # fmt: skip
GOOGLE_SERIES = {"timeSeries": [{"metric": {"type": "serviceruntime.googleapis.com/api/request_count", "labels": {"response_code": "200"}},
    "resource": {"labels": {"credential_id": "apikey:1234", "method": "generateContent"}},
    "points": [{"interval": {"startTime": "2026-11-27T00:00:00Z", "endTime": "2026-11-27T01:00:00Z"}, "value": {"int64Value": "11"}}]}]}  # fmt: skip

EXPORTS = [
    ("OpenAI, usage API", json.dumps(OPENAI), [
        UsageRow("openai", "2026-11-27", "key_1", "gpt-5", 5, 1000, 500), UsageRow("openai", "2026-11-27", "key_2", "gpt-5", 1, 7, 3)]),
    ("OpenAI, CSV", ("start_time,end_time,start_time_iso,api_key_id,model,num_model_requests,input_tokens,output_tokens\n"
        "1795737600,1795824000,2026-11-27T00:00:00+00:00,key_1,gpt-5,5,1000,500\n1795737600,1795824000,2026-11-27T00:00:00+00:00,key_1,gpt-5,1,1,1\n"), [
        UsageRow("openai", "2026-11-27", "key_1", "gpt-5", 6, 1001, 501)]),
    ("Anthropic, usage API", json.dumps(ANTHROPIC), [UsageRow("anthropic", "2026-11-27", "apikey_01", "claude-5", None, 1500, 500)]),
    ("Anthropic, CSV", ("usage_date_utc,model_version,api_key,workspace,usage_type,context_window,usage_input_tokens_no_cache,"
        "usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,usage_output_tokens,web_search_count\n"
        "2026-11-27,claude-5,gateway,Default,standard,≤ 200k,100000,0,0,9,5000,0\n"), [
        UsageRow("anthropic", "2026-11-27", "gateway", "claude-5", None, 100000, 5000)]),
    ("Google, billing rows", json.dumps(GOOGLE_ROWS), [
        UsageRow("gcp.gemini", "2026-11-27", "team-a", "Generate content input token count gemini 3 short", None, 1200)]),
    ("Google, billing rows, one a line", "\n".join(map(json.dumps, GOOGLE_ROWS)), [
        UsageRow("gcp.gemini", "2026-11-27", "team-a", "Generate content input token count gemini 3 short", None, 1200)]),
    ("Google, time series", json.dumps(GOOGLE_SERIES), [UsageRow("gcp.gemini", "2026-11-27", "apikey:1234", "generateContent", 11)]),
    ("AWS, cost and usage report", ("line_item_product_code,line_item_usage_start_date,line_item_usage_account_id,line_item_usage_type,line_item_usage_amount,pricing_unit\n"
        "AmazonBedrock,2026-11-27T00:00:00Z,123456789012,USE1-Claude5-input-tokens,1.5,1K tokens\nAmazonEC2,2026-11-27T00:00:00Z,123456789012,BoxUsage,3,Hrs\n"), [
        UsageRow("aws.bedrock", "2026-11-27", "123456789012", "USE1-Claude5-input-tokens", None, 1500)]),
    ("AWS, CloudWatch", json.dumps(CLOUDWATCH), [
        UsageRow("aws.bedrock", "2026-11-27", "", "anthropic.claude-5 CacheReadInputTokenCount"),
        UsageRow("aws.bedrock", "2026-11-27", "", "anthropic.claude-5 InputTokenCount", None, 600),
        UsageRow("aws.bedrock", "2026-11-27", "", "anthropic.claude-5 Invocations", 6)]),
    ("Azure, metrics", json.dumps(AZURE), [UsageRow("azure.ai.openai", "2026-11-27", "", "gpt5", 9, None, 70)]),
    ("Azure, cost export", ("Date,MeterCategory,MeterSubCategory,MeterName,ResourceId,Quantity,UnitOfMeasure\n"
        '11/27/2026,Cognitive Services,Azure OpenAI,gpt 5 Inp glbl Tokens,/subscriptions/s/accounts/team-a,"1,234.5",1K\n11/27/2026,Storage,Blob,Data,/x/y,3,1 GB\n'), [
        UsageRow("azure.ai.openai", "2026-11-27", "team-a", "gpt 5 Inp glbl Tokens", None, 1234500)]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "rows"), [row[1:] for row in EXPORTS], ids=[row[0] for row in EXPORTS])
def test_an_export_is_read(text: str, rows: list[UsageRow]) -> None:
    assert list(read_usage("export", text)) == rows


def test_a_mark_at_the_beginning_and_windows_line_ends_change_nothing() -> None:
    text = EXPORTS[1][1]

    assert read_usage("export", "\ufeff" + text.replace("\n", "\r\n")) == read_usage("export", text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "at least one row"),
        ("{}", "expected a usage export of OpenAI, Anthropic, Google, AWS or Azure"),
        ("a,b\n1,2\n", "got columns a, b"),
        ('{"data": [', "expected JSON"),
        (EXPORTS[1][1].replace("1000", "many"), "row 1: expected a number, got 'many'"),
        (EXPORTS[3][1].replace("2026-11-27", "yesterday"), "row 1: expected a day or a time, got 'yesterday'"),
        (EXPORTS[1][1].replace("1000", "NaN"), "expected a number"),
        (EXPORTS[1][1].replace("1000", "1e99"), "expected a number"),
    ],
    ids=["nothing", "an empty object", "another table", "half a document", "no number", "no day", "not a number", "too large"],
)  # fmt: skip
def test_what_is_no_export_is_refused_in_words(text: str, said: str) -> None:
    with pytest.raises(UsageInvalid, match=said):
        read_usage("export", text)
