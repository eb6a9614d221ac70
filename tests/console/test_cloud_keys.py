"""Clouds' credentials by their own libraries, against stand-ins on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from addons.console import cloud_keys
from addons.console.key_sources import KeyMissing
from tests import signature_v4
from tests.cloud_tokens import azure_identity, google_account, token_endpoint


@pytest.fixture
def tokens() -> Iterator[str]:
    try:
        with token_endpoint() as url:
            yield url
    finally:
        for cached in (cloud_keys._google, cloud_keys._azure, cloud_keys._aws_session):
            cached.cache_clear()


@pytest.mark.parametrize(("cloud", "variables"), [("google", google_account), ("azure", azure_identity)])
def test_a_cloud_gives_a_bearer_for_the_gateways_own_identity(
    tokens: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    cloud: str,
    variables: Callable[[str, Path], dict[str, str]],
) -> None:
    for name, value in variables(tokens, tmp_path).items():
        monkeypatch.setenv(name, value)

    assert cloud_keys.bearer(cloud, "") == f"token-of/{cloud}"


@pytest.mark.parametrize(("cloud", "library"), cloud_keys.EXTRAS.items())
def test_without_the_extra_the_operator_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch, cloud: str, library: str
) -> None:
    monkeypatch.setattr(cloud_keys, "EXTRAS", {cloud: f"not_{library}"})

    with pytest.raises(KeyMissing) as missing:
        cloud_keys._needs(cloud)

    assert f"affidavit[{cloud}]" in str(missing.value)


# The published suite, aws-sig-v4-test-suite: get-vanilla, post-vanilla, get-vanilla-query-order-key-case, post-x-www-form-urlencoded.
PUBLISHED = [
    ("GET", "/", {}, b"", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    ("POST", "/", {}, b"", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    ("GET", "/?Param2=value2&Param1=value1", {}, b"", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
    ("POST", "/", {"content-type": "application/x-www-form-urlencoded"}, b"Param1=value1", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "target", "headers", "body", "signature"), PUBLISHED)
def test_what_the_tests_check_signatures_with_gives_the_published_ones(
    method: str, target: str, headers: dict[str, str], body: bytes, signature: str
) -> None:
    headers |= {"host": "example.amazonaws.com", "x-amz-date": "20150830T123600Z"}

    made = signature_v4.authorization(
        method, target, headers, body, key_id="AKIDEXAMPLE", secret="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", region="us-east-1", service="service"
    )  # fmt: skip

    assert made.endswith(f"Signature={signature}")
