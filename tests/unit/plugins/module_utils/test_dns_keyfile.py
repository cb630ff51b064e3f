# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Key files as the tools of BIND and Knot print them, and what is wrong with others in words."""

from __future__ import annotations

import errno
import os
import pathlib

import pytest

from ansible_collections.onprem.chat.plugins.module_utils._dns import keyfile
from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import InputError

SECRET = "c2VjcmV0LXNlY3JldA=="
CLAUSE = 'key "chat-update" {\n\talgorithm hmac-sha256;\n\tsecret "c2VjcmV0LXNlY3JldA==";\n};\n'


@pytest.fixture
def key_file(tmp_path):
    path = tmp_path / "chat.key"

    def write(text, mode=0o600):
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode)
        return str(path)

    return write


def error_of(path):
    with pytest.raises(InputError) as error:
        keyfile.read(path)
    assert SECRET not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        CLAUSE,
        # what ddns-confgen prints has comments before and after
        f"# To activate this key, place the following in named.conf, and\n# key text\n{CLAUSE}# then: zone {{ }};\n",
        f'// key "old" {{ algorithm hmac-sha1; secret "b2xk"; }};\n{CLAUSE}',
        f'/* key "old" {{ algorithm hmac-sha1;\n secret "b2xk"; }}; */\n{CLAUSE}',
        CLAUSE.replace("\n\t", " // secret; }\n\t"),
        # quotes, blanks, order and case are free
        'key chat-update{algorithm "hmac-sha256";secret c2VjcmV0LXNlY3JldA==;};',
        'key "chat-update"\n{\n  secret "c2VjcmV0LXNlY3JldA==" ;\n  algorithm HMAC-SHA256. ;\n};',
        CLAUSE.replace("\n", "\r\n"),
        # what keymgr -t of Knot prints: a comment and the line for kdig and knsupdate, or a YAML clause beside it
        "hmac-sha256:chat-update:c2VjcmV0LXNlY3JldA==",
        "# hmac-sha256:chat-update:c2VjcmV0LXNlY3JldA==\nhmac-sha256:chat-update:c2VjcmV0LXNlY3JldA==\n",
        "\n  hmac-sha256:chat-update:c2VjcmV0LXNlY3JldA==  \n\n",
    ],
)
def test_one_key(key_file, text):
    assert keyfile.read(key_file(text)) == ("chat-update", SECRET, "hmac-sha256")


def test_what_keymgr_of_knot_prints(key_file):
    printed = (
        "# hmac-sha256:chat-update:c2VjcmV0LXNlY3JldA==\n"
        "key:\n  - id: chat-update\n    algorithm: hmac-sha256\n    secret: c2VjcmV0LXNlY3JldA==\n"
    )
    assert keyfile.read(key_file(printed)) == ("chat-update", SECRET, "hmac-sha256")


@pytest.mark.parametrize("algorithm", ["hmac-sha1", "hmac-sha224", "hmac-sha384", "hmac-sha512"])
def test_other_algorithms(key_file, algorithm):
    assert keyfile.read(key_file(CLAUSE.replace("hmac-sha256", algorithm)))[2] == algorithm
    assert keyfile.read(key_file(f"{algorithm}:k.corp.test.:{SECRET}\n")) == ("k.corp.test.", SECRET, algorithm)


def test_secret_with_every_sign_of_base64(key_file):
    secret = "ab/cd+ef//gh#ij=="
    assert keyfile.read(key_file(CLAUSE.replace(SECRET, secret)))[1] == secret


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_closed_modes(key_file, mode):
    assert keyfile.read(key_file(CLAUSE, mode))[0] == "chat-update"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o610, 0o602, 0o666])
def test_open_to_others(key_file, mode):
    path = key_file(CLAUSE, mode)
    assert error_of(path) == (
        f"The TSIG key file {path} is open to others (mode {mode:04o}). Whoever can read it can write the zone. "
        f"chmod 600 {path}; if somebody may have read it, make a new key."
    )


@pytest.mark.parametrize("text", [CLAUSE, f"hmac-sha256:chat-update:{SECRET}\n"])
def test_md5_is_refused(key_file, text):
    path = key_file(text.replace("hmac-sha256", "hmac-md5"))
    assert error_of(path) == (
        f"The key chat-update in the file {path} is for hmac-md5, which is not one of hmac-sha256, hmac-sha512, "
        "hmac-sha384, hmac-sha224, hmac-sha1. Make a new one: tsig-keygen -a hmac-sha256 chat-update"
    )


def test_long_name_of_md5_is_refused(key_file):
    path = key_file(CLAUSE.replace("hmac-sha256", "hmac-md5.sig-alg.reg.int"))
    assert error_of(path).startswith(f"The key chat-update in the file {path} is for hmac-md5.sig-alg.reg.int, which")


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", "no TSIG key"),
        ("\n# nothing\n", "no TSIG key"),
        ("c2VjcmV0LXNlY3JldA==\n", "no TSIG key"),
        ('options { directory "/var/cache/bind"; };\n', "no TSIG key"),
        (CLAUSE + CLAUSE.replace("chat", "other"), "2 TSIG keys"),
        (CLAUSE * 3, "3 TSIG keys"),
        ("hmac-sha256:a:YQ==\nhmac-sha256:b:YQ==\n", "2 TSIG keys"),
    ],
)
def test_one_key_is_needed(key_file, text, count):
    path = key_file(text)
    assert error_of(path) == (
        f"The file {path} holds {count}; it must hold one. Is it what tsig-keygen (BIND) or keymgr -t (Knot) has printed?"
    )


@pytest.mark.parametrize(
    ("line", "missing"), [('secret "c2VjcmV0LXNlY3JldA==";', "secret"), ("algorithm hmac-sha256;", "algorithm")]
)
def test_half_a_key(key_file, line, missing):
    path = key_file(CLAUSE.replace(line, ""))
    assert error_of(path) == f"The key chat-update in the file {path} has no {missing}."


def test_no_such_file(tmp_path):
    assert error_of(f"{tmp_path}/none.key") == (
        f"The TSIG key file {tmp_path}/none.key cannot be read: No such file or directory. Does it exist on the host where "
        "the module runs, and may the user who runs Ansible read it?"
    )


def test_a_directory(tmp_path):
    assert error_of(str(tmp_path)).startswith(f"The TSIG key file {tmp_path} cannot be read: Is a directory. Does it")


def test_not_for_us(key_file, monkeypatch):
    path = key_file(CLAUSE)

    def refuse(*_arguments, **_options):
        # Root may read everything, so the system cannot be made to refuse it.
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    monkeypatch.setattr(pathlib.Path, "open", refuse)
    assert error_of(path).startswith(f"The TSIG key file {path} cannot be read: Permission denied. Does it exist")


def test_no_text(key_file):
    path = key_file(b"\xff\xfe\x00key")
    assert error_of(path).startswith(f"The TSIG key file {path} cannot be read: it is no text. Does it exist")
