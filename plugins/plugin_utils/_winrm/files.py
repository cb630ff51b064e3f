# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Small files in and out through a Runner, as text that survives every code page, exact to the byte.

Windows has no program that writes its standard input to a file as it comes. Two that are always or nearly always there do:

``tar -xf -``        libarchive, part of Windows 10 1803, Server 2019 and newer. It undoes base64 itself (its filter for uuencode),
                     so that only ASCII goes through the console's pipes. Nothing suspects it.
``certutil -decode`` everywhere; the text must become a file first (``findstr /r "^"`` copies lines). Products that watch for
                     attacks know this command, so it is the second choice.

Whichever it was, ``certutil -hashfile`` compares SHA-256 on the host before the file gets its name, by its exit code and a
search for the digest: old versions print it with spaces. cmd.exe is told not to look for programs in the folder that it has
changed to (NeedCurrentDirectoryForExePath): users may write into some, and an administrator would run what they put there.
Names inside the archive are ASCII: tar reads its arguments in the system's code page, while ``cd`` and ``move`` of cmd.exe
know all of Unicode.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import re
import secrets
import tarfile
import time
import typing as t
from collections.abc import Callable, Iterable, Mapping

from .errors import CommandTooLong, FileRefused, Lost, MissingFile, Unspeakable
from .quoting import line
from .quoting import path as quoted
from .runner import Ask, Runner

ATTEMPTS = 3
SMALL = 32 * 1024
"""Bytes up to which a file is sent without asking first whether it is there: a question costs more, and so do two transfers."""
BESIDE = "~onprem-"
"""How the names of files begin that did not come whole yet."""
_BLOCK = 512
# What stands in front is of the host's AutoRun, such as chcp 65001.
_BODY = re.compile(rb"^(?:begin-base64 |-----BEGIN )[^\n]*\n(.*?)^(?:====|-----END )", re.DOTALL | re.MULTILINE)
_CHUNK = 64 * 1024
_DRIVE = re.compile(r"[A-Za-z]:\\[^\\]")
NOT_FROM_HERE = 'set "NoDefaultCurrentDirectoryInExePath=1"'
_SEARCH = 'findstr /i /c:"{digest}" /c:"{spaced}"'

# exit codes of our own lines: none that a program of Windows gives by itself
NO_FOLDER, NOT_UNPACKED, WRONG_DIGEST, NOT_RENAMED, NOT_THERE, TOO_LARGE, NOT_PACKED, EMPTY, NO_TAR = range(4201, 4210)

WRITE_FAULTS = {
    NO_FOLDER: (
        "its folder cannot be made or entered",
        "The account has no right there, or a file has the folder's name",
    ),
    NOT_UNPACKED: ("its content could not be written", "The disk is full, or the account has no right there"),
    WRONG_DIGEST: (
        "what arrived is not what was sent",
        "The disk is full, or a virus scanner took the content away",
    ),
    NOT_RENAMED: ("it could not get its name", "A file of this name is in use or read-only"),
}


def write_files(runner: Runner, contents: Mapping[str, bytes], ways: Ways, *, deadline: float, where: str) -> None:
    """Several files; small ones of one folder travel together. Raises what :func:`write_file` does."""
    end = time.monotonic() + deadline
    folders: dict[str, dict[str, bytes]] = {}
    for path, content in contents.items():
        folders.setdefault(_parts(path, where)[0] if len(content) <= SMALL else path, {})[path] = content
    for some in folders.values():
        left = max(1.0, end - time.monotonic())
        if len(some) > 1 and _write_together(runner, some, ways, left, where):
            continue
        for path, content in some.items():
            write_file(runner, path, content, ways, deadline=max(1.0, end - time.monotonic()), where=where)


def _write_together(runner: Runner, contents: Mapping[str, bytes], ways: Ways, deadline: float, where: str) -> bool:
    """One archive for all. False where that did not work: one by one each has its own second way and its own error."""
    if ways[0] is not _unpack_tar:
        return False
    parts = {path: part_name(path, content) for path, content in contents.items()}
    command, stdin = _unpack_tar({parts[path]: content for path, content in contents.items()})
    folder = _parts(next(iter(contents)), where)[0]
    steps = [
        _tar_is_there(),
        *_folder(folder),
        _forget(parts.values()),
        f"({command}||({_del(*parts.values())}&exit {NOT_UNPACKED}))",
    ]
    for path, content in contents.items():
        steps += _named(parts[path], path.rpartition("\\")[2], content, list(parts.values()))
    try:
        answer = runner.run(line("&".join([*steps, "exit 0"])), stdin=stdin, deadline=deadline)
    except (CommandTooLong, Lost):
        return False
    if answer.exit_code == NO_TAR:
        ways[:] = [_decode]
    return answer.ok


def write_file(runner: Runner, path: str, content: bytes, ways: Ways, *, deadline: float, where: str) -> None:
    """Write beside, compare on the host, rename; nothing when the file already has this content.

    What is found missing on the host is taken out of ``ways``.
    Raises FileRefused with the stage that failed, Unspeakable for a path that is not absolute.
    """
    folder, name = _parts(path, where)
    end = time.monotonic() + deadline
    first = [f"({same(path, content)}&&exit 0)"]
    if len(content) > SMALL:
        found = runner.batch([Ask("same", same(path, content)), Ask("tar", "where /q tar.exe")], deadline=deadline)
        if found["same"].ok:
            return
        if not found["tar"].ok:
            ways[:] = [_decode]
        first = []
    usable = list(ways)
    failures = 0
    while True:
        way = usable[0]
        part = part_name(path, content)
        command, stdin = way({part: content})
        steps = [
            *first,
            *([_tar_is_there()] if way is _unpack_tar else []),
            *_folder(folder),
            _forget([part]),
            f"({command}||({_del(part)}&exit {NOT_UNPACKED}))",
            *_named(part, name, content, [part]),
            "exit 0",
        ]
        try:
            answer = runner.run("&".join(steps), stdin=stdin, deadline=max(1.0, end - time.monotonic()))
        except Lost:
            failures += 1
            if failures == ATTEMPTS:
                raise
            continue
        if answer.ok:
            return
        if answer.exit_code == NO_TAR:
            ways[:] = [_decode]
        if answer.exit_code in (NO_TAR, NOT_UNPACKED, WRONG_DIGEST) and len(usable) > 1:
            usable.pop(0)
            continue
        stage, cause = WRITE_FAULTS.get(answer.exit_code, ("the host gave a code of its own", "It says what it means"))
        raise FileRefused(
            f"{path} was not written: {stage}",
            where,
            cause,
            f"Look at the host: free space, rights of the account on {folder}, quarantine of the virus scanner",
            exit_code=answer.exit_code,
            stderr=answer.stderr.decode("utf-8", "replace").strip()[-400:],
        )


def _parts(path: str, where: str) -> tuple[str, str]:
    """Folder and name. Raises Unspeakable."""
    folder, _separator, name = path.rpartition("\\")
    if not _DRIVE.match(path) or not name or "/" in path or ":" in path[2:]:
        raise Unspeakable(
            f"{path!r} is no path of a file to write", where, "It must be DRIVE:\\FOLDER\\NAME", "Give the whole path"
        )
    return folder, name


def _tar_is_there() -> str:
    return f"(where /q tar.exe||exit {NO_TAR})"


def _folder(folder: str) -> list[str]:
    return [
        NOT_FROM_HERE,
        f"(if not exist {quoted(folder + chr(92))} mkdir {quoted(folder)})",
        f"(cd /d {quoted(folder + chr(92))}||exit {NO_FOLDER})",
    ]


def _named(part: str, name: str, content: bytes, all_parts: list[str]) -> list[str]:
    """What arrived is compared and gets its name; all parts go when it fails."""
    return [
        f"({same(part, content)}||({_del(*all_parts)}&exit {WRONG_DIGEST}))",
        f"(move /y {part} {quoted(name)}>nul||({_del(*all_parts)}&exit {NOT_RENAMED}))",
    ]


def _del(*parts: str) -> str:
    return f"del /q {' '.join(parts)}"


def read_file(runner: Runner, path: str, *, limit: int, deadline: float, where: str) -> bytes:
    """The bytes of a file. Raises MissingFile, FileRefused when it is larger or not readable."""
    end = time.monotonic() + deadline
    size_of = (
        f"(if not exist {quoted(path)} exit {NOT_THERE})&(for %A in ({quoted(path)}) do"
        f" @if %~zA gtr {limit} (exit {TOO_LARGE}) else if %~zA equ 0 exit {EMPTY})"
    )
    has_tar = runner.batch([Ask("tar", "where /q tar.exe")], deadline=deadline)["tar"].ok
    # Nobody can foretell the name and be there first: the folder may be one that others write into.
    copy = f"{BESIDE}{secrets.token_hex(12)}.tmp"
    text = f"{copy}.b64"
    pack = f"tar --b64encode -cf - {copy}" if has_tar else f"certutil -f -encode {copy} {text}>nul&&type {text}"
    steps = [
        size_of,
        NOT_FROM_HERE,
        f'(cd /d "%TEMP%"||exit {NOT_PACKED})',
        f"(copy /b /y {quoted(path)} {copy}>nul||exit {NOT_PACKED})",
        f"({pack}||(del /q {copy} {text} 2>nul&exit {NOT_PACKED}))",
        f"del /q {copy} {text} 2>nul",
        "exit 0",
    ]
    for number in range(ATTEMPTS):
        try:
            answer = runner.run("&".join(steps), deadline=max(1.0, end - time.monotonic()))
        except Lost:
            if number + 1 == ATTEMPTS:
                raise
            continue
        if not answer.complete and number + 1 < ATTEMPTS:
            continue
        break
    if answer.exit_code == EMPTY:
        return b""
    if answer.exit_code == NOT_THERE:
        raise MissingFile(
            f"{path} is not there", where, "Nothing wrote it, or something removed it", "Look at the host"
        )
    if answer.exit_code == TOO_LARGE:
        raise FileRefused(
            f"{path} is larger than {limit} bytes",
            where,
            "The channel is for small files",
            "Fetch it over SMB, or raise the limit",
        )
    if not answer.ok:
        raise FileRefused(
            f"{path} could not be read",
            where,
            "The account has no right to read it, or another program keeps it to itself",
            "Look at the file's rights, and at who has it open",
            exit_code=answer.exit_code,
            stderr=answer.stderr.decode("utf-8", "replace").strip()[-400:],
        )
    return _unpacked(answer.stdout, path, where, is_tar=has_tar)


def same(path: str, content: bytes) -> str:
    """A command that ends with 0 when the file has this content."""
    digest = hashlib.sha256(content).hexdigest()
    spaced = " ".join(digest[i : i + 2] for i in range(0, 64, 2))
    name = path if re.fullmatch(r"[\w~.-]+", path, re.ASCII) else quoted(path)
    if not content:
        # certutil fails on an empty file
        return f'(for %A in ({name}) do @if not "%~zA"=="0" cmd /c exit 1)'
    return f"certutil -hashfile {name} SHA256|{_SEARCH.format(digest=digest, spaced=spaced)}>nul"


def part_name(path: str, content: bytes) -> str:
    """A name beside for one attempt. The shell of one that broke off may keep its file open until the host ends that shell."""
    seed = hashlib.sha256(path.lower().encode("utf-8", "surrogatepass") + b"\0")
    seed.update(content)
    return f"{BESIDE}{seed.hexdigest()[:10]}-{secrets.token_hex(3)}.tmp"


def _forget(parts: Iterable[str]) -> str:
    """A command that takes away what earlier attempts for the same files left and nobody keeps open."""
    return f"{_del(*(part.rpartition('-')[0] + '-*' for part in parts))} 2>nul"


def _unpack_tar(files: Mapping[str, bytes]) -> tuple[str, bytes]:
    """The command, and the archive for its standard input: each file in blocks of 512 bytes, two empty ones at the end."""
    archive: list[bytes] = []
    for name, content in files.items():
        entry = tarfile.TarInfo(name)
        entry.size, entry.mtime, entry.mode = len(content), int(time.time()), 0o644
        archive += [entry.tobuf(tarfile.USTAR_FORMAT), content, b"\0" * (-len(content) % _BLOCK)]
    archive.append(b"\0" * 2 * _BLOCK)
    return "tar -xf -", _wrapped(archive, 60, b"\n", b"begin-base64 644 -\n", b"====\n")


def _decode(files: Mapping[str, bytes]) -> tuple[str, bytes]:
    ((part, content),) = files.items()
    text = f"{part}.b64"
    if not content:
        return f"(type nul>{part})", b""
    command = f'(findstr /r "^">{text}&&certutil -f -decode {text} {part}>nul&&del /q {text})'
    return command, _wrapped([content], 48, b"\r\n")


Ways = list[Callable[[Mapping[str, bytes]], tuple[str, bytes]]]


def all_ways() -> Ways:
    """How a host may get a file, the better way first; what it turns out not to have is taken out."""
    return [_unpack_tar, _decode]


def _wrapped(pieces: Iterable[bytes], width: int, newline: bytes, head: bytes = b"", tail: bytes = b"") -> bytes:
    """Lines of base64, made bit by bit: a package may have 64 MiB, and every fork of Ansible holds one of its own."""
    text = io.BytesIO()
    text.write(head)
    rest = b""
    for piece in pieces:
        for start in range(0, len(piece), _CHUNK):
            data = rest + piece[start : start + _CHUNK]
            whole = len(data) - len(data) % width
            text.write(b"".join(base64.b64encode(data[i : i + width]) + newline for i in range(0, whole, width)))
            rest = data[whole:]
    text.write((base64.b64encode(rest) + newline if rest else b"") + tail)
    return text.getvalue()


def _unpacked(output: bytes, path: str, where: str, *, is_tar: bool) -> bytes:
    found = _BODY.search(output)
    try:
        content = base64.b64decode(b"".join((found[1] if found else b"-").split()), validate=True)
        if not is_tar:
            return content
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            stream = tar.extractfile(tar.getmembers()[0])
            return t.cast(t.IO[bytes], stream).read()
    except (binascii.Error, tarfile.TarError, IndexError, AttributeError) as error:
        raise FileRefused(
            f"{path} arrived garbled", where, f"What the host sent is no base64 of a file: {error}", "Run it again"
        ) from error
