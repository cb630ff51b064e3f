# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder stands for the host: /proc, /etc and /run as a test wants them."""

from __future__ import annotations

import pathlib
import types

import pytest

from ansible_collections.onprem.chat.plugins.module_utils._host import clock, system
from ansible_collections.onprem.chat.plugins.module_utils._host import judge as tested

DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n# comment\n'
HEADER = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


class Host:
    def __init__(self, root):
        self.root = root
        self.write("etc/os-release", DEBIAN)
        self.write("etc/resolv.conf", "search corp.test\nnameserver 10.203.0.10\n")
        self.write("etc/hosts", "127.0.0.1 localhost\n10.203.0.20 chat.corp.test chat # us\n")
        self.write("proc/meminfo", "MemTotal: 2007040 kB\nMemFree: 100000 kB\nMemAvailable: 1500000 kB\nHugePages: 0\n")
        self.write("proc/1/comm", "systemd\n")
        (root / "run/systemd/system").mkdir(parents=True)
        (root / "var/lib").mkdir(parents=True)
        self.sockets = {}
        self.machine = tested.Machine(
            root=root,
            architecture=lambda: "x86_64",
            statvfs=lambda _folder: types.SimpleNamespace(f_bavail=10 * 1024**2, f_frsize=1024),
            resolve=lambda _name: ["10.203.0.20"],
            clock=lambda: clock.KernelClock(True, 0.012),
            addresses=lambda: [("lo", "127.0.0.1"), ("eth0", "10.203.0.20")],
            kernel=lambda: ("6.1.0-28-amd64", "#1 SMP Debian 6.1.119-1 (2024-11-22)"),
            environment={},
            run=lambda *_any: None,
            reach=None,
            now=lambda: 1_800_000_000.0,
        )

    def write(self, path, text):
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def process(self, pid, name, *inodes):
        self.write(f"proc/{pid}/comm", f"{name}\n")
        folder = self.root / f"proc/{pid}/fd"
        folder.mkdir()
        for number, inode in enumerate(inodes):
            (folder / str(number)).symlink_to(f"socket:[{inode}]")

    def socket(self, table, address, inode, state="0A"):
        rows = self.sockets.setdefault(table, [])
        rows.append(f"   0: {address} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000  0 0 {inode} 1 x\n")
        self.write(f"proc/net/{table}", HEADER + "".join(rows))

    def ask(self, **wanted):
        return tested.judge(tested.Requirements(**wanted), self.machine).as_list()

    def one(self, id, **wanted):
        (check,) = [check for check in self.ask(**wanted) if check["id"] == id]
        return check


@pytest.fixture()
def host(tmp_path):
    return Host(tmp_path)


def test_a_good_host(host):
    checks = host.ask(
        os={"distribution": "debian", "versions": ["12"]},
        architectures=["x86_64"],
        min_memory_mib=2048,
        min_disk=[{"path": "/var/lib/chat", "gib": 5}],
        ports=[{"port": 5222, "protocol": "tcp"}],
        fqdn="chat.corp.test",
        addresses=["10.203.0.20"],
    )
    assert [(check["id"], check["status"], check["evidence"]) for check in checks] == [
        ("host.os", "pass", "Debian GNU/Linux 12 (bookworm)"),
        ("host.init", "pass", "systemd"),
        ("host.architecture", "pass", "x86_64"),
        ("host.memory", "pass", "1960 MiB, 1464 MiB available"),
        ("host.disk", "pass", "10.0 GiB free in /var/lib"),
        ("host.port", "pass", "free"),
        ("host.hosts", "pass", "chat.corp.test is 10.203.0.20"),
        ("host.resolver", "pass", "10.203.0.10"),
        ("host.name", "pass", "10.203.0.20"),
        ("host.clock", "pass", "synchronised, says the kernel, at most 12 ms off"),
    ]


def test_only_what_is_asked(host):
    assert [check["id"] for check in host.ask(systemd=False, clock=False)] == ["host.resolver"]


def test_other_version(host):
    check = host.one("host.os", os={"distribution": "debian", "versions": ["13", "14"]})
    assert check["evidence"] == "Debian GNU/Linux 12 (bookworm)"
    assert check["hint"] == "Install debian 13 or 14 on this host."


def test_other_distribution(host):
    host.write("etc/os-release", "ID='ubuntu'\n")
    check = host.one("host.os", os={"distribution": "debian", "versions": []})
    assert (check["status"], check["evidence"], check["hint"]) == ("fail", "ubuntu", "Install debian on this host.")


def test_no_os_release(host):
    (host.root / "etc/os-release").unlink()
    assert host.one("host.os", os={"distribution": "debian"})["evidence"] == "no os-release file"


def test_os_release_in_usr(host):
    (host.root / "etc/os-release").unlink()
    host.write("usr/lib/os-release", DEBIAN)
    assert host.one("host.os", os={"distribution": "debian", "versions": ["12"]})["status"] == "pass"


def test_no_systemd(host):
    (host.root / "run/systemd/system").rmdir()
    host.write("proc/1/comm", "tini\n")
    assert host.one("host.init")["evidence"] == "process 1 is tini, not systemd"


def test_architecture(host):
    check = host.one("host.architecture", architectures=["aarch64"])
    assert (check["status"], check["hint"]) == ("fail", "Use a host of architecture aarch64.")


def test_too_little_memory(host):
    assert host.one("host.memory", min_memory_mib=4096)["evidence"] == "1960 MiB, at least 4096 MiB wanted"


def test_unknown_memory(host):
    (host.root / "proc/meminfo").unlink()
    assert host.one("host.memory", min_memory_mib=1)["status"] == "skip"


def test_too_little_disk(host):
    check = host.one("host.disk", min_disk=[{"path": "/var/lib", "gib": 20}])
    assert check["evidence"] == "10.0 GiB free, at least 20 GiB wanted"


def test_disk_of_a_folder_that_is_not_there_yet(host):
    assert host.one("host.disk", min_disk=[{"path": "/srv/a/b", "gib": 1}])["evidence"] == "10.0 GiB free in /"


def test_disk_cannot_be_asked(host):
    def fail(_folder):
        raise PermissionError(13, "Permission denied")

    host.machine.statvfs = fail
    assert host.one("host.disk", min_disk=[{"path": "/srv", "gib": 1}])["evidence"] == (
        "cannot be asked: Permission denied"
    )


PORT = {"port": 5222, "protocol": "tcp", "allowed_processes": ["beam.smp"]}


def test_port_taken(host):
    host.socket("tcp", "00000000:1466", 4711)
    host.process(713, "nginx", 4711)
    check = host.one("host.port", ports=[PORT])
    assert (check["status"], check["subject"]) == ("fail", "tcp port 5222")
    assert check["evidence"] == "held by nginx (pid 713)"
    assert check["hint"] == "Stop and disable this service, or move it to another port: the port is needed here."


def test_port_held_by_the_expected_process(host):
    host.socket("tcp6", "00000000000000000000000000000000:1466", 4711)
    host.process(80, "beam.smp", 4711)
    assert host.one("host.port", ports=[PORT])["evidence"] == "held by beam.smp (pid 80), as expected"


def test_port_held_by_both(host):
    host.socket("tcp", "0100007F:1466", 1)
    host.socket("tcp6", "00000000000000000000000000000000:1466", 2)
    host.process(80, "beam.smp", 2)
    host.process(90, "python3", 1)
    check = host.one("host.port", ports=[PORT])
    assert check["evidence"] == "held by beam.smp (pid 80), python3 (pid 90)"


def test_port_of_an_unseen_process(host):
    host.socket("tcp", "00000000:1466", 4711)
    check = host.one("host.port", ports=[PORT])
    assert check["evidence"] == "held by an unknown process"
    assert check["hint"].startswith("Run this check as root (become)")


def test_connections_do_not_hold_a_port(host):
    host.socket("tcp", "00000000:1466", 4711, state="01")
    assert host.one("host.port", ports=[PORT])["status"] == "pass"


def test_udp(host):
    host.socket("udp", "00000000:1466", 4711, state="07")
    host.process(5, "turnserver", 4711)
    assert [check["status"] for check in host.ask(ports=[PORT, {"port": 5222, "protocol": "udp"}])][1:3] == [
        "pass",
        "fail",
    ]


def test_debians_own_hosts_line(host):
    host.write("etc/hosts", "127.0.1.1 Chat.corp.test chat\n")
    check = host.one("host.hosts", fqdn="chat.corp.test")
    assert (check["status"], check["evidence"]) == (
        "warn",
        "chat.corp.test is 127.0.1.1, an address of this host alone",
    )


def test_wrong_hosts_line(host):
    check = host.one("host.hosts", fqdn="chat.corp.test", addresses=["10.9.9.9"])
    assert check["evidence"] == "chat.corp.test is 10.203.0.20, wanted 10.9.9.9"


def test_no_hosts_line(host):
    host.write("etc/hosts", "127.0.0.1 localhost\nnonsense chat.other.test\n")
    assert host.one("host.hosts", fqdn="chat.corp.test")["evidence"] == "has no line for chat.corp.test, DNS is asked"


@pytest.mark.parametrize(
    ("text", "status", "evidence"),
    [
        ("# nothing\n", "fail", "no nameserver line"),
        ("".join(f"nameserver 10.0.0.{n}\n" for n in range(4)), "warn", "4 name servers: 10.0.0.0, 10.0.0.1, "),
    ],
)
def test_resolver(host, text, status, evidence):
    host.write("etc/resolv.conf", text)
    check = host.one("host.resolver")
    assert check["status"] == status
    assert check["evidence"].startswith(evidence)


def test_no_resolv_conf(host):
    (host.root / "etc/resolv.conf").unlink()
    assert host.one("host.resolver")["evidence"] == "the file is missing"


def test_name_does_not_resolve(host):
    host.machine.resolve = lambda _name: []
    assert host.one("host.name", fqdn="chat.corp.test")["evidence"] == "does not resolve on this host"


def test_name_resolves_to_something_else(host):
    check = host.one("host.name", fqdn="chat.corp.test", addresses=["10.9.9.9"])
    assert check["evidence"] == "is 10.203.0.20 here, wanted 10.9.9.9"


def test_the_kernel_can_be_asked():
    said = clock.kernel_clock()
    assert said is None or said.error >= 0


def test_resolve_here():
    assert tested.resolve_here("127.0.0.1") == ["127.0.0.1"]
    assert tested.resolve_here("a" * 70 + ".invalid") == []


def test_no_product_is_named_in_the_generic_layer():
    for module in (tested, system):
        text = pathlib.Path(module.__file__).read_text().lower()
        assert not [name for name in ("ejabberd", "bluemind", "mychat") if name in text]
