# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Bringing the package onto the host: pulled by its curl.exe, pushed over SMB, or through the WinRM channel.

Whatever the way, the package lies in a folder below Program Files, where ordinary users may read but not write (a folder
that they could write would let them exchange what an administrator is about to run), and its SHA-256 is calculated on the
host before anything is started.
"""

from __future__ import annotations

import dataclasses
import pathlib
import re

from .._winrm import quoting
from .._winrm.errors import ChannelError
from .._winrm.runner import Answer, Ask, Runner
from . import smb
from .errors import DeliveryError, OptionError, RefusedError
from .wanted import Wanted

AUTO, PULL, SMB, CHANNEL = "auto", "pull", "smb", "channel"
CHANNEL_LIMIT = 64 * 1024 * 1024
_SMALL = 512 * 1024
_NAME = re.compile(r"[\w .()+=~@-]{1,100}\Z")
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")

# curl.1, "EXIT CODES"
_CURL = {
    6: ("The host does not find the server's name", "Check the name in url and the host's DNS"),
    7: ("The server does not answer on this port", "Check that the server runs and that no firewall is between"),
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


@dataclasses.dataclass(frozen=True)
class Source:
    """How the package may travel. ``url``: where the host may pull it. ``host``, ``user``, ``password``: for SMB."""

    way: str = AUTO
    url: str = ""
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
        return [source.way]
    chosen = [PULL] if source.url else []
    if wanted.size > _SMALL and smb.available() and source.user and source.password:
        chosen.append(SMB)
    if wanted.size <= CHANNEL_LIMIT:
        chosen.append(CHANNEL)
    return chosen or [SMB]


def deliver(runner: Runner, source: Source, wanted: Wanted, path: str, deadline: float) -> str:
    """Bring the package to ``path`` and check it there. Gives the way that worked; DeliveryError when none did."""
    problems: list[DeliveryError] = []
    folder = path.rsplit("\\", 1)[0]
    _require(runner, f"if not exist {quoting.path(folder)} md {quoting.path(folder)}", folder)
    for way in ways(source, wanted):
        try:
            if way == PULL:
                _pull(runner, source.url, path, deadline)
            elif way == SMB:
                smb.push(source.host, source.user, source.password, wanted.path, path)
            else:
                _write(runner, wanted, path, deadline)
            verify(runner, wanted, path, way)
            return way
        except DeliveryError as problem:
            problems.append(problem)
    if len(problems) > 1:
        problems[-1].details["other_ways"] = [str(problem) for problem in problems[:-1]]
    raise problems[-1]


def verify(runner: Runner, wanted: Wanted, path: str, way: str) -> None:
    """DeliveryError, and the file taken away, when what arrived is not the package."""
    answer = runner.run(f"certutil -hashfile {quoting.path(path)} SHA256", deadline=600.0)
    arrived = digest(answer)
    if arrived == wanted.sha256:
        return
    runner.run(f"del /f /q {quoting.path(path)}")
    raise DeliveryError(
        "What arrived on the host is not the package" if arrived else "The package did not arrive on the host",
        f"{path}, by {way}",
        f"Its SHA-256 is {arrived}, not {wanted.sha256}: url has another file than package, or it was changed on the way"
        if arrived
        else f"certutil cannot read it (exit code {answer.exit_code})",
        "Compare what url gives with package" if arrived else "Look at the virus scanner of the host",
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


def _pull(runner: Runner, url: str, path: str, deadline: float) -> None:
    answer = _curl(runner, url, path, deadline, resume=True)
    if answer.exit_code == _RANGE or (answer.exit_code == 22 and b"416" in answer.stderr):
        # A server that cannot resume, or a file that is complete or longer than it should be: from the beginning.
        runner.run(f"del /f /q {quoting.path(path)}")
        answer = _curl(runner, url, path, deadline, resume=False)
    if answer.ok:
        return
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


def _require(runner: Runner, command: str, where: str) -> None:
    answer = runner.run(command)
    if not answer.ok:
        raise DeliveryError(
            f"The folder for the package cannot be made (exit code {answer.exit_code})",
            where,
            "The account is no administrator of the host, or the disk is full",
            "Check the account and the disk",
        )
