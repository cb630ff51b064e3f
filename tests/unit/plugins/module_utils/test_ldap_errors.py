# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.onprem.chat.plugins.module_utils._ldap import errors

AD_MESSAGE = "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data {}, v1db1\x00"


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("525", "no such account"),
        ("52e", "wrong password, or wrong account name"),
        ("530", "not permitted to log on at this time"),
        ("531", "not permitted to log on at this computer"),
        ("532", "password expired"),
        ("533", "account disabled"),
        ("701", "account expired"),
        ("773", "password must be changed at first logon"),
        ("775", "account locked out"),
    ],
)
def test_ad_sub_codes(code, meaning):
    evidence, hint = errors.explain_bind(49, "invalidCredentials", AD_MESSAGE.format(code))
    assert evidence == f"invalidCredentials (LDAP result 49), Active Directory code {code}: {meaning}"
    assert hint == errors.AD_BIND_CODES[code][1]


def test_ad_code_in_capitals():
    assert errors.ad_bind_code("error, data 52E, v893") == "52e"


def test_unknown_ad_code_is_shown():
    assert errors.explain_bind(49, "invalidCredentials", AD_MESSAGE.format("568"))[0].endswith("code 568")


def test_invalid_credentials_of_another_server():
    evidence, hint = errors.explain_bind(49, "invalidCredentials", "")
    assert evidence == "invalidCredentials (LDAP result 49)"
    assert hint == "Is the bind DN complete, and the password the right one?"


@pytest.mark.parametrize("code", [8, 13])
def test_strong_auth_required(code):
    evidence, hint = errors.explain_bind(code, "strongerAuthRequired", "BindSimple: Transport encryption required.")
    assert evidence == f"strongerAuthRequired (LDAP result {code}): BindSimple: Transport encryption required."
    assert hint == (
        "Active Directory refuses a simple bind without TLS. Use encryption ldaps (port 636) or starttls (port 389) "
        "instead of none."
    )


def test_bind_other_refusals():
    assert "in full" in errors.explain_bind(34, "invalidDNSyntax", "")[1]
    assert "busy or starting" in errors.explain_bind(51, "busy", "")[1]
    assert errors.explain_bind(80, "other", "kaputt\n jetzt")[0] == "other (LDAP result 80): kaputt jetzt"
    assert errors.explain_bind(99, "", "")[0] == "result 99 (LDAP result 99)"


def test_no_such_base_names_what_exists():
    evidence, hint = errors.explain_search(32, "noSuchObject", "0000208D", "OU=X,DC=corp,DC=test", "DC=corp,DC=test")
    assert evidence == "OU=X,DC=corp,DC=test does not exist; the deepest part that exists is DC=corp,DC=test"
    assert hint.startswith("Is the search base spelt right?")


def test_search_refusals():
    assert "belongs to another domain" in errors.explain_search(10, "referral", "", "DC=other")[0]
    assert "no distinguished name" in errors.explain_search(34, "invalidDNSyntax", "", "corp")[0]
    anonymous = (
        "000004DC: LdapErr: DSID-0C090A5C, comment: In order to perform this operation a successful bind must be"
    )
    assert errors.explain_search(1, "operationsError", anonymous, "DC=x")[1] == "Give bind_dn and bind_password."
    samba = "00002020: Operation unavailable without authentication"
    assert errors.explain_search(1, "operationsError", samba, "DC=x")[1] == "Give bind_dn and bind_password."
    assert "read access" in errors.explain_search(50, "insufficientAccessRights", "", "DC=x")[1]
    assert "limits" in errors.explain_search(4, "sizeLimitExceeded", "", "DC=x")[1]
    assert errors.explain_search(80, "other", "why", "DC=x")[0] == "other (LDAP result 80): why"


def test_one_line_is_cut():
    assert errors.one_line("a" * 400, 10) == "aaaaaaa..."
