# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A channel over Ansible's own winrm connection plugin, for tests; also as a program that the laboratory starts where users are.

Standard input: {"vars": {ansible_…}, "do": [["run", command, deadline], ["batch", {name: command}], ["write", path, base64],
["read", path]]}; standard output: what came of each, or the result() of an error; and the warnings.
"""

from __future__ import annotations

import base64
import json
import sys

from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader

from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.channel import Channel
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.errors import ChannelError
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.runner import Answer, Ask


def connection(variables: dict, plugin: str = "winrm"):
    """The plugin as an action plugin gets it."""
    made = connection_loader.get(plugin, PlayContext(), "/dev/null")
    extras = {name: value for name, value in variables.items() if name.startswith("ansible_winrm_")}
    made.set_options(var_options={**variables, "_extras": extras})  # as the executor of tasks does
    return made


def channel(variables: dict, **options) -> Channel:
    return Channel.over(connection(variables), **options)


def act(open_channel: Channel, verb: str, *given):
    if verb == "run":
        return shown(open_channel.run(given[0], deadline=given[1] if len(given) > 1 else 60))
    if verb == "batch":
        answers = open_channel.batch([Ask(name, command) for name, command in given[0].items()])
        return {name: shown(answer) for name, answer in answers.items()}
    if verb == "write":
        return open_channel.write_file(given[0], base64.b64decode(given[1]))
    return base64.b64encode(open_channel.read_file(given[0])).decode()


def shown(answer: Answer) -> list:
    return [
        answer.exit_code,
        answer.stdout.decode("utf-8", "backslashreplace"),
        answer.stderr.decode("utf-8", "replace"),
    ]


def main() -> None:
    job = json.load(sys.stdin)
    results = []
    with channel(job["vars"]) as open_channel:
        for step in job["do"]:
            try:
                results.append(act(open_channel, *step))
            except ChannelError as error:
                results.append(error.result())
    print(json.dumps({"results": results, "warnings": open_channel.warnings}))


if __name__ == "__main__":
    main()
