# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""People at the laboratory's Windows desktops: sessions and hives, tasks that run in them, installers for one user, Active Setup."""

from __future__ import annotations

from lab_desktops import CYRILLIC, PEOPLE, SPACED, Desktop

UNINSTALL = r"Software\Microsoft\Windows\CurrentVersion\Uninstall"
TASK = """<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <Triggers>{trigger}</Triggers>
  <Principals><Principal id="Author">{principal}</Principal></Principals>
  <Settings><MultipleInstancesPolicy>Parallel</MultipleInstancesPolicy></Settings>
  <Actions Context="Author"><Exec><Command>cmd.exe</Command><Arguments>{arguments}</Arguments></Exec></Actions>
</Task>
"""
USERS = "<GroupId>S-1-5-32-545</GroupId>"
SYSTEM = "<UserId>S-1-5-18</UserId>"
MARK = r"/c reg add HKCU\Software\Marks /v %USERNAME% /d &quot;%USERPROFILE%&quot; /f"


def task(arguments: str, principal: str = USERS, trigger: str = "") -> bytes:
    return TASK.format(arguments=arguments, principal=principal, trigger=trigger).encode("utf-16")


def register(desktop: Desktop, name: str, content: bytes) -> int:
    desktop.write(r"C:\task.xml", content)
    return desktop.run(rf"schtasks /create /tn {name} /xml C:\task.xml /f").code


def test_people_log_on_and_off(desktop: Desktop) -> None:
    assert desktop.run("query user").code == 1
    desktop.logon(*PEOPLE)
    shown = desktop.run("query user").stdout
    assert all(name in shown for name in PEOPLE)
    hives = desktop.run("reg query HKU").stdout.split()
    for name in PEOPLE:
        sid = desktop.sid(name)
        assert rf"HKEY_USERS\{sid}" in hives
        volatile = desktop.run(rf'reg query "HKU\{sid}\Volatile Environment" /v USERNAME')
        assert (volatile.code, name in volatile.stdout) == (0, True)
        profile = desktop.run(
            rf'reg query "HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList\{sid}" /v ProfileImagePath'
        )
        assert rf"C:\Users\{name}" in profile.stdout
        assert sid in desktop.run("whoami /user", user=name).stdout
        assert desktop.run("echo %USERPROFILE%", user=name).stdout.strip() == rf"C:\Users\{name}"
        assert desktop.run(rf'reg add HKCU\Software\Own /v Name /d "{name}" /f', user=name).code == 0
        assert name in desktop.run(rf"reg query HKU\{sid}\Software\Own /v Name").stdout
    assert desktop.run(r"reg query HKCU\Software\Own").code == 1
    desktop.logoff(CYRILLIC)
    assert rf"HKEY_USERS\{desktop.sid(CYRILLIC)}" not in desktop.run("reg query HKU").stdout.split()
    assert SPACED in desktop.run("query user").stdout
    desktop.logoff()
    desktop.logon(CYRILLIC)
    assert CYRILLIC in desktop.run(r"reg query HKCU\Software\Own /v Name", user=CYRILLIC).stdout
    desktop.logoff()


def test_hives_of_those_who_are_not_there(desktop: Desktop) -> None:
    desktop.logon(CYRILLIC)
    desktop.logoff()
    hive = rf'"C:\Users\{CYRILLIC}\NTUSER.DAT"'
    assert desktop.run(rf"reg load HKU\away {hive}").code == 0
    assert desktop.run(rf"reg load HKU\again {hive}").code == 1
    assert desktop.run(r"reg add HKU\away\Software\Brought /v n /t REG_DWORD /d 7 /f").code == 0
    assert desktop.run(r"reg unload HKU\away").code == 0
    assert desktop.run(r"reg unload HKU\away").code == 1
    assert desktop.run(r"reg unload HKLM\SOFTWARE").code == 1
    assert desktop.run(r"reg load HKU\none C:\none.dat").code == 1
    desktop.logon(CYRILLIC)
    assert "0x7" in desktop.run(r"reg query HKCU\Software\Brought", user=CYRILLIC).stdout
    assert desktop.run(rf"reg load HKU\away {hive}").code == 1
    desktop.logoff()


def test_a_task_runs_as_everybody_who_is_logged_on_and_at_the_next_logon(desktop: Desktop) -> None:
    desktop.logon(CYRILLIC)
    assert (
        register(desktop, r"\OnPrem\mark", task(MARK, trigger="<LogonTrigger><Enabled>true</Enabled></LogonTrigger>"))
        == 0
    )
    assert desktop.run(r"schtasks /query /tn \OnPrem\mark").code == 0
    assert desktop.run(r"schtasks /run /tn \OnPrem\mark").code == 0
    marks = {name: rf'reg query HKU\{desktop.sid(name)}\Software\Marks /v "{name}"' for name in PEOPLE}
    desktop.eventually(lambda: desktop.run(marks[CYRILLIC]).code == 0)
    assert rf"C:\Users\{CYRILLIC}" in desktop.run(marks[CYRILLIC]).stdout
    assert desktop.run(marks[SPACED]).code == 1
    desktop.run(r"schtasks /delete /tn \OnPrem\mark /f")
    quoted = MARK.replace("%USERNAME%", "&quot;%USERNAME%&quot;")
    assert register(desktop, r"\OnPrem\mark", task(quoted, trigger="<LogonTrigger/>")) == 0
    desktop.logon(SPACED)
    desktop.eventually(lambda: desktop.run(marks[SPACED]).code == 0)
    assert desktop.run(r"schtasks /delete /tn \OnPrem\mark /f").code == 0
    assert desktop.run(r"schtasks /query /tn \OnPrem\mark").code == 1
    desktop.logoff()


def test_a_task_of_system_is_ended_and_malformed_ones_are_refused(desktop: Desktop) -> None:
    assert register(desktop, "wait", task(r"/c C:\windows\labmutex.exe wait 60000", SYSTEM)) == 0
    assert desktop.run("schtasks /run /tn wait").code == 0
    status = "schtasks /query /tn wait /fo csv /nh"
    desktop.eventually(lambda: "Running" in desktop.run(status).stdout)
    assert desktop.run("schtasks /end /tn wait").code == 0
    desktop.eventually(lambda: "Ready" in desktop.run(status).stdout)
    assert desktop.run("schtasks /delete /tn wait /f").code == 0
    assert desktop.run("schtasks /run /tn wait").code == 1
    good = task(MARK).decode("utf-16")
    for bad in (good.encode(), good.replace("</Task>", "").encode("utf-16"), task(MARK, USERS + SYSTEM)):
        assert register(desktop, "bad", bad) == 1
    assert desktop.run("schtasks /query /tn bad").code == 1


def test_an_installer_that_shows_a_dialog_waits_until_it_is_ended(desktop: Desktop) -> None:
    path = desktop.put_package("corpvoice-hangs-1.0.0.exe")
    assert register(desktop, "hangs", task(f"/c {path} /S", SYSTEM)) == 0
    assert desktop.run("schtasks /run /tn hangs").code == 0
    running = "tasklist /fo csv /nh"
    desktop.eventually(lambda: "corpvoice-hangs-1.0.0.exe" in desktop.run(running).stdout)
    desktop.run(r"C:\windows\labmutex.exe wait 3000")
    assert "corpvoice-hangs-1.0.0.exe" in desktop.run(running).stdout
    assert "Running" in desktop.run("schtasks /query /tn hangs /fo csv /nh").stdout
    assert desktop.run("taskkill /f /im corpvoice-hangs-1.0.0.exe").code == 0
    desktop.eventually(lambda: "Ready" in desktop.run("schtasks /query /tn hangs /fo csv /nh").stdout)
    assert desktop.run("schtasks /delete /tn hangs /f").code == 0
    assert desktop.run(rf'reg query "HKLM\{UNINSTALL}\Corp Voice" /reg:32').code == 1


def test_a_package_for_one_user_lands_with_everybody_who_runs_it_and_at_the_next_logon(desktop: Desktop) -> None:
    desktop.put_package("corpvoice-user-1.0.0.exe", r"C:\ProgramData\mine.exe")
    desktop.logon(CYRILLIC)
    assert register(desktop, "mine", task(r"/c C:\ProgramData\mine.exe /S", trigger="<LogonTrigger/>")) == 0
    assert desktop.run("schtasks /run /tn mine").code == 0
    for name in (CYRILLIC, SPACED):
        desktop.logon(name)
        key = rf'"HKU\{desktop.sid(name)}\{UNINSTALL}\Corp Voice Mine"'
        desktop.eventually(lambda key=key: desktop.run(rf"reg query {key} /v DisplayVersion").code == 0)
        installed = rf"C:\Users\{name}\AppData\Local\Programs\Corp Voice Mine\version.txt"
        desktop.eventually(lambda installed=installed: desktop.file(installed).exists())
        if name == CYRILLIC:
            assert not desktop.file(rf"C:\Users\{SPACED}\AppData\Local\Programs").exists()
    for view in ("32", "64"):
        assert desktop.run(rf'reg query "HKLM\{UNINSTALL}\Corp Voice Mine" /reg:{view}').code == 1
    assert not desktop.file(r"C:\users\windows\AppData\Local\Programs\Corp Voice Mine").exists()
    assert desktop.run("schtasks /delete /tn mine /f").code == 0
    desktop.logoff()


def test_active_setup_runs_once_for_each_version(desktop: Desktop) -> None:
    component = r'"HKLM\SOFTWARE\Microsoft\Active Setup\Installed Components\{0B5C1D20-0000-4C6E-9A00-000000000001}"'
    desktop.write(r"C:\setup.cmd", b"@echo once>>%USERPROFILE%\\setup.txt\r\n")
    desktop.run(rf'reg add {component} /v StubPath /d "cmd.exe /c C:\setup.cmd" /f')
    desktop.run(rf"reg add {component} /v Version /d 1,0 /f")
    for version, times in (("1,0", 1), ("1,0", 1), ("1,1", 2)):
        desktop.run(rf"reg add {component} /v Version /d {version} /f")
        desktop.logon(CYRILLIC)
        assert desktop.file(rf"C:\Users\{CYRILLIC}\setup.txt").read_text().count("once") == times
        desktop.logoff()
    desktop.run(rf"reg delete {component} /f")
