# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

r"""The batch file that every user runs in his own session, and what it leaves to read.

It is started at his logon by a task of the group Users, or once by a task of his own, then with a word that names the run.
It lies below Program Files with everything else of one wish, where users read and do not write:

    user.cmd            this file: is the client there already, in his own registry? If not, runs the next one
    install.cmd         script.job for the installer; again.cmd the same for a product that he has in another version
    away-SID-N.cmd      script.job for the uninstallers of one user, who is the only one to run them
    tidy-SID-N.cmd      what an uninstaller leaves behind
    repair.txt          the word of a repair: who has another one runs the installer although the client is there

What it writes lies in his profile (%LOCALAPPDATA%\onprem.chat\IDENTITY, gone afterwards, but for the log of an MSI that
failed) and in HKCU\Software\onprem.chat\Clients\IDENTITY: Wish, Version, ExitCode, End, Tries, Time (as his desktop
writes it), Repair.COMPUTER, Log; and in its subkey Runs which run began and which is done.

Two at once (a logon while the other task runs) wait for each other by the lock of script.job. No word of a tool's output is
read: the name of a type (REG_SZ) and a SID are in no language.
"""

from __future__ import annotations

from .._packages import guid
from .._winrm import quoting
from . import users_weigh
from .command_lines import for_batch, quoted
from .wanted import MSI, Wanted

KEY = r"Software\onprem.chat\Clients"
UNINSTALL = r"Software\Microsoft\Windows\CurrentVersion\Uninstall"
INSTALLER = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Installer"
NEWER, STUCK, NO_FOLDER = "newer", "stuck", "folder"
NO_REGISTRY = 95
SETTLE = 15
MOST = 4
"""How many installations of one client are removed from one user at a time."""

_GOOD = (0, 1641, 3010)

_HEAD = r"""@echo off
setlocal EnableExtensions DisableDelayedExpansion
chcp 65001 >nul
rem Where a policy forbids the tools of the registry (DisableRegistryTools), nobody could tell what is installed.
reg query HKCU >nul 2>nul || exit /b {no_registry}
set "opc_run=%~1"
set "opc_mine=HKCU\{key}\{identity}"
set "opc_place=%LOCALAPPDATA%\onprem.chat\{identity}"
set opc_end=
set opc_code=
set opc_tries=
set opc_spent=0
if defined opc_run reg delete "%opc_mine%\Runs" /f >nul 2>nul
if defined opc_run reg add "%opc_mine%\Runs" /v "%opc_run%.begun" /d 1 /f >nul
set opc_line=
for /f "delims=" %%a in ('whoami /user /fo csv /nh') do set "opc_line=%%a"
rem Not by S-1-, which a name may hold as well: a quotation mark it may not.
set "opc_sid=%opc_line:*","=%"
set "opc_sid=%opc_sid:"=%"
rem For whoami of Wine, which writes columns whatever it is asked for.
for /f "tokens=2" %%a in ("%opc_sid%") do set "opc_sid=%%a"
rem A profile may roam; every desktop has a repair of its own.
set "opc_repaired=Repair.%COMPUTERNAME%"
set opc_repair=
if exist "%~dp0repair.txt" set /p opc_repair=<"%~dp0repair.txt"
"""

_PRESENT = r"""
:begin
call :look
if defined opc_same if not defined opc_again goto there
if defined opc_same goto ready
if not defined opc_newer goto ready
{downgrade}
:ready
set opc_job=install.cmd
{small_update}
call :run "%~dp0%opc_job%"
if "%opc_state%"=="again" goto begin
call :look
if "%opc_code%"=="0" if not defined opc_same call :settle
goto report

:there
for /f "tokens=2*" %%a in ('reg query "%opc_mine%" /v Wish 2^>nul') do if "%%b"=="{wish}" goto done
set opc_end=there
goto report

:settle
rem An installer may have left its work to a process of its own.
for /l %%n in (1,1,{settle}) do call :later
exit /b 0
:later
if defined opc_same exit /b 0
ping -n 4 127.0.0.1 >nul
call :look
exit /b 0
"""

_DOWNGRADE = r"""for %%n in ({numbers}) do call :away %%n
if "%opc_state%"=="again" goto begin"""

_REFUSED = r"""set opc_end=newer
goto report"""

_ABSENT = r"""
:begin
call :look
if not defined opc_here goto gone
for %%n in ({numbers}) do call :away %%n
if "%opc_state%"=="again" goto begin
call :look
if defined opc_here goto report
:gone
reg delete "%opc_mine%" /f >nul 2>nul
if defined opc_run reg add "%opc_mine%\Runs" /v "%opc_run%.begun" /d 1 /f >nul
if defined opc_run goto report
call :prune
goto clean

:prune
for %%k in ("HKCU\{key}" "HKCU\{above}") do call :empty %%k
exit /b 0
:empty
for /f "delims=" %%a in ('reg query %1 2^>nul') do exit /b 0
reg delete %1 /f >nul 2>nul
exit /b 0
"""

_AWAY = r"""
:away
if not exist "%~dp0away-%opc_sid%-%1.cmd" exit /b 0
call :run "%~dp0away-%opc_sid%-%1.cmd"
if exist "%~dp0tidy-%opc_sid%-%1.cmd" call "%~dp0tidy-%opc_sid%-%1.cmd" >nul 2>nul
exit /b 0
"""

_TAIL = r"""
:run
set opc_state=
if not exist "%opc_place%" md "%opc_place%" 2>nul
rd "%opc_place%\hold" 2>nul
if not exist "%opc_place%\hold" del "%opc_place%\started.txt" "%opc_place%\result.txt" "%opc_place%\code.txt" 2>nul
call %1 >nul 2>nul
set opc_exit=%errorlevel%
if "%opc_exit%"=="0" if exist "%opc_place%\result.txt" goto ran
set opc_end={no_folder}
if "%opc_exit%"=="96" exit /b 0
set opc_end={stuck}
if %opc_spent% geq {patience} exit /b 0
rem Another run of the same user is at work.
ping -n 6 127.0.0.1 >nul
set /a opc_spent+=5
set opc_state=again
exit /b 0
:ran
for /f "usebackq tokens=1,2 delims==" %%a in ("%opc_place%\result.txt") do set "opc_%%a=%%b"
exit /b 0

:report
reg add "%opc_mine%" /v Version /d "{version}" /f >nul
reg add "%opc_mine%" /v ExitCode /d "%opc_code%" /f >nul
reg add "%opc_mine%" /v End /d "%opc_end%" /f >nul
reg add "%opc_mine%" /v Tries /d "%opc_tries%" /f >nul
reg add "%opc_mine%" /v Time /d "%DATE% %TIME%" /f >nul
rem A repair that failed is tried again.
for %%c in ({good}) do if "%opc_code%"=="%%c" reg add "%opc_mine%" /v "%opc_repaired%" /d "%opc_repair%" /f >nul
reg add "%opc_mine%" /v Wish /d "{wish}" /f >nul
reg delete "%opc_mine%" /v Log /f >nul 2>nul
if not exist "%opc_place%\msi.log" goto clean
{kept}
reg add "%opc_mine%" /v Log /d "%opc_place%\msi.log" /f >nul
goto done
:clean
cd /d "%SystemRoot%"
rd "%opc_place%\hold" 2>nul
if not exist "%opc_place%\hold" rd /s /q "%opc_place%" 2>nul
rd "%LOCALAPPDATA%\onprem.chat" 2>nul
:done
if defined opc_run reg add "%opc_mine%\Runs" /v "%opc_run%.done" /d 1 /f >nul
exit /b 0

:look
set opc_here=
set opc_same=
set opc_newer=
set opc_again=
if defined opc_repair set opc_again=1
for /f "tokens=2*" %%a in ('reg query "%opc_mine%" /v "%opc_repaired%" 2^>nul') do if "%%b"=="%opc_repair%" set opc_again=
{look}
exit /b 0

:weigh
set opc_here=1
{weigh}
exit /b 0
"""

_LOOK_EXE = r"""for %%v in (64 32) do call :view %%v
exit /b 0
:view
reg query {key} /reg:%1 >nul 2>nul || exit /b 0
set opc_here=1
set opc_version=
for /f "tokens=2*" %%a in ('reg query {key} /v DisplayVersion /reg:%1 2^>nul') do if "%%a"=="REG_SZ" set "opc_version=%%b"
call :weigh"""

_LOOK_MSI = r"""{family}{product}exit /b 0
:product
set opc_version=
for /f "tokens=2*" %%a in ('reg query "{products}\%1\InstallProperties" /v DisplayVersion /reg:64 2^>nul') do if "%%a"=="REG_SZ" set "opc_version=%%b"
if defined opc_version call :weigh"""


def user(wanted: Wanted, wish: str, patience: int) -> bytes:
    """The batch file for one wish (its name, ``wish``, is known by what it says). ``patience`` in seconds: for another run."""
    absent = wanted.state == "absent"
    numbers = " ".join(str(number) for number in range(MOST))
    common = {"identity": wanted.users_identity, "wish": wish, "key": KEY, "numbers": numbers}
    parts = [_HEAD.format(**common, no_registry=NO_REGISTRY)]
    if absent:
        parts += [_ABSENT.format(**common, above=KEY.rpartition("\\")[0]), _AWAY]
    else:
        downgrade = (_DOWNGRADE if wanted.allow_downgrade else _REFUSED).format(**common)
        parts.append(
            _PRESENT.format(**common, downgrade=downgrade, small_update=_small_update(wanted), settle=_settle(wanted))
        )
        parts += [_AWAY] if wanted.allow_downgrade else []
    parts.append(
        _TAIL.format(
            **common,
            no_folder=NO_FOLDER,
            stuck=STUCK,
            patience=int(patience),
            good=" ".join(_as_cmd_says(code) for code in sorted({*_GOOD, *wanted.success_codes})),
            version=for_batch(quoted(wanted.version))[1:-1],
            kept="if not defined opc_here goto clean" if absent else "if defined opc_same goto clean",
            look=_look_msi(wanted) if wanted.kind == MSI else _LOOK_EXE.format(key=_uninstall_key(wanted)),
            weigh=users_weigh.weigh(wanted),
        )
    )
    return "".join(parts).replace("\n", "\r\n").encode("utf-8")


def _as_cmd_says(code: int) -> str:
    """An exit code as %errorlevel% has it: signed, 32 bit."""
    return str(code - 0x100000000 if code >= 0x80000000 else code)


def place(wanted: Wanted) -> str:
    """Where script.job keeps what it writes, as a batch file says it."""
    return rf"%LOCALAPPDATA%\onprem.chat\{wanted.users_identity}"


def tidy(program: str) -> bytes:
    """What an NSIS uninstaller that was kept from copying itself leaves: itself, and its folder."""
    folder = program.rpartition("\\")[0]
    lines = ["@echo off", f"del /f /q {for_batch(quoted(program))}", f"rd {for_batch(quoted(folder))}", "exit /b 0", ""]
    return "\r\n".join(lines).encode("utf-8")


def _settle(wanted: Wanted) -> int:
    return 0 if wanted.kind == MSI else SETTLE


def _small_update(wanted: Wanted) -> str:
    """The same product in another version, or again: Windows Installer wants to be told (1638)."""
    if wanted.kind != MSI:
        return ""
    key = rf"{INSTALLER}\UserData\%opc_sid%\Products\{guid.packed(wanted.product_code)}"
    return f'reg query "{key}" /reg:64 >nul 2>nul && set opc_job=again.cmd'


def _uninstall_key(wanted: Wanted) -> str:
    # Read by cmd.exe from a line, within the batch file's own: percent signs twice, the rest as in any line.
    return quoting.argument(rf"HKCU\{UNINSTALL}\{wanted.uninstall_key}").replace("%", "%%")


def _look_msi(wanted: Wanted) -> str:
    family = product = ""
    if wanted.upgrade_code:
        key = rf"{INSTALLER}\UpgradeCodes\{guid.packed(wanted.upgrade_code)}"
        family = f'for /f "tokens=1" %%p in (\'reg query "{key}" /reg:64 2^>nul\') do call :product %%p\n'
    if wanted.product_code:
        product = f"call :product {guid.packed(wanted.product_code)}\n"
    return _LOOK_MSI.format(family=family, product=product, products=rf"{INSTALLER}\UserData\%opc_sid%\Products")
