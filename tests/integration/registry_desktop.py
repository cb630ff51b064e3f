# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The laboratory's Windows desktop as tests of win_registry see it: through the module, and by an independent reader."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

from lab_desktops import CYRILLIC, SPACED, Desktop, inventory

MODULE = "onprem.chat.win_registry"
PROGRAM = Path(__file__).with_name("registry_channel.py")
MACHINE = "HKEY_LOCAL_MACHINE\\SOFTWARE\\OnPrem Test"
MOUNT = "onprem-chat-registry"


class Host:
    """win1, as win_registry and as an independent reader see it."""

    def __init__(self, lab, folder):
        self.lab = lab
        self.desktop = Desktop(lab)
        self.inventory = folder / "inventory.json"
        self.inventory.touch(0o600)
        self.inventory.write_text(inventory([self.desktop]))

    def task(self, *settings, arguments=(), **options):
        argv = ["-i", str(self.inventory), "--diff", *arguments]
        return self.lab.module(MODULE, {"settings": list(settings), **options}, *argv, host=self.desktop.name)

    def rhythm(self, *settings):
        """Check mode that changes nothing, a run, a second one that finds nothing to do; gives the run's result."""
        before = self.export(MACHINE)
        checked = self.task(*settings, arguments=["--check"])
        assert (checked["failed"], checked["changed"]) == (False, True), checked
        assert self.export(MACHINE) == before
        first = self.task(*settings)
        assert (first["failed"], first["changed"], first["diff"]) == (False, True, checked["diff"]), first
        again = self.task(*settings)
        assert (again["failed"], again["changed"], again["changes"]) == (False, False, []), again
        self.clean()
        return first

    def many(self, *lists, **more):
        """Several tasks in one process."""
        job = {"vars": self.desktop.variables() | more, "settings": lists}
        command = ["env", f"PYTHONPATH={os.environ.get('PYTHONPATH', '')}", sys.executable, str(PROGRAM)]
        return json.loads(self.lab.exec("users", command, check=True, input=json.dumps(job)).stdout)

    def export(self, key, view="64"):
        """What Wine's own reg export says, as the lines that a .reg file has; nothing where there is no such key."""
        ran = self.desktop.run(f'reg export "{key}" C:\\independent.reg /y /reg:{view}')
        if ran.code:
            return []
        text = self.desktop.file("C:\\independent.reg").read_bytes().decode("utf-16")
        return [line for line in re.sub(r"\\\r\n\s*", "", text).split("\r\n") if line][1:]

    def of_profile(self, profile, key):
        """The same of somebody who is not logged on."""
        loaded = self.desktop.run(f'reg load HKU\\independent "{profile}\\NTUSER.DAT"')
        assert loaded.code == 0, loaded
        try:
            return self.export(f"HKEY_USERS\\independent\\{key}")
        finally:
            assert self.desktop.run("reg unload HKU\\independent").code == 0

    def clean(self):
        """No hive, no shell and no file of ours is left."""
        assert MOUNT not in self.desktop.run("reg query HKU").stdout
        assert self.desktop.shells() == 0
        assert not [path for path in self.desktop.file("C:\\windows\\temp").iterdir() if MOUNT in path.name]

    def forget(self):
        """Take away what an earlier test wrote, of the machine and of everybody who is logged on."""
        sids = re.findall(r"HKEY_USERS\\(S-1-5-21-\S+)", self.desktop.run("reg query HKU").stdout)
        keys = ["HKLM\\SOFTWARE\\OnPrem Test", *[f"HKU\\{sid}\\Software\\OnPrem Test" for sid in sids]]
        lines = [f'reg delete "{key}" /f /reg:{view}' for key in keys for view in ("64", "32")]
        self.desktop.run("&".join(lines))

    @classmethod
    def prepared(cls, lab, folder):
        """One of the people is logged on, the other one was."""
        lab.up("users", "win1")
        host = cls(lab, folder)
        host.desktop.logon(CYRILLIC, SPACED)
        host.desktop.logoff(SPACED)
        for profile in (SPACED, "Default"):
            steps = [
                f'reg load HKU\\independent "C:\\Users\\{profile}\\NTUSER.DAT"',
                'reg delete "HKU\\independent\\Software\\OnPrem Test" /f',
                "reg unload HKU\\independent",
            ]
            host.desktop.run("&".join(steps))
        return host


def item(name, data=None, kind="string", **more):
    """A value of the machine."""
    return {"key": "HKLM\\SOFTWARE\\OnPrem Test", "name": name, "type": kind, "data": data, **more}
