# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pending updates and reboots. What apt says was written down from apt 2.6 of Debian 12."""

from __future__ import annotations

import os

import pytest

from ansible_collections.onprem.chat.plugins.module_utils._host import updates
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.host_fake import Host

LISTS = "var/lib/apt/lists"
NOTHING = """Reading package lists...
Building dependency tree...
Reading state information...
Calculating upgrade...
0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.
"""
SOME = """Reading package lists...
Building dependency tree...
Reading state information...
Calculating upgrade...
The following NEW packages will be installed:
  linux-image-6.1.0-29-amd64
The following packages will be upgraded:
  libssl3 python3.11 tzdata
3 upgraded, 1 newly installed, 1 to remove and 0 not upgraded.
Remv oldthing [1.0-1]
Inst libssl3 [3.0.20-1~deb12u2] (3.0.22-1~deb12u2 Debian-Security:12/oldstable-security [amd64])
Inst python3.11 [3.11.2-6+deb12u8] (3.11.2-6+deb12u9 Debian-Security:12/oldstable-security [amd64]) []
Inst linux-image-6.1.0-29-amd64 (6.1.123-1 Debian-Security:12/oldstable-security [amd64])
Conf libssl3 (3.0.22-1~deb12u2 Debian-Security:12/oldstable-security [amd64])
Inst tzdata [2026b-0+deb12u1] (2026f-0+deb12u1 Debian-Security:12/oldstable-security [all])
"""
HELD = """Calculating upgrade...
The following packages have been kept back:
  tzdata wget
  zlib1g
0 upgraded, 0 newly installed, 0 to remove and 3 not upgraded.
"""
PHASED = """Calculating upgrade...
The following upgrades have been deferred due to phasing:
  tzdata
0 upgraded, 0 newly installed, 0 to remove and 1 not upgraded.
"""
BROKEN = """Building dependency tree...
You might want to run 'apt --fix-broken install' to correct these.
"""
URIS = """'http://deb.debian.org/debian-security/dists/bookworm-security/InRelease' deb.debian.org_debian-security_dists_bookworm-security_InRelease 0
'http://deb.debian.org/debian/dists/bookworm/InRelease' deb.debian.org_debian_dists_bookworm_InRelease 0
'file:/srv/repo/./InRelease' _srv_repo_._InRelease 0
"""
DAY = 86400


@pytest.fixture(name="host")
def _host(tmp_path):
    host = Host(tmp_path)
    host.program("apt-get dist-upgrade", NOTHING)
    host.program("apt-get update", URIS)
    for suite in ("debian-security_dists_bookworm-security", "debian_dists_bookworm"):
        host.write(f"{LISTS}/deb.debian.org_{suite}_InRelease", "Date: Sat, 21 Nov 2026 00:53:02 UTC\n")
        host.write(f"{LISTS}/deb.debian.org_{suite}_main_binary-amd64_Packages", "")
    host.write(f"{LISTS}/lock", "")
    (host.root / LISTS / "partial").mkdir()
    updated(host, 3600)
    return host


def updated(host, ago):
    """When apt-get update fetched something for the last time."""
    when = host.machine.now() - ago
    for path in (f"{LISTS}/partial", LISTS):
        os.utime(host.root / path, (when, when))


def tried(host, ago):
    """When it was run for the last time, and fetched nothing: no server answered, or none had anything newer."""
    os.utime(host.root / LISTS / "partial", (host.machine.now() - ago,) * 2)


def ask(host):
    return host.said("host.updates", updates=True)


def held(host):
    return host.said("host.updates.held", updates=True)


def hint(host, id="host.updates"):
    return host.one(id, updates=True)["hint"]


def test_nothing_pending(host):
    assert ask(host) == ("pass", "none pending, package lists are 1 h old")


@pytest.mark.parametrize(("ago", "shown"), [(300, "5 min"), (7200, "2 h"), (47 * 3600, "47 h"), (6.5 * DAY, "6 days")])
def test_the_age_of_the_lists(host, ago, shown):
    updated(host, ago)
    assert ask(host) == ("pass", f"none pending, package lists are {shown} old")


def test_how_apt_is_asked(host):
    ask(host)
    only_read = (
        *("-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache="),
        *("-o", "Dir::Log::Planner=/dev/null", "-o", "Debug::NoLocking=1"),
    )
    assert host.ran == [
        ("apt-get", "--simulate", "--quiet", *only_read, "dist-upgrade"),
        ("apt-get", "--print-uris", "--quiet", *only_read, "update"),
    ]


def test_updates_are_not_asked(host):
    assert host.all("host.updates") == host.all("host.updates.held") == host.all("host.reboot") == host.ran == []


def test_pending(host):
    host.program("apt-get dist-upgrade", SOME)
    check = host.one("host.updates", updates=True)
    assert (check["status"], check["evidence"]) == (
        "fail",
        "5 pending: oldthing (would be removed), libssl3 (3.0.20-1~deb12u2 -> 3.0.22-1~deb12u2), python3.11"
        " (3.11.2-6+deb12u8 -> 3.11.2-6+deb12u9), linux-image-6.1.0-29-amd64 (new, 6.1.123-1), tzdata"
        " (2026b-0+deb12u1 -> 2026f-0+deb12u1)",
    )
    assert check["hint"] == "On the host: apt-get update && apt-get dist-upgrade, then restart the host."


def test_many_are_cut(host):
    host.program("apt-get dist-upgrade", "".join(f"Inst p{number} [1] (2 X [all])\n" for number in range(9)))
    assert ask(host)[1].startswith("9 pending: p0 (1 -> 2), ") and ask(host)[1].endswith("p4 (1 -> 2) and 4 more")


def test_kept_back(host):
    host.program("apt-get dist-upgrade", HELD)
    check = host.one("host.updates.held", updates=True)
    assert (check["status"], check["subject"], check["evidence"]) == (
        "fail",
        "held packages",
        "3 kept back: tzdata, wget, zlib1g",
    )
    assert "apt-mark unhold" in check["hint"]
    assert ask(host) == ("pass", "none pending, package lists are 1 h old")


def test_kept_back_beside_pending_updates(host):
    host.program("apt-get dist-upgrade", HELD + "Inst p [1] (2 X [all])\n")
    assert ask(host) == ("fail", "1 pending: p (1 -> 2)")
    assert held(host) == ("fail", "3 kept back: tzdata, wget, zlib1g")


def test_none_is_held(host):
    assert held(host) == ("pass", "none with a newer version")


def test_deferred_by_phases_is_no_fault(host):
    host.program("apt-get dist-upgrade", PHASED)
    assert ask(host)[0] == "pass"


def test_apt_is_in_disorder(host):
    err = "E: Unmet dependencies. Try 'apt --fix-broken install' with no packages (or specify a solution).\n"
    host.program("apt-get dist-upgrade", BROKEN, 100, err)
    assert ask(host) == (
        "fail",
        "apt cannot say: Unmet dependencies. Try 'apt --fix-broken install' with no packages (or specify a solution).",
    )
    host.program("apt-get dist-upgrade", "", 100)
    assert ask(host)[1] == "apt cannot say: apt-get ended with 100"
    assert held(host) == ("skip", "apt cannot say")


def test_no_apt(host):
    host.programs.clear()
    assert ask(host) == held(host) == ("skip", "there is no apt-get that answers")


def test_no_lists(host):
    for file in (host.root / LISTS).glob("deb*"):
        file.unlink()
    assert ask(host) == ("fail", "no package lists: apt does not know which updates there are")
    assert hint(host) == "On the host: apt-get update && apt-get dist-upgrade"
    assert held(host) == ("skip", "no package lists: apt does not know newer versions")


def test_no_folder_of_lists(host):
    for file in (host.root / LISTS).glob("*"):
        file.rmdir() if file.is_dir() else file.unlink()
    (host.root / LISTS).rmdir()
    assert ask(host)[1].startswith("no package lists")


def test_old_lists(host):
    updated(host, 30 * DAY)
    assert ask(host) == ("fail", "package lists are 30 days old")
    host.program("apt-get dist-upgrade", "Inst p [1] (2 X [all])\n")
    assert ask(host) == ("fail", "1 pending: p (1 -> 2); package lists are 30 days old")


def test_updates_that_fetched_nothing_make_no_list_younger(host):
    """Seen with apt 2.6: partial is touched by every update, lists only when something was fetched."""
    updated(host, 30 * DAY)
    tried(host, 7200)
    assert ask(host) == ("fail", "package lists are 30 days old; apt tried 2 h ago and fetched nothing newer")
    assert "does not reach the source" in hint(host) and "stands still" in hint(host)


def test_an_update_that_fetched_nothing_beside_lists_that_are_young_enough(host):
    updated(host, 6 * DAY)
    tried(host, 300)
    assert ask(host) == ("pass", "none pending, package lists are 6 days old")


def test_no_folder_for_what_is_fetched(host):
    (host.root / LISTS / "partial").rmdir()
    os.utime(host.root / LISTS, (host.machine.now() - 9 * DAY,) * 2)
    assert ask(host) == ("fail", "package lists are 9 days old")


def test_a_stamp_of_success_is_newer(host):
    updated(host, 30 * DAY)
    host.write("var/lib/apt/periodic/update-success-stamp", "")
    os.utime(host.root / "var/lib/apt/periodic/update-success-stamp", (host.machine.now() - DAY,) * 2)
    assert ask(host)[0] == "pass"


def test_lists_that_are_too_old_by_their_own_date(host):
    """apt-get update ran an hour ago, and in vain: a mirror that stands still, or no network."""
    name = f"{LISTS}/deb.debian.org_debian-security_dists_bookworm-security_InRelease"
    host.write(name, "Origin: Debian\nValid-Until: Sat, 28 Nov 2026 00:53:02 UTC\n")
    updated(host, 300)
    assert ask(host) == ("fail", "package lists are 5 min old and no longer valid by their own date")


def test_lists_that_are_still_valid(host):
    name = f"{LISTS}/deb.debian.org_debian_dists_bookworm_InRelease"
    host.write(name, "Valid-Until: Sat, 28 Nov 2037 00:53:02 UTC\n")
    updated(host, 300)
    assert ask(host)[0] == "pass"
    host.write(name, "Valid-Until: some day\n")
    updated(host, 300)
    assert ask(host)[0] == "pass"


def test_a_source_that_was_never_fetched(host):
    for file in (host.root / LISTS).glob("*security*"):
        file.unlink()
    updated(host, 300)
    assert ask(host) == (
        "fail",
        "no package list of http://deb.debian.org/debian-security/dists/bookworm-security",
    )
    assert "Can this host reach the source?" in hint(host)


def test_a_sources_password_is_not_shown(host):
    host.program(
        "apt-get update", "'https://user:s3cret@mirror.test/d/dists/x/InRelease' mirror.test_d_dists_x_InRelease 0\n"
    )
    assert ask(host)[1] == "no package list of https://***@mirror.test/d/dists/x"


def test_sources_cannot_be_asked(host):
    host.program("apt-get update", "", 100)
    assert ask(host)[0] == "pass"


def test_a_debian_without_its_security_archive(host):
    for file in (host.root / LISTS).glob("*security*"):
        file.unlink()
    host.program("apt-get update", "")
    updated(host, 300)
    assert ask(host) == ("warn", "none pending, but no package list of security updates")
    host.write("etc/os-release", "ID=other\n")
    assert ask(host)[0] == "pass"


# -- reboot ------------------------------------------------------------------------------------------------------------

STATUS = """Package: linux-image-amd64
Status: install ok installed
Version: 6.1.123-1

Package: linux-image-6.1.0-28-amd64
Status: install ok installed
Architecture: amd64
Version: {version}
Description: Linux 6.1 for 64-bit PCs
"""


def reboot(host):
    return host.said("host.reboot", updates=True)


def kernels(host, *releases):
    for release in releases:
        host.write(f"boot/vmlinuz-{release}", "")


def test_no_reboot(host):
    kernels(host, "6.1.0-28-amd64", "6.1.0-27-amd64", "6.1.0-9-amd64")
    assert reboot(host) == ("pass", "nothing waits for one, kernel 6.1.0-28-amd64")


def test_packages_ask_for_a_reboot(host):
    host.write("run/reboot-required", "*** System restart required ***\n")
    host.write("run/reboot-required.pkgs", "libc6\nlinux-image-6.1.0-29-amd64\nlibc6\n")
    check = host.one("host.reboot", updates=True)
    assert (check["status"], check["evidence"]) == ("warn", "asked for by libc6, linux-image-6.1.0-29-amd64")
    assert check["hint"] == "Restart the host: until then it runs without these updates."


def test_somebody_asks_for_a_reboot(host):
    host.write("var/run/reboot-required", "")
    assert reboot(host) == ("warn", "asked for by /run/reboot-required")


def test_a_newer_kernel_waits(host):
    kernels(host, "6.1.0-28-amd64", "6.1.0-100-amd64", "6.1.0-99-amd64")
    assert reboot(host) == ("warn", "kernel 6.1.0-28-amd64 runs, 6.1.0-100-amd64 is installed")


def test_a_kernel_of_another_flavour_does_not_count(host):
    kernels(host, "6.1.0-28-amd64", "6.1.0-29-rt-amd64", "6.1.0-29-cloud-amd64")
    assert reboot(host)[0] == "pass"


@pytest.mark.parametrize(("version", "status"), [("6.1.119-1", "pass"), ("6.1.119-2", "warn")])
def test_a_newer_build_of_the_same_kernel(host, version, status):
    host.write("var/lib/dpkg/status", STATUS.format(version=version))
    assert reboot(host)[0] == status
    if status == "warn":
        assert reboot(host)[1] == "kernel 6.1.0-28-amd64 runs, 6.1.0-28-amd64 6.1.119-2 is installed"


def test_the_kernel_of_a_containers_machine(host):
    """It is not this host's to choose."""
    host.machine.kernel = lambda: ("6.18.44-machine-v669", "#1 SMP Sat Nov 21 2026")
    kernels(host, "6.19.0-1-amd64")
    assert reboot(host)[0] == "pass"
    host.machine.kernel = lambda: ("what", "#1")
    assert reboot(host)[0] == "pass"


@pytest.mark.parametrize(
    ("running", "installed", "newer"),
    [
        ("6.12.38+deb13-amd64", "6.12.41+deb13-amd64", True),
        ("6.11.5+bpo-amd64", "6.11.10+bpo-amd64", True),
        ("5.15.0-91-generic", "5.15.0-119-generic", True),
        ("6.8.12-4-pve", "6.8.12-4-pve", False),
        ("6.1.0-28-cloud-amd64", "6.1.0-29-cloud-amd64", True),
        ("6.5.0-0.deb12.1-amd64", "6.5.0-0.deb12.4-amd64", True),
        ("6.5.0-0.deb12.4-amd64", "6.5.0-0.deb12.4-amd64", False),
        ("6.5.0-0.deb12.4-cloud-amd64", "6.6.13-0.deb12.1-amd64", False),
        ("5.10.0-0.bpo.9-amd64", "5.10.0-0.bpo.15-amd64", True),
        ("6.1.0-28-cloud-amd64", "6.1.0-29-amd64", False),
    ],
)
def test_names_of_kernels(host, running, installed, newer):
    kernels(host, running, installed)
    assert bool(updates.newer_kernel(host.root, running, "#1 SMP")) is newer


def test_version_of_a_package(host):
    host.write("var/lib/dpkg/status", STATUS.format(version="1.2"))
    assert updates.package_version(host.root, "linux-image-6.1.0-28-amd64") == "1.2"
    assert updates.package_version(host.root, "linux-image-6.1.0-28") == ""
    host.write("var/lib/dpkg/status", STATUS.format(version="1.2").replace("ok installed", "ok config-files"))
    assert updates.package_version(host.root, "linux-image-6.1.0-28-amd64") == ""
