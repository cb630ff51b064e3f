# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What win_client does, over the same channel and without Ansible's start, as a program that runs where users are.

Standard input: a JSON object a line, {"vars": {ansible_…}, "options": {…}}; for each a line on standard output: the result, or the
error's, with "warnings" and "sent" (how many messages). Each is a process of its own. "kill": [N, "before" or "after"] ends it by
SIGKILL before message N is sent, or when that was sent and its answer did not come: {"killed": true}.
"""

from __future__ import annotations

import json
import logging
import os
import pathlib
import signal
import sys

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from winrm.protocol import Protocol
from winrm_channel import channel

from ansible_collections.onprem.chat.plugins.plugin_utils._client.converge import Visit
from ansible_collections.onprem.chat.plugins.plugin_utils._client.errors import ClientError
from ansible_collections.onprem.chat.plugins.plugin_utils._client.options import RULES, argument_spec, task
from ansible_collections.onprem.chat.plugins.plugin_utils._packages.errors import PackageError
from ansible_collections.onprem.chat.plugins.plugin_utils._packages.read import read_package
from ansible_collections.onprem.chat.plugins.plugin_utils._registry.errors import RegistryError
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.errors import ChannelError


class Counted:
    """Counts what is sent; at one number it is the last thing that this process does."""

    def __init__(self, number: int = 0, moment: str = "") -> None:
        self.sent = 0
        self.last = number
        self.moment = moment
        self.send = Protocol.send_message

    def __call__(self, protocol: Protocol, message: str) -> bytes:
        self.sent += 1
        if self.sent != self.last:
            return self.send(protocol, message)
        if self.moment == "after":
            try:
                self.send(protocol, message)
            except Exception:  # the answer does not matter any more, nor whether there is one
                logging.debug("no answer")
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("nobody survives that")


def one(variables: dict, given: dict) -> dict:
    """As the action plugin does it."""
    warnings: list[str] = []
    try:
        checked = ArgumentSpecValidator(argument_spec(), **RULES).validate(given)
        if checked.error_messages:
            raise AssertionError(checked.error_messages)
        options = checked.validated_parameters
        package = read_package(options["package"]) if options.get("package") else None
        account = {name: variables[f"ansible_{name}"] for name in ("host", "user", "password")}
        wish = task(options, package, account, False, lambda path: pathlib.Path(path).read_bytes())
        with channel(variables) as open_channel:
            visit = Visit(open_channel, wish)
            try:
                outcome = {"failed": False, **visit.converge()}
            finally:
                warnings += [*visit.report.warnings, *open_channel.warnings]
    except (ClientError, ChannelError, PackageError, RegistryError) as error:
        outcome = {"failed": True, **error.result()}  # unreachable is a failure here
    return {**outcome, "warnings": warnings}


def apart(job: dict) -> dict:
    """In a process of its own, which may be killed."""
    reader, writer = os.pipe()
    process = os.fork()
    if not process:
        code = 1
        try:
            counted = Counted(*job.get("kill", ()))

            def send_message(protocol, message):
                return counted(protocol, message)

            Protocol.send_message = send_message
            answer = {**one(job["vars"], job["options"]), "sent": counted.sent}
            with os.fdopen(writer, "w", encoding="utf-8") as file:
                json.dump(answer, file)
            code = 0
        finally:
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8") as file:
        text = file.read()
    _process, status = os.waitpid(process, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return {"killed": True}
    return json.loads(text)


def main() -> None:
    for line in sys.stdin:
        print(json.dumps(apart(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
