# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the checks of a run share; pytest imports them without knowing."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from machine import Machine
from parameters import Parameters

GROUPS = (
    "channel",
    "cmd",
    "tools",
    "safety",
    "refusals",
    "win_registry",
    "win_client",
    "win_client_failures",
    "cuts",
    "users",
    "delivery",
    "names",
)
"""test_GROUP.py, in the order in which they are run."""


@dataclass
class Run:
    """The host, what was asked for, and what kind of Windows it is (facts.py)."""

    machine: Machine
    parameters: Parameters
    facts: dict[str, t.Any]


RUN: Run | None = None
