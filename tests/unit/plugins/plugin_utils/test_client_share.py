# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A package on a share: who copies it, what exactly is run, and what each refusal of Windows means."""

from __future__ import annotations

import pytest

from ansible_collections.onprem.chat.plugins.plugin_utils._client import delivery, share
from ansible_collections.onprem.chat.plugins.plugin_utils._client.errors import DeliveryError, OptionError
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.errors import Lost
from ansible_collections.onprem.chat.tests.unit.plugins.plugin_utils.client_fake import HASH, Host, msi, said

SHARE = r"\\files.corp.test\packages\Chat 100%\chat & more.msi"
PLACE = "C:\\Program Files\\onprem.chat"
PATH = f"{PLACE}\\files\\x\\chat.msi"
JOB = f"{PLACE}\\jobs\\corp-chat-12-copy"


def answers(code="0", **more):
    """A host on which the copying ends with this code."""
    usual = {
        "schtasks /create": said(),
        "schtasks /run": said(),
        "schtasks /end": said(),
        "(for /l": said(f"end=copy\r\ncode={code}\r\n"),
        "schtasks /delete": said(),
    }
    return usual | more


def copy(host):
    share.copy(host, SHARE, PATH, "corp-chat-12", 60.0, sleep=lambda seconds: None)


def test_system_copies_it_by_a_task_that_goes_again():
    host = Host(answers())
    copy(host)
    text = host.files[f"{JOB}\\job.cmd"].decode()
    assert f'copy /b /y "{SHARE.replace("%", "%%")}" "{PATH}" >nul 2>&1 <nul\r\n' in text
    definition = host.files[f"{JOB}\\task.xml"].decode("utf-16")
    assert "<UserId>S-1-5-18</UserId>" in definition and "Password" not in definition
    assert [command.split('"')[0].strip() for command in host.commands] == [
        "schtasks /create /tn",
        "schtasks /run /tn",
        "(for /l %i in (1,1,20) do @if exist",
        "schtasks /delete /tn",
    ]
    assert all("files.corp.test" not in command for command in host.commands)


@pytest.mark.parametrize(
    ("code", "shown", "cause", "remedy"),
    [
        ("-2147024894", "0x80070002", "There is no such file", "Compare share with what lies there"),
        ("-2147024891", "0x80070005", "lets the host in, but not to this file", "Allow the group Domain Computers"),
        ("-2147024843", "0x80070035", "does not find the server", "port 445 from the host"),
        ("-2147024829", "0x80070043", "no such share", "the server's shares"),
        ("-2147023570", "0x8007052E", "does not know the host's account", "repair its membership"),
        ("-2147023511", "0x80070569", "over the network", "Allow Domain Computers"),
        ("1", "exit code 1", "can read it there, but could not write it", "Look at the disk"),
        ("-2147024809", "0x80070057", "a reason that is not known here", "net helpmsg"),
    ],
)
def test_what_windows_says_is_explained(code, shown, cause, remedy):
    with pytest.raises(DeliveryError) as caught:
        copy(Host(answers(code)))
    assert f"from the share ({shown}) ({SHARE})" in str(caught.value)
    assert cause in caught.value.cause and remedy in caught.value.remedy


def test_an_interrupted_copy_and_one_that_never_ends(monkeypatch):
    with pytest.raises(DeliveryError, match="it was interrupted"):
        copy(Host(answers(**{"(for /l": said("dead\r\n")})))
    host = Host(answers(**{"(for /l": said("running\r\n")}))
    moments = iter(range(0, 10**9, 100))
    monkeypatch.setattr(share.jobs.time, "monotonic", lambda: next(moments))
    with pytest.raises(DeliveryError, match="the job on the host neither ends nor gives a result"):
        copy(host)
    assert host.commands[-2].startswith("schtasks /end") and host.commands[-1].startswith("schtasks /delete")


def test_a_job_that_had_no_room_for_its_result():
    with pytest.raises(DeliveryError, match="could not write it: the disk is full"):
        copy(Host(answers(**{"(for /l": said("")})))


def test_a_lost_connection_is_waited_out():
    lost = Lost("The connection broke off", "win1", "A firewall", "Look")
    host = Host(answers(**{"(for /l": [lost, said("running\r\n"), said("end=copy\r\ncode=0\r\n")]}))
    copy(host)
    assert sum(command.startswith("schtasks /run") for command in host.commands) == 1


def test_what_came_from_the_share_is_hashed_on_the_host():
    other = "0" * 64
    host = Host(
        answers(
            **{
                "if not exist": said(),
                "certutil": [said(code=1), said(other)],
                "del /f": said(),
                "dir /-c": said(),
                "for %A": said(),
            }
        )
    )
    source = delivery.Source(way="share", share=SHARE)
    with pytest.raises(delivery.OtherContent) as caught:
        delivery.deliver(host, source, msi(), PATH, 60.0)
    assert str(caught.value) == (
        f"What arrived on the host is not the package ({PATH}, by share). Its SHA-256 is {other}, not {HASH}: share has another file "
        "than package, or it was changed on the way. Compare what share gives with package."
    )
    assert f'del /f /q "{PATH}"' in host.commands


@pytest.mark.parametrize(
    "path",
    [
        r"\\files\packages\chat.msi",
        r"\\files.corp.test\packages$\a b\Пакеты\chat 1.2.msi",
        r"\\corp.test\dfs\x.exe",
    ],
)
def test_paths_on_shares(path):
    share.check(path)


@pytest.mark.parametrize(
    "path",
    [
        "",
        r"C:\packages\chat.msi",
        r"\\files\packages",
        r"\\files\chat.msi" + "\\",
        r"\\?\UNC\files\packages\chat.msi",
        r"\\.\pipe\x\y",
        "//files/packages/chat.msi",
        r"\\files\packages\..\x.msi",
        r"\\files\packages\*.msi",
        r"\\files\packages\a.msi:stream",
        '\\\\files\\packages\\a".msi',
        "\\\\files\\packages\\a\n.msi",
    ],
)
def test_what_is_no_file_on_a_share(path):
    with pytest.raises(OptionError, match="share is no file on a share"):
        share.check(path)
