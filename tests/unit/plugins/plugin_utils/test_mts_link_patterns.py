# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The default patterns of the two roles for MTS Link, with the matcher of installer_dialog. The wordings are assumed, as the defaults are."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest
import yaml

from ansible_collections.onprem.chat.plugins.module_utils._dialog import match

ROLES = Path(__file__).parents[4] / "roles"
CHATS = ("licence_key", "client_id", "client_secret", "domain")
MEETINGS = ("domain", "token")


def defaults(role: str) -> dict[str, str]:
    """The role's defaults, with the parts that its vars give."""
    known = yaml.safe_load((ROLES / role / "vars/main/dialogue.yml").read_text(encoding="utf-8"))
    values = yaml.safe_load((ROLES / role / "defaults/main.yml").read_text(encoding="utf-8"))

    def filled(text: str) -> str:
        return re.sub(r"\{\{ (\w+) \}\}", lambda found: filled(known[found.group(1)]), text)

    return {
        name: filled(text)
        for name, text in values.items()
        if isinstance(text, str) and re.search("_prompt_|_output_|_format$", name)
    }


CHATS_DEFAULTS, MEETINGS_DEFAULTS = defaults("mts_link_chats"), defaults("mts_link_meetings")


def taken(text: str) -> tuple[list[str], list[str]]:
    """Which prompts of the Chats, and which of Meetings, take it."""
    found = []
    for role, prompts, values in (
        ("mts_link_chats", CHATS, CHATS_DEFAULTS),
        ("mts_link_meetings", MEETINGS, MEETINGS_DEFAULTS),
    ):
        patterns = {name: match.compiled(values[f"{role}_prompt_{name}"], name) for name in prompts}
        found.append([name for name, pattern in patterns.items() if match.stands_at_end(pattern, text)])
    return found[0], found[1]


def broken(text: str, columns: int) -> str:
    """Broken into lines in the middle of words, as a terminal library might; spaces at line ends are gone."""
    return "\n".join(text[start : start + columns].rstrip() for start in range(0, len(text), columns))


QUESTIONS = {
    "License key:": "licence_key",
    "Licence key": "licence_key",
    "LICENSE KEY > ": "licence_key",
    "Enter the license key of this server: ": "licence_key",
    "License key (12 digits, without dashes; see the letter): ": "licence_key",
    "What is the license key?": "licence_key",
    "Введите лицензионный ключ:": "licence_key",
    "Введите лицензионный ключ вашей организации: ": "licence_key",
    "Лицензионный ключ": "licence_key",
    "Client ID:": "client_id",
    "client_id=": "client_id",
    "Client ID": "client_id",
    "Введите Client ID:": "client_id",
    "Client ID of chats.corp.test: ": "client_id",
    "Enter Client ID (installer.sh --cfglink printed it): ": "client_id",
    "License key OK, now the Client ID:": "client_id",
    "License key OK. Client ID: ": "client_id",
    "License key OK: Client ID: ": "client_id",
    "[12:30:01] Step 2/3: Client ID: ": "client_id",
    "Client secret:": "client_secret",
    "Введите Client secret:": "client_secret",
    "Client secret for Client ID 4711:": "client_secret",
    "Client secret of the Client ID 4711: ": "client_secret",
    "Client-secret": "client_secret",
    "Chat domain name:": "domain",
    "chat domain name": "domain",
    "Имя домена:": "domain",
    "Введите имя домена (chat domain name):": "domain",
    "Введите имя домена (chat domain name): ": "domain",
    "Введите имя домена чатов [chats.example.ru]: ": "domain",
    "Integrational token:": "token",
    "Введите Integrational token:": "token",
    "Integrational token of the chat domain name chats.corp.test:": "token",
    "Integrational token (it was printed at the end): ": "token",
}


@pytest.mark.parametrize(("text", "wanted"), QUESTIONS.items())
@pytest.mark.parametrize("form", ["as it is", "after other lines", "broken at 30", "wrapped at 30"])
def test_the_right_question_is_answered(text, wanted, form):
    forms = {
        "as it is": text,
        "after other lines": f"Checking the server\nDone: 4 of 4.\n{text}",
        "broken at 30": broken(text, 30),
        "wrapped at 30": textwrap.fill(text, 30),
    }
    chats, meetings = taken(forms[form])
    assert chats == ([wanted] if wanted in CHATS else [])
    assert meetings == ([wanted] if wanted in MEETINGS else [])


@pytest.mark.parametrize(
    "text",
    [
        "License key: 1234",
        "License key:\n",
        "Client ID: 4711",
        "Client secret: abc\n",
        "Integrational token: abc",
        "License key accepted\nAdministrator password:",
        "License key OK, now the password:",
        "License key OK\nAccept the licence agreement? [y/n]",
        "License key file is there. Password: ",
        "Checking license key, this may take a minute:",
        "Checking the license key...",
        "Checking Client ID: ",
        "Password for Client ID 4711:",
        "Certificate of the chat domain name chats.corp.test:",
        "Password of the chat domain name\nchats.corp.test:",
        "Port for chat domain name:",
        "Лицензионный ключ принят.\nПароль администратора:",
        "Лицензионный ключ принят\nПароль администратора:",
        "Принять условия лицензионного соглашения? [y/n]",
        "Identifier:",
        "Domain:",
        "Token:",
        "",
    ],
)  # fmt: skip
def test_what_nobody_knows_is_not_answered(text):
    assert taken(text) == ([], [])


OUTPUTS = [
    (MEETINGS_DEFAULTS, "mts_link_meetings", "client_id", "Client ID"),
    (MEETINGS_DEFAULTS, "mts_link_meetings", "client_secret", "Client secret"),
    (CHATS_DEFAULTS, "mts_link_chats", "token", "Integrational token"),
]


@pytest.mark.parametrize(("values", "role", "name", "words"), OUTPUTS, ids=[row[2] for row in OUTPUTS])
@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("{}: 4711", "4711"),
        ("  {}:4711  ", "4711"),
        ("Your {} = a", "a"),
        ("{}: 6f1c2d3e-0000-4a4b-8c8d-aabbccddeeff", "6f1c2d3e-0000-4a4b-8c8d-aabbccddeeff"),
        ("{}: Ab+/9_-.~a$Zz0==", "Ab+/9_-.~a$Zz0=="),
        ("{}: eyJhbGciOi.eyJzdWIi.c2ln-_", "eyJhbGciOi.eyJzdWIi.c2ln-_"),
        ("{}:", None),
        ("{}: ", None),
        ("{}: is wrong", None),
        ('{}: "4711"', None),
        ("{}: '4711'", None),
        ("{}: «4711»", None),
        ("{}: <hidden>", None),
        ("{}: 4711.", None),
        ("{}: 4711,", None),
        ("{}: ********", None),
        ("{}: ab****yz", None),
        ("{}: ••••••••", None),
        ("{}: ...", None),
    ],
)  # fmt: skip
def test_values(values, role, name, words, text, wanted):
    """None: nothing fits, or what fits has not the form, by which the module fails."""
    line = match.compiled(values[f"{role}_output_{name}"], name).search(text.format(words))
    form = match.compiled(values[f"{role}_{name}_format"], name)
    assert (line.group(1) if line and form.fullmatch(line.group(1)) else None) == wanted


def test_patterns_take_no_time_on_long_output():
    text = ("License key " + "of the (" * 30 + "\n") * 100 + "client id " + "a " * 1000
    with match.limited("a long output"):
        assert taken(text) == ([], [])
