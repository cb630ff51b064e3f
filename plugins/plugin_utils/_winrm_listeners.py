# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Which hosts of an inventory listen for WinRM over HTTPS, and where. Pure.

It follows the defaults of Ansible's own connection plugins: HTTPS on port 5986, unless the port is 5985.
"""

from __future__ import annotations

import collections.abc
import typing as t

HTTP_PORT, HTTPS_PORT = 5985, 5986
# Per connection: variables of the port, of the scheme, and of the address, the strongest first.
_VARIABLES = {
    "winrm": (("ansible_winrm_port", "ansible_port"), "ansible_winrm_scheme", ("ansible_winrm_host", "ansible_host")),
    "psrp": (("ansible_psrp_port", "ansible_port"), "ansible_psrp_protocol", ("ansible_psrp_host", "ansible_host")),
}


def listeners(hosts: collections.abc.Iterable[collections.abc.Mapping]) -> list[dict[str, t.Any]]:
    """host and port of each listener. hosts: the variables of each host.

    A host whose variables cannot be used is told with a problem in place of the port; the others are found all the same.
    """
    found = []
    for variables in hosts:
        try:
            listener = _listener(variables)
        except Exception as error:  # of a variable that is a template anything may come
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            listener = {"host": _host(variables), "problem": f"where it listens for WinRM cannot be told: {reason}"}
        if listener:
            found.append(listener)
    return found


def _listener(variables: collections.abc.Mapping) -> dict[str, t.Any] | None:
    connection = str(variables.get("ansible_connection") or "").rpartition(".")[2]
    if connection not in _VARIABLES:
        return None
    ports, scheme, addresses = _VARIABLES[connection]
    text = str(_first(variables, ports) or HTTPS_PORT).strip()
    port = int(text) if text.isascii() and text.isdigit() else 0
    if not 0 < port < 65536:
        raise ValueError(f"{text[:40]!r} is no port")
    if str(variables.get(scheme) or ("http" if port == HTTP_PORT else "https")) != "https":
        return None
    return {"host": str(_first(variables, (*addresses, "inventory_hostname"))), "port": port}


def _host(variables: collections.abc.Mapping) -> str:
    try:
        return str(variables["inventory_hostname"])
    except Exception:  # not even that
        return "a host without a name"


def _first(variables: collections.abc.Mapping, names: tuple[str, ...]) -> t.Any:
    return next((variables[name] for name in names if variables.get(name)), None)
