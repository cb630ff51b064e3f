# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""certificate_bundle on a real Debian 12 with its own python3-cryptography: read back by openssl, killed, looked at for secrets."""

from __future__ import annotations

import concurrent.futures
import datetime
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from command_lines import CommandLines
from conftest import ROOT
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs7, pkcs12

from ansible_collections.onprem.chat.plugins.modules import certificate_bundle
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils import x509_workshop as workshop

MODULE = "onprem.chat.certificate_bundle"
CERTS = "/etc/onprem-chat/certs"
CRT, KEY = f"{CERTS}/corp.test.crt", f"{CERTS}/corp.test.key"
PASSPHRASE = "canary-Pa55phrase-9b1c"
EXAMPLES = yaml.safe_load(certificate_bundle.EXAMPLES)
LOOK = "find /etc /opt /root /var/tmp /home -printf '%p %m %u %g %s %T@ %l\\n' | sort"


class Company:
    """A CA, a folder on the controller with what it delivers, and the chat host."""

    def __init__(self, lab, folder: Path) -> None:
        workshop.NOW = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
        workshop.company.cache_clear()
        self.lab, self.folder = lab, folder
        self.root, self.issuing = workshop.company()
        self.leaf = self.issue(key="chat")
        self.anchor = self.file("root.crt", self.root.certificate.pem)

    def issue(self, *names: str, **more):
        return workshop.good_leaf(dns=names or ("chat.corp.test", "corp.test"), **more)

    def file(self, name: str, data: bytes) -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(data)
        return str(path)

    def delivered(self, name: str, leaf) -> list[str]:
        """Chain in the wrong order and in DER, the key encrypted."""
        return [
            self.file(f"{name}/chain.pem", self.root.certificate.pem + self.issuing.certificate.pem),
            self.file(f"{name}/server.cer", leaf.certificate.der),
            self.file(f"{name}/server.key", leaf.key_pem(PASSPHRASE.encode())),
        ]

    def run(self, leaf=None, *more: str, name: str = "delivered", **arguments) -> dict:
        wanted = {"path": CERTS, "name": "corp.test"}
        if leaf is not None:
            wanted |= {
                "sources": self.delivered(name, leaf),
                "passphrases": [PASSPHRASE],
                "trust_anchors": [self.anchor],
            }
        return self.lab.module(MODULE, {**wanted, **arguments}, *more, host="chat")

    def shell(self, command: str, **options) -> str:
        return self.lab.exec("chat", ["sh", "-c", f"cd /; {command}"], check=True, **options).stdout

    def put(self, path: str, data: bytes) -> None:
        """A file on the chat host."""
        self.shell(
            f"mkdir -p $(dirname {path}); umask 077; cat > {path}", input=data.decode("latin-1"), encoding="latin-1"
        )

    def pair(self) -> tuple[str, str]:
        """Public key of the certificate and of the key, by openssl."""
        return self.shell(f"openssl x509 -in {CRT} -noout -pubkey"), self.shell(f"openssl pkey -in {KEY} -pubout")


@pytest.fixture(scope="module")
def bare(laboratory, tmp_path_factory) -> Company:
    """A chat host to which nothing was done."""
    laboratory.reset("chat")
    laboratory.up()
    return Company(laboratory, tmp_path_factory.mktemp("company"))


@pytest.fixture(scope="module")
def company(bare) -> Company:
    """The host with the library from Debian and a group for keys."""
    bare.lab.install("chat", "python3-cryptography", "openssl")
    bare.shell("getent group ssl-cert || groupadd --system ssl-cert")
    assert "38.0.4" in bare.shell("python3 -c 'import cryptography; print(cryptography.__version__)'")
    return bare


def test_without_the_library(bare):
    if bare.lab.exec("chat", ["python3", "-c", "import cryptography"]).returncode == 0:
        pytest.skip("the image has python3-cryptography")
    result = bare.run(bare.leaf)
    assert result["failed"] is True
    assert (
        "Failed to import the required Python library (cryptography) on chat's Python /usr/bin/python3" in result["msg"]
    )


def test_check_run_and_again(company):
    before = company.shell(LOOK)
    checked = company.run(company.leaf, "--check", "--diff", group="ssl-cert", mode="0640", dns_names=["corp.test"])
    assert (checked["changed"], company.shell(LOOK)) == (True, before)
    result = company.run(company.leaf, "--diff", group="ssl-cert", mode="0640", dns_names=["corp.test"])
    assert (result["changed"], result["diff"]) == (True, checked["diff"])
    assert company.shell(f"stat -Lc '%a %U %G' {CRT} {KEY}").split("\n")[:2] == [
        "644 root ssl-cert",
        "640 root ssl-cert",
    ]
    public, private = company.pair()
    assert public == private
    company.put("/root/root.crt", company.root.certificate.pem)
    assert company.shell(
        f"openssl verify -purpose sslserver -x509_strict -CAfile /root/root.crt -untrusted {CRT} {CRT}"
    ) == (f"{CRT}: OK\n")
    assert company.shell(f"grep -c BEGIN {CRT}").strip() == "3"
    assert (
        company.shell(f"openssl x509 -in {CRT} -noout -fingerprint -sha256")
        .strip()
        .lower()
        .replace(":", "")
        .endswith(result["chain"][0]["fingerprint"])
    )
    before = company.shell(LOOK)
    for more in ((), ("--check",)):
        again = company.run(company.leaf, *more, group="ssl-cert", mode="0640", dns_names=["corp.test"])
        assert (again["changed"], company.shell(LOOK)) == (False, before)


def test_a_bad_bundle_changes_nothing(company):
    before = company.shell(LOOK)
    result = company.run(company.issue("other.corp.test"), dns_names=["corp.test"])
    assert (result["failed"], company.shell(LOOK)) == (True, before)
    assert result["msg"].startswith("The bundle for corp.test is refused by 1 check. certificate.names: ")


def test_a_file_of_the_vault_and_old_pkcs12(company):
    """The passphrase travels by the environment of openssl and by a file of the vault; RC2-40 as old Windows exports it."""
    leaf = company.issue(key="old windows")
    command = ["openssl", "pkcs12", "-export", "-legacy", "-certpbe", "PBE-SHA1-RC2-40", "-keypbe", "PBE-SHA1-3DES"]
    p12 = subprocess.run(
        [*command, "-macalg", "sha1", "-passout", "env:PASSPHRASE"],
        input=leaf.key_pem() + leaf.certificate.pem + company.issuing.certificate.pem + company.root.certificate.pem,
        env=os.environ | {"PASSPHRASE": PASSPHRASE},
        capture_output=True,
        check=True,
    ).stdout
    path = company.file("chat.p12", p12)
    password = company.file("vault-password", b"a password of the vault")
    subprocess.run(
        ["ansible-vault", "encrypt", "--vault-password-file", password, path], check=True, capture_output=True
    )
    arguments = {"sources": [path], "passphrases": [PASSPHRASE], "trust_anchors": [company.anchor]}
    failed = company.run(**arguments)
    assert failed["msg"].startswith(f"sources: {path} is a file of the vault and cannot be decrypted: ")
    result = company.run(None, "--vault-password-file", password, **arguments)
    assert (result["failed"], result["changed"]) == (False, True)
    assert company.pair()[0] == company.pair()[1]
    assert company.run(None, "--vault-password-file", password, **arguments)["changed"] is False


def test_previous(company):
    company.run(company.leaf)
    before = company.pair()
    company.run(company.issue(key="another"))
    assert company.pair() != before
    result = company.run(state="previous")
    assert (result["changed"], company.pair()) == (True, before)


def test_a_pair_made_by_hand(company):
    company.shell(f"rm -rf {CERTS}; mkdir -p {CERTS}")
    company.put(CRT, company.leaf.certificate.pem)
    company.put(KEY, company.leaf.key_pem())
    company.shell(f"chmod 644 {KEY}")
    result = company.run(company.issue(key="another"), backup=True)
    assert (result["failed"], result["changed"]) == (False, True)
    assert company.shell(f"readlink {CRT} {KEY}").split() == [
        f"corp.test.d/current/corp.test.{end}" for end in ("crt", "key")
    ]
    assert company.shell(f"cat {result['backup_directory']}/corp.test.key") == company.leaf.key_pem().decode()
    assert company.shell(f"find {CERTS} -type f -name '*.key' -perm /077") == ""


def test_a_user_who_may_not(company):
    before = company.shell(LOOK)
    result = company.run(company.leaf, "--extra-vars", "ansible_become=false", path="/etc/for-root-only")
    assert result["msg"] == (
        "The pair corp.test could not be written to /etc/for-root-only: Permission denied (/etc/for-root-only). "
        "/etc/for-root-only holds no pair. Does the task run as root? Remove the cause and run it again: it goes on from here."
    )
    own = company.run(company.leaf, "--extra-vars", "ansible_become=false", path="/home/deploy/certs")
    assert (own["failed"], own["changed"]) == (False, True)
    assert company.shell("stat -Lc '%a %U' /home/deploy/certs/*.key").split() == ["600", "deploy"]
    company.shell("rm -r /home/deploy/certs")
    assert [line for line in company.shell(LOOK).splitlines() if "/home/deploy" not in line] == [
        line for line in before.splitlines() if "/home/deploy" not in line
    ]


def test_a_full_disk_and_a_mounted_file(company):
    """A tmpfs with no room for a second pair; then a file that is a mount of its own and cannot be replaced."""
    company.shell("mkdir -p /opt/small; mount -t tmpfs -o size=64k tmpfs /opt/small")
    try:
        path = "/opt/small/certs"
        assert company.run(company.leaf, path=path, layout="files")["changed"] is True
        look = f"cd {path}; find . -printf '%p %m %i %l\\n' | sort; sha256sum *.crt *.key"
        before = company.shell(look)
        company.shell("head -c 65536 /dev/zero > /opt/small/full 2> /dev/null || true")
        start = f"The pair corp.test could not be written to {path}: "
        end = " Remove the cause and run it again: it goes on from here."
        for layout in ("links", "files"):
            full = company.run(company.issue(key="another"), path=path, layout=layout)
            assert full["msg"] == (
                f"{start}No space left on device. What was there before is in place. Is the disk full, or the file system "
                f"mounted read-only?{end}"
            )
            assert company.shell(look) == before
        company.shell(f"rm /opt/small/full; mount --bind {path}/corp.test.crt {path}/corp.test.crt")
        busy = company.run(company.issue(key="another"), path=path, layout="files")
        company.shell(f"umount {path}/corp.test.crt")
        assert busy["msg"] == (
            f"{start}Device or resource busy ({path}/corp.test.crt). What was there before is in place. Is one of the two "
            f"files a mount of its own? Mount the folder instead.{end}"
        )
        assert company.shell(look) == before
    finally:
        company.shell("umount -R /opt/small")


def test_in_the_background(company):
    """With async the bytes travel the same way, and the file with them is gone afterwards."""
    leaf = company.issue(key="background")
    arguments = {"path": CERTS, "name": "corp.test", "sources": company.delivered("background", leaf)}
    arguments |= {"passphrases": [PASSPHRASE], "trust_anchors": [company.anchor]}
    play = {"hosts": "chat", "gather_facts": False, "tasks": [{MODULE: arguments, "async": 60, "poll": 1}]}
    company.lab.playbook(company.file("background.json", json.dumps([play]).encode()), check=True)
    assert company.shell(f"cat {KEY}") == leaf.key_pem().decode()
    body = leaf.key_pem(PASSPHRASE.encode()).decode().splitlines()[2]
    assert company.lab.exec("chat", ["grep", "-rlF", body, "/root", "/home", "/tmp", "/var/tmp"]).stdout == ""


def test_many_at_the_same_moment(company):
    """Four plays for the same files: each waits for the others, and what is left is one pair."""
    leaves = [company.issue(key=f"writer {number}") for number in range(4)]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        results = list(pool.map(lambda pair: company.run(pair[1], name=f"writer{pair[0]}"), enumerate(leaves)))
    assert [result.get("msg") for result in results if result["failed"]] == []
    assert company.pair()[0] == company.pair()[1]
    left = set(company.shell(f"ls -A {CERTS}/corp.test.d").split())
    assert {"current", "previous"} < left
    assert len(left - {"backup"}) == 4


@pytest.fixture(scope="module")
def examples(company) -> Path:
    """A playbook with the examples of the documentation as they stand there, and all that they name."""
    delivered = company.folder / "examples" / "files" / "delivered"
    leaf = workshop.good_leaf(name="example", key="example", dns=["chat.corp.test", "corp.test"])
    chain = [company.issuing.certificate.parsed, company.root.certificate.parsed]
    locked = serialization.BestAvailableEncryption(PASSPHRASE.encode())
    p12 = pkcs12.serialize_key_and_certificates(b"chat", leaf.private, leaf.certificate.parsed, None, locked)
    company.file(str(delivered / "chat.p12"), p12)
    company.file(str(delivered / "chain.p7b"), pkcs7.serialize_certificates(chain, serialization.Encoding.DER))
    company.file(str(delivered / "company-root.crt"), company.root.certificate.pem)
    names = ["link.corp.test", "api.link.corp.test", "media.link.corp.test"]
    link = workshop.good_leaf(name="link", dns=names)
    for number, data in enumerate((link.key_pem(), company.root.certificate.pem, link.certificate.pem)):
        company.file(str(delivered / "mts-link" / f"{number}.pem"), data)
    company.file(str(delivered / "mts-link" / "issuing.der"), company.issuing.certificate.der)
    renewed = workshop.good_leaf(name="example", key="example", dns=["chat.corp.test", "corp.test"], end=360)
    company.put("/root/renewed.cer", renewed.certificate.pem)
    company.put("/root/intermediates/issuing.crt", company.issuing.certificate.pem)
    company.put("/root/company-root.crt", company.root.certificate.pem)
    company.shell(f"rm -rf {CERTS} /opt/mts-link")
    play = {"hosts": "chat", "gather_facts": False, "vars": {"chat_p12_passphrase": PASSPHRASE}, "tasks": EXAMPLES}
    return Path(company.file("examples/play.json", json.dumps([play]).encode()))


def outcome(company, playbook: Path, *arguments: str) -> list[bool]:
    """Whether each example changed something."""
    result = company.lab.playbook(
        str(playbook), *arguments, check=True, env=os.environ | {"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"}
    )
    tasks = json.loads(result.stdout)["plays"][0]["tasks"]
    return [task["hosts"]["chat"]["changed"] for task in tasks]


def test_examples(company, examples):
    assert outcome(company, examples) == [True, True, True, True]
    assert company.shell("ls /opt/mts-link/certs").split() == ["link.crt", "link.d", "link.key"]
    assert company.shell("grep -c BEGIN /opt/mts-link/certs/link.crt").strip() == "3"
    # The last example put back what the second had replaced; the rest is as it was.
    assert outcome(company, examples) == [False, True, False, True]


@pytest.mark.parametrize("pipelining", ["true", "false"])
def test_no_secret_anywhere(company, tmp_path, pipelining):
    """Output, log, command lines, files left over on both sides, and the journal of the host."""
    lab = company.lab
    leaf = company.issue(key=f"canary {pipelining}")
    canaries = [
        PASSPHRASE,
        *leaf.key_pem().decode().splitlines()[1:3],
        *leaf.key_pem(PASSPHRASE.encode()).decode().splitlines()[2:4],
    ]
    pid = int((lab.state / "chat" / "pid").read_text())
    inside = int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
    started = company.shell("date '+%Y-%m-%d %H:%M:%S'").strip()
    local = tmp_path / "controller"
    local.mkdir()
    content = {"content": [leaf.key_pem().decode()]}
    tasks = [
        {
            MODULE: {
                "path": CERTS,
                "name": "corp.test",
                "sources": company.delivered("secret", leaf),
                "passphrases": [PASSPHRASE],
            }
        },
        {
            MODULE: {
                "path": CERTS,
                "name": "corp.test",
                "sources": [company.file("leaf.crt", leaf.certificate.pem)],
                **content,
            }
        },
        {MODULE: {"path": CERTS, "name": "corp.test", "sources": [company.file("x.key", leaf.key_pem(b"unknown"))]}},
    ]
    variables = {"ansible_pipelining": pipelining}
    play = [{"hosts": "chat", "gather_facts": False, "vars": variables, "ignore_errors": True, "tasks": tasks}]
    sampler = CommandLines(f"opc-{lab.instance}-users", inside)
    sampler.start()
    result = lab.playbook(
        company.file(f"secret-{pipelining}.json", json.dumps(play).encode()),
        *("--diff", "-vvv"),
        env={**os.environ, "ANSIBLE_LOG_PATH": str(tmp_path / "ansible.log"), "ANSIBLE_LOCAL_TEMP": str(local)},
    )
    command_lines = sampler.stop().decode(errors="replace")
    output = result.stdout + result.stderr
    assert output.count("certificate.key.match") >= 1
    assert "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER" in output
    assert [canary[:6] for canary in canaries if canary in output] == []
    assert [canary[:6] for canary in canaries if canary in (tmp_path / "ansible.log").read_text()] == []
    assert "ansible-playbook" in command_lines
    assert [canary[:6] for canary in canaries if canary in command_lines] == []
    assert [path for path in local.rglob("*") if path.is_file()] == []
    journal = company.shell(
        f"journalctl --no-pager --since '{started}'; cat /var/log/syslog /var/log/messages 2>/dev/null || true"
    )
    assert "certificate_bundle" in journal
    assert [canary[:6] for canary in canaries if canary in journal] == []
    patterns = company.file("patterns", ("\n".join(canaries) + "\n").encode())
    upper = lab.state / "chat" / "upper"
    found = subprocess.run(
        ["grep", "-rlFf", patterns, str(upper)], capture_output=True, text=True, check=False
    ).stdout.split()
    assert found
    assert [path for path in found if CERTS not in path] == []
    assert company.shell("ls -A /home/deploy/.ansible/tmp /root/.ansible/tmp 2>/dev/null || true").split("\n")[0] in (
        "",
        "/home/deploy/.ansible/tmp:",
    )


def test_killed(tmp_path):
    """Some of the kills of `make soak-certificates-kill`."""
    result = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "soak" / "certificate_kill.py"), "--count", "5", "--every", "16"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.count("without a mismatch or an open key") == 2
