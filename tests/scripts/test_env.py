"""`affidavit env`: what is printed, read by the very shells and formats it is printed for."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from scripts.affidavit import affidavit
from scripts.client_settings import (
    TRUST,
    Door,
    Gateway,
    Token,
    base_url_door,
    filled,
    java_options,
    java_store,
    proxy_door,
    replaced_keys,
)
from scripts.shells import SHELLS, VARIABLE, NotSpellable, bash, filled_in, fish, jupyter, powershell
from tests.console.desks import Clock, new_state

TOKEN = "afd_" + "t" * 43
NASTY = '/tmp/it\'s "a" $HOME `id` \\ %PATH% ${X} ; #~/bündle’.pem'
GATEWAY = Gateway("127.0.0.1", 8080, 8081, "/state/bundle.pem")
EXPECTED = filled(proxy_door(GATEWAY), TOKEN)
DOORS = (Door("openai", "openai"), Door("claude", "anthropic"), Door("second", "openai"))


def environment_of(command: list[str], text: str, names) -> dict[str, str]:
    """What a program started from this shell sees, of `names`."""
    env = {"PATH": os.environ["PATH"], "HOME": "/", VARIABLE: TOKEN}
    done = subprocess.run([*command, text + "\nenv -0"], env=env, capture_output=True, check=True)
    found = dict(line.split("=", 1) for line in done.stdout.decode().split("\0") if "=" in line)
    return {name: found[name] for name in names if name in found}


SHELLS_HERE = [
    pytest.param(command, render, id=command[0])
    for command, render in (
        (["bash", "-euc"], bash),
        (["dash", "-euc"], bash),
        (["zsh", "-euc"], bash),
        (["fish", "-c"], fish),
        (["pwsh", "-NoProfile", "-Command"], powershell),
    )
    if shutil.which(command[0])
]


@pytest.mark.parametrize("bundle", ["/state/bundle.pem", NASTY], ids=["plain", "nasty"])
@pytest.mark.parametrize("written", [True, False], ids=["token-written", "token-referred-to"])
@pytest.mark.parametrize(("command", "render"), SHELLS_HERE)
def test_a_shell_that_evaluates_the_output_gets_the_values_as_they_are(command, render, *, written, bundle):
    settings = proxy_door(Gateway("127.0.0.1", 8080, 8081, bundle))
    text = render(filled_in(settings, TOKEN) if written else settings, bundle)

    assert environment_of(command, text, dict(settings)) == filled(settings, TOKEN)


def test_bash_stops_where_the_token_is_not_set():
    done = subprocess.run(
        ["bash", "-c", bash(proxy_door(GATEWAY), "") + "echo went on"],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    assert "affidavit token mint" in done.stderr
    assert "went on" not in done.stdout


printable = (
    st.text()
    .filter(str.isprintable)
    .filter(lambda text: all(not "\ud800" <= character <= "\udfff" for character in text))
)


@given(printable)
def test_python_output_is_a_program_that_sets_the_values(bundle):
    settings = filled_in(proxy_door(Gateway("h", 1, 2, bundle)), TOKEN)
    found: dict[str, str] = {}

    class Os:
        environ = found

    text = next(shell for shell in SHELLS if shell.name == "python").render(settings, bundle)
    exec(compile(text.replace("import os\n", "", 1), "env", "exec"), {"os": Os})

    assert found == filled(settings, TOKEN)


def test_python_output_takes_the_token_from_the_environment():
    text = next(shell for shell in SHELLS if shell.name == "python").render(proxy_door(GATEWAY), "")
    script = text + "\nimport json; print(json.dumps(dict(os.environ)))"

    done = subprocess.run(
        [sys.executable, "-c", script], env={VARIABLE: TOKEN}, capture_output=True, text=True, check=True
    )

    assert EXPECTED.items() <= yaml.safe_load(done.stdout).items()


@given(printable)
def test_powershell_quoting_doubles_every_quote_it_knows(value):
    (line,) = powershell([("X", (value,))], "").removesuffix("\n").split("\n")

    inner = line.removeprefix("$env:X = '").removesuffix("'")
    assert re.sub("(['\u2018-\u201b])\\1", r"\1", inner) == value
    assert not re.search("['\u2018-\u201b]", re.sub("(['\u2018-\u201b])\\1", "", inner))


def test_dotenv_holds_bare_words_or_refuses():
    render = next(shell for shell in SHELLS if shell.name == "dotenv").render
    lines = dict(line.split("=", 1) for line in render(filled_in(proxy_door(GATEWAY), TOKEN), "").splitlines())

    assert lines == EXPECTED
    with pytest.raises(NotSpellable, match="use a --state without them"):
        render(proxy_door(Gateway("h", 1, 2, "/with space/bundle.pem")), "")


@pytest.mark.parametrize("shell", [shell for shell in SHELLS if shell.kept], ids=lambda shell: shell.name)
def test_files_that_are_kept_name_the_tokens_place_and_the_bundle_of_their_side(shell):
    gateway = Gateway(shell.host or "gateway.example", 8080, 8081, shell.bundle)

    text = shell.render(proxy_door(gateway), "/state/bundle.pem")

    assert "afd_" not in text.replace("afd_…", "")
    assert shell.bundle in text
    assert VARIABLE in text or shell.name == "dockerfile"


@pytest.mark.parametrize(
    ("name", "path", "reference"),
    [
        ("compose", ("services", "app", "environment"), "${AFFIDAVIT_TOKEN:?}"),
        ("github", ("env",), "${{ secrets.AFFIDAVIT_TOKEN }}"),
        ("gitlab", ("variables",), "$AFFIDAVIT_TOKEN"),
    ],
)
def test_yaml_outputs_are_yaml_and_leave_the_token_to_a_secret(name, path, reference):
    shell = next(shell for shell in SHELLS if shell.name == name)

    found = yaml.safe_load(shell.render(proxy_door(Gateway("gateway", 8080, 8081, shell.bundle)), NASTY))
    for key in path:
        found = found[key]

    assert found["HTTPS_PROXY"] == f"http://affidavit:{reference}@gateway:8080"
    assert f"trustStore={java_store(shell.bundle)}" in found["JAVA_TOOL_OPTIONS"]
    assert {found[name] for name in TRUST} == {shell.bundle}


def test_a_notebook_is_not_told_a_value_that_it_would_change():
    with pytest.raises(NotSpellable, match="use --shell python"):
        jupyter([("X", (" a",))], "")


def test_a_dollar_in_a_compose_file_is_not_expanded():
    shell = next(shell for shell in SHELLS if shell.name == "compose")

    assert yaml.safe_load(shell.render([("X", ("a$b",))], ""))["services"]["app"]["environment"]["X"] == "a$$b"


# -- which variables ----------------------------------------------------------------------------------------------------


def test_the_proxy_door_is_set_in_both_spellings_and_loopback_stays_direct():
    url = f"http://affidavit:{TOKEN}@127.0.0.1:8080"

    assert {EXPECTED[name] for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")} == {url}
    assert {"localhost", "127.0.0.1", "::1"} <= set(EXPECTED["NO_PROXY"].split(","))
    assert EXPECTED["no_proxy"] == EXPECTED["NO_PROXY"]
    assert EXPECTED["NODE_USE_ENV_PROXY"] == "1"


def test_the_base_url_door_leads_each_sdk_to_its_first_connection_with_the_token_as_key():
    assert filled(base_url_door(GATEWAY, DOORS), TOKEN) == {
        "OPENAI_BASE_URL": "http://127.0.0.1:8081/openai/v1",
        "OPENAI_API_KEY": TOKEN,
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:8081/claude",
        "ANTHROPIC_API_KEY": TOKEN,
    }


def test_a_connection_with_the_clients_own_key_leaves_it_alone():
    doors = (Door("openai", "openai", own_key=True),)

    assert filled(base_url_door(GATEWAY, doors), TOKEN) == {"OPENAI_BASE_URL": "http://127.0.0.1:8081/openai/v1"}
    assert replaced_keys(doors, ["OPENAI_API_KEY"]) == ()


def test_every_known_key_of_the_environment_is_replaced_by_the_token():
    names = ["PATH", "ANTHROPIC_AUTH_TOKEN", "GEMINI_API_KEY"]

    assert replaced_keys(DOORS, names) == tuple(
        (name, (Token.HERE,))
        for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "GEMINI_API_KEY", "OPENAI_API_KEY")
    )


def test_java_takes_the_bundles_twin_and_the_proxy_without_brackets_and_loopback_stays_direct():
    assert java_options(Gateway("[::1]", 8080, 8081, "/state/bundle.pem")).split() == [
        "-Djavax.net.ssl.trustStore=/state/bundle.p12",
        "-Dhttps.proxyHost=::1", "-Dhttps.proxyPort=8080", "-Dhttp.proxyHost=::1", "-Dhttp.proxyPort=8080",
        "-Dhttp.nonProxyHosts=localhost|127.*|[::1]|169.254.169.254|169.254.170.2",
    ]  # fmt: skip


def test_java_speaks_no_tls_to_a_proxy_so_there_it_gets_the_roots_only():
    assert java_options(Gateway("gateway.example", 1, 2, "/b.pem", "https")) == "-Djavax.net.ssl.trustStore=/b.p12"


@pytest.mark.skipif(shutil.which("java") is None, reason="no Java is installed")
@pytest.mark.parametrize("bundle", ["/with space/it's/b.pem", '/a "b"/c.pem', NASTY], ids=["blank", "quote", "nasty"])
def test_java_reads_a_path_with_blanks_and_quotes_as_it_is(bundle):
    options = java_options(Gateway("h", 1, 2, bundle, "https"))
    done = subprocess.run(
        ["java", "-XshowSettings:properties", "-version"],
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "JAVA_TOOL_OPTIONS": options},
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert f"javax.net.ssl.trustStore = {java_store(bundle)}\n" in done.stderr


@pytest.mark.parametrize("host", ["a b", "a'b", "$(id)", "a\nb", "a@b", "::1", ""])
def test_a_host_that_is_none_is_refused(host):
    with pytest.raises(ValueError, match="host"):
        Gateway(host, 1, 2, "/b")


def test_a_bundle_that_cannot_stand_on_one_line_is_refused():
    with pytest.raises(ValueError, match="bundle"):
        Gateway("h", 1, 2, "/a\nexport X=1")


# -- the command --------------------------------------------------------------------------------------------------------


@pytest.fixture
def state(tmp_path: Path):
    return new_state(tmp_path / "state", Clock())


def invoke(state, *arguments):
    return CliRunner().invoke(affidavit, ["env", "--state", str(state.path), *arguments])


def test_the_command_names_the_running_gateways_port(state):
    from addons.console.state import Ports

    with state.own():
        state.write_ports(Ports(proxy=4711, base_url=4712, pid=os.getpid()))
        through_proxy = invoke(state, "--token", TOKEN)

    assert f"HTTPS_PROXY=http://affidavit:{TOKEN}@127.0.0.1:4711" in through_proxy.output
    assert f"SSL_CERT_FILE={state.bundle}" in through_proxy.output


def test_without_a_gateway_the_port_must_be_said(state):
    silent = invoke(state)
    said = invoke(state, "--port", "8080")

    assert (silent.exit_code, said.exit_code) == (1, 0)
    assert "hint: start one: affidavit proxy; or say it: --port N" in silent.output


def test_base_urls_come_from_the_connections_of_the_state(state):
    result = invoke(state, "--base-url", "--port", "8081", "--shell", "dotenv", "--token", TOKEN)

    assert f"OPENAI_BASE_URL=http://127.0.0.1:8081/openai/v1\nOPENAI_API_KEY={TOKEN}\n" in result.output


@pytest.mark.parametrize("shell", ["github", "gitlab"])
def test_another_machine_must_be_told_where_the_gateway_is(state, shell):
    result = invoke(state, "--shell", shell, "--port", "8080")

    assert result.exit_code == 2
    assert "--host NAME" in result.output


def test_a_kept_file_never_holds_the_token_even_if_it_is_given(state):
    result = invoke(state, "--shell", "compose", "--port", "8080", "--token", TOKEN)

    assert result.exit_code == 0
    assert TOKEN not in result.output


def test_a_missing_state_is_an_error_with_a_hint(tmp_path):
    result = CliRunner().invoke(affidavit, ["env", "--state", str(tmp_path / "no")])

    assert result.exit_code == 1
    assert (
        result.output
        == f"error: no state at {tmp_path / 'no'}\nhint: create it: affidavit init --state {tmp_path / 'no'}\n"
    )


def test_the_bundle_is_made_anew_on_request(made, tmp_path):
    path, _ = made
    roots = tmp_path / "roots.pem"
    roots.write_text((path / "ca" / "mitmproxy-ca-cert.pem").read_text())
    before = (path / "bundle.pem").read_bytes()
    arguments = ["env", "--state", str(path), "--port", "1"]

    CliRunner().invoke(affidavit, arguments, env={"SSL_CERT_FILE": str(roots)})
    left = (path / "bundle.pem").read_bytes()
    result = CliRunner().invoke(affidavit, [*arguments, "--refresh-bundle"], env={"SSL_CERT_FILE": str(roots)})
    made_anew = (path / "bundle.pem").read_bytes()
    (path / "bundle.pem").write_bytes(before)

    assert result.exit_code == 0, result.output
    assert (left, made_anew) == (before, roots.read_bytes() * 2)
