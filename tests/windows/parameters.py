# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was asked for: NAME=VALUE, as they stand behind `make test-windows` or behind the program."""

from __future__ import annotations

import dataclasses
import getpass
import os
import typing as t
from collections.abc import Mapping
from pathlib import Path

NAMES = {
    "HOST": "the Windows host, by the name that the connection needs",
    "USER": "an administrator of it: admin, DOMAIN\\admin, admin@REALM",
    "PASSWORD_FILE": "a file with the password that only you can read; without it the terminal is asked",
    "TRANSPORT": "ntlm (default) or kerberos; others by INVENTORY",
    "SCHEME": "http (default; messages are encrypted) or https",
    "PORT": "5985 for http and 5986 for https by default",
    "CA": "file with the authority of the host's certificate, for https",
    "INVENTORY": "your own inventory, in which HOST is: then it says everything about the connection",
    "PULL_ADDRESS": "ADDRESS:PORT under which the host reaches this machine, to test downloads",
    "PULL_CERTIFICATE": "file with a certificate for it that the host trusts, and its key; without it only http is tested",
    "CUTS": "at how many requests an installation is cut in each way: controller killed, connection closed; 3 by default",
    "ONLY": "some checks: groups, or words of their names, with commas between",
    "REPORT": "where the report goes",
    "YES": "1: do not ask before the host is changed",
}
PASSWORD = "ONPREM_CHAT_WINDOWS_PASSWORD"
GIVEN = "ONPREM_CHAT_GIVEN"
"""Names that make got on its command line: a variable USER is in every environment."""


class WrongParameters(Exception):
    """What is wrong, and what to do."""


@dataclasses.dataclass(frozen=True)
class Parameters:
    """Checked. ``password`` is in no representation."""

    host: str
    user: str = ""
    transport: str = "ntlm"
    scheme: str = "http"
    port: int = 0
    ca: str = ""
    inventory: str = ""
    pull_address: str = ""
    pull_certificate: str = ""
    cuts: int = 3
    only: tuple[str, ...] = ()
    report: str = ""
    yes: bool = False
    password: str = dataclasses.field(default="", repr=False)

    @property
    def variables(self) -> dict[str, t.Any]:
        """What an inventory would say; nothing where there is one."""
        if self.inventory:
            return {}
        found: dict[str, t.Any] = {
            "ansible_connection": "winrm",
            "ansible_user": self.user,
            "ansible_password": self.password,
            "ansible_port": self.port,
            "ansible_winrm_scheme": self.scheme,
            "ansible_winrm_transport": [self.transport],
            "ansible_winrm_server_cert_validation": "validate",
        }
        if self.ca:
            found["ansible_winrm_ca_trust_path"] = self.ca
        return found


def read(words: list[str], environment: Mapping[str, str]) -> Parameters:
    """From the program's arguments and what make has exported. Raises WrongParameters."""
    given = {name: environment[name] for name in environment.get(GIVEN, "").split() if name in environment}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise WrongParameters(f"{word!r} is not NAME=VALUE.\n{usage()}")
        given[name] = value
    if "PASSWORD" in given:
        raise WrongParameters(
            "PASSWORD on a command line can be read by everybody on this machine, and is now in its history: take another one. "
            f"Give PASSWORD_FILE, or the environment variable {PASSWORD}, or nothing: then the terminal is asked."
        )
    unknown = sorted(set(given) - set(NAMES))
    if unknown:
        raise WrongParameters(f"{', '.join(unknown)}: there is no such parameter.\n{usage()}")
    return _checked({name: value.strip() for name, value in given.items() if value.strip()})


def _checked(given: dict[str, str]) -> Parameters:
    if "HOST" not in given:
        raise WrongParameters(f"HOST is missing: which Windows host?\n{usage()}")
    inventory, ca, certificate = (_file(given, name) for name in ("INVENTORY", "CA", "PULL_CERTIFICATE"))
    if inventory and (more := {"USER", "TRANSPORT", "SCHEME", "PORT", "CA", "PASSWORD_FILE"} & set(given)):
        raise WrongParameters(f"INVENTORY says everything about the connection: leave out {', '.join(sorted(more))}.")
    if not inventory and "USER" not in given:
        raise WrongParameters(f"USER is missing: which administrator of the host?\n{usage()}")
    scheme = given.get("SCHEME", "https" if ca else "http")
    transport = given.get("TRANSPORT", "ntlm")
    if scheme not in ("http", "https"):
        raise WrongParameters("SCHEME is http or https.")
    if transport not in ("ntlm", "kerberos"):
        raise WrongParameters("TRANSPORT is ntlm or kerberos. For another one write an inventory and give INVENTORY.")
    port = given.get("PORT", "5985" if scheme == "http" else "5986")
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise WrongParameters("PORT is a number between 1 and 65535.")
    if not given.get("CUTS", "0").isdigit():
        raise WrongParameters("CUTS is a number: 0 leaves these checks out.")
    if "PULL_ADDRESS" in given and not given["PULL_ADDRESS"].rpartition(":")[2].isdigit():
        raise WrongParameters("PULL_ADDRESS is ADDRESS:PORT, for instance 192.0.2.10:8099.")
    if certificate and "PULL_ADDRESS" not in given:
        raise WrongParameters("PULL_CERTIFICATE is of use with PULL_ADDRESS only.")
    return Parameters(
        host=given["HOST"],
        user=given.get("USER", ""),
        transport=transport,
        scheme=scheme,
        port=int(port),
        ca=ca,
        inventory=inventory,
        pull_address=given.get("PULL_ADDRESS", ""),
        pull_certificate=certificate,
        cuts=int(given.get("CUTS", "3")),
        only=tuple(filter(None, (words.strip() for words in given.get("ONLY", "").split(",")))),
        report=given.get("REPORT", ""),
        yes=given.get("YES", "").lower() in ("1", "y", "yes", "true"),
        password=_password_of(given["PASSWORD_FILE"]) if "PASSWORD_FILE" in given else "",
    )


def with_password(parameters: Parameters, environment: t.MutableMapping[str, str]) -> Parameters:
    """The password from the environment (it is taken out there, so that no child inherits it), or from the terminal."""
    from_environment = environment.pop(PASSWORD, "")
    if parameters.inventory or parameters.password:
        return parameters
    found = from_environment
    if not found:
        try:
            found = getpass.getpass(f"Password of {parameters.user} on {parameters.host}: ")
        except (EOFError, OSError):
            raise WrongParameters(
                f"There is no terminal: give PASSWORD_FILE or {PASSWORD} in the environment."
            ) from None
    if not found:
        raise WrongParameters("The password is empty: Windows lets nobody in over the network without one.")
    return dataclasses.replace(parameters, password=found)


def _file(given: Mapping[str, str], name: str) -> str:
    if name not in given:
        return ""
    path = Path(given[name]).expanduser().resolve()
    if not path.exists():
        raise WrongParameters(f"{name}: {given[name]} is not there.")
    return str(path)


def _password_of(name: str) -> str:
    path = Path(name).expanduser()
    try:
        if path.stat().st_mode & 0o077 and path.is_file():
            raise WrongParameters(f"PASSWORD_FILE: others may read {name}. Take that away: chmod 600 {name}")
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise WrongParameters(f"PASSWORD_FILE: {name}: {os.strerror(error.errno or 0)}.") from None


def usage() -> str:
    """The parameters, one a line."""
    lines = "\n".join(f"  {name:<17} {text}" for name, text in NAMES.items())
    return f"  make test-windows HOST=pc1.example.org USER=admin [NAME=VALUE …]\n{lines}"
