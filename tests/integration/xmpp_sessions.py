# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two users who stay logged in: run where users are, told by lines what to do.

say     anna sends boris a message over the sessions that were opened at the start; prints "heard" or "silence"
count   prints how often a session ended or had to be opened again
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import uuid
from pathlib import Path

import slixmpp

STATE = Path(os.environ["ONPREM_CHAT_LAB_STATE"])
USERS = json.loads((STATE / "secrets.json").read_text())["users"]
HOST = "10.203.0.20"


class User(slixmpp.ClientXMPP):
    """A client that never comes back by itself."""

    def __init__(self, name: str, ca_file: str) -> None:
        super().__init__(f"{name}@corp.test", USERS[name])
        self.ca_certs = ca_file
        self.heard: asyncio.Queue[str] = asyncio.Queue()
        self.ready = asyncio.Event()
        self.ends = 0
        self.add_event_handler("session_start", self._start)
        self.add_event_handler("disconnected", self._end)
        self.add_event_handler("message", lambda message: self.heard.put_nowait(message["body"]))

    def _start(self, _event: object) -> None:
        self.send_presence()
        self.ready.set()

    def _end(self, _event: object) -> None:
        self.ends += 1


async def main() -> None:
    anna, boris = User("anna", sys.argv[1]), User("boris", sys.argv[1])
    for user in (anna, boris):
        user.connect(HOST, 5222)
        await asyncio.wait_for(user.ready.wait(), 30)
    print("ready", flush=True)
    loop = asyncio.get_running_loop()
    while line := (await loop.run_in_executor(None, sys.stdin.readline)).strip():
        if line == "say":
            word = uuid.uuid4().hex
            anna.send_message(boris.boundjid.full, word, mtype="chat")
            try:
                while await asyncio.wait_for(boris.heard.get(), 10) != word:
                    pass
                print("heard", flush=True)
            except TimeoutError:
                print("silence", flush=True)
        else:
            print(anna.ends + boris.ends, flush=True)


asyncio.run(main())
