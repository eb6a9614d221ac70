"""Credentials that are made anew: AWS SigV4 signatures, Google's and Azure's bearer tokens; each by its own library, an extra.

    aws      botocore: the usual chain (environment, profile, container, instance), then a signature over the request as it goes out
    google   google-auth: application default credentials
    azure    azure-identity: DefaultAzureCredential
The libraries block, so they run in threads; tokens are kept by them until shortly before their end.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from functools import cache
from typing import Any

from addons.console.key_sources import KeyMissing

EXTRAS = {"aws": "botocore", "google": "google.auth", "azure": "azure.identity"}
GOOGLE_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
AZURE_SCOPE = "https://cognitiveservices.azure.com/.default"
# What a client signed with is void once we sign: its signature covers headers that name another key.
AWS_HEADERS = ("authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256")


def signed(
    method: str, url: str, headers: Mapping[str, str], body: bytes, *, region: str, service: str
) -> dict[str, str]:
    """The headers to set. Blocks: credentials may come from another machine. Raises KeyMissing."""
    _needs("aws")
    from botocore.auth import SigV4Auth  # noqa: PLC0415 -- an extra
    from botocore.awsrequest import AWSRequest  # noqa: PLC0415
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415

    try:
        credentials = _aws_session().get_credentials()
        frozen = credentials.get_frozen_credentials() if credentials else None
    except BotoCoreError as error:  # whose text may hold parts of a profile
        raise KeyMissing(f"aws: {type(error).__name__}") from None
    if frozen is None:
        raise KeyMissing("aws: no credentials in the environment, a profile, the container or the instance")
    request = AWSRequest(method=method, url=url, data=body, headers=dict(headers))
    SigV4Auth(frozen, service, region).add_auth(request)
    return {name.lower(): value for name, value in request.headers.items() if name.lower() in AWS_HEADERS}


def key_id(headers: Mapping[str, str]) -> str:
    """Which key a signature was made with, as the signature says itself; no secret."""
    return headers["authorization"].partition("Credential=")[2].partition("/")[0]


def bearer(cloud: str, scope: str) -> str:
    """A token that is good for some minutes yet. Blocks. Raises KeyMissing."""
    _needs(cloud)
    return _azure_token(scope or AZURE_SCOPE) if cloud == "azure" else _google_token(scope or GOOGLE_SCOPE)


def _needs(cloud: str) -> None:
    parts = EXTRAS[cloud].split(".")
    if any(importlib.util.find_spec(".".join(parts[: end + 1])) is None for end in range(len(parts))):
        raise KeyMissing(f"{cloud}: the extra is not installed; pip install 'affidavit[{cloud}]'")


@cache
def _aws_session() -> Any:
    import botocore.session  # noqa: PLC0415 -- an extra

    return botocore.session.get_session()


@cache
def _azure() -> Any:
    from azure.identity import DefaultAzureCredential  # noqa: PLC0415 -- an extra

    return DefaultAzureCredential(exclude_interactive_browser_credential=True)


def _azure_token(scope: str) -> str:
    from azure.core.exceptions import AzureError  # noqa: PLC0415 -- an extra

    try:
        return str(_azure().get_token(scope).token)
    except AzureError as error:
        raise KeyMissing(f"azure: {type(error).__name__}") from None


@cache
def _google(scope: str) -> Any:
    import google.auth  # noqa: PLC0415 -- an extra

    return google.auth.default(scopes=[scope])[0]


def _google_token(scope: str) -> str:
    from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415 -- an extra
    from google.auth.transport.requests import Request  # noqa: PLC0415

    try:
        credentials = _google(scope)
        if not credentials.valid:
            credentials.refresh(Request())
    except GoogleAuthError as error:
        raise KeyMissing(f"google: {type(error).__name__}") from None
    return str(credentials.token)
