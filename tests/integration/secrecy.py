# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where secrets must not be, as the suites look there: command lines, logs, files that others can read."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from command_lines import CommandLines

if TYPE_CHECKING:
    from conftest import Lab


def watch(lab: Lab, *hosts: str) -> CommandLines:
    """Looks at every command line where users are and on these hosts, until it is stopped."""
    sampler = CommandLines(f"opc-{lab.instance}-users", *(_inside(lab, host) for host in hosts))
    sampler.start()
    return sampler


def _inside(lab: Lab, host: str) -> int:
    """The first process of a host, as this machine knows it."""
    pid = int((lab.state / host / "pid").read_text())
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def logs(lab: Lab, host: str) -> str:
    """The journal and the text logs of a host."""
    script = "journalctl --no-pager; find /var/log -type f ! -path '*/journal/*' -exec cat {} +"
    return lab.exec(host, ["sh", "-c", script]).stdout


def readable_by_others(lab: Lab, canaries: Iterable[str], tmp_path: Path, *hosts: str) -> list[str]:
    """Files that hold one of the secrets and that others can read.

    Of the hosts: everything that differs from their image; on the controller: the folders that a run writes into. `tmp_path` takes
    the list of secrets and is not looked at.
    """
    patterns = tmp_path / "patterns"
    patterns.write_text("\n".join(canaries) + "\n")
    patterns.chmod(0o600)
    roots = [lab.state / host / "upper" for host in hosts]
    roots += [lab.state / "pki", lab.state / "report", Path("/tmp"), Path(os.environ["ANSIBLE_HOME"])]
    # Where others may not enter, they may not read.
    files = subprocess.run(
        [
            *("find", *[str(root) for root in roots if root.exists()]),
            *("-type", "d", "!", "-perm", "/o=x", "-prune", "-o", "-type", "f", "-perm", "/o=r", "-print0"),
        ],
        capture_output=True,
        check=False,
    ).stdout
    assert files.count(b"\0") > 50
    found = subprocess.run(
        ["xargs", "-0r", "grep", "-lFf", str(patterns)], input=files, capture_output=True, check=False
    ).stdout.decode()
    return [line for line in found.splitlines() if str(tmp_path) not in line]
