# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Preflight and its modules against the real Samba domain: what is said when something is wrong, to the letter."""

from __future__ import annotations

import json
import re
import subprocess

import pytest
from preflight_runs import lines, preflight, rest_of_the_table, stranger

BIND_DN = "CN=svc-chat-ldap,OU=Service,OU=Company,DC=corp,DC=test"
GROUP = "CN=Chat Users,OU=Groups,OU=Company,DC=corp,DC=test"
MODULE = "onprem.chat.ldap_info"


@pytest.fixture(scope="module")
def ask(lab):
    """Asks the module and returns {id: check} (lists where an id comes more than once)."""

    def call(**changes):
        arguments = {
            "servers": ["dc1.corp.test"],
            "ca_path": str(lab.state / "company-ca.crt"),
            "bind_dn": BIND_DN,
            "bind_password": lab.secrets["svc-chat-ldap"],
            "base": "DC=corp,DC=test",
            **changes,
        }
        result = lab.module(MODULE, {key: value for key, value in arguments.items() if value is not None})
        assert "checks" in result, result
        return result["checks"]

    return call


def one(checks, id):
    (check,) = [check for check in checks if check["id"] == id]
    return check


def statuses(checks):
    return {check["id"]: check["status"] for check in checks}


# -- ldap_info against Samba ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encryption", ["ldaps", "starttls"])
def test_everything_passes(ask, encryption):
    checks = ask(encryption=encryption, users=["anna@corp.test", "BORIS@corp.test"], group=GROUP)
    assert [check for check in checks if check["status"] != "pass"] == []
    assert one(checks, "ldap.bind")["evidence"] == f"bound as {BIND_DN} ({encryption})"
    assert one(checks, "ldap.group")["evidence"] == "4 direct members, 1 of them groups below the base"
    assert "trusted and for dc1.corp.test" in one(checks, "ldap.tls")["evidence"]


def test_members_of_the_nested_group_are_found(ask):
    checks = ask(
        filter=f"(&(objectClass=user)(memberOf:1.2.840.113556.1.4.1941:={GROUP})"
        "(!(userAccountControl:1.2.840.113556.1.4.803:=2)))",
        users=["anna@corp.test", "disabled1@corp.test"],
    )
    assert [check["status"] for check in checks if check["id"] == "ldap.user"] == ["pass", "fail"]
    assert one(checks, "ldap.filter")["evidence"] == "8 entries match"


def test_wrong_password(ask):
    checks = ask(bind_password="certainly-not-it")
    check = one(checks, "ldap.bind")
    assert check["evidence"] == (
        f"{BIND_DN}: invalidCredentials (LDAP result 49), Active Directory code 52e: wrong password, or wrong account name"
    )
    assert check["hint"] == (
        "Check the password in the vault and the bind DN; in doubt reset the account's password in Active Directory."
    )
    assert statuses(checks)["ldap.filter"] == "skip"


def test_disabled_account_binds(ask, lab):
    checks = ask(bind_dn="disabled1@corp.test", bind_password=lab.secrets["users"]["disabled1"])
    assert one(checks, "ldap.bind")["evidence"].endswith("Active Directory code 533: account disabled")


def test_strong_auth_required(ask):
    check = one(ask(encryption="none"), "ldap.bind")
    assert check["evidence"] == (
        f"{BIND_DN}: strongerAuthRequired (LDAP result 8): BindSimple: Transport encryption required."
    )
    assert check["hint"] == (
        "Active Directory refuses a simple bind without TLS. Use encryption ldaps (port 636) or starttls (port 389) "
        "instead of none."
    )


def test_anonymous(ask):
    checks = ask(bind_dn=None, bind_password=None)
    assert one(checks, "ldap.bind")["status"] == "pass"
    assert one(checks, "ldap.base")["hint"] == "Give bind_dn and bind_password."


def test_domain_controller_has_no_name(ask):
    check = one(ask(servers=["dc9.corp.test"]), "ldap.dns")
    assert check["evidence"] == "dc9.corp.test does not resolve"
    assert check["hint"].endswith("Try: dig dc9.corp.test")


def test_domain_controller_is_unreachable(ask):
    check = one(ask(servers=["10.203.0.99"]), "ldap.tcp")
    assert check["evidence"] == "10.203.0.99:636: unreachable (No route to host)"
    assert check["hint"] == (
        "Is the domain controller switched on, and is there a route to its network from the controller?"
    )


def test_one_of_two_domain_controllers_is_unreachable(ask):
    checks = ask(servers=["10.203.0.99", "dc1.corp.test"])
    dead, alive = (check for check in checks if check["id"] == "ldap.tcp")
    assert (dead["status"], alive["status"]) == ("warn", "pass")
    assert dead["evidence"] == "10.203.0.99:636: unreachable (No route to host); another server answers"
    assert [check for check in checks if check["status"] == "fail"] == []


def test_domain_controller_is_silent(ask, lab):
    """By address: this domain controller is the resolver as well."""
    route = ["blackhole", "10.203.0.100/32"]
    lab.exec("dc1", ["ip", "route", "add", *route], check=True)
    try:
        check = one(ask(servers=["10.203.0.10"], timeout=2), "ldap.tcp")
    finally:
        lab.exec("dc1", ["ip", "route", "del", *route], check=True)
    assert check["evidence"] == "10.203.0.10:636: no answer within 2 s"
    assert check["hint"] == "Is the domain controller down, or does a firewall drop packets to port 636?"


def test_nothing_listens(ask):
    check = one(ask(port=637), "ldap.tcp")
    assert check["evidence"] == "10.203.0.10:637: connection refused"


def test_wrong_ca(ask, lab, tmp_path):
    other = tmp_path / "other-ca.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=Other CA", "-days", "2"]
    subprocess.run([*command, "-keyout", str(tmp_path / "key"), "-out", str(other)], check=True, capture_output=True)
    check = one(ask(ca_path=str(other)), "ldap.tls")
    assert check["evidence"].startswith("certificate is not signed by a trusted CA: ")
    assert "issued by CN=Corp Test Company CA" in check["evidence"]
    assert check["hint"] == f"Put the certificate of the CA that issued it into {other} (PEM, with intermediates)."


def test_server_by_address(ask):
    check = one(ask(servers=["10.203.0.10"]), "ldap.tls")
    assert check["evidence"].startswith("certificate is not for 10.203.0.10; it is for ")
    assert check["hint"] == "Give the server by its DNS name instead of its address."


def test_users_who_cannot_log_in(ask):
    checks = ask(users=["disabled1@corp.test", "nobody@corp.test", "svc-chat-dns@corp.test"])
    evidence = [(check["evidence"], check["hint"]) for check in checks if check["id"] == "ldap.user"]
    assert evidence[0][0] == "CN=disabled1,OU=Sales,OU=Company,DC=corp,DC=test is disabled"
    assert evidence[1][0] == "no entry has mail=nobody@corp.test"
    assert evidence[2][1].startswith("CN=svc-chat-dns,") and evidence[2][1].endswith("fill its attribute mail.")


def test_a_contact_with_the_mail_of_a_user(ask, lab):
    """Active Directory has them for people of other systems, and nobody logs in as a contact."""
    lab.exec("dc1", ["samba-tool", "contact", "create", "anna at home", "--mail-address=anna@corp.test"], check=True)
    try:
        checks = ask(users=["anna@corp.test"])
    finally:
        lab.exec("dc1", ["samba-tool", "contact", "delete", "anna at home"], check=True)
    check = one(checks, "ldap.user")
    assert (check["status"], check["evidence"].partition(",")[0]) == ("pass", "CN=anna")


def test_a_group_that_holds_domain_users(ask, lab):
    """Everybody is meant, and the directory says of nobody that he is a member of his primary group."""
    group = "CN=Everybody,CN=Users,DC=corp,DC=test"
    lab.exec("dc1", ["samba-tool", "group", "add", "Everybody"], check=True)
    try:
        lab.exec("dc1", ["samba-tool", "group", "addmembers", "Everybody", "Domain Users,anna"], check=True)
        checks = ask(
            base="OU=Company,DC=corp,DC=test",
            filter=f"(&(objectClass=user)(memberOf:1.2.840.113556.1.4.1941:={group}))",
            group=group,
        )
    finally:
        lab.exec("dc1", ["samba-tool", "group", "delete", "Everybody"], check=True)
    assert one(checks, "ldap.filter")["evidence"] == "1 entries match"
    _members, unseen = [check for check in checks if check["id"] == "ldap.group"]
    assert unseen["status"] == "warn"
    begin = "CN=Domain Users,CN=Users,DC=corp,DC=test is in the group, but the filter does not find "
    assert unseen["evidence"].startswith(begin)


def test_spaces_after_the_commas_of_a_name(ask):
    checks = ask(base="OU=Company, DC=corp, DC=test", group=GROUP.replace(",", ", "), users=["anna@corp.test"])
    assert {check["status"] for check in checks} == {"pass"}


def test_wrong_base_filter_and_group(ask):
    checks = ask(base="OU=Nowhere,DC=corp,DC=test", group="CN=Nobody,DC=corp,DC=test")
    assert one(checks, "ldap.base")["evidence"] == (
        "OU=Nowhere,DC=corp,DC=test does not exist"
    )  # Samba does not say, as Windows does, how far it came
    assert one(checks, "ldap.group")["status"] == "fail"
    assert "is no LDAP filter" in one(ask(filter="(&(objectClass=user)"), "ldap.filter")["evidence"]
    assert one(ask(filter="(objectClass=nonsense)"), "ldap.filter")["evidence"].startswith("no entry matches")


def test_pages_are_read_to_the_end(ask):
    """More entries than one page of 500."""
    evidence = one(ask(filter="(objectClass=*)", base="CN=Schema,CN=Configuration,DC=corp,DC=test"), "ldap.filter")
    assert int(re.match(r"\d+", evidence["evidence"]).group()) > 1000


# -- the playbook ----------------------------------------------------------------------------------------------------


def test_preflight_passes_on_a_fresh_host(fresh_chat):
    before = fresh_chat.exec("chat", ["sh", "-c", "dpkg -l | sha256sum; find /etc -newer /etc/hostname | sort"]).stdout
    result, text = preflight(fresh_chat)
    assert result.returncode == 0, text
    assert '"FAIL ' not in text
    assert re.search(r"chat +: ok=\d+ +changed=0 ", text)
    after = fresh_chat.exec("chat", ["sh", "-c", "dpkg -l | sha256sum; find /etc -newer /etc/hostname | sort"]).stdout
    assert after == before


def test_preflight_passes_in_check_mode(lab):
    result, text = preflight(lab, "--check", "--diff")
    assert result.returncode == 0, text


def test_no_secret_in_the_output(lab):
    _result, text = preflight(lab, "-vvv", "--diff", "-e", "chat_dns_server=dc9.corp.test")
    secrets = lab.secrets
    canaries = [secrets["svc-chat-ldap"], secrets["svc-chat-dns"], secrets["administrator"], *secrets["users"].values()]
    assert [canary for canary in canaries if canary in text] == []


def test_directory_refuses_the_password(lab):
    result, text = preflight(lab, "-e", "chat_ldap_bind_password=certainly-not-it")
    assert result.returncode != 0
    assert "Active Directory code 52e: wrong password, or wrong account name" in lines(text, "ldap.bind")[0]
    assert "certainly-not-it" not in text
    assert "1 of " in text and "checks failed, see the table above. Nothing was changed." in text
    rest_of_the_table(text)


@pytest.fixture
def odd_names(lab):
    """A group whose name means something in a filter, and in it a user whose name cannot be part of an XMPP address."""
    group = "Chat Users (Moscow)"
    mail = ["--mail-address=o'brien@corp.test"]
    lab.exec("dc1", ["samba-tool", "user", "create", "brien", "--random-password", *mail], check=True)
    lab.exec("dc1", ["samba-tool", "group", "add", group], check=True)
    lab.exec("dc1", ["samba-tool", "group", "addmembers", group, "anna,boris,brien"], check=True)
    yield f"CN={group},CN=Users,DC=corp,DC=test"
    lab.exec("dc1", ["samba-tool", "group", "delete", group], check=True)
    lab.exec("dc1", ["samba-tool", "user", "delete", "brien"], check=True)


def test_odd_names_in_the_directory(lab, odd_names):
    result, text = preflight(lab, "-e", json.dumps({"chat_users_group": odd_names}))
    assert result.returncode == 0, text
    assert "3 entries match" in lines(text, "ldap.filter")[0]
    assert "3 direct members" in lines(text, "ldap.group")[0]
    (line,) = [line for line in lines(text, "ldap.user") if line.startswith("WARN")]
    assert (
        "1 of 3 entries can never log in, their mail makes no XMPP address in corp.test: o'brien@corp.test (holds ')"
        in line
    )


def test_further_filter_of_the_server(lab):
    """Whom it leaves out is left out here too."""
    user = {"jid": "anna@corp.test", "password": "not asked for here"}
    site = {"ejabberd_ldap_filter": "(!(sAMAccountName=anna))", "chat_verify_users": [user]}
    result, text = preflight(lab, "-e", json.dumps(site))
    assert result.returncode != 0
    (line,) = lines(text, "ldap.user")
    assert line.startswith("FAIL") and line.endswith("exists, but the filter leaves it out")
    rest_of_the_table(text)


def test_the_mail_is_in_another_domain_than_the_chat(lab):
    site = {
        "chat_domain": "chat.corp.test",
        "chat_ad_domain": "corp.test",
        "ejabberd_ldap_uid_format": "%u@corp.test",
        "chat_verify_users": [{"jid": "anna@chat.corp.test", "password": "not asked for here"}],
        "chat_verify_disabled_user": {},
    }
    _result, text = preflight(lab, "-e", json.dumps(site))
    assert lines(text, "ldap.filter")[0].startswith("PASS")
    assert [line.split()[0] for line in lines(text, "ldap.user")] == ["PASS"]
    assert "anna@corp.test" in lines(text, "ldap.user")[0]


def test_dns_refuses_the_password(lab):
    result, text = preflight(lab, "-e", "chat_dns_password=certainly-not-it")
    assert result.returncode != 0
    assert "the password (or key) of svc-chat-dns@CORP.TEST is wrong" in lines(text, "dns.update")[0]
    rest_of_the_table(text)


def test_host_unreachable_is_one_line(lab):
    result, text = preflight(lab, "-e", "ansible_host=10.203.0.77")
    assert result.returncode != 0
    (line,) = lines(text, "host.login")
    assert line.startswith("FAIL  host.login")
    # What follows is ssh's own word, with or without pipelining: no route, or no answer in time.
    assert "cannot be reached: " in line
    assert "10.203.0.77" in line
    assert "can you log in with: ssh deploy@10.203.0.77?" in text
    rest_of_the_table(text, "host.os", "host.port")


def test_domain_controller_unreachable(lab):
    result, text = preflight(lab, "-e", json.dumps({"chat_ldap_servers": ["dc1.corp.test", "dc9.corp.test"]}))
    assert result.returncode == 0, text
    (_alive, gone) = lines(text, "ldap.dns")
    assert gone.startswith("WARN") and "dc9.corp.test does not resolve; another server answers" in gone
    result, text = preflight(lab, "-e", json.dumps({"chat_ldap_servers": ["dc8.corp.test", "dc9.corp.test"]}))
    assert result.returncode != 0
    assert [line[:4] for line in lines(text, "ldap.dns")] == ["FAIL", "FAIL"]
    rest_of_the_table(text)


def test_no_domain_controller_in_dns(lab):
    result, text = preflight(lab, "-e", "chat_ad_domain=other.test")
    assert result.returncode != 0
    assert lines(text, "ldap.servers")[0].startswith("FAIL") and "_ldap._tcp.dc._msdcs.other.test" in text


def test_port_is_taken_by_something_else(lab):
    with stranger(lab, 5222):
        result, text = preflight(lab)
    assert result.returncode != 0
    (line,) = lines(text, "host.port")
    assert re.search(r"FAIL  host\.port +tcp port 5222 +held by python3 \(pid \d+\)$", line)
    assert "Stop and disable this service, or move it to another port: the port is needed here." in text
    rest_of_the_table(text)


@pytest.mark.parametrize(
    ("variable", "evidence", "hint"),
    [
        (
            "chat_domian=corp.test",
            "chat_domian is no variable of this collection",
            "Did you mean chat_domain? Known ones are listed in docs/site_file.md",
        ),
        (
            "ejabberd_archiv=never",
            "ejabberd_archiv is no variable of this collection",
            "Did you mean ejabberd_archive? Known ones are listed in the role's README.md",
        ),
        (
            "chat_host=",
            "chat_host is empty",
            "where it is not chat_domain; it is not published. Example: chat_host: chat.corp.test",
        ),
        (
            "chat_domain=corp_test",
            "chat_domain is 'corp_test', which is no full DNS name, its domain is missing",
            "Write a full DNS name in lower case, for example chat.corp.test.",
        ),
        (
            "chat_domain='corp test'",
            "chat_domain is 'corp test', which is no DNS name",
            "Write a full DNS name in lower case, for example chat.corp.test.",
        ),
        (
            '{"chat_domain": ["corp.test"]}',
            "chat_domain is a list, wanted text",
            "Write one value, not a list.",
        ),
        (
            "chat_dns_password=CHANGE_ME",
            "chat_dns_password is still the placeholder CHANGE_ME",
            "Put the real secret into the vault file: ansible-vault edit group_vars/all/vault.yml",
        ),
    ],
)
def test_mistakes_in_the_variables(lab, tmp_path, variable, evidence, hint):
    """The guard of every verb; the host is not contacted, so this is quick."""
    playbook = tmp_path / "guard.yml"
    tasks = [{"onprem.chat.site_info": {}}]
    playbook.write_text(json.dumps([{"hosts": "chat_servers", "gather_facts": False, "tasks": tasks}]))
    result = lab.playbook(str(playbook), "-e", variable, "-e", "ansible_host=192.0.2.1")
    text = result.stdout + result.stderr
    assert result.returncode != 0
    assert evidence in text
    assert hint in text


def test_missing_key_of_the_site_file(lab, tmp_path):
    site = lab.inventory / "group_vars" / "all"
    inventory = tmp_path / "group_vars" / "all"
    inventory.mkdir(parents=True)
    for source in site.glob("*.yml"):
        text = source.read_text()
        (inventory / source.name).write_text(re.sub(r"(?m)^chat_host:.*\n", "", text))
    (tmp_path / "hosts.yml").write_text((lab.inventory / "hosts.yml").read_text())
    result, text = preflight(lab, inventory=tmp_path / "hosts.yml")
    assert result.returncode != 0
    assert "chat_host is not set" in lines(text, "site.missing")[0]
    assert "Set it in group_vars/all/site.yml. Full DNS name of the chat server." in text
    assert lines(text, "ldap.bind") and lines(text, "dns.update") and lines(text, "host.os")


def test_role_variable_in_the_inventory_without_effect(lab, tmp_path):
    inventory = tmp_path / "group_vars" / "all"
    inventory.mkdir(parents=True)
    for source in (lab.inventory / "group_vars" / "all").glob("*.yml"):
        (inventory / source.name).write_text(source.read_text())
    (inventory / "more.yml").write_text("dns_zone: other.test\n")
    (tmp_path / "hosts.yml").write_text((lab.inventory / "hosts.yml").read_text())
    _result, text = preflight(lab, inventory=tmp_path / "hosts.yml")
    assert (
        "dns_zone follows from chat_dns_zone and chat_domain and chat_product; what is written here has no effect"
        in text
    )
    assert "Remove it and set chat_dns_zone or chat_domain or chat_product instead." in text


def test_empty_group(lab, tmp_path):
    (tmp_path / "hosts.yml").write_text("all:\n  hosts:\n    chat.corp.test:\n")
    result, text = preflight(lab, inventory=tmp_path / "hosts.yml")
    assert result.returncode != 0
    assert "names no host in the group chat_servers" in text


@pytest.mark.parametrize("inventory", ["wrong-group.yml", "misspelt.yml"])
def test_verify_that_asked_nobody_proves_nothing(lab, tmp_path, inventory):
    (tmp_path / "wrong-group.yml").write_text("chat_server:\n  hosts:\n    chat.corp.test:\n")
    result = lab.playbook("onprem.chat.verify", inventory=tmp_path / inventory)
    text = " ".join((result.stdout + result.stderr).split())
    assert result.returncode != 0
    assert (
        f"The inventory {tmp_path / inventory} names no host in the groups chat_servers and chat_desktops, so nobody was "
        "asked and nothing is proven. Is the right inventory given with -i?" in text
    )
