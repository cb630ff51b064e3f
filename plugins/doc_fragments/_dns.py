# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not use it from elsewhere.

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  server:
    description:
      - The primary DNS server of the zone; it is asked and written to over TCP.
      - With O(auth=gss_tsig) this must be the full name under which the Kerberos realm knows the server, as in
        C(dc1.corp.test).
    type: str
  port:
    description: TCP port of the DNS server.
    type: int
    default: 53
  zone:
    description:
      - The zone that holds the records, as in C(corp.test).
      - Required where a record does not name its own.
    type: str
  read_by:
    description:
      - How the zone is read before and after an update.
      - V(auto) asks for a transfer (AXFR, RFC 5936) where more than 100 record sets have to be known, and asks a question
        for each of them when the server does not allow a transfer, or when the zone is much larger than the task.
      - V(questions) never asks for a transfer. V(transfer) insists on it, and sees every name as it is in the
        zone, where the answer to a question may come from a wildcard.
    type: str
    choices: [auto, questions, transfer]
    default: auto
  timeout:
    description: Seconds to wait for a connection and for an answer.
    type: int
    default: 10
  auth:
    description:
      - How the server recognises who writes.
      - V(gss_tsig) is Kerberos, for Active Directory (Windows or Samba) and for BIND with a keytab (RFC 3645).
      - V(tsig) is a shared key (RFC 8945). All messages are signed with it, so that BIND also chooses the view by it.
      - V(none) signs nothing, for servers that decide by address.
    type: str
    choices: [gss_tsig, tsig, none]
    default: gss_tsig
  principal:
    description:
      - Kerberos principal to act as, as in C(svc-chat-dns@CORP.TEST). Without a realm the domain of O(server) in
        capitals is taken.
      - Without O(principal) the ticket cache of the user who runs Ansible is used (C(kinit)).
    type: str
  password:
    description:
      - Password of O(principal). The tickets that it gives are kept in memory only.
      - When it is not set, the environment variable E(ONPREM_CHAT_DNS_PASSWORD) is taken.
      - It is an error to give O(keytab) as well.
    type: str
  keytab:
    description: Keytab with a key of O(principal), on the host where the module runs. Used instead of O(password).
    type: path
  kdc:
    description:
      - Address or name of a domain controller to get tickets from.
      - Without it the Kerberos configuration and the realm's SRV records are used.
    type: str
  tsig_name:
    description: Name of the TSIG key. With O(auth=tsig) this or O(tsig_key_file) is required.
    type: str
  tsig_secret:
    description:
      - Secret of the TSIG key O(tsig_name) in base64.
      - When it is not set, the environment variable E(ONPREM_CHAT_TSIG_SECRET) is taken.
    type: str
  tsig_key_file:
    description:
      - File with name, algorithm and secret of one TSIG key, on the host where the module runs, as C(tsig-keygen) of BIND
        or C(keymgr -t) of Knot prints it. It must not be readable by others (mode 0600).
    type: path
  tsig_algorithm:
    description:
      - Algorithm of the TSIG key. C(hmac-md5) is broken and not offered; V(hmac-sha1) works with a warning.
    type: str
    choices: [hmac-sha256, hmac-sha512, hmac-sha384, hmac-sha224, hmac-sha1]
    default: hmac-sha256
requirements:
  - dnspython >= 2.7
  - gssapi (the Python library) when O(auth=gss_tsig)
"""
