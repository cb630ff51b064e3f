# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role certificates left, seen by openssl on the host and on the controller."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

CA = Path(os.environ["ONPREM_CHAT_LAB_STATE"]) / "molecule-pki"
CRT = "/etc/onprem-chat/certs/corp.test.crt"
KEY = "/etc/onprem-chat/certs/corp.test.key"


def test_modes(host):
    key = host.file(KEY).linked_to
    assert (host.file(key).user, host.file(key).group, host.file(key).mode) == ("root", "onprem-chat-tls", 0o640)
    crt = host.file(host.file(CRT).linked_to)
    assert (crt.user, crt.mode) == ("root", 0o644)


def test_both_names_go_through_one_link(host):
    assert os.path.dirname(host.file(KEY).linked_to) == os.path.dirname(host.file(CRT).linked_to)  # noqa: PTH120


def test_key_belongs_to_certificate(host):
    assert host.check_output(f"openssl x509 -in {CRT} -noout -pubkey") == host.check_output(
        f"openssl pkey -in {KEY} -pubout"
    )


def test_nothing_was_left_pending(host):
    assert not host.file("/etc/onprem-chat/certs/corp.test.d/pending").exists


def test_server_certificate_first_then_the_root(host):
    text = host.file(CRT).content_string
    assert text.count("BEGIN CERTIFICATE") == 2
    assert text.rstrip().endswith((CA / "root.crt").read_text().strip())


@pytest.mark.parametrize("name", ["corp.test", "chat.corp.test"])
def test_clients_that_trust_the_root_accept_it(host, name, tmp_path):
    leaf = tmp_path / "leaf.crt"
    leaf.write_text(host.file(CRT).content_string)
    local = host.get_host("local://")
    result = local.run(
        "openssl verify -x509_strict -purpose sslserver -verify_hostname %s -CAfile %s %s",
        name,
        str(CA / "root.crt"),
        str(leaf),
    )
    assert result.rc == 0, result.stderr


def test_the_authority_stays_on_the_controller(host):
    assert CA.stat().st_mode & 0o777 == 0o700
    assert (CA / "root.key").stat().st_mode & 0o777 == 0o600
    assert "ENCRYPTED" in (CA / "root.key").read_text()
    assert host.run("grep -rl ENCRYPTED /etc/onprem-chat /home/deploy").stdout == ""
