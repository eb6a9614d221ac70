"""AWS signature version 4, by hand: what a service computes of a request that arrived, to be compared with what the request says. Not botocore's.

Source: AWS Identity and Access Management user guide, "Create a signed AWS API request"; the published test suite aws-sig-v4-test-suite.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote

UNRESERVED = "-_.~"


def authorization(
    method: str, target: str, headers: Mapping[str, str], body: bytes, *, key_id: str, secret: str, region: str, service: str
) -> str:  # fmt: skip
    """The Authorization header that a request with these headers (lower-case names, x-amz-date among them) must have. All of them are signed."""
    path, _, query = target.partition("?")
    pairs = sorted(
        (quote(name, safe=UNRESERVED), quote(value, safe=UNRESERVED))
        for name, value in parse_qsl(query, keep_blank_values=True)
    )
    names = ";".join(sorted(headers))
    canonical = "\n".join(
        [
            method,
            "/".join(quote(segment, safe=UNRESERVED) for segment in path.split("/")),  # once more than on the wire
            "&".join(f"{name}={value}" for name, value in pairs),
            *(f"{name}:{' '.join(headers[name].split())}" for name in sorted(headers)),
            "",
            names,
            hashlib.sha256(body).hexdigest(),
        ]
    )
    moment = headers["x-amz-date"]
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = b"AWS4" + secret.encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    return f"AWS4-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
