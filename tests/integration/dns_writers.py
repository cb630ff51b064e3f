# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writers of one SRV set on a server of the laboratory, as tests use them where users are (see also soak/dns_race.py).

between               another writer comes exactly between reading and writing
clear NAME:TYPE ...   removes record sets

Prints one JSON document.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from ansible_collections.onprem.chat.plugins.module_utils._dns import keyfile
from ansible_collections.onprem.chat.plugins.module_utils._dns.gss import GssTsig
from ansible_collections.onprem.chat.plugins.module_utils._dns.kerberos import Kerberos
from ansible_collections.onprem.chat.plugins.module_utils._dns.records import intents_by_zone
from ansible_collections.onprem.chat.plugins.module_utils._dns.server import Server
from ansible_collections.onprem.chat.plugins.module_utils._dns.signing import Tsig
from ansible_collections.onprem.chat.plugins.module_utils._dns.task import apply_intents
from ansible_collections.onprem.chat.plugins.module_utils._dns.transport import TcpTransport

# Server, zone and TSIG key; without a key it is Kerberos.
SERVERS = {
    "samba": ("dc1.corp.test", "corp.test.", None),
    "bind": ("ns1.corp.test", "bulk.test.", "bulk"),
    "bind-gss": ("ns1.corp.test", "krb.corp.test.", None),
    "knot": ("knot.corp.test", "knot.test.", "knot"),
}
NAME = "_inttest-race._tcp"


def server(kind: str = "samba") -> Server:
    """One of the laboratory's servers, with a connection and a key of its own."""
    host, zone, key = SERVERS[kind]
    state = Path(os.environ["ONPREM_CHAT_LAB_STATE"])
    if key:
        signer = Tsig(*keyfile.read(str(state / "tsig" / f"{key}.key")))
    else:
        password = json.loads((state / "secrets.json").read_text())["svc-chat-dns"]
        signer = GssTsig(Kerberos(host, "CORP.TEST", "svc-chat-dns", password))
    return Server(TcpTransport(host), zone, signer)


def write(on: Server, target: str, state: str = "present"):
    """Add one target to the set, or take it away; others stay."""
    srv = {"priority": 0, "weight": 0, "port": 5222, "target": target}
    record = {"name": NAME, "type": "SRV", "state": state, "ttl": 60, "srv": [srv]}
    return apply_intents([(on, intents_by_zone([record], on.zone)[on.zone])])


def between() -> dict:
    mine, other = server(), server()
    send = mine.update

    def disturbed(changes, read):
        mine.update = send
        write(other, "other")
        return send(changes, read)

    mine.update = disturbed
    try:
        outcome = write(mine, "mine")
    finally:
        mine.close()
        other.close()
    return {"changed": outcome.changed, "updates": outcome.updates}


def clear(on: Server, *keys: str) -> bool:
    absent = [{"name": key.partition(":")[0], "type": key.partition(":")[2], "state": "absent"} for key in keys]
    try:
        return apply_intents([(on, intents_by_zone(absent, on.zone)[on.zone])]).changed
    finally:
        on.close()


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    print(json.dumps(between() if what == "between" else clear(server(), *rest)))
