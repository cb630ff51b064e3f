# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Definitions of scheduled tasks (MS-TSCH 2.5, task schema 1.2), as schtasks /create /xml wants them: UTF-16 with a mark."""

from __future__ import annotations

from xml.sax.saxutils import escape

_NAMESPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"
_SETTINGS = """<MultipleInstancesPolicy>{instances}</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <StartWhenAvailable>true</StartWhenAvailable>
    <AllowStartOnDemand>true</AllowStartOnDemand>
    <Enabled>true</Enabled>
    <ExecutionTimeLimit>PT{limit}S</ExecutionTimeLimit>
    <Priority>6</Priority>"""
_TASK = """<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="{namespace}">
  <RegistrationInfo><Description>{description}</Description></RegistrationInfo>
  <Triggers>{triggers}</Triggers>
  <Principals><Principal id="Author">{principal}</Principal></Principals>
  <Settings>
    {settings}
  </Settings>
  <Actions Context="Author"><Exec><Command>%SystemRoot%\\System32\\cmd.exe</Command><Arguments>{arguments}</Arguments></Exec></Actions>
</Task>
"""


def as_system(batch_file: str, limit: int) -> bytes:
    """A task without a trigger that runs a batch file as SYSTEM; ``limit`` in seconds."""
    return _written(
        description="onprem.chat: one installation",
        triggers="",
        principal="<UserId>S-1-5-18</UserId><RunLevel>HighestAvailable</RunLevel>",
        settings=_SETTINGS.format(instances="IgnoreNew", limit=limit),
        arguments=escape(f'/d /c ""{batch_file}""'),
    )


def at_logon(batch_file: str, description: str, limit: int) -> bytes:
    """A task that runs a batch file for each user at his logon, in his session and without administrator's rights.

    A principal that is a group (Users), and a trigger without a user: learn.microsoft.com, "LogonTrigger.UserId property".
    """
    return _written(
        description=escape(description),
        triggers="<LogonTrigger><Enabled>true</Enabled></LogonTrigger>",
        principal="<GroupId>S-1-5-32-545</GroupId><RunLevel>LeastPrivilege</RunLevel>",
        settings=_SETTINGS.format(instances="Parallel", limit=limit),
        arguments=escape(f'/d /c ""{batch_file}""'),
    )


def once_as(sid: str, batch_file: str, argument: str, limit: int) -> bytes:
    """A task without a trigger that runs a batch file in the session of one user who is logged on.

    In whose sessions a group's task runs that is started by hand is not documented; a task of one user runs in his.
    """
    return _written(
        description="onprem.chat: one installation for one user",
        triggers="",
        principal=f"<UserId>{escape(sid)}</UserId><LogonType>InteractiveToken</LogonType><RunLevel>LeastPrivilege</RunLevel>",
        settings=_SETTINGS.format(instances="Parallel", limit=limit),
        arguments=escape(f'/d /c ""{batch_file}" {argument}"'),
    )


def _written(**parts: str) -> bytes:
    text = _TASK.format(namespace=_NAMESPACE, **parts)
    return b"\xff\xfe" + text.replace("\n", "\r\n").encode("utf-16-le")
