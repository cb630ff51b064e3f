# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""The installer as a process: started on a terminal of its own, read, written to, and ended."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import resource
import select
import signal
import struct
import termios
import time
import traceback

from ansible_collections.onprem.chat.plugins.module_utils._dialog import waiting
from ansible_collections.onprem.chat.plugins.module_utils._dialog.errors import RunError
from ansible_collections.onprem.chat.plugins.module_utils._dialog.spec import Spec, program

PTYPROCESS_ERROR = None
try:
    from ptyprocess import PtyProcess
except ImportError:
    PTYPROCESS_ERROR = traceback.format_exc()
    PtyProcess = None

MARK = "ONPREM_CHAT_DIALOG"
"""Variable in the installer's environment by which its processes are known; names the run."""
_DEFAULT_SIGNALS = (
    "SIGHUP",
    "SIGINT",
    "SIGQUIT",
    "SIGPIPE",
    "SIGTERM",
    "SIGCHLD",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGXFSZ",
)
_ON_ITS_WAY = 0.03
"""Seconds in which the kernel hands output from one side of a terminal to the other."""
_LEADER_IGNORES = ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGTSTP", "SIGTTOU")
_LAST_WORDS = 5.0
"""Seconds in which those that print for the installer (tee) may end after it."""
_GET_NUMBER = 0x80045430  # TIOCGPTN, ioctl_tty(2)


def environment(spec: Spec, run: str) -> dict[str, str]:
    """That of this process with what the task gives; the terminal is described as what it is."""
    wanted = {"LANG": "C.UTF-8", **os.environ, "TERM": "xterm", MARK: run}
    for name in ("COLUMNS", "LINES"):
        wanted.pop(name, None)
    wanted.update(spec.environment)
    return wanted


def _lead() -> None:
    """Fork; the parent leads the session, ends as the child does, and only the child returns.

    When the leader of a session ends, the kernel hangs up the group in the foreground. Of an installer that a person starts the leader
    is the shell of the login. So ``exec > >(tee install.log)`` may print its last lines after the installer has ended, and a service in
    the background goes on.
    """
    for name in _LEADER_IGNORES:
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    child = os.fork()
    if not child:
        # As a shell does it.
        os.setpgid(0, 0)
        os.tcsetpgrp(0, os.getpid())
        return
    try:
        signal.signal(signal.SIGHUP, lambda _number, _frame: _hang_up(child))
        # The terminal must be seen to be closed when all others have closed it, and whoever started us waits for a pipe.
        os.closerange(0, min(1 << 20, resource.getrlimit(resource.RLIMIT_NOFILE)[0]))
        status = os.waitpid(child, 0)[1]
        if not os.WIFSIGNALED(status):
            deadline = time.monotonic() + _LAST_WORDS
            while time.monotonic() < deadline and _group(child):
                time.sleep(0.02)
            with contextlib.suppress(OSError):
                os.tcsetpgrp(os.open("/dev/tty", os.O_RDWR), os.getpgrp())
            os._exit(os.WEXITSTATUS(status))
        # Killed: what is left of it is hung up.
        number = os.WTERMSIG(status)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, [])
        os.kill(os.getpid(), number)
    finally:
        os._exit(os.EX_OSERR)


def _hang_up(group: int) -> None:
    """The kernel tells the leader alone that the terminal is gone (the supervisor was killed): it hands that on."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR))
    except OSError:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGHUP)
            os.killpg(group, signal.SIGCONT)


def _group(number: int) -> list[int]:
    """What still runs of a process group of this session."""
    return [pid for pid in waiting.session(os.getpid()) if waiting.stat(pid)[2:3] == [str(number)]]


class Installer:
    """A running installer, in a session of its own with a controlling terminal. ``pid``: the leader of that session."""

    def __init__(self, pid: int, descriptor: int) -> None:
        self.pid, self.descriptor = pid, descriptor
        os.set_blocking(descriptor, False)
        self.ended = False
        self.exit_code: int | None = None
        self.signal: int | None = None
        self.silent = False
        """Whether the terminal's other side is closed."""
        number = struct.unpack("i", fcntl.ioctl(descriptor, _GET_NUMBER, b"\0\0\0\0"))[0]
        self.terminal = f"/dev/pts/{number}"

    @classmethod
    def start(cls, spec: Spec, run: str) -> Installer:
        """Raises RunError when it cannot be executed."""
        mask = os.umask(0o077)
        os.umask(mask)

        def become_normal() -> None:
            _lead()
            # Python ignores some signals, and what is ignored would be inherited.
            for name in _DEFAULT_SIGNALS:
                signal.signal(getattr(signal, name), signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, [])
            os.umask(mask)

        path = program(spec)
        try:
            if path is None:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
            process = PtyProcess.spawn(
                [path, *spec.command[1:]],
                cwd=spec.chdir,
                env=environment(spec, run),
                preexec_fn=become_normal,
                dimensions=(spec.rows, spec.columns),
            )
        except Exception as error:  # ptyprocess raises what the child's exec raised, as a class of that name
            raise RunError(
                f"The installer {spec.command[0]} cannot be started: {error}.",
                "Is it a program for this machine, or a script whose first line names an interpreter that is there?",
                "Give its interpreter in command: [bash, installer.sh].",
            ) from error
        installer = cls(process.pid, os.dup(process.fd))
        # The descriptor is ours from here on: ptyprocess would wait and kill when it is collected.
        process.fileobj.close()
        process.closed = True
        return installer

    def read(self, most: int = 1 << 20) -> bytes:
        """What it wrote, b"" when there is nothing now."""
        parts: list[bytes] = []
        size = 0
        while size < most and not self.silent:
            try:
                part = os.read(self.descriptor, 65536)
            except BlockingIOError:
                break
            except OSError:
                part = b""
            if not part:
                self.silent = True
                break
            parts.append(part)
            size += len(part)
        return b"".join(parts)

    def wait_for_output(self, seconds: float) -> None:
        """Return when it wrote something, or after so many seconds."""
        if self.silent:
            time.sleep(min(seconds, 0.05))
        else:
            select.select([self.descriptor], [], [], seconds)

    def write(self, data: bytes) -> bool:
        """Type something; whether the terminal took all of it."""
        deadline = time.monotonic() + 5
        while data and time.monotonic() < deadline:
            try:
                data = data[os.write(self.descriptor, data) :]
            except BlockingIOError:
                select.select([], [self.descriptor], [], 0.1)
            except OSError:
                return False
        return not data

    def modes(self) -> tuple[bool, bool, bool]:
        """Of its terminal: echo, whole lines, carriage return read as line feed (termios(3))."""
        try:
            flags = termios.tcgetattr(self.descriptor)
        except termios.error:
            return True, True, True
        return bool(flags[3] & termios.ECHO), bool(flags[3] & termios.ICANON), bool(flags[0] & termios.ICRNL)

    def waiting(self) -> str:
        """Whether it waits for input: one of the words of ``waiting``.

        What it wrote before is looked for after that: else the answer would be to a question that is not the last one.
        """
        state = waiting.reads_terminal(self.pid, self.terminal)
        if (
            state in (waiting.WAITING, waiting.POLLING)
            and not self.silent
            and select.select([self.descriptor], [], [], _ON_ITS_WAY)[0]
        ):
            return waiting.BUSY
        return state

    def poll(self) -> bool:
        """Whether its first process has ended, and those that printed for it."""
        if not self.ended:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                pid, status = self.pid, 0
            if pid:
                self.ended = True
                if os.WIFSIGNALED(status):
                    self.signal = os.WTERMSIG(status)
                else:
                    self.exit_code = os.WEXITSTATUS(status)
        return self.ended

    def stop(self, drain=lambda: None) -> None:
        """End it and everything of its session: hang up, ask, kill. ``drain``: reads what it writes meanwhile."""
        for number, seconds in ((signal.SIGHUP, 3.0), (signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
            end_session(self.pid, number)
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                drain()
                if self.poll() and not waiting.session(self.pid):
                    return
                time.sleep(0.05)

    def close(self) -> None:
        """Hang up the terminal."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


def end_session(number: int, signal_number: int) -> None:
    """Signal every process of a session, stopped ones as well."""
    for pid in waiting.session(number):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal_number)
            os.kill(pid, signal.SIGCONT)


def leftovers(number: int, run: str) -> list[int]:
    """What still runs of a run whose supervisor is gone: processes of its session that have its mark."""
    mark = f"{MARK}={run}".encode()
    found = []
    for pid in waiting.session(number):
        with contextlib.suppress(OSError):
            if mark in (waiting.PROC / str(pid) / "environ").read_bytes().split(b"\0"):
                found.append(pid)
    return found


def end_leftovers(number: int, run: str) -> bool:
    """End them; whether none is left."""
    for signal_number, seconds in ((signal.SIGHUP, 3.0), (signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
        deadline = time.monotonic() + seconds
        left = leftovers(number, run)
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal_number)
                os.kill(pid, signal.SIGCONT)
        while left and time.monotonic() < deadline:
            time.sleep(0.05)
            left = leftovers(number, run)
        if not left:
            return True
    return False
