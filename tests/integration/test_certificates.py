# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role certificates with an own authority: plan, first run, renewal, killed runs, and other hosts that trust it."""

from __future__ import annotations

import json
import re

import pytest
from company_ca import CompanyCA
from cryptography.x509 import NameOID
from lab_certificates import CRT, KEY, LOOK, USES_SERVICE, Role, changed, said


@pytest.fixture(scope="module")
def role(fresh_chat, tmp_path_factory):
    """A fresh chat host and a folder without an authority."""
    folder = tmp_path_factory.mktemp("certificates")
    return Role(
        fresh_chat,
        folder,
        certificates_ca_directory=str(folder / "pki"),
        certificates_ca_passphrase="{{ chat_ca_passphrase }}",
        certificates_handover_directory=str(folder / "windows"),
    )


def test_check_on_a_fresh_host_changes_nothing(role):
    before = role.shell(LOOK)
    result = role.done("--check", "--diff")
    assert "would install a new certificate corp.test: there is no pair yet" in said(result)
    assert role.shell(LOOK) == before
    assert sorted(path.name for path in role.folder.iterdir()) == ["extra.json", "play.yml"]


def test_passphrase_missing(role):
    result = role.deploy(certificates_ca_passphrase="")
    assert result.returncode != 0
    assert changed(result) == 0


def test_first_and_second_run(role):
    result = role.done("-vv", "--diff")
    output = result.stdout + result.stderr
    assert role.lab.secrets["administrator"] not in output
    assert "PRIVATE KEY" not in output
    before = role.shell(LOOK)
    assert changed(role.done()) == 0
    assert role.shell(LOOK) == before


def test_the_key_of_the_authority_is_encrypted_and_the_leaf_key_never_came_here(role):
    assert "BEGIN ENCRYPTED PRIVATE KEY" in (role.folder / "pki" / "root.key").read_text()
    assert sorted(path.name for path in (role.folder / "pki").iterdir()) == ["root.crt", "root.key"]


def test_what_windows_administrators_get(role):
    folder = role.folder / "windows"
    fingerprint = role.lab.exec(
        "users",
        ["openssl", "x509", "-inform", "DER", "-in", str(folder / "root.cer"), "-noout", "-fingerprint", "-sha1"],
    ).stdout
    text = (folder / "README.txt").read_bytes().decode("ascii")
    assert fingerprint.strip().partition("=")[2].replace(":", "") in text
    assert "NOT RUN ON WINDOWS" in text
    assert "certutil -f -addstore Root root.cer\r\n" in text


def test_the_service_presents_a_new_certificate_with_a_new_key_in_time(role):
    role.start_service()
    before, key = role.fingerprint(), role.shell(f"sha256sum < {KEY}")
    assert role.presented() == before
    result = role.done(certificates_renew_days=398, **USES_SERVICE)
    assert "installing a new certificate corp.test: fewer than 398 days remain" in said(result)
    assert role.fingerprint() != before
    assert role.shell(f"sha256sum < {KEY}") != key
    assert role.presented() == role.fingerprint()


def test_a_service_that_does_not_take_it_keeps_the_earlier_one(role):
    role.shell("touch /run/refuse")
    text = role.refused(certificates_renew_now=True, **USES_SERVICE)
    assert (
        "The new certificate corp.test on chat was not taken over, because the configuration of the service is not valid with it:"
        in text
    )
    assert "The earlier pair was put back and the service presents it. Correct the service and run it again." in text
    role.shell("rm /run/refuse")
    assert role.presented() == role.fingerprint()


def test_a_service_that_goes_on_presenting_the_old_one(role):
    text = role.refused(certificates_renew_now=True, **{**USES_SERVICE, "certificates_reload_command": "true"})
    assert (
        "because the service presents another one: 127.0.0.1:8443. The earlier pair was put back and the service presents it."
        in text
    )


def test_a_run_that_was_killed_half_way(role):
    """What is left of it is neither used nor in the way; what it had installed is loaded by the next one."""
    role.shell(
        "mkdir -p /etc/onprem-chat/certs/corp.test.d/pending; echo junk > /etc/onprem-chat/certs/corp.test.d/pending/corp.test.key"
    )
    role.done(certificates_renew_now=True)
    assert role.presented() != role.fingerprint()
    assert changed(role.done(**USES_SERVICE)) == 1
    assert role.presented() == role.fingerprint()


def test_other_names_and_a_pair_that_somebody_broke(role):
    result = role.done(certificates_dns_names=["corp.test", "chat.corp.test", "conference.corp.test"])
    assert "the names changed from " in said(result)
    assert "DNS:conference.corp.test" in role.shell(f"openssl x509 -in {CRT} -noout -ext subjectAltName")
    role.shell(f"openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 > $(readlink -f {KEY})")
    assert "the key does not belong to the certificate" in said(role.done())


def test_a_name_that_is_given_twice_is_one_name(role):
    """An ACME server issues it once, so a pair must not differ from its names for that."""
    names = ["corp.test", "chat.corp.test", "corp.test"]
    role.done(certificates_dns_names=names)
    assert changed(role.done(certificates_dns_names=names)) == 0


def test_a_first_name_that_is_too_long_for_a_common_name(role):
    """64 characters at most (X.520): the certificate has no subject then, and its names are critical (RFC 5280 4.2.1.6)."""
    name = f"{'a' * 40}.{'b' * 40}.corp.test"
    role.done(certificates_name="long", certificates_dns_names=[name])
    text = role.shell(f"openssl x509 -in {CRT.replace('corp.test', 'long')} -noout -subject -ext subjectAltName")
    assert text == f"subject=\nX509v3 Subject Alternative Name: critical\n    DNS:{name}\n"
    assert changed(role.done(certificates_name="long", certificates_dns_names=[name])) == 0


def test_a_host_trusts_the_authority_and_trusts_it_no_more(role):
    verify = f"openssl verify -CApath /etc/ssl/certs {CRT} 2>&1 || true"
    trusted = [{"name": "root", "file": str(role.folder / "pki" / "root.crt")}]
    assert f"{CRT}: OK" not in role.shell(verify)
    role.done(certificates_trusted=trusted)
    assert f"{CRT}: OK" in role.shell(verify)
    assert changed(role.done(certificates_trusted=trusted)) == 0
    role.done(certificates_trusted=[{"name": "root", "state": "absent"}])
    assert f"{CRT}: OK" not in role.shell(verify)


def test_one_authority_is_not_taken_for_the_second_part_of_another(role):
    """A name may end in a number, and a file may hold several certificates."""
    root = (role.folder / "pki" / "root.crt").read_text()
    bundle = root + (role.folder / "windows" / "root.pem").read_text()
    look = "ls /usr/local/share/ca-certificates | tr '\\n' ' '"
    both = [{"name": "root", "content": bundle}, {"name": "root-2", "content": root}]
    role.done(certificates_trusted=both)
    assert role.shell(look) == "onprem-chat-root+2.crt onprem-chat-root-2.crt onprem-chat-root.crt "
    assert changed(role.done(certificates_trusted=both)) == 0
    # Somebody else's play names the other one.
    role.done(certificates_trusted=[{"name": "root", "content": root}])
    assert role.shell(look) == "onprem-chat-root-2.crt onprem-chat-root.crt "
    role.done(certificates_trusted=[{"name": name, "state": "absent"} for name in ("root", "root-2")])
    assert role.shell(look) == ""


def test_half_a_certificate_is_refused(role):
    broken = [{"name": "root", "content": "-----BEGIN CERTIFICATE-----\nAAAA\n"}]
    text = role.refused(certificates_trusted=broken)
    assert "The content of root holds no whole certificate in PEM form, so chat was not told to trust it." in text


def test_each_host_of_a_play_has_the_authority_that_its_own_variables_name(role, tmp_path):
    """Two share one, one has another, and the first of all takes its certificate from elsewhere."""
    hosts = {
        "files": {"certificates_source": "files"},
        "one": {"certificates_ca_directory": str(tmp_path / "pki1"), "certificates_ca_name": "first"},
        "two": {"certificates_ca_directory": str(tmp_path / "pki2"), "certificates_ca_name": "second"},
        "three": {"certificates_ca_directory": str(tmp_path / "pki1"), "certificates_ca_name": "third"},
    }
    shared = {
        "ansible_connection": "local",
        "certificates_ca_passphrase": "{{ lookup('ansible.builtin.env', 'HOME') }}-long enough",
    }
    (tmp_path / "hosts.yml").write_text(json.dumps({"all": {"hosts": hosts, "vars": shared}}))
    tasks = [
        {
            "name": "Authority",
            "ansible.builtin.import_role": {"name": "onprem.chat.certificates", "tasks_from": "authority"},
            "when": "certificates_source == 'internal_ca'",
        },
        {
            "name": "Who",
            "ansible.builtin.debug": {
                "msg": "{{ inventory_hostname }} has {{ __certificates_root_info.subject.commonName }}."
            },
            "when": "certificates_source == 'internal_ca'",
        },
    ]
    play = [{"name": "Authorities", "hosts": "all", "gather_facts": False, "tasks": tasks}]
    (tmp_path / "play.yml").write_text(json.dumps(play))
    for made in (2, 0):
        result = role.lab.playbook(str(tmp_path / "play.yml"), inventory=tmp_path / "hosts.yml")
        assert result.returncode == 0, result.stdout + result.stderr
        found = re.findall(r"(\w+ has \w+)[.]", result.stdout)
        assert sorted(found) == ["one has first", "three has first", "two has second"]
        counts = dict(re.findall(r"^(\w+) +: .*changed=(\d+)", result.stdout, re.MULTILINE))
        assert sum(int(count) > 0 for count in counts.values()) == made


def test_another_controller_makes_no_second_authority(role, tmp_path):
    """As in a fresh clone of the inventory, where version control leaves the folder out."""
    there, before, first = tmp_path / "pki", role.shell(LOOK), role.fingerprint()
    for arguments in (["--check"], []):
        text = role.refused(*arguments, certificates_ca_directory=str(there))
        assert (
            f"The certificate corp.test on chat was signed by onprem.chat root, and that authority is not in {there}"
            in text
        )
        assert "Nothing was changed: clients that trust it would refuse what a new one signs." in text
    assert not there.exists()
    assert role.shell(LOOK) == before
    role.done(certificates_ca_directory=str(there), certificates_ca_new=True)
    assert (there / "root.key").exists()
    assert role.fingerprint() != first
    # The earlier one is still in its folder.
    assert "another authority signed it" in said(role.done())


def test_a_host_that_has_no_certificate_makes_no_second_authority_for_others(role, tmp_path):
    issued = CompanyCA(role.lab.state).issue(["corp.test"])
    name = issued.issuing.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "corp.test.crt").write_bytes(issued.pem())
    hosts = {host: {"certificates_directory": str(tmp_path / host)} for host in ("new", "old")}
    shared = {
        "ansible_connection": "local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        "certificates_name": "corp.test",
        "certificates_dns_names": ["corp.test"],
        "certificates_ca_name": name,
        "certificates_ca_directory": str(tmp_path / "pki"),
        "certificates_ca_passphrase": "{{ lookup('ansible.builtin.env', 'HOME') }}-long enough",
    }
    (tmp_path / "hosts.yml").write_text(json.dumps({"all": {"hosts": hosts, "vars": shared}}))
    play = {"name": "Authorities", "hosts": "all", "gather_facts": False, "roles": ["onprem.chat.certificates"]}
    (tmp_path / "play.yml").write_text(json.dumps([play]))
    result = role.lab.playbook(str(tmp_path / "play.yml"), "--check", inventory=tmp_path / "hosts.yml")
    assert result.returncode != 0
    assert f"on old was signed by {name}, and that authority is not in {tmp_path}/pki" in said(result)
    assert "would make the authority" not in said(result)
