# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The laboratory's Windows desktops are what their README says: Wine's own tools, the stand-ins, packages, C$, reset."""

from __future__ import annotations

import hashlib

import pytest
from lab_desktops import CYRILLIC, ROLLOUT, Desktop

UNINSTALL = r"Software\Microsoft\Windows\CurrentVersion\Uninstall"


@pytest.mark.parametrize("code", [0, 1, 255, 256, 1605, 3010, 4294967295])
def test_exit_codes_keep_their_32_bits(desktop: Desktop, code: int) -> None:
    assert desktop.run(f"exit {code - 2**32 if code >= 2**31 else code}").code == code


def test_a_command_line_is_the_one_that_cmd_gets(desktop: Desktop) -> None:
    line = 'for /f "tokens=1,2" %a in ("one two") do @echo %b-%a & set /p x=& call echo [%x%] "a b" Ж ^&'
    assert desktop.run('echo one& echo "a  b" Жук 🙂 ^& !').stdout == 'one\n"a  b" Жук 🙂 & !\n'
    assert desktop.run(line.split("&", maxsplit=1)[0]).stdout.strip() == "two-one"


@pytest.mark.parametrize(
    ("package", "key", "view"),
    [
        ("corptalk-1.0.0", "{6F8C1D20-5B1A-4C6E-9A00-000000000100}", "64"),
        ("corptalk-32-1.0.0", "{6F8C1D20-5B1A-4C6E-9A00-000000003200}", "32"),
    ],
)
def test_msi_install_again_and_uninstall(desktop: Desktop, package: str, key: str, view: str) -> None:
    path = desktop.put_package(f"{package}.msi")
    question = rf"reg query HKLM\{UNINSTALL}\{key} /v DisplayVersion /reg:{view}"
    assert desktop.run(question).code == 1
    assert desktop.run(f"msiexec /i {path} /qn /norestart").code == 0
    assert "1.0.0" in desktop.run(question).stdout
    assert desktop.run(f"msiexec /i {path} /qn /norestart").code == 0
    assert desktop.run(f"msiexec /x {key} /qn /norestart").code == 0
    assert desktop.run(question).code == 1
    assert desktop.run(f"msiexec /x {key} /qn /norestart").code == 1605


def test_msi_upgrade_by_upgrade_code(desktop: Desktop) -> None:
    old, new = (desktop.put_package(f"corptalk-{version}.msi") for version in ("1.0.0", "1.1.0"))
    assert desktop.run(f"msiexec /i {old} /qn").code == 0
    assert desktop.run(f"msiexec /i {new} /qn").code == 0
    found = desktop.run(rf"reg query HKLM\{UNINSTALL} /s /v DisplayVersion /reg:64").stdout
    assert "1.1.0" in found
    assert "1.0.0" not in found
    assert desktop.run(f"msiexec /x {new} /qn").code == 0


def test_msi_that_fails_wants_a_restart_is_missing_or_has_to_wait(desktop: Desktop) -> None:
    assert (
        desktop.run(rf"msiexec /i {desktop.put_package('corptalk-fails-1.0.0.msi')} /qn /L*V C:\fails.log").code == 1603
    )
    assert desktop.run(f"msiexec /i {desktop.put_package('corptalk-reboot-1.0.0.msi')} /qn /norestart").code == 3010
    assert desktop.run(r"msiexec /i C:\nowhere.msi /qn").code == 1619
    path = desktop.put_package("corptalk-1.0.0.msi")
    desktop.run(r"start C:\windows\labmutex.exe Global\_MSIExecute 4000")
    assert desktop.run(f"msiexec /i {path} /qn").code == 1618
    desktop.eventually(lambda: desktop.run(f"msiexec /i {path} /qn").code == 0)
    assert desktop.run(f"msiexec /x {path} /qn").code == 0


@pytest.mark.parametrize(
    ("package", "view", "folder"), [("64", "64", "Program Files"), ("32", "32", "Program Files (x86)")]
)
def test_nsis_of_both_kinds(desktop: Desktop, package: str, view: str, folder: str) -> None:
    path = desktop.put_package(f"corpvoice-{package}-1.0.0.exe")
    question = rf'reg query "HKLM\{UNINSTALL}\Corp Voice" /v DisplayVersion /reg:{view}'
    assert desktop.run(f"{path} /S /CODE=3010").code == 3010
    assert "1.0.0" in desktop.run(question).stdout
    assert desktop.file(rf"C:\{folder}\Corp Voice\version.txt").read_text() == "1.0.0\n"
    desktop.run(rf'call "C:\{folder}\Corp Voice\uninstall.exe" /S _?=C:\{folder}\Corp Voice')
    assert desktop.run(question).code == 1


def test_certutil(desktop: Desktop) -> None:
    content = bytes(range(256)) * 5000
    desktop.write(r"C:\a b Ж.bin", content)
    answer = desktop.run(r'certutil -hashfile "C:\a b Ж.bin" SHA256')
    assert (answer.code, answer.stdout.splitlines()[1]) == (0, hashlib.sha256(content).hexdigest())
    assert desktop.run(r'certutil -encode "C:\a b Ж.bin" C:\text.b64').code == 0
    assert desktop.run(r"certutil -decode C:\text.b64 C:\back.bin").code == 0
    assert desktop.file(r"C:\back.bin").read_bytes() == content
    assert desktop.run(r"certutil -decode C:\text.b64 C:\back.bin").code == 0x80070050
    assert desktop.run(r"certutil -f -decode C:\text.b64 C:\back.bin").code == 0
    desktop.write(r"C:\bad.b64", b"*** no base64 ***")
    assert desktop.run(r"certutil -decode C:\bad.b64 C:\bad.bin").code == 0x8007000D
    assert desktop.run(r"certutil -hashfile C:\none SHA256").code == 0x80070002


def test_findstr(desktop: Desktop) -> None:
    text = "one\ntwo\nThree\n"
    for pattern, found in (('/r "^"', text), ('/i /c:"three" /c:"none"', "Three\n"), ('/v "o.e$"', "two\nThree\n")):
        assert desktop.run(f"findstr {pattern}", stdin=text).stdout == found
    assert desktop.run("findstr none", stdin=text).code == 1
    assert desktop.run("findstr /q one", stdin=text).code == 2


def test_more_copies_and_timeout_refuses_without_a_console(desktop: Desktop) -> None:
    # Wine's cmd.exe has a `more` within itself, which adds a line.
    assert desktop.run(r"C:\windows\system32\more.com", stdin="one\ntwo\n").stdout == "one\ntwo\n"
    assert desktop.run("timeout /t 1 /nobreak").code == 1


def test_sc(desktop: Desktop) -> None:
    assert desktop.run("sc query msiserver").code == 0
    assert desktop.run("sc query nosuchservice").code == 1060


def test_c_is_a_share_for_the_rollout_account_only(desktop: Desktop) -> None:
    lab = desktop.lab
    script = (
        'umask 077; printf \'username = %s\\npassword = %s\\ndomain = CORP\\n\' "$1" "$(cat)" >/run/smb.auth;'
        ' smbclient //win1.corp.test/C$ -A /run/smb.auth -c "$2"; code=$?; rm -f /run/smb.auth; exit $code'
    )

    def smb(account: str, password: str, commands: str) -> int:
        return lab.exec("win1", ["bash", "-c", script, "bash", account, commands], input=password).returncode

    put = "mkdir ProgramData\\Pushed; put /etc/hostname ProgramData\\Pushed\\ж.txt"
    assert smb(ROLLOUT, desktop.password, put) == 0
    assert desktop.run(r"type C:\ProgramData\Pushed\ж.txt").stdout.strip() == "win1"
    assert smb(ROLLOUT, "wrong", "ls") != 0
    assert smb(CYRILLIC, lab.secrets["desktop_users"][CYRILLIC], "ls") != 0


def test_reset_brings_a_clean_desktop(desktop: Desktop) -> None:
    desktop.logon(CYRILLIC)
    desktop.run(r"reg add HKLM\SOFTWARE\Left /f")
    desktop.lab.reset("win1")
    assert desktop.run(r"reg query HKLM\SOFTWARE\Left").code == 1
    assert desktop.run("query user").code == 1
    assert not desktop.file(rf"C:\Users\{CYRILLIC}").exists()
