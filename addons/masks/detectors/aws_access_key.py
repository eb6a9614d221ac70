"""Amazon Web Services: access key ids, secret keys by context, Bedrock and AppSync keys, account numbers by name.

Source: docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html (unique id prefixes), 2026-11.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import regex

from addons.masks.detectors.forms import Forms, form
from addons.masks.detectors.kinds import Found, Pattern, compact, words
from addons.masks.detectors.plausible import is_random
from addons.masks.sight import Sight, Where

_ACCOUNT = regex.compile(r"(?<![0-9])[0-9]{4}[\- ]?[0-9]{4}[\- ]?[0-9]{4}(?![0-9])")
_NEAR = words("aws", "amazon", "secret access key", "secret key", "aws_secret", "access key", "akia", "iam", "s3")
_ACCOUNT_NAMES = words(
    "aws account",
    "aws account id",
    "aws accountid",
    "awsaccountid",
    "account id",
    "accountid",
    "aws acct",
    "owner id",
    "arn",
)


def _is_secret(value: str) -> bool:
    """Forty letters of base64 that are neither hexadecimal (a digest) nor a path."""
    return (
        value.count("/") <= 4
        and not regex.fullmatch(r"[0-9a-f]{40}|[0-9A-F]{40}", value)
        and is_random(value.replace("/", "x"), shortest=40, bits=4.0)
    )


@dataclass(frozen=True, slots=True)
class SecretKey:
    """A run of exactly forty characters near a word about AWS."""

    entities: frozenset[str] = frozenset({"AWS_ACCESS_KEY"})
    confidence: float = 0.85

    def find(self, sight: Sight) -> Iterator[Found]:
        for start, end in sight.runs:
            if end - start == 40 and _NEAR.near(sight, start, end, 100, 60) and _is_secret(sight.text[start:end]):
                yield Found(start, end, "AWS_ACCESS_KEY", self.confidence, sight.text[start:end])


DETECTORS = (
    Forms(
        form(
            "AWS_ACCESS_KEY",
            "AWS",
            "AKIA ASIA ABIA ACCA AGPA AIDA AIPA ANPA ANVA APKA AROA ASCA A3T",
            r"(?:AKIA|ASIA|ABIA|ACCA|AGPA|AIDA|AIPA|ANPA|ANVA|APKA|AROA|ASCA|A3T[A-Z0-9])[A-Z0-9]{16}",
        ),
        form("AWS_ACCESS_KEY", "Amazon Bedrock", "ABSK", r"ABSK[A-Za-z0-9+/]{60,280}={0,2}"),
        form("AWS_ACCESS_KEY", "Amazon Bedrock", "bedrock-api-key-", r"bedrock-api-key-[A-Za-z0-9+/=]{20,4000}"),
        form(
            "AWS_ACCESS_KEY",
            "AWS STS",
            "FwoGZXIvYXdz IQoJb3JpZ2lu FQoGZXIvYXdz",
            r"(?:FwoGZXIvYXdz|IQoJb3JpZ2lu|FQoGZXIvYXdz)[A-Za-z0-9+/]{60,2000}={0,2}",
        ),
        form("AWS_ACCESS_KEY", "AWS AppSync", "da2-", r"da2-[a-z0-9]{26}"),
        form(
            "AWS_ACCESS_KEY",
            "Amazon MWS",
            "amzn.mws.",
            r"amzn\.mws\.[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        ),
    ),
    SecretKey(),
    Pattern(
        entity="AWS_ACCOUNT_ID",
        where=Where.NUMBERS,
        pattern=_ACCOUNT,
        canonical=compact,
        confidence=0.1,
        context=_ACCOUNT_NAMES,
        with_context=0.6,
        before_words=24,
        after_words=0,
    ),
)
