# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The version of a program's file instead of the registry's: what is asked, and what counts."""

from __future__ import annotations

import functools
import re

import pytest

from ansible_collections.onprem.chat.plugins.plugin_utils._client import detect, file_version, options, plan
from ansible_collections.onprem.chat.plugins.plugin_utils._client.errors import ClientError, OptionError
from ansible_collections.onprem.chat.plugins.plugin_utils._client.info_expect import Expectation, judge
from ansible_collections.onprem.chat.plugins.plugin_utils._client.info_products import Filter, Product
from ansible_collections.onprem.chat.plugins.plugin_utils._packages import versions
from ansible_collections.onprem.chat.tests.unit.plugins.plugin_utils.client_fake import (
    NEW,
    OLD,
    exe,
    msi,
    product,
    said,
    uninstall,
)

FILE = "C:\\Program Files\\Corp Voice\\voice.exe"
VOICE = exe(version_file=FILE)
COMPARE = functools.partial(options.compare, versions.compare)


def found(text, registry="1.0.0", wanted=VOICE):
    answers = {"client.jobs": said(), file_version.NAME: said(text)}
    answers |= {"client.uninstall64": said(uninstall("Corp Voice", registry) if registry else "")}
    return detect.understand(wanted, answers)


def test_the_question():
    (ask,) = file_version.questions(FILE)
    script = re.search(r"~onprem-[0-9a-f]{24}\.js", ask.command)[0]
    assert ask.name == "client.version_file"
    assert ask.command == (
        f'set "NoDefaultCurrentDirectoryInExePath=1"&pushd "%TEMP%"&>{script} echo '
        "WScript.Echo^(new ActiveXObject^('Scripting.FileSystemObject'^).GetFileVersion^(WScript.Arguments.Item^(0^)^)^)"
        f'&(if exist "{FILE}" (cscript //nologo //e:jscript {script} "{FILE}" 2>nul||cscript //nologo {script} "{FILE}")'
        f" else (echo absent))&del /q {script}&popd"
    )
    assert file_version.questions(FILE) != [ask]


def test_it_is_asked_with_everything_else_and_only_when_wanted():
    assert file_version.NAME in [ask.name for ask in detect.questions(VOICE)]
    assert file_version.NAME in [ask.name for ask in detect.questions(msi(version_file=FILE))]
    assert file_version.NAME not in [ask.name for ask in detect.questions(exe())]


@pytest.mark.parametrize(
    ("text", "version", "why"),
    [
        ("2.0.0.0\r\n", "2.0.0.0", "the wanted version is installed"),
        ("an error of an old cscript\r\n2.0.0.0\r\n", "2.0.0.0", "the wanted version is installed"),
        ("1.5.0.0\r\n", "1.5.0.0", "1.5.0.0 is installed"),
        ("absent\r\n", "", "an unknown version is installed"),
    ],
)
def test_the_files_version_counts(text, version, why):
    seen = found(text)
    assert [one.version for one in seen.installed] == [version]
    assert plan.plan(seen, VOICE, COMPARE).why == why


def test_what_is_not_registered_is_not_installed_whatever_lies_there():
    assert found("2.0.0.0\r\n", registry="").installed == ()


def test_of_two_products_nobody_knows_whose_the_file_is():
    answers = {"client.jobs": said(), file_version.NAME: said("9.0.0.0\r\n")}
    answers["client.family"] = said(product(OLD, "1.0.0") + product(NEW, "2.0.0"))
    assert [one.version for one in detect.understand(msi(version_file=FILE), answers).installed] == ["1.0.0", "2.0.0"]


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("", "The file has none, or Windows Script Host is switched off there"),
        (
            "Windows Script Host access is disabled on this machine.\r\n",
            "The file has none, or Windows Script Host is switched off there: "
            "Windows Script Host access is disabled on this machine.",
        ),
    ],
)
def test_a_host_that_cannot_tell_is_an_error_and_no_reason_to_install(text, cause):
    with pytest.raises(ClientError) as caught:
        found(text)
    assert (caught.value.what, caught.value.where) == ("The host cannot tell the version of a file", FILE)
    assert caught.value.cause == cause
    assert caught.value.remedy == (
        "Leave version_file away, so that the version in the registry counts, or allow cscript.exe to the account"
    )


@pytest.mark.parametrize(
    "path",
    ["voice.exe", "C:voice.exe", "C:\\", "C:\\a\\", "%ProgramFiles%\\a.exe", 'C:\\"a".exe', "C:\\*.exe", "\\\\s\\a"],
)
def test_what_is_no_path_is_refused(path):
    with pytest.raises(OptionError, match="version_file is no path of a file on the host"):
        file_version.option({"version_file": path})


def test_not_for_each_user():
    with pytest.raises(OptionError, match="version_file does not go together with scope=user"):
        file_version.option({"version_file": FILE, "scope": "user"})


def test_verify_judges_by_the_file_too():
    expected = Expectation("Corp Voice", Filter(uninstall_key="Corp Voice"), version="2.0.0", version_file=FILE)
    products = [
        Product("Corp Voice", "Corp Voice", "1.0.0"),
        Product("Corp Voice", "Corp Voice", "1.0.0", "user", "S-1-5-21-1"),
    ]
    seen = file_version.counted(FILE, products, {file_version.NAME: said("2.0.0.0\r\n")})
    assert [one.version for one in seen] == ["2.0.0.0", "1.0.0"]
    assert judge(expected, seen, [], False).status == "pass"
