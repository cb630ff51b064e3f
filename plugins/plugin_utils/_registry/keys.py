# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Names of keys: hives, what may be in them, what must never be deleted, and when two names are the same key."""

from __future__ import annotations

from .errors import SettingsError

HIVES = {
    "HKLM": "HKEY_LOCAL_MACHINE",
    "HKCU": "HKEY_CURRENT_USER",
    "HKCR": "HKEY_CLASSES_ROOT",
    "HKU": "HKEY_USERS",
    "HKCC": "HKEY_CURRENT_CONFIG",
}
SHORT = {long: short for short, long in HIVES.items()}
MACHINE, USER = "HKEY_LOCAL_MACHINE", "HKEY_CURRENT_USER"
# HKEY_CLASSES_ROOT is a merged view of the machine's and of the asking account's classes; for a machine only this is meant.
_MACHINE_CLASSES = MACHINE + "\\SOFTWARE\\Classes"
LONGEST_PART = 255
LONGEST_NAME = 16383
# Removing one of these with all that is in it destroys a host or a profile, so it is taken for a mistake.
_NEVER = (
    "SOFTWARE\\Classes",
    "SOFTWARE\\Classes\\*",
    "SOFTWARE\\Classes\\.exe",
    "SOFTWARE\\Classes\\exefile",
    "SOFTWARE\\Classes\\CLSID",
    "SOFTWARE\\Classes\\Directory",
    "SOFTWARE\\Classes\\Interface",
    "SOFTWARE\\Classes\\TypeLib",
    "SOFTWARE\\Microsoft",
    "SOFTWARE\\Microsoft\\Windows",
    "SOFTWARE\\Microsoft\\Windows NT",
    "SOFTWARE\\Microsoft\\Windows\\CurrentVersion",
    "SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion",
    "SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall",
    "SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run",
    "SOFTWARE\\Policies",
    "SOFTWARE\\Policies\\Microsoft",
    "SOFTWARE\\WOW6432Node",
    "SOFTWARE\\WOW6432Node\\Microsoft",
    "SYSTEM\\CurrentControlSet",
    "SYSTEM\\CurrentControlSet\\Control",
    "SYSTEM\\CurrentControlSet\\Services",
)


def fold(name: str) -> str:
    """The same for two names that Windows takes for one: it compares letter by letter in upper case."""
    return "".join(letter.upper() if len(letter.upper()) == 1 else letter for letter in name)


def split_hive(key: str) -> tuple[str, str]:
    """(long name of the hive, the rest); the hive is empty where the key begins below one."""
    first, _unused, rest = key.partition("\\")
    # HKLM:\ is how PowerShell spells it, and how ansible.windows.win_regedit wants it
    name = first.upper().removesuffix(":")
    if name in HIVES:
        return HIVES[name], rest
    if name in SHORT:
        return name, rest
    return "", key


def clean(key: str, where: str) -> str:
    """A key without separators at its ends; SettingsError for what no key can be called."""
    key = key.strip("\\")
    if not key:
        raise SettingsError("A key has no name", where, "It is empty", "Give it as HKLM\\SOFTWARE\\Vendor\\Product")
    for part in key.split("\\"):
        if not part or len(part) > LONGEST_PART:
            problem = (
                "an empty part" if not part else f"a part of {len(part)} characters, and {LONGEST_PART} are allowed"
            )
            cause = (
                "Backslashes are doubled only inside double quotation marks in YAML" if not part else "It is too long"
            )
            raise SettingsError(f"The key {key[:80]} has {problem}", where, cause, "Correct the key")
        if any(letter < " " for letter in part):
            raise SettingsError(
                f"The key {key[:80]!a} has a control character",
                where,
                "In double quotation marks YAML reads \\n and \\t as such",
                "Write keys without quotation marks or in single ones",
            )
    return key


def clean_name(name: str, where: str) -> str:
    """The name of a value; the empty one is the key's default value."""
    if len(name) > LONGEST_NAME:
        what = f"A name of {len(name)} characters"
        raise SettingsError(what, where, f"A value's name has {LONGEST_NAME} at most", "Correct the name")
    if any(letter < " " or "\ud800" <= letter <= "\udfff" for letter in name):
        raise SettingsError(
            f"The name {name[:80]!a} of a value has a control character",
            where,
            "A .reg file, by which values are written, has no way to say it",
            "Correct the name",
        )
    return name


def guard_deletion(hive: str, path: str, where: str) -> None:
    """SettingsError for a key whose removal cannot be meant; ``path`` begins below the hive, which may be empty."""
    if hive == "HKEY_CLASSES_ROOT":
        path = machine_path(hive, path).partition("\\")[2]
    # below HKEY_USERS comes the user, and below him it is as in his own hive
    parts = path.split("\\")[1 if hive == "HKEY_USERS" else 0 :]
    path = "\\".join(parts)
    if len(parts) < 2 or fold(path) in {fold(name) for name in _NEVER}:
        raise SettingsError(
            f"The key {path} is not removed",
            where,
            "It belongs to Windows, and everything below would go with it",
            "Name the key of the one product",
        )


def machine_path(hive: str, rest: str) -> str:
    """The complete path of a key of the machine."""
    if hive == "HKEY_CLASSES_ROOT":
        return f"{_MACHINE_CLASSES}\\{rest}" if rest else _MACHINE_CLASSES
    return f"{hive or MACHINE}\\{rest}"


def short(path: str) -> str:
    """HKEY_LOCAL_MACHINE\\X as HKLM\\X, for people."""
    hive, _unused, rest = path.partition("\\")
    return f"{SHORT.get(hive, hive)}\\{rest}"
