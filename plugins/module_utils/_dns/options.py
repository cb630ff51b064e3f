# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""The options that every module about DNS shares, and the server that they describe."""

from __future__ import annotations

import ipaddress
import os

from ansible.module_utils.basic import env_fallback, missing_required_lib

from ansible_collections.onprem.chat.plugins.module_utils._dns import gss, kerberos, keyfile, lib, names
from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import InputError
from ansible_collections.onprem.chat.plugins.module_utils._dns.server import READ_BY, Server
from ansible_collections.onprem.chat.plugins.module_utils._dns.signing import ALGORITHMS, Tsig, Unsigned
from ansible_collections.onprem.chat.plugins.module_utils._dns.transport import TcpTransport


def server_argument_spec() -> dict:
    """Server and authentication; see doc_fragments/_dns.py."""
    return {
        "server": {"type": "str"},
        "port": {"type": "int", "default": 53},
        "zone": {"type": "str"},
        "read_by": {"type": "str", "choices": list(READ_BY), "default": "auto"},
        "timeout": {"type": "int", "default": 10},
        "auth": {"type": "str", "choices": ["gss_tsig", "tsig", "none"], "default": "gss_tsig"},
        "principal": {"type": "str"},
        "password": {"type": "str", "no_log": True},
        "keytab": {"type": "path"},
        "kdc": {"type": "str"},
        "tsig_name": {"type": "str"},
        "tsig_secret": {"type": "str", "no_log": True, "fallback": (env_fallback, ["ONPREM_CHAT_TSIG_SECRET"])},
        "tsig_key_file": {"type": "path"},
        "tsig_algorithm": {"type": "str", "choices": list(ALGORITHMS), "default": "hmac-sha256"},
    }


RULES = {
    "mutually_exclusive": [("tsig_key_file", "tsig_name")],
    "required_if": [("auth", "tsig", ("tsig_name", "tsig_key_file"), True)],
    "required_by": {"tsig_name": "tsig_secret", "keytab": "principal"},
}


def require_libraries(module) -> None:
    """Fail in the usual words when a library is missing."""
    if lib.DNSPYTHON_ERROR:
        module.fail_json(msg=missing_required_lib("dnspython"), exception=lib.DNSPYTHON_ERROR)
    asks = module.params.get("mode") != "export"
    if asks and module.params["auth"] == "gss_tsig" and kerberos.GSSAPI_ERROR:
        module.fail_json(
            msg=missing_required_lib("gssapi", reason="for auth=gss_tsig"), exception=kerberos.GSSAPI_ERROR
        )


class Servers:
    """The server that the options describe, for each zone of a task; nothing is sent yet.

    All zones share one connection and one key: a Kerberos session is negotiated once.
    """

    def __init__(self, module) -> None:
        self._host = (module.params["server"] or "").rstrip(".")
        if not self._host:
            raise InputError(
                "server is empty.", "Is the variable that it comes from empty?", "Name the primary DNS server."
            )
        _check_numbers(module.params)
        self._transport = TcpTransport(self._host, module.params["port"], module.params["timeout"])
        self._signer = _signer(module, self._host)
        self._read_by = module.params["read_by"]

    def of(self, zone: str) -> Server:
        """The server of one zone."""
        return Server(self._transport, zone, self._signer, self._read_by)

    def close(self) -> None:
        """Close the connection and forget the tickets."""
        self._signer.close()
        self._transport.close()


def _check_numbers(params: dict) -> None:
    if not 1 <= params["port"] <= 65535:
        raise InputError(f"port {params['port']} is not a number from 1 to 65535.")
    if not 1 <= params["timeout"] <= 3600:
        raise InputError(f"timeout {params['timeout']} is not a number of seconds from 1 to 3600.")


def _signer(module, host: str):
    params = module.params
    if params["auth"] == "none":
        return Unsigned()
    if params["auth"] == "tsig":
        signer = tsig_signer(module, params)
        if signer is None:
            raise InputError("tsig_name is empty.", *_EMPTY_KEY)
        return signer
    if _is_address(host) or "." not in host:
        raise InputError(
            f"server {host!r} is not a full name, and Kerberos knows the DNS server only by its full name.",
            action="Set server to the name of the domain controller, as in dc1.corp.test.",
        )
    password = params["password"]
    if not password and params["principal"] and not params["keytab"]:
        # Not by the usual fallback: in the environment it is for tasks that need one, and no contradiction to a keytab.
        password = os.environ.get("ONPREM_CHAT_DNS_PASSWORD") or None
        if password:
            module.no_log_values.add(password)
    if params["password"] and params["keytab"]:
        raise InputError("password and keytab are both given.", action="Give one of them.")
    if params["password"] and not params["principal"]:
        raise InputError("password is given without principal: whose is it?", action="Set principal, too.")
    return gss.GssTsig(
        kerberos.Kerberos(
            server=host.lower(),
            # The domain of the server, not the zone: a reverse zone has no realm.
            realm=names.zone_name(host.partition(".")[2]).rstrip(".").upper(),
            principal=params["principal"],
            password=password,
            keytab=params["keytab"],
            kdc=params["kdc"],
            tmpdir=module.tmpdir,
        )
    )


def tsig_signer(module, given: dict) -> Tsig | None:
    """The TSIG key among some options, from themselves or from the key file; None when they name none."""
    if not given["tsig_name"] and not given["tsig_key_file"]:
        return None
    key = (given["tsig_name"], given["tsig_secret"], given["tsig_algorithm"])
    if given["tsig_key_file"]:
        key = keyfile.read(given["tsig_key_file"])
        module.no_log_values.add(key[1])
    if not key[1]:
        raise InputError("tsig_secret is empty.", *_EMPTY_KEY)
    if key[2] == "hmac-sha1":
        module.warn("hmac-sha1 is weak (RFC 8945 6): make a new TSIG key with hmac-sha256.")
    return Tsig(*key)


_EMPTY_KEY = ("Is the variable that it comes from empty?", "Give name and secret of the key, or tsig_key_file.")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
