"""Names of API hosts that are spelled per region. Not DNS: nothing is looked up.

A certificate's name constraint is a suffix: it cannot say "bedrock-runtime.<region>.amazonaws.com" or
"<region>-aiplatform.googleapis.com". amazonaws.com and googleapis.com as a whole would let the gateway's CA speak for
every bucket and mailbox in them, so the regions are spelled out; a region missing here needs `affidavit ca renew`, and so
do Bedrock's rarer hosts (agents, mantle): each name makes the certificate longer for everybody.
Sources: AWS General Reference, "Amazon Bedrock endpoints"; Google Cloud, "Generative AI on Vertex AI locations" (2026-11).
"""

from __future__ import annotations

import re
from typing import Final

_BEDROCK_REGIONS: Final = (
    "af-south-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-south-2",
    "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-7",
    "ca-central-1", "ca-west-1", "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1",
    "eu-west-2", "eu-west-3", "il-central-1", "me-central-1", "me-south-1", "mx-central-1", "sa-east-1", "us-east-1",
    "us-east-2", "us-gov-east-1", "us-gov-west-1", "us-west-1", "us-west-2",
)  # fmt: skip
_VERTEX_REGIONS: Final = (
    "africa-south1", "asia-east1", "asia-east2", "asia-northeast1", "asia-northeast2", "asia-northeast3", "asia-south1",
    "asia-south2", "asia-southeast1", "asia-southeast2", "australia-southeast1", "australia-southeast2",
    "europe-central2", "europe-north1", "europe-southwest1", "europe-west1", "europe-west2", "europe-west3",
    "europe-west4", "europe-west6", "europe-west8", "europe-west9", "europe-west12", "me-central1", "me-central2",
    "me-west1", "northamerica-northeast1", "northamerica-northeast2", "southamerica-east1", "southamerica-west1",
    "us-central1", "us-east1", "us-east4", "us-east5", "us-south1", "us-west1", "us-west2", "us-west3", "us-west4",
)  # fmt: skip

BEDROCK_HOSTS: Final = tuple(f"bedrock-runtime.{region}.amazonaws.com" for region in _BEDROCK_REGIONS)
BEDROCK_PATTERN: Final = re.compile(
    r"bedrock(-agent)?(-runtime|-mantle)?(-fips)?\.[a-z0-9-]+\.(amazonaws\.com(\.cn)?|api\.aws)"
)
VERTEX_HOSTS: Final = (
    "aiplatform.googleapis.com",
    *(f"{region}-aiplatform.googleapis.com" for region in _VERTEX_REGIONS),
)
VERTEX_PATTERN: Final = re.compile(
    r"[a-z0-9-]+-aiplatform\.googleapis\.com|aiplatform\.[a-z0-9-]+\.rep\.googleapis\.com"
)
