# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a user's batch file makes of versions and of whoami, run by a model of cmd.exe: it agrees with the controller."""

from __future__ import annotations

import contextlib

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from hypothesis import assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ansible_collections.onprem.chat.plugins.plugin_utils._client import options, users_script, users_weigh
from ansible_collections.onprem.chat.plugins.plugin_utils._client.errors import OptionError
from ansible_collections.onprem.chat.plugins.plugin_utils._packages import versions
from ansible_collections.onprem.chat.plugins.plugin_utils._packages.model import Package
from ansible_collections.onprem.chat.tests.unit.plugins.plugin_utils.batch_file import Batch
from ansible_collections.onprem.chat.tests.unit.plugins.plugin_utils.client_fake import exe, msi

# The controller's answers as the batch file gives them.
WORDS = {-1: "older", 0: "same", 1: "newer"}


def weighed(wish, installed: str) -> str:
    """What user.cmd decides for a user who has this version."""
    found = Batch(users_script.user(wish, "w", 60).decode()).run("weigh", opc_version=installed)
    return "same" if found.get("opc_same") else "newer" if found.get("opc_newer") else "older"


def judged(wish, installed: str) -> str:
    """What the controller says of it."""
    rule = versions.compare_msi if wish.kind == "msi" else versions.compare
    return WORDS[options.compare(rule, installed, wish.version)]


@pytest.mark.parametrize(
    ("wanted", "installed", "word"),
    [
        ("2.1.0", "2.1.0", "same"),
        ("2.1.0", "2.1", "same"),
        ("2.1.0", "2.0.9", "older"),
        ("2.1.0", "2.1.0.1", "newer"),
        ("2.1.0", "2.1.0.0.1", "newer"),
        ("2.1.0", "2.10", "newer"),
        ("2.1.0", "2.2.0-beta.3", "newer"),
        ("2.1.0", "2.1.1-hotfix", "newer"),
        ("2.1.0", "2.1.0-hotfix", "newer"),
        ("2.1.0", "2.1.0-beta.3", "older"),
        ("2.1.0", "2.0.9-hotfix", "older"),
        ("2.1.0", "v2.1.0", "same"),
        ("2.1.0", "V 2.1.0", "same"),
        ("2.1.0", "2.1.0+9f1c0c2", "same"),
        ("2.1.0", "2.1.0 (x64)", "newer"),
        ("2.1.0", "2.1.0 ", "same"),
        ("2.1.0", "2, 1, 0, 0", "same"),
        ("2.1.0", "2.1.0.20260101123456", "newer"),
        ("2.1.0", "beta", "older"),
        ("2.1.0", "version 9", "older"),
        ("2.1.0", "v", "older"),
        ("2.1.0", ";2.1.0", "older"),
        ("v2.1.0", "2.1.0", "same"),
        ("2.1.0+9f1c0c2", "2.1.0", "same"),
        ("2.1.0 ", "2.1.0", "same"),
        ("2.1.0-beta.3", "2.1.0", "newer"),
        ("2.1.0-beta.3", "2.1.0-beta.10", "newer"),
        ("2.1.0-beta.3", "2.1.0-BETA3", "same"),
        ("2.1.0-beta.3", "2.1.0-alpha.9", "older"),
        ("2.1.0-rc1", "2.1.0-rc1.1", "newer"),
        ("1.2", "1.2b1", "older"),
        ("1.2", "1.2b", "newer"),
        ("1.2b1", "1.2b", "newer"),
        ("1.2 сборка 5", "1.2 Сборка 7", "newer"),
        ("1.2 сборка 5", "1.2 сборка 4", "older"),
        ("stable", "stable", "same"),
        ("stable", "2.0", "older"),
        ("20260101123456", "20260101123457", "newer"),
    ],
)
def test_a_version_in_a_users_session_is_weighed_as_on_the_controller(wanted, installed, word):
    wish = exe(version=wanted)
    assert judged(wish, installed) == word
    assert weighed(wish, installed) == word


@pytest.mark.parametrize(
    ("wanted", "installed", "word"),
    [
        ("2.1.0", "2.1.0.9", "same"),
        ("2.1.0", "2.1.0-beta", "same"),
        ("2.1.0", "v2.1.1-beta", "newer"),
        ("v2.1.0-rc1", "2.1", "same"),
        ("2.1.0", "2.0.9-hotfix", "older"),
    ],
)
def test_of_an_msi_three_numbers_count(wanted, installed, word):
    wish = msi(version=wanted)
    assert (judged(wish, installed), weighed(wish, installed)) == (word, word)


NUMBERS = st.lists(st.integers(0, 12), min_size=1, max_size=5).map(lambda found: ".".join(map(str, found)))
SUFFIX = st.lists(
    st.tuples(
        st.sampled_from(["-", ".", " ", "_", " (", "", "~"]),
        st.sampled_from([*versions.BEFORE, "hotfix", "build", "x64", "A", "RC", "7", "10", "c3"]),
    ),
    max_size=3,
).map(lambda found: "".join(mark + word for mark, word in found))
VERSIONS = st.tuples(
    st.sampled_from(["", "v", "V ", "v."]),
    NUMBERS,
    st.one_of(st.just(""), st.just("-"), SUFFIX),
    st.sampled_from(["", "+7", "+a.1"]),
).map("".join)


def of_few_numbers(*texts):
    """A suffix may begin with numbers (.7.7); of more than a batch file weighs nothing is said here, they are refused."""
    return all(len(versions.key(text)[0]) <= users_weigh.FIELDS for text in texts)


@hypothesis_settings(deadline=None, max_examples=400)
@given(VERSIONS, VERSIONS, st.booleans())
def test_any_two_versions(one, other, product):
    assume(of_few_numbers(one, other))
    wish = (msi if product else exe)(version=one)
    assert weighed(wish, other) == judged(wish, other)


@hypothesis_settings(deadline=None, max_examples=200)
@given(NUMBERS, SUFFIX, SUFFIX)
def test_the_same_numbers_with_any_suffixes(numbers, one, other):
    assume(of_few_numbers(numbers + one, numbers + other))
    wish = exe(version=numbers + one)
    assert weighed(wish, numbers + other) == judged(wish, numbers + other)


@hypothesis_settings(deadline=None, max_examples=200)
@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12))
def test_whatever_somebody_has_written_it_comes_to_an_end(installed):
    assert weighed(exe(version="2.1.0"), installed) in ("older", "same", "newer")


@pytest.mark.parametrize(
    "version", ["1.2.3.4.5.6.7", "1.123456789012345678901", "1.2-beta.123456789012345678901", '1.2 "3"', "1.2 № 5"]
)
def test_a_version_that_a_batch_file_cannot_weigh_is_refused(version):
    with pytest.raises(OptionError) as caught:
        users_weigh.check(exe(scope="user", version=version))
    assert f"The version {version!r} cannot be compared in a session of a user (version)" in str(caught.value)
    users_weigh.check(exe(scope="user", version=version, state="absent"))


@pytest.mark.parametrize(("scope", "refused"), [("user", True), ("machine", False)])
def test_such_a_version_is_refused_before_a_host_is_asked(scope, refused):
    package = Package("exe", "/p/voice.exe", 9, "0" * 64, "Corp Voice", "2.0.0")
    given = {"package": package.path, "uninstall_key": "Corp Voice", "arguments": ["/S"], "version": "1.2.3.4.5.6.7"}
    checked = ArgumentSpecValidator(options.argument_spec()).validate({**given, "scope": scope})
    assert not checked.error_messages
    account = {"host": "win1", "user": "x", "password": "x"}
    with pytest.raises(OptionError, match="cannot be compared") if refused else contextlib.nullcontext():
        options.task(checked.validated_parameters, package, account, False)


@pytest.mark.parametrize("version", ["1.2.3.4.5.6.0", "1.2.3.4.5.6.7-beta", "1.2 № 5"])
def test_of_an_msi_the_rest_is_not_weighed_and_may_be_anything(version):
    users_weigh.check(msi(scope="user", version=version))


@pytest.mark.parametrize(
    "line",
    [
        '"corp\\anna","S-1-5-21-1-2-3-1105"',
        '"ws-1-204\\max","S-1-5-21-1-2-3-1105"',
        '"corp\\klaus-1-adm","S-1-5-21-1-2-3-1105"',
        '"WS-1-2\\S-1-5 & 100%","S-1-5-21-1-2-3-1105"',
        '"azuread\\Max, s-1-2","S-1-5-21-1-2-3-1105"',
        '"corp\\мария & 😀 100%^!","S-1-5-21-1-2-3-1105"',
        # Wine knows no /fo.
        "WIN1\\windows S-1-5-21-1-2-3-1105",
    ],
)
def test_the_sid_is_told_from_a_name_that_looks_like_one(line):
    text = users_script.user(msi(), "w", 60).decode()
    lines = "\r\n".join(
        one for one in text.partition("\r\n:begin")[0].split("\r\n") if "opc_sid=" in one or "whoami" in one
    )
    found = Batch(lines, lambda program: f"{line}\r\n").run()
    assert found["opc_sid"] == "S-1-5-21-1-2-3-1105"
