"""The environment of a user: without what the toolchain does to spare the tests time."""

from __future__ import annotations

import os

SPARING = ("ANSIBLE_CALLBACK_PLUGINS", "ONPREM_CHAT_BYTECODE")
PLAIN = {name: value for name, value in os.environ.items() if name not in SPARING}
PLAIN["PYTHONPATH"] = ":".join(
    folder for folder in os.environ.get("PYTHONPATH", "").split(":") if not folder.endswith("tests/toolchain/python")
)
