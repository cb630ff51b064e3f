"""What win_client does for one host, in one process: as a program of its own, for each visit one JSON line of seconds.

Standard input: {"vars": {ansible_…}, "task": {options of win_client}, "count": N}. The package is read anew for each visit, as a
task does; Python and the libraries are loaded before the clock starts.
"""

from __future__ import annotations

import json
import sys
import time

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader

from ansible_collections.onprem.chat.plugins.plugin_utils._client.converge import Visit
from ansible_collections.onprem.chat.plugins.plugin_utils._client.options import RULES, argument_spec, task
from ansible_collections.onprem.chat.plugins.plugin_utils._packages.read import read_package
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.channel import Channel


def once(variables: dict, options: dict) -> float:
    """One visit that has nothing to do."""
    begin = time.perf_counter()
    connection = connection_loader.get("winrm", PlayContext(), "/dev/null")
    connection.set_options(var_options={**variables, "_extras": {}})
    checked = ArgumentSpecValidator(argument_spec(), **RULES).validate(options)
    if checked.error_messages:
        raise SystemExit(f"bench windows: {checked.error_messages}")
    wish = task(checked.validated_parameters, read_package(options["package"]), {}, False, lambda path: b"")
    with Channel.over(connection) as channel:
        outcome = Visit(channel, wish).converge()
    if outcome["changed"]:
        raise SystemExit(f"bench windows: a visit that should do nothing did: {outcome['reason']}")
    return time.perf_counter() - begin


if __name__ == "__main__":
    job = json.load(sys.stdin)
    print(json.dumps([once(job["vars"], job["task"]) for _number in range(job["count"])]))
