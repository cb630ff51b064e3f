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
    """host and port of each listener. hosts: the variables of each host."""
    found = []
    for variables in hosts:
        connection = str(variables.get("ansible_connection") or "").rpartition(".")[2]
        if connection not in _VARIABLES:
            continue
        ports, scheme, addresses = _VARIABLES[connection]
        port = int(_first(variables, ports) or HTTPS_PORT)
        if str(variables.get(scheme) or ("http" if port == HTTP_PORT else "https")) == "https":
            found.append({"host": str(_first(variables, (*addresses, "inventory_hostname"))), "port": port})
    return found


def _first(variables: collections.abc.Mapping, names: tuple[str, ...]) -> t.Any:
    return next((variables[name] for name in names if variables.get(name)), None)
