# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A whole visit to a host: what is asked, sent and started in which order, and what is told about it."""

from __future__ import annotations

import dataclasses
import types

import pytest

from ansible_collections.onprem.chat.plugins.plugin_utils._client import converge, delivery, options, report, wanted
from ansible_collections.onprem.chat.plugins.plugin_utils._client.errors import (
    ClientError,
    DeliveryError,
    InstallerError,
    OptionError,
    RefusedError,
)
from ansible_collections.onprem.chat.plugins.plugin_utils._packages import versions
from ansible_collections.onprem.chat.plugins.plugin_utils._packages.model import Package
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.errors import FileRefused, Lost
from ansible_collections.onprem.chat.tests.unit.plugins.plugin_utils.client_fake import (
    BYTES,
    HASH,
    NEW,
    OLD,
    Host,
    done,
    exe,
    msi,
    nothing_installed,
    product,
    said,
    uninstall,
)

OWN = msi().folder
PLACE = '"C:\\Program Files\\onprem.chat'
LOST = Lost("The connection broke off", "win1", "A firewall", "Look")


@pytest.fixture
def visit(tmp_path):
    """Gives a function that visits a host: the result, and the host."""
    (tmp_path / "chat.msi").write_bytes(BYTES)

    def _visit(answers, wish=None, **more):
        wish = wish or msi(path=str(tmp_path / "chat.msi"))
        rule = versions.compare_msi if wish.kind == "msi" else versions.compare
        task = converge.Task(wish, delivery.Source(way="channel"), lambda a, b: options.compare(rule, a, b), **more)
        host = answers if isinstance(answers, Host) else Host(answers)
        return converge.Visit(host, task, sleep=lambda seconds: None).converge(), host

    _visit.path = str(tmp_path / "chat.msi")
    return _visit


def installs(before="", after=None, **more):
    """A host on which the registry says one thing before and another after."""
    after = product(NEW, "2.0.0") if after is None else after
    return nothing_installed(**{"UpgradeCodes": [said(before), said(after)], **more})


def test_nothing_to_do_is_one_batch_and_nothing_else(visit):
    result, host = visit(nothing_installed(UpgradeCodes=said(product(NEW, "2.0.0"))))
    assert not result["changed"] and result["reason"] == "the wanted version is installed"
    assert (host.batches, host.commands, host.files) == (1, [], {})
    assert result["installed"][0]["version"] == "2.0.0" and result["steps"] == []


def test_a_version_that_only_people_tell_apart_is_a_warning(tmp_path):
    task = converge.Task(
        msi(version="2.0.0.7"), delivery.Source(), lambda a, b: options.compare(versions.compare_msi, a, b)
    )
    seen = converge.Visit(Host(nothing_installed(UpgradeCodes=said(product(OLD, "2.0.0.5")))), task)
    assert seen.converge()["changed"] is False
    assert "2.0.0.5 is installed, and 2.0.0.7 is the same to Windows Installer" in seen.report.warnings[0]


def test_a_host_with_many_users_gets_time_to_answer(visit):
    class Slow(Host):
        def batch(self, asks, *, deadline=60.0):
            assert deadline >= 180.0
            return super().batch(asks)

    assert visit(Slow(nothing_installed(UpgradeCodes=said(product(NEW, "2.0.0")))))[0]["changed"] is False


def test_an_installation(visit):
    result, host = visit(installs())
    assert result["changed"] and result["delivery"] == "present" and not result["reboot_required"]
    assert result["steps"] == [
        {"action": "install", "run_as": "session", "exit_code": 0, "meaning": "done", "tries": 1}
    ]
    assert result["diff"] == {"before": "", "after": "Corp Chat 2.0.0 (machine)\n"}
    assert len(host.started()) == 1
    # What was needed goes in the same line that looks whether it is there now.
    assert host.batches == 3 and host.commands == host.started()
    job, files, *asked = host.asked[-1]
    assert job.startswith('rd /s /q "C:\\Program Files\\onprem.chat\\jobs\\corp-chat-')
    assert files.startswith(f'rd /s /q {PLACE}\\files\\{OWN}" ')
    assert any("UpgradeCodes" in command for command in asked)


def test_check_mode_asks_and_tells(visit):
    result, host = visit(installs(), check_mode=True)
    assert result["changed"] and result["diff"]["after"] == "Corp Chat 2.0.0 (machine)\n"
    assert (host.batches, host.commands, host.files) == (1, [], {})


def test_an_upgrade_tells_what_was_there(visit):
    result, _host = visit(installs(before=product(OLD, "1.0.0")))
    assert [one["version"] for one in result["found"]] == ["1.0.0"]
    assert result["diff"]["before"] == "Corp Chat 1.0.0 (machine)\n"


def test_a_package_that_is_not_there_is_sent(visit):
    result, host = visit(installs(certutil=[said(code=1), said(HASH)]))
    assert result["delivery"] == "channel"
    assert BYTES in host.files.values()


def test_what_did_not_arrive_starts_nothing(visit):
    host = Host(installs(certutil=said(code=1)))

    def refused(path, content, **_options):
        raise FileRefused("It was not written", path, "The disk is full", "Look at the host")

    host.write_file = refused
    with pytest.raises(DeliveryError, match="It was not written"):
        visit(host)
    assert host.started() == []
    assert host.asked[-1][0].startswith('rd /s /q "C:\\Program Files\\onprem.chat\\files\\')


def test_a_full_disk_starts_nothing(visit):
    host = Host(installs(**{"certutil": said(code=1), "dir /-c": said(" 6 Dir(s)  1000 bytes free\r\n")}))
    with pytest.raises(RefusedError, match="Too little space on the host"):
        visit(host)
    assert host.started() == []


@pytest.mark.parametrize(("code", "reboot"), [(3010, True), (1641, True), (0, False)])
def test_a_restart_is_told_and_not_done(visit, code, reboot):
    result, host = visit(installs(**{"call ": done(code)}))
    assert result["reboot_required"] is reboot
    assert not any("shutdown" in command for command in host.commands)


def test_a_failure_has_its_code_its_remedy_and_the_log(visit):
    host = Host(installs(**{"call ": done(1603)}))
    log = "Action ended 10:00:02: InstallFinalize. Return value 3.\r\n".encode("utf-16")
    host.read_file = lambda path, **_options: log if path.endswith("-0\\msi.log") else b""
    with pytest.raises(InstallerError) as caught:
        visit(host)
    assert str(caught.value) == (
        "The install of Corp Chat 2.0.0 failed: a fatal error during installation (1603) (msiexec.exe). A file in use, missing "
        "rights, a failing custom action or a condition of the package. Look at log_lines; they are around the place where the "
        "installation gave up."
    )
    result = caught.value.result()
    assert result["exit_code"] == 1603
    assert result["log_lines"] == ["Action ended 10:00:02: InstallFinalize. Return value 3."]
    assert result["steps"][0]["meaning"] == "a fatal error during installation (1603)"
    assert [command.split('"')[0] for command in host.asked[-1]] == ["rd /s /q "] * 2


def test_the_log_of_a_large_package_is_read(visit):
    class Strict(Host):
        def read_file(self, path, *, limit=0, deadline=0.0):
            content = super().read_file(path)
            assert len(content) <= limit and deadline >= 600.0
            return content

    host = Strict(nothing_installed(**{"call ": done(1603)}))
    host.files[f"C:\\Program Files\\onprem.chat\\jobs\\{msi().identity}-0\\msi.log"] = b"x" * 20_000_000 + b"\nthe end"
    with pytest.raises(InstallerError) as caught:
        visit(host)
    assert caught.value.details["log_lines"][-1] == "the end"


def test_busy_until_the_deadline(visit):
    with pytest.raises(InstallerError, match=r"another installation is running \(1618\)") as caught:
        visit(installs(**{"call ": done(1618, tries=7)}))
    assert caught.value.details["steps"][0]["tries"] == 7


def test_a_hang_names_the_seconds(visit):
    with pytest.raises(InstallerError, match="did not end within 60 seconds and was ended"):
        visit(installs(**{"call ": done(1, end="deadline")}), deadline=60)


def test_an_installer_that_only_says_it_succeeded(visit):
    with pytest.raises(InstallerError, match="said that it succeeded, but it is not registered as installed"):
        visit(installs(after=""))


def test_the_session_is_no_place_for_windows_installer(visit):
    answers = installs(**{"call ": done(1601), "schtasks": said(), "for /l": done(0)})
    result, _host = visit(answers)
    assert [(step["run_as"], step["exit_code"]) for step in result["steps"]] == [("session", 1601), ("system", 0)]
    with pytest.raises(InstallerError, match=r"\(1601\)"):
        visit(installs(**{"call ": done(1601)}), run_as="session")


def test_an_interrupted_installation_that_is_there_is_good(visit):
    result, host = visit(installs(**{"call ": LOST, "for /l": said("dead\r\n")}))
    assert result["changed"] and len(host.started()) == 1


def test_an_interrupted_installation_that_is_not_there(visit):
    with pytest.raises(InstallerError, match="was interrupted"):
        visit(installs(after="", **{"call ": LOST, "for /l": said("dead\r\n")}))


def test_jobs_of_a_client_are_known_without_its_package():
    """A removal by code waits for the installation of the package."""
    there = msi()
    away = dataclasses.replace(there, name=there.upgrade_code, path="", sha256="")
    job = f"{there.identity}-0"
    assert there.identity != away.identity
    assert (away.owns(job), there.owns(job), away.owns("another-12345678-0")) == (True, True, False)


@pytest.mark.parametrize("state", ["running", "finished", "dead"])
def test_what_an_earlier_run_left_is_waited_for_and_taken_away(visit, state):
    name = f"{msi().identity}-0"
    answers = nothing_installed(**{
        "onprem.chat\\jobs\"')": [said(f"{state} {name}\r\n"), said()],
        "UpgradeCodes": [said(), said(product(NEW, "2.0.0"))],
        "for /l": [said("running\r\n"), done(0)],
    })  # fmt: skip
    result, host = visit(answers)
    assert not result["changed"] and host.started() == []
    # In the same line that looks again.
    assert host.asked[-1][0].startswith("schtasks /delete") and name in host.asked[-1][0]


def test_other_clients_jobs_are_left_alone(visit):
    answers = nothing_installed(
        **{"onprem.chat\\jobs\"')": said("running another-12345678-0\r\n"), "UpgradeCodes": said(product(NEW, "2.0.0"))}
    )
    _result, host = visit(answers)
    assert host.commands == []


def test_a_host_whose_reg_exe_may_not_run_is_no_host_without_the_client(visit):
    """It gives 1 and says nothing, as for keys that are not there."""
    answers = nothing_installed(**{"echo %ProgramFiles%&reg query HKLM ": said("C:\\Program Files\r\n", 1)})
    for state in ("present", "absent"):
        with pytest.raises(ClientError, match=r"registry cannot be asked.*gave exit code 1.*DisableRegistryTools"):
            visit(dict(answers), msi(state=state, path=visit.path))


def test_removal(visit):
    answers = nothing_installed(UpgradeCodes=[said(product(NEW, "2.0.0")), said()])
    result, host = visit(answers, msi(state="absent", path="", sha256="", size=0))
    assert [step["action"] for step in result["steps"]] == ["uninstall"] and result["installed"] == []
    assert f"/x {NEW}".encode() in next(iter(host.files.values()))


@pytest.mark.parametrize("code", [1605, 1614])
def test_what_is_gone_already_is_no_failure(visit, code):
    answers = nothing_installed(**{"UpgradeCodes": [said(product(NEW, "2.0.0")), said()], "call ": done(code)})
    result, _host = visit(answers, msi(state="absent", path="", sha256="", size=0))
    assert result["changed"]


def test_an_exe_gets_time_to_register_itself(visit):
    answers = nothing_installed(
        **{"/reg:64": [said(code=1)], "/reg:32": [said(), said(), said(), said(uninstall("Corp Voice", "2.0.0"))]}
    )
    result, _host = visit(answers, exe(path=visit.path))
    assert result["changed"] and result["installed"][0]["version"] == "2.0.0"


def test_codes_that_the_vendor_calls_success(visit):
    answers = {"/reg:64": [said(), said(uninstall("Corp Voice", "2.0.0"))], "/reg:32": said(code=1), "call ": done(42)}
    result, _host = visit(nothing_installed(**answers), exe(path=visit.path, success_codes=(42,)))
    assert result["steps"][0]["exit_code"] == 42


@pytest.mark.parametrize("code", [-2147021886, 0x80070BC2])
def test_codes_above_31_bits_may_be_written_with_a_sign(visit, code):
    """As Windows and most documents write them."""
    given = {"state": "present", "uninstall_key": "Corp Voice", "arguments": ["/S"], "success_codes": [code]}
    package = Package("exe", visit.path, len(BYTES), HASH, "Corp Voice", "2.0.0")
    answers = {"/reg:64": [said(), said(uninstall("Corp Voice", "2.0.0"))], "/reg:32": said(code=1)}
    result, _host = visit(nothing_installed(**answers, **{"call ": done(-2147021886)}), wanted.wanted(given, package))
    assert result["steps"][0]["exit_code"] == 0x80070BC2


@pytest.mark.parametrize("code", [-(2**31) - 1, 2**32])
def test_what_no_program_ends_with_is_no_exit_code(code):
    with pytest.raises(OptionError) as caught:
        wanted.wanted(
            {"state": "present", "product_code": NEW, "success_codes": [0, code]}, Package("msi", "x", 1, HASH)
        )
    assert str(caught.value) == (
        f"{code} is no exit code (success_codes). Exit codes of Windows have 32 bits. Give a number from -2147483648 to 4294967295."
    )


@pytest.mark.parametrize(
    ("left", "first"),
    [(f"jobs\r\n{OWN}\r\n", f'rd /s /q {PLACE}\\files\\{OWN}" '), ("jobs\r\n", f'rd {PLACE}\\files" ')],
    ids=["package", "folder of jobs"],
)
def test_what_a_killed_run_left_goes_although_nothing_is_to_be_done(visit, left, first):
    there = {"UpgradeCodes": said(product(NEW, "2.0.0")), "(echo jobs)": said(left)}
    result, host = visit(nothing_installed(**there))
    assert not result["changed"] and (host.batches, host.commands) == (2, [])
    (asked,) = host.asked[1]
    assert asked.startswith(first)
    _result, host = visit(nothing_installed(**there), check_mode=True)
    assert host.batches == 1


def test_packages_of_other_versions_that_killed_runs_left_go_first_and_those_of_others_stay(visit):
    """They may be what the disk is full of."""
    other = f"{OWN.partition('-')[0]}-0123456789abcdef"
    left = {"(echo jobs)": [said(f"{other}\r\n01234567-89abcdef01234567\r\n{OWN}\r\n"), said()]}
    result, host = visit(installs(**left))
    assert result["changed"]
    (asked,) = host.asked[1]
    assert asked.startswith(f'rd /s /q {PLACE}\\files\\{other}" ')
    assert not any("01234567-89abcdef" in command for batch in host.asked for command in batch)
    assert not any(OWN in command for command in host.asked[1])


def test_with_nothing_but_the_name_of_a_product_its_packages_go_too(visit):
    """state=absent knows no package, and so no SHA-256."""
    left = {"(echo jobs)": said(f"{OWN}\r\n")}
    _result, host = visit(nothing_installed(**left), msi(state="absent", path="", sha256="", size=0))
    assert host.asked[1][0].startswith(f'rd /s /q {PLACE}\\files\\{OWN}" ')


def test_what_cannot_be_taken_away_is_told_and_no_failure(tmp_path):
    (tmp_path / "chat.msi").write_bytes(BYTES)
    task = converge.Task(
        msi(path=str(tmp_path / "chat.msi")),
        delivery.Source(),
        lambda a, b: options.compare(versions.compare_msi, a, b),
    )
    visit = converge.Visit(Host(installs(**{"rd /s /q": said(code=1)})), task)
    assert visit.converge()["changed"]
    assert [text.partition(" could not")[0].rpartition("\\")[0] for text in visit.report.warnings] == [
        "C:\\Program Files\\onprem.chat\\jobs",
        "C:\\Program Files\\onprem.chat\\files",
    ]


NEWER = product(OLD, "3.0.0")
BAD_NAME = (
    "'Server' is no name of a public property (properties). Public properties have upper case letters, digits, points and "
    "underscores only. Correct the name."
)
NO_SWITCHES = (
    'It is not known how Corp Voice is removed without questions ("C:\\x\\remove.exe"). Its uninstall key has no '
    "QuietUninstallString. Give uninstall_arguments as the vendor documents them."
)
NO_COMMAND = "Corp Voice cannot be removed (Corp Voice). Its uninstall key names no command. Remove it by hand, or repair it first."
LINE_FEED = "A command line holds a line break (made of the options). cmd.exe would end the line there. Write arguments without line breaks."


@pytest.mark.parametrize("check_mode", [True, False], ids=["check", "run"])
@pytest.mark.parametrize(
    ("wish", "there", "text"),
    [
        (msi(allow_downgrade=True, properties=(("Server", "x"),)), {"UpgradeCodes": said(NEWER)}, BAD_NAME),
        (
            exe(allow_downgrade=True, install_arguments=("/S\n",)),
            {"reg query \"HKLM": said(uninstall("Corp Voice", "3.0.0", "C:\\x\\u.exe", "C:\\x\\u.exe /S"))},
            LINE_FEED,
        ),
        (exe(state="absent"), {"reg query \"HKLM": said(uninstall("Corp Voice", "1.0", '"C:\\x\\remove.exe"'))}, NO_SWITCHES),
        (exe(state="absent"), {"reg query \"HKLM": said(uninstall("Corp Voice", "1.0"))}, NO_COMMAND),
    ],
    ids=["property", "line feed", "removal", "no command"],
)  # fmt: skip
def test_a_command_line_that_cannot_be_is_told_before_anything_is_done(visit, wish, there, text, check_mode):
    """Also that of the second step: a downgrade would have removed the client already."""
    host = Host(nothing_installed(**there))
    with pytest.raises(ClientError) as caught:
        visit(host, dataclasses.replace(wish, path=visit.path), check_mode=check_mode)
    assert str(caught.value) == text
    assert (host.batches, host.commands, host.files) == (1, [], {})


def test_profiles_whose_settings_are_passed_over_are_told_once():
    part = types.SimpleNamespace(changed=False, warnings=["anna has no NTUSER.DAT"])
    told = report.Report(msi())
    for _time in range(2):  # before and after the installer
        told.settings(part)
    assert told.warnings == part.warnings
