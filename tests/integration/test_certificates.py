# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role certificates: an own authority, delivered files, renewal, and pairs that never mismatch."""

from __future__ import annotations

import json
import subprocess

import pytest

CRT = "/etc/onprem-chat/certs/corp.test.crt"
KEY = "/etc/onprem-chat/certs/corp.test.key"
LOOK = "find /etc /usr/local -printf '%p %m %u %g %s %T@ %l\\n' | sort; getent group; dpkg-query --show"


@pytest.fixture(scope="module")
def chat(fresh_chat, tmp_path_factory):
    """A fresh chat host, a folder without an authority, and a playbook for the role."""
    folder = tmp_path_factory.mktemp("certificates")
    fresh_chat.folder = folder
    variables = {
        "certificates_name": "corp.test",
        "certificates_dns_names": ["corp.test", "chat.corp.test"],
        "certificates_ca_directory": str(folder / "pki"),
        "certificates_ca_passphrase": "{{ chat_ca_passphrase }}",
    }
    play = {"name": "Certificate", "hosts": "chat_servers", "gather_facts": False, "vars": variables}
    play["roles"] = ["onprem.chat.certificates"]
    (folder / "play.yml").write_text(json.dumps([play]))
    return fresh_chat


def deploy(chat, *arguments, **variables):
    extra = ["--extra-vars", json.dumps(variables)] if variables else []
    return chat.playbook(str(chat.folder / "play.yml"), *arguments, *extra)


def shell(chat, command):
    return chat.exec("chat", ["sh", "-c", "cd /; " + command], check=True).stdout


def changed(result):
    line = next(line for line in result.stdout.splitlines() if line.startswith("chat ") and "ok=" in line)
    return int(line.split("changed=")[1].split()[0])


def said(result):
    return " ".join((result.stdout + result.stderr).replace("\\n", " ").replace('\\"', '"').split())


def fingerprint(chat):
    return shell(chat, f"openssl x509 -in {CRT} -noout -fingerprint")


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def company(chat, name, *names, days=90):
    """What a company's authority might deliver: a certificate (here its own issuer) and its key."""
    crt, key = chat.folder / f"{name}.crt", chat.folder / f"{name}.key"
    san = "subjectAltName=" + ",".join(f"DNS:{entry}" for entry in names)
    openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", days),
        *("-subj", f"/CN={names[0]}", "-addext", san, "-keyout", key, "-out", crt),
    )
    return {
        "certificates_source": "files",
        "certificates_certificate_file": str(crt),
        "certificates_key_file": str(key),
    }


def test_check_on_a_fresh_host_changes_nothing(chat):
    before = shell(chat, LOOK)
    result = deploy(chat, "--check", "--diff")
    assert result.returncode == 0, result.stdout
    assert "would install a new certificate corp.test: there is no pair yet" in said(result)
    assert shell(chat, LOOK) == before
    assert not (chat.folder / "pki").exists()


def test_passphrase_missing(chat):
    result = deploy(chat, certificates_ca_passphrase="")
    assert result.returncode != 0
    assert changed(result) == 0


def test_first_and_second_run(chat):
    result = deploy(chat, "-vv", "--diff")
    assert result.returncode == 0, result.stdout
    output = result.stdout + result.stderr
    assert chat.secrets["administrator"] not in output
    assert "PRIVATE KEY" not in output
    before = shell(chat, LOOK)
    again = deploy(chat)
    assert changed(again) == 0
    assert shell(chat, LOOK) == before
    assert deploy(chat, "--check").returncode == 0


def test_the_key_of_the_authority_is_encrypted_and_the_leaf_key_never_came_here(chat):
    assert "BEGIN ENCRYPTED PRIVATE KEY" in (chat.folder / "pki" / "root.key").read_text()
    assert sorted(path.name for path in (chat.folder / "pki").iterdir()) == ["root.crt", "root.key"]


def test_renewal_in_time_with_a_new_key(chat):
    before, key = fingerprint(chat), shell(chat, f"sha256sum < {KEY}")
    result = deploy(chat, certificates_renew_days=398)
    assert result.returncode == 0, result.stdout
    assert "installing a new certificate corp.test: fewer than 398 days remain" in said(result)
    assert fingerprint(chat) != before
    assert shell(chat, f"sha256sum < {KEY}") != key
    assert changed(deploy(chat)) == 0


def test_other_names(chat):
    result = deploy(chat, certificates_dns_names=["corp.test", "chat.corp.test", "conference.corp.test"])
    assert "the names changed from " in said(result)
    assert "DNS:conference.corp.test" in shell(chat, f"openssl x509 -in {CRT} -noout -ext subjectAltName")


def test_a_pair_that_somebody_broke(chat):
    shell(chat, f"openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 > $(readlink -f {KEY})")
    result = deploy(chat)
    assert result.returncode == 0, result.stdout
    assert "the key does not belong to the certificate" in said(result)
    assert changed(deploy(chat)) == 0


def test_a_run_that_was_killed_half_way(chat):
    """What is left of it is neither used nor in the way."""
    before = fingerprint(chat)
    shell(
        chat,
        "mkdir /etc/onprem-chat/certs/corp.test.d/pending; echo junk > /etc/onprem-chat/certs/corp.test.d/pending/corp.test.key",
    )
    assert fingerprint(chat) == before
    assert deploy(chat, certificates_renew_days=398).returncode == 0
    assert fingerprint(chat) != before


def test_the_command_that_loads_it_runs_after_a_change_only(chat):
    command = "touch /run/loaded"
    assert deploy(chat, certificates_reload_command=command).returncode == 0
    assert "loaded" not in shell(chat, "ls /run")
    assert deploy(chat, certificates_reload_command=command, certificates_renew_days=398).returncode == 0
    assert "loaded" in shell(chat, "ls /run")


def test_delivered_files(chat):
    files = company(chat, "good", "corp.test", "*.corp.test")
    result = deploy(chat, "-vv", "--diff", **files)
    assert result.returncode == 0, result.stdout
    assert "PRIVATE KEY" not in result.stdout + result.stderr
    assert shell(chat, f"cat {CRT}") == (chat.folder / "good.crt").read_text()
    assert shell(chat, f"stat -Lc '%a %U %G' {KEY}").split() == ["640", "root", "onprem-chat-tls"]
    assert changed(deploy(chat, **files)) == 0


def test_delivered_files_that_end_soon(chat):
    result = deploy(chat, **company(chat, "short", "corp.test", "chat.corp.test", days=5))
    assert result.returncode == 0, result.stdout
    assert "short.crt is valid until " in said(result)
    assert "Order the next one." in said(result)


def test_delivered_certificate_without_a_name(chat):
    before = fingerprint(chat)
    result = deploy(chat, **company(chat, "names", "chat.corp.test"))
    assert result.returncode != 0
    assert "names.crt cannot be used: it does not cover corp.test, but chat.corp.test." in said(result)
    assert fingerprint(chat) == before


def test_delivered_key_of_another_certificate(chat):
    before = fingerprint(chat)
    company(chat, "other", "corp.test", "chat.corp.test")
    files = company(chat, "mixed", "corp.test", "chat.corp.test") | {
        "certificates_key_file": str(chat.folder / "other.key")
    }
    result = deploy(chat, **files)
    assert result.returncode != 0
    assert "The private key does not belong to the first certificate" in said(result)
    assert fingerprint(chat) == before
    assert shell(chat, f"openssl pkey -in {KEY} -pubout") == shell(chat, f"openssl x509 -in {CRT} -noout -pubkey")


def test_delivered_key_that_is_encrypted(chat):
    files = company(chat, "locked", "corp.test", "chat.corp.test")
    locked = chat.folder / "locked2.key"
    openssl("pkcs8", "-topk8", "-in", files["certificates_key_file"], "-out", locked, "-passout", "pass:something-else")
    result = deploy(chat, **files | {"certificates_key_file": str(locked)})
    assert result.returncode != 0
    assert "The private key cannot be read: is it encrypted, or not PEM?" in said(result)
