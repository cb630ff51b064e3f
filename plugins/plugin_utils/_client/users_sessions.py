# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Running a wish in the sessions of those who are logged on, all at once, and waiting for the end.

One task for each of them, with his SID and his token (MS-TSCH, principalType: UserId and InteractiveToken), which is taken away afterwards. How far it
came is read from his own hive, so that a broken connection loses nothing.
"""

from __future__ import annotations

import functools
import time
import typing as t

from .._winrm import quoting
from .._winrm.errors import ChannelError
from .._winrm.runner import Answer, Ask, Runner
from . import detect, jobs, users_detect
from .users_detect import Person
from .users_order import Order

DONE, GONE, REFUSED, SILENT, ENDLESS, CUT = "done", "gone", "refused", "silent", "endless", "cut"
_RUNNING, _STOPPED = "running", "stopped"
# What the column Last Result of schtasks says of a task that is running (SCHED_S_TASK_RUNNING, MS-TSCH 2.3.14): a number in every language.
_TASK_RUNS = "267009"
_BEGIN = 120.0
_ONE_WAIT = 15


def run(
    runner: Runner,
    order: Order,
    programs: str,
    people: t.Sequence[Person],
    word: str,
    sleep: t.Callable[[float], None] = time.sleep,
) -> dict[str, str]:
    """Run it for these users and wait. SID -> done, gone (logged off), refused or silent (not begun), cut (its window closed), endless.

    ``word`` names the run: letters and digits that no other run has. ChannelError when the host is not reached any more.
    """
    ends: dict[str, str] = {}
    try:
        for one in people:
            if not _start(runner, order, programs, one.sid, word):
                ends[one.sid] = REFUSED
        ends |= _wait(runner, order, [one.sid for one in people if one.sid not in ends], word, sleep)
    finally:
        sweep(runner, order, [order.folder(programs)])
    return ends


def _start(runner: Runner, order: Order, programs: str, sid: str, word: str) -> bool:
    path = f"{order.folder(programs)}\\{sid}.xml"
    runner.write_file(path, order.once_xml(programs, sid, word))
    name = quoting.argument(order.task_once(sid))
    created = f"schtasks /create /tn {name} /xml {quoting.path(path)} /f"
    return runner.run(f"{created} >nul && schtasks /run /tn {name} >nul").ok


def _wait(runner: Runner, order: Order, sids: list[str], word: str, sleep: t.Callable[[float], None]) -> dict[str, str]:
    ends: dict[str, str] = {}
    seen: set[str] = set()
    begin_until = time.monotonic() + _BEGIN
    end = time.monotonic() + 2 * order.patience
    while left := [sid for sid in sids if sid not in ends]:
        asks = questions(order, left, word)
        answers = jobs.asked_again(functools.partial(runner.batch, asks, deadline=_ONE_WAIT + 90.0), end, sleep)
        for sid in left:
            state = _state(answers[f"session.{sid}"], word)
            if state == _RUNNING:
                seen.add(sid)
            if state in (DONE, GONE):
                ends[sid] = state
            elif state == _STOPPED and sid in seen:
                ends[sid] = CUT
            elif state == SILENT and time.monotonic() > begin_until:
                ends[sid] = SILENT
            elif time.monotonic() > end:
                ends[sid] = ENDLESS
    return ends


def questions(order: Order, sids: t.Sequence[str], word: str) -> list[Ask]:
    """Waits some seconds for the first one, on the host, and asks how far each of them is."""
    asks = []
    for sid in sids:
        root = f"HKEY_USERS\\{sid}"
        runs = quoting.argument(f"{users_detect.mark_key(order.wanted, root)}\\Runs")
        here = f"reg query {quoting.argument(root + chr(92) + 'Volatile Environment')} >nul 2>nul"
        if not asks:
            done = f"reg query {runs} /v {word}.done >nul 2>nul"
            pause = f"for /l %i in (1,1,{_ONE_WAIT}) do @{done} || ({here} && ping -n 2 127.0.0.1 >nul)"
            asks.append(Ask("session.pause", pause))
        # The task before what it writes: when it has ended, everything is written.
        task = f"schtasks /query /tn {quoting.argument(order.task_once(sid))} /fo csv /v /nh 2>nul"
        running = f"({task} | findstr /c:{_TASK_RUNS} >nul && echo {_RUNNING})"
        asks.append(Ask(f"session.{sid}", f"{here} && echo here& {running}& reg query {runs} 2>nul"))
    return asks


def _state(answer: Answer, word: str) -> str:
    names = {name for _key, values in detect.keys_of(answer.text) for name in values}
    said = {line.strip() for line in answer.text.splitlines()}
    if f"{word}.done" in names:
        return DONE
    if "here" not in said:
        return GONE
    if f"{word}.begun" not in names:
        return SILENT
    return _RUNNING if _RUNNING in said else _STOPPED


def sweep(runner: Runner, order: Order, folders: t.Sequence[str]) -> bool:
    """Take away the tasks of single users that runs with these folders have left, and their definitions."""
    for folder in folders:
        command = (
            f'for /f "delims=" %f in (\'dir /b "{folder}\\S-1-*.xml" 2^>nul\') do @('
            f'schtasks /delete /tn "{order.task_once("%~nf")}" /f >nul 2>nul & del /f /q "{folder}\\%f")'
        )
        try:
            runner.run(command)
        except ChannelError:
            return False
    return True
