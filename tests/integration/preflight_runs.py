# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs of the playbook preflight, and what its table says."""

from __future__ import annotations

import contextlib
import re
import time


def preflight(lab, *arguments, **options):
    result = lab.playbook("onprem.chat.preflight", *arguments, **options)
    return result, result.stdout + result.stderr


def lines(text, id):
    """Lines of the table for a check."""
    return [
        line.strip().strip(',"') for line in text.splitlines() if re.search(rf'"(PASS|WARN|FAIL|SKIP)  {id} ', line)
    ]


def rest_of_the_table(text, *without):
    """What still has to be asked when one thing is wrong."""
    for id in ("site.variables", "ldap.bind", "ldap.filter", "dns.update", "host.os", "host.port"):
        if id not in without:
            assert lines(text, id), f"{id} was not asked\n{text}"


@contextlib.contextmanager
def stranger(lab, port):
    """Somebody else's program on a port of the chat host."""
    script = f"import socket,time; s=socket.create_server(('0.0.0.0',{port})); time.sleep(600)"
    lab.exec("chat", ["systemd-run", "--unit=stranger", "/usr/bin/python3", "-c", script], check=True)
    try:
        for _attempt in range(50):
            if f":{port} " in lab.exec("chat", ["ss", "-ltn"]).stdout:
                break
            time.sleep(0.1)
        yield
    finally:
        lab.exec("chat", ["systemctl", "stop", "stranger"])
