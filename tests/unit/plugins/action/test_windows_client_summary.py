# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The summary of the role windows_client, with many desktops."""

from __future__ import annotations

import pathlib

import jinja2
import pytest
import yaml

ROLE = pathlib.Path(__file__).resolve().parents[4] / "roles" / "windows_client"
SHOWN = yaml.safe_load((ROLE / "vars" / "main.yml").read_text(encoding="utf-8"))["__windows_client_shown"]


def summary(failed, shown):
    rows = [
        {"host": f"pc{number}", "result": {"status": "failed", "msg": "no\nsecond line"}} for number in range(failed)
    ]
    rows += [{"host": "pc99", "result": {"status": "reboot_required", "msg": ""}}]
    template = (ROLE / "templates" / "summary.txt.j2").read_text(encoding="utf-8")
    return (
        jinja2.Environment(trim_blocks=True, undefined=jinja2.StrictUndefined)  # noqa: S701 (text, no HTML)
        .from_string(template)
        .render(
            ansible_check_mode=False,
            ansible_play_hosts_all=[row["host"] for row in rows],
            windows_client_report_name="clients",
            __windows_client_folder="report",
            __windows_client_rows=rows,
            __windows_client_batch={},
            __windows_client_missing=[],
            __windows_client_retry=[],
            __windows_client_shown=shown,
            __windows_client_writes=True,
        )
        .splitlines()
    )


@pytest.mark.parametrize("failed", [1, 20, 21, 1000])
def test_the_screen_shows_twenty_and_the_file_all(failed):
    """With a thousand desktops that fail, the counts are still to be seen."""
    screen, file = (
        [line for line in summary(failed, shown) if line.startswith("failed: ")] for shown in (SHOWN, failed + 1)
    )
    assert file == [f"failed: pc{number}: no" for number in range(failed)]
    more = [f"failed: {failed - 20} more, see report/clients.txt"] if failed > 20 else []
    assert screen == file[:20] + more


def test_the_names_of_those_to_be_restarted():
    assert "     1  need a restart: pc99" in summary(1, 20)
    assert "     1  need a restart" in summary(1, 0)
