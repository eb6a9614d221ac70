"""`affidavit init`: all of a state, or nothing."""

from __future__ import annotations

import json
import stat

import pytest
from click.testing import CliRunner
from cryptography import x509

from scripts.affidavit import affidavit


def test_init_makes_all_of_it_private(made):
    path, output = made

    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert {"evidence.db", "keys", "ca", "bundle.pem", "policies"} <= {entry.name for entry in path.iterdir()}
    assert "next      affidavit run" in output
    assert [entry for entry in path.parent.iterdir() if entry != path] == []


@pytest.mark.filterwarnings("ignore:Parsed a serial number")  # of a root that this machine trusts
def test_the_bundle_holds_the_machines_roots_and_ours(made):
    path, _ = made
    certificates = x509.load_pem_x509_certificates((path / "bundle.pem").read_bytes())

    assert len(certificates) > 50
    assert certificates[-1] == x509.load_pem_x509_certificate((path / "ca" / "mitmproxy-ca-cert.pem").read_bytes())


def test_init_refuses_to_overwrite(made):
    path, _ = made
    before = {entry: entry.stat().st_mtime_ns for entry in path.rglob("*")}

    result = CliRunner().invoke(affidavit, ["init", "--state", str(path)])

    assert result.exit_code == 1
    assert "exists already" in result.output
    assert before == {entry: entry.stat().st_mtime_ns for entry in path.rglob("*")}


def test_init_with_faulty_policies_leaves_nothing_behind(tmp_path):
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "identity.yaml").write_text("version: 2\n")

    result = CliRunner().invoke(
        affidavit, ["init", "--state", str(tmp_path / "state"), "--policies", str(tmp_path / "policies")]
    )

    assert result.exit_code == 1
    assert "identity.yaml:1" in result.output
    assert [entry.name for entry in tmp_path.iterdir()] == ["policies"]


def test_init_that_is_stopped_half_way_leaves_nothing_behind(tmp_path, monkeypatch):
    def fail(*_arguments, **_more):
        raise OSError("no space left on device")

    monkeypatch.setattr("scripts.ca.write_bundle", fail)

    result = CliRunner().invoke(affidavit, ["init", "--state", str(tmp_path / "state")])

    assert isinstance(result.exception, OSError)
    assert list(tmp_path.iterdir()) == []


def test_init_into_an_empty_folder_is_fine(tmp_path):
    (tmp_path / "state").mkdir(mode=0o755)

    result = CliRunner().invoke(
        affidavit, ["init", "--state", str(tmp_path / "state"), "--origin", "log.example.com/1"]
    )

    assert result.exit_code == 0, result.output
    assert "log.example.com/1+" in result.output
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


def test_init_reports_hosts_that_the_ca_cannot_speak_for(made, tmp_path):
    path, _ = made
    policies = tmp_path / "policies"
    policies.mkdir()
    for file in (path / "policies").iterdir():
        (policies / file.name).write_text(file.read_text())
    connections = policies / "connections.yaml"
    connections.write_text(connections.read_text().replace("hosts: [api.openai.com]", "hosts: [models.example.com]"))

    result = CliRunner().invoke(affidavit, ["init", "--state", str(tmp_path / "state"), "--policies", str(policies)])
    checked = CliRunner().invoke(affidavit, ["policy", "check", "--state", str(tmp_path / "state"), "--json"])
    told = CliRunner().invoke(affidavit, ["status", "--state", str(tmp_path / "state"), "--json"])

    sentence = "connections.yaml: host models.example.com is outside the CA's name constraints"
    assert sentence in result.output
    assert sentence in json.loads(checked.output)["findings"][0]
    assert any(sentence in finding for finding in json.loads(told.output)["findings"])
