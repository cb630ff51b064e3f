# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""host_info on the laboratory's real chat host: bare, and with faults planted one by one.

apt, dpkg, chronyd, sshd, openssl, nftables and the routes are real. What no container can have (rotating disks, network
cards, a kernel that waits for a reboot) is asked of pretended folders in the unit tests.
"""

from __future__ import annotations

import contextlib
import json
import shlex
import subprocess
from pathlib import Path

import pytest
from company_ca import CompanyCA

MODULE = "onprem.chat.host_info"
CHAT, DC1, PLACE = "10.203.0.20", "10.203.0.10", "/etc/host-info-test"
NOTHING_ELSE = {"systemd": False, "clock": False}
SECRET = "pr0xy-s3cret"
WATCHED = "/etc /root /boot /var/lib/apt /var/lib/dpkg /var/cache/apt /var/log/apt"
EVERYTHING = {
    "os": {"distribution": "debian", "versions": ["12"]},
    "architectures": ["x86_64", "aarch64"],
    "updates": True,
    "min_cpus": 1,
    "min_memory_mib": 256,
    "min_disk": [{"path": "/var/lib/chat", "gib": 0.1, "ssd": True}],
    "min_network_mbit": 1000,
    "ports": [{"port": 80}, {"port": 443}, {"port": 22, "allowed_processes": ["sshd"]}],
    "names": [{"name": "chat.corp.test", "addresses": [CHAT]}],
    "names_in_hosts_file": "required",
    "loopback_names": "fail",
    "local_addresses": True,
    "external_addresses": ["198.51.100.20"],
    "same_domain_as": ["meetings.corp.test"],
    "search_domains": "forbid",
    "proxies": True,
    "outbound": [{"host": "dc1.corp.test", "port": 53, "protocol": "tcp"}],
    "sources": {"host.updates": "Requirements, note"},
}


class Host:
    """The chat host, to which faults are done."""

    def __init__(self, lab):
        self.lab = lab

    def sh(self, script, **more):
        return self.lab.exec("chat", ["sh", "-ec", script], check=True, **more).stdout

    def put(self, path, text, mode="0644"):
        data = text if isinstance(text, str) else text.decode()
        self.sh(f"install -D -m {mode} /dev/stdin {shlex.quote(path)}", input=data)

    def ask(self, *more, **options):
        result = self.lab.module(MODULE, options, *more, host="chat")
        assert not result["failed"], result
        assert result["changed"] is False
        return result["checks"]

    def one(self, id, *more, **options):
        """(status, evidence, hint) of the check with this id."""
        (check,) = [check for check in self.ask(*more, **NOTHING_ELSE, **options) if check["id"] == id]
        return check["status"], check["evidence"], check["hint"]

    def listing(self):
        """Every file that must not change, with size, mode and time to the nanosecond."""
        return self.sh(f"find {WATCHED} -printf '%p %s %m %u %T@ %C@\\n' | sort")

    @contextlib.contextmanager
    def service(self, name, command):
        """A command that runs as a unit, as long as it is needed."""
        self.sh(f"systemd-run --collect --quiet --unit {name} {command}")
        try:
            yield
        finally:
            self.lab.exec("chat", ["systemctl", "stop", name])

    def listens(self, port):
        self.sh(f"for i in $(seq 100); do ss -Hltn sport = :{port} | grep -q . && exit; sleep 0.1; done; exit 1")


@pytest.fixture(scope="module", name="host")
def _host(fresh_chat):
    yield Host(fresh_chat)
    fresh_chat.reset("chat")


@contextlib.contextmanager
def planted(host, path, text):
    """A file with other content for a while, written in place."""
    kept = f"/run/planted{path.replace('/', '-')}"
    host.sh(f"cp -p {path} {kept}; cat > {path}", input=text)
    try:
        yield
    finally:
        host.sh(f"cat {kept} > {path}")


# -- the bare host -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "how", [[], ["--check", "--diff"], ["-e", "ansible_become=false"]], ids=["become", "check", "nobody"]
)
def test_bare_host(host, how):
    before = host.listing()
    checks = host.ask(*how, **EVERYTHING)
    assert host.listing() == before
    seen = {check["id"]: (check["status"], check["evidence"]) for check in checks if check["subject"] != "tcp port 22"}
    nobody = "ansible_become=false" in how
    hidden = "; not readable without root: /root" if nobody else ""
    assert seen["host.os"] == ("pass", "Debian GNU/Linux 12 (bookworm)")
    assert seen["host.updates"] == ("fail", "no package lists: apt does not know which updates there are")
    assert seen["host.reboot"][0] == "pass"
    assert seen["host.init"] == ("pass", "systemd")
    assert [seen[f"host.{id}"][0] for id in ("architecture", "cpus", "memory", "disk")] == ["pass"] * 4
    assert seen["host.disk.kind"] == ("warn", "cannot be told: file system overlay on / shows no disk")
    assert seen["host.network.speed"] == (
        "warn",
        "cannot be told: host0: it is a virtual interface that shows 10000 Mbit/s",
    )
    assert seen["host.port"] == ("pass", "free")
    assert seen["host.address"] == ("pass", "on host0")
    assert seen["host.nat"] == ("pass", f"behind NAT: inside {CHAT}, outside 198.51.100.20")
    assert seen["host.hosts"] == ("pass", f"chat.corp.test is {CHAT}")
    assert seen["host.resolver"] == ("pass", DC1)
    assert seen["host.resolver.search"] == ("pass", "no domain or search line")
    assert seen["host.name"] == ("pass", CHAT)
    assert seen["host.domain"] == ("pass", "in corp.test, as meetings.corp.test")
    assert seen["host.clock"] == ("warn", "cannot be told: the kernel does not say; no time service runs")
    (clock,) = [check for check in checks if check["id"] == "host.clock"]
    assert "synchronise the machine that carries it" in clock["hint"]
    assert seen["host.proxy"] == ("pass", f"none found{hidden}")
    assert seen["host.outbound"] == ("pass", f"connected at {DC1}")
    (ssh,) = [check for check in checks if check["subject"] == "tcp port 22"]
    assert (ssh["status"], ssh["evidence"].startswith("held by an unknown process" if nobody else "held by sshd")) == (
        "fail" if nobody else "pass",
        True,
    )
    assert {check["id"]: check["source"] for check in checks if check["source"]} == {
        "host.updates": "Requirements, note"
    }


# -- faults of names, addresses and ports ------------------------------------------------------------------------------


def test_search_line_and_lines_of_the_hosts_file(host):
    names = ("loop", "chat", "gone", "moved")
    wanted = [{"name": f"{name}.corp.test", "addresses": [CHAT]} for name in names]
    options = {"names_in_hosts_file": "required", "loopback_names": "fail", "search_domains": "forbid"}
    lines = f"127.0.1.1\tloop.corp.test loop\n{CHAT} chat.corp.test loop.corp.test\n10.203.0.99 moved.corp.test\n"
    resolver = f"domain corp.test\nsearch corp.test example.com\nnameserver {DC1}\n"
    with planted(host, "/etc/hosts", lines), planted(host, "/etc/resolv.conf", resolver):
        checks = host.ask(**NOTHING_ELSE, names=wanted, **options)
    assert [(check["status"], check["evidence"]) for check in checks if check["id"] == "host.hosts"] == [
        ("fail", "loop.corp.test is 127.0.1.1, an address of this host alone"),
        ("pass", f"chat.corp.test is {CHAT}"),
        ("fail", "has no line for gone.corp.test"),
        ("fail", f"moved.corp.test is 10.203.0.99, wanted {CHAT}"),
    ]
    assert [check["evidence"] for check in checks if check["id"] == "host.name"][1:] == [
        CHAT,
        "does not resolve on this host",
        f"is 10.203.0.99 here, wanted {CHAT}",
    ]
    assert [(check["status"], check["evidence"]) for check in checks if check["id"] == "host.resolver.search"] == [
        ("fail", "domain corp.test; search corp.test example.com")
    ]


def test_the_outer_address_in_the_place_of_the_inner(host):
    with planted(host, "/etc/hosts", "198.51.100.20 chat.corp.test\n"):
        checks = host.ask(
            **NOTHING_ELSE,
            names=[{"name": "chat.corp.test", "addresses": ["198.51.100.20"]}],
            external_addresses=["198.51.100.20"],
            local_addresses=True,
        )
    seen = {check["id"]: (check["status"], check["evidence"]) for check in checks}
    assert seen["host.address"] == ("fail", f"on no interface; this host has {CHAT} (host0)")
    assert seen["host.nat"][0] == "fail"
    assert "chat.corp.test is 198.51.100.20 in /etc/hosts" in seen["host.nat"][1]


def test_second_level_domain(host):
    status, evidence, _hint = host.one("host.domain", fqdn="chat.corp.test", same_domain_as=["meetings.other.test"])
    assert (status, evidence) == ("fail", "in corp.test, but meetings.other.test in other.test")


def test_a_folder_that_nobody_may_look_into(host):
    host.sh("install -d -m 0700 /root/data")
    wanted = {"min_disk": [{"path": "/root/data/chat", "gib": 0.1, "ssd": True}], "min_memory_mib": 1}
    checks = host.ask("-e", "ansible_become=false", **NOTHING_ELSE, **wanted)
    host.sh("rmdir /root/data")
    assert [(check["id"], check["status"], check["evidence"]) for check in checks][1:3] == [
        ("host.disk", "skip", "cannot be asked: Permission denied (/root/data/chat)"),
        ("host.disk.kind", "warn", "cannot be told: file system overlay on / shows no disk"),
    ]
    assert [check["id"] for check in checks] == ["host.memory", "host.disk", "host.disk.kind", "host.resolver"]


def test_port_80_is_taken(host):
    with host.service("host-info-web", "python3 -m http.server 80"):
        host.listens(80)
        status, evidence, _hint = host.one("host.port", ports=[{"port": 80}])
        assert (status, evidence.partition(" (")[0]) == ("fail", "held by python3")
        status, evidence, hint = host.one("host.port", "-e", "ansible_become=false", ports=[{"port": 80}])
    assert (status, evidence) == ("fail", "held by an unknown process")
    assert "become" in hint


# -- updates -----------------------------------------------------------------------------------------------------------


def package(host, version, depends=""):
    """A Debian package in the local archive."""
    control = f"Package: host-info-test\nVersion: {version}\nArchitecture: all\nMaintainer: A <a@corp.test>\n"
    control += f"{depends}Description: nothing\n"
    host.put("/srv/build/DEBIAN/control", control)
    host.sh(f"mkdir -p /srv/repo; dpkg-deb --build /srv/build /srv/repo/host-info-test_{version}_all.deb >/dev/null")


def index(host):
    """The archive's list of packages, without signature: for a source with trusted=yes."""
    host.sh(
        "cd /srv/repo; for f in *.deb; do dpkg-deb -f $f; echo Filename: ./$f; echo Size: $(stat -c %s $f);"
        " echo SHA256: $(sha256sum $f | cut -d' ' -f1); echo; done > Packages; apt-get -o Acquire::Retries=0 update -qq 2>/dev/null || true"
    )


@pytest.fixture(scope="class", name="archive")
def _archive(host):
    """A host that knows no other source of packages, and has version 1 of one of them."""
    host.sh("mv /etc/apt/sources.list /etc/apt/sources.away")
    host.put("/etc/apt/sources.list", "deb [trusted=yes] file:/srv/repo ./\n")
    package(host, "1")
    index(host)
    host.sh("apt-get install -qq -y host-info-test >/dev/null 2>&1")
    yield host
    host.sh("apt-mark unhold host-info-test; dpkg --purge host-info-test host-info-broken; rm -rf /var/lib/apt/lists/*")
    host.sh("rm -rf /srv/repo; mv /etc/apt/sources.away /etc/apt/sources.list")


class TestUpdates:
    def test_nothing_pending(self, archive):
        assert archive.one("host.updates", updates=True)[:2] == (
            "warn",
            "none pending, but no package list of security updates",
        )

    def test_pending_even_while_another_apt_runs(self, archive):
        package(archive, "2")
        index(archive)
        before = archive.listing()
        lock = "flock /var/lib/dpkg/lock-frontend flock /var/lib/dpkg/lock flock /var/lib/apt/lists/lock sleep 600"
        with archive.service("host-info-lock", lock):
            for more in ([], ["-e", "ansible_become=false"], ["--check"]):
                assert archive.one("host.updates", *more, updates=True) == (
                    "fail",
                    "1 pending: host-info-test (1 -> 2)",
                    "On the host: apt-get update && apt-get dist-upgrade, then restart the host.",
                )
        assert archive.listing() == before

    def test_kept_back(self, archive):
        archive.sh("apt-mark hold host-info-test")
        checks = archive.ask(**NOTHING_ELSE, updates=True)
        archive.sh("apt-mark unhold host-info-test")
        assert [(check["id"], check["status"], check["evidence"]) for check in checks][:2] == [
            ("host.updates", "warn", "none pending, but no package list of security updates"),
            ("host.updates.held", "fail", "1 kept back: host-info-test"),
        ]

    def test_old_lists(self, archive):
        archive.sh("touch -d '9 days ago' /var/lib/apt/lists/partial /var/lib/apt/lists")
        assert archive.one("host.updates", updates=True)[:2] == (
            "fail",
            "1 pending: host-info-test (1 -> 2); package lists are 9 days old",
        )

    def test_updates_that_fail_make_no_list_younger(self, archive):
        archive.sh("touch -d '9 days ago' /var/lib/apt/lists/partial /var/lib/apt/lists")
        update = "apt-get -o Acquire::Retries=0 update -qq 2>/dev/null || true"
        archive.sh(f"mv /srv/repo /srv/away; {update}; mv /srv/away /srv/repo")
        status, evidence, _hint = archive.one("host.updates", updates=True)
        assert (status, evidence.partition(" ago ")[2]) == ("fail", "and fetched nothing newer")
        assert "; package lists are 9 days old; apt tried " in evidence

    def test_a_source_that_cannot_be_reached(self, archive):
        archive.sh("apt-get install -qq -y host-info-test >/dev/null 2>&1")
        archive.put("/etc/apt/sources.list.d/mirror.list", "deb http://10.203.0.10:5/debian bookworm main\n")
        index(archive)
        status, evidence, hint = archive.one("host.updates", updates=True)
        archive.sh("rm /etc/apt/sources.list.d/mirror.list")
        assert (status, evidence) == ("fail", "no package list of http://10.203.0.10:5/debian/dists/bookworm")
        assert "Can this host reach the source?" in hint

    def test_packages_in_disorder(self, archive):
        control = "Package: host-info-broken\nVersion: 1\nArchitecture: all\nMaintainer: A <a@corp.test>\n"
        archive.put("/srv/broken/DEBIAN/control", control + "Depends: no-such-package\nDescription: nothing\n")
        archive.sh("dpkg-deb --build /srv/broken /srv/broken.deb; dpkg --force-depends -i /srv/broken.deb")
        status, evidence, _hint = archive.one("host.updates", updates=True)
        archive.sh("dpkg --purge host-info-broken")
        assert (status, evidence.startswith("apt cannot say: Unmet dependencies.")) == ("fail", True)


def test_reboot_is_asked_for(host):
    host.put("/run/reboot-required.pkgs", "libc6\n")
    host.put("/run/reboot-required", "*** System restart required ***\n")
    assert host.one("host.reboot", updates=True)[:2] == ("warn", "asked for by libc6")
    host.sh("rm /run/reboot-required*")


# -- proxies -----------------------------------------------------------------------------------------------------------


def test_proxies(host):
    url = f"http://anna:{SECRET}@proxy.corp.test:3128"
    places = {
        "/etc/environment": f"http_proxy={url}\n",
        "/etc/profile.d/host-info.sh": f"export https_proxy='{url}'\n",
        "/etc/wgetrc": f"https_proxy = {url}\n",
        "/etc/apt/apt.conf.d/99host-info": f'Acquire {{ http {{ Proxy "{url}"; }} }};\n',
        "/etc/systemd/system.conf.d/host-info.conf": f'[Manager]\nDefaultEnvironment="HTTP_PROXY={url}"\n',
        "/etc/systemd/system/docker.service.d/host-info.conf": f'[Service]\nEnvironment="HTTPS_PROXY={url}"\n',
        "/root/.docker/config.json": json.dumps({"proxies": {"default": {"httpProxy": url}}}),
    }
    with contextlib.ExitStack() as stack:
        for path, text in places.items():
            host.put(path, text, "0600" if path.startswith("/root") else "0644")
            stack.callback(host.sh, f"rm -f {path}")
        checks = host.ask(**NOTHING_ELSE, proxies=True)
    (check,) = [check for check in checks if check["id"] == "host.proxy"]
    assert check["status"] == "warn"
    for path in places:
        assert ("(apt)" if "apt.conf" in path else f"({path})") in check["evidence"], path
    assert "http://anna:***@proxy.corp.test:3128" in check["evidence"]
    assert SECRET not in json.dumps(checks)


# -- clock and ways out ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", name="equipped")
def _equipped(host):
    # The laboratory's image has settings for chrony already, which are to stay.
    host.lab.install("chat", "-o Dpkg::Options::=--force-confold", "chrony", "nftables", "openssl")
    host.sh("systemctl disable --now chrony 2>/dev/null || true")
    return host


CHRONY = {
    "nobody": ("server 10.203.0.99 iburst\n", "warn", "not synchronised: chronyd runs and follows no server"),
    "itself": ("local stratum 5\n", "warn", "not synchronised: chronyd follows its own clock (directive local)"),
    "dc1": (f"server {DC1} iburst minpoll 0 maxpoll 0\n", "pass", f"synchronised, chronyd follows {DC1} (stratum 9)"),
}


@pytest.mark.parametrize("case", CHRONY)
def test_chrony(equipped, case):
    """A real chronyd that measures and sets nothing (-x), as it must in a container."""
    settings, status, evidence = CHRONY[case]
    equipped.put(f"{PLACE}/chrony.conf", f"{settings}driftfile /run/chrony/drift\n")
    with equipped.service("host-info-chrony", f"chronyd -x -d -f {PLACE}/chrony.conf"):
        equipped.sh("for i in $(seq 100); do chronyc -n tracking >/dev/null && exit; sleep 0.1; done; exit 1")
        if case == "dc1":
            equipped.sh("chronyc waitsync 60 0 0 0.5 >/dev/null")
        for more in ([], ["-e", "ansible_become=false"])[: 2 if case == "dc1" else 1]:
            (check,) = [one for one in equipped.ask(*more, systemd=False) if one["id"] == "host.clock"]
            assert (check["status"], check["evidence"].partition(", at most")[0]) == (status, evidence)


OUTBOUND = [
    ("dc1.corp.test", 636, "pass", f"answered with TLSv1.3 at {DC1}, certificate by Corp Test Company CA (Corp Test)"),
    ("dc1.corp.test", 5, "fail", f"connection refused at {DC1}"),
    ("nope.corp.test", 443, "fail", "nope.corp.test does not resolve"),
    ("dc1.corp.test", 7001, "fail", f"no connection within 2 s at {DC1}"),
    ("dc1.corp.test", 7002, "fail", f"connection refused at {DC1}"),
    ("dc1.corp.test", 7003, "fail", f"No route to host at {DC1}"),
    ("192.0.2.77", 443, "fail", "No route to host"),
    ("chat.corp.test", 22, "fail", f"what answered does not speak TLS at {CHAT}"),
    (
        "chat.corp.test",
        8441,
        "fail",
        f"TLS is intercepted: self-signed certificate in certificate chain at {CHAT}, certificate by Inspection CA (Firewall)",
    ),
    (
        "chat.corp.test",
        8442,
        "fail",
        f"Hostname mismatch, certificate is not valid for 'chat.corp.test' at {CHAT}, certificate by Corp Test Company CA"
        " (Corp Test)",
    ),
    (
        "chat.corp.test",
        8443,
        "fail",
        f"certificate has expired at {CHAT}, certificate by Corp Test Company CA (Corp Test)",
    ),
]
NFT = """table inet host_info {
  chain out {
    type filter hook output priority 0;
    tcp dport 7001 drop
    tcp dport 7002 reject with tcp reset
    tcp dport 7003 reject with icmpx type host-unreachable
  }
}
"""


@pytest.fixture(scope="module", name="ways")
def _ways(equipped):
    """Obstacles of every kind on the ways out, and three TLS servers that are not what they should be."""
    company = CompanyCA(equipped.lab.state)
    equipped.put(f"{PLACE}/company.crt", Path(equipped.lab.state / "company-root.crt").read_text())
    for name, made in (("wrong", company.issue(["other.corp.test"])), ("old", company.issue(["chat.corp.test"], -1))):
        equipped.put(f"{PLACE}/{name}.crt", made.pem())
        equipped.put(f"{PLACE}/{name}.key", made.key_pem(), "0600")
    equipped.sh(
        f"cd {PLACE}; openssl req -x509 -newkey rsa:2048 -nodes -days 9 -subj '/O=Firewall/CN=Inspection CA' -keyout ca.key"
        " -out ca.crt 2>/dev/null; openssl req -newkey rsa:2048 -nodes -subj /CN=chat.corp.test -keyout firewall.key -out csr"
        " 2>/dev/null; printf 'subjectAltName=DNS:chat.corp.test' > ext; openssl x509 -req -in csr -CA ca.crt -CAkey ca.key"
        " -days 9 -extfile ext -CAcreateserial -out leaf 2>/dev/null; cat leaf ca.crt > firewall.crt"
    )
    equipped.sh("ip route add unreachable 192.0.2.0/24; nft -f -", input=NFT)
    with contextlib.ExitStack() as stack:
        for port, name in ((8441, "firewall"), (8442, "wrong"), (8443, "old")):
            server = (
                f"openssl s_server -accept {port} -cert {PLACE}/{name}.crt -key {PLACE}/{name}.key"
                f" -cert_chain {PLACE}/{name}.crt -www"
            )
            stack.enter_context(equipped.service(f"host-info-{port}", server))
        for port in (8441, 8442, 8443):
            equipped.listens(port)
        yield equipped
    equipped.sh("nft delete table inet host_info; ip route delete unreachable 192.0.2.0/24")


@pytest.mark.parametrize("how", [[], ["-e", "ansible_become=false", "--check"]], ids=["become", "nobody"])
def test_ways_out(ways, how):
    services = [
        {"host": host, "port": port, "trust_anchors": f"{PLACE}/company.crt"} for host, port, _status, _seen in OUTBOUND
    ]
    checks = ways.ask(*how, **NOTHING_ELSE, outbound=services, timeout=2)
    seen = [
        (*check["subject"].split(":"), check["status"], check["evidence"])
        for check in checks
        if check["id"] == "host.outbound"
    ]
    assert [(host, int(port), status, evidence) for host, port, status, evidence in seen] == OUTBOUND


# -- a real disk -------------------------------------------------------------------------------------------------------


def test_the_disk_of_the_machine_that_carries_the_laboratory(host):
    """Against lsblk."""
    source = subprocess.run(
        ["findmnt", "-no", "SOURCE", "-T", "/var/lib"], capture_output=True, text=True, check=False
    ).stdout.strip()
    if not source.startswith("/dev/"):
        pytest.skip(f"/var/lib lies on {source or 'nothing'} here, which is no disk")
    words = {"1": "is a rotating disk", "0": "is no rotating disk"}
    rows = subprocess.run(
        ["lsblk", "-nrso", "NAME,TYPE,ROTA", source], capture_output=True, text=True, check=False
    ).stdout
    disks = [line.split() for line in rows.splitlines()]
    expected = sorted(f"{name} {words[rotates]}" for name, kind, rotates in disks if kind == "disk")
    options = {**NOTHING_ELSE, "min_disk": [{"path": "/var/lib", "gib": 0.1, "ssd": True}]}
    result = host.lab.module(MODULE, options)
    (check,) = [check for check in result["checks"] if check["id"] == "host.disk.kind"]
    seen = check["evidence"].partition(" (through")[0].split(", ")
    assert sorted(part for part in seen if not part.startswith("says ")) == expected
