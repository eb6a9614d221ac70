"""Images, sounds and files inside messages: by value (base64) or by reference (a URL, a file id). Decodes nothing.

Source of the data URL's form: RFC 2397.
"""

from __future__ import annotations

from typing import Final

from addons.providers.call import Json, Kind, Part
from addons.providers.json_values import obj, text

_KINDS: Final = {"image": Kind.IMAGE, "audio": Kind.AUDIO}


def kind_of(media_type: str) -> Kind:
    """image/* and audio/* are what they say; video, PDF and the rest are documents."""
    return _KINDS.get(media_type.partition("/")[0], Kind.DOCUMENT)


def by_url(kind: Kind, url: str, *, name: str = "", call_id: str = "") -> Part:
    """A data URL's payload, or any other URL as it is."""
    head, comma, payload = url.partition(",")
    if not (comma and head[:5].lower() == "data:"):
        return Part(kind, url, name=name, call_id=call_id)
    media_type, *flags = head[5:].split(";")
    is_base64 = "base64" in flags
    return Part(kind, payload, name=name, call_id=call_id, media_type=media_type, base64=is_base64)


def by_value(media_type: str, data: str, *, kind: Kind | None = None, name: str = "", call_id: str = "") -> Part:
    """Base64 text; some clients send a whole data URL where only its payload belongs."""
    kind = kind or kind_of(media_type)
    if data[:5].lower() == "data:":
        return by_url(kind, data, name=name, call_id=call_id)
    return Part(kind, data, name=name, call_id=call_id, media_type=media_type, base64=True)


def url_of(value: Json) -> str:
    """{"url": "…"} or the bare string: both are seen in the field."""
    return text(value) or text(obj(value).get("url"))
