# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

import pytest

from ansible_collections.onprem.chat.plugins.action.site_info import ActionModule, read_mapped, read_rules
from ansible_collections.onprem.chat.plugins.plugin_utils import _site_guard as tested

RULES = tested.Rules(
    site_keys=read_rules().site_keys,
    role_options={
        "ejabberd": {"ejabberd_port": {"type": "int"}, "ejabberd_domains": {"type": "list"}},
        "host": {"host_fqdn": {"type": "str"}, "host_extra": {"type": "raw"}, "host_map": {"type": "dict"}},
    },
    mapped={"host_fqdn": ["chat_host"], "ejabberd_domains": []},
)
SECRET = "canary-S3cret"


@pytest.fixture()
def site():
    """A sound site, as Variables."""
    values = {
        "chat_product": "ejabberd",
        "chat_domain": "corp.test",
        "chat_host": "chat.corp.test",
        "chat_addresses": ["10.203.0.20", "fd00::20"],
        "chat_ad_ca_file": __file__,
        "chat_ldap_bind_dn": "CN=chat,OU=Service,DC=corp,DC=test",
        "chat_ldap_bind_password": SECRET,
        "chat_dns_server": "dc1.corp.test",
        "chat_dns_principal": "svc-chat-dns@CORP.TEST",
        "chat_dns_password": SECRET,
        "chat_ca_directory": "/srv/pki",
        "chat_ca_passphrase": SECRET,
        "chat_verify_users": [{"jid": "anna@corp.test", "password": SECRET}],
    }
    return {name: tested.Variable(value, "site.yml:3") for name, value in values.items()}


def ask(site, **changes):
    """(id, evidence, hint) of every failure; None removes a key."""
    variables = dict(site)
    for name, value in changes.items():
        if value is None:
            variables.pop(name, None)
        else:
            variables[name] = value if isinstance(value, tested.Variable) else tested.Variable(value)
    checks = tested.judge(variables, RULES)
    assert SECRET not in json.dumps(checks.as_list())
    return [(check.id, check.evidence, check.hint) for check in checks.failures]


def one(site, **changes):
    (failure,) = ask(site, **changes)
    return failure


def test_a_sound_site_gives_one_passing_check(site):
    (check,) = tested.judge(site, RULES).as_list()
    assert (check["status"], check["evidence"]) == ("pass", "13 variables, all known and sound")


def test_misspelt_site_key(site):
    assert one(site, chat_domian=tested.Variable("x", "site.yml:9")) == (
        "site.unknown",
        "chat_domian is no variable of this collection (site.yml:9)",
        "Did you mean chat_domain? Known ones are listed in docs/site_file.md; name a variable of your own in "
        "chat_foreign_variables.",
    )


def test_misspelt_role_variable(site):
    _id, evidence, hint = one(site, ejabberd_prot=5222)
    assert evidence == "ejabberd_prot is no variable of this collection"
    assert hint.startswith("Did you mean ejabberd_port? Known ones are listed in the role's README.md;")


def test_unknown_without_a_near_one(site):
    assert one(site, host_wxyz_qqq="x")[2].startswith("Known ones are listed in")


@pytest.mark.parametrize("patterns", [["host_location"], ["host_.*"], ["x", "host_loc[a-z]+"]])
def test_foreign_variables(site, patterns):
    assert ask(site, host_location="cellar", chat_foreign_variables=patterns) == []


def test_foreign_patterns_cover_the_whole_name(site):
    assert len(ask(site, host_location="cellar", chat_foreign_variables=["host_loc"])) == 1


def test_answers_of_a_roles_preflight_are_known(site):
    assert ask(site, host_preflight_checks=[]) == []


def test_bad_pattern(site):
    _id, evidence, _hint = one(site, chat_foreign_variables=["host_("])
    assert evidence.startswith("chat_foreign_variables holds 'host_(', which is no pattern: ")


def test_other_prefixes_are_nobodys_business(site):
    assert ask(site, hostvars="x", my_chat_domain="x", vault_chat_x="x") == []


def test_missing_key(site):
    assert one(site, chat_host=None) == (
        "site.missing",
        "chat_host is not set",
        "Set it in group_vars/all/site.yml. Full DNS name of the chat server. For mts_link the name of the host where it is "
        "not chat_domain; it is not published. Example: chat_host: chat.corp.test",
    )


def test_empty_key(site):
    assert one(site, chat_host="")[1] == "chat_host is empty"


@pytest.mark.parametrize(
    "name",
    [name for name, spec in read_rules().site_keys.items() if spec.get("required")],
)
def test_every_required_key_is_missed(site, name):
    assert one(site, **{name: None})[1] == f"{name} is not set"


def test_required_by_default_of_another(site):
    assert one(site, chat_ca_passphrase=None)[1] == "chat_ca_passphrase is not set"


def test_not_required_with_another_source(site):
    assert ask(site, chat_ca_passphrase=None, chat_ca_directory=None, chat_certificate_source="files") == []


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"chat_dns_password": None}, ["chat_dns_password is not set"]),
        ({"chat_dns_password": None, "chat_dns_keytab": __file__}, []),
        ({"chat_dns_password": None, "chat_dns_keytab": ""}, ["chat_dns_password is not set"]),
        ({"chat_dns_principal": "", "chat_dns_password": None}, []),
        ({"chat_dns_principal": None}, ["chat_dns_principal is not set"]),
        ({"chat_dns_principal": tested.Variable(None)}, ["chat_dns_principal is empty"]),
        (
            {"chat_dns_principal": None, "chat_dns_password": None, "chat_dns_keytab": __file__},
            ["chat_dns_principal is not set"],
        ),
        ({"chat_dns_principal": None, "chat_dns_password": None, "chat_dns_auth": "none"}, []),
    ],
)
def test_a_password_a_keytab_or_the_ticket_of_who_runs_it(site, changes, missing):
    assert [failure[1] for failure in ask(site, **changes)] == missing


@pytest.mark.parametrize(
    ("name", "value", "evidence"),
    [
        ("chat_domain", ["corp.test"], "chat_domain is a list, wanted text"),
        ("chat_host", {"a": 1}, "chat_host is a dictionary, wanted text"),
        ("chat_host", 5, "chat_host is a number, wanted text"),
        ("chat_addresses", "10.203.0.20", "chat_addresses is text, wanted a list"),
        ("chat_addresses", [["10.203.0.20"]], "chat_addresses[0] is a list, wanted text"),
        ("chat_s2s", "no way", "chat_s2s is text, wanted true or false"),
        ("chat_ldap_bind_password", [SECRET], "chat_ldap_bind_password is a list, wanted text"),
        ("chat_verify_users", "anna@corp.test", "chat_verify_users is text, wanted a list"),
        ("chat_verify_users", ["anna@corp.test"], "chat_verify_users[0] is text, wanted a dictionary"),
    ],
)
def test_wrong_kind(site, name, value, evidence):
    failures = ask(site, **{name: value})
    assert ("site.type", evidence) in [failure[:2] for failure in failures]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("corp test", "is no DNS name"),
        ("corp..test", "is no DNS name"),
        ("-corp.test", "is no DNS name"),
        ("https://corp.test", "is no DNS name"),
        ("corp.test.", "is no DNS name"),
        ("a" * 64 + ".test", "is no DNS name"),
        ("corp", "is no full DNS name, its domain is missing"),
        ("Corp.test", "has capitals, write it in lower case"),
        ("10.203.0.20", "is an address, not a DNS name"),
        ("a_b.ru", "has an underscore, which the name of a host or domain may not have"),
        ("_xmpp-client._tcp.corp.test", "has an underscore, which the name of a host or domain may not have"),
    ],
)
def test_chat_domain_is_no_name(site, value, reason):
    failures = ask(site, chat_domain=tested.Variable(value, "site.yml:4"), chat_verify_users=None)
    assert failures == [
        (
            "site.value",
            f"chat_domain is {value!r}, which {reason} (site.yml:4)",
            "Write a full DNS name in lower case, for example chat.corp.test.",
        )
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("chat_dns_retired_names", ["oldchat.corp.test", "_xmpp-client._tcp.corp.test"]),
        ("chat_ldap_servers", ["dc_1.corp.test"]),
        ("chat_ntp_servers", ["dc_1.corp.test", "fe80::1%eth0", "10.203.0.10", "fd00::10"]),
        ("chat_addresses", ["10.203.0.20", "fe80::1", "fd00::20"]),
    ],
)
def test_right_values(site, name, value):
    assert ask(site, **{name: value}) == []


@pytest.mark.parametrize(
    ("name", "value", "evidence"),
    [
        ("chat_addresses", ["10.203.0.300"], "chat_addresses[0] is '10.203.0.300', which is no IP address"),
        (
            "chat_addresses",
            ["10.0.0.1", "fe80::1%eth0"],
            "chat_addresses[1] is 'fe80::1%eth0', which has the zone of a network interface, which DNS and other",
        ),
        ("chat_ntp_servers", ["fe80::1%"], "chat_ntp_servers[0] is 'fe80::1%', which is no DNS name"),
        ("chat_host", "a_b.corp.test", "chat_host is 'a_b.corp.test', which has an underscore"),
        ("chat_addresses", ["10.0.0.1", "chat"], "chat_addresses[1] is 'chat', which is no IP address"),
        (
            "chat_certificate_source",
            "step",
            "chat_certificate_source is 'step', wanted one of internal_ca, files, acme",
        ),
        ("chat_product", "ejaberd", "chat_product is 'ejaberd', wanted one of ejabberd"),
        ("chat_ldap_base", "corp.test", "chat_ldap_base is 'corp.test', which is no distinguished name"),
        ("chat_dns_principal", "svc-chat-dns", "chat_dns_principal is 'svc-chat-dns', which is no Kerberos principal"),
        ("chat_dns_principal", "svc@corp.test", "realms are written in capitals: CORP.TEST"),
        ("chat_ad_ca_file", "/nowhere/ca.pem", "chat_ad_ca_file is '/nowhere/ca.pem', which is no file on the"),
        ("chat_ldap_servers", ["10.0.0.1"], "chat_ldap_servers[0] is '10.0.0.1', which is an address, not a DNS"),
        ("chat_ntp_servers", ["not a name"], "chat_ntp_servers[0] is 'not a name', which is no DNS name"),
        ("chat_ca_directory", "CHANGE_ME", "chat_ca_directory is still the placeholder CHANGE_ME"),
    ],
)
def test_wrong_value(site, name, value, evidence):
    assert evidence in one(site, **{name: value})[1]


@pytest.mark.parametrize(
    ("name", "value", "evidence"),
    [
        ("chat_direct_tls_port", 99999, "chat_direct_tls_port is 99999, which is not from 0 to 65535"),
        ("chat_open_ports", [{"port": 0}], "chat_open_ports[0].port is 0, which is not from 1 to 65535"),
        ("chat_client_max_fail_percentage", 150, "chat_client_max_fail_percentage is 150, which is not from 0 to 100"),
        ("chat_client_batch", -1, "chat_client_batch is -1, which is not from 0 to 1000000"),
    ],
)
def test_a_number_that_cannot_be(site, name, value, evidence):
    assert one(site, **{name: value})[:2] == ("site.value", evidence)


@pytest.mark.parametrize(("name", "value"), [("chat_direct_tls_port", 0), ("chat_client_max_fail_percentage", 100)])
def test_the_first_and_the_last_number(site, name, value):
    assert ask(site, **{name: value}) == []


def test_wrong_choice_with_a_near_one(site):
    assert one(site, chat_certificate_source="file")[2] == "Did you mean files?"


@pytest.mark.parametrize("value", [["10.0.0.1", "fd00::1", "ntp.corp.test"], []])
def test_time_servers(site, value):
    assert ask(site, chat_ntp_servers=value) == []


def test_bind_account_as_principal(site):
    assert ask(site, chat_ldap_bind_dn="svc-chat-ldap@corp.test") == []


@pytest.mark.parametrize(
    ("jid", "evidence"),
    [
        ("anna@other.test", "chat_verify_users[0].jid is anna@other.test, not in the domain corp.test"),
        ("anna", "chat_verify_users[0].jid is 'anna', which is no JID"),
        ("@corp.test", "chat_verify_users[0].jid is '@corp.test', which is no JID"),
        (
            "o'brien@corp.test",
            "chat_verify_users[0].jid is o'brien@corp.test, which is no JID: it holds ' before the @",
        ),
        ("a/b:c@corp.test", "chat_verify_users[0].jid is a/b:c@corp.test, which is no JID: it holds / : before the @"),
        ("a b@corp.test", "chat_verify_users[0].jid is a b@corp.test, which is no JID: it holds a space before the @"),
    ],
)
def test_users_outside_of_the_domain(site, jid, evidence):
    assert one(site, chat_verify_users=[{"jid": jid, "password": SECRET}])[1] == evidence


CHAT1 = {"name": "chat1.corp.test", "addresses": ["10.203.0.21"]}
CHAT2 = {"name": "chat2.corp.test", "addresses": ["10.203.0.22"]}
PARTED = "and this version does not join ejabberd servers: users of one would not reach those of the other"


def test_one_published_server_is_fine(site):
    assert ask(site, chat_hosts=[CHAT1]) == []
    assert tested.judge(site, RULES, {"chat_servers": ["chat"]}).failures == []


def test_several_servers_would_part_the_users(site):
    hint = "Name one server. Several ones that share the users (a cluster) are not in this version."
    assert one(site, chat_hosts=[CHAT1, CHAT2]) == ("site.value", f"chat_hosts names 2 servers, {PARTED}", hint)
    assert one(site, chat_hosts=[CHAT1, CHAT2], chat_product=None)[2] == hint
    (check,) = tested.judge(site, RULES, {"chat_servers": ["chat1", "chat2"]}).failures
    assert (check.subject, check.evidence, check.hint) == (
        "chat_servers",
        f"chat_servers is a group of 2 hosts (chat1, chat2), {PARTED}",
        hint,
    )


MTS_LINK = {
    "chat_product": "mts_link",
    "chat_meetings_domain": "meet.corp.test",
    "chat_licence_file": __file__,
    "chat_licence_key": SECRET,
    "chat_installer_sha256": "0" * 64,
}


def test_mts_link_has_names_of_its_own(site):
    assert ask(site, **MTS_LINK) == []
    assert one(site, **MTS_LINK, chat_hosts=[CHAT1])[1:] == (
        "chat_hosts is for ejabberd; mts_link lives under names of its own",
        "Remove it; all names of mts_link get chat_addresses.",
    )


@pytest.mark.parametrize("key", sorted(set(MTS_LINK) - {"chat_product"}))
def test_what_mts_link_needs(site, key):
    id, evidence, hint = one(site, **{**MTS_LINK, key: None})
    assert (id, evidence) == ("site.missing", f"{key} is not set")
    assert hint.startswith("Set it in group_vars/all/site.yml.")


def test_an_installer_is_pinned_unless_somebody_decides_otherwise(site):
    assert ask(site, **{**MTS_LINK, "chat_installer_sha256": None, "chat_installer_allow_unverified": True}) == []
    assert one(site, **{**MTS_LINK, "chat_installer_sha256": "latest"})[1:] == (
        "chat_installer_sha256 is 'latest', which is no SHA-256 in 64 hexadecimal digits",
        "Copy it from: sha256sum FILE",
    )


@pytest.mark.parametrize(
    ("groups", "evidence"),
    [
        (
            {"chat_servers": ["a", "b"]},
            "chat_servers is a group of 2 hosts (a, b), and the manual knows one Chats server beside one Meetings server",
        ),
        (
            {"meetings_servers": ["m", "n"]},
            "meetings_servers is a group of 2 hosts (m, n), and the manual knows one Chats server beside one Meetings server",
        ),
        ({"meetings_servers": []}, "meetings_servers is a group without a host"),
    ],
    ids=["chats", "meetings", "none"],
)
def test_servers_of_mts_link(site, groups, evidence):
    site |= {name: tested.Variable(value) for name, value in MTS_LINK.items()}
    (check,) = tested.judge(site, RULES, groups).failures
    assert check.evidence == evidence
    assert tested.judge(site, RULES, {"chat_servers": ["a"], "meetings_servers": ["m"]}).failures == []


@pytest.mark.parametrize(
    ("host", "servers"),
    [("chat", {"chat_servers": ["chat", "chat2"]}), ("dc", {}), ("localhost", {})],
    ids=["chat", "dc", "localhost"],
)
def test_whose_servers_count(host, servers):
    groups = {"all": ["chat", "chat2", "dc"], "chat_servers": ["chat", "chat2"]}
    found = ActionModule._groups({"groups": groups, "inventory_hostname": host})
    assert found == {"meetings_servers": [], **servers}


def test_user_without_password(site):
    assert one(site, chat_verify_users=[{"jid": "anna@corp.test"}])[1] == "chat_verify_users[0].password is not set"


def test_user_with_an_unknown_key(site):
    user = {"jid": "anna@corp.test", "password": SECRET, "pasword": "x"}
    failure = one(site, chat_verify_disabled_user=user)
    assert failure[1:] == ("chat_verify_disabled_user.pasword is no key here", "Known ones are jid, password.")


@pytest.mark.parametrize("value", ["CHANGE_ME", "x change_me x", "changeme"])
def test_placeholder(site, value):
    assert one(site, chat_dns_password=value) == (
        "site.secret",
        "chat_dns_password is still the placeholder CHANGE_ME",
        "Put the real secret into the vault file: ansible-vault edit group_vars/all/vault.yml",
    )


@pytest.mark.parametrize("value", ["Winter2026", "x", "é" * 11])
def test_too_short_a_passphrase(site, value):
    """As the role certificates demands it, but before anything was changed."""
    assert one(site, chat_ca_passphrase=tested.Variable(value, "vault.yml:2")) == (
        "site.secret",
        "chat_ca_passphrase has fewer than 12 characters (vault.yml:2)",
        "Write a longer one into the vault file: ansible-vault edit group_vars/all/vault.yml",
    )


def test_a_passphrase_of_the_least_length(site):
    assert ask(site, chat_ca_passphrase="Winter2026-x") == []


@pytest.mark.parametrize("source", ["acme", "files"])
def test_a_passphrase_that_nobody_uses_may_be_short(source):
    variables = {"chat_certificate_source": source, "chat_ca_passphrase": "short1"}
    variables = {name: tested.Variable(value) for name, value in variables.items()}
    told = [check.evidence for check in tested.judge(variables, RULES).failures if "passphrase" in check.evidence]
    assert told == []


@pytest.mark.parametrize("source", [None, "internal_ca"])
def test_a_short_passphrase_is_told_on_a_desktop_too(source):
    variables = {"chat_certificate_source": source or "internal_ca", "chat_ca_passphrase": "short1"}
    if not source:
        del variables["chat_certificate_source"]
    assert on_a_desktop(**variables) == ["chat_ca_passphrase has fewer than 12 characters (site.yml:3)"]


def test_not_evaluated(site):
    broken = tested.Variable(None, "site.yml:7", error="'nix' is undefined")
    assert (
        one(site, chat_dns_server=broken)[1] == "chat_dns_server cannot be evaluated: 'nix' is undefined (site.yml:7)"
    )


def test_role_variable_without_effect(site):
    assert one(site, host_fqdn="chat.corp.test") == (
        "site.conflict",
        "host_fqdn follows from chat_host; what is written here has no effect",
        "Remove it and set chat_host instead.",
    )
    assert one(site, ejabberd_domains=["x"])[2] == "Remove it."


def test_role_variable_of_the_playbook_itself(site):
    assert ask(site, host_fqdn=tested.Variable("chat.corp.test", from_inventory=False)) == []


@pytest.mark.parametrize(
    ("name", "value", "evidence"),
    [
        ("ejabberd_port", [5222], "ejabberd_port is a list, wanted a number"),
        ("host_map", "x", "host_map is text, wanted a dictionary"),
    ],
)
def test_role_variable_of_the_wrong_kind(site, name, value, evidence):
    assert one(site, **{name: value})[:2] == ("site.type", evidence)


@pytest.mark.parametrize(
    "variable", [tested.Variable("{{ x }}", template=True), tested.Variable({"a": 1}), tested.Variable(None)]
)
def test_role_variables_that_cannot_be_wrong(site, variable):
    assert ask(site, host_map=variable) == []


def test_all_mistakes_in_one_message(site):
    site.update(chat_domian=tested.Variable("x"), chat_host=tested.Variable("chat"))
    text = tested.message(tested.judge(site, RULES), "chat")
    assert text.splitlines()[:2] == [
        "The variables of chat hold 2 mistakes:",
        "1. chat_domian is no variable of this collection",
    ]
    assert text.splitlines()[3] == "2. chat_host is 'chat', which is no full DNS name, its domain is missing"


def test_mapping_through_helpers():
    mapping = {
        "__site_a": "{{ chat_a | default(__site_b) }}",
        "__site_b": "{{ chat_b }} {{ __site_a }}",
        "host_x": "{{ __site_a }}",
        "host_y": 5,
    }
    assert read_mapped(mapping) == {"host_x": ["chat_a", "chat_b"], "host_y": []}


@pytest.mark.parametrize("data", ["text", 5222, [1, 2], ["a", "b"], True])
def test_data_of_a_registry_value_is_of_any_kind(site, data):
    setting = {"key": "HKLM\\SOFTWARE\\x", "name": "y", "data": data}
    assert (
        ask(site, chat_client_settings=[setting], chat_clients=[{"upgrade_code": "{x}", "settings": [setting]}]) == []
    )


def test_properties_have_names_of_their_own(site):
    client = {"upgrade_code": "{x}", "properties": {"SERVER": "chat.corp.test"}}
    assert ask(site, chat_clients=[client]) == []


def test_misspelt_option_of_a_client(site):
    _id, evidence, hint = one(site, chat_clients=[{"upgrade_code": "{x}", "setting": []}])
    assert evidence.startswith("chat_clients[0].setting is no key here")
    assert "settings" in hint


# -- desktops alone ------------------------------------------------------------------------------------------------------------


def on_a_desktop(**values):
    variables = {name: tested.Variable(value, "site.yml:3") for name, value in values.items()}
    return [check.evidence for check in tested.judge(variables, RULES, {}, desktop=True).failures]


def test_a_desktop_needs_nothing_of_the_servers():
    assert on_a_desktop() == []
    assert on_a_desktop(chat_client_rings=["pilot"], chat_clients=[{"uninstall_key": "Corp", "state": "absent"}]) == []
    assert "chat_domain is not set" in [check.evidence for check in tested.judge({}, RULES).failures]


def test_mistakes_are_found_on_a_desktop_too():
    assert on_a_desktop(chat_client_ring=["pilot"]) == [
        "chat_client_ring is no variable of this collection (site.yml:3)"
    ]
    assert on_a_desktop(chat_domian="corp.test") == ["chat_domian is no variable of this collection (site.yml:3)"]
    assert on_a_desktop(chat_domain=["corp.test"]) == ["chat_domain is a list, wanted text (site.yml:3)"]
    assert on_a_desktop(chat_clients=[{"sha": "1"}]) == ["chat_clients[0].sha is no key here (site.yml:3)"]


@pytest.mark.parametrize(
    ("groups", "desktop"),
    [
        ({"chat_desktops": ["pc1"]}, True),
        ({"chat_desktops": ["pc1"], "chat_servers": ["chat"]}, True),
        ({"chat_desktops": ["pc1"], "chat_servers": ["pc1"]}, False),
        ({"chat_servers": ["chat"]}, False),
        ({"chat_desktops": []}, False),
    ],
)
def test_who_is_a_desktop(groups, desktop):
    assert ActionModule._is_desktop({"groups": groups, "inventory_hostname": "pc1"}) is desktop


@pytest.mark.parametrize(
    ("password", "desktop", "count"), [("CHANGE_ME", True, 1), ("CHANGE_ME", False, 0), (SECRET, True, 0)]
)
def test_the_password_of_a_desktop(password, desktop, count):
    variables = {"ansible_password": tested.Variable(password)}
    failures = [one for one in tested.judge(variables, RULES, {}, desktop=desktop).failures if one.id == "site.secret"]
    assert len(failures) == count
    assert all(one.evidence == "ansible_password is still the placeholder CHANGE_ME" for one in failures)
