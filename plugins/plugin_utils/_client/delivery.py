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
import hashlib
import pathlib
import re
import typing as t

from .._winrm import quoting
from .._winrm.errors import ChannelError
from .._winrm.runner import Answer, Ask, Runner
from . import pull, smb
from . import share as shares
from .errors import DeliveryError, OptionError, RefusedError
from .wanted import Wanted

AUTO, PULL, SHARE, SMB, CHANNEL = "auto", "pull", "share", "smb", "channel"
PRESENT = "present"
CHANNEL_LIMIT = 64 * 1024 * 1024
_SMALL = 512 * 1024
_NAME = re.compile(r"[\w .()+=~@-]{1,100}\Z")
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")


class DiskFull(DeliveryError):
    """No way of delivery helps here."""


class OtherContent(DeliveryError):
    """What arrived is not the package."""


@dataclasses.dataclass(frozen=True)
class Source:
    """How the package may travel. ``url``, ``share``: where the host may get it. ``host``, ``user``, ``password``: for SMB.

    ``ticket``: the connection logs in by Kerberos, and SMB may do so by the same ticket.
    """

    way: str = AUTO
    url: str = ""
    share: str = ""
    host: str = ""
    user: str = ""
    password: str = dataclasses.field(default="", repr=False)
    ticket: bool = False
    free_space: int = 0


def file_name(path: str) -> str:
    """The package's name on the host; its own, unless cmd.exe or a list of processes would misread it."""
    name = pathlib.PurePath(path).name
    return name if _NAME.match(name) and name.isascii() else f"package{pathlib.PurePath(path).suffix.lower()}"


def questions(path: str) -> list[Ask]:
    """Makes the package's folder, and asks whether the package is there already and how much space is left."""
    folder = quoting.path(path.rsplit("\\", 1)[0])
    return [
        Ask("delivery.folder", f"if not exist {folder} md {folder}"),
        Ask("delivery.hash", f"certutil -hashfile {quoting.path(path)} SHA256"),
        Ask("delivery.space", f"dir /-c /ad {quoting.path(path[:3])}"),
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
    if wanted.size > _SMALL and smb.available() and source.user and (source.password or source.ticket):
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
    """Bring the package to ``path`` and check it there. Gives the way that worked, or "present"; DeliveryError when none did.

    RefusedError for too little space. ``tell`` is told why ways failed that were tried before the one that worked.
    """
    answers = runner.batch(questions(path), deadline=600.0)
    there = digest(answers["delivery.hash"])
    if there == wanted.sha256:
        return PRESENT
    check_space(free_bytes(answers["delivery.space"]), wanted, source.free_space, path[:3])
    _check_folder(answers["delivery.folder"], path)
    # Something of the package, or of another one.
    partial = bool(there)
    problems: list[tuple[str, DeliveryError]] = []
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
    if way == CHANNEL:
        # Compared on the host before it gets its name.
        _write(runner, wanted, path, deadline)
        return
    for again in (True, False):
        continued = False
        if way == PULL:
            continued = pull.pull(runner, source.url, path, deadline) or partial
        elif way == SHARE:
            shares.copy(runner, source.share, path, wanted.identity, deadline)
        else:
            continued = smb.push(source.host, source.user, source.password, wanted.path, path)
        try:
            verify(runner, wanted, path, way)
            return
        except OtherContent:
            if not (again and continued):
                raise


def _check_folder(answer: Answer, path: str) -> None:
    if not answer.ok:
        raise DeliveryError(
            f"The folder for the package cannot be made (exit code {answer.exit_code})",
            path.rsplit("\\", 1)[0],
            "The account is no administrator of the host, or the disk is full",
            "Check the account and the disk",
        )


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
    content = pathlib.Path(wanted.path).read_bytes()
    if hashlib.sha256(content).hexdigest() != wanted.sha256:
        raise OtherContent(
            "The package is not the one that was looked at",
            wanted.path,
            "It was exchanged or written to meanwhile",
            "Run again when nobody writes to package",
        )
    try:
        runner.write_file(path, content, deadline=deadline)
    except ChannelError as error:
        raise DeliveryError(error.what, error.where, error.cause, error.remedy) from error


def write(runner: Runner, files: t.Mapping[str, str]) -> None:
    """Small files beside the package (transforms): path on the host -> on the controller. DeliveryError when one fails."""
    try:
        contents = {path: pathlib.Path(local).read_bytes() for path, local in files.items()}
    except OSError as problem:
        raise DeliveryError(
            "A file of the controller cannot be read",
            str(problem.filename),
            problem.strerror or str(problem),
            "Check the path",
        ) from problem
    try:
        runner.write_files(contents)
    except ChannelError as error:
        raise DeliveryError(error.what, error.where, error.cause, error.remedy) from error
