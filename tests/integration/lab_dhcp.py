# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A network with a DHCP server (dnsmasq) on a further interface of the chat host, lan0; it comes back with the host.

Its server tells two name servers and two search domains, and that a lease is to be renewed after some seconds. There is no
default route in it: how one reaches the host does not change.
"""

from __future__ import annotations

import time

SERVERS = ["10.203.0.10", "10.203.0.99"]
RENEWAL = 3

SCRIPT = f"""#!/bin/sh -e
ip netns add lan
ip link add lan0 type veth peer name lan1 netns lan
ip -n lan address add 10.204.0.1/24 dev lan1
ip -n lan link set lan1 up
ip link set lan0 up
exec ip netns exec lan dnsmasq --conf-file=/dev/null --port=0 --interface=lan1 --bind-interfaces --user=root --log-dhcp \\
  --dhcp-range=10.204.0.50,10.204.0.60,255.255.255.0,10m --dhcp-option=option:T1,{RENEWAL} --dhcp-option=option:T2,500 \\
  --dhcp-option=option:router --dhcp-option=option:dns-server,{",".join(SERVERS)} \\
  --dhcp-option=option:domain-name,corp.test --dhcp-option=option:domain-search,corp.test,sub.corp.test \\
  --dhcp-leasefile=/run/lan.leases --log-facility=/run/lan.log
"""

UNIT = """[Unit]
Description=Network with a DHCP server
DefaultDependencies=no
After=local-fs.target
Before=network-pre.target NetworkManager.service networking.service systemd-networkd.service
Wants=network-pre.target
[Service]
Type=forking
ExecStart=/usr/local/sbin/lan
[Install]
WantedBy=multi-user.target
"""


class Lan:
    """The network, on a host of the laboratory where dnsmasq-base is installed."""

    def __init__(self, lab, host: str = "chat") -> None:
        self.lab, self.host = lab, host

    def start(self) -> None:
        """Make it, now and at every start of the host."""
        for file, text in (("/usr/local/sbin/lan", SCRIPT), ("/etc/systemd/system/lan.service", UNIT)):
            self.lab.exec(self.host, ["tee", file], input=text, check=True)
        self.lab.exec(self.host, ["chmod", "0755", "/usr/local/sbin/lan"], check=True)
        self.lab.exec(self.host, ["systemctl", "enable", "--now", "--quiet", "lan.service"], check=True)

    def leases(self) -> int:
        """How often the server gave a lease, or renewed one."""
        return self.lab.exec(self.host, ["cat", "/run/lan.log"]).stdout.count("DHCPACK(")

    def renewed(self, times: int = 2, seconds: int = 60) -> None:
        """Wait until the client renewed its lease: the second renewal from now began after the first one was done with."""
        wanted, deadline = self.leases() + times, time.monotonic() + seconds
        while self.leases() < wanted:
            if time.monotonic() > deadline:
                raise AssertionError(f"no lease was renewed within {seconds} s")
            time.sleep(0.5)
