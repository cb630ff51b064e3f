# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder stands for the host: /proc, /etc and /run as a test wants them."""

from __future__ import annotations

import pathlib
import types

import pytest

from ansible_collections.onprem.chat.plugins.module_utils._host import clock, judge_names, machine
from ansible_collections.onprem.chat.plugins.module_utils._host import judge as tested
from ansible_collections.onprem.chat.plugins.module_utils._net import reach
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.host_fake import DEBIAN, Host


@pytest.fixture(name="host")
def _host(tmp_path):
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


def test_a_program_that_runs_here(monkeypatch):
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    monkeypatch.setenv("http_proxy", "http://proxy.corp.test:3128")
    done = machine.run_here(("sh", "-c", "env; read -r line; echo got $line >&2; exit 3"))
    assert done.code == 3
    assert "LC_ALL=C" in done.out.splitlines()
    assert "proxy" not in done.out and "LANG" not in done.out
    assert done.err == "got\n"


def test_a_program_that_is_not_there_or_does_not_end():
    assert machine.run_here(("no-such-program-anywhere",)) is None
    assert machine.run_here(("sleep", "20"), 0.1) is None


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


def test_what_cannot_be_read_hides_nothing_else(host, monkeypatch):
    everything = {"fqdn": "chat.corp.test", "min_disk": [{"path": "/a", "gib": 1}, {"path": "/b", "gib": 1}]}
    before = {check["id"]: check for check in host.ask(**everything) if check["id"] != "host.disk"}

    def refuse(*_any):
        raise OSError(5, "Input/output error", "/etc/hosts")

    monkeypatch.setattr(judge_names.system, "hosts_entries", refuse)
    host.machine.statvfs = lambda folder: (
        refuse() if folder.name == "a" else types.SimpleNamespace(f_bavail=1, f_frsize=1)
    )
    (host.root / "a").mkdir()
    checks = host.ask(**everything)
    assert [(one["subject"], one["status"], one["evidence"]) for one in checks if one["id"] == "host.disk"] == [
        ("/a", "skip", "cannot be asked: Input/output error (/etc/hosts)"),
        ("/b", "fail", "0.0 GiB free in /, at least 1 GiB wanted"),
    ]
    before["host.hosts"] = {
        "id": "host.hosts",
        "subject": "/etc/hosts",
        "status": "skip",
        "evidence": "cannot be asked: Input/output error (/etc/hosts)",
        "hint": "Look on the host.",
        "source": "",
    }
    assert {check["id"]: check for check in checks if check["id"] != "host.disk"} == before


@pytest.mark.parametrize(
    ("gib", "shown"), [(1e6, "1000000"), (1234567.5, "1234567.5"), (20.0, "20"), (0.1, "0.1"), (850, "850")]
)
def test_figures_are_plain(host, gib, shown):
    host.machine.statvfs = lambda _folder: types.SimpleNamespace(f_bavail=0, f_frsize=1)
    evidence = host.one("host.disk", min_disk=[{"path": "/var/lib", "gib": gib}])["evidence"]
    assert evidence == f"0.0 GiB free, at least {shown} GiB wanted"


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
    package = pathlib.Path(tested.__file__).parent
    files = [*package.glob("*.py"), *(package.parent / "_net").glob("*.py")]
    assert len(files) > 15
    for file in files:
        text = file.read_text().lower()
        assert not [name for name in ("ejabberd", "bluemind", "mychat", "mts", "webinar", "link.ru") if name in text]


# -- what the task makes of it -------------------------------------------------------------------------------------------


def test_a_failure_that_is_accepted(host):
    check = host.one("host.os", os={"distribution": "ubuntu"}, accept=["host.os"])
    assert (check["status"], check["hint"]) == ("warn", "Install ubuntu on this host.")


def test_a_warning_that_is_not_taken_lightly(host):
    host.write("etc/hosts", "127.0.1.1 chat.corp.test\n")
    assert host.one("host.hosts", fqdn="chat.corp.test", strict=["host.hosts"])["status"] == "fail"


def test_what_is_accepted_stays_accepted(host):
    wanted = {"accept": ["host.os"], "strict": ["host.os"]}
    assert host.one("host.os", os={"distribution": "ubuntu"}, **wanted)["status"] == "warn"


def test_other_statuses_stay(host):
    ids = list(tested.IDS)
    for check in host.ask(min_memory_mib=1, accept=ids, strict=ids):
        assert check["status"] == "pass"
    (host.root / "proc/meminfo").unlink()
    assert host.one("host.memory", min_memory_mib=1, strict=ids)["status"] == "skip"


def test_the_document_that_asks_for_it(host):
    checks = host.ask(sources={"host.clock": "Manual 1.3, Other settings, 3"})
    assert {check["id"]: check["source"] for check in checks if check["source"]} == {
        "host.clock": "Manual 1.3, Other settings, 3"
    }


def test_ids_that_nobody_asks_for():
    wanted = tested.Requirements(accept=["host.os", "host.oss"], sources={"dns.name": "x", "host.clock": "y"})
    assert tested.unknown_ids(wanted) == {"accept": ["host.oss"], "sources": ["dns.name"]}
    assert tested.unknown_ids(tested.Requirements(strict=list(tested.IDS))) == {}


def test_every_id_can_be_asked(host):
    host.machine.reach = lambda *_any: reach.Answer("answered", "192.0.2.1", "connected")
    checks = host.ask(
        os={"distribution": "debian"},
        updates=True,
        architectures=["x86_64"],
        min_cpus=1,
        min_memory_mib=1,
        min_disk=[{"path": "/", "gib": 1, "ssd": True}],
        min_network_mbit=1,
        ports=[PORT],
        names=[{"name": "chat.corp.test", "addresses": ["10.203.0.20"]}],
        local_addresses=True,
        external_addresses=["192.0.2.7"],
        same_domain_as=["mail.corp.test"],
        search_domains="forbid",
        proxies=True,
        outbound=[{"host": "192.0.2.1"}],
    )
    assert [check["id"] for check in checks] == list(tested.IDS)
    assert all(check["hint"] for check in checks if check["status"] in ("warn", "fail"))
