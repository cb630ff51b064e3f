# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role certificates asks the servers of a zone for DNS-01, what it says when an order fails, and when it wants a new
certificate from the company's authority."""

from __future__ import annotations

import datetime
import pathlib

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

ROLE = pathlib.Path(__file__).resolve().parents[4] / "roles" / "certificates"
OMIT = "__omit__"
TSIG = {"certificates_acme_dns_auth": "tsig", "certificates_acme_dns_tsig_key_file": "/keys/update.key"}


def templar(**variables):
    loader, known = DataLoader(), {}
    for part in ("defaults", "vars"):
        known |= loader.load_from_file(str(ROLE / part / "main.yml"), trusted_as_template=True)
    return Templar(loader, variables=known | {"omit": OMIT} | variables)


def tasks_in(blocks):
    for task in blocks:
        inner = [part for name in ("block", "rescue", "always") for part in task.get(name, [])]
        yield from tasks_in(inner) if inner else [task]


def question():
    """The task that asks every server of the zone for the TXT records."""
    loaded = DataLoader().load_from_file(str(ROLE / "tasks" / "acme_dns.yml"), trusted_as_template=True)
    return next(task["onprem.chat.dns_info"] for task in tasks_in(loaded) if "onprem.chat.dns_info" in task)


@pytest.mark.parametrize(
    ("variables", "key_file"),
    [(TSIG, OMIT), (TSIG | {"certificates_acme_dns_sign_questions": True}, "/keys/update.key")],
)
def test_servers_are_asked_without_the_key_that_writes(variables, key_file):
    """A secondary need not know it, and whoever asks for the ACME server does not."""
    asked, using = question(), templar(**variables)
    names = ("tsig_name", "tsig_secret", "tsig_key_file")
    # What is not said here comes from the defaults of the group, which hold the key.
    assert [using.template(trust_as_template(asked[name])) for name in names] == [OMIT, OMIT, key_file]


def told(action, **result):
    variables = {"ansible_failed_task": {"action": action}, "ansible_failed_result": result}
    using = templar(certificates_acme_challenge="dns-01", **variables)
    names = ("__certificates_acme_said", "__certificates_acme_hint")
    return tuple(using.template(trust_as_template(f"{{{{ {name} }}}}")) for name in names)


def test_a_server_without_the_records_is_named():
    checks = [
        {"subject": "_acme-challenge.corp.test. TXT", "status": "fail", "evidence": "NXDOMAIN at ns2"},
        {"subject": "corp.test.", "status": "skip", "evidence": "no resolver is to be asked"},
    ]
    # The words of Ansible, which knows nothing better.
    said, hint = told("onprem.chat.dns_info", msg="Task failed: Action failed: Unknown error.", checks=checks)
    assert said == "_acme-challenge.corp.test. TXT: NXDOMAIN at ns2"
    assert hint.startswith("The ACME server was not told to look, because not every server of the zone has the TXT")


@pytest.mark.parametrize(
    "text",
    [
        "DNS server dc1.corp.test could not be reached over TCP: Connection refused. Is the DNS service running there?",
        "Kerberos failed while getting a ticket for svc@CORP.TEST: the password (or key) of svc@CORP.TEST is wrong.",
    ],
)
def test_trouble_with_dns_is_not_put_down_to_the_acme_server(text):
    said, hint = told("onprem.chat.dns_records", msg=text)
    assert said == text.removesuffix(".")
    assert hint == "It was about the TXT records of DNS-01, and the ACME server has no part in it."


def test_what_the_acme_server_says_is_explained():
    said, hint = told("community.crypto.acme_certificate_order_create", msg="urn:ietf:params:acme:error:rateLimited")
    assert said == "urn:ietf:params:acme:error:rateLimited"
    assert hint.startswith("The server has had enough requests for now.")


def test_certbot_that_its_timer_started_is_no_fault_of_the_directory():
    hint = told("ansible.builtin.fail", msg="Another instance of Certbot is already running.")[1]
    assert hint.endswith("Run it again when that has ended.")


def due(*names, wanted=("corp.test", "chat.corp.test"), renew=True):
    """Whether a new request is made while a certificate with these names is on the host."""
    loaded = DataLoader().load_from_file(str(ROLE / "tasks" / "files_request.yml"), trusted_as_template=True)
    facts = next(task["ansible.builtin.set_fact"] for task in loaded if "ansible.builtin.set_fact" in task)
    info = {"not_after": "20300101000000Z", "valid_at": {"renew": renew}, "subject_alt_name": list(names) or None}
    using = templar(certificates_dns_names=list(wanted), __certificates_present_info=info)
    return using.template(trust_as_template(facts["__certificates_request_due"]))


@pytest.mark.parametrize(
    "names",
    [
        ("DNS:corp.test", "DNS:chat.corp.test"),
        ("DNS:chat.corp.test", "DNS:corp.test", "DNS:chat", "IP:10.0.0.20"),
        ("DNS:Corp.test", "DNS:CHAT.corp.test"),
        ("DNS:corp.test", "DNS:*.corp.test"),
    ],
)
def test_a_certificate_that_covers_the_names_needs_no_request(names):
    """The authority may have written them in its own way."""
    assert due(*names) is False
    assert due(*names, renew=False) is True


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        ((), ("corp.test",)),
        (("DNS:corp.test",), ("corp.test", "chat.corp.test")),
        (("DNS:*.corp.test",), ("corp.test",)),
        (("DNS:*.corp.test",), ("a.chat.corp.test",)),
        (("DNS:a.corp.test",), ("*.corp.test",)),
        (("email:corp.test",), ("corp.test",)),
    ],
)
def test_a_name_that_is_not_covered_needs_one(names, wanted):
    assert due(*names, wanted=wanted) is True


def reasons(life, left, source="acme", **info):
    """Why a pair is replaced whose certificate is valid for so many hours, of which so many are left."""
    loaded = DataLoader().load_from_file(str(ROLE / "tasks" / "inspect.yml"), trusted_as_template=True)
    task = next(task for task in loaded if "ansible.builtin.set_fact" in task)
    end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=left)
    start = end - datetime.timedelta(hours=life)
    here = {
        "certificates_name": "corp.test",
        "certificates_source": source,
        "certificates_dns_names": ["corp.test"],
        "certificates_acme_directory": "https://acme.corp.test/dir",
        "__certificates_came_from": "https://acme.corp.test/dir",
        "__certificates_pair": {
            "stdout_lines": [f"/etc/onprem-chat/certs/corp.test.{kind}" for kind in ("crt", "key")]
        },
        "__certificates_present_key": {"stdout": "PUBLIC"},
        "__certificates_ari": {"should_renew": False},
        "__certificates_present_info": {
            "not_before": f"{start:%Y%m%d%H%M%SZ}",
            "not_after": f"{end:%Y%m%d%H%M%SZ}",
            "valid_at": {"renew": left > 30 * 24},
            "public_key": "PUBLIC",
            "subject_alt_name": ["DNS:corp.test"],
        },
    }
    using = templar(**task["vars"] | here | info)
    return using.template(trust_as_template(task["ansible.builtin.set_fact"]["__certificates_reasons"]))


@pytest.mark.parametrize(
    ("life", "left", "why"),
    [
        (90 * 24, 31 * 24, ""),
        (90 * 24, 29 * 24, "fewer than 30 days remain"),
        (45 * 24, 16 * 24, ""),
        (45 * 24, 14 * 24, "less than a third of its life remains"),
        (24, 23, ""),
        (24, 7, "less than a third of its life remains"),
        (24, -1, "less than a third of its life remains"),
    ],
)
def test_a_certificate_with_a_short_life_is_not_due_as_soon_as_it_came(life, left, why):
    assert [text.partition(" (")[0] for text in reasons(life, left)] == ([why] if why else [])


def test_the_acme_server_may_ask_earlier():
    early = {"__certificates_ari": {"should_renew": True}}
    assert reasons(24, 23, **early) == reasons(90 * 24, 80 * 24, **early) == ["the ACME server asks to renew it now"]
    assert len(reasons(24, 1, **early)) == 1
