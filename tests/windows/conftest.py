# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of the checks. They need a host: `make test-windows HOST=…` runs them."""

from __future__ import annotations

import typing as t

import pytest
import run_state
from machine import Machine
from parameters import Parameters


@pytest.fixture(scope="session")
def run() -> run_state.Run:
    if run_state.RUN is None:
        pytest.skip("needs a Windows host: make test-windows HOST=…")
    return run_state.RUN


@pytest.fixture(scope="session")
def machine(run: run_state.Run) -> Machine:
    return run.machine


@pytest.fixture(scope="session")
def facts(run: run_state.Run) -> dict[str, t.Any]:
    return run.facts


@pytest.fixture(scope="session")
def parameters(run: run_state.Run) -> Parameters:
    return run.parameters
