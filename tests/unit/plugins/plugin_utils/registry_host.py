# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for a Windows host with reg.exe at the Runner interface: no cmd.exe, no WinRM, its registry in memory.

It understands the command lines that _registry/commands.py makes, and nothing else. It prints as reg.exe of Windows does
(``separator=False``: as Wine's, which knows no /se), loses what a listing loses, and refuses what the real one refuses: to
load a hive that is loaded, to unload one that is not, to read a key that is not there.
"""

from __future__ import annotations

import base64
import fnmatch
import re

from ansible_collections.onprem.chat.plugins.plugin_utils._registry import commands, reg_file, reg_writer, values
from ansible_collections.onprem.chat.plugins.plugin_utils._registry.keys import HIVES, fold
from ansible_collections.onprem.chat.plugins.plugin_utils._registry.reg_file import Instruction
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.runner import Answer

MOUNT = "HKEY_USERS\\" + commands.MOUNT
LIST = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\ProfileList"
IVAN, ANNA, OLEG = (f"S-1-5-21-1-2-3-{number}" for number in (1104, 1105, 1106))
_TYPES = {values.STRING: "SZ", values.EXPANDSTRING: "EXPAND_SZ", values.BINARY: "BINARY", values.DWORD: "DWORD"}
_TYPES |= {values.MULTISTRING: "MULTI_SZ", values.QWORD: "QWORD", values.NONE: "NONE"}


class Registry:
    """Keys and values of one hive, or of a host's one view."""

    def __init__(self):
        self.keys = {}

    def do(self, one):
        if one.name is None and one.gone:
            self.keys = {at: key for at, key in self.keys.items() if not f"{at}\\".startswith(f"{fold(one.key)}\\")}
        elif one.gone:
            self.keys.get(fold(one.key), ("", {}))[1].pop(fold(one.name), None)
        else:
            parts = one.key.split("\\")
            for count in range(2, len(parts) + 1):
                path = "\\".join(parts[:count])
                self.keys.setdefault(fold(path), (path, {}))
            if one.name is not None:
                self.keys[fold(one.key)][1][fold(one.name)] = (one.name, one.value)

    def get(self, key, name):
        return self.keys.get(fold(key), ("", {}))[1].get(fold(name), (None, None))[1]

    def below(self, key):
        return {at: found for at, found in self.keys.items() if f"{at}\\".startswith(f"{fold(key)}\\")}


class Host:
    """One desktop: a registry (and another one for 32 bit), profiles, loaded hives."""

    def __init__(self, label="(Default)", separator=True):
        self.label, self.separator = label, separator
        self.views = {"64": Registry(), "32": Registry()}
        self.profiles = {}
        self.loaded = {".DEFAULT": ""}
        self.mounted = None
        self.files, self.written, self.batches, self.commands = {}, [], [], []
        self.refused, self.read_only, self.sticky = set(), False, 0
        self.registry.do(
            Instruction(LIST, "Default", values.text(values.EXPANDSTRING, "%SystemDrive%\\Users\\Default"))
        )
        self.profiles["C:\\Users\\Default"] = Registry()

    @property
    def registry(self):
        return self.views["64"]

    def user(self, sid, name, logged_on=False, central=None):
        path = f"C:\\Users\\{name}"
        self.registry.do(Instruction(f"{LIST}\\{sid}", "ProfileImagePath", values.text(values.EXPANDSTRING, path)))
        if central is not None:
            self.registry.do(Instruction(f"{LIST}\\{sid}", "CentralProfile", values.text(values.STRING, central)))
        self.profiles[path] = Registry()
        if logged_on:
            self.loaded[sid] = path
            key = f"HKEY_USERS\\{sid}\\Volatile Environment"
            self.registry.do(Instruction(key, "USERNAME", values.text(values.STRING, name)))
        return path

    def batch(self, asks, *, deadline=60.0):
        self.batches.append([ask.name for ask in asks])
        return {ask.name: self._run(ask.command) for ask in asks}

    def write_files(self, contents, *, deadline=120.0):
        for path, content in contents.items():
            self.write_file(path, content, deadline=deadline)

    def write_file(self, path, content, *, deadline=120.0):
        self.files[path] = content
        self.written.append(content)

    def _run(self, command):
        assert len(command) < 8100
        self.commands.append(command)
        code, text = self._answer(re.sub(r'(\\*)\1"\^?%"', r"\1%", command))
        return Answer(code, text.encode("utf-8", "replace"))

    def _answer(self, command):
        if found := re.match(r'reg unload "HKU\\[^"]+" >nul 2>nul&\(if exist "([^"]+)\\NTUSER\.DAT" ', command):
            return self._hive(found[1], command)
        if command.startswith("echo %SystemRoot%&reg query HKLM "):
            return 0, "C:\\Windows\r\n"
        if command.startswith("echo %SystemDrive%"):
            return 0, "C:\r\nC:\\Windows\r\n"
        if command == "reg query HKU":
            names = [*self.loaded, *([commands.MOUNT] if self.mounted else [])]
            return 0, "\r\n" + "".join(f"HKEY_USERS\\{name}\r\n" for name in names)
        if command.startswith("for /f") and "Volatile" not in command:
            return 0, "".join(self._parts(command.replace("%k", f"HKEY_USERS\\{sid}")) for sid in self.loaded)
        if command.startswith("for /f"):
            keys = [f"HKEY_USERS\\{sid}\\Volatile Environment" for sid in self.loaded]
            return 0, "".join(self._list(key) for key in keys)
        if command.endswith('ProfileList" /s'):
            return 0, "".join(self._list(path) for path, _values in self.registry.below(LIST).values())
        if found := re.match(r'if exist "([^"]+)" (.*)', command):
            return self._answer(found[2]) if found[1] in self.files else (0, "")
        if command.startswith("reg unload"):
            return self._unload()
        if command.startswith("del "):
            for pattern in re.findall('"([^"]+)"', command):
                for path in fnmatch.filter(list(self.files), pattern.replace("[", "[[]")):
                    del self.files[path]
            return 0, ""
        return self._reg(command)

    def _hive(self, profile, command):
        self._unload()
        if profile not in self.profiles:
            return 0, f"{commands.WORD} load 2\r\n"
        if profile in self.refused or profile in self.loaded.values():
            return 0, f"{commands.WORD} load 1\r\n"
        self.mounted = profile
        return 0, f"{commands.WORD} load 0\r\n" + self._parts(command.partition("else (echo")[2])

    def _parts(self, command):
        text = ""
        pattern = rf"[&@(]\(([^&(].*?)\)&\(if errorlevel 1 \(echo {commands.WORD} (\S+) 1\)"
        for found in re.finditer(pattern, command):
            part, name = found[1], found[2]
            code, output = self._unload() if name == "unload" else self._answer(part)
            text += f"{output}{commands.WORD} {name} {int(code != 0)}\r\n"
        return text

    def _unload(self):
        if self.sticky and self.mounted:
            self.sticky -= 1
            return 1, ""
        code, self.mounted = int(not self.mounted), None
        return code, ""

    def _place(self, key, view):
        """The registry that holds a key, and its name there."""
        first, _unused, rest = key.partition("\\")
        key = f"{HIVES.get(first, first)}\\{rest}"
        sid = rest.partition("\\")[0]
        if key.startswith("HKEY_USERS\\") and "Volatile" not in key:
            profile = self.mounted if sid == commands.MOUNT else self.loaded.get(sid)
            return (self.profiles[profile], key.replace(f"\\{sid}", "\\HIVE", 1)) if profile else (Registry(), key)
        return self.views["32" if view == "32" else "64"], key

    def _reg(self, command):
        found = re.match(r'reg (query|export|import|delete) ("[^"]*")(.*)', command)
        assert found, f"the stand-in does not know: {command}"
        verb, name, rest = found[1], found[2].strip('"'), found[3].split("||")[0].split("&")[0]
        view = (re.search(r" /reg:(\d\d)", rest) or [0, "64"])[1]
        if verb == "import":
            if name not in self.files:
                return 1, ""
            if not self.read_only:
                for one in reg_file.parse(self.files[name]):
                    # [-KEY] is of the 64-bit view whatever /reg: says, as it is for reg.exe of Wine.
                    registry, key = self._place(one.key, "64" if one.gone and one.name is None else view)
                    registry.do(Instruction(key, one.name, one.value, one.gone))
            return int(self.read_only), ""
        registry, key = self._place(name, view)
        if fold(key) not in registry.keys or (verb == "delete" and self.read_only):
            return 1, ""
        if verb == "delete":
            assert " /f" in rest
            registry.do(Instruction(key, gone=True))
            return 0, ""
        if verb == "export":
            return 0, self._export(registry, key, name)
        if " >nul" in rest:
            return 0, ""
        if " /ve" in rest:
            value = registry.get(key, "")
            data = self._data(value) if value else "REG_SZ    (value not set)"
            return 0, f"\r\n{name}\r\n    {self.label}    {data}\r\n\r\n"
        return 0, self._list(name, view, "/se" in rest and self.separator)

    def _list(self, name, view="64", separator=False):
        registry, key = self._place(name, view)
        if fold(key) not in registry.keys:
            return ""
        path, entries = registry.keys[fold(key)]
        lines = [f"    {name or self.label}    {self._data(value, separator)}" for name, value in entries.values()]
        below = [found for at, (found, _values) in registry.below(key).items() if "\\" not in at[len(key) + 1 :]]
        return "\r\n".join(["", *([path, *lines] if lines else []), "", *[one for one in below if one != path], ""])

    def _data(self, value, separator=False):
        kind = f"REG_{_TYPES[value.type]}" if value.type in _TYPES else "REG_OTHER"
        read = values.meaning(value)
        if isinstance(read, tuple):
            read = ("\ue000" if separator else "\\0").join(read)
        elif isinstance(read, int):
            read = hex(read)
        elif isinstance(read, bytes):
            read = read.hex().upper()
        return f"{kind}    {read}"

    def _export(self, registry, key, name):
        long = f"{HIVES.get(name.partition(chr(92))[0], name.partition(chr(92))[0])}\\{name.partition(chr(92))[2]}"
        instructions = []
        for path, entries in registry.below(key).values():
            shown = long + path[len(key) :]
            instructions.append(Instruction(shown))
            instructions += [Instruction(shown, one, value) for one, value in entries.values()]
        encoded = base64.encodebytes(reg_writer.render(instructions)).decode().replace("\n", "\r\n")
        return f"exported\r\n-----BEGIN CERTIFICATE-----\r\n{encoded}-----END CERTIFICATE-----\r\n"
