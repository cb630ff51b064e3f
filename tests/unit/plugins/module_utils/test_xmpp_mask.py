# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets that stand in other people's texts."""

from __future__ import annotations

import base64

import pytest

from ansible_collections.onprem.chat.plugins.module_utils._checks import Checks
from ansible_collections.onprem.chat.plugins.module_utils._xmpp.mask import MASK, Masker
from ansible_collections.onprem.chat.plugins.module_utils._xmpp.settings import Account, Settings

ANNA = Account("anna@corp.test", "s3cret-canary")


@pytest.mark.parametrize(
    "secret",
    [
        "s3cret-canary",
        base64.b64encode(b"s3cret-canary").decode(),
        base64.b64encode(b"\0anna\0s3cret-canary").decode(),
        base64.b64encode(b"anna@corp.test\0anna\0s3cret-canary").decode(),
    ],
)
def test_every_form_is_masked(secret):
    assert Masker([ANNA]).text(f"could not send <auth>{secret}</auth>") == f"could not send <auth>{MASK}</auth>"


def test_a_password_that_is_part_of_another():
    masker = Masker([Account("a@corp.test", "abc"), Account("b@corp.test", "abcdef")])
    assert masker.text("abcdef abc") == f"{MASK} {MASK}"


def test_an_empty_password_masks_nothing():
    assert Masker([Account("a@corp.test", "")]).text("all is said") == "all is said"


def test_checks_keep_their_shape():
    checks = Checks()
    checks.failed("xmpp.login", "anna@corp.test", "got s3cret-canary", "try s3cret-canary", "RFC")
    assert Masker([ANNA]).checks(checks) == [
        {
            "id": "xmpp.login",
            "subject": "anna@corp.test",
            "status": "fail",
            "evidence": f"got {MASK}",
            "hint": f"try {MASK}",
            "source": "RFC",
        }
    ]


def test_repr_of_settings_has_no_password():
    assert "s3cret" not in repr(Settings("corp.test", users=(ANNA,), disabled_user=ANNA))
