# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writers that disturb each other, run by test_dns.py where users are.

race WRITERS ROUNDS   so many processes at once, each of which adds so many targets to one SRV set, one after the other
between               another writer comes exactly between reading and writing
clear NAME:TYPE ...   removes record sets

Prints one JSON document.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
from pathlib import Path

from ansible_collections.onprem.chat.plugins.module_utils._dns.task import apply_intents
from ansible_collections.onprem.chat.plugins.module_utils._dns.gss import GssTsig
from ansible_collections.onprem.chat.plugins.module_utils._dns.kerberos import Kerberos
from ansible_collections.onprem.chat.plugins.module_utils._dns.records import intents_from
from ansible_collections.onprem.chat.plugins.module_utils._dns.server import Server
from ansible_collections.onprem.chat.plugins.module_utils._dns.transport import TcpTransport

ZONE = "corp.test."
NAME = "_inttest-race._tcp"


def password() -> str:
    return json.loads(Path(os.environ["ONPREM_CHAT_LAB_STATE"], "secrets.json").read_text())["svc-chat-dns"]


def server() -> Server:
    kerberos = Kerberos("dc1.corp.test", "CORP.TEST", "svc-chat-dns", password())
    return Server(TcpTransport("dc1.corp.test"), ZONE, GssTsig(kerberos))


def write(target: str, on: Server | None = None) -> dict:
    srv = {"priority": 0, "weight": 0, "port": 5222, "target": target}
    record = {"name": NAME, "type": "SRV", "state": "present", "ttl": 60, "srv": [srv]}
    connection = on or server()
    try:
        outcome = apply_intents([(connection, intents_from([record], ZONE))])
    finally:
        connection.close()
    return {"changed": outcome.changed, "updates": outcome.updates}


def writer(number: int, rounds: int, results) -> None:
    updates, error = 0, ""
    try:
        for turn in range(rounds):
            updates += write(f"h{number}{turn}")["updates"]
    except Exception as caught:  # whatever it is, the test shall show it
        error = f"{type(caught).__name__}: {caught}"
    results.put({"writer": number, "updates": updates, "error": error})


def race(writers: int, rounds: int) -> list[dict]:
    results = multiprocessing.Queue()
    processes = [multiprocessing.Process(target=writer, args=(number, rounds, results)) for number in range(writers)]
    for process in processes:
        process.start()
    said = [results.get(timeout=300) for _process in processes]
    for process in processes:
        process.join()
    return sorted(said, key=lambda result: result["writer"])


def between() -> dict:
    mine = server()
    send = mine.update

    def disturbed(changes, read):
        mine.update = send
        write("other")
        return send(changes, read)

    mine.update = disturbed
    return write("mine", on=mine)


def clear(*keys: str) -> bool:
    absent = [{"name": key.partition(":")[0], "type": key.partition(":")[2], "state": "absent"} for key in keys]
    connection = server()
    try:
        return apply_intents([(connection, intents_from(absent, ZONE))]).changed
    finally:
        connection.close()


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "race":
        print(json.dumps(race(*map(int, rest))))
    else:
        print(json.dumps({"between": between, "clear": clear}[what](*rest)))
