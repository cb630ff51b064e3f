# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which desktops inventories/example_multi_domain finds in the directories of two domains, and what is said when it cannot.

Real there: two Samba domains with LDAP and Kerberos; the collection microsoft.ad. The computers are accounts without machines;
those of real members are found in test_clients_domains.py. Samba is not Windows.
"""

from __future__ import annotations

import json
import re

import pytest
from lab_desktops import ROLLOUT
from lab_domains import DISABLED, FAILED, UNIT, Computer, Directory, Inventory

DOMAINS = ("corp", "branch")
CANARY = "wrong-canary-4711"
LDAPS = {"port": None, "tls_mode": "ldaps", "auth_protocol": "simple"}
SEALED = {"port": 389, "tls_mode": None, "ca_cert": None, "auth_protocol": "kerberos"}


@pytest.fixture(scope="module")
def directories(lab):
    lab.up("win1", "win3")  # their accounts read the directories
    found = {name: Directory(lab, name) for name in DOMAINS}
    computers = [
        Computer("pc1", pilot=True),
        Computer("pc7", unit=f"OU=First Floor,{UNIT}", system="Windows 10 Enterprise"),
        Computer("new", seen=None),
        Computer("quiet", seen=100),  # it changes its password, so it lives
        Computer("forgotten", seen=100, password=100),
        Computer("never", seen=None, password=None),
        Computer("former", control=DISABLED),
        Computer("files", system="Windows Server 2022 Standard"),
        Computer("linux", system="Samba"),
        Computer("nameless", dns=False),
    ]
    for directory in found.values():
        directory.fill(computers)
    yield found
    for directory in found.values():
        directory.clear()


@pytest.fixture
def inventory(lab, directories, tmp_path):
    def inventory(**more) -> Inventory:
        options = more.pop("options", {})
        within = {
            name: {"search_base": f"{UNIT},{directory.base}", **options.get(name, {})}
            for name, directory in directories.items()
        }
        return Inventory(lab, tmp_path, dict.fromkeys(DOMAINS, lab.state / "company-ca.crt"), options=within, **more)

    return inventory


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, id="as-it-is"),
        pytest.param({"branch": {**LDAPS, "ca_cert": "COMPANY"}}, id="ldaps"),
        pytest.param({"corp": SEALED}, id="kerberos"),
        pytest.param({"corp": {**SEALED, "auth_protocol": "ntlm"}, "branch": {"auth_protocol": "ntlm"}}, id="ntlm"),
    ],
)
def test_who_is_listed(inventory, lab, options):
    company = str(lab.state / "company-ca.crt")
    options = {
        name: {key: company if value == "COMPANY" else value for key, value in given.items()}
        for name, given in options.items()
    }
    groups = inventory(options=options).groups()
    assert groups["corp_desktops"] == {f"{name}.corp.test" for name in ("pc1", "pc7", "new", "quiet")}
    assert groups["branch_desktops"] == {f"{name}.branch.test" for name in ("pc1", "pc7", "new", "quiet")}
    assert groups["chat_desktops"] == groups["corp_desktops"] | groups["branch_desktops"]
    assert groups["stale_desktops"] == {
        f"{name}.{domain}.test" for name in ("forgotten", "never") for domain in DOMAINS
    }
    assert groups["ring_pilot"] == {"pc1.corp.test", "pc1.branch.test"}
    assert groups["ring_first_floor"] == {"pc7.corp.test", "pc7.branch.test"}


WRONG = [
    ("corp", {}, True, "bind failed - INVALID_CREDENTIALS - 80090308: LdapErr: DSID-0C0903A9, comment: "),
    ("branch", {}, True, "Preauthentication failed"),
    (
        "branch",
        {"username": "nobody@BRANCH.TEST"},
        False,
        "Client 'nobody@BRANCH.TEST' not found in Kerberos database",
    ),
    ("branch", {"username": f"{ROLLOUT}@NO.TEST"}, False, 'Cannot find KDC for realm "NO.TEST"'),
    ("corp", {"ca_cert": None}, False, "certificate verify failed: unable to get local issuer certificate"),
    ("corp", {"server": "10.203.0.10"}, False, "certificate is not valid for '10.203.0.10'"),
    ("branch", {"server": "10.203.0.13"}, False, "Server not found in Kerberos database"),
    (
        "corp",
        {"auth_protocol": "kerberos"},
        False,
        "STRONG_AUTH_REQUIRED - SASL:[GSS-SPNEGO]: Sign or Seal are required.",
    ),
    ("branch", {"auth_protocol": "simple"}, False, "Cannot use simple auth with encryption."),
    ("branch", {"server": "dc9.branch.test"}, False, "Failed to connect to dc9.branch.test:389: "),
]


@pytest.mark.parametrize(("domain", "options", "password", "text"), WRONG, ids=[case[3][:30] for case in WRONG])
def test_a_directory_that_is_not_read(inventory, domain, options, password, text):
    """docs/windows.md has these texts. The other domain alone is no inventory."""
    asked = inventory(options={domain: options}, readers={domain: CANARY} if password else {}).ask()
    told = re.sub(r"\s+", " ", asked.stderr)
    assert asked.returncode != 0
    assert text in told, told
    assert re.search(rf"{FAILED} \S+_{domain}\.microsoft\.ad\.ldap\.yml", told), told
    assert CANARY not in asked.stdout + asked.stderr


def test_without_one_domain_on_purpose(inventory):
    """What Ansible does by default: it warns, and lists the desktops of the others."""
    given = inventory(readers={"branch": CANARY})
    asked = given.ask(ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED="false")
    assert asked.returncode == 0
    listed = json.loads(asked.stdout)
    assert "pc1.corp.test" in listed["corp_desktops"]["hosts"]
    assert "branch_desktops" not in listed
    assert "Preauthentication failed" in asked.stderr
