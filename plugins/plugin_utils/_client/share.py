# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

r"""A package that lies on a share: the host copies it itself, as SYSTEM, before anything is done with it.

A WinRM session proves who it is to one host only (the "second hop" of NTLM, and of Kerberos without delegation): a second server
sees nobody. What runs as SYSTEM is the host's own account there, so the share must let the domain's computers read. The copy goes
into the protected folder and is hashed there; an installer that ran from the share could be exchanged after any check.

The batch file keeps the journal that jobs know (script.py), so that a copy that is under way is waited for and never begun twice.
certutil only names the reason where copying failed: its exit code is the HRESULT of what Windows met, in no language.
"""

from __future__ import annotations

import re
import time
import typing as t

from .._winrm import quoting
from .._winrm.runner import Runner
from . import jobs
from .command_lines import CommandLine, for_batch, quoted
from .errors import DeliveryError, InstallerError, OptionError

_SHARE = re.compile(r'\\\\[^\\/?.:*"<>|][^\\/?:*"<>|]*\\[^\\/?:*"<>|]+(\\[^\\/?:*"<>|]+)+\Z')
_SCRIPT = r"""@echo off
setlocal EnableExtensions DisableDelayedExpansion
chcp 65001 >nul
cd /d "%~dp0" || exit /b 96
if exist result.txt exit /b 0
rd hold 2>nul
md hold 2>nul || exit /b 98
cd hold 2>nul || exit /b 98
if exist ..\started.txt exit /b 97
>..\started.txt echo started
set opc_code=0
copy /b /y {source} {target} >nul 2>&1 <nul
if errorlevel 1 goto failed
if exist {target} goto done
:failed
set opc_code=1
if exist {target} del /f /q {target} >nul 2>&1
certutil -hashfile {source} SHA256 >nul 2>&1 <nul
if errorlevel 1 set opc_code=%errorlevel%
if %errorlevel% lss 0 set opc_code=%errorlevel%
:done
cd ..
>result.tmp echo end=copy
>>result.tmp echo code=%opc_code%
ren result.tmp result.txt
exit /b 0
"""
# HRESULT_FROM_WIN32: 0x8007 and the number of winerror.h
_WHY = {
    2: ("There is no such file", "Compare share with what lies there"),
    3: ("There is no such folder", "Compare share with what lies there"),
    5: (
        "The server lets the host in, but not to this file",
        "Allow the group Domain Computers (of the host's domain) to read, on the share and in the file system",
    ),
    51: ("The server does not answer", "Check that it runs and that port 445 is open from the host"),
    53: ("The host does not find the server, or it does not answer", "Check the name, and port 445 from the host"),
    67: ("The server has no such share", "Compare share with the server's shares"),
    121: ("The server does not answer in time", "Check the network between the host and the server"),
    1231: ("The host does not reach the server's network", "Check the network between the host and the server"),
    1326: (
        "The server does not know the host's account",
        "The host must be a member of a domain that the server trusts; repair its membership if it is",
    ),
    1385: (
        "The server does not let the host's account in over the network",
        "Allow Domain Computers to access it from the network (user rights of the server)",
    ),
}


def check(share: str) -> None:
    r"""OptionError unless it is \\SERVER\SHARE\…\FILE."""
    if _SHARE.match(share) and not re.search(r"[\x00-\x1f]|\\\.{1,2}(\\|\Z)", share):
        return
    raise OptionError(
        "share is no file on a share",
        repr(share),
        r"It must be \\SERVER\SHARE\FOLDER\FILE",
        "Give the whole path, as the host would open it",
    )


def job_of(path: str, identity: str, deadline: float) -> jobs.Job:
    """The job that copies to ``path``, which lies in a folder of ours."""
    root = path.partition("\\onprem.chat\\")[0]
    name = f"{identity}-copy"
    line = CommandLine("exe", "", "")
    return jobs.Job(name, f"{root}\\onprem.chat\\jobs\\{name}", line, deadline=int(deadline))


def batch_file(share: str, path: str) -> bytes:
    """What SYSTEM runs."""
    text = _SCRIPT.format(source=for_batch(quoted(share)), target=for_batch(quoted(path)))
    return text.replace("\n", "\r\n").encode("utf-8")


def copy(
    runner: Runner,
    share: str,
    path: str,
    identity: str,
    deadline: float,
    sleep: t.Callable[[float], None] = time.sleep,
) -> None:
    """Let the host copy the file to ``path``. DeliveryError when it does not; whether it is the package is not looked at."""
    check(share)
    job = job_of(path, identity, deadline)
    result, failed = None, None
    try:
        result = jobs.run_script(runner, job, batch_file(share, path), sleep)
    except InstallerError as error:
        failed = error
    finally:
        if failed:
            runner.run(f"schtasks /end /tn {quoting.argument(job.task)} >nul 2>&1")
        jobs.clean(runner, job, jobs.SYSTEM)
    if failed:
        what = f"The host could not copy the package from the share: {failed.what[0].lower()}{failed.what[1:]}"
        raise DeliveryError(what, share, failed.cause, failed.remedy)
    # One without a code had no room for it.
    code = None if result is None else 1 if result.code is None else result.code
    if code == 0:
        return
    raise DeliveryError(
        f"The host could not copy the package from the share ({_number(code)})", share, *_why(code), exit_code=code
    )


def _number(code: int | None) -> str:
    return "it was interrupted" if code is None else f"0x{code:08X}" if code > 0xFFFF else f"exit code {code}"


def _why(code: int | None) -> tuple[str, str]:
    if code is None:
        return "The host was restarted meanwhile, or the task was ended", "Run again"
    if code == 1:
        return (
            "The host can read it there, but could not write it: the disk is full, or a virus scanner took it away",
            "Look at the disk of the host and at its virus scanner",
        )
    known = _WHY.get(code & 0xFFFF) if code >> 16 == 0x8007 else None
    return known or (
        "Windows has a reason that is not known here",
        "Look the number up (net helpmsg for the last four digits as a decimal number), or choose another delivery",
    )
