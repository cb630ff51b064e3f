# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""GUIDs of packages."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.onprem.chat.plugins.plugin_utils._packages import guid


def test_packed_as_the_registry_has_it():
    # Read in the registry after a real msiexec had installed this product.
    assert guid.packed("{11111111-2222-3333-4444-555555555501}") == "11111111222233334444555555555510"
    assert guid.packed("{12345678-9abc-def0-1234-56789abcdef0}") == "87654321CBA90FED21436587A9CBED0F"


def test_normal():
    assert guid.normal("12345678-9abc-def0-1234-56789abcdef0") == "{12345678-9ABC-DEF0-1234-56789ABCDEF0}"


@pytest.mark.parametrize(
    "text", ["", "{1}", "{12345678-9abc-def0-1234-56789abcdef}", "{12345678-9abc-def0-1234-56789abcdefg}"]
)
def test_no_guid(text):
    assert not guid.is_guid(text)
    with pytest.raises(ValueError, match="no GUID"):
        guid.packed(text)


def test_no_packed_guid():
    with pytest.raises(ValueError, match="no packed GUID"):
        guid.unpacked("{12345678-9abc-def0-1234-56789abcdef0}")


@given(st.uuids())
def test_there_and_back(one: uuid.UUID):
    text = "{" + str(one).upper() + "}"
    assert guid.unpacked(guid.packed(text)) == text
    assert guid.from_bytes(one.bytes_le) == text
