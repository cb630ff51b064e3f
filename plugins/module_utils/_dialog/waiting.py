# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Does a program wait for somebody to type? The kernel tells, so nothing has to be guessed from silence.

/proc/PID/syscall names the call in which a thread sleeps and its arguments; /proc/PID/fd the terminal behind a number;
/proc/PID/mem what poll and select wait for; /proc/PID/fdinfo what epoll does (proc(5)).
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import platform
import struct

PROC = pathlib.Path("/proc")
WAITING, POLLING, BUSY, UNKNOWN = "waiting", "polling", "busy", "unknown"
"""It reads; it may work meanwhile, for it looks whether there is something to read (poll, select, epoll), or one of several
threads reads; neither; who knows."""
_ORDER = (WAITING, POLLING, UNKNOWN)

# Numbers of system calls (arch/*/entry/syscalls): read, readv, poll, ppoll, select, pselect6, epoll_wait, pwait, pwait2.
_CALLS = {
    "x86_64": {
        0: "read",
        19: "read",
        7: "poll",
        271: "poll",
        23: "select",
        270: "select",
        232: "epoll",
        281: "epoll",
        441: "epoll",
    },
    "aarch64": {63: "read", 65: "read", 73: "poll", 72: "select", 22: "epoll", 441: "epoll"},
}
_POLLIN = 0x1 | 0x40


def session(number: int, proc: pathlib.Path = PROC) -> list[int]:
    """Processes of a session."""
    found = []
    for entry in proc.iterdir():
        if entry.name.isdigit():
            fields = stat(int(entry.name), proc)
            if fields and fields[3] == str(number) and fields[0] not in "ZX":
                found.append(int(entry.name))
    return found


def stat(pid: int, proc: pathlib.Path = PROC) -> list[str]:
    """The fields of /proc/PID/stat from the state on (0 state, 1 parent, 2 group, 3 session, 19 start time); [] if it is gone."""
    try:
        return (proc / str(pid) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def reads_terminal(number: int, terminal: str, proc: pathlib.Path = PROC) -> str:
    """Whether a process of the session waits for input from the terminal; UNKNOWN where the kernel does not tell."""
    calls = _CALLS.get(platform.machine())
    if calls is None:
        return UNKNOWN
    return _session_reads(number, terminal, calls, proc, depth=0)


def _session_reads(number: int, terminal: str, calls: dict[int, str], proc: pathlib.Path, depth: int) -> str:
    answers = {BUSY}
    for pid in session(number, proc):
        try:
            threads = list((proc / str(pid) / "task").iterdir())
        except OSError:
            continue
        for thread in threads:
            try:
                words = (thread / "syscall").read_text(encoding="ascii").split()
                kind = calls.get(int(words[0])) if words and words[0].lstrip("-").isdigit() else None
                if kind is None or not _awaits(words, kind, pid, terminal, proc):
                    continue
                # Docker's client has a thread that reads for as long as the container lives.
                if kind == "read" and len(threads) == 1:
                    return WAITING
                answers.add(_relayed(pid, number, calls, proc, depth) or POLLING)
            except (FileNotFoundError, ProcessLookupError):
                continue
            except (OSError, ValueError, struct.error):
                answers.add(UNKNOWN)
    return _strongest(answers)


def _strongest(answers: set[str]) -> str:
    return next((answer for answer in _ORDER if answer in answers), BUSY)


def _relayed(pid: int, number: int, calls: dict[int, str], proc: pathlib.Path, depth: int) -> str | None:
    """Of one that only hands on what is typed (sudo with use_pty, script): whether what it runs on a terminal of its own waits.

    None when it runs nothing of that kind.
    """
    if depth > 3:
        return UNKNOWN
    parents: dict[int, list[int]] = {}
    fields: dict[int, list[str]] = {}
    for entry in proc.iterdir():
        if entry.name.isdigit():
            fields[int(entry.name)] = seen = stat(int(entry.name), proc)
            if seen:
                parents.setdefault(int(seen[1]), []).append(int(entry.name))
    found, below = set(), list(parents.get(pid, ()))
    while below:
        child = below.pop()
        below += parents.get(child, ())
        leader, device = int(fields[child][3]), int(fields[child][4])
        if leader != number and device:
            found.add((leader, _terminal(device)))
    answers = {_session_reads(leader, terminal, calls, proc, depth + 1) for leader, terminal in found}
    return _strongest(answers) if answers else None


def _terminal(device: int) -> str:
    """Name of a pseudo-terminal by its number in stat (proc(5), tty_nr; majors 136 to 143)."""
    major, minor = device >> 8 & 0xFFF, device & 0xFF | device >> 12 & 0xFFF00
    return f"/dev/pts/{(major - 136) * 256 + minor}"


def _awaits(words: list[str], kind: str, pid: int, terminal: str, proc: pathlib.Path) -> bool:
    first, second = int(words[1], 16), int(words[2], 16)
    if kind == "read":
        descriptors = [first]
    elif kind == "poll":
        entries = struct.iter_unpack("ihh", _memory(pid, first, 8 * min(second, 1024), proc))
        descriptors = [descriptor for descriptor, events, _seen in entries if events & _POLLIN]
    elif kind == "select":
        bits = int.from_bytes(_memory(pid, second, (min(first, 1024) + 7) // 8, proc), "little") if second else 0
        descriptors = [number for number in range(min(first, 1024)) if bits >> number & 1]
    else:
        descriptors = _epoll(pid, first, proc)
    return any(_is_terminal(pid, descriptor, terminal, proc) for descriptor in descriptors)


def _memory(pid: int, address: int, size: int, proc: pathlib.Path) -> bytes:
    with (proc / str(pid) / "mem").open("rb", buffering=0) as file:
        file.seek(address)
        return file.read(size)


def _epoll(pid: int, descriptor: int, proc: pathlib.Path) -> list[int]:
    lines = (proc / str(pid) / "fdinfo" / str(descriptor)).read_text(encoding="ascii").splitlines()
    entries = [line.split() for line in lines if line.startswith("tfd:")]
    return [int(words[1]) for words in entries if int(words[3], 16) & _POLLIN]


def _is_terminal(pid: int, descriptor: int, terminal: str, proc: pathlib.Path) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return os.readlink(proc / str(pid) / "fd" / str(descriptor)) in (terminal, "/dev/tty")  # noqa: PTH115 - 3.8
    return False
