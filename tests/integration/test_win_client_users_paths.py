# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""win_client with scope user on the laboratory's Windows desktop: a dialog, programs to be closed, a downgrade, a repair.

Real there: installers of NSIS in users' sessions, taskkill and tasklist of Wine, cmd.exe. Stand-ins: the WinRM service, people who log
on, and schtasks with the service behind it. Wine keeps nobody from ending what is another user's.
"""

from __future__ import annotations

import contextlib
import subprocess

import pytest
from conftest import LAB
from lab_desktops import CYRILLIC, SPACED
from user_packages import NAME, UserClient, exe, program, states
from win_client_desktop import ok, refused

ASKED, FORCED = "Чат & 100% (^!) ,;=.exe", "stays '100%' ^&!.exe"


@pytest.fixture(scope="module")
def client(desktop, tmp_path_factory):
    desktop.logon(SPACED)
    return UserClient(desktop, tmp_path_factory.mktemp("inventory"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("packages")


@pytest.fixture(scope="module")
def new(folder):
    return exe(folder, "1.1.0", 64)


@contextlib.contextmanager
def started(client, path, name: str):
    """A program of this name runs in somebody's session."""
    desktop = client.desktop
    desktop.write(f"C:\\{name}", path.read_bytes())
    command = [LAB, "exec", desktop.name, "--", "wine-run", "--as", SPACED, f'@"C:\\{name}"']
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        try:
            desktop.eventually(desktop.file(f"C:\\{name}.txt").exists, 60)
            yield process
        finally:
            if process.poll() is None:
                desktop.run(f'taskkill /f /im "{name}"')
            process.wait(60)


def test_a_dialog_and_programs_that_are_closed(client, folder, new):
    client.flag(SPACED, "hang")
    close = {"close": [ASKED, "nobody.exe", FORCED]}
    with (
        started(client, program(folder, True), ASKED) as asked,
        started(client, program(folder, False), FORCED) as forced,
    ):
        text = f"failed for {SPACED}: it did not end within 10 seconds and was ended"
        failed = refused(client.for_users(package=new, deadline=10, **close), text)
        assert states(failed) == {SPACED: "failed"} and "shows a dialog" in failed["msg"]
        assert "talk-1.1.0.exe" not in client.desktop.run("tasklist /fo csv /nh").stdout
        assert client.version_of(SPACED) == ""
        # One has a window and was asked. The other has none, and is ended only when that was said.
        asked.wait(60)
        assert forced.poll() is None
        client.flag(SPACED, "hang", False)
        client.desktop.logon(CYRILLIC)
        done = ok(client.for_users(package=new, force_close=True, **close), True)
        assert states(done) == {SPACED: "installed", CYRILLIC: "installed"}
        forced.wait(60)
    client.desktop.logoff(CYRILLIC)
    assert client.version_of(SPACED) == "1.1.0" == client.version_of(CYRILLIC)
    assert client.starts(SPACED) == ["1.1.0", "1.1.0"]


def test_an_older_version_when_it_may(client, folder):
    old = {"package": exe(folder, "1.0.0"), "allow_downgrade": True}
    done = ok(client.for_users(**old), True)
    assert states(done) == {SPACED: "installed", CYRILLIC: "newer"} and client.version_of(SPACED) == "1.0.0"
    assert client.version_of(CYRILLIC) == "1.1.0"
    client.desktop.logon(CYRILLIC)
    client.desktop.eventually(lambda: client.version_of(CYRILLIC) == "1.0.0", 120)
    again = ok(client.for_users(**old), False)
    assert states(again) == {SPACED: "installed", CYRILLIC: "installed"}


def test_a_repair_at_once_and_at_the_next_logon(client, folder):
    client.desktop.logoff(CYRILLIC)
    file = {
        name: client.desktop.file(f"C:\\Users\\{name}\\AppData\\Local\\Programs\\{NAME}") for name in (SPACED, CYRILLIC)
    }
    for place in file.values():
        (place / "version.txt").unlink()
    old = {"package": exe(folder, "1.0.0"), "allow_downgrade": True}
    done = ok(client.for_users(state="repair", **old), True)
    assert states(done) == {SPACED: "installed", CYRILLIC: "pending"}
    assert client.version_of(SPACED) == "1.0.0" and client.version_of(CYRILLIC) == ""
    starts = client.starts(CYRILLIC)
    client.desktop.logon(CYRILLIC)
    client.desktop.eventually(lambda: states(ok(client.for_users(**old), False))[CYRILLIC] == "installed", 120)
    assert client.version_of(CYRILLIC) == "1.0.0" and client.starts(CYRILLIC) == [*starts, "1.0.0"]
