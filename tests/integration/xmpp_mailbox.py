# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a user finds who logs in, by a stock client: xmpp_mailbox.py CA_FILE NAME prints {contacts, archive} as JSON."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import slixmpp

USERS = json.loads(Path(os.environ["ONPREM_CHAT_LAB_STATE"], "secrets.json").read_text())["users"]


async def main(ca_file: str, name: str) -> None:
    user = slixmpp.ClientXMPP(f"{name}@corp.test", USERS[name])
    user.ca_certs = ca_file
    user.register_plugin("xep_0313")
    ready = asyncio.Event()
    user.add_event_handler("session_start", lambda _event: ready.set())
    user.connect("10.203.0.20", 5222)
    await asyncio.wait_for(ready.wait(), 30)
    await user.get_roster()
    archive = await user.plugin["xep_0313"].retrieve(timeout=30, rsm={"max": "500"})
    found = [entry["mam_result"]["forwarded"]["stanza"]["body"] for entry in archive["mam"]["results"]]
    print(json.dumps({"contacts": sorted(set(user.client_roster) - {user.boundjid.bare}), "archive": found}))
    await user.disconnect()


asyncio.run(main(*sys.argv[1:]))
