"""Where the console is: its address, its certificate, what a browser may do there. Not who may enter (guard.py)."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from addons.console.state import StateRefused

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: with it browsers send `Origin: null` with our own forms (Fetch, "append a request Origin header").
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cache-Control": "no-store",
}
HSTS = "max-age=31536000"


@dataclass(frozen=True, slots=True)
class Place:
    """What the options say. port: 0 for a free one, -1 for no console."""

    host: str
    port: int
    certificate: str = ""  # PEM file: key and chain
    url: str = ""  # as browsers see it; "": from host and port

    def check(self) -> None:
        """Raises StateRefused, with every place that is wrong named: passwords of a browser do not go over an open wire."""
        if not self.certificate and not _is_loopback(self.host):
            raise StateRefused(
                f"affidavit_console_host {self.host!r} is not this machine's own, and the console has no certificate",
                "give affidavit_console_certificate (PEM: key and chain), or listen on 127.0.0.1 behind a server that has one",
            )
        if self.certificate and not Path(self.certificate).is_file():
            raise StateRefused(
                f"affidavit_console_certificate: expected a PEM file, got {self.certificate!r}", "check the path"
            )
        if self.url:
            url = urlsplit(self.url)
            plain = url.scheme == "http" and _is_loopback(url.hostname or "")
            if not (url.scheme == "https" or plain) or not url.netloc or url.path not in {"", "/"} or url.query:
                raise StateRefused(
                    f"affidavit_console_url: expected https://host or https://host:port, got {self.url!r}",
                    "give the address that people type, without a path",
                )

    def tls(self) -> ssl.SSLContext | None:
        if not self.certificate:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(self.certificate)
        except (OSError, ssl.SSLError) as error:
            raise StateRefused(
                f"affidavit_console_certificate {self.certificate}: expected a PEM key and its chain, got something else",
                "put the private key and the certificates into one file, the server's own first",
            ) from error
        return context


@dataclass(frozen=True, slots=True)
class Site:
    """The one address that counts. A request for another name that leads here is sent on, or refused."""

    origin: str  # "https://console.example.com"; what browsers send as Origin
    names: frozenset[str]  # Host headers that are ours: the origin's, and those of the listener

    @classmethod
    def of(cls, place: Place, port: int) -> Site:
        own = f"[{place.host}]:{port}" if ":" in place.host else f"{place.host}:{port}"
        origin = place.url.rstrip("/").lower() or f"{'https' if place.certificate else 'http'}://{own}"
        names = {own, urlsplit(origin).netloc}
        return cls(origin, frozenset(names | ({f"localhost:{port}"} if _is_loopback(place.host) else set())))

    @property
    def host(self) -> str:
        return urlsplit(self.origin).netloc

    @property
    def secure(self) -> bool:
        return self.origin.startswith("https:")

    @property
    def cookie(self) -> str:
        """`__Host-` binds it to this host, to https and to the whole path (RFC 6265bis, 4.1.3.2)."""
        return "__Host-affidavit" if self.secure else "affidavit"

    def headers(self) -> dict[str, str]:
        return HEADERS | ({"Strict-Transport-Security": HSTS} if self.secure else {})


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
