# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""installer_dialog and what the kernel tells; hostile installers on real terminals; the journal on a bad disk."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import sys

import pytest

from ansible_collections.onprem.chat.plugins.module_utils._dialog import journal as journals
from ansible_collections.onprem.chat.plugins.module_utils._dialog import waiting
from ansible_collections.onprem.chat.plugins.module_utils._dialog.errors import JournalError
from ansible_collections.onprem.chat.plugins.module_utils._dialog.journal import Journal, Transcript
from ansible_collections.onprem.chat.plugins.module_utils._dialog.lock import Lock, boot_id, identity, lives
from ansible_collections.onprem.chat.plugins.module_utils._dialog.process import Installer
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.dialog_workshop import (
    CANARY,
    Place,
    known,
    prompt,
    secret,
    spec,
    value,
    wait_for,
)


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


POLLS = """f"{sys.executable} -c 'import select; select.select([0], [], [])'" """.strip()
KINDS = {
    "read": ("sys.stdin.readline()", "waiting"),
    "read of /dev/tty": ("open('/dev/tty').readline()", "waiting"),
    "raw read": ("os.read(0, 1)", "waiting"),
    "select": ("select.select([0], [], [])", "polling"),
    "select with a timeout": ("select.select([0], [], [], 60)", "polling"),
    "poll": ("p = select.poll(); p.register(0, select.POLLIN); p.poll()", "polling"),
    "epoll": ("e = select.epoll(); e.register(0, select.EPOLLIN); e.poll()", "polling"),
    "a thread": ("t = threading.Thread(target=sys.stdin.readline); t.start(); time.sleep(60)", "polling"),
    "a thread of several": ("threading.Thread(target=time.sleep, args=(60,)).start(); os.read(0, 1)", "polling"),
    "a child": ("subprocess.run(['cat'])", "waiting"),
    "one behind another terminal": ("subprocess.run(['script', '-qc', 'cat', '/dev/null'])", "waiting"),
    "one that looks behind another terminal": ("subprocess.run(['script', '-qc', POLLS, '/dev/null'])", "polling"),
    "one that looks and one that reads": ("subprocess.Popen(POLLS, shell=True); sys.stdin.readline()", "waiting"),
    "work behind another terminal": ("subprocess.run(['script', '-qc', 'sleep 60', '/dev/null'])", "busy"),
    "sleep": ("time.sleep(60)", "busy"),
    "a child that sleeps": ("subprocess.run(['sleep', '60'])", "busy"),
    "select of a pipe": ("select.select([os.pipe()[0]], [], [])", "busy"),
    "poll for output only": ("p = select.poll(); p.register(os.pipe()[0], select.POLLIN); p.poll()", "busy"),
    "epoll of a pipe": ("e = select.epoll(); e.register(os.pipe()[0], select.EPOLLIN); e.poll()", "busy"),
    "a pipe as input": ("r, w = os.pipe(); os.dup2(r, 0); os.read(0, 1)", "busy"),
    "computing": ("while True: pass", "busy"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_whether_it_waits_for_input(place, kind):
    code, answer = KINDS[kind]
    if "'script'" in code and not shutil.which("script"):
        pytest.skip("script (bsdutils) is not here")
    program = f"import os, select, subprocess, sys, threading, time\nprint('ready', flush=True)\n{code}\n".replace(
        "POLLS", POLLS
    )
    place.script(program, sys.executable)
    installer = Installer.start(spec(chdir=str(place.folder)), "run")
    try:
        wait_for(lambda: b"ready" in installer.read())
        if waiting.reads_terminal(installer.pid, installer.terminal) == waiting.UNKNOWN:
            pytest.skip("this kernel, or the rights here, do not tell")
        # It comes to its call in a moment; then it stays there.
        if answer != "busy":
            # The rest of what it wrote is read as well: until then it would not count as waiting.
            wait_for(lambda: (installer.read(), installer.waiting())[1] == answer)
        else:
            wait_for(lambda: installer.waiting() == "busy")
            assert [installer.waiting() for _time in range(20)] == ["busy"] * 20
    finally:
        installer.stop()
        installer.close()
    assert installer.poll() and waiting.session(installer.pid) == []


def test_where_the_kernel_does_not_tell(monkeypatch):
    monkeypatch.setattr(waiting.platform, "machine", lambda: "riscv64")
    assert waiting.reads_terminal(os.getpid(), "/dev/pts/0") == waiting.UNKNOWN


def test_an_unknown_kernel_is_only_slower(place, monkeypatch):
    monkeypatch.setattr(waiting.platform, "machine", lambda: "riscv64")
    place.script('read -rp "Name: " name; echo "Value: $name."; read -rp "Other: " x')
    error = place.fails(prompts=[prompt("name", "Name:", "x")], silence=3)
    assert error.what.startswith("The installer seems to wait for input")
    assert error.result["answered"] == ["name"]


def test_a_process_is_known_by_its_start():
    me = identity(os.getpid())
    assert lives(me)
    assert not lives({**me, "start": "1"})
    assert not lives(None) and not lives({"pid": 2**22 + 1, "start": "1"})


def test_boot_id(tmp_path):
    (tmp_path / "id").write_text("abc\n")
    assert (boot_id(tmp_path / "id"), boot_id(tmp_path / "none")) == ("abc", "")


HOSTILE = r"""
import os, random, sys, time, termios, tty
dice = random.Random({seed})
def say(data):
    while data:
        size = dice.choice((1, 2, 3, 5, 40, 4000))
        os.write(1, data[:size]); data = data[size:]
        if dice.random() < 0.05: time.sleep(0.01)
def noise():
    kind = dice.randrange(8)
    if kind == 0: say(bytes(dice.randrange(256) for _ in range(3000)) + b"\x18\x1b[0m\x1b[r\x1b(B\r\n")
    elif kind == 1: say(b"y" * 100000)
    elif kind == 2: say(b"\xff\xfe\xc3(\xe2\x82\r\n")
    elif kind == 3: say(b"".join(b"\r%d%%" % n for n in range(101)) + b"\r\n")
    elif kind == 4: say(b"\x1b[2J\x1b[H" + b"\x1b[5A\x1b[9CLicense key:\x1b[20;1H\r\n")
    elif kind == 5: say(b"\x1b]0;" + b"License key: " * 50 + b"\x07")
    elif kind == 6: say(b"\x00" * 500 + b"Client ID: none yet\r\n")
    else: say(b"License key: is asked next\r\n")
def ask(text, hide=False, raw=False):
    noise(); say(b"\x18\x1b[0m\x1b[?7h\r\n\x1b[J")
    if hide or raw:
        old = termios.tcgetattr(0); new = termios.tcgetattr(0); new[3] &= ~termios.ECHO
        termios.tcsetattr(0, termios.TCSAFLUSH, new)
        if raw: tty.setcbreak(0)
    say(text.encode())
    time.sleep(dice.choice((0, 0, 0.3)))
    answer = b""
    while not answer.endswith((b"\n", b"\r")): answer += os.read(0, 1 if raw else 4096)
    if hide or raw: termios.tcsetattr(0, termios.TCSADRAIN, old); say(b"\r\n")
    return answer.decode().strip("\r\n")
given = [ask("\x1b[1mChat domain\x1b[0m name: "), ask("Please type your lice\x1b[32mnse key\x1b[0m: ", hide=True),
         ask("Client ID: ", raw=dice.random() < 0.5)]
noise()
say(b"\x18\x1b[0m\x1b[?7h\r\n\x1b[J\x1b[33mClient ID\x1b[0m: c-17\r\n"); noise()
say(b"\x18\x1b[0m\x1b[?7h\r\n\x1b[JIntegrational token: tok-4711\r\n"); noise()
open("given", "w").write(repr(given))
"""


@pytest.mark.parametrize("seed", range(12))
def test_a_hostile_installer(place, seed):
    place.script(HOSTILE.replace("{seed}", str(seed)), sys.executable)
    dice = random.Random(seed)  # noqa: S311
    result = place.run(
        prompts=[
            prompt("domain", "(?i)domain name:", "corp.test"),
            secret("key", "(?i)license key:"),
            prompt("id", "Client ID:", "4711"),
        ],
        values=[value("token", r"Integrational token: (\S+)$"), value("id", r"Client ID: (c-\d+)$")],
        columns=dice.choice((40, 80, 200)),
    )
    assert result["answered"] == ["domain", "key", "id"]
    assert (place.folder / "given").read_text() == repr(["corp.test", CANARY, "4711"])
    assert place.read() == {"token": "tok-4711", "id": "c-17"}
    assert CANARY not in place.everything() + result["screen"] and "tok-4711" not in place.everything()


def test_an_installer_that_asks_the_terminal(place):
    """One that reads single characters gets an answer; of one that does not, the next answer is not spoilt."""
    place.script(
        r"""
        import os, sys, termios, tty
        os.write(1, b"\x1b[6n")
        old = termios.tcgetattr(0)
        sys.stdout.write("Name: "); sys.stdout.flush()
        name = sys.stdin.readline()
        tty.setraw(0)
        os.write(1, b"\x1b[6n")
        reply = b""
        while not reply.endswith(b"R"):
            reply += os.read(0, 1)
        termios.tcsetattr(0, termios.TCSANOW, old)
        print(repr(name), repr(reply))
        """.replace("\n        ", "\n"),
        sys.executable,
    )
    screen = place.run(prompts=[prompt("name", "Name:", "x")])["screen"]
    assert "'x\\n' b'\\x1b[2;1R'" in screen


def test_a_killer_pattern_stops_the_run(place):
    place.script(f"echo {'a' * 70}; sleep 60")
    error = place.fails(errors=[known("(a+)+b")])
    assert "processor time" in error.what and error.result["status"] == "failed"


def test_an_installer_that_does_not_want_to_end(place):
    place.script('trap "" HUP TERM INT; read -rp "What? " x; read -rp "What? " x; sleep 600')
    error = place.fails(silence=1)
    assert "What?" in error.result["screen"]


def test_what_it_says_while_it_is_stopped_is_kept(place):
    place.script('trap "echo Token: late; exit 1" HUP; read -rp "What? " x')
    place.fails(silence=1, values=[value("token", "Token: (.*)")])
    assert json.loads(place.journal.read_text())["values"]["token"]["value"] == "late"


def test_stopped_and_background_processes_are_ended(place):
    place.script('sleep 500 & echo $! >pid; kill -STOP $!; read -rp "What? " x')
    place.fails(silence=1)
    pid = int((place.folder / "pid").read_text())
    wait_for(lambda: not waiting.stat(pid) or waiting.stat(pid)[0] in "ZX")


# The journal


@pytest.fixture
def journal(tmp_path):
    journal = Journal(tmp_path / "state" / "demo")
    journal.prepare()
    return journal


def test_an_entry_is_written_into_the_room_that_was_kept(journal):
    """Nothing is given back before it is written: on a full disk somebody else would take it."""
    journal.keep_reserve()
    journal.save({"version": 1, "values": "first"})
    kept = (journal.folder / "journal.json.new").stat()
    assert (kept.st_size, kept.st_blocks * 512 >= journals.RESERVE) == (262144, True)
    journal.save({"version": 1, "values": "kept"})
    seen = journal.path.stat()
    assert seen.st_ino == kept.st_ino and seen.st_size < 100
    assert journal.path.read_text() == '{\n "version": 1,\n "values": "kept"\n}'
    journal.drop_reserve()
    journal.save({"version": 1, "values": "last"})
    assert [path.name for path in journal.folder.iterdir()] == ["journal.json"]


def test_when_there_is_less_room_less_is_kept(journal, monkeypatch):
    asked = []

    def nearly_full(_descriptor, _start, size):
        asked.append(size)
        if size > 20000:
            raise OSError(errno.ENOSPC, "No space left on device")

    journal.keep_reserve()
    monkeypatch.setattr(os, "posix_fallocate", nearly_full)
    journal.save({"version": 1})
    assert asked == [262144, 131072, 65536, 32768, 16384]
    with pytest.raises(JournalError, match="cannot be written: No space left on device"):
        journal.keep_reserve()


def test_a_disk_without_any_room(journal, monkeypatch):
    def full(_data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(journal, "_write", full)
    with pytest.raises(JournalError, match="cannot be written: No space left on device"):
        journal.save({})


def test_the_mode_of_every_folder_that_is_made(tmp_path):
    before = os.umask(0)
    try:
        Journal(tmp_path / "a" / "b" / "demo").prepare()
    finally:
        os.umask(before)
    assert [oct((tmp_path / name).stat().st_mode) for name in ("a", "a/b", "a/b/demo")] == ["0o40700"] * 3


def test_what_an_interrupted_end_left_is_forgotten(journal):
    for name in ("journal.json.new", "transcript.new", "transcript.old.new"):
        (journal.folder / name).touch()
    assert journal.forget() == []
    assert not journal.folder.exists()


@pytest.mark.parametrize("step", ["open", "write", "fsync", "replace"])
def test_killed_while_it_is_written(journal, monkeypatch, step):
    """The old entry stays whole until the new one is; what is left over disturbs nobody."""
    journal.save({"version": 1, "values": "old"})
    real = {"fsync": os.fsync, "replace": os.replace}
    child = os.fork()
    if not child:
        if step in real:
            monkeypatch.setattr(os, step, lambda *_arguments: os._exit(0))
        elif step == "write":
            monkeypatch.setattr(os, "fdopen", lambda number, _mode: (os.write(number, b'{"ver'), os._exit(0)))
        else:
            monkeypatch.setattr(os, "fdopen", lambda *_arguments: os._exit(0))
        journal.save({"version": 1, "values": "new"})
        os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    assert journal.load() == {"version": 1, "values": "old"}
    journal.save({"version": 1, "values": "newer"})
    assert journal.load() == {"version": 1, "values": "newer"}
    assert sorted(path.name for path in journal.folder.iterdir()) == ["journal.json"]


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_the_transcript_keeps_the_end_and_loses_secrets(journal, monkeypatch, encoding):
    """Whatever the locale of the task is."""
    fdopen = os.fdopen

    def with_locale(descriptor, mode="r", **more):
        return fdopen(descriptor, mode, **({} if "b" in mode else {"encoding": encoding}) | more)

    monkeypatch.setattr(os, "fdopen", with_locale)
    transcript = Transcript(journal, limit=2000)
    for number in range(200):
        transcript.write(f"строка {number} and the hidden one")
    transcript.close(lambda line: line.replace("hidden", "****"))
    text = "".join(path.read_text(encoding="utf-8") for path in journal.transcripts)
    assert "строка 199 and the **** one\n" in text and "строка 0 " not in text and "hidden" not in text
    assert len(text.encode()) < 4200
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in journal.transcripts)


def test_a_transcript_that_cannot_be_written_stops_nothing(journal):
    for path in journal.transcripts:
        path.mkdir()
    transcript = Transcript(journal)
    transcript.write("line")
    transcript.close(str)


def test_a_lock_file_that_was_removed_is_no_lock(tmp_path):
    first, second = Lock(tmp_path / "lock"), Lock(tmp_path / "lock")
    assert first.free() and first.take()
    assert not second.take() and not second.free() and second.holder() is None
    first.sign({"process": identity(os.getpid()), "run": "x"})
    assert second.holder()["run"] == "x"
    (tmp_path / "lock").unlink()
    assert second.take()
    first.close()
    assert not Lock(tmp_path / "lock").take()
    second.close()
    assert Lock(tmp_path / "lock").take()
