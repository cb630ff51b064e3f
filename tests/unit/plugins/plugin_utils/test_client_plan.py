# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan: every state of a host that matters, and what is done about it."""

from __future__ import annotations

import functools

import pytest

from ansible_collections.onprem.chat.plugins.plugin_utils._client import options, plan, wanted
from ansible_collections.onprem.chat.plugins.plugin_utils._client.detect import Found, Installed
from ansible_collections.onprem.chat.plugins.plugin_utils._client.errors import OptionError, RefusedError
from ansible_collections.onprem.chat.plugins.plugin_utils._packages import versions
from ansible_collections.onprem.chat.tests.unit.plugins.plugin_utils.client_fake import NEW, OLD, exe, msi

MSI_RULE = functools.partial(options.compare, versions.compare_msi)
RULE = functools.partial(options.compare, versions.compare)


def there(code, version, **more):
    return Installed(key=code, version=version, name="Corp Chat", product_code=code, **more)


def steps(wanted, *installed, rule=MSI_RULE):
    return [
        (step.action, step.target.version if step.target else "")
        for step in plan.plan(Found(installed), wanted, rule).steps
    ]


@pytest.mark.parametrize(
    ("wanted", "installed", "expected"),
    [
        (msi(), [], [("install", "")]),
        (msi(), [there(NEW, "2.0.0")], []),
        (msi(), [there(NEW, "2.0.0.7")], []),
        (msi(), [there(OLD, "2.0.0")], []),
        (msi(), [there(OLD, "1.0.0")], [("install", "1.0.0")]),
        (msi(), [there(OLD, "1.0.0", sid="S-1-5-21-1")], [("install", "")]),
        (msi(), [there(NEW, "1.9.9")], [("update", "1.9.9")]),
        (msi(), [there(NEW, "2.0.0"), there(OLD, "1.0.0")], []),
        (msi(allow_downgrade=True), [there(OLD, "3.0.0")], [("uninstall", "3.0.0"), ("install", "")]),
        (msi(allow_downgrade=True), [there(NEW, "2.0.0"), there(OLD, "3.0.0")], [("uninstall", "3.0.0")]),
        (msi(allow_downgrade=True), [there(OLD, "1.0.0")], [("install", "1.0.0")]),
        (msi(state="repair"), [there(NEW, "2.0.0")], [("repair", "2.0.0")]),
        (msi(state="repair"), [], [("install", "")]),
        (msi(state="repair"), [there(OLD, "1.0.0")], [("install", "1.0.0")]),
        (msi(state="absent"), [], []),
        (msi(state="absent"), [there(NEW, "2.0.0"), there(OLD, "9.0")], [("uninstall", "2.0.0"), ("uninstall", "9.0")]),
        (msi(version=""), [there(OLD, "0.1")], []),
        (msi(), [there(OLD, "")], [("install", "")]),
    ],
)  # fmt: skip
def test_msi(wanted, installed, expected):
    assert steps(wanted, *installed) == expected


def test_a_package_repairs_its_own_product_alone():
    both = Found((there(OLD, "2.0.0"), there(NEW, "2.0.0")))
    assert plan.plan(both, msi(state="repair"), MSI_RULE).steps[0].target.product_code == NEW
    with pytest.raises(RefusedError, match="was installed by another package, which this one cannot repair"):
        plan.plan(Found((there(OLD, "2.0.0"),)), msi(state="repair"), MSI_RULE)


def test_what_windows_installer_does_not_tell_apart_is_said():
    """A new package whose fourth field alone is greater: nothing is done, and nobody shall believe that it was rolled out."""
    planned = plan.plan(Found((there(OLD, "2.1.0.5"),)), msi(version="2.1.0.7"), MSI_RULE)
    assert not planned.changed
    assert planned.why == "2.1.0.5 is installed, and 2.1.0.7 is the same to Windows Installer"
    assert planned.warning == (
        "Corp Chat: 2.1.0.5 is installed, and 2.1.0.7 is the same to Windows Installer, which looks at the first three fields only. "
        "To get it, remove the client first"
    )
    for version in ("2.1.0.7", "2.1.0.7.0"):
        found = Found((there(OLD, "2.1.0.5"), there(NEW, version)))
        assert plan.plan(found, msi(version="2.1.0.7"), MSI_RULE).warning == ""
    assert plan.plan(Found((there(OLD, "2.0"),)), msi(), MSI_RULE).warning == ""


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("2.0.0.0", []),
        ("2.0", []),
        ("1.9", [("install", "1.9")]),
        ("", [("install", "")]),
        ("nightly", [("install", "nightly")]),
    ],
)
def test_exe(version, expected):
    assert steps(exe(), Installed(key="Corp Voice", version=version), rule=RULE) == expected


def test_a_newer_version_is_refused_with_the_option_that_would_allow_it():
    with pytest.raises(RefusedError) as caught:
        steps(msi(), there(OLD, "2.0.1"))
    assert str(caught.value) == (
        f"Corp Chat 2.0.1 is installed, which is newer than 2.0.0 ({OLD}). The package is older than what the host has. "
        "Take a newer package; or set keep_newer where the client updates itself, or allow_downgrade to remove the newer one first."
    )
    assert caught.value.details["found"][0]["version"] == "2.0.1"


@pytest.mark.parametrize(
    ("installed", "expected"),
    [
        ([there(OLD, "3.0.0")], []),
        ([there(NEW, "2.0.0"), there(OLD, "3.0.0")], []),
        ([there(OLD, "1.0.0")], [("install", "1.0.0")]),
        ([], [("install", "")]),
    ],
)
def test_a_newer_version_is_kept(installed, expected):
    assert steps(msi(keep_newer=True), *installed) == expected
    assert steps(msi(keep_newer=True, state="repair"), there(OLD, "3.0.0")) == []


def test_what_is_kept_is_nothing_that_was_left():
    found = Found((there(OLD, "3.0.0"), there(NEW, "1.0.0")))
    assert [one["version"] for one in plan.left_over(found, msi(keep_newer=True), MSI_RULE)] == ["1.0.0"]


def test_to_keep_and_to_replace_do_not_go_together():
    given = {"state": "absent", "product_code": NEW, "allow_downgrade": True, "keep_newer": True}
    with pytest.raises(OptionError, match="allow_downgrade and keep_newer do not go together"):
        wanted.wanted(given, None)


def test_removal_needs_no_package():
    assert not plan.plan(Found((there(NEW, "2.0.0"),)), msi(state="absent"), MSI_RULE).needs_package
    assert plan.plan(Found(), msi(), MSI_RULE).needs_package


@pytest.mark.parametrize(
    ("wanted", "installed", "expected"),
    [
        (msi(), [there(NEW, "2.0.0")], ""),
        (msi(), [], "it is not registered as installed"),
        (msi(), [there(OLD, "1.0.0")], "Corp Chat is registered with version 1.0.0, not 2.0.0"),
        (msi(), [there(NEW, "2.0.0", sid="S-1-5-21-1")], "it is not registered as installed"),
        (msi(state="absent"), [there(NEW, "2.0.0")], "Corp Chat 2.0.0 is still registered"),
        (msi(state="absent"), [], ""),
    ],
)
def test_what_is_missing_afterwards(wanted, installed, expected):
    assert plan.shortfall(Found(tuple(installed)), wanted, MSI_RULE) == expected


def test_what_an_upgrade_left_is_told():
    left = plan.left_over(Found((there(NEW, "2.0.0"), there(OLD, "1.0.0"))), msi(), MSI_RULE)
    assert [one["version"] for one in left] == ["1.0.0"]


def test_after_the_plan_there_is_nothing_to_do():
    for before in ([], [there(OLD, "1.0.0")], [there(NEW, "1.0.0")]):
        assert steps(msi(), *before) and not steps(msi(), there(NEW, "2.0.0"))
