"""`affidavit login` and `logout`: an issuer's word becomes a gateway token, which is kept where only its owner reads it.

Browser first (authorization code with PKCE, back to loopback), `--device` where there is none, `--ci` for jobs. The refresh token
goes to the gateway, which asks the issuer again; nothing but the gateway token stays here.
"""

from __future__ import annotations

import asyncio
import http.server
import json
import os
import secrets
import time
import webbrowser
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import click

from addons.console.fetch import Answer, Unreachable, fetch
from addons.console.state import StateFolder
from addons.tokens import oidc_flows
from addons.tokens.oidc_flows import Ask, Client, Device, Pending, Provider, Tokens
from scripts import saved_login, seen
from scripts.options import gateway_option, json_option, state_option
from scripts.remote import Remote
from scripts.terminal import Failed, one_line, print_json
from scripts.tokens import Lifetime

BROWSER_SECONDS = 300
AUDIENCE = "affidavit"  # that CI tokens are asked for, unless --audience says otherwise
RENEW_AT = 0.5  # of a token's life, with --keep
SHORTEST_WAIT_SECONDS = 5
EXAMPLES = """\b
Examples:
  affidavit login --purpose "OPS-1234: release notes"
  affidavit login --gateway https://gateway.example.com:8081 --device
  affidavit login --ci --print          (GitHub Actions, GitLab, Kubernetes; in long jobs: --keep &)
  export AFFIDAVIT_TOKEN=$(affidavit login --print)
"""


@click.command(epilog=EXAMPLES)
@click.option("--issuer", "issuer_id", help="Which issuer of the gateway's identity.yaml.  [default: the only one]")
@click.option("--device", is_flag=True, help="Sign in on another device, by a code: where there is no browser here.")
@click.option("--ci", is_flag=True, help="Take the token that this job was given by its CI or cluster.")
@click.option(
    "--audience", default=AUDIENCE, show_default=True, help="With --ci on GitHub: what the token is asked for."
)
@click.option(
    "--keep", is_flag=True, help="With --ci: stay, and renew the token before it ends, until you are stopped."
)
@click.option("--on-behalf-of", default="", help="With --ci: the person who started the job, in the job's own word.")
@click.option("--purpose", default="", help="What for; goes into each exchange's record.")
@click.option(
    "--lifetime", type=Lifetime(), help="How long at most.  [default: as long as the issuer's session_seconds]"
)
@click.option("--no-browser", is_flag=True, help="Print the address instead of opening it.")
@click.option("--print", "print_token", is_flag=True, help="Print the token on stdout, and keep it nowhere.")
@gateway_option()
@json_option()
@state_option()
def login(
    *,
    folder: StateFolder,
    gateway: str,
    issuer_id: str | None,
    device: bool,
    ci: bool,
    audience: str,
    keep: bool,
    on_behalf_of: str,
    purpose: str,
    lifetime: timedelta | None,
    no_browser: bool,
    print_token: bool,
    as_json: bool,
) -> None:
    """Sign in at your organisation's issuer, for a gateway token."""
    remote = Remote(gateway, folder)
    body: dict[str, Any] = {"purpose": purpose}
    if lifetime:
        body["lifetime_seconds"] = int(lifetime.total_seconds())
    if ci:
        body["on_behalf_of"] = on_behalf_of
        given = remote.ask("POST", "/login", job_token(os.environ, audience), body)
    else:
        tokens = _person(remote, issuer_id, device=device, no_browser=no_browser)
        given = remote.ask("POST", "/login", tokens.id_token, {**body, "refresh_token": tokens.refresh_token})
    _hand_over(remote, given, print_token=print_token, as_json=as_json)
    while ci and keep:
        seconds = max(SHORTEST_WAIT_SECONDS, RENEW_AT * _seconds_left(given))
        time.sleep(seconds)
        renewed = remote.ask("POST", "/login", job_token(os.environ, audience), {**body, "renew": given["token"]})
        given = {**renewed, "token": given["token"]}


@click.command(epilog="\b\nExample:\n  affidavit logout")
@gateway_option()
@json_option()
@state_option()
def logout(*, folder: StateFolder, gateway: str, as_json: bool) -> None:
    """End the gateway token of your login, here and at the gateway."""
    remote = Remote(gateway, folder)
    kept = saved_login.saved(remote.name, Path.home())
    if kept is None:
        raise Failed(
            f"no login is kept for {remote.name}",
            "affidavit login; a token that you were given: affidavit token revoke",
        )
    saved_login.forget(remote.name, Path.home())
    row = remote.ask("POST", "/logout", kept["token"], {})
    if as_json:
        print_json(row)
        return
    click.echo(one_line(f"{row['id']} of {row['subject']} is ended since {row['revoked_at']}"))


# A person


def _person(remote: Remote, issuer_id: str | None, *, device: bool, no_browser: bool) -> Tokens:
    issuer = _issuer(remote.ask("GET", "/login")["issuers"], issuer_id)
    client = Client(issuer["client_id"], scopes=tuple(issuer["scopes"]))
    found = _sent(oidc_flows.discovery_ask(issuer["issuer"]))
    provider = oidc_flows.discovery(issuer["issuer"], found.status, found.body)
    tokens = _by_device(provider, client) if device else _by_browser(provider, client, no_browser=no_browser)
    if not tokens.id_token:
        raise Failed(
            "the issuer gave no ID token", "does the scope hold openid? see scopes in the gateway's identity.yaml"
        )
    return tokens


def _issuer(issuers: list[dict[str, Any]], wanted: str | None) -> dict[str, Any]:
    named = ", ".join(one["id"] for one in issuers)
    if not issuers:
        raise Failed(
            "the gateway names no issuer at which people sign in",
            "its operator sets issuers and client_id in identity.yaml; for a trial: affidavit token mint",
        )
    chosen = [one for one in issuers if wanted in (None, one["id"])]
    if len(chosen) != 1:
        raise Failed(f"expected one issuer, got {len(chosen)}", f"say which: --issuer, one of {named}")
    return chosen[0]


def _sent(ask: Ask) -> Answer:
    try:
        return asyncio.run(fetch(ask))
    except Unreachable as error:
        host = urlsplit(ask.url).netloc
        raise Failed(f"the issuer at {host} does not answer ({error})", "for a private CA: SSL_CERT_FILE") from error


def _by_browser(provider: Provider, client: Client, *, no_browser: bool) -> Tokens:
    with _Callback() as server:
        pending = oidc_flows.begin(provider, client, server.redirect_uri, secrets.token_bytes)
        if no_browser or not webbrowser.open(pending.url):
            click.echo(f"Open this address in a browser on this machine:\n  {pending.url}", err=True)
        else:
            click.echo("Sign in in the browser that has opened. (None? --no-browser, or --device)", err=True)
        code = oidc_flows.code_of(pending, server.wait())
    return _with_code(provider, client, pending, code)


def _with_code(provider: Provider, client: Client, pending: Pending, code: str) -> Tokens:
    answer = _sent(oidc_flows.code_ask(provider, client, pending, code))
    tokens = oidc_flows.tokens(answer.status, answer.body)
    oidc_flows.check_nonce(pending, tokens.id_token)
    return tokens


class _Callback(http.server.HTTPServer):
    """One answer on a free port of loopback (RFC 8252, 7.3). Anything but the callback's path is none."""

    timeout = 1.0

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answered)
        self.query: str | None = None

    @property
    def redirect_uri(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/callback"

    def wait(self) -> str:
        until = time.monotonic() + BROWSER_SECONDS
        while self.query is None:
            if time.monotonic() > until:
                raise Failed(f"nobody signed in within {BROWSER_SECONDS} s", "affidavit login again, or --device")
            self.handle_request()
        return self.query


class _Answered(http.server.BaseHTTPRequestHandler):
    server: _Callback

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        found = url.path == "/callback" and self.server.query is None
        if found:
            self.server.query = url.query
        body = b"You are signed in; close this page.\n" if found else b"Nothing is here.\n"
        self.send_response(200 if found else 404)
        self.send_header("content-type", "text/plain; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the base class's name
        """The address holds a code."""


def _by_device(provider: Provider, client: Client) -> Tokens:
    answer = _sent(oidc_flows.device_ask(provider, client))
    begun = oidc_flows.device(answer.status, answer.body)
    click.echo(f"On any device, open\n  {begun.verification_uri}\nand enter the code\n  {begun.user_code}", err=True)
    return _polled(provider, client, begun)


def _polled(provider: Provider, client: Client, begun: Device) -> Tokens:
    interval, until = begun.interval_seconds, time.monotonic() + begun.expires_seconds
    while time.monotonic() < until:
        time.sleep(interval)
        answer = _sent(oidc_flows.device_poll_ask(provider, client, begun))
        found = oidc_flows.polled(answer.status, answer.body)
        if isinstance(found, Tokens):
            return found
        interval += found.slower_seconds
    raise Failed("the code was not entered in time", "affidavit login --device again")


# A job


def job_token(environment: Mapping[str, str], audience: str) -> str:
    """The token that this job's surroundings vouch with, fresh. Raises Failed."""
    if url := environment.get("ACTIONS_ID_TOKEN_REQUEST_URL"):
        bearer = environment.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "")
        mark = "&" if "?" in url else "?"
        headers = (("authorization", f"Bearer {bearer}"), ("accept", "application/json"))
        answer = _sent(Ask("GET", f"{url}{mark}audience={quote(audience, safe='')}", headers))
        token = _value(answer)
    elif path := environment.get("AFFIDAVIT_ID_TOKEN_FILE"):
        try:
            token = Path(path).read_text("ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Failed(
                f"AFFIDAVIT_ID_TOKEN_FILE {path}: {type(error).__name__}", "is the token volume mounted there?"
            ) from error
    else:
        token = environment.get("AFFIDAVIT_ID_TOKEN", "").strip()
    if not token:
        raise Failed(
            "this job has no identity token",
            "GitHub: permissions: id-token: write; GitLab: id_tokens: AFFIDAVIT_ID_TOKEN; Kubernetes: a projected "
            "serviceAccountToken, and AFFIDAVIT_ID_TOKEN_FILE",
        )
    return token


def _value(answer: Answer) -> str:
    try:
        value = json.loads(answer.body).get("value", "") if answer.status == 200 else ""
    except (ValueError, AttributeError):
        value = ""
    if not isinstance(value, str) or not value:
        raise Failed(
            f"GitHub answers {answer.status} without a token", "is permissions: id-token: write set for this job?"
        )
    return value


# What is done with it


def _hand_over(remote: Remote, given: dict[str, Any], *, print_token: bool, as_json: bool) -> None:
    if said := seen.look(remote.name, lambda size: remote.ask("GET", f"/continuity/{size}"), seen.folder_here()):
        click.echo(f"note: {said}", err=True)
    told = one_line(
        f"{given['subject']} ({', '.join(given['groups']) or 'no groups'}), grade {given['grade']}, until {given['expires_at']}"
    )
    shown = {name: value for name, value in given.items() if print_token or name != "token"}
    if not print_token:
        kept = {name: given[name] for name in ("token", "id", "subject", "expires_at")}
        where = saved_login.save(remote.name, kept, Path.home())
        click.echo(f"signed in as {told}; kept in {where}", err=True)
    if as_json:
        print_json(shown)
    elif print_token:
        click.echo(given["token"])
        click.echo(f"signed in as {told}", err=True)


def _seconds_left(given: dict[str, Any]) -> float:
    from addons.evidence.ids import time_of  # noqa: PLC0415 -- only for jobs that stay

    return (time_of(given["expires_at"]) - time_of(given["minted_at"])).total_seconds()
