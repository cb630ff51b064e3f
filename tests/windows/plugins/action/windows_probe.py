# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A task of the tests: commands, questions and files over the collection's channel, in one shell of the host.

    windows_probe:
      do:
        - [run, COMMAND LINE, {stdin: BASE64, deadline: SECONDS}]
        - [batch, {NAME: COMMAND LINE}]
        - [write, PATH, BASE64]
        - [read, PATH]

It gives ``results``, one for each step: {code, stdout, stderr} (bytes in base64), a dictionary of these, or {error: …}; and what came
of the shell afterwards: ``closed`` (its id is unknown to the host) and ``shells`` (ids that the host lists; None where it lists none).
"""

from __future__ import annotations

import base64
import typing as t
import xml.etree.ElementTree as ET

import shells
from ansible.plugins.action import ActionBase

from ansible_collections.onprem.chat.plugins.plugin_utils._winrm import wire
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.channel import Channel
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.errors import ChannelError
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.runner import Answer, Ask

ENUMERATION = "http://schemas.xmlsoap.org/ws/2004/09/enumeration"
WSMAN = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"


class ActionModule(ActionBase):
    _requires_connection = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        outcome: dict[str, t.Any] = {"changed": False, "results": []}
        try:
            with Channel.over(self._connection) as channel:
                for step in self._task.args["do"]:
                    outcome["results"].append(_one(channel, *step))
                shell = channel.session.shell
                outcome["own_ids"] = bool(getattr(channel.session, "own_ids", False))
            outcome["warnings"] = list(channel.warnings)
            if shell and self._task.args.get("look"):
                outcome |= _afterwards(self._connection, shell)
        except ChannelError as error:
            outcome |= error.result()
        return {**result, **outcome}


def _one(channel: Channel, verb: str, *given: t.Any) -> dict[str, t.Any]:
    try:
        if verb == "run":
            options = dict(given[1]) if len(given) > 1 else {}
            stdin = base64.b64decode(options["stdin"]) if "stdin" in options else None
            return _shown(channel.run(given[0], stdin=stdin, deadline=float(options.get("deadline", 120))))
        if verb == "batch":
            answers = channel.batch([Ask(name, command) for name, command in given[0].items()])
            return {name: _shown(answer) for name, answer in answers.items()}
        if verb == "write":
            channel.write_file(given[0], base64.b64decode(given[1]))
            return {}
        return {"content": base64.b64encode(channel.read_file(given[0])).decode()}
    except ChannelError as error:
        return {"error": {**error.result(), "terminated": bool(getattr(error, "terminated", False))}}


def _shown(answer: Answer) -> dict[str, t.Any]:
    texts = {"stdout": answer.stdout, "stderr": answer.stderr}
    return {"code": answer.exit_code, **{name: base64.b64encode(text).decode() for name, text in texts.items()}}


def _afterwards(connection: t.Any, shell: str) -> dict[str, t.Any]:
    """Log in once more and ask for the shell that was closed, by its id and by the list of all."""
    with shells.logged_in(connection) as protocol:
        return {"shell": shell, "closed": shells.gone(protocol, shell), "shells": _shells(protocol)}


def _shells(protocol: t.Any) -> list[str] | None:
    """What ``winrm enumerate winrm/config/… shell`` does: WS-Enumeration of the resource shell ([MS-WSMV] 3.1.4.8)."""
    header = protocol.build_wsman_header(action=f"{ENUMERATION}/Enumerate", resource_uri=wire.SHELL)
    body = {
        "n:Enumerate": {
            "@xmlns:n": ENUMERATION,
            "w:OptimizeEnumeration": {"@xmlns:w": WSMAN},
            "w:MaxElements": {"@xmlns:w": WSMAN, "#text": "200"},
        }
    }
    message = wire.required().unparse({"env:Envelope": {**header, "env:Body": body}})
    try:
        answer = ET.fromstring(protocol.send_message(message))  # noqa: S314 -- of a host that has proved who it is
    except Exception:  # a fault: this host does not list them
        return None
    return [node.text or "" for node in answer.iter() if node.tag.endswith("}ShellId")]
