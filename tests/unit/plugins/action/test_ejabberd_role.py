# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role ejabberd writes into ejabberd.yml, and what preflight asks for the same site."""

from __future__ import annotations

import importlib.util
import pathlib
import subprocess

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

ROOT = pathlib.Path(__file__).resolve().parents[4]
ROLE = ROOT / "roles" / "ejabberd"
HOST = {
    "ansible_managed": "managed",
    "ejabberd_domains": ["corp.test"],
    "ejabberd_certificate_file": "/certs/chat.crt",
    "ejabberd_key_file": "/certs/chat.key",
    "ejabberd_ldap_servers": ["dc1.corp.test"],
    "ejabberd_ldap_base": "DC=corp,DC=test",
    "ejabberd_ldap_bind_dn": "CN=chat,DC=corp,DC=test",
    "__ejabberd_listen_address": "::",
}


def written(**variables):
    """The options of ejabberd.yml, rendered as the module template does it."""
    loader = DataLoader()
    known = {}
    for part in ("defaults", "vars"):
        known |= loader.load_from_file(str(ROLE / part / "main.yml"), trusted_as_template=True)
    templar = Templar(loader, variables=known | HOST | variables)
    text = (ROLE / "templates" / "ejabberd.yml.j2").read_text(encoding="utf-8")
    rendered = templar.template(
        trust_as_template(text), escape_backslashes=False, overrides={"trim_blocks": True, "lstrip_blocks": False}
    )
    return yaml.safe_load(rendered)


def tasks():
    """What preflight does about the directory."""
    return DataLoader().load_from_file(str(ROOT / "playbooks/tasks/preflight_directory.yml"), trusted_as_template=True)


def question():
    """The task with which preflight asks for users."""
    return next(task for task in tasks() if "onprem.chat.ldap_info" in task)


def asked(group, **site):
    """The filter with which preflight looks for the same users."""
    loader, arguments = DataLoader(), question()["onprem.chat.ldap_info"]
    assert arguments["group"] == "{{ chat_users_group | default(omit, true) }}"  # a name, not a part of a filter
    known = {"chat_users_group": group, "__site_product": "ejabberd"} | site
    return Templar(loader, variables=known).template(arguments["filter"])


GROUPS = [
    ("CN=Chat Users,DC=corp,DC=test", "CN=Chat Users,DC=corp,DC=test"),
    ("CN=Chat Users (Moscow),DC=corp,DC=test", "CN=Chat Users \\28Moscow\\29,DC=corp,DC=test"),
    ("CN=Chat*,DC=corp,DC=test", "CN=Chat\\2a,DC=corp,DC=test"),
    ("CN=Chat\\, Users,DC=corp,DC=test", "CN=Chat\\, Users,DC=corp,DC=test"),
]


@pytest.mark.parametrize(("group", "value"), GROUPS)
def test_the_group_does_not_change_the_meaning_of_the_filter(group, value):
    member = f"(memberOf:1.2.840.113556.1.4.1941:={value})"
    assert written(ejabberd_ldap_users_group=group)["ldap_filter"] == (
        f"(&(objectCategory=person)(objectClass=user)(!(userAccountControl:1.2.840.113556.1.4.803:=2)){member})"
    )
    assert asked(group) == (
        f"(&(objectClass=user)(objectCategory=person)(!(userAccountControl:1.2.840.113556.1.4.803:=2)){member})"
    )


def test_without_a_group_every_user_may_log_in():
    assert "memberOf" not in written()["ldap_filter"]
    assert "memberOf" not in asked("")


def test_the_filter_of_the_site_holds_for_preflight_too():
    """With it a site leaves out the second account of an administrator, which has the same mail."""
    further, group = "(!(sAMAccountName=adm-*))", GROUPS[0][0]
    common = "(!(userAccountControl:1.2.840.113556.1.4.803:=2))"
    member = f"(memberOf:1.2.840.113556.1.4.1941:={group})"
    written_filter = written(ejabberd_ldap_filter=further, ejabberd_ldap_users_group=group)["ldap_filter"]
    assert written_filter.endswith(f"{common}{further}{member})")
    assert asked(group, ejabberd_ldap_filter=further).endswith(f"{common}{further}{member})")
    assert asked("", ejabberd_ldap_filter=further).endswith(f"{common}{further})")
    assert asked("", ejabberd_ldap_filter=further, __site_product="mts_link").endswith(f"{common})")


MAPPED = [
    ({}, "chat.corp.test", "anna@chat.corp.test"),
    ({"ejabberd_ldap_uid_format": "%u@%d"}, "chat.corp.test", "anna@chat.corp.test"),
    ({"ejabberd_ldap_uid_format": "%u@corp.test"}, "corp.test", "anna@corp.test"),
    ({"ejabberd_ldap_uid_format": "%u@corp.test", "chat_product": "mts_link"}, None, "anna@chat.corp.test"),
    (
        {"ejabberd_ldap_uid_format": "%u@corp.test", "ejabberd_ldap_uid_attribute": "userPrincipalName"},
        "corp.test",
        "anna@corp.test",
    ),
    ({"ejabberd_ldap_uid_format": "%u@1.%d"}, "1.chat.corp.test", "anna@1.chat.corp.test"),
    ({"ejabberd_ldap_uid_format": "%u", "ejabberd_ldap_uid_attribute": "sAMAccountName"}, "chat.corp.test", "anna"),
    ({"ejabberd_ldap_uid_format": "%u"}, None, "anna"),
    ({"ejabberd_ldap_uid_format": "x1-%u@corp.test"}, None, "x1-anna@corp.test"),
    ({"ejabberd_ldap_uid_attribute": "extensionAttribute1"}, None, "anna@chat.corp.test"),
    ({"ejabberd_ldap_uid_format": "%u@*"}, None, "anna@chat.corp.test"),
]


@pytest.mark.parametrize(("site", "domain", "name"), MAPPED)
def test_preflight_asks_for_names_as_the_server_looks_for_them(site, domain, name):
    """A user of whom it says that he can never log in cannot."""
    task = question()
    user = {"jid": "anna@chat.corp.test", "password": "x"}
    known = {"chat_domain": "chat.corp.test", "chat_verify_users": [user], "omit": "nothing given"}
    known |= {"__site_product": site.get("chat_product", "ejabberd")}
    templar = Templar(DataLoader(), variables=known | task["vars"] | site)
    arguments = task["onprem.chat.ldap_info"]
    assert templar.template(arguments["domain"]) == (domain or "nothing given")
    assert templar.template(arguments["users"]) == [name]


@pytest.mark.parametrize(
    ("site", "said"),
    [
        ({}, False),
        ({"ejabberd_ldap_uid_attribute": "sAMAccountName"}, True),
        ({"ejabberd_ldap_uid_attribute": "samaccountname", "ejabberd_ldap_uid_format": "%u@corp.test"}, True),
        ({"ejabberd_ldap_uid_attribute": "sAMAccountName", "ejabberd_ldap_uid_format": "%u"}, False),
        ({"ejabberd_ldap_uid_attribute": "userPrincipalName"}, False),
        ({"ejabberd_ldap_uid_attribute": "sAMAccountName", "__site_product": "mts_link"}, False),
    ],
)
def test_names_without_a_domain_are_not_looked_for_with_one(site, said):
    task = next(task for task in tasks() if task["name"] == "Say that no user can be found by such a name")
    templar = Templar(DataLoader(), variables={"__site_product": "ejabberd", "__preflight_directory_checks": []} | site)
    held = [templar.template(trust_as_template("{{ " + one + " }}")) for one in task["when"]]
    assert all(held) is said
    if said:
        check = templar.template(task["vars"]["__preflight_unlike"])
        form = site.get("ejabberd_ldap_uid_format", "%u@%d")
        assert check["status"] == "fail"
        assert check["evidence"] == f"ejabberd would look for {form} in sAMAccountName, which holds the name alone"
        assert check["hint"] == "Set ejabberd_ldap_uid_format to %u."


def test_one_server_answers_and_the_others_stand_by():
    """In ldap_servers each would be a connection of its own that knows no other server."""
    several = written(ejabberd_ldap_servers=["dc1.corp.test", "dc2.corp.test", "dc3.corp.test"])
    assert several["ldap_servers"] == ["dc1.corp.test"]
    assert several["ldap_backups"] == ["dc2.corp.test", "dc3.corp.test"]
    assert written()["ldap_servers"] == ["dc1.corp.test"]
    assert "ldap_backups" not in written()


# ss and the unit's processes on a host where RabbitMQ, the same Erlang machine, runs beside ejabberd.
SOCKETS = """\
LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=80,fd=3))
LISTEN 0 128 *:5222 *:* users:(("beam.smp",pid=410,fd=25))
LISTEN 0 128 127.0.0.1:41233 0.0.0.0:* users:(("beam.smp",pid=410,fd=17))
LISTEN 0 128 *:5672 *:* users:(("beam.smp",pid=41,fd=31))
LISTEN 0 128 0.0.0.0:25672 0.0.0.0:* users:(("beam.smp",pid=41,fd=18))
LISTEN 0 4096 {epmd}:4369 0.0.0.0:* users:(("epmd",pid=300,fd=3),("systemd",pid=1,fd=36))
/proc/408/cgroup
/proc/410/cgroup
"""


def evaluated(tasks, variable, found, **variables):
    """A variable of a task of the role, for what the host said."""
    loader = DataLoader()
    known = loader.load_from_file(str(ROLE / "vars" / "main.yml"), trusted_as_template=True)
    steps = loader.load_from_file(str(ROLE / "tasks" / tasks), trusted_as_template=True)
    known |= next(step["vars"] for step in steps if variable in step.get("vars", {}))
    seen = {"__ejabberd_sockets": {"stdout_lines": found.splitlines()}}
    return Templar(loader, variables=known | HOST | seen | variables).template(
        trust_as_template("{{ " + variable + " }}")
    )


@pytest.mark.parametrize(
    ("epmd", "names", "outside"),
    [
        ("127.0.0.1", "name ejabberd at port 41233", [5222]),
        ("127.0.0.1", "name ejabberd at port 41233\nname rabbit at port 25672", [5222]),
        ("*", "name ejabberd at port 41233\nname rabbit at port 25672", [5222]),
        ("*", "name ejabberd at port 41233", [4369, 5222]),
    ],
)
def test_ports_of_another_erlang_service_are_not_taken_for_ours(epmd, names, outside):
    found = SOCKETS.format(epmd=epmd) + "epmd: up and running on port 4369 with data:\n" + names
    assert evaluated("verify.yml", "__ejabberd_outside", found) == outside


@pytest.mark.parametrize(
    ("port", "managed", "taken"),
    [(5222, True, 0), (5222, False, 1), (5672, True, 1), (5672, False, 1), (5223, True, 0)],
)
def test_a_port_of_another_erlang_service_is_taken(port, managed, taken):
    found = SOCKETS.format(epmd="127.0.0.1")
    state = {"__ejabberd_managed": managed, "ejabberd_adopt": False, "item": port}
    assert len(evaluated("preflight.yml", "__ejabberd_taken", found, **state)) == taken


@pytest.fixture
def helper(monkeypatch, tmp_path):
    """The helper on the chat host, where each command succeeds; helper.asked is what was run."""
    spec = importlib.util.spec_from_file_location("ejabberd_config", ROLE / "files" / "ejabberd_config.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.asked, module.names = [], "name ejabberd at port 41233\n"

    def run(*argv, **_options):
        module.asked.append(" ".join(argv))
        return subprocess.CompletedProcess(argv, 0, module.names if argv == ("epmd", "-names") else "")

    monkeypatch.setattr(module, "run", run)
    monkeypatch.setattr(module, "wait", lambda _ports, _seconds: [])
    monkeypatch.setattr(module, "LOG", tmp_path / "log")
    return module


REFUSED = "2026-11-23 15:46:07+00:00 [warning] <0.{}.0>@eldap:report_bind_failure/3:989 LDAP bind failed on dc1.corp.test:636\n"


@pytest.fixture
def refuse(helper, monkeypatch):
    """What ejabberd has logged before, and what it logs from then on."""
    monkeypatch.setattr(helper, "BIND_SECONDS", 0)
    command, logged = helper.run, {}

    def run(*argv, **options):
        if argv in (("ejabberdctl", "reload_config"), ("systemctl", "start", "ejabberd.service")):
            helper.LOG.write_text(logged["before"] + logged["after"])
        return command(*argv, **options)

    def refuse(before, after):
        helper.LOG.write_text(before)
        logged.update(before=before, after=after)

    monkeypatch.setattr(helper, "run", run)
    return refuse


@pytest.mark.parametrize("what", ["reload", "start"])
def test_the_account_is_refused_by_the_directory(helper, refuse, what):
    """ejabberd goes on trying for ever, and the account is locked within a minute."""
    refuse("", REFUSED.format(601))
    wrong = helper.bring(what, [5222], 1, asks_anew=True)
    assert wrong.startswith("dc1.corp.test:636 refuses the account of ejabberd_ldap_bind_dn.")
    assert REFUSED.format(601).strip() in wrong
    assert ("systemctl stop ejabberd.service" in helper.asked) is (what == "start")


def test_a_renewed_certificate_does_not_wait_for_whoever_unlocks_the_account(helper, refuse):
    refuse("", REFUSED.format(601))
    assert helper.bring("reload", [5222], 1) == ""


def test_the_right_password_is_not_blamed_for_the_former_one(helper, refuse):
    """Connections that are refused go on until the new configuration is there."""
    refuse(REFUSED.format(601), REFUSED.format(601))
    assert helper.bring("reload", [5222], 1, asks_anew=True) == ""
    refuse(REFUSED.format(601), REFUSED.format(601) + REFUSED.format(777))
    assert "refuses the account" in helper.bring("reload", [5222], 1, asks_anew=True)


def test_what_decides_how_the_directory_is_asked(helper, tmp_path):
    def write(root, **changes):
        config = {"servers": "dc1", "sessions": "7", "password": "a"} | changes
        for path, text in (
            (
                helper.CONFIG,
                f"loglevel: info\nldap_servers:\n  - {config['servers']}\nsessions: {config['sessions']}\n",
            ),
            (helper.SECRETS, f"ldap_password: {config['password']}\n"),
            (helper.LDAP_CA, "ca\n"),
        ):
            place = root / path.relative_to("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        return helper.directory(root)

    before = write(tmp_path / "a")
    assert write(tmp_path / "b", sessions="8") == before
    assert write(tmp_path / "b", servers="dc2") != before
    assert write(tmp_path / "b", password="b") != before
    assert helper.directory(tmp_path / "nothing") != before


def test_the_port_mapper_is_restarted_with_ejabberd(helper):
    assert helper.bring("restart", [5222], 1) == ""
    assert "systemctl stop epmd.service epmd.socket" in helper.asked


def test_a_port_mapper_that_others_use_is_left_alone(helper):
    helper.names = "epmd: up and running on port 4369 with data:\nname rabbit at port 25672\n"
    assert helper.bring("restart", [5222], 1) == ""
    assert "systemctl stop ejabberd.service" in helper.asked
    assert [command for command in helper.asked if "stop epmd" in command] == []
