# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Command lines of installers, and the batch file around them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.onprem.chat.plugins.plugin_utils._client import script
from ansible_collections.onprem.chat.plugins.plugin_utils._client.command_lines import (
    CommandLine,
    command_line,
    for_batch,
    split,
)
from ansible_collections.onprem.chat.plugins.plugin_utils._client.detect import Installed
from ansible_collections.onprem.chat.plugins.plugin_utils._client.errors import ClientError, OptionError
from ansible_collections.onprem.chat.plugins.plugin_utils._client.plan import Step
from ansible_collections.onprem.chat.tests.unit.plugins.plugin_utils.client_fake import NEW, exe, msi

PACKAGE, LOG = "C:\\p\\chat.msi", "C:\\j\\msi.log"
QUIET = "/qn /norestart REBOOT=ReallySuppress MSIRESTARTMANAGERCONTROL=Disable"


def line(wanted, action="install", target=None, **more):
    return command_line(Step(action, target), wanted, PACKAGE, LOG, **more)


def test_an_msi_is_installed_for_the_machine():
    found = line(
        msi(properties=(("SERVER", 'a "b" & c'), ("ALLUSERS", "2"))), transforms=("C:\\p\\0.mst", "C:\\p\\1.mst")
    )
    assert found.program == "%SystemRoot%\\System32\\msiexec.exe"
    assert found.arguments == (
        f'/i "{PACKAGE}" {QUIET} /L*V "{LOG}" ALLUSERS=1 SERVER="a ""b"" & c" TRANSFORMS="C:\\p\\0.mst;C:\\p\\1.mst"'
    )


def test_a_small_update_and_a_repair_say_so():
    target = Installed(key=NEW, version="1.9", product_code=NEW)
    assert line(msi(), "update", target).arguments.endswith("ALLUSERS=1 REINSTALL=ALL REINSTALLMODE=vomus")
    assert line(msi(), "repair", target).arguments.endswith(f'/L*V "{LOG}" REINSTALL=ALL REINSTALLMODE=vomus')


def test_an_msi_is_removed_by_what_is_installed_not_by_what_is_wanted():
    target = Installed(key="x", version="1", product_code="{A1111111-2222-3333-4444-555555555555}")
    found = line(msi(uninstall_arguments=("KEEP=1",)), "uninstall", target)
    assert found.arguments == f'/x {{A1111111-2222-3333-4444-555555555555}} {QUIET} /L*V "{LOG}" KEEP=1'


def test_an_exe_that_registered_an_msi_is_removed_as_one():
    target = Installed(key="x", version="1", uninstall=f"MsiExec.exe /I{NEW}")
    found = line(exe(uninstall_arguments=("/S",)), "uninstall", target)
    assert (found.kind, found.arguments) == ("msi", f'/x {NEW} {QUIET} /L*V "{LOG}"')


@pytest.mark.parametrize(
    ("registered", "quiet", "given", "program", "arguments"),
    [
        ('"C:\\a b\\unins000.exe"', "", (), "C:\\a b\\unins000.exe", "/VERYSILENT /SUPPRESSMSGBOXES /NORESTART"),
        ("C:\\a b\\uninst.exe", "", ("/S",), "C:\\a b\\uninst.exe", "/S _?=C:\\a b"),
        ("x", '"C:\\a b\\uninst.exe" /S', (), "C:\\a b\\uninst.exe", "/S _?=C:\\a b"),
        ("x", '"C:\\a b\\setup.exe" -quiet', ("-keep",), "C:\\a b\\setup.exe", "-quiet -keep"),
        ("C:\\a\\setup.exe /remove", "", ("/S",), "C:\\a\\setup.exe", "/remove /S"),
    ],
)
def test_an_exe_is_removed_by_its_own_command(registered, quiet, given, program, arguments):
    target = Installed(key="x", version="1", uninstall=registered, quiet_uninstall=quiet)
    found = line(exe(uninstall_arguments=given), "uninstall", target)
    assert (found.kind, found.program, found.arguments) == ("exe", program, arguments)


def test_a_removal_that_would_ask_questions_is_refused():
    with pytest.raises(OptionError, match="Give uninstall_arguments as the vendor documents them"):
        line(exe(), "uninstall", Installed(key="x", version="1", uninstall="C:\\a\\setup.exe /remove"))
    with pytest.raises(ClientError, match="Its uninstall key names no command"):
        line(exe(), "uninstall", Installed(key="x", version="1"))


def test_names_of_properties_are_looked_at():
    with pytest.raises(OptionError, match="is no name of a public property"):
        line(msi(properties=(("Server X", "1"),)))


@pytest.mark.parametrize(
    ("text", "program", "rest"),
    [
        ('"C:\\a b\\c.exe" /x "y z"', "C:\\a b\\c.exe", '/x "y z"'),
        ("C:\\Program Files\\c.exe /x", "C:\\Program Files\\c.exe", "/x"),
        ("rundll32 x,y", "rundll32", "x,y"),
    ],
)
def test_registered_commands_are_split(text, program, rest):
    assert split(text) == (program, rest)


def as_cmd_reads(text: str) -> str:
    """What cmd.exe makes of a line of a batch file without variables: %% is %, ^ hides the next sign outside of quotes."""
    out, inside, at = [], False, 0
    while at < len(text):
        sign = text[at]
        if sign == "%":
            assert text[at + 1] == "%"
            at += 1
        elif sign == "^" and not inside:
            at += 1
            sign = text[at]
        elif sign == '"':
            inside = not inside
        else:
            assert inside or sign not in "&|<>()", "cmd.exe would act on it"
        out.append(sign)
        at += 1
    return "".join(out)


@given(st.text(alphabet=st.sampled_from('ab "%!^&|<>()\\ыю😀'), max_size=40))
def test_what_is_written_into_a_batch_file_arrives(text):
    assert as_cmd_reads(for_batch(text)) == text


def test_no_line_break_gets_into_a_batch_file():
    with pytest.raises(OptionError, match="holds a line break"):
        for_batch("a\r\nformat c:")


def job(**more):
    given = {"deadline": 60, "retry_busy": 0, **more}
    return script.job(CommandLine("exe", "C:\\a b\\x&y.exe", "/S 100% a&b"), **given).decode()


def test_the_batch_file_starts_the_installer_in_one_place_only():
    text = job()
    assert text.count("x&y.exe") == 2  # where it starts, and where it is looked for when it has to be ended
    assert '\r\n"C:\\a b\\x&y.exe" /S 100%% a^&b\r\n' in text
    # Its folder is not the one that is the lock: a client that it starts would keep that for ever.
    assert text.partition(":command\r\n")[2].startswith('cd /d "%TEMP%" 2>nul || cd ..\r\n"C:')
    assert "cmd /d /c ..\\job.cmd command\r\n" in text
    assert text.endswith("exit %errorlevel%\r\n")
    assert text.index("started.txt exit /b 97") < text.index(">..\\started.txt") < text.index("..\\job.cmd installer")


def test_the_batch_file_has_the_times():
    text = job(deadline=77, retry_busy=25)
    assert "if %opc_spent% geq 77 goto deadline" in text and "if %opc_busy% geq 25 goto done" in text
    assert "ping -n 11 " in text and "set /a opc_busy+=10" in text
    assert "set /a opc_busy+=3" in job(retry_busy=3)


def test_system_unpacks_where_users_cannot_write():
    theirs, ours = job(), job(system=True)
    assert "opc_temp" not in theirs and 'if not exist "%TEMP%" md "%TEMP%"' in theirs
    lines = ours.split("\r\n")
    at = lines.index('set "opc_temp=%SystemRoot%\\SystemTemp"')
    assert lines[at + 1] == 'if not exist "%opc_temp%\\" set "opc_temp=%~dp0temp"'
    assert at < lines.index('set "TMP=%TEMP%"') < lines.index(":again")


def test_programs_are_asked_before_they_are_ended():
    asked, forced = job(close=("chat.exe",)), job(close=("chat.exe",), force=True)
    assert 'taskkill /im "chat.exe"' in asked and "taskkill /f /t /im" not in asked
    assert forced.index('taskkill /im "chat.exe"') < forced.index('taskkill /f /t /im "chat.exe"')


@pytest.mark.parametrize("image", ["Чат & 100% (^!) ,;=.exe", "it's ~#@$`{}[]+.exe", "😀.exe", "a b.EXE", "7zip.exe"])
def test_names_of_programs_reach_taskkill_as_they_are(image):
    lines = job(close=(image,), force=True).split("\r\n")
    name = image.replace("%", "%%")  # as a batch file says it
    assert f'taskkill /im "{name}" >nul 2>&1' in lines and f'taskkill /f /t /im "{name}" >nul 2>&1' in lines


@pytest.mark.parametrize(
    "image",
    [
        'a" & format c:', "*", "chat*.exe", "ch?t.exe", "C:\\chat.exe", "a/b", "/f", "-f", "-chat.exe", "", " ", " a.exe", "a.exe ",
        "a\nb", "a\0", "4711", "a<b", "a>b", "a|b",
    ],
)  # fmt: skip
def test_what_taskkill_would_take_for_something_else_is_refused(image):
    with pytest.raises(OptionError, match="is not the name of one program"):
        job(close=(image,))


@pytest.mark.parametrize("image", ["cmd.exe", "WinRSHost.exe", "svchost.exe"])
def test_what_runs_the_installation_is_not_closed(image):
    with pytest.raises(OptionError, match="cannot be closed"):
        job(close=(image,))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("end=installer\r\ncode=3010\r\ntries=2\r\n", script.Result(3010, "installer", 2)),
        ("end=installer\r\ncode=-1073741819\r\ntries=1\r\n", script.Result(0xC0000005)),
        ("end=deadline\r\ncode=\r\ntries=1\r\n", script.Result(None, "deadline")),
        ("running\r\n", None),
        ("", None),
    ],
)
def test_results(text, expected):
    assert script.understand(text) == expected


@pytest.mark.parametrize(
    ("program", "written"),
    [
        ("C:\\100% %OS%\\uninstall.exe", '"C:\\100%% %%OS%%\\uninstall.exe" /S'),
        ("%ProgramFiles%\\Chat\\uninstall.exe", '"%ProgramFiles%\\Chat\\uninstall.exe" /S'),
    ],
    ids=["a path", "a variable"],
)
def test_percent_signs_of_a_program_are_variables_only_where_it_begins_with_one(program, written):
    assert f"\r\n{written}\r\n" in script.job(CommandLine("exe", program, "/S"), deadline=60).decode()
