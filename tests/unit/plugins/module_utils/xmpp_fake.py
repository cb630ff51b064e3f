# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A scripted XMPP server on 127.0.0.1, and certificates made when the tests run."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import dataclasses
import datetime
import ssl
import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ansible_collections.onprem.chat.plugins.module_utils._xmpp import discovery
from ansible_collections.onprem.chat.plugins.module_utils._xmpp.settings import Service

DAY = datetime.timedelta(days=1)


class Authority:
    """A small CA that writes what it makes into a directory."""

    def __init__(self, directory, name="Test CA"):
        self.directory = directory
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = self._sign(self.name, self.key.public_key(), [], ca=True)
        self.path = directory / f"{name.replace(' ', '-').lower()}.crt"
        self.path.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def context(self, *names, start=-1, end=90):
        """A server's TLS context with a fresh certificate for these names; start and end count days from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        leaf = self._sign(subject, key.public_key(), names, start=start, end=end)
        path = self.directory / f"{leaf.serial_number}.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + leaf.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _sign(self, subject, public_key, names, ca=False, start=-1, end=90):
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + start * DAY)
            .not_valid_after(now + end * DAY)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            # Python 3.13 verifies strictly (RFC 5280): without these it refuses the chain for another reason than the tested one.
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )
        if ca:
            signs = dict.fromkeys(("key_cert_sign", "crl_sign"), True)
            other = (
                "digital_signature",
                "content_commitment",
                "key_encipherment",
                "data_encipherment",
                "key_agreement",
            )
            usage = x509.KeyUsage(**signs, **dict.fromkeys((*other, "encipher_only", "decipher_only"), False))
            builder = builder.add_extension(usage, critical=True)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), False)
        return builder.sign(self.key, hashes.SHA256())


@dataclasses.dataclass
class FakeServer:
    """What the server is and does; every attribute is one thing that a test may want to be different."""

    tls: ssl.SSLContext | None = None
    starttls: str = "required"  # or "optional", or "" for none
    before: tuple = ()  # SASL mechanisms without TLS
    after: tuple = ("PLAIN",)
    register: bool = False  # advertise registration
    form: bool = False  # answer a stranger's question for the form
    passwords: dict = dataclasses.field(default_factory=dict)  # user -> password; "*" accepts everything
    refusal: str = "not-authorized"
    refusal_text: str = ""
    hang: str = ""  # "stream", "tls", "auth": never answer that
    speaks: bytes = b""  # say this at once and nothing else
    deliver: bool = True
    archives: bool = True
    names: dict = dataclasses.field(default_factory=dict)  # user -> FN
    received: list = dataclasses.field(default_factory=list)  # tags in the order in which they came
    sessions: dict = dataclasses.field(default_factory=dict)
    archive: list = dataclasses.field(default_factory=list)

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self._writers = []
        return self

    async def __aexit__(self, *exc):
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader, writer):
        self._writers.append(writer)
        with contextlib.suppress(ConnectionError, ssl.SSLError, asyncio.IncompleteReadError, ET.ParseError):
            await _Connection(self, reader, writer).run()
        writer.transport.abort()


class _Connection:
    def __init__(self, server, reader, writer):
        self.server, self.reader, self.writer = server, reader, writer
        self.secure = False
        self.user = ""
        self.jid = ""

    async def run(self):
        if self.server.speaks:
            await self.send(self.server.speaks.decode())
            await self.reader.read()
            return
        self.restart()
        while (data := await self.reader.read(4096)) != b"":
            self.parser.feed(data)
            for event, element in self.parser.read_events():
                if event == "start":
                    self.depth += 1
                    if self.depth == 1:
                        await self.open()
                    continue
                self.depth -= 1
                if self.depth == 0:
                    return
                if self.depth == 1 and await self.handle(element) == "restart":
                    self.restart()
                    break

    def restart(self):
        self.parser = ET.XMLPullParser(["start", "end"])
        self.depth = 0

    async def send(self, text):
        self.writer.write(text.encode())
        await self.writer.drain()

    async def open(self):
        server = self.server
        if server.hang == "stream":
            return
        offer = ""
        if self.user:
            offer = "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"
        else:
            if server.starttls and not self.secure:
                required = "<required/>" if server.starttls == "required" else ""
                offer += f"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'>{required}</starttls>"
            mechanisms = server.after if self.secure else server.before
            if mechanisms:
                inner = "".join(f"<mechanism>{m}</mechanism>" for m in mechanisms)
                offer += f"<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>{inner}</mechanisms>"
            if server.register:
                offer += "<register xmlns='http://jabber.org/features/iq-register'/>"
        await self.send(
            "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='1' version='1.0'"
            f" from='corp.test'><stream:features>{offer}</stream:features>"
        )

    async def handle(self, element):
        kind = element.tag.rpartition("}")[2]
        self.server.received.append(kind)
        return await getattr(self, f"on_{kind}", self.ignore)(element)

    async def ignore(self, element):
        return None

    async def on_starttls(self, element):
        if self.server.hang == "tls":
            return None
        await self.send("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        await self.writer.start_tls(self.server.tls)
        self.secure = True
        return "restart"

    async def on_auth(self, element):
        server = self.server
        if server.hang == "auth":
            return None
        _authzid, user, password = base64.b64decode(element.text).decode().split("\0")
        if server.passwords.get(user) not in (password, "*"):
            text = f"<text>{escape(server.refusal_text.replace('PASSWORD', password))}</text>"
            await self.send(f"<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><{server.refusal}/>{text}</failure>")
            return None
        self.user = user
        await self.send("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")
        return "restart"

    async def on_iq(self, element):
        child, id_ = element[0], element.get("id")
        namespace = child.tag.partition("}")[0][1:]
        if namespace == "jabber:iq:register":
            kind, body = ("result", f"<query xmlns='{namespace}'/>") if self.server.form else ("error", "")
            await self.send(f"<iq type='{kind}' id='{id_}'>{body}</iq>")
        elif namespace == "urn:ietf:params:xml:ns:xmpp-bind":
            self.jid = f"{self.user}@corp.test/{child.findtext(f'{{{namespace}}}resource')}"
            self.server.sessions[self.jid] = self
            await self.send(f"<iq type='result' id='{id_}'><bind xmlns='{namespace}'><jid>{self.jid}</jid></bind></iq>")
        elif namespace == "vcard-temp":
            name = self.server.names.get(self.user)
            inner = f"<FN>{escape(name)}</FN>" if name else ""
            await self.send(f"<iq type='result' id='{id_}'><vCard xmlns='vcard-temp'>{inner}</vCard></iq>")
        elif namespace == "urn:xmpp:mam:2":
            await self.on_archive(child, namespace, id_)

    async def on_archive(self, query, namespace, id_):
        if not self.server.archives:
            await self.send(
                f"<iq type='error' id='{id_}'><error type='cancel'>"
                "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
            )
            return
        for body in self.server.archive:
            await self.send(
                f"<message to='{self.jid}'><result xmlns='{namespace}' queryid='{query.get('queryid')}'>"
                f"<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'><body>{body}</body></message>"
                "</forwarded></result></message>"
            )
        await self.send(f"<iq type='result' id='{id_}'><fin xmlns='{namespace}'/></iq>")

    async def on_message(self, element):
        body = element.findtext("{jabber:client}body")
        self.server.archive.append(body)
        if self.server.deliver:
            to = element.get("to")
            await self.server.sessions[to].send(
                f"<message type='chat' from={quoteattr(self.jid)} to={quoteattr(to)}><body>{body}</body></message>"
            )


class FakeResolver:
    """Answers from a table: SRV name -> Answer or list of Service; every target is 127.0.0.1 unless told otherwise."""

    def __init__(self, table=None, targets=None):
        self.table = table or {}
        self.targets = targets or {}
        self.asked = []

    async def services(self, name):
        self.asked.append(name)
        found = self.table.get(name)
        if isinstance(found, discovery.Answer):
            return found
        return discovery.Answer(name, discovery.FOUND if found else discovery.ABSENT, tuple(found or ()))

    async def target(self, service):
        self.asked.append(service.target)
        return self.targets.get(service.target) or discovery.Target(service, ("127.0.0.1",))


def one_server(port, host="chat.corp.test"):
    """A resolver that knows one client service."""
    return FakeResolver({"_xmpp-client._tcp.corp.test": [Service(5, 0, port, host)]})
