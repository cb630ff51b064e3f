# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the ways to other services are told. The ways themselves: test_net_reach.py."""

from __future__ import annotations

import threading

import pytest

from ansible_collections.onprem.chat.plugins.module_utils._net import reach
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.host_fake import Host

ADDRESS, OTHER = "192.0.2.1", "2001:db8::1"


@pytest.fixture(name="host")
def _host(tmp_path):
    return Host(tmp_path)


def ask(host, answer, **service):
    host.machine.reach = lambda *_any: answer
    (found,) = [
        check for check in host.ask(outbound=[{"host": "registry.test", **service}]) if check["id"] == "host.outbound"
    ]
    return found


def answer(kind, detail, **more):
    return reach.Answer(kind, **{"address": ADDRESS, "detail": detail, **more})


@pytest.mark.parametrize(
    ("given", "status", "evidence", "hint"),
    [
        (
            answer("answered", "answered with TLSv1.3", tls_version="TLSv1.3", issuer="R11 (Let's Encrypt)"),
            "pass",
            "answered with TLSv1.3 at 192.0.2.1, certificate by R11 (Let's Encrypt)",
            "",
        ),
        (answer("answered", "connected"), "pass", "connected at 192.0.2.1", ""),
        (
            answer("no_address", "registry.test does not resolve", address=""),
            "fail",
            "registry.test does not resolve",
            "Does the company's DNS resolve names of the Internet, and is the name spelt right? Try on the host:"
            " getent ahosts registry.test It was asked without a proxy.",
        ),
        (
            answer("refused", "connection refused"),
            "fail",
            "connection refused at 192.0.2.1",
            "A firewall that rejects, or nothing listens there. Let the firewall pass TCP port 443 from this host to"
            " registry.test. It was asked without a proxy.",
        ),
        (
            answer("timed_out", "no connection within 5 s"),
            "fail",
            "no connection within 5 s at 192.0.2.1",
            "A firewall that drops? Let the firewall pass TCP port 443 from this host to registry.test. It was asked"
            " without a proxy.",
        ),
        (
            answer("unreachable", "Network is unreachable"),
            "fail",
            "Network is unreachable at 192.0.2.1",
            "Has this host a default route, and does a firewall of its own forbid the way? It was asked without a"
            " proxy.",
        ),
        (
            answer("intercepted", "self-signed certificate in certificate chain", issuer="Inspection CA (Corp)"),
            "fail",
            "TLS is intercepted: self-signed certificate in certificate chain at 192.0.2.1, certificate by Inspection CA"
            " (Corp)",
            "A firewall or proxy seems to open TLS: exempt registry.test from inspection. Or the server does not send"
            " its intermediate certificates. It was asked without a proxy.",
        ),
        (
            answer("bad_certificate", "certificate has expired", issuer="Some CA"),
            "fail",
            "certificate has expired at 192.0.2.1, certificate by Some CA",
            "Is the right server behind this name, and is this host's clock right? It was asked without a proxy.",
        ),
        (
            answer("bad_certificate", "this host trusts no CA at all, /etc/ssl/certs is empty"),
            "fail",
            "this host trusts no CA at all, /etc/ssl/certs is empty at 192.0.2.1",
            "Install the CA certificates of the distribution (ca-certificates). It was asked without a proxy.",
        ),
        (
            answer("not_tls", "what answered does not speak TLS"),
            "fail",
            "what answered does not speak TLS at 192.0.2.1",
            "Something on the way answers in its place: a proxy, or a portal that wants a login? It was asked without a"
            " proxy.",
        ),
        (
            answer("closed", "closed the connection in the TLS handshake"),
            "fail",
            "closed the connection in the TLS handshake at 192.0.2.1",
            "A firewall that looks into TLS may do this. Let the firewall pass TCP port 443 from this host to"
            " registry.test, and exempt it from inspection. It was asked without a proxy.",
        ),
    ],
)
def test_every_outcome(host, given, status, evidence, hint):
    check = ask(host, given)
    assert (check["subject"], check["status"]) == ("registry.test:443", status)
    assert check["evidence"] == evidence
    assert check["hint"] == hint


def test_every_kind_has_a_hint():
    from ansible_collections.onprem.chat.plugins.module_utils._host import judge_outbound

    assert set(judge_outbound._HINTS) == (set(reach.TELLING) | {reach.NO_ADDRESS}) - {reach.ANSWERED}


@pytest.mark.parametrize(("kind", "status"), [("timed_out", "warn"), ("intercepted", "warn"), ("unreachable", "pass")])
def test_another_address_does_not_answer(host, kind, status):
    others = (reach.Answer("answered", "192.0.2.3", "connected"), reach.Answer(kind, OTHER, "what was seen"))
    check = ask(host, answer("answered", "connected", others=others))
    assert check["status"] == status
    if status == "warn":
        assert check["evidence"] == f"connected at {ADDRESS}, but not all addresses: {OTHER}: what was seen"


def test_what_is_asked(host):
    asked = []

    def pretend(*arguments):
        asked.append(arguments)
        return answer("answered", "connected")

    host.machine.reach = pretend
    services = [
        {"host": "a.test"},
        {"host": "b.test", "port": 5222, "protocol": "tcp", "trust_anchors": None},
        {"host": "c.test", "port": 8443, "protocol": "tls", "trust_anchors": "/etc/company.pem"},
    ]
    checks = host.ask(outbound=services, timeout=1.5)
    assert sorted(asked) == [
        ("a.test", 443, "tls", 1.5, []),
        ("b.test", 5222, "tcp", 1.5, []),
        ("c.test", 8443, "tls", 1.5, ["/etc/company.pem"]),
    ]
    subjects = [check["subject"] for check in checks if check["id"] == "host.outbound"]
    assert subjects == ["a.test:443", "b.test:5222", "c.test:8443"]


def test_all_are_asked_at_the_same_time(host):
    together = threading.Barrier(5, timeout=20)

    def pretend(*_any):
        together.wait()
        return answer("answered", "connected")

    host.machine.reach = pretend
    checks = host.ask(outbound=[{"host": f"{number}.test"} for number in range(5)])
    assert [check["status"] for check in checks if check["id"] == "host.outbound"] == ["pass"] * 5


def test_a_file_of_anchors_that_is_not_there(host):
    host.machine.reach = reach.reach
    check = host.one("host.outbound", outbound=[{"host": "127.0.0.1", "trust_anchors": "/no/such.pem"}])
    assert (check["status"], check["evidence"], check["hint"]) == (
        "fail",
        "trust_anchors: /no/such.pem: No such file or directory",
        "Name a PEM file on this host.",
    )


def test_an_address_is_not_told_twice(host):
    host.machine.reach = lambda *_any: answer("refused", "connection refused")
    assert host.said("host.outbound", outbound=[{"host": ADDRESS}])[1] == "connection refused"


def test_nothing_is_asked(host):
    assert host.all("host.outbound") == []
