# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder stands for the host: /proc, /sys, /etc and /run as a test wants them."""

from __future__ import annotations

import types

from ansible_collections.onprem.chat.plugins.module_utils._host import clock
from ansible_collections.onprem.chat.plugins.module_utils._host import judge as tested
from ansible_collections.onprem.chat.plugins.module_utils._host.machine import Finished

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
        self.programs = {}
        self.ran = []
        self.machine = tested.Machine(
            root=root,
            architecture=lambda: "x86_64",
            statvfs=lambda _folder: types.SimpleNamespace(f_bavail=10 * 1024**2, f_frsize=1024),
            resolve=lambda _name: ["10.203.0.20"],
            clock=lambda: clock.KernelClock(True, 0.012),
            addresses=lambda: [("lo", "127.0.0.1"), ("eth0", "10.203.0.20")],
            kernel=lambda: ("6.1.0-28-amd64", "#1 SMP Debian 6.1.119-1 (2024-11-22)"),
            environment={},
            run=self.run,
            reach=None,
            now=lambda: 1_800_000_000.0,
        )

    def run(self, argv, *_timeout):
        """Programs by the words with which they are called; there are no others."""
        self.ran.append(tuple(argv))
        for words, (code, out, err) in self.programs.items():
            if set(words.split()) <= set(argv):
                return Finished(code, out, err)
        return None

    def program(self, words, out="", code=0, err=""):
        self.programs[words] = (code, out, err)

    def link(self, path, target):
        """A symbolic link, to a path from the root of the pretended host."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(self.root / target)

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

    def said(self, id, **wanted):
        """Status and evidence."""
        check = self.one(id, **wanted)
        return check["status"], check["evidence"]

    def all(self, id, **wanted):
        """(status, subject, evidence) of every check with this id."""
        return [(one["status"], one["subject"], one["evidence"]) for one in self.ask(**wanted) if one["id"] == id]
