# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""installer_dialog: several tasks at a time, and what is killed."""

from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path

import pytest

from ansible_collections.onprem.chat.plugins.module_utils._dialog.supervisor import Supervisor, _teller
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.dialog_workshop import (
    Place,
    gone,
    secret,
    value,
    wait_for,
)


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def started(place, **options) -> threading.Thread:
    """A run in another thread's process; returns when the supervisor has begun."""
    child = os.fork()
    if not child:
        try:
            place.run(**options)
        finally:
            os._exit(0)
    wait_for(lambda: place.journal.exists() and json.loads(place.journal.read_text())["installer"])
    return child


def entry(place) -> dict:
    return json.loads(place.journal.read_text())


SLOW = """
    echo run >>runs
    echo "Token: $(cat /proc/sys/kernel/random/uuid)"
    echo $$ >pid
    while [ ! -e go ]; do sleep 0.1; done
    echo Installation complete
"""
SLOW_VALUES = {"values": [value("token", r"Token: (\S+)$")]}


def test_a_second_task_attaches(place):
    place.script(SLOW)
    child = started(place, **SLOW_VALUES)
    os.kill(child, signal.SIGKILL)  # the first task is gone; what it started is not
    os.waitpid(child, 0)
    second = started(place, **SLOW_VALUES)
    assert "it is running" in str(place.fails(state="read"))
    assert "cannot be forgotten now" in str(place.fails(state="absent"))
    other = place.fails(**SLOW_VALUES, command=["./installer", "x"])
    assert f"is being run by somebody else (pid {entry(place)['supervisor']['pid']}, since 2" in other.what
    would = place.run(check_mode=True, **SLOW_VALUES)
    assert (would["status"], would["changed"]) == ("running", True)
    (place.folder / "go").touch()
    result = place.run(**SLOW_VALUES)
    assert result["status"] == "done"
    os.waitpid(second, 0)
    assert (place.folder / "runs").read_text() == "run\n"


def test_attached_says_so(place):
    place.script(SLOW)
    child = started(place, **SLOW_VALUES)
    threading.Timer(1.0, (place.folder / "go").touch).start()
    result = place.run(**SLOW_VALUES)
    os.waitpid(child, 0)
    assert (result["attached"], result["changed"], result["status"]) == (True, True, "done")


def test_other_secrets_do_not_attach(place):
    place.script(SLOW)
    prompts = [secret("key", "Key:", optional=True)]
    child = started(place, prompts=prompts)
    error = place.fails(prompts=[secret("key", "Key:", "another-one", optional=True)])
    (place.folder / "go").touch()
    os.waitpid(child, 0)
    assert "the secret answers differ" in error.what and "another-one" not in str(error)


@pytest.mark.parametrize("ignores", [False, True], ids=["ends", "ignores the hang-up"])
def test_the_supervisor_is_killed(place, ignores):
    place.script(("trap '' HUP TERM\n" if ignores else "") + SLOW)
    child = started(place, **SLOW_VALUES)
    wait_for((place.folder / "pid").exists)
    installer = int((place.folder / "pid").read_text())
    token = wait_for(lambda: entry(place)["values"])["token"]["value"]
    os.kill(entry(place)["supervisor"]["pid"], signal.SIGKILL)
    os.waitpid(child, 0)
    if not ignores:
        wait_for(lambda: gone(installer))
    error = place.fails(state="read")
    assert error.result["status"] == "interrupted"
    error = place.fails(**SLOW_VALUES, interrupted="fail")
    assert "was cut off before anything was answered (its supervisor was killed)" in error.what
    assert error.result["status"] == "interrupted" and error.result["captured_values"] == {"token": "********"}
    (place.folder / "go").touch()
    result = place.run(**SLOW_VALUES)
    assert gone(installer), "what was left of the first run is ended before the second"
    assert result["status"] == "done" and "was cut off" in place.warnings[0]
    assert (place.folder / "runs").read_text() == "run\nrun\n"
    read = place.run(state="read")
    assert read["captured_values"]["token"] != token
    assert read["previous_values"][0]["values"] == {"token": token}
    assert read["previous_values"][0]["status"] == "interrupted"


def test_who_waits_when_the_supervisor_is_killed_is_told(place):
    place.script(SLOW)
    child = started(place, **SLOW_VALUES)
    pid = entry(place)["supervisor"]["pid"]
    threading.Timer(1.0, os.kill, (pid, signal.SIGKILL)).start()
    error = place.fails(**SLOW_VALUES)
    os.waitpid(child, 0)
    assert "ended without a word" in error.what and error.result["status"] == "interrupted"


def test_the_supervisor_is_told_to_end(place):
    """As at a shutdown."""
    place.script(SLOW)
    child = started(place, **SLOW_VALUES)
    wait_for((place.folder / "pid").exists)
    os.kill(entry(place)["supervisor"]["pid"], signal.SIGTERM)
    os.waitpid(child, 0)
    assert entry(place)["state"] == "interrupted"
    assert gone(int((place.folder / "pid").read_text()))
    (place.folder / "go").touch()
    assert place.run(**SLOW_VALUES)["status"] == "done"


def test_one_that_has_ended_well_when_the_supervisor_is_told_to_end(place, monkeypatch):
    """At a shutdown everybody is told at the same moment."""
    ended = Supervisor._ended

    def told(self):
        self.stopped_by = signal.SIGTERM
        return ended(self)

    monkeypatch.setattr(Supervisor, "_ended", told)
    place.script("true")
    assert place.run()["status"] == "done"
    place.run(state="absent")
    place.script("exit 3")
    error = place.fails()
    assert error.what == "The supervisor was told to end (signal 15), and stopped the installer."
    assert error.result["status"] == "interrupted"


def test_who_started_it_is_gone_before_it_is_told():
    reader, writer = os.pipe()
    os.close(reader)
    before = signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    try:
        _teller(writer)("started")
    finally:
        signal.signal(signal.SIGPIPE, before)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.close(writer)


def test_after_a_reboot(place, monkeypatch):
    """The boot id is another one: nothing of the process numbers is believed."""
    place.script(SLOW)
    child = started(place, **SLOW_VALUES)
    os.kill(entry(place)["supervisor"]["pid"], signal.SIGKILL)
    os.waitpid(child, 0)
    journal = entry(place)
    place.journal.write_text(
        json.dumps({**journal, "boot": "another", "installer": {"pid": os.getsid(0), "start": "1"}})
    )
    error = place.fails(**SLOW_VALUES, interrupted="fail")
    assert "(the host was rebooted)" in error.what
    (place.folder / "go").touch()
    assert place.run(**SLOW_VALUES)["status"] == "done"


def test_no_descriptor_of_the_caller_stays_open(place):
    """A connection ends when nobody has its pipe open any more."""
    place.script(SLOW)
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    child = started(place)
    supervisor = entry(place)["supervisor"]["pid"]
    links = {os.readlink(path) for path in Path(f"/proc/{supervisor}/fd").iterdir() if path.exists()}  # noqa: PTH115
    os.close(writer)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert os.read(reader, 1) == b"", "nobody holds the other end"
    os.close(reader)
    (place.folder / "go").touch()
    assert not any(link.startswith(("pipe:", "socket:")) for link in links)
    assert os.getsid(0) != supervisor
