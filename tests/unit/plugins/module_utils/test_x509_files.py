# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names, modes and text of the two files: verdict, evidence and hint to the letter."""

from __future__ import annotations

import functools
import subprocess

import pytest

from ansible_collections.onprem.chat.plugins.module_utils._x509.judge_files import File, judge_files
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.x509_workshop import company, good_leaf

IDS = ["certificate.files.names", "certificate.files.modes", "certificate.files.text"]
NAMES, MODES, TEXT = IDS
NAME = "chat.corp.test"
CRT, KEY = f"/certs/{NAME}.crt", f"/certs/{NAME}.key"


@functools.cache
def pem():
    return good_leaf().certificate.pem + company()[1].certificate.pem


@functools.cache
def key_pem(passphrase=None, form="PKCS8"):
    return good_leaf().key_pem(passphrase, form)


def files(crt=None, key=None, crt_path=CRT, key_path=KEY, crt_mode=0o644, key_mode=0o600, owner="root"):
    certificate = File(crt_path, pem() if crt is None else crt, crt_mode, owner, owner)
    return certificate, File(key_path, key_pem() if key is None else key, key_mode, owner, owner)


def judged(name=NAME, **differently):
    certificate, key = files(**differently)
    checks = judge_files(certificate, key, "chat", name)
    assert [check.id for check in checks] == IDS
    return checks


def test_a_good_pair():
    checks = judged()
    assert [(check.status, check.evidence, check.hint) for check in checks] == [
        ("pass", f"{CRT} and {KEY}", ""),
        ("pass", f"{CRT} 0644 root:root, {KEY} 0600 root:root", ""),
        ("pass", "chat.corp.test.crt: 2 certificates, chat.corp.test.key: one private key", ""),
    ]


def test_without_a_key_and_without_modes():
    checks = judge_files(File(CRT, pem()), None, "chat")
    assert [(check.status, check.evidence) for check in checks] == [
        ("pass", CRT),
        ("skip", "the modes are not known"),
        ("pass", "chat.corp.test.crt: 2 certificates"),
    ]


def test_a_key_for_the_group_of_the_service():
    assert not [check for check in judged(key_mode=0o640) if check.status != "pass"]


@pytest.mark.parametrize("form", ["PKCS8", "TraditionalOpenSSL"])
def test_forms_of_keys_that_servers_read(form):
    assert not [check for check in judged(key=key_pem(form=form)) if check.status != "pass"]


def glued():
    return pem().replace(b"-----\n-----BEGIN", b"----------BEGIN")


CASES = {
    "another name": (
        {"crt_path": "/certs/fullchain.pem"},
        NAMES,
        "fail",
        "/certs/fullchain.pem must be called chat.corp.test.crt",
        "The product looks for that name: rename it.",
    ),
    "upper case": (
        {"key_path": "/certs/Chat.corp.test.key"},
        NAMES,
        "fail",
        "/certs/Chat.corp.test.key must be called chat.corp.test.key",
        "The product looks for that name: rename it.",
    ),
    "two folders": (
        {"key_path": "/private/chat.corp.test.key"},
        NAMES,
        "warn",
        "/certs/chat.corp.test.crt and /private/chat.corp.test.key lie in different folders",
        "The product looks in one folder.",
    ),
    "key for everybody": (
        {"key_mode": 0o644},
        MODES,
        "fail",
        "/certs/chat.corp.test.key 0644 root:root: everybody on the host can use the private key",
        "chmod 0640 /certs/chat.corp.test.key. If others than administrators work on the host, make a new key.",
    ),
    "certificate that the group may write": (
        {"crt_mode": 0o664},
        MODES,
        "fail",
        "/certs/chat.corp.test.crt 0664 root:root: others than its owner may write it",
        "chmod 0644 /certs/chat.corp.test.crt",
    ),
    "key that nobody may read": (
        {"key_mode": 0o000, "owner": "chat"},
        MODES,
        "warn",
        "/certs/chat.corp.test.key 0000 chat:chat: its owner cannot read it",
        "chmod u+r /certs/chat.corp.test.key",
    ),
    "byte order mark": (
        {"crt": b"\xef\xbb\xbf" + pem()},
        TEXT,
        "warn",
        "/certs/chat.corp.test.crt begins with a byte order mark",
        "OpenSSL 3 passes over it, Java does not read such a file. Was it saved with a Windows editor? Save it as "
        "plain ASCII.",
    ),
    "UTF-16": (
        {"crt": pem().decode().encode("utf-16")},
        TEXT,
        "fail",
        "/certs/chat.corp.test.crt is UTF-16",
        "Was it saved with a Windows editor? Save it as plain ASCII.",
    ),
    "line ends of Windows": (
        {"crt": pem().replace(b"\n", b"\r\n")},
        TEXT,
        "warn",
        "/certs/chat.corp.test.crt has the line ends of Windows (CRLF)",
        "OpenSSL reads them, scripts of installers may not: dos2unix.",
    ),
    "line ends of old Macs": (
        {"crt": pem().replace(b"\n", b"\r")},
        TEXT,
        "fail",
        "/certs/chat.corp.test.crt has the line ends of old Macs",
        "Write it with unix line ends.",
    ),
    "text around": (
        {"crt": b"Bag Attributes\n    friendlyName: chat\n" + pem()},
        TEXT,
        "warn",
        "/certs/chat.corp.test.crt has text around the blocks",
        "OpenSSL passes over it, others do not. Leave it out.",
    ),
    "no last line end": (
        {"crt": pem().rstrip()},
        TEXT,
        "warn",
        "the last line of /certs/chat.corp.test.crt does not end",
        "What is appended to it will be lost. Add a line end.",
    ),
    "two blocks in one line": (
        {"crt": glued()},
        TEXT,
        "fail",
        "/certs/chat.corp.test.crt has END and BEGIN in one line",
        "Was a file without a last line end appended to? Break the line.",
    ),
    "cut": (
        {"crt": pem()[:-60] + b"\n"},
        TEXT,
        "fail",
        "/certs/chat.corp.test.crt has a line BEGIN without its END, or the other way round",
        "Was it cut? Take the original.",
    ),
    "empty": ({"crt": b"\n"}, TEXT, "fail", "/certs/chat.corp.test.crt is empty", "Was the disk full?"),
    "DER": (
        {"crt": good_leaf().certificate.der},
        TEXT,
        "fail",
        "/certs/chat.corp.test.crt is binary (DER or PKCS#12)",
        "Servers read certificates as PEM.",
    ),
    "something else": (
        {"crt": b"<html>404</html>\n"},
        TEXT,
        "fail",
        "/certs/chat.corp.test.crt holds no PEM block",
        "Servers read certificates as PEM.",
    ),
    "label of OpenSSL": (
        {"crt": pem().replace(b"CERTIFICATE", b"TRUSTED CERTIFICATE")},
        TEXT,
        "fail",
        "/certs/chat.corp.test.crt has the label TRUSTED CERTIFICATE",
        "Only OpenSSL knows it: write -----BEGIN CERTIFICATE-----.",
    ),
    "PKCS#7": (
        {"crt": b"-----BEGIN PKCS7-----\nMAA=\n-----END PKCS7-----\n"},
        TEXT,
        "fail",
        "/certs/chat.corp.test.crt is PKCS#7",
        "Servers read single certificates: openssl pkcs7 -print_certs.",
    ),
    "encrypted key": (
        {"key": key_pem(b"canary")},
        TEXT,
        "fail",
        "the key in /certs/chat.corp.test.key is encrypted",
        "A service has nobody to ask for the passphrase: write it without one.",
    ),
    "encrypted key, traditional": (
        {"key": key_pem(b"canary", "TraditionalOpenSSL")},
        TEXT,
        "fail",
        "the key in /certs/chat.corp.test.key is encrypted",
        "A service has nobody to ask for the passphrase: write it without one.",
    ),
    "key of SSH": (
        {"key": b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"},
        TEXT,
        "fail",
        "/certs/chat.corp.test.key has the label OPENSSH PRIVATE KEY",
        "Servers read PKCS#8, PKCS#1 or SEC 1: write it anew.",
    ),
    "two keys": (
        {"key": key_pem() * 2},
        TEXT,
        "warn",
        "/certs/chat.corp.test.key holds 2 private keys",
        "Servers take the first one. Leave the others out.",
    ),
    "files mixed up": (
        {"key": good_leaf().certificate.pem},
        TEXT,
        "fail",
        "/certs/chat.corp.test.key holds no private key",
        "It holds CERTIFICATE. Were files mixed up?",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_literally(case):
    differently, id_, *told = case
    bad = [
        (check.id, check.status, check.evidence, check.hint)
        for check in judged(**differently)
        if check.status != "pass"
    ]
    assert bad == [(id_, *told)]


def test_a_key_in_the_file_of_the_certificate():
    bad = {
        check.id: (check.status, check.evidence) for check in judged(crt=pem() + key_pem()) if check.status != "pass"
    }
    assert bad == {
        MODES: (
            "fail",
            f"{CRT} 0644 root:root: it holds a private key, too, and everybody on the host can read it",
        ),
        TEXT: ("warn", f"{CRT} holds a private key, too"),
    }


def test_nothing_of_a_key_is_told():
    secret = key_pem().splitlines()[1].decode()
    for data in (key_pem(), key_pem() * 2, b"x" + key_pem(), key_pem()[:-30]):
        checks = judged(key=data, key_mode=0o777)
        assert secret not in str(checks.as_list())
    assert secret not in repr(files())


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        (pem, {2}),
        (lambda: b"\xef\xbb\xbf" + pem(), {2}),
        (lambda: pem().replace(b"\n", b"\r\n"), {2}),
        (lambda: b"Bag Attributes\n" + pem(), {2}),
        (lambda: pem().decode().encode("utf-16"), {0}),
        (lambda: pem().replace(b"\n", b"\r"), {0}),
        # the second one now and then, as the first one's length has it
        (glued, {0, 1}),
        (lambda: pem()[:-60] + b"\n", {1}),
    ],
    ids=["good", "mark", "CRLF", "around", "UTF-16", "CR", "glued", "cut"],
)
def test_what_openssl_reads_of_them(tmp_path, text, numbers):
    """What fails is not read by OpenSSL, either; what is a warning is."""
    (tmp_path / "chain.pem").write_bytes(text())
    command = ["openssl", "storeutl", "-noout", "-certs", str(tmp_path / "chain.pem")]
    answer = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (answer.stdout + answer.stderr).count(": Certificate") in numbers
