"""What all pages of the console share: the desk, where it stands, who is signed in, how often one may ask, how text is shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from addons.console.desk import Desk
from addons.console.web.begun import Begun
from addons.console.web.limits import Limit
from addons.console.web.sessions import Sessions
from addons.console.web.site import Site
from addons.evidence.ids import time_of
from addons.evidence.package.plain import plain_text

HERE = Path(__file__).parent
STATIC = {
    "console.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "icon-waiting.svg": "image/svg+xml",
}


@dataclass(slots=True, eq=False)
class Console:
    desk: Desk
    site: Site
    sessions: Sessions = field(default_factory=Sessions)
    begun: Begun = field(default_factory=Begun)  # logins under way
    asking: Limit = field(default_factory=lambda: Limit(burst=120, per_second=10))  # by session, else by address
    guessing: Limit = field(default_factory=lambda: Limit(burst=10, per_second=0.1))  # tokens in the form, by address
    turning_away: Limit = field(
        default_factory=lambda: Limit(burst=20, per_second=0.1)
    )  # as it is recorded, by address
    static: dict[str, tuple[str, bytes]] = field(init=False, repr=False)  # name -> type, bytes
    templates: jinja2.Environment = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.static = {name: (kind, (HERE / "static" / name).read_bytes()) for name, kind in STATIC.items()}
        self.templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            finalize=inert,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.templates.filters |= {
            "day": day,
            "ago": ago,
            "left": left,
            "time": time_text,
            "person": person,
            "short": short,
        }
        self.templates.globals["static"] = self._address

    def _address(self, name: str) -> str:
        """With a digest of what is in it, so that a browser may keep it for ever."""
        return f"/static/{name}?{sha256(self.static[name][1]).hexdigest()[:16]}"


def inert(value: Any) -> Any:
    """Whatever a template shows: control characters and bidirectional marks as pictures. Escaping for HTML comes after."""
    if value is None:
        return ""
    return plain_text(value) if isinstance(value, str) and not isinstance(value, Markup) else value


# -- how values are said --------------------------------------------------------------------------------------------------


def time_text(value: str | datetime | None) -> str:
    """`2026-11-23 14:49:05`; UTC, as everything here."""
    moment = _moment(value)
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}"


def day(value: str | datetime | None) -> str:
    moment = _moment(value)
    return "" if moment is None else f"{moment:%Y-%m-%d}"


def ago(value: str | datetime | None, now: datetime) -> str:
    moment = _moment(value)
    return "" if moment is None else f"{_span(now - moment)} ago"


def left(value: str | datetime | None, now: datetime) -> str:
    moment = _moment(value)
    return "" if moment is None else _span(moment - now)


def person(subject: str | None) -> str:
    """Of `local|alice`, alice: who issued the name stands beside it where it matters."""
    return (subject or "").rpartition("|")[2]


def short(record_id: str | None) -> str:
    """The end of an id, which is what tells two of the same minute apart."""
    return "…" + (record_id or "")[-8:]


def _moment(value: str | datetime | None) -> datetime | None:
    return time_of(value) if isinstance(value, str) and value else value or None


def _span(span: timedelta) -> str:
    seconds = max(0, int(span.total_seconds()))
    for size, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {name}"
    return f"{seconds} s"
