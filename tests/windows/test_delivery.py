# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How packages get to the host: through WinRM, over SMB, by its curl.exe."""

from __future__ import annotations

import socket
import typing as t

import pytest
from machine import Machine, bad, good
from packages import UPGRADE_CODES
from parameters import Parameters
from pull_server import PullServer

PACKAGE = "corptalk-1.0.0.msi"
OTHER = "corptalk-32-1.0.0.msi"


@pytest.fixture
def installed(machine: Machine) -> t.Iterator[t.Callable[..., dict[str, t.Any]]]:
    """Installs the package with these options; it is removed afterwards."""
    yield lambda **options: machine.client(PACKAGE, **options)
    good(machine.client(upgrade_code=UPGRADE_CODES["Corp Talk"], state="absent"))


@pytest.fixture(scope="module")
def server(parameters: Parameters, machine: Machine, facts: dict[str, t.Any]) -> t.Iterator[PullServer]:
    if not parameters.pull_address:
        pytest.skip("PULL_ADDRESS was not given: ADDRESS:PORT under which the host reaches this machine")
    if not facts["curl"]:
        pytest.skip("there is no curl.exe on this host (Windows before 10 1803)")
    with PullServer(parameters.pull_address, parameters.pull_certificate, machine.packages) as running:
        yield running


def test_through_the_channel(installed: t.Callable[..., dict[str, t.Any]]) -> None:
    """files: as text through WinRM."""
    assert good(installed(delivery="channel"), True)["delivery"] == "channel"


def test_over_smb(installed: t.Callable[..., dict[str, t.Any]], machine: Machine, parameters: Parameters) -> None:
    """smb: the administrative share, with the account of the connection."""
    address = machine.host.address
    if parameters.inventory and not machine.host.password_known:
        pytest.skip("the inventory has no password: SMB needs one")
    try:
        socket.create_connection((address, 445), 5).close()
    except OSError as error:
        pytest.skip(f"port 445 of the host cannot be reached from here ({error.strerror or error})")
    assert good(installed(delivery="smb"), True)["delivery"] == "smb"


@pytest.mark.parametrize("token", ["", "?token=1"], ids=["argument", "standard input"])
def test_pulled_by_the_host(installed: t.Callable[..., dict[str, t.Any]], server: PullServer, token: str) -> None:
    """pull.py: curl.exe; with a token in the address that comes by its standard input."""
    assert good(installed(delivery="pull", url=f"{server.url(PACKAGE)}{token}"), True)["delivery"] == "pull"


def test_a_pulled_file_with_another_hash_is_not_started(machine: Machine, server: PullServer) -> None:
    """delivery.verify: the hash is calculated on the host."""
    failed = bad(
        machine.client(PACKAGE, delivery="pull", url=server.url(OTHER)), "What arrived on the host is not the package"
    )
    assert failed["steps"] == []


def test_a_server_that_refuses_is_told(machine: Machine, server: PullServer) -> None:
    """delivery: exit code 22 of curl.exe."""
    bad(machine.client(PACKAGE, delivery="pull", url=server.url("gone.msi")), "curl exit code 22")


def test_an_untrusted_server_is_refused(machine: Machine, server: PullServer) -> None:
    """delivery: exit code 60 of curl.exe; the certificate is of nobody."""
    with server.untrusted() as url:
        bad(machine.client(PACKAGE, delivery="pull", url=f"{url}/{PACKAGE}"), "curl exit code 60")
