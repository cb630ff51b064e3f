# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""The options that every module about DNS shares, and the server that they describe."""

from __future__ import annotations

import ipaddress

from ansible.module_utils.basic import missing_required_lib

from ansible_collections.onprem.chat.plugins.module_utils._dns import gss, kerberos, lib, values
from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import InputError
from ansible_collections.onprem.chat.plugins.module_utils._dns.server import Server
from ansible_collections.onprem.chat.plugins.module_utils._dns.signing import ALGORITHMS, Tsig, Unsigned
from ansible_collections.onprem.chat.plugins.module_utils._dns.transport import TcpTransport


def server_argument_spec() -> dict:
    """Server and authentication; see doc_fragments/_dns.py."""
    return {
        "server": {"type": "str", "required": True},
        "port": {"type": "int", "default": 53},
        "zone": {"type": "str", "required": True},
        "timeout": {"type": "int", "default": 10},
        "auth": {"type": "str", "choices": ["gss_tsig", "tsig", "none"], "default": "gss_tsig"},
        "principal": {"type": "str"},
        "password": {"type": "str", "no_log": True},
        "keytab": {"type": "path"},
        "kdc": {"type": "str"},
        "tsig_name": {"type": "str"},
        "tsig_secret": {"type": "str", "no_log": True},
        "tsig_algorithm": {"type": "str", "choices": list(ALGORITHMS), "default": "hmac-sha256"},
    }


RULES = {
    "mutually_exclusive": [("password", "keytab")],
    "required_if": [("auth", "tsig", ("tsig_name", "tsig_secret"))],
    "required_by": {"password": "principal", "keytab": "principal"},
}


def require_libraries(module) -> None:
    """Fail in the usual words when a library is missing."""
    if lib.DNSPYTHON_ERROR:
        module.fail_json(msg=missing_required_lib("dnspython"), exception=lib.DNSPYTHON_ERROR)
    if module.params["auth"] == "gss_tsig" and kerberos.GSSAPI_ERROR:
        module.fail_json(
            msg=missing_required_lib("gssapi", reason="for auth=gss_tsig"), exception=kerberos.GSSAPI_ERROR
        )


def server_from(module, zone: str) -> Server:
    """The server that the options describe; nothing is sent yet."""
    params = module.params
    host = params["server"].rstrip(".")
    transport = TcpTransport(host, params["port"], params["timeout"])
    return Server(transport, zone, _signer(module, host, zone))


def _signer(module, host: str, zone: str):
    params = module.params
    if params["auth"] == "none":
        return Unsigned()
    if params["auth"] == "tsig":
        if params["tsig_algorithm"] == "hmac-sha1":
            module.warn("hmac-sha1 is weak (RFC 8945 6): make a new TSIG key with hmac-sha256.")
        return Tsig(params["tsig_name"], params["tsig_secret"], params["tsig_algorithm"])
    if _is_address(host) or "." not in host:
        raise InputError(
            f"server {host!r} is not a full name, and Kerberos knows the DNS server only by its full name.",
            action="Set server to the name of the domain controller, as in dc1.corp.test.",
        )
    return gss.GssTsig(
        kerberos.Kerberos(
            server=host.lower(),
            realm=values.zone_name(zone).rstrip(".").upper(),
            principal=params["principal"],
            password=params["password"],
            keytab=params["keytab"],
            kdc=params["kdc"],
            tmpdir=module.tmpdir,
        )
    )


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
