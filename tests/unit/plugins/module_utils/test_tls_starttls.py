# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How TLS is asked for in XMPP, LDAP and SMTP: what is sent to the byte, and every way in which a server can refuse."""

from __future__ import annotations

import contextlib
import xml.etree.ElementTree as ET

import pytest

from ansible_collections.onprem.chat.plugins.module_utils._tls.starttls import LDAP_REQUEST, ldap_result
from ansible_collections.onprem.chat.plugins.module_utils._xmpp import stream
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.tls_fake import (
    NAME,
    Certificates,
    Server,
    ask,
    hangs_up,
    leaf,
    said,
    says,
    silent,
    tls,
)

NS_TLS = "urn:ietf:params:xml:ns:xmpp-tls"
HEAD = "<?xml version='1.0'?><stream:stream xmlns='jabber:{kind}' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
FEATURES = f"<stream:features><starttls xmlns='{NS_TLS}'><required/></starttls></stream:features>"
NO_TLS = "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/></stream:features>"
PROCEED = f"<proceed xmlns='{NS_TLS}'/>"
XMPP_PORT = (
    "Is this the right port for the protocol? If it begins with TLS, use protocol: tls. Look into the server's log."
)


def stream_error(condition, text=""):
    inner = f"<{condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
    inner += f"<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>{text}</text>" if text else ""
    return f"<stream:error>{inner}</stream:error></stream:stream>"


def der(tag, body):
    return bytes([tag, len(body)]) + body


def extended_response(code, text=b"", wide=False):
    """An answer to StartTLS; wide: with lengths of four octets, as Active Directory and Samba write them."""
    body = der(0x0A, bytes([code])) + der(0x04, b"") + der(0x04, text) + der(0x8A, b"1.3.6.1.4.1.1466.20037")
    if not wide:
        return der(0x30, der(0x02, b"\x01") + der(0x78, body))

    def long(tag, inside):
        return bytes([tag, 0x84]) + len(inside).to_bytes(4, "big") + inside

    return long(0x30, der(0x02, b"\x01") + long(0x78, body))


class Talk:
    """A server that has a conversation: each step hears until a mark and answers; the last one may begin TLS.

    A step without a mark speaks first.
    """

    def __init__(self, steps, context=None):
        self.steps = steps
        self.context = context
        self.heard = []

    def __call__(self, connection):
        for mark, answer in self.steps:
            got = b""
            while mark and mark not in got:
                piece = connection.recv(4096)
                if not piece:
                    return
                got += piece
            self.heard.append(got)
            connection.sendall(answer)
        if self.context:
            tls(self.context)(connection)
            return
        with contextlib.suppress(OSError):
            connection.shutdown(1)
            silent(connection)


@pytest.fixture
def certificates(tmp_path):
    return Certificates(tmp_path)


def xmpp(certificates, kind="client", features=FEATURES, answer=PROCEED):
    context = certificates.context(leaf(dns=["corp.test"])) if answer == PROCEED else None
    steps = [(b"version='1.0'", (HEAD.format(kind=kind) + features).encode())]
    if answer:
        steps.append((b"<starttls", answer.encode()))
    return Talk(steps, context)


LDAP_MARK = LDAP_REQUEST[-6:]


def ldap(certificates, **more):
    return Talk([(LDAP_MARK, extended_response(0, **more))], certificates.context())


def smtp(certificates, ehlo=b"250-mail.corp.test\r\n250-SIZE 1000\r\n250 STARTTLS\r\n"):
    steps = [
        (b"", b"220-mail.corp.test ESMTP\r\n220 hello\r\n"),
        (b"\r\n", ehlo),
        (b"\r\n", b"220 2.0.0 Ready to start TLS\r\n"),
    ]
    return Talk(steps, certificates.context())


def test_xmpp(certificates):
    for kind in ("client", "server"):
        talk = xmpp(certificates, kind)
        with Server(talk) as server:
            result = ask(
                server.port,
                protocol=f"xmpp-{kind}",
                domain="corp.test",
                server_name=None,
                trust_anchors=certificates.anchors(),
            )
        assert said(result, "tls.starttls") == ("pass", f"xmpp-{kind}: the server agrees to begin TLS")
        assert [check["id"] for check in result["checks"] if check["status"] == "fail"] == []
        assert result["servers"][0]["server_name"] == "corp.test"
        assert said(result, "certificate.names")[0] == "pass"
        assert talk.heard[0].startswith(b"<?xml version='1.0'?><stream:stream to=\"corp.test\" version='1.0'")
        assert f"xmlns='jabber:{kind}'".encode() in talk.heard[0]
        assert talk.heard[1] == f"<starttls xmlns='{NS_TLS}'/>".encode()


def test_ldap(certificates):
    for wide in (False, True):
        talk = ldap(certificates, wide=wide)
        with Server(talk) as server:
            result = ask(server.port, protocol="ldap", trust_anchors=certificates.anchors())
        assert said(result, "tls.starttls") == ("pass", "ldap: the server agrees to begin TLS")
        assert result["servers"][0]["verified"] is True
        assert talk.heard[0].hex() == "301d02010177188016" + b"1.3.6.1.4.1.1466.20037".hex()


def test_smtp(certificates):
    talk = smtp(certificates)
    with Server(talk) as server:
        result = ask(server.port, protocol="smtp", trust_anchors=certificates.anchors())
    assert said(result, "tls.starttls") == ("pass", "smtp: the server agrees to begin TLS")
    assert result["servers"][0]["verified"] is True
    assert talk.heard[:3] == [b"", b"EHLO [127.0.0.1]\r\n", b"STARTTLS\r\n"]


CUT = "the server closed the connection before {} came to TLS"
CASES = {
    "xmpp: not offered": (
        "xmpp-client",
        xmpp(None, features=NO_TLS, answer=""),
        "STARTTLS is not offered",
        "Is a certificate for corp.test configured that the server can read, and is corp.test one of its hosts?",
    ),
    "xmpp: refused": (
        "xmpp-client",
        xmpp(None, answer=f"<failure xmlns='{NS_TLS}'/></stream:stream>"),
        "the server refused STARTTLS: failure",
        "The server cannot begin TLS. Can it read its certificate and key? Look into its log.",
    ),
    "xmpp: unknown domain": (
        "xmpp-client",
        xmpp(None, features=stream_error("host-unknown"), answer=""),
        "expected stream features, got error / host-unknown",
        "The server does not serve corp.test. Is domain the part of the addresses after the @?",
    ),
    "xmpp: banned": (
        "xmpp-server",
        xmpp(None, "server", stream_error("policy-violation", "Too many failures"), ""),
        "expected stream features, got error / policy-violation: Too many failures",
        "The server has banned this address, mostly after failed logins (mod_fail2ban). Wait or lift the ban.",
    ),
    "xmpp: another protocol": (
        "xmpp-client",
        says(b"220 mail ESMTP\r\n"),
        "this is not XML, so it is no XMPP server: syntax error: line 1, column 0",
        XMPP_PORT,
    ),
    "xmpp: hangs up": (
        "xmpp-client",
        hangs_up,
        CUT.format("XMPP"),
        "Is this the right port for the protocol? Does the server refuse this address? Look into its log.",
    ),
    "ldap: no certificate": (
        "ldap",
        Talk([(LDAP_MARK, extended_response(52, b"00000000: LdapErr: DSID-0C090F6A\0"))]),
        "StartTLS is refused: unavailable (LDAP result 52): 00000000: LdapErr: DSID-0C090F6A",
        "The directory server has no certificate that it can use. Install one; Active Directory takes it at once.",
    ),
    "ldap: unknown": (
        "ldap",
        Talk([(LDAP_MARK, extended_response(2, b"unsupported extended operation"))]),
        "StartTLS is refused: protocolError (LDAP result 2): unsupported extended operation",
        "This directory server knows no StartTLS. Ask its LDAPS port, 636: protocol: tls.",
    ),
    "ldap: odd result": (
        "ldap",
        Talk([(LDAP_MARK, extended_response(99))]),
        "StartTLS is refused: another result (LDAP result 99)",
        "Look into the directory server's log.",
    ),
    "ldap: another protocol": (
        "ldap",
        says(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        'this is not LDAP, the server answers "HTTP/1.1 400 Bad Request"',
        "Is this the right port for the protocol? If the port begins with TLS, use protocol: tls.",
    ),
    "ldap: a TLS port": (
        "ldap",
        says(b"\x15\x03\x01\x00\x02\x02\x46"),
        "this is not LDAP, the server answers bytes 15 03 01 00 02 02 46",
        "Is this the right port for the protocol? If the port begins with TLS, use protocol: tls.",
    ),
    "ldap: another message": (
        "ldap",
        says(b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00"),
        "this is not LDAP, the server answers bytes 30 0c 02 01 01 61 07 0a 01 00 04 00 04 00",
        "Is this the right port for the protocol? If the port begins with TLS, use protocol: tls.",
    ),
    "ldap: cut": (
        "ldap",
        says(extended_response(0)[:9]),
        CUT.format("LDAP"),
        "Is this the right port for the protocol? Does the server refuse this address? Look into its log.",
    ),
    "ldap: hangs up": (
        "ldap",
        hangs_up,
        CUT.format("LDAP"),
        "Is this the right port for the protocol? Does the server refuse this address? Look into its log.",
    ),
    "smtp: refuses us": (
        "smtp",
        says(b"554 5.7.1 no mail from you\r\n", wait=False),
        "the mail server does not want to talk: 554 5.7.1 no mail from you",
        "Look into its log.",
    ),
    "smtp: no EHLO": (
        "smtp",
        Talk([(b"", b"220 hello\r\n"), (b"\n", b"502 5.5.1 not implemented\r\n")]),
        "EHLO is refused: 502 5.5.1 not implemented",
        "Look into the mail server's log.",
    ),
    "smtp: not offered": (
        "smtp",
        Talk([(b"", b"220 hello\r\n"), (b"\n", b"250-mail\r\n250 SIZE 1\r\n")]),
        "STARTTLS is not offered",
        "Has the mail server a certificate and key, and is TLS switched on for this port? Port 465 begins with TLS.",
    ),
    "smtp: refused": (
        "smtp",
        Talk([(b"", b"220 hello\r\n"), (b"\n", b"250 STARTTLS\r\n"), (b"\n", b"454 4.7.0 TLS not available\r\n")]),
        "STARTTLS is refused: 454 4.7.0 TLS not available",
        "Can the mail server read its certificate and key? Look into its log.",
    ),
    "smtp: another protocol": (
        "smtp",
        says(b"SSH-2.0-OpenSSH_9.2\r\n", wait=False),
        'this is not SMTP, the server answers "SSH-2.0-OpenSSH_9.2"',
        "Is this the right port for the protocol? If the port begins with TLS, use protocol: tls.",
    ),
    "smtp: no line end": (
        "smtp",
        says(b"x" * 200_000, wait=False),
        'this is not SMTP, the server answers "' + "x" * 60 + '"',
        "Is this the right port for the protocol? If the port begins with TLS, use protocol: tls.",
    ),
    "smtp: never ends": (
        "smtp",
        says(b"220-hello\r\n" * 500, wait=False),
        'this is not SMTP, the server answers "220-hello"',
        "Is this the right port for the protocol? If the port begins with TLS, use protocol: tls.",
    ),
    "smtp: hangs up": (
        "smtp",
        hangs_up,
        CUT.format("SMTP"),
        "Is this the right port for the protocol? Does the server refuse this address? Look into its log.",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_refusals(case):
    protocol, serve, evidence, hint = CASES[case]
    with Server(serve) as server:
        result = ask(server.port, protocol=protocol, domain="corp.test", server_name=None)
    assert said(result, "tls.tcp") == ("pass", "connected")
    assert said(result, "tls.starttls") == ("fail", evidence)
    assert result["by_id"]["tls.starttls"]["hint"] == hint
    for id_ in ("tls.session", "tls.versions", "tls.handshake", "tls.sni", "tls.certificate"):
        assert said(result, id_) == ("skip", f"no TLS: {evidence}")


@pytest.mark.parametrize("protocol", ["xmpp-client", "xmpp-server", "ldap", "smtp"])
def test_silence(protocol):
    with Server(silent) as server:
        result = ask(server.port, protocol=protocol, domain="corp.test", timeout=0.2)
    assert said(result, "tls.starttls") == (
        "fail",
        f"the server took the connection and did not speak {protocol} within 0.2 s",
    )
    assert result["by_id"]["tls.starttls"]["hint"] == (
        "Is this the right port for the protocol? A port that begins with TLS waits for the client: protocol: tls."
    )


def test_it_agrees_and_hangs_up():
    with Server(Talk([(LDAP_MARK, extended_response(0))])) as server:
        result = ask(server.port, protocol="ldap")
    assert said(result, "tls.starttls")[0] == "pass"
    assert said(result, "tls.session") == ("fail", "the server closed the connection at the first word of TLS")
    assert "STARTTLS" not in result["by_id"]["tls.session"]["hint"]


def test_the_answer_of_a_directory():
    for wide in (False, True):
        answer = extended_response(53, b"no\r\n way", wide)
        assert ldap_result(answer) == (53, "no way")
        for length in range(1, len(answer)):
            with pytest.raises(IndexError):
                ldap_result(answer[:length])
    notice = der(0x0A, b"\x34") + der(0x04, b"") + der(0x04, b"bye") + der(0x8A, b"1.3.6.1.4.1.1466.20036")
    assert ldap_result(der(0x30, der(0x02, b"\0") + der(0x78, notice))) == (52, "notice of disconnection bye")
    for wrong in (
        b"\x31\x00",
        b"\x30\x80",
        b"\x30\x86\0\0\0\0\0\1",
        b"\x30\x84\x7f\0\0\0",
        b"\x30\x05\x02\x01\x01\x79\x00",
        # Whole, with something in it that is not: more will never come.
        b"\x30\x00",
        b"\x30\x03\x02\x01\x01",
        b"\x30\x05\x02\x01\x01\x78\x09",
        b"\x30\x06\x02\x01\x01\x78\x01\x0a",
    ):
        with pytest.raises(ValueError):
            ldap_result(wrong)


def test_the_name_of_the_server_is_not_the_domain(certificates):
    """What is verified in XMPP is the domain, whatever the host is called."""
    with Server(xmpp(certificates)) as server:
        result = ask(
            server.port,
            host="127.0.0.1",
            protocol="xmpp-client",
            domain="corp.test",
            server_name=None,
            dns_names=[NAME],
            trust_anchors=certificates.anchors(),
        )
    assert said(result, "tls.handshake") == ("pass", "OpenSSL: the certificate is valid for corp.test")
    assert said(result, "certificate.names")[0] == "fail"
    assert result["by_id"]["tls.tcp"]["subject"] == f"corp.test at 127.0.0.1:{server.port}"


def test_a_name_without_end():
    """What a stranger calls his elements ends in a text, and one name may have a megabyte."""
    element = ET.Element("{urn:x}" + "a" * 5000)
    ET.SubElement(element, "b" * 5000)
    assert stream._say(element) == f"{'a' * 80} / {'b' * 80}"
