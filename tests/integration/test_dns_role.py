# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role dns against BIND in two views, and the verb dns with the site file; checked with dig and nsupdate."""

from __future__ import annotations

import json
import re
import stat
import threading
import time

import pytest

ZONE = "example.test"
ASKS = "Ask | What do the servers have?"
HOSTS = [f"{host}.{ZONE}" for host in ("role1", "role2", "roleold", "talk", "talk-gateway", "talk-storage")]
SERVICES = [f"_{service}._tcp.{ZONE}" for service in ("role", "roleold")]


class World:
    """ns1 with its two views, and playbooks that write there."""

    def __init__(self, servers, folder):
        self.servers, self.lab, self.folder = servers, servers.lab, folder
        self.views = {"inside": servers.internal, "outside": servers.external}

    def clear(self):
        for target in self.views.values():
            changes = [f"delete {name}" for name in (*HOSTS, *SERVICES)]
            assert self.servers.nsupdate(target, *changes, key=target.key_file).returncode == 0

    def change(self, where, *changes):
        target = self.views[where]
        assert self.servers.nsupdate(target, *changes, key=target.key_file).returncode == 0

    def dig(self, where, name, kind="A"):
        return sorted(self.servers.dig(self.views[where].address, f"{name}.{ZONE}", kind).splitlines())

    def everything(self, where):
        names = {name.removesuffix(f".{ZONE}"): kinds for name in HOSTS for kinds in [("A", "AAAA")]}
        names |= {name.removesuffix(f".{ZONE}"): ("SRV",) for name in SERVICES}
        found = {(name, kind): self.dig(where, name, kind) for name, kinds in names.items() for kind in kinds}
        return {key: value for key, value in found.items() if value}

    def variables(self, **changed):
        secrets = f"(lookup('ansible.builtin.file', '{self.lab.state}/secrets.json') | from_json)"
        return {
            "dns_server": "ns1.corp.test",
            "dns_zone": ZONE,
            "dns_auth": "tsig",
            "dns_tsig_key_file": str(self.servers.internal.key_file),
            "dns_servers": ["ns1.corp.test", "ns2.corp.test"],
            "dns_resolvers": [],
            "dns_hosts": [
                {"name": f"role1.{ZONE}", "addresses": ["10.203.0.21", "fd00:203::21"]},
                {"name": f"role2.{ZONE}", "addresses": ["10.203.0.22"], "priority": 10, "weight": 3},
            ],
            "dns_services": [{"service": "role", "port": 5222, "priority": 5}],
            "dns_views": [
                {
                    "name": "external",
                    "server": "ns1-external.corp.test",
                    "tsig_name": "external-key",
                    "tsig_secret": "{{ " + secrets + "['tsig-external'] }}",
                    "hosts": [{"name": f"role1.{ZONE}", "addresses": ["192.0.2.21"]}],
                }
            ],
            **changed,
        }

    def role(self, *arguments, tasks=None, **changed):
        """What the role printed; its exit code."""
        play = {"hosts": "localhost", "gather_facts": False, "vars": self.variables(**changed)}
        play |= {"tasks": tasks} if tasks else {"roles": ["onprem.chat.dns"]}
        playbook = self.folder / "role.yml"
        playbook.write_text(json.dumps([play]))
        result = self.lab.playbook(str(playbook), *arguments)
        return result.returncode, result.stdout + result.stderr

    def run(self, *arguments, **changed):
        code, text = self.role(*arguments, **changed)
        assert code == 0, text
        return text


@pytest.fixture
def world(name_servers, tmp_path):
    made = World(name_servers, tmp_path)
    made.clear()
    yield made
    made.clear()


def flat(text):
    return " ".join(text.split())


INSIDE = {
    ("role1", "A"): ["10.203.0.21"],
    ("role1", "AAAA"): ["fd00:203::21"],
    ("role2", "A"): ["10.203.0.22"],
    ("_role._tcp", "SRV"): ["10 3 5222 role2.example.test.", "5 0 5222 role1.example.test."],
}
OUTSIDE = {("role1", "A"): ["192.0.2.21"], ("_role._tcp", "SRV"): ["5 0 5222 role1.example.test."]}


def test_two_views_in_one_run_and_no_secret_at_any_verbosity(world):
    checked = world.run("--check", "--diff")
    assert "changed=1" in checked
    assert "+role1.example.test. 86400 IN A 10.203.0.21" in checked
    assert "+role1.example.test. 86400 IN A 192.0.2.21" in checked
    assert world.everything("inside") == world.everything("outside") == {}

    text = world.run("-vvvv", "--diff")
    assert world.everything("inside") == INSIDE
    assert world.everything("outside") == OUTSIDE
    assert world.servers.dig(world.servers.secondary, f"role1.{ZONE}") == "10.203.0.21"
    assert "$ dig @10.203.0.30 SRV _role._tcp.example.test" in text
    assert " 0 failed" in text
    for name in ("tsig-internal", "tsig-external"):
        assert world.lab.secrets[name] not in text

    again = world.run("--diff")
    assert "changed=0" in again
    assert ASKS not in again


def test_when_the_servers_are_asked(world):
    code, text = world.role("-e", "dns_verify=false")
    assert code == 0, text
    assert ASKS not in text
    # Nothing is to be written, and one name server lacks it.
    servers = ["ns1.corp.test", "ns2.corp.test", "10.203.0.99"]
    assert ASKS not in world.run(dns_verify=True, dns_servers=servers)
    code, text = world.role(dns_verify="always", dns_servers=servers, dns_wait=0)
    assert code != 0
    assert "changed=0" in text
    assert re.search(r"FAIL  dns.server +10.203.0.99", text)
    code, text = world.role(dns_verify="sometimes")
    assert code != 0
    assert "dns_verify" in text


def test_connections_are_tried_to_what_users_inside_get(world):
    world.run()
    tasks = [
        {"include_role": {"name": "onprem.chat.dns", "tasks_from": "verify"}},
        {
            "debug": {
                "msg": "CONNECT {{ dns_checks | selectattr('id', 'eq', 'dns.srv.target.connect') | map(attribute='subject') }}"
            }
        },
    ]
    for value, count in (("true", 2), ("false", 0)):
        code, text = world.role("-e", f"dns_connect={value}", tasks=tasks)
        assert code == 0, text
        assert text.count(" port 5222") == count, text


def test_a_refusal_shows_no_secret_and_the_other_view_is_written_all_the_same(world):
    # A canary that is valid base64.
    canary = "Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5LWNhbmFyeS0="
    views = [{**world.variables()["dns_views"][0], "tsig_secret": canary}]
    code, text = world.role("-vvvv", "--diff", dns_views=views)
    assert code != 0
    assert "BADSIG" in text or "external-key" in text
    assert canary not in text
    assert (world.everything("inside"), world.everything("outside")) == (INSIDE, {})


def test_removal_leaves_what_somebody_else_added(world):
    world.run()
    world.change("inside", f"add _role._tcp.{ZONE} 86400 SRV 1 0 5222 other.{ZONE}.")
    assert "changed=1" in world.run(dns_state="absent")
    assert world.everything("inside") == {("_role._tcp", "SRV"): [f"1 0 5222 other.{ZONE}."]}
    assert world.everything("outside") == {}
    assert "changed=0" in world.run(dns_state="absent")


def test_retired_names(world):
    world.change(
        "inside", f"add roleold.{ZONE} 60 A 10.9.9.9", f"add _roleold._tcp.{ZONE} 60 SRV 0 0 1 roleold.{ZONE}."
    )
    names = [f"roleold.{ZONE}", f"_roleold._tcp.{ZONE}"]
    text = world.run("--diff", dns_retired_names=names)
    assert "-roleold.example.test. 60 IN A 10.9.9.9" in text
    assert world.everything("inside") == INSIDE
    assert "changed=0" in world.run(dns_retired_names=names)
    world.change("inside", f"add roleold.{ZONE} 60 CNAME role1.{ZONE}.")
    text = world.run("--diff", dns_retired_names=names)
    assert "-roleold.example.test. 60 IN CNAME role1.example.test." in text
    assert world.everything("inside") == INSIDE
    # An alias that an earlier server left in the way of a host goes in one step with its new addresses.
    world.change("inside", f"delete role1.{ZONE}", f"add role1.{ZONE} 60 CNAME roleold.{ZONE}.")
    text = world.run("--diff", dns_retired_names=[f"role1.{ZONE}"])
    assert "-role1.example.test. 60 IN CNAME roleold.example.test." in text
    assert world.everything("inside") == INSIDE


def test_what_exists_is_kept_if_told_so(world):
    world.change("inside", f"add role2.{ZONE} 60 A 10.9.9.9")
    code, text = world.role(dns_on_existing="keep_and_fail", dns_views=[])
    assert code != 0
    assert f"role2.{ZONE}" in text
    assert world.dig("inside", "role2") == ["10.9.9.9"]
    assert world.dig("inside", "role1") == []
    text = world.run(dns_on_existing="keep", dns_views=[], dns_wait=1)
    assert world.dig("inside", "role2") == ["10.9.9.9"]
    assert world.dig("inside", "role1") == ["10.203.0.21"]
    assert re.search(r"WARN  dns.authoritative +role2.example.test. A", text)


def test_what_exists_is_kept_where_its_removal_is_only_implied(world):
    world.change("inside", f"add role2.{ZONE} 60 AAAA fd00::9", f"add _roleold._tcp.{ZONE} 60 SRV 0 0 1 x.{ZONE}.")
    services = [*world.variables()["dns_services"], {"service": "roleold", "target": "."}]
    world.run(dns_on_existing="keep", dns_views=[], dns_services=services)
    assert world.dig("inside", "role2", "AAAA") == ["fd00::9"]
    assert world.dig("inside", "_roleold._tcp", "SRV") == [f"0 0 1 x.{ZONE}."]
    world.run(dns_views=[], dns_services=services)
    assert world.everything("inside") == INSIDE


def test_more_deletions_than_allowed(world):
    world.change("inside", f"add roleold.{ZONE} 60 A 10.9.9.9")
    code, text = world.role(dns_max_delete=0, dns_retired_names=[f"roleold.{ZONE}"], dns_views=[])
    assert code != 0
    assert "max_delete" in text
    assert world.everything("inside") == {("roleold", "A"): ["10.9.9.9"]}


def test_a_secondary_that_lags_is_named(world):
    with world.servers.secondary_stuck():
        code, text = world.role(dns_views=[], dns_wait=2)
    assert code != 0
    assert re.search(r"checks failed for example\.test", text)
    assert "ns2.corp.test" in text
    assert world.everything("inside") == INSIDE


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"dns_views": [{"name": "a"}, {"name": "a"}]}, "dns_views: 'a' is the name of more than one view."),
        ({"dns_split": "fail"}, "role1.example.test has other addresses there, which makes split DNS"),
        ({"dns_hosts": [{"name": "x.example.test", "addresses": ["ten"]}]}, "has the address 'ten', which is none."),
        ({"dns_tsig_key_file": ""}, "auth is tsig, and there is no key"),
        ({"dns_views": [{"name": "a", "adresses": ["10.0.0.1"]}]}, "adresses"),
        ({"dns_method": "export"}, "dns_export_directory is empty"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_written(world, changed, text):
    code, output = world.role(**changed)
    assert code != 0
    assert text in flat(output)
    assert world.everything("inside") == world.everything("outside") == {}


# -- written by hand --------------------------------------------------------------------------------------------------


def exported(world, **changed):
    folder = world.folder / "export"
    return folder, {"dns_method": "export", "dns_export_directory": str(folder), "dns_views": [], **changed}


def test_export_says_what_is_missing(world):
    folder, variables = exported(world, dns_auth="none", dns_tsig_key_file="")
    world.run("--check", **variables)
    assert not folder.exists()
    text = world.run(**variables)
    assert "example.test.zone: lines for the zone file" in text
    assert re.search(r"FAIL  dns.authoritative +role1.example.test. A", text)
    assert sorted(file.name for file in folder.iterdir()) == [f"{ZONE}.{end}" for end in ("cmd", "ps1", "txt", "zone")]
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o644}
    assert world.everything("inside") == {}
    assert "changed=0" in world.run(**variables)
    code, text = world.role(**variables, dns_wait=1)
    assert code != 0
    assert "checks failed for example.test" in text


def test_export_waits_for_who_enters_the_records(world):
    """The lines of the file itself, entered by nsupdate while the role waits."""
    folder, variables = exported(world, dns_wait=60)
    entered = []

    def enter():
        file = folder / f"{ZONE}.zone"
        for _turn in range(300):
            if file.exists():
                break
            time.sleep(0.2)
        time.sleep(2)
        lines = [line for line in file.read_text().splitlines() if line and not line.startswith(";")]
        world.change("inside", *(f"add {line.replace(' IN ', ' ')}" for line in lines))
        entered.append(len(lines))

    provider = threading.Thread(target=enter)
    provider.start()
    text = world.run(**variables)
    provider.join()
    assert entered == [5]
    assert world.everything("inside") == INSIDE
    assert " 0 failed" in text


# -- the verbs, with the site file ------------------------------------------------------------------------------------


@pytest.fixture
def site(world, tmp_path):
    """Run a verb with a site file of the test's own."""

    def _run(verb, values, *arguments):
        inventory = tmp_path / "inventory.yml"
        more = {
            "chat_dns_servers": ["ns1.corp.test", "ns2.corp.test"],
            "dns_resolvers": [],
            "chat_report_directory": str(tmp_path / "report"),
        }
        host = {"ansible_host": "10.203.0.20", "ansible_user": "deploy"}
        groups = {
            "chat_servers": {"hosts": {"chat": host}},
            "meetings_servers": {"hosts": {"meetings": {"ansible_host": "10.203.0.21"}}},
        }
        inventory.write_text(json.dumps({"all": {"vars": {**values, **more}, "children": groups}}))
        result = world.lab.playbook(f"onprem.chat.{verb}", *arguments, inventory=inventory)
        return result.returncode, result.stdout + result.stderr

    return _run


def mts_link(world, **changed):
    return {
        "chat_product": "mts_link",
        "chat_domain": f"talk.{ZONE}",
        "chat_addresses": ["192.0.2.30"],
        "chat_dns_server": "ns1.corp.test",
        "chat_dns_auth": "tsig",
        "chat_dns_tsig_key_file": str(world.servers.internal.key_file),
        # What only the other verbs look at.
        "chat_meetings_domain": f"meet.{ZONE}",
        "chat_licence_file": __file__,
        "chat_licence_key": "none",
        "chat_installer_sha256": "0" * 64,
        "chat_certificate_source": "acme",
        "chat_acme_directory": "https://acme.example.test/directory",
        "chat_acme_terms_agreed": True,
        "chat_dns_views": [
            {
                "name": "external",
                "server": "ns1-external.corp.test",
                "tsig_key_file": str(world.servers.external.key_file),
            }
        ],
        **changed,
    }


def test_three_names_of_mts_link(world, site):
    code, text = site("dns", mts_link(world), "--diff")
    assert code == 0, text
    wanted = {(name, "A"): ["192.0.2.30"] for name in ("talk", "talk-gateway", "talk-storage")}
    assert world.everything("inside") == world.everything("outside") == wanted
    # There are no servers here; of the names everything is right.
    code, text = site("verify", mts_link(world))
    assert code != 0
    assert re.search(r"PASS  dns.split +talk-storage.example.test. A", text)
    assert not re.search(r"FAIL  dns", text)
    code, text = site("preflight", mts_link(world))
    assert code != 0
    assert re.search(r"PASS  dns.update +external: example.test on ns1-external.corp.test", text)
    assert re.search(r"FAIL  host.login +meetings", text)
    # Somebody makes it split DNS.
    world.change("outside", f"delete talk.{ZONE} A", f"add talk.{ZONE} 86400 A 192.0.2.99")
    code, text = site("verify", mts_link(world))
    assert code != 0
    assert re.search(r"FAIL  dns.split +talk.example.test. A", text)
    code, text = site("dns", mts_link(world), "-e", "dns_state=absent")
    assert code == 0, text
    assert world.everything("inside") == {}
    assert world.everything("outside") == {("talk", "A"): ["192.0.2.99"]}


def test_mts_link_with_internal_and_external_addresses(world, site):
    values = mts_link(world, chat_addresses=["10.203.0.30"])
    values["chat_dns_views"][0]["addresses"] = ["192.0.2.30"]
    code, text = site("dns", values)
    assert code != 0
    assert "which makes split DNS, and dns_split is fail" in flat(text)
    assert world.everything("inside") == world.everything("outside") == {}
    code, text = site("dns", {**values, "chat_dns_split": "allow"})
    assert code == 0, text
    assert world.dig("inside", "talk-gateway") == ["10.203.0.30"]
    assert world.dig("outside", "talk-gateway") == ["192.0.2.30"]


def test_records_of_a_server_with_everything_that_ejabberd_offers(lab):
    hosts = [
        {"name": "chat2.corp.test", "addresses": ["10.203.0.22", "fd00:203::22"], "priority": 20, "weight": 50},
    ]
    more = {"chat_hosts": hosts, "chat_s2s": True, "chat_direct_tls_port": 5223}
    result = lab.playbook("onprem.chat.dns", "--check", "--diff", "-e", json.dumps(more))
    assert result.returncode == 0, result.stdout + result.stderr
    added = [line for line in result.stdout.splitlines() if line.startswith("+") and "IN" in line]
    assert [line for line in added if "xmpp" not in line] == [
        "+chat2.corp.test. 86400 IN A 10.203.0.22",
        "+chat2.corp.test. 86400 IN AAAA fd00:203::22",
    ]
    for name, port in (("xmpp-client", 5222), ("xmpp-server", 5269), ("xmpps-client", 5223)):
        assert f"+_{name}._tcp.corp.test. 86400 IN SRV 20 50 {port} chat2.corp.test." in added
    assert "_xmpps-server" not in result.stdout


def test_several_ejabberd_servers_are_refused_before_anything_is_written(lab):
    hosts = [{"name": f"chat{number}.corp.test", "addresses": [f"10.203.0.2{number}"]} for number in (1, 2)]
    result = lab.playbook("onprem.chat.dns", "--check", "--diff", "-e", json.dumps({"chat_hosts": hosts}))
    assert result.returncode != 0
    assert "chat_hosts names 2 servers, and this version does not join ejabberd servers" in flat(result.stdout)
