# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

r"""The batch file that runs an installer on the host, once, and what it leaves to read.

Why a file: a WinRM session may end at any moment, and must neither take the result with it nor lead to a second
installation. The file belongs to one step in a folder of its own:

    job.cmd       this file
    hold\         the current folder of the job, and of what waits for the installer: Windows keeps a handle to it open, so
                  that nobody can remove it before they have ended, whatever ended them. That is the lock
    started.txt   the journal: exists from just before the first start of the installer; a job is never started twice
    code.txt      the exit code of the installer, 32 bit as %errorlevel% has it (signed)
    result.txt    written at the end, at once (renamed): name=value lines
    msi.log       the log of Windows Installer

The installer itself runs in the folder for temporary files: what it starts and leaves running (the client, an updater) keeps
no lock, and nothing of ours in use.
(The usual lock of batch files, an output file held open, is none in Wine: its cmd.exe shares such files for writing.)

The installer runs beside the file, which waits for code.txt by counting seconds: cmd.exe has no other way to give up on a
process. Processes are ended by their number: those with the installer's image name that were not there before, each
with its children. Only exit codes and files decide; no word of a tool's output is read. 1618 (another installation is
running) is waited for here, so that it costs no round trips.
"""

from __future__ import annotations

import dataclasses
import re

from .command_lines import CommandLine, for_batch, quoted
from .errors import OptionError

BUSY_PAUSE = 10
STARTED_BEFORE, LOCKED = 97, 98
_NO_IMAGE = re.compile(r'[\x00-\x1f\x7f"\\/:*?<>|]')
# The shell that runs the job, its console, and what starts it over WinRM and as a task.
_OURS = ("cmd.exe", "conhost.exe", "winrshost.exe", "wsmprovhost.exe", "svchost.exe", "taskkill.exe")

_TEMPLATE = r"""@echo off
setlocal EnableExtensions DisableDelayedExpansion
chcp 65001 >nul
if "%~1"=="installer" goto installer
if "%~1"=="command" goto command
cd /d {place} || exit /b 96
if exist result.txt goto report
rd hold 2>nul
md hold 2>nul || exit /b {locked}
cd hold 2>nul || exit /b {locked}
{temp}
if exist ..\started.txt exit /b {started_before}
>..\started.txt echo started
set /a opc_busy=0
set /a opc_tries=0
set opc_end=installer
{close}
:again
set /a opc_tries+=1
set /a opc_spent=0
set opc_code=
if exist ..\code.txt del ..\code.txt
for /f "tokens=1,2 delims=," %%a in ('tasklist /fo csv /nh') do set "opc_old_%%~b=1"
start "" /b cmd /d /c {again} installer >..\output.txt 2>&1 <nul
:wait
if exist ..\code.txt goto ended
if %opc_spent% geq {deadline} goto deadline
ping -n 2 127.0.0.1 >nul
set /a opc_spent+=1
goto wait

:deadline
set opc_end=deadline
for /f "tokens=1,2 delims=," %%a in ('tasklist /fo csv /nh') do if /i %%a=={image} if not defined opc_old_%%~b taskkill /f /t /pid %%~b >nul
set /a opc_spent=0
:settle
if exist ..\code.txt goto ended
if %opc_spent% geq 15 goto done
ping -n 2 127.0.0.1 >nul
set /a opc_spent+=1
goto settle

:ended
set /p opc_code=<..\code.txt
if not "%opc_code%"=="1618" goto done
if "%opc_end%"=="deadline" goto done
if %opc_busy% geq {retry_busy} goto done
ping -n {pause} 127.0.0.1 >nul
set /a opc_busy+={step}
goto again

:done
cd ..
>result.tmp echo end=%opc_end%
>>result.tmp echo code=%opc_code%
>>result.tmp echo tries=%opc_tries%
ren result.tmp result.txt
:report
type result.txt
exit /b 0

:installer
cmd /d /c {again} command
>..\code.tmp echo %errorlevel%
ren ..\code.tmp code.txt
exit

:command
cd /d "%TEMP%" 2>nul || cd ..
{command}
exit %errorlevel%
"""
_TEMP = r"""if not exist "%TEMP%" md "%TEMP%" 2>nul"""
# Users may make files in Windows' own Temp, and installers load what lies where they unpack. SystemTemp is closed to them
# (learn.microsoft.com, GetTempPath2W); an older Windows has none.
_TEMP_OF_SYSTEM = r"""set "opc_temp=%SystemRoot%\SystemTemp"
if not exist "%opc_temp%\" set "opc_temp=%~dp0temp"
if not exist "%opc_temp%\" md "%opc_temp%" 2>nul
for %%t in ("%opc_temp%") do set "TEMP=%%~st"
set "TMP=%TEMP%"
"""


@dataclasses.dataclass(frozen=True)
class Result:
    """What a job left: the exit code (unsigned; None when the installer gave none), who ended it, how often it was tried."""

    code: int | None
    end: str = "installer"
    tries: int = 1

    @property
    def by_deadline(self) -> bool:
        return self.end == "deadline"


def job(
    line: CommandLine,
    *,
    deadline: int,
    retry_busy: int = 0,
    close: tuple[str, ...] = (),
    force: bool = False,
    place: str = "",
    system: bool = False,
) -> bytes:
    """The batch file for one command line. ``deadline`` and ``retry_busy`` are seconds; ``close``: image names to ask to end.

    ``place`` is where it keeps what it writes, as a batch file says it (%NAMES% are replaced); by default where it lies.
    ``system``: it runs as SYSTEM, with a folder for temporary files that users cannot write.
    """
    pause = max(1, min(BUSY_PAUSE, retry_busy))
    # A path as the registry has it is a path, whatever stands in it.
    program = for_batch(quoted(line.program), variables=line.program.startswith("%"))
    text = _TEMPLATE.format(
        place=quoted(place or "%~dp0"),
        again='call "%~f0"' if place else "..\\job.cmd",
        locked=LOCKED,
        started_before=STARTED_BEFORE,
        temp=(_TEMP_OF_SYSTEM if system else _TEMP).rstrip("\n"),
        close="".join(_closing(image, force) for image in close).rstrip("\n"),
        deadline=int(deadline),
        image=for_batch(quoted(line.image)),
        retry_busy=int(retry_busy),
        pause=pause + 1,
        step=pause,
        command=f"{program} {for_batch(line.arguments)}".rstrip(),
    )
    return text.replace("\n", "\r\n").encode("utf-8")


def check_image(image: str) -> None:
    """Raises OptionError for what taskkill /im would not take as the name of one program.

    learn.microsoft.com, "taskkill": * stands for any names. A word that begins with / or - may be read as an option, and one of
    digits alone as the number of a process.
    """
    if not image.strip() or image != image.strip() or _NO_IMAGE.search(image) or image.isdecimal() or image[0] == "-":
        raise OptionError(
            f"{image!r} is not the name of one program",
            "close",
            "It is empty, a path, a pattern, a number, begins with a dash, or has blanks at an end or signs that no file name has",
            "Give names as the page Details of the task manager shows them, for instance chat.exe",
        )
    if image.lower() in _OURS:
        raise OptionError(
            f"{image} cannot be closed",
            "close",
            "What installs here runs by it, and would be ended, too",
            "Name the programs of the client alone",
        )


def _closing(image: str, force: bool) -> str:
    check_image(image)
    name = for_batch(quoted(image))
    text = f"taskkill /im {name} >nul 2>&1\n"
    if force:
        # taskkill says 128 when there is none: nothing to wait for then.
        text += f"if not errorlevel 128 ping -n 11 127.0.0.1 >nul\ntaskkill /f /t /im {name} >nul 2>&1\n"
    return text


def understand(text: str) -> Result | None:
    """result.txt, or None when this is not one."""
    values = dict(line.strip().partition("=")[::2] for line in text.splitlines() if "=" in line)
    if "end" not in values:
        return None
    try:
        code = int(values.get("code", "")) & 0xFFFFFFFF
    except ValueError:
        code = None
    tries = values.get("tries", "1")
    return Result(code, values["end"], int(tries) if tries.isdigit() else 1)
