# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Who uses a Windows host: profiles, loaded hives, who is logged on. All from the registry, nothing from localised words.

A user's hive is loaded where HKEY_USERS has a key of his SID, and somebody is logged on there where it holds the volatile key
"Volatile Environment". Profiles stand in ProfileList. Accounts of people have SIDs S-1-5-21-… (a domain or the host) or S-1-12-1-…
(Entra ID); services and virtual accounts have others and are no users here.

A profile that roams (CentralProfile) is a copy of one on a server. At its user's next logon Windows takes the newer of both, by the
date of NTUSER.DAT alone (KB146192), which loading it changes: what he has set elsewhere since would be lost. So it is never loaded.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping

from .._winrm.runner import Answer, Ask

HIVES, PROFILES, LOGGED_ON, DRIVE = "users.hives", "users.profiles", "users.logged_on", "users.drive"
_LIST = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList"
_SID = re.compile(r"S-1-(?:5-21|12-1)-[0-9-]+\Z", re.IGNORECASE)
_VALUE = re.compile(r"    (\S+)    REG_(?:EXPAND_)?SZ    (.*)\Z")
_VARIABLE = re.compile(r"%(SystemDrive|SystemRoot|windir)%", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class User:
    """A person's account on the host. ``name`` is the account's where somebody is logged on, else the profile folder's.

    ``roaming``: the profile is a copy of one on a server.
    """

    sid: str
    name: str
    profile: str
    loaded: bool
    logged_on: bool
    roaming: bool = False

    @property
    def loadable(self) -> bool:
        """Whether the hive is not loaded and may be, for a moment."""
        return bool(self.profile) and not self.loaded and not self.roaming


def questions() -> list[Ask]:
    """What has to be asked once a host; nothing is changed by it."""
    return [
        Ask(HIVES, "reg query HKU"),
        Ask(PROFILES, f'reg query "{_LIST}" /s'),
        Ask(LOGGED_ON, 'for /f "delims=" %k in (\'reg query HKU\') do @reg query "%k\\Volatile Environment" 2>nul'),
        Ask(DRIVE, "echo %SystemDrive%&echo %SystemRoot%"),
    ]


def understand(answers: Mapping[str, Answer]) -> list[User]:
    """All users with a profile or a loaded hive, in the order of their SIDs."""
    loaded = {sid.upper(): sid for sid in hives(answers) if _SID.match(sid)}
    sessions = {sid.upper(): name for sid, name in _sessions(answers[LOGGED_ON].text).items()}
    profiles = {sid.upper(): (sid, *found) for sid, found in _profiles(answers).items() if _SID.match(sid)}
    users = []
    for sid in sorted({*loaded, *profiles}):
        spelled, profile, roaming = profiles.get(sid, (loaded.get(sid, sid), "", False))
        name = sessions.get(sid) or profile.rpartition("\\")[2] or spelled
        users.append(User(spelled, name, profile, sid in loaded, sid in sessions, roaming))
    return users


def hives(answers: Mapping[str, Answer]) -> list[str]:
    """Names of the keys right below HKEY_USERS."""
    prefix = "HKEY_USERS\\"
    lines = answers[HIVES].text.split("\n")
    return [line.removeprefix(prefix) for line in lines if line.startswith(prefix) and "\\" not in line[len(prefix) :]]


def default_profile(answers: Mapping[str, Answer]) -> str:
    """The folder that every new profile is copied from."""
    drive = _system(answers)["systemdrive"]
    return _expand(_sections(answers[PROFILES].text).get("", {}).get("DEFAULT", f"{drive}\\Users\\Default"), answers)


def _profiles(answers: Mapping[str, Answer]) -> dict[str, tuple[str, bool]]:
    """Name of the key -> the profile's folder, and whether it roams."""
    found = _sections(answers[PROFILES].text)
    return {
        sid: (_expand(entries["PROFILEIMAGEPATH"], answers), bool(entries.get("CENTRALPROFILE", "").strip()))
        for sid, entries in found.items()
        if "PROFILEIMAGEPATH" in entries
    }


def _sections(text: str) -> dict[str, dict[str, str]]:
    """Name of the key below ProfileList (empty for itself) -> texts of its values by their names in upper case."""
    sections: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for line in text.split("\n"):
        if line.startswith("HKEY_"):
            name = line.rpartition("\\")[2]
            current = sections.setdefault("" if name.upper() == "PROFILELIST" else name, {})
        elif found := _VALUE.match(line):
            current.setdefault(found.group(1).upper(), found.group(2))
    return sections


def _sessions(text: str) -> dict[str, str]:
    """SID -> name of the account, for each that is logged on."""
    found: dict[str, str] = {}
    sid = ""
    for line in text.split("\n"):
        parts = line.split("\\")
        if line.startswith("HKEY_USERS\\") and len(parts) > 2 and parts[2].upper() == "VOLATILE ENVIRONMENT":
            sid = parts[1]
            found.setdefault(sid, "")
        elif sid and (value := _VALUE.match(line)) and value.group(1).upper() == "USERNAME":
            found[sid] = found[sid] or value.group(2)
    return {sid: name for sid, name in found.items() if _SID.match(sid)}


def _system(answers: Mapping[str, Answer]) -> dict[str, str]:
    lines = [line.strip() for line in answers[DRIVE].text.split("\n") if line.strip()]
    drive, root = (lines + ["C:", "C:\\Windows"][len(lines) :])[:2]
    return {"systemdrive": drive, "systemroot": root, "windir": root}


def _expand(path: str, answers: Mapping[str, Answer]) -> str:
    """With the variables that Windows itself writes into ProfileList."""
    system = _system(answers)
    return _VARIABLE.sub(lambda found: system[found.group(1).lower()], path)
