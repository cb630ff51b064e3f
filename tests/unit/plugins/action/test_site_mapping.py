# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of site keys: playbooks/vars/site.yml, evaluated by Ansible."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import lookup_loader
from ansible.plugins.lookup import LookupBase
from ansible.template import Templar, trust_as_template

from ansible_collections.onprem.chat.plugins.action.site_info import read_rules

ROOT = pathlib.Path(__file__).resolve().parents[4]
SITE = {
    "chat_domain": "corp.test",
    "chat_host": "chat.corp.test",
    "chat_addresses": ["10.0.0.1"],
    "chat_ldap_servers": ["dc1.corp.test"],
    "chat_ca_directory": "pki",
    "chat_ad_ca_file": "ca.pem",
}
MTS_LINK = {
    "chat_product": "mts_link",
    "chat_domain": "chats.corp.test",
    "chat_addresses": ["10.0.0.1"],
    "chat_ldap_servers": ["dc1.corp.test"],
}


@pytest.fixture
def value(monkeypatch, tmp_path):
    """The value of a variable for a site, with Ansible started in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    loader = DataLoader()
    mapping = loader.load_from_file(str(ROOT / "playbooks" / "vars" / "site.yml"), trusted_as_template=True)

    def value(name, site):
        # The filter is tested where it is; the collection is not installed here in the way that its name would be found.
        variables = mapping | {"__site_watched_listeners": []} | site
        return Templar(loader, variables=variables).template(trust_as_template("{{ " + name + " }}"))

    return value


def test_paths_are_those_of_the_user(value, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/home/anna")
    assert value("certificates_ca_directory", SITE) == f"{tmp_path}/pki"
    assert value("verify_ca_file", SITE) == f"{tmp_path}/pki/root.crt"
    assert value("__site_ad_ca_file", SITE) == f"{tmp_path}/ca.pem"
    site = SITE | {"chat_certificate_source": "files", "chat_certificate_trust_anchors": ["root.pem"]}
    assert value("verify_ca_file", site) == f"{tmp_path}/root.pem"
    assert value("certificates_files", site | {"chat_certificate_files": ["~/a", "b", "/c"]}) == [
        "/home/anna/a",
        f"{tmp_path}/b",
        "/c",
    ]


def test_without_a_folder_of_its_own(value):
    site = {name: one for name, one in SITE.items() if name != "chat_ca_directory"} | {
        "chat_certificate_source": "acme"
    }
    assert value("certificates_ca_directory", site) == ""
    assert value("certificates_files", site) == []
    assert value("verify_ca_file", site) == ""


def test_what_is_watched(value, tmp_path):
    own = {"host": "nas.corp.test", "port": 443}
    assert value("verify_certificates", SITE | {"chat_watch_endpoints": [own]}) == [
        {
            "host": "chat.corp.test",
            "port": 5222,
            "protocol": "xmpp-client",
            "domain": "corp.test",
            "trust_anchors": [f"{tmp_path}/pki/root.crt"],
        },
        {"host": "dc1.corp.test", "port": 636, "trust_anchors": [f"{tmp_path}/ca.pem"]},
        own,
    ]


@pytest.mark.parametrize(
    ("servers", "spare"),
    [(["dc1.corp.test"], [None]), (["dc1.corp.test", "dc2.corp.test"], [True, True]), (None, [True] * 3)],
    ids=["one", "two", "those in DNS"],
)
def test_several_controllers_stand_in_for_each_other(value, monkeypatch, servers, spare):
    monkeypatch.setattr(lookup_loader, "get", lambda *_names, **_options: Answer())
    for site in (SITE, MTS_LINK | {"chat_ad_domain": "corp.test"}):
        site = site | {"chat_ldap_servers": servers, "chat_watch_endpoints": [{"host": "nas.corp.test", "port": 443}]}
        watched = value("verify_certificates", site)
        assert [one.get("spare") for one in watched if one["port"] == 636] == spare
        assert [one for one in watched if "spare" in one and one["port"] != 636] == []


@pytest.mark.parametrize(
    ("site", "looks"),
    [
        ({}, True),
        ({"ejabberd_archive": "always"}, True),
        ({"ejabberd_archive": "roster"}, False),
        ({"ejabberd_archive": "never"}, False),
    ],
    ids=["default", "always", "roster", "never"],
)
def test_verify_looks_for_messages_only_where_the_server_keeps_all(value, site, looks):
    assert value("verify_archive", SITE | site) is looks


def test_mts_link_needs_neither_a_host_nor_a_ca(value):
    assert value("certificates_dns_names", MTS_LINK) == [
        "chats.corp.test",
        "chats-gateway.corp.test",
        "chats-storage.corp.test",
    ]
    assert value("certificates_dns_names", SITE) == ["corp.test", "chat.corp.test"]
    assert value("verify_ca_file", MTS_LINK) == ""
    assert value("verify_certificates", MTS_LINK) == [
        {
            "host": "chats.corp.test",
            "port": 443,
            "dns_names": ["chats.corp.test", "chats-gateway.corp.test", "chats-storage.corp.test"],
            "trust_anchors": [],
        },
        {"host": "dc1.corp.test", "port": 636, "judge": "dates"},
    ]


@pytest.mark.parametrize(
    ("site", "own", "external"),
    [
        ({}, ["10.0.0.1"], []),
        ({"chat_internal_addresses": ["10.0.0.1"]}, ["10.0.0.1"], []),
        ({"chat_addresses": ["192.0.2.1"], "chat_internal_addresses": ["10.0.0.1"]}, ["10.0.0.1"], ["192.0.2.1"]),
    ],
    ids=["direct", "said twice", "NAT"],
)
def test_addresses_of_mts_link(value, site, own, external):
    """DNS has the addresses that users reach, the host those that it has."""
    site = MTS_LINK | site
    assert value("host_names", site) == [
        {"name": name, "addresses": own} for name in value("certificates_dns_names", site)
    ]
    assert value("host_fqdn", site) == "chats.corp.test"
    assert value("host_addresses", site) == value("mts_link_chats_addresses", site) == own
    assert value("mts_link_chats_external_addresses", site) == external
    assert [host["addresses"] for host in value("dns_hosts", site)] == [site["chat_addresses"]] * 3


def test_both_servers_of_mts_link_run_the_same_installer(value, tmp_path):
    for site, installer in (
        ({}, "https://rep-box.webinar.ru/chats/latest/installer.sh"),
        ({"chat_installer": "https://mirror.corp.test/installer.sh"}, "https://mirror.corp.test/installer.sh"),
        ({"chat_installer": "files/installer.sh"}, f"{tmp_path}/files/installer.sh"),
    ):
        assert value("mts_link_meetings_installer", MTS_LINK | site) == installer
        assert value("mts_link_chats_installer", MTS_LINK | site) == installer


# Every key of the site file that names a file, and the variable that becomes of it.
FILES = {
    "chat_ad_ca_file": "__site_ad_ca_file",
    "chat_dns_keytab": "dns_keytab",
    "chat_dns_tsig_key_file": "dns_tsig_key_file",
    "chat_dns_views[].tsig_key_file": "dns_views",
    "chat_dns_views[].keytab": "dns_views",
    "chat_certificate_files[]": "certificates_files",
    "chat_certificate_trust_anchors[]": "certificates_trust_anchors",
    "chat_acme_ca_file": "certificates_acme_ca_file",
    "chat_licence_file": "mts_link_chats_licence_file",
}
# These are made absolute by who uses them: the role windows_client, and the plan of the role verify.
OF_THE_ROLES = {
    "chat_clients[].ca_path",
    "chat_clients[].signature.trust_anchors[]",
    "chat_clients[].transforms[]",
    "chat_clients[].settings[].reg_file",
    "chat_client_settings[].reg_file",
    "chat_watch_endpoints[].trust_anchors[]",
}


def files_of(path, spec):
    """Where files are named in a key of the site file."""
    if spec.get("format") == "existing_file":
        yield path
    if "elements" in spec:
        yield from files_of(f"{path}[]", spec["elements"])
    for name, inner in spec.get("keys", {}).items():
        yield from files_of(f"{path}.{name}", inner)


def test_every_key_that_names_a_file_is_known_here():
    assert {path for name, spec in read_rules().site_keys.items() for path in files_of(name, spec)} == {
        *FILES,
        *OF_THE_ROLES,
    }


def site_with(path, file):
    """A site in which that key names the file."""
    name, _dot, inner = path.partition(".")
    given = {"name": "outside", inner: file} if inner else file
    return {name.removesuffix("[]"): [given] if name.endswith("[]") else given}


@pytest.mark.parametrize(
    ("path", "name"),
    [
        *FILES.items(),
        ("chat_acme_account_key_file", "certificates_acme_account_key_file"),
        ("chat_dns_keytab", "certificates_acme_dns_keytab"),
        ("chat_dns_tsig_key_file", "certificates_acme_dns_tsig_key_file"),
    ],
)
def test_a_file_is_one_of_the_user(value, tmp_path, monkeypatch, path, name):
    monkeypatch.setenv("HOME", "/home/anna")
    for given, wanted in (
        ("files/one", f"{tmp_path}/files/one"),
        ("~/one", "/home/anna/one"),
        ("/srv/one", "/srv/one"),
        (trust_as_template("{{ chat_domain }}/one"), f"{tmp_path}/corp.test/one"),
    ):
        seen = value(name, SITE | site_with(path, given))
        (seen,) = seen if isinstance(seen, list) else [seen]
        assert wanted == (seen[path.rpartition(".")[2]] if isinstance(seen, dict) else seen)


def test_no_file_is_none(value):
    names = ["dns_keytab", "dns_tsig_key_file", "certificates_acme_ca_file", "certificates_acme_account_key_file"]
    assert [value(name, SITE) for name in names] == ["", "", "", ""]
    views = [{"name": "a", "tsig_key_file": "", "server": "ns1.corp.test"}, {"name": "b", "keytab": None}]
    assert value("dns_views", SITE | {"chat_dns_views": views}) == views
    assert value("dns_views", SITE) == value("windows_client_settings", SITE) == []
    settings = [{"key": "HKLM\\SOFTWARE\\Corp", "name": "A", "data": 0}, {"reg_file": ""}]
    assert value("windows_client_settings", SITE | {"chat_client_settings": settings}) == settings


def test_a_checksum_may_be_in_capitals(value):
    """As Get-FileHash writes it."""
    site = MTS_LINK | {"chat_installer_sha256": "ABCDEF" + "0" * 58}
    for name in ("mts_link_meetings_installer_sha256", "mts_link_chats_installer_sha256"):
        assert value(name, site) == "abcdef" + "0" * 58


class Answer(LookupBase):
    """What DNS says of the domain controllers."""

    records: t.ClassVar = [
        {"priority": 10, "target": "dc3.corp.test."},
        {"priority": 0, "target": "dc2.corp.test."},
        {"priority": 10, "target": "dc1.corp.test."},
    ]

    def run(self, terms, variables=None, **kwargs):
        assert terms == ["_ldap._tcp.dc._msdcs.corp.test"]
        return self.records


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        ("__site_domain_controllers", ["dc2.corp.test", "dc1.corp.test", "dc3.corp.test"]),
        ("__site_found_controllers", ["dc1.corp.test", "dc2.corp.test", "dc3.corp.test"]),
        ("of_init", ["dc2.corp.test", "dc1.corp.test", "dc3.corp.test"]),
    ],
)
def test_found_controllers_do_not_follow_the_order_of_the_answer(value, monkeypatch, variable, expected, turned):
    """DNS turns the records of an answer round: each run would write another configuration."""
    answer = Answer()
    answer.records = Answer.records[::-1] if turned else Answer.records
    monkeypatch.setattr(lookup_loader, "get", lambda *_names, **_options: answer)
    tasks = DataLoader().load_from_file(str(ROOT / "playbooks/tasks/init_discover.yml"), trusted_as_template=True)
    found = tasks[0]["block"][0]["ansible.builtin.set_fact"]["__init_found"]
    site = SITE | {"__init_ad_domain": "corp.test", "of_init": found["controllers"]}
    assert value(variable, site) == expected


def test_ports_of_the_host_itself_stay_open(value):
    """What else runs there is reached as before, whatever the product."""
    own = [{"port": 8443, "comment": "backup"}, {"port": 161, "protocol": "udp", "sources": ["10.0.0.0/24"]}]
    for site, ports in ((SITE, [5222]), (MTS_LINK, [80, 443])):
        for written in (None, []):
            assert [rule["port"] for rule in value("host_open_ports", site | {"chat_open_ports": written})] == ports
        rules = value("host_open_ports", site | {"chat_open_ports": own})
        assert [rule["port"] for rule in rules] == [*ports, 8443, 161]
        assert rules[-2:] == own
