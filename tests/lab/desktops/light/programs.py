"""The programs that the model has: those that the collection starts. Each gets its arguments and gives an exit code."""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import re
import tarfile
from collections.abc import Callable
from typing import TYPE_CHECKING

from . import installer, reg

if TYPE_CHECKING:
    from .interpreter import Interpreter, Streams

Program = Callable[["Interpreter", list[str], "Streams"], int]
FILE_NOT_FOUND = 0x80070002


def _reg(shell: Interpreter, words: list[str], streams: Streams) -> int:
    # Files are found from the shell's own folder.
    kept, shell.desktop.directory = shell.desktop.directory, shell.directory
    try:
        return reg.run(shell.desktop, words, streams)
    finally:
        shell.desktop.directory = kept


def _cmd(shell: Interpreter, words: list[str], streams: Streams) -> int:
    from .interpreter import Interpreter

    words = [word for word in words if word.lower() not in ("/c", "/d", "/q")]
    return Interpreter(shell.desktop, dict(shell.variables), shell.directory).line(" ".join(words), streams)


def _certutil(shell: Interpreter, words: list[str], streams: Streams) -> int:
    verbs = [word.lower() for word in words]
    names = [shell.absolute(word) for word in words if not word.startswith("-")]
    content = shell.desktop.files.read(names[0]) if names else None
    if content is None or ("-hashfile" in verbs and not content):
        streams.write("CertUtil: -command FAILED: 0x80070002 (WIN32: 2 ERROR_FILE_NOT_FOUND)\r\n")
        return FILE_NOT_FOUND
    if "-hashfile" in verbs and words[-1].lower() == "sha256":
        streams.write(f"SHA256 hash of {words[-2]}:\r\n{hashlib.sha256(content).hexdigest()}\r\n")
        streams.write("CertUtil: -hashfile command completed successfully.\r\n")
        return 0
    if "-encode" in verbs:
        text = base64.b64encode(content).decode()
        lines = [text[start : start + 64] for start in range(0, len(text), 64)]
        made = "\r\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""]).encode()
    elif "-decode" in verbs:
        try:
            made = base64.b64decode(re.sub(rb"-----.*?-----|\s", b"", content), validate=True)
        except binascii.Error:
            return 0x8007000D
    else:
        return 0x80070057
    if "-f" not in verbs and shell.desktop.files.exists(names[1]):
        return 0x80070050
    return 0 if shell.desktop.files.write(names[1], made) else FILE_NOT_FOUND


def _tar(shell: Interpreter, words: list[str], streams: Streams) -> int:
    if words == ["-xf", "-"]:
        lines = [line for line in streams.stdin.split(b"\n") if line and not line.startswith((b"begin", b"===="))]
        try:
            with tarfile.open(fileobj=io.BytesIO(base64.b64decode(b"".join(lines)))) as archive:
                for entry in archive.getmembers():
                    if not shell.desktop.files.write(shell.absolute(entry.name), archive.extractfile(entry).read()):
                        return 1
        except (tarfile.TarError, binascii.Error):
            return 1
        return 0
    if words[:3] == ["--b64encode", "-cf", "-"]:
        content = shell.desktop.files.read(shell.absolute(words[3]))
        if content is None:
            return 1
        made = io.BytesIO()
        with tarfile.open(fileobj=made, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            entry = tarfile.TarInfo(words[3])
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        streams.out += b"begin-base64 644 -\n" + base64.encodebytes(made.getvalue()) + b"====\n"
        return 0
    return 1


def _findstr(shell: Interpreter, words: list[str], streams: Streams) -> int:
    wanted = [word[3:].lower() for word in words if word.lower().startswith("/c:")]
    lines = [line.rstrip(b"\r") for line in streams.stdin.split(b"\n")]
    if lines and not lines[-1]:
        lines.pop()
    if not wanted and "^" not in words:
        return 2
    found = [line for line in lines if not wanted or any(word.encode() in line.lower() for word in wanted)]
    streams.out += b"".join(line + b"\r\n" for line in found)
    return 0 if found else 1


def _where(_shell: Interpreter, words: list[str], streams: Streams) -> int:
    program = words[-1].lower().removesuffix(".exe")
    if program not in PROGRAMS:
        return 1
    if "/q" not in [word.lower() for word in words]:
        streams.write(f"C:\\Windows\\System32\\{program}.exe\r\n")
    return 0


def _nothing(_shell: Interpreter, _words: list[str], _streams: Streams) -> int:
    """Takes its time in reality (ping as a pause), and leaves nothing behind."""
    return 0


def _hostname(shell: Interpreter, _words: list[str], streams: Streams) -> int:
    streams.write(f"{shell.desktop.name}\r\n")
    return 0


def batch(shell: Interpreter, path: str, streams: Streams) -> int:
    """The collection's job.cmd: its installer's line runs once, and what the job would leave is left.

    No other batch file is modelled. The line stands behind the label `command`, in the folder of the job.
    """
    folder = path.rpartition("\\")[0]
    files = shell.desktop.files
    result = files.read(f"{folder}\\result.txt")
    if result is None:
        text = (files.read(path) or b"").decode("utf-8", "replace")
        found = re.search(r"^:command\r?\ncd .*\n(.*)\r?\n", text, re.MULTILINE)
        if not found:
            streams.error("This batch file is none that the model knows.\r\n")
            return 1
        if files.exists(f"{folder}\\started.txt"):
            return 97
        files.write(f"{folder}\\started.txt", b"started\r\n")
        code, tries = 1618, 0
        while code == 1618 and tries < 10:
            line = shell._loop(found[1].replace("%%", "%"))
            inner = type(streams)()
            code = type(shell)(shell.desktop, dict(shell.variables), folder).line(f"@{line}", inner)
            tries += 1
        signed = code if code < 1 << 31 else code - (1 << 32)
        result = f"end=installer\r\ncode={signed}\r\ntries={tries}\r\n".encode()
        files.write(f"{folder}\\result.txt", result)
    streams.out += result
    return 0


PROGRAMS: dict[str, Program] = {
    "reg": _reg,
    "cmd": _cmd,
    "certutil": _certutil,
    "tar": _tar,
    "findstr": _findstr,
    "where": _where,
    "ping": _nothing,
    "tasklist": _nothing,
    "hostname": _hostname,
    "msiexec": installer.msiexec,
}
# Those that read standard input when none of it comes from a file or a pipe.
READERS = re.compile(r'\btar(?:\.exe)? -xf -|\bfindstr(?:\.exe)? (?:/r )?"\^"', re.IGNORECASE)
