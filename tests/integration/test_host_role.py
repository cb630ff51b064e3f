# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role host mends /etc/resolv.conf whoever writes it, and it stays mended; and it says what it may not mend."""

from __future__ import annotations

import os
from dataclasses import dataclass

import pytest
from lab_dhcp import SERVERS, Lan
from lab_host import Host

MEND = ["hosts", "resolver", "resolver_writer", "time", "updates", "firewall"]
INTERFACES = "auto lan0\niface lan0 inet dhcp\n"


@dataclass(frozen=True)
class Writer:
    """One program that writes resolv.conf."""

    packages: tuple[str, ...]
    prepare: str
    restart: str
    told: str
    # The servers afterwards, and whether the role is given them.
    servers: tuple[str, ...] = tuple(SERVERS)
    named: bool = False
    # Whether check mode is tried, too.
    predicted: bool = True


WRITERS = {
    "systemd-resolved": Writer(
        ("systemd-resolved",),
        # Domains of every origin: of the host, of a static link, of a DHCP server. Its servers cannot be reached by that link.
        "mkdir -p /etc/systemd/resolved.conf.d\n"
        "printf '[Resolve]\\nDNS=10.203.0.10\\nDomains=company.test\\n' >/etc/systemd/resolved.conf.d/10-company.conf\n"
        "sed -i '/^Gateway/a Domains=static.test' /etc/systemd/network/10-lab.network\n"
        "printf '[Match]\\nName=lan0\\n[Network]\\nDHCP=ipv4\\n[DHCPv4]\\nUseDomains=yes\\nUseDNS=no\\n' >/etc/systemd/network/20-lan.network\n"
        # The laboratory's hosts have it masked.
        "systemctl unmask --quiet systemd-resolved\n"
        "systemctl enable --quiet systemd-resolved\n"
        "systemctl restart systemd-networkd systemd-resolved",
        "systemctl restart systemd-networkd systemd-resolved",
        "/etc/systemd/resolved.conf.d/zz-onprem-chat.conf",
        servers=("127.0.0.53",),
    ),
    "NetworkManager": Writer(
        ("network-manager",),
        "printf '[device]\\nmatch-device=interface-name:lan0\\nmanaged=1\\n' >/etc/NetworkManager/conf.d/lan.conf\n"
        "systemctl restart NetworkManager\n"
        "nmcli connection add type ethernet ifname lan0 con-name lan ipv6.method disabled autoconnect yes\n"
        "nmcli connection up lan",
        "systemctl restart NetworkManager && nmcli connection up lan && nmcli general reload dns-full",
        "/etc/NetworkManager/conf.d/zz-onprem-chat.conf",
        servers=("10.203.0.10",),
        named=True,
    ),
    # NetworkManager leaves the link of systemd-resolved alone, and the plain file only because it is told to.
    "systemd-resolved and NetworkManager": Writer(
        ("systemd-resolved", "network-manager"),
        "printf '[device]\\nmatch-device=interface-name:lan0\\nmanaged=1\\n' >/etc/NetworkManager/conf.d/lan.conf\n"
        "systemctl unmask --quiet systemd-resolved\n"
        "systemctl enable --quiet systemd-resolved\n"
        "systemctl restart systemd-resolved NetworkManager\n"
        # One domain only: resolved would ask for all others by that link, which leads to no name server.
        "nmcli connection add type ethernet ifname lan0 con-name lan ipv6.method disabled autoconnect yes"
        " ipv4.ignore-auto-dns yes ipv4.dns 10.203.0.10 ipv4.dns-search sub.corp.test\n"
        "nmcli connection up lan\n"
        "timeout 20 sh -c 'until grep -q sub.corp.test /etc/resolv.conf; do sleep 0.2; done'",
        "systemctl restart systemd-resolved NetworkManager && nmcli connection up lan && nmcli general reload dns-full",
        "/etc/NetworkManager/conf.d/zz-onprem-chat.conf",
        servers=("10.203.0.10",),
        named=True,
        predicted=False,
    ),
    "dhclient": Writer(
        ("ifupdown", "isc-dhcp-client"),
        f"printf '{INTERFACES}' >/etc/network/interfaces && ifup lan0",
        "ifdown lan0 && ifup lan0",
        "/etc/dhcp/dhclient-enter-hooks.d/onprem-chat",
    ),
    "resolvconf": Writer(
        ("ifupdown", "isc-dhcp-client", "resolvconf"),
        f"printf '{INTERFACES}dns-search company.test\\n' >/etc/network/interfaces && ifup lan0",
        "ifdown lan0 && ifup lan0 && resolvconf -u && systemctl restart resolvconf",
        "/etc/default/resolvconf",
        servers=("10.203.0.10",),
        named=True,
        predicted=False,
    ),
    "openresolv": Writer(
        ("ifupdown", "isc-dhcp-client", "openresolv"),
        f"printf '{INTERFACES}dns-search company.test\\n' >/etc/network/interfaces && ifup lan0",
        "ifdown lan0 && ifup lan0 && resolvconf -u",
        "/etc/resolvconf.conf",
        predicted=False,
    ),
}


@pytest.fixture(scope="module")
def lab_started(laboratory):
    laboratory.up()
    return laboratory


@pytest.fixture
def host(lab_started, tmp_path):
    """A chat host to which nothing was done."""
    lab_started.reset("chat")
    return Host(lab_started, tmp_path)


# Some are `make soak-host`'s: what is done for them is the simplest, or is done for others, too.
SOAKED = (
    ()
    if os.environ.get("ONPREM_CHAT_EVERY_STEP")
    else ("resolvconf", "openresolv", "systemd-resolved and NetworkManager")
)


@pytest.mark.parametrize("name", [name for name in WRITERS if name not in SOAKED])
def test_search_lines_go_and_stay_away(host, name):
    writer = WRITERS[name]
    host.lab.install("chat", "dnsmasq-base", "python3-apt", *writer.packages)
    lan = Lan(host.lab)
    lan.start()
    host.sh(writer.prepare)
    if name == "systemd-resolved":
        host.sh("timeout 20 sh -c 'until grep -q sub.corp.test /etc/resolv.conf; do sleep 0.2; done'")
    assert host.search()
    before = host.fingerprint()
    wish = {"host_search": "remove"} | ({"host_resolvers": list(writer.servers)} if writer.named else {})
    allowed = wish | {"host_mend": MEND}

    refused = host.run(wish)
    assert refused.returncode != 0
    text = " ".join(refused.stdout.split())
    assert f"/etc/resolv.conf on chat belongs to {name}" in text
    assert "Nothing was changed. Either add resolver_writer to host_mend" in text
    assert host.fingerprint() == before

    if writer.predicted:
        predicted = host.run(allowed, "--check")
        assert predicted.returncode == 0, predicted.stdout
        assert all(f"-{line}\n" in predicted.stdout for line in host.search())
        assert host.fingerprint() == before

    assert host.done(allowed) > 0
    assert host.sh(f"cat {writer.told}")

    def as_wished() -> None:
        assert (host.search(), host.servers()) == ([], list(writer.servers))
        assert "10.203.0.10" in host.sh("getent hosts dc1.corp.test")
        if name == "systemd-resolved":
            # What containers read where the server is 127.0.0.53.
            assert "search .\n" in host.read("/run/systemd/resolve/resolv.conf")

    as_wished()
    host.sh(writer.restart)
    as_wished()
    host.restart()
    lan.renewed()
    as_wished()
    assert host.done(allowed) == 0

    if name == "dhclient":
        fixed = allowed | {"host_resolvers": ["10.203.0.10"]}
        assert host.done(fixed) > 0
        host.sh(writer.restart)
        lan.renewed()
        assert (host.search(), host.servers()) == ([], ["10.203.0.10"])
        assert host.done(fixed) == 0


HOSTS = """127.0.0.1 localhost chat
::1 localhost ip6-localhost ip6-loopback
127.0.1.1\tbox chat.corp.test  # set by the installer
127.0.2.1 talk.corp.test
10.203.0.20  other.corp.test chat.corp.test
10.203.0.7 talk.corp.test printer # third floor
10.203.0.7 mail.corp.test
fd00:203::20 talk.corp.test
10.203.0.8 talk-storage.corp.test # old
10.203.0.30 chat
10.203.0.31 scanner Talk.Corp.Test.
# the end
"""
HOSTS_AFTER = """127.0.0.1 localhost
::1 localhost ip6-localhost ip6-loopback
127.0.1.1 box # set by the installer
10.203.0.20 chat.corp.test chat talk.corp.test other.corp.test
10.203.0.7 printer # third floor
10.203.0.7 mail.corp.test
fd00:203::20 talk.corp.test
# old
10.203.0.30 chat
10.203.0.31 scanner
# the end
10.203.0.9 talk-storage.corp.test
"""
NAMES = [
    {"name": "talk.corp.test", "addresses": ["10.203.0.20", "FD00:203::20"]},
    {"name": "talk-storage.corp.test", "addresses": ["10.203.0.9"]},
]


def test_names_move_to_their_addresses(host):
    host.lab.exec("chat", ["tee", "/etc/hosts"], input=HOSTS, check=True)
    wish = {"host_names": NAMES}

    refused = host.run(wish | {"host_mend": [word for word in MEND if word != "hosts"]})
    assert refused.returncode != 0
    text = " ".join(refused.stdout.split())
    assert "/etc/hosts on chat is not as wished, and this role may not change it. Nothing was changed." in text
    assert "Lines that must go: 127.0.0.1 localhost chat |" in text
    assert "| 10.203.0.9 talk-storage.corp.test." in text
    assert host.read("/etc/hosts") == HOSTS

    predicted = host.run(wish, "--check")
    assert predicted.returncode == 0, predicted.stdout
    assert "+10.203.0.20 chat.corp.test chat talk.corp.test other.corp.test\n" in predicted.stdout
    assert "| 10.203.0.8 talk-storage.corp.test # old | 10.203.0.31 scanner Talk.Corp.Test." in predicted.stdout
    assert host.read("/etc/hosts") == HOSTS

    assert host.done(wish) > 0
    assert host.read("/etc/hosts") == HOSTS_AFTER
    assert host.sh("getent hosts chat.corp.test talk.corp.test | cut -d' ' -f1 | sort -u").split() == [
        "10.203.0.20",
        "fd00:203::20",
    ]
    assert host.done(wish) == 0


PROXMOX = "# --- BEGIN PVE ---\n{}\n# --- END PVE ---\n"


def test_a_container_of_proxmox(host):
    """Stand-in: what it writes at each start of a container, as a shell script."""
    resolv = PROXMOX.format("search corp.test\nnameserver 10.203.0.10")
    host.lab.exec("chat", ["tee", "/etc/resolv.conf"], input=resolv, check=True)
    host.lab.exec("chat", ["tee", "/etc/hosts"], input=PROXMOX.format("127.0.1.1 chat.corp.test chat"), check=True)
    wish = {"host_search": "remove", "host_mend": ["hosts", "resolver"]}
    refused = host.run(wish)
    assert refused.returncode != 0
    text = " ".join(refused.stdout.split())
    assert "belongs to Proxmox VE and has `search corp.test`. Writing it would be undone. Nothing was changed." in text
    assert "(the role then writes /etc/.pve-ignore.resolv.conf)" in text
    assert host.read() == resolv

    allowed = wish | {"host_mend": ["hosts", "resolver", "resolver_writer"]}
    mended = host.run(allowed)
    assert mended.returncode == 0, mended.stdout
    assert "make an empty /etc/.pve-ignore.hosts" in " ".join(mended.stdout.split())
    assert host.sh("cat /etc/.pve-ignore.resolv.conf") == ""
    assert (host.search(), host.servers()) == ([], ["10.203.0.10"])
    assert host.done(allowed) == 0


FORMS = {
    "no last end of line": "127.0.0.1 localhost\n10.203.0.20 chat.corp.test chat",
    "CRLF": "127.0.0.1 localhost\r\n\r\n10.203.0.20 chat.corp.test chat\r\n",
    "other separators": "10.203.0.20 chat.corp.test chat # one\x0ctwo\x85three\n",
}


def test_the_form_of_lines_is_no_fault(host):
    for form, text in FORMS.items():
        host.lab.exec("chat", ["tee", "/etc/hosts"], input=text, check=True)
        before = host.sh("sha256sum /etc/hosts")
        assert host.done({"host_mend": []}) == 0, form
        assert host.sh("sha256sum /etc/hosts") == before, form


def test_a_dead_resolver_is_mended_before_packages_are_fetched(host):
    """A link that leads nowhere, no /etc/hosts."""
    host.sh("rm /etc/hosts /etc/resolv.conf && ln -s /run/nowhere/resolv.conf /etc/resolv.conf")
    asked = host.run({"host_search": "remove", "host_mend": ["hosts", "resolver", "resolver_writer"]})
    assert asked.returncode == 0, asked.stdout
    assert "leads nowhere or names no server: set host_resolvers" in " ".join(asked.stdout.split())
    assert host.sh("readlink /etc/resolv.conf") == "/run/nowhere/resolv.conf\n"
    assert host.read("/etc/hosts") == "10.203.0.20 chat.corp.test chat\n"
    assert host.sh("dpkg-query --show python3-apt 2>&1 || true").startswith("dpkg-query: no packages found")

    wish = {"host_resolvers": ["10.203.0.10"], "host_time": True, "host_time_wait": 2}
    assert host.done(wish) > 0
    assert host.sh("test ! -L /etc/resolv.conf && cat /etc/resolv.conf") == "nameserver 10.203.0.10\n"
    assert host.sh("dpkg-query --show --showformat='${Package} ' python3-apt chrony") == "chrony python3-apt "
    assert host.done(wish) == 0

    host.sh("echo 'search corp.test' >/etc/resolv.conf")
    refused = host.run({"host_search": "remove"})
    assert refused.returncode != 0
    assert "would be written without a `nameserver`" in " ".join(refused.stdout.split())
    assert host.read() == "search corp.test\n"


def test_nothing_is_done_that_was_not_allowed(host):
    """An installation that was interrupted, cloud-init (stand-in: its files only), a host without iproute2."""
    host.sh(
        "sed -i '/^Package: hostname$/,/^$/s/^Status: .*/Status: install ok unpacked/' /var/lib/dpkg/status\n"
        "mkdir -p /etc/cloud/cloud.cfg.d && install -m 0755 /bin/true /usr/bin/cloud-init\n"
        "echo 'manage_etc_hosts: false' >/etc/cloud/cloud.cfg\n"
        "echo 'manage_etc_hosts: localhost' >/etc/cloud/cloud.cfg.d/50_image.cfg"
    )
    audit = host.sh("dpkg --audit")
    assert "hostname" in audit
    before = host.fingerprint()
    wish = {"host_mend": [], "host_hostname": "box", "host_upgrade": "safe"}
    result = host.run(wish)
    assert result.returncode == 0, result.stdout
    text = " ".join(result.stdout.split())
    assert "changed=0" in text
    assert "an installation of packages was interrupted: dpkg --configure --pending" in text
    assert "hostnamectl set-hostname box" in text
    assert "(`manage_etc_hosts: localhost`)" in text
    assert "python3-apt" not in host.sh("dpkg-query --show")
    assert (host.sh("dpkg --audit"), host.fingerprint()) == (audit, before)

    # Nothing is left to do when a person did it.
    host.sh("dpkg --configure --pending && echo 'manage_etc_hosts: false' >/etc/cloud/cloud.cfg.d/99_ours.cfg")
    result = host.run(wish | {"host_hostname": "chat", "host_upgrade": "none"})
    assert result.returncode == 0, result.stdout
    assert "a person must do" not in result.stdout

    # What came with the host from its platform has the last word, and what else stands there is secret.
    host.sh(
        "mkdir -p /var/lib/cloud/instance\n"
        "printf '#cloud-config\\nchpasswd: c4nary\\nmanage_etc_hosts: true\\n' >/var/lib/cloud/instance/cloud-config.txt\n"
        "echo 'manage_etc_hosts: false' >/var/lib/cloud/instance/vendor-cloud-config.txt"
    )
    result = host.run(wish | {"host_hostname": "chat", "host_upgrade": "none"}, "-vvv")
    assert result.returncode == 0, result.stdout
    text = " ".join(result.stdout.split())
    assert "(`manage_etc_hosts: true`), says /var/lib/cloud/instance/cloud-config.txt. That came with the host" in text
    assert "c4nary" not in text and "YzRuYXJ5" not in text

    host.sh("dpkg --force-depends --remove iproute2")
    predicted = host.run({"host_firewall": True}, "--check")
    assert predicted.returncode == 0, predicted.stdout
    assert "iproute2 is not installed yet" in predicted.stdout


def test_what_is_left_for_a_person(host):
    """A time server that does not answer, a clock service in the way, a restart that is due, a firewall that is not ours."""
    host.lab.install("chat", "ntpsec")
    host.sh("touch /run/reboot-required")
    result = host.run(
        {
            "host_upgrade": "safe",
            "host_time": True,
            "host_time_wait": 2,
            "host_ntp_servers": ["10.203.0.99"],
            "host_firewall": True,
            "host_open_ports": [{"port": 443, "sources": ["10.203.0.0/24"]}],
            "host_mend": ["hosts", "time"],
        }
    )
    assert result.returncode == 0, result.stdout
    text = " ".join(result.stdout.split())
    assert "chrony takes the place of ntpsec: Debian lets only one time service be installed" in text
    assert "WARNING: a person must do the following on chat" in text
    assert (
        "the clock is not in step with the time servers after 2 s: does one of 10.203.0.99 answer on UDP port 123?"
        in text
    )
    assert "reboot: asked for by /run/reboot-required" in text
    assert "SSH must be open, 443/tcp from 10.203.0.0/24; everything else closed" in text
    assert host.lab.exec("chat", ["nft", "list", "tables"]).stdout == ""
    assert host.sh("systemctl is-active chrony").strip() == "active"
    assert host.sh("dpkg-query --show --showformat='${db:Status-Status}' ntpsec").strip() == "config-files"
