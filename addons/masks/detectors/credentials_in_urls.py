"""What is secret in a URL: userinfo, parameters that are credentials by name, webhooks as a whole. Sources: RFC 3986 3.2.1 and 3.4; vendors' pages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import regex

from addons.masks.detectors.kinds import Found
from addons.masks.detectors.plausible import is_placeholder
from addons.masks.sight import BREAK, NAME, NEUTRAL, Sight

_NESTED = 8  # URLs inside a URL
_URL = regex.compile(rf"://(?P<rest>[^\s\"'<>`{NAME}{BREAK}]{{3,4096}})")
_USERINFO = regex.compile(
    r"[^/:@?#]{0,200}:(?P<value>[^/]{1,400})@(?=[\w\[$\{(%.*-])|(?P<value>[^/:@?#\\]{16,400})@(?=[\w\[])"
)
_PARAMETER = regex.compile(
    r"(?i)[?&;](?:api[_\-]?key|key|access[_\-]?token|auth[_\-]?token|token|sig|signature|secret|client[_\-]?secret|password|passwd|pwd|subscription-key|code|"
    r"x-amz-signature|x-amz-security-token|x-amz-credential|x-goog-signature|x-goog-credential|awsaccesskeyid|session[_\-]?id|sid|sas|jwt|ticket|auth|apikey|"
    r"access_key|id_token|refresh_token)=(?P<value>[^&#;\\)\]}\x00]{8,2048})"
)
_WEBHOOK = regex.compile(
    r"(?:[\w\-]{1,80}\.){0,3}(?:"
    r"webhook\.office\.com/webhookb2/[\w\-@/]{40,400}|outlook\.office(?:365)?\.com/webhook/[\w\-@/]{40,400}|hooks\.slack\.com/[a-z]{4,12}/[\w+/\-]{20,120}"
    r"|discord(?:app)?\.com/api/(?:v[0-9]{1,2}/)?webhooks/[0-9]{15,22}/[\w\-]{40,100}|hooks\.zapier\.com/hooks/catch/[\w/\-]{8,80}"
    r"|chat\.googleapis\.com/v1/spaces/[\w\-]{4,40}/messages\?key=[\w\-&=%]{20,200}|tines\.(?:com|io)/webhook/[\w/\-]{20,120}"
    r"|logic\.azure\.com(?::443)?/workflows/[0-9a-f]{32}/[\w/?&=%.\-~]{20,400}"
    r")"
)
_EXAMPLES = {"pass", "pw", "userpass"}


CONFIDENCES = {"WEBHOOK_URL": 0.9, "PASSWORD": 0.85, "SECRET": 0.6}


@dataclass(frozen=True, slots=True)
class Urls:
    """Reads every URL in the text once."""

    entities: frozenset[str] = frozenset({"PASSWORD", "SECRET", "WEBHOOK_URL"})

    def find(self, sight: Sight) -> Iterator[Found]:
        passed = nested = 0
        for place in sight.places(b"://"):
            if not place or not sight.text[place - 1].isalnum():
                continue
            if place < passed:
                nested += 1
                if nested <= _NESTED:
                    yield from self._read(sight.text, place + 3, passed, inner=True)
            elif url := _URL.match(sight.text, place):
                passed, nested = url.end(), 0
                yield from self._read(sight.text, url.start("rest"), passed, inner=False)

    def _read(self, text: str, start: int, end: int, *, inner: bool) -> Iterator[Found]:
        if webhook := _WEBHOOK.match(text, start, end):
            left = text.rfind("http", max(0, start - 8), start)
            yield _found("WEBHOOK_URL", text, left if left >= 0 else start, webhook.end())
        if (
            text.find("@", start, min(end, start + 700)) >= 0
            and (userinfo := _USERINFO.match(text, start, end))
            and _is_password(userinfo["value"])
        ):
            yield _found("PASSWORD", text, userinfo.start("value"), userinfo.end("value"))
        if not inner and text.find("=", start, end) >= 0:
            for parameter in _PARAMETER.finditer(text, start, end):
                if _is_parameter(parameter["value"]):
                    yield _found("SECRET", text, parameter.start("value"), parameter.end("value"))


def _found(entity: str, text: str, start: int, end: int) -> Found:
    return Found(start, end, entity, CONFIDENCES[entity], text[start:end])


def _is_password(value: str) -> bool:
    return not (
        NEUTRAL in value
        or is_placeholder(value)
        or value.startswith(("$", "{", "<", "%s", "%("))
        or value.lower() in _EXAMPLES
    )


def _is_parameter(value: str) -> bool:
    return NEUTRAL not in value and not is_placeholder(value) and (any(map(str.isdigit, value)) or len(value) >= 24)


DETECTOR = Urls()
