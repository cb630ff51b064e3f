"""verify against the real ejabberd: everything passes, and each thing that is broken on purpose is named."""

from __future__ import annotations

import base64
import json

import pytest
from certificate_servers import ADDRESS, WINRM, CertificateServers
from company_ca import CompanyCA

from ansible_collections.onprem.chat.plugins.module_utils._xmpp.survey import CHECK_IDS

USERS = "10.203.0.100"
CANARY = "wrong-canary-77"


@pytest.fixture(scope="module")
def site(lab):
    """A converged site."""
    lab.chat_server()
    return lab


def on_chat(site, command):
    """Run a shell command on the chat host. Erlang refuses to start in a folder that does not exist there."""
    return site.exec("chat", ["bash", "-c", f"cd / && {command}"], check=True)


@pytest.fixture(autouse=True)
def no_ban(site):
    """These tests fail to log in on purpose; ejabberd bans an address after twenty failures in an hour."""
    on_chat(site, f"ejabberdctl unban_ip {USERS}")


@pytest.fixture
def stopped(site):
    site.exec("chat", ["systemctl", "stop", "ejabberd"], check=True)
    yield site
    on_chat(site, "systemctl start ejabberd && ejabberdctl started")


@pytest.fixture
def no_directory(site):
    """The chat host loses its way to the directory, as by a firewall that drops: nothing is refused, everything hangs."""
    site.exec("chat", ["ip", "route", "add", "blackhole", "10.203.0.10/32"], check=True)
    yield site
    site.exec("chat", ["ip", "route", "del", "blackhole", "10.203.0.10/32"], check=True)
    on_chat(site, "systemctl restart ejabberd && ejabberdctl started")


@pytest.fixture
def listeners(site, tmp_path):
    """A stand-in for a Windows desktop, and two for servers of the company; an inventory that names the desktop, too."""
    servers = CertificateServers(site, tmp_path)
    desktops = tmp_path / "desktops.yml"
    desktops.write_text(
        json.dumps({"windows": {"hosts": {"pc17": {"ansible_host": ADDRESS, "ansible_connection": "winrm"}}}})
    )
    try:
        servers.self_signed(WINRM, "PC17", days=300)
        servers.issued(9441, CompanyCA(site.state).issue([ADDRESS], days=10 + 1 / 24))
        servers.issued(9442, CompanyCA(site.state).issue([ADDRESS], days=-0.5))
        yield desktops
    finally:
        servers.stop()


def verify(site, *arguments, **variables):
    """Run the verb; gives its result and the checks in the report."""
    report = site.state / "report" / "verify.json"
    report.unlink(missing_ok=True)
    # Variables travel in a file: some hold passwords.
    extra = site.state / "verify-extra.json"
    extra.write_text(json.dumps(variables))
    extra.chmod(0o600)
    try:
        result = site.playbook("onprem.chat.verify", "-e", f"@{extra}", *arguments)
    finally:
        extra.unlink()
    return result, json.loads(report.read_text()) if report.exists() else None


def xmpp(report):
    """The checks of the users; before them stand those of the names, after them those of the certificates."""
    return [check for check in report["checks"] if check["id"].startswith("xmpp")]


def of(report, id_):
    return [(check["status"], check["evidence"]) for check in report["checks"] if check["id"] == id_]


def user(site, name, password=None):
    return {"jid": f"{name}@corp.test", "password": password or site.secrets["users"][name]}


def no_password(site, result, report):
    """Neither said nor written, at the highest verbosity that people use."""
    everything = result.stdout + result.stderr + json.dumps(report)
    drawn = [*site.secrets["users"].values(), *(value for value in site.secrets.values() if isinstance(value, str))]
    for secret in [*drawn, CANARY]:
        assert secret not in everything
        assert base64.b64encode(secret.encode()).decode() not in everything


def test_everything_passes_and_nothing_changes(site):
    result, report = verify(site, "-vvv", "--diff")
    assert result.returncode == 0, result.stdout + result.stderr
    no_password(site, result, report)
    # The report is not for everybody.
    assert (site.state / "report" / "verify.json").stat().st_mode & 0o777 == 0o640
    assert {check["status"] for check in xmpp(report)} == {"pass"}
    assert {check["id"] for check in xmpp(report)} == set(CHECK_IDS)
    assert of(report, "dns.authoritative") and {status for status, _seen in of(report, "dns.authoritative")} == {"pass"}
    assert of(report, "dns.srv.target.connect") == [("pass", "10.203.0.20: accepts")]
    assert not [check for check in report["checks"] if check["status"] in ("warn", "fail")]
    assert report["round_trip"]["from"] == "anna@corp.test"
    assert report["failed"] is False
    assert "anna@corp.test sent a message to boris@corp.test over XMPP with verified TLS" in result.stdout
    assert "changed=0" in result.stdout
    assert "PASS  xmpp.message" in result.stdout


def test_a_server_that_is_not_to_keep_messages(site):
    result, report = verify(site, ejabberd_archive="never")
    assert result.returncode == 0, result.stdout + result.stderr
    assert of(report, "xmpp.archive") == [("skip", "not asked: the server is not to keep every message")]
    assert of(report, "xmpp.message")[0][0] == "pass"


def test_the_certificates_of_the_rollout_the_nearest_end_first(site, listeners):
    watched = [{"host": ADDRESS, "port": 9441, "trust_anchors": [str(site.state / "company-ca.crt")]}]
    result, report = verify(site, "-i", str(listeners), chat_watch_endpoints=watched)
    assert result.returncode == 0, result.stdout + result.stderr
    rows = [(row["port"], row["subject"], row["status"]) for row in report["certificates"] if row["kind"] == "server"]
    assert rows == [
        (9441, f"CN={ADDRESS}", "warn"),
        (WINRM, "CN=PC17", "pass"),
        (5222, "CN=corp.test", "pass"),
        (636, "CN=dc1.corp.test", "pass"),
    ]
    assert f"WARN  certificate.expiry          {ADDRESS}:9441" in result.stdout
    assert f"in 10 days: CN={ADDRESS}, issued by CN=Corp Test Company CA,O=Corp Test" in result.stdout


def test_an_expired_certificate_fails_the_run(site, listeners):
    watched = [{"host": ADDRESS, "port": 9442, "judge": "dates"}]
    result, report = verify(site, chat_watch_endpoints=watched, chat_watch_winrm_group="none")
    assert result.returncode == 2
    assert f"1 of {len(report['checks'])} checks failed for corp.test" in result.stdout + result.stderr
    (row,) = [row for row in report["certificates"] if row["status"] == "fail"]
    assert (row["port"], row["days_left"]) == (9442, -1)


def test_wrong_ca(site, tmp_path):
    (tmp_path / "root.crt").write_bytes((site.state / "company-ca.crt").read_bytes())
    result, report = verify(site, chat_ca_directory=str(tmp_path))
    assert result.returncode == 2
    ((status, evidence),) = of(report, "xmpp.tls.certificate")
    assert status == "fail"
    assert evidence.startswith("self-signed certificate in certificate chain; names: ")
    assert "FAIL  xmpp.tls.certificate" in result.stdout
    assert "      -> The chain ends in a root that is not in ca_path. Is this the right CA file" in result.stdout
    reason = "no server with a verified certificate answered, and a password goes to no other"
    assert of(report, "xmpp.login") == [("skip", reason)] * 2
    assert report["round_trip"] is None


def test_missing_ca_file_is_reported_with_the_callers_checks(site):
    mine = {"id": "mine", "subject": "s", "status": "pass", "evidence": "e", "hint": "", "source": ""}
    result, report = verify(site, chat_ca_directory="/nowhere", verify_checks=[mine])
    assert result.returncode == 2
    assert [check["id"] for check in report["checks"]][:3] == ["mine", "xmpp", "certificate.chain.trust"]
    assert "there is no file /nowhere/root.crt" in report["checks"][1]["evidence"]
    assert "there is no /nowhere/root.crt on the controller" in report["checks"][2]["evidence"]
    # The dates are shown all the same.
    assert {row["port"] for row in report["certificates"]} == {5222, 636}


def test_wrong_password_of_a_user(site):
    users = [user(site, "anna", CANARY), user(site, "boris")]
    result, report = verify(site, "-vvv", "--diff", chat_verify_users=users)
    assert result.returncode == 2
    assert of(report, "xmpp.login") == [
        ("fail", "refused: not-authorized"),
        ("pass", "logged in over verified TLS"),
    ]
    assert of(report, "xmpp.login.wrong_password") == [
        ("warn", "refused: not-authorized, but the right password was not accepted either")
    ]
    assert of(report, "xmpp.message") == [("skip", "one of the first two users could not log in")]
    no_password(site, result, report)


def test_what_is_not_as_wanted_is_named_each_by_itself(site):
    """An enabled account in place of the disabled one; other servers, which nobody configured; a check of the caller's."""
    mine = {"id": "dns.primary", "subject": "dc1", "status": "fail", "evidence": "lags", "hint": "Wait.", "source": ""}
    enabled = user(site, "clara")
    result, report = verify(site, chat_verify_disabled_user=enabled, chat_s2s=True, verify_checks=[mine])
    assert result.returncode == 2
    assert of(report, "xmpp.login.disabled") == [("fail", "a disabled account could log in")]
    assert of(report, "xmpp.s2s")[0][0] == "fail"
    assert "FAIL  dns.primary" in result.stdout
    failed = [check["id"] for check in report["checks"] if check["status"] == "fail"]
    assert f"{len(failed)} of {len(report['checks'])} checks failed for corp.test" in result.stdout + result.stderr
    assert set(failed) >= {"dns.primary", "xmpp.login.disabled", "xmpp.s2s"}


def test_stopped_server_every_check_is_still_reported(stopped):
    result, report = verify(stopped, verify_timeout=3)
    assert result.returncode == 2
    assert {check["id"] for check in xmpp(report)} == set(CHECK_IDS)
    assert of(report, "dns.srv.target.connect")[0][0] == "fail"
    assert of(report, "xmpp.tcp")[0][0] == "fail"
    assert of(report, "xmpp.message") == [("skip", "no server answered")]
    assert "systemctl status ejabberd" in result.stdout


def test_check_mode_reports_and_does_not_fail(stopped):
    result, report = verify(stopped, "--check", verify_timeout=3)
    assert result.returncode == 0, result.stdout + result.stderr
    assert report is None
    assert "FAIL  xmpp.tcp" in result.stdout
    assert "Check mode: 3 checks failed, but nothing was rolled out in this run." in result.stdout


def test_directory_unreachable_logins_end_in_time(no_directory):
    result, report = verify(no_directory, verify_timeout=3)
    assert result.returncode == 2
    for status, evidence in of(report, "xmpp.login"):
        assert status == "fail"
        assert evidence == "no answer within 3 s"
    assert of(report, "xmpp.login.disabled") == [("fail", "neither accepted nor refused: no answer within 3 s")]
    assert "the server cannot reach its directory" in result.stdout
