# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role ejabberd left: sockets, rights, configuration, and what it offers to those who knock."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

STATE = Path(os.environ["ONPREM_CHAT_LAB_STATE"])
OUTSIDE = {"22/sshd", "5222/beam.smp"}


def listeners(host):
    """Port and program of every TCP and UDP socket that other hosts can reach."""
    found = set()
    for line in host.check_output("ss -Hltunp").splitlines():
        address = line.split()[4]
        if not re.match(r"127\.|\[::1\]", address):
            program = re.search(r'users:\(\("([^"]+)"', line).group(1)
            found.add(f"{address.rpartition(':')[2]}/{program}")
    return found


def starttls(*arguments):
    """openssl's XMPP client, from where users are."""
    return subprocess.run(
        [
            "openssl",
            "s_client",
            "-connect",
            "10.203.0.20:5222",
            "-starttls",
            "xmpp",
            "-xmpphost",
            "corp.test",
            *arguments,
        ],
        input="",
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def test_nothing_else_is_reachable(host):
    assert listeners(host) == OUTSIDE


def test_port_mapper_and_distribution_are_local(host):
    sockets = [line.split() for line in host.check_output("ss -Hltnp").splitlines()]
    local = {
        row[3].rpartition(":")[0]
        for row in sockets
        if "epmd" in row[5] or ("beam.smp" in row[5] and not row[3].endswith(":5222"))
    }
    assert local == {"127.0.0.1"}


def test_service(host):
    assert host.service("ejabberd").is_enabled
    assert host.service("ejabberd").is_running
    assert not host.service("ejabberd").is_masked


@pytest.mark.parametrize(
    ("path", "user", "group", "mode"),
    [
        ("/etc/ejabberd/ejabberd.yml", "root", "ejabberd", 0o640),
        ("/etc/ejabberd/onprem-chat", "root", "ejabberd", 0o750),
        ("/etc/ejabberd/onprem-chat/secrets.yml", "root", "ejabberd", 0o640),
        ("/etc/ejabberd/onprem-chat/ldap-ca.crt", "root", "ejabberd", 0o640),
        ("/var/lib/ejabberd/corp.test.sqlite", "ejabberd", "ejabberd", None),
        ("/var/lib/ejabberd", "ejabberd", "ejabberd", 0o700),
        ("/var/lib/onprem-chat/ejabberd", "root", "root", 0o700),
    ],
)
def test_rights(host, path, user, group, mode):
    file = host.file(path)
    assert (file.user, file.group) == (user, group)
    assert mode is None or file.mode == mode


def test_configuration(host):
    text = host.file("/etc/ejabberd/ejabberd.yml").content_string
    for line in (
        "auth_method: [ldap]",
        "auth_use_cache: false",
        "ldap_encrypt: tls",
        "ldap_tls_verify: hard",
        "s2s_access: none",
        "starttls_required: true",
        '"mail": "%u@%d"',
    ):
        assert line in text
    assert "userAccountControl:1.2.840.113556.1.4.803:=2" in text
    assert "default: always" in text
    for word in ("mod_register", "ejabberd_http", "mod_mqtt", "stun", "web_admin", "ldap_password:", "anonymous"):
        assert word not in text


def test_archive_is_sql(host):
    assert "db_type: sql" in host.file("/etc/ejabberd/ejabberd.yml").content_string
    assert host.run("ejabberdctl mnesia_info").stdout.count("archive_msg") == 0


def test_starttls_with_a_verified_certificate():
    result = starttls(
        "-CAfile", str(STATE / "pki" / "root.crt"), "-verify_return_error", "-verify_hostname", "corp.test"
    )
    assert "Verify return code: 0 (ok)" in result.stdout, result.stderr


@pytest.mark.parametrize(("version", "accepted"), [("-tls1_1", False), ("-tls1_2", True), ("-tls1_3", True)])
def test_tls_versions(version, accepted):
    result = starttls(version, "-cipher", "ALL:@SECLEVEL=0")
    assert ("Cipher is (NONE)" not in result.stdout and result.returncode == 0) is accepted


def test_users_come_from_the_directory(host):
    assert host.run("ejabberdctl check_account anna corp.test").rc == 0
    assert host.run("ejabberdctl check_account disabled1 corp.test").rc == 1
    assert host.run("ejabberdctl registered_users corp.test").stdout.split().count("anna") == 1


def test_nothing_is_wrong_in_the_log(host):
    log = host.file("/var/log/ejabberd/ejabberd.log").content_string
    assert not re.search(r"\[(error|critical)\]", log), log[-2000:]
