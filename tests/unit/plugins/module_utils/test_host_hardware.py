# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processors, disks and network interfaces, as /proc and /sys of a pretended host show them."""

from __future__ import annotations

import os

import pytest

from ansible_collections.onprem.chat.plugins.module_utils._host import hardware
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.host_fake import Host as Pretended

PCI = "sys/devices/pci0000:00/0000:00:1f.2"


class Host(Pretended):
    """With the parts of a machine."""

    def mounts(self, *lines):
        """MAJOR:MINOR POINT KIND SOURCE."""
        rows = []
        for number, line in enumerate(lines):
            device, point, kind, source = line.split(" ")
            rows.append(f"{number} 1 {device} / {point} rw,relatime shared:1 - {kind} {source} rw\n")
        self.write("proc/self/mountinfo", "".join(rows))

    def disk(self, number, place, rotational=None, slaves=(), partition=False):
        """A block device at a place in /sys/devices, for instance with others below it."""
        folder = self.root / place
        folder.mkdir(parents=True, exist_ok=True)
        if rotational is not None:
            self.write(f"{place}/queue/rotational", f"{rotational}\n")
        if partition:
            self.write(f"{place}/partition", "1\n")
        for slave in slaves:
            self.link(f"{place}/slaves/{slave.rpartition('/')[2]}", slave)
        self.link(f"sys/dev/block/{number}", place)
        self.link(f"sys/class/block/{folder.name}", place)
        return place

    def kind(self, path="/var/lib"):
        return self.said("host.disk.kind", min_disk=[{"path": path, "gib": 1, "ssd": True}])

    def interface(self, name, speed=None, driver=None, lower=(), **files):
        """driver: of a device with a wire; without it the interface is virtual."""
        place = f"sys/class/net/{name}"
        (self.root / place).mkdir(parents=True)
        if speed is not None:
            self.write(f"{place}/speed", f"{speed}\n")
        self.write(f"{place}/operstate", "up\n")
        if driver:
            self.write(f"sys/bus/drivers/{driver}/uevent", "")
            self.write(f"sys/devices/{name}/vendor", "")
            self.link(f"sys/devices/{name}/driver", f"sys/bus/drivers/{driver}")
            self.link(f"{place}/device", f"sys/devices/{name}")
        for one in lower:
            self.link(f"{place}/lower_{one}", f"sys/class/net/{one}")
        for file, text in files.items():
            self.write(f"{place}/{file.replace('__', '/')}", text)

    def speed(self, wanted=1000, **more):
        (found,) = self.all("host.network.speed", min_network_mbit=wanted, **more)
        return found


@pytest.fixture(name="host")
def _host(tmp_path):
    host = Host(tmp_path)
    host.write("proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu sse2\n\nprocessor\t: 1\nflags\t\t: fpu sse2\n")
    return host


@pytest.fixture(name="virtual")
def _virtual(host):
    host.write("proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu hypervisor sse2\n")
    return host


# -- processors --------------------------------------------------------------------------------------------------------


def cpus(host, wanted=16):
    return host.said("host.cpus", min_cpus=wanted)


def test_enough_processors(host):
    host.write("sys/devices/system/cpu/online", "0-15\n")
    assert cpus(host) == ("pass", "16")


def test_too_few_processors(host):
    host.write("sys/devices/system/cpu/online", "0-3,8-11\n")
    check = host.one("host.cpus", min_cpus=16)
    assert (check["status"], check["evidence"]) == ("fail", "8, at least 16 wanted")
    assert check["hint"] == "Give the host more processors."


def test_processors_without_sys(host):
    assert cpus(host, 2) == ("pass", "2")


def test_processors_unknown(host):
    (host.root / "proc/cpuinfo").unlink()
    assert cpus(host) == ("skip", "neither /sys nor /proc/cpuinfo says")


def test_processors_are_not_asked(host):
    assert host.all("host.cpus") == []


def test_affinity_of_the_first_process(host):
    host.write("sys/devices/system/cpu/online", "0-15\n")
    host.write("proc/1/status", "Name:\tsystemd\nCpus_allowed_list:\t0-3,20-31\n")
    check = host.one("host.cpus", min_cpus=16)
    assert check["evidence"] == "16, of which 4 may be used (the CPU affinity of process 1), at least 16 wanted"
    assert check["hint"].startswith("Lift the limit: the CPU affinity of process 1.")
    assert cpus(host, 4)[0] == "pass"


@pytest.mark.parametrize(
    ("groups", "files", "usable"),
    [
        ("0::/\n", {"sys/fs/cgroup/cpu.max": "250000 100000\n"}, "2.5"),
        ("0::/init.scope\n", {"sys/fs/cgroup/cpu.max": "max 100000\n"}, None),
        ("0::/lxc/chat/init.scope\n", {"sys/fs/cgroup/lxc/chat/cpu.max": "400000 100000\n"}, "4"),
        ("0::/../..\n", {"sys/fs/cgroup/cpu.max": "200000 100000\n"}, "2"),
        (
            "4:cpu,cpuacct:/docker/x\n1:name=systemd:/\n",
            {
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "300000\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            },
            "3",
        ),
        (
            "4:cpu:/\n",
            {"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n"},
            None,
        ),
        ("4:cpuset:/\n", {"sys/fs/cgroup/cpu.max": "100000 100000\n"}, None),
    ],
)
def test_quota_of_a_control_group(host, groups, files, usable):
    host.write("sys/devices/system/cpu/online", "0-15\n")
    host.write("proc/1/cgroup", groups)
    for path, text in files.items():
        host.write(path, text)
    shown = f"16, of which {usable} may be used (a control group's CPU quota)" if usable else "16"
    assert cpus(host, 1) == ("pass", shown)


@pytest.mark.parametrize(
    ("text", "numbers"), [("0-3,8", {0, 1, 2, 3, 8}), ("0\n", {0}), ("", set()), ("x-3", set()), ("1-", {1})]
)
def test_numbers(text, numbers):
    assert hardware.numbers(text) == numbers


@pytest.mark.parametrize(
    ("files", "virtual"),
    [
        ({"proc/cpuinfo": "flags : fpu hypervisor\n"}, True),
        ({"proc/cpuinfo": "flags : fpu\n", "sys/class/dmi/id/sys_vendor": "QEMU\n"}, False),
        ({"proc/cpuinfo": "Features : fp asimd\n", "sys/class/dmi/id/sys_vendor": "QEMU\n"}, True),
        ({"proc/cpuinfo": "Features : fp asimd\n", "sys/class/dmi/id/product_name": "PowerEdge R740\n"}, False),
        ({"proc/cpuinfo": "", "sys/hypervisor/type": "xen\n"}, True),
    ],
)
def test_virtual_machine(host, files, virtual):
    for path, text in files.items():
        host.write(path, text)
    assert hardware.virtual_machine(host.root) is virtual


# -- disks ---------------------------------------------------------------------------------------------------------------


def test_a_partition_of_an_ssd(host):
    host.mounts("8:2 / ext4 /dev/sda2")
    host.disk("8:0", f"{PCI}/host0/target0:0:0/block/sda", rotational=0)
    host.disk("8:2", f"{PCI}/host0/target0:0:0/block/sda/sda2", partition=True)
    assert host.kind() == ("pass", "sda is no rotating disk")


def test_a_rotating_disk(host):
    host.mounts("8:0 / xfs /dev/sda")
    host.disk("8:0", f"{PCI}/host0/block/sda", rotational=1)
    check = host.one("host.disk.kind", min_disk=[{"path": "/var/lib/docker", "gib": 1, "ssd": True}])
    assert (check["status"], check["subject"], check["evidence"], check["hint"]) == (
        "fail",
        "/var/lib/docker",
        "sda is a rotating disk",
        "Move /var/lib/docker to an SSD.",
    )


def test_nvme(host):
    host.mounts("259:1 / ext4 /dev/nvme0n1p1")
    host.disk("259:0", "sys/devices/pci0000:00/0000:01:00.0/nvme/nvme0/nvme0n1", rotational=0)
    host.disk("259:1", "sys/devices/pci0000:00/0000:01:00.0/nvme/nvme0/nvme0n1/nvme0n1p1", partition=True)
    assert host.kind() == ("pass", "nvme0n1 is no rotating disk")


def test_lvm_on_encryption_on_raid(host):
    """dm-1 (LVM) on dm-0 (dm-crypt) on md0 on sda1 and sdb1."""
    parts = []
    for name, number in (("sda", "8:0"), ("sdb", "8:16")):
        host.disk(number, f"{PCI}/host0/block/{name}", rotational=0)
        parts.append(host.disk(f"8:{name}", f"{PCI}/host0/block/{name}/{name}1", partition=True))
    raid = host.disk("9:0", "sys/devices/virtual/block/md0", rotational=0, slaves=parts)
    crypt = host.disk("252:0", "sys/devices/virtual/block/dm-0", rotational=0, slaves=[raid])
    host.disk("252:1", "sys/devices/virtual/block/dm-1", rotational=0, slaves=[crypt])
    host.mounts("252:1 / ext4 /dev/mapper/vg-root")
    assert host.kind() == (
        "pass",
        "sda is no rotating disk, sdb is no rotating disk (through dm-1, dm-0, md0)",
    )


def test_one_of_two_rotates(host):
    """What the upper device says does not count: dm shows the worst or the first, by kernel."""
    one = host.disk("8:0", f"{PCI}/host0/block/sda", rotational=1)
    two = host.disk("259:0", "sys/devices/pci0000:00/nvme/nvme0/nvme0n1", rotational=0)
    host.disk("252:0", "sys/devices/virtual/block/dm-0", rotational=0, slaves=[one, two])
    host.mounts("252:0 / ext4 /dev/mapper/vg-root")
    assert host.kind() == ("fail", "nvme0n1 is no rotating disk, sda is a rotating disk (through dm-0)")


def test_the_mount_of_the_folder_counts(host):
    host.mounts(
        "8:0 / ext4 /dev/sda", "8:16 /var ext4 /dev/sdb", "8:32 /var/lib/docker ext4 /dev/sdc", "8:0 /v ext4 /dev/sda"
    )
    for name, number, rotational in (("sda", "8:0", 0), ("sdb", "8:16", 1), ("sdc", "8:32", 0)):
        host.disk(number, f"{PCI}/host0/block/{name}", rotational=rotational)
    (host.root / "var/lib/docker").mkdir()
    (host.root / "var/lib/dockerx").mkdir()
    assert host.kind("/var/lib/docker/volumes")[1] == "sdc is no rotating disk"
    assert host.kind("/var/lib/dockerx")[1] == "sdb is a rotating disk"
    assert host.kind("/")[1] == "sda is no rotating disk"


def test_a_folder_that_this_user_may_not_look_into(host, monkeypatch):
    """As it is for users who are not root below a folder with the mode 0700."""
    host.mounts("8:0 / ext4 /dev/sda", "8:16 /root/data ext4 /dev/sdb")
    host.disk("8:0", f"{PCI}/block/sda", rotational=0)
    host.disk("8:16", f"{PCI}/block/sdb", rotational=1)
    real = os.stat

    def stat(path, *more, **options):
        if "/root/" in str(path) + "/":
            raise PermissionError(13, "Permission denied", "/root/data")
        return real(path, *more, **options)

    monkeypatch.setattr(os, "stat", stat)
    disk = {"path": "/root/data/chat", "gib": 1, "ssd": True}
    assert host.said("host.disk.kind", min_disk=[disk]) == ("fail", "sdb is a rotating disk")
    check = host.one("host.disk", min_disk=[disk])
    assert (check["status"], check["evidence"]) == ("skip", "cannot be asked: Permission denied (/root/data)")
    assert check["hint"] == "Run this check as root (become)."


def test_a_later_mount_hides_an_earlier(host):
    host.mounts("8:0 / ext4 /dev/sda", "8:16 / ext4 /dev/sdb")
    host.disk("8:0", f"{PCI}/block/sda", rotational=1)
    host.disk("8:16", f"{PCI}/block/sdb", rotational=0)
    assert host.kind()[1] == "sdb is no rotating disk"


def test_a_folder_that_is_a_link(host):
    host.mounts("8:0 / ext4 /dev/sda", "8:16 /data ext4 /dev/sdb")
    host.disk("8:0", f"{PCI}/block/sda", rotational=1)
    host.disk("8:16", f"{PCI}/block/sdb", rotational=0)
    (host.root / "data/docker").mkdir(parents=True)
    host.link("var/lib/docker", "data/docker")
    assert host.kind("/var/lib/docker")[1] == "sdb is no rotating disk"


def test_a_blank_in_a_mount_point(host):
    (host.root / "my data").mkdir()
    host.mounts("8:0 / ext4 /dev/sda", "8:16 /my\\040data ext4 /dev/sdb")
    host.disk("8:0", f"{PCI}/block/sda", rotational=1)
    host.disk("8:16", f"{PCI}/block/sdb", rotational=0)
    assert host.kind("/my data")[1] == "sdb is no rotating disk"


@pytest.mark.parametrize("together", [True, False])
def test_btrfs(host, together):
    """Its device numbers are its own."""
    host.mounts("0:33 / btrfs /dev/sda2")
    host.disk("8:0", f"{PCI}/host0/block/sda", rotational=0)
    host.disk("8:2", f"{PCI}/host0/block/sda/sda2", partition=True)
    host.disk("8:16", f"{PCI}/host0/block/sdb", rotational=1)
    if together:
        host.write("sys/fs/btrfs/features/x", "")
        host.link("sys/fs/btrfs/6f3a/devices/sda2", "sys/class/block/sda2")
        host.link("sys/fs/btrfs/6f3a/devices/sdb", "sys/class/block/sdb")
    assert host.kind() == (
        ("fail", "sda is no rotating disk, sdb is a rotating disk") if together else ("pass", "sda is no rotating disk")
    )


def test_a_loop_device(host):
    host.mounts("8:0 / ext4 /dev/sda", "7:0 /var/lib ext4 /dev/loop0")
    host.disk("8:0", f"{PCI}/host0/block/sda", rotational=0)
    host.disk("7:0", "sys/devices/virtual/block/loop0", rotational=1)
    host.write("sys/devices/virtual/block/loop0/loop/backing_file", "/images/lib.img\n")
    assert host.kind() == ("pass", "sda is no rotating disk (through loop0)")


def test_a_loop_device_on_itself_ends(host):
    host.mounts("7:0 / ext4 /dev/loop0")
    host.disk("7:0", "sys/devices/virtual/block/loop0", rotational=1)
    host.write("sys/devices/virtual/block/loop0/loop/backing_file", "/images/lib.img\n")
    assert host.kind() == ("warn", "cannot be told: no disk was found below loop0")


@pytest.mark.parametrize(
    ("kind", "source"),
    [("overlay", "overlay"), ("tmpfs", "tmpfs"), ("nfs4", "nas:/vol"), ("zfs", "rpool/root"), ("9p", "share")],
)
def test_a_file_system_without_a_disk(host, kind, source):
    host.mounts(f"0:98 / {kind} {source}")
    check = host.one("host.disk.kind", min_disk=[{"path": "/", "gib": 1, "ssd": True}])
    assert (check["status"], check["evidence"]) == ("warn", f"cannot be told: file system {kind} on / shows no disk")
    assert check["hint"].startswith("Find out what lies below")


def test_no_mounts(host):
    assert host.kind() == ("warn", "cannot be told: /proc/self/mountinfo does not say")


def test_a_disk_that_says_nothing(host):
    host.mounts("8:0 / ext4 /dev/sda")
    host.disk("8:0", f"{PCI}/host0/block/sda")
    assert host.kind() == ("warn", "sda does not say what it is")


def test_a_virtio_disk(host):
    host.mounts("254:1 / ext4 /dev/vda1")
    host.disk("254:0", "sys/devices/pci0000:00/0000:00:02.0/virtio1/block/vda", rotational=1)
    host.disk("254:1", "sys/devices/pci0000:00/0000:00:02.0/virtio1/block/vda/vda1", partition=True)
    check = host.one("host.disk.kind", min_disk=[{"path": "/", "gib": 1, "ssd": True}])
    assert (check["status"], check["evidence"]) == ("warn", "vda is a rotating disk, says the hypervisor")
    assert check["hint"].startswith("Ask those who run the hypervisor")


def test_a_virtual_machines_sata_disk(virtual):
    virtual.mounts("8:0 / ext4 /dev/sda")
    virtual.disk("8:0", f"{PCI}/host0/block/sda", rotational=1)
    assert virtual.kind() == ("warn", "sda is a rotating disk, says the hypervisor")


def test_a_virtual_ssd(virtual):
    virtual.mounts("8:0 / ext4 /dev/sda")
    virtual.disk("8:0", f"{PCI}/host0/block/sda", rotational=0)
    assert virtual.kind() == ("pass", "sda is no rotating disk, says the hypervisor")


def test_a_raid_controller(host):
    host.mounts("8:0 / ext4 /dev/sda")
    host.disk("8:0", f"{PCI}/host3/target3:2:0/3:2:0:0/block/sda", rotational=1)
    host.write("sys/class/scsi_host/host3/proc_name", "megaraid_sas\n")
    assert host.kind() == ("warn", "sda is a rotating disk, says the RAID controller")


@pytest.mark.parametrize(
    "place",
    [
        "sys/devices/platform/host5/session1/target5:0:0/block/sdb",
        f"{PCI}/host6/rport-6:0-1/target6:0:0/block/sdb",
        "sys/devices/virtual/block/rbd0",
        "sys/devices/virtual/block/drbd1",
    ],
)
def test_a_storage_network(host, place):
    host.mounts("8:16 / ext4 /dev/sdb")
    host.disk("8:16", place, rotational=1)
    name = place.rpartition("/")[2]
    assert host.kind() == ("warn", f"{name} is a rotating disk, says the storage network")


def test_only_where_an_ssd_is_asked_for(host):
    assert host.all("host.disk.kind", min_disk=[{"path": "/", "gib": 1, "ssd": False}, {"path": "/", "gib": 1}]) == []


# -- network ---------------------------------------------------------------------------------------------------------------

ROUTES = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"


def route(name, metric=0, destination="00000000", flags="0003", mask="00000000"):
    return f"{name}\t{destination}\t0100CB0A\t{flags}\t0\t0\t{metric}\t{mask}\t0\t0\t0\n"


@pytest.fixture(name="eth0")
def _eth0(host):
    host.write("proc/net/route", ROUTES + route("eth0"))
    return host


def test_fast_enough(eth0):
    eth0.interface("eth0", 10000, "ixgbe")
    assert eth0.speed() == ("pass", "eth0", "eth0: 10000 Mbit/s")


def test_too_slow(eth0):
    eth0.interface("eth0", 100, "tg3")
    check = eth0.one("host.network.speed", min_network_mbit=1000)
    assert (check["status"], check["evidence"]) == ("fail", "eth0: 100 Mbit/s, at least 1000 Mbit/s wanted")
    assert check["hint"].endswith("See: ethtool eth0")


@pytest.mark.parametrize("speed", ["-1", "4294967295", "0", "", "many"])
def test_no_speed(eth0, speed):
    eth0.interface("eth0", speed, "tg3")
    assert eth0.speed()[::2] == ("warn", "cannot be told: eth0: its driver does not say")


def test_an_interface_that_is_down(eth0):
    eth0.interface("eth0", -1, "tg3", operstate="down\n")
    assert eth0.speed()[2] == "cannot be told: eth0: it is down"


@pytest.mark.parametrize("driver", ["virtio_net", "vmxnet3", "hv_netvsc", "ena"])
def test_a_hypervisors_interface(eth0, driver):
    eth0.interface("eth0", 10000, driver)
    assert eth0.speed()[::2] == (
        "warn",
        f"cannot be told: eth0: it is a hypervisor's ({driver}) that shows 10000 Mbit/s",
    )


def test_an_emulated_card(virtual):
    virtual.write("proc/net/route", ROUTES + route("eth0"))
    virtual.interface("eth0", 1000, "e1000e")
    assert virtual.speed(10000)[0] == "warn"


def test_the_same_card_in_a_real_machine(eth0):
    eth0.interface("eth0", 1000, "e1000e")
    assert eth0.speed(10000)[0] == "fail"


def test_a_containers_interface(eth0):
    eth0.interface("eth0", 10000)
    assert eth0.speed()[2] == "cannot be told: eth0: it is a virtual interface that shows 10000 Mbit/s"


def test_a_bond(eth0):
    for name in ("eno1", "eno2"):
        eth0.interface(name, 1000, "tg3")
    eth0.interface("eth0", 2000, lower=["eno1", "eno2"], bonding__mode="802.3ad 4\n")
    assert eth0.speed(2000) == ("pass", "eth0", "eth0 (eno1, eno2): 2000 Mbit/s")


def test_a_bond_with_a_spare(eth0):
    eth0.interface("eno1", 1000, "tg3")
    eth0.interface("eno2", 100, "tg3")
    mode = {"bonding__mode": "active-backup 1\n", "bonding__active_slave": "eno2\n"}
    eth0.interface("eth0", 100, lower=["eno1", "eno2"], **mode)
    assert eth0.speed() == ("fail", "eth0", "eth0 (eno1, eno2): 100 Mbit/s, at least 1000 Mbit/s wanted")


def test_a_bridge(eth0):
    """Its taps show inventions, the wire counts."""
    eth0.interface("eno1", 1000, "tg3")
    eth0.interface("vnet0", 10)
    eth0.interface("eth0", 10000, lower=["eno1", "vnet0"], bridge__bridge_id="8000\n")
    assert eth0.speed() == ("pass", "eth0", "eth0 (eno1, vnet0): 1000 Mbit/s")


def test_a_vlan_on_a_bond_on_cards(eth0):
    for name in ("eno1", "eno2"):
        eth0.interface(name, 10000, "ixgbe")
    eth0.interface("bond0", lower=["eno1", "eno2"], bonding__mode="balance-rr 0\n")
    eth0.interface("eth0", 20000, lower=["bond0"])
    assert eth0.speed(20000) == ("pass", "eth0", "eth0 (bond0 (eno1, eno2)): 20000 Mbit/s")


def test_a_vlan_on_a_hypervisors_interface(eth0):
    eth0.interface("ens3", -1, "virtio_net")
    eth0.interface("eth0", lower=["ens3"])
    assert eth0.speed()[2] == "cannot be told: eth0 (ens3): it is a hypervisor's (virtio_net)"


def test_the_interface_with_the_wanted_address(eth0):
    eth0.interface("eth0", 100, "tg3")
    eth0.interface("eth1", 1000, "tg3")
    eth0.machine.addresses = lambda: [("eth0", "192.0.2.1"), ("eth1", "10.203.0.20")]
    names = [{"name": "chats.corp.test", "addresses": ["10.203.0.20"]}]
    assert eth0.speed(names=names)[:2] == ("pass", "eth1")


@pytest.mark.parametrize(
    ("routes", "routes6", "name"),
    [
        ([route("eth1", 200), route("eth0", 100)], "", "eth0"),
        ([route("eth1", destination="0000CB0A", mask="00FFFFFF"), route("eth0", 5)], "", "eth0"),
        ([route("eth1", flags="0201"), route("eth0", 9)], "", "eth0"),
        ([route("eth1", destination="00000000", mask="00000080"), route("eth0", 9)], "", "eth0"),
        ([], f"{'0' * 32} 00 {'0' * 32} 00 {'fe80':0<32} 00000400 00000001 0 00000003     eth0\n", "eth0"),
        ([], f"{'0' * 32} 00 {'0' * 32} 00 {'0' * 32} ffffffff 00000001 0 00200200       lo\n", ""),
        ([], "", ""),
    ],
)
def test_the_interface_of_the_default_route(host, routes, routes6, name):
    host.write("proc/net/route", ROUTES + "".join(routes))
    host.write("proc/net/ipv6_route", routes6)
    host.interface("eth0", 1000, "tg3")
    seen = host.speed()
    assert seen[1] == (name or "network")
    assert seen[2] == ("eth0: 1000 Mbit/s" if name else "cannot be told: no default route, so no interface to look at")


def test_no_speed_is_asked(host):
    assert host.all("host.network.speed") == []
