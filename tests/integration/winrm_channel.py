# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A channel over Ansible's own winrm connection plugin, for tests; also as a program that the laboratory starts where users are.

Standard input: {"vars": {ansible_…}, "run": [command, …]}; standard output: the answers, or the error's result().
"""

from __future__ import annotations

import json
import sys

from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader

from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.channel import Channel
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.errors import ChannelError


def connection(variables: dict, plugin: str = "winrm"):
    """The plugin as an action plugin gets it."""
    made = connection_loader.get(plugin, PlayContext(), "/dev/null")
    extras = {name: value for name, value in variables.items() if name.startswith("ansible_winrm_")}
    made.set_options(var_options={**variables, "_extras": extras})  # as the executor of tasks does
    return made


def channel(variables: dict, **options) -> Channel:
    return Channel.over(connection(variables), **options)


def main() -> None:
    job = json.load(sys.stdin)
    try:
        with channel(job["vars"]) as open_channel:
            answers = [open_channel.run(command, deadline=30) for command in job["run"]]
        print(json.dumps({"answers": [[one.exit_code, one.stdout.decode(), one.stderr.decode()] for one in answers]}))
    except ChannelError as error:
        print(json.dumps(error.result()))


if __name__ == "__main__":
    main()
