# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Bringing the package onto the host: pulled by its curl.exe, copied from a share, pushed over SMB, or through WinRM.

Whatever the way, the package lies in a folder below Program Files, where ordinary users may read but not write (a folder
that they could write would let them exchange what an administrator is about to run), and its SHA-256 is calculated on the
host before anything is started.
"""

from __future__ import annotations

import dataclasses
import pathlib
import re
import typing as t

from .._winrm import quoting
from .._winrm.errors import ChannelError
from .._winrm.runner import Answer, Ask, Runner
from . import share as shares
from . import smb
from .errors import DeliveryError, OptionError, RefusedError
from .wanted import Wanted

AUTO, PULL, SHARE, SMB, CHANNEL = "auto", "pull", "share", "smb", "channel"
CHANNEL_LIMIT = 64 * 1024 * 1024
_SMALL = 512 * 1024
_NAME = re.compile(r"[\w .()+=~@-]{1,100}\Z")
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")

# curl.1, "EXIT CODES"
_CURL = {
    6: ("The host does not find the server's name", "Check the name in url and the host's DNS"),
    7: ("The server does not answer on this port", "Check that the server runs and that no firewall is between"),
    18: (
        "The server's answer ended too early, again and again",
        "Look at the server's log, and at what is between it and the host",
    ),
    22: ("The server refused it (an HTTP status of 400 or above)", "Open url in a browser on the host"),
    23: (
        "The file could not be written: the disk is full, or a program keeps it",
        "Free space; look at the virus scanner",
    ),
    28: ("It took too long", "Give a greater deadline, or a server nearer to the host"),
    35: ("No TLS connection came about", "Check the server's TLS settings; old Windows knows only old versions"),
    60: ("The host does not trust the server's certificate", "Distribute the company's root certificate to the host"),
    77: ("The file with trusted certificates cannot be read", "Mend the host's curl configuration"),
}
_RANGE = 33
# Ended in the middle: less than was promised, reset, silence. curl --retry does not go on after the first of them.
_BROKEN = (18, 28, 52, 55, 56)
_ATTEMPTS = 4
# Exit code of our own line: something lies at the package's place, whole or not.
_PARTIAL = 4211


class DiskFull(DeliveryError):
    """No way of delivery helps here."""


class OtherContent(DeliveryError):
    """What arrived is not the package."""


@dataclasses.dataclass(frozen=True)
class Source:
    """How the package may travel. ``url``, ``share``: where the host may get it. ``host``, ``user``, ``password``: for SMB."""

    way: str = AUTO
    url: str = ""
    share: str = ""
    host: str = ""
    user: str = ""
    password: str = dataclasses.field(default="", repr=False)
    free_space: int = 0


def file_name(path: str) -> str:
    """The package's name on the host; its own, unless cmd.exe or a list of processes would misread it."""
    name = pathlib.PurePath(path).name
    return name if _NAME.match(name) and name.isascii() else f"package{pathlib.PurePath(path).suffix.lower()}"


def questions(folder: str, path: str) -> list[Ask]:
    """Whether the package is there already, and how much space is left."""
    drive = quoting.path(folder[:3])
    return [
        Ask("delivery.hash", f"certutil -hashfile {quoting.path(path)} SHA256"),
        Ask("delivery.space", f"dir /-c /ad {drive}"),
    ]


def digest(answer: Answer) -> str:
    """The SHA-256 that certutil printed, or an empty text. Old versions print spaces between the bytes."""
    for line in answer.text.splitlines() if answer.ok else ():
        candidate = line.replace(" ", "").strip().lower()
        if _DIGEST.match(candidate):
            return candidate
    return ""


def free_bytes(answer: Answer) -> int | None:
    """The last number of what dir prints; the words around it are localised. None when there is none."""
    lines = [line for line in answer.text.splitlines() if line.strip()] if answer.ok else []
    numbers = re.findall(r"\d[\d.,\u00a0\u202f']*", lines[-1]) if lines else []
    return int(re.sub(r"\D", "", numbers[-1])) if numbers else None


def check_space(free: int | None, wanted: Wanted, required: int, where: str) -> None:
    """RefusedError when the space (bytes) is less than required; without a demand: three times the package and 100 MiB."""
    needed = required or 3 * wanted.size + 100 * 1024 * 1024
    if free is not None and free < needed:
        raise RefusedError(
            f"Too little space on the host: {free // 2**20} MiB are free, {needed // 2**20} MiB are needed",
            where,
            "The disk is nearly full",
            "Free space there, or set free_space when the client needs less",
            free=free,
            needed=needed,
        )


def ways(source: Source, wanted: Wanted) -> list[str]:
    """The ways to try, in this order."""
    if source.way != AUTO:
        if source.way == PULL and not source.url:
            raise OptionError("delivery=pull needs url", "url", "It was not given", "Give the address of the package")
        if source.way == SHARE and not source.share:
            raise OptionError("delivery=share needs share", "share", "It was not given", "Give the path on the share")
        return [source.way]
    chosen = [PULL] if source.url else []
    if source.share:
        chosen.append(SHARE)
    if wanted.size > _SMALL and smb.available() and source.user and source.password:
        chosen.append(SMB)
    if wanted.size <= CHANNEL_LIMIT:
        chosen.append(CHANNEL)
    return chosen or [SMB]


def deliver(
    runner: Runner,
    source: Source,
    wanted: Wanted,
    path: str,
    deadline: float,
    tell: t.Callable[[str], None] = lambda text: None,
) -> str:
    """Bring the package to ``path`` and check it there. Gives the way that worked; DeliveryError when none did.

    ``tell`` is told why ways failed that were tried before the one that worked.
    """
    problems: list[tuple[str, DeliveryError]] = []
    folder = path.rsplit("\\", 1)[0]
    partial = _prepared(runner, folder, path)
    for way in ways(source, wanted):
        try:
            _bring(runner, way, source, wanted, path, deadline, partial)
        except DeliveryError as problem:
            problems.append((way, problem))
            _room_left(runner, way, wanted, path, problem)
            partial = True
            continue
        for other, problem in problems:
            tell(f"The package came by delivery={way}, because delivery={other} failed: {problem}")
        return way
    last = problems[-1][1]
    if len(problems) > 1:
        last.details["other_ways"] = [f"{way}: {problem}" for way, problem in problems[:-1]]
    raise last


def _bring(runner: Runner, way: str, source: Source, wanted: Wanted, path: str, deadline: float, partial: bool) -> None:
    """By one way, and checked. What was continued and is not the package is fetched once more, from its beginning."""
    for again in (True, False):
        continued = False
        if way == PULL:
            continued = _pull(runner, source.url, path, deadline) or partial
        elif way == SHARE:
            shares.copy(runner, source.share, path, wanted.identity, deadline)
        elif way == SMB:
            continued = smb.push(source.host, source.user, source.password, wanted.path, path)
        else:
            _write(runner, wanted, path, deadline)
        try:
            verify(runner, wanted, path, way)
            return
        except OtherContent:
            if not (again and continued):
                raise


def _prepared(runner: Runner, folder: str, path: str) -> bool:
    """Make the folder. Whether something of the package is there already."""
    there = f"if exist {quoting.path(path)} exit {_PARTIAL}"
    answer = runner.run(f"(if not exist {quoting.path(folder)} md {quoting.path(folder)}) && ({there})")
    if answer.exit_code == _PARTIAL:
        return True
    if not answer.ok:
        raise DeliveryError(
            f"The folder for the package cannot be made (exit code {answer.exit_code})",
            folder,
            "The account is no administrator of the host, or the disk is full",
            "Check the account and the disk",
        )
    return False


def _room_left(runner: Runner, way: str, wanted: Wanted, path: str, problem: DeliveryError) -> None:
    """DiskFull when that is why a way failed: then no other one can do better."""
    folder = path.rsplit("\\", 1)[0]
    answers = runner.batch(
        [
            Ask("delivery.space", f"dir /-c /ad {quoting.path(folder)}"),
            Ask("delivery.part", f"for %A in ({quoting.path(path)}) do @echo %~zA"),
        ]
    )
    free = free_bytes(answers["delivery.space"])
    part = answers["delivery.part"].text.strip()
    have = int(part) if part.isdecimal() else 0
    if free is None or free + have >= wanted.size:
        return
    raise DiskFull(
        f"The disk of the host is full: the package has {wanted.size} bytes, {free} are left for the {wanted.size - have} that "
        "are missing",
        f"{path}, by {way}",
        "Something else took the space, or free_space demands less than the package needs",
        "Free space there. What had arrived of the package was taken away again",
        free=free,
        needed=wanted.size,
        failed=str(problem),
    ) from problem


def verify(runner: Runner, wanted: Wanted, path: str, way: str) -> None:
    """DeliveryError, and the file taken away, when what arrived is not the package."""
    answer = runner.run(f"certutil -hashfile {quoting.path(path)} SHA256", deadline=600.0)
    arrived = digest(answer)
    if arrived == wanted.sha256:
        return
    runner.run(f"del /f /q {quoting.path(path)}")
    if not arrived:
        raise DeliveryError(
            "The package did not arrive on the host",
            f"{path}, by {way}",
            f"certutil cannot read it (exit code {answer.exit_code})",
            "Look at the virus scanner of the host",
            sha256=arrived,
        )
    option = {PULL: "url", SHARE: "share"}.get(way)
    raise OtherContent(
        "What arrived on the host is not the package",
        f"{path}, by {way}",
        f"Its SHA-256 is {arrived}, not {wanted.sha256}: "
        + (
            f"{option} has another file than package, or it was changed on the way"
            if option
            else "package was exchanged on the controller meanwhile, or it was changed on the way"
        ),
        f"Compare what {option} gives with package" if option else "Run again when nobody writes to package",
        sha256=arrived,
    )


def _write(runner: Runner, wanted: Wanted, path: str, deadline: float) -> None:
    if wanted.size > CHANNEL_LIMIT:
        raise DeliveryError(
            f"A package of {wanted.size // 2**20} MiB is too large for the WinRM channel",
            wanted.path,
            f"delivery=channel takes {CHANNEL_LIMIT // 2**20} MiB at most: WinRM is slow",
            "Give url, or set delivery to smb",
        )
    try:
        runner.write_file(path, pathlib.Path(wanted.path).read_bytes(), deadline=deadline)
    except ChannelError as error:
        raise DeliveryError(error.what, error.where, error.cause, error.remedy) from error


def write(runner: Runner, local: str, path: str) -> None:
    """A small file beside the package (a transform). DeliveryError when it cannot be read or written."""
    try:
        runner.write_file(path, pathlib.Path(local).read_bytes())
    except OSError as problem:
        raise DeliveryError(
            "A file of the controller cannot be read", local, problem.strerror or str(problem), "Check the path"
        ) from problem
    except ChannelError as error:
        raise DeliveryError(error.what, error.where, error.cause, error.remedy) from error


def _pull(runner: Runner, url: str, path: str, deadline: float) -> bool:
    """Whether it was broken off in the middle and continued."""
    broken = 0
    answer = _curl(runner, url, path, deadline, resume=True)
    while answer.exit_code in _BROKEN and broken < _ATTEMPTS:
        broken += 1
        answer = _curl(runner, url, path, deadline, resume=True)
    if answer.exit_code == _RANGE or (answer.exit_code == 22 and b"416" in answer.stderr):
        # A server that cannot resume, or a file that is complete or longer than it should be: from the beginning.
        runner.run(f"del /f /q {quoting.path(path)}")
        answer = _curl(runner, url, path, deadline, resume=False)
    if answer.ok:
        return broken > 0
    cause, remedy = _CURL.get(
        answer.exit_code,
        (
            "curl.exe is missing (Windows before 10 1803) or failed"
            if answer.exit_code in (1, 9009)
            else "curl.exe failed",
            "Set delivery to smb or channel",
        ),
    )
    said = answer.stderr.decode("utf-8", errors="replace").strip()[-500:]
    raise DeliveryError(
        f"The host could not pull the package (curl exit code {answer.exit_code})",
        _without_secrets(url),
        cause,
        remedy,
        output=_hidden(said, url),
    )


def _curl(runner: Runner, url: str, path: str, deadline: float, *, resume: bool) -> Answer:
    flags = ["fail", "silent", "show-error", "location"]
    values = {
        "retry": "4",
        "retry-delay": "2",
        "max-time": str(int(deadline)),
        **({"continue-at": "-"} if resume else {}),
    }
    if url == _without_secrets(url):
        words = [*(f"--{name}" for name in flags), *(f"--{name} {value}" for name, value in values.items())]
        command = f"curl.exe {' '.join(words)} --output {quoting.path(path)} {quoting.argument(url)}"
        return runner.run(command, deadline=deadline + 30.0)
    # A user or a query may be a token, and command lines can be listed: then the address comes by standard input.
    lines = [*flags, *(f"{name} = {value}" for name, value in values.items())]
    lines += [f"output = {_in_config(path)}", f"url = {_in_config(url)}"]
    config = "".join(f"{line}\n" for line in lines).encode("utf-8")
    return runner.run("curl.exe --config -", stdin=config, deadline=deadline + 30.0)


def _in_config(text: str) -> str:
    if any(sign in text for sign in "\r\n\0"):
        raise OptionError("url holds a line break", "url", "curl would read it as two lines", "Correct url")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _without_secrets(url: str) -> str:
    """The address without what may be a token: no user, no query."""
    return re.sub(r"//[^/@]*@", "//", url).partition("?")[0]


def _hidden(text: str, url: str) -> str:
    return text.replace(url, _without_secrets(url))
