# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""dns_records and the role dns against the laboratory's domain controller, checked with dig, nsupdate and samba-tool."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

MODULE = "onprem.chat.dns_records"
DRIVER = str(Path(__file__).parent / "dns_writers.py")
RACE = str(Path(__file__).parents[1] / "soak" / "dns_race.py")
WRONG = "not-The-Password-42"
HOST = "inttest.corp.test."
SERVICE = "_inttest._tcp.corp.test."
NAMES = {
    HOST: ["A", "AAAA"],
    SERVICE: ["SRV"],
    "_inttest-race._tcp.corp.test.": ["SRV"],
    "_inttest-none._tcp.corp.test.": ["SRV"],
    "inttest-text.corp.test.": ["TXT"],
    "inttest-other.corp.test.": ["A"],
}
RECORDS = [
    {"name": "inttest", "type": "A", "state": "exact", "ttl": 86400, "entries": ["10.203.0.21", "10.203.0.22"]},
    {"name": "inttest", "type": "AAAA", "state": "exact", "ttl": 86400, "entries": ["fd00:203::21"]},
    {
        "service": "inttest",
        "protocol": "tcp",
        "type": "SRV",
        "state": "exact",
        "ttl": 86400,
        "srv": [{"priority": 5, "port": 5222, "target": "inttest.corp.test"}],
    },
]


class Dns:
    def __init__(self, lab):
        self.lab = lab
        self.account = {
            "server": "dc1.corp.test",
            "zone": "corp.test",
            "principal": "svc-chat-dns@CORP.TEST",
            "password": lab.secrets["svc-chat-dns"],
        }

    def run(self, records=None, *more, **changed):
        arguments = {**self.account, **changed, "records": RECORDS if records is None else records}
        return self.lab.module(MODULE, {key: value for key, value in arguments.items() if value is not None}, *more)

    def dig(self, name, kind):
        """What the primary itself answers: sorted lines of TTL and value."""
        output = self.lab.exec(
            "users", ["dig", "+norecurse", "+noall", "+answer", "@dc1.corp.test", name, kind], check=True
        ).stdout
        return sorted(" ".join([*line.split()[1:2], *line.split()[4:]]) for line in output.splitlines())

    def everything(self):
        return {(name, kind): self.dig(name, kind) for name, kinds in NAMES.items() for kind in kinds}

    def clear(self):
        keys = [f"{name}:{kind}" for name, kinds in NAMES.items() for kind in kinds]
        self.lab.exec("users", ["python", DRIVER, "clear", *keys], check=True)


@pytest.fixture(scope="module")
def unwritten(lab):
    """For tests after which everything is as before."""
    control = Dns(lab)
    control.clear()
    yield control
    control.clear()


@pytest.fixture
def dns(unwritten):
    yield unwritten
    unwritten.clear()


WRITTEN = {
    (HOST, "A"): ["86400 10.203.0.21", "86400 10.203.0.22"],
    (HOST, "AAAA"): ["86400 fd00:203::21"],
    (SERVICE, "SRV"): ["86400 5 0 5222 inttest.corp.test."],
}


def test_check_then_apply_then_again(dns):
    before = dns.everything()
    checked = dns.run(RECORDS, "--check")
    assert checked["changed"] is True
    assert checked["diff"]["before"] == ""
    assert checked["diff"]["after"] == (
        "_inttest._tcp.corp.test. 86400 IN SRV 5 0 5222 inttest.corp.test.\n"
        "inttest.corp.test. 86400 IN A 10.203.0.21\n"
        "inttest.corp.test. 86400 IN A 10.203.0.22\n"
        "inttest.corp.test. 86400 IN AAAA fd00:203::21\n"
    )
    assert dns.everything() == before

    done = dns.run()
    assert (done["changed"], done["updates"]) == (True, 1)
    assert done["diff"] == checked["diff"]
    assert done["records"] == checked["records"]
    assert {key: value for key, value in dns.everything().items() if value} == WRITTEN

    again = dns.run()
    assert (again["changed"], again["updates"], again["answer"]) == (False, 0, "none")
    assert again["records"] == done["records"]


def test_the_directory_has_what_dns_says(dns):
    dns.run()
    output = dns.lab.exec(
        "dc1",
        ["samba-tool", "dns", "query", "dc1.corp.test", "corp.test", "inttest", "ALL", "--machine-pass"],
        check=True,
    ).stdout
    assert "A: 10.203.0.21 (" in output
    assert "A: 10.203.0.22 (" in output
    assert "AAAA: fd00:0203:0000:0000:0000:0000:0000:0021 (" in output


def test_change_of_values_and_ttl(dns):
    dns.run()
    changed = dns.run([{**RECORDS[0], "ttl": 300, "entries": ["10.203.0.23"]}])
    assert changed["diff"] == {
        "before": "inttest.corp.test. 86400 IN A 10.203.0.21\ninttest.corp.test. 86400 IN A 10.203.0.22\n",
        "after": "inttest.corp.test. 300 IN A 10.203.0.23\n",
    }
    assert dns.dig(HOST, "A") == ["300 10.203.0.23"]
    assert dns.dig(HOST, "AAAA") == WRITTEN[(HOST, "AAAA")]


def test_two_hosts_share_a_service(dns):
    for target in ("chat.corp.test", "dc1.corp.test"):
        dns.run([{**RECORDS[2], "state": "present", "srv": [{"priority": 5, "port": 5222, "target": target}]}])
    assert dns.dig(SERVICE, "SRV") == ["86400 5 0 5222 chat.corp.test.", "86400 5 0 5222 dc1.corp.test."]
    dns.run([{**RECORDS[2], "state": "absent", "srv": [{"port": 5222, "target": "chat.corp.test"}]}])
    assert dns.dig(SERVICE, "SRV") == ["86400 5 0 5222 dc1.corp.test."]


def test_long_text_with_quotes(dns):
    text = 'v=test; said "hello" \\ ü ' + "x" * 300
    record = {"name": "inttest-text", "type": "TXT", "entries": [text]}
    assert dns.run([record])["records"][0]["entries"] == [text]
    assert dns.run([record])["changed"] is False


def test_what_nsupdate_wrote_is_understood(dns, tmp_path, monkeypatch):
    """An independent client writes; with its ticket the module works too (ambient cache)."""
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{tmp_path}/cache")
    password = dns.account["password"] + "\n"
    dns.lab.exec("users", ["kinit", "svc-chat-dns@CORP.TEST"], check=True, input=password)
    script = f"server dc1.corp.test\nzone corp.test\nupdate add {HOST} 86400 A 10.203.0.21\nsend\n"
    # Its exit code is that of the answer's signature, which Samba makes wrong.
    dns.lab.exec("users", ["nsupdate", "-g"], input=script)
    assert dns.dig(HOST, "A") == ["86400 10.203.0.21"]
    assert dns.run([{**RECORDS[0], "entries": ["10.203.0.21"]}])["changed"] is False
    result = dns.run(principal=None, password=None)
    assert result["changed"] is True
    assert dns.dig(HOST, "A") == WRITTEN[(HOST, "A")]


def test_keytab(dns, tmp_path):
    export = (
        "cd / && samba-tool domain exportkeytab /root/inttest.keytab --principal=svc-chat-dns@CORP.TEST >&2"
        " && base64 /root/inttest.keytab && rm /root/inttest.keytab"
    )
    keytab = tmp_path / "svc.keytab"
    keytab.touch(0o600)
    keytab.write_bytes(base64.b64decode(dns.lab.exec("dc1", ["bash", "-c", export], check=True).stdout))
    assert dns.run(password=None, keytab=str(keytab))["changed"] is True
    assert dns.dig(HOST, "A") == WRITTEN[(HOST, "A")]


def test_named_kdc(dns):
    assert dns.run(kdc="10.203.0.10")["changed"] is True


def test_somebody_else_writes_between_reading_and_writing(dns):
    said = json.loads(dns.lab.exec("users", ["python", DRIVER, "between"], check=True).stdout)
    assert said == {"changed": True, "updates": 2}
    assert dns.dig("_inttest-race._tcp.corp.test.", "SRV") == [
        "60 0 0 5222 mine.corp.test.",
        "60 0 0 5222 other.corp.test.",
    ]


@pytest.mark.parametrize("server", ["samba", "bind"])
def test_no_writer_loses_its_target(lab, server):
    """A few rounds of what `make soak-dns` does for hours."""
    lab.up("users", "dc1", "ns1")
    result = lab.exec("users", ["python", RACE, "--server", server, "--writers", "8", "--rounds", "5"])
    assert result.stdout.endswith("; lost targets: 0, targets left: 0, declared conflicts: 0, other failures: 0\n"), (
        result
    )
    assert result.returncode == 0


# -- refusals, literally ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        (
            {"password": WRONG},
            "Kerberos failed while getting a ticket for svc-chat-dns@CORP.TEST: the password (or key) of "
            "svc-chat-dns@CORP.TEST is wrong. Was it changed in Active Directory? Check with: kinit svc-chat-dns@CORP.TEST",
        ),
        (
            {"principal": "nobody@CORP.TEST"},
            "Kerberos failed while getting a ticket for nobody@CORP.TEST: the realm CORP.TEST does not know the principal "
            "nobody@CORP.TEST. Is the name spelt right, with the realm in capitals? Check with: kinit nobody@CORP.TEST",
        ),
        (
            {"principal": "svc-chat-dns@OTHER.TEST"},
            "Kerberos failed while getting a ticket for svc-chat-dns@OTHER.TEST: no domain controller (KDC) of the realm "
            "OTHER.TEST could be reached. Is OTHER.TEST only the ending of the user principal name? The realm is the account's "
            "domain, for dc1.corp.test it is CORP.TEST. Write the account as NAME@CORP.TEST if it is one of that domain; "
            "otherwise check with: dig SRV _kerberos._udp.OTHER.TEST",
        ),
        (
            {"principal": "svc-chat-dns@corp.test"},
            "Kerberos failed while getting a ticket for svc-chat-dns@corp.test: the domain controller knows "
            "svc-chat-dns@corp.test in another realm than corp.test. Is the realm not in capitals, or is it only the ending of "
            "the user principal name? Write the account as NAME@REALM, where the realm is the name of its domain in capitals.",
        ),
        (
            {"kdc": "10.203.0.20"},
            "Kerberos failed while getting a ticket for svc-chat-dns@CORP.TEST: the domain controller (KDC) 10.203.0.20 of "
            "the realm CORP.TEST could not be reached. Is it running, and is port 88 open between the controller and it? "
            "Leave out the option kdc to find one by the realm's SRV records.",
        ),
        (
            {"auth": "none"},
            "DNS server dc1.corp.test refused the update in the zone corp.test: REFUSED. Is an unsigned update allowed to "
            "write in this zone? In Active Directory: give the account the right to create and write records in the zone "
            "(or make it a member of DnsAdmins), see whether the zone takes secure updates at all (Get-DnsServerZone: "
            "DynamicUpdate), and name a domain controller that is not read-only; with BIND: see allow-update and update-policy.",
        ),
        (
            {"auth": "tsig", "tsig_name": "nokey", "tsig_secret": "c2VjcmV0LXNlY3JldA=="},
            "DNS server dc1.corp.test refused a question in the zone corp.test: BADKEY, it does not know the TSIG key nokey "
            "(hmac-sha256). Are the name and the algorithm of the key the same as in the server's configuration?",
        ),
        (
            {"zone": "nowhere.test"},
            "DNS server dc1.corp.test is not authoritative for the zone nowhere.test (its answer: NXDOMAIN). Is the name of "
            "the zone right, and is this the primary server for it? Check with: dig +norecurse @dc1.corp.test nowhere.test "
            "SOA",
        ),
        (
            {"zone": "sub.corp.test"},
            "sub.corp.test is not a zone of its own on DNS server dc1.corp.test; it lies in corp.test. Is corp.test the "
            "zone that is meant? Set zone to corp.test.",
        ),
        (
            {"server": "dc9.corp.test"},
            "The name of the DNS server dc9.corp.test has no address: Name or service not known. Does the resolver of the "
            "controller know this name? Check with: getent hosts dc9.corp.test",
        ),
        (
            {"port": 5354},
            "DNS server dc1.corp.test port 5354 could not be reached over TCP: Connection refused. Is the DNS service "
            "running there, and is TCP port 5354 open between the controller and it? Check with: dig +tcp @dc1.corp.test "
            "-p 5354 . SOA",
        ),
    ],
)
def test_refusals_in_words(unwritten, changed, text):
    result = unwritten.run([{"name": "inttest", "type": "TXT", "entries": ["x"]}], **changed)
    assert result["msg"] == text
    assert result["changed"] is False
    assert unwritten.dig(HOST, "TXT") == []


def test_wrong_password_is_found_by_the_check(unwritten):
    assert "is wrong. Was it changed in Active Directory?" in unwritten.run(RECORDS, "--check", password=WRONG)["msg"]


def test_record_of_another_account(dns):
    """Every user may create records in an Active Directory zone, but not change those of others."""
    dns.run()
    anna = {"principal": "anna@CORP.TEST", "password": dns.lab.secrets["users"]["anna"]}
    result = dns.run([{**RECORDS[0], "entries": ["10.9.9.9"]}], **anna)
    assert result["msg"] == (
        "DNS server dc1.corp.test refused the update in the zone corp.test: SERVFAIL. Is anna@CORP.TEST allowed to change "
        "these records? Samba says SERVFAIL when they belong to another account. Give the account write access to the "
        "records or make it a member of DnsAdmins; otherwise see the log of the DNS server."
    )
    assert dns.dig(HOST, "A") == WRITTEN[(HOST, "A")]


def test_samba_does_not_take_the_target_that_means_no_service_and_then_writes_nothing(dns):
    """If this fails because it works: a newer Samba; see the role's dns_no_service."""
    none_there = {"name": "_inttest-none._tcp", "type": "SRV", "srv": [{"target": "."}]}
    result = dns.run([none_there, {"name": "inttest-other", "type": "A", "entries": ["10.203.0.29"]}])
    assert result["msg"] == (
        "DNS server dc1.corp.test refused the update in the zone corp.test: SERVFAIL. Is this Samba? Its DNS server cannot "
        'take the SRV target "." of _inttest-none._tcp.corp.test. by dynamic update. Use state=absent there instead, or add '
        "that record once with samba-tool dns add."
    )
    assert dns.dig("inttest-other.corp.test.", "A") == []


def test_no_secret_in_the_loudest_output(dns, tmp_path):
    secrets = f"{dns.lab.state}/secrets.json"
    playbook = tmp_path / "play.yml"
    password = "{{ (lookup('ansible.builtin.file', '" + secrets + "') | from_json)['svc-chat-dns'] }}"
    task = {MODULE: {**dns.account, "password": password, "records": RECORDS}}
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]))
    result = dns.lab.playbook(str(playbook), "-vvvv", "--diff", check=True)
    assert "changed=1" in result.stdout
    assert dns.account["password"] not in result.stdout + result.stderr


# -- the role ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def role(dns, tmp_path):
    """A play with the role dns for a host of the test's own."""

    def _run(*arguments, **variables):
        play = {
            "hosts": "chat_servers",
            "gather_facts": False,
            "vars": {
                "dns_server": "{{ chat_dns_server }}",
                "dns_zone": "{{ chat_domain }}",
                "dns_principal": "{{ chat_dns_principal }}",
                "dns_password": "{{ chat_dns_password }}",
                "dns_hosts": [
                    {"name": "inttest.corp.test", "addresses": ["10.203.0.21", "10.203.0.22", "fd00:203::21"]}
                ],
                "dns_services": [{"service": "inttest", "port": 5222, "priority": 5, "target": "inttest.corp.test"}],
                **variables,
            },
            "roles": ["onprem.chat.dns"],
        }
        playbook = tmp_path / "role.yml"
        playbook.write_text(json.dumps([play]))
        return dns.lab.playbook(str(playbook), *arguments)

    return _run


def test_role_publishes_what_it_describes_and_nothing_twice(dns, role):
    checked = role("--check", "--diff")
    assert "changed=1" in checked.stdout
    assert "+inttest.corp.test. 86400 IN A 10.203.0.21" in checked.stdout
    assert not any(dns.everything().values())
    assert "changed=1" in role().stdout
    assert {key: value for key, value in dns.everything().items() if value} == WRITTEN
    assert "changed=0" in role().stdout
    # IPv6 is given up, the service too.
    assert (
        "changed=1"
        in role(
            dns_hosts=[{"name": "inttest.corp.test", "addresses": ["10.203.0.21"]}],
            dns_services=[{"service": "inttest", "target": "."}],
        ).stdout
    )
    assert {key: value for key, value in dns.everything().items() if value} == {(HOST, "A"): ["86400 10.203.0.21"]}


def test_role_refuses_a_list_where_a_text_is_meant(role):
    result = role(dns_zone=["corp.test"])
    assert result.returncode != 0
    assert "A variable of the role dns is not what it must be." in " ".join(
        result.stdout.split() + result.stderr.split()
    )
