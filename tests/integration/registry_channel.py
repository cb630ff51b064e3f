# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What win_registry does, over the same channel and without Ansible's start, as a program that runs where users are.

Standard input: {"vars": {ansible_…}, "settings": [[item, …], …]}; standard output: for each list of items, one after the other, the
outcome or the error.
"""

from __future__ import annotations

import dataclasses
import json
import sys

from winrm_channel import channel

from ansible_collections.onprem.chat.plugins.plugin_utils._registry.apply import converge
from ansible_collections.onprem.chat.plugins.plugin_utils._registry.errors import RegistryError
from ansible_collections.onprem.chat.plugins.plugin_utils._registry.settings import from_options
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.errors import ChannelError


def one(variables: dict, items: list[dict]) -> dict:
    try:
        with channel(variables) as open_channel:
            return dataclasses.asdict(converge(open_channel, from_options(items)))
    except (ChannelError, RegistryError) as error:
        return error.result()


def main() -> None:
    job = json.load(sys.stdin)
    print(json.dumps([one(job["vars"], items) for items in job["settings"]]))


if __name__ == "__main__":
    main()
