# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The channel to a desktop: what Wine's cmd.exe makes of our command lines, and what Kerberos says when something is wrong.

cmd.exe and reg.exe are Wine's; certutil, findstr, tar and where are the laboratory's stand-ins (for tar also libarchive's own program on
this machine). WinRM is the laboratory's endpoint.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import winrm_channel

from ansible_collections.onprem.chat.plugins.plugin_utils._winrm import files
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.quoting import argument, path

NASTY = ["C:\\Lab 50% off\\%PATH%\\^caret & (co)!", "C:\\Папка 😀\\файл '~` #{};=,.txt"]
TEXTS = [
    "%PATH%",
    "50%",
    'say "hi" & <go>',
    "wow!",
    "^",
    "a\\",
    'b\\"',
    "Привет 😀",
    "",
    "(x86)",
    "%A",
    "%^errorlevel%",
    "a|b>c",
]


@pytest.fixture
def users(lab, desktop):
    """What the channel does where users are: the results of some steps."""

    def act(*steps, prefix=(), environment=None, **more):
        variables = {**desktop.variables("ntlm", "http"), **more}
        return run(lab, variables, steps, prefix, environment)["results"]

    return act


def run(lab, variables, steps, prefix=(), environment=None):
    program = [*prefix, sys.executable, winrm_channel.__file__]
    environment = {"PYTHONPATH": os.environ.get("PYTHONPATH", ""), **(environment or {})}
    words = [f"{name}={value}" for name, value in environment.items()]
    given = json.dumps({"vars": variables, "do": steps})
    done = lab.exec("users", ["env", *words, *program], input=given, timeout=200)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(("transport", "scheme"), [(a, b) for a in ("ntlm", "kerberos") for b in ("http", "https")])
def test_every_way_in(lab, desktop, transport, scheme):
    answer = run(lab, desktop.variables(transport, scheme), [["run", "echo Привет 😀& echo wrong>&2& exit 3010"]])
    assert answer == {"results": [[3010, "Привет 😀\r\n", "wrong\r\n"]], "warnings": []}
    assert desktop.shells() == 0


def test_exit_codes_keep_all_their_bits(users):
    codes = [0, 1, 255, 256, 1605, 3010, 0x7FFFFFFF, 0x80070002, 0xFFFFFFFF]
    signed = [code - (1 << 32) if code > 0x7FFFFFFF else code for code in codes]
    assert [one[0] for one in users(*(["run", f"exit {code}"] for code in signed))] == codes
    answers = users(
        ["batch", {str(code): f"cmd /d /c exit {value}" for code, value in zip(codes, signed, strict=True)}]
    )[0]
    assert [answers[str(code)][0] for code in codes] == codes


def test_each_question_has_its_own_answer(users):
    asks = {
        "text": "echo one & echo two",
        "missing": "reg query HKLM\\Software\\No\\Such\\Key",
        "after a failure": "if exist C:\\nothing echo yes",
        "loop": "for %A in (a b) do @echo [%A]",
        "percent": "echo %NOSUCH% 100%",
        "nothing": "rem",
        "wow": "echo wow! ^& on",
        "both": "reg query HKLM\\Software >nul && echo found",
        "pipe": 'echo needle| findstr "needle"',
        "reads": "sort",
    }
    answers = users(["batch", asks])[0]
    assert {name: (one[0], one[1].replace("\r\n", "|")) for name, one in answers.items()} == {
        "text": (0, "one |two|"),
        "missing": (1, answers["missing"][1].replace("\r\n", "|")),
        "after a failure": (0, ""),
        "loop": (0, "[a]|[b]|"),
        "percent": (0, "%NOSUCH% 100%|"),
        "nothing": (0, ""),
        "wow": (0, "wow! & on|"),
        "both": (0, "found|"),
        "pipe": (0, "needle|"),
        "reads": (0, ""),
    }


def test_a_question_that_breaks_the_line_breaks_only_itself(users):
    answers = users(["batch", {"a": "echo A", "bad": "echo )(", "end": "exit 5", "z": "echo Z"}])[0]
    assert answers["a"][:2] == [0, "A\r\n"]
    assert answers["z"][:2] == [0, "Z\r\n"]
    assert answers["end"][0] == 5


def test_many_questions_are_few_requests(desktop, users):
    before = len(desktop.requests())
    asks = {f"q{number}": f"reg query HKLM\\Software\\Microsoft /v Nothing{number}" for number in range(40)}
    answers = users(["batch", asks])[0]
    assert {one[0] for one in answers.values()} == {1}
    verbs = [line["verb"] for line in desktop.requests()[before:] if "verb" in line]
    assert verbs.count("Command") == 1


def test_texts_reach_a_program_as_they_are(users):
    """reg.exe stores its argument: what it says afterwards is read from the registry's export, without cmd.exe."""
    key = "HKLM\\Software\\OnPrem Chat Test"
    steps = [
        ["run", f"reg add {argument(key)} /v {number} /t REG_SZ /d {argument(text)} /f"]
        for number, text in enumerate(TEXTS)
    ]
    steps += [["run", f"reg export {argument(key)} C:\\texts.reg /y"], ["read", "C:\\texts.reg"]]
    *added, exported, content = users(*steps)
    assert [one[0] for one in (*added, exported)] == [0] * (len(TEXTS) + 1)
    export = base64.b64decode(content).decode("utf-16")
    for number, text in enumerate(TEXTS):
        written = text.replace("\\", "\\\\").replace('"', '\\"')
        assert f'"{number}"="{written}"\r\n' in export


@pytest.mark.parametrize("name", NASTY)
def test_paths_work_for_cmd_itself(users, name):
    name = f"{name} folder"
    folder = path(name)
    users(["run", f"if exist {folder} rmdir /s /q {folder}"])
    assert [one[0] for one in users(
        ["run", f"mkdir {folder}"],
        ["run", f"echo x>{path(name + chr(92) + 'a.txt')}"],
        ["run", f"if not exist {path(name + chr(92) + 'a.txt')} exit 9"],
        ["run", f"cd /d {folder}&& type a.txt"],
        ["run", f"cd /d {folder}&& move /y a.txt {path('b % c.txt')}>nul&& type {path('b % c.txt')}"],
        ["run", f"rmdir /s /q {folder}"],
    )] == [0] * 6  # fmt: skip


def test_a_program_in_a_folder_with_spaces(users):
    tool = path("C:\\Program Files\\my tool\\tool.exe")
    steps = users(
        ["run", 'mkdir "C:\\Program Files\\my tool"'],
        ["run", f"copy C:\\windows\\system32\\findstr.exe {tool}>nul"],
        ["write", "C:\\Program Files\\my tool\\in put.txt", base64.b64encode(b"two words\r\n").decode()],
        ["run", f'{tool} /c:"two words" "C:\\Program Files\\my tool\\in put.txt"'],
    )
    assert steps[3][:2] == [0, "two words\r\n"]


@pytest.fixture(params=["tar", "certutil"])
def with_or_without_tar(request, desktop):
    """Windows before 10 1803 has no tar.exe."""
    place, away = (desktop.file(f"C:\\windows\\system32\\tar.{ending}") for ending in ("exe", "away"))
    if request.param == "tar":
        yield request.param
        return
    place.rename(away)
    try:
        yield request.param
    finally:
        away.rename(place)


@pytest.mark.parametrize("name", [f"{NASTY[0]}\\a b.reg", f"{NASTY[1]}", "C:\\plain.bin"])
def test_files_round_trip_byte_for_byte(desktop, users, with_or_without_tar, name):
    for content in (bytes(range(256)) * 300 + "Ж😀\r\n".encode("utf-16"), b"small\x00\x1a\r\n"):
        coded = base64.b64encode(content).decode()
        written, again, back = users(["write", name, coded], ["write", name, coded], ["read", name])
        assert (written, again) == (None, None)
        assert back == coded
        assert desktop.file(name).read_bytes() == content
        # An archive has no fractions of a second.
        assert (desktop.file(name).stat().st_mtime_ns % 10**9 == 0) == (with_or_without_tar == "tar")
    left = [one for one in desktop.file(name).parent.iterdir() if one.name.startswith("~onprem")]
    assert left == []


def test_empty_missing_and_replaced_files(users):
    steps = users(
        ["write", "C:\\empty.txt", ""],
        ["read", "C:\\empty.txt"],
        ["write", "C:\\empty.txt", base64.b64encode(b"more").decode()],
        ["read", "C:\\empty.txt"],
        ["read", "C:\\no such file.txt"],
    )
    assert steps[:4] == [None, "", None, base64.b64encode(b"more").decode()]
    assert steps[4]["error"]["kind"] == "missing_file"


@pytest.mark.parametrize("how", ["reset_before", "reset_after"])
def test_writing_a_file_with_the_connection_cut_at_each_message(lab, desktop, how):
    content = os.urandom(100_000)
    number, cut = 0, True
    while cut:
        number += 1
        name = f"C:\\{how} {number}\\file.bin"
        before = len(desktop.requests())
        with desktop.faults({"request": number, "do": how}):
            step = ["write", name, base64.b64encode(content).decode()]
            answer = run(lab, desktop.variables("ntlm", "http"), [step])
        cut = any(line["status"] == 0 for line in desktop.requests()[before:])
        assert answer == {"results": [None], "warnings": []}, f"cut at message {number}"
        assert desktop.shells() == 0
        assert desktop.file(name).read_bytes() == content
        assert [one.name for one in desktop.file(name).parent.iterdir()] == ["file.bin"]
    assert number > 8


def test_a_command_that_hangs_ends_on_the_desktop(desktop, users):
    (hung, alive) = users(["run", "echo begun& ping -n 600 127.0.0.1 >nul", 3], ["run", "tasklist"])
    assert hung["error"]["kind"] == "deadline_error"
    assert hung["error"]["terminated"] is True
    assert "ping" not in alive[1].lower()


def test_what_libarchive_makes_of_the_input_for_tar(tmp_path):
    """tar.exe of Windows is libarchive's bsdtar, as it is here."""
    content = os.urandom(200_000)
    command, text = files._unpack_tar({"part.tmp": content})
    for ends in (text, text.replace(b"\n", b"\r\n")):
        (tmp_path / "part.tmp").unlink(missing_ok=True)
        subprocess.run(["bsdtar", *command.split()[1:]], input=ends, cwd=tmp_path, check=True)
        assert (tmp_path / "part.tmp").read_bytes() == content
    packed = subprocess.run(
        ["bsdtar", "--b64encode", "-cf", "-", "part.tmp"], cwd=tmp_path, capture_output=True, check=True
    )
    assert files._unpacked(packed.stdout.replace(b"\n", b"\r\n"), "x", "y", is_tar=True) == content


# what Kerberos says


def refusal(results):
    return results[0]["error"]["kind"], results[0]["error"].get("reason")


def kerberos(desktop, **more):
    return {**desktop.variables("kerberos", "http"), **more}


def test_wrong_password_with_kerberos(lab, desktop):
    results = run(lab, kerberos(desktop, ansible_password="wrong-canary"), [["run", "ver"]])["results"]
    assert refusal(results) == ("refused", "wrong_password")
    assert "wrong-canary" not in json.dumps(results)


def test_unknown_account(lab, desktop):
    results = run(lab, kerberos(desktop, ansible_user="nobody@CORP.TEST"), [["run", "ver"]])["results"]
    assert refusal(results) == ("refused", "unknown_user")


def test_unknown_realm(lab, desktop):
    results = run(lab, kerberos(desktop, ansible_user="svc@NO.SUCH.REALM"), [["run", "ver"]])["results"]
    assert refusal(results) == ("refused", "no_kdc")


def test_a_name_without_spn(lab, desktop):
    """An address has no service principal name: the ticket cannot be had."""
    results = run(lab, kerberos(desktop, ansible_host="10.203.0.71"), [["run", "ver"]])["results"]
    assert refusal(results) == ("refused", "wrong_spn")


def test_clocks_that_differ(lab, desktop):
    results = run(lab, kerberos(desktop), [["run", "ver"]], prefix=["faketime", "-f", "+20m"])["results"]
    assert refusal(results) == ("refused", "clock_skew")


def test_no_ticket_and_no_password(lab, desktop):
    variables = kerberos(desktop, ansible_winrm_kinit_mode="manual")
    del variables["ansible_password"]
    results = run(lab, variables, [["run", "ver"]], environment={"KRB5CCNAME": "FILE:/nonexistent/cc"})["results"]
    assert refusal(results) == ("refused", "no_ticket")


def test_a_ticket_that_has_expired(lab, desktop, tmp_path):
    cache = tmp_path / "cc"
    take = ["kinit", "-l", "1s", "-c", f"FILE:{cache}", f"svc-chat-rollout@{desktop.domain.upper()}"]
    lab.exec("users", take, input=f"{desktop.password}\n", check=True)
    variables = kerberos(desktop, ansible_winrm_kinit_mode="manual")
    del variables["ansible_password"]
    results = run(
        lab, variables, [["run", "ver"]], prefix=["faketime", "-f", "+2m"], environment={"KRB5CCNAME": f"FILE:{cache}"}
    )["results"]
    assert refusal(results) == ("refused", "ticket_expired")


def test_untrusted_and_misnamed_certificates(lab, desktop, tmp_path):
    variables = desktop.variables("ntlm", "https")
    other = Path(lab.state / "company-issuing.crt")
    assert refusal(
        run(lab, {**variables, "ansible_winrm_ca_trust_path": "/etc/ssl/certs/ca-certificates.crt"}, [["run", "ver"]])[
            "results"
        ]
    ) == ("untrusted", "certificate_issuer")
    assert other.exists()
    assert refusal(run(lab, {**variables, "ansible_host": "10.203.0.71"}, [["run", "ver"]])["results"]) == (
        "untrusted",
        "certificate_name",
    )
