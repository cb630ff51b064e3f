# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Detection: what is asked, and what the answers mean. The answers have the form that reg.exe gives."""

from __future__ import annotations

import pytest

from ansible_collections.onprem.chat.plugins.plugin_utils._client import detect
from ansible_collections.onprem.chat.tests.unit.plugins.plugin_utils.client_fake import (
    FAMILY,
    NEW,
    OLD,
    exe,
    msi,
    product,
    said,
    uninstall,
)


def understood(wanted, **answers):
    named = {f"client.{name}": said(text) for name, text in {"jobs": "", **answers}.items()}
    return detect.understand(wanted, named)


def test_an_msi_is_asked_for_by_its_packed_codes():
    asks = {ask.name: ask.command for ask in detect.questions(msi())}
    assert set(asks) == {"client.product", "client.family", "client.jobs"}
    assert "\\Products\\1111111A22223333444455555555552B\\InstallProperties" in asks["client.product"]
    assert "\\UpgradeCodes\\111111112222333344445555555555AA" in asks["client.family"]
    assert all(ask.count("%%") == 0 for ask in asks.values())


def test_an_exe_is_asked_for_in_both_views():
    asks = {ask.name: ask.command for ask in detect.questions(exe(uninstall_key="Chat & Co"))}
    assert asks["client.uninstall64"].endswith('Uninstall\\Chat & Co" /reg:64')
    assert asks["client.uninstall32"].endswith('Uninstall\\Chat & Co" /reg:32')


def test_products_of_the_family_are_found_with_their_scope():
    found = understood(msi(), product=product(NEW, "2.0.0"), family=product(OLD, "1.0.0", sid="S-1-5-21-1-2-3-1001"))
    assert [(one.product_code, one.version, one.scope) for one in found.installed] == [
        (NEW, "2.0.0", "machine"), (OLD, "1.0.0", "user"),
    ]  # fmt: skip
    assert [one.version for one in found.machine] == ["2.0.0"]


def test_a_product_that_both_questions_find_is_one():
    found = understood(msi(), product=product(NEW, "2.0.0"), family=product(NEW, "2.0.0") + product(OLD, "1.0.0"))
    assert [one.version for one in found.installed] == ["2.0.0", "1.0.0"]


@pytest.mark.parametrize(
    "said_instead",
    ["", "reg: key not found\r\n", "ОШИБКА: не удается найти\r\n", product(NEW, "").replace("Corp Chat", "")],
)
def test_nothing_is_found_in_what_says_nothing(said_instead):
    found = understood(msi(), product=said_instead, family="")
    assert [one for one in found.installed if one.version] == []


def test_an_exe_is_found_with_what_removes_it():
    text = uninstall("Corp Voice", "1.4", command='"C:\\Program Files\\Corp Voice\\uninst.exe"')
    (one,) = understood(exe(), uninstall64="", uninstall32=text).installed
    assert (one.version, one.view, one.uninstall) == ("1.4", 32, '"C:\\Program Files\\Corp Voice\\uninst.exe"')


def test_the_same_key_in_both_views_is_one_installation():
    text = uninstall("Corp Voice", "1.4")
    assert len(understood(exe(), uninstall64=text, uninstall32=text).installed) == 1
    other = uninstall("Corp Voice", "1.5")
    assert len(understood(exe(), uninstall64=text, uninstall32=other).installed) == 2


def test_values_with_spaces_and_empty_ones():
    ((_path, values),) = detect.keys_of(
        "HKEY_LOCAL_MACHINE\\x\r\n    Display Name    REG_SZ    a    b  c\r\n    None    REG_SZ\r\n"
    )
    assert values == {"display name": "a    b  c", "none": ""}


def test_jobs_of_earlier_runs():
    found = understood(
        msi(), product="", family="", jobs="running chat-1-0\r\nfinished voice-0\r\ndead x 1\r\nnoise\r\n"
    )
    assert found.jobs == {"chat-1-0": "running", "voice-0": "finished", "x 1": "dead"}


def test_without_a_product_code_the_family_is_asked_alone():
    names = [ask.name for ask in detect.questions(msi(product_code="", upgrade_code=FAMILY))]
    assert names == ["client.family", "client.jobs"]
